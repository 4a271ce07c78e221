"""The registry's SQLite file, read while a gateway runs and changed while none does."""

import sqlite3
from contextlib import closing
from pathlib import Path


def rows(data: Path, statement: str, *arguments: object) -> list[tuple]:
    """What a query gives; the gateway on this folder may run."""
    address = f"file:{data / 'gantry.sqlite'}?mode=ro"
    with closing(sqlite3.connect(address, uri=True, timeout=5)) as registry:
        return registry.execute(statement, arguments).fetchall()


def change(data: Path, statement: str, *arguments: object) -> int:
    """Changes rows and returns how many; no gateway may run on this folder."""
    with closing(sqlite3.connect(data / "gantry.sqlite", timeout=5)) as registry, registry:
        return registry.execute(statement, arguments).rowcount


def unfinished(data: Path) -> list[tuple]:
    """The files and copies that a sweep still has to finish."""
    return rows(
        data,
        "SELECT status, 'file' FROM files WHERE status NOT IN ('ready', 'deleted', 'expired') "
        "UNION ALL SELECT state, 'copy' FROM file_copies WHERE state <> 'ready'",
    )
