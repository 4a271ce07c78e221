"""Plugins that are each wrong in one way: nobody but their own requests notices, and it is seen what happened."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from support.children import children, descriptors, workers
from support.crowd import Crowd
from support.evil import Evil
from support.gateway import PLUGINS, Gateway, configuration, openai_entry
from support.simulators import Simulators
from support.waiting import until

GOOD = Evil("good", workers=2)
#: Longer than any limit here, on a machine that has much else to do.
PATIENCE = 40
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Case:
    """What a plugin does wrong, and what its own request gets."""

    evil: Evil
    #: What its worker dies of, one of some; nothing if it lives on.
    cause: str | None
    #: What it says if it lives on.
    says: str | None = None

    def __str__(self) -> str:
        return self.evil.name


def dies(cause: str, *names: str) -> list[Case]:
    return [Case(Evil(name, wrong=name), cause) for name in names]


def lives(says: str, *names: str) -> list[Case]:
    return [Case(Evil(name, wrong=name), None, says) for name in names]


REFUSED = r"-\d+( -\d+)*"
CASES = [
    *dies("signal", "null", "trap", "abort", "overflow", "allocate", "wild", "wild_pairs", "context"),
    *dies("step_limit", "loop", "wait", "stderr"),
    *dies("sandbox", "sleep", "stop", "open", "create", "unlink", "fork", "clone", "exec", "thread", "connect"),
    *dies("sandbox", "handlers", "limits", "kill", "ptrace", "peek", "executable", "uring", "close"),
    *dies("exit", "exit", "quick_exit"),
    *dies("garbage", "garbage", "zeros", "flood", "random"),
    # An empty packet reads as the end of the socket: whoever ends the other's end first.
    *dies("garbage|killed|exit|silence", "empty"),
    *lives(REFUSED, "lengths", "kinds", "sizes"),
    *lives("first", "twice"),
    *lives("fine", "in_free"),
    # It fails without having died: the host sees it in what it does not say.
    Case(Evil("mute", wrong="mute"), None),
    Case(Evil("status", wrong="status"), None),
]


@dataclass
class World:
    """A gateway with a plugin for every case, a good one, and the shipped one in its own process."""

    gateway: Gateway
    folder: Path

    def plugin(self, evil: Evil) -> dict:
        response = self.gateway.admin.get(f"/plugins/{evil.id}")
        assert response.status_code == 200, response.text
        return response.json()

    def health(self, evil: Evil) -> dict:
        health = self.gateway.admin.get("/health").json()
        return next(entry for entry in health["plugins"] if entry["plugin"] == evil.id)

    def crowd(self) -> Crowd:
        return Crowd(self.gateway, GOOD.id, "gpt-4o-mini-openai")

    def chat(self, evil: Evil, text: str = "misbehave", **more) -> httpx.Response:
        # A connection of its own that is closed: the host's descriptors are counted.
        with self.gateway.client(timeout=PATIENCE) as http:
            return self.gateway.chat(evil.id, text, http, **more)

    def wait_until_it_serves(self, evil: Evil) -> None:
        """Waits until the plugin answers as if nothing had been."""
        until(f"{evil} serves", lambda: self.chat(evil, "hello").status_code == 200, PATIENCE)
        assert content(self.chat(evil, "hello")) == "fine"

    @property
    def process(self) -> int:
        return self.gateway.process.pid


def content(response: httpx.Response) -> str:
    assert response.status_code == 200, response.text
    return response.json()["choices"][0]["message"]["content"]


def start(simulators: Simulators, directory: Path, evils: list[Evil]) -> World:
    folder = directory / "plugins.d"
    folder.mkdir(parents=True)
    shutil.copy(PLUGINS / "openai.yaml", folder)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda evil: evil.install(folder), [GOOD, *evils]))
    config = configuration(openai_entry(simulators), GOOD.entry, *(evil.entry for evil in evils))
    return World(Gateway.start(directory, config, plugins=folder, log_level="info"), folder)


@pytest.fixture(scope="module")
def world(running_simulators: Simulators, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    one = start(running_simulators, tmp_path_factory.mktemp("evil"), [case.evil for case in CASES] + STREAMS)
    yield one
    one.gateway.stop()


KEEPER, STREAM, OUTPUT = (Evil(name, wrong=name) for name in ("kept", "stream", "output"))
STREAMS = [KEEPER, STREAM, OUTPUT]


def check_failure(response: httpx.Response) -> None:
    """The request of a plugin that has failed gets nothing else than that."""
    assert response.status_code == 503, response.text
    error = response.json()["error"]
    assert error["code"] == "plugin_failed", error
    assert error["type"] == "api_error"
    assert not re.search(r"/(tmp|work|root|home)/|0x[0-9a-f]{6}", error["message"]), error["message"]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_one_that_does(case: Case, world: World) -> None:
    evil = case.evil
    world.wait_until_it_serves(evil)
    crashes = world.plugin(evil)["crashes"]["count"]
    held = len(descriptors(world.process))

    with world.crowd() as crowd, ThreadPoolExecutor(1) as pool:
        running = pool.submit(world.chat, evil)
        crowd.wait_for_answers()
        response = running.result(PATIENCE)
        crowd.wait_for_answers()
    assert crowd.failures == []

    if case.says is not None:
        assert re.fullmatch(case.says, content(response)), response.text
    else:
        check_failure(response)
    if case.cause is not None:
        plugin = until(
            f"the death of {evil} is known",
            lambda: (now := world.plugin(evil))["crashes"]["count"] > crashes and now,
            PATIENCE,
        )
        causes = case.cause.split("|")
        assert set(plugin["crashes"]["by_reason"]) <= set(causes), plugin["crashes"]
        assert plugin["crashes"]["last"]["reason"] in causes
        assert plugin["crashes"]["last"]["text"]
        assert plugin["operations_failed"] >= 1
        health = world.health(evil)
        assert health["crashes"] == plugin["crashes"]["count"]
        assert health["last_crash"]["cause"] in causes
        assert health["last_crash"]["at"]
    else:
        assert world.plugin(evil)["crashes"]["count"] == crashes
    world.wait_until_it_serves(evil)
    until("no descriptor is left behind", lambda: len(descriptors(world.process)) <= held + 2, PATIENCE)
    until("no child is left unburied", lambda: not [s for s in children(world.process).values() if s[-1] == "Z"])
    assert (Path("/tmp") / "gantry-evil").exists() is False


def test_one_that_uses_what_was_lent_later(world: World) -> None:
    evil = KEEPER
    with world.crowd() as crowd:
        response = world.chat(evil)
        crowd.wait_for_answers()
    assert crowd.failures == []

    # What it reads may be gone, or something of its own: both are its worker's affair.
    if response.status_code != 200:
        check_failure(response)
    world.wait_until_it_serves(evil)


def test_one_that_streams_without_end(world: World) -> None:
    evil = STREAM
    world.wait_until_it_serves(evil)
    before = world.gateway.process.memory_bytes("VmRSS")
    received = 0

    with world.crowd() as crowd:
        body = {"model": evil.id, "messages": [{"role": "user", "content": "misbehave"}], "stream": True}
        http = world.gateway.client(timeout=PATIENCE)
        with http.stream("POST", "/v1/chat/completions", json=body) as response:
            assert response.status_code == 200
            for piece in response.iter_raw():
                received += len(piece)
        crowd.wait_for_answers()
    assert crowd.failures == []

    assert received >= 256 * MEGABYTE
    grown = world.gateway.process.memory_bytes("VmRSS") - before
    assert grown < 64 * MEGABYTE, f"the host grew by {grown / MEGABYTE:.0f} MB"
    world.wait_until_it_serves(evil)


def test_one_that_hands_over_more_than_fits_in_one_step(world: World) -> None:
    evil = OUTPUT
    world.wait_until_it_serves(evil)
    received = 0

    with world.crowd() as crowd:
        body = {"model": evil.id, "messages": [{"role": "user", "content": "misbehave"}], "stream": True}
        http = world.gateway.client(timeout=PATIENCE)
        with http.stream("POST", "/v1/chat/completions", json=body) as response:
            assert response.status_code in (200, 503)
            for piece in response.iter_raw():
                received += len(piece)
        crowd.wait_for_answers()
    assert crowd.failures == []

    assert received < 192 * MEGABYTE, "more than its worker's memory came out of one step"
    world.wait_until_it_serves(evil)


def test_a_stream_that_nobody_reads_stops_its_plugin(world: World) -> None:
    evil = STREAM
    body = json.dumps(
        {"model": evil.id, "messages": [{"role": "user", "content": "misbehave"}], "stream": True}
    ).encode()
    headers = {"Authorization": "Bearer sk-1234", "Content-Type": "application/json", "Content-Length": str(len(body))}

    def steps() -> int:
        return world.plugin(evil)["steps"]["count"]

    before, memory = steps(), world.gateway.process.memory_bytes("VmRSS")
    with world.crowd() as crowd, world.gateway.raw() as connection:
        connection.request("POST", "/v1/chat/completions", headers, body)
        until("the stream has begun", lambda: steps() > before, PATIENCE)
        crowd.wait_for_answers(10)
        stopped_at = until(
            "it stands still",
            lambda: (now := steps()) and crowd.wait_for_answers(10) is None and steps() == now and now,
        )
        assert stopped_at - before < 512
    assert crowd.failures == []

    assert world.gateway.process.memory_bytes("VmRSS") - memory < 64 * MEGABYTE
    until("its operation has ended", lambda: world.plugin(evil)["workers"][0]["running_operations"] == 0, PATIENCE)
    world.wait_until_it_serves(evil)


def test_many_at_once(world: World) -> None:
    worst = [case for case in CASES if case.cause in ("signal", "step_limit", "garbage")]

    with world.crowd() as crowd, ThreadPoolExecutor(len(worst)) as pool:
        running = [pool.submit(world.chat, case.evil) for case in worst for _ in range(2)]
        for one in running:
            check_failure(one.result(PATIENCE * 2))
        crowd.wait_for_answers()
    assert crowd.failures == []

    for case in worst:
        world.wait_until_it_serves(case.evil)


def test_the_operations_beside_it_in_its_worker_fail_and_others_do_not(world: World) -> None:
    evil = next(case.evil for case in CASES if case.evil.name == "null")
    world.wait_until_it_serves(evil)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda number: world.chat(evil, "misbehave" if number == 4 else "hello"), range(8)))

    check_failure(answers[4])
    for answer in answers:
        if answer.status_code != 200:
            check_failure(answer)
    world.wait_until_it_serves(evil)


def test_what_dies_again_and_again_is_left_alone_for_a_while(world: World) -> None:
    evil = next(case.evil for case in CASES if case.evil.name == "trap")
    world.wait_until_it_serves(evil)
    before = world.plugin(evil)["restarts"]
    began = time.monotonic()
    shut: list[httpx.Response] = []

    def is_shut() -> bool:
        response = world.chat(evil)
        check_failure(response)
        if "retry-after" in response.headers:
            shut.append(response)
        return bool(shut) and world.plugin(evil)["crashes"]["count"] >= 5

    with world.crowd() as crowd:
        until("its requests are refused at once", is_shut, PATIENCE)
        for _ in range(50):
            check_failure(world.chat(evil))
        crowd.wait_for_answers()
    assert crowd.failures == []

    assert int(shut[0].headers["retry-after"]) >= 1
    # From 10 ms on each pause is twice as long as the one before.
    longest = 8 + (time.monotonic() - began) / 0.5
    assert world.plugin(evil)["restarts"] - before < longest
    world.wait_until_it_serves(evil)
    assert world.plugin(evil)["breaker"]["open"] is False


def test_the_host_has_not_grown(world: World) -> None:
    def storm() -> int:
        for case in CASES:
            if case.cause in ("signal", "exit", "garbage", "sandbox"):
                world.wait_until_it_serves(case.evil)
                check_failure(world.chat(case.evil))
        for case in CASES:
            world.wait_until_it_serves(case.evil)
        return world.gateway.process.memory_bytes("VmRSS")

    storm()
    count = until("all workers are back", lambda: workers(world.process), PATIENCE)
    held, memory = len(descriptors(world.process)), storm()

    for _ in range(2):
        storm()

    until("all workers are back", lambda: len(workers(world.process)) == len(count), PATIENCE)
    until("no descriptor is left behind", lambda: len(descriptors(world.process)) <= held + 2, PATIENCE)
    grown = world.gateway.process.memory_bytes("VmRSS") - memory
    assert grown < 24 * MEGABYTE, f"the host grew by {grown / MEGABYTE:.0f} MB"


class TestLoading:
    """What a plugin does before it serves: its deployments answer 503, everything else is served."""

    CASES = [
        *(Evil(f"load_{what}", on_load=what) for what in ("null", "exit", "fork", "connect", "create")),
        *(Evil(f"instance_{what}", on_instance=what) for what in ("null", "exit", "fork")),
        *(Evil(f"target_{what}", on_target=what) for what in ("null", "exit", "connect")),
    ]
    #: What there is at first, and what takes its place.
    BROKEN, MENDED = Evil("mended", on_load="null"), Evil("mended")
    WORKING, SPOILT = Evil("spoilt"), Evil("spoilt", on_load="fork")
    READERS = [Evil(f"load_{what}", wrong="found", on_load=what) for what in ("read", "environment")]

    @pytest.fixture(scope="class")
    def loaded(self, running_simulators: Simulators, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
        evils = [*self.CASES, *self.READERS, self.BROKEN, self.WORKING]
        one = start(running_simulators, tmp_path_factory.mktemp("loading"), evils)
        yield one
        one.gateway.stop()

    @pytest.mark.parametrize("evil", CASES, ids=str)
    def test_one_that_does(self, evil: Evil, loaded: World) -> None:
        with loaded.crowd() as crowd:
            check_failure(loaded.chat(evil, "hello"))
            crowd.wait_for_answers()
        assert crowd.failures == []

        plugin = loaded.plugin(evil)
        # One that dies of a target alone serves those of others, of which there are none here.
        assert plugin["state"] == "failed" or evil.on_target != "nothing"
        assert plugin["refusals"]["count"] >= 1 or plugin["crashes"]["count"] >= 1
        health = loaded.gateway.admin.get("/health").json()
        assert evil.id in [entry["model_id"] for entry in health["unhealthy_endpoints"]]
        assert GOOD.id in [entry["model_id"] for entry in health["healthy_endpoints"]]

    @pytest.mark.parametrize("evil", READERS, ids=str)
    def test_files_cannot_be_read(self, evil: Evil, loaded: World) -> None:
        if "landlock" not in json.dumps(loaded.plugin(evil)["sandbox"]).lower():
            pytest.skip("the kernel has no Landlock")

        assert content(loaded.chat(evil)) == "refused"

    def test_what_is_mended_serves(self, loaded: World) -> None:
        check_failure(loaded.chat(self.BROKEN, "hello"))

        with loaded.crowd() as crowd:
            self.MENDED.install(loaded.folder)
            loaded.wait_until_it_serves(self.MENDED)
        assert crowd.failures == []

        plugin = loaded.plugin(self.MENDED)
        assert plugin["state"] == "serving"
        assert plugin["loads"]["count"] >= 1

    def test_what_is_spoilt_is_refused_and_the_old_one_stays(self, loaded: World) -> None:
        loaded.wait_until_it_serves(self.WORKING)
        before = loaded.plugin(self.WORKING)

        with Crowd(loaded.gateway, self.WORKING.id, GOOD.id) as crowd:
            self.SPOILT.install(loaded.folder)
            after = until(
                "the new one is refused",
                lambda: (now := loaded.plugin(self.WORKING))["refusals"]["count"] > 0 and now,
                PATIENCE,
            )
            crowd.wait_for_answers()
        assert crowd.failures == []

        assert after["refusals"]["last"]["reason"] == "worker"
        assert after["sha256"] == before["sha256"]
        assert after["state"] == "serving"

    def test_no_worker_is_left_of_them(self, loaded: World) -> None:
        # The good one has two; what was mended and what was not spoilt serve, too.
        serving = 2 + len(self.READERS) + 2

        until("only good workers are alive", lambda: len(workers(loaded.process)) == serving, PATIENCE)
        until("no child is left unburied", lambda: not [s for s in children(loaded.process).values() if s[-1] == "Z"])
