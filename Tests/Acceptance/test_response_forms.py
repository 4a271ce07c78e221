"""What the Vertex AI adapter makes of Gemini's answers is a response, and its events a stream, to OpenAI's own client.

The unit tests of the adapter hold it to these documents; here the client reads them.
"""

import json
from pathlib import Path

import httpx
import openai
import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

FIXTURES = Path(__file__).parent.parent / "Plugins" / "VertexAI" / "Fixtures"
RESPONSES = sorted(FIXTURES.glob("*/*/response.json"))
STREAMS = sorted(FIXTURES.glob("*/*/response-events.json"))
EVENT = TypeAdapter(ResponseStreamEvent)


def name(path: Path) -> str:
    return f"{path.parent.parent.name}/{path.parent.name}"


def client(body: bytes, media_type: str) -> openai.OpenAI:
    """A client whose every request is answered with this body."""

    def answer(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": media_type}, content=body)

    return openai.OpenAI(
        api_key="k", base_url="http://gateway/v1", http_client=httpx.Client(transport=httpx.MockTransport(answer))
    )


def server_sent(events: list[dict]) -> bytes:
    return "".join(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n" for event in events).encode()


def test_there_is_something_to_read():
    assert len(RESPONSES) > 15
    assert len(STREAMS) > 8


@pytest.mark.parametrize("path", RESPONSES, ids=name)
def test_a_response_keeps_to_the_clients_types(path: Path):
    document = json.loads(path.read_text())

    Response.model_validate(document)
    read = client(path.read_bytes(), "application/json").responses.create(model="m", input="x")

    assert read.id.startswith("resp_")
    assert read.status == document["status"]
    texts = [item["content"][0]["text"] for item in document["output"] if item["type"] == "message"]
    assert read.output_text == "".join(texts)


@pytest.mark.parametrize("path", STREAMS, ids=name)
def test_events_keep_to_the_clients_types(path: Path):
    for event in json.loads(path.read_text()):
        read = EVENT.validate_python(event)
        assert read.type == event["type"]
        assert read.sequence_number == event["sequence_number"]


@pytest.mark.parametrize("path", STREAMS, ids=name)
def test_the_clients_helper_puts_the_stream_together(path: Path):
    events = json.loads(path.read_text())
    last = events[-1]["response"]

    with client(server_sent(events), "text/event-stream").responses.stream(model="m", input="x") as stream:
        seen = list(stream)

    assert [event.type for event in seen] == [event["type"] for event in events]
    if last["status"] == "completed":
        final = stream.get_final_response()
        assert [item.id for item in final.output] == [item["id"] for item in last["output"]]
    snapshots = [event.snapshot for event in seen if event.type == "response.output_text.delta"]
    texts = [item["content"][0]["text"] for item in last["output"] if item["type"] == "message"]
    assert all(text in snapshots for text in texts)


@pytest.mark.parametrize("path", sorted(FIXTURES.glob("responses-answers/*/response.json")), ids=name)
def test_output_can_be_sent_back_as_input(path: Path):
    """The client hands the items on as it read them; the adapter takes no member that it does not know."""
    sent: list[dict] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(json.loads(request.content))
        return httpx.Response(200, json=json.loads(path.read_text()))

    transport = httpx.Client(transport=httpx.MockTransport(answer))
    one = openai.OpenAI(api_key="k", base_url="http://gateway/v1", http_client=transport)
    first = one.responses.create(model="m", input="x")
    one.responses.create(model="m", input=first.output)

    known = {
        "message": {"id", "type", "status", "role", "content"},
        "function_call": {"id", "type", "status", "call_id", "name", "arguments", "extra_content"},
    }
    for item in sent[1]["input"]:
        assert {key for key, value in item.items() if value is not None} <= known[item["type"]]
        if item["type"] == "function_call":
            original = next(one for one in json.loads(path.read_text())["output"] if one["id"] == item["id"])
            assert item.get("extra_content") == original.get("extra_content")
