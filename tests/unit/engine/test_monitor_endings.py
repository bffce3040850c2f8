"""The loop ends a watch, tells the reason, and keeps nothing of the watch."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial

import pytest

from pytest_osfutures.engine.poll_plan import ReadRequest, ReadResult
from pytest_osfutures.engine.watch import Reader
from pytest_osfutures.errors import AccessDeniedError, EngineError, OperationTimeout
from tests.unit.scripted import ACTION, SERVER, VOLUME, Ends, Scene, action, failing, server, watch


def test_a_group_that_vanished_while_its_read_was_under_way_does_no_harm() -> None:
    scene = Scene()
    scene.world.now(SERVER.ref(id="a"), server("ACTIVE", "powering-off"))
    monitor = scene.engine.monitor
    waiting: list[Callable[[], None]] = []

    def hang(reader: Reader, request: ReadRequest, deliver: Callable[[ReadResult], None]) -> None:
        waiting.append(partial(deliver, reader.read(request, scene.clock)))

    monitor._start_read = hang
    ends = scene.start("server.stop", id="a", tout=5)
    scene.run(within=20)
    assert isinstance(ends.error, OperationTimeout)
    assert waiting
    for deliver in waiting:
        deliver()
    again = scene.start("server.stop", id="a", tout=5)
    scene.run(within=20)
    assert isinstance(again.error, OperationTimeout)


def test_a_list_that_was_asked_for_before_the_accept_leaves_no_trace() -> None:
    scene = Scene()
    ref = SERVER.ref(id="a")
    ends = Ends()
    one = watch(scene.world, "server.stop", ends, accepted_at=10.0, id="a")
    scene.engine.watch(one)
    scene.engine.monitor.step()

    def stale(request: ReadRequest) -> ReadResult:
        return ReadResult(request, 9.9, scene.clock.now(), {"a": server("SHUTOFF")})

    scene.world.interrupt(stale)
    scene.clock.advance_to(11)
    scene.run(within=5)
    assert not ends
    assert ref not in one.observations
    assert one.history == []


def test_a_verdict_that_raises_fails_its_own_operation_only() -> None:
    scene = Scene()
    scene.world.now(VOLUME.ref(id="v"), {"status": "available"})  # an extend without a size
    scene.world.now(SERVER.ref(id="a"), server("SHUTOFF"))
    malformed = scene.start("volume.extend", id="v")
    fine = scene.start("server.stop", id="a")
    assert scene.run(lambda: malformed and fine)
    assert isinstance(malformed.error, EngineError)
    assert "volume.extend" in str(malformed.error)
    assert isinstance(malformed.error.__cause__, KeyError)
    assert fine.success


def test_a_failure_whose_explanation_cannot_be_read_does_not_wait_for_the_deadline() -> None:
    scene = Scene()
    fault = {"code": 500, "message": "No valid host was found. "}
    scene.world.now(SERVER.ref(id="a"), server("ERROR", fault=fault))
    failing(scene, ACTION)
    ends = scene.start("server.create", id="a", tout=600)
    scene.run(lambda: ends)
    assert "No valid host was found." in str(ends.error)
    assert scene.clock.now() < 30


def test_an_explanation_that_is_forbidden_is_none() -> None:
    scene = Scene()
    scene.world.now(SERVER.ref(id="a"), server("ERROR"))
    failing(scene, ACTION, fatal=True)
    ends = scene.start("server.create", id="a", tout=600)
    scene.run(lambda: ends)
    assert not isinstance(ends.error, AccessDeniedError)
    assert scene.clock.now() < 10


def test_nothing_is_kept_of_a_reader_that_is_gone() -> None:
    scene = Scene()
    scene.world.now(SERVER.ref(id="a"), server("SHUTOFF"))
    ends = scene.start("server.stop", id="a")
    assert scene.run(lambda: ends)
    monitor = scene.engine.monitor
    assert len(monitor._buckets) == 1
    del scene.world
    gc.collect()
    assert len(monitor._buckets) == 0
    assert len(monitor._offsets) == 0


def test_abandoning_ends_every_watch_even_if_one_end_raises() -> None:
    scene = Scene()
    ends = Ends()

    def raises(_: object) -> None:
        raise RuntimeError("no")

    scene.engine.watch(watch(scene.world, "server.stop", raises, id="a"))
    scene.engine.watch(watch(scene.world, "server.stop", ends, id="b"))
    scene.engine.monitor.step()
    scene.engine.stop()
    assert isinstance(ends.error, EngineError)
    assert scene.engine.monitor.pending == 0


@pytest.mark.parametrize("since_accept", [0.0, 100.0])
def test_a_deadline_counts_from_the_accept(since_accept: float) -> None:
    scene = Scene()
    scene.clock.advance(since_accept)
    ends = scene.start("server.stop", id="a", tout=50, accepted_at=scene.clock.now() - 20)
    scene.world.now(SERVER.ref(id="a"), server("ACTIVE", "powering-off"))
    begin = scene.clock.now()
    scene.run(lambda: ends)
    assert isinstance(ends.error, OperationTimeout)
    assert scene.clock.now() == pytest.approx(begin + 30)


def test_an_error_carries_the_evidence() -> None:
    scene = Scene()
    ref = SERVER.ref(id="a")
    scene.world.at(0, ref, server("ACTIVE", "powering-off", name="web"))
    scene.world.at(4, ref, server("ACTIVE", None, name="web"))
    key = ACTION.ref(id="a", request_id="req-1")
    scene.world.at(0, key, action(("compute_stop_instance", "Error"), message="Error"))
    ends = scene.start("server.stop", id="a")
    scene.run(lambda: ends)
    error = ends.error
    details = getattr(error, "details")  # noqa: B009
    assert (details.operation, details.resource_id, details.resource_name) == (
        "server.stop",
        "a",
        "web",
    )
    assert [(seen.status, seen.task_state) for seen in details.history] == [
        ("ACTIVE", "powering-off"),
        ("ACTIVE", None),
    ]
    assert details.events[0].name == "compute_stop_instance"
    assert details.request_id == "req-1"
