"""Receivers of webhooks on this machine, and messages for them."""

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

#: What a receiver answers with: a status and headers.
Answer = tuple[int, dict[str, str]]

#: Part of every URL, as the tokens of real receivers are; must never stand in a log.
TOKEN = f"token-{secrets.token_hex(8)}"


def new_secret(size: int = 32) -> str:
    """A secret in the form that Standard Webhooks and OpenAI's SDK read."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(size)).decode()


@dataclass
class Post:
    """One request as it arrived."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def event(self) -> dict:
        return json.loads(self.body)


class Receiver:
    """An HTTP server that keeps what it gets and answers what a test says."""

    def __init__(self, answer: Callable[[Post, int], Answer] = lambda _post, _number: (200, {})) -> None:
        """Calls `answer` with each request and how many of the same id came before it."""
        self.posts: list[Post] = []
        self.connections = 0
        self._answer = answer
        self._lock = threading.Lock()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                with receiver._lock:
                    receiver.connections += 1
                super().setup()

            def do_POST(self) -> None:
                receiver._handle(self)

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def _handle(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in request.headers.items()}
        post = Post(request.path, headers, body, time.time())
        with self._lock:
            number = sum(other.id == post.id for other in self.posts)
            self.posts.append(post)
        try:
            status, more = self._answer(post, number)
            request.send_response(status)
            for name, value in ({"Content-Length": "0"} | more).items():
                request.send_header(name, value)
            request.end_headers()
        except OSError:
            pass  # Whoever sent it has ended in the meantime, which is what some tests are about.

    @property
    def host(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def url(self, path: str = "/hook") -> str:
        return f"{self.host}{path}?token={TOKEN}"

    def of(self, object_id: str) -> list[Post]:
        """What came about an object."""
        with self._lock:
            return [post for post in self.posts if post.event["data"]["id"] == object_id]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def settings(*hosts: str, secret: str | list[str], **more) -> dict:
    """`general_settings.webhooks` that lets these hosts have private addresses."""
    return {"secret": secret, "allowed_hosts": [*hosts], "allow_private_addresses": [*hosts]} | more


def message(url: str, object_id: str, kind: str = "batch.completed") -> str:
    """The statement that has a message sent, as the end of an object does."""
    now = int(time.time())
    event = {"id": f"evt_{secrets.token_hex(8)}", "object": "event", "created_at": now, "type": kind}
    body = json.dumps(event | {"data": {"id": object_id}})
    receiver = "/".join(url.split("/")[:3])
    values = (f"msg_{secrets.token_hex(12)}", kind, object_id, url, receiver, body, "pending")
    return (
        "INSERT INTO webhook_deliveries "
        "(id, event_type, object_id, url, receiver, body, state, created_at, updated_at) "
        f"VALUES ({', '.join(repr(value) for value in values)}, {now}, {now})"
    )
