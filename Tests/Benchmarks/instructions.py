"""Instructions that the gateway needs for a request: a number that other programs on the machine do not change.

Valgrind counts those of the gateway's process, in user space, from its start to its end; two runs with different
numbers of requests differ by the requests alone. Cachegrind without its caches is the cheapest of valgrind's counters.
"""

import re
import shutil
import subprocess
from pathlib import Path

from chats import chat_request
from generator import Generator
from ways import LOAD_CORE, ONE_TARGET, PROXY_CORE, Way

from servers import Gantry, Upstream

#: The first requests of a process pay for caches; both runs have as many of them.
_FEW, _MANY = 300, 1300
_START_SECONDS = 90
_RUN_SECONDS = 120
_STOP_SECONDS = 60
_VALGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
_HERE = Path(__file__).resolve().parent


def per_request(build: Path, plugins: Path, folder: Path) -> float:
    """Instructions for a chat with one managed file, one at a time."""
    programs = _without_debug_information(build, folder / "programs")
    preload = folder / "sigsuspend.so"
    source = str(_HERE / "sigsuspend.c")
    subprocess.run(["gcc", "-shared", "-fPIC", "-O2", "-o", str(preload), source], check=True)
    few, many = (_count(build, programs, plugins, folder / f"{count}", preload, count) for count in (_FEW, _MANY))
    return (many - few) / (_MANY - _FEW)


def _without_debug_information(build: Path, folder: Path) -> Path:
    """Copies of the executable and the plugins that valgrind 3.19 can load: it stumbles over Swift's DWARF 5."""
    folder.mkdir(parents=True)
    for file in (build / "gantry", *build.glob("libgantry-plugin-*.so")):
        subprocess.run(["objcopy", "--strip-debug", str(file), str(folder / file.name)], check=True)
    shutil.copymode(build / "gantry", folder / "gantry")
    return folder


def _count(build: Path, programs: Path, plugins: Path, folder: Path, preload: Path, requests: int) -> int:
    folder.mkdir()
    upstream = Upstream(build, folder / "upstream", LOAD_CORE, 0)
    try:
        environment = {"LD_PRELOAD": str(preload), "SWIFT_BACKTRACE": "enable=no"}
        gantry = Gantry(programs, plugins, folder / "gantry", PROXY_CORE, upstream.port, _VALGRIND, environment)
        try:
            gantry.wait(_START_SECONDS)
            way = Way("gantry", gantry.port, gantry, files=[gantry.upload(ONE_TARGET)])
            generator = Generator(build, folder, LOAD_CORE)
            generator.run(gantry.port, chat_request(way, files=1), 1, _RUN_SECONDS, requests=requests)
        finally:
            gantry.stop(_STOP_SECONDS)
    finally:
        upstream.stop()
    found = re.search(r"I\s+refs:\s+([\d,]+)", gantry.log.read_text(errors="replace"))
    if not found:
        raise SystemExit(f"bench: valgrind printed no number of instructions: {gantry.output()}")
    return int(found[1].replace(",", ""))
