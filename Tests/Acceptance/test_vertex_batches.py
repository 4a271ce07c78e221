"""Batches on Vertex AI, end to end: the OpenAI SDK, the gateway, and the simulated Google."""

import json

import openai
import pytest

from support.gateway import Gateway
from support.simulators import Simulators
from support.waiting import until

MODEL = "gemini-2.0-flash"
PDF = b"%PDF-1.4\nfacts about whales"


def line(custom_id: str, content, **more) -> dict:
    body = {"model": MODEL, "messages": [{"role": "user", "content": content}], **more}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}


def upload(gateway: Gateway, lines: list, purpose: str = "batch") -> str:
    text = "".join((entry if isinstance(entry, str) else json.dumps(entry)) + "\n" for entry in lines)
    return (
        gateway.openai()
        .files.create(file=("in.jsonl", text.encode()), purpose=purpose, extra_body={"target_model_names": MODEL})
        .id
    )


def create(gateway: Gateway, file: str):
    return gateway.openai().batches.create(
        input_file_id=file, endpoint="/v1/chat/completions", completion_window="24h", metadata={"k": "v"}
    )


def control(simulators: Simulators, name: str, **what) -> dict:
    answer = simulators._control.post(f"/_sim/google/{name}", json=what)
    assert answer.status_code == 200, answer.text
    return answer.json()


def ended(gateway: Gateway, batch_id: str):
    client = gateway.openai()
    over = ("completed", "failed", "expired", "cancelled")
    return until("the batch's end", lambda: (b := client.batches.retrieve(batch_id)).status in over and b, 60)


def results(gateway: Gateway, file_id: str) -> dict:
    """The lines of an output or error file by their `custom_id`."""
    text = gateway.openai().files.content(file_id).read()
    return {entry["custom_id"]: entry for entry in map(json.loads, text.splitlines())}


def test_a_batch_is_answered(gateway: Gateway, simulators: Simulators):
    document = gateway.openai().files.create(
        file=("whales.pdf", PDF), purpose="user_data", extra_body={"target_model_names": MODEL}
    )
    ids = ["a", 'Ünïcode "quoted"', "x" * 500, *(f"n{n}" for n in range(30))]
    lines = [line(custom_id, f"Question {index}") for index, custom_id in enumerate(ids)]
    file_part = {"type": "file", "file": {"file_id": document.id}}
    lines.append(line("with-file", [{"type": "text", "text": "What?"}, file_part]))
    lines.append(line("too-hot", "Hello", temperature=9))
    control(simulators, "plan", shards=3)

    batch = create(gateway, upload(gateway, lines))
    assert batch.status in ("validating", "in_progress") and batch.output_file_id is None
    done = ended(gateway, batch.id)

    assert done.status == "completed", done
    assert (done.request_counts.total, done.request_counts.completed, done.request_counts.failed) == (35, 34, 1)
    output, errors = results(gateway, done.output_file_id), results(gateway, done.error_file_id)
    assert set(output) == {*ids, "with-file"} and set(errors) == {"too-hot"}
    answers = {key: value["response"]["body"]["choices"][0]["message"]["content"] for key, value in output.items()}
    for index, custom_id in enumerate(ids):
        assert f'"Question {index}"' in answers[custom_id]
    assert f"{len(PDF)} bytes" in answers["with-file"]
    assert errors["too-hot"]["response"]["status_code"] == 400
    assert "temperature" in errors["too-hot"]["response"]["body"]["error"]["message"]
    # What nobody can reach any more is gone: the derived input, and what Vertex AI wrote.
    until(
        "the bucket to be tidy",
        lambda: (
            not any(
                "prediction" in entry["name"] or "input.jsonl" in entry["name"] or entry["name"].endswith(".done")
                for entry in simulators.google_objects("main")
            )
        ),
        60,
    )


@pytest.mark.parametrize("outcome", ["expired", "failed", "cancelled"])
def test_a_batch_that_ends_early_says_so(gateway: Gateway, simulators: Simulators, outcome: str):
    control(simulators, "plan", to=outcome, message="Out of luck.", completed=2)

    done = ended(gateway, create(gateway, upload(gateway, [line(f"n{n}", "Hi") for n in range(4)])).id)

    assert done.status == outcome
    assert done.error_file_id is None
    assert (done.output_file_id is not None) == (outcome != "failed")
    if done.output_file_id:
        assert len(results(gateway, done.output_file_id)) == 2
    if outcome == "failed":
        assert "Out of luck." in done.errors.data[0].message


@pytest.mark.parametrize(
    "bad, word",
    [
        (line("b", "Hi", logit_bias={"1": 1}), "logit_bias"),
        (line("b", [{"type": "input_video", "input_video": {}}]), "content part"),
        (line("b", "Hi", stream=True), "stream"),
    ],
)
def test_a_line_that_vertex_ai_cannot_answer_refuses_all(gateway: Gateway, simulators: Simulators, bad, word):
    file = upload(gateway, [line("a", "Hi"), bad, line("c", "Hi")])
    before = len(simulators.google_objects("main"))

    with pytest.raises(openai.BadRequestError) as caught:
        create(gateway, file)

    assert word in str(caught.value) and "ine 2" in str(caught.value)
    assert simulators.state()["google"]["jobs"] == []
    until("nothing to be left", lambda: len(simulators.google_objects("main")) == before, 30)


def test_a_large_input_goes_in_pieces(gateway: Gateway, simulators: Simulators):
    lines = [line(f"n{n}", "y" * (1 << 20)) for n in range(24)]

    done = ended(gateway, create(gateway, upload(gateway, lines)).id)

    assert done.status == "completed" and done.request_counts.completed == 24
    assert len(results(gateway, done.output_file_id)) == 24


def test_results_survive_faults_of_cloud_storage(gateway: Gateway, simulators: Simulators):
    control(simulators, "hold", batch=True)
    batch = create(gateway, upload(gateway, [line(f"n{n}", "Hi") for n in range(4)]))
    simulators.fault("google", path_contains="prediction", status=503, times=1)
    simulators.fault("google", path_contains="upload_id", status=503, times=1)
    simulators.fault("google", path_contains="results.done", status=503, times=1)
    control(simulators, "advance", kind="batch", to="succeeded")

    done = ended(gateway, batch.id)

    assert done.status == "completed" and len(results(gateway, done.output_file_id)) == 4
