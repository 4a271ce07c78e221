"""A client that costs little beside what it measures: one kept-alive connection, one request at a time."""

import socket
import time
from urllib.parse import urlsplit


class Wire:
    """One connection with one bearer token."""

    def __init__(self, url: str, key: str):
        parts = urlsplit(url)
        self._host = f"{parts.hostname}:{parts.port}"
        self._key = key
        self._socket = socket.create_connection((parts.hostname, parts.port), timeout=60)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def close(self) -> None:
        self._socket.close()

    def get(self, target: str) -> tuple[bytes, float]:
        """The body of an answer that must be 200, and the milliseconds from the first byte out to the last byte in."""
        request = f"GET {target} HTTP/1.1\r\nHost: {self._host}\r\nAuthorization: Bearer {self._key}\r\n\r\n".encode()
        started = time.perf_counter()
        self._socket.sendall(request)
        received = bytearray()
        end = None
        while end is None or len(received) < end:
            piece = self._socket.recv(1 << 20)
            if not piece:
                raise SystemExit(f"listing: the gateway closed the connection of {target}")
            received += piece
            if end is None and (head := received.find(b"\r\n\r\n")) >= 0:
                end = head + 4 + _length(bytes(received[:head]), target)
        elapsed = (time.perf_counter() - started) * 1000
        status = bytes(received[9:12])
        body = bytes(received[received.find(b"\r\n\r\n") + 4 :])
        if status != b"200":
            raise SystemExit(f"listing: {target} was answered with {status.decode()}: {body[:500].decode()}")
        return body, elapsed


def _length(head: bytes, target: str) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    raise SystemExit(f"listing: the answer to {target} has no Content-Length: {head.decode()}")
