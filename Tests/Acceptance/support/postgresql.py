"""A PostgreSQL server of the tests' own, which ends with them whatever happens to them."""

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
from itertools import count
from pathlib import Path

from .processes import Process

_ROLE = "gantry"
_READY = r"database system is ready to accept connections"

#: Nothing of these tests has to survive the end of the machine; the end of the process it does survive.
_SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "listen_addresses": "127.0.0.1",
    "password_encryption": "scram-sha-256",
    "max_connections": "100",
    "timezone": "UTC",
    "log_min_messages": "warning",
}


class PostgreSQL:
    """A running server with one role; a test takes a fresh database of it."""

    def __init__(self) -> None:
        self._binaries = _binaries()
        self._as_user = _as_unprivileged_user()
        # Not in pytest's folder: an unprivileged user could not enter that.
        self._folder = Path(tempfile.mkdtemp(prefix="gantry-postgresql-"))
        self._names = count(1)
        self._process: Process | None = None
        self.password = secrets.token_urlsafe(18)
        try:
            self._initialize()
            self._start_on_a_free_port()
        except BaseException:
            self.close()
            raise

    def _initialize(self) -> None:
        (self._folder / "password").write_text(self.password)
        if os.geteuid() == 0:
            owner = _unprivileged_user()
            for path in (self._folder, self._folder / "password"):
                os.chown(path, owner.pw_uid, owner.pw_gid)
        command = [self._binaries / "initdb", "--pgdata", self._folder / "data", "--username", _ROLE, "--no-sync"]
        command += ["--pwfile", self._folder / "password", "--auth", "scram-sha-256", "--encoding", "UTF8"]
        command += ["--locale", "C"]
        done = subprocess.run(
            [*self._as_user, *command], env=_environment(), cwd="/", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"initdb failed:\n{done.stdout}{done.stderr}"
        (self._folder / "password").unlink()

    def _start_on_a_free_port(self) -> None:
        for attempt in range(3):
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self.port: int = probe.getsockname()[1]
            try:
                self.start()
                return
            except AssertionError as error:
                # Somebody else may have taken the port in between.
                if attempt == 2 or "Address already in use" not in str(error):
                    raise

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.is_running

    @property
    def pid(self) -> int:
        """The process whose children serve the sessions."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Starts the server, with the data and on the port that it had, and returns when it takes connections."""
        assert not self.is_running
        settings = _SETTINGS | {"port": str(self.port), "unix_socket_directories": str(self._folder)}
        command = [*self._as_user, self._binaries / "postgres", "-D", self._folder / "data"]
        for name, value in settings.items():
            command += ["-c", f"{name}={value}"]
        # Messages of this server and not of the machine's language.
        process = Process(command, _environment(), directory=Path("/"))
        try:
            process.wait_for_line(_READY, seconds=30)
        except AssertionError:
            process.end()
            raise
        self._process = process

    def stop(self) -> None:
        """Ends it as an administrator does: sessions are cut, everything is written down."""
        self._end(signal.SIGINT)

    def crash(self) -> None:
        """Ends it at once: the next start has to recover."""
        self._end(signal.SIGQUIT)

    def restart(self) -> None:
        self.stop()
        self.start()

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.signal(number)
        self._process.wait(30)
        self._process = None

    def close(self) -> None:
        """Ends the server and removes its data."""
        if self.is_running:
            self.crash()
        shutil.rmtree(self._folder, ignore_errors=True)

    def database(self) -> "Database":
        """Makes an empty database."""
        name = f"test_{next(self._names)}"
        self.sql(f"CREATE DATABASE {name}", "postgres")
        return Database(self, name)

    def sql(self, statement: str, database: str) -> list[list[str]]:
        """Runs a statement as the owner and returns the rows, every value as text."""
        command = [self._binaries / "psql", "--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--csv"]
        command += ["--set", "ON_ERROR_STOP=1", "--host", self._folder, "--port", str(self.port)]
        command += ["--username", _ROLE, "--dbname", database, "--command", statement]
        done = subprocess.run(
            command,
            env=_environment() | {"PGPASSWORD": self.password},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert done.returncode == 0, f"{statement!r} failed:\n{done.stderr}"
        return [line.split(",") for line in done.stdout.splitlines()]


class Database:
    """One database of the server."""

    def __init__(self, server: PostgreSQL, name: str):
        self.server = server
        self.name = name

    @property
    def url(self) -> str:
        return self.url_with(self.server.password)

    def url_with(self, password: str) -> str:
        return f"postgresql://{_ROLE}:{password}@127.0.0.1:{self.server.port}/{self.name}"

    def sql(self, statement: str) -> list[list[str]]:
        return self.server.sql(statement, self.name)

    def listeners(self) -> list[int]:
        """The server's processes whose last statement was a LISTEN."""
        rows = self.sql(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE '%listen%' "
            "AND pid <> pg_backend_pid()"
        )
        return [int(row[0]) for row in rows]

    def cut_listeners(self) -> int:
        """Ends the sessions that listen, and returns how many there were."""
        pids = self.listeners()
        for pid in pids:
            self.sql(f"SELECT pg_terminate_backend({pid})")
        return len(pids)

    def drop(self) -> None:
        self.server.sql(f"DROP DATABASE IF EXISTS {self.name} WITH (FORCE)", "postgres")


def _environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return kept | {"LC_ALL": "C"}


def _binaries() -> Path:
    """The folder with the programs of the newest PostgreSQL of this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    asked = subprocess.run(["pg_config", "--bindir"], capture_output=True, text=True, check=False)
    folder = Path(asked.stdout.strip())
    assert asked.returncode == 0 and (folder / "postgres").exists(), (
        "these tests need a PostgreSQL server: install the package postgresql."
    )
    return folder


def _unprivileged_user() -> pwd.struct_passwd:
    """Who runs the server when the tests run as root, which PostgreSQL refuses."""
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise AssertionError("there is neither a user postgres nor a user nobody to run PostgreSQL.")


def _as_unprivileged_user() -> list[str]:
    """A command in front of the server's, which gives root away and ends the server with these tests."""
    command = ["setpriv", "--pdeathsig", "QUIT"]
    if os.geteuid() != 0:
        return command
    user = _unprivileged_user()
    return [*command, "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups"]
