"""Server-sent events: order, pace, endings, failures and clients that leave."""

import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from support.documents import file_message
from support.errors import check_error_object
from support.gateway import Gateway
from support.simulators import Simulators
from support.waiting import until

OPENAI_MODEL = "gpt-4o-mini-openai"
VERTEX_MODEL = "gemini-2.0-flash"
MODELS = [OPENAI_MODEL, VERTEX_MODEL]


def fault_on_chat(simulators: Simulators, model: str, **what) -> None:
    if model == OPENAI_MODEL:
        simulators.fault("openai", path_prefix="/v1/chat", **what)
    else:
        simulators.fault("google", path_contains="enerateContent", **what)


def open_stream(gateway: Gateway, model: str, messages: list[dict] | None = None, **more):
    messages = messages or [{"role": "user", "content": "Tell me a story."}]
    body = {"model": model, "messages": messages, "stream": True} | more
    return gateway.admin.stream("POST", "/v1/chat/completions", json=body)


def events(response: httpx.Response) -> Iterator[str]:
    """The data of each event; anything else in the stream than data lines and blank ones fails."""
    for line in response.iter_lines():
        if line and not line.startswith(":"):
            assert line.startswith("data: "), f"not an event: {line!r}"
            yield line.removeprefix("data: ")


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_is_chunks_in_order_and_ends_in_done(gateway: Gateway, model: str) -> None:
    with open_stream(gateway, model) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        data = list(events(response))

    assert data[-1] == "[DONE]" and data.count("[DONE]") == 1
    chunks = [json.loads(item) for item in data[:-1]]
    assert all(chunk["object"] == "chat.completion.chunk" for chunk in chunks)
    assert len({(chunk["id"], chunk["created"], chunk["model"]) for chunk in chunks}) == 1
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks if chunk["choices"]]
    assert deltas[0].get("role") == "assistant"
    assert not any("role" in delta for delta in deltas[1:])
    assert "".join(delta.get("content") or "" for delta in deltas)
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks if chunk["choices"]]
    assert reasons[-1] == "stop" and not any(reasons[:-1])
    assert not any(chunk.get("usage") for chunk in chunks)


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_says_the_same_as_a_whole_answer(gateway: Gateway, model: str) -> None:
    whole = gateway.chat(model, "Tell me a story.").json()["choices"][0]["message"]["content"]

    with open_stream(gateway, model) as response:
        chunks = [json.loads(item) for item in events(response) if item != "[DONE]"]

    assert "".join(chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"]) == whole


@pytest.mark.parametrize("model", MODELS)
def test_include_usage_adds_one_last_chunk_without_choices(gateway: Gateway, model: str) -> None:
    with open_stream(gateway, model, stream_options={"include_usage": True}) as response:
        data = list(events(response))

    assert data[-1] == "[DONE]"
    chunks = [json.loads(item) for item in data[:-1]]
    assert chunks[-1]["choices"] == []
    usage = chunks[-1]["usage"]
    assert usage["prompt_tokens"] > 0 and usage["completion_tokens"] > 0
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]
    assert all(chunk["choices"] and chunk.get("usage") is None for chunk in chunks[:-1])


@pytest.mark.parametrize("model", MODELS)
def test_the_first_event_arrives_before_the_upstream_has_finished(
    gateway: Gateway, simulators: Simulators, model: str
) -> None:
    fault_on_chat(simulators, model, times=1, event_delay_ms=400)
    arrivals = []

    with open_stream(gateway, model) as response:
        for number, _ in enumerate(events(response)):
            arrivals.append(time.monotonic())
            if number == 0:
                assert simulators.state()["open_requests"] >= 1, "the upstream had finished before the first event"

    assert len(arrivals) >= 3
    assert arrivals[-1] - arrivals[0] > 0.35, "the events came together"


@pytest.mark.parametrize("model", MODELS)
def test_a_file_may_stand_in_a_streamed_chat(gateway: Gateway, model: str) -> None:
    file_id = gateway.upload(targets=",".join(MODELS))["id"]

    with open_stream(gateway, model, file_message(file_id)) as response:
        assert response.status_code == 200
        data = list(events(response))

    assert data[-1] == "[DONE]"
    provider_names = ("gs://", "sim-main/")
    assert not any(name in item for item in data for name in provider_names)


@pytest.mark.parametrize("model", MODELS)
def test_a_client_that_leaves_a_stream_cancels_the_upstream_call(
    gateway: Gateway, simulators: Simulators, model: str
) -> None:
    fault_on_chat(simulators, model, times=1, event_delay_ms=700)

    with open_stream(gateway, model) as response:
        next(events(response))

    simulators.wait_for_cancelled_request(seconds=5)
    until("no request is open", lambda: simulators.state()["open_requests"] == 0)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", MODELS)
def test_a_client_that_leaves_before_the_answer_cancels_the_upstream_call(
    gateway: Gateway, simulators: Simulators, model: str, stream: bool
) -> None:
    fault_on_chat(simulators, model, times=1, delay_ms=20_000)
    body = json.dumps({"model": model, "messages": [{"role": "user", "content": "Hello"}], "stream": stream}).encode()
    headers = {
        "Authorization": gateway.admin.headers["Authorization"],
        "Content-Type": "application/json",
        "Content-Length": str(len(body)),
    }
    connection = gateway.raw()
    connection.request("POST", "/v1/chat/completions", headers, body)
    simulators.wait_for_open_request()

    connection.close()

    simulators.wait_for_cancelled_request(seconds=5)


@pytest.mark.parametrize("model", MODELS)
def test_a_stream_that_is_cut_ends_in_an_error_event(gateway: Gateway, simulators: Simulators, model: str) -> None:
    # Enough for a first whole event of either provider.
    fault_on_chat(simulators, model, times=1, cut_after_bytes=400 if model == OPENAI_MODEL else 900)

    with open_stream(gateway, model) as response:
        assert response.status_code == 200
        data = list(events(response))

    assert data, "nothing came"
    check_error_object(json.loads(data[-1]))
    assert "[DONE]" not in data
    assert gateway.chat(model, "Hello").status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_an_error_in_the_middle_of_a_stream_is_passed_on(gateway: Gateway, simulators: Simulators, model: str) -> None:
    if model == OPENAI_MODEL:
        error = {"message": "overloaded in the middle", "type": "server_error", "param": None, "code": None}
    else:
        error = {"message": "overloaded in the middle", "code": 503, "status": "UNAVAILABLE"}
    fault_on_chat(simulators, model, times=1, error_event={"error": error})

    with open_stream(gateway, model) as response:
        data = list(events(response))

    last = json.loads(data[-1])
    check_error_object(last)
    assert "overloaded in the middle" in last["error"]["message"]


@pytest.mark.parametrize("model", MODELS)
def test_a_whole_answer_that_is_cut_is_an_error(gateway: Gateway, simulators: Simulators, model: str) -> None:
    fault_on_chat(simulators, model, times=0, cut_after_bytes=20)

    # The status may already be on its way when the body ends early; then the connection must not end well.
    try:
        response = gateway.chat(model, "Hello")
    except httpx.TransportError:
        return
    assert response.status_code in (502, 503), response.text
    check_error_object(response.json())


@pytest.mark.parametrize("model", MODELS)
def test_an_upstream_that_breaks_the_framing_is_an_error(gateway: Gateway, simulators: Simulators, model: str) -> None:
    fault_on_chat(simulators, model, times=0, break_chunking=True)

    with open_stream(gateway, model) as response:
        if response.status_code == 200:
            data = list(events(response))
            check_error_object(json.loads(data[-1]))
        else:
            response.read()
            assert response.status_code in (502, 503)
            check_error_object(response.json())
    simulators.clear_faults()
    assert gateway.chat(model, "Hello").status_code == 200


@pytest.mark.parametrize("model", MODELS)
def test_an_error_before_the_first_event_has_its_status(gateway: Gateway, simulators: Simulators, model: str) -> None:
    fault_on_chat(simulators, model, times=0, status=400, body={"error": {"message": "bad idea"}})

    with open_stream(gateway, model) as response:
        response.read()

    assert response.status_code == 400
    assert response.headers["content-type"].startswith("application/json")
    check_error_object(response.json())


@pytest.mark.parametrize("model", MODELS)
def test_a_slow_upstream_is_passed_on_whole(gateway: Gateway, simulators: Simulators, model: str) -> None:
    fault_on_chat(simulators, model, times=1, slow_bytes_per_second=4000)

    with open_stream(gateway, model) as response:
        data = list(events(response))

    assert data[-1] == "[DONE]"


def test_many_streams_at_once_do_not_mix(gateway: Gateway, simulators: Simulators) -> None:
    def talk(number: int) -> tuple[str, str]:
        model = MODELS[number % 2]
        messages = [{"role": "user", "content": f"Question number {number} of many."}]
        whole = gateway.chat(model, messages).json()["choices"][0]["message"]["content"]
        with open_stream(gateway, model, messages) as response:
            chunks = [json.loads(item) for item in events(response) if item != "[DONE]"]
        parts = [chunk["choices"][0]["delta"].get("content") or "" for chunk in chunks if chunk["choices"]]
        return whole, "".join(parts)

    with ThreadPoolExecutor(16) as pool:
        for whole, streamed in pool.map(talk, range(48)):
            assert whole == streamed
