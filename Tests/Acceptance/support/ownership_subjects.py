"""The part of the ownership matrix that has no file ids: users, keys, teams, models, health, uploads and parts."""

import json
import secrets
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field

from .documents import Multipart, pdf
from .ownership import (
    ASKER,
    ASKERS,
    FILE,
    GOOD,
    MASTER_USER,
    NO_KEY,
    OK,
    OPENAI_MODEL,
    Asker,
    Message,
    Outcome,
    may,
    post,
)
from .ownership_world import HELD_BACK, World
from .uploads import part_form

OWN, TEAMS, FOREIGN, UNKNOWN, ANY = "own", "team's", "foreign", "unknown", "-"
SUBJECTS = {
    OWN: "the asker's own user, a key of the asker's user (else the key itself), a team or an upload of the asker's",
    TEAMS: "an upload that ann has begun under red",
    FOREIGN: "the user zed, a key or an upload of zed, a team of which no asker is a member",
    UNKNOWN: "a name that nobody and nothing has",
    ANY: "a request that names nobody",
}

FORBIDDEN = Outcome(403, "admin_only")
MISSING = Outcome(404, "not_found")
NO_MODEL = Outcome(404, "model_not_found")
NO_UPLOAD, FOREIGN_UPLOAD = Outcome(404, "upload_not_found"), Outcome(403, "upload_access_denied")


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


def _uploads(row: Row, asker: Asker, column: str) -> Outcome:
    """Its owner, its team and administrators; a viewer changes nothing."""
    if column == UNKNOWN:
        return NO_UPLOAD
    is_allowed = (
        column == OWN or asker.role == "proxy_admin" or (column == TEAMS and may(asker, "delete", FILE["team"]))
    )
    return OK if is_allowed else FOREIGN_UPLOAD


ACCESS: dict[str, Callable[[Row, Asker, str], Outcome]] = {
    "everybody": _everybody,
    "every good key": _every_good_key,
    "administrators": _only_for_administrators,
    "whoever sees it": _seen,
    "readers": _seen_by_readers,
    "its user": _own_keys,
    "the models of the key": _models,
    "the key itself": _itself,
    "whose upload it is": _uploads,
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


#: What every part of these tests has: the same once more is no more than the upload may have.
PART = b"contents"
BEGINNING = {"filename": "a.txt", "purpose": "user_data", "bytes": len(PART), "mime_type": "text/plain"}
BEGINNING |= {"target_model_names": OPENAI_MODEL}


def _part(path: str) -> Callable[[str], Message]:
    """Adds a part to an upload, which is named as the upload and one of its parts with a slash between."""
    body = part_form(PART, boundary="b").body()
    return lambda name: Message("POST", f"{path}/{name.partition('/')[0]}/parts", body)


def _completion(path: str) -> Callable[[str], Message]:
    def make(name: str) -> Message:
        upload, _, part = name.partition("/")
        return post(f"{path}/{upload}/complete", {"part_ids": [part or "part_x"]})

    return make


def _cancellation(path: str) -> Callable[[str], Message]:
    return lambda name: Message("POST", f"{path}/{name.partition('/')[0]}/cancel")


SESSION_PATHS = {
    "/v1/uploads": "/v1/uploads",
    "/uploads": "/uploads",
    "/:provider/v1/uploads": "/vertex_ai/v1/uploads",
    "/openai/v1/uploads": "/openai/v1/uploads",
}


def _session_rows() -> list[Row]:
    """The routes of uploads in parts."""
    rows, columns, whose = [], (OWN, TEAMS, FOREIGN, UNKNOWN), "whose upload it is"
    for pattern, path in SESSION_PATHS.items():
        one = f"{pattern}/:upload_id"
        rows += [
            Row(("POST", pattern), "nothing", "every good key", _post(path, **BEGINNING), (ANY,)),
            Row(("POST", f"{one}/parts"), "upload", whose, _part(path), columns),
            Row(("POST", f"{one}/complete"), "upload", whose, _completion(path), columns, is_final=True),
            Row(("POST", f"{one}/cancel"), "upload", whose, _cancellation(path), columns, is_final=True),
        ]
    return rows


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
    function = "/plugins/{name}/functions/{function}"
    called = _post("/plugins/none/functions/none", arguments=[])
    rows.append(Row(("POST", function), "plugin", "administrators", called, (UNKNOWN,)))
    rows += [
        Row(("GET", "/plugins"), "nothing", "administrators", _get("/plugins"), nothing),
        Row(("GET", "/plugins/{name}"), "nothing", "administrators", _get("/plugins/openai"), nothing),
        Row(("GET", "/plugins/{name}"), "plugin", "administrators", _get("/plugins/NAME"), (UNKNOWN,)),
        Row(("GET", "/metrics"), "nothing", "administrators", _get("/metrics"), nothing),
    ]
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


ROWS = _rows() + _session_rows()


@dataclass
class Subjects:
    """Makes what the requests name, asks, and looks whether a refusal changed anything."""

    world: World
    zed_key: str = ""
    _names: dict[tuple[str, str], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.zed_key = self.world.new_user("zed")
        self.world.keys["zed"] = self.zed_key

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
        content_type = "multipart/form-data; boundary=b" if row.route in FORMS else "application/json"
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
        if row.route[1].endswith("/complete") and answer.status == 200:
            self.world.ask("master key", Message("DELETE", f"/v1/files/{answer.json()['file']['id']}"))
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
        place = (row.subject, asker.name if column == OWN else column)
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
        if subject == "key" and column == OWN and not asker.user:
            return world.keys[asker.name] or "sk-none"
        return self._made(subject, asker, column)

    def _made(self, subject: str, asker: Asker, column: str) -> str:
        """Something that is made for one request."""
        world = self.world
        if subject == "upload":
            # Who has no good key has begun nothing: what it names is refused before anybody looks.
            own = asker.name if asker.key == GOOD else "owner"
            return self._begun({OWN: own, TEAMS: "owner", FOREIGN: "zed"}[column])
        if subject == "key":
            return world.new_key(asker.user if column == OWN else "zed")
        if subject == "user":
            return world.post("/user/new", {"user_id": f"short-{uuid.uuid4().hex[:12]}"})["user_id"]
        members = [{"role": "user", "user_id": world.users["zed"]}]
        team = {"team_id": f"short-{uuid.uuid4().hex[:12]}", "members_with_roles": members}
        return world.post("/team/new", team)["team_id"]

    def _begun(self, asker: str) -> str:
        """An upload with its only part."""
        upload = self.world.post("/v1/uploads", BEGINNING, asker)["id"]
        answer = self.world.ask(asker, _part("/v1/uploads")(upload), "multipart/form-data; boundary=b")
        assert answer.status == 200, answer.text
        return f"{upload}/{answer.json()['id']}"

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
#: The routes whose body is a form.
FORMS = UPLOADS | {("POST", f"{pattern}/:upload_id/parts") for pattern in SESSION_PATHS}


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
