"""The part of the ownership matrix that has no file ids: users, keys, teams, models, health and uploads."""

import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from .documents import Multipart, pdf
from .ownership import (
    ASKER,
    ASKERS,
    GOOD,
    MASTER_USER,
    NO_KEY,
    OK,
    OPENAI_MODEL,
    Asker,
    Message,
    Outcome,
    post,
)
from .ownership_world import HELD_BACK, World

OWN, FOREIGN, UNKNOWN, ANY = "own", "foreign", "unknown", "-"
SUBJECTS = {
    OWN: "the asker's own user, a key of the asker's user (else the key itself), a team of the asker's",
    FOREIGN: "the user zed, a key of zed, a team of which no asker is a member",
    UNKNOWN: "a name that nobody and nothing has",
    ANY: "a request that names nobody",
}

FORBIDDEN = Outcome(403, "admin_only")
MISSING = Outcome(404, "not_found")
NO_MODEL = Outcome(404, "model_not_found")


@dataclass(frozen=True)
class Row:
    """A route and what its request names; `access` is the rule that decides."""

    route: tuple[str, str]
    subject: str
    access: str
    make: Callable[[str], Message]
    columns: tuple[str, ...] = (OWN, FOREIGN, UNKNOWN)
    #: What one request does cannot be done again, or not to oneself.
    is_final: bool = False
    #: What an administrator or a viewer gets for an unknown name.
    missing: Outcome = MISSING

    def __str__(self) -> str:
        return f"{self.route[0]} {self.route[1]}" + (f", {self.subject}" if self.subject != "nothing" else "")


def _everybody(row: Row, asker: Asker, column: str) -> Outcome:
    """Everybody, also without a key."""
    return OK


def _every_good_key(row: Row, asker: Asker, column: str) -> Outcome:
    """Every key that is good."""
    return OK


def _only_for_administrators(row: Row, asker: Asker, column: str) -> Outcome:
    """Administrators alone, whatever it is about."""
    if asker.role != "proxy_admin":
        return FORBIDDEN
    return row.missing if column == UNKNOWN else OK


def _seen(row: Row, asker: Asker, column: str) -> Outcome:
    """Administrators and viewers see everything, everybody else what is their own; the rest reads as if missing."""
    if not asker.sees_everybody:
        return OK if column in (OWN, ANY) else FORBIDDEN
    return row.missing if column == UNKNOWN else OK


def _seen_by_readers(row: Row, asker: Asker, column: str) -> Outcome:
    """Administrators and viewers alone."""
    return OK if asker.sees_everybody else FORBIDDEN


def _own_keys(row: Row, asker: Asker, column: str) -> Outcome:
    """Administrators for everybody, users for themselves; viewers and keys without a user change nothing."""
    if asker.role == "internal_user":
        return OK if asker.user and column in (OWN, ANY) else FORBIDDEN
    return _only_for_administrators(row, asker, column)


def _itself(row: Row, asker: Asker, column: str) -> Outcome:
    """Every key about itself; the master key has no record."""
    return Outcome(400) if asker.user == MASTER_USER else OK


def _models(row: Row, asker: Asker, column: str) -> Outcome:
    """A model that is not on the key reads as if there were none."""
    is_held_back = column == FOREIGN and asker.user == "eve"
    return NO_MODEL if column == UNKNOWN or is_held_back else OK


ACCESS: dict[str, Callable[[Row, Asker, str], Outcome]] = {
    "everybody": _everybody,
    "every good key": _every_good_key,
    "administrators": _only_for_administrators,
    "whoever sees it": _seen,
    "readers": _seen_by_readers,
    "its user": _own_keys,
    "the models of the key": _models,
    "the key itself": _itself,
}


def has_own(row: Row, asker: Asker) -> bool:
    """Whether there is something of the asker's own that the request could name."""
    if asker.user == MASTER_USER:
        return False
    if row.is_final and row.subject == "user" and asker.role == "proxy_admin":
        return False
    return {"user": bool(asker.user), "team": bool(asker.teams)}.get(row.subject, True)


def expected(row: Row, asker: Asker, column: str) -> Outcome | None:
    """What a cell must answer; None where there is nothing to ask."""
    if column == OWN and not has_own(row, asker):
        return None
    if row.access != "everybody" and asker.key != GOOD:
        return NO_KEY
    return ACCESS[row.access](row, asker, column)


def _get(path: str) -> Callable[[str], Message]:
    return lambda name: Message("GET", path.replace("NAME", name))


def _post(path: str, **body) -> Callable[[str], Message]:
    def make(name: str) -> Message:
        text = json.dumps(body).replace("NAME", name).replace("RANDOM", secrets.token_hex(8))
        return post(path.replace("{key}", name), json.loads(text))

    return make


def _upload(path: str) -> Callable[[str], Message]:
    def make(_: str) -> Message:
        form = Multipart(boundary="b").fields([("purpose", "user_data"), ("target_model_names", OPENAI_MODEL)])
        return Message("POST", path, form.file(pdf(secrets.token_hex(8))).body())

    return make


UPLOAD_PATHS = {
    "/v1/files": "/v1/files",
    "/files": "/files",
    "/:provider/v1/files": "/vertex_ai/v1/files",
    "/openai/v1/files": "/openai/v1/files",
}


def _rows() -> list[Row]:
    nothing = (ANY,)
    member = {"role": "user", "user_id": "ZED"}
    rows = [
        Row(("POST", pattern), "nothing", "every good key", _upload(path), nothing)
        for pattern, path in UPLOAD_PATHS.items()
    ]
    for path in ("/health/liveliness", "/health/liveness", "/health/readiness"):
        rows.append(Row(("GET", path), "nothing", "everybody", _get(path), nothing))
    for path in ("/health", "/v1/models", "/models", "/v1/model/info", "/model/info"):
        rows.append(Row(("GET", path), "nothing", "every good key", _get(path), nothing))
    for path in ("/v1/models/", "/models/"):
        rows.append(Row(("GET", path + "**"), "model", "the models of the key", _get(path + "NAME")))
    user = "user"
    rows += [
        Row(("POST", "/user/new"), user, "administrators", _post("/user/new", user_id="new-RANDOM"), nothing),
        Row(("GET", "/user/info"), user, "whoever sees it", _get("/user/info?user_id=NAME")),
        Row(("GET", "/user/list"), "nothing", "readers", _get("/user/list"), nothing),
        Row(("POST", "/user/update"), user, "administrators", _post("/user/update", user_id="NAME", user_alias="x")),
        Row(("POST", "/user/delete"), user, "administrators", _post("/user/delete", user_ids=["NAME"]), is_final=True),
    ]
    account = "/key/service-account/generate"
    rows += [
        Row(("POST", "/key/generate"), "nothing", "its user", _post("/key/generate"), nothing),
        Row(("POST", "/key/generate"), user, "its user", _post("/key/generate", user_id="NAME")),
        Row(("POST", "/key/generate"), "team", "its user", _post("/key/generate", team_id="NAME")),
        Row(("POST", account), "team", "administrators", _post(account, team_id="NAME")),
        Row(("GET", "/key/info"), "nothing", "the key itself", _get("/key/info"), nothing),
        Row(("GET", "/key/info"), "key", "whoever sees it", _get("/key/info?key=NAME")),
        Row(("GET", "/key/list"), "nothing", "whoever sees it", _get("/key/list"), nothing),
        Row(("GET", "/key/list"), user, "whoever sees it", _get("/key/list?user_id=NAME"), missing=OK),
        Row(("POST", "/key/update"), "key", "its user", _post("/key/update", key="NAME", key_alias="RANDOM")),
        Row(("POST", "/key/regenerate"), "key", "its user", _post("/key/regenerate", key="NAME"), is_final=True),
        Row(("POST", "/key/{key}/regenerate"), "key", "its user", _post("/key/{key}/regenerate"), is_final=True),
        Row(("POST", "/key/block"), "key", "its user", _post("/key/block", key="NAME"), is_final=True),
        Row(("POST", "/key/unblock"), "key", "its user", _post("/key/unblock", key="NAME"), is_final=True),
        Row(("POST", "/key/delete"), "key", "its user", _post("/key/delete", keys=["NAME"]), is_final=True),
    ]
    add, remove = "/team/member_add", "/team/member_delete"
    removal = _post(remove, team_id="NAME", user_id="ZED")
    rows += [
        Row(("POST", "/team/new"), "team", "administrators", _post("/team/new", team_id="new-RANDOM"), nothing),
        Row(("GET", "/team/info"), "team", "whoever sees it", _get("/team/info?team_id=NAME")),
        Row(("GET", "/team/list"), "nothing", "whoever sees it", _get("/team/list"), nothing),
        Row(("GET", "/team/list"), "team", "whoever sees it", _get("/team/list?team_id=NAME"), missing=OK),
        Row(("POST", "/team/update"), "team", "administrators", _post("/team/update", team_id="NAME", team_alias="x")),
        Row(
            ("POST", "/team/delete"), "team", "administrators", _post("/team/delete", team_ids=["NAME"]), is_final=True
        ),
        Row(("POST", add), "team", "administrators", _post(add, team_id="NAME", member=member)),
        Row(("POST", remove), "team", "administrators", removal, is_final=True),
    ]
    return rows


ROWS = _rows()


@dataclass
class Subjects:
    """Makes what the requests name, asks, and looks whether a refusal changed anything."""

    world: World
    zed_key: str = ""
    _names: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.zed_key = self.world.new_user("zed")

    def check(self, row: Row) -> list[str]:
        """Asks every cell of a row; returns what is wrong."""
        found = []
        for asker in ASKERS:
            for column in row.columns:
                outcome = expected(row, asker, column)
                if outcome is not None:
                    faults = self._cell(row, asker, column, outcome)
                    found += [f"{asker.name} x {column}: expected {outcome}, but it {fault}" for fault in faults]
        return found

    def _cell(self, row: Row, asker: Asker, column: str, outcome: Outcome) -> list[str]:
        name = self._name(row, asker, column, is_used_up=row.is_final and outcome.status == 200)
        message = row.make(name)
        if message.body is not None:
            body = message.body.replace(b"ZED", self.world.users["zed"].encode())
            message = Message(message.method, message.path, body)
        before = self._seen_from_above(row, name, column)
        content_type = "multipart/form-data; boundary=b" if row.route in UPLOADS else "application/json"
        answer = self.world.ask(asker.name, message, content_type)
        found = []
        if answer.status != outcome.status:
            found.append(f"is {answer.status} {answer.text[:300]}")
        elif outcome.status >= 400:
            found += self.world.error_faults(outcome, answer)
            request = message.path + (message.body or b"").decode(errors="replace")
            leaks = self.world.leaks(asker, set(), False, request, answer)
            found += [f"gives away {leak}" for leak in leaks]
        if outcome.status != 200 and self._seen_from_above(row, name, column) != before:
            found.append("changed what it was refused for")
        if row.route in UPLOADS and answer.status == 200:
            self.world.ask("master key", Message("DELETE", f"/v1/files/{answer.json()['id']}"))
        return found

    # What requests name.

    def _name(self, row: Row, asker: Asker, column: str, *, is_used_up: bool) -> str:
        if column == ANY:
            return ""
        if row.subject == "model":
            return {OWN: OPENAI_MODEL, FOREIGN: HELD_BACK, UNKNOWN: "gpt-9"}[column]
        if column == UNKNOWN:
            return str(uuid.uuid4())
        if is_used_up:
            return self._made(row.subject, asker, column)
        place = (row.subject, asker.name if column == OWN else "zed")
        if place not in self._names:
            self._names[place] = self._standing(row.subject, asker, column)
        return self._names[place]

    def _standing(self, subject: str, asker: Asker, column: str) -> str:
        """Something that is there already, or is made once."""
        world = self.world
        if subject == "user":
            return world.users[asker.user if column == OWN else "zed"]
        if subject == "team":
            return world.teams[sorted(asker.teams)[0] if column == OWN else "green"]
        if column == OWN and not asker.user:
            return world.keys[asker.name] or "sk-none"
        return self._made(subject, asker, column)

    def _made(self, subject: str, asker: Asker, column: str) -> str:
        """Something that is made for one request."""
        world = self.world
        if subject == "key":
            return world.new_key(asker.user if column == OWN else "zed")
        if subject == "user":
            return world.post("/user/new", {"user_id": f"short-{uuid.uuid4().hex[:12]}"})["user_id"]
        members = [{"role": "user", "user_id": world.users["zed"]}]
        team = {"team_id": f"short-{uuid.uuid4().hex[:12]}", "members_with_roles": members}
        return world.post("/team/new", team)["team_id"]

    def _seen_from_above(self, row: Row, name: str, column: str) -> str:
        """What the master key sees of the thing that is named."""
        paths = {"user": "/user/info?user_id=", "key": "/key/info?key=", "team": "/team/info?team_id="}
        if row.subject not in paths or column in (UNKNOWN, ANY):
            return ""
        answer = self.world.ask("master key", Message("GET", paths[row.subject] + name))
        return json.dumps(self._without_times(answer.json()), sort_keys=True)

    @classmethod
    def _without_times(cls, value: object) -> object:
        if isinstance(value, dict):
            return {name: cls._without_times(one) for name, one in value.items() if name != "last_used_at"}
        return [cls._without_times(one) for one in value] if isinstance(value, list) else value


UPLOADS = {("POST", pattern) for pattern in UPLOAD_PATHS}


# Uploads that are sent twice.

REPEATED = ["owner", "own service account", "lone key"]
SAME, NEW = Outcome(200, note="the first one's file"), Outcome(200, note="a file of its own")
CONFLICT = Outcome(409, "conflict")


def expected_of_repeat(first: str, asker: Asker, is_same: bool) -> Outcome:
    """An Idempotency-Key is its owner's, within a team: what others send with it has nothing to do with it."""
    if asker.key != GOOD:
        return NO_KEY
    if (asker.owner, asker.team) != (ASKER[first].owner, ASKER[first].team):
        return NEW
    return SAME if is_same else CONFLICT


def check_repeats(world: World, first: str, is_same: bool) -> list[str]:
    """Sends an upload with one key, and then everybody the same or another one with that key."""
    form = Multipart(boundary="b").fields([("purpose", "user_data"), ("target_model_names", OPENAI_MODEL)])
    other = Multipart(boundary="b").fields([("purpose", "user_data"), ("target_model_names", OPENAI_MODEL)])
    bodies = [form.file(pdf(secrets.token_hex(8))).body(), other.file(pdf(secrets.token_hex(8))).body()]
    headers = {"Content-Type": "multipart/form-data; boundary=b", "Idempotency-Key": secrets.token_hex(8)}

    def upload(asker: str, body: bytes) -> tuple[int, dict]:
        answer = world.send(Message("POST", "/v1/files", body), headers | world.authorization(asker))
        return answer.status, answer.json()

    made = upload(first, bodies[0])[1]["id"]
    ids, found = {made}, []
    for asker in ASKERS:
        outcome = expected_of_repeat(first, asker, is_same)
        status, body = upload(asker.name, bodies[0 if is_same else 1])
        if status != outcome.status or (status >= 400 and body["error"]["code"] != outcome.code):
            found.append(f"{asker.name}: expected {outcome}, but it is {status} {body}")
        elif status == 200 and (body["id"] == made) != (outcome == SAME):
            found.append(f"{asker.name}: expected {outcome}, but it is {body['id']} after {made}")
        if status == 200:
            ids.add(body["id"])
    for file_id in ids:
        world.ask("master key", Message("DELETE", f"/v1/files/{file_id}"))
    return found
