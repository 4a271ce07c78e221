"""The gateway is killed at every point of making and ending a batch; the next run has to set everything right."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.batch_crashes import BatchCrashSite, scenarios
from support.crashes import FAILURES
from support.killpoint import build_shim
from support.postgresql import PostgreSQL

#: On a registry that several hosts share each next run has to wait for the lease of the dead one.
_SAMPLE = 6


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_shim(tmp_path_factory.mktemp("shim"))


@pytest.fixture
def site(shim: Path, tmp_path: Path) -> Iterator[BatchCrashSite]:
    one = BatchCrashSite(tmp_path / "site", shim)
    yield one
    one.close()


@pytest.fixture
def postgresql_site(shim: Path, running_postgresql: PostgreSQL, tmp_path: Path) -> Iterator[BatchCrashSite]:
    one = BatchCrashSite(tmp_path / "site", shim, running_postgresql)
    yield one
    one.close()


def crash_everywhere(site: BatchCrashSite, which: int, step: int = 1) -> None:
    scenario = scenarios(site)[which]
    points = site.count_points(scenario)
    assert points > 3
    failures = []
    for number in range(1, points + 1, step):
        try:
            site.crash(scenario, number)
        except FAILURES as failure:
            failures.append(f"{number} of {points}, before {site.deadly or 'nothing'}: {failure}")
    assert not failures, "\n".join(failures)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("which", [0, 1], ids=["made", "ended"])
def test_a_killed_host_leaves_nothing(site: BatchCrashSite, which: int) -> None:
    crash_everywhere(site, which)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("which", [0, 1], ids=["made", "ended"])
def test_a_killed_host_among_others_leaves_nothing(postgresql_site: BatchCrashSite, which: int) -> None:
    crash_everywhere(postgresql_site, which, _SAMPLE)
