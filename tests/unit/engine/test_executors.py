"""Threads for functions that may block."""

from __future__ import annotations

import logging
import threading

import pytest

from pytest_osfutures.engine import executors as module
from pytest_osfutures.engine.executors import Inline, Pool


def test_tasks_run_side_by_side_up_to_the_size() -> None:
    pool = Pool("test", 4)
    together = threading.Barrier(5)
    for _ in range(4):
        pool.submit(lambda: together.wait(10))
    together.wait(10)


def test_never_more_threads_than_the_size() -> None:
    pool = Pool("narrow", 2)
    lock, done = threading.Lock(), threading.Semaphore(0)
    running, most = 0, 0

    def task() -> None:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        with lock:
            running -= 1
        done.release()

    for _ in range(200):
        pool.submit(task)
    for _ in range(200):
        assert done.acquire(timeout=10)
    assert most <= 2


def test_a_task_never_waits_behind_a_hung_one_while_there_is_room() -> None:
    go = threading.Event()
    try:
        for _ in range(50):  # the moment in which an idle thread takes a task is short
            pool = Pool("race", 2)
            ready, reached = threading.Event(), threading.Event()
            pool.submit(ready.set)
            assert ready.wait(10)
            pool.submit(lambda: go.wait(20))
            pool.submit(reached.set)
            assert reached.wait(10)
    finally:
        go.set()


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt])
def test_an_error_of_a_task_is_logged_and_costs_no_thread(
    error: type[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.ERROR, "osfutures")
    pool = Pool("raising", 1)

    def raises() -> None:
        raise error("the user's mistake")

    pool.submit(raises)
    pool.submit(raises)
    done = threading.Event()
    pool.submit(done.set)
    assert done.wait(10)
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [error, error]


def test_its_threads_do_not_hold_up_the_end_of_the_program() -> None:
    pool = Pool("daemons", 1)
    seen: list[threading.Thread] = []
    done = threading.Event()

    def request() -> None:
        seen.append(threading.current_thread())
        done.set()

    pool.submit(request)
    assert done.wait(10)
    assert seen[0].daemon
    assert "osfutures" in seen[0].name


def test_idle_threads_end_and_new_ones_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE", 0.01)
    pool = Pool("idle", 1)
    for _ in range(5):
        seen: list[threading.Thread] = []
        done = threading.Event()

        def request(seen: list[threading.Thread] = seen, done: threading.Event = done) -> None:
            seen.append(threading.current_thread())
            done.set()

        pool.submit(request)
        assert done.wait(10)
        seen[0].join(10)
        assert not seen[0].is_alive()


def test_inline_runs_one_after_another_and_never_within_another() -> None:
    inline = Inline()
    order: list[str] = []

    def outer() -> None:
        inline.submit(lambda: order.append("inner"))
        order.append("outer")

    inline.submit(outer)
    assert order == ["outer", "inner"]


def test_inline_goes_on_after_an_error(caplog: pytest.LogCaptureFixture) -> None:
    inline = Inline()
    done: list[int] = []

    def raises() -> None:
        inline.submit(lambda: done.append(1))
        raise ValueError("the user's mistake")

    inline.submit(raises)
    assert done == [1]
    assert "the user's mistake" in caplog.text
