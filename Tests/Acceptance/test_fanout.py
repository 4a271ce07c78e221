"""One upload, several targets: all of them or nothing, at the same time, and deleted as one."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.documents import file_message, pdf, upload_body
from support.errors import assert_error, error_of
from support.gateway import Gateway
from support.simulators import Simulators
from support.waiting import until

OPENAI_MODEL = "gpt-4o-mini-openai"
SECOND_MODEL = "gpt-4o-second"
VERTEX_MODEL = "gemini-2.0-flash"
BOTH = f"{OPENAI_MODEL},{VERTEX_MODEL}"

OPENAI_UPLOAD = {"path_prefix": "/v1/files", "method": "POST"}
GOOGLE_UPLOAD = {"path_prefix": "/upload/storage"}
GOOGLE_DELETE = {"path_prefix": "/storage/v1/b/", "method": "DELETE"}

OPENAI_REFUSAL = {"error": {"message": "no space left", "type": "invalid_request_error", "param": None, "code": None}}
GOOGLE_REFUSAL = {"error": {"code": 400, "message": "no space left", "errors": []}}


def upload(gateway: Gateway, targets: str = BOTH):
    return gateway.post_file(upload_body(targets=targets))


def assert_nothing_is_left(gateway: Gateway, simulators: Simulators, ids_before: list[str]) -> None:
    assert simulators.holds_nothing(), simulators.state()
    assert gateway.file_ids() == ids_before


class TestAHalfFailure:
    """One target of two fails: the client gets its error, and nothing exists anywhere."""

    @pytest.mark.parametrize("targets", [BOTH, f"{VERTEX_MODEL},{OPENAI_MODEL}"])
    def test_of_openai_leaves_nothing(self, gateway: Gateway, simulators: Simulators, targets: str) -> None:
        before = gateway.file_ids()
        simulators.fault("openai", **OPENAI_UPLOAD, times=0, status=400, body=OPENAI_REFUSAL)

        error = assert_error(upload(gateway, targets), 400, "invalid_request_error")

        assert "no space left" in error["message"]
        assert "openai-main" in error["message"] or OPENAI_MODEL in error["message"]
        assert_nothing_is_left(gateway, simulators, before)

    @pytest.mark.parametrize("targets", [BOTH, f"{VERTEX_MODEL},{OPENAI_MODEL}"])
    def test_of_google_leaves_nothing(self, gateway: Gateway, simulators: Simulators, targets: str) -> None:
        before = gateway.file_ids()
        simulators.fault("google", **GOOGLE_UPLOAD, times=0, status=400, body=GOOGLE_REFUSAL)

        error = assert_error(upload(gateway, targets), 400, "invalid_request_error")

        assert "vertex-main" in error["message"] or VERTEX_MODEL in error["message"]
        assert_nothing_is_left(gateway, simulators, before)

    def test_of_one_account_of_one_provider_leaves_nothing(self, gateway: Gateway, simulators: Simulators) -> None:
        before = gateway.file_ids()
        simulators.fault("openai", **OPENAI_UPLOAD, account="second", times=0, status=429, body=OPENAI_REFUSAL)

        assert_error(upload(gateway, f"{OPENAI_MODEL},{SECOND_MODEL}"), 429, "rate_limit_error")

        assert_nothing_is_left(gateway, simulators, before)

    @pytest.mark.parametrize("slow", ["openai", "google"])
    def test_undoes_the_other_one_whichever_comes_first(
        self, gateway: Gateway, simulators: Simulators, slow: str
    ) -> None:
        before = gateway.file_ids()
        refusal = {"times": 0, "status": 400, "body": OPENAI_REFUSAL}
        if slow == "openai":
            simulators.fault("openai", **OPENAI_UPLOAD, **refusal, delay_ms=600)
        else:
            simulators.fault("openai", **OPENAI_UPLOAD, **refusal)
            simulators.fault("google", **GOOGLE_UPLOAD, times=0, delay_ms=600)

        assert_error(upload(gateway), 400)

        until("both are empty", simulators.holds_nothing)
        assert gateway.file_ids() == before

    def test_with_the_connection_lost_after_the_effect_leaves_nothing(
        self, gateway: Gateway, simulators: Simulators
    ) -> None:
        simulators.fault("google", **GOOGLE_UPLOAD, method="PUT", times=0, close_before_answer=True, after_effect=True)

        response = upload(gateway)

        assert response.status_code in (502, 503)
        until("what the lost answer hid is swept", simulators.holds_nothing, seconds=90)

    def test_whose_undoing_fails_at_first_is_finished_later(self, gateway: Gateway, simulators: Simulators) -> None:
        before = gateway.file_ids()
        simulators.fault("openai", path_prefix="/v1/files/", method="DELETE", times=2, status=500)

        self.check_google_refuses_late(gateway, simulators)

        until("the sweeper has finished the undoing", simulators.holds_nothing, seconds=90)
        assert gateway.file_ids() == before

    def test_whose_undoing_fails_is_finished_after_a_restart(
        self, simulators: Simulators, start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]
    ) -> None:
        first = start_gateway(standard_configuration())
        simulators.fault("openai", path_prefix="/v1/files/", method="DELETE", times=0, status=500)
        self.check_google_refuses_late(first, simulators)
        assert len(simulators.openai_files()) == 1
        first.stop()
        simulators.clear_faults()

        start_gateway(standard_configuration(), data=first.data)

        until("the next run has finished the undoing", simulators.holds_nothing, seconds=90)

    def check_google_refuses_late(self, gateway: Gateway, simulators: Simulators) -> None:
        """When the other provider has the file."""
        simulators.fault("google", **GOOGLE_UPLOAD, times=0, hold=True, status=400, body=GOOGLE_REFUSAL)
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(upload, gateway)
            simulators.wait_for_held_requests(1)
            until("the other one has the file", simulators.openai_files)
            simulators.release(1)
        assert_error(running.result(), 400)


class TestTheTargets:
    """Which uploads happen, and when."""

    def test_are_uploaded_once_when_named_twice(self, gateway: Gateway, simulators: Simulators) -> None:
        names = f"{OPENAI_MODEL},{OPENAI_MODEL}, openai-main,{VERTEX_MODEL},vertex_ai/gemini-2.0-flash"

        assert upload(gateway, names).status_code == 200

        assert (len(simulators.openai_files()), len(simulators.google_objects())) == (1, 1)

    def test_are_uploaded_at_the_same_time(self, gateway: Gateway, simulators: Simulators) -> None:
        with (
            ThreadPoolExecutor(1) as pool,
            simulators.holding("openai", **OPENAI_UPLOAD),
            simulators.holding("google", **GOOGLE_UPLOAD),
        ):
            running = pool.submit(upload, gateway)
            simulators.wait_for_held_requests(2)

        assert running.result().status_code == 200

    def test_of_many_uploads_at_once_do_not_mix(self, gateway: Gateway, simulators: Simulators) -> None:
        contents = {f"document {number} ".encode() * 5000 for number in range(24)}

        def send(content: bytes) -> tuple[str, bytes]:
            return gateway.upload(content, BOTH)["id"], content

        with ThreadPoolExecutor(8) as pool:
            uploaded = list(pool.map(send, contents))

        assert len(simulators.openai_files()) == len(simulators.google_objects()) == len(contents)
        for file_id, content in uploaded:
            assert gateway.admin.get(f"/v1/files/{file_id}/content").content == content

    def test_get_a_transient_failure_tried_again(self, gateway: Gateway, simulators: Simulators) -> None:
        simulators.fault("google", **GOOGLE_UPLOAD, times=1, status=503, body=GOOGLE_REFUSAL)

        assert upload(gateway).status_code == 200

        assert (len(simulators.openai_files()), len(simulators.google_objects())) == (1, 1)

    def test_hold_an_empty_file_too(self, gateway: Gateway, simulators: Simulators) -> None:
        response = gateway.post_file(upload_body(b"", VERTEX_MODEL))

        if response.status_code == 200:
            assert [one["bytes"] for one in simulators.google_objects()] == [0]
            assert gateway.admin.get(f"/v1/files/{response.json()['id']}/content").content == b""
        else:
            assert_error(response, 400, "invalid_request_error", param="file")
            assert simulators.holds_nothing()


class TestDeleting:
    """Every copy and the record, in however many attempts."""

    def test_removes_all_copies(self, gateway: Gateway, simulators: Simulators) -> None:
        file_id = gateway.upload(targets=f"{BOTH},{SECOND_MODEL}")["id"]
        assert len(simulators.openai_files()) == 2

        response = gateway.admin.delete(f"/v1/files/{file_id}")

        assert response.json() == {"id": file_id, "object": "file", "deleted": True}
        assert simulators.holds_nothing()

    def test_again_after_a_half_failure_finishes(self, gateway: Gateway, simulators: Simulators) -> None:
        file_id = gateway.upload(targets=BOTH)["id"]
        simulators.fault("google", **GOOGLE_DELETE, times=0, status=500, body=GOOGLE_REFUSAL)

        failed = gateway.admin.delete(f"/v1/files/{file_id}")

        assert failed.status_code == 503
        error_of(failed)
        assert len(simulators.google_objects()) == 1
        simulators.clear_faults()
        finished = gateway.admin.delete(f"/v1/files/{file_id}")
        # A sweeper that was faster leaves nothing to delete.
        assert finished.status_code in (200, 404), finished.text
        assert simulators.holds_nothing()
        assert_error(gateway.admin.get(f"/v1/files/{file_id}"), 404)

    def test_counts_a_copy_that_the_provider_lost_as_deleted(self, gateway: Gateway, simulators: Simulators) -> None:
        file_id = gateway.upload(targets=BOTH)["id"]
        simulators.reset()

        response = gateway.admin.delete(f"/v1/files/{file_id}")

        assert response.status_code == 200 and response.json()["deleted"] is True
        assert_error(gateway.admin.get(f"/v1/files/{file_id}"), 404)

    def test_twenty_times_at_once_succeeds_once_and_never_fails(self, gateway: Gateway, simulators: Simulators) -> None:
        file_id = gateway.upload(targets=BOTH)["id"]

        with ThreadPoolExecutor(20) as pool:
            statuses = [
                response.status_code
                for response in pool.map(lambda _: gateway.admin.delete(f"/v1/files/{file_id}"), range(20))
            ]

        assert set(statuses) <= {200, 404} and 200 in statuses, statuses
        assert simulators.holds_nothing()

    def test_while_it_is_used_gives_an_answer_to_everybody(self, gateway: Gateway, simulators: Simulators) -> None:
        file_id = gateway.upload(targets=BOTH)["id"]

        with ThreadPoolExecutor(12) as pool:
            chats = [pool.submit(gateway.chat, VERTEX_MODEL, file_message(file_id)) for _ in range(24)]
            deletion = pool.submit(gateway.admin.delete, f"/v1/files/{file_id}")
            statuses = {chat.result().status_code for chat in chats}

        assert deletion.result().status_code == 200
        assert statuses <= {200, 404}, statuses


def test_a_client_that_leaves_during_an_upload_leaves_nothing(gateway: Gateway, simulators: Simulators) -> None:
    before = gateway.file_ids()
    multipart = upload_body(pdf(), BOTH)
    body = multipart.body()
    simulators.fault("openai", **OPENAI_UPLOAD, times=1, delay_ms=2000)
    headers = {
        "Authorization": gateway.admin.headers["Authorization"],
        "Content-Type": multipart.content_type,
        "Content-Length": str(len(body)),
    }
    connection = gateway.raw()
    connection.request("POST", "/v1/files", headers, body)
    simulators.wait_for_open_request()

    connection.abort()

    def is_settled() -> bool:
        # Either it was undone, or the upload ended before the gateway saw that nobody waits for it.
        left = [file_id for file_id in gateway.file_ids() if file_id not in before]
        return simulators.state()["open_requests"] == 0 and not left and simulators.holds_nothing()

    until("nothing is left of the upload", is_settled, seconds=90)
