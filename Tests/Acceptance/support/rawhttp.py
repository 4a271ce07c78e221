"""HTTP by hand on a socket, for requests that no client library would send."""

import contextlib
import http.client
import select
import socket
import time
from urllib.parse import urlsplit


class RawConnection:
    """One TCP connection to the gateway."""

    def __init__(self, url: str, seconds: float = 30):
        parts = urlsplit(url)
        self.socket = socket.create_connection((parts.hostname, parts.port), timeout=seconds)

    def __enter__(self) -> "RawConnection":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def send_until_answered(self, data: bytes, step: int = 16_384) -> int:
        """Sends `data` in steps and stops early when an answer or the end arrives; returns how much was sent."""
        sent = 0
        while sent < len(data):
            readable, _, _ = select.select([self.socket], [], [], 0)
            if readable:
                break
            try:
                sent += self.socket.send(data[sent : sent + step])
            except (BrokenPipeError, ConnectionResetError):
                break
        return sent

    def request(self, method: str, path: str, headers: dict[str, str], body: bytes = b"") -> None:
        self.send(head(method, path, headers) + body)

    def response(self) -> tuple[int, dict[str, str], bytes]:
        """Reads one whole answer: status, headers with lower-case names, body."""
        response = http.client.HTTPResponse(self.socket)
        response.begin()
        body = response.read()
        return response.status, {name.lower(): value for name, value in response.getheaders()}, body

    def is_closed_within(self, seconds: float) -> bool:
        """Whether the other side closes the connection within that time; what it still sends is dropped."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self.socket.settimeout(left)
            try:
                if not self.socket.recv(65_536):
                    return True
            except ConnectionResetError:
                return True
            except TimeoutError:
                return False
        return False

    def abort(self) -> None:
        """Closes without a goodbye: the other side sees a reset."""
        with contextlib.suppress(OSError):
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        self.socket.close()


def head(method: str, path: str, headers: dict[str, str]) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: gantry.test", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()
