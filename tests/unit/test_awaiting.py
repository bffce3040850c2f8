"""`await future` in tasks of asyncio, of trio, and of anyio on either."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator
from typing import Any

import pytest

from pytest_osfutures.engine.loop import Engine
from pytest_osfutures.errors import OperationFailed
from pytest_osfutures.futures import OperationFuture, finished

trio = pytest.importorskip("trio")
anyio = pytest.importorskip("anyio")

Run = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]
RUNS: dict[str, Run] = {
    "asyncio": lambda main: asyncio.run(main()),
    "trio": trio.run,
    "anyio on asyncio": lambda main: anyio.run(main, backend="asyncio"),
    "anyio on trio": lambda main: anyio.run(main, backend="trio"),
}


def in_a_guest(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    """Run trio as the guest of asyncio's loop: then both are there."""

    async def host() -> Any:
        loop, ended = asyncio.get_running_loop(), asyncio.get_running_loop().create_future()
        trio.lowlevel.start_guest_run(
            main,
            run_sync_soon_threadsafe=loop.call_soon_threadsafe,
            done_callback=ended.set_result,
        )
        return (await ended).unwrap()

    return asyncio.run(host())


RUNS["trio as a guest of asyncio"] = in_a_guest


@pytest.fixture(params=list(RUNS))
def run(request: pytest.FixtureRequest) -> Run:
    return RUNS[request.param]


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine()
    yield made
    made.stop()


def begun(engine: Engine) -> OperationFuture[Any]:
    future: OperationFuture[Any] = OperationFuture(engine)
    future.set_running_or_notify_cancel()
    return future


def test_the_result_comes_from_another_thread(run: Run, engine: Engine) -> None:
    future = begun(engine)

    async def main() -> Any:
        engine.call_later(0.01, lambda: future.set_result(7))
        return await future

    assert run(main) == 7


def test_await_raises_the_error_of_the_future(run: Run, engine: Engine) -> None:
    future = begun(engine)

    async def main() -> None:
        engine.call_later(0.01, lambda: future.set_exception(OperationFailed("no")))
        with pytest.raises(OperationFailed):
            await future

    run(main)


def test_await_of_a_finished_future_returns_at_once(run: Run, engine: Engine) -> None:
    future = finished(engine, 7)

    async def main() -> Any:
        return await future

    assert run(main) == 7


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_a_task_that_gives_up_leaves_the_future_alone(backend: str, engine: Engine) -> None:
    waiting: OperationFuture[Any] = OperationFuture(engine)  # its request has not left
    running = begun(engine)

    async def main() -> None:
        for future in (waiting, running):
            with anyio.move_on_after(0) as scope:
                await future
            assert scope.cancelled_caught
            assert not future.done()

    anyio.run(main, backend=backend)
    assert not waiting.cancelled()
    assert waiting.set_running_or_notify_cancel()
    running.set_result(1)
    assert running.result(0) == 1


def test_a_task_of_asyncio_that_is_cancelled_leaves_the_future_alone(engine: Engine) -> None:
    future: OperationFuture[Any] = OperationFuture(engine)

    async def wait() -> Any:
        return await future

    async def main() -> None:
        task = asyncio.ensure_future(wait())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
    assert not future.cancelled()


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_an_end_after_the_loop_was_closed_is_quiet(
    backend: str, engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    future = begun(engine)

    async def main() -> None:
        with anyio.move_on_after(0):
            await future

    anyio.run(main, backend=backend)
    future.set_result(1)
    assert caplog.records == []


@pytest.mark.parametrize("backend", ["asyncio", "trio"])
def test_many_tasks_wait_for_one_future(backend: str, engine: Engine) -> None:
    future, got = begun(engine), []

    async def wait() -> None:
        got.append(await future)

    async def main() -> None:
        async with anyio.create_task_group() as group:
            for _ in range(20):
                group.start_soon(wait)
            threading.Timer(0.01, future.set_result, [7]).start()

    anyio.run(main, backend=backend)
    assert got == [7] * 20


def test_an_await_outside_of_any_loop_says_so(engine: Engine) -> None:
    waiting = begun(engine).__await__()
    with pytest.raises(RuntimeError, match="no running event loop"):
        next(waiting)
