"""The SDK's page for authors: what stands in it is what is built, and works in a gateway."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.gateway import BUILD, PLUGINS, ROOT, Gateway, clean_environment, configuration
from support.simulators import Simulators

SDK = ROOT / "SDK"
PAGE = (SDK / "README.md").read_text()
PROVIDER = "https://api.acme.example"
HELLO = [{"role": "user", "content": "Hello?"}]


def blocks(language: str) -> list[str]:
    """The page's code of a language, without the indentation of a list."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^ *```", PAGE, flags=re.MULTILINE | re.DOTALL)
    return [re.sub(rf"^{indent}", "", code, flags=re.MULTILINE) for indent, code in found]


@pytest.mark.parametrize(
    ("language", "file", "lines"), [("c", "Examples/C/acme.c", 40), ("swift", "Examples/Swift/Acme.swift", 30)]
)
def test_the_page_shows_the_example_as_it_is(language: str, file: str, lines: int) -> None:
    example = (SDK / file).read_text()

    assert example in blocks(language), f"SDK/README.md does not show {file} as it is"
    assert sum(bool(line.strip()) for line in example.splitlines()) <= lines


def test_every_link_of_the_page_leads_somewhere() -> None:
    for page in SDK.glob("*.md"):
        for link in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
            assert (SDK / link).exists(), f"{page.name} links to {link}"


def compiled_c(folder: Path, provider: str) -> None:
    """Builds the example by the page's own command, for a provider at another URL."""
    work = folder / "sdk"
    shutil.copytree(SDK, work, ignore=shutil.ignore_patterns("GantryPlugin", "Conformance", "Templates"))
    source = work / "Examples/C/acme.c"
    source.write_text(source.read_text().replace(PROVIDER, provider))
    (command,) = [code for code in blocks("sh") if code.startswith("cc ")]
    subprocess.run(["sh", "-ec", command], cwd=work, check=True, timeout=120)
    shutil.copy(work / "libgantry-plugin-acme.so", folder / "plugins" / "libgantry-plugin-acme.so")


@pytest.fixture
def acme(simulators: Simulators, tmp_path: Path) -> Iterator[Gateway]:
    """A gateway with the example in C, by the page's own manifest."""
    provider = simulators.openai_url.removesuffix("/v1")
    plugins = tmp_path / "plugins"
    plugins.mkdir(mode=0o755)
    compiled_c(tmp_path, provider)
    manifest = next(code for code in blocks("yaml") if code.startswith("id: acme"))
    (plugins / "acme.yaml").write_text(manifest.replace(PROVIDER, provider))
    for shipped in ("openai.yaml", "vertex_ai.yaml"):
        shutil.copy(PLUGINS / shipped, plugins)
    models = [{"model_name": "large", "litellm_params": {"model": "acme/gpt-4o-mini"}}]
    gateway = Gateway.start(
        tmp_path / "gateway",
        configuration(*models),
        plugins=plugins,
        environment=clean_environment(ACME_API_KEY="sk-sim-main"),
    )
    gateway.secrets.append("sk-sim-main")
    yield gateway
    gateway.stop()


def test_the_example_in_c_serves_chats_and_streams(acme: Gateway) -> None:
    client = acme.openai()

    answer = client.chat.completions.create(model="large", messages=HELLO)
    stream = client.chat.completions.create(model="large", messages=HELLO, stream=True)

    assert "Hello?" in answer.choices[0].message.content
    assert "Hello?" in "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)


def test_the_example_in_c_says_when_its_provider_refuses(acme: Gateway, simulators: Simulators) -> None:
    simulators.fault("openai", path_prefix="/v1/chat", times=1, status=500)

    refused = acme.admin.post("/v1/chat/completions", json={"model": "large", "messages": HELLO})

    assert refused.status_code == 503, refused.text
    assert "Acme" in refused.json()["error"]["message"]


def test_the_example_in_swift_is_built_with_the_rest() -> None:
    library = BUILD / "libgantry-plugin-acme.so"
    exports = subprocess.run(
        ["nm", "--dynamic", "--defined-only", "--extern-only", "--format=posix", str(library)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    ).stdout
    assert [line.split()[0] for line in exports.splitlines()] == ["gantry_plugin_entry_v1"]
