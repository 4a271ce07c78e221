"""`gantry plugin check`: every rule of the ABI, each in a fresh worker; and a plugin that was built against ABI 1.0."""

import json
import platform
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from support.gateway import BUILD, ROOT, Gateway, clean_environment, configuration
from support.simulators import Simulators

FIXTURES = ROOT / "Tests" / "Fixtures"
TINY = FIXTURES / "Conformance" / "tiny.c"
MINOR0 = FIXTURES / "Minor0"
#: Debug builds on a busy machine take their time.
SECONDS = 900


def check(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [BUILD / "gantry", "plugin", "check", *arguments]
    return subprocess.run(
        [str(part) for part in command],
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


def results(*arguments: str | Path, code: int) -> dict[str, dict]:
    """What came of each rule by its name."""
    done = check("--json", *arguments)
    assert done.returncode == code, (done.stdout[-3000:], done.stderr)
    return {row["rule"]: row for row in json.loads(done.stdout)["rules"]}


def compile_tiny(folder: Path, *options: str, name: str = "tiny.so") -> Path:
    library = folder / name
    include = ROOT / "SDK" / "CGantryPlugin" / "include"
    flags = ["-shared", "-fPIC", "-fvisibility=hidden", "-O1", "-Wall", "-Wno-unused", f"-I{include}"]
    subprocess.run(["gcc", *flags, *options, "-o", library, TINY, "-lpthread"], check=True)
    return library


@pytest.mark.parametrize(
    ("plugin", "scripts"),
    [
        ("openai", []),
        ("vertex-ai", []),
        ("vertex-ai", [FIXTURES / "Conformance" / "vertex-ai.script"]),
    ],
)
def test_the_shipped_plugins_keep_every_rule(plugin: str, scripts: list[Path]) -> None:
    rows = results(BUILD / f"libgantry-plugin-{plugin}.so", *scripts, code=0)

    assert {row["result"] for row in rows.values()} == {"passed"}, rows
    assert len(rows) > 30
    assert all(row["cases"] > 0 for row in rows.values())


def test_a_plugin_of_abi_1_0_keeps_every_rule() -> None:
    rows = results(minor0(), code=0)

    assert {row["result"] for row in rows.values()} == {"passed"}, rows


#: What is wrong with a plugin that breaks a rule, where the worker does not outlive it.
ENDED = {
    "older-host": "SIGSEGV",
    "older-events": "SIGSEGV",
    "guarded-memory": "SIGSEGV",
    "threads": "SIGSYS",
    "signals": "SIGSYS",
    "sandbox": "SIGSYS",
}


@pytest.mark.parametrize("rule", sorted(ENDED))
def test_a_plugin_that_ends_its_worker_is_told_where(rule: str, tmp_path: Path) -> None:
    library = compile_tiny(tmp_path, f"-DBREAKS_{rule.replace('-', '_')}")

    row = results("--rule", rule, library, code=1)[rule]

    assert row["result"] == "failed"
    assert row["what"].startswith(f"Its worker was ended by {ENDED[rule]}: "), row
    assert row["place"]
    assert row["summary"] in row["advice"]


@pytest.mark.parametrize("rule", ["handshake", "cancel", "environment", "memory", "parallel", "any-thread"])
def test_a_broken_rule_is_a_finding_in_a_worker_too(rule: str, tmp_path: Path) -> None:
    library = compile_tiny(tmp_path, f"-DBREAKS_{rule.replace('-', '_')}")

    row = results("--rule", rule, library, code=1)[rule]

    assert row["result"] == "failed"
    assert "worker" not in row["what"], row
    assert row["place"] and row["advice"]


def test_a_plugin_that_hangs_is_ended(tmp_path: Path) -> None:
    library = compile_tiny(tmp_path, "-DBREAKS_patience")

    row = results("--rule", "scripts", "--time-limit", "2", library, code=1)["scripts"]

    assert row["what"] == "Its worker did not answer check in time.", row
    assert row["place"] == "chat, event 4 (END)"


def test_the_file_comes_first(tmp_path: Path) -> None:
    good = compile_tiny(tmp_path)
    whole = good.read_bytes()

    def broken(name: str, contents: bytes, mode: int = 0o600) -> Path:
        path = tmp_path / name
        path.write_bytes(contents)
        path.chmod(mode)
        return path

    files = {
        "truncated": ("form", broken("truncated.so", whole[: len(whole) // 2])),
        "another machine": ("form", MINOR0 / f"minor0-{other_machine()}.so"),
        "not a SHARED object".lower(): ("form", broken("text.so", b"#!/bin/sh\n")),
        "executable stack": ("stack", compile_tiny(tmp_path, "-Wl,-z,execstack", name="stack.so")),
        "symbols": ("exports", compile_tiny(tmp_path, "-DBREAKS_exports", name="exports.so")),
        "may write": ("file", broken("writable.so", whole, 0o666)),
        "no such file": ("file", tmp_path / "missing.so"),
    }
    for what, (rule, path) in files.items():
        rows = results(path, code=1)
        assert rows[rule]["result"] == "failed", (what, rows)
        assert rows["scripts"]["result"] == "skipped", what
        if what in {"truncated", "another machine", "executable stack", "symbols", "may write", "no such file"}:
            assert what in rows[rule]["what"].lower(), rows[rule]
    rows = results("--rule", "file", "--rule", "exports", good, code=0)
    assert list(rows) == ["file", "exports"]


def test_the_table_is_for_people(tmp_path: Path) -> None:
    done = check(compile_tiny(tmp_path, "-DBREAKS_results"), "--rule", "results", "--rule", "scripts")

    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert lines[0].split() == ["RULE", "RESULT", "SECONDS", "WHAT"]
    assert lines[1].split()[:2] == ["scripts", "passed"]
    assert lines[2].split()[:2] == ["results", "failed"]
    assert 'no REMEMBER "file" came before' in lines[2]
    assert lines[-1].endswith("tiny.so: 1 passed, 1 failed, 0 skipped")


def test_a_script_and_parameters_are_taken(tmp_path: Path) -> None:
    library = compile_tiny(tmp_path)
    script = tmp_path / "delete.script"
    lines = ["gantry-script 1", "operation file_delete", 'input {"id":"file-7"}', "answer 200"]
    lines += ["expect http DELETE https://api.example/v1/files/file-7", "expect forget file file-7", "expect result *"]
    script.write_text("\n".join(lines))

    rows = results("--rule", "scripts", "--param", "model=some-model", library, script, code=0)
    assert rows["scripts"]["cases"] == 1
    rows = results("--rule", "scripts", "--param", "modell=some-model", library, script, code=1)
    assert "modell" in rows["scripts"]["what"] or "returned -2" in rows["scripts"]["what"]
    script.write_text("\n".join([*lines, "expect nothing"]))
    rows = results("--rule", "scripts", library, script, code=1)
    assert "Command 4 is missing" in rows["scripts"]["what"]


def test_what_cannot_be_done_is_said(tmp_path: Path) -> None:
    library = compile_tiny(tmp_path)
    script = tmp_path / "bad.script"
    script.write_text("gantry-script 1\noperation fly\n")

    for arguments, message in [
        (["--rule", "flying", library], "there is no such rule"),
        ([library, script], "line 2: there is no operation `fly`"),
        ([library, tmp_path / "none.script"], "none.script"),
        (["--param", "x", library], "NAME=VALUE"),
    ]:
        done = check(*arguments)
        assert done.returncode == 2, done
        assert message in done.stderr
    listed = check("--list")
    assert listed.returncode == 0
    assert "lent-memory" in listed.stdout


def machine() -> str:
    return {"x86_64": "x86_64", "aarch64": "aarch64"}.get(platform.machine(), "")


def other_machine() -> str:
    return "aarch64" if machine() == "x86_64" else "x86_64"


def minor0() -> Path:
    if not machine():
        pytest.skip(f"there is no plugin of ABI 1.0 for {platform.machine()}")
    return MINOR0 / f"minor0-{machine()}.so"


def test_a_plugin_of_abi_1_0_serves_chats_and_files(
    simulators: Simulators, start_gateway: Callable[..., Gateway], tmp_path: Path
) -> None:
    plugins = tmp_path / "plugins.d"
    plugins.mkdir(mode=0o700)
    library = plugins / "minor0.so"
    shutil.copy(minor0(), library)
    library.chmod(0o600)
    url = simulators.openai_url.split("/v1")[0]
    manifest = {
        "id": "minor0",
        "version": "1.0.0",
        "library": "minor0.so",
        "providers": ["minor0"],
        "hosts": [url],
        "isolation": "in_process",
    }
    (plugins / "minor0.yaml").write_text(json.dumps(manifest))
    parameters = {"model": "minor0/gpt-4o-mini", "api_key": "sk-sim-main", "api_base": simulators.openai_url}
    gateway = start_gateway(
        configuration({"model_name": "old", "litellm_params": parameters}),
        plugins=plugins,
    )
    client = gateway.openai()

    message = {"role": "user", "content": "Hello"}
    whole = client.chat.completions.create(model="old", messages=[message])
    pieces = [piece for piece in client.chat.completions.create(model="old", messages=[message], stream=True)]
    file = client.files.create(file=("a.txt", b"hello"), purpose="user_data", extra_body={"target_model_names": "old"})

    assert whole.choices[0].message.content
    assert "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
    assert client.files.retrieve(file.id).bytes == 5
    assert client.files.delete(file.id).deleted
