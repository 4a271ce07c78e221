"""Uploads that are sent on while they come in: early where all is known, never complete before they are whole."""

import hashlib
import json
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from support.documents import Multipart, upload_body
from support.errors import assert_error, check_error_object
from support.gateway import MASTER_KEY, Gateway
from support.rawhttp import RawConnection, head
from support.simulators import Simulators
from support.waiting import until

OPENAI_MODEL = "gpt-4o-mini-openai"
SECOND_MODEL = "gpt-4o-second"
VERTEX_MODEL = "gemini-2.0-flash"
ALL = f"{OPENAI_MODEL},{SECOND_MODEL},{VERTEX_MODEL}"
MEGABYTE = 1024 * 1024
CONTENT = secrets.token_bytes(5 * MEGABYTE + 12_345)
OPENAI_UPLOAD = {"path_prefix": "/v1/files", "method": "POST"}
FIELDS = [("purpose", "user_data"), ("target_model_names", ALL)]


class SlowUpload:
    """One upload whose bytes are sent when the test says so."""

    def __init__(self, gateway: Gateway, body: bytes, boundary: str, *, length: int | None = None, **headers: str):
        self.body = body
        self.sent = 0
        self.connection: RawConnection = gateway.raw(60)
        fields = {
            "Authorization": f"Bearer {MASTER_KEY}",
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "Content-Length": str(len(body) if length is None else length),
        }
        self.connection.send(head("POST", "/v1/files", fields | headers))

    def send(self, until_byte: int | None = None) -> None:
        end = len(self.body) if until_byte is None else until_byte
        self.connection.send(self.body[self.sent : end])
        self.sent = end

    def answer(self) -> tuple[int, dict]:
        status, _, body = self.connection.response()
        return status, json.loads(body)


@pytest.fixture
def begun(sweeper: Gateway) -> Iterator[Callable[..., SlowUpload]]:
    """Begins uploads, whose connections are closed at the end."""
    uploads: list[SlowUpload] = []

    def begin(multipart: Multipart, **options) -> SlowUpload:
        body = options.pop("body", None) or multipart.body()
        uploads.append(SlowUpload(sweeper, body, multipart.boundary, **options))
        return uploads[-1]

    yield begin
    for upload in uploads:
        upload.connection.close()


#: What the log says of a connection to a provider that broke.
LOSS = "a provider's request failed"


def digest(content: bytes = CONTENT) -> str:
    return hashlib.sha256(content).hexdigest()


def open_requests(simulators: Simulators) -> int:
    return simulators.state()["open_requests"]


def assert_copies(simulators: Simulators, content: bytes = CONTENT, openai: int = 2, google: int = 1) -> None:
    """Every provider has exactly the copies that it should have, byte for byte."""
    files, objects = simulators.openai_files(), simulators.google_objects()
    assert (len(files), len(objects)) == (openai, google), simulators.state()
    for copy in files + objects:
        assert (copy["bytes"], copy["sha256"]) == (len(content), digest(content))


def assert_nothing_stays(gateway: Gateway, simulators: Simulators, before: list[str]) -> None:
    until("nothing is at any provider", simulators.holds_nothing, 30)
    assert gateway.file_ids() == before
    until("the spool is empty", lambda: spooled_bytes(gateway) == 0)


def spooled_bytes(gateway: Gateway) -> int:
    """The bytes of the files without a name that the gateway holds open in its spool."""
    total = 0
    for link in Path(f"/proc/{gateway.process.pid}/fd").iterdir():
        try:
            if "spool-" in str(link.readlink()) and link.stat().st_nlink == 0:
                total += link.stat().st_size
        except FileNotFoundError:
            continue
    return total


def wait_until_all_targets_are_fed(simulators: Simulators) -> None:
    until("three targets are being sent the file", lambda: open_requests(simulators) >= 3, 20)


class TestAnUploadThatIsAsItSays:
    def test_reaches_every_target_while_the_client_is_still_sending(
        self, sweeper: Gateway, simulators: Simulators, begun: Callable[..., SlowUpload]
    ) -> None:
        upload = begun(Multipart().fields(FIELDS).file(CONTENT))
        upload.send(3 * MEGABYTE)

        wait_until_all_targets_are_fed(simulators)
        assert simulators.holds_nothing()
        upload.send()
        status, made = upload.answer()

        assert (status, made["bytes"]) == (200, len(CONTENT))
        assert_copies(simulators)
        response = sweeper.admin.get(f"/v1/files/{made['id']}/content")
        assert response.content == CONTENT
        assert response.headers["etag"].strip('"') not in ("", digest())

    @pytest.mark.parametrize("missing", [1, 2, 4, 30, 64 * 1024])
    def test_is_complete_nowhere_before_its_last_byte(
        self, simulators: Simulators, begun: Callable[..., SlowUpload], missing: int
    ) -> None:
        upload = begun(Multipart().fields(FIELDS).file(CONTENT))
        upload.send(len(upload.body) - missing)

        wait_until_all_targets_are_fed(simulators)
        for _ in range(20):
            assert simulators.holds_nothing()
        wait_until_all_targets_are_fed(simulators)
        upload.send()

        assert upload.answer()[0] == 200
        assert_copies(simulators)

    @pytest.mark.parametrize("size", [MEGABYTE - 1, MEGABYTE, MEGABYTE + 1, 2 * MEGABYTE, 3 * MEGABYTE + 65_537])
    def test_of_any_size_arrives_whole(self, sweeper: Gateway, simulators: Simulators, size: int) -> None:
        content = secrets.token_bytes(size)

        assert sweeper.upload(content, ALL)["bytes"] == size

        assert_copies(simulators, content)

    def test_from_the_openai_sdk_arrives_whole(self, sweeper: Gateway, simulators: Simulators) -> None:
        made = sweeper.openai().files.create(
            file=("large.bin", CONTENT), purpose="user_data", extra_body={"target_model_names": ALL}
        )

        assert made.bytes == len(CONTENT)
        assert_copies(simulators)

    def test_whose_fields_follow_the_file_is_sent_when_it_is_whole(
        self, simulators: Simulators, begun: Callable[..., SlowUpload]
    ) -> None:
        upload = begun(Multipart().file(CONTENT).fields(FIELDS))
        upload.send(4 * MEGABYTE)
        until("the gateway has taken what was sent", lambda: upload.sent == 4 * MEGABYTE)
        assert open_requests(simulators) == 0
        upload.send()

        assert upload.answer()[0] == 200
        assert_copies(simulators)

    def test_without_a_length_is_sent_when_it_is_whole(self, sweeper: Gateway, simulators: Simulators) -> None:
        multipart = Multipart().fields(FIELDS).file(CONTENT)
        pieces = (multipart.body()[start : start + 65_536] for start in range(0, len(multipart.body()), 65_536))

        response = sweeper.admin.post("/v1/files", content=pieces, headers={"Content-Type": multipart.content_type})

        assert response.status_code == 200, response.text
        assert_copies(simulators)

    def test_with_an_idempotency_key_is_known_again_by_its_content(
        self, sweeper: Gateway, simulators: Simulators
    ) -> None:
        key = {"Idempotency-Key": secrets.token_hex(8)}
        client = sweeper.client()

        def send(content: bytes) -> httpx.Response:
            multipart = Multipart().fields(FIELDS).file(content)
            headers = key | {"Content-Type": multipart.content_type}
            return client.post("/v1/files", content=multipart.body(), headers=headers)

        first, second = send(CONTENT), send(CONTENT)
        other = send(CONTENT[:-1] + b"\0" if CONTENT[-1] else CONTENT[:-1] + b"\1")

        assert first.status_code == second.status_code == 200
        assert first.json()["id"] == second.json()["id"]
        assert_error(other, 409)
        assert_copies(simulators)


def with_another_field(multipart: Multipart) -> bytes:
    return multipart.file(CONTENT).field("litellm_metadata", "{}").body()


def with_a_second_target_field(multipart: Multipart) -> bytes:
    return multipart.file(CONTENT).field("target_model_names", OPENAI_MODEL).body()


def with_an_epilogue(multipart: Multipart) -> bytes:
    return multipart.file(CONTENT).body() + b"the end"


def with_a_long_epilogue(multipart: Multipart) -> bytes:
    return multipart.file(CONTENT).body() + b"x" * (2 * MEGABYTE)


def without_the_last_line_end(multipart: Multipart) -> bytes:
    return multipart.file(CONTENT).body().removesuffix(b"\r\n")


WRONG = [
    with_another_field, with_a_second_target_field, with_an_epilogue, with_a_long_epilogue, without_the_last_line_end,
]  # fmt: skip


class TestAnUploadThatIsLongerOrShorterThanItSeemed:
    @pytest.mark.parametrize("build", WRONG)
    def test_is_sent_again_when_it_is_whole_and_leaves_nothing_else(
        self, sweeper: Gateway, simulators: Simulators, begun: Callable[..., SlowUpload], build: Callable
    ) -> None:
        before = sweeper.file_ids()
        multipart = Multipart().fields(FIELDS)
        upload = begun(multipart, body=build(multipart))
        upload.send(3 * MEGABYTE)
        wait_until_all_targets_are_fed(simulators)
        upload.send()

        status, made = upload.answer()

        assert (status, made["bytes"]) == (200, len(CONTENT)), made
        assert_copies(simulators)
        assert sorted(sweeper.file_ids()) == sorted([*before, made["id"]])
        sweeper.wait_for_sweeps(4)
        assert_copies(simulators)
        assert sweeper.admin.delete(f"/v1/files/{made['id']}").status_code == 200
        assert_nothing_stays(sweeper, simulators, before)

    @pytest.mark.parametrize("trouble", ["unknown field", "second file", "no closing boundary", "padded boundary"])
    def test_and_is_refused_leaves_nothing(
        self, sweeper: Gateway, simulators: Simulators, begun: Callable[..., SlowUpload], trouble: str
    ) -> None:
        before = sweeper.file_ids()
        multipart = Multipart().fields(FIELDS).file(CONTENT)
        closing = f"--{multipart.boundary}--\r\n".encode()
        body = {
            "unknown field": lambda: multipart.field("nonsense", "1").body(),
            "second file": lambda: multipart.file(CONTENT).body(),
            "no closing boundary": lambda: multipart.body().removesuffix(closing) + b"x" * len(closing),
            "padded boundary": lambda: multipart.body().removesuffix(b"--\r\n") + b"  \r\n",
        }[trouble]()
        upload = begun(multipart, body=body)
        upload.send(3 * MEGABYTE)
        wait_until_all_targets_are_fed(simulators)
        upload.connection.send_until_answered(upload.body[upload.sent :])

        assert upload.answer()[0] == 400
        assert_nothing_stays(sweeper, simulators, before)

    def test_what_is_refused_before_the_file_asks_no_provider(
        self, sweeper: Gateway, simulators: Simulators, begun: Callable[..., SlowUpload]
    ) -> None:
        for fields in ([("purpose", "nonsense"), FIELDS[1]], [FIELDS[0], ("target_model_names", "no-such-model")]):
            upload = begun(Multipart().fields(fields).file(CONTENT))
            upload.connection.send_until_answered(upload.body)
            assert upload.answer()[0] == 400
        assert not simulators.requests("openai") and not simulators.requests("google", "/upload/")


class TestAClientThatBreaksOff:
    @pytest.mark.parametrize("at", [1.2, 2, 3.5, 4.99, 5.01])
    @pytest.mark.parametrize("how", ["close", "abort"])
    def test_leaves_nothing(
        self, sweeper: Gateway, simulators: Simulators, begun: Callable[..., SlowUpload], at: float, how: str
    ) -> None:
        before = sweeper.file_ids()
        upload = begun(Multipart().fields(FIELDS).file(CONTENT))
        upload.send(int(at * MEGABYTE))
        wait_until_all_targets_are_fed(simulators)

        getattr(upload.connection, how)()

        until("every provider was cut off", lambda: open_requests(simulators) == 0)
        assert_nothing_stays(sweeper, simulators, before)

    def test_with_the_last_byte_missing_leaves_nothing(
        self, sweeper: Gateway, simulators: Simulators, begun: Callable[..., SlowUpload]
    ) -> None:
        before = sweeper.file_ids()
        upload = begun(Multipart().fields(FIELDS).file(CONTENT))
        upload.send(len(upload.body) - 1)
        wait_until_all_targets_are_fed(simulators)
        upload.connection.abort()

        assert_nothing_stays(sweeper, simulators, before)

    @pytest.mark.parametrize("at", [2 * MEGABYTE, None])
    def test_or_a_gateway_that_is_killed_leaves_nothing(
        self,
        start_gateway: Callable[..., Gateway],
        standard_configuration: Callable[..., dict],
        simulators: Simulators,
        at: int | None,
    ) -> None:
        config = standard_configuration(sweep_seconds=1)
        first = start_gateway(config)
        simulators.fault("openai", **OPENAI_UPLOAD, account="main", times=1, after_effect=True, never_answer=True)
        multipart = Multipart().fields(FIELDS).file(CONTENT)
        upload = SlowUpload(first, multipart.body(), multipart.boundary)
        upload.send(at)
        if at is None:
            until("a target has the file", simulators.openai_files)
        else:
            wait_until_all_targets_are_fed(simulators)

        first.signal(signal.SIGKILL)
        first.process.wait(10)
        upload.connection.close()
        second = start_gateway(config, data=first.data)

        until("the next run has removed the copies", simulators.holds_nothing, seconds=60)
        second.wait_for_sweeps(3)
        assert simulators.holds_nothing()
        assert second.file_ids() == []


class TestATargetThatIsSlowOrFails:
    def test_a_slow_one_holds_up_neither_the_client_nor_the_others(
        self, sweeper: Gateway, simulators: Simulators
    ) -> None:
        """The slow one begins to read only when the others have nearly all of it."""
        with ThreadPoolExecutor(1) as pool, simulators.holding("openai", **OPENAI_UPLOAD, account="second"):
            running = pool.submit(sweeper.upload, CONTENT, ALL)
            until("the others have the file", lambda: len(simulators.google_objects()) == 1)
            assert not simulators.openai_files("second")

        assert running.result()["bytes"] == len(CONTENT)
        assert_copies(simulators)

    @pytest.mark.parametrize("after", [0, 100_000, 2 * MEGABYTE])
    def test_one_that_is_lost_on_the_way_gets_the_whole_file_afterwards(
        self, sweeper: Gateway, simulators: Simulators, begun: Callable[..., SlowUpload], after: int
    ) -> None:
        simulators.fault("openai", **OPENAI_UPLOAD, account="second", times=1, cut_request_after_bytes=after)
        losses = sweeper.process.output.count(LOSS)
        upload = begun(Multipart().fields(FIELDS).file(CONTENT))
        upload.send(4 * MEGABYTE)
        until("two are left", lambda: open_requests(simulators) == 2 and len(simulators.requests("openai")) >= 2, 20)
        # Whoever is lost together with the last bytes may have got them, and is not asked again.
        until("the gateway knows", lambda: sweeper.process.output.count(LOSS) > losses, 20)
        upload.send()

        status, made = upload.answer()

        assert status == 200, made
        assert_copies(simulators)

    def test_one_that_refuses_in_the_middle_fails_the_upload_and_nothing_stays(
        self, sweeper: Gateway, simulators: Simulators
    ) -> None:
        before = sweeper.file_ids()
        refusal = {"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": None}}
        simulators.fault("openai", **OPENAI_UPLOAD, account="second", times=0, status=400, body=refusal, early=True)

        assert_error(sweeper.post_file(upload_body(CONTENT, ALL)), 400)

        assert_nothing_stays(sweeper, simulators, before)

    @pytest.mark.parametrize("status", [400, 401, 403, 413])
    @pytest.mark.parametrize("stops", [True, False], ids=["the client waits", "the client goes on"])
    def test_one_that_refuses_in_the_middle_is_told_without_the_rest(
        self, sweeper: Gateway, simulators: Simulators, begun: Callable[..., SlowUpload], status: int, stops: bool
    ) -> None:
        before = sweeper.file_ids()
        refusal = {"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": None}}
        simulators.fault(
            "openai", **OPENAI_UPLOAD, account="second", times=0, status=status, body=refusal,
            early_after_bytes=MEGABYTE,
        )  # fmt: skip
        upload = begun(Multipart().fields(FIELDS).file(b"x" * (64 * MEGABYTE)))
        upload.send(3 * MEGABYTE)
        if not stops:
            upload.sent += upload.connection.send_until_answered(upload.body[upload.sent :])

        started = time.monotonic()
        answer, headers, body = upload.connection.response()

        assert time.monotonic() - started < 5
        assert answer in (status, 502), body  # What is wrong with the gateway's own key is not the client's to mend.
        check_error_object(json.loads(body))
        assert headers["connection"] == "close"
        assert upload.sent < len(upload.body)
        assert upload.connection.is_closed_within(10)
        until("every provider was cut off", lambda: open_requests(simulators) == 0)
        assert_nothing_stays(sweeper, simulators, before)

    def test_one_of_several_of_a_model_that_is_out_of_order_stops_nothing(
        self, gateway: Gateway, simulators: Simulators
    ) -> None:
        simulators.fault("openai", **OPENAI_UPLOAD, account="second", times=0, status=503, early_after_bytes=MEGABYTE)
        multipart = Multipart().fields([("purpose", "user_data"), ("target_model_names", "pair")]).file(CONTENT)
        upload = SlowUpload(gateway, multipart.body(), multipart.boundary)
        upload.send(3 * MEGABYTE)
        until("both were asked", lambda: len(simulators.requests("openai")) >= 2)
        until("one has refused", lambda: open_requests(simulators) == 1)

        upload.send()
        status, made = upload.answer()
        upload.connection.close()

        assert (status, made["bytes"]) == (200, len(CONTENT)), made
        assert len(simulators.openai_files("main")) == 1

    def test_one_that_is_lost_every_time_fails_the_upload_and_nothing_stays(
        self, sweeper: Gateway, simulators: Simulators
    ) -> None:
        before = sweeper.file_ids()
        simulators.fault("openai", **OPENAI_UPLOAD, account="second", times=0, cut_request_after_bytes=MEGABYTE)

        response = sweeper.post_file(upload_body(CONTENT, ALL))

        assert response.status_code in (502, 503), response.text
        simulators.clear_faults()
        assert_nothing_stays(sweeper, simulators, before)


class TestContent:
    """What comes back, in parts."""

    def test_parts(self, sweeper: Gateway, simulators: Simulators) -> None:
        path = f"/v1/files/{sweeper.upload(CONTENT, VERTEX_MODEL)['id']}/content"
        size = len(CONTENT)
        tag = sweeper.admin.head(path).headers["etag"]

        for wanted, start, end in [("0-0", 0, 1), ("-5", size - 5, size), (f"{size - 3}-", size - 3, size)] + [
            (f"100-{size + 5}", 100, size)
        ]:
            response = sweeper.admin.get(path, headers={"Range": f"bytes={wanted}"})
            assert response.status_code == 206
            assert response.content == CONTENT[start:end]
            assert response.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
            assert response.headers["content-length"] == str(end - start)
        for ignored in ["bytes=0-1,5-6", "bytes=5-1", "lines=1-2", "bytes=x"]:
            response = sweeper.admin.get(path, headers={"Range": ignored})
            assert (response.status_code, len(response.content)) == (200, size)
        asked = len(simulators.requests("google"))
        response = sweeper.admin.get(path, headers={"Range": f"bytes={size}-"})
        assert response.headers["content-range"] == f"bytes */{size}"
        assert_error(response, 416, code="range_not_satisfiable")
        whole = sweeper.admin.head(path)
        assert (whole.status_code, whole.headers["content-length"], whole.content) == (200, str(size), b"")
        assert (whole.headers["accept-ranges"], whole.headers["etag"]) == ("bytes", tag)
        assert len(simulators.requests("google")) == asked
        for condition, status in [(tag, 206), ('"other"', 200), (f"W/{tag}", 200)]:
            response = sweeper.admin.get(path, headers={"Range": "bytes=1-2", "If-Range": condition})
            assert response.status_code == status
