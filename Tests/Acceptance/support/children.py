"""What a process holds: its descriptors, its children and their memory, as the kernel says in /proc."""

import re
from pathlib import Path


def descriptors(process: int) -> list[str]:
    """What its open descriptors lead to."""
    found = []
    for link in Path(f"/proc/{process}/fd").iterdir():
        try:
            found.append(str(link.readlink()))
        except FileNotFoundError:
            continue
    return sorted(found)


def children(process: int) -> dict[int, str]:
    """The living and the dead children of a process, each with its name and its state, such as `gantry-worker S`."""
    found = {}
    for task in Path(f"/proc/{process}/task").iterdir():
        try:
            ids = (task / "children").read_text().split()
        except FileNotFoundError:
            continue
        for child in map(int, ids):
            try:
                status = Path(f"/proc/{child}/stat").read_text()
            except (FileNotFoundError, ProcessLookupError):
                continue
            match = re.match(r"\d+ \((.*)\) (\S)", status, re.DOTALL)
            assert match, status
            found[child] = f"{match[1]} {match[2]}"
    return found


def workers(process: int) -> list[int]:
    """The living workers of a gateway."""
    return [
        child for child, state in children(process).items() if state.startswith("gantry-worker ") and state[-1] != "Z"
    ]


def memory(process: int) -> list[tuple[str, bytes]]:
    """All that can be read of a process's memory, in regions with their lines of /proc/PID/maps."""
    found = []
    lines = Path(f"/proc/{process}/maps").read_text().splitlines()
    with Path(f"/proc/{process}/mem").open("rb", buffering=0) as memory_file:
        for line in lines:
            start, end, rights = re.match(r"([0-9a-f]+)-([0-9a-f]+) (\S+)", line).groups()
            if "r" not in rights or line.endswith(("[vvar]", "[vsyscall]", "[vvar_vclock]")):
                continue
            found.append((line, _region(memory_file, int(start, 16), int(end, 16))))
    return found


def _region(file, start: int, end: int) -> bytes:
    pieces = []
    while start < end:
        try:
            file.seek(start)
            piece = file.read(min(end - start, 16 << 20))
        except OSError:
            # Pages past the end of a mapped file cannot be read.
            break
        if not piece:
            break
        pieces.append(piece)
        start += len(piece)
    return b"".join(pieces)
