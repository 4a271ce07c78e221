"""A worker without its host: `gantry-worker`, and its protocol spoken by hand (see WorkerProtocol.swift)."""

import contextlib
import fcntl
import os
import socket
import struct
import time
from pathlib import Path

STEP, STEPPED, FREE, LOAD, FACTS, INSTANCE, TARGET, SEAL, SEALED, DONE, REFUSED = (
    1,
    2,
    3,
    16,
    17,
    18,
    19,
    21,
    22,
    23,
    24,
)
_KINDS = {"step": STEP, "load": LOAD, "instance": INSTANCE, "target": TARGET, "seal": SEAL}
_VERSION = 2
_FIRST_AND_LAST, _LAST, _MOST_BYTES = 3, 2, 65_536
_NEW, _CHAT, _START = 1, 2, 1
#: The answer to a step up to its commands: operation, status, flags, nanoseconds, number of commands.
_STEPPED = struct.Struct("<QiIQI")


def lent(data: bytes) -> bytes:
    return struct.pack("<I", len(data)) + data


class Gone(Exception):
    """The worker has closed its socket."""


class Worker:
    """A worker that serves one library on one data socket."""

    def __init__(self, executable: Path, library: Path, memory_bytes: int = 192 << 20, seconds: float = 20):
        reading, self._lifeline = os.pipe()
        null = os.open("/dev/null", os.O_WRONLY)
        self._control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._data, data = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        # Out of the way of the numbers that the worker has, and of those that this process has open.
        sources = [
            fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
            for descriptor in (reading, null, control.fileno(), data.fileno())
        ]
        actions = [(os.POSIX_SPAWN_DUP2, sources[place], number) for number, place in enumerate((0, 1, 1, 2, 3))]
        self.began = time.perf_counter()
        self.process = os.posix_spawn(
            str(executable), [str(executable)], {"SWIFT_BACKTRACE": "enable=no"}, file_actions=actions
        )
        for descriptor in (reading, null, *sources):
            os.close(descriptor)
        control.close()
        data.close()
        self._control.settimeout(seconds)
        self._data.settimeout(seconds)
        self._library, self._memory = library, memory_bytes
        self._operations = 0
        self._end: int | None = None

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.end(0)
        self._control.close()
        self._data.close()
        os.close(self._lifeline)

    def serve(self) -> tuple[int, int, int]:
        """Loads the library and seals the sandbox: the ABI of Landlock, the limit of memory, the number of calls."""
        self.ask(
            "load",
            struct.pack("<IIQ", _VERSION, 1, self._memory) + lent(str(self._library).encode()) + lent(b"") + bytes(4),
            FACTS,
        )
        self.ask("instance", lent(b"{}"), DONE)
        self.ask("target", struct.pack("<I", 1) + lent(b"{}"), DONE)
        return struct.unpack("<IQI", self.ask("seal", b"", SEALED))

    def ask(self, kind: str, body: bytes, expected: int) -> bytes:
        self._send(self._control, _KINDS[kind], body)
        answer, content = self._receive(self._control)
        assert answer == expected, f"{kind} is answered with {answer}: {content[:500]!r}"
        return content

    def chat(self, text: str) -> tuple[int, bytes]:
        """One step that begins a chat: the plugin's status, and its commands as they came."""
        self._operations += 1
        event = struct.pack("<IIIiQ", _START, 0, 0, 0, 0) + lent(text.encode()) + lent(b"") + bytes(8)
        self._send(self._data, STEP, struct.pack("<QIIII", self._operations, _NEW, 0, 1, _CHAT) + event)
        kind, body = self._receive(self._data)
        assert kind == STEPPED, f"a step is answered with {kind}"
        operation, status, flags, _, _ = _STEPPED.unpack_from(body)
        assert (operation, flags) == (self._operations, 0)
        self._send(self._data, FREE, struct.pack("<IQ", 1, self._operations))
        return status, body[_STEPPED.size :]

    def end(self, seconds: float = 20) -> int:
        """What it died of, as `os.waitpid` says it; it is killed after some seconds."""
        deadline = time.monotonic() + seconds
        while self._end is None:
            done, status = os.waitpid(self.process, os.WNOHANG)
            if done:
                self._end = status
            elif time.monotonic() > deadline:
                os.kill(self.process, 9)
                _, self._end = os.waitpid(self.process, 0)
            else:
                time.sleep(0.001)  # The pace of the polling.
        return self._end

    def leave(self) -> None:
        """Does what the end of the host does: its end of the lifeline is closed."""
        os.close(self._lifeline)
        self._lifeline = os.open("/dev/null", os.O_RDONLY)

    def is_alive(self) -> bool:
        if self._end is None:
            with contextlib.suppress(ChildProcessError):
                done, status = os.waitpid(self.process, os.WNOHANG)
                self._end = status if done else None
        return self._end is None

    @staticmethod
    def _send(to: socket.socket, kind: int, body: bytes) -> None:
        assert len(body) + 8 <= _MOST_BYTES, "these tests need one packet only"
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            to.send(struct.pack("<BBHI", kind, _FIRST_AND_LAST, 0, len(body)) + body)

    @staticmethod
    def _receive(source: socket.socket) -> tuple[int, bytes]:
        body, kind = b"", 0
        while True:
            try:
                packet = source.recv(_MOST_BYTES)
            except ConnectionResetError:
                packet = b""
            if not packet:
                raise Gone
            kind, marks, _, _ = struct.unpack_from("<BBHI", packet)
            body += packet[8:]
            if marks & _LAST:
                return kind, body
