"""Batches with OpenAI's SDK and with plain requests: their whole life, whose they are, and what is refused."""

import io
import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from support.batches import (
    CHAT,
    OPENAI_MODEL,
    SECONDS_TO_END,
    create,
    ended,
    get,
    jsonl,
    line,
    naming,
    post,
    results,
    upload,
)
from support.errors import assert_error
from support.gateway import Gateway, User, clean_environment
from support.postgresql import Database
from support.simulators import Simulators
from support.waiting import until


@pytest.fixture(scope="module")
def running_batcher(
    standard_configuration: Callable[..., dict], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    config = standard_configuration(sweep_seconds=1, batch_poll_seconds=1, batch_lost_seconds=2)
    running = Gateway.start(tmp_path_factory.mktemp("batcher"), config)
    yield running
    running.stop()


@pytest.fixture
def batcher(running_batcher: Gateway, simulators: Simulators) -> Gateway:
    """A gateway that asks about batches every second; the simulators behind it are empty."""
    return running_batcher


@pytest.fixture
def user(batcher: Gateway) -> User:
    return batcher.new_user("batcher")


def three_lines() -> bytes:
    return jsonl(line("a"), line("b", content="Ä \\u0041"), line("c", temperature=0.5))


def hidden_files(simulators: Simulators) -> list[dict]:
    """The inputs that the gateway has made for the provider."""
    return [file for file in simulators.openai_files() if file["filename"].startswith("batch-")]


class TestLife:
    """From the input to the output."""

    def test_of_a_batch_with_the_sdk(self, batcher: Gateway, simulators: Simulators, user: User) -> None:
        client = batcher.openai(user.key)
        uploaded = client.files.create(
            file=("in.jsonl", io.BytesIO(three_lines())),
            purpose="batch",
            extra_body={"target_model_names": OPENAI_MODEL},
        )
        batch = client.batches.create(
            input_file_id=uploaded.id, endpoint=CHAT, completion_window="24h", metadata={"job": "nightly"}
        )

        assert batch.id.startswith("batch_")
        assert len(batch.id) == len("batch_") + 40
        assert batch.status == "validating"
        assert batch.input_file_id == uploaded.id
        assert batch.metadata == {"job": "nightly"}
        assert batch.output_file_id is None
        until("it is over", lambda: client.batches.retrieve(batch.id).status == "completed", SECONDS_TO_END)
        over = client.batches.retrieve(batch.id)
        assert over.request_counts.model_dump() == {"total": 3, "completed": 3, "failed": 0}
        assert over.error_file_id is None
        assert over.errors is None
        assert over.completed_at >= over.created_at
        assert over.metadata == {"job": "nightly"}
        output = results(batcher, over.output_file_id, user.http)
        assert set(output) == {"a", "b", "c"}
        usage = [entry["response"]["body"]["usage"] for entry in output.values()]
        assert over.usage.total_tokens == sum(one["total_tokens"] for one in usage) > 0
        assert over.usage.input_tokens == sum(one["prompt_tokens"] for one in usage)
        assert [one.id for one in client.batches.list()] == [batch.id]
        listed = client.files.list()
        assert {one.id for one in listed} == {uploaded.id, over.output_file_id}
        stored = client.files.retrieve(over.output_file_id)
        assert stored.purpose == "batch_output"
        assert stored.bytes == len(client.files.content(over.output_file_id).read())

        until("the derived input is gone", lambda: not hidden_files(simulators))
        client.files.delete(over.output_file_id)
        client.files.delete(uploaded.id)
        assert simulators.openai_files() == []

    def test_answers_without_the_provider_once_it_is_over(self, batcher: Gateway, simulators: Simulators) -> None:
        batch = ended(batcher, create(batcher, upload(batcher, three_lines()))["id"])
        simulators.fault("openai", status=500, times=0)

        assert get(batcher, batch["id"]) == batch
        assert batcher.admin.get("/v1/batches").json()["data"][0] == batch

    def test_keeps_every_byte_that_is_not_the_gateways(self, batcher: Gateway, simulators: Simulators) -> None:
        simulators.hold_openai(batch=True)
        one = line("a").replace('"Hello"', r'"H\u00e9\/llo \ud83d\ude00"').replace(", ", " ,\t")
        create(batcher, upload(batcher, jsonl(one, "", line("b"), end=b"\r\n")))

        derived = simulators.openai_objects("batches")[0]["input_file_id"]
        content = batcher_content(simulators, derived)

        expected = jsonl(one, "", line("b"), end=b"\r\n").replace(OPENAI_MODEL.encode(), b"gpt-4o-mini")
        assert content == expected

    def test_of_requests_that_name_files(self, batcher: Gateway, user: User) -> None:
        paper = batcher.upload(b"%PDF-1.4 one", http=user.http)["id"]
        batch = create(batcher, upload(batcher, jsonl(line("a", content=naming(paper))), user.http), user.http)

        over = ended(batcher, batch["id"], user.http)

        output = results(batcher, over["output_file_id"], user.http)
        assert "I read 1 file" in output["a"]["response"]["body"]["choices"][0]["message"]["content"]

    def test_of_a_file_for_several_models_needs_one(self, batcher: Gateway) -> None:
        file = upload(batcher, three_lines(), targets=f"{OPENAI_MODEL},gpt-4o-second")

        assert_error(post(batcher, file), 400, "invalid_request_error", param="model", contains="gpt-4o-second")
        assert create(batcher, file, model=OPENAI_MODEL)["model"] == OPENAI_MODEL

    def test_of_a_model_with_several_deployments_asks_for_nothing(self, batcher: Gateway) -> None:
        file = upload(batcher, jsonl(line("a", "pair")), targets="pair")

        assert ended(batcher, create(batcher, file)["id"])["status"] == "completed"

    @pytest.mark.parametrize("prefix", ["", "/v1", "/openai/v1", "/any/v1"])
    def test_is_the_same_under_every_path(self, batcher: Gateway, prefix: str) -> None:
        file = upload(batcher, three_lines())
        body = {"input_file_id": file, "endpoint": CHAT, "completion_window": "24h"}

        batch = batcher.admin.post(f"{prefix}/batches", json=body).json()

        assert batcher.admin.get(f"{prefix}/batches/{batch['id']}").json()["id"] == batch["id"]
        assert batcher.admin.get(f"{prefix}/batches").json()["data"][0]["id"] == batch["id"]
        assert batcher.admin.post(f"{prefix}/batches/{batch['id']}/cancel").status_code == 200


def batcher_content(simulators: Simulators, file_id: str) -> bytes:
    """The content of a file as the provider has it."""
    headers = {"Authorization": "Bearer sk-sim-main"}
    with httpx.Client(trust_env=False) as client:
        return client.get(f"{simulators.openai_url}/files/{file_id}/content", headers=headers).content


class TestEnds:
    """Every way in which a batch can be over."""

    @pytest.mark.parametrize(("to", "has_output"), [("cancelled", True), ("expired", True), ("failed", False)])
    def test_show_what_there_is(
        self, batcher: Gateway, simulators: Simulators, user: User, to: str, has_output: bool
    ) -> None:
        simulators.hold_openai(batch=True)
        batch = create(batcher, upload(batcher, three_lines(), user.http), user.http)
        simulators.advance_openai(kind="batch", to="in_progress")
        simulators.advance_openai(kind="batch", to=to, **({"completed": 2} if has_output else {}))

        over = ended(batcher, batch["id"], user.http)

        assert over["status"] == to
        assert (over["output_file_id"] is not None) == has_output
        if has_output:
            assert len(results(batcher, over["output_file_id"], user.http)) == 2
            assert over["usage"]["total_tokens"] > 0
        shown = [over[name] for name in ("output_file_id", "error_file_id") if over[name]]
        listed = user.http.get("/v1/files", params={"purpose": "batch_output"}).json()["data"]
        assert {one["id"] for one in listed} == set(shown)
        for file in shown:
            assert user.http.delete(f"/v1/files/{file}").status_code == 200

    def test_without_an_output_file(self, batcher: Gateway, simulators: Simulators) -> None:
        simulators.hold_openai(batch=True)
        batch = create(batcher, upload(batcher, three_lines()))
        simulators.advance_openai(kind="batch", to="completed", output=False)

        over = ended(batcher, batch["id"])

        assert (over["status"], over["output_file_id"], over["error_file_id"]) == ("completed", None, None)
        assert over["usage"] is None or over["usage"]["total_tokens"] >= 0

    def test_of_a_lost_batch_says_so(self, batcher: Gateway, simulators: Simulators) -> None:
        simulators.hold_openai(batch=True)
        batch = create(batcher, upload(batcher, three_lines()))
        simulators.advance_openai(kind="batch", vanish=True)

        over = ended(batcher, batch["id"])

        assert over["status"] == "failed"
        assert over["errors"]["data"][0]["code"] == "batch_lost"
        until("the derived input is gone", lambda: not hidden_files(simulators))

    def test_stay_away_while_nobody_knows_the_state(self, batcher: Gateway, simulators: Simulators) -> None:
        simulators.hold_openai(batch=True)
        batch = create(batcher, upload(batcher, three_lines()))
        simulators.advance_openai(kind="batch", to="in_progress")
        until("it is shown", lambda: get(batcher, batch["id"])["status"] == "in_progress")
        simulators.advance_openai(kind="batch", report="pondering")
        seen = len(simulators.requests("openai", "/batches/", "GET"))
        until("it was asked", lambda: len(simulators.requests("openai", "/batches/", "GET")) > seen + 1, 30)

        assert get(batcher, batch["id"])["status"] == "in_progress"
        simulators.advance_openai(kind="batch", to="completed")
        assert ended(batcher, batch["id"])["status"] == "completed"

    def test_of_bad_requests_are_in_the_error_file(self, batcher: Gateway, user: User) -> None:
        content = jsonl(line("good"), line("bad", temperature=99))
        batch = create(batcher, upload(batcher, content, user.http), user.http)

        over = ended(batcher, batch["id"], user.http)

        assert set(results(batcher, over["error_file_id"], user.http)) == {"bad"}
        assert set(results(batcher, over["output_file_id"], user.http)) == {"good"}

    def test_by_cancelling(self, batcher: Gateway, simulators: Simulators, user: User) -> None:
        simulators.hold_openai(batch=True)
        batch = create(batcher, upload(batcher, three_lines(), user.http), user.http)
        path = f"/v1/batches/{batch['id']}/cancel"

        first = user.http.post(path)
        again = user.http.post(path)

        assert (first.status_code, first.json()["status"]) == (200, "cancelling"), first.text
        assert again.status_code == 200, again.text
        simulators.advance_openai(kind="batch", to="cancelled")
        assert ended(batcher, batch["id"], user.http)["status"] == "cancelled"
        assert user.http.post(path).status_code == 200

    def test_cannot_be_cancelled_afterwards(self, batcher: Gateway) -> None:
        batch = ended(batcher, create(batcher, upload(batcher, three_lines()))["id"])

        response = batcher.admin.post(f"/v1/batches/{batch['id']}/cancel")

        assert_error(response, 409, "invalid_request_error", "batch_not_cancellable", contains="completed")

    def test_wait_for_a_provider_that_is_away(self, batcher: Gateway, simulators: Simulators) -> None:
        batch = create(batcher, upload(batcher, three_lines()))
        simulators.fault("openai", path_contains="/content", status=503, times=2)

        over = ended(batcher, batch["id"], seconds=120)

        assert over["output_file_id"]
        assert over["usage"]["total_tokens"] > 0


class TestRefusals:
    """What is refused before anything is created."""

    @pytest.mark.parametrize(
        ("content", "number", "reason"),
        [
            (jsonl(line("a"), "not json"), 2, ""),
            (jsonl(line("a"), line("b"), line("a")), 3, "custom_id"),
            (b"\xef\xbb\xbf" + jsonl(line("a")), 1, "byte order mark"),
            (jsonl(line("a"), b'{"custom_id":"b\xff"}'), 2, "UTF-8"),
            (jsonl(line("a"), line("b", url="/v1/embeddings")), 2, "url"),
            (jsonl(line("a"), line("b", "gpt-4o-second")), 2, "model"),
            (jsonl('{"custom_id":"a"}'), 1, "method"),
            (jsonl("", "", line("a"), "[1]"), 4, ""),
            (jsonl(line("a", content="x" * (17 << 20))), 1, ""),
        ],
        ids=["json", "duplicate", "bom", "utf-8", "endpoints", "models", "members", "list", "long"],
    )
    def test_name_the_line(
        self, batcher: Gateway, simulators: Simulators, content: bytes, number: int, reason: str
    ) -> None:
        file = upload(batcher, content)

        response = post(batcher, file)

        assert_error(response, 400, "invalid_request_error", param="input_file_id", contains=f"ine {number}")
        assert reason in response.json()["error"]["message"]
        self.check_nothing(batcher, simulators)

    @staticmethod
    def check_nothing(batcher: Gateway, simulators: Simulators) -> None:
        assert simulators.requests("openai", "/batches", "POST") == []
        assert hidden_files(simulators) == []
        assert len(simulators.requests("openai", "/files", "POST")) <= 2

    @pytest.mark.parametrize("content", [b"", b"\n\n \r\n"], ids=["empty", "blank"])
    def test_of_inputs_without_requests(self, batcher: Gateway, content: bytes) -> None:
        uploaded = batcher.admin.post(
            "/v1/files",
            files={"file": ("in.jsonl", content, "application/jsonl")},
            data={"purpose": "batch", "target_model_names": OPENAI_MODEL},
        )
        if uploaded.status_code == 400:
            return
        assert_error(post(batcher, uploaded.json()["id"]), 400, "invalid_request_error", contains="no requests")

    def test_are_none_of_a_line_of_ten_megabytes(self, batcher: Gateway) -> None:
        file = upload(batcher, jsonl(line("a"), line("b", content="x" * (10 << 20))))

        assert ended(batcher, create(batcher, file)["id"])["status"] == "completed"

    def test_of_foreign_files_in_lines(self, batcher: Gateway, simulators: Simulators, user: User) -> None:
        paper = batcher.upload(b"%PDF-1.4 one", http=user.http)["id"]
        other = batcher.new_user("other")
        file = upload(batcher, jsonl(line("a"), line("b", content=naming(paper))), other.http)

        response = post(batcher, file, other.http)

        assert_error(response, 403, "permission_error", "file_access_denied", "input_file_id", contains="line 2")
        self.check_nothing(batcher, simulators)

    @pytest.mark.parametrize(
        ("named", "status", "code"),
        [("file-" + "a" * 40, 404, "file_not_found"), ("file-abc123", 400, "raw_file_id"), ("nonsense", 404, None)],
    )
    def test_of_made_up_and_raw_ids_in_lines(
        self, batcher: Gateway, simulators: Simulators, named: str, status: int, code: str | None
    ) -> None:
        file = upload(batcher, jsonl(line("a"), "", line("b", content=naming(named))))

        response = post(batcher, file)

        assert_error(response, status, "invalid_request_error", param="input_file_id", contains="ine 3")
        assert code in (None, response.json()["error"]["code"])
        self.check_nothing(batcher, simulators)

    def test_of_a_model_that_is_not_the_keys(self, batcher: Gateway, simulators: Simulators) -> None:
        bound = batcher.new_user("bound", models=[OPENAI_MODEL])
        file = upload(batcher, jsonl(line("a", "gpt-4o-second")), bound.http)

        response = post(batcher, file, bound.http)

        assert_error(response, 403, "permission_error", "key_model_access_denied", contains="ine 1")
        self.check_nothing(batcher, simulators)

    def test_of_a_model_that_is_not_the_batchs(self, batcher: Gateway) -> None:
        file = upload(batcher, jsonl(line("a", "gpt-4o-second")))

        assert_error(post(batcher, file), 400, "invalid_request_error", param="input_file_id", contains="gpt-4o-second")

    @pytest.mark.parametrize(
        ("change", "param"),
        [
            ({"endpoint": "/v1/images"}, "endpoint"),
            ({"endpoint": "/v1/embeddings"}, "endpoint"),
            ({"endpoint": None}, "endpoint"),
            ({"completion_window": "1h"}, "completion_window"),
            ({"completion_window": None}, "completion_window"),
            ({"metadata": {str(key): "" for key in range(17)}}, "metadata"),
            ({"metadata": {"k" * 65: ""}}, "metadata"),
            ({"metadata": {"k": "v" * 513}}, "metadata.k"),
            ({"metadata": {"k": 1}}, "metadata.k"),
            ({"metadata": {"webhook_url": "https://example.com"}}, "metadata.webhook_url"),
            ({"output_expires_after": {"anchor": "now", "seconds": 3600}}, "output_expires_after.anchor"),
            ({"output_expires_after": {"anchor": "created_at", "seconds": 5}}, "output_expires_after.seconds"),
            ({"model": "nobody"}, "model"),
            ({"priority": "high"}, "priority"),
        ],
    )
    def test_name_the_member(self, batcher: Gateway, simulators: Simulators, change: dict, param: str) -> None:
        response = post(batcher, upload(batcher, three_lines()), **change)

        assert_error(response, 400, "invalid_request_error", param=param)
        self.check_nothing(batcher, simulators)

    def test_of_a_file_for_another_purpose(self, batcher: Gateway) -> None:
        file = upload(batcher, three_lines(), purpose="user_data")

        assert_error(post(batcher, file), 400, "invalid_request_error", param="input_file_id", contains="purpose")

    def test_of_the_provider_leave_nothing(self, batcher: Gateway, simulators: Simulators, user: User) -> None:
        file = upload(batcher, three_lines(), user.http)
        simulators.fault("openai", path_contains="/batches", method="POST", status=400, times=1)

        assert post(batcher, file, user.http).status_code == 400
        until("the derived input is gone", lambda: not hidden_files(simulators), 30)
        assert user.http.get("/v1/batches").json()["data"] == []

    def test_of_a_lost_answer_leave_nothing(self, batcher: Gateway, simulators: Simulators) -> None:
        file = upload(batcher, three_lines())
        simulators.hold_openai(batch=True)
        simulators.fault("openai", path_contains="/batches", method="POST", close_before_answer=True, after_effect=True)

        assert post(batcher, file).status_code >= 500
        until(
            "what was begun is cancelled",
            lambda: all(one["status"] != "validating" for one in simulators.openai_objects("batches")),
            60,
        )
        simulators.advance_openai(kind="batch", to="cancelled")
        until("the derived input is gone", lambda: not hidden_files(simulators), 60)


class TestOwners:
    """Whose a batch is."""

    def test_alone_see_it(self, batcher: Gateway, simulators: Simulators, user: User) -> None:
        simulators.hold_openai(batch=True)
        other = batcher.new_user("other")
        batch = create(batcher, upload(batcher, three_lines(), user.http), user.http)
        path = f"/v1/batches/{batch['id']}"

        for response in (other.http.get(path), other.http.post(f"{path}/cancel")):
            assert_error(response, 403, "permission_error", "batch_access_denied", contains=other.id)
        listed = other.http.get("/v1/batches", params={"after": batch["id"]})
        assert_error(listed, 403, "permission_error", "batch_access_denied")
        assert other.http.get("/v1/batches").json()["data"] == []
        assert_error(other.http.get(f"{path[:-1]}x"), 404, "invalid_request_error", "batch_not_found")
        raw = simulators.openai_objects("batches")[0]["id"]
        assert_error(user.http.get(f"/v1/batches/{raw}"), 404, "invalid_request_error", "batch_not_found")
        assert get(batcher, batch["id"])["id"] == batch["id"]

    def test_get_the_output_whoever_looks_first(self, batcher: Gateway, user: User) -> None:
        other = batcher.new_user("other")
        batch = create(batcher, upload(batcher, three_lines(), user.http), user.http)

        output = ended(batcher, batch["id"])["output_file_id"]

        assert [one["id"] for one in user.http.get("/v1/files?purpose=batch_output").json()["data"]] == [output]
        assert other.http.get("/v1/files?purpose=batch_output").json()["data"] == []
        response = other.http.get(f"/v1/files/{output}/content")
        assert_error(response, 403, "permission_error", "file_access_denied")

    def test_cannot_be_made_over_somebody_elses_file(self, batcher: Gateway, user: User) -> None:
        other = batcher.new_user("other")
        file = upload(batcher, three_lines(), user.http)

        response = post(batcher, file, other.http)

        assert_error(response, 403, "permission_error", "file_access_denied", param="input_file_id")

    def test_never_see_the_derived_input_or_the_providers_ids(
        self, batcher: Gateway, simulators: Simulators, user: User
    ) -> None:
        simulators.hold_openai(batch=True)
        file = upload(batcher, three_lines(), user.http)
        batch = create(batcher, file, user.http)
        raw = simulators.openai_objects("batches")[0]

        shown = json.dumps(get(batcher, batch["id"], user.http))

        assert raw["id"] not in shown
        assert raw["input_file_id"] not in shown
        assert [one["id"] for one in user.http.get("/v1/files").json()["data"]] == [file]
        assert batcher.admin.get("/v1/files", params={"limit": 1}).json()["data"][0]["id"] == file

    def test_that_are_deleted_leave_nothing_running(self, batcher: Gateway, simulators: Simulators, user: User) -> None:
        simulators.hold_openai(batch=True)
        create(batcher, upload(batcher, three_lines(), user.http), user.http)

        assert batcher.admin.post("/user/delete", json={"user_ids": [user.id]}).status_code == 200

        def is_cancelling() -> bool:
            return all(one["status"] == "cancelling" for one in simulators.openai_objects("batches"))

        until("the batch is cancelled", is_cancelling, 30)
        simulators.advance_openai(kind="batch", to="cancelled")
        until("nothing is left", lambda: not simulators.openai_files(), 60)


class TestLists:
    """Own batches, newest first."""

    def test_are_paged(self, batcher: Gateway, simulators: Simulators, user: User) -> None:
        simulators.hold_openai(batch=True)
        file = upload(batcher, three_lines(), user.http)
        with ThreadPoolExecutor(4) as pool:
            made = {one["id"] for one in pool.map(lambda _: create(batcher, file, user.http), range(7))}
        create(batcher, upload(batcher, three_lines()))

        pages = list(batcher.openai(user.key).batches.list(limit=2).iter_pages())

        ids = [one.id for page in pages for one in page.data]
        assert len(ids) == 7
        assert set(ids) == made
        assert [page.has_more for page in pages] == [True, True, True, False]

    @pytest.mark.parametrize("query", ["limit=0", "limit=101", "limit=x", "after=batch_x", "limit=1&limit=2", "a=b"])
    def test_refuse_what_they_do_not_know(self, batcher: Gateway, query: str) -> None:
        response = batcher.admin.get(f"/v1/batches?{query}")

        assert response.status_code in (400, 404), response.text


def test_ids_in_litellms_form(
    standard_configuration: Callable[..., dict],
    start_gateway: Callable[..., Gateway],
    tmp_path: Path,
) -> None:
    gateway = start_gateway(standard_configuration(id_format="litellm", batch_poll_seconds=1, batch_lost_seconds=2))
    batch = create(gateway, upload(gateway, three_lines()))

    assert not batch["id"].startswith("batch_")
    over = ended(gateway, batch["id"])
    assert over["id"] == batch["id"]
    assert len(results(gateway, over["output_file_id"])) == 3


def test_are_asked_about_and_ended_by_one_of_two_hosts(
    database: Database,
    start_gateway: Callable[..., Gateway],
    standard_configuration: Callable[..., dict],
    simulators: Simulators,
) -> None:
    config = standard_configuration(sweep_seconds=1, batch_poll_seconds=1, batch_lost_seconds=2)
    one, other = (start_gateway(config, environment=clean_environment(DATABASE_URL=database.url)) for _ in range(2))
    for host in (one, other):
        host.secrets.append(database.server.password)
    simulators.hold_openai(batch=True)
    user = one.new_user("two")
    file = upload(one, three_lines(), user.http)
    batches = [create(one, file, user.http)["id"] for _ in range(12)]
    simulators.advance_openai(kind="batch", to="completed")
    there = other.client(user.key)

    over = [ended(other, batch, there) for batch in batches]

    assert {one["status"] for one in over} == {"completed"}
    outputs = [one["output_file_id"] for one in over]
    assert len(set(outputs)) == 12
    listed = there.get("/v1/files", params={"purpose": "batch_output"}).json()["data"]
    assert {one["id"] for one in listed} == set(outputs)
    read = [request["path"] for request in simulators.requests("openai", "/content", "GET")]
    counted = [path for path in read if path.split("/")[-2] in {one["id"] for one in output_files(simulators)}]
    assert len(counted) == len(set(counted)) == 12, "the usage of a batch was counted twice"
    until("every derived input is gone", lambda: not hidden_files(simulators), 60)


def output_files(simulators: Simulators) -> list[dict]:
    return [file for file in simulators.openai_files() if file["purpose"] == "batch_output"]


@pytest.mark.parametrize("step", ["derived input", "batch"])
def test_of_a_client_that_leaves_are_undone(batcher: Gateway, simulators: Simulators, step: str) -> None:
    user = batcher.new_user("gone")
    file = upload(batcher, three_lines(), user.http)
    path = "/files" if step == "derived input" else "/batches"
    simulators.fault("openai", path_contains=path, method="POST", after_effect=True, delay_ms=3000)

    with pytest.raises(httpx.TimeoutException):
        post(batcher, file, batcher.client(user.key, timeout=1))

    until("the derived input is gone", lambda: not hidden_files(simulators), 60)
    until(
        "no batch is left running",
        lambda: all(one["status"] in ("cancelled", "completed") for one in simulators.openai_objects("batches")),
        60,
    )
    assert user.http.get("/v1/batches").json()["data"] == []
    until("its output is gone", lambda: not output_files(simulators), 60)
