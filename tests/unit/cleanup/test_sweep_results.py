"""A sweep looks again after growing pauses, and counts what a parent leaves as left."""

from __future__ import annotations

from pytest_osfutures.cleanup.sweep import Sweep
from pytest_osfutures.clock import ManualClock
from pytest_osfutures.fakecloud import Fault
from tests.unit.cleanup.test_sweep import World, stamp, world
from tests.unit.ownership.test_children import booted

__all__ = ["world"]  # the fixture


def test_pauses_between_two_looks_grow_up_to_five_seconds(world: World) -> None:
    world.volume(stamp().metadata())
    world.cloud.faults.add(Fault("status", method="DELETE", path="/volumes", status=409))
    pauses: list[float] = []

    class Recorded(ManualClock):
        """Notes the pauses of the sweep."""

        def now(self) -> float:
            return world.clock.now()

        def sleep(self, seconds: float) -> None:
            pauses.append(seconds)
            world.clock.sleep(seconds)

    sweep = Sweep(world.api_client, lambda _: True, Recorded(), world.notes.append)
    left = sweep.remove(sweep.find())
    assert len(left) == 1
    assert pauses[0] == 0.3
    assert pauses == sorted(pauses)
    assert pauses[-1] == 5.0


def test_a_volume_of_a_deleted_server_that_stays_is_left(world: World) -> None:
    server = booted(world, mark := stamp())
    world.noted("server", mark, server)
    volumes = world.left() - {server}
    refused = Fault("status", method="DELETE", path="/volumes", status=409)
    world.cloud.faults.add(refused)
    assert not world.clean_up(persistence=0.0)
    assert world.left() == volumes
    world.cloud.faults.clear()
    assert world.clean_up()
    assert world.left() == set()
