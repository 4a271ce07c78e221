"""Who may do what with whose file, in every place where an id can stand: the whole matrix, and the ways around it."""

import json
import os
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from support import ownership_report
from support.documents import Multipart
from support.gateway import PLUGINS, run_gantry
from support.ownership import OPENAI_MODEL, PLACES, VERTEX_MODEL, Message, Place, conversation, post
from support.ownership_objects import OBJECT_PLACES, ObjectPlace, Objects
from support.ownership_subjects import REPEATED, ROWS, Row, Subjects, check_repeats
from support.ownership_world import HELD_BACK, Answer, World, flipped, litellm_id


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("ownership"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def subjects(world: World) -> Subjects:
    return Subjects(world)


@pytest.fixture(scope="module")
def objects(world: World) -> Objects:
    return Objects(world)


def told(faults: list[str], where: object) -> str:
    return "\n".join([f"{len(faults)} faults at {where}", *faults[:40]])


def test_every_route_has_a_row_and_every_row_a_route(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("routes")
    command = ["routes", "--config", world.gateway.config_path, "--data", data, "--plugins", PLUGINS]

    listed = run_gantry(*command)

    assert listed.returncode == 0, listed.stderr
    routes = [tuple(line.split()[:2]) for line in listed.stdout.splitlines()]
    rows = {place.route for place in PLACES if place.route[0] != "HEAD"} | {row.route for row in ROWS}
    rows |= {place.route for place in OBJECT_PLACES}
    assert set(routes) == rows
    assert len(routes) == len(set(routes))
    assert {("GET", place.route[1]) for place in PLACES if place.route[0] == "HEAD"} <= rows


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_every_cell_of(world: World, place: Place) -> None:
    faults = world.check(place)

    assert not faults, told(faults, place)


@pytest.mark.parametrize("place", OBJECT_PLACES, ids=str)
def test_every_object_of(world: World, objects: Objects, place: ObjectPlace) -> None:
    faults = objects.check(place) + world.changes()

    assert not faults, told(faults, place)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_subject_of(world: World, subjects: Subjects, row: Row) -> None:
    faults = subjects.check(row) + world.changes()

    assert not faults, told(faults, row)


@pytest.mark.parametrize("is_same", [True, False], ids=["the-same-upload", "another-upload"])
@pytest.mark.parametrize("first", REPEATED)
def test_an_idempotency_key_is_its_owners(world: World, first: str, is_same: bool) -> None:
    faults = check_repeats(world, first, is_same) + world.changes()

    assert not faults, told(faults, first)


def test_the_report_says_what_is_tested() -> None:
    if os.environ.get("GANTRY_REPORTS") == "1":
        ownership_report.write()

    assert ownership_report.PATH.read_text() == ownership_report.rendered(), "write it with GANTRY_REPORTS=1"


def test_an_id_with_any_bit_flipped_is_nobodys(world: World) -> None:
    file_id = world.files["team"].id

    for bit in range(200):
        answer = world.ask("owner", Message("GET", f"/v1/files/{flipped(file_id, bit)}"))
        assert (answer.status, answer.json()["error"]["code"]) == (404, "file_not_found"), f"bit {bit}: {answer.text}"
    assert world.ask("owner", Message("GET", f"/v1/files/{file_id}")).status == 200


def part_body(part: dict | str, model: str = OPENAI_MODEL) -> str:
    """A chat request with a part, which may be JSON that no encoder would write."""
    if isinstance(part, dict):
        return json.dumps({"model": model, "messages": conversation("user", part)})
    return part_body({"PART": 1}, model).replace('{"PART": 1}', part)


def chat(world: World, asker: str, body: str | bytes) -> tuple[Answer, list[str]]:
    """Sends a chat request; returns the answer and the requests to providers."""
    before = world.moment()
    answer = world.ask(
        asker, Message("POST", "/v1/chat/completions", body if isinstance(body, bytes) else body.encode())
    )
    return answer, world.asked_since(before)


def escaped(text: str) -> str:
    return "".join(f"\\u{ord(character):04x}" for character in text)


#: JSON in which an id might go unseen; ID is the id, ESCAPED the id in \u escapes, OWN an id of the asker's own file.
HIDDEN = {
    "the name escaped": r'{"type": "file", "file": {"file\u005fid": "ID"}}',
    "the id escaped": '{"type": "file", "file": {"file_id": "ESCAPED"}}',
    "both escaped": r'{"type": "file", "\u0066ile": {"\u0066ile\u005fid": "ESCAPED"}}',
    "the name twice": '{"type": "file", "file": {"file_id": "OWN", "file_id": "ID"}}',
    "the name twice, the other first": '{"type": "file", "file": {"file_id": "ID", "file_id": "OWN"}}',
    "the name twice, once escaped": r'{"type": "file", "file": {"file_id": "OWN", "file\u005fid": "ID"}}',
    "the part twice": '{"type": "file", "file": {"file_id": "OWN"}, "file": {"file_id": "ID"}}',
    "in an unknown part": '{"type": "later", "later": {"deeply": [[{"file_id": "ID"}]]}}',
    "in metadata of a part": '{"type": "file", "file": {"metadata": {"file_id": "ID"}}}',
    "in arguments of a part": '{"type": "file", "arguments": {"file_id": "ID"}}',
    "in a list of image addresses": '{"type": "image_url", "image_url": [{"url": "ID"}]}',
    "in a list in place of an id": '{"type": "file", "file": {"file_id": ["ID"]}}',
    "in an object in place of an id": '{"type": "file", "file": {"file_id": {"file_id": "ID"}}}',
    "in a list of lists of ids": '{"type": "x", "file_ids": [["ID"]]}',
    "as a text in place of a list": '{"type": "x", "file_ids": "ID"}',
    "beside one's own": '{"type": "x", "file_ids": ["OWN", "ID"]}',
    "in an image address with a space": '{"type": "image_url", "image_url": {"url": " ID"}}',
}


@pytest.mark.parametrize("model", [OPENAI_MODEL, VERTEX_MODEL])
@pytest.mark.parametrize("what", ["foreign", "raw copy", "raw gs"])
@pytest.mark.parametrize("part", HIDDEN.values(), ids=HIDDEN)
def test_an_id_does_not_hide_in(world: World, part: str, what: str, model: str) -> None:
    file_id = world.ids["team" if what == "foreign" else what]
    hidden = part.replace("ID", file_id).replace("ESCAPED", escaped(file_id)).replace("OWN", world.ids["foreign"])

    answer, asked = chat(world, "other user", part_body(hidden, model))

    assert answer.status in (400, 403, 404), answer.text
    assert "deployment" not in answer.text and asked == []


#: Members whose names resemble those that are known; what a provider does not know it refuses itself.
RESEMBLING = {
    "FILE_ID": {"type": "file", "file": {"FILE_ID": "ID"}},
    "fileId": {"type": "file", "file": {"fileId": "ID"}},
    "id": {"type": "file", "file": {"id": "ID"}},
    "file as text": {"type": "file", "file": "ID"},
    "file_uri": {"type": "file", "file_uri": "ID"},
    "fileData": {"fileData": {"mimeType": "application/pdf", "fileUri": "ID"}},
    "source.url": {"type": "document", "source": {"type": "url", "url": "ID"}},
    "source.data": {"type": "document", "source": {"type": "base64", "data": "ID"}},
    "a NUL behind the name": {"type": "file", "file": {"file_id\0": "ID"}},
}


@pytest.mark.parametrize("model", [OPENAI_MODEL, VERTEX_MODEL])
@pytest.mark.parametrize("what", ["team", "raw copy", "raw gs"])
@pytest.mark.parametrize("part", RESEMBLING.values(), ids=RESEMBLING)
def test_no_model_reads_a_file_named_by(world: World, part: dict, what: str, model: str) -> None:
    body = part_body(part, model).replace('"ID"', json.dumps(world.ids[what]))

    answer, _ = chat(world, "other user", body)

    assert answer.status in (400, 403, 404), answer.text


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-32", "utf-8-sig"])
def test_a_request_in_another_encoding_is_refused(world: World, encoding: str) -> None:
    body = part_body({"type": "file", "file": {"file_id": world.ids["team"]}})

    answer, asked = chat(world, "other user", body.encode(encoding))

    assert (answer.status, asked) == (400, [])


@pytest.mark.parametrize("body", ["{0}{1}", "{0}\n{1}", "[{1}]", '{{"messages": [], {2}'])
def test_a_second_request_in_the_body_is_refused(world: World, body: str) -> None:
    harmless = part_body({"type": "text", "text": "Hello"})
    harmful = part_body({"type": "file", "file": {"file_id": world.ids["team"]}})

    answer, asked = chat(world, "other user", body.format(harmless, harmful, harmful[1:]))

    assert (answer.status, asked) == (400, [])


@pytest.mark.parametrize("what", ["team", "raw copy", "raw gs"])
@pytest.mark.parametrize("model", [OPENAI_MODEL, VERTEX_MODEL])
def test_what_is_not_an_id_is_left_alone(world: World, model: str, what: str) -> None:
    text = json.dumps({"file_id": world.ids[what]})
    call = {"id": "call_1", "type": "function", "function": {"name": "look", "arguments": text}}
    tool = {"name": "look", "parameters": {"type": "object", "properties": {"file_id": {"enum": [world.ids[what]]}}}}
    messages = [
        {"role": "user", "content": text},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "call_1", "content": text},
    ]
    more = {"tools": [{"type": "function", "function": tool}], "metadata": {"file_id": world.ids[what]}}

    answer, asked = chat(world, "other user", json.dumps({"model": model, "messages": messages} | more))

    assert answer.status == 200, answer.text
    assert len(asked) == 1


#: Spellings of a path; what is not another spelling of the same path names another file, or none.
PATHS = {
    "percent-encoded": "{encoded}",
    "percent-encoded twice": "{twice}",
    "capitals": "{capitals}",
    "dots": "x/../{id}",
    "encoded dots": "%2e%2e/files/{id}",
    "an encoded slash and dots": "x%2f..%2f{id}",
    "an encoded slash before": "%2f{id}",
    "an encoded slash behind": "{id}%2fcontent",
    "a slash behind": "{id}/",
    "a second slash": "/{id}",
    "a parameter": "{id};a=b",
    "a space": "{id}%20",
    "a NUL": "{id}%00",
    "a plus": "+{id}",
    "a fragment": "{id}%23",
    "a query": "{id}?file_id={own}",
    "a broken escape": "{id}%zz",
    "the uuid": "{uuid}",
    "LiteLLM's form with padding": "{litellm}%3D%3D",
    "two ids": "{own}%2C{id}",
}


@pytest.mark.parametrize("suffix", ["", "/content"])
@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS)
def test_no_spelling_of_a_path_reaches_a_foreign_file(world: World, path: str, suffix: str) -> None:
    team = world.files["team"]
    encoded = "".join(f"%{ord(character):02X}" for character in team.id)
    names = {"id": team.id, "own": world.ids["foreign"], "uuid": team.uuid, "litellm": litellm_id(team.uuid)}
    names |= {"encoded": encoded, "twice": quote(encoded), "capitals": team.id.upper()}
    tail, _, query = path.partition("?")
    message = Message("GET", f"/v1/files/{tail}{suffix}{'?' + query if query else ''}".format(**names))

    answer = world.ask("other user", message)

    assert answer.status in (400, 403, 404), answer.text
    assert team.filename not in answer.headers + answer.text


#: Queries of a list in which a foreign id stands beside one's own.
QUERIES = [
    "after={own}&after={id}",
    "after={id}&after={own}",
    "after[]={id}",
    "AFTER={id}",
    "before={id}",
    "aft%65r={id}",
]


@pytest.mark.parametrize("query", QUERIES)
def test_no_cursor_shows_a_foreign_file(world: World, query: str) -> None:
    path = "/v1/files?" + query.format(id=world.ids["team"], own=world.ids["foreign"])

    answer = world.ask("other user", Message("GET", path))

    assert answer.status in (200, 400, 403), answer.text
    if answer.status == 200:
        assert answer.json()["data"] == []


@pytest.mark.parametrize("name", ["file_id", "file_ids[]", "file_url", "file"])
def test_an_upload_takes_no_id_in_place_of_a_file(world: World, name: str) -> None:
    for value in (world.ids["team"], world.ids["raw copy"], world.ids["raw gs"]):
        form = Multipart().fields([("purpose", "user_data"), ("target_model_names", OPENAI_MODEL), (name, value)])
        if name != "file":
            form.file(b"text")
        before = world.moment()

        answer = world.ask("other user", Message("POST", "/v1/files", form.body()), form.content_type)

        assert answer.status == 400, answer.text
        assert world.asked_since(before) == []


def test_what_is_taken_away_is_gone_at_once(world: World) -> None:
    world.keys["leaver"], world.keys["fallen"] = world.new_user("leaver"), world.new_user("fallen")
    leaver, fallen, team = world.users["leaver"], world.users["fallen"], world.teams["red"]
    world.post("/team/member_add", {"team_id": team, "member": {"role": "user", "user_id": leaver}})
    world.post("/user/update", {"user_id": fallen, "user_role": "proxy_admin"})
    part = {"type": "file", "file": {"file_id": world.ids["team"]}}
    for name in ("leaver", "fallen"):
        assert chat(world, name, part_body(part))[0].status == 200

    world.post("/team/member_delete", {"team_id": team, "user_id": leaver})
    world.post("/user/update", {"user_id": fallen, "user_role": "internal_user"})

    for name in ("leaver", "fallen"):
        answer, asked = chat(world, name, part_body(part))
        assert (answer.status, asked) == (403, [])
        for method in ("GET", "DELETE"):
            assert world.ask(name, Message(method, f"/v1/files/{world.ids['team']}")).status == 403


def test_a_key_that_may_use_raw_ids_has_no_other_rights(world: World) -> None:
    world.keys["raw"] = world.new_key("dan", allow_raw_file_ids=True)
    raw, foreign = world.ids["raw copy"], world.ids["team"]

    alone, _ = chat(world, "raw", part_body({"type": "file", "file": {"file_id": raw}}))
    beside, asked = chat(world, "raw", part_body({"type": "x", "file_ids": [raw, foreign]}))
    own_wish = world.ask("other user", post("/key/generate", {"allow_raw_file_ids": True}))

    assert alone.status == 200
    assert (beside.status, asked) == (403, [])
    assert own_wish.status == 403


def test_a_repeat_without_the_team_is_not_the_teams_file(world: World) -> None:
    form = Multipart().fields([("purpose", "user_data"), ("target_model_names", OPENAI_MODEL)]).file(b"text")
    headers = {"Content-Type": form.content_type, "Idempotency-Key": "repeated-without-the-team"}
    made = []
    for name in ("owner", "owner's other key"):
        answer = world.send(Message("POST", "/v1/files", form.body()), headers | world.authorization(name))
        made.append(answer.json()["id"])

    try:
        assert world.ask("own service account", Message("GET", f"/v1/files/{made[1]}")).status == 403
    finally:
        for file_id in set(made):
            world.ask("owner", Message("DELETE", f"/v1/files/{file_id}"))


@pytest.mark.parametrize(
    "address",
    [
        "https://storage.googleapis.com/{bucket}/{name}",
        "https://{bucket}.storage.googleapis.com/{name}",
        "https://storage.cloud.google.com/{bucket}/{name}",
    ],
)
def test_an_object_of_the_gateways_bucket_is_refused_by_any_address(world: World, address: str) -> None:
    bucket, _, name = world.ids["raw gs"].removeprefix("gs://").partition("/")
    part = {"type": "image_url", "image_url": {"url": address.format(bucket=bucket, name=name)}}

    answer, asked = chat(world, "other user", part_body(part, VERTEX_MODEL))

    assert (answer.status, asked) == (400, [])


def test_a_viewer_has_no_copy_made_of_a_foreign_file(world: World) -> None:
    file = world.make("other user", VERTEX_MODEL)
    body = {"model": HELD_BACK, "messages": conversation("user", {"type": "file", "file": {"file_id": file.id}})}
    before = len(world.what_providers_hold())

    try:
        world.ask("viewer", post("/v1/chat/completions", body))

        assert len(world.what_providers_hold()) == before
    finally:
        world.ask("other user", Message("DELETE", f"/v1/files/{file.id}"))


def test_ownership_is_checked_before_the_model(world: World) -> None:
    part = {"type": "file", "file": {"file_id": world.ids["team"]}}

    answer, _ = chat(world, "other team's member", part_body(part, HELD_BACK))

    assert answer.json()["error"]["code"] == "file_access_denied"


def test_nothing_has_changed_after_all(world: World) -> None:
    assert world.changes() == []
