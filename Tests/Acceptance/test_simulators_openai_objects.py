"""The simulated OpenAI's batches, fine-tuning jobs and responses by themselves, with OpenAI's SDK as the referee."""

import base64
import json

import pytest
import requests
from test_simulators import Simulators, refused

PDF = b"%PDF-1.4\n" + bytes(range(256)) * 40
SNAPSHOT = "gpt-4o-mini-2024-07-18"
CHAT = "/v1/chat/completions"


@pytest.fixture(scope="module")
def running():
    simulators = Simulators()
    yield simulators
    assert simulators.stop() == 0


@pytest.fixture
def sim(running):
    running.post("reset")
    return running


def jsonl(*values):
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def line(custom_id, text="Hello?", url=CHAT, **body):
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]} | body
    return {"custom_id": custom_id, "method": "POST", "url": url, "body": body}


def upload(client, content, purpose="batch", name="in.jsonl"):
    return client.files.create(file=(name, content), purpose=purpose)


def batch(client, content, endpoint=CHAT, **options):
    file = upload(client, content)
    return client.batches.create(input_file_id=file.id, endpoint=endpoint, completion_window="24h", **options)


def results(client, file_id):
    return [json.loads(text) for text in client.files.content(file_id).text.splitlines()]


def advance(sim, **wish):
    return sim.post("openai/advance", wish)["objects"]


# --- batches


def test_a_batch_goes_through_its_states_and_answers_every_line(sim):
    client = sim.client()
    file = upload(client, PDF, "user_data", "a.pdf")
    content = [{"type": "text", "text": "?"}, {"type": "file", "file": {"file_id": file.id}}]
    lines = [line("a"), line("b", content), line("c", [{"type": "file", "file": {"file_id": "file-none"}}])]
    made = batch(client, jsonl(*lines), metadata={"k": "v"})
    assert (made.status, made.object, made.output_file_id) == ("validating", "batch", None)
    assert made.id.startswith("batch_") and made.expires_at == made.created_at + 86400
    states = [client.batches.retrieve(made.id) for _ in range(4)]
    assert [s.status for s in states] == ["in_progress", "finalizing", "completed", "completed"]
    done = states[-1]
    assert (done.request_counts.total, done.request_counts.completed, done.request_counts.failed) == (3, 2, 1)
    assert done.in_progress_at and done.finalizing_at and done.completed_at and done.metadata == {"k": "v"}

    answers = {entry["custom_id"]: entry for entry in results(client, done.output_file_id)}
    assert set(answers) == {"a", "b"}
    assert all(entry["error"] is None and entry["id"].startswith("batch_req_") for entry in answers.values())
    response = answers["b"]["response"]
    assert response["status_code"] == 200 and response["body"]["model"] == SNAPSHOT
    assert 'I read 1 file: "a.pdf"' in response["body"]["choices"][0]["message"]["content"]
    (failed,) = results(client, done.error_file_id)
    assert failed["custom_id"] == "c" and failed["response"]["status_code"] == 404
    assert "File not found" in failed["response"]["body"]["error"]["message"]
    usages = [entry["response"]["body"]["usage"] for entry in answers.values()]
    assert done.usage.input_tokens == sum(usage["prompt_tokens"] for usage in usages)
    assert done.usage.output_tokens == sum(usage["completion_tokens"] for usage in usages)
    kept = client.files.retrieve(done.output_file_id)
    assert (kept.purpose, kept.filename) == ("batch_output", f"{made.id}_output.jsonl")


@pytest.mark.parametrize(
    "endpoint, body",
    [
        ("/v1/embeddings", {"model": "text-embedding-3-small", "input": "x"}),
        ("/v1/responses", {"model": "gpt-4o", "input": "x"}),
    ],
)
def test_batches_of_other_endpoints(sim, endpoint, body):
    client = sim.client()
    made = batch(client, jsonl({"custom_id": "a", "method": "POST", "url": endpoint, "body": body}), endpoint)
    advance(sim, id=made.id, to="completed")
    done = client.batches.retrieve(made.id)
    (answer,) = results(client, done.output_file_id)
    assert answer["response"]["body"]["object"] in ("list", "response")
    assert (done.error_file_id, done.request_counts.completed) == (None, 1)


@pytest.mark.parametrize(
    "content, number, code, param",
    [
        (b"{]\n", 1, "invalid_json_line", None),
        (b"\xef\xbb\xbf" + jsonl(line("a")), 1, "invalid_json_line", None),
        (jsonl(line("a"), {"custom_id": "b"}), 2, "missing_required_parameter", "method"),
        (jsonl(line("a"), line("a")), 2, "duplicate_custom_id", "custom_id"),
        (jsonl(line("a", url="/v1/embeddings")), 1, "mismatched_url", "url"),
        (jsonl(line("a", model="gpt-9")), 1, "model_not_found", "body.model"),
        (jsonl(line("a"), line("b", model="gpt-4o")), 2, "mismatched_model", "body.model"),
        (jsonl(line("a") | {"extra": 1}), 1, "unknown_parameter", "extra"),
        (jsonl(line("a", stream=True)), 1, "invalid_request", "body.stream"),
        (b"", None, "empty_file", "input_file_id"),
        (b"\n \r\n", None, "empty_file", "input_file_id"),
    ],
)
def test_a_bad_input_fails_the_batch_with_the_line(sim, content, number, code, param):
    client = sim.client()
    made = batch(client, content)
    failed = client.batches.retrieve(made.id)
    assert failed.status == "failed" and failed.failed_at
    error = failed.errors.data[0]
    assert (error.line, error.code, error.param) == (number, code, param)
    assert (failed.output_file_id, failed.error_file_id) == (None, None)


def test_blank_lines_carriage_returns_and_a_missing_end_are_no_faults(sim):
    client = sim.client()
    made = batch(client, b"\r\n" + jsonl(line("a")).replace(b"\n", b"\r\n") + b"\n" + jsonl(line("b"))[:-1])
    advance(sim, id=made.id, to="completed")
    assert client.batches.retrieve(made.id).request_counts.completed == 2


def test_batch_requests_are_taken_strictly(sim):
    client = sim.client()
    file = upload(client, jsonl(line("a")))

    def create(**changes):
        body = {"input_file_id": file.id, "endpoint": CHAT, "completion_window": "24h"} | changes
        return lambda: client.batches.create(**body)

    refused(400, create(input_file_id="file-none"), "input_file_id")
    refused(400, create(endpoint="/v1/chat"), "Supported values")
    refused(400, create(completion_window="1h"), "Supported values")
    refused(400, create(extra_body={"model": "x"}), "unknown_parameter")
    refused(400, create(metadata={str(n): "v" for n in range(17)}), "object_above_max_properties")
    refused(400, create(metadata={"k": "v" * 513}), "string_above_max_length")
    refused(400, create(output_expires_after={"anchor": "created_at", "seconds": 60}), "output_expires_after")
    other = upload(client, jsonl(line("a")), "fine-tune")
    made = create(input_file_id=other.id)()
    assert client.batches.retrieve(made.id).errors.data[0].code == "invalid_file_purpose"


def test_a_cancelled_batch_keeps_what_was_done(sim):
    client = sim.client()
    made = batch(client, jsonl(*(line(str(n)) for n in range(5))))
    client.batches.retrieve(made.id)
    assert client.batches.cancel(made.id).status == "cancelling"
    assert client.batches.cancel(made.id).status == "cancelling"
    done = client.batches.retrieve(made.id)
    assert done.status == "cancelled" and len(results(client, done.output_file_id)) == 3
    refused(409, lambda: client.batches.cancel(made.id), "Cannot cancel")
    early = batch(client, jsonl(line("a")))
    client.batches.cancel(early.id)
    done = client.batches.retrieve(early.id)
    assert (done.status, done.output_file_id, done.request_counts.total) == ("cancelled", None, 0)


def test_an_expired_batch_names_what_was_not_done(sim):
    client = sim.client()
    made = batch(client, jsonl(*(line(str(n)) for n in range(4))))
    client.batches.retrieve(made.id)
    sim.post("advance", {"seconds": 86401})
    done = client.batches.retrieve(made.id)
    assert (done.status, done.request_counts.completed) == ("expired", 2)
    assert {entry["error"]["code"] for entry in results(client, done.error_file_id)} == {"batch_expired"}
    assert {entry["custom_id"] for entry in results(client, done.error_file_id)} == {"2", "3"}


def test_control_holds_and_moves_batches(sim):
    client = sim.client()
    sim.post("openai/hold", {"batch": True})
    made = batch(client, jsonl(line("a"), line("b")))
    assert client.batches.retrieve(made.id).status == "validating"
    (moved,) = advance(sim, kind="batch", to="in_progress", account="alice")
    assert (moved["id"], moved["status"]) == (made.id, "in_progress")
    assert advance(sim, kind="batch", to="in_progress", account="bob") == []
    advance(sim, id=made.id, report="resting")
    assert client.batches.retrieve(made.id).status == "resting"
    advance(sim, id=made.id, to="cancelled", completed=1)
    done = client.batches.retrieve(made.id)
    assert done.status == "cancelled" and len(results(client, done.output_file_id)) == 1
    advance(sim, id=made.id, vanish=True)
    refused(404, lambda: client.batches.retrieve(made.id), "No batch found")
    bare = batch(client, jsonl(line("a")))
    advance(sim, id=bare.id, to="completed", output=False)
    done = client.batches.retrieve(bare.id)
    assert (done.status, done.output_file_id, done.request_counts.completed) == ("completed", None, 1)
    for wish in ({"id": "batch_none", "to": "failed"}, {"id": bare.id, "to": "dead"}, {"to": "failed"}, {"x": 1}):
        assert requests.post(f"{sim.control}/openai/advance", json=wish).status_code in (400, 404)


def test_batches_are_listed_newest_first_and_by_account(sim):
    client = sim.client()
    ids = [batch(client, jsonl(line("a"))).id for _ in range(3)]
    assert [b.id for b in client.batches.list(limit=2)] == ids[::-1]
    assert [b.id for b in client.batches.list(after=ids[2], limit=1).data] == [ids[1]]
    assert {b.status for b in client.batches.list()} == {"validating"}
    assert list(sim.client("bob").batches.list()) == []
    refused(404, lambda: sim.client("bob").batches.retrieve(ids[0]))
    refused(404, lambda: sim.client("bob").batches.cancel(ids[0]))
    refused(400, lambda: client.batches.list(limit=101), "integer_above_max_value")
    refused(400, lambda: client.batches.list(after="batch_none"), "No such Batch")


# --- fine-tuning


def example(answer="Yes."):
    return {"messages": [{"role": "user", "content": "?"}, {"role": "assistant", "content": answer}]}


def train(client, content=None, **options):
    file = upload(client, jsonl(*[example()] * 10) if content is None else content, "fine-tune")
    return client.fine_tuning.jobs.create(**{"model": "gpt-4o-mini", "training_file": file.id} | options)


def test_a_job_makes_a_model_that_its_account_can_use(sim):
    client = sim.client()
    made = train(client, suffix="mine", seed=7, metadata={"k": "v"}, method={"type": "supervised"})
    assert (made.status, made.model, made.seed, made.fine_tuned_model) == ("validating_files", SNAPSHOT, 7, None)
    assert made.hyperparameters.n_epochs == "auto" and made.method.supervised.hyperparameters.n_epochs == "auto"
    states = [client.fine_tuning.jobs.retrieve(made.id) for _ in range(4)]
    assert [s.status for s in states] == ["queued", "running", "succeeded", "succeeded"]
    done = states[-1]
    assert done.fine_tuned_model.startswith(f"ft:{SNAPSHOT}:sim-alice:mine:")
    assert done.trained_tokens > 0 and done.finished_at and done.hyperparameters.n_epochs == 3
    (result,) = done.result_files
    assert client.files.retrieve(result).purpose == "fine-tune-results"
    assert client.files.content(result).text.startswith("step,train_loss")

    messages = [{"role": "user", "content": "Hi"}]
    answer = client.chat.completions.create(model=done.fine_tuned_model, messages=messages)
    assert answer.model == done.fine_tuned_model
    assert done.fine_tuned_model in [m.id for m in client.models.list()]
    bob = sim.client("bob")
    refused(404, lambda: bob.chat.completions.create(model=done.fine_tuned_model, messages=messages), "model_not_found")

    checkpoints = list(client.fine_tuning.jobs.checkpoints.list(made.id))
    assert len(checkpoints) == 2 and all(c.fine_tuning_job_id == made.id for c in checkpoints)
    assert client.chat.completions.create(model=checkpoints[0].fine_tuned_model_checkpoint, messages=messages)
    events = list(client.fine_tuning.jobs.list_events(made.id, limit=5))
    assert len(events) > 10 and events[-1].message.startswith("Created fine-tuning job")
    assert events[0].message == "The job has successfully completed"


@pytest.mark.parametrize(
    "content, words",
    [
        (jsonl(*[example()] * 9), "at least 10"),
        (jsonl(*[example()] * 10) + b"{]\n", "Line 11"),
        (jsonl({"prompt": "?"}), "prompt"),
        (jsonl(*[{"messages": [{"role": "user", "content": "?"}]}] * 10), "assistant"),
    ],
)
def test_a_bad_training_file_fails_the_job(sim, content, words):
    client = sim.client()
    made = train(client, content)
    failed = client.fine_tuning.jobs.retrieve(made.id)
    assert (failed.status, failed.error.param) == ("failed", "training_file")
    assert words in failed.error.message and failed.finished_at


def test_job_requests_are_taken_strictly(sim):
    client = sim.client()
    refused(400, lambda: train(client, training_file="file-none"), "invalid_training_file")
    refused(400, lambda: train(client, training_file=upload(client, b"{}\n").id), "fine-tune")
    refused(400, lambda: train(client, validation_file="file-none"), "invalid_validation_file")
    refused(400, lambda: train(client, model="text-embedding-3-small"), "model_not_available")
    refused(400, lambda: train(client, suffix="s" * 65), "suffix")
    refused(400, lambda: train(client, hyperparameters={"n_epochs": 51}), "n_epochs")
    refused(400, lambda: train(client, hyperparameters={"n_epochs": "many"}), "Supported values")
    refused(400, lambda: train(client, method={"type": "supervised", "dpo": {}}), "unknown_parameter")
    refused(400, lambda: train(client, extra_body={"x": 1}), "unknown_parameter")


def test_jobs_are_paused_resumed_cancelled_and_listed(sim):
    client = sim.client()
    jobs = client.fine_tuning.jobs
    first, second = train(client, metadata={"gantry_name": "a"}), train(client, metadata={"gantry_name": "b"})
    refused(400, lambda: jobs.pause(first.id), "Cannot pause")
    jobs.retrieve(first.id)
    assert jobs.pause(first.id).status == "paused"
    assert jobs.retrieve(first.id).status == "paused"
    assert jobs.resume(first.id).status == "queued"
    assert jobs.cancel(first.id).status == "cancelled"
    refused(400, lambda: jobs.cancel(first.id), "Cannot cancel")
    assert [j.id for j in jobs.list(limit=1)] == [second.id, first.id]
    assert [j.id for j in jobs.list(extra_query={"metadata[gantry_name]": "a"})] == [first.id]
    assert list(sim.client("bob").fine_tuning.jobs.list()) == []
    refused(404, lambda: sim.client("bob").fine_tuning.jobs.retrieve(first.id))
    advance(sim, id=second.id, to="succeeded", output=False)
    done = jobs.retrieve(second.id)
    assert (done.status, done.result_files) == ("succeeded", [])
    advance(sim, id=second.id, report="sleeping")
    assert jobs.retrieve(second.id).status == "sleeping"


# --- responses


def file_part(file):
    return {"type": "input_file", "file_id": file.id}


def test_a_response_tells_what_it_read_in_every_place(sim):
    client = sim.client()
    file = upload(client, PDF, "user_data", "a.pdf")
    image = upload(client, b"png", "vision", "b.png")
    data = "data:application/pdf;base64," + base64.b64encode(b"pdf").decode()
    answer = client.responses.create(
        model="gpt-4o-mini",
        input=[
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "What?"},
                    file_part(file),
                    {"type": "input_image", "file_id": image.id, "detail": "auto"},
                    {"type": "input_file", "file_data": data, "filename": "c.pdf"},
                    {"type": "input_file", "file_url": "https://example.com/d.pdf"},
                ],
            },
            file_part(file),
        ],
        tools=[{"type": "code_interpreter", "container": {"type": "auto", "file_ids": [file.id]}}],
    )
    assert answer.status == "completed" and answer.model == SNAPSHOT and answer.store is True
    text = answer.output_text
    assert text.startswith("gpt-4o-mini here. I read 4 files:") and text.count('"a.pdf"') == 3
    assert 'I saw 1 image: "b.png"' in text and 'You asked: "What?"' in text and "read 1 link" in text
    assert answer.usage.total_tokens == answer.usage.input_tokens + answer.usage.output_tokens
    items = list(client.responses.input_items.list(answer.id, order="asc"))
    assert [item.type for item in items] == ["message", "message"] and items[0].content[1].file_id == file.id
    assert client.responses.retrieve(answer.id) == answer
    for bad in (file_part(file) | {"file_id": "file-none"}, {"type": "input_image", "file_id": "file-none"}):
        content = [{"role": "user", "content": [bad]}]
        refused(404, lambda content=content: client.responses.create(model="gpt-4o", input=content), "File not found")


def test_a_stream_has_named_and_numbered_events(sim):
    client = sim.client()
    events = list(client.responses.create(model="gpt-4o", input="One two three?", stream=True))
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert (events[0].type, events[1].type, events[-1].type) == (
        "response.created",
        "response.in_progress",
        "response.completed",
    )
    text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
    whole = client.responses.retrieve(events[0].response.id)
    assert text == whole.output_text == events[-1].response.output_text
    raw = requests.post(
        f"{sim.openai}/responses",
        headers={"Authorization": "Bearer sk-sim-alice"},
        json={"model": "gpt-4o", "input": "x", "stream": True},
    )
    assert raw.text.startswith("event: response.created\ndata: {") and "[DONE]" not in raw.text


def test_a_conversation_goes_on(sim):
    client = sim.client()
    first = client.responses.create(model="gpt-4o", input="First?")
    second = client.responses.create(model="gpt-4o", input="Second?", previous_response_id=first.id)
    assert second.output_text.endswith('You asked: "Second?" Before that you asked: "First?"')
    items = list(client.responses.input_items.list(second.id, order="asc"))
    assert [item.type for item in items] == ["message"] * 3
    bob = sim.client("bob")
    for asker in (bob, client):
        previous = first.id if asker is bob else "resp_none"
        refused(
            400,
            lambda asker=asker, previous=previous: asker.responses.create(
                model="gpt-4o", input="x", previous_response_id=previous
            ),
            "previous_response_not_found",
        )
    assert client.responses.delete(first.id) is None
    refused(404, lambda: client.responses.retrieve(first.id))
    forgotten = client.responses.create(model="gpt-4o", input="x", store=False)
    refused(404, lambda: client.responses.retrieve(forgotten.id), "not found")


def test_functions_are_called_and_their_results_told(sim):
    client = sim.client()
    tool = {"type": "function", "name": "look", "parameters": {"type": "object"}, "strict": False}
    first = client.responses.create(model="gpt-4o", input="Look.", tools=[tool], tool_choice="required")
    (call,) = first.output
    assert (call.type, call.name, call.arguments) == ("function_call", "look", "{}")
    output = {"type": "function_call_output", "call_id": call.call_id, "output": "Found it"}
    second = client.responses.create(model="gpt-4o", input=[output], previous_response_id=first.id)
    assert 'The tool look answered: "Found it"' in second.output_text
    refused(400, lambda: client.responses.create(model="gpt-4o", input=[output]), "No tool call found")
    stream = client.responses.create(model="gpt-4o", input="x", tools=[tool], tool_choice="required", stream=True)
    assert "response.function_call_arguments.done" in [event.type for event in stream]


def test_responses_in_the_background(sim):
    client = sim.client()
    made = client.responses.create(model="gpt-4o", input="x", background=True)
    assert (made.status, made.output) == ("queued", [])
    assert [client.responses.retrieve(made.id).status for _ in range(2)] == ["in_progress", "completed"]
    assert client.responses.cancel(made.id).status == "completed"
    sim.post("openai/hold", {"response": True})
    held = client.responses.create(model="gpt-4o", input="x", background=True)
    assert client.responses.cancel(held.id).status == "cancelled"
    assert client.responses.retrieve(held.id).status == "cancelled"
    plain = client.responses.create(model="gpt-4o", input="x")
    refused(400, lambda: client.responses.cancel(plain.id), "synchronous")
    refused(400, lambda: client.responses.retrieve(plain.id, stream=True), "cannot be streamed")

    stream = client.responses.create(model="gpt-4o", input="One two three", background=True, stream=True)
    first = list(stream)
    assert [event.type for event in first] == ["response.created", "response.queued"]
    advance(sim, id=first[0].response.id, to="completed")
    rest = list(client.responses.retrieve(first[0].response.id, stream=True, starting_after=1))
    assert rest[0].sequence_number == 2 and rest[-1].type == "response.completed"
    failed = client.responses.create(model="gpt-4o", input="x", background=True)
    advance(sim, id=failed.id, to="failed")
    assert client.responses.retrieve(failed.id).error.code == "server_error"


def test_response_requests_are_taken_strictly(sim):
    client = sim.client()

    def create(**changes):
        return lambda: client.responses.create(**{"model": "gpt-4o", "input": "x"} | changes)

    refused(404, create(model="gpt-9"), "model_not_found")
    refused(400, create(model="text-embedding-3-small"), "unsupported_model")
    refused(400, create(extra_body={"x": 1}), "unknown_parameter")
    refused(400, create(extra_body={"input": []}), "empty_array")
    refused(400, create(input=[{"type": "input_files"}]), "Supported values")
    refused(400, create(input=[{"role": "user", "content": [{"type": "text", "text": "x"}]}]), "Supported values")
    refused(400, create(background=True, store=False), "store")
    refused(400, create(temperature=3), "temperature")
    refused(404, create(extra_body={"conversation": "conv_1"}), "conversation_not_found")
    refused(404, create(tools=[{"type": "file_search", "vector_store_ids": ["vs_1"]}]), "vs_1")
    short = client.responses.create(model="gpt-4o", input="x" * 100, max_output_tokens=16)
    assert (short.status, short.incomplete_details.reason) == ("incomplete", "max_output_tokens")
    listed = requests.get(f"{sim.openai}/responses", headers={"Authorization": "Bearer sk-sim-alice"})
    assert listed.status_code == 405


# --- the process


def test_objects_survive_a_restart(tmp_path):
    first = Simulators("--data", str(tmp_path))
    client = first.client()
    made = batch(client, jsonl(line("a")))
    client.batches.retrieve(made.id)
    job = train(client)
    advance(first, id=job.id, to="succeeded")
    response = client.responses.create(model="gpt-4o", input="x")
    state = first.state()
    assert first.stop() == 0

    second = Simulators("--data", str(tmp_path))
    try:
        assert second.state()["openai"] == state["openai"]
        client = second.client()
        assert client.batches.retrieve(made.id).status == "finalizing"
        assert client.fine_tuning.jobs.retrieve(job.id).status == "succeeded"
        assert client.responses.retrieve(response.id) == response
    finally:
        second.stop()
