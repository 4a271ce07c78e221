"""The part of the ownership matrix about what is made at a provider and is no file, such as responses.

Every kind has its places, a way to make one, and two codes of errors; the rules are those of files.
"""

import base64
import contextlib
import secrets
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import quote

from .batches import CHAT, example, jsonl, line
from .documents import Multipart
from .ownership import (
    ASKERS,
    FILE,
    FILES,
    GOOD,
    NO_KEY,
    OK,
    OPENAI_MODEL,
    Asker,
    Message,
    Outcome,
    may,
    post,
)
from .ownership_world import World


@dataclass(frozen=True)
class ObjectKind:
    """A kind of object: what its ids begin with, and how an asker makes one."""

    name: str
    prefix: str
    create: Callable[[World, str], dict]
    #: Whether its owner can delete it.
    can_go: bool = True

    @property
    def not_found(self) -> Outcome:
        return Outcome(404, f"{self.name}_not_found")

    @property
    def denied(self) -> Outcome:
        return Outcome(403, f"{self.name}_access_denied")


def _make_response(world: World, maker: str) -> dict:
    return world.post("/v1/responses", {"model": OPENAI_MODEL, "input": f"Secret {secrets.token_hex(8)}"}, maker)


def _make_batch(world: World, maker: str) -> dict:
    """A batch that its provider does not go on with; only what it works on is left of its input."""
    world.simulators.hold_openai(batch=True)
    form = Multipart().fields([("purpose", "batch"), ("target_model_names", OPENAI_MODEL)])
    form.file(jsonl(line("a")), 'filename="in.jsonl"', "application/jsonl")
    uploaded = world.ask(maker, Message("POST", "/v1/files", form.body()), form.content_type).json()["id"]
    made = world.post("/v1/batches", _BATCH | {"input_file_id": uploaded}, maker)
    assert world.ask(maker, Message("DELETE", f"/v1/files/{uploaded}")).status == 200
    world.accept_what_providers_hold()
    return made


def _make_job(world: World, maker: str) -> dict:
    """A job that its provider does not go on with; only what it works on is left of its training file."""
    world.simulators.hold_openai(job=True)
    form = Multipart().fields([("purpose", "fine-tune"), ("target_model_names", OPENAI_MODEL)])
    form.file(jsonl(*[example(number) for number in range(10)]), 'filename="train.jsonl"', "application/jsonl")
    uploaded = world.ask(maker, Message("POST", "/v1/files", form.body()), form.content_type).json()["id"]
    made = world.post("/v1/fine_tuning/jobs", {"model": OPENAI_MODEL, "training_file": uploaded}, maker)
    assert world.ask(maker, Message("DELETE", f"/v1/files/{uploaded}")).status == 200
    world.accept_what_providers_hold()
    return made


_BATCH = {"endpoint": CHAT, "completion_window": "24h"}
RESPONSE = ObjectKind("response", "resp_", _make_response)
BATCH = ObjectKind("batch", "batch_", _make_batch, can_go=False)
JOB = ObjectKind("job", "ftjob-", _make_job, can_go=False)


@dataclass(frozen=True)
class ObjectPlace:
    """One place of one route in which the id of an object can stand."""

    kind: ObjectKind
    name: str
    route: tuple[str, str]
    action: str
    message: Callable[[str], Message]
    passed: Outcome = OK
    #: Whether the object is gone when somebody who may has asked.
    is_final: bool = False

    def __str__(self) -> str:
        return f"{self.kind.name}: {self.name}"


@dataclass(frozen=True)
class ObjectId:
    """A text that stands where an object's id stands; `maker` names the object's, as of a file, if there is one."""

    name: str
    about: str
    maker: str | None = None


OBJECT_IDS = [
    *(ObjectId(file.name, f"one that was made as the file {file.name}", file.name) for file in FILES),
    ObjectId("deleted", "one of ann's and red that was deleted"),
    ObjectId("forged", "that of team with one bit flipped"),
    ObjectId("unknown", "40 random characters"),
    ObjectId("other kind", "that of team with the prefix of another kind"),
    ObjectId("a file's", "the id of ann's file of red"),
    ObjectId("a file's, renamed", "the same with the prefix of the kind"),
    ObjectId("provider's", "what team is called at its provider"),
    ObjectId("word", "no id of any form"),
]


def expected(place: ObjectPlace, asker: Asker, what: ObjectId) -> Outcome:
    """What a cell must answer."""
    if asker.key != GOOD:
        return NO_KEY
    if what.maker is None:
        return place.kind.not_found
    return place.passed if may(asker, place.action, FILE[what.maker]) else place.kind.denied


RESPONSE_ROOTS = {
    "/v1/responses": "/v1/responses",
    "/responses": "/responses",
    "/:provider/v1/responses": "/vertex_ai/v1/responses",
    "/openai/v1/responses": "/openai/v1/responses",
}
#: One that was not made in the background cannot be cancelled, and its provider says so.
_NOT_CANCELLED = Outcome(400, note="sent", sent=True)


def _in_path(method: str, path: str) -> Callable[[str], Message]:
    return lambda text: Message(method, path.replace("ID", quote(text, safe="")))


def _following(path: str) -> Callable[[str], Message]:
    body = {"model": OPENAI_MODEL, "input": "And then?", "store": False}
    return lambda text: post(path, body | {"previous_response_id": text})


def _response_places() -> list[ObjectPlace]:
    places = []
    operations = [
        ("GET", "", "read", OK, False),
        ("DELETE", "", "delete", OK, True),
        ("POST", "/cancel", "delete", _NOT_CANCELLED, False),
        ("GET", "/input_items", "read", OK, False),
    ]
    for pattern, root in RESPONSE_ROOTS.items():
        for method, suffix, action, passed, is_final in operations:
            route = (method, f"{pattern}/:response_id{suffix}")
            message = _in_path(method, f"{root}/ID{suffix}")
            places.append(ObjectPlace(RESPONSE, " ".join(route), route, action, message, passed, is_final))
        name = f"POST {pattern}: previous_response_id"
        places.append(ObjectPlace(RESPONSE, name, ("POST", pattern), "read", _following(root)))
    return places


BATCH_ROOTS = {
    "/v1/batches": "/v1/batches",
    "/batches": "/batches",
    "/:provider/v1/batches": "/vertex_ai/v1/batches",
    "/openai/v1/batches": "/openai/v1/batches",
}
#: A provider may be asked how it is.
_ASKED = Outcome(200, sent=True)


def _batch_places() -> list[ObjectPlace]:
    places = []
    for pattern, root in BATCH_ROOTS.items():
        for method, suffix, action in [("GET", "", "read"), ("POST", "/cancel", "delete")]:
            route = (method, f"{pattern}/:batch_id{suffix}")
            message = _in_path(method, f"{root}/ID{suffix}")
            places.append(ObjectPlace(BATCH, " ".join(route), route, action, message, _ASKED))
        name = f"GET {pattern}?after="
        places.append(ObjectPlace(BATCH, name, ("GET", pattern), "read", _in_path("GET", f"{root}?after=ID")))
    return places


JOB_ROOTS = {
    "/v1/fine_tuning/jobs": "/v1/fine_tuning/jobs",
    "/fine_tuning/jobs": "/fine_tuning/jobs",
    "/:provider/v1/fine_tuning/jobs": "/vertex_ai/v1/fine_tuning/jobs",
    "/openai/v1/fine_tuning/jobs": "/openai/v1/fine_tuning/jobs",
}
#: A job that has not begun cannot be paused, and its provider says so.
_NOT_BEGUN = Outcome(400, note="sent", sent=True)


def _job_places() -> list[ObjectPlace]:
    """What cancels a job comes last: it can be cancelled again, and nothing else can be done with it."""
    operations = [
        ("GET", "", "read", _ASKED),
        ("GET", "/events", "read", _ASKED),
        ("GET", "/checkpoints", "read", _ASKED),
        ("POST", "/pause", "delete", _NOT_BEGUN),
        ("POST", "/resume", "delete", _NOT_BEGUN),
        ("POST", "/cancel", "delete", _ASKED),
    ]
    places = []
    for method, suffix, action, passed in operations:
        for pattern, root in JOB_ROOTS.items():
            route = (method, f"{pattern}/:job_id{suffix}")
            message = _in_path(method, f"{root}/ID{suffix}")
            places.append(ObjectPlace(JOB, " ".join(route), route, action, message, passed))
    for pattern, root in JOB_ROOTS.items():
        name = f"GET {pattern}?after="
        places.append(ObjectPlace(JOB, name, ("GET", pattern), "read", _in_path("GET", f"{root}?after=ID")))
    return places


OBJECT_PLACES = [*_response_places(), *_batch_places(), *_job_places()]


def object_ids(kind: ObjectKind) -> list[ObjectId]:
    """The columns of a kind."""
    return [what for what in OBJECT_IDS if kind.can_go or what.name != "deleted"]


@dataclass
class Objects:
    """Makes the objects that requests name, and asks every cell of a place."""

    world: World
    _made: dict[tuple[str, str], dict] = field(default_factory=dict)
    _texts: dict[tuple[str, str], str] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def check(self, place: ObjectPlace) -> list[str]:
        """Asks every cell; returns what is wrong."""
        found = []
        self._provider_ids(place.kind)
        for what in object_ids(place.kind):
            text = self._text(place.kind, what)
            passes = [asker for asker in ASKERS if expected(place, asker, what) == place.passed]
            before = self.world.moment()
            for asker in ASKERS:
                if asker not in passes:
                    found += self._cell(place, asker, what, text)
            if asked := self.world.asked_since(before):
                found.append(f"{what.name}: a provider was asked for what was refused: {asked[:5]}")
            for asker in passes:
                found += self._cell(place, asker, what, self._passing_text(place, what, text))
        return found

    def _passing_text(self, place: ObjectPlace, what: ObjectId, text: str) -> str:
        return self._create(place.kind, what.maker)["id"] if place.is_final and what.maker else text

    def _cell(self, place: ObjectPlace, asker: Asker, what: ObjectId, text: str) -> list[str]:
        outcome = expected(place, asker, what)
        message = place.message(text)
        answer = self.world.ask(asker.name, message)
        faults = []
        if answer.status != outcome.status:
            faults.append(f"is {answer.status} {answer.text[:300]}")
        elif outcome.code:
            faults += self.world.error_faults(outcome, answer)
        if outcome.status == 200 and place.action == "read" and text not in answer.text and "list" not in answer.text:
            faults.append(f"does not speak of {text}")
        told = answer.headers + answer.text
        request = message.path + (message.body or b"").decode(errors="replace")
        for name, provider_id in self._provider_ids(place.kind).items():
            if provider_id in told and provider_id not in request:
                faults.append(f"gives away the provider's id of {name}")
        if outcome.status == 200 and place.is_final:
            again = self.world.ask("master key", place.message(text))
            if again.status != 404:
                faults.append(f"left it where it was: {again.status}")
        return [f"{asker.name} x {what.name}: expected {outcome}, but it {fault}" for fault in faults]

    # What requests name.

    def _create(self, kind: ObjectKind, name: str) -> dict:
        return kind.create(self.world, FILE[name].maker)

    def _object(self, kind: ObjectKind, name: str) -> dict:
        with self._lock:
            place = (kind.name, name)
            if place not in self._made:
                self._made[place] = self._create(kind, name)
            return self._made[place]

    def _provider_ids(self, kind: ObjectKind) -> dict[str, str]:
        """What the provider calls the objects that stay."""
        key = (kind.name, "provider ids")
        if key not in self._made:
            found = {}
            path = self.world.gateway.data / "gantry.sqlite"
            with contextlib.closing(sqlite3.connect(path, timeout=30)) as registry:
                for file in FILES:
                    number = base64.b32decode(self._object(kind, file.name)["id"].removeprefix(kind.prefix).upper())
                    query = "SELECT provider_id FROM objects WHERE id = ?"
                    found[file.name] = registry.execute(query, [number[:16]]).fetchone()[0]
            self._made[key] = found
        return self._made[key]

    def _text(self, kind: ObjectKind, what: ObjectId) -> str:
        key = (kind.name, what.name)
        if key not in self._texts:
            self._texts[key] = self._new_text(kind, what)
        return self._texts[key]

    def _new_text(self, kind: ObjectKind, what: ObjectId) -> str:
        if what.maker:
            return self._object(kind, what.maker)["id"]
        team = self._object(kind, "team")["id"].removeprefix(kind.prefix)
        if what.name == "deleted":
            made = self._create(kind, "team")["id"]
            gone = next(one for one in OBJECT_PLACES if one.kind == kind and one.is_final)
            assert self.world.ask("owner", gone.message(made)).status == 200
            return made
        if what.name == "provider's":
            return self._provider_ids(kind)["team"]
        forged = bytearray(base64.b32decode(team.upper()))
        forged[3] ^= 4
        file_id = self.world.files["team"].id
        return {
            "forged": kind.prefix + base64.b32encode(forged).decode().lower(),
            "unknown": kind.prefix + base64.b32encode(secrets.token_bytes(25)).decode().lower(),
            "other kind": ("batch_" if kind.prefix != "batch_" else "resp_") + team,
            "a file's": file_id,
            "a file's, renamed": kind.prefix + file_id.removeprefix("file-"),
            "word": "no id of any form",
        }[what.name]
