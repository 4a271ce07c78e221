"""The world of the ownership matrix: real keys, real files, and a way to ask one cell and look at its answer."""

import base64
import contextlib
import hashlib
import http.client
import itertools
import json
import re
import secrets
import sqlite3
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from .documents import Multipart, pdf
from .errors import check_error_object
from .gateway import (
    BUILD,
    MASTER_KEY,
    Gateway,
    clean_environment,
    configuration,
    openai_entry,
    vertex_entry,
)
from .ownership import (
    ASKERS,
    DENIED,
    EMBEDDINGS_MODEL,
    ERROR_TYPES,
    FILE,
    FILES,
    MASTER_USER,
    OPENAI_MODEL,
    SENT,
    VERTEX_MODEL,
    Asker,
    File,
    Id,
    Message,
    Outcome,
    Place,
    columns,
    expected,
    may,
)
from .simulators import Simulators
from .waiting import until

EVERYWHERE = f"{OPENAI_MODEL},{VERTEX_MODEL},{EMBEDDINGS_MODEL}"
#: A model that one asker may not use.
HELD_BACK = "held-back"
_THREADS = 4
#: The simulators remember their last 1000 requests; a cell that is passed on makes up to three.
_CELLS_AT_ONCE = 300
_PREFIX = "file-"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: str
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")

    def json(self) -> dict:
        return json.loads(self.body)


@dataclass(frozen=True)
class MadeFile:
    """A file that is there, and what nobody may learn of it."""

    id: str
    object: dict
    filename: str
    sha256: str
    provider_ids: tuple[str, ...] = ()

    @property
    def uuid(self) -> uuid.UUID:
        return uuid.UUID(bytes=base64.b32decode(self.id.removeprefix(_PREFIX).upper())[:16])


def flipped(file_id: str, bit: int) -> str:
    """The id with one of the 200 bits behind its prefix changed."""
    data = bytearray(base64.b32decode(file_id.removeprefix(_PREFIX).upper()))
    data[bit // 8] ^= 0x80 >> bit % 8
    return _PREFIX + base64.b32encode(data).decode().lower()


def litellm_id(record: uuid.UUID, mime_type: str = "text/plain", names: str = "gpt-9", more: str = "") -> str:
    plain = f"litellm_proxy:{mime_type};unified_id,{record};target_model_names,{names}{more}"
    return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")


class World:
    """One gateway, simulators of its own, every asker with a key and every file in its place."""

    def __init__(self, directory: Path):
        self._local = threading.local()
        self._connections: list[http.client.HTTPConnection] = []
        self._pool = ThreadPoolExecutor(_THREADS)
        self.simulators = Simulators(BUILD / "gantry-simulators", directory / "simulators", clean_environment())
        account = directory / "account.json"
        account.write_text(json.dumps(self.simulators.service_account("main")))
        account.chmod(0o600)
        self.gateway = Gateway.start(directory / "gateway", self._configuration(account), log_level="info")
        self.gateway.secrets.append("sk-sim-main")
        self.users = {MASTER_USER: MASTER_USER}
        self.teams: dict[str, str] = {}
        self.keys: dict[str, str | None] = {}
        self._make_askers()
        self.files = {file.name: self.make(file.maker, EVERYWHERE) for file in FILES}
        self._know_provider_ids()
        self.expired = self.make_expired()
        self.deleted = self.make("owner")
        assert self.ask("owner", Message("DELETE", f"/v1/files/{self.deleted.id}")).status == 200
        self.ids = self._texts()
        self._tokens = self._secret_tokens()
        self._held = self.what_providers_hold()

    def _configuration(self, account: Path) -> dict:
        one = self.simulators
        return configuration(
            openai_entry(one, OPENAI_MODEL, model_info={"id": "openai-main"}),
            vertex_entry(one, account, VERTEX_MODEL, model_info={"id": "vertex-main"}),
            openai_entry(one, EMBEDDINGS_MODEL, model="text-embedding-3-small", model_info={"id": "embeddings-main"}),
            openai_entry(one, HELD_BACK, model="gpt-4o", model_info={"id": "held-back-main"}),
            sweep_seconds=3600,
            # No batch is asked about but by those who ask for it.
            batch_poll_seconds=300,
        )

    def close(self) -> None:
        self._pool.shutdown()
        for connection in self._connections:
            connection.close()
        self.gateway.stop()
        self.simulators.stop()

    # Requests.

    def send(self, message: Message, headers: dict[str, str]) -> Answer:
        """One request on this thread's connection."""
        connection = getattr(self._local, "connection", None)
        if connection is None:
            parts = urlsplit(self.gateway.url)
            connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
            self._local.connection = connection
            self._connections.append(connection)
        connection.request(message.method, message.path, message.body, headers)
        response = connection.getresponse()
        told = "\n".join(f"{name}: {value}" for name, value in response.getheaders())
        return Answer(response.status, told, response.read())

    def ask(self, asker: str, message: Message, content_type: str = "application/json") -> Answer:
        headers = {"Content-Type": content_type} if message.body is not None else {}
        return self.send(message, headers | self.authorization(asker))

    def authorization(self, asker: str) -> dict[str, str]:
        key = self.keys[asker]
        return {} if key is None else {"Authorization": f"Bearer {key}"}

    def post(self, path: str, body: dict, asker: str = "master key") -> dict:
        """A request that must succeed."""
        answer = self.ask(asker, Message("POST", path, json.dumps(body).encode()))
        assert answer.status == 200, f"POST {path}: {answer.status} {answer.text}"
        return answer.json()

    def get(self, path: str, asker: str = "master key") -> dict:
        answer = self.ask(asker, Message("GET", path))
        assert answer.status == 200, f"GET {path}: {answer.status} {answer.text}"
        return answer.json()

    # Askers.

    def new_user(self, name: str, **more) -> str:
        """Makes a user; returns its key."""
        self.users[name] = f"{name}-{uuid.uuid4().hex[:12]}"
        return self.post("/user/new", {"user_id": self.users[name]} | more)["key"]

    def new_team(self, name: str) -> None:
        self.teams[name] = self.post("/team/new", {"team_id": f"{name}-{uuid.uuid4().hex[:12]}"})["team_id"]

    def new_key(self, user: str | None = None, team: str | None = None, **more) -> str:
        body = {"user_id": self.users.get(user or ""), "team_id": self.teams.get(team or "")} | more
        return self.post("/key/generate", {name: value for name, value in body.items() if value})["key"]

    def _make_askers(self) -> None:
        self.keys |= {"master key": MASTER_KEY, "no key": None, "malformed key": "mk-" + "x" * 30}
        self.keys["unknown key"] = "sk-" + secrets.token_hex(24)
        for team in ("red", "blue", "green"):
            self.new_team(team)
        first: dict[str, str] = {}
        for asker in ASKERS:
            if asker.user and asker.user not in self.users:
                limited = {"models": EVERYWHERE.split(",")} if asker.user == "eve" else {}
                first[asker.user] = self.new_user(asker.user, user_role=asker.role, **limited)
        for user, team in (("ben", "red"), ("fay", "red")):
            member = {"role": "user", "user_id": self.users[user]}
            self.post("/team/member_add", {"team_id": self.teams[team], "member": member})
        self.post("/team/member_delete", {"team_id": self.teams["red"], "user_id": self.users["fay"]})
        for asker in ASKERS:
            if asker.name in self.keys:
                continue
            if asker.user and not asker.team:
                self.keys[asker.name] = first[asker.user]
            elif asker.team and not asker.user:
                body = {"team_id": self.teams[asker.team]}
                self.keys[asker.name] = self.post("/key/service-account/generate", body)["key"]
            else:
                lifetime = {"duration": "1s"} if asker.key == "expired" else {}
                self.keys[asker.name] = self.new_key(asker.user, asker.team, **lifetime)
        assert self.ask("revoked key", Message("GET", "/v1/models")).status == 200
        self.post("/key/delete", {"keys": [self.keys["revoked key"]]})
        self.post("/key/block", {"key": self.keys["blocked key"]})
        until("the key has expired", lambda: self.ask("expired key", Message("GET", "/v1/models")).status == 401)

    # Files.

    def make(self, asker: str, targets: str = OPENAI_MODEL, **fields: str) -> MadeFile:
        """Uploads a file whose name and content are like no other's."""
        name, content = f"name-{secrets.token_hex(12)}.pdf", pdf(f"Secret {secrets.token_hex(12)}")
        form = Multipart().fields([("purpose", "user_data"), ("target_model_names", targets), *fields.items()])
        form.file(content, f'filename="{name}"')
        answer = self.ask(asker, Message("POST", "/v1/files", form.body()), form.content_type)
        assert answer.status == 200, answer.text
        made = answer.json()
        return MadeFile(made["id"], made, name, hashlib.sha256(content).hexdigest())

    def make_expired(self) -> MadeFile:
        """A file of the owner whose time was over an hour ago."""
        lifetime = {"expires_after[anchor]": "created_at", "expires_after[seconds]": "3600"}
        file = self.make("owner", **lifetime)
        with contextlib.closing(sqlite3.connect(self.gateway.data / "gantry.sqlite", timeout=30)) as registry, registry:
            change = "UPDATE files SET expires_at = expires_at - 7200 WHERE id = ?"
            assert registry.execute(change, [file.uuid.bytes]).rowcount == 1
        return file

    def _know_provider_ids(self) -> None:
        with contextlib.closing(sqlite3.connect(self.gateway.data / "gantry.sqlite", timeout=30)) as registry:
            for name, file in self.files.items():
                query = "SELECT provider_id FROM file_copies WHERE file_id = ? ORDER BY place"
                copies = tuple(row[0] for row in registry.execute(query, [file.uuid.bytes]))
                assert len(copies) == len(EVERYWHERE.split(",")) and all(copies)
                self.files[name] = MadeFile(file.id, file.object, file.filename, file.sha256, copies)

    def _texts(self) -> dict[str, str]:
        team = self.files["team"]
        openai_copy = next(one for one in team.provider_ids if one.startswith("file-"))
        google_copy = next(one for one in team.provider_ids if one.startswith("gs://"))
        texts = {file.name: self.files[file.name].id for file in FILES}
        texts |= {"expired": self.expired.id, "deleted": self.deleted.id}
        texts |= {"unknown": _PREFIX + base64.b32encode(secrets.token_bytes(25)).decode().lower()}
        texts |= {"litellm unknown": litellm_id(uuid.uuid4()), "word": "no id of any form"}
        texts |= {"raw file-": "file-abc123", "raw copy": openai_copy, "raw gs": google_copy}
        return texts | {"raw files/": "files/abc-123"}

    def text(self, what: Id, file: MadeFile | None, number: int) -> str:
        """What stands in the place; of forged ids always another one."""
        if what.name == "forged":
            return flipped(self.files["team"].id, number * 11 % 200)
        if what.name.startswith("litellm") and what.file:
            file = file or self.files[what.file]
            copy = next(one for one in self.files["foreign"].provider_ids if one.startswith("file-"))
            claims = f";llm_output_file_id,{copy};llm_output_file_model_id,held-back-main"
            return litellm_id(file.uuid, names=HELD_BACK, more=claims if what.name == "litellm private" else "")
        return file.id if file else self.ids[what.name]

    # Checks.

    def _secret_tokens(self) -> dict[str, str]:
        """What no answer may hold, and whose it is; file names and sizes are for those who may read the file."""
        tokens: dict[str, str] = {}
        for name, file in self.files.items():
            tokens |= {file.filename: name, file.sha256[:12]: f"provider of {name}"}
            for copy in file.provider_ids:
                # The name of an object at Google ends with the file's own name.
                tokens |= {copy.removesuffix("/" + file.filename): f"provider of {name}"}
        tokens |= {self.expired.filename: "team", self.expired.sha256: "team", self.deleted.filename: "nobody"}
        for name, user in self.users.items():
            if name != MASTER_USER:
                tokens[user] = f"user {name}"
        return tokens | {key: "key" for key in self.keys.values() if key}

    def leaks(self, asker: Asker, readable: set[str], is_model_speaking: bool, request: str, answer: Answer) -> list:
        """What the answer says and must not; what the request itself said may come back.

        A file's name is for those who asked for that file. What it is called at a provider, and its digest, are only in
        the mouth of the simulated model, which tells what it was given.
        """
        whole = answer.headers + answer.text
        known = readable | {f"user {asker.user}"}
        if is_model_speaking:
            known |= {f"provider of {name}" for name in readable}
        return [
            f"{whose}: {token}"
            for token, whose in self._tokens.items()
            if token in whole and token not in request and whose not in known
        ]

    def faults(self, asker: Asker, what: Id | File, place: Place, message: Message, answer: Answer) -> list[str]:
        """What is wrong with an answer."""
        outcome = expected(place, asker, what)
        found = []
        if answer.status != outcome.status:
            found.append(f"is {answer.status} {answer.text[:300]}")
        elif outcome.status >= 400 and message.method != "HEAD":
            found += self.error_faults(outcome, answer)
            if outcome == DENIED and not self._names(asker, answer.text):
                found.append(f"reads {answer.text!r}")
        request = message.path + (message.body or b"").decode(errors="replace")
        readable = self._readable(asker, what, place, outcome)
        speaks = outcome == SENT and place.route[0] == "POST"
        if speaks and isinstance(what, Id) and what.file and self.files[what.file].sha256[:12] not in answer.text:
            found.append("was not answered with the file in mind")
        return found + [f"gives away {leak}" for leak in self.leaks(asker, readable, speaks, request, answer)]

    @staticmethod
    def error_faults(outcome: Outcome, answer: Answer) -> list[str]:
        """What is wrong with the body of an error."""
        check_error_object(answer.json())
        error = answer.json()["error"]
        is_right = (error["code"], error["type"]) == (outcome.code, ERROR_TYPES[outcome.status])
        return [] if is_right else [f"is {error}"]

    @staticmethod
    def _readable(asker: Asker, what: Id | File, place: Place, outcome: Outcome) -> set[str]:
        """The files whose names may stand in the answer."""
        if outcome.status != 200:
            return set()
        if place.kind in ("list", "cursor"):
            return {file.name for file in FILES if may(asker, "read", file)}
        return {what.file} if isinstance(what, Id) and what.file else set()

    def _names(self, asker: Asker, text: str) -> bool:
        kind, name = asker.owner
        who = {"user": self.users, "team": self.teams}.get(kind, {}).get(name, "")
        return f'"{kind.capitalize()} {who}' in text and " does not have access to the file " in text

    def cell(self, place: Place, asker: Asker, what: Id | File, number: int) -> list[str]:
        """Asks one cell; returns what is wrong."""
        outcome = expected(place, asker, what)
        if isinstance(what, File):
            return self._list_cell(place, asker, what, outcome)
        file = None
        if place.action == "delete" and outcome.status == 200:
            file = self.make_expired() if what.kind == "expired" else self.make(FILE[what.file].maker)
        message = place.message(self.text(what, file, number))
        answer = self.ask(asker.name, message)
        faults = self.faults(asker, what, place, message, answer)
        is_content = place.route[1].endswith("/content") and message.method == "GET" and answer.status == 200
        if is_content and hashlib.sha256(answer.body).hexdigest() != self.files[what.file].sha256:
            faults.append("is other content")
        if file and answer.status == 200 and self._is_there(file, FILE[what.file].maker):
            faults.append("left the file where it was")
        return faults

    def _list_cell(self, place: Place, asker: Asker, what: File, outcome: Outcome) -> list[str]:
        message = place.message("")
        answer = self.ask(asker.name, message)
        faults = self.faults(asker, what, place, message, answer)
        if outcome.status == 200 and answer.status == 200:
            listed = [file["id"] for file in answer.json()["data"]]
            if (self.files[what.name].id in listed) != (outcome.note == "listed"):
                faults.append("is not listed" if outcome.note == "listed" else "is listed")
            if self.expired.id in listed or self.deleted.id in listed:
                faults.append("lists what is gone")
        return faults

    def _is_there(self, file: MadeFile, maker: str) -> bool:
        return self.ask(maker, Message("GET", f"/v1/files/{file.id}")).status != 404

    def check(self, place: Place) -> list[str]:
        """Asks every cell of a place, first those that nobody may pass; returns what is wrong."""
        cells = [(asker, what) for asker in ASKERS for what in columns(place)]
        refused = [cell for cell in cells if not expected(place, *cell).sent]
        passed = [cell for cell in cells if expected(place, *cell).sent]
        found = []
        counter = itertools.count()
        for some, is_sent in ((refused, False), (passed, True)):
            for start in range(0, len(some), _CELLS_AT_ONCE):
                found += self._batch(place, some[start : start + _CELLS_AT_ONCE], is_sent, counter)
        return found + self.changes()

    def _batch(self, place: Place, cells: list[tuple], is_sent: bool, counter: itertools.count) -> list[str]:
        before = self.moment()
        numbers = [next(counter) for _ in cells]
        results = self._pool.map(lambda cell, number: self.cell(place, *cell, number), cells, numbers)
        found = [
            f"{asker.name} x {what.name}: expected {expected(place, asker, what)}, but it {fault}"
            for (asker, what), faults in zip(cells, results, strict=True)
            for fault in faults
        ]
        asked = self.asked_since(before, place)
        if is_sent and len(asked) != len(cells):
            found.append(f"{len(cells)} requests were to be passed on, and {len(asked)} were: {asked[:3]}")
        if not is_sent and asked:
            found.append(f"a provider was asked for what was refused: {asked[:5]}")
            found += self._culprits(place, cells)
        return found

    def _culprits(self, place: Place, cells: list[tuple]) -> list[str]:
        """Asks the cells again, one at a time, for those after which a provider is asked."""
        found = []
        for number, (asker, what) in enumerate(cells):
            before = self.moment()
            self.cell(place, asker, what, number)
            if asked := self.asked_since(before, place):
                found.append(f"{asker.name} x {what.name}: was passed on: {asked}")
        return found

    def moment(self) -> int:
        """A moment after all earlier requests of the simulators' log and before all later ones."""
        time.sleep(0.003)
        return int(time.time() * 1000) - 1

    def asked_since(self, moment: int, place: Place | None = None) -> list[str]:
        """The requests to providers since a moment, without the uploads and deletions of the test's own files."""
        lines = []
        for request in self.simulators.state()["requests"]:
            path, method = request["path"], request["method"]
            if request["at_ms"] <= moment or path.endswith("/token"):
                continue
            is_copy = method == "DELETE" or (method == "POST" and re.search(r"/files$|/upload/", path))
            if place and place.action == "delete" and is_copy:
                continue
            is_search = place and place.passed.status == 400 and method == "GET" and "/files" in path
            if not is_search:
                lines.append(f"{request['provider']} {method} {path}")
        return lines

    def what_providers_hold(self) -> list[str]:
        state = self.simulators.state()
        return sorted(json.dumps(one, sort_keys=True) for one in state["openai"]["files"] + state["google"]["objects"])

    def accept_what_providers_hold(self) -> None:
        """From now on there is what there is now."""
        self._held = self.what_providers_hold()

    def changes(self) -> list[str]:
        """What is no longer as it was when the world was made: records for their owners, copies at the providers."""
        found = []
        for file in FILES:
            answer = self.ask(file.maker, Message("GET", f"/v1/files/{self.files[file.name].id}"))
            if answer.status != 200 or answer.json() != self.files[file.name].object:
                found.append(f"{file.name} is no longer what it was: {answer.status} {answer.text}")
        if self.what_providers_hold() != self._held:
            found.append("the providers hold something else than before")
        return found
