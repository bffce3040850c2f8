"""What the engine promises, each promise a test or a few (design, section 5)."""

from __future__ import annotations

import gc
import itertools
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from pytest_osfutures.clock import Clock
from pytest_osfutures.engine import Engine
from pytest_osfutures.errors import (
    AccessDenied,
    EngineError,
    OperationFailed,
    OperationTimeout,
    OSFuturesError,
    ResourceVanished,
)
from pytest_osfutures.future import OperationFuture
from pytest_osfutures.policy import Poll
from pytest_osfutures.snapshot import Look, Outcome
from pytest_osfutures.verdict import Succeeded
from pytest_osfutures.watch import Ending

from .scripted import ACTION, SERVER, VOLUME, Ends, Scene, World, action, server, watch


@pytest.fixture
def engine() -> Iterator[Engine]:
    """A real engine, with its threads."""
    engine = Engine()
    yield engine
    engine.stop()


class Hanging:
    """A reader whose reads hang until they are let go."""

    def __init__(self) -> None:
        self.poll = Poll(fastest=0.01, slowest=0.01, max_rate=1000, burst=100)
        self.go = threading.Event()
        self.asked = threading.Event()

    def read(self, look: Look, clock: Clock) -> Outcome:
        asked_at = clock.now()
        self.asked.set()
        assert self.go.wait(20)
        return Outcome(look, asked_at, clock.now(), error="too late")


def watched(
    engine: Engine,
    reader: Any,
    name: str,
    tout: float,
    id: str,  # noqa: A002
) -> OperationFuture[Any]:
    """The future of an operation that was accepted just now."""
    future: OperationFuture[Any] = OperationFuture(engine)
    future.set_running_or_notify_cancel()

    def end(ending: Ending) -> None:
        if isinstance(ending, Succeeded):
            future._succeed(ending.body)
        else:
            future._fail(ending)

    world = World(engine.clock)
    one = watch(world, name, end, tout, id=id)
    one.reader = reader
    future._begun("plain", one)
    engine.watch(one)
    return future


# 1


def test_promise_1_deadlines_hold_while_every_read_hangs(engine: Engine) -> None:
    readers = [Hanging() for _ in range(10)]  # more than there are threads for reads
    begin = engine.clock.now()
    futures = [
        watched(engine, reader, "server.stop", 0.2, id=f"s{number}")
        for number, reader in enumerate(readers)
    ]
    try:
        assert readers[0].asked.wait(10)
        for future in futures:
            assert isinstance(future.exception(10), OperationTimeout)
        assert engine.clock.now() - begin < 0.2 + 1
    finally:
        for reader in readers:
            reader.go.set()


def test_promise_1_deadlines_hold_while_callbacks_and_submissions_hang(engine: Engine) -> None:
    go = threading.Event()
    done: Future[int] = Future()
    done.set_result(1)
    for _ in range(40):
        engine.callbacks.submit(lambda: go.wait(20))
        engine.submissions.submit(lambda: go.wait(20))
    try:
        future = watched(engine, Hanging(), "server.stop", 0.2, id="a")
        assert isinstance(future.exception(10), OperationTimeout)
    finally:
        go.set()


def test_promise_1_each_future_completes_once_although_two_ends_come() -> None:
    scene = Scene()
    calls: list[Future[Any]] = []
    future = watched(scene.engine, scene.world, "server.stop", 5, id="a")
    future.add_done_callback(calls.append)
    scene.world.at(5.0, SERVER.ref(id="a"), server("SHUTOFF"))
    scene.run()
    first = future.exception()
    future._succeed("late")
    future._fail(RuntimeError("later"))
    scene.engine.stop()
    assert future.exception() is first
    assert calls == [future]


# 2


def test_promise_2_a_snapshot_asked_for_before_the_accept_proves_nothing() -> None:
    scene = Scene(Poll(fastest=0.1, slowest=0.1))
    before = 9.0  # when the reads were asked for whose answers come now

    def stale(look: Look) -> Outcome | None:
        if scene.clock.now() > 15:
            return None
        return Outcome(look, before, scene.clock.now(), {"a": {"id": "a", **server("SHUTOFF")}})

    scene.world.interrupt(stale)
    scene.world.at(0, SERVER.ref(id="a"), server("SHUTOFF"))
    scene.clock.advance(10)
    ends = scene.start("server.stop", tout=20, id="a")
    scene.run(within=5)
    assert scene.world.looks
    assert not ends
    scene.run(lambda: ends)
    assert ends.success


def test_promise_2_absent_from_a_list_is_gone_only_when_a_read_by_id_says_so() -> None:
    scene = Scene(Poll(fastest=0.1, slowest=0.5, max_rate=100))
    refs = [VOLUME.ref(id=name) for name in "abcd"]
    for ref in refs:
        scene.world.at(0, ref, {"status": "deleting"})
    hidden: set[str] = {"a"}

    def without_hidden(look: Look) -> Outcome | None:
        if not look.listing:
            return None
        found = {
            ref.id: {"id": ref.id, "status": "deleting"} for ref in refs if ref.id not in hidden
        }
        return Outcome(look, scene.clock.now(), scene.clock.now(), found)

    scene.world.interrupt(without_hidden)
    ends = [scene.start("volume.delete", tout=100, id=name) for name in "abcd"]
    scene.run(within=10)
    assert not any(ends)
    assert any(look.refs == (refs[0],) for look in scene.world.looks if not look.listing)
    scene.world.now(refs[0], None)
    scene.run(lambda: ends[0])
    assert ends[0].success.body is None
    assert "/volumes/a" in [look.path for look in scene.world.looks[-2:]]


def test_promise_2_a_list_older_than_the_accept_makes_nobody_vanish() -> None:
    scene = Scene()
    ends = scene.start("server.stop", id="a")
    scene.world.at(-1, SERVER.ref(id="a"), server("ACTIVE", "powering-off"))
    scene.world.at(3, SERVER.ref(id="a"), server("SHUTOFF"))
    scene.run(lambda: ends)
    assert ends.success


# 3


@pytest.mark.parametrize(
    ("name", "back"),
    [
        ("server.resize", "ACTIVE"),
        ("server.stop", "ACTIVE"),
        ("server.unshelve", "SHELVED_OFFLOADED"),
        ("server.start", "SHUTOFF"),
        ("server.pause", "ACTIVE"),
    ],
)
def test_promise_3_a_silent_failure_fails_within_two_looks(name: str, back: str) -> None:
    scene = Scene()
    scene.world.at(0, SERVER.ref(id="a"), server(back, "working"))
    scene.world.at(6, SERVER.ref(id="a"), server(back))
    key = ACTION.ref(id="a", request_id="req-1")
    scene.world.at(0, key, action(("the_event", None)))
    scene.world.at(6, key, action(("the_event", "Error"), message="Error"))
    ends = scene.start(name, tout=600, id="a")
    scene.run(lambda: ends)
    assert isinstance(ends.error, OperationFailed)
    assert not isinstance(ends.error, OperationTimeout)
    assert "the_event" in str(ends.error)
    assert "Error" in str(ends.error)
    looks_after = [when for when in scene.world.times if when >= 6]
    assert len(looks_after) <= 2


def test_promise_3_a_status_of_success_does_not_count_while_a_task_is_under_way() -> None:
    scene = Scene()
    scene.world.at(0, SERVER.ref(id="a"), server("ACTIVE", "rebuilding"))
    scene.world.at(20, SERVER.ref(id="a"), server("ACTIVE"))
    ends = scene.start("server.rebuild", id="a")
    scene.run(lambda: ends)
    assert scene.clock.now() >= 20


# 4


def test_promise_4_an_unknown_status_is_an_error_that_names_it() -> None:
    scene = Scene()
    scene.world.now(SERVER.ref(id="a"), server("TELEPORTED"))
    scene.world.now(VOLUME.ref(id="v"), {"status": "teleported"})
    key = ACTION.ref(id="a", request_id="req-1")
    scene.world.now(key, action(("compute_stop_instance", "Success")))
    stopping = scene.start("server.stop", tout=600, id="a")
    creating = scene.start("volume.create", tout=600, id="v", request_id=None)
    scene.run(lambda: stopping and creating)
    assert "TELEPORTED" in str(stopping.error)
    assert "teleported" in str(creating.error)
    assert scene.clock.now() < 60


def test_promise_4_error_while_being_deleted_is_still_being_deleted() -> None:
    scene = Scene()
    scene.world.at(0, SERVER.ref(id="a"), server("ERROR", "deleting"))
    scene.world.at(10, SERVER.ref(id="a"), None)
    ends = scene.start("server.delete", id="a")
    scene.run(lambda: ends)
    assert ends.success.body is None


# 5 is in test_fate.py: it is about requests.

# 6


@pytest.mark.parametrize("retry_after", [None, 12.0])
def test_promise_6_a_failed_poll_delays_and_fails_nobody(retry_after: float | None) -> None:
    scene = Scene()
    scene.world.at(0, SERVER.ref(id="a"), server("SHUTOFF"))
    failed: list[float] = []

    def refuse(look: Look) -> Outcome | None:
        now = scene.clock.now()
        if len(failed) == 3:
            return None
        failed.append(now)
        return Outcome(look, now, now, error="GET answered 429", retry_after=retry_after)

    scene.world.interrupt(refuse)
    ends = scene.start("server.stop", tout=300, id="a")
    scene.run(lambda: ends)
    assert ends.success
    if retry_after is not None:
        times = scene.world.times
        assert all(later - sooner >= 12 for sooner, later in itertools.pairwise(times))


def test_promise_6_polls_that_keep_failing_end_with_the_deadline() -> None:
    scene = Scene()
    scene.world.interrupt(lambda look: Outcome(look, 0, scene.clock.now(), error="down"))
    ends = scene.start("server.stop", tout=30, id="a")
    scene.run(lambda: ends)
    assert isinstance(ends.error, OperationTimeout)
    assert ends.error.why == "not done within its 30 s, and the last look at it failed: down"


def test_promise_6_access_denied_fails_at_once_those_that_depend_on_it() -> None:
    scene = Scene()
    scene.world.now(VOLUME.ref(id="v"), {"status": "creating"})
    scene.world.at(20, VOLUME.ref(id="v"), {"status": "available"})

    def refuse(look: Look) -> Outcome | None:
        now = scene.clock.now()
        if look.kind != SERVER:
            return None
        return Outcome(look, now, now, error="GET compute /servers/a answered 403: no", fatal=True)

    scene.world.interrupt(refuse)
    denied = scene.start("server.stop", id="a")
    fine = scene.start("volume.create", id="v")
    scene.run(lambda: denied)
    assert isinstance(denied.error, AccessDenied)
    assert "403" in str(denied.error)
    assert scene.clock.now() < 5
    scene.run(lambda: fine)
    assert fine.success


# 7


def test_promise_7_a_callback_that_raises_is_logged_and_hurts_nobody(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    world = World(engine.clock, Poll(fastest=0.01))
    world.now(SERVER.ref(id="a"), server("SHUTOFF"))
    future = watched(engine, world, "server.stop", 10, id="a")
    reached = threading.Event()

    def raises(_: Future[Any]) -> None:
        raise RuntimeError("the user's own mistake")

    future.add_done_callback(raises)
    future.add_done_callback(lambda _: reached.set())
    assert future.result(10)["status"] == "SHUTOFF"
    assert reached.wait(10)
    other = watched(engine, world, "server.stop", 10, id="a")
    assert other.result(10)["status"] == "SHUTOFF"
    logged = [record for record in caplog.records if record.exc_info]
    assert any("the user's own mistake" in str(record.exc_info) for record in logged)


def test_promise_7_when_the_loop_breaks_every_pending_future_fails(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    reader = Hanging()
    futures = [watched(engine, reader, "server.stop", 60, id=f"s{n}") for n in range(5)]
    chained = futures[0].next(lambda vm: vm)
    pending: OperationFuture[Any] = OperationFuture(engine)  # of a request that is still to leave

    def breaks() -> None:
        raise ZeroDivisionError("impossible")

    with caplog.at_level(logging.CRITICAL):
        engine.soon(breaks)
        try:
            for future in [*futures, chained, pending]:
                error = future.exception(10)
                assert isinstance(error, EngineError)
                assert "ZeroDivisionError" in str(error)
        finally:
            reader.go.set()
    with pytest.raises(EngineError, match="ZeroDivisionError"):
        engine.check()


def test_promise_7_stopping_fails_what_is_pending(engine: Engine) -> None:
    reader = Hanging()
    future = watched(engine, reader, "server.stop", 60, id="a")
    engine.stop()
    reader.go.set()
    with pytest.raises(EngineError, match="stopped"):
        future.result(10)
    with pytest.raises(EngineError, match="stopped"):
        engine.watch(watch(World(engine.clock), "server.stop", Ends(), id="a"))


# 8


@pytest.mark.parametrize("number", [10, 300])
def test_promise_8_requests_do_not_grow_with_the_number_of_watches(number: int) -> None:
    scene = Scene()
    for each in range(number):
        ref = SERVER.ref(id=f"s{each}")
        scene.world.at(0, ref, server("BUILD", "spawning"))
        scene.world.at(10, ref, server("ACTIVE"))
    ends = [scene.start("server.create", id=f"s{each}") for each in range(number)]
    scene.run(lambda: all(ends))
    assert all(each.success for each in ends)
    assert len(scene.world.looks) <= 25
    assert scene.clock.now() < 15


def test_promise_8_nothing_is_kept_of_what_is_finished() -> None:
    scene = Scene()
    kept: list[weakref.ref[Any]] = []
    for number in range(100):
        ref = SERVER.ref(id=f"s{number}")
        scene.world.now(ref, server("SHUTOFF"))
        ends = Ends()
        one = watch(scene.world, "server.stop", ends, id=f"s{number}")
        kept.append(weakref.ref(one))
        scene.engine.watch(one)
        del one
        assert scene.run(lambda ends=ends: ends)  # type: ignore[misc]
    gc.collect()
    monitor = scene.engine.monitor
    assert not any(each() for each in kept)
    assert not monitor._watches
    assert not monitor._groups
    assert len(monitor._deadlines) < 70


def test_promise_8_finished_futures_are_not_kept_by_their_engine() -> None:
    scene = Scene()
    scene.world.now(SERVER.ref(id="a"), server("SHUTOFF"))
    future = watched(scene.engine, scene.world, "server.stop", 10, id="a")
    assert scene.run(future.done)
    gone = weakref.ref(future)
    del future
    gc.collect()
    assert gone() is None


# 9


def test_promise_9_an_interrupted_wait_leaves_the_engine_usable(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = World(engine.clock, Poll(fastest=0.01))
    reader = Hanging()
    future = watched(engine, reader, "server.stop", 60, id="a")

    def interrupted(self: threading.Condition, timeout: float | None = None) -> bool:
        del self, timeout
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(threading.Condition, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            future.result()
    assert not future.done()
    reader.go.set()
    world.now(SERVER.ref(id="b"), server("SHUTOFF"))
    other = watched(engine, world, "server.stop", 10, id="b")
    assert other.result(10)["status"] == "SHUTOFF"


def test_promise_9_a_forked_child_says_that_it_has_no_engine(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pytest_osfutures as osf

    reader = Hanging()
    future = watched(engine, reader, "server.stop", 60, id="a")
    done: OperationFuture[int] = OperationFuture(engine)
    done.set_running_or_notify_cancel()
    done._succeed(7)
    parent = os.getpid()
    with monkeypatch.context() as patch:
        patch.setattr(os, "getpid", lambda: parent + 1)
        waits: list[Callable[[], object]] = [
            future.result,
            future.exception,
            lambda: future.sync_res and future.result(),
            lambda: future.next(str),
            lambda: done.next(str),
            lambda: osf.wait([future]),
            lambda: osf.gather(future),
            lambda: list(osf.as_completed([future])),
            lambda: engine.watch(watch(World(engine.clock), "server.stop", Ends(), id="b")),
        ]
        for wait in waits:
            with pytest.raises(EngineError, match="forked"):
                wait()
        assert done.result() == 7
        assert osf.gather(done) == [7]
    reader.go.set()


def test_every_bad_end_is_one_of_this_package() -> None:
    scene = Scene()
    scene.world.now(SERVER.ref(id="a"), server("ACTIVE", "powering-off"))
    ends = scene.start("server.stop", tout=50, id="a")
    scene.world.at(8, SERVER.ref(id="a"), None)
    scene.run(lambda: ends)
    assert isinstance(ends.error, OSFuturesError)
    assert isinstance(ends.error, ResourceVanished)


@pytest.mark.parametrize("moment", [6.0, 6.1, 6.2, 6.3, 6.4, 6.5, 6.6, 6.7, 6.8, 6.9])
def test_promise_3_the_event_is_named_although_it_ends_after_the_task(moment: float) -> None:
    scene = Scene()
    key = ACTION.ref(id="a", request_id="req-1")
    scene.world.at(0, SERVER.ref(id="a"), server("ACTIVE", "resize_prep"))
    scene.world.at(moment, SERVER.ref(id="a"), server("ACTIVE"))
    scene.world.at(0, key, action(("conductor_migrate_server", None)))
    scene.world.at(moment + 0.3, key, action(("conductor_migrate_server", "Error")))
    ends = scene.start("server.resize", tout=600, id="a")
    scene.run(lambda: ends)
    assert "conductor_migrate_server" in str(ends.error)
    assert "event conductor_migrate_server failed" in str(ends.error)
    assert scene.clock.now() < moment + 5


def test_promise_3_a_server_that_something_else_has_reset_does_not_wait_for_the_deadline() -> None:
    scene = Scene()
    key = ACTION.ref(id="a", request_id="req-1")
    scene.world.at(0, SERVER.ref(id="a"), server("ACTIVE", "powering-off"))
    scene.world.at(6, SERVER.ref(id="a"), server("ACTIVE"))
    scene.world.at(0, key, action(("compute_stop_instance", None)))
    ends = scene.start("server.stop", tout=600, id="a")
    scene.run(lambda: ends)
    assert "no end" in str(ends.error)
    assert scene.clock.now() < 30
