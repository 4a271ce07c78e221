"""`gantry-worker` alone, with plugins that are each wrong in one way: the kernel ends them, whatever the host does."""

import os
import re
import signal
from pathlib import Path

import pytest

from support.evil import Evil
from support.gateway import BUILD
from support.waiting import until
from support.worker import Gone, Worker

EXECUTABLE = BUILD / "gantry-worker"


@pytest.fixture
def library(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path / "plugins"
    folder.mkdir(mode=0o700)
    return request.param.build(folder / "plugin.so")


def each(*names: str, what: str = "wrong"):
    evils = [Evil(name, **{what: name}) for name in names]
    return pytest.mark.parametrize("library", evils, ids=str, indirect=True)


def check_death(worker: Worker, *signals: signal.Signals) -> None:
    with pytest.raises(Gone):
        worker.chat("misbehave")
    status = worker.end()
    assert os.WIFSIGNALED(status), f"it ended with {status:#x}"
    assert signal.Signals(os.WTERMSIG(status)) in signals
    assert not os.WCOREDUMP(status)


@each(
    *("open", "create", "unlink", "fork", "clone", "exec", "thread", "connect", "sleep", "stop", "handlers"),
    *("limits", "kill", "ptrace", "peek", "executable", "uring", "close"),
)
def test_what_is_not_allowed_ends_it(library: Path) -> None:
    with Worker(EXECUTABLE, library) as worker:
        worker.serve()
        assert b"fine" in worker.chat("hello")[1]

        check_death(worker, signal.SIGSYS)
    assert not Path("/tmp/gantry-evil").exists()


@each("null", "trap", "abort", "overflow", "allocate", "wild", "wild_pairs", "context")
def test_a_fault_ends_it(library: Path) -> None:
    with Worker(EXECUTABLE, library) as worker:
        worker.serve()

        check_death(worker, signal.SIGSEGV, signal.SIGILL, signal.SIGTRAP, signal.SIGABRT, signal.SIGBUS)


@each("exit", "quick_exit")
def test_it_can_end_itself(library: Path) -> None:
    with Worker(EXECUTABLE, library) as worker:
        worker.serve()

        with pytest.raises(Gone):
            worker.chat("misbehave")
        assert worker.end() == 0


@each("lengths", "kinds", "sizes")
def test_what_the_rules_refuse_is_refused_where_it_is_emitted(library: Path) -> None:
    with Worker(EXECUTABLE, library) as worker:
        worker.serve()

        status, commands = worker.chat("misbehave")

        assert status == 0
        assert b'"content":"-' in commands
        assert b"fine" in worker.chat("hello")[1]


@each("in_free", "twice", "mute", "status")
def test_it_lives_on_with_what_is_only_rude(library: Path) -> None:
    with Worker(EXECUTABLE, library) as worker:
        worker.serve()
        for _ in range(3):
            worker.chat("misbehave")

        assert b"fine" in worker.chat("hello")[1]


@each("output")
def test_a_step_hands_over_only_so_much(library: Path) -> None:
    with Worker(EXECUTABLE, library) as worker:
        worker.serve()

        _, commands = worker.chat("misbehave")

        assert len(commands) < 192 << 20
        assert b"fine" in worker.chat("hello")[1]


@each("null", "fork", "connect", "create", what="on_load")
def test_what_constructors_may_not_do_ends_it(library: Path) -> None:
    with Worker(EXECUTABLE, library) as worker:
        with pytest.raises(Gone):
            worker.serve()

        assert os.WTERMSIG(worker.end()) in (signal.SIGSYS, signal.SIGSEGV)


@pytest.mark.parametrize(
    "library",
    [Evil(name, wrong="found", on_load=name) for name in ("read", "environment")],
    ids=str,
    indirect=True,
)
def test_constructors_cannot_read_files(library: Path) -> None:
    with Worker(EXECUTABLE, library) as worker:
        landlock, _, _ = worker.serve()
        if landlock == 0:
            pytest.skip("the kernel has no Landlock")

        assert b'"content":"refused"' in worker.chat("misbehave")[1]


@each("loop", "wait")
def test_it_ends_with_its_host_also_in_an_endless_step(library: Path) -> None:
    with Worker(EXECUTABLE, library, seconds=0.5) as worker:
        worker.serve()
        with pytest.raises(TimeoutError):
            worker.chat("misbehave")
        assert worker.is_alive()

        worker.leave()

        until("it is gone", lambda: not worker.is_alive(), 20)


@each("nothing")
def test_its_sandbox_is_what_it_says(library: Path) -> None:
    with Worker(EXECUTABLE, library) as worker:
        _, memory, calls = worker.serve()

        assert memory == 192 << 20
        assert calls <= 40
        status = Path(f"/proc/{worker.process}/status").read_text()
        assert "NoNewPrivs:\t1" in status
        inherited = int(re.search(r"Seccomp_filters:\t(\d+)", Path("/proc/self/status").read_text())[1])
        assert f"Seccomp_filters:\t{inherited + 2}\n" in status
        assert "CapEff:\t0000000000000000" in status
