"""The gateway is killed at every point of its work that leaves a trace; the next run has to set everything right.

Every scenario is run once to count its points, and then once for each of them: the gateway dies just before that call,
the client keeps what it was told, and the gateway is started again on what is left.
"""

import os
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from support import uploads
from support.crashes import CONTENT, FAILURES, OPENAI_MODEL, VERTEX_MODEL, Aftermath, CrashSite, Scenario, Tally
from support.documents import file_message, upload_body
from support.gateway import ROOT, Gateway
from support.killpoint import build_shim
from support.postgresql import PostgreSQL

BOTH = f"{OPENAI_MODEL},{VERTEX_MODEL}"
#: More than the count may be reached: what comes first and what comes together differs from run to run.
_MOST_EXTRA_POINTS = 25
_SAMPLE = 3


def judge_upload(after: Aftermath) -> None:
    if after.answer is not None and after.answer.status_code == 200:
        assert after.ids == [after.answer.json()["id"]], f"the client was told of a file; there are {after.ids}"
    elif after.answer is not None:
        assert after.ids == [], "the client was told of a failure, but there is a file"
    else:
        assert len(after.ids) <= 1


def judge_upload_in_parts(after: Aftermath) -> None:
    if after.answer is not None:
        assert after.ids == [after.answer.json()["file"]["id"]], f"the client was told of a file; there are {after.ids}"
    assert len(after.ids) <= 1


def judge_refused_upload(after: Aftermath) -> None:
    assert after.answer is None or after.answer.status_code != 200
    assert after.ids == [], "the upload has failed, but there is a file"


def judge_delete(after: Aftermath) -> None:
    if after.answer is not None and after.answer.status_code == 200:
        assert after.ids == [], "the client was told that the file is deleted, but it is there"
    else:
        assert after.ids in ([], [after.file_id])


def judge_chat(after: Aftermath) -> None:
    assert after.ids == [after.file_id], "a chat has changed which files there are"


def with_file(targets: str) -> Callable:
    return lambda site, gateway: site.upload(gateway, targets)


def with_a_refusing_provider(site: CrashSite, gateway: Gateway) -> None:
    # Later than the other one is done, so that there is something to undo.
    site.simulators.fault("google", path_prefix="/upload/storage", times=0, status=400, delay_ms=60)


def with_a_delete_that_fails_once(provider: str, path: str) -> Callable:
    def prepare(site: CrashSite, gateway: Gateway) -> str:
        file_id = site.upload(gateway, BOTH)
        site.simulators.fault(provider, path_prefix=path, method="DELETE", times=1, status=500)
        return file_id

    return prepare


def upload(gateway: Gateway, http: httpx.Client, _: str | None) -> httpx.Response:
    return gateway.post_file(upload_body(CONTENT, BOTH), http)


def upload_in_parts(_: Gateway, http: httpx.Client, __: str | None) -> httpx.Response:
    half = len(CONTENT) // 2
    session = uploads.begun(http, len(CONTENT), BOTH)
    first, _ = (uploads.added(http, session, CONTENT[:half]) for _ in range(2))
    return uploads.complete(http, session, [first, uploads.added(http, session, CONTENT[half:])])


def delete(gateway: Gateway, http: httpx.Client, file_id: str | None) -> httpx.Response:
    return http.delete(f"/v1/files/{file_id}")


def chat_elsewhere(gateway: Gateway, http: httpx.Client, file_id: str | None) -> httpx.Response:
    return gateway.chat(OPENAI_MODEL, file_message(file_id), http)


GOOGLE_FAILS_ONCE = with_a_delete_that_fails_once("google", "/storage/v1/b/")
OPENAI_FAILS_ONCE = with_a_delete_that_fails_once("openai", "/v1/files/")
SCENARIOS = [
    Scenario("an upload to two providers", lambda site, gateway: None, upload, judge_upload),
    Scenario(
        "an upload that one of two providers refuses", with_a_refusing_provider, upload, judge_refused_upload, (400,)
    ),
    Scenario("an upload in parts", lambda site, gateway: None, upload_in_parts, judge_upload_in_parts),
    Scenario("a deletion of two copies", with_file(BOTH), delete, judge_delete),
    Scenario("a deletion that Google fails once", GOOGLE_FAILS_ONCE, delete, judge_delete, (200, 503)),
    Scenario("a deletion that OpenAI fails once", OPENAI_FAILS_ONCE, delete, judge_delete, (200, 503)),
    Scenario("a chat that needs a back-filled copy", with_file(VERTEX_MODEL), chat_elsewhere, judge_chat),
]


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture(scope="module")
def sites(shim: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[CrashSite]]:
    """Two places for crashes on SQLite, which do not know of each other."""
    with ExitStack() as stack:
        yield [make_site(stack, tmp_path_factory.mktemp("crash") / "site", shim) for _ in range(2)]


@pytest.fixture(scope="module")
def postgresql_sites(
    shim: Path, running_postgresql: PostgreSQL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[CrashSite]]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp
        yield [make_site(stack, folder("crash") / "site", shim, running_postgresql) for _ in range(2)]


def make_site(stack: ExitStack, *arguments) -> CrashSite:
    site = CrashSite(*arguments)
    stack.callback(site.close)
    return site


@pytest.fixture(scope="module")
def tallies() -> Iterator[list[Tally]]:
    """What the scenarios came to; written to Tests/Reports if GANTRY_REPORTS is set."""
    all_of_them: list[Tally] = []
    yield all_of_them
    if os.environ.get("GANTRY_REPORTS") == "1":
        path = ROOT / "Tests" / "Reports" / "crash.md"
        path.parent.mkdir(exist_ok=True)
        path.write_text(report(all_of_them))


def report(tallies: list[Tally]) -> str:
    lines = [
        "# Crashes",
        "",
        "`GANTRY_REPORTS=1 scripts/test acceptance -- -k Killed` writes this. A point is a call of the gateway that",
        "leaves a trace outside of it; before each one (every third with PostgreSQL) it was killed, and then started",
        "again.",
        "",
        "| scenario | registry | points | crashes | told success | told an error | no answer | file there | gone "
        "| wrong |",
        "|---|---|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for tally in tallies:
        told = [str(tally.told.get(what, 0)) for what in ("success", "an error", "no answer")]
        left = [str(tally.files_left.get(how_many, 0)) for how_many in (1, 0)]
        numbers = [str(tally.points), str(tally.kills), *told, *left, str(len(tally.failures))]
        lines.append(f"| {' | '.join([tally.scenario, tally.registry, *numbers])} |")
    lines += ["", f"Together: {sum(tally.kills for tally in tallies)} crashes.", ""]
    return "\n".join(lines)


class Campaign:
    """The crashes of one scenario, spread over the sites."""

    def __init__(self, scenario: Scenario, sites: list[CrashSite], tally: Tally, step: int):
        self._scenario = scenario
        self._sites = sites
        self._tally = tally
        last = tally.points + (_MOST_EXTRA_POINTS if step == 1 else 0)
        self._numbers = iter(range(1, last + 1, step))
        self._lock = threading.Lock()
        self._is_over = False

    def run(self) -> None:
        with ThreadPoolExecutor(len(self._sites)) as pool:
            # The results are asked for, so that what a thread could not handle comes out.
            list(pool.map(self._run_at, self._sites))

    def _run_at(self, site: CrashSite) -> None:
        while (number := self._next()) is not None:
            try:
                aftermath, reached = site.crash(self._scenario, number)
            except FAILURES as failure:
                with self._lock:
                    self._tally.kills += 1
                    self._tally.failures.append(f"at point {number} ({site.deadly or 'end'}): {failure}")
                continue
            with self._lock:
                self._tally.kills += 1
                self._tally.add(aftermath)
                # Behind the last point: the operation was over, and there is nothing more to try.
                self._is_over = self._is_over or (not reached and number > self._tally.points)

    def _next(self) -> int | None:
        with self._lock:
            return None if self._is_over else next(self._numbers, None)


def crash_everywhere(
    scenario: Scenario, sites: list[CrashSite], tallies: list[Tally], registry: str, step: int = 1
) -> Tally:
    tally = Tally(scenario.name, registry, sites[0].count_points(scenario))
    tallies.append(tally)
    Campaign(scenario, sites, tally, step).run()
    print(f"{scenario.name} on {registry}: {tally.points} points, {tally.kills} crashes, told {tally.told}")
    if tally.failures:
        shown = "\n".join(tally.failures[:10])
        pytest.fail(f"{len(tally.failures)} of {tally.kills} crashes were not set right:\n{shown}", pytrace=False)
    return tally


class TestTheGatewayKilled:
    """At every point; the registry is the embedded one."""

    @pytest.mark.timeout(900)
    @pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name.replace(" ", "-"))
    def test_in(self, scenario: Scenario, sites: list[CrashSite], tallies: list[Tally]) -> None:
        tally = crash_everywhere(scenario, sites, tallies, "SQLite")

        assert tally.kills >= tally.points

    def test_has_many_points(self, sites: list[CrashSite], tallies: list[Tally]) -> None:
        counted = {tally.scenario: tally.points for tally in tallies if tally.registry == "SQLite"}

        for scenario in SCENARIOS:
            if scenario.name not in counted:
                counted[scenario.name] = sites[0].count_points(scenario)

        assert sum(counted.values()) >= 200, counted


class TestTheGatewayOnPostgreSQLKilled:
    """At a sample of the points."""

    @pytest.mark.timeout(900)
    @pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name.replace(" ", "-"))
    def test_in(self, scenario: Scenario, postgresql_sites: list[CrashSite], tallies: list[Tally]) -> None:
        tally = crash_everywhere(scenario, postgresql_sites, tallies, "PostgreSQL", step=_SAMPLE)

        assert tally.kills == len(range(1, tally.points + 1, _SAMPLE))
