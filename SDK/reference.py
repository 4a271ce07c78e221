#!/usr/bin/env python3
"""Writes the ABI's reference, SDK/ABI.md, from the headers' comments; with --check only says if it is current."""

import re
import sys
from pathlib import Path

SDK = Path(__file__).parent
HEADERS = [
    path
    for name in ("gantry_plugin.h", "gantry_functions.h")
    if (path := SDK / "CGantryPlugin/include" / name).exists()
]
REFERENCE = SDK / "ABI.md"
INTRODUCTION = """# The plugin ABI

Made by `SDK/reference.py` from the comments of the headers; change those, not this page. How to write, build and check
an adapter stands in [README.md](README.md).
"""


def blocks(header: str) -> list[tuple[str, str]]:
    """The header's comments, each with the declarations that follow it up to the next comment at a line's beginning."""
    body = header.split("#endif\n", 1)[-1] if "extern" not in header else header
    found: list[tuple[str, list[str]]] = []
    lines = iter(body.splitlines())
    for line in lines:
        if line.startswith("/*"):
            comment = line
            while "*/" not in comment.splitlines()[-1]:
                comment += "\n" + next(lines)
            found.append((comment, []))
        elif found:
            found[-1][1].append(line)
    return [(text_of(comment), declarations("\n".join(code))) for comment, code in found]


def text_of(comment: str) -> str:
    """A comment without its signs."""
    inner = comment.removeprefix("/*").rsplit("*/", 1)[0]
    return "\n".join(re.sub(r"^ \* ?", "", line) for line in inner.splitlines()).strip(" \n")


def declarations(code: str) -> str:
    """What an author reads of the code: no guards and nothing of C++."""
    code = re.sub(r"#ifdef __cplusplus\n.*?#endif\n?", "", code, flags=re.DOTALL)
    code = re.sub(r"^#(ifndef|endif|include|if|else|define GANTRY_EXPORT).*\n?", "", code, flags=re.MULTILINE)
    code = re.sub(r"^#define \w+_H$\n?", "", code, flags=re.MULTILINE)
    return re.sub(r"\n{2,}", "\n", code).strip("\n")


def is_table(text: str) -> bool:
    """Whether a comment is set in columns, which Markdown would run together."""
    return sum(bool(re.search(r"\S {3,}\S", line)) for line in text.splitlines()) > 2


def section(text: str, code: str) -> str:
    """One part of the page."""
    if match := re.fullmatch(r"-+ (.*?) -+", text):
        return f"## {match[1].capitalize()}\n\n" + (f"```c\n{code}\n```\n" if code else "")
    shown = f"```\n{text}\n```" if is_table(text) else text
    return f"{shown}\n" + (f"\n```c\n{code}\n```\n" if code else "")


def reference() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for header in HEADERS:
        parts.append(f"# {header.name}\n")
        parts += [section(text, code) for text, code in blocks(header.read_text())]
    return "\n".join(parts)


def main() -> int:
    """Writes or checks the page."""
    page = reference()
    if "--check" not in sys.argv[1:]:
        REFERENCE.write_text(page)
        return 0
    if REFERENCE.exists() and REFERENCE.read_text() == page:
        return 0
    print(f"{REFERENCE.name} is not what the headers say: run SDK/reference.py.", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
