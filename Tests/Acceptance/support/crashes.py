"""Crashes of the gateway at every point of an operation, and what has to be true after the next start."""

import hashlib
import json
import shutil
import signal
import sqlite3
import subprocess
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import httpx

from .documents import file_message, pdf
from .gateway import BUILD, MASTER_KEY, Gateway, clean_environment, configuration, openai_entry, vertex_entry
from .killpoint import KillPoint
from .postgresql import Database, PostgreSQL
from .simulators import Simulators
from .waiting import until

OPENAI_MODEL = "gpt-4o-mini-openai"
VERTEX_MODEL = "gemini-2.0-flash"
#: Large enough to be sent on while it comes in.
CONTENT = pdf().ljust(1_200_000, b"\n")

#: The sweeps of the next run, one a second; one is enough where the providers do what they are asked.
_MOST_SWEEPS = 4
#: Among several hosts, the next run may have to wait until the lease of the dead one is over.
_MOST_SWEEPS_ON_POSTGRESQL = 90
_UNFINISHED = (
    "SELECT status, 'file' FROM files WHERE status NOT IN ('ready', 'deleted', 'expired') "
    "UNION ALL SELECT state, 'copy' FROM file_copies WHERE state <> 'ready'"
)
_NEEDED = (
    "SELECT c.provider_id FROM file_copies c JOIN files f ON f.id = c.file_id "
    "WHERE f.status = 'ready' AND c.provider_id IS NOT NULL"
)


@dataclass(frozen=True)
class Scenario:
    """An operation, and what may be true after it was cut off."""

    name: str
    #: Makes what the operation needs; returns the id of the file that it is about, if there is one before.
    prepare: Callable[["CrashSite", Gateway], str | None]
    act: Callable[[Gateway, httpx.Client, str | None], httpx.Response]
    #: Checks the ids that are left against what the client was told: an answer, or nothing.
    judge: Callable[["Aftermath"], None]
    #: What the operation answers when nobody kills it.
    statuses: tuple[int, ...] = (200,)


@dataclass
class Aftermath:
    """What a client sees after the next start."""

    file_id: str | None
    answer: httpx.Response | None
    ids: list[str]

    @property
    def told(self) -> str:
        if self.answer is None:
            return "no answer"
        return "success" if self.answer.status_code == 200 else "an error"


@dataclass
class Tally:
    """What came out of one scenario on one kind of registry."""

    scenario: str
    registry: str
    points: int
    kills: int = 0
    told: dict[str, int] = field(default_factory=dict)
    files_left: dict[int, int] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)

    def add(self, aftermath: Aftermath) -> None:
        self.told[aftermath.told] = self.told.get(aftermath.told, 0) + 1
        self.files_left[len(aftermath.ids)] = self.files_left.get(len(aftermath.ids), 0) + 1


class CrashSite:
    """One place for crashes: simulators, a data directory and a kill point of its own, one crash after the other."""

    #: The gateway's `general_settings`.
    settings: ClassVar[dict] = {"sweep_seconds": 1}
    #: Finds nothing once everything is finished.
    unfinished: ClassVar[str] = _UNFINISHED

    def __init__(self, folder: Path, shim: Path, postgresql: PostgreSQL | None = None):
        folder.mkdir()
        self._folder = folder
        self._postgresql = postgresql
        self.database: Database | None = None
        self._point = KillPoint(shim, folder / "killpoint")
        self.simulators = Simulators(BUILD / "gantry-simulators", folder / "simulators", clean_environment())
        self.http = httpx.Client(headers={"Authorization": f"Bearer {MASTER_KEY}"}, timeout=30, trust_env=False)
        credentials = folder / "credentials.json"
        credentials.write_text(json.dumps(self.simulators.service_account("main")))
        credentials.chmod(0o600)
        self._configuration = configuration(
            openai_entry(self.simulators, OPENAI_MODEL, model_info={"id": "openai-main"}),
            vertex_entry(self.simulators, credentials, VERTEX_MODEL, model_info={"id": "vertex-main"}),
            **self.settings,
        )

    def close(self) -> None:
        self.http.close()
        self.simulators.stop()

    def count_points(self, scenario: Scenario) -> int:
        """Runs the operation to its end and returns how many calls of it left a trace.

        What is written at the same time is sometimes written together: it is the most of some runs.
        """
        return max(self._count_points_once(scenario) for _ in range(3))

    def _count_points_once(self, scenario: Scenario) -> int:
        gateway, file_id = self._begin(scenario)
        self._point.arm()
        try:
            answer = scenario.act(gateway, self.http, file_id)
            assert answer.status_code in scenario.statuses, answer.text
            self._wait_until_quiet()
            return self._point.count
        finally:
            self._kill(gateway)

    def crash(self, scenario: Scenario, number: int) -> tuple[Aftermath, bool]:
        """Kills the gateway just before call `number` of the operation, starts it again and checks everything.

        Returns what the client saw and whether the call was reached; a gateway that has answered and does nothing any
        more is killed all the same.
        """
        gateway, file_id = self._begin(scenario)
        self._point.arm(number)
        answer = None
        try:
            with suppress(httpx.TransportError):
                answer = scenario.act(gateway, self.http, file_id)
                self._wait_until_quiet(gateway)
        finally:
            self._kill(gateway)
        reached = self.deadly != ""
        if not reached:
            assert answer is not None, "the client had no answer although the gateway was alive"
            assert answer.status_code in scenario.statuses, answer.text
        return self._check_the_next_run(scenario, file_id, answer), reached

    @property
    def deadly(self) -> str:
        """The function before which the last crash came."""
        return self._point.deadly

    def _begin(self, scenario: Scenario) -> tuple[Gateway, str | None]:
        """Starts a gateway without a past, and makes what the operation needs."""
        self._point.disarm()
        self.simulators.reset()
        shutil.rmtree(self._folder / "data", ignore_errors=True)
        if self._postgresql:
            if self.database:
                self.database.drop()
            self.database = self._postgresql.database()
        gateway = self._start(**self._point.environment)
        try:
            return gateway, scenario.prepare(self, gateway)
        except BaseException:
            self._kill(gateway)
            raise

    def _start(self, **environment: str) -> Gateway:
        if self.database:
            environment["DATABASE_URL"] = self.database.url
        gateway = Gateway.start(
            self._folder, self._configuration, data=self._folder / "data", environment=clean_environment(**environment)
        )
        if self.database:
            gateway.secrets.append(self.database.server.password)
        gateway.secrets.append("sk-sim-main")
        self.http.base_url = gateway.url
        return gateway

    def upload(self, gateway: Gateway, targets: str) -> str:
        return gateway.upload(CONTENT, targets, self.http)["id"]

    def _wait_until_quiet(self, gateway: Gateway | None = None) -> None:
        """Waits until the gateway is dead or has made no call for some rounds: some work comes after the answer."""
        seen: list[int] = []

        def is_quiet() -> bool:
            seen.append(self._point.count)
            is_dead = gateway is not None and not gateway.process.is_running
            return is_dead or (len(seen) >= 5 and len(set(seen[-5:])) == 1)

        until("the gateway is quiet", is_quiet)

    def _kill(self, gateway: Gateway) -> None:
        """Ends the gateway the hard way and waits until the providers have noticed."""
        if gateway.process.is_running:
            gateway.signal(signal.SIGKILL)
        code = gateway.process.wait(10)
        self._point.disarm()
        assert code == -signal.SIGKILL, f"it ended by itself with {code}:\n{gateway.process.output[-5000:]}"
        gateway.check_log()
        seen: list[dict] = []

        def is_idle() -> bool:
            # What was sent before the end may still wait in a socket: the same has to be seen three times.
            state = self.simulators.state()
            seen.append(state)
            return state["open_requests"] == 0 and len(seen) >= 3 and seen[-1] == seen[-2] == seen[-3]

        until("the providers have noticed the end", is_idle)

    def _check_the_next_run(self, scenario: Scenario, file_id: str | None, answer: httpx.Response | None) -> Aftermath:
        gateway = self._start()
        try:
            self.settle(gateway)
            self._check_objects()
            aftermath = Aftermath(file_id, answer, gateway.file_ids(self.http))
            scenario.judge(aftermath)
            self._check_the_missing(aftermath)
            for one in aftermath.ids:
                self.check_usable(gateway, one)
            self._check_objects()
        except BaseException:
            gateway.signal(signal.SIGKILL)
            gateway.process.wait(10)
            raise
        gateway.stop()
        assert not (rows := self.rows(self.unfinished)), f"unfinished work is left in the registry: {rows}"
        return aftermath

    def settle(self, gateway: Gateway) -> None:
        """Waits for the sweeps of this run until nothing is unfinished; the first one has to be over in any case."""
        most = _MOST_SWEEPS_ON_POSTGRESQL if self.database else _MOST_SWEEPS
        for number in range(1, most + 1):
            until(
                f"sweep {number} is finished",
                lambda number=number: gateway.process.output.count("sweep finished") >= number,
                seconds=30,
            )
            if not self.rows(self.unfinished):
                return
        raise AssertionError(f"{most} sweeps have left unfinished work: {self.rows(self.unfinished)}")

    def _check_objects(self) -> None:
        """Every object belongs to a file, and every file has its objects."""
        state = self.simulators.state()
        there = {file["id"] for file in state["openai"]["files"]}
        there |= {f"gs://{one['bucket']}/{one['name']}" for one in state["google"]["objects"]}
        needed = {row[0] for row in self.rows(_NEEDED)}
        assert not there - needed, f"objects that belong to nobody: {sorted(there - needed)}"
        assert not needed - there, f"objects that are missing: {sorted(needed - there)}"

    def _check_the_missing(self, aftermath: Aftermath) -> None:
        if aftermath.file_id and aftermath.file_id not in aftermath.ids:
            status = self.http.get(f"/v1/files/{aftermath.file_id}").status_code
            assert status == 404, f"a file that is in no list answers {status}"
        if not aftermath.ids:
            assert self.simulators.holds_nothing(), "no file is left, but objects are"

    def check_usable(self, gateway: Gateway, file_id: str) -> None:
        found = self.http.get(f"/v1/files/{file_id}")
        assert (found.status_code, found.json().get("bytes")) == (200, len(CONTENT)), found.text
        content = self.http.get(f"/v1/files/{file_id}/content")
        assert content.status_code == 200 and content.content == CONTENT, f"other content: {content.status_code}"
        digest = hashlib.sha256(CONTENT).hexdigest()[:12]
        for model in (OPENAI_MODEL, VERTEX_MODEL):
            answer = gateway.chat(model, file_message(file_id), self.http)
            assert answer.status_code == 200, f"{model}: {answer.text}"
            assert digest in answer.text, f"{model} was given something else: {answer.text}"
        digests = [one["sha256"] for one in self.simulators.openai_files() + self.simulators.google_objects()]
        assert digests == [hashlib.sha256(CONTENT).hexdigest()] * 2, f"not one object at each provider: {digests}"

    def rows(self, statement: str) -> list[list[str]]:
        if self.database:
            return self.database.sql(statement)
        path = self._folder / "data" / "gantry.sqlite"
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=5)) as registry:
            return [list(row) for row in registry.execute(statement)]


#: What an iteration may fail with; anything else is an error of the tests and ends them.
FAILURES = (AssertionError, httpx.HTTPError, subprocess.SubprocessError, sqlite3.Error)
