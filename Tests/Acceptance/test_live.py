"""What changes while the gateway serves: manifests, libraries and the configuration."""

import json
import os
import re
import shutil
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from openai import BadRequestError

from support.errors import assert_error
from support.gateway import (
    BUILD,
    MASTER_KEY,
    PLUGINS,
    Gateway,
    configuration,
    openai_entry,
    run_gantry,
    vertex_entry,
    write_configuration,
)
from support.simulators import Simulators
from support.waiting import until

Start = Callable[..., Gateway]

#: So many reloads run under load; `GANTRY_RELOADS` asks for others.
RELOADS = int(os.environ.get("GANTRY_RELOADS", "1000"))
#: Where a plugin runs whose manifest is changed under load.
ISOLATIONS = os.environ.get("GANTRY_ISOLATIONS", "in_process process").split()


def replace(path: Path, text: str) -> None:
    """Puts a file in the place of another at once, as careful writers do."""
    new = path.with_name(f".{path.name}.new")
    new.write_text(text)
    new.chmod(0o644)
    new.rename(path)


@dataclass
class Folder:
    """A folder of manifests of a test's own."""

    path: Path

    def manifest(self, name: str = "openai") -> Path:
        return self.path / f"{name}.yaml"

    def text(self, name: str = "openai") -> str:
        return self.manifest(name).read_text()

    def set(self, name: str, text: str) -> None:
        replace(self.manifest(name), text)


@pytest.fixture
def plugins(tmp_path: Path) -> Folder:
    """The manifest of the OpenAI plugin alone, with its library by its whole path."""
    folder = tmp_path / "plugins.d"
    folder.mkdir()
    text = (PLUGINS / "openai.yaml").read_text()
    library = BUILD / "libgantry-plugin-openai.so"
    (folder / "openai.yaml").write_text(re.sub(r"(?m)^library: .*$", f"library: {library}", text))
    (folder / "openai.yaml").chmod(0o644)
    return Folder(folder)


def models(gateway: Gateway) -> list[str]:
    """What `/v1/models` lists, through the SDK."""
    return [model.id for model in gateway.openai().models.list()]


def wait_for_models(gateway: Gateway, *names: str) -> None:
    client = gateway.openai()
    until(f"the models are {names}", lambda: [one.id for one in client.models.list()] == list(names), seconds=30)


def lines(gateway: Gateway, *words: str) -> list[str]:
    """The lines of the log with all of these words."""
    return [line for line in gateway.process.output.splitlines() if all(word in line for word in words)]


def wait_for_line(gateway: Gateway, *words: str) -> str:
    return until(f"the log says {words}", lambda: lines(gateway, *words), seconds=30)[-1]


def answers(gateway: Gateway, model: str) -> bool:
    response = gateway.chat(model, "Hello")
    assert response.status_code == 200, response.text
    return True


class TestManifests:
    """Files of `plugins.d` that come, change and go."""

    def test_models_come_and_go_with_the_manifest_of_their_provider(
        self, start_gateway: Start, simulators: Simulators, plugins: Folder
    ) -> None:
        text = plugins.text()
        plugins.set("openai", text.replace("providers: [openai]", "providers: [openai, acme]"))
        gateway = start_gateway(
            configuration(openai_entry(simulators, "one"), openai_entry(simulators, "two", model="acme/gpt-4o-mini")),
            plugins=plugins.path,
        )
        wait_for_models(gateway, "one", "two")

        plugins.set("openai", text)
        wait_for_models(gateway, "one")
        with pytest.raises(BadRequestError):
            gateway.openai().chat.completions.create(model="two", messages=[{"role": "user", "content": "Hello"}])
        assert answers(gateway, "one")
        assert "acme" in wait_for_line(gateway, "deployment left out")

        plugins.set("openai", text.replace("providers: [openai]", "providers: [openai, acme]"))
        wait_for_models(gateway, "one", "two")
        answer = gateway.openai().chat.completions.create(model="two", messages=[{"role": "user", "content": "Hello"}])
        assert answer.choices[0].message.content

    def test_a_manifest_that_is_dropped_in_and_removed(
        self, start_gateway: Start, simulators: Simulators, plugins: Folder
    ) -> None:
        gateway = start_gateway(configuration(openai_entry(simulators, "one")), plugins=plugins.path)
        text = plugins.text()

        plugins.manifest().unlink()
        wait_for_models(gateway)
        wait_for_line(gateway, "manifest removed", "openai.yaml")
        assert gateway.chat("one", "Hello").status_code == 400

        plugins.set("dropped", text)
        wait_for_models(gateway, "one")
        assert answers(gateway, "one")

    def test_a_disabled_one_takes_its_models_along(
        self, start_gateway: Start, simulators: Simulators, plugins: Folder
    ) -> None:
        gateway = start_gateway(configuration(openai_entry(simulators, "one")), plugins=plugins.path)

        plugins.set("openai", plugins.text() + "enabled: false\n")
        wait_for_models(gateway)
        wait_for_line(gateway, "manifest disabled", "openai.yaml")

    @pytest.mark.parametrize(
        "change",
        [
            lambda text: "id: [openai\n",
            lambda text: text + "bogus: 1\n",
            lambda text: text.replace("version: 1.0.0", "version: 9.9.9"),
            lambda text: re.sub(r"(?m)^library: .*$", "library: /nowhere/libmissing.so", text),
            lambda text: text + f"sha256: {'0' * 64}\n",
        ],
        ids=["no-yaml", "unknown-key", "other-version", "missing-library", "other-hash"],
    )
    def test_a_broken_one_is_refused_and_the_old_one_stays(
        self, start_gateway: Start, simulators: Simulators, plugins: Folder, change: Callable[[str], str]
    ) -> None:
        gateway = start_gateway(configuration(openai_entry(simulators, "one")), plugins=plugins.path)
        text = plugins.text()

        plugins.set("openai", change(text))
        refusal = wait_for_line(gateway, "manifest refused", "openai.yaml")
        assert "earlier=stays" in refusal and "reason=" in refusal
        assert models(gateway) == ["one"] and answers(gateway, "one")

        before = len(lines(gateway, "configuration read again"))
        plugins.set("openai", text + "# mended\n")
        until("it is read again", lambda: len(lines(gateway, "configuration read again")) > before, seconds=30)
        assert answers(gateway, "one")

    def test_every_file_has_its_line(self, start_gateway: Start, simulators: Simulators, plugins: Folder) -> None:
        plugins.set("unused", "{id: unused, version: '1', library: libnowhere.so, providers: [unused]}")
        plugins.set("off", "{id: off, version: '1', library: libnowhere.so, providers: [off], enabled: false}")
        plugins.set("broken", "id: [")
        (plugins.path / "notes.txt").write_text("Call Bob.")

        gateway = start_gateway(configuration(openai_entry(simulators, "one")), plugins=plugins.path)

        assert wait_for_line(gateway, "manifest loaded", "openai.yaml")
        assert wait_for_line(gateway, "manifest not needed", "unused.yaml")
        assert wait_for_line(gateway, "manifest disabled", "off.yaml")
        assert wait_for_line(gateway, "manifest refused", "broken.yaml")
        assert wait_for_line(gateway, "not a manifest", "notes.txt")
        assert models(gateway) == ["one"]

    def test_a_changed_library_takes_new_requests(
        self, start_gateway: Start, simulators: Simulators, plugins: Folder, tmp_path: Path
    ) -> None:
        folder = tmp_path / "libraries"
        folder.mkdir(mode=0o755)
        library = folder / "libplugin.so"
        shutil.copy(BUILD / "libgantry-plugin-openai.so", library)
        plugins.set("openai", re.sub(r"(?m)^library: .*$", f"library: {library}", plugins.text()))
        gateway = start_gateway(configuration(openai_entry(simulators, "one")), plugins=plugins.path)

        with library.open("r+b") as half:
            half.truncate(5000)
        wait_for_line(gateway, "manifest refused", "libplugin.so")
        assert answers(gateway, "one")

        new = folder / "new.so"
        new.write_bytes((BUILD / "libgantry-plugin-openai.so").read_bytes() + b"\0")
        new.chmod(0o755)
        new.rename(library)
        wait_for_line(gateway, "manifest loaded", "plugin.generation=2")
        assert answers(gateway, "one")


class TestConfiguration:
    """`config.yaml` that is edited."""

    def test_models_are_added_and_removed(self, start_gateway: Start, simulators: Simulators) -> None:
        one, two = openai_entry(simulators, "one"), openai_entry(simulators, "two")
        gateway = start_gateway(configuration(one))

        replace(gateway.config_path, json.dumps(configuration(one, two)))
        wait_for_models(gateway, "one", "two")
        assert answers(gateway, "two")

        # In place, as careless writers do.
        write_configuration(gateway.config_path, configuration(two))
        wait_for_models(gateway, "two")
        assert gateway.chat("one", "Hello").status_code == 400
        assert answers(gateway, "two")

    def test_a_link_that_is_switched_is_followed(self, start_gateway: Start, simulators: Simulators) -> None:
        """As Kubernetes changes the files of a ConfigMap."""
        gateway = start_gateway(configuration(openai_entry(simulators, "one")))
        folder = gateway.config_path.parent
        for name in ("two", "three"):
            (folder / f"..{name}").mkdir()
            write_configuration(folder / f"..{name}" / "config.yaml", configuration(openai_entry(simulators, name)))
        (folder / "..data").symlink_to("..two")
        link = folder / "link"
        link.symlink_to("..data/config.yaml")
        link.rename(gateway.config_path)
        wait_for_models(gateway, "two")

        new = folder / "..new"
        new.symlink_to("..three")
        new.rename(folder / "..data")
        wait_for_models(gateway, "three")
        assert answers(gateway, "three")

    @pytest.mark.parametrize("text", ["model_list: [", "", '{"model_list": []}', "x" * 2_000_000])
    def test_a_broken_one_keeps_the_old(self, start_gateway: Start, simulators: Simulators, text: str) -> None:
        gateway = start_gateway(configuration(openai_entry(simulators, "one")))

        replace(gateway.config_path, text)
        assert "config.yaml" in wait_for_line(gateway, "the configuration is refused and the one before stays")
        assert models(gateway) == ["one"] and answers(gateway, "one")

        replace(gateway.config_path, json.dumps(configuration(openai_entry(simulators, "two"))))
        wait_for_models(gateway, "two")

    def test_manifests_are_followed_while_it_is_broken(
        self, start_gateway: Start, simulators: Simulators, plugins: Folder
    ) -> None:
        gateway = start_gateway(configuration(openai_entry(simulators, "one")), plugins=plugins.path)
        replace(gateway.config_path, "model_list: [")
        wait_for_line(gateway, "the configuration is refused and the one before stays")

        plugins.manifest().unlink()
        wait_for_models(gateway)

    def test_a_refused_deployment_keeps_the_old_and_a_new_one_says_so(
        self, start_gateway: Start, simulators: Simulators
    ) -> None:
        one = openai_entry(simulators, "one", model_info={"id": "one"})
        gateway = start_gateway(configuration(one))

        bad = openai_entry(simulators, "one", model_info={"id": "one"}, bogus_parameter=1)
        new = openai_entry(simulators, "new", model_info={"id": "new"}, bogus_parameter=1)
        replace(gateway.config_path, json.dumps(configuration(bad, new)))
        wait_for_models(gateway, "one", "new")

        assert "bogus_parameter" in wait_for_line(gateway, "deployment refused", "deployment.id=one", "earlier=stays")
        assert answers(gateway, "one")
        assert_error(gateway.chat("new", "Hello"), 503, code="plugin_failed")

    def test_a_key_that_is_changed_is_used_and_the_old_one_not_told(
        self, start_gateway: Start, simulators: Simulators
    ) -> None:
        gateway = start_gateway(configuration(openai_entry(simulators, "one", "main")))
        assert answers(gateway, "one")

        replace(gateway.config_path, json.dumps(configuration(openai_entry(simulators, "one", "second"))))

        def account() -> str:
            assert answers(gateway, "one")
            return simulators.requests("openai", "/chat/completions")[-1]["account"]

        until("the other account is asked", lambda: account() == "second", seconds=30)

    def test_limits_change_and_what_needs_a_restart_is_named(
        self, start_gateway: Start, simulators: Simulators
    ) -> None:
        one = openai_entry(simulators, "one")
        gateway = start_gateway(configuration(one))
        long = "x" * (1 << 20)
        assert gateway.chat("one", long).status_code == 200

        replace(
            gateway.config_path,
            json.dumps(configuration(one, max_request_size_mb=1, sweep_seconds=7, id_format="litellm")),
        )
        until("long bodies are refused", lambda: gateway.chat("one", long).status_code == 413, seconds=30)
        line = wait_for_line(gateway, "a restart is needed")
        assert "general_settings.id_format, general_settings.sweep_seconds" in line
        assert "max_request_size_mb" not in line

    def test_a_stream_ends_on_what_it_began_with(self, start_gateway: Start, simulators: Simulators) -> None:
        gateway = start_gateway(configuration(openai_entry(simulators, "one")))
        with simulators.holding("openai", path_contains="/chat/completions"):
            results: list[httpx.Response] = []
            thread = threading.Thread(target=lambda: results.append(gateway.chat("one", "Hello")))
            thread.start()
            until("the provider has it", lambda: simulators.requests("openai", "/chat/completions"), seconds=30)
            replace(gateway.config_path, json.dumps(configuration(openai_entry(simulators, "two"))))
            wait_for_models(gateway, "two")
        thread.join(30)
        assert [result.status_code for result in results] == [200]


class TestSIGHUP:
    """Everything at once, also where the system tells of no change."""

    def test_reads_everything_again(self, start_gateway: Start, simulators: Simulators) -> None:
        gateway = start_gateway(configuration(openai_entry(simulators, "one")))

        for number in range(1, 4):
            gateway.signal(signal.SIGHUP)
            until(
                "it is read again",
                lambda number=number: len(lines(gateway, "configuration read again", "cause=signal")) >= number,
                seconds=30,
            )
        assert gateway.process.is_running and answers(gateway, "one")

    def test_reads_the_files_of_credentials_again(
        self, start_gateway: Start, simulators: Simulators, credentials: Callable[[str], Path], tmp_path: Path
    ) -> None:
        key = tmp_path / "key.json"
        shutil.copy(credentials("main"), key)
        gateway = start_gateway(configuration(vertex_entry(simulators, key, "one")))
        assert answers(gateway, "one")

        key.write_text("This is no key.")
        gateway.signal(signal.SIGHUP)
        wait_for_line(gateway, "deployment refused", "earlier=stays")
        assert answers(gateway, "one")

        shutil.copy(credentials("second"), key)
        gateway.signal(signal.SIGHUP)
        wait_for_line(gateway, "configuration read again", "changes=1")


class TestStart:
    """A plugin that cannot be loaded at the start hurts its own deployments only."""

    def test_the_rest_serves_and_it_comes_when_it_is_mended(
        self, start_gateway: Start, simulators: Simulators, plugins: Folder, tmp_path: Path
    ) -> None:
        manifest = "{id: bad, version: '1', library: /nowhere/libbad.so, providers: [bad], isolation: in_process}"
        plugins.set("bad", manifest)
        config = configuration(
            openai_entry(simulators, "one"),
            openai_entry(simulators, "two", model="bad/gpt-4o-mini", model_info={"id": "two"}),
            openai_entry(simulators, "both", model="bad/gpt-4o-mini"),
            openai_entry(simulators, "both"),
        )
        path = write_configuration(tmp_path / "checked.yaml", config)
        check = run_gantry("check", "--config", path, "--plugins", plugins.path, "--data", tmp_path / "data")
        assert check.returncode == 2 and "libbad.so" in check.stderr

        gateway = start_gateway(config, plugins=plugins.path)
        assert models(gateway) == ["one", "two", "both"]
        assert answers(gateway, "one")
        for _ in range(10):
            assert answers(gateway, "both"), "the other deployment serves"
        refused = gateway.chat("two", "Hello")
        assert_error(refused, 503, code="plugin_failed")
        assert "nowhere" not in refused.text and refused.headers["retry-after"]
        uploaded = gateway.admin.post(
            "/v1/files",
            data={"purpose": "user_data", "target_model_names": "two"},
            files={"file": ("a.txt", b"text", "text/plain")},
        )
        assert_error(uploaded, 503, code="plugin_failed")
        health = gateway.admin.get("/health").json()
        assert "two" in [one["model_id"] for one in health["unhealthy_endpoints"]]

        plugins.manifest("bad").unlink()
        plugins.set("openai", plugins.text().replace("providers: [openai]", "providers: [openai, bad]"))
        until("the model serves", lambda: gateway.chat("two", "Hello").status_code == 200, seconds=30)

    def test_check_names_everything_that_is_wrong(
        self, simulators: Simulators, plugins: Folder, tmp_path: Path
    ) -> None:
        plugins.set("bad", "{id: bad, version: '1', library: /nowhere/libbad.so, providers: [bad]}")
        plugins.set("broken", "id: [")
        config = configuration(
            openai_entry(simulators, "one", bogus_parameter=1), openai_entry(simulators, "two", model="bad/gpt-4o-mini")
        )
        path = write_configuration(tmp_path / "config.yaml", config)

        check = run_gantry("check", "--config", path, "--plugins", plugins.path, "--data", tmp_path / "data")

        assert check.returncode == 2
        for word in ("bad.yaml", "broken.yaml", "bogus_parameter"):
            assert any(line.startswith("gantry: ") and word in line for line in check.stderr.splitlines()), check.stderr


@dataclass
class Chats:
    """Chats that go on while something else happens."""

    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)

    @contextmanager
    def going_on(self, gateway: Gateway, model: str, threads: int = 4) -> Iterator[None]:
        ended = threading.Event()

        def chat() -> None:
            with gateway.client(MASTER_KEY) as client:
                while not ended.is_set():
                    begin = time.monotonic()
                    response = gateway.chat(model, "Hello", client)
                    self.seconds.append(time.monotonic() - begin)
                    if response.status_code != 200:
                        self.failures.append(response.text)

        running = [threading.Thread(target=chat) for _ in range(threads)]
        for one in running:
            one.start()
        try:
            yield
        finally:
            ended.set()
            for one in running:
                one.join()

    def percentile(self, share: float) -> float:
        return sorted(self.seconds)[int(share * (len(self.seconds) - 1))]


def resident_kilobytes(gateway: Gateway) -> int:
    status = Path(f"/proc/{gateway.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+)", status)[1])


def descriptors(gateway: Gateway) -> int:
    return sum(1 for _ in Path(f"/proc/{gateway.process.pid}/fd").iterdir())


class TestManyReloads:
    """Reload after reload under load: nothing fails, and nothing grows."""

    @pytest.mark.parametrize("isolation", ISOLATIONS)
    def test_fail_no_request_and_leave_nothing_behind(
        self, start_gateway: Start, simulators: Simulators, plugins: Folder, isolation: str
    ) -> None:
        text = re.sub(r"(?m)^isolation: .*$", f"isolation: {isolation}", plugins.text())
        plugins.set("openai", text)
        entries = [openai_entry(simulators, name, model_info={"id": name}) for name in ("one", "two", "three")]
        gateway = start_gateway(configuration(*entries), plugins=plugins.path, log_level="info")

        def reload(number: int) -> None:
            """Another instance of the plugin, and other parameters of its deployments."""
            plugins.set("openai", text + f"secrets: {{unused: 'secret-{number:06}'}}\n")
            entries[1]["litellm_params"]["timeout"] = 100 + number % 2
            replace(gateway.config_path, json.dumps(configuration(*entries[: 2 + number % 2])))
            done = number + 1
            gateway.signal(signal.SIGHUP)
            until(
                "a reload",
                lambda: len(lines(gateway, "configuration read again", "cause=signal")) >= done,
                seconds=60,
            )

        calm, chats = Chats(), Chats()
        with calm.going_on(gateway, "one"):
            until("some chats without reloads", lambda: len(calm.seconds) > RELOADS, seconds=60)
        begin = time.monotonic()
        marks: list[tuple[int, int]] = []
        with chats.going_on(gateway, "one"):
            for number in range(RELOADS):
                reload(number)
                if number >= RELOADS // 4:
                    marks.append((resident_kilobytes(gateway), descriptors(gateway)))
        seconds = time.monotonic() - begin

        assert not chats.failures, chats.failures[:3]
        assert len(chats.seconds) > 100
        quarter = max(1, len(marks) // 4)
        first, last = marks[:quarter], marks[-quarter:]
        memory = [min(kilobytes for kilobytes, _ in part) for part in (first, last)]
        open_files = [min(count for _, count in part) for part in (first, last)]
        took = [int(one) for one in re.findall(r"milliseconds=(\d+)", "\n".join(lines(gateway, "cause=signal")))]
        print(
            f"\n{isolation}: {RELOADS} reloads in {seconds:.0f} s, each {sum(took) / len(took):.1f} ms"
            f" (worst {max(took)}); {len(chats.seconds)} chats, p50 {chats.percentile(0.5) * 1000:.1f} ms,"
            f" p99 {chats.percentile(0.99) * 1000:.1f} ms (without reloads {calm.percentile(0.5) * 1000:.1f}"
            f" and {calm.percentile(0.99) * 1000:.1f} ms); kB {memory}, descriptors {open_files}"
        )
        assert memory[1] < memory[0] + 8192, f"it grew from {memory[0]} to {memory[1]} kB"
        assert open_files[1] <= open_files[0] + 8, open_files
        assert len(lines(gateway, "manifest refused")) == 0
