"""Providers that a manifest alone describes: those that are shipped, and ones that a test adds."""

import json
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import openai
import pytest

from support.documents import Multipart
from support.gateway import PLUGINS, Gateway, clean_environment, configuration, run_gantry, write_configuration
from support.recorder import Recorder
from support.simulators import Simulators
from support.waiting import until

FILES = {"files.create", "files.retrieve", "files.delete", "files.list", "files.content"}
KEPT = {"responses.create", "responses.retrieve", "responses.delete"}
#: What each shipped provider has besides chat and the list of its models.
OFFERS: dict[str, set[str]] = {
    "mistral": {"embeddings"} | FILES,
    "groq": {"responses.create", "batches"} | FILES,
    "together_ai": {"embeddings"},
    "fireworks_ai": {"embeddings"} | KEPT,
    "deepseek": set(),
    "xai": KEPT | FILES - {"files.content"},
    "openrouter": {"embeddings", "responses.create"},
    "hosted_vllm": {"embeddings", "responses.create"},
    "ollama": {"embeddings", "responses.create"},
    "llama_cpp": {"embeddings", "responses.create"},
    "lm_studio": {"embeddings", "responses.create"},
    "cerebras": set(),
    "deepinfra": {"embeddings"},
}
PROVIDERS = sorted(OFFERS)
BATCH_LINE = {"custom_id": "a", "method": "POST", "url": "/v1/chat/completions"}


def shipped() -> dict[str, Path]:
    """The manifests in `plugins.d` that have no library, by their ids."""
    manifests = {}
    for path in PLUGINS.glob("*.yaml"):
        text = path.read_text()
        if re.search(r"(?m)^wire: openai$", text):
            manifests[re.search(r"(?m)^id: (\S+)$", text)[1]] = path
    return manifests


def environment(**more: str) -> dict[str, str]:
    """A clean environment without what the shipped manifests read, and with `more`."""
    names = {name for path in shipped().values() for name in re.findall(r"(?m)_env: (\S+)$", path.read_text())}
    return {name: value for name, value in clean_environment().items() if name not in names} | more


def entry(provider: str, base: str | None, model: str = "gpt-4o-mini", name: str | None = None, **more) -> dict:
    parameters = {"model": f"{provider}/{model}", "api_key": f"sk-sim-{provider}", "api_base": base} | more
    return {
        "model_name": name or provider,
        "litellm_params": {key: value for key, value in parameters.items() if value is not None},
    }


@pytest.fixture(scope="module")
def running_shipped(running_simulators: Simulators, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway with a chat and an embeddings model of every shipped provider, all at the simulated OpenAI."""
    base = running_simulators.openai_url
    models = [entry(provider, base) for provider in PROVIDERS]
    models += [entry(one, base, "text-embedding-3-small", f"{one}-embeddings") for one in PROVIDERS]
    config = configuration(*models, batch_poll_seconds=1)
    one = Gateway.start(tmp_path_factory.mktemp("wire"), config, environment=environment())
    one.secrets += [f"sk-sim-{provider}" for provider in PROVIDERS]
    yield one
    one.stop()


@pytest.fixture
def gateway(running_shipped: Gateway, simulators: Simulators) -> Gateway:
    return running_shipped


def assert_unsupported(response: httpx.Response) -> None:
    assert response.status_code == 400, response.text
    error = response.json()["error"]
    assert error["type"] == "invalid_request_error", error
    assert error["message"], error


class TestShippedProviders:
    """Every manifest of `plugins.d` serves what its provider has, and nothing else reaches the provider."""

    def test_this_table_knows_them_all(self) -> None:
        assert sorted(shipped()) == PROVIDERS

    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_chat_whole_and_streamed(self, gateway: Gateway, simulators: Simulators, provider: str) -> None:
        client = gateway.openai()
        messages = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hello?"}]

        whole = client.chat.completions.create(model=provider, messages=messages, max_completion_tokens=50)
        chunks = list(client.chat.completions.create(model=provider, messages=messages, stream=True))

        assert whole.choices[0].message.content
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)
        seen = simulators.requests("openai", "/v1/chat/completions")
        assert [(request["account"], request["status"]) for request in seen] == [(provider, 200)] * 2

    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_embeddings(self, gateway: Gateway, simulators: Simulators, provider: str) -> None:
        body = {"model": f"{provider}-embeddings", "input": "Hello"}

        response = gateway.admin.post("/v1/embeddings", json=body)

        if "embeddings" in OFFERS[provider]:
            assert response.status_code == 200, response.text
            assert response.json()["data"][0]["embedding"]
        else:
            assert_unsupported(response)
            assert simulators.requests("openai") == []

    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_responses(self, gateway: Gateway, simulators: Simulators, provider: str) -> None:
        offers = OFFERS[provider]
        response = gateway.admin.post("/v1/responses", json={"model": provider, "input": "Hello"})
        if "responses.create" not in offers:
            assert_unsupported(response)
            assert simulators.requests("openai") == []
            return
        assert response.status_code == 200, response.text
        made = response.json()["id"]
        with gateway.openai().responses.create(model=provider, input="Hello", stream=True) as stream:
            assert [event.type for event in stream][-1] == "response.completed"

        read = gateway.admin.get(f"/v1/responses/{made}")
        items = gateway.admin.get(f"/v1/responses/{made}/input_items")
        cancelled = gateway.admin.post(f"/v1/responses/{made}/cancel")

        if "responses.retrieve" in offers:
            assert (read.status_code, read.json()["id"]) == (200, made)
            assert_unsupported(items)
            assert_unsupported(cancelled)
            assert gateway.admin.delete(f"/v1/responses/{made}").status_code == 200
            assert [request["method"] for request in simulators.requests("openai", "/v1/responses/")] == [
                "GET",
                "DELETE",
            ]
        else:
            # What cannot be asked for again is not kept: nobody knows it.
            assert [one.status_code for one in (read, items, cancelled)] == [404] * 3
            assert simulators.requests("openai", "/v1/responses/") == []

    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_files(self, gateway: Gateway, simulators: Simulators, provider: str) -> None:
        offers = OFFERS[provider]
        lines = json.dumps(BATCH_LINE | {"body": {"model": provider, "messages": []}}).encode() + b"\n"
        form = Multipart().fields([("purpose", "batch"), ("target_model_names", provider)])
        form.file(lines, 'filename="lines.jsonl"', "application/jsonl")

        made = gateway.post_file(form)

        if "files.create" not in offers:
            assert_unsupported(made)
            assert simulators.requests("openai") == []
            return
        assert made.status_code == 200, made.text
        file = made.json()["id"]
        content = gateway.admin.get(f"/v1/files/{file}/content")
        if "files.content" in offers:
            assert (content.status_code, content.content) == (200, lines)
        else:
            assert_unsupported(content)
            assert simulators.requests("openai", "/content") == []
        if "batches" not in offers:
            body = {"input_file_id": file, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
            assert_unsupported(gateway.admin.post("/v1/batches", json=body))
        assert gateway.admin.delete(f"/v1/files/{file}").json()["deleted"] is True
        assert simulators.openai_files(provider) == []
        assert simulators.requests("openai", "/v1/batches") == []

    @pytest.mark.parametrize("provider", PROVIDERS)
    def test_jobs_are_nowhere(self, gateway: Gateway, simulators: Simulators, provider: str) -> None:
        assert_unsupported(
            gateway.admin.post("/v1/fine_tuning/jobs", json={"model": provider, "training_file": "file-abc"})
        )
        assert simulators.requests("openai") == []

    def test_health_asks_for_the_models_of_each(self, gateway: Gateway, simulators: Simulators) -> None:
        health = gateway.admin.get("/health").json()

        assert health["unhealthy_count"] == 0, health
        assert {request["account"] for request in simulators.requests("openai", "/v1/models")} == set(PROVIDERS)

    def test_a_batch_at_one_that_has_batches(self, gateway: Gateway, simulators: Simulators) -> None:
        client = gateway.openai()
        body = {"model": "groq", "messages": [{"role": "user", "content": "Hello?"}]}
        lines = json.dumps(BATCH_LINE | {"body": body}).encode() + b"\n"
        targets = {"target_model_names": "groq"}

        file = client.files.create(file=("in.jsonl", lines), purpose="batch", extra_body=targets)
        batch = client.batches.create(input_file_id=file.id, endpoint="/v1/chat/completions", completion_window="24h")
        until("the batch is over", lambda: client.batches.retrieve(batch.id).status == "completed", 60)

        output = client.files.content(client.batches.retrieve(batch.id).output_file_id).text
        assert json.loads(output.splitlines()[0])["response"]["status_code"] == 200
        assert {one["account"] for one in simulators.openai_objects("batches")} == {"groq"}
        assert client.files.delete(file.id).deleted


@pytest.fixture(scope="module")
def running_recorder() -> Iterator[Recorder]:
    one = Recorder()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def plugins(running_recorder: Recorder, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped manifests and one that nobody ships."""
    folder = tmp_path_factory.mktemp("plugins") / "plugins.d"
    shutil.copytree(PLUGINS, folder)
    acme = folder / "acme.yaml"
    acme.write_text(f"""
id: acme
version: "7"
wire: openai
providers: [acme]
base_url: {running_recorder.origin}/openai/v1
headers:
  X-Acme-Key: "Key {{api_key}}"
  X-Acme-Team: "{{team}}"
  X-Acme-Account: "{{account}}"
  X-Acme-Client: gantry
secrets: {{team: os.environ/ACME_TEAM}}
api_key_env: ACME_KEY
operations: [chat, models, files.create, files.delete]
quirks:
  file_purposes: {{user_data: ocr}}
""")
    acme.chmod(0o644)
    return folder


ACME = {"ACME_TEAM": "team-secret-93", "ACME_KEY": "acme-key-71"}
#: What must never leave for a provider that it is not of.
FOREIGN = {"OPENAI_API_KEY": "sk-openai-own", "OPENAI_BASE_URL": "http://127.0.0.1:9/v1"}


@pytest.fixture(scope="module")
def running_acme(
    plugins: Path, running_recorder: Recorder, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    origin = running_recorder.origin
    config = configuration(
        entry("acme", None, "large-1", "acme", api_key=None, account="account-secret-55"),
        entry("ollama_chat", origin, "llama:7b", "ollama", api_key=None),
        entry("ollama", f"{origin}/v1", "llama:7b", "ollama-with-key", api_key="ollama-key-38"),
        entry("mistral", f"{origin}/v1", "small", "mistral", api_key="mistral-key-12"),
        entry("hosted_vllm", None, "org/model", "vllm", api_key=None),
    )
    variables = environment(**ACME, **FOREIGN, HOSTED_VLLM_API_BASE=f"{origin}/vllm/v1")
    one = Gateway.start(tmp_path_factory.mktemp("acme"), config, plugins=plugins, environment=variables)
    one.secrets += [*ACME.values(), "account-secret-55", "ollama-key-38", "mistral-key-12", "sk-openai-own"]
    yield one
    one.stop()


@pytest.fixture
def recorder(running_recorder: Recorder) -> Recorder:
    running_recorder.reset()
    return running_recorder


@pytest.fixture
def acme(running_acme: Gateway, recorder: Recorder) -> Gateway:
    return running_acme


class TestAProviderOfOnesOwn:
    """A manifest makes a provider that Gantry has never heard of."""

    def test_openais_sdk_reaches_it(self, acme: Gateway, recorder: Recorder) -> None:
        answer = acme.openai().chat.completions.create(model="acme", messages=[{"role": "user", "content": "Hi"}])

        assert answer.choices[0].message.content == "Yes."
        (request,) = recorder.requests
        assert (request.method, request.path) == ("POST", "/openai/v1/chat/completions")
        assert request.json["model"] == "large-1"

    def test_its_headers_have_their_secrets_and_no_others(self, acme: Gateway, recorder: Recorder) -> None:
        response = acme.chat("acme", "Hi")

        (request,) = recorder.requests
        assert request.headers["x-acme-key"] == "Key acme-key-71"
        assert request.headers["x-acme-team"] == "team-secret-93"
        assert request.headers["x-acme-account"] == "account-secret-55"
        assert request.headers["x-acme-client"] == "gantry"
        assert "authorization" not in request.headers
        sent = repr(request.headers) + request.body.decode()
        assert "sk-openai-own" not in sent
        assert "sk-1234" not in sent
        assert not any(secret in repr(response.headers) + response.text for secret in ACME.values())

    def test_a_secret_that_it_repeats_is_masked(self, acme: Gateway, recorder: Recorder) -> None:
        recorder.answer = lambda _request: (400, {"error": {"message": "Bad team team-secret-93 acme-key-71."}})

        response = acme.chat("acme", "Hi")

        assert response.status_code == 400
        assert "Bad team [secret] [secret]." in response.json()["error"]["message"]

    @pytest.mark.parametrize(
        ("status", "body", "expected", "message"),
        [
            (422, {"detail": [{"loc": ["body", "n"], "msg": "too large"}]}, 400, "body.n: too large"),
            (400, {"message": "Plain words"}, 400, "Plain words"),
            (400, {"error": "Only a text"}, 400, "Only a text"),
            (400, {"detail": "Some detail"}, 400, "Some detail"),
            (402, {"error": {"message": "No money"}}, 429, "No money"),
            (404, {"object": "error", "message": "No model", "code": 404}, 404, "No model"),
            (500, ["?"], 503, "status 500"),
        ],
    )
    def test_refusals_in_other_forms_are_read(
        self, acme: Gateway, recorder: Recorder, status: int, body: object, expected: int, message: str
    ) -> None:
        recorder.answer = lambda _request: (status, body)

        response = acme.chat("acme", "Hi", num_retries=0)

        assert response.status_code == expected, response.text
        assert message in response.json()["error"]["message"]

    def test_what_it_does_not_have_is_refused_here(self, acme: Gateway, recorder: Recorder) -> None:
        with pytest.raises(openai.BadRequestError):
            acme.openai().embeddings.create(model="acme", input="Hi")
        with pytest.raises(openai.BadRequestError):
            acme.openai().responses.create(model="acme", input="Hi")

        assert recorder.requests == []

    def test_purposes_of_files_are_its_own(self, acme: Gateway, recorder: Recorder) -> None:
        recorder.answer = lambda request: (
            (200, {"id": "f-1", "object": "file", "deleted": True})
            if request.method == "DELETE"
            else (200, {"id": "f-1", "object": "file", "bytes": 5, "created_at": 1, "purpose": "ocr"})
        )

        file = acme.upload(b"Hello", "acme")
        removed = acme.admin.delete(f"/v1/files/{file['id']}")

        assert file["purpose"] == "user_data"
        assert removed.json()["deleted"] is True
        create, delete = recorder.requests
        assert b'name="purpose"\r\n\r\nocr\r\n' in create.body
        assert (delete.method, delete.path) == ("DELETE", "/openai/v1/files/f-1")


class TestQuirks:
    """What a shipped manifest says of its provider is done to the requests."""

    MESSAGES = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": "Hi"}]

    def test_ollama_without_a_key_and_a_path(self, acme: Gateway, recorder: Recorder) -> None:
        assert acme.chat("ollama", self.MESSAGES, max_completion_tokens=7).status_code == 200
        assert acme.chat("ollama-with-key", self.MESSAGES).status_code == 200

        bare, keyed = recorder.requests
        assert bare.path == keyed.path == "/v1/chat/completions"
        assert "authorization" not in bare.headers
        assert keyed.headers["authorization"] == "Bearer ollama-key-38"
        assert bare.json == {
            "model": "llama:7b",
            "messages": [{"role": "system", "content": "Be brief."}, self.MESSAGES[1]],
            "max_tokens": 7,
        }

    def test_mistral_keeps_the_role(self, acme: Gateway, recorder: Recorder) -> None:
        acme.chat("mistral", self.MESSAGES, max_completion_tokens=7)

        (request,) = recorder.requests
        assert request.json == {"model": "small", "messages": self.MESSAGES, "max_tokens": 7}

    def test_one_limit_under_two_names_is_refused(self, acme: Gateway, recorder: Recorder) -> None:
        response = acme.chat("mistral", "Hi", max_completion_tokens=7, max_tokens=8)

        assert response.status_code == 400
        assert response.json()["error"]["param"] == "max_completion_tokens"
        assert recorder.requests == []

    def test_a_server_whose_place_comes_from_the_environment(self, acme: Gateway, recorder: Recorder) -> None:
        assert acme.chat("vllm", "Hi").status_code == 200

        (request,) = recorder.requests
        assert request.path == "/vllm/v1/chat/completions"
        assert request.json["model"] == "org/model"
        assert "authorization" not in request.headers


def test_a_file_beside_the_manifests_is_not_the_adapter(plugins: Path, tmp_path: Path) -> None:
    folder = tmp_path / "plugins.d"
    shutil.copytree(plugins, folder)
    (folder / "libgantry-plugin-openai.so").write_text("This is no library.")
    path = write_configuration(tmp_path / "config.yaml", configuration(entry("mistral", None)))

    command = ["check", "--config", path, "--plugins", folder, "--data", tmp_path / "data"]
    ended = run_gantry(*command, environment=environment(**ACME))

    assert ended.returncode == 0, ended.stdout + ended.stderr


class TestMistakes:
    """`gantry check` says where and what is wrong."""

    @pytest.fixture
    def check(self, plugins: Path, tmp_path: Path) -> Callable[..., str]:
        def check(*models: dict, manifest: str | None = None, **variables: str) -> str:
            folder = tmp_path / "plugins.d"
            shutil.copytree(plugins, folder)
            if manifest is not None:
                (folder / "broken.yaml").write_text(manifest)
            path = write_configuration(tmp_path / "config.yaml", configuration(*models))
            command = ["check", "--config", path, "--plugins", folder, "--data", tmp_path / "data"]
            ended = run_gantry(*command, environment=environment(ACME_TEAM="team-secret-93", **variables))
            assert "team-secret-93" not in ended.stdout + ended.stderr
            assert ended.returncode == 2, ended.stdout + ended.stderr
            return ended.stderr

        return check

    def test_a_key_of_the_manifest(self, check: Callable[..., str]) -> None:
        text = 'id: x\nversion: "1"\nwire: openai\noperations: [chat, imagery]\n'

        told = check(entry("acme", None, account="a"), manifest=text)

        assert re.search(r"broken\.yaml:4: operations\[1\]: \"imagery\" is no operation\.", told)

    def test_a_key_that_is_nowhere(self, check: Callable[..., str]) -> None:
        told = check(entry("acme", None, api_key=None, account="a"), **FOREIGN)

        assert "acme needs `api_key`: set it in the deployment or set ACME_KEY." in told
        assert "config.yaml" in told

    def test_a_server_that_is_nowhere(self, check: Callable[..., str]) -> None:
        told = check(entry("hosted_vllm", None, api_key=None), **FOREIGN)

        assert "`api_base` of a deployment of hosted_vllm: it is needed." in told

    def test_a_parameter_that_nobody_knows(self, check: Callable[..., str]) -> None:
        told = check(entry("mistral", None, safe_prompt=True))

        assert "mistral has no parameter `safe_prompt`; remove it." in told
