"""Plain C functions that a manifest binds to hooks of the adapter for OpenAI's wire, and to names of its own."""

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.gateway import Gateway, configuration, run_gantry, write_configuration
from support.recorder import Recorder
from support.simulators import Simulators

SOURCE = Path(__file__).parent / "support" / "functions.c"
FUNCTIONS = {
    "count": {"symbol": "acme_count", "signature": "i64(bytes)"},
    "half": {"symbol": "acme_half", "signature": "f64(f64)"},
    "live": {"symbol": "acme_live", "signature": "i32()"},
    "model": {"symbol": "acme_model", "signature": "i32(cstr, out)"},
    "nothing": {"symbol": "acme_nothing", "signature": "cstr()"},
    "request": {"symbol": "acme_request", "signature": "owned:acme_free(cstr)"},
    "reverse": {"symbol": "acme_reverse", "signature": "i32(bytes, out)"},
    "status": {"symbol": "acme_status", "signature": "status(i32)"},
}
NAMES = {
    "model_name": {"symbol": "acme_model", "signature": "i32(cstr, out)"},
    "file_ref": {"symbol": "acme_file", "signature": "i32(cstr, cstr, cstr, out)"},
    "sign": {"symbol": "acme_sign", "signature": "i32(cstr, cstr, bytes, i64, out)"},
    "request_body": {"symbol": "acme_request", "signature": "owned:acme_free(cstr)"},
}
ANSWERS = NAMES | {
    "request_body": {"symbol": "acme_check", "signature": "status(bytes, out)"},
    "response_body": {"symbol": "acme_response", "signature": "owned:acme_free(cstr)"},
    "stream_chunk": {"symbol": "acme_chunk", "signature": "owned:acme_free(cstr)"},
    "count_tokens": {"symbol": "acme_count", "signature": "i64(bytes)"},
}
#: Where the functions run.
ISOLATIONS = ["in_process", "process"]


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled functions."""
    folder = tmp_path_factory.mktemp("functions")
    path = folder / "libacme.so"
    subprocess.run(
        ["cc", "-shared", "-fPIC", "-D_GNU_SOURCE", "-o", path, SOURCE], check=True, capture_output=True, text=True
    )
    path.chmod(0o755)
    return path


def manifest(library: Path, provider: str, base: str, isolation: str, hooks: dict, **more) -> dict:
    """A manifest of a provider whose adapter calls these hooks."""
    return {
        "id": provider,
        "version": "1",
        "wire": "openai",
        "providers": [provider],
        "base_url": base,
        "headers": {"Authorization": "Bearer {api_key}"},
        "operations": ["chat", "embeddings", "responses.create", "models", "files.create", "files.delete"],
        "isolation": isolation,
        "functions_library": str(library),
        "hooks": hooks,
        "functions": FUNCTIONS,
    } | more


def entry(provider: str, model: str = "mini", name: str | None = None) -> dict:
    parameters = {"model": f"{provider}/{model}", "api_key": "sk-sim-main"}
    return {"model_name": name or provider, "litellm_params": parameters}


def write_manifests(folder: Path, *manifests: dict) -> Path:
    folder.mkdir(mode=0o755)
    for one in manifests:
        path = folder / f"{one['id']}.yaml"
        path.write_text(json.dumps(one, indent=2))
        path.chmod(0o644)
    return folder


@pytest.fixture(scope="module")
def recorder() -> Iterator[Recorder]:
    one = Recorder()
    yield one
    one.stop()


@pytest.fixture(scope="module", params=ISOLATIONS)
def running(
    request: pytest.FixtureRequest,
    library: Path,
    recorder: Recorder,
    running_simulators: Simulators,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Gateway]:
    """A gateway with a provider that only records, `names`, and the simulated OpenAI, `answers`."""
    folder = tmp_path_factory.mktemp("gateway")
    plugins = write_manifests(
        folder / "plugins.d",
        manifest(library, "names", recorder.origin + "/v1", request.param, NAMES),
        manifest(library, "answers", running_simulators.openai_url, request.param, ANSWERS),
    )
    models = [entry("names"), entry("names", "bad", "bad"), entry("answers"), entry("answers", "bad", "bad-answers")]
    one = Gateway.start(folder, configuration(*models), plugins=plugins)
    yield one
    one.stop()


@pytest.fixture
def gateway(running: Gateway, recorder: Recorder, simulators: Simulators) -> Gateway:
    recorder.reset()
    return running


def call(gateway: Gateway, name: str, *arguments: object, plugin: str = "answers", http=None):
    body = {"arguments": list(arguments)}
    return (http or gateway.admin).post(f"/plugins/{plugin}/functions/{name}", json=body)


class TestHooksOfRequests:
    def test_names_bodies_and_signatures_are_the_functions(self, gateway: Gateway, recorder: Recorder) -> None:
        answer = gateway.chat("names", "Hello?")

        assert answer.status_code == 200, answer.text
        (request,) = recorder.requests
        assert request.json == {
            "user": "acme",
            "model": "gpt-4o-mini",
            "messages": [{"role": "user", "content": "Hello?"}],
        }
        length = len(request.body)
        assert request.headers["x-acme-signature"] == f"POST /v1/chat/completions {length}"
        assert request.headers["x-acme-time"] == "1"
        assert request.headers["authorization"] == "Bearer sk-sim-main"
        assert int(request.headers["content-length"]) == length

    def test_a_file_stands_in_the_request_as_its_function_says(self, gateway: Gateway, recorder: Recorder) -> None:
        recorder.answer = lambda _request: (200, {"id": "file-there", "bytes": 3, "status": "processed"})
        file = gateway.upload(targets="names")
        (upload,) = recorder.requests
        recorder.reset()
        content = [{"type": "text", "text": "Look."}, {"type": "file", "file": {"file_id": file["id"]}}]

        answer = gateway.chat("names", [{"role": "user", "content": content}])

        assert answer.status_code == 200, answer.text
        (request,) = recorder.requests
        reference = request.json["messages"][0]["content"][1]["file"]["file_id"]
        assert reference.startswith("acme://file-there?"), reference
        # The gateway does not know the body of a form that it splices.
        assert upload.headers["x-acme-signature"] == "POST /v1/files 0"

    def test_a_long_request_goes_through(self, gateway: Gateway, recorder: Recorder) -> None:
        text = "ä" * 2_000_000

        answer = gateway.chat("names", text)

        assert answer.status_code == 200, answer.text
        assert recorder.requests[0].json["messages"][0]["content"] == text

    @pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/embeddings", "/v1/responses"])
    def test_a_hook_that_fails_is_not_skipped(self, gateway: Gateway, recorder: Recorder, path: str) -> None:
        answer = gateway.admin.post(path, json={"model": "bad", "messages": [], "input": "Hello?"})

        assert answer.status_code == 500, answer.text
        message = answer.json()["error"]["message"]
        assert "hook model_name" in message and "acme_model has failed with 7" in message, message
        assert recorder.requests == []

    def test_a_status_can_say_that_the_request_is_at_fault(self, gateway: Gateway, simulators: Simulators) -> None:
        answer = gateway.chat("answers", "Something forbidden.")

        assert answer.status_code == 400, answer.text
        message = answer.json()["error"]["message"]
        assert "hook request_body" in message and "acme_check has failed with GANTRY_E_INVALID" in message, message
        assert simulators.requests("openai", "/v1/chat") == []


class TestHooksOfAnswers:
    def test_a_whole_answer(self, gateway: Gateway) -> None:
        answer = gateway.chat("answers", "Hello?")

        assert answer.status_code == 200, answer.text
        assert answer.json()["acme"] is True
        assert answer.json()["model"] == "gpt-4o-mini"

    def test_the_events_of_a_stream(self, gateway: Gateway) -> None:
        client = gateway.openai()

        chunks = list(client.chat.completions.create(model="answers", messages=[], stream=True))
        with gateway.admin.stream(
            "POST", "/v1/chat/completions", json={"model": "answers", "messages": [], "stream": True}
        ) as response:
            lines = [line for line in response.iter_lines() if line]

        assert chunks and all(chunk.acme is True for chunk in chunks)
        assert "".join(chunk.choices[0].delta.content for chunk in chunks)
        assert lines[-1] == "data: [DONE]" and lines.count("data: [DONE]") == 1
        assert all('"acme":true' in line for line in lines[:-1])

    def test_a_response_and_its_id(self, gateway: Gateway) -> None:
        client = gateway.openai()

        response = client.responses.create(model="answers", input="Hello?", store=False)

        assert response.acme is True
        assert response.output_text

    def test_an_answer_without_usage_gets_one(self, gateway: Gateway, simulators: Simulators) -> None:
        message = {"role": "assistant", "content": "Yes."}
        body = {"id": "1", "object": "chat.completion", "choices": [{"index": 0, "message": message}]}
        simulators.fault("openai", path_contains="/chat/completions", status=200, body=body)

        answer = gateway.chat("answers", "Hello?")

        assert answer.status_code == 200, answer.text
        usage = answer.json()["usage"]
        assert usage["prompt_tokens"] > 20 and usage["completion_tokens"] > 20
        assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]

    def test_a_refusal_stays_the_providers(self, gateway: Gateway, simulators: Simulators) -> None:
        simulators.fault("openai", path_contains="/chat/completions", status=429, times=0)

        answer = gateway.chat("answers", "Hello?")

        assert answer.status_code == 429, answer.text
        assert "acme" not in answer.json()

    def test_nothing_is_leaked(self, gateway: Gateway) -> None:
        for _ in range(20):
            gateway.chat("answers", "Hello?")

        assert call(gateway, "live").json() == {"result": 0}


class TestFunctions:
    @pytest.mark.parametrize(
        ("name", "arguments", "expected"),
        [
            ("count", ["tëxt"], {"result": 5}),
            ("count", [{"base64": "AP8A"}], {"result": 3}),
            ("half", [5], {"result": 2.5}),
            ("half", [0.5], {"result": 0.25}),
            ("nothing", [], {"result": None}),
            ("request", ['{"a":1}'], {"result": '{"user":"acme","a":1}'}),
            ("request", ["no object"], {"result": None}),
            ("reverse", ["abc"], {"result": 0, "outputs": ["cba"]}),
            ("reverse", [{"base64": "AP8="}], {"result": 0, "outputs": [{"base64": "/wA="}]}),
            ("reverse", ["x" * 100_000], {"result": 0, "outputs": ["x" * 100_000]}),
            ("status", [0], {"result": None}),
            ("model", ["bad"], {"result": 7, "outputs": [{"base64": "AAAA"}]}),
        ],
    )
    def test_an_administrator_calls_one(self, gateway: Gateway, name: str, arguments: list, expected: dict) -> None:
        answer = call(gateway, name, *arguments)

        assert answer.status_code == 200, answer.text
        if name == "model":
            assert answer.json()["result"] == expected["result"]
        else:
            assert answer.json() == expected

    @pytest.mark.parametrize(
        ("name", "body", "parameter"),
        [
            ("half", {"arguments": ["1"]}, "arguments[0]"),
            ("half", {"arguments": []}, "arguments"),
            ("half", {"arguments": [1, 2]}, "arguments"),
            ("half", {}, "arguments"),
            ("half", {"arguments": 1}, "arguments"),
            ("half", {"arguments": [1], "more": 1}, "more"),
            ("status", {"arguments": [1 << 31]}, "arguments[0]"),
            ("request", {"arguments": ["a\0b"]}, "arguments[0]"),
            ("count", {"arguments": [{"base64": "?"}]}, "arguments[0]"),
        ],
    )
    def test_what_does_not_fit_is_told_by_its_place(
        self, gateway: Gateway, name: str, body: dict, parameter: str
    ) -> None:
        answer = gateway.admin.post(f"/plugins/answers/functions/{name}", json=body)

        assert answer.status_code == 400, answer.text
        assert answer.json()["error"]["param"] == parameter

    def test_a_function_that_fails(self, gateway: Gateway) -> None:
        answer = call(gateway, "status", -6)

        assert answer.status_code == 502, answer.text
        assert answer.json()["error"]["code"] == "function_failed"
        assert answer.json()["error"]["message"] == "acme_status has failed with GANTRY_E_NOTFOUND."

    @pytest.mark.parametrize(("plugin", "name"), [("answers", "absent"), ("absent", "half"), ("answers", "acme_half")])
    def test_what_is_not_there(self, gateway: Gateway, plugin: str, name: str) -> None:
        answer = call(gateway, name, 1, plugin=plugin)

        assert answer.status_code == 404, answer.text

    def test_they_are_for_administrators(self, gateway: Gateway) -> None:
        user = gateway.new_user()

        assert call(gateway, "half", 1, http=user.http).status_code == 403
        assert call(gateway, "half", 1, http=gateway.client(None)).status_code == 401

    def test_a_body_of_more_than_a_megabyte_is_refused(self, gateway: Gateway) -> None:
        answer = call(gateway, "count", "x" * (1 << 20))

        assert answer.status_code == 413, answer.text


class TestAWorkerOfFunctions:
    """What a function does in a process of its own hurts nobody but its caller."""

    @pytest.fixture(scope="class")
    def gateway(
        self, library: Path, running_simulators: Simulators, tmp_path_factory: pytest.TempPathFactory
    ) -> Iterator[Gateway]:
        folder = tmp_path_factory.mktemp("worker")
        more = {
            "crash": {"symbol": "acme_null", "signature": "i32()"},
            "rest": {"symbol": "acme_rest", "signature": "i32(i32)"},
        }
        text = manifest(library, "answers", running_simulators.openai_url, "process", ANSWERS)
        plugins = write_manifests(folder / "plugins.d", text | {"functions": FUNCTIONS | more})
        one = Gateway.start(folder, configuration(entry("answers")), plugins=plugins)
        yield one
        one.stop()

    def test_one_that_crashes_is_told_and_the_next_call_works(self, gateway: Gateway) -> None:
        for _ in range(3):
            answer = call(gateway, "crash")

            assert answer.status_code == 502, answer.text
            assert answer.json()["error"]["code"] == "function_failed"
            assert call(gateway, "half", 3).json() == {"result": 1.5}
            assert gateway.chat("answers", "Hello?").status_code == 200

    def test_one_that_does_not_come_back_is_killed(self, gateway: Gateway) -> None:
        answer = call(gateway, "rest", 3600)

        assert answer.status_code == 504, answer.text
        assert answer.json()["error"]["code"] == "function_timeout"
        assert call(gateway, "half", 3).json() == {"result": 1.5}
        assert gateway.chat("answers", "Hello?").status_code == 200


class TestTheCommand:
    """`gantry plugin call`."""

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return run_gantry("plugin", "call", *arguments)

    @pytest.mark.parametrize(
        ("symbol", "signature", "arguments", "output"),
        [
            ("acme_half", "f64(f64)", ["5"], "result: 2.5\n"),
            ("acme_half", "f64(f64)", ["--", "-1"], "result: -0.5\n"),
            ("acme_model", "i32(cstr, out)", ["mini"], "result: 0\nout: gpt-4o-mini\n"),
            ("acme_request", "owned:acme_free(cstr)", ["{}"], 'result: {"user":"acme",}\n'),
            ("acme_nothing", "cstr()", [], "result: nothing\n"),
            ("acme_count", "i64(bytes)", [f"@{SOURCE}"], f"result: {SOURCE.stat().st_size}\n"),
            ("acme_status", "status(i32)", ["0"], "result: nothing\n"),
        ],
    )
    def test_a_function_is_called(
        self, library: Path, symbol: str, signature: str, arguments: list[str], output: str
    ) -> None:
        run = self.run(library, symbol, signature, *arguments)

        assert (run.returncode, run.stderr) == (0, "")
        assert run.stdout == output

    def test_json(self, library: Path) -> None:
        run = self.run("--json", library, "acme_reverse", "i32(bytes, out)", "abc")

        assert json.loads(run.stdout) == {"result": 0, "outputs": ["cba"]}

    @pytest.mark.parametrize(
        ("symbol", "signature", "arguments", "code", "words"),
        [
            ("acme_half", "f64(double)", ["1"], 2, ["position 5", '"double" is no argument']),
            ("acme_half", "f64(f64)", ["x"], 2, ["argument 1", "f64"]),
            ("acme_half", "f64(f64)", [], 2, ["takes 1 arguments"]),
            ("acme_gone", "f64(f64)", ["1"], 2, ["no function acme_gone", "acme_half"]),
            ("a b", "f64(f64)", ["1"], 2, ["a b"]),
            ("acme_status", "status(i32)", ["--", "-5"], 1, ["GANTRY_E_LIMIT"]),
            ("acme_null", "i32()", [], 1, ["SIGSEGV"]),
        ],
    )
    def test_what_is_wrong_is_one_line_and_an_exit_code(
        self, library: Path, symbol: str, signature: str, arguments: list[str], code: int, words: list[str]
    ) -> None:
        run = self.run(library, symbol, signature, *arguments)

        assert run.returncode == code, run.stderr
        assert run.stdout == ""
        assert len(run.stderr.strip().splitlines()) == 1, run.stderr
        assert all(word in run.stderr for word in words), run.stderr

    def test_it_can_do_nothing_but_compute(self, tmp_path: Path) -> None:
        source = tmp_path / "reader.c"
        source.write_text(
            "#include <fcntl.h>\n#include <stdint.h>\n"
            'int32_t reads(void) { return open("/etc/passwd", O_RDONLY) >= 0; }\n'
        )
        library = tmp_path / "libreader.so"
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source], check=True)
        library.chmod(0o755)

        run = self.run(library, "reads", "i32()")

        assert run.returncode == 1 or run.stdout == "result: 0\n", run.stdout + run.stderr


class TestBadManifests:
    """`gantry check` names file, key and position; no code of the library runs before."""

    @pytest.fixture
    def check(self, tmp_path: Path, library: Path) -> Callable[..., str]:
        def run(hooks: dict | None = None, library: Path = library, **more) -> str:
            plugins = tmp_path / "plugins.d"
            shutil.rmtree(plugins, ignore_errors=True)
            text = manifest(library, "acme", "http://127.0.0.1:9/v1", "in_process", hooks or {}, **more)
            write_manifests(plugins, text)
            config = write_configuration(tmp_path / "config.yaml", configuration(entry("acme")))
            run = run_gantry("check", "--config", config, "--plugins", plugins, "--data", tmp_path / "data")
            assert run.returncode in (0, 2), run.stderr
            return run.stderr if run.returncode else ""

        return run

    @pytest.mark.parametrize(
        ("hooks", "words"),
        [
            (
                {"model_name": {"symbol": "acme_model", "signature": "i32(cstr, int)"}},
                ["acme.yaml", "hooks.model_name.signature", "position 11", '"int" is no argument'],
            ),
            (
                {"sign": {"symbol": "acme_sign", "signature": "i32(cstr, cstr, bytes, cstr, out)"}},
                ["hooks.sign.signature", "position 24", "time of sign is taken as i64"],
            ),
            (
                {"count_tokens": {"symbol": "acme_count", "signature": "f64(bytes)"}},
                ["hooks.count_tokens.signature", "position 1", "i64 or i32"],
            ),
            ({"model": {"symbol": "a", "signature": "cstr()"}}, ["hooks.model", "unknown key"]),
            (
                {"model_name": {"symbol": "acme_absent", "signature": "cstr(cstr)"}},
                ["libacme.so", "no function acme_absent", "model_name", "acme_check"],
            ),
            ({"model_name": {"symbol": "printf", "signature": "cstr(cstr)"}}, ["no function printf"]),
            (
                {"model_name": {"symbol": "acme_request", "signature": "owned:acme_gone(cstr)"}},
                ["libacme.so", "no function acme_gone"],
            ),
        ],
    )
    def test_hooks(self, check: Callable[..., str], hooks: dict, words: list[str]) -> None:
        message = check(hooks)

        assert all(word in message for word in words), message

    def test_the_library(self, check: Callable[..., str], library: Path, tmp_path: Path) -> None:
        copy = tmp_path / "libcopy.so"
        content = library.read_bytes()
        copy.write_bytes(content)
        copy.chmod(0o777)

        assert "others may write to it" in check(library=copy)
        copy.chmod(0o755)
        assert check(library=copy) == ""
        assert "SHA-256" in check(library=copy, functions_sha256="0" * 64)
        copy.write_bytes(content[: len(content) // 2])
        assert "truncated" in check(library=copy)
        copy.write_text("no library")
        assert "not an ELF file" in check(library=copy)
        assert "libabsent.so" in check(library=tmp_path / "libabsent.so")
