"""A registry full of files, written past the gateway into tables that it has made itself."""

import random
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from support.postgresql import Database

LARGE_OWNER = "large-owner"
LARGE_TEAM = "large-team"
SMALL_TEAMS = [f"small-team-{number:02}" for number in range(20)]
OWNERS = 1000
RARE = 100
RARE_PURPOSE = "fine-tune"
#: As the gateway writes them, without spaces.
_TARGET_NAMES = '["gpt-4o-mini-openai","gemini-2.0-flash"]'

_FILE_COLUMNS = (
    "id, created_us, owner_kind, owner_id, team_id, purpose, filename, mime_type, size_in_bytes, sha256, "
    "target_names, status, expires_at, updated_at"
)
_TARGET_COLUMNS = "file_id, deployment_id, created_us, owner_kind, owner_id, team_id"
_COPY_COLUMNS = "file_id, deployment_id, place, provider_id, state, expires_at, begun_at, updated_at"


@dataclass(slots=True)
class SeededFile:
    """What the questions turn on; everything else of a file is made up when it is written."""

    id: bytes
    created_us: int
    owner: str
    team: str | None
    purpose: str
    deployments: tuple[str, str]
    status: str = "ready"
    expires_at: int | None = None


@dataclass
class Million:
    """The files, oldest first: always the same ones for one number, but for the time at which they were made."""

    count: int
    now: int = field(default_factory=lambda: int(time.time()))

    def __post_init__(self) -> None:
        dice = random.Random(self.count)
        step = 90 * 86_400 * 1_000_000 // self.count
        start = (self.now - 91 * 86_400) * 1_000_000
        self.files = [self._file(dice, start + step * number) for number in range(self.count)]
        candidates = [file for file in self.files if file.owner == LARGE_OWNER and file.status == "ready"]
        chosen = dice.sample(candidates, 2 * RARE)
        for file in chosen[:RARE]:
            file.purpose = RARE_PURPOSE
        for file in chosen[RARE:]:
            file.deployments = ("openai-main", "openai-rare")

    def _file(self, dice: random.Random, created_us: int) -> SeededFile:
        """Half of all files are one owner's; of the others a fifth are of one team and a fifth of twenty."""
        owner, team = LARGE_OWNER, None
        if dice.random() < 0.5:
            owner = f"owner-{dice.randrange(OWNERS):04}"
            kind = dice.randrange(5)
            team = LARGE_TEAM if kind == 0 else dice.choice(SMALL_TEAMS) if kind == 1 else None
        return SeededFile(
            id=dice.randbytes(16),
            created_us=created_us,
            owner=owner,
            team=team,
            purpose=dice.choices(("user_data", "assistants", "batch"), (70, 20, 10))[0],
            deployments=("openai-main", dice.choices(("vertex-main", "openai-second"), (60, 40))[0]),
            status="deleted" if dice.random() < 0.01 else "ready",
            expires_at=self.now + 10 * 86_400 if dice.random() < 0.1 else None,
        )

    def file_rows(self) -> Iterator[tuple]:
        for file in self.files:
            name = file.id.hex()
            yield (
                *(file.id, file.created_us, "user", file.owner, file.team, file.purpose, f"report-{name[:8]}.pdf"),
                *("application/pdf", 123_456, name + name, _TARGET_NAMES),
                *(file.status, file.expires_at, self.now),
            )

    def copy_rows(self) -> Iterator[tuple]:
        for file in self.files:
            if file.status != "ready":
                continue
            made_at = file.created_us // 1_000_000
            for place, deployment in enumerate(file.deployments):
                provider_id = _provider_id(deployment, file.id)
                yield (file.id, deployment, place, provider_id, "ready", None, made_at, made_at)

    def target_rows(self) -> Iterator[tuple]:
        for file in self.files:
            if file.status == "ready":
                for deployment in file.deployments:
                    yield (file.id, deployment, file.created_us, "user", file.owner, file.team)


def _provider_id(deployment: str, file_id: bytes) -> str:
    """An id in the provider's form, of an object that does not exist."""
    if deployment == "vertex-main":
        return f"gs://sim-main/gantry/{file_id.hex()}"
    return f"file-{deployment.removeprefix('openai-')}{file_id.hex()[:20]}"


def fill_sqlite(path: Path, million: Million) -> None:
    """Writes the files into the database file of a gateway that does not run."""
    connection = sqlite3.connect(path, isolation_level=None)
    for setting in ("synchronous = OFF", "cache_size = -1000000", "foreign_keys = OFF"):
        connection.execute(f"PRAGMA {setting}")
    connection.execute("BEGIN")
    connection.executemany(f"INSERT INTO files ({_FILE_COLUMNS}) VALUES ({_places(14)})", million.file_rows())
    connection.executemany(f"INSERT INTO file_copies ({_COPY_COLUMNS}) VALUES ({_places(8)})", million.copy_rows())
    connection.executemany(f"INSERT INTO file_targets ({_TARGET_COLUMNS}) VALUES ({_places(6)})", million.target_rows())
    connection.execute("COMMIT")
    connection.execute("ANALYZE")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


def _places(count: int) -> str:
    return ", ".join("?" * count)


def fill_postgresql(database: Database, million: Million) -> None:
    """The same through `COPY`; foreign keys are checked as always."""
    _copy(database, f"files ({_FILE_COLUMNS})", million.file_rows())
    _copy(database, f"file_copies ({_COPY_COLUMNS})", million.copy_rows())
    _copy(database, f"file_targets ({_TARGET_COLUMNS})", million.target_rows())
    _psql(database, "VACUUM ANALYZE files", "VACUUM ANALYZE file_copies", "VACUUM ANALYZE file_targets")


def _copy(database: Database, table: str, rows: Iterator[tuple]) -> None:
    child = subprocess.Popen(
        _command(database, f"COPY {table} FROM STDIN"),
        env=_environment(database),
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with child.stdin:
        for row in rows:
            child.stdin.write("\t".join(map(_text, row)) + "\n")
    errors = child.stderr.read()
    if child.wait() != 0:
        raise SystemExit(f"listing: filling {table} failed: {errors}")


def _psql(database: Database, *statements: str) -> None:
    subprocess.run(_command(database, *statements), env=_environment(database), check=True, capture_output=True)


def _command(database: Database, *statements: str) -> list[str]:
    server = database.server
    target = ["--host", "127.0.0.1", "--port", str(server.port), "--username", "gantry", "--dbname", database.name]
    commands = [part for statement in statements for part in ("--command", statement)]
    return ["psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", *target, *commands]


def _environment(database: Database) -> dict[str, str]:
    return {"PGPASSWORD": database.server.password, "PATH": "/usr/bin:/bin", "LC_ALL": "C"}


def _text(value: object) -> str:
    """A value in the text format of `COPY`."""
    if value is None:
        return r"\N"
    if isinstance(value, bytes):
        return r"\\x" + value.hex()
    return str(value)
