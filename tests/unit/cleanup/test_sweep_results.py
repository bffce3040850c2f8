"""A sweep checks again after growing pauses, and records which resources are gone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from pytest_osfutures.cleanup.cleanups import UNKNOWN_TYPE, persist
from pytest_osfutures.cleanup.sweep import Sweep, SweepContext
from pytest_osfutures.clock import ManualClock
from pytest_osfutures.fakecloud import Fault
from tests.unit.cleanup.test_sweep import World, stamp, world
from tests.unit.ownership.test_children import booted

__all__ = ["world"]  # the fixture


def test_pauses_between_checks_grow_to_five_seconds(world: World) -> None:
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

    context = SweepContext(world.api_client, Recorded(), world.notes.append)
    sweep = Sweep(context, lambda _: True)
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
    assert not world.clean_up(persist_seconds=0.0)
    assert world.left() == volumes
    world.cloud.faults.clear()
    assert world.clean_up()
    assert world.left() == set()


def test_a_later_stage_has_a_tenth_of_the_patience_for_itself(world: World) -> None:
    world.server(stamp().metadata())
    world.volume(stamp().metadata())
    world.clock.advance(60)
    world.cloud.faults.add(Fault("status", method="DELETE", path="/servers", status=409))
    sweep = Sweep(replace(world.context, deletion_seconds=20.0), lambda _: True)
    left = sweep.remove(sweep.find())
    assert [each.type.name for each in left] == ["server"]


@pytest.mark.parametrize(
    ("seconds", "pauses"),
    [(0.0, []), (10.0, [1.0, 2.0, 4.0, 3.0]), (200.0, [1, 2, 4, 8, 16, 32, 60, 60, 17])],
)
def test_pauses_between_two_tries_double_up_to_a_minute(
    world: World, seconds: float, pauses: list[float]
) -> None:
    slept: list[float] = []

    class Recorded(ManualClock):
        """Notes the pauses between two tries."""

        def sleep(self, seconds: float) -> None:
            slept.append(seconds)
            super().sleep(seconds)

    context = SweepContext(world.api_client, Recorded(), world.notes.append)
    assert not persist(context, lambda: False, seconds)
    assert slept == pauses


def test_a_resource_of_an_unknown_type_is_not_recorded_as_gone(world: World) -> None:
    world.noted("cluster", stamp(), "c-1")  # as another version of the package writes it
    mark = stamp()
    world.noted("server", mark, server := world.server(mark.metadata()))
    assert not world.clean_up(persist_seconds=0.0)
    assert server not in world.left()
    (row,) = world.ledger.rows("bound")
    assert (row.kind, row.id, row.note) == ("cluster", "c-1", UNKNOWN_TYPE)


def test_a_resource_that_is_gone_before_the_cleanup_is_recorded_as_gone(world: World) -> None:
    world.noted("server", stamp(), "deleted-by-hand")
    assert world.clean_up(persist_seconds=0.0)
    assert [row.state for row in world.ledger.rows()] == ["gone"]
