"""The commands for those who make plugins and those who run them: `gantry plugin …`."""

import hashlib
import json
import shutil
import stat
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.gateway import Gateway, configuration, run_gantry
from support.plugins import TINY, PluginFolder, build_plugin, compile_library, gantry, toolchain_environment
from support.simulators import Simulators

LANGUAGES = ["c", "rust", "swift"]
HELLO = [{"role": "user", "content": "Hello?"}]
MANIFEST = 'id: tiny\nversion: "1.0"\nlibrary: tiny.so\nproviders: [tiny]\nisolation: in_process\n'
MODEL = {"model_name": "m", "litellm_params": {"model": "tiny/m"}}


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# MARK: new


@pytest.fixture(scope="session")
def written(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """Plugins as `gantry plugin new` writes and their build files build them, one for each language."""
    made: dict[str, Path] = {}

    def make(language: str) -> Path:
        if language not in made:
            folder = tmp_path_factory.mktemp("written") / "my-plugin"
            done = run_gantry("plugin", "new", "--language", language, "my-plugin", "--directory", folder)
            assert done.returncode == 0, done.stderr
            build_plugin(folder)
            made[language] = folder
        return made[language]

    return make


@pytest.fixture(params=LANGUAGES)
def plugin(request: pytest.FixtureRequest, written: Callable[[str], Path]) -> Path:
    return written(request.param)


def test_a_new_plugin_has_no_file_that_others_can_change(tmp_path: Path) -> None:
    command = ["sh", "-c", 'umask 0; exec "$@"', "sh", gantry(), "plugin", "new", "--language", "swift", "open"]
    subprocess.run([str(part) for part in command], cwd=tmp_path, check=True, timeout=60, capture_output=True)

    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in [tmp_path / "open", *(tmp_path / "open").rglob("*")]}
    assert not [path for path, mode in modes.items() if mode & 0o022]
    assert modes[tmp_path / "open/test.sh"] == 0o755


def test_a_new_plugin_does_not_overwrite_anything(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/notes").write_text("keep")

    done = run_gantry("plugin", "new", "--language", "c", "mine", "--directory", tmp_path / "mine")

    assert done.returncode == 2
    assert "something is in there already" in done.stderr
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["notes"]


@pytest.mark.parametrize("name", ["Upper", "1st", "a/b", "..", "a b", "x" * 33])
def test_a_name_that_is_no_id_is_refused(tmp_path: Path, name: str) -> None:
    done = run_gantry("plugin", "new", "--language", "c", name, "--directory", tmp_path / "new")

    assert done.returncode == 2
    assert "a plugin's name is 1 to 32 lower-case letters" in done.stderr
    assert not (tmp_path / "new").exists()


def test_a_new_plugin_exports_its_entry_alone(plugin: Path) -> None:
    done = run_gantry("plugin", "inspect", plugin / "libgantry-plugin-my-plugin.so", "--json")

    assert done.returncode == 0, done.stdout + done.stderr
    seen = json.loads(done.stdout)
    assert seen["problems"] == []
    assert seen["elf"]["exports"] == ["gantry_plugin_entry_v1"]
    assert seen["elf"]["binds_now"]
    assert seen["elf"]["never_unloaded"]
    assert seen["elf"]["executable_stack"] is False
    assert seen["plugin"]["id"] == seen["manifest"]["id"] == "my-plugin"
    assert seen["plugin"]["version"] == seen["manifest"]["version"] == "0.1.0"
    assert seen["plugin"]["abi"] == "1.0"
    assert seen["plugin"]["operations"] == ["chat"]
    assert seen["plugin"]["flags"] == ["parallel", "openai wire"]
    assert seen["manifest"]["isolation"] == "process"
    assert seen["sha256"] == digest(plugin / "libgantry-plugin-my-plugin.so")


def test_the_scripts_of_a_new_plugin_are_clean(plugin: Path) -> None:
    scripts = sorted(str(path) for path in plugin.glob("*.sh"))
    shellcheck = shutil.which("shellcheck")
    assert shellcheck, "install shellcheck"

    subprocess.run([shellcheck, *scripts], check=True, timeout=60)


def test_a_new_plugin_passes_the_checker_as_it_stands(plugin: Path) -> None:
    environment = toolchain_environment() | {"GANTRY": str(gantry())}

    done = subprocess.run(
        ["./test.sh"], cwd=plugin, env=environment, capture_output=True, text=True, timeout=600, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_a_new_plugin_in_swift_is_formatted(written: Callable[[str], Path]) -> None:
    folder = written("swift")
    command = ["swift", "format", "lint", "--strict", "--recursive", "Package.swift", "Sources", "SDK"]

    subprocess.run(command, cwd=folder, env=toolchain_environment(), check=True, timeout=120)


@pytest.fixture
def serving(plugin: Path, simulators: Simulators, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway with a new plugin, as its README says it is added."""
    folder = tmp_path / "plugins.d"
    folder.mkdir(mode=0o755)
    manifest = (plugin / "my-plugin.yaml").read_text()
    (folder / "my-plugin.yaml").write_text(manifest.replace("isolation: process ", "isolation: in_process "))
    shutil.copy(plugin / "libgantry-plugin-my-plugin.so", folder)
    account = {"api_base": simulators.openai_url + "/", "api_key": "sk-sim-main"}
    models = [
        {"model_name": "good", "litellm_params": {"model": "my-plugin/gpt-4o-mini"} | account},
        {"model_name": "keyless", "litellm_params": {"model": "my-plugin/x", "api_base": simulators.openai_url}},
        {"model_name": "strange", "litellm_params": {"model": 'my-plugin/"\\é\\u0007/'} | account},
    ]
    gateway = Gateway.start(tmp_path / "gateway", configuration(*models), plugins=folder)
    gateway.secrets.append("sk-sim-main")
    yield gateway
    gateway.stop()


def test_a_new_plugin_serves_chats_and_streams_and_says_what_fails(serving: Gateway, simulators: Simulators) -> None:
    client = serving.openai()

    answer = client.chat.completions.create(model="good", messages=HELLO)
    stream = client.chat.completions.create(model="good", messages=HELLO, stream=True)

    assert "Hello?" in answer.choices[0].message.content
    assert "Hello?" in "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    embedding = serving.admin.post("/v1/embeddings", json={"model": "good", "input": "x"})
    assert embedding.status_code == 400, embedding.text
    unauthorized = serving.chat("keyless", "Hello?")
    assert unauthorized.status_code == 502, unauthorized.text
    # A name with every sort of character reaches the provider as it is.
    strange = serving.chat("strange", "Hello?")
    assert strange.status_code == 404, strange.text
    simulators.fault("openai", path_prefix="/v1/chat", times=1, status=429, headers={"retry-after": "7"})
    limited = serving.chat("good", "Hello?")
    assert limited.status_code == 429, limited.text
    simulators.fault("openai", path_prefix="/v1/chat", times=1, status=500)
    assert serving.chat("good", "Hello?").status_code == 503


@pytest.mark.parametrize(
    ("parameters", "named"),
    [({}, "api_base"), ({"api_base": "http://127.0.0.1:1/v1", "colour": "red"}, "colour")],
)
def test_a_new_plugin_refuses_what_it_does_not_know(plugin: Path, tmp_path: Path, parameters: dict, named: str) -> None:
    model = {"model_name": "m", "litellm_params": {"model": "my-plugin/m"} | parameters}
    folder = PluginFolder.make(tmp_path, model)
    manifest = (plugin / "my-plugin.yaml").read_text()
    folder.add("my-plugin.yaml", manifest.replace("isolation: process ", "isolation: in_process "))
    shutil.copy(plugin / "libgantry-plugin-my-plugin.so", folder.path)

    done = folder.check()

    assert done.returncode == 2, done.stdout + done.stderr
    assert named in done.stderr


# MARK: list, inspect, enable, disable


@pytest.fixture(scope="session")
def tiny_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_library(tmp_path_factory.mktemp("tiny") / "tiny.so")


@pytest.fixture
def folder(tmp_path: Path, tiny_library: Path) -> PluginFolder:
    """A folder with one good plugin that no code of a provider is behind."""
    folder = PluginFolder.make(tmp_path, MODEL)
    folder.add("tiny.yaml", MANIFEST)
    shutil.copy(tiny_library, folder.path)
    return folder


def test_the_list_has_every_manifest_with_what_is_wrong_with_it(folder: PluginFolder) -> None:
    folder.add("broken.yaml", "id: [")
    folder.add("missing.yaml", MANIFEST.replace("tiny", "missing"))
    folder.add("off.yaml", MANIFEST + "enabled: false\n")
    folder.add("twice.yaml", MANIFEST)

    plugins = {Path(plugin["file"]).name: plugin for plugin in folder.list()}
    table = folder.run("list")

    assert {name: plugin["state"] for name, plugin in plugins.items()} == {
        "broken.yaml": "refused",
        "missing.yaml": "refused",
        "off.yaml": "disabled",
        "tiny.yaml": "ready",
        "twice.yaml": "refused",
    }
    assert "broken.yaml" in plugins["broken.yaml"]["reason"]
    assert "missing.so: No such file" in plugins["missing.yaml"]["reason"]
    assert "is also that of" in plugins["twice.yaml"]["reason"]
    assert plugins["tiny.yaml"]["library_sha256"] == digest(folder.path / "tiny.so")
    assert plugins["tiny.yaml"]["manifest_sha256"] == digest(folder.path / "tiny.yaml")
    assert "signed_by" not in plugins["tiny.yaml"]
    assert table.returncode == 0
    assert len(table.stdout.splitlines()) == 6


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    done = run_gantry("plugin", "list", "--plugins", tmp_path / "none")

    assert done.returncode == 2
    assert "there is no such file" in done.stderr


def test_inspection_says_what_is_wrong_with_a_library(folder: PluginFolder) -> None:
    library = folder.path / "tiny.so"
    compile_library(library, TINY + "GANTRY_EXPORT int more(void) { return 1; }\n", "-z", "execstack")
    done = run_gantry("plugin", "inspect", library)
    compile_library(library, TINY.replace('"1.0"', '"2.0"') + "GANTRY_EXPORT int more(void) { return 1; }\n")
    exports = run_gantry("plugin", "inspect", library, "--json")

    assert done.returncode == 1
    assert "PROBLEM" in done.stdout
    assert "executable stack" in done.stdout
    assert exports.returncode == 1
    assert any("it exports 2 symbols" in problem for problem in json.loads(exports.stdout)["problems"])


def marking(marker: Path) -> str:
    """Code that runs when a library is opened, and leaves a file behind."""
    return (
        "#include <fcntl.h>\n__attribute__((constructor)) static void opened(void) "
        f'{{ open("{marker}", O_CREAT | O_WRONLY, 0600); }}\n'
    )


def test_inspection_opens_a_library_where_it_can_do_nothing(folder: PluginFolder) -> None:
    marker = folder.path / "was-opened"
    compile_library(folder.path / "tiny.so", marking(marker) + TINY)
    run_gantry("plugin", "inspect", folder.path / "tiny.so")
    assert not marker.exists()

    trap = "__attribute__((constructor)) static void opened(void) { __builtin_trap(); }\n"
    compile_library(folder.path / "tiny.so", trap + TINY)
    done = run_gantry("plugin", "inspect", folder.path / "tiny.so", "--json")
    assert done.returncode == 1
    assert any("could not be asked" in problem for problem in json.loads(done.stdout)["problems"]), done.stdout


@pytest.mark.parametrize("content", [b"", b"\x7fELF", b"\x7fELF\x02\x01" + bytes(58), bytes(range(256)) * 16])
def test_inspection_of_what_is_no_library_ends_well(folder: PluginFolder, content: bytes) -> None:
    (folder.path / "tiny.so").write_bytes(content)
    done = run_gantry("plugin", "inspect", folder.path / "tiny.so")

    assert done.returncode == 1, done.stderr
    assert "PROBLEM" in done.stdout


def test_inspection_of_a_cut_library_ends_well(folder: PluginFolder) -> None:
    whole = (folder.path / "tiny.so").read_bytes()
    for count in range(0, len(whole), len(whole) // 12):
        (folder.path / "tiny.so").write_bytes(whole[:count])
        done = run_gantry("plugin", "inspect", folder.path / "tiny.so", "--json")
        assert done.returncode == 1, f"{count} bytes: {done.stdout}{done.stderr}"
        assert json.loads(done.stdout)["problems"]


def test_a_plugin_is_switched_off_and_on_without_another_change(folder: PluginFolder) -> None:
    manifest = folder.path / "tiny.yaml"
    text = "# ours\r\n" + MANIFEST.replace("\n", "  # why\r\n") + "enabled: yes # for now\r\n"
    manifest.write_bytes(text.encode())
    manifest.chmod(0o640)

    off = folder.run("disable", "tiny")
    assert off.returncode == 0, off.stderr
    assert manifest.read_bytes() == text.replace("enabled: yes", "enabled: false").encode()
    assert [plugin["state"] for plugin in folder.list()] == ["disabled"]
    assert folder.check().returncode == 2

    on = folder.run("enable", "tiny.yaml")
    assert on.returncode == 0, on.stderr
    assert manifest.read_bytes() == text.replace("enabled: yes", "enabled: true").encode()
    assert stat.S_IMODE(manifest.stat().st_mode) == 0o640
    assert folder.check().returncode == 0
    assert "is enabled already" in folder.run("enable", "tiny").stdout
    assert sorted(path.name for path in folder.path.iterdir()) == ["tiny.so", "tiny.yaml"]


def test_switching_what_is_not_there_is_an_error(folder: PluginFolder) -> None:
    done = folder.run("disable", "other")

    assert done.returncode == 2
    assert "no manifest is called other" in done.stderr


# MARK: keygen, sign, verify, trust


@pytest.fixture(scope="session")
def key(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A private key's file and its public part."""
    path = tmp_path_factory.mktemp("key") / "key"
    done = run_gantry("plugin", "keygen", path)
    assert done.returncode == 0, done.stderr
    return path, done.stdout.strip()


@pytest.fixture
def signed(folder: PluginFolder, key: tuple[Path, str]) -> PluginFolder:
    """The folder with its plugin signed and its configuration trusting that key alone."""
    done = folder.run("sign", "tiny", "--key", key[0])
    assert done.returncode == 0, done.stderr
    folder.configure(MODEL, plugin_settings={"trust": {"keys": [key[1]]}})
    return folder


def test_a_key_is_for_its_owner_alone(key: tuple[Path, str], folder: PluginFolder) -> None:
    path, public = key
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert public.startswith("ed25519:")

    again = run_gantry("plugin", "keygen", path)
    assert again.returncode == 2
    assert "File exists" in again.stderr
    path.chmod(0o640)
    refused = folder.run("sign", "tiny", "--key", path)
    path.chmod(0o600)
    assert refused.returncode == 2
    assert "chmod 600" in refused.stderr
    assert path.read_text().strip() not in refused.stderr


def test_verify_says_what_is_signed_and_by_which_key(signed: PluginFolder, key: tuple[Path, str]) -> None:
    good = signed.run("verify", "tiny", "--config", signed.config)
    report = json.loads(signed.run("verify", "tiny", "--json").stdout)
    by_path = run_gantry("plugin", "verify", signed.path / "tiny.yaml")
    by_other = signed.run("verify", "tiny", "--key", "ed25519:" + "A" * 43 + "=")

    assert good.returncode == 0, good.stdout + good.stderr
    assert key[1] in good.stdout
    assert by_path.returncode == 0
    assert by_other.returncode == 1
    assert report["key"] == key[1]
    assert [(file["part"], file["sha256"]) for file in report["files"]] == [
        ("manifest", digest(signed.path / "tiny.yaml")),
        ("library", digest(signed.path / "tiny.so")),
    ]
    assert all(file["sha256"] == file["signed_sha256"] for file in report["files"])
    assert [plugin["signed_by"] for plugin in signed.list()] == [key[1]]


def test_what_is_signed_is_opened(signed: PluginFolder) -> None:
    done = signed.check()
    inspection = run_gantry("plugin", "inspect", signed.path / "tiny.so", "--config", signed.config)

    assert done.returncode == 0, done.stderr
    assert inspection.returncode == 0, inspection.stdout
    assert [plugin["state"] for plugin in signed.list("--config", signed.config)] == ["ready"]


def untrusted(folder: PluginFolder, *words: str) -> None:
    """Checks that the plugin is neither opened nor verified, and that the reason has these words."""
    check = folder.check()
    verify = folder.run("verify", "tiny")
    (listed,) = folder.list("--config", folder.config)
    assert check.returncode == 2, check.stdout
    assert verify.returncode == 1, verify.stdout + verify.stderr
    assert listed["state"] == "refused"
    for word in ["it is not trusted", *words]:
        assert word in check.stderr
        assert word in listed["reason"]


def test_an_unsigned_plugin_is_not_opened(signed: PluginFolder) -> None:
    (signed.path / "tiny.yaml.sig").unlink()
    untrusted(signed, "tiny.yaml.sig: No such file", "gantry plugin sign", digest(signed.path / "tiny.yaml"))
    inspection = run_gantry("plugin", "inspect", signed.path / "tiny.so", "--config", signed.config)
    assert inspection.returncode == 1
    assert "it was not opened, for it is not trusted" in inspection.stdout


def test_a_changed_manifest_is_not_opened(signed: PluginFolder) -> None:
    manifest = signed.path / "tiny.yaml"
    manifest.write_text(manifest.read_text() + "# a comment\n")
    untrusted(signed, "tiny.yaml: it is not trusted", "one of them was changed")


def test_a_changed_library_is_not_opened(signed: PluginFolder) -> None:
    with (signed.path / "tiny.so").open("ab") as library:
        library.write(b"\0")
    untrusted(signed, "tiny.so: it is not trusted", "one of them was changed")


def test_every_changed_byte_of_a_signature_is_noticed(signed: PluginFolder) -> None:
    signature = signed.path / "tiny.yaml.sig"
    text = signature.read_bytes()
    for index in range(0, len(text), 17):
        signature.write_bytes(text[:index] + bytes([text[index] ^ 1]) + text[index + 1 :])
        assert signed.run("verify", "tiny").returncode == 1, f"byte {index}"
    untrusted(signed)


def test_a_stranger_cannot_sign(signed: PluginFolder, tmp_path: Path) -> None:
    assert run_gantry("plugin", "keygen", tmp_path / "other").returncode == 0
    assert signed.run("sign", "tiny", "--key", tmp_path / "other").returncode == 0

    done = signed.check()

    assert done.returncode == 2
    assert "not among plugin_settings.trust.keys" in done.stderr
    assert signed.run("verify", "tiny").returncode == 0
    assert signed.run("verify", "tiny", "--config", signed.config).returncode == 1


def test_listed_hashes_stand_for_signatures(folder: PluginFolder) -> None:
    hashes = [digest(folder.path / "tiny.yaml"), digest(folder.path / "tiny.so")]
    for missing in range(2):
        folder.configure(MODEL, plugin_settings={"trust": {"sha256": [hashes[1 - missing]]}})
        done = folder.check()
        assert done.returncode == 2
        assert f"add {hashes[missing]} to plugin_settings.trust.sha256" in done.stderr
    folder.configure(MODEL, plugin_settings={"trust": {"sha256": hashes}})
    assert folder.check().returncode == 0


def test_an_empty_trust_trusts_nobody(folder: PluginFolder) -> None:
    folder.configure(MODEL, plugin_settings={"trust": None})
    done = folder.check()

    assert done.returncode == 2
    assert "plugin_settings.trust: must be a mapping" in done.stderr


def test_switching_a_signed_plugin_asks_for_a_new_signature(signed: PluginFolder, key: tuple[Path, str]) -> None:
    off = signed.run("disable", "tiny")
    on = signed.run("enable", "tiny")

    assert "Sign it again" in off.stderr
    assert on.returncode == 0
    untrusted(signed, "one of them was changed")
    assert signed.run("sign", "tiny", "--key", key[0]).returncode == 0
    assert signed.check().returncode == 0


def test_a_signature_is_not_written_where_a_link_does_not_lead(signed: PluginFolder, key: tuple[Path, str]) -> None:
    # The manifest is a link into a folder of releases: its signature is looked for beside the link.
    release = signed.path.parent / "release"
    release.mkdir(mode=0o755)
    (signed.path / "tiny.yaml").rename(release / "tiny.yaml")
    (signed.path / "tiny.yaml").symlink_to(release / "tiny.yaml")

    assert signed.check().returncode == 0
    assert signed.run("sign", "tiny", "--key", key[0]).returncode == 0
    assert signed.check().returncode == 0
    (signed.path / "tiny.yaml").unlink()
    (release / "tiny.yaml").write_text(MANIFEST + "hosts: [evil.example]\n")
    (signed.path / "tiny.yaml").symlink_to(release / "tiny.yaml")
    untrusted(signed, "one of them was changed")


def test_what_others_can_write_to_is_not_opened(folder: PluginFolder) -> None:
    library = folder.path / "tiny.so"
    library.chmod(0o757)
    done = folder.check()
    assert done.returncode == 2
    assert "tiny.so: group or others may write to it" in done.stderr
    library.chmod(0o755)
    # A link whose end lies where anybody may put another file.
    shared = folder.path.parent / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    library.rename(shared / "tiny.so")
    library.symlink_to(shared / "tiny.so")
    done = folder.check()
    assert done.returncode == 2
    assert "shared: group or others may write to it" in done.stderr
    shared.chmod(0o755)
    assert folder.check().returncode == 0


def test_a_library_that_is_swapped_all_the_time_is_opened_only_as_it_was_signed(signed: PluginFolder) -> None:
    library = signed.path / "tiny.so"
    good = shutil.copy(library, signed.path.parent / "good.so")
    marker = signed.path.parent / "was-opened"
    evil = compile_library(signed.path.parent / "evil.so", marking(marker) + TINY)
    done = threading.Event()

    def swap() -> None:
        turn = 0
        while not done.is_set():
            turn += 1
            staged = signed.path / f".{turn % 2}"
            shutil.copy(good if turn % 2 else evil, staged)
            staged.replace(library)

    swapper = threading.Thread(target=swap)
    swapper.start()
    try:
        results = [signed.check().returncode for _ in range(12)]
    finally:
        done.set()
        swapper.join()

    assert set(results) <= {0, 2}
    assert not marker.exists(), f"the other library was opened: {results}"
    shutil.copy(evil, library)
    untrusted(signed, "tiny.so: it is not trusted")
    assert not marker.exists()
