"""An upstream that misbehaves: the first part of a request's path says how. It is a process of its own."""

import asyncio
import contextlib
import json
import os
import ssl
import subprocess
import sys
from pathlib import Path

import httpx

from .gateway import ROOT, clean_environment
from .processes import Process

#: How many ports it listens on besides the first: one endpoint of the gateway has a limit of connections.
EXTRA_PORTS = 7
_EVENT = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}


class HostileUpstream:
    """A running one; `url(mode)` is the `api_base` of a deployment that is treated so."""

    def __init__(self, directory: Path):
        certificate, key = directory / "cert.pem", directory / "key.pem"
        command = (
            "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=elsewhere"
        )
        subprocess.run([*command.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
        self.process = Process(
            [sys.executable, "-m", "support.hostile", certificate, key],
            clean_environment(PYTHONUNBUFFERED="1"),
            ROOT / "Tests" / "Acceptance",
        )
        ready = self.process.wait_for_line(r"^ready (.+)$", seconds=20)
        *self.ports, self.secure_port = map(int, ready[1].split())
        self._control = httpx.Client(base_url=f"http://127.0.0.1:{self.ports[0]}", timeout=30, trust_env=False)

    def url(self, mode: str, port: int = 0) -> str:
        if mode == "certificate":
            return f"https://127.0.0.1:{self.secure_port}/plain"
        return f"http://127.0.0.1:{self.ports[port]}/{mode}"

    def state(self, mode: str) -> dict:
        """What the mode has seen: `requests`, `open`, `sent` in bytes, `connections`, `bodies` read whole."""
        return self._control.get(f"/state/{mode}").raise_for_status().json()

    def release(self) -> None:
        """Lets each `lockstep` answer send one more event, and each `tardy` one come."""
        self._control.get("/release").raise_for_status()

    def stop(self) -> None:
        self._control.close()
        self.process.end()


class _Seen:
    def __init__(self) -> None:
        self.requests = self.open = self.sent = self.connections = self.bodies = 0


class _Left(Exception):
    """The gateway has closed its connection."""


def _json_answer(body: bytes, more: str = "", status: str = "200 OK") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{more}\r\n"
    return head.encode() + body


def _completion(text: str) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
    whole = _EVENT | {"object": "chat.completion", "choices": [choice], "usage": usage}
    return json.dumps(whole).encode()


def _event(text: str) -> bytes:
    choice = {"index": 0, "delta": {"role": "assistant", "content": text}, "finish_reason": None}
    return b"data: " + json.dumps(_EVENT | {"choices": [choice]}).encode() + b"\n\n"


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


def _echoed(body: bytes) -> tuple[str, bool]:
    request = json.loads(body)
    content = request["messages"][-1]["content"] if "messages" in request else "embedding"
    return content if len(content) < 1000 else f"{len(content)} bytes", bool(request.get("stream"))


class _Server:
    def __init__(self) -> None:
        self.seen: dict[str, _Seen] = {}
        self.released = asyncio.Condition()
        self.releases = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(_Left, ConnectionError, asyncio.IncompleteReadError, ssl.SSLError, TimeoutError):
            served = 0
            while await self._one(reader, writer, served):
                served += 1
        writer.transport.abort()

    async def _one(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, served: int) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        path = head.split(" ", 2)[1]
        mode = path.split("/")[1]
        if mode in ("state", "release"):
            return await self._control(path, writer)
        seen = self.seen.setdefault(mode, _Seen())
        seen.requests += 1
        seen.connections += served == 0
        seen.open += 1
        try:
            if mode == "early":
                writer.write(_json_answer(_completion("early"), "Connection: close\r\n"))
                await writer.drain()
                return False
            if mode == "early413":
                refusal = {
                    "error": {"message": "too long", "type": "invalid_request_error", "param": None, "code": None}
                }
                answer = _json_answer(json.dumps(refusal).encode(), "Connection: close\r\n", "413 Content Too Large")
                writer.write(answer)
                writer.write_eof()
                # The refused body is read off, so that the answer is not lost to a reset.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(5):
                        while await reader.read(65_536):
                            pass
                return False
            body = await self._body(reader, head)
            seen.bodies += 1
            return await getattr(self, mode)(reader, writer, body, served, seen)
        finally:
            seen.open -= 1

    async def _body(self, reader: asyncio.StreamReader, head: str) -> bytes:
        fields = dict(line.lower().split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
        if "content-length" in fields:
            return await reader.readexactly(int(fields["content-length"]))
        body = b""
        while size := int(await reader.readline(), 16):
            body += (await reader.readexactly(size + 2))[:-2]
        await reader.readline()
        return body

    async def _control(self, path: str, writer: asyncio.StreamWriter) -> bool:
        if path == "/release":
            async with self.released:
                self.releases += 1
                self.released.notify_all()
        state = vars(self.seen.get(path.removeprefix("/state/"), _Seen()))
        writer.write(_json_answer(json.dumps(state).encode()))
        await writer.drain()
        return True

    async def _send(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, data: bytes, seen: _Seen) -> None:
        if reader.at_eof() or writer.transport.is_closing():
            raise _Left
        writer.write(data)
        # What is handed to the system is what counts as sent: nothing waits in this process.
        writer.transport.set_write_buffer_limits(0)
        await writer.drain()
        seen.sent += len(data)

    async def plain(self, reader, writer, body, served, seen) -> bool:
        text, is_stream = _echoed(body)
        if not is_stream:
            writer.write(_json_answer(_completion(text)))
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            for data in (_event(text), _event("."), b"data: [DONE]\n\n"):
                writer.write(_chunk(data))
            writer.write(b"0\r\n\r\n")
        await writer.drain()
        return True

    async def silent(self, reader, writer, body, served, seen) -> bool:
        await reader.read(1)
        return False

    async def tardy(self, reader, writer, body, served, seen) -> bool:
        """Answers when it is released."""
        async with self.released:
            first = self.releases
            await asyncio.wait_for(self.released.wait_for(lambda: self.releases > first), 20)
        return await self.plain(reader, writer, body, served, seen)

    async def cut(self, reader, writer, body, served, seen) -> bool:
        whole = _json_answer(_completion("x" * 1000))
        writer.write(whole[:-500])
        await writer.drain()
        return False

    async def badchunk(self, reader, writer, body, served, seen) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(_chunk(b'{"id":') + b"ZZ\r\nwhat\r\n0\r\n\r\n")
        await writer.drain()
        return False

    async def bighead(self, reader, writer, body, served, seen) -> bool:
        writer.write(_json_answer(_completion("x"), "".join(f"X-{i}: {'y' * 1000}\r\n" for i in range(100))))
        await writer.drain()
        return True

    async def interim(self, reader, writer, body, served, seen) -> bool:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n")
        await writer.drain()
        return await self.plain(reader, writer, body, served, seen)

    async def closer(self, reader, writer, body, served, seen) -> bool:
        """Answers as if the connection stayed open, and closes it."""
        await self.plain(reader, writer, body, served, seen)
        return False

    async def dropper(self, reader, writer, body, served, seen) -> bool:
        """Closes a reused connection when its next request has come, without an answer."""
        return served == 0 and await self.plain(reader, writer, body, served, seen)

    async def flood(self, reader, writer, body, served, seen) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(_chunk(_completion("")[:-2]))
        piece = _chunk(b"a" * 1_048_576)
        for _ in range(1024):
            await self._send(reader, writer, piece, seen)
        return False

    async def large(self, reader, writer, body, served, seen) -> bool:
        answer = _json_answer(_completion("a" * 67_108_864))
        for start in range(0, len(answer), 65_536):
            await self._send(reader, writer, answer[start : start + 65_536], seen)
        return True

    async def firehose(self, reader, writer, body, served, seen) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        piece = _chunk(_event("a" * 16_000))
        while True:
            await self._send(reader, writer, piece, seen)

    async def hold(self, reader, writer, body, served, seen) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        writer.write(_chunk(_event("first")))
        await writer.drain()
        await reader.read(1)
        return False

    async def lockstep(self, reader, writer, body, served, seen) -> bool:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
        first = self.releases
        for number in range(8):
            await self._send(reader, writer, _chunk(_event(f"event {number}")), seen)
            async with self.released:
                await asyncio.wait_for(self.released.wait_for(lambda n=number: self.releases > first + n), 20)
        writer.write(_chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
        await writer.drain()
        return True


async def _main(certificate: str, key: str) -> None:
    server = _Server()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    listening = [
        await asyncio.start_server(server.serve, "127.0.0.1", 0, backlog=4096, limit=1_048_576, ssl=one)
        for one in [None] * (EXTRA_PORTS + 1) + [context]
    ]
    print("ready", *(one.sockets[0].getsockname()[1] for one in listening), flush=True)
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(15, stop.set)
    await stop.wait()
    os._exit(0)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], sys.argv[2]))
