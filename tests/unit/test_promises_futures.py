"""The engine's promises (design, section 5) about futures: promises 1, 7, 8 and 9."""

from __future__ import annotations

import gc
import logging
import os
import threading
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from pytest_osfutures.clock import Clock
from pytest_osfutures.engine.loop import Engine
from pytest_osfutures.engine.poll_plan import ReadRequest, ReadResult
from pytest_osfutures.engine.watch import Completion
from pytest_osfutures.errors import EngineError, OperationTimeout, OSFuturesError, ResourceVanished
from pytest_osfutures.futures import OperationFuture, Promise
from pytest_osfutures.operations.judge import Succeeded
from pytest_osfutures.policy import Poll

from .scripted import SERVER, Ends, Scene, World, server, watch


@pytest.fixture
def engine() -> Iterator[Engine]:
    """A real engine, with its threads."""
    engine = Engine()
    yield engine
    engine.stop()


class Hanging:
    """A reader whose reads hang until they are let go."""

    def __init__(self, asked: threading.Event | None = None) -> None:
        self.poll = Poll(fastest=0.01, slowest=0.01, max_rate=1000, burst=100)
        self.go = threading.Event()
        self.asked = asked or threading.Event()

    def read(self, request: ReadRequest, clock: Clock) -> ReadResult:
        asked_at = clock.now()
        self.asked.set()
        assert self.go.wait(20)
        return ReadResult(request, asked_at, clock.now(), error="too late")


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

    def end(completion: Completion) -> None:
        if isinstance(completion, Succeeded):
            future.set_result(completion.body)
        else:
            future.set_exception(completion)

    world = World(engine.clock)
    one = watch(world, name, end, tout, id=id)
    one.reader = reader
    Promise(engine, future).set_accepted("plain", one)
    engine.watch(one)
    return future


# 1


def test_promise_1_deadlines_hold_while_every_read_hangs(engine: Engine) -> None:
    asked = threading.Event()
    readers = [Hanging(asked) for _ in range(10)]  # more than there are threads for reads
    for number, reader in enumerate(readers):
        watched(engine, reader, "server.stop", 60.0, id=f"s{number}")
    try:
        assert asked.wait(20)
        begin = engine.clock.now()
        futures = [
            watched(engine, reader, "server.stop", 0.2, id=f"t{number}")
            for number, reader in enumerate(readers)
        ]
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
    future.set_result("late")
    future.set_exception(RuntimeError("later"))
    scene.engine.stop()
    assert future.exception() is first
    assert calls == [future]


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
        engine.call_soon(breaks)
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
    assert len(scene.world.reads) <= 25
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
    done.set_result(7)
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
        assert list(osf.gather(done)) == [7]
    reader.go.set()


def test_every_bad_end_is_one_of_this_package() -> None:
    scene = Scene()
    scene.world.now(SERVER.ref(id="a"), server("ACTIVE", "powering-off"))
    ends = scene.start("server.stop", tout=50, id="a")
    scene.world.at(8, SERVER.ref(id="a"), None)
    scene.run(lambda: ends)
    assert isinstance(ends.error, OSFuturesError)
    assert isinstance(ends.error, ResourceVanished)
