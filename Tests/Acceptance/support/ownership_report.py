"""The ownership matrix as a page to read: made from the rules, never from answers."""

from collections.abc import Iterable
from pathlib import Path

from .gateway import ROOT
from .ownership import ASKERS, FILES, IDS, PLACES, RULES, Place, columns, expected
from .ownership_subjects import ACCESS, REPEATED, ROWS, SUBJECTS, Row, expected_of_repeat
from .ownership_subjects import expected as expected_of_subject

PATH = ROOT / "Tests" / "Reports" / "ownership.md"

_HEAD = """\
# Who may do what with whose file

Made by `Tests/Acceptance/test_ownership.py`, which asks every cell below of a running gateway; with `GANTRY_REPORTS=1` it
writes this page. The cells are what the rules say, and a test fails where an answer differs.

Besides its status and code every answer is checked not to hold what a file is called at a provider, the digest, name or
owner of a file that the asker may not read, or a key. After every refusal all files are as they were, for their owners and
at the providers, and no provider was asked. `sent` means that a provider was asked, exactly once; `400 sent` that it has no
file in that place and says so, with the file's own id there put in place of the gateway's.
"""


def _table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> list[str]:
    lines = [f"| {' | '.join(map(str, head))} |"]
    lines.append("|" + " --- |" * (lines[0].count("|") - 1))
    return lines + [f"| {' | '.join(map(str, row))} |" for row in rows]


def _grouped(tables: Iterable[tuple[str, str, list[str]]]) -> list[str]:
    """One section for each group, and in it one table for all places that have the same."""
    sections: dict[str, dict[str, list[str]]] = {}
    for group, title, table in tables:
        sections.setdefault(group, {}).setdefault("\n".join(table), []).append(title)
    lines = []
    for group, found in sections.items():
        lines += [f"## {group[0].upper()}{group[1:]}", ""]
        for table, titles in found.items():
            lines += [*(f"- `{title}`" for title in titles), "", table, ""]
    return lines


def _table_of_place(place: Place) -> list[str]:
    head = ["", *(what.name for what in columns(place))]
    return _table(head, ([asker.name, *(expected(place, asker, what) for what in columns(place))] for asker in ASKERS))


def _table_of_row(row: Row) -> list[str]:
    cells = ([expected_of_subject(row, asker, column) or "" for column in row.columns] for asker in ASKERS)
    return _table(["", *row.columns], ([asker.name, *some] for asker, some in zip(ASKERS, cells, strict=True)))


def _table_of_repeats() -> list[str]:
    kinds = [(first, is_same) for first in REPEATED for is_same in (True, False)]
    head = ["", *(f"first by {first}, then {'the same' if is_same else 'another'}" for first, is_same in kinds)]
    return _table(
        head, ([asker.name, *(expected_of_repeat(first, asker, one) for first, one in kinds)] for asker in ASKERS)
    )


def count() -> dict[str, int]:
    """How many cells there are."""
    cells = sum(len(ASKERS) * len(columns(place)) for place in PLACES)
    subjects = sum(
        expected_of_subject(row, asker, one) is not None for row in ROWS for asker in ASKERS for one in row.columns
    )
    repeats = len(ASKERS) * len(REPEATED) * 2
    return {
        f"places for ids ({len(PLACES)})": cells,
        f"routes without file ids ({len(ROWS)})": subjects,
        "repeated uploads": repeats,
        "all": cells + subjects + repeats,
    }


def rendered() -> str:
    """The whole page."""
    lines = [_HEAD, *_table(["cells", "count"], count().items()), "", "## Askers", ""]
    lines += _table(["asker", "who that is"], ((asker.name, asker.about) for asker in ASKERS))
    lines += ["", "## Files", "", *_table(["file", "made by"], ((file.name, file.maker) for file in FILES))]
    lines += ["", "## Ids", "", *_table(["id", "what it is"], ((one.name, one.about) for one in IDS))]
    lines += ["", "## Rules", "", "The first that applies decides.", ""]
    lines += [f"{number}. {text} `{outcome}`" for number, (text, _, outcome) in enumerate(RULES, 1)]
    lines += ["", *_grouped((place.group, place.name, _table_of_place(place)) for place in PLACES)]
    lines += ["# Routes without file ids", "", *_table(["column", "what is named"], SUBJECTS.items()), ""]
    lines += _grouped((_title(row), str(row), _table_of_row(row)) for row in ROWS)
    lines += ["## Uploads repeated with one Idempotency-Key", "", *_table_of_repeats()]
    return "\n".join(lines) + "\n"


def _title(row: Row) -> str:
    text = ACCESS[row.access].__doc__
    return f"for {row.access}" + (f": {text}" if text and not text.startswith("Built-in") else "")


def write(path: Path = PATH) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(rendered())
