"""Starting, refusing to start, and ending without losing a request."""

import re
import shutil
import signal
import socket
import stat
import statistics
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from support.documents import file_message
from support.gateway import (
    BUILD,
    PLUGINS,
    ROOT,
    Gateway,
    clean_environment,
    configuration,
    openai_entry,
    run_gantry,
    vertex_entry,
    write_configuration,
)
from support.simulators import Simulators
from support.waiting import until

MODEL = "gpt-4o-mini-openai"


def refuses_connections(gateway: Gateway) -> bool:
    try:
        gateway.raw(seconds=2).close()
    except ConnectionRefusedError:
        return True
    return False


class TestSIGTERM:
    """The end: nothing new, everything old."""

    def test_lets_a_running_request_finish(
        self, simulators: Simulators, start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]
    ) -> None:
        gateway = start_gateway(standard_configuration())
        with ThreadPoolExecutor(1) as pool:
            with simulators.holding("openai", path_prefix="/v1/chat"):
                running = pool.submit(gateway.chat, MODEL, "Take your time.")
                simulators.wait_for_held_requests(1)
                gateway.signal(signal.SIGTERM)
                until("new connections are refused", lambda: refuses_connections(gateway))
                assert not running.done(), "the request ended with the gateway"
            response = running.result(timeout=20)

        assert response.status_code == 200, response.text
        assert gateway.process.wait(10) == 0

    def test_lets_a_running_stream_finish(
        self, simulators: Simulators, start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]
    ) -> None:
        gateway = start_gateway(standard_configuration())
        simulators.fault("openai", path_prefix="/v1/chat", times=1, event_delay_ms=300)
        body = {"model": MODEL, "messages": [{"role": "user", "content": "Hello"}], "stream": True}

        with gateway.admin.stream("POST", "/v1/chat/completions", json=body) as response:
            lines = response.iter_lines()
            first = next(lines)
            gateway.signal(signal.SIGTERM)
            rest = [line for line in lines if line]

        assert first.startswith("data: ") and rest[-1] == "data: [DONE]"
        assert gateway.process.wait(10) == 0

    def test_lets_a_running_upload_finish(
        self, simulators: Simulators, start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]
    ) -> None:
        gateway = start_gateway(standard_configuration())
        with ThreadPoolExecutor(1) as pool:
            with simulators.holding("openai", path_prefix="/v1/files", method="POST"):
                running = pool.submit(gateway.upload, None, f"{MODEL},gemini-2.0-flash")
                simulators.wait_for_held_requests(1)
                gateway.signal(signal.SIGTERM)
                until("new connections are refused", lambda: refuses_connections(gateway))
            file_id = running.result(timeout=20)["id"]

        assert gateway.process.wait(10) == 0
        again = start_gateway(standard_configuration(), data=gateway.data)
        assert again.admin.get(f"/v1/files/{file_id}").status_code == 200

    def test_does_not_wait_for_ever(
        self, simulators: Simulators, start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]
    ) -> None:
        gateway = start_gateway(standard_configuration(drain_seconds=2))
        simulators.fault("openai", path_prefix="/v1/chat", times=0, never_answer=True)

        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(gateway.chat, MODEL, "Never answer.")
            simulators.wait_for_open_request()
            gateway.signal(signal.SIGTERM)
            gateway.process.wait(10)
            assert isinstance(running.exception(timeout=10), httpx.TransportError) or running.result().is_error

    def test_does_not_wait_for_an_upload_for_ever(
        self, simulators: Simulators, start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]
    ) -> None:
        gateway = start_gateway(standard_configuration(drain_seconds=2))
        simulators.fault("openai", path_prefix="/v1/files", method="POST", times=0, never_answer=True)

        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(gateway.upload, None, f"{MODEL},gemini-2.0-flash")
            until("one target has its copy", simulators.google_objects)
            gateway.signal(signal.SIGTERM)
            assert gateway.process.wait(10) == 0
            assert running.exception(timeout=10) is not None
        start_gateway(standard_configuration(), data=gateway.data)

        until("the next run has removed the copy", simulators.holds_nothing, seconds=30)

    def test_closes_idle_connections_at_once(
        self, start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]
    ) -> None:
        gateway = start_gateway(standard_configuration())
        assert gateway.admin.get("/health/liveliness").status_code == 200
        idle = gateway.raw()
        started = time.monotonic()

        gateway.signal(signal.SIGTERM)

        assert idle.is_closed_within(5)
        assert gateway.process.wait(10) == 0
        assert time.monotonic() - started < 5

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_of_an_idle_gateway_ends_it_with_0(
        self, number: signal.Signals, start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]
    ) -> None:
        gateway = start_gateway(standard_configuration())

        gateway.signal(number)

        assert gateway.process.wait(5) == 0


class TestSIGKILL:
    """A crash in the middle of an upload leaves nothing that the next run does not clean up."""

    def test_during_an_upload_leaves_nothing(
        self, simulators: Simulators, start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]
    ) -> None:
        gateway = start_gateway(standard_configuration())
        simulators.fault("openai", path_prefix="/v1/files", method="POST", account="second", times=1, delay_ms=20_000)

        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(gateway.upload, None, "gpt-4o-second,gemini-2.0-flash")
            until("one target has its copy", simulators.google_objects)
            gateway.signal(signal.SIGKILL)
            gateway.process.wait(10)
            assert running.exception(timeout=10) is not None
        start_gateway(standard_configuration(), data=gateway.data)

        until("the next run has removed the copy", simulators.holds_nothing, seconds=90)


class TestABadStart:
    """One line that says what, where and what to do; exit code 2; no stack dump."""

    @pytest.fixture
    def plugins(self, tmp_path: Path) -> Path:
        """A copy of the manifests, with the libraries named by their whole paths."""
        folder = tmp_path / "plugins.d"
        shutil.copytree(PLUGINS, folder)
        for manifest in folder.glob("*.yaml"):
            text = manifest.read_text()
            manifest.write_text(re.sub(r"(?m)^library: *(\S+)$", lambda match: f"library: {BUILD / match[1]}", text))
            manifest.chmod(0o644)
        return folder

    @pytest.fixture
    def good(self, simulators: Simulators) -> dict:
        return configuration(openai_entry(simulators))

    @pytest.fixture
    def library(self, tmp_path: Path) -> Callable[..., Path]:
        """Compiles a C text into a library."""
        clang = shutil.which("clang") or Path(shutil.which("swift") or "").resolve().parent / "clang"

        def compile(source: str, *options: str) -> Path:
            folder = tmp_path / "library"
            folder.mkdir(mode=0o755)
            (folder / "plugin.c").write_text(source)
            path = folder / "libplugin.so"
            command = [clang, "-shared", "-fPIC", *options, "-o", path, folder / "plugin.c"]
            subprocess.run(command, check=True, capture_output=True, text=True)
            path.chmod(0o755)
            return path

        return compile

    def check(
        self,
        tmp_path: Path,
        config: dict | str,
        *words: str,
        plugins: Path = PLUGINS,
        environment: dict[str, str] | None = None,
        serve: tuple[str | Path, ...] | None = None,
        is_fatal: bool = True,
    ) -> str:
        """Runs `check` and `serve` (or only one of them) and looks at how it ends; returns the line.

        What is not fatal is said by `check` alone: `serve` serves what is left, see `test_live.py`.
        """
        path = write_configuration(tmp_path / "config.yaml", config)
        common = ("--config", path, "--plugins", plugins, "--log-level", "error")
        runs = []
        if serve is None:
            data = ("--data", tmp_path / "data")
            runs.append(run_gantry("check", *common, *data, environment=environment))
            serve = ("--port", "0", *data)
        if is_fatal:
            runs.append(run_gantry("serve", *common, *serve, environment=environment))
        for run in runs:
            lines = [line for line in run.stderr.splitlines() if line.strip()]
            assert run.returncode == 2, f"exit code {run.returncode}: {run.stderr}"
            assert len(lines) == 1, run.stderr
            for word in words:
                assert word in lines[0], f"{word!r} is not in: {lines[0]}"
            assert "Fatal error" not in run.stderr and "Swift." not in run.stderr and " at 0x" not in run.stderr
        return lines[0]

    def set_library(self, plugins: Path, library: Path | str) -> None:
        manifest = plugins / "openai.yaml"
        text = manifest.read_text()
        manifest.write_text(re.sub(r"(?m)^library: .*$", f"library: {library}", text))

    def test_the_copied_manifests_are_good(self, tmp_path: Path, plugins: Path, good: dict) -> None:
        path = write_configuration(tmp_path / "config.yaml", good)

        run = run_gantry("check", "--config", path, "--plugins", plugins, "--data", tmp_path / "data")

        assert run.returncode == 0, run.stderr

    def test_no_configuration_file(self, tmp_path: Path) -> None:
        missing = tmp_path / "missing.yaml"

        run = run_gantry("check", "--config", missing, "--plugins", PLUGINS, "--data", tmp_path / "data")

        assert run.returncode == 2
        assert str(missing) in run.stderr and len(run.stderr.strip().splitlines()) == 1

    @pytest.mark.parametrize(
        ("text", "line"),
        [
            ("model_list:\n  - model_name: a\n    litellm_params: {model: gpt-4o\n", None),
            ("model_list:\n  - model_name: a\n   litellm_params:\n      model: gpt-4o\n", "3"),
            ("model_list: [\n", None),
            ("model_list:\n\t- x\n", "2"),
            ("general_settings: &a [*a]\n", "1"),
        ],
    )
    def test_broken_yaml(self, tmp_path: Path, text: str, line: str | None) -> None:
        message = self.check(tmp_path, text, "config.yaml")

        assert re.search(rf"\b{line or r'[1-9][0-9]*'}\b", message.replace(str(tmp_path), "")), message

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("", ["empty"]),
            ("- a\n- b\n", ["config.yaml"]),
            ("model_list: five\n", ["model_list"]),
            ("model_list:\n  - litellm_params: {model: gpt-4o, api_key: x}\n", ["model_name"]),
            ("model_list:\n  - model_name: a\n", ["litellm_params"]),
            ("model_list:\n  - model_name: a\n    litellm_params: {api_key: x}\n", ["model"]),
            (
                "model_list:\n  - model_name: a\n    litellm_params:\n      model: gpt-4o\n      api_key: x\n"
                "      timeout: soon\n",
                ["timeout", "6"],
            ),
            (
                "model_list:\n"
                "  - {model_name: a, model_info: {id: same}, litellm_params: {model: gpt-4o, api_key: x}}\n"
                "  - {model_name: b, model_info: {id: same}, litellm_params: {model: gpt-4o, api_key: x}}\n",
                ["same"],
            ),
        ],
    )
    def test_a_configuration_of_a_wrong_form(self, tmp_path: Path, text: str, words: list[str]) -> None:
        environment = clean_environment(GANTRY_MASTER_KEY="sk-1234")

        self.check(tmp_path, text, "config.yaml", *words, environment=environment)

    def test_an_unknown_provider(self, tmp_path: Path, simulators: Simulators) -> None:
        config = configuration(openai_entry(simulators, model="nosuchprovider/model-x"))

        self.check(tmp_path, config, "nosuchprovider", "config.yaml")

    def test_a_parameter_that_the_plugin_does_not_know(self, tmp_path: Path, simulators: Simulators) -> None:
        config = configuration(openai_entry(simulators, bogus_parameter=1))

        self.check(tmp_path, config, "bogus_parameter")

    def test_a_missing_environment_variable(self, tmp_path: Path, simulators: Simulators) -> None:
        config = configuration(openai_entry(simulators, api_key="os.environ/GANTRY_TEST_MISSING"))

        self.check(tmp_path, config, "GANTRY_TEST_MISSING", "config.yaml")

    def test_no_master_key(self, tmp_path: Path, simulators: Simulators) -> None:
        config = {"model_list": [openai_entry(simulators)]}

        self.check(tmp_path, config, "master_key")

    def test_credentials_that_are_not_there(self, tmp_path: Path, simulators: Simulators) -> None:
        config = configuration(vertex_entry(simulators, tmp_path / "missing.json"))

        self.check(tmp_path, config, "missing.json")

    def test_no_manifests(self, tmp_path: Path, good: dict) -> None:
        self.check(tmp_path, good, "nowhere", plugins=tmp_path / "nowhere")

    def test_a_broken_manifest(self, tmp_path: Path, good: dict, plugins: Path) -> None:
        (plugins / "openai.yaml").write_text("id: [openai\n")

        self.check(tmp_path, good, "openai.yaml", plugins=plugins, is_fatal=False)

    def test_a_missing_library(self, tmp_path: Path, good: dict, plugins: Path) -> None:
        self.set_library(plugins, tmp_path / "libmissing.so")

        self.check(tmp_path, good, "libmissing.so", plugins=plugins, is_fatal=False)

    def test_a_library_that_is_not_elf(self, tmp_path: Path, good: dict, plugins: Path) -> None:
        foreign = tmp_path / "libforeign.so"
        foreign.write_text("This is a text." * 1000)
        foreign.chmod(0o755)
        self.set_library(plugins, foreign)

        self.check(tmp_path, good, "libforeign.so", plugins=plugins, is_fatal=False)

    def test_a_library_for_another_machine(self, tmp_path: Path, good: dict, plugins: Path) -> None:
        foreign = tmp_path / "libforeign.so"
        content = bytearray((BUILD / "libgantry-plugin-openai.so").read_bytes())
        content[18:20] = b"\xf3\x00"  # e_machine: RISC-V
        foreign.write_bytes(content)
        foreign.chmod(0o755)
        self.set_library(plugins, foreign)

        self.check(tmp_path, good, "libforeign.so", plugins=plugins, is_fatal=False)

    def test_a_truncated_library(self, tmp_path: Path, good: dict, plugins: Path) -> None:
        foreign = tmp_path / "libforeign.so"
        foreign.write_bytes((BUILD / "libgantry-plugin-openai.so").read_bytes()[:5000])
        foreign.chmod(0o755)
        self.set_library(plugins, foreign)

        self.check(tmp_path, good, "libforeign.so", plugins=plugins, is_fatal=False)

    @pytest.mark.parametrize(
        "source",
        [
            "int something_else(void) { return 1; }",
            "const void *gantry_plugin_entry_v2(unsigned minor) { return 0; }",
            "const void *gantry_plugin_entry_v1(unsigned minor) { return 0; } int one_more(void) { return 1; }",
        ],
        ids=["no-entry", "other-major", "two-exports"],
    )
    def test_a_library_that_is_no_plugin(
        self, tmp_path: Path, good: dict, plugins: Path, library: Callable[..., Path], source: str
    ) -> None:
        self.set_library(plugins, library(source))

        self.check(tmp_path, good, "libplugin.so", plugins=plugins, is_fatal=False)

    @pytest.mark.parametrize(
        ("options", "words"), [((), ()), (("-Wl,-z,execstack",), ("stack",))], ids=["no-table", "executable-stack"]
    )
    def test_a_library_with_the_entry_alone_but_nothing_behind_it(
        self,
        tmp_path: Path,
        good: dict,
        plugins: Path,
        library: Callable[..., Path],
        options: tuple[str, ...],
        words: tuple[str, ...],
    ) -> None:
        source = "const void *gantry_plugin_entry_v1(unsigned minor) { return 0; }"
        exports = f"-Wl,--version-script={ROOT / 'SDK' / 'CGantryPlugin' / 'exports.map'}"
        self.set_library(plugins, library(source, exports, *options))

        self.check(tmp_path, good, "libplugin.so", *words, plugins=plugins, is_fatal=False)

    @pytest.mark.parametrize(("key", "value"), [("version", "99.98.97"), ("id", "another_id")])
    def test_a_manifest_and_a_library_that_disagree(
        self, tmp_path: Path, good: dict, plugins: Path, key: str, value: str
    ) -> None:
        manifest = plugins / "openai.yaml"
        manifest.write_text(re.sub(rf"(?m)^{key}: .*$", f"{key}: {value}", manifest.read_text()))

        self.check(tmp_path, good, value, plugins=plugins, is_fatal=False)

    def test_a_manifest_that_everybody_may_write(self, tmp_path: Path, good: dict, plugins: Path) -> None:
        manifest = plugins / "openai.yaml"
        manifest.chmod(manifest.stat().st_mode | stat.S_IWOTH)

        self.check(tmp_path, good, "openai.yaml", plugins=plugins, is_fatal=False)

    def test_a_port_in_use(self, tmp_path: Path, good: dict) -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]

            self.check(tmp_path, good, str(port), serve=("--port", str(port), "--data", tmp_path / "data"))

    @pytest.mark.parametrize("place", ["/proc/gantry", "FILE/data", "FILE"])
    def test_a_data_directory_that_cannot_be_written(self, tmp_path: Path, good: dict, place: str) -> None:
        file = tmp_path / "a-file"
        file.write_text("")
        data = place.replace("FILE", str(file))

        self.check(tmp_path, good, data, serve=("--port", "0", "--data", data))

    def test_a_registry_that_is_no_database(
        self, tmp_path: Path, good: dict, start_gateway: Callable[..., Gateway]
    ) -> None:
        gateway = start_gateway(good)
        gateway.stop()
        databases = [path for path in gateway.data.rglob("*") if path.is_file() and path.stat().st_size > 4096]
        assert databases
        for path in databases:
            path.write_bytes(b"This was a database." * 1000)

        self.check(tmp_path, good, str(gateway.data), serve=("--port", "0", "--data", gateway.data))

    @pytest.mark.parametrize("arguments", [("serve",), ("serve", "--config"), ("nonsense",), ("serve", "--port", "x")])
    def test_wrong_arguments_say_how_to_call_it(self, arguments: tuple[str, ...]) -> None:
        run = run_gantry(*arguments)

        assert run.returncode != 0
        assert run.stderr.strip() and "Fatal error" not in run.stderr


class TestCheck:
    """`gantry check` of what is good."""

    def test_reports_and_ends_with_0(self, tmp_path: Path, standard_configuration: Callable[..., dict]) -> None:
        path = write_configuration(tmp_path / "config.yaml", standard_configuration())

        run = run_gantry("check", "--config", path, "--plugins", PLUGINS, "--data", tmp_path / "data")

        assert run.returncode == 0, run.stderr
        report = run.stdout + run.stderr
        assert "openai" in report and "vertex_ai" in report

    def test_shows_no_secret(self, tmp_path: Path, standard_configuration: Callable[..., dict]) -> None:
        path = write_configuration(tmp_path / "config.yaml", standard_configuration())

        run = run_gantry("check", "--config", path, "--plugins", PLUGINS, "--data", tmp_path / "data")

        assert "sk-sim" not in run.stdout + run.stderr and "sk-1234" not in run.stdout + run.stderr

    def test_takes_the_plugins_folder_of_the_working_directory(
        self, tmp_path: Path, standard_configuration: Callable[..., dict]
    ) -> None:
        path = write_configuration(tmp_path / "config.yaml", standard_configuration())

        run = subprocess.run(
            [BUILD / "gantry", "check", "--config", path, "--data", tmp_path / "data"],
            cwd=PLUGINS.parent,
            env=clean_environment(),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert run.returncode == 0, run.stderr


class TestFootprint:
    """How fast it is there and how much it takes."""

    @pytest.fixture
    def fresh(self, start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]) -> Gateway:
        return start_gateway(standard_configuration(), log_level="info")

    def test_start_to_the_first_200_takes_less_than_half_a_second(
        self, start_gateway: Callable[..., Gateway], standard_configuration: Callable[..., dict]
    ) -> None:
        times = []
        for _ in range(5):
            gateway = start_gateway(standard_configuration(), log_level="info")
            with httpx.Client(trust_env=False) as client:
                assert client.get(f"{gateway.url}/health/readiness").status_code == 200
            times.append(time.monotonic() - gateway.process.started_at)
            gateway.stop()

        assert statistics.median(times) < 0.5, times

    def test_idle_memory_is_less_than_64_megabytes(self, fresh: Gateway) -> None:
        assert fresh.admin.get("/health/readiness").status_code == 200
        assert fresh.chat(MODEL, "Hello").status_code == 200

        assert fresh.process.memory_bytes("VmRSS") < 64 * 1024 * 1024

    def test_memory_stays_flat_over_many_requests(self, fresh: Gateway) -> None:
        file_id = fresh.upload(targets=f"{MODEL},gemini-2.0-flash")["id"]

        def work(count: int) -> None:
            with ThreadPoolExecutor(8) as pool:
                for response in pool.map(lambda _: fresh.chat(MODEL, file_message(file_id)), range(count)):
                    assert response.status_code == 200

        work(1000)
        warm = fresh.process.memory_bytes("VmRSS")
        work(3000)

        assert fresh.process.memory_bytes("VmRSS") - warm < 16 * 1024 * 1024
