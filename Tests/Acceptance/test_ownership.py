"""Who may do what with whose file, in every place where an id can stand: the whole matrix, and the ways around it."""

from collections.abc import Iterator

import pytest

from support.ownership import PLACES, Place
from support.ownership_world import World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(tmp_path_factory.mktemp("ownership"))
    yield made
    made.close()


@pytest.mark.parametrize("place", PLACES, ids=str)
def test_every_cell_of(world: World, place: Place) -> None:
    faults = world.check(place)

    assert not faults, "\n".join([f"{len(faults)} faults at {place}", *faults[:40]])
