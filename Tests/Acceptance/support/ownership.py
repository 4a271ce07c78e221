"""The ownership matrix as a table: who asks, which id, in which place, and what the answer must be.

Nothing here asks the gateway anything. What a cell expects follows from the rules alone.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

#: The user that the master key acts as.
MASTER_USER = "default_user_id"
GOOD = "good"


@dataclass(frozen=True)
class Asker:
    """One key, and whose it is; names of users and teams are made unique when the world is made."""

    name: str
    about: str
    user: str | None = None
    team: str | None = None
    member_of: tuple[str, ...] = ()
    role: str = "internal_user"
    key: str = GOOD

    @property
    def owner(self) -> tuple[str, str]:
        """To whom belongs what this key makes."""
        if self.user:
            return ("user", self.user)
        return ("team", self.team) if self.team else ("key", self.name)

    @property
    def teams(self) -> set[str]:
        return {*self.member_of, *([self.team] if self.team else [])}

    @property
    def sees_everybody(self) -> bool:
        return self.role in ("proxy_admin", "proxy_admin_viewer")


ASKERS = [
    Asker("owner", "ann with her key of the team red", "ann", "red", ("red",)),
    Asker("owner's other key", "ann with a key of no team", "ann", None, ("red",)),
    Asker("team mate", "ben, a member of red, with a key of no team", "ben", None, ("red",)),
    Asker("team mate's team key", "cat with a key of red", "cat", "red", ("red",)),
    Asker("own service account", "a key of red without a user", None, "red"),
    Asker("former mate", "fay, who was a member of red", "fay"),
    Asker("other user", "dan, who has no team", "dan"),
    Asker("other team's member", "eve with a key of blue that has not all models", "eve", "blue", ("blue",)),
    Asker("other service account", "a key of blue without a user", None, "blue"),
    Asker("lone key", "a key without user and team"),
    Asker("other lone key", "another key without user and team"),
    Asker("master key", "the master key", MASTER_USER, role="proxy_admin"),
    Asker("admin", "ada, a proxy_admin", "ada", role="proxy_admin"),
    Asker("viewer", "vic, a proxy_admin_viewer", "vic", role="proxy_admin_viewer"),
    Asker("no key", "no Authorization at all", key="none"),
    Asker("malformed key", "something that does not begin with sk-", key="malformed"),
    Asker("unknown key", "a key that was never made", key="unknown"),
    Asker("revoked key", "a deleted key of ann and red", "ann", "red", ("red",), key="revoked"),
    Asker("blocked key", "a blocked key of ann and red", "ann", "red", ("red",), key="blocked"),
    Asker("expired key", "an expired key of ann and red", "ann", "red", ("red",), key="expired"),
]
ASKER = {asker.name: asker for asker in ASKERS}


@dataclass(frozen=True)
class File:
    """A file, and the asker whose key made it."""

    name: str
    maker: str

    @property
    def owner(self) -> tuple[str, str]:
        return ASKER[self.maker].owner

    @property
    def team(self) -> str | None:
        return ASKER[self.maker].team


FILES = [
    File("team", "owner"),
    File("private", "owner's other key"),
    File("service", "own service account"),
    File("foreign", "other user"),
    File("lone", "lone key"),
    File("master's", "master key"),
]
FILE = {file.name: file for file in FILES}


@dataclass(frozen=True)
class Id:
    """A text that stands where an id stands; `file` is whose record it names, if any."""

    name: str
    about: str
    kind: str
    file: str | None = None


IDS = [
    Id("team", "ann's file, made under red", "record", "team"),
    Id("private", "ann's file, made with her key of no team", "record", "private"),
    Id("service", "a file of red's service account", "record", "service"),
    Id("foreign", "dan's file", "record", "foreign"),
    Id("lone", "a file of a key without user and team", "record", "lone"),
    Id("master's", "a file made with the master key", "record", "master's"),
    Id("litellm team", "LiteLLM's form with the uuid of team and false claims", "record", "team"),
    Id("litellm private", "LiteLLM's second form with the uuid of private and false claims", "record", "private"),
    Id("litellm foreign", "LiteLLM's form with the uuid of foreign", "record", "foreign"),
    Id("expired", "ann's file of red whose time is over", "expired", "team"),
    Id("deleted", "ann's file of red, deleted", "deleted", "team"),
    Id("forged", "team with one bit flipped", "unknown"),
    Id("unknown", "40 random characters", "unknown"),
    Id("litellm unknown", "LiteLLM's form with a random uuid", "unknown"),
    Id("word", "no id of any form", "word"),
    Id("raw file-", "file-abc123, as OpenAI writes them", "raw"),
    Id("raw copy", "what team is called at OpenAI", "raw"),
    Id("raw gs", "what team is called at Google", "raw"),
    Id("raw files/", "files/abc-123, as Gemini writes them", "raw"),
]


@dataclass(frozen=True)
class Outcome:
    """What an answer must be; `sent` tells whether a provider was asked to answer it."""

    status: int
    code: str | None = None
    note: str = ""
    sent: bool = False

    def __str__(self) -> str:
        return " ".join(str(word) for word in (self.status, self.code, self.note) if word)


OK = Outcome(200)
SENT = Outcome(200, note="sent", sent=True)
#: The simulated model does not look there.
IGNORED_THERE = Outcome(200, note="sent, ignored", sent=True)
#: The provider knows no file there and says so: the gateway let it pass.
REFUSED_THERE = Outcome(400, note="sent", sent=True)
#: The plugin says so before anything is sent.
REFUSED_BY_PLUGIN = Outcome(400, note="by the plugin")
NO_KEY = Outcome(401, "invalid_api_key")
DENIED = Outcome(403, "file_access_denied")
NOT_FOUND = Outcome(404, "file_not_found")
EXPIRED = Outcome(404, "file_expired")
RAW = Outcome(400, "raw_file_id")
LISTED = Outcome(200, note="listed")
HIDDEN = Outcome(200, note="hidden")

#: The type of an error with this status.
ERROR_TYPES = {400: "invalid_request_error", 401: "authentication_error", 403: "permission_error"}
ERROR_TYPES |= {404: "invalid_request_error", 409: "invalid_request_error"}


@dataclass(frozen=True)
class Message:
    """A request without its key."""

    method: str
    path: str
    body: bytes | None = None


@dataclass(frozen=True)
class Place:
    """One place of one route in which an id can stand.

    `kind` is `path`, `cursor`, `list` (no id; the columns are the files that may be in it), `id` (always an id),
    `link` (a URL or an id) or `content` (content, unless it reads like an id).
    """

    group: str
    name: str
    route: tuple[str, str]
    kind: str
    action: str
    passed: Outcome
    message: Callable[[str], Message]
    #: What is answered where content may stand and is not even that.
    unreadable: Outcome | None = None

    def __str__(self) -> str:
        return f"{self.group}: {self.name}"


def may(asker: Asker, action: str, file: File) -> bool:
    """The rule of ownership: the same owner, the same team where the file was made under one, or an administrator."""
    if asker.owner == file.owner or (file.team and file.team in asker.teams):
        return True
    return asker.role == "proxy_admin" or (asker.role == "proxy_admin_viewer" and action == "read")


#: In this order; the first that applies decides. What none of them refuses passes.
RULES: list[tuple[str, Callable[[Place, Asker, Id], bool], Outcome]] = [
    ("A key that is not good is refused before anything else.", lambda p, a, i: a.key != GOOD, NO_KEY),
    ("A provider's own id is refused everywhere.", lambda p, a, i: i.kind == "raw", RAW),
    (
        "What is no id of any form is content where content may stand, and nobody's file elsewhere.",
        lambda p, a, i: i.kind == "word" and p.kind != "content",
        NOT_FOUND,
    ),
    ("An id that was never given out is not found.", lambda p, a, i: i.kind == "unknown", NOT_FOUND),
    (
        "A deleted file is not found; for a day its own people may still list what comes after it.",
        lambda p, a, i: i.kind == "deleted" and not (p.kind == "cursor" and may(a, "read", FILE[i.file])),
        NOT_FOUND,
    ),
    (
        "Somebody else's file is denied, expired or not.",
        lambda p, a, i: i.file is not None and not may(a, p.action, FILE[i.file]),
        DENIED,
    ),
    (
        "An expired file has expired; it can still be deleted, and be where a list goes on.",
        lambda p, a, i: i.kind == "expired" and p.action == "read" and p.kind != "cursor",
        EXPIRED,
    ),
]


def expected(place: Place, asker: Asker, what: Id | File) -> Outcome:
    """What a cell of the matrix must answer."""
    if isinstance(what, File):
        if asker.key != GOOD:
            return NO_KEY
        return LISTED if may(asker, "read", what) else HIDDEN
    for _, applies, outcome in RULES:
        if applies(place, asker, what):
            return outcome
    if what.kind == "word" and place.unreadable:
        return place.unreadable
    return place.passed


def columns(place: Place) -> list:
    return FILES if place.kind == "list" else IDS


# The places.

OPENAI_MODEL = "gpt-4o-mini-openai"
VERTEX_MODEL = "gemini-2.0-flash"
EMBEDDINGS_MODEL = "embeddings"
FILE_ROOTS = {
    "/v1/files": "/v1/files",
    "/files": "/files",
    "/:provider/v1/files": "/vertex_ai/v1/files",
    "/openai/v1/files": "/openai/v1/files",
}
FILE_OPERATIONS = [
    ("GET", "/:file_id", "read", OK),
    ("DELETE", "/:file_id", "delete", OK),
    ("POST", "/:file_id/delete", "delete", OK),
    ("GET", "/:file_id/content", "read", Outcome(200, note="sent", sent=True)),
]


def _file_places() -> list[Place]:
    places = []
    for pattern, root in FILE_ROOTS.items():
        for method, suffix, action, passed in FILE_OPERATIONS:

            def message(text: str, method: str = method, path: str = root + suffix) -> Message:
                return Message(method, path.replace(":file_id", quote(text, safe="")))

            route = (method, pattern + suffix)
            places.append(Place("path", f"{method} {pattern}{suffix}", route, "path", action, passed, message))

        def listing(text: str, path: str = root) -> Message:
            return Message("GET", f"{path}?limit=2&after={quote(text, safe='')}")

        def everything(text: str, path: str = root) -> Message:
            return Message("GET", path)

        name, route = f"GET {pattern}", ("GET", pattern)
        places.append(Place("after", f"{name}?after=", route, "cursor", "read", OK, listing))
        places.append(Place("list", name, route, "list", "read", OK, everything))
    head = ("GET", "/v1/files/:file_id")
    for suffix in ("", "/content"):

        def asked(text: str, suffix: str = suffix) -> Message:
            return Message("HEAD", f"/v1/files/{quote(text, safe='')}{suffix}")

        route = (head[0], head[1] + suffix)
        # It is answered from the record: a provider would send the whole content for it.
        places.append(Place("path", f"HEAD {route[1]}", route, "path", "read", OK, asked))
    return places


@dataclass(frozen=True)
class Part:
    """A content part that can name a file; `model` is one that takes it in a user's message, if any does."""

    name: str
    kind: str
    make: Callable[[str], dict]
    model: str | None = None
    unreadable: Outcome | None = None


PARTS = [
    Part("file.file_id", "id", lambda i: {"type": "file", "file": {"file_id": i}}, OPENAI_MODEL),
    Part(
        "file.file_data",
        "content",
        lambda i: {"type": "file", "file": {"file_data": i}},
        VERTEX_MODEL,
        REFUSED_BY_PLUGIN,
    ),
    Part("image_url.url", "link", lambda i: {"type": "image_url", "image_url": {"url": i}}, VERTEX_MODEL),
    Part("image_url", "link", lambda i: {"type": "image_url", "image_url": i}),
    Part("image_url.file_id", "id", lambda i: {"type": "image_url", "image_url": {"file_id": i}}),
    Part("image_file.file_id", "id", lambda i: {"type": "image_file", "image_file": {"file_id": i}}),
    Part("input_image.image_url", "link", lambda i: {"type": "input_image", "image_url": i}),
    Part("input_image.file_id", "id", lambda i: {"type": "input_image", "file_id": i}),
    Part("input_file.file_id", "id", lambda i: {"type": "input_file", "file_id": i}),
    Part("input_file.input_file.file_id", "id", lambda i: {"type": "input_file", "input_file": {"file_id": i}}),
    Part("input_file.file_url", "link", lambda i: {"type": "input_file", "file_url": i}),
    Part("input_file.file_data", "content", lambda i: {"type": "input_file", "file_data": i}),
    Part(
        "input_audio.data",
        "content",
        lambda i: {"type": "input_audio", "input_audio": {"data": i, "format": "wav"}},
        VERTEX_MODEL,
        REFUSED_THERE,
    ),
    Part("input_audio.file_id", "id", lambda i: {"type": "input_audio", "input_audio": {"file_id": i}}),
    Part("video_url.url", "link", lambda i: {"type": "video_url", "video_url": {"url": i}}),
    Part("audio_url.url", "link", lambda i: {"type": "audio_url", "audio_url": {"url": i}}),
    Part("document.source.file_id", "id", lambda i: {"type": "document", "source": {"type": "file", "file_id": i}}),
    Part("document.file_id", "id", lambda i: {"type": "document", "document": {"file_id": i}}),
    Part("file_ids[]", "id", lambda i: {"type": "container_upload", "file_ids": [i]}),
    Part(
        "tool_result.content[].source.file_id",
        "id",
        lambda i: {"type": "tool_result", "content": [{"type": "document", "source": {"file_id": i}}]},
    ),
]
PART = {part.name: part for part in PARTS}
#: In the other roles no provider takes anything but text, so that these parts stand for all.
PARTS_OF_OTHER_ROLES = ["file.file_id", "image_url.url", "input_image.file_id", "input_file.file_id"]
PARTS_OF_OTHER_ROLES += ["input_audio.data"]
OTHER_ROLES = ["system", "developer", "assistant", "tool"]

#: Members beside the messages, and of messages beside their content.
MEMBERS: dict[str, Callable[[str], dict]] = {
    "file_id": lambda i: {"file_id": i},
    "file_ids[]": lambda i: {"file_ids": [i]},
    "input_file.file_id": lambda i: {"input_file": {"file_id": i}},
    "attachments[].file_id": lambda i: {"attachments": [{"file_id": i, "tools": [{"type": "file_search"}]}]},
    "tools[].container.file_ids[]": lambda i: {
        "tools": [{"type": "code_interpreter", "container": {"type": "auto", "file_ids": [i]}}]
    },
    "tools[].input_image_mask.file_id": lambda i: {
        "tools": [{"type": "image_generation", "input_image_mask": {"file_id": i}}]
    },
    "tool_resources.code_interpreter.file_ids[]": lambda i: {"tool_resources": {"code_interpreter": {"file_ids": [i]}}},
    "tool_resources.file_search.vector_stores[].file_ids[]": lambda i: {
        "tool_resources": {"file_search": {"vector_stores": [{"file_ids": [i]}]}}
    },
    "prediction.content[].file.file_id": lambda i: {
        "prediction": {"type": "content", "content": [{"type": "file", "file": {"file_id": i}}]}
    },
    "audio.file_id": lambda i: {"modalities": ["text", "audio"], "audio": {"voice": "alloy", "file_id": i}},
    "extra_body.file_id": lambda i: {"extra_body": {"file_id": i}},
    "input[].content[].file_id": lambda i: {
        "input": [{"role": "user", "content": [{"type": "input_file", "file_id": i}]}]
    },
    "messages[].file_ids[]": lambda i: {"messages": [{"role": "user", "content": "Look.", "file_ids": [i]}]},
    "messages[].attachments[].file_id": lambda i: {
        "messages": [{"role": "user", "content": "Look.", "attachments": [{"file_id": i}]}]
    },
    "messages[].tool_calls[].file_id": lambda i: {
        "messages": [{"role": "assistant", "content": "", "tool_calls": [{"id": "1", "file_id": i}]}]
    },
}
#: What the simulated provider does not look at.
IGNORED_BY_PROVIDER = ["prediction.content[].file.file_id", "audio.file_id"]


def conversation(role: str, part: dict) -> list[dict]:
    """Messages of which one, of that role, has this part."""
    message: dict = {"role": role, "content": [{"type": "text", "text": "Here."}, part]}
    lead: list[dict] = [{"role": "user", "content": "Look."}]
    if role == "tool":
        call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
        lead.append({"role": "assistant", "content": None, "tool_calls": [call]})
        message["tool_call_id"] = "call_1"
    return [message] if role == "user" else [*lead, message]


def post(path: str, body: dict) -> Message:
    return Message("POST", path, json.dumps(body).encode())


def _chat_place(
    group: str,
    name: str,
    kind: str,
    passed: Outcome,
    make: Callable[[str], dict],
    model: str,
    unreadable: Outcome | None = None,
) -> Place:
    def message(text: str) -> Message:
        lead = {"model": model, "messages": [{"role": "user", "content": "Look."}]}
        return post("/v1/chat/completions", lead | make(text))

    return Place(group, name, ("POST", "/v1/chat/completions"), kind, "read", passed, message, unreadable)


def _chat_places() -> list[Place]:
    places = []
    for role in ["user", *OTHER_ROLES]:
        for part in PARTS if role == "user" else [PART[name] for name in PARTS_OF_OTHER_ROLES]:
            is_taken = role == "user" and part.model is not None
            places.append(
                _chat_place(
                    f"chat, {role} message",
                    part.name,
                    part.kind,
                    SENT if is_taken else REFUSED_THERE,
                    lambda i, role=role, part=part: {"messages": conversation(role, part.make(i))},
                    part.model if is_taken else OPENAI_MODEL,
                    part.unreadable if is_taken else None,
                )
            )
    for name, make in MEMBERS.items():
        passed = IGNORED_THERE if name in IGNORED_BY_PROVIDER else REFUSED_THERE
        places.append(_chat_place("chat, other members", name, "id", passed, make, OPENAI_MODEL))
    return places


def _alias_places() -> list[Place]:
    aliases = {
        "/chat/completions": "/chat/completions",
        "/openai/deployments/:model/chat/completions": f"/openai/deployments/{OPENAI_MODEL}/chat/completions",
        "/engines/:model/chat/completions": f"/engines/{OPENAI_MODEL}/chat/completions",
    }
    places = []
    for pattern, path in aliases.items():

        def message(text: str, path: str = path) -> Message:
            messages = conversation("user", PART["file.file_id"].make(text))
            return post(path, {"model": OPENAI_MODEL, "messages": messages})

        name = f"POST {pattern}: file.file_id"
        places.append(Place("chat, other paths", name, ("POST", pattern), "id", "read", SENT, message))
    return places


def _embeddings_places() -> list[Place]:
    paths = {
        "/v1/embeddings": "/v1/embeddings",
        "/embeddings": "/embeddings",
        "/openai/deployments/:model/embeddings": f"/openai/deployments/{EMBEDDINGS_MODEL}/embeddings",
        "/engines/:model/embeddings": f"/engines/{EMBEDDINGS_MODEL}/embeddings",
    }
    inputs: dict[str, tuple[str, Callable[[str], dict]]] = {
        "input[].file.file_id": ("id", lambda i: {"input": [PART["file.file_id"].make(i)]}),
        "input[].image_url.url": ("link", lambda i: {"input": [PART["image_url.url"].make(i)]}),
        "file_ids[]": ("id", lambda i: {"input": "Text.", "file_ids": [i]}),
    }
    places = []
    for pattern, path in paths.items():
        for name, (kind, make) in inputs.items() if pattern == "/v1/embeddings" else list(inputs.items())[:1]:

            def message(text: str, path: str = path, make: Callable[[str], dict] = make) -> Message:
                return post(path, {"model": EMBEDDINGS_MODEL} | make(text))

            route = ("POST", pattern)
            title = f"POST {pattern}: {name}"
            places.append(Place("embeddings", title, route, kind, "read", REFUSED_THERE, message))
    return places


def _responses_places() -> list[Place]:
    paths = {
        "/v1/responses": "/v1/responses",
        "/responses": "/responses",
        "/:provider/v1/responses": "/vertex_ai/v1/responses",
        "/openai/v1/responses": "/openai/v1/responses",
    }

    def message(part: dict) -> dict:
        return {"input": [{"role": "user", "content": [{"type": "input_text", "text": "Look."}, part]}]}

    places: dict[str, tuple[str, Outcome, Callable[[str], dict]]] = {
        "input[].content[].file_id": ("id", SENT, lambda i: message(PART["input_file.file_id"].make(i))),
        "input[].content[].file_url": ("link", REFUSED_THERE, lambda i: message(PART["input_file.file_url"].make(i))),
        "input[].content[].image_url": (
            "link",
            REFUSED_THERE,
            lambda i: message(PART["input_image.image_url"].make(i)),
        ),
        "input[].content[].file_id of an image": (
            "id",
            SENT,
            lambda i: message(PART["input_image.file_id"].make(i)),
        ),
        "input[].file_id": ("id", SENT, lambda i: {"input": [{"type": "input_file", "file_id": i}]}),
        "input[].content[].file_id of an assistant": (
            "id",
            REFUSED_THERE,
            lambda i: {"input": [{"role": "assistant", "content": [{"type": "input_file", "file_id": i}, {"x": 1}]}]},
        ),
        "tools[].container.file_ids[]": ("id", SENT, MEMBERS["tools[].container.file_ids[]"]),
        "file_ids[]": ("id", REFUSED_THERE, lambda i: {"file_ids": [i]}),
    }
    found = []
    for pattern, path in paths.items():
        for name, (kind, passed, make) in places.items() if pattern == "/v1/responses" else list(places.items())[:1]:

            def asked(text: str, path: str = path, make: Callable[[str], dict] = make) -> Message:
                return post(path, {"model": OPENAI_MODEL, "input": "Look.", "store": False} | make(text))

            title = f"POST {pattern}: {name}"
            found.append(Place("responses", title, ("POST", pattern), kind, "read", passed, asked))
    return found


def _batch_places() -> list[Place]:
    """The input of a batch; files of another purpose are refused, to those who may read them."""
    passed = Outcome(400, note="for another purpose")
    places = []
    for pattern, path in (
        ("/v1/batches", "/v1/batches"),
        ("/batches", "/batches"),
        ("/:provider/v1/batches", "/vertex_ai/v1/batches"),
        ("/openai/v1/batches", "/openai/v1/batches"),
    ):

        def asked(text: str, path: str = path) -> Message:
            body = {"endpoint": "/v1/chat/completions", "completion_window": "24h", "input_file_id": text}
            return post(path, body)

        title = f"POST {pattern}: input_file_id"
        places.append(Place("batches", title, ("POST", pattern), "id", "read", passed, asked))
    return places


def _job_places() -> list[Place]:
    """What a job learns from; files of another purpose are refused, to those who may read them."""
    passed = Outcome(400, note="for another purpose")
    places = []
    for pattern, path in (
        ("/v1/fine_tuning/jobs", "/v1/fine_tuning/jobs"),
        ("/fine_tuning/jobs", "/fine_tuning/jobs"),
        ("/:provider/v1/fine_tuning/jobs", "/vertex_ai/v1/fine_tuning/jobs"),
        ("/openai/v1/fine_tuning/jobs", "/openai/v1/fine_tuning/jobs"),
    ):

        def asked(text: str, path: str = path) -> Message:
            return post(path, {"model": OPENAI_MODEL, "training_file": text})

        title = f"POST {pattern}: training_file"
        places.append(Place("jobs", title, ("POST", pattern), "id", "read", passed, asked))
    return places


PLACES = [
    *_file_places(),
    *_chat_places(),
    *_alias_places(),
    *_embeddings_places(),
    *_responses_places(),
    *_batch_places(),
    *_job_places(),
]
