"""The durations of futures, on a clock of the tests."""

from __future__ import annotations

import pytest

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.engine.loop import SteppedEngine
from pytest_osfutures.errors import OperationFailed, StatusSample
from pytest_osfutures.futures import OperationFuture, Promise
from pytest_osfutures.futures.timing import phases_of
from tests.unit.scripted import World, watch


def begun() -> tuple[ManualClock, OperationFuture[object]]:
    clock = ManualClock()
    future: OperationFuture[object] = OperationFuture(SteppedEngine(clock))
    clock.advance(5)  # in the queue
    future.set_running_or_notify_cancel()
    return clock, future


def test_seconds_are_the_age_and_then_the_duration() -> None:
    clock, future = begun()
    clock.advance(3)
    assert future.seconds == 3
    clock.advance(4)
    future.set_result(None)
    clock.advance(100)
    assert future.seconds == 7
    assert "finished after 7.0 s" in repr(future)


@pytest.mark.parametrize("how", ["failed", "cancelled"])
def test_failures_have_a_duration(how: str) -> None:
    clock = ManualClock()
    future: OperationFuture[object] = OperationFuture(SteppedEngine(clock))
    clock.advance(2)
    if how == "cancelled":
        assert future.cancel()
    else:
        future.set_exception(OperationFailed("no host"))
    clock.advance(2)
    assert future.seconds == 2
    assert future.phases == {}


def test_phases_end_with_the_operation() -> None:
    clock, future = begun()
    made = watch(World(clock), "server.create", lambda _: None, id="s1")
    Promise(future._engine, future).set_accepted(None, made)
    began = clock.time()
    made.history[:] = [
        StatusSample(began, "BUILD", "scheduling"),
        StatusSample(began + 1, "BUILD", "spawning"),
        StatusSample(began + 4, "ACTIVE"),
    ]
    clock.advance(4.5)
    assert future.phases == {"BUILD/scheduling": 1, "BUILD/spawning": 3, "ACTIVE": 0.5}
    future.set_result(None)
    clock.advance(100)
    assert future.phases["ACTIVE"] == 0.5
    assert sum(future.phases.values()) == future.seconds


def test_states_that_come_again_are_added() -> None:
    states = [StatusSample(0, "SHUTOFF"), StatusSample(2, "ACTIVE"), StatusSample(3, "SHUTOFF")]
    assert phases_of(states, 7) == {"SHUTOFF": 6, "ACTIVE": 1}
    assert phases_of(states, 1) == {"SHUTOFF": 2, "ACTIVE": 1}  # a clock that was set back
    assert phases_of([], 7) == {}
