"""The shim that kills a program at its Nth call: does it count what it should, and kill where it says?"""

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from support.documents import pdf
from support.gateway import Gateway, clean_environment
from support.killpoint import KillPoint, build_shim

#: What the child does, in this order; the calls with a number are counted.
_CHILD = """
import os, socket, sys

folder = sys.argv[1]
file = os.open(folder + "/file", os.O_CREAT | os.O_RDWR)
here, there = socket.socketpair()
waking, woken = os.pipe()
event = os.eventfd(0)

os.write(1, b"not counted: a line of the log")
os.write(2, b"not counted: a line of the log")
os.write(woken, b"not counted: a thread is woken")
os.eventfd_write(event, 1)
os.write(file, b"one ")                     # 1
here.send(b"two ")                          # 2
os.pwrite(file, b"three ", 4)               # 3
os.writev(file, [b"", b"four"])             # 4
here.sendmsg([b"five"])                     # 5
os.fsync(file)                              # 6
os.ftruncate(file, 4)                       # 7
os.rename(folder + "/file", folder + "/new")  # 8
os.unlink(folder + "/new")                  # 9
os.write(file, b"ten")                      # 10
"""
_CALLS = ["write", "send", "pwrite", "writev", "sendmsg", "fsync", "ftruncate", "rename", "unlink", "write"]


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def point(shim: Path, tmp_path: Path) -> KillPoint:
    return KillPoint(shim, tmp_path / "control")


def run_child(point: KillPoint, folder: Path) -> subprocess.CompletedProcess[bytes]:
    folder.mkdir()
    command = [sys.executable, "-S", "-E", "-B", "-c", _CHILD, str(folder)]
    return subprocess.run(command, env=clean_environment(**point.environment), capture_output=True, check=False)


def test_it_counts_what_leaves_a_trace_and_nothing_else(point: KillPoint, tmp_path: Path) -> None:
    point.arm()

    child = run_child(point, tmp_path / "work")

    assert child.returncode == 0, child.stderr
    assert (point.count, point.files, point.sockets) == (10, 8, 2)
    assert point.deadly == ""


@pytest.mark.parametrize("number", range(1, len(_CALLS) + 1))
def test_it_kills_just_before_the_call_with_that_number(point: KillPoint, tmp_path: Path, number: int) -> None:
    point.arm(number)

    child = run_child(point, tmp_path / "work")

    assert child.returncode == -signal.SIGKILL
    assert child.stdout == b"not counted: a line of the log", "it died too early"
    assert (point.count, point.deadly.removesuffix("64")) == (number, _CALLS[number - 1])
    left = sorted(path.name for path in (tmp_path / "work").iterdir())
    assert left == (["file"] if number <= 8 else ["new"] if number == 9 else [])
    written = b"".join(path.read_bytes() for path in (tmp_path / "work").iterdir())
    before = {1: b"", 2: b"one ", 3: b"one ", 4: b"one three ", 8: b"one ", 9: b"one "}
    # The fourth call writes where the first has ended, over what the third has written.
    assert written == before.get(number, b"one foure " if number < 8 else b"")


def test_it_does_nothing_while_it_is_not_armed(point: KillPoint, tmp_path: Path) -> None:
    point.arm(3)
    point.disarm()

    child = run_child(point, tmp_path / "work")

    assert (child.returncode, point.count) == (0, 0)


def test_it_sees_the_registry_and_the_network_of_the_gateway(
    point: KillPoint, start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]
) -> None:
    gateway = start_gateway(standard_configuration(), environment=clean_environment(**point.environment))
    point.arm()

    gateway.upload(pdf(), "gpt-4o-mini-openai,gemini-2.0-flash")

    point.disarm()
    assert point.files >= 10 and point.sockets >= 5, (point.files, point.sockets)
    assert point.count == point.files + point.sockets
