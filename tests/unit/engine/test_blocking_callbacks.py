"""Users' functions may block, even for one another; nothing of the package waits for them."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

from pytest_osfutures.engine import executors as module
from pytest_osfutures.engine.executors import Pool
from pytest_osfutures.engine.loop import Engine
from pytest_osfutures.futures import OperationFuture, as_completed, finished, gather, then

#: More than the threads that a pool starts at once.
MANY = 40


@pytest.fixture
def engine() -> Iterator[Engine]:
    made = Engine()
    yield made
    made.stop()


@pytest.fixture
def crowded(engine: Engine) -> Iterator[Engine]:
    """An engine all of whose threads for users' functions are blocked, and cannot become more."""
    engine.callbacks = Pool("callback", 2)
    go = threading.Event()
    for _ in range(2 * MANY):
        finished(engine, 1).next(lambda _: go.wait(60))
    yield engine
    go.set()


def begun(engine: Engine) -> OperationFuture[Any]:
    future: OperationFuture[Any] = OperationFuture(engine)
    future.set_running_or_notify_cancel()
    return future


def test_functions_of_next_may_wait_for_a_later_link(engine: Engine) -> None:
    last = begun(engine)
    opens = last.next(lambda value: value + 1)
    waiting = [finished(engine, 1).next(lambda _: opens.result(60)) for _ in range(MANY)]
    last.set_result(1)
    assert gather(*waiting, timeout=60) == [2] * MANY


def test_a_chain_of_functions_may_wait_for_the_next_one(engine: Engine) -> None:
    events = [threading.Event() for _ in range(MANY + 1)]

    def link(number: int) -> int:
        events[number + 1].wait(60)
        events[number].set()
        return number

    futures = [finished(engine, number).next(link) for number in range(MANY)]
    events[MANY].set()
    assert gather(*futures, timeout=60) == list(range(MANY))


def test_callbacks_may_wait_for_one_another(engine: Engine) -> None:
    together = threading.Barrier(MANY + 1)
    for _ in range(MANY):
        finished(engine, 1).add_done_callback(lambda _: together.wait(60))
    together.wait(60)


def test_threads_that_were_started_for_blocked_ones_end(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "IDLE", 0.01)
    together = threading.Barrier(MANY + 1)
    seen: list[threading.Thread] = []

    def meet(_: Future[Any]) -> None:
        seen.append(threading.current_thread())
        together.wait(60)

    for _ in range(MANY):
        finished(engine, 1).add_done_callback(meet)
    together.wait(60)
    for thread in seen:
        thread.join(60)
    assert not any(thread.is_alive() for thread in seen)


def test_a_pool_starts_no_more_threads_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "BLOCKED", 0.001)
    pool, go = Pool("bounded", 2, most=5), threading.Event()
    running, done = threading.Semaphore(0), threading.Semaphore(0)

    def task() -> None:
        running.release()
        go.wait(60)
        done.release()

    for _ in range(20):
        pool.submit(task)
    for _ in range(5):
        assert running.acquire(timeout=60)
    assert pool._threads == 5
    assert not running.acquire(blocking=False)
    go.set()
    for _ in range(20):
        assert done.acquire(timeout=60)


def test_quick_tasks_need_no_more_threads_than_the_size() -> None:
    pool = Pool("quick", 2, most=1000)
    done = threading.Semaphore(0)
    for _ in range(2000):
        pool.submit(done.release)
    for _ in range(2000):
        assert done.acquire(timeout=60)
    assert pool._threads <= 2


class Thing:
    """The result on which a chained method is called."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def stop_async(self) -> OperationFuture[str]:
        return finished(self.engine, "stopped")


def test_the_links_of_the_package_do_not_wait_for_users_functions(crowded: Engine) -> None:
    first = begun(crowded)
    chained = first.chain.stop_async()
    followed = then(finished(crowded, 1), lambda _: first)
    failed = begun(crowded)
    after = failed.next(str).next(str)
    first.set_result(Thing(crowded))
    failed.set_exception(KeyError("no"))
    assert chained.result(60) == "stopped"
    assert isinstance(followed.result(60), Thing)
    assert isinstance(after.exception(60), KeyError)
    assert list(as_completed([chained, after], timeout=60))


def test_await_does_not_wait_for_users_functions(crowded: Engine) -> None:
    futures = [begun(crowded) for _ in range(3)]

    async def main() -> list[Any]:
        loop = asyncio.get_running_loop()
        for future in futures:
            loop.call_soon(future.set_result, 7)
        waiting = [futures[0], asyncio.wrap_future(futures[1])]
        return [await asyncio.wait_for(each, 60) for each in waiting] + [await futures[2]]

    assert asyncio.run(main()) == [7, 7, 7]


@pytest.mark.parametrize("ends_well", [True, False])
def test_a_chain_longer_than_the_stack(engine: Engine, ends_well: bool) -> None:
    future = first = begun(engine)
    for _ in range(3000):
        future = future.next(lambda value: value)
    if ends_well:
        first.set_result(1)
        assert future.result(60) == 1
    else:
        first.set_exception(KeyError("no"))
        assert isinstance(future.exception(60), KeyError)
