"""No secret of the host is anywhere in a plugin's worker: not in its memory, its environment, its arguments or its
descriptors, while requests run and afterwards.
"""

import json
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.children import descriptors, memory, workers
from support.evil import Evil
from support.gateway import PLUGINS, Gateway, configuration, openai_entry, vertex_entry
from support.postgresql import Database
from support.simulators import Simulators
from support.waiting import until

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root reads the memory of a process that is not dumpable"
)

MASTER = "sk-master-f1b0c3d7e9"
#: Stands in a request, so that a worker that has served it shows whether the search finds anything at all.
CANARY = "canary-5d1c7e0b6a"
PLUGIN_SECRET = "plugin-own-secret-77aa41"
EVIL = Evil("curious", workers=2)


@dataclass
class World:
    gateway: Gateway
    secrets: dict[str, bytes]

    @property
    def process(self) -> int:
        return self.gateway.process.pid

    def found(self, process: int, what: dict[str, bytes]) -> list[str]:
        """Which of these stand in a process's memory, and where."""
        return [
            f"{name} in {region}"
            for region, contents in memory(process)
            for name, value in what.items()
            if value in contents
        ]


def in_workers(folder: Path) -> None:
    """The shipped plugins, each in a worker of its own."""
    folder.mkdir(parents=True)
    for source in PLUGINS.glob("*.yaml"):
        text = source.read_text()
        if "isolation: in_process" in text:
            (folder / source.name).write_text(text.replace("isolation: in_process", "isolation: process"))


@pytest.fixture
def world(
    simulators: Simulators, database: Database, credentials: Callable[[str], Path], tmp_path: Path
) -> Iterator[World]:
    folder = tmp_path / "plugins.d"
    in_workers(folder)
    EVIL.install(folder)
    manifest = json.loads((folder / f"{EVIL.id}.yaml").read_text())
    (folder / f"{EVIL.id}.yaml").write_text(json.dumps(manifest | {"secrets": {"own": PLUGIN_SECRET}}))
    account = json.loads(credentials("main").read_text())
    config = configuration(
        openai_entry(simulators), vertex_entry(simulators, credentials("main")), EVIL.entry, database_url=database.url
    )
    config["general_settings"]["master_key"] = MASTER
    gateway = Gateway.start(tmp_path / "gateway", config, plugins=folder)
    user = gateway.client(MASTER).post("/user/new", json={"user_id": "ann"}).raise_for_status().json()["key"]
    lines = account["private_key"].splitlines()
    secrets = {
        "the provider's key": b"sk-sim-main",
        "the master key": MASTER.encode(),
        "a user's key": user.encode(),
        "the database's URL": database.url.encode(),
        "the database's password": database.server.password.encode(),
        "a secret of the manifest": PLUGIN_SECRET.encode(),
        **{f"line {number} of the private key": line.encode() for number, line in enumerate(lines[1:-1])},
    }
    one = World(gateway, secrets)
    yield one
    gateway.stop()


def chat_everywhere(world: World) -> None:
    http = world.gateway.client(world.secrets["a user's key"].decode())
    for model in ("gpt-4o-mini-openai", "gemini-2.0-flash", EVIL.id):
        for _ in range(4):
            response = world.gateway.chat(model, f"{CANARY} for {model}", http)
            assert response.status_code == 200, response.text


def check(world: World) -> None:
    """Looks everywhere in every worker."""
    for worker in workers(world.process):
        assert world.found(worker, world.secrets) == []
        for name in ("environ", "cmdline"):
            contents = Path(f"/proc/{worker}/{name}").read_bytes()
            assert not [secret for secret, value in world.secrets.items() if value in contents]
        environment = Path(f"/proc/{worker}/environ").read_bytes().split(b"\0")
        assert [variable for variable in environment if variable] == [b"SWIFT_BACKTRACE=enable=no"]
        for held in descriptors(worker):
            assert held.startswith(("socket:", "pipe:", "/dev/null")), f"a worker holds {held}"


def test_a_search_of_every_worker_finds_none(world: World, simulators: Simulators) -> None:
    found = until("the workers are there", lambda: len(workers(world.process)) >= 4 and workers(world.process), 30)
    chat_everywhere(world)

    # The search itself: the host has them all, and a worker has what it was asked.
    assert world.found(world.process, {"key": world.secrets["the provider's key"]})
    assert world.found(world.process, {"key": MASTER.encode()})
    assert [worker for worker in found if world.found(worker, {"canary": CANARY.encode()})]
    check(world)


def test_nor_while_requests_run(world: World, simulators: Simulators) -> None:
    chat_everywhere(world)

    with ThreadPoolExecutor(2) as pool:
        with simulators.holding("openai", path_prefix="/v1/chat", method="POST"):
            http = world.gateway.client(MASTER)
            running = pool.submit(world.gateway.chat, "gpt-4o-mini-openai", CANARY, http)
            simulators.wait_for_held_requests(1)
            check(world)
        assert running.result(30).status_code == 200
    check(world)


def test_nor_in_what_takes_a_dead_workers_place(world: World) -> None:
    before = set(until("the workers are there", lambda: workers(world.process), 30))
    for worker in before:
        os.kill(worker, 9)

    until(
        "others have taken their place",
        lambda: len(found := set(workers(world.process))) == len(before) and not found & before,
        60,
    )
    until(
        "they serve",
        lambda: all(
            world.gateway.chat(model, CANARY, world.gateway.client(MASTER)).status_code == 200
            for model in ("gpt-4o-mini-openai", EVIL.id)
        ),
        60,
    )
    check(world)
    causes = [entry["crashes"]["by_reason"] for entry in world.gateway.client(MASTER).get("/plugins").json()["data"]]
    assert all(set(cause) == {"killed"} for cause in causes), causes


def test_every_worker_is_in_its_sandbox(world: World) -> None:
    """It has no rights of its own, and can get none."""
    for worker in workers(world.process):
        status = Path(f"/proc/{worker}/status").read_text()
        assert "NoNewPrivs:\t1" in status
        assert "Seccomp:\t2" in status
        assert "CapEff:\t0000000000000000" in status
        limits = Path(f"/proc/{worker}/limits").read_text()
        assert "Max core file size        0" in limits
