"""Inputs of batches, and what becomes of the batches."""

import json
from typing import Any

import httpx

from .gateway import Gateway
from .waiting import until

CHAT = "/v1/chat/completions"
OPENAI_MODEL = "gpt-4o-mini-openai"
#: Several polls of a slow machine.
SECONDS_TO_END = 60
TERMINAL = {"completed", "failed", "expired", "cancelled"}


def line(custom_id: str, model: str = OPENAI_MODEL, content: Any = "Hello", url: str = CHAT, **body) -> str:
    """One request of a batch."""
    request = {"model": model, "messages": [{"role": "user", "content": content}]} | body
    return json.dumps({"custom_id": custom_id, "method": "POST", "url": url, "body": request})


def example(number: int) -> str:
    """One line of a training file."""
    turns = [{"role": "user", "content": f"Question {number}"}, {"role": "assistant", "content": f"Answer {number}"}]
    return json.dumps({"messages": turns})


def naming(file_id: str, text: str = "What is in it?") -> list[dict]:
    """The content of a message that names a file."""
    return [{"type": "text", "text": text}, {"type": "file", "file": {"file_id": file_id}}]


def jsonl(*lines: str | bytes, end: bytes = b"\n") -> bytes:
    """A whole input."""
    return b"".join((one.encode() if isinstance(one, str) else one) + end for one in lines)


def upload(
    gateway: Gateway,
    content: bytes,
    http: httpx.Client | None = None,
    targets: str = OPENAI_MODEL,
    purpose: str = "batch",
) -> str:
    """Uploads an input and returns its id."""
    response = (http or gateway.admin).post(
        "/v1/files",
        files={"file": ("input.jsonl", content, "application/jsonl")},
        data={"purpose": purpose, "target_model_names": targets},
    )
    assert response.status_code == 200, response.text
    return response.json()["id"]


def post(gateway: Gateway, file_id: str, http: httpx.Client | None = None, **more) -> httpx.Response:
    """Asks for a batch; members of `more` that are None are left out."""
    body = {"input_file_id": file_id, "endpoint": CHAT, "completion_window": "24h"} | more
    body = {name: value for name, value in body.items() if value is not None}
    return (http or gateway.admin).post("/v1/batches", json=body)


def create(gateway: Gateway, file_id: str, http: httpx.Client | None = None, **more) -> dict:
    """Makes a batch that must be accepted."""
    response = post(gateway, file_id, http, **more)
    assert response.status_code == 200, response.text
    return response.json()


def get(gateway: Gateway, batch_id: str, http: httpx.Client | None = None) -> dict:
    response = (http or gateway.admin).get(f"/v1/batches/{batch_id}")
    assert response.status_code == 200, response.text
    return response.json()


def ended(gateway: Gateway, batch_id: str, http: httpx.Client | None = None, seconds: float = SECONDS_TO_END) -> dict:
    """Waits until a batch is over and returns it."""
    last: dict = {}

    def is_over() -> bool:
        last.update(get(gateway, batch_id, http))
        return last["status"] in TERMINAL

    until(f"the batch {batch_id} is over", is_over, seconds)
    return last


def results(gateway: Gateway, file_id: str, http: httpx.Client | None = None) -> dict[str, dict]:
    """The lines of an output or error file by their custom ids."""
    response = (http or gateway.admin).get(f"/v1/files/{file_id}/content")
    assert response.status_code == 200, response.text
    entries = [json.loads(one) for one in response.text.splitlines()]
    return {entry["custom_id"]: entry for entry in entries}
