"""Answers read by hand, byte for byte, so that nothing is repaired on the way."""

import json
import select
import socket
from dataclasses import dataclass
from urllib.parse import urlsplit

from .errors import check_error_object
from .gateway import MASTER_KEY

CHAT = "/v1/chat/completions"


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> dict:
        return json.loads(self.body)

    @property
    def content(self) -> str:
        """The text of a chat, whole or streamed."""
        assert self.status == 200, f"{self.status}: {self.body[:500]!r}"
        if not self.headers["content-type"].startswith("text/event-stream"):
            return self.json["choices"][0]["message"]["content"]
        lines = [line.removeprefix(b"data: ") for line in self.body.split(b"\n") if line.startswith(b"data: ")]
        assert lines[-1] == b"[DONE]", lines
        return "".join(json.loads(line)["choices"][0]["delta"].get("content", "") for line in lines[:-1])

    def check_error(self, *statuses: int) -> dict:
        """Checks the status and the shape of an error and returns the error object."""
        assert self.status in statuses, f"expected {statuses}, got {self.status}: {self.body[:500]!r}"
        assert self.headers["content-type"].startswith("application/json"), self.headers
        check_error_object(self.json)
        return self.json["error"]


class Wire:
    """One connection."""

    def __init__(self, url: str, seconds: float = 20, source: str | None = None, receive_buffer: int | None = None):
        parts = urlsplit(url)
        self.socket = socket.socket()
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            self.socket.bind((source, 0))
        self.socket.settimeout(seconds)
        self.socket.connect((parts.hostname, parts.port))
        self._buffer = b""

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def line(self) -> bytes:
        while b"\r\n" not in self._buffer:
            self._more()
        line, _, self._buffer = self._buffer.partition(b"\r\n")
        return line

    def exactly(self, count: int) -> bytes:
        while len(self._buffer) < count:
            self._more()
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def _more(self) -> None:
        data = self.socket.recv(65_536)
        if not data:
            raise EOFError(f"the connection ended after {self._buffer[:200]!r}")
        self._buffer += data

    def head(self) -> Answer:
        """Reads the head of an answer only."""
        version, status, *_ = self.line().split(b" ")
        assert version == b"HTTP/1.1", version
        headers = {}
        while line := self.line():
            name, _, value = line.decode("latin-1").partition(":")
            headers[name.lower()] = value.strip()
        return Answer(int(status), headers, b"")

    def chunk(self) -> bytes:
        """Reads one chunk; the last one is empty."""
        size = int(self.line().partition(b";")[0], 16)
        data = self.exactly(size)
        if size == 0:
            while self.line():
                pass
        else:
            assert self.exactly(2) == b"\r\n"
        return data

    def answer(self, to_head: bool = False) -> Answer:
        """Reads one final answer."""
        one = self.head()
        while 100 <= one.status < 200:
            one = self.head()
        if to_head or one.status in (204, 304):
            return one
        if "chunked" in one.headers.get("transfer-encoding", ""):
            while data := self.chunk():
                one.body += data
        else:
            one.body = self.exactly(int(one.headers["content-length"]))
        return one

    def has_news(self) -> bool:
        """Whether something can be read, the end included."""
        poll = select.poll()
        poll.register(self.socket, select.POLLIN)
        return bool(poll.poll(0))

    def is_closed(self) -> bool:
        """Whether the other side closes; what it still sends is dropped. Waits as long as the socket does."""
        try:
            while self.socket.recv(65_536):
                pass
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False
        return True


def body_of(model: str, text: str = "hello", stream: bool = False) -> bytes:
    more = {"stream": True} if stream else {}
    return json.dumps({"model": model, "messages": [{"role": "user", "content": text}]} | more).encode()


def request(
    method: str = "POST", path: str = CHAT, body: bytes | None = None, *fields: str, key: str | None = MASTER_KEY
) -> bytes:
    """A request of HTTP/1.1; with a body it has a Content-Length unless the fields have their own framing."""
    lines = [f"{method} {path} HTTP/1.1", "Host: gantry.test", *fields]
    if key:
        lines.append(f"Authorization: Bearer {key}")
    if body is not None:
        lines.append("Content-Type: application/json")
        if not any(field.lower().startswith(("content-length", "transfer-encoding")) for field in fields):
            lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (body or b"")


def chat(model: str, text: str = "hello", *fields: str, stream: bool = False) -> bytes:
    return request("POST", CHAT, body_of(model, text, stream), *fields)


def chunked(body: bytes, size: int, extension: bytes = b"", trailers: bytes = b"") -> bytes:
    """A body in chunks of at most so many bytes."""
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    sent = b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)
    return sent + b"0\r\n" + trailers + b"\r\n"
