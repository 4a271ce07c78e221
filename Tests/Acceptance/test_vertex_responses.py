"""Responses of a Gemini model with OpenAI's SDK: files, functions, streams and refusals; nothing is kept."""

import contextlib
import hashlib
import json
import re
import sqlite3

import openai
import pytest
from openai import OpenAI

from support.documents import pdf
from support.gateway import Gateway
from support.simulators import Simulators

ID = re.compile(r"resp_[a-z2-7]{40}")
MODEL = "gemini-2.0-flash"
WEATHER = {
    "type": "function",
    "name": "weather",
    "description": "The weather of a city.",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
}


@pytest.fixture
def client(gateway: Gateway) -> OpenAI:
    return gateway.openai()


def records(gateway: Gateway) -> int:
    with contextlib.closing(sqlite3.connect(gateway.data / "gantry.sqlite", timeout=30)) as registry:
        return registry.execute("SELECT count(*) FROM objects WHERE kind = 'response'").fetchone()[0]


def test_a_response_is_made_and_not_kept(gateway: Gateway, client: OpenAI) -> None:
    before = records(gateway)

    made = client.responses.create(model=MODEL, input="Hello", instructions="Be kind.", metadata={"a": "b"})

    assert ID.fullmatch(made.id)
    assert (made.status, made.metadata, made.instructions) == ("completed", {"a": "b"}, "Be kind.")
    assert made.model_dump()["store"] is False
    assert made.output_text
    assert made.usage.total_tokens == made.usage.input_tokens + made.usage.output_tokens > 0
    assert records(gateway) == before
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve(made.id)


def test_a_stream_has_what_a_whole_answer_has(client: OpenAI) -> None:
    whole = client.responses.create(model=MODEL, input="Tell me a story.")

    with client.responses.stream(model=MODEL, input="Tell me a story.") as stream:
        seen = list(stream)

    assert [seen[0].type, seen[1].type] == ["response.created", "response.in_progress"]
    assert [event.sequence_number for event in seen] == list(range(len(seen)))
    deltas = [event.delta for event in seen if event.type == "response.output_text.delta"]
    assert len(deltas) > 1
    assert "".join(deltas) == stream.get_final_response().output_text == whole.output_text


def test_files_are_read_by_the_gateways_ids(gateway: Gateway, client: OpenAI) -> None:
    document = pdf("Responses of Gemini read this file.")
    file_id = gateway.upload(document, targets=MODEL)["id"]
    content = [
        {"type": "input_text", "text": "What is in it?"},
        {"type": "input_file", "file_id": file_id},
        {"type": "input_image", "image_url": "data:image/png;base64,iVBORw0KGgo=", "detail": "auto"},
    ]

    made = client.responses.create(model=MODEL, input=[{"role": "user", "content": content}])

    assert made.status == "completed"
    assert hashlib.sha256(document).hexdigest()[:8] in made.output_text
    assert "gs://" not in made.model_dump_json()


def test_a_function_is_called_and_its_result_answered(client: OpenAI) -> None:
    question = {"role": "user", "content": "How is the weather in Oslo?"}
    asked = client.responses.create(model=MODEL, input=[question], tools=[WEATHER], tool_choice="required")
    [call] = asked.output

    result = {"type": "function_call_output", "call_id": call.call_id, "output": json.dumps({"celsius": 4})}
    answered = client.responses.create(model=MODEL, input=[question, *asked.output, result], tools=[WEATHER])

    assert (call.type, call.name, json.loads(call.arguments)) == ("function_call", "weather", {})
    assert answered.output_text


def test_a_schema_is_kept(client: OpenAI) -> None:
    schema = {"type": "object", "properties": {"joke": {"type": "string"}}, "required": ["joke"]}

    made = client.responses.create(
        model=MODEL,
        input="A joke.",
        text={"format": {"type": "json_schema", "name": "joke", "schema": schema, "strict": True}},
    )

    assert isinstance(json.loads(made.output_text)["joke"], str)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    ("more", "reason"),
    [
        ({"input": "SIM_SAFETY"}, "content_filter"),
        ({"input": "SIM_BLOCK_PROMPT"}, "content_filter"),
        ({"input": "Tell me a story.", "max_output_tokens": 1}, "max_output_tokens"),
    ],
    ids=["filtered", "blocked", "limited"],
)
def test_an_answer_that_is_cut_off_is_incomplete(client: OpenAI, stream: bool, more: dict, reason: str) -> None:
    made = client.responses.create(model=MODEL, stream=stream, **more)

    if stream:
        last = list(made)[-1]
        assert last.type == "response.incomplete"
        made = last.response
    assert (made.status, made.incomplete_details.reason) == ("incomplete", reason)


@pytest.mark.parametrize(
    ("more", "parameter"),
    [
        ({"store": True}, "store"),
        ({"background": True}, "background"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"tools": [{"type": "web_search"}]}, "tools.[0].type"),
        ({"include": ["reasoning.encrypted_content"]}, "include"),
        ({"service_tier": "flex"}, "service_tier"),
        ({"prompt": {"id": "pmpt_1"}}, "prompt"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_what_gemini_cannot_do_is_refused(client: OpenAI, more: dict, parameter: str) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.responses.create(model=MODEL, input="Hello", **more)

    assert caught.value.param == parameter


def test_an_error_in_the_stream_reaches_the_client(client: OpenAI, simulators: Simulators) -> None:
    simulators.fault("google", path_contains="streamGenerateContent", times=1, cut_after_bytes=900)

    with pytest.raises(openai.APIError):
        list(client.responses.create(model=MODEL, input="Tell me a story.", stream=True))
