"""Files that come and go through the gateway while something else is measured."""

import multiprocessing
import random
import time
from dataclasses import dataclass, field

import httpx

from support.documents import upload_body

_TARGETS = "gpt-4o-mini-openai, gemini-2.0-flash"
#: Seconds between two changes; each uploads a file, or deletes that one or one of the seeded.
_PAUSE = 0.2


@dataclass
class Churn:
    """A process of its own, so that it takes no time from the one that measures."""

    url: str
    key: str
    #: Files that it may delete, as clients write them.
    victims: list[str]
    _changed: list[str] = field(default_factory=list)

    def __enter__(self) -> "Churn":
        context = multiprocessing.get_context("spawn")
        self._ours, theirs = context.Pipe()
        self._process = context.Process(target=_change, args=(self.url, self.key, self.victims, theirs), daemon=True)
        self._process.start()
        assert self._ours.recv() == "begun"
        return self

    def __exit__(self, *_: object) -> None:
        self._ours.send("stop")
        self._changed = self._ours.recv()
        self._process.join()

    @property
    def changed(self) -> set[str]:
        """The ids of all files that came or went, known when it has ended."""
        return set(self._changed)


def _change(url: str, key: str, victims: list[str], pipe) -> None:
    http = httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False)
    dice = random.Random(1)
    dice.shuffle(victims)
    changed: list[str] = []
    own: list[str] = []
    pipe.send("begun")
    while not pipe.poll(_PAUSE):
        kind = dice.randrange(3)
        if kind == 0 or (kind == 1 and not own):
            own.append(_upload(http))
            changed.append(own[-1])
        else:
            victim = own.pop(0) if kind == 1 else victims.pop()
            # It counts as changed from before the delete: a list may lack it or not.
            changed.append(victim)
            response = http.delete(f"/v1/files/{victim}")
            assert response.status_code == 200, response.text
    pipe.send(changed)


def _upload(http: httpx.Client) -> str:
    multipart = upload_body(None, _TARGETS)
    headers = {"Content-Type": multipart.content_type}
    started = time.monotonic()
    response = http.post("/v1/files", content=multipart.body(), headers=headers)
    assert response.status_code == 200, f"{response.text} after {time.monotonic() - started:.1f} s"
    return response.json()["id"]
