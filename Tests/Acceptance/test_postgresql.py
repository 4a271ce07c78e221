"""The tests' own PostgreSQL server: is it there, is it private, and does it go as it is told?"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.gateway import clean_environment
from support.postgresql import Database, PostgreSQL
from support.waiting import until


def test_a_database_is_empty_and_its_own(database: Database, postgresql: PostgreSQL) -> None:
    other = postgresql.database()
    database.sql("CREATE TABLE things (name TEXT)")

    tables = other.sql("SELECT count(*) FROM information_schema.tables WHERE table_schema = 'public'")

    other.drop()
    assert tables == [["0"]]


@pytest.mark.parametrize("how", ["restart", "crash"])
def test_what_was_committed_outlives_the_server(database: Database, postgresql: PostgreSQL, how: str) -> None:
    database.sql("CREATE TABLE things (name TEXT)")
    database.sql("INSERT INTO things VALUES ('kept')")

    if how == "restart":
        postgresql.restart()
    else:
        postgresql.crash()
        postgresql.start()

    assert database.sql("SELECT name FROM things") == [["kept"]]


def test_a_wrong_password_is_refused(database: Database) -> None:
    good = database.server.password
    database.server.password = "wrong"
    try:
        with pytest.raises(AssertionError, match="password authentication failed"):
            database.sql("SELECT 1")
    finally:
        database.server.password = good


def test_the_server_ends_when_the_tests_are_killed() -> None:
    program = (
        "import os, signal\n"
        "from support.postgresql import PostgreSQL\n"
        "server = PostgreSQL()\n"
        "print(server._process.pid, server._folder, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    tests = Path(__file__).parent

    run = subprocess.run(
        [sys.executable, "-c", program], cwd=tests, env=clean_environment(), capture_output=True, text=True, check=False
    )

    pid, folder = run.stdout.split()
    until("the server has ended", lambda: not is_alive(int(pid)))
    shutil.rmtree(folder)


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # Whose parent has died may stay a zombie where nobody collects it.
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
