"""The result of a sweep: when it may report that all resources are gone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pytest_osfutures.cleanup.cleanups import sweep_rows
from pytest_osfutures.fakecloud import Fault
from tests.unit.cleanup.test_sweep import World, stamp


@pytest.fixture
def world() -> Iterator[World]:
    """Return a new world, and close its ledger afterwards."""
    made = World()
    yield made
    made.ledger.close()


@pytest.mark.parametrize("unreadable", [False, True])
def test_an_unreadable_list_leaves_the_result_open(world: World, unreadable: bool) -> None:
    mark = stamp()
    volume = world.volume(mark.metadata())
    world.clock.advance(60)
    world.noted("volume", mark, volume)
    if unreadable:
        world.cloud.faults.add(Fault("status", method="GET", path="/networks$", status=503))
    rows = world.ledger.rows("bound")
    complete = sweep_rows(world.context, world.ledger, rows)
    assert complete is not unreadable
    assert volume not in world.left()
    assert [row.state for row in world.ledger.rows()] == ["gone"]


@pytest.mark.parametrize("stays", [False, True])
def test_an_undeleted_resource_leaves_the_result_open(world: World, stays: bool) -> None:
    mark = stamp()
    server = world.server(mark.metadata())
    world.clock.advance(60)
    world.noted("server", mark, server)
    if stays:
        world.cloud.faults.add(Fault("status", method="DELETE", path=server, status=409))
    rows = world.ledger.rows("bound")
    complete = sweep_rows(replace(world.context, deletion_seconds=5.0), world.ledger, rows)
    (row,) = world.ledger.rows()
    assert complete is not stays
    assert row.state == ("bound" if stays else "gone")
    assert ("409" in (row.note or "")) is stays


def test_a_row_without_id_is_closed_with_its_resource(
    world: World,
) -> None:
    mark, other = stamp(), stamp()
    world.noted("volume", mark, None)
    world.noted("volume", other, None)
    world.ledger.write("UPDATE resources SET intended = ?", (world.clock.time() + 1000,))
    world.volume(mark.metadata())
    world.clock.advance(60)
    rows = world.ledger.rows("intent")
    complete = sweep_rows(world.context, world.ledger, rows)
    states = {row.operation: row.state for row in world.ledger.rows()}
    assert states == {mark.operation: "gone", other.operation: "intent"}
    assert not complete  # the request of the other may still take effect


@pytest.mark.parametrize("unreadable", [False, True])
def test_a_row_without_id_stays_open_if_lists_fail(world: World, unreadable: bool) -> None:
    world.noted("volume", stamp(), None)
    world.ledger.write("UPDATE resources SET intended = ?", (world.clock.time() - 1000,))
    if unreadable:
        world.cloud.faults.add(Fault("status", method="GET", path="/volumes/detail", status=503))
    rows = world.ledger.rows("intent")
    complete = sweep_rows(world.context, world.ledger, rows)
    (row,) = world.ledger.rows()
    assert (row.state, complete) == (("intent", False) if unreadable else ("gone", True))
