"""Large, broken, slow and unusual uploads: memory stays flat and nothing half-done is kept."""

import hashlib
import json
import secrets
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path

import httpx
import pytest

from support.documents import Multipart, pdf, upload_body
from support.errors import assert_error, error_of
from support.gateway import MASTER_KEY, Gateway
from support.simulators import Simulators
from support.waiting import until

OPENAI_MODEL = "gpt-4o-mini-openai"
VERTEX_MODEL = "gemini-2.0-flash"
BOTH = f"{OPENAI_MODEL},{VERTEX_MODEL}"
MEGABYTE = 1024 * 1024
AUTHORIZATION = {"Authorization": f"Bearer {MASTER_KEY}"}


class LargeFile:
    """Pseudo-random content of any size whose every block is different, and its digest."""

    def __init__(self, size: int):
        self.size = size
        self.digest = hashlib.sha256()
        self._block = secrets.token_bytes(MEGABYTE - 8)

    def __iter__(self) -> Iterator[bytes]:
        left = self.size
        number = 0
        while left > 0:
            block = (number.to_bytes(8) + self._block)[:left]
            self.digest.update(block)
            yield block
            left -= len(block)
            number += 1


def send_large(gateway: Gateway, large: LargeFile, targets: str, *, declare_length: bool = True) -> httpx.Response:
    multipart = Multipart().fields([("purpose", "user_data"), ("target_model_names", targets)])
    opening, closing = multipart.around_file()
    headers = {"Content-Type": multipart.content_type}
    if declare_length:
        headers["Content-Length"] = str(len(opening) + large.size + len(closing))
    client = gateway.client(timeout=300)
    return client.post("/v1/files", content=chain([opening], large, [closing]), headers=headers)


def files_containing(marker: bytes, folder: Path) -> list[Path]:
    """The files below `folder` that hold `marker`."""
    found = []
    for path in folder.rglob("*"):
        try:
            if path.is_file() and marker in path.read_bytes():
                found.append(path)
        except FileNotFoundError:
            continue
    return found


@pytest.fixture
def fresh(start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]) -> Gateway:
    """A gateway of this test alone, so that its memory tells about this test alone."""
    gateway = start_gateway(standard_configuration(), log_level="info")
    gateway.upload(targets=BOTH)
    return gateway


@pytest.mark.timeout(600)
def test_a_gigabyte_to_two_targets_arrives_whole_and_memory_stays_flat(fresh: Gateway, simulators: Simulators) -> None:
    simulators.reset()
    idle = fresh.process.memory_bytes("VmRSS")
    large = LargeFile(1024 * MEGABYTE)

    response = send_large(fresh, large, BOTH)

    assert response.status_code == 200, response.text
    assert response.json()["bytes"] == large.size
    digest = large.digest.hexdigest()
    for copy in (*simulators.openai_files(), *simulators.google_objects()):
        assert (copy["bytes"], copy["sha256"]) == (large.size, digest)
    assert (len(simulators.openai_files()), len(simulators.google_objects())) == (1, 1)
    growth = fresh.process.memory_bytes("VmHWM") - idle
    assert growth < 64 * MEGABYTE, f"peak memory grew by {growth / MEGABYTE:.0f} MB"


@pytest.mark.timeout(600)
def test_content_of_a_large_file_is_streamed_back_and_memory_stays_flat(fresh: Gateway) -> None:
    large = LargeFile(256 * MEGABYTE)
    file_id = send_large(fresh, large, VERTEX_MODEL).json()["id"]
    idle = fresh.process.memory_bytes("VmRSS")
    digest = hashlib.sha256()

    with fresh.admin.stream("GET", f"/v1/files/{file_id}/content") as response:
        assert response.status_code == 200
        for block in response.iter_bytes():
            digest.update(block)

    assert digest.hexdigest() == large.digest.hexdigest()
    assert fresh.process.memory_bytes("VmHWM") - idle < 64 * MEGABYTE


def test_a_reader_that_stops_reading_holds_the_provider_back(fresh: Gateway) -> None:
    large = LargeFile(256 * MEGABYTE)
    file_id = send_large(fresh, large, VERTEX_MODEL).json()["id"]
    idle = fresh.process.memory_bytes("VmRSS")

    with fresh.raw() as connection:
        connection.request("GET", f"/v1/files/{file_id}/content", AUTHORIZATION)
        assert connection.socket.recv(1024).startswith(b"HTTP/1.1 200")
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            assert fresh.admin.get("/health/liveliness").status_code == 200
            assert fresh.process.memory_bytes("VmRSS") - idle < 64 * MEGABYTE


@pytest.mark.timeout(600)
def test_a_target_that_reads_late_does_not_make_memory_grow(fresh: Gateway, simulators: Simulators) -> None:
    simulators.fault("openai", path_prefix="/v1/files", method="POST", times=1, delay_ms=5000)
    idle = fresh.process.memory_bytes("VmRSS")
    large = LargeFile(256 * MEGABYTE)

    response = send_large(fresh, large, BOTH)

    assert response.status_code == 200, response.text
    assert fresh.process.memory_bytes("VmHWM") - idle < 64 * MEGABYTE


@pytest.mark.parametrize("targets", [OPENAI_MODEL, VERTEX_MODEL, BOTH])
def test_an_upload_of_unknown_length_arrives_whole(gateway: Gateway, simulators: Simulators, targets: str) -> None:
    large = LargeFile(20 * MEGABYTE + 12_345)

    response = send_large(gateway, large, targets, declare_length=False)

    assert response.status_code == 200, response.text
    copies = [*simulators.openai_files(), *simulators.google_objects()]
    assert {copy["sha256"] for copy in copies} == {large.digest.hexdigest()}
    assert len(copies) == len(targets.split(","))


@pytest.mark.parametrize("size", [1, 255, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 8 * MEGABYTE, 8 * MEGABYTE + 1])
def test_a_file_of_an_awkward_size_arrives_whole(gateway: Gateway, simulators: Simulators, size: int) -> None:
    large = LargeFile(size)

    response = send_large(gateway, large, BOTH)

    assert response.status_code == 200, response.text
    for copy in (*simulators.openai_files(), *simulators.google_objects()):
        assert (copy["bytes"], copy["sha256"]) == (size, large.digest.hexdigest())
    content = gateway.admin.get(f"/v1/files/{response.json()['id']}/content").content
    assert hashlib.sha256(content).hexdigest() == large.digest.hexdigest()


class TestATruncatedUpload:
    """A body that ends early is not a file."""

    @pytest.mark.parametrize("ending", ["close", "reset", "half-close"])
    @pytest.mark.parametrize("share", [0.1, 0.5, 0.999])
    def test_stores_nothing(self, gateway: Gateway, simulators: Simulators, ending: str, share: float) -> None:
        before = gateway.file_ids()
        marker = secrets.token_hex(16).encode()
        multipart = upload_body(marker * 50_000, BOTH)
        body = multipart.body()
        headers = AUTHORIZATION | {"Content-Type": multipart.content_type, "Content-Length": str(len(body))}

        with gateway.raw() as connection:
            connection.request("POST", "/v1/files", headers, body[: int(len(body) * share)])
            match ending:
                case "close":
                    connection.close()
                case "reset":
                    connection.abort()
                case _:
                    connection.socket.shutdown(1)
                    assert connection.is_closed_within(10)

        self.check_nothing_is_left(gateway, simulators, before, marker)

    def test_without_the_closing_boundary_stores_nothing(self, gateway: Gateway, simulators: Simulators) -> None:
        before = gateway.file_ids()
        marker = secrets.token_hex(16).encode()
        multipart = upload_body(marker * 5000, BOTH)
        body = multipart.body().removesuffix(b"--\r\n")
        headers = {"Content-Type": multipart.content_type}

        response = gateway.admin.post("/v1/files", content=body, headers=headers)

        assert_error(response, 400, "invalid_request_error")
        self.check_nothing_is_left(gateway, simulators, before, marker)

    def test_in_chunks_stores_nothing(self, gateway: Gateway, simulators: Simulators) -> None:
        before = gateway.file_ids()
        marker = secrets.token_hex(16).encode()
        multipart = upload_body(marker * 5000, BOTH)
        body = multipart.body()
        headers = AUTHORIZATION | {"Content-Type": multipart.content_type, "Transfer-Encoding": "chunked"}

        with gateway.raw() as connection:
            connection.request("POST", "/v1/files", headers, b"%x\r\n" % len(body) + body + b"\r\n")
            connection.close()

        self.check_nothing_is_left(gateway, simulators, before, marker)

    @staticmethod
    def check_nothing_is_left(gateway: Gateway, simulators: Simulators, before: list[str], marker: bytes) -> None:
        until("no upload is under way", lambda: simulators.state()["open_requests"] == 0)
        until("both providers are empty", simulators.holds_nothing, seconds=90)
        until("the spool is empty", lambda: not files_containing(marker, gateway.data))
        assert gateway.file_ids() == before


def test_the_spool_is_empty_after_a_good_upload(gateway: Gateway) -> None:
    marker = secrets.token_hex(16).encode()

    gateway.upload(marker * 50_000, BOTH)

    until("the spool is empty", lambda: not files_containing(marker, gateway.data))


def test_a_refused_upload_is_not_read_to_its_end(gateway: Gateway) -> None:
    multipart = Multipart().fields([("purpose", "user_data"), ("target_model_names", "gpt-9")])
    opening, _ = multipart.around_file()
    headers = AUTHORIZATION | {"Content-Type": multipart.content_type, "Content-Length": str(512 * MEGABYTE)}

    with gateway.raw() as connection:
        connection.request("POST", "/v1/files", headers, opening)
        sent = connection.send_until_answered(b"\0" * (64 * MEGABYTE), step=MEGABYTE)
        status, _, body = connection.response()

    assert status == 400 and json.loads(body)["error"]["code"] == "model_not_found"
    assert sent < 64 * MEGABYTE


def test_an_upload_without_a_key_is_refused_before_its_body(gateway: Gateway) -> None:
    multipart = upload_body()
    headers = {"Content-Type": multipart.content_type, "Content-Length": str(1024 * MEGABYTE)}

    with gateway.raw() as connection:
        connection.request("POST", "/v1/files", headers)
        status, _, body = connection.response()
        assert connection.is_closed_within(10)

    assert status == 401, body


class TestHeaders:
    """Heads that are too long or never end."""

    @pytest.mark.parametrize(
        "headers",
        [
            b"X-Large: " + b"a" * MEGABYTE + b"\r\n",
            b"".join(b"X-Many-%d: a\r\n" % number for number in range(80_000)),
            b"Authorization: Bearer sk-" + b"a" * MEGABYTE + b"\r\n",
        ],
        ids=["one-long", "many", "long-key"],
    )
    def test_of_a_megabyte_get_a_4xx_and_the_connection_is_closed(self, gateway: Gateway, headers: bytes) -> None:
        before = gateway.process.memory_bytes("VmHWM")
        with gateway.raw() as connection:
            connection.send(b"GET /health/liveliness HTTP/1.1\r\nHost: x\r\n")
            connection.send_until_answered(headers + b"\r\n")
            status, _, _ = connection.response()
            assert 400 <= status < 500
            assert connection.is_closed_within(10)
        assert gateway.process.memory_bytes("VmHWM") - before < 16 * MEGABYTE

    def test_a_target_of_a_megabyte_gets_a_4xx_and_the_connection_is_closed(self, gateway: Gateway) -> None:
        with gateway.raw() as connection:
            connection.send_until_answered(b"GET /" + b"a" * MEGABYTE + b" HTTP/1.1\r\nHost: x\r\n\r\n")
            status, _, _ = connection.response()
            assert 400 <= status < 500
            assert connection.is_closed_within(10)

    def test_of_a_part_of_a_megabyte_get_a_4xx(self, gateway: Gateway, simulators: Simulators) -> None:
        multipart = Multipart().fields([("purpose", "user_data"), ("target_model_names", OPENAI_MODEL)])
        multipart.part('Content-Disposition: form-data; name="file"; filename="' + "a" * MEGABYTE + '"', pdf())

        response = gateway.post_file(multipart)

        assert response.status_code in (400, 413)
        error_of(response)
        assert simulators.holds_nothing()


class TestSlowClients:
    """Clients that drip or stall are closed in bounded time, and cost nothing while they last."""

    BOUND_SECONDS = 120

    @pytest.mark.timeout(300)
    def test_are_closed_and_memory_stays_flat(self, fresh: Gateway) -> None:
        before = fresh.process.memory_bytes("VmRSS")
        multipart = upload_body(b"x" * 100_000, BOTH)
        upload_headers = AUTHORIZATION | {"Content-Type": multipart.content_type, "Content-Length": "1000000"}
        chat_headers = AUTHORIZATION | {"Content-Type": "application/json", "Content-Length": "1000"}
        dripping = [fresh.raw() for _ in range(100)]
        stalled = [fresh.raw() for _ in range(100)]
        for number, connection in enumerate(stalled):
            if number % 2:
                connection.request("POST", "/v1/files", upload_headers, multipart.body()[:500])
            else:
                connection.request("POST", "/v1/chat/completions", chat_headers, b'{"model"')

        stop = threading.Event()
        dripper = threading.Thread(target=self.drip, args=(dripping, stop))
        dripper.start()
        deadline = time.monotonic() + self.BOUND_SECONDS
        try:
            for kind, connections in (("dripping", dripping), ("stalled", stalled)):
                for connection in connections:
                    closed = connection.is_closed_within(max(0.01, deadline - time.monotonic()))
                    assert closed, f"a {kind} client is still connected after {self.BOUND_SECONDS} s"
                    assert fresh.process.memory_bytes("VmRSS") - before < 32 * MEGABYTE
        finally:
            stop.set()
            dripper.join()
            for connection in dripping + stalled:
                connection.close()
        assert fresh.chat(OPENAI_MODEL, "Hello").status_code == 200

    @staticmethod
    def drip(connections: list, stop: threading.Event) -> None:
        """Sends one byte of a head that never ends on each connection, once in half a second."""
        head = b"GET /health/liveliness HTTP/1.1\r\nX-Slow: "
        number = 0
        while not stop.wait(0.5):
            byte = head[number : number + 1] or b"a"
            number += 1
            for connection in connections:
                try:
                    connection.socket.send(byte)
                except OSError:
                    continue


class TestTheMultipartForm:
    """What real clients send, and what the grammar allows."""

    def test_fields_may_come_after_the_file(self, gateway: Gateway, simulators: Simulators) -> None:
        multipart = Multipart().file(pdf()).fields([("target_model_names", BOTH), ("purpose", "user_data")])

        response = gateway.post_file(multipart)

        assert response.status_code == 200, response.text
        assert (len(simulators.openai_files()), len(simulators.google_objects())) == (1, 1)

    def test_fields_after_a_large_file_may_still_be_wrong(self, gateway: Gateway, simulators: Simulators) -> None:
        multipart = Multipart().file(b"x" * 5 * MEGABYTE).fields([("target_model_names", "gpt-9")])

        assert_error(gateway.post_file(multipart.field("purpose", "user_data")), 400, code="model_not_found")
        assert simulators.holds_nothing()

    @pytest.mark.parametrize(
        ("disposition", "filename"),
        [
            ('filename="plain.pdf"', "plain.pdf"),
            ("filename=token.pdf", "token.pdf"),
            ("filename*=UTF-8''na%C3%AFve%20%E2%82%AC.pdf", "naïve €.pdf"),
            ("filename=\"fallback.pdf\"; filename*=UTF-8''%E6%96%87.pdf", "文.pdf"),
            ("filename*=utf-8'de'stra%C3%9Fe.pdf; filename=\"fallback.pdf\"", "straße.pdf"),
            ('filename="with \\"quotes\\".pdf"', 'with "quotes".pdf'),
            ('filename="semi;colon.pdf"', "semi;colon.pdf"),
            ('filename="grüße.pdf"', "grüße.pdf"),
            ('filename="%22percent%22.pdf"', '"percent".pdf'),
        ],
        ids=lambda value: value[:30],
    )
    def test_names_of_all_spellings_are_understood(
        self, gateway: Gateway, simulators: Simulators, disposition: str, filename: str
    ) -> None:
        multipart = Multipart().fields([("purpose", "user_data"), ("target_model_names", BOTH)])

        response = gateway.post_file(multipart.file(pdf(), disposition))

        assert response.status_code == 200, response.text
        assert response.json()["filename"] == filename
        # As browsers and OpenAI's own SDK write it; the simulator keeps what it got.
        assert simulators.openai_files()[0]["filename"] == filename.replace('"', "%22")

    @pytest.mark.parametrize("name", ["../../etc/passwd", "..", "/etc/passwd", "a\\..\\b.pdf", "a\tb.pdf"])
    def test_a_name_is_never_a_path(self, gateway: Gateway, name: str) -> None:
        multipart = Multipart().fields([("purpose", "user_data"), ("target_model_names", BOTH)])

        response = gateway.post_file(multipart.file(pdf(), f'filename="{name}"'))

        if response.status_code == 200:
            assert gateway.admin.get(f"/v1/files/{response.json()['id']}/content").content == pdf()
        else:
            assert_error(response, 400, "invalid_request_error", param="file")

    @pytest.mark.parametrize(
        "content",
        [b"\r\n", b"--", b"\r\n--", b"\r\n--boundar", b"\r\n--boundary-", b"\r\n" * 10_000, b"\r\n--" * 10_000],
        ids=lambda content: repr(content[:16]),
    )
    def test_content_that_looks_like_a_boundary_is_content(
        self, gateway: Gateway, simulators: Simulators, content: bytes
    ) -> None:
        multipart = Multipart("boundary-of-this-test").fields([("purpose", "user_data"), ("target_model_names", BOTH)])

        response = gateway.post_file(multipart.file(b"%PDF" + content))

        assert response.status_code == 200, response.text
        digest = hashlib.sha256(b"%PDF" + content).hexdigest()
        assert simulators.openai_files()[0]["sha256"] == digest
        assert simulators.google_objects()[0]["sha256"] == digest

    def test_the_boundary_may_be_split_at_any_byte(self, gateway: Gateway, simulators: Simulators) -> None:
        multipart = upload_body(b"A short text.", OPENAI_MODEL)
        body = multipart.body()
        headers = AUTHORIZATION | {"Content-Type": multipart.content_type, "Transfer-Encoding": "chunked"}

        with gateway.raw() as connection:
            connection.request("POST", "/v1/files", headers)
            for place in range(len(body)):
                connection.send(b"1\r\n" + body[place : place + 1] + b"\r\n")
            connection.send(b"0\r\n\r\n")
            status, _, answer = connection.response()

        assert status == 200, answer
        assert simulators.openai_files()[0]["sha256"] == hashlib.sha256(b"A short text.").hexdigest()

    def test_a_quoted_boundary_a_preamble_and_an_epilogue(self, gateway: Gateway, simulators: Simulators) -> None:
        multipart = upload_body(b"A short text.", OPENAI_MODEL)
        body = b"This is a preamble.\r\n" + multipart.body() + b"This is an epilogue."
        content_type = f'Multipart/Form-Data; charset=utf-8; boundary="{multipart.boundary}"'

        response = gateway.admin.post("/v1/files", content=body, headers={"Content-Type": content_type})

        assert response.status_code == 200, response.text
        assert simulators.openai_files()[0]["sha256"] == hashlib.sha256(b"A short text.").hexdigest()


class TestCurl:
    """What curl does by itself."""

    @pytest.fixture
    def large(self, tmp_path: Path) -> Path:
        path = tmp_path / "large.pdf"
        path.write_bytes(secrets.token_bytes(3 * MEGABYTE))
        return path

    def curl(self, gateway: Gateway, *options: str) -> subprocess.CompletedProcess[str]:
        command = ["curl", "-sS", "-v", "--max-time", "30", "-H", f"Authorization: Bearer {MASTER_KEY}"]
        command += [*options, f"{gateway.url}/v1/files"]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    def test_with_expect_100_continue(self, gateway: Gateway, simulators: Simulators, large: Path) -> None:
        started = time.monotonic()

        run = self.curl(
            gateway,
            *("-H", "Expect: 100-continue", "--expect100-timeout", "20"),
            *("-F", "purpose=user_data", "-F", f"target_model_names={BOTH}", "-F", f"file=@{large}"),
        )

        assert run.returncode == 0, run.stderr
        assert "HTTP/1.1 100" in run.stderr
        assert json.loads(run.stdout)["bytes"] == large.stat().st_size
        assert time.monotonic() - started < 15, "the client had to wait for its own time-out"
        digest = hashlib.sha256(large.read_bytes()).hexdigest()
        assert simulators.openai_files()[0]["sha256"] == digest

    def test_with_the_file_first(self, gateway: Gateway, large: Path) -> None:
        run = self.curl(
            gateway, "-F", f"file=@{large}", "-F", "purpose=user_data", "-F", f"target_model_names={OPENAI_MODEL}"
        )

        assert run.returncode == 0, run.stderr
        assert json.loads(run.stdout)["filename"] == "large.pdf"

    def test_that_expects_100_continue_without_a_key_sends_no_body(self, gateway: Gateway) -> None:
        headers = {"Content-Type": "multipart/form-data; boundary=x", "Content-Length": "1000"}

        with gateway.raw() as connection:
            connection.request("POST", "/v1/files", headers | {"Expect": "100-continue"})
            status, _, _ = connection.response()

        assert status == 401
