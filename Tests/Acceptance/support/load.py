"""A steady mix of requests that remembers what it was told, and holds every later answer against it."""

import hashlib
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import httpx

from .documents import file_message, upload_body
from .gateway import MASTER_KEY
from .simulators import Simulators
from .waiting import until

_MODELS = ("gpt-4o-mini-openai", "gemini-2.0-flash")
_TARGETS = ",".join(_MODELS)
_SHARES = {"create": 3, "retrieve": 4, "content": 2, "list": 1, "chat": 6, "gone": 1, "delete": 3}
_FEWEST_FILES = 10
_MOST_FILES = 100
#: A host may be so late to hear of another's deletion.
_SECONDS_TO_HEAR = 2.5
#: So long after the database is back, answers may still say that it is not.
_SECONDS_TO_RECOVER = 5


@dataclass(eq=False)
class _File:
    """One file that the load has made, and is sure of."""

    id: str
    content: bytes
    users: int = 0
    deleted_at: float = 0


@dataclass
class Result:
    """How the requests of a load were answered."""

    answers: Counter = field(default_factory=Counter)
    seconds: dict[str, list[float]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    checked_files: int = 0
    gap_seconds: float = 0

    @property
    def requests(self) -> int:
        return sum(self.answers.values())

    def table(self) -> str:
        """The numbers, an operation a line."""
        statuses = sorted({status for _, status in self.answers})
        lines = [f"{'':10}" + "".join(f"{status:>10}" for status in statuses) + f"{'p50 ms':>10}{'p99 ms':>10}"]
        for name, times in sorted(self.seconds.items()):
            times.sort()
            counts = "".join(f"{self.answers[name, status]:>10}" for status in statuses)
            p50, p99 = (1000 * times[int(len(times) * share)] for share in (0.5, 0.99))
            lines.append(f"{name:10}{counts}{p50:>10.1f}{p99:>10.1f}")
        lines.append(f"{self.requests} requests, {self.checked_files} files checked at the end")
        lines.append(f"{self.gap_seconds:.1f} s without a database, {len(self.wrong)} wrong answers")
        return "\n".join(lines)


class Load:
    """Sends a fixed number of requests a second to one or more gateways that share a registry."""

    def __init__(self, urls: list[str], simulators: Simulators, rate: float, workers: int = 8, seed: int = 1):
        headers = {"Authorization": f"Bearer {MASTER_KEY}"}
        self._clients = [httpx.Client(base_url=url, headers=headers, timeout=60, trust_env=False) for url in urls]
        self._simulators = simulators
        self._rate = rate
        self._workers = workers
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._number = 0
        self._files: list[_File] = []
        self._gone: list[_File] = []
        self._unsure: list[_File] = []
        self._gap: tuple[float, float] | None = None
        self._operations = {
            "create": self._create,
            "retrieve": self._retrieve,
            "content": self._content,
            "list": self._list,
            "chat": self._chat,
            "gone": self._ask_for_gone,
            "delete": self._delete,
        }
        self.result = Result()

    def run(self, seconds: float, outage: Callable[[], None] | None = None) -> Result:
        """Sends requests for so long, takes the database away in the middle, and checks at the end what is there."""
        begin = time.monotonic()
        with ThreadPoolExecutor(self._workers) as pool:
            running = [pool.submit(self._work, begin, begin + seconds) for _ in range(self._workers)]
            if outage:
                time.sleep(seconds / 2)  # Half of the load.
                self._take_away(outage)
            for one in running:
                one.result()
        self._check_the_end()
        for client in self._clients:
            client.close()
        return self.result

    def _take_away(self, outage: Callable[[], None]) -> None:
        began = time.monotonic()
        self._gap = (began, float("inf"))
        try:
            outage()
        finally:
            ended = time.monotonic()
            self._gap = (began, ended + _SECONDS_TO_RECOVER)
            self.result.gap_seconds = ended - began

    def _work(self, begin: float, end: float) -> None:
        while True:
            with self._lock:
                due = begin + self._number / self._rate
                self._number += 1
                client = self._clients[self._number % len(self._clients)]
                name = self._choose()
            if due >= end:
                return
            time.sleep(max(0, due - time.monotonic()))  # The pace of the load.
            self._operations[name](client)

    def _choose(self) -> str:
        if len(self._files) < _FEWEST_FILES:
            return "create"
        if len(self._files) > _MOST_FILES:
            return "delete"
        return self._random.choices(list(_SHARES), list(_SHARES.values()))[0]

    def _send(self, name: str, send: Callable[[], httpx.Response]) -> httpx.Response | None:
        """Sends a request and notes its answer; returns it unless it says that the database is away."""
        began = time.monotonic()
        try:
            answer = send()
        except httpx.TransportError as error:
            self._note(name, began, type(error).__name__)
            self._complain(f"{name}: no answer: {error!r}")
            return None
        self._note(name, began, str(answer.status_code))
        if answer.status_code != 503:
            return answer
        self._check_unavailable(name, began, answer)
        return None

    def _note(self, name: str, began: float, status: str) -> None:
        with self._lock:
            self.result.answers[name, status] += 1
            self.result.seconds.setdefault(name, []).append(time.monotonic() - began)

    def _check_unavailable(self, name: str, began: float, answer: httpx.Response) -> None:
        gap = self._gap
        if gap is None or time.monotonic() < gap[0] or began > gap[1]:
            self._complain(f"{name}: 503 although the database is there: {answer.text[:300]}")
        elif answer.json()["error"]["code"] != "registry_unavailable" or "retry-after" not in answer.headers:
            self._complain(f"{name}: 503 with another code or without Retry-After: {answer.text[:300]}")

    def _complain(self, text: str) -> None:
        with self._lock:
            self.result.wrong.append(text)

    def _expect(self, name: str, answer: httpx.Response, is_right: bool) -> None:
        if not is_right:
            self._complain(f"{name}: {answer.status_code}: {answer.text[:300]}")

    @contextmanager
    def _use(self) -> Iterator[_File | None]:
        """A file that nobody deletes meanwhile."""
        with self._lock:
            one = self._random.choice(self._files) if self._files else None
            if one:
                one.users += 1
        try:
            yield one
        finally:
            if one:
                with self._lock:
                    one.users -= 1

    def _create(self, client: httpx.Client) -> None:
        with self._lock:
            content = self._random.randbytes(self._random.randrange(1, 8192))
        multipart = upload_body(content, _TARGETS)
        headers = {"Content-Type": multipart.content_type}
        answer = self._send("create", lambda: client.post("/v1/files", content=multipart.body(), headers=headers))
        if answer is None:
            return
        if answer.status_code == 200:
            with self._lock:
                self._files.append(_File(answer.json()["id"], content))
        else:
            self._expect("create", answer, False)

    def _retrieve(self, client: httpx.Client) -> None:
        with self._use() as one:
            if one and (answer := self._send("retrieve", lambda: client.get(f"/v1/files/{one.id}"))) is not None:
                is_right = answer.status_code == 200 and answer.json()["bytes"] == len(one.content)
                self._expect("retrieve", answer, is_right)

    def _content(self, client: httpx.Client) -> None:
        with self._use() as one:
            if one and (answer := self._send("content", lambda: client.get(f"/v1/files/{one.id}/content"))) is not None:
                self._expect("content", answer, answer.status_code == 200 and answer.content == one.content)

    def _chat(self, client: httpx.Client) -> None:
        with self._lock:
            model = self._random.choice(_MODELS)
        with self._use() as one:
            if one and (answer := self._chat_about(client, model, one)) is not None:
                self._expect("chat", answer, _is_about(answer, one))

    def _chat_about(self, client: httpx.Client, model: str, one: _File) -> httpx.Response | None:
        body = {"model": model, "messages": file_message(one.id)}
        return self._send("chat", lambda: client.post("/v1/chat/completions", json=body))

    def _list(self, client: httpx.Client) -> None:
        with self._lock:
            before, gone = list(self._files), {one.id for one in self._gone}
        answer = self._send("list", lambda: client.get("/v1/files"))
        if answer is None:
            return
        if answer.status_code != 200:
            self._expect("list", answer, False)
            return
        ids = {file["id"] for file in answer.json()["data"]}
        with self._lock:
            # What was there before and after has to be in it.
            kept = {one.id for one in before if one in self._files}
        if kept - ids or gone & ids:
            self._complain(f"list: {len(kept - ids)} files are missing, {len(gone & ids)} deleted ones are there")

    def _gone_before(self) -> _File | None:
        with self._lock:
            began = self._gap[0] if self._gap and time.monotonic() < self._gap[1] else float("inf")
            latest = min(time.monotonic(), began) - _SECONDS_TO_HEAR
            old = [one for one in self._gone[-200:] if one.deleted_at < latest]
            return self._random.choice(old) if old else None

    def _ask_for_gone(self, client: httpx.Client) -> None:
        one = self._gone_before()
        if one and (answer := self._send("gone", lambda: client.get(f"/v1/files/{one.id}"))) is not None:
            self._expect("gone", answer, answer.status_code == 404)

    def _delete(self, client: httpx.Client) -> None:
        with self._lock:
            idle = [one for one in self._files if one.users == 0]
            if not idle:
                return
            one = self._random.choice(idle)
            self._files.remove(one)
        answer = self._send("delete", lambda: client.delete(f"/v1/files/{one.id}"))
        with self._lock:
            if answer is not None and answer.status_code == 200:
                one.deleted_at = time.monotonic()
                self._gone.append(one)
            else:
                self._unsure.append(one)
        if answer is not None:
            self._expect("delete", answer, answer.status_code == 200)

    def _check_the_end(self) -> None:
        """Every file is as it was told, at every gateway and every provider, and nothing else is anywhere."""
        for one in self._unsure:
            answer = self._clients[0].delete(f"/v1/files/{one.id}")
            self._expect("delete again", answer, answer.status_code in (200, 404))
        for client in self._clients:
            for one in self._files:
                self._check_there(client, one)
            for one in self._gone:
                answer = client.get(f"/v1/files/{one.id}")
                self._expect("gone at the end", answer, answer.status_code == 404)
        self.result.checked_files = len(self._files) + len(self._gone)
        with suppress(AssertionError):
            # What an upload has left that got no registry to note it in is swept.
            until("nothing but the files is there", self._is_tidy, seconds=60)
        if not self._is_tidy():
            self._complain("there are files or objects at the end that nobody was told of")

    def _check_there(self, client: httpx.Client, one: _File) -> None:
        answer = client.get(f"/v1/files/{one.id}/content")
        self._expect("content at the end", answer, answer.status_code == 200 and answer.content == one.content)
        for model in _MODELS:
            answer = self._chat_about(client, model, one)
            if answer is not None:
                self._expect("chat at the end", answer, _is_about(answer, one))

    def _is_tidy(self) -> bool:
        ids = {file["id"] for file in self._clients[0].get("/v1/files").json()["data"]}
        state = self._simulators.state()
        counts = {len(self._files), len(state["openai"]["files"]), len(state["google"]["objects"])}
        return ids == {one.id for one in self._files} and len(counts) == 1


def _is_about(answer: httpx.Response, one: _File) -> bool:
    return answer.status_code == 200 and hashlib.sha256(one.content).hexdigest()[:12] in answer.text
