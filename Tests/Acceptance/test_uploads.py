"""OpenAI's Uploads API: a file that comes in parts, in any order, and survives crashes of the gateway between them."""

import base64
import contextlib
import hashlib
import random
import secrets
import signal
import sqlite3
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import openai
import pytest

from support.documents import Multipart, file_message
from support.errors import assert_error
from support.gateway import MASTER_KEY, Gateway
from support.postgresql import Database
from support.simulators import Simulators
from support.uploads import add, added, begin, begun, cancel, complete, part_form
from support.waiting import until

OPENAI_MODEL = "gpt-4o-mini-openai"
VERTEX_MODEL = "gemini-2.0-flash"
BOTH = f"{OPENAI_MODEL},{VERTEX_MODEL}"
MEGABYTE = 1024 * 1024
TARGETS = {"target_model_names": BOTH}
FILE_MEMBERS = {"id", "bytes", "created_at", "filename", "object", "purpose", "status", "expires_at", "status_details"}


def folders(gateway: Gateway) -> list[Path]:
    """The folders of uploads on the gateway's disk."""
    return [path for path in (gateway.data / "uploads").iterdir() if path.is_dir()]


def part_files(gateway: Gateway) -> list[Path]:
    return [path for folder in folders(gateway) for path in folder.iterdir()]


def record_of(upload: str) -> uuid.UUID:
    return uuid.UUID(bytes=base64.b32decode(upload.removeprefix("upload_").upper())[:16])


def parts_of(gateway: Gateway, upload: str) -> list[Path]:
    """The parts of one upload, on the disk of a gateway that others use as well."""
    folder = gateway.data / "uploads" / str(record_of(upload))
    return list(folder.iterdir()) if folder.exists() else []


def passing_files(gateway: Gateway) -> list[Path]:
    """Parts that come in, or did when their process died."""
    return [path for path in (gateway.data / "uploads").iterdir() if path.name.startswith("spool-")]


def check_copies(simulators: Simulators, content: bytes, number: int = 2) -> None:
    digests = [one["sha256"] for one in simulators.openai_files() + simulators.google_objects()]
    assert digests == [hashlib.sha256(content).hexdigest()] * number


def test_the_sdk_uploads_a_file_in_parts(gateway: Gateway, simulators: Simulators) -> None:
    client = gateway.openai()
    content = secrets.token_bytes(300_000)
    upload = client.uploads.create(
        filename="paper.pdf", purpose="user_data", bytes=len(content), mime_type="application/pdf", extra_body=TARGETS
    )
    parts = [client.uploads.parts.create(upload.id, data=content[i : i + 100_000]) for i in (0, 100_000, 200_000)]
    held = simulators.holds_nothing()

    done = client.uploads.complete(upload.id, part_ids=[part.id for part in parts])

    assert (upload.object, upload.status, upload.bytes) == ("upload", "pending", len(content))
    assert (upload.filename, upload.purpose, upload.expires_at) == ("paper.pdf", "user_data", upload.created_at + 3600)
    assert all((part.object, part.upload_id) == ("upload.part", upload.id) for part in parts)
    assert upload.id.startswith("upload_") and all(part.id.startswith("part_") for part in parts)
    assert held, "a provider was asked before the upload was complete"
    assert (done.id, done.status) == (upload.id, "completed")
    assert done.file is not None and (done.file.bytes, done.file.filename) == (len(content), "paper.pdf")
    assert gateway.admin.get(f"/v1/files/{done.file.id}").json() == done.file.to_dict()
    assert client.files.content(done.file.id).read() == content
    check_copies(simulators, content)
    for model in (OPENAI_MODEL, VERTEX_MODEL):
        answer = gateway.chat(model, file_message(done.file.id))
        assert hashlib.sha256(content).hexdigest()[:12] in answer.text, answer.text


def test_the_sdk_uploads_a_file_in_chunks(gateway: Gateway, simulators: Simulators, tmp_path: Path) -> None:
    content = secrets.token_bytes(2_500_000)
    path = tmp_path / "book.pdf"
    path.write_bytes(content)
    # The SDK's own helper has no extra_body.
    client = gateway.openai().with_options(default_query={})
    create = client.uploads.create
    client.uploads.create = lambda **given: create(**given, extra_body=TARGETS)

    done = client.uploads.upload_file_chunked(
        file=path,
        mime_type="application/pdf",
        purpose="user_data",
        part_size=MEGABYTE,
        md5=hashlib.md5(content).hexdigest(),
    )

    assert done.status == "completed" and done.file is not None
    check_copies(simulators, content)


def test_parts_come_in_any_order_and_at_the_same_time(gateway: Gateway, simulators: Simulators) -> None:
    pieces = [secrets.token_bytes(random.randint(1, 60_000)) for _ in range(24)]
    content = b"".join(pieces)
    upload = begun(gateway.admin, len(content), BOTH)
    order = random.sample(range(len(pieces)), len(pieces))
    with ThreadPoolExecutor(8) as pool:
        made = dict(zip(order, pool.map(lambda i: added(gateway.admin, upload, pieces[i]), order), strict=True))

    response = complete(gateway.admin, upload, [made[i] for i in range(len(pieces))])

    assert response.status_code == 200, response.text
    assert set(response.json()["file"]) == FILE_MEMBERS
    check_copies(simulators, content)
    assert parts_of(gateway, upload) == []


def test_a_part_that_is_not_named_is_left_out(gateway: Gateway, simulators: Simulators) -> None:
    upload = begun(gateway.admin, 12, BOTH)
    first, _, last = (added(gateway.admin, upload, piece) for piece in (b"one ", b"two ", b"late"))

    short = complete(gateway.admin, upload, [first, last])
    assert_error(short, 400, param="part_ids")
    assert "8 bytes" in short.json()["error"]["message"]

    again = begun(gateway.admin, 8, BOTH)
    one, two = added(gateway.admin, again, b"one "), added(gateway.admin, again, b"two ")
    assert complete(gateway.admin, again, [two, one]).status_code == 200
    check_copies(simulators, b"two one ")


def test_the_md5_is_checked_before_a_provider_is_asked(gateway: Gateway, simulators: Simulators) -> None:
    upload = begun(gateway.admin, 10, BOTH)
    parts = [added(gateway.admin, upload, b"01234"), added(gateway.admin, upload, b"56789")]
    digest = hashlib.md5(b"0123456789").hexdigest()

    assert_error(complete(gateway.admin, upload, parts[::-1], md5=digest), 400, param="md5")
    for broken in ("", "xyz", digest[:-1], "g" * 32):
        assert_error(complete(gateway.admin, upload, parts, md5=broken), 400, param="md5")
    assert simulators.holds_nothing()
    assert complete(gateway.admin, upload, parts, md5=digest.upper()).status_code == 200
    check_copies(simulators, b"0123456789")


def test_a_repeated_completion_answers_the_same_file(gateway: Gateway, simulators: Simulators) -> None:
    upload = begun(gateway.admin, 4, BOTH)
    part = added(gateway.admin, upload, b"data")

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: complete(gateway.admin, upload, [part]), range(12)))
    later = complete(gateway.admin, upload, [part])

    assert [one.status_code for one in answers] == [200] * 12
    assert len({one.json()["file"]["id"] for one in [*answers, later]}) == 1
    check_copies(simulators, b"data")
    assert_error(add(gateway.admin, upload, b"more"), 400, code="upload_completed")
    assert_error(cancel(gateway.admin, upload), 400, code="upload_completed")


def test_a_completion_that_a_provider_refuses_can_be_repeated(gateway: Gateway, simulators: Simulators) -> None:
    upload = begun(gateway.admin, 4, BOTH)
    part = added(gateway.admin, upload, b"data")
    simulators.fault("google", path_prefix="/upload/storage", times=1, status=400)

    assert complete(gateway.admin, upload, [part]).status_code == 400
    until("everything is undone", simulators.holds_nothing)

    assert complete(gateway.admin, upload, [part]).status_code == 200
    check_copies(simulators, b"data")


def test_a_cancelled_upload_is_over_and_its_parts_are_gone(gateway: Gateway) -> None:
    client = gateway.openai()
    upload = client.uploads.create(
        filename="a.jsonl", purpose="batch", bytes=4, mime_type="application/jsonl", extra_body=TARGETS
    )
    part = client.uploads.parts.create(upload.id, data=b"data")

    done = client.uploads.cancel(upload.id)

    assert (done.id, done.status, done.file) == (upload.id, "cancelled", None)
    assert client.uploads.cancel(upload.id).status == "cancelled"
    assert parts_of(gateway, upload.id) == []
    assert_error(add(gateway.admin, upload.id, b"data"), 400, code="upload_cancelled")
    assert_error(complete(gateway.admin, upload.id, [part.id]), 400, code="upload_cancelled")


@pytest.mark.parametrize("purpose", ["batch", "fine-tune", "vision", "assistants", "evals"])
def test_every_purpose_can_come_in_parts(gateway: Gateway, simulators: Simulators, purpose: str) -> None:
    content = b'{"a": 1}\n'
    upload = begun(
        gateway.admin, len(content), OPENAI_MODEL, purpose=purpose, filename="a.jsonl", mime_type="text/plain"
    )

    done = complete(gateway.admin, upload, [added(gateway.admin, upload, content)])

    assert done.status_code == 200, done.text
    assert done.json()["file"]["purpose"] == purpose
    check_copies(simulators, content, 1)


def test_the_file_expires_as_the_upload_said(gateway: Gateway) -> None:
    upload = begun(gateway.admin, 4, expires_after={"anchor": "created_at", "seconds": 7200})

    file = complete(gateway.admin, upload, [added(gateway.admin, upload, b"data")]).json()["file"]

    assert abs(file["expires_at"] - file["created_at"] - 7200) <= 5


GOOD = {"filename": "a.txt", "purpose": "user_data", "bytes": 4, "mime_type": "text/plain"}
GOOD |= {"target_model_names": OPENAI_MODEL}


@pytest.mark.parametrize(
    ("change", "status", "param"),
    [
        ({"filename": ""}, 400, "filename"),
        ({"filename": "a/.."}, 400, "filename"),
        ({"filename": "a\nb"}, 400, "filename"),
        ({"filename": 1}, 400, "filename"),
        ({"filename": None}, 400, "filename"),
        ({"purpose": "batch_output"}, 400, "purpose"),
        ({"purpose": "x"}, 400, "purpose"),
        ({"bytes": 0}, 400, "bytes"),
        ({"bytes": -1}, 400, "bytes"),
        ({"bytes": 1.5}, 400, "bytes"),
        ({"bytes": "4"}, 400, "bytes"),
        ({"bytes": 8 * 1024 * MEGABYTE + 1}, 413, "bytes"),
        ({"bytes": 10**30}, 400, "bytes"),
        ({"bytes": None}, 400, "bytes"),
        ({"mime_type": "text"}, 400, "mime_type"),
        ({"mime_type": ""}, 400, "mime_type"),
        ({"expires_after": {"anchor": "created_at"}}, 400, "expires_after"),
        ({"expires_after": {"anchor": "now", "seconds": 3600}}, 400, "expires_after"),
        ({"expires_after": {"anchor": "created_at", "seconds": 3599}}, 400, "expires_after"),
        ({"target_model_names": ""}, 400, "target_model_names"),
        ({"target_model_names": "nothing"}, 400, "target_model_names"),
        ({"target_model_names": [OPENAI_MODEL, "nothing"]}, 400, "target_model_names"),
        ({"target_model_names": {}}, 400, "target_model_names"),
        ({"surprise": 1}, 400, "surprise"),
    ],
)
def test_a_bad_upload_is_refused_when_it_is_begun(gateway: Gateway, change: dict, status: int, param: str) -> None:
    assert_error(gateway.admin.post("/v1/uploads", json=GOOD | change), status, param=param)


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'"text"', b"{}" * 2])
def test_garbage_begins_nothing(gateway: Gateway, body: bytes) -> None:
    assert_error(gateway.admin.post("/v1/uploads", content=body), 400)
    upload = begun(gateway.admin, 4)
    assert_error(gateway.admin.post(f"/v1/uploads/{upload}/complete", content=body), 400)


def test_targets_may_be_a_list(gateway: Gateway) -> None:
    assert begin(gateway.admin, 4, [OPENAI_MODEL, VERTEX_MODEL]).status_code == 200


def test_a_key_may_name_its_own_models_alone(gateway: Gateway) -> None:
    user = gateway.new_user("limited", models=[OPENAI_MODEL])

    assert_error(begin(user.http, 4, VERTEX_MODEL), 403, code="key_model_access_denied")
    assert begin(user.http, 4, OPENAI_MODEL).status_code == 200


def test_a_part_of_the_wrong_form_is_refused(gateway: Gateway) -> None:
    upload = begun(gateway.admin, 100)
    path = f"/v1/uploads/{upload}/parts"
    forms = {"file": Multipart().file(b"x"), "other": part_form(b"x").field("other", "y")}
    for param, form in forms.items():
        response = gateway.admin.post(path, content=form.body(), headers={"Content-Type": form.content_type})
        assert_error(response, 400, param=param)
    nothing = Multipart()
    response = gateway.admin.post(path, content=nothing.body(), headers={"Content-Type": nothing.content_type})
    assert_error(response, 400)
    twice = part_form(b"x").part('Content-Disposition: form-data; name="data"', b"y")
    response = gateway.admin.post(path, content=twice.body(), headers={"Content-Type": twice.content_type})
    assert_error(response, 400, param="data")
    assert_error(add(gateway.admin, upload, b""), 400, param="data")
    assert_error(gateway.admin.post(path, json={"data": "x"}), 400)
    cut = part_form(b"x" * 1000)
    response = gateway.admin.post(path, content=cut.body()[:-20], headers={"Content-Type": cut.content_type})
    assert_error(response, 400)
    assert parts_of(gateway, upload) == []
    until("what came in is removed", lambda: not passing_files(gateway))
    assert_error(complete(gateway.admin, upload, ["part_x"]), 400, param="part_ids")


def test_parts_have_no_more_than_the_upload_together(gateway: Gateway, simulators: Simulators) -> None:
    upload = begun(gateway.admin, 10, BOTH)
    first = added(gateway.admin, upload, b"123456")

    assert_error(add(gateway.admin, upload, b"56789"), 400, param="data")
    # A client that got no answer sends the same once more.
    repeated = added(gateway.admin, upload, b"123456")
    last = added(gateway.admin, upload, b"7890")

    assert len({path.stat().st_ino for path in parts_of(gateway, upload)}) == 2
    assert_error(complete(gateway.admin, upload, [first, repeated]), 400, param="part_ids")
    assert complete(gateway.admin, upload, [repeated, last]).status_code == 200
    check_copies(simulators, b"1234567890")


def test_a_part_has_at_most_64_mib(gateway: Gateway) -> None:
    upload = begun(gateway.admin, 100 * MEGABYTE)
    form = part_form(b"")
    opening, closing = form.body().split(b"\r\n\r\n", 1)[0] + b"\r\n\r\n", f"\r\n--{form.boundary}--\r\n".encode()

    def chunks(size: int):
        yield opening
        for _ in range(size // MEGABYTE):
            yield bytes(MEGABYTE)
        yield bytes(size % MEGABYTE)
        yield closing

    headers = {"Content-Type": form.content_type}
    path = f"/v1/uploads/{upload}/parts"
    too_long = gateway.admin.post(path, content=chunks(64 * MEGABYTE + 1), headers=headers)
    assert_error(too_long, 413, code="too_large", param="data")
    declared = headers | {"Content-Length": str(80 * MEGABYTE)}
    with gateway.raw() as connection:
        connection.request("POST", path, {"Authorization": f"Bearer {MASTER_KEY}"} | declared)
        assert connection.socket.recv(1024).startswith(b"HTTP/1.1 413")
    assert gateway.admin.post(path, content=chunks(64 * MEGABYTE), headers=headers).status_code == 200
    assert cancel(gateway.admin, upload).status_code == 200


def test_completion_names_parts_of_this_upload_once(gateway: Gateway) -> None:
    upload, other = begun(gateway.admin, 4), begun(gateway.admin, 4)
    part, foreign = added(gateway.admin, upload, b"data"), added(gateway.admin, other, b"data")
    forged = part[:-1] + ("a" if part[-1] != "a" else "b")

    for parts in ([], [part, part], [foreign], [forged], ["part_x"], [upload], [""], ["x" * 100_000]):
        assert_error(complete(gateway.admin, upload, parts), 400, param="part_ids")
    for body in ({}, {"part_ids": part}, {"part_ids": [1]}, {"part_ids": None}):
        assert_error(gateway.admin.post(f"/v1/uploads/{upload}/complete", json=body), 400)
    assert_error(complete(gateway.admin, upload, [part], surprise=1), 400, param="surprise")
    assert_error(complete(gateway.admin, upload, ["part_x"] * 10_001), 413, param="part_ids")
    assert complete(gateway.admin, upload, [part]).status_code == 200


ACTIONS: dict[str, Callable[[httpx.Client, str], httpx.Response]] = {
    "parts": lambda http, upload: add(http, upload, b"data"),
    "complete": lambda http, upload: complete(http, upload, ["part_" + "a" * 40]),
    "cancel": cancel,
}


@pytest.mark.parametrize("action", ACTIONS.values(), ids=ACTIONS)
def test_nobody_else_can_touch_an_upload(gateway: Gateway, action: Callable) -> None:
    ann, bob = gateway.new_user("ann"), gateway.new_user("bob")
    upload = begun(ann.http, 4)
    forged = upload[:-1] + ("a" if upload[-1] != "a" else "b")

    error = assert_error(action(bob.http, upload), 403, "permission_error", "upload_access_denied")

    assert error["message"] == f"User {bob.id} does not have access to the upload {upload}"
    for unknown in (forged, "upload_x", "x", "part_" + upload.removeprefix("upload_"), "upload_" + "a" * 40):
        assert_error(action(ann.http, unknown), 404, code="upload_not_found")
    assert_error(action(gateway.client(None), upload), 401)
    assert complete(ann.http, upload, [added(ann.http, upload, b"data")]).status_code == 200


def test_a_deleted_users_uploads_are_gone(sweeper: Gateway) -> None:
    ann = sweeper.new_user("ann")
    upload = begun(ann.http, 4)
    added(ann.http, upload, b"data")

    assert sweeper.admin.post("/user/delete", json={"user_ids": [ann.id]}).status_code == 200

    assert_error(cancel(sweeper.admin, upload), 404, code="upload_not_found")
    until("its parts are removed", lambda: part_files(sweeper) == [] and folders(sweeper) == [])


def test_an_upload_expires_and_its_parts_are_removed(sweeper: Gateway) -> None:
    upload = begun(sweeper.admin, 4)
    part = added(sweeper.admin, upload, b"data")
    with contextlib.closing(sqlite3.connect(sweeper.data / "gantry.sqlite", timeout=30)) as registry, registry:
        change = "UPDATE uploads SET expires_at = expires_at - 3600 WHERE id = ?"
        assert registry.execute(change, [record_of(upload).bytes]).rowcount == 1

    for response in (
        add(sweeper.admin, upload, b"more"),
        complete(sweeper.admin, upload, [part]),
        cancel(sweeper.admin, upload),
    ):
        assert_error(response, 400, code="upload_expired", param="upload_id")
    until("its parts are removed", lambda: parts_of(sweeper, upload) == [])
    assert_error(complete(sweeper.admin, upload, [part]), 400, code="upload_expired")


@pytest.mark.parametrize("root", ["/uploads", "/vertex_ai/v1/uploads", "/openai/v1/uploads"])
def test_every_spelling_of_the_path_serves(gateway: Gateway, root: str) -> None:
    upload = gateway.admin.post(root, json=GOOD).json()["id"]
    form = part_form(b"data")
    headers = {"Content-Type": form.content_type}

    part = gateway.admin.post(f"{root}/{upload}/parts", content=form.body(), headers=headers).json()["id"]
    done = gateway.admin.post(f"{root}/{upload}/complete", json={"part_ids": [part]})

    assert done.json()["status"] == "completed", done.text
    assert_error(gateway.admin.post(f"{root}/{upload}/cancel"), 400, code="upload_completed")


def test_a_client_that_leaves_in_the_middle_of_a_part_leaves_nothing(gateway: Gateway) -> None:
    upload = begun(gateway.admin, 10 * MEGABYTE)
    form = part_form(bytes(4 * MEGABYTE))
    headers = {"Authorization": f"Bearer {MASTER_KEY}", "Content-Type": form.content_type}
    headers["Content-Length"] = str(len(form.body()))
    with gateway.raw() as connection:
        connection.request("POST", f"/v1/uploads/{upload}/parts", headers)
        connection.socket.sendall(form.body()[: 2 * MEGABYTE])
        until("the part comes in", lambda: passing_files(gateway))

    until("what came in is removed", lambda: not passing_files(gateway))
    assert cancel(gateway.admin, upload).status_code == 200


def test_the_disk_for_parts_has_a_limit(start_gateway: Callable, standard_configuration: Callable) -> None:
    gateway = start_gateway(standard_configuration(uploads_disk_mb=2, max_upload_size_mb=3))
    upload = begun(gateway.admin, 3 * MEGABYTE)
    added(gateway.admin, upload, secrets.token_bytes(3 * MEGABYTE // 2))

    refused = add(gateway.admin, upload, secrets.token_bytes(MEGABYTE))

    assert_error(refused, 503, "api_error", "spool_unavailable")
    assert refused.headers["Retry-After"]
    assert_error(begin(gateway.admin, 3 * MEGABYTE + 1), 413, param="bytes")
    assert cancel(gateway.admin, upload).status_code == 200
    again = begun(gateway.admin, 3 * MEGABYTE)
    assert add(gateway.admin, again, secrets.token_bytes(MEGABYTE)).status_code == 200


@pytest.mark.timeout(600)
def test_200_mb_in_parts_arrive_whole_and_memory_stays_flat(
    start_gateway: Callable, standard_configuration: Callable, simulators: Simulators
) -> None:
    gateway = start_gateway(standard_configuration(), log_level="info")
    gateway.upload(targets=BOTH)
    simulators.reset()
    idle = gateway.process.memory_bytes("VmRSS")
    pieces = [secrets.token_bytes(25 * MEGABYTE) for _ in range(8)]
    whole, checksum = hashlib.sha256(), hashlib.md5()
    for piece in pieces:
        whole.update(piece)
        checksum.update(piece)
    http = gateway.client(timeout=300)
    upload = begun(http, 200 * MEGABYTE, BOTH)
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda piece: added(http, upload, piece), pieces))

    done = complete(http, upload, parts, md5=checksum.hexdigest())

    assert done.status_code == 200, done.text
    digests = [one["sha256"] for one in simulators.openai_files() + simulators.google_objects()]
    assert digests == [whole.hexdigest()] * 2
    growth = gateway.process.memory_bytes("VmHWM") - idle
    assert growth < 64 * MEGABYTE, f"peak memory grew by {growth / MEGABYTE:.0f} MB"


def test_parts_survive_a_crash_and_the_upload_goes_on(
    start_gateway: Callable, standard_configuration: Callable, simulators: Simulators
) -> None:
    config = standard_configuration(sweep_seconds=1)
    first = start_gateway(config)
    content = secrets.token_bytes(3 * MEGABYTE)
    upload = begun(first.admin, len(content), BOTH)
    parts = [added(first.admin, upload, content[:MEGABYTE])]
    half = part_form(content[MEGABYTE : 2 * MEGABYTE])
    headers = {"Authorization": f"Bearer {MASTER_KEY}", "Content-Type": half.content_type}
    headers["Content-Length"] = str(len(half.body()))
    with first.raw() as connection:
        connection.request("POST", f"/v1/uploads/{upload}/parts", headers)
        connection.socket.sendall(half.body()[:-1000])
        until("a part comes in", lambda: passing_files(first))
        first.signal(signal.SIGKILL)
        first.process.wait(10)
    # What a crash leaves between the file's name and its row.
    unnoted = folders(first)[0] / str(uuid.uuid4())
    unnoted.write_bytes(b"unnoted")

    second = start_gateway(config, data=first.data)

    until("what was not noted is removed", lambda: not unnoted.exists() and not passing_files(second))
    parts += [added(second.admin, upload, content[i : i + MEGABYTE]) for i in (MEGABYTE, 2 * MEGABYTE)]
    done = complete(second.admin, upload, parts, md5=hashlib.md5(content).hexdigest())
    assert done.status_code == 200, done.text
    check_copies(simulators, content)
    assert part_files(second) == []


def test_a_crash_in_the_middle_of_a_completion_is_undone_and_it_can_be_repeated(
    start_gateway: Callable, standard_configuration: Callable, simulators: Simulators
) -> None:
    config = standard_configuration(sweep_seconds=1)
    first = start_gateway(config)
    upload = begun(first.admin, 4, BOTH)
    part = added(first.admin, upload, b"data")
    simulators.fault("google", path_prefix="/upload/storage", times=1, delay_ms=20_000)

    def die() -> None:
        until("one provider has its copy", simulators.openai_files, 20)
        first.signal(signal.SIGKILL)

    killer = threading.Thread(target=die)
    killer.start()
    with pytest.raises(httpx.TransportError):
        complete(first.client(), upload, [part])
    killer.join()
    first.process.wait(10)
    simulators.clear_faults()

    second = start_gateway(config, data=first.data)
    done = complete(second.admin, upload, [part])

    assert done.status_code == 200, done.text
    until("the half-made file is undone", lambda: len(simulators.openai_files()) == 1, 40)
    check_copies(simulators, b"data")
    assert second.file_ids() == [done.json()["file"]["id"]]
    assert complete(second.admin, upload, [part]).json()["file"] == done.json()["file"]


def test_another_host_says_where_the_parts_are(
    start_gateway: Callable, standard_configuration: Callable, simulators: Simulators, database: Database
) -> None:
    config = standard_configuration(database_url=database.url, sweep_seconds=1)
    one, two = start_gateway(config), start_gateway(config)
    upload = begun(one.admin, 8, BOTH)
    parts = [added(one.admin, upload, b"here"), added(two.admin, upload, b"else")]

    for host, name in ((one, two.data), (two, one.data)):
        error = assert_error(complete(host.admin, upload, parts), 409, code="upload_part_elsewhere")
        assert (name / "host").read_text() in error["message"]
    assert simulators.holds_nothing()
    # The same once more, all to one host.
    again = added(one.admin, upload, b"else")
    assert complete(one.admin, upload, [parts[0], again]).status_code == 200
    check_copies(simulators, b"hereelse")
    until("the other host has removed its part", lambda: folders(two) == [])


def test_hosts_that_share_the_folder_complete_each_others_uploads(
    start_gateway: Callable,
    standard_configuration: Callable,
    simulators: Simulators,
    database: Database,
    tmp_path: Path,
) -> None:
    folder = tmp_path / "shared"
    config = standard_configuration(database_url=database.url, sweep_seconds=1, uploads_folder=str(folder))
    one, two = start_gateway(config), start_gateway(config)
    upload = begun(one.admin, 8, BOTH)
    parts = [added(one.admin, upload, b"here"), added(two.admin, upload, b"else")]

    done = complete(two.admin, upload, parts)

    assert done.status_code == 200, done.text
    check_copies(simulators, b"hereelse")
    assert complete(one.admin, upload, parts).json() == done.json()
    assert not [path for path in folder.iterdir() if path.is_dir()]


def test_the_sdk_is_told_what_is_wrong(gateway: Gateway) -> None:
    client = gateway.openai()

    with pytest.raises(openai.NotFoundError):
        client.uploads.cancel("upload_unknown")
    with pytest.raises(openai.BadRequestError, match="target_model_names"):
        client.uploads.create(filename="a", purpose="batch", bytes=1, mime_type="text/plain")
