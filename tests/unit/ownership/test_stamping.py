"""Stamps that are put on after the creation: which resources need one, and refused requests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_osfutures.fakecloud import Fault
from pytest_osfutures.ownership.stamping import needs_stamp, stamp_by_id
from pytest_osfutures.stamp import OF, Stamp
from tests.unit.cleanup.test_sweep import World, stamp


@pytest.fixture
def world() -> Iterator[World]:
    """Return a new world, and close its ledger afterwards."""
    made = World()
    yield made
    made.ledger.close()


def unstamped_volume(world: World, mark: Stamp) -> str:
    """Create a volume without a stamp, with a row in the ledger; return its id."""
    ident = world.volume({})
    record = world.ledger.record(mark)
    record.intended("volume", "disk", stamped=False)
    record.bound(ident)
    world.clock.advance(60)
    return ident


@pytest.mark.parametrize("status", [403, 409, 500])
def test_a_refused_stamp_is_noted_and_the_resource_stays_unstamped(
    world: World, status: int
) -> None:
    ident = unstamped_volume(world, mark := stamp())
    world.cloud.faults.add(Fault("status", method="POST", path="metadata", status=status, count=1))
    stamp_by_id(world.api_client, world.ledger, "volume", ident)
    assert world.ledger.unstamped_operations() == {mark.operation}
    (note,) = world.ledger.steps()
    assert f"the stamp could not be put on volume disk ({ident})" in note
    assert str(status) in note


def test_an_accepted_stamp_is_recorded(world: World) -> None:
    ident = unstamped_volume(world, mark := stamp())
    stamp_by_id(world.api_client, world.ledger, "volume", ident)
    assert world.ledger.unstamped_operations() == set()
    assert world.ledger.steps() == []
    shown = world.send("GET", "block-storage", f"/volumes/{ident}")["volume"]
    assert Stamp.of(shown) == mark


@pytest.mark.parametrize(
    ("status", "of", "is_needed"),
    [
        ("active", None, True),
        ("active", "server-1", True),
        ("active", "image-1", False),
        ("queued", None, False),
        ("saving", None, False),
    ],
)
def test_only_an_active_image_gets_a_stamp_afterwards(
    status: str, of: str | None, is_needed: bool
) -> None:
    body = {"id": "image-1", "status": status} | ({} if of is None else {OF: of})
    assert needs_stamp("image", body) is is_needed
