"""What can be measured: each way to the upstream, how it starts, and what it is asked."""

import contextlib
import itertools
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import competitors
from generator import Generator

from servers import MASTER_KEY, Gantry, Nginx, Server, Upstream, temporary_folder

#: The server under test has one processor; generator and upstream share the other.
PROXY_CORE = 0
LOAD_CORE = 1

ONE_TARGET = "gpt-bench"
THREE_TARGETS = "gpt-bench, gpt-bench-second, gemini-bench"
GANTRY, VERTEX = "gantry", "gantry, Vertex AI"
#: Files that chats can have.
FILES = 10
_READY_SECONDS = 90
_PING = b'{"model":"gpt-bench","messages":[{"role":"user","content":"Hello"}]}'


@dataclass
class Way:
    """One way to the upstream."""

    name: str
    port: int
    #: None for the way without a server between.
    server: Server | None = None
    model: str = "gpt-bench"
    #: Files that its chats can have, and what uploads name.
    files: list[str] = field(default_factory=lambda: [f"file-{number:040}" for number in range(FILES)])
    targets: str = ONE_TARGET
    #: Starts another one of it.
    fresh: Callable[[], Server] | None = None
    #: A server with timers of its own stands still while another one is measured.
    pauses: bool = False

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        if not self.pauses:
            yield
            return
        self.signal(signal.SIGCONT)
        try:
            yield
        finally:
            self.signal(signal.SIGSTOP)

    def signal(self, number: signal.Signals) -> None:
        for pid in self.server.pids:
            os.kill(pid, number)


class World:
    """The upstream, the generator and all ways that a run needs; everything ends with it."""

    def __init__(self, build: Path, plugins: Path, environments: Path, download_bytes: int):
        self.build, self.plugins, self._environments = build, plugins, environments
        self._stack = contextlib.ExitStack()
        self.folder = Path(self._stack.enter_context(temporary_folder()))
        self._numbers = itertools.count(1)
        self.upstream = self.keep(Upstream(build, self.folder / "upstream", LOAD_CORE, download_bytes))
        self.generator = Generator(build, self.folder, LOAD_CORE)
        self.missing: dict[str, str] = {}
        self._ways: dict[str, Way] = {}

    def __enter__(self) -> "World":
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def keep(self, server):
        """Stops it when the run is over."""
        self._stack.callback(server.stop)
        return server

    def new_folder(self) -> Path:
        return self.folder / f"server-{next(self._numbers)}"

    def start(self, name: str) -> Server:
        """Starts a server, which does not listen yet."""
        port = self.upstream.port
        if name == "nginx":
            return Nginx(self.new_folder(), PROXY_CORE, port)
        if name == GANTRY:
            return Gantry(self.build, self.plugins, self.new_folder(), PROXY_CORE, port)
        return competitors.start(name, self._environments, self.new_folder(), PROXY_CORE, port)

    def ways(self, *names: str) -> list[Way]:
        """The ways of these names that can be had; see `why_missing`."""
        found = []
        for name in names:
            if name not in self._ways and name not in self.missing:
                self._add(name)
            if name in self._ways:
                found.append(self._ways[name])
        return found

    def why_missing(self, names: tuple[str, ...]) -> dict[str, str]:
        """Of these names, those that cannot be had."""
        return {name: reason for name, reason in self.missing.items() if name in names}

    def _add(self, name: str) -> None:
        if name == "direct":
            self._ways[name] = Way(name, self.upstream.port)
        elif name == VERTEX:
            gantry = self.ways(GANTRY)[0]
            self._ways[name] = Way(name, gantry.port, gantry.server, "gemini-bench", gantry.files)
        elif name in competitors.MISSING:
            self.missing[name] = competitors.MISSING[name]
        elif name in competitors.PACKAGES and (reason := competitors.install(name, self._environments)):
            self.missing[name] = reason
        else:
            self._add_server(name)

    def _add_server(self, name: str) -> None:
        server = self.keep(self.start(name))
        try:
            wait_until_ready(server)
        except (TimeoutError, SystemExit) as error:
            if name not in competitors.PACKAGES:
                raise
            server.stop()
            self.missing[name] = f"not measured: {error}"
            return
        way = Way(name, server.port, server, fresh=lambda: self.start(name), pauses=name in competitors.PACKAGES)
        if isinstance(server, Gantry):
            way.files = [server.upload(THREE_TARGETS) for _ in range(FILES)]
        if way.pauses:
            way.signal(signal.SIGSTOP)
            # A stopped process would not hear that it shall end.
            self._stack.callback(way.signal, signal.SIGCONT)
        self._ways[name] = way


def wait_until_ready(server: Server) -> None:
    """Asks until a chat is answered with 200, which has to be within the deadline."""
    deadline = time.monotonic() + _READY_SECONDS
    if isinstance(server, Gantry):
        server.wait()
    while time.monotonic() < deadline:
        if server.child.poll() is not None:
            raise SystemExit(f"bench: {server.child.args} ended: {server.output()}")
        if _answers(server.port):
            return
        time.sleep(0.002)
    raise TimeoutError(f"no chat was answered within {_READY_SECONDS} s: {server.output()[-300:]}")


def _answers(port: int) -> bool:
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {MASTER_KEY}\r\n"
    head += f"Content-Type: application/json\r\nConnection: close\r\nContent-Length: {len(_PING)}\r\n\r\n"
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as one:
            one.sendall(head.encode() + _PING)
            return one.recv(4096).startswith(b"HTTP/1.1 200")
    except OSError:
        return False
