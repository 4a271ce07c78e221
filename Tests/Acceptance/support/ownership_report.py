"""The ownership matrix as a page to read: made from the rules, never from answers."""

from collections.abc import Iterable
from pathlib import Path

from .gateway import ROOT
from .ownership import ASKERS, FILES, IDS, PLACES, RULES, Place, columns, expected
from .ownership_objects import OBJECT_IDS, OBJECT_PLACES, ObjectPlace, object_ids
from .ownership_objects import expected as expected_of_object
from .ownership_subjects import ACCESS, REPEATED, ROWS, SUBJECTS, Row, expected_of_repeat
from .ownership_subjects import expected as expected_of_subject

PATH = ROOT / "Tests" / "Reports" / "ownership.md"

_HEAD = """\
# Who may do what with whose file

Made by `Tests/Acceptance/test_ownership.py`, which asks every cell below of a running gateway; with
`GANTRY_REPORTS=1` it writes this page. The cells are what the rules say; a test fails where an answer differs.

Besides its status and code every answer is checked not to hold what a file is called at a provider, a key, or the
digest, name or owner of a file that the asker may not read. After every refusal all files are as they were, for
their owners and at the providers, and no provider was asked. `sent` means that a provider was asked, exactly once;
`400 sent` that it takes no file in that place and says so.
"""


def _table(head: Iterable[object], rows: Iterable[Iterable[object]]) -> list[str]:
    lines = [f"| {' | '.join(map(str, head))} |"]
    lines.append("|" + " --- |" * (lines[0].count("|") - 1))
    return lines + [f"| {' | '.join(map(str, row))} |" for row in rows]


def _grouped(tables: Iterable[tuple[str, list[str]]], heading: str) -> list[str]:
    """One table for all that have the same; under each heading what it is of."""
    found: dict[str, list[str]] = {}
    for title, table in tables:
        found.setdefault("\n".join(table), []).append(title)
    lines = []
    for number, (table, titles) in enumerate(found.items(), 1):
        lines += [f"### {heading} {number}", "", *(f"- {title}" for title in titles), "", table, ""]
    return lines


def _table_of_place(place: Place) -> list[str]:
    head = ["", *(what.name for what in columns(place))]
    return _table(head, ([asker.name, *(expected(place, asker, what) for what in columns(place))] for asker in ASKERS))


def _table_of_object(place: ObjectPlace) -> list[str]:
    ids = object_ids(place.kind)
    head = ["", *(what.name for what in ids)]
    cells = ([expected_of_object(place, asker, what) for what in ids] for asker in ASKERS)
    return _table(head, ([asker.name, *some] for asker, some in zip(ASKERS, cells, strict=True)))


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
    asked = ((row, asker, column) for row in ROWS for asker in ASKERS for column in row.columns)
    subjects = sum(expected_of_subject(*cell) is not None for cell in asked)
    objects = sum(len(object_ids(place.kind)) for place in OBJECT_PLACES) * len(ASKERS)
    repeats = len(ASKERS) * len(REPEATED) * 2
    return {
        f"places for ids ({len(PLACES)})": cells,
        f"routes without file ids ({len(ROWS)})": subjects,
        f"places for ids of objects ({len(OBJECT_PLACES)})": objects,
        "repeated uploads": repeats,
        "all": cells + subjects + objects + repeats,
    }


def rendered() -> str:
    """The whole page."""
    lines = [_HEAD, *_table(["cells", "count"], count().items()), "", "## Askers", ""]
    lines += _table(["asker", "who that is"], ((asker.name, asker.about) for asker in ASKERS))
    lines += ["", "## Files", "", *_table(["file", "made by"], ((file.name, file.maker) for file in FILES))]
    lines += ["", "## Ids", "", *_table(["id", "what it is"], ((one.name, one.about) for one in IDS))]
    lines += ["", "## Rules", "", "The first that applies decides.", ""]
    lines += [f"{number}. {text} `{outcome}`" for number, (text, _, outcome) in enumerate(RULES, 1)]
    lines += ["", "## Places for ids", "", "Places with the same cells share a table.", ""]
    lines += _grouped(((f"{place.group}: `{place.name}`", _table_of_place(place)) for place in PLACES), "Places")
    lines += ["## Places for ids of objects", ""]
    lines += _table(["id", "what it is"], ((one.name, one.about) for one in OBJECT_IDS))
    tables = ((f"`{place.name}`", _table_of_object(place)) for place in OBJECT_PLACES)
    lines += ["", *_grouped(tables, "Objects")]
    lines += ["## Routes without file ids", "", *_table(["column", "what is named"], SUBJECTS.items()), ""]
    lines += _table(["rule", "who may"], ((name, rule.__doc__) for name, rule in ACCESS.items()))
    lines += ["", *_grouped(((f"`{row}`: {row.access}", _table_of_row(row)) for row in ROWS), "Routes")]
    lines += ["## Uploads repeated with one Idempotency-Key", "", *_table_of_repeats()]
    return "\n".join(lines) + "\n"


def write(path: Path = PATH) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(rendered())
