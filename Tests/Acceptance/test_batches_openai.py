"""Batches at OpenAI: what the provider is given, and what becomes of a provider that behaves oddly."""

import json
from collections.abc import Callable

import pytest
from openai import OpenAI

from support.documents import pdf
from support.gateway import Gateway
from support.simulators import Simulators
from support.waiting import until

MODEL = "gpt-4o-mini-openai"
SNAPSHOT = "gpt-4o-mini-2024-07-18"
CHAT = "/v1/chat/completions"
SECONDS = 60


@pytest.fixture
def prompt(start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]) -> Gateway:
    """A gateway that asks about batches every second and sweeps as often."""
    return start_gateway(
        standard_configuration(batch_poll_seconds=1, batch_lost_seconds=2, sweep_seconds=1, stale_seconds=1)
    )


@pytest.fixture
def client(prompt: Gateway) -> OpenAI:
    return prompt.openai()


def line(custom_id: str, content: object = "Hello?", url: str = CHAT, **body: object) -> dict:
    body = {"model": MODEL, "messages": [{"role": "user", "content": content}]} | body
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": body}


def upload(client: OpenAI, content: bytes, purpose: str = "batch", name: str = "in.jsonl", model: str = MODEL) -> str:
    targets = {"target_model_names": model}
    return client.files.create(file=(name, content), purpose=purpose, extra_body=targets).id


def create(client: OpenAI, *lines: dict, endpoint: str = CHAT, model: str = MODEL, **options: object):
    content = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    file = upload(client, content, model=model)
    return client.batches.create(input_file_id=file, endpoint=endpoint, completion_window="24h", **options)


def ended(client: OpenAI, batch_id: str):
    """The batch once it has ended."""
    final = ("completed", "failed", "expired", "cancelled")
    until("the batch has ended", lambda: client.batches.retrieve(batch_id).status in final, SECONDS)
    return client.batches.retrieve(batch_id)


def results(client: OpenAI, file_id: str) -> dict[str, dict]:
    entries = [json.loads(text) for text in client.files.content(file_id).text.splitlines()]
    return {entry["custom_id"]: entry for entry in entries}


class TestWhatTheProviderGets:
    def test_it_answers_every_line_of_its_own_form_of_the_input(self, client: OpenAI, simulators: Simulators) -> None:
        simulators.hold_openai(batch=True)
        paper = upload(client, pdf(), "user_data", "paper.pdf")
        content = [{"type": "text", "text": "?"}, {"type": "file", "file": {"file_id": paper}}]
        made = create(client, line("a"), line("b", content), line("c", temperature=3), metadata={"k": "v"})
        [there] = simulators.openai_objects("batches", "main")
        assert (there["endpoint"], there["metadata"]) == (CHAT, {"k": "v"})
        own = {file["id"]: file for file in simulators.openai_files("main")}
        assert own[there["input_file_id"]]["purpose"] == "batch" and len(own) == 3

        simulators.advance_openai(id=there["id"], to="completed")
        done = ended(client, made.id)
        assert (done.status, done.metadata, done.model) == ("completed", {"k": "v"}, MODEL)
        assert (done.request_counts.total, done.request_counts.completed, done.request_counts.failed) == (3, 2, 1)
        answers = results(client, done.output_file_id)
        assert set(answers) == {"a", "b"}
        assert 'I read 1 file: "paper.pdf"' in json.dumps(answers["b"]["response"]["body"]).replace('\\"', '"')
        assert results(client, done.error_file_id)["c"]["response"]["status_code"] == 400
        usages = [answer["response"]["body"]["usage"] for answer in answers.values()]
        assert done.usage.total_tokens == sum(usage["total_tokens"] for usage in usages)
        until(
            "the provider's form of the input is gone",
            lambda: there["input_file_id"] not in {file["id"] for file in simulators.openai_files("main")},
            SECONDS,
        )

    @pytest.mark.parametrize(
        ("endpoint", "model", "body"),
        [
            ("/v1/responses", MODEL, {"input": "Hello?"}),
            ("/v1/embeddings", "embeddings", {"input": "Hello?"}),
        ],
    )
    def test_other_endpoints_have_batches_too(self, client: OpenAI, endpoint: str, model: str, body: dict) -> None:
        request = {"custom_id": "a", "method": "POST", "url": endpoint, "body": {"model": model} | body}
        done = ended(client, create(client, request, endpoint=endpoint, model=model).id)
        assert (done.status, done.error_file_id) == ("completed", None)
        assert results(client, done.output_file_id)["a"]["response"]["status_code"] == 200

    def test_nobody_who_is_told_at_the_end_is_named_to_it(self, client: OpenAI, simulators: Simulators) -> None:
        simulators.hold_openai(batch=True)
        create(client, line("a"), metadata={"k": "v"}, output_expires_after={"anchor": "created_at", "seconds": 3600})
        simulators.advance_openai(kind="batch", to="completed")
        [there] = simulators.openai_objects("batches")
        assert there["metadata"] == {"k": "v"}
        [output] = [file for file in simulators.openai_files() if file["id"] == there["output_file_id"]]
        assert output["expires_at"] == output["created_at"] + 3600


class TestOddProviders:
    def test_a_status_that_nobody_knows_passes(self, client: OpenAI, simulators: Simulators) -> None:
        simulators.hold_openai(batch=True)
        made = create(client, line("a"))
        simulators.advance_openai(kind="batch", to="in_progress")
        until(
            "the batch is in progress",
            lambda: client.batches.retrieve(made.id).status == "in_progress",
            SECONDS,
        )
        simulators.advance_openai(kind="batch", report="resting")
        asked = len(simulators.requests("openai", "/v1/batches/"))
        until("it was asked again", lambda: len(simulators.requests("openai", "/v1/batches/")) > asked + 2, SECONDS)
        assert client.batches.retrieve(made.id).status == "in_progress"
        simulators.advance_openai(kind="batch", to="completed")
        assert ended(client, made.id).status == "completed"

    def test_a_batch_that_is_lost_has_failed(self, client: OpenAI, simulators: Simulators) -> None:
        simulators.hold_openai(batch=True)
        made = create(client, line("a"))
        simulators.advance_openai(kind="batch", vanish=True)
        done = ended(client, made.id)
        assert (done.status, done.output_file_id, done.error_file_id) == ("failed", None, None)
        assert done.errors.data[-1].code == "batch_lost"

    def test_a_batch_without_output_is_complete_without_files(self, client: OpenAI, simulators: Simulators) -> None:
        simulators.hold_openai(batch=True)
        made = create(client, line("a"))
        simulators.advance_openai(kind="batch", to="completed", output=False)
        done = ended(client, made.id)
        assert (done.status, done.output_file_id, done.error_file_id) == ("completed", None, None)

    def test_an_input_that_the_provider_refuses_fails_with_its_words(
        self, client: OpenAI, simulators: Simulators
    ) -> None:
        simulators.hold_openai(batch=True)
        made = create(client, line("a"))
        simulators.advance_openai(kind="batch", to="failed")
        done = ended(client, made.id)
        assert (done.status, done.errors.data[0].code) == ("failed", "server_error")

    def test_an_expired_batch_has_both_files(self, client: OpenAI, simulators: Simulators) -> None:
        simulators.hold_openai(batch=True)
        made = create(client, *(line(str(number)) for number in range(4)))
        simulators.advance_openai(kind="batch", to="in_progress")
        simulators.advance_openai(kind="batch", to="expired", completed=1)
        done = ended(client, made.id)
        assert done.status == "expired"
        assert set(results(client, done.output_file_id)) == {"0"}
        rest = results(client, done.error_file_id)
        assert {entry["error"]["code"] for entry in rest.values()} == {"batch_expired"} and len(rest) == 3

    def test_a_cancelled_batch_keeps_what_was_done(self, client: OpenAI, simulators: Simulators) -> None:
        simulators.hold_openai(batch=True)
        made = create(client, *(line(str(number)) for number in range(4)))
        simulators.advance_openai(kind="batch", to="in_progress")
        assert client.batches.cancel(made.id).status == "cancelling"
        simulators.advance_openai(kind="batch", to="cancelled", completed=3)
        done = ended(client, made.id)
        assert done.status == "cancelled" and len(results(client, done.output_file_id)) == 3

    @pytest.mark.parametrize(
        "fault",
        [
            {"status": 429, "headers": {"retry-after": "1"}},
            {"status": 500},
            {"close_before_answer": True},
            {"status": 200, "body": "<html>"},
            {"status": 200, "body": {"id": "batch_other", "status": "completed"}},
        ],
        ids=["busy", "broken", "cut", "garbage", "another"],
    )
    def test_a_provider_that_does_not_say_is_asked_again(
        self, client: OpenAI, simulators: Simulators, fault: dict
    ) -> None:
        simulators.hold_openai(batch=True)
        made = create(client, line("a"))
        simulators.fault("openai", method="GET", path_prefix="/v1/batches/", times=2, **fault)
        assert client.batches.retrieve(made.id).status == "validating"
        simulators.advance_openai(kind="batch", to="completed")
        assert ended(client, made.id).status == "completed"

    def test_a_batch_whose_answer_was_lost_is_cancelled_and_its_input_deleted(
        self, prompt: Gateway, client: OpenAI, simulators: Simulators
    ) -> None:
        lost = {"close_before_answer": True, "after_effect": True}
        simulators.fault("openai", method="POST", path_prefix="/v1/batches", **lost)
        content = json.dumps(line("a")).encode()
        file = upload(client, content)
        body = {"input_file_id": file, "endpoint": CHAT, "completion_window": "24h"}
        assert prompt.admin.post("/v1/batches", json=body).status_code >= 500
        [there] = simulators.openai_objects("batches")

        def is_undone() -> bool:
            [batch] = simulators.openai_objects("batches")
            return batch["status"] == "cancelled" and len(simulators.openai_files()) == 1

        until("nothing is left of it", is_undone, SECONDS)
        assert there["input_file_id"] not in {entry["id"] for entry in simulators.openai_files()}
        assert list(client.batches.list()) == []
        assert client.files.content(file).read() == content
