"""Who may do what with whose file, in every place where an id can stand: the whole matrix, and the ways around it."""

from collections.abc import Iterator

import pytest

from support.gateway import PLUGINS, run_gantry
from support.ownership import PLACES, Place
from support.ownership_subjects import REPEATED, ROWS, Row, Subjects, check_repeats
from support.ownership_world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("ownership"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def subjects(world: World) -> Subjects:
    return Subjects(world)


def told(faults: list[str], where: object) -> str:
    return "\n".join([f"{len(faults)} faults at {where}", *faults[:40]])


def test_every_route_has_a_row_and_every_row_a_route(world: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    data = tmp_path_factory.mktemp("routes")
    command = ["routes", "--config", world.gateway.config_path, "--data", data, "--plugins", PLUGINS]

    listed = run_gantry(*command)

    assert listed.returncode == 0, listed.stderr
    routes = [tuple(line.split()[:2]) for line in listed.stdout.splitlines()]
    rows = {place.route for place in PLACES if place.route[0] != "HEAD"} | {row.route for row in ROWS}
    assert set(routes) == rows
    assert len(routes) == len(set(routes))
    assert {("GET", place.route[1]) for place in PLACES if place.route[0] == "HEAD"} <= rows


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_every_cell_of(world: World, place: Place) -> None:
    faults = world.check(place)

    assert not faults, told(faults, place)


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_every_subject_of(world: World, subjects: Subjects, row: Row) -> None:
    faults = subjects.check(row) + world.changes()

    assert not faults, told(faults, row)


@pytest.mark.parametrize("is_same", [True, False], ids=["the-same-upload", "another-upload"])
@pytest.mark.parametrize("first", REPEATED)
def test_an_idempotency_key_is_its_owners(world: World, first: str, is_same: bool) -> None:
    faults = check_repeats(world, first, is_same) + world.changes()

    assert not faults, told(faults, first)
