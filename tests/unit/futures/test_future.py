"""The future: that of the standard library, and the facts of the cloud."""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import threading
from concurrent.futures import CancelledError, Future
from typing import Any

import pytest

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.engine.loop import Engine, SteppedEngine
from pytest_osfutures.errors import InvalidArgument, OperationFailed, OperationTimeout, StatusSample
from pytest_osfutures.futures import OperationFuture, Promise, finished
from tests.unit.scripted import Scene, watch


def begun(engine: Engine) -> OperationFuture[Any]:
    """The future of something that is under way."""
    future: OperationFuture[Any] = OperationFuture(engine)
    assert future.set_running_or_notify_cancel()
    return future


def test_a_future_is_one_of_the_standard_library(engine: Engine) -> None:
    future = begun(engine)
    assert isinstance(future, Future)
    assert future.running()
    assert concurrent.futures.wait([future], 0).not_done == {future}
    future.set_result(3)
    assert concurrent.futures.wait([future], 0).done == {future}
    assert list(concurrent.futures.as_completed([future])) == [future]
    assert (future.result(), future.exception(), future.done()) == (3, None, True)


def test_a_timeout_of_the_wait_leaves_the_operation_running(engine: Engine) -> None:
    future = begun(engine)
    with pytest.raises(TimeoutError):
        future.result(timeout=0)
    with pytest.raises(TimeoutError):
        future.exception(timeout=0)
    assert future.running()


def test_a_wait_that_is_over_says_for_what(engine: Engine) -> None:
    future: OperationFuture[str] = OperationFuture(engine)
    with pytest.raises(TimeoutError, match=r"the call is not done after 0.01 s, and goes on"):
        future.result(0.01)
    assert not future.done()


def test_an_operations_own_timeout_is_not_that_of_a_wait(engine: Engine) -> None:
    future: OperationFuture[str] = OperationFuture(engine)
    future.set_exception(OperationTimeout("not done within its 5 s"))
    with pytest.raises(OperationTimeout, match="its 5 s"):
        future.result(0.01)


def test_unknown_details_are_empty(engine: Engine) -> None:
    future = begun(engine)
    assert future.operation == ""
    assert future.resource_id is None
    assert future.request_id is None
    assert future.history == ()
    assert future.attempts == ()
    with pytest.raises(InvalidArgument, match="undo"):
        future.undo()


def test_sync_res_is_the_plain_calls_answer_or_its_error(engine: Engine) -> None:
    future = begun(engine)
    for plain in ("plain", "the next try's"):
        Promise(engine, future).set_accepted(plain, None)
        assert future.sync_res == plain
    refused = begun(engine)
    refused.set_exception(KeyError("no such flavor"))
    with pytest.raises(KeyError, match="flavor"):
        refused.sync_res  # noqa: B018


# repr


def test_repr_of_a_call_tells_its_state_and_age(engine: SteppedEngine) -> None:
    future: OperationFuture[Any] = OperationFuture(engine)
    advance(engine, 2.0)
    assert repr(future) == "<OperationFuture pending for 2.0 s>"
    assert repr(begun(engine)) == "<OperationFuture running for 0.0 s>"
    future.cancel()
    assert repr(future) == "<OperationFuture cancelled after 2.0 s>"


def test_a_call_has_a_title_until_its_operation_is_known() -> None:
    scene = Scene()
    promise: Promise[Any] = Promise(scene.engine)
    promise.set_title(lambda: "ServerManager.stop 'web'")
    promise.start()
    last: Promise[Any] = Promise(scene.engine)
    last.start()
    last.follow(promise.future)
    for each in (promise.future, last.future):
        assert repr(each) == "<OperationFuture ServerManager.stop 'web' running for 0.0 s>"
    one = watch(scene.world, "server.stop", lambda _: None, id="s1")
    promise.set_accepted("plain", one)
    one.history.append(StatusSample(1.0, "ACTIVE", "powering-off"))
    for each in (promise.future, last.future):
        assert (each.operation, each.resource_id) == ("server.stop", "s1")
        assert each.history == (StatusSample(1.0, "ACTIVE", "powering-off"),)
    promise.set_result(3)
    assert last.future.result(1) == 3
    assert (last.future.operation, last.future.resource_id) == ("server.stop", "s1")


@pytest.mark.parametrize(
    ("error", "end"),
    [(None, "finished after 3.5 s"), (KeyError("no"), "failed after 3.5 s with KeyError")],
)
def test_repr_of_an_operation_tells_its_resource(error: Exception | None, end: str) -> None:
    scene = Scene()
    promise: Promise[Any] = Promise(scene.engine)
    promise.start()
    one = watch(scene.world, "server.stop", lambda _: None, id="s1")
    one.resource_name = "web"
    promise.set_accepted("plain", one)
    advance(scene.engine, 3.5)
    one.history.append(StatusSample(1.0, "ACTIVE", "powering-off"))
    title = "<OperationFuture server.stop 'web' (s1)"
    seen = "last status ACTIVE (powering-off)"
    assert repr(promise.future) == f"{title} running for 3.5 s, {seen}>"
    if error is None:
        promise.set_result(1)
    else:
        promise.set_exception(error)
    advance(scene.engine, 10.0)
    assert repr(promise.future) == f"{title} {end}, {seen}>"


def advance(engine: Engine, seconds: float) -> None:
    """Move the engine's clock."""
    assert isinstance(engine.clock, ManualClock)
    engine.clock.advance(seconds)


# Callbacks


def test_callbacks_run_in_a_thread_of_their_own(threaded: Engine) -> None:
    future = begun(threaded)
    seen: list[threading.Thread] = []
    done = threading.Event()

    def callback(ended: Future[Any]) -> None:
        assert ended is future
        seen.append(threading.current_thread())
        done.set()

    future.add_done_callback(callback)
    future.set_result(1)
    assert done.wait(10)
    assert seen[0] is not threading.current_thread()


def test_a_callback_of_a_future_that_is_done_is_called(engine: Engine) -> None:
    seen: list[Any] = []
    future = finished(engine, 5)
    future.add_done_callback(seen.append)
    assert seen == [future]


# cancel


def test_a_function_that_returns_the_future_of_its_own_end_fails(threaded: Engine) -> None:
    before = OperationFuture[int](threaded)
    after: OperationFuture[int] = before.next(lambda _: after)
    before.set_running_or_notify_cancel()
    before.set_result(1)
    with pytest.raises(InvalidArgument, match="the future of its own end"):
        after.result(5)


def test_a_pending_future_can_be_cancelled_and_never_starts(engine: Engine) -> None:
    future: OperationFuture[Any] = OperationFuture(engine)
    assert future.cancel()
    assert future.cancel()
    assert not future.set_running_or_notify_cancel()
    assert future.cancelled()
    with pytest.raises(CancelledError):
        future.result()
    with pytest.raises(CancelledError):
        future.sync_res  # noqa: B018
    future.set_result(1)
    future.set_exception(KeyError())
    assert future.cancelled()


def test_a_running_or_finished_future_cannot_be_cancelled(engine: Engine) -> None:
    future = begun(engine)
    assert not future.cancel()
    future.set_result(1)
    assert not future.cancel()
    assert future.result() == 1


def test_cancelling_and_ending_at_once_are_one_end(threaded: Engine) -> None:
    for _ in range(200):
        future: OperationFuture[Any] = OperationFuture(threaded)
        together = threading.Barrier(2)

        def fail(future: OperationFuture[Any] = future, at: threading.Barrier = together) -> None:
            at.wait(10)
            future.set_exception(OperationFailed("no"))

        thread = threading.Thread(target=fail)
        thread.start()
        together.wait(10)
        cancelled = future.cancel()
        thread.join(10)
        assert future.cancelled() == cancelled
        assert future.done()


# asyncio


def test_a_future_can_be_awaited(threaded: Engine) -> None:
    future, failing = begun(threaded), begun(threaded)

    async def main() -> Any:
        loop = asyncio.get_running_loop()
        loop.call_soon(future.set_result, 7)
        loop.call_soon(failing.set_exception, OperationFailed("no"))
        with pytest.raises(OperationFailed):
            await failing
        return await future, await asyncio.wrap_future(future)

    assert asyncio.run(main()) == (7, 7)


def test_giving_up_to_await_leaves_the_operation_running(threaded: Engine) -> None:
    future = begun(threaded)

    async def main() -> None:
        waiting = asyncio.ensure_future(asyncio.wait_for(asyncio.wrap_future(future), None))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(main())
    assert future.running()
    future.set_result(1)
    assert future.result() == 1


# The end of the engine


def test_futures_of_an_engine_that_has_ended_are_failures(engine: Engine) -> None:
    done, pending = finished(engine, 1), begun(engine)
    chained = pending.next(str)
    engine.stop()
    late: OperationFuture[Any] = OperationFuture(engine)
    for future in (pending, chained, late, done.next(str)):
        assert "stopped" in str(future.exception(0))
    assert done.result() == 1


def test_stopping_with_chains_under_way_is_quiet(
    threaded: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    futures = [begun(threaded) for _ in range(50)]
    ends = [future.next(str).next(str) for future in futures]
    threaded.call_soon(lambda: None)
    threaded.stop()
    for end in ends:
        assert "stopped" in str(end.exception(10))
    assert caplog.records == []
