"""The shipped plugins in worker processes: all works as in the gateway itself, and a dead worker costs little."""

import json
import os
import re
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from support import children
from support.documents import file_message, pdf
from support.errors import check_error_object
from support.gateway import (
    BUILD,
    PLUGINS,
    Gateway,
    clean_environment,
    configuration,
    run_gantry,
    write_configuration,
)
from support.simulators import Simulators
from support.waiting import until

MODEL = "gpt-4o-mini-openai"
VERTEX_MODEL = "gemini-2.0-flash"
SECONDS = 60


def isolated_plugins(folder: Path, **limits: int) -> Path:
    """The shipped manifests with `isolation: process`."""
    folder.mkdir(mode=0o755)
    for name in ("openai.yaml", "vertex_ai.yaml"):
        lines = (PLUGINS / name).read_text().splitlines()
        kept = [line for line in lines if not line.startswith(("isolation:", "library:"))]
        [library] = [line.split(":", 1)[1].strip() for line in lines if line.startswith("library:")]
        kept += [f"library: {BUILD / library}", "isolation: process"]
        if limits:
            kept.append(f"limits: {json.dumps(limits)}")
        (folder / name).write_text("\n".join(kept) + "\n")
        (folder / name).chmod(0o644)
    return folder


def workers(gateway: Gateway) -> set[int]:
    """The process ids of a gateway's workers."""
    return set(children.workers(gateway.process.pid))


def is_alive(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def start(
    start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict], tmp_path: Path
) -> Callable[..., Gateway]:
    """Starts a gateway whose plugins run in workers."""

    def begin(settings: dict | None = None, **limits: int) -> Gateway:
        plugins = isolated_plugins(tmp_path / "plugins.d", **limits)
        return start_gateway(standard_configuration(**(settings or {})), plugins=plugins)

    return begin


def test_a_worker_gets_the_variables_that_its_manifest_lists_and_no_others(
    simulators: Simulators, tmp_path: Path
) -> None:
    plugins = isolated_plugins(tmp_path / "plugins.d")
    config = configuration({"model_name": "large", "litellm_params": {"model": "openai/gpt-4o-mini"}})
    variables = clean_environment(OPENAI_API_KEY="sk-sim-main", OPENAI_BASE_URL=simulators.openai_url)
    gateway = Gateway.start(tmp_path / "gateway", config, plugins=plugins, environment=variables)
    try:
        assert gateway.chat("large", "Hello?").status_code == 200
    finally:
        gateway.stop()

    manifest = plugins / "openai.yaml"
    manifest.write_text(re.sub(r"(?m)^environment: .*$", "environment: []", manifest.read_text()))
    path = write_configuration(tmp_path / "config.yaml", config)
    command = ["check", "--config", path, "--plugins", plugins, "--data", tmp_path / "data"]
    refused = run_gantry(*command, environment=variables)

    assert refused.returncode == 2, refused.stdout + refused.stderr
    assert "api_key" in refused.stderr
    assert "sk-sim-main" not in refused.stdout + refused.stderr


def kill_all(gateway: Gateway) -> None:
    for process in workers(gateway):
        os.kill(process, signal.SIGKILL)


def test_everything_works_as_it_does_in_the_gateway_itself(start: Callable[..., Gateway]) -> None:
    gateway = start({"batch_poll_seconds": 1})
    assert len(workers(gateway)) == 4, "two for each plugin"
    client = gateway.openai()

    for model in (MODEL, VERTEX_MODEL):
        answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": "Hello"}])
        assert answer.choices[0].message.content
        chunks = list(
            client.chat.completions.create(
                model=model, messages=[{"role": "user", "content": "Tell me a story."}], stream=True
            )
        )
        assert chunks[-1].choices[0].finish_reason == "stop"
    assert client.embeddings.create(model="embeddings", input="words").data[0].embedding
    assert client.responses.create(model=MODEL, input="Hello").output_text

    file = client.files.create(
        file=("paper.pdf", pdf()), purpose="user_data", extra_body={"target_model_names": f"{MODEL},{VERTEX_MODEL}"}
    )
    for model in (MODEL, VERTEX_MODEL):
        answer = gateway.chat(model, file_message(file.id))
        assert answer.status_code == 200 and "paper.pdf" in answer.text
    assert client.files.delete(file.id).deleted

    for model in (MODEL, VERTEX_MODEL):
        lines = b"".join(
            json.dumps(
                {
                    "custom_id": f"r{number}",
                    "method": "POST",
                    "url": "/v1/chat/completions",
                    "body": {"model": model, "messages": [{"role": "user", "content": f"Hello {number}"}]},
                }
            ).encode()
            + b"\n"
            for number in range(50)
        )
        source = client.files.create(
            file=("in.jsonl", lines), purpose="batch", extra_body={"target_model_names": model}
        )
        batch = client.batches.create(input_file_id=source.id, endpoint="/v1/chat/completions", completion_window="24h")
        until("the batch has ended", lambda i=batch.id: client.batches.retrieve(i).output_file_id, SECONDS)
        done = client.batches.retrieve(batch.id)
        assert (done.status, done.request_counts.completed) == ("completed", 50)
        assert len(client.files.content(done.output_file_id).text.splitlines()) == 50


def test_a_large_chat_goes_through_a_worker(start: Callable[..., Gateway]) -> None:
    gateway = start(workers=1)

    answer = gateway.chat(MODEL, "x" * (6 << 20))

    assert answer.status_code == 200, answer.text[:500]


def test_a_worker_that_is_killed_fails_its_streams_and_the_next_request_is_served(
    start: Callable[..., Gateway], simulators: Simulators
) -> None:
    gateway = start(workers=1)
    before = workers(gateway)
    simulators.fault("openai", path_prefix="/v1/chat", times=1, event_delay_ms=1000)
    body = {"model": MODEL, "messages": [{"role": "user", "content": "Tell me a story."}], "stream": True}

    with gateway.admin.stream("POST", "/v1/chat/completions", json=body) as response:
        assert response.status_code == 200
        lines = response.iter_lines()
        next(line for line in lines if line.startswith("data: "))
        kill_all(gateway)
        rest = [line.removeprefix("data: ") for line in lines if line.startswith("data: ")]

    assert "[DONE]" not in rest
    error = json.loads(rest[-1])
    check_error_object(error)
    assert error["error"]["code"] == "plugin_failed"
    until("a chat is served again", lambda: gateway.chat(MODEL, "Hello").status_code == 200)
    until("workers are there again", lambda: len(workers(gateway)) == 2)
    assert not workers(gateway) & before
    until("the upstream call is dropped", lambda: simulators.state()["open_requests"] == 0)


def test_the_other_worker_serves_while_one_is_dead(start: Callable[..., Gateway], simulators: Simulators) -> None:
    gateway = start(workers=2)
    deadline = time.monotonic() + 3
    statuses: list[int] = []

    def ask() -> None:
        with gateway.client() as client:
            while time.monotonic() < deadline:
                statuses.append(gateway.chat(MODEL, "Hello", client).status_code)

    with ThreadPoolExecutor(4) as threads:
        running = [threads.submit(ask) for _ in range(4)]
        for _ in range(3):
            one = min(workers(gateway))
            os.kill(one, signal.SIGKILL)
            until("it is replaced", lambda gone=one: len(workers(gateway) - {gone}) == 4)
        for asking in running:
            asking.result()

    # A request that was in the worker fails, or is tried again; none is skipped, and none is answered by nobody.
    assert set(statuses) <= {200, 503}
    assert statuses.count(200) > statuses.count(503)
    assert gateway.chat(MODEL, "Hello").status_code == 200


def test_a_request_is_refused_with_retry_after_while_no_worker_lives(
    start: Callable[..., Gateway], simulators: Simulators
) -> None:
    gateway = start(workers=1)
    answers: list[httpx.Response] = []

    def refused() -> bool:
        kill_all(gateway)
        answers.append(gateway.chat(MODEL, "Hello"))
        return answers[-1].status_code != 200

    until("a request comes while there is no worker", refused, SECONDS)

    assert answers[-1].status_code == 503
    check_error_object(answers[-1].json())
    assert answers[-1].json()["error"]["code"] == "plugin_failed"
    assert int(answers[-1].headers["retry-after"]) >= 1
    until("a chat is served again", lambda: gateway.chat(MODEL, "Hello").status_code == 200, SECONDS)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_workers_end_with_the_gateway(start: Callable[..., Gateway], how: signal.Signals) -> None:
    gateway = start(workers=2)
    assert gateway.chat(MODEL, "Hello").status_code == 200
    there = workers(gateway)
    assert len(there) == 4

    gateway.signal(how)
    gateway.process.wait(SECONDS)

    until("no worker is left", lambda: not any(is_alive(process) for process in there))
