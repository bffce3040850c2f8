"""The thread, its pools, and their ends. test_promises_*.py has the engine's promises."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.engine import loop as module
from pytest_osfutures.engine.loop import Engine, SteppedEngine, default
from pytest_osfutures.errors import EngineError


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.stop()


def monitors() -> list[threading.Thread]:
    """The threads of monitors that are alive."""
    return [thread for thread in threading.enumerate() if thread.name == "osfutures-monitor"]


def test_an_engine_without_work_has_no_thread() -> None:
    before = len(monitors())
    Engine()
    assert len(monitors()) == before


def test_there_is_one_thread_however_much_there_is_to_do(engine: Engine) -> None:
    before = len(monitors())
    done = threading.Semaphore(0)
    for _ in range(100):
        engine.call_soon(lambda: done.release())
    for _ in range(100):
        assert done.acquire(timeout=10)
    assert len(monitors()) == before + 1
    assert monitors()[-1].daemon


def test_calls_run_in_the_loop_and_in_order(engine: Engine) -> None:
    seen: list[Any] = []
    done = threading.Event()
    engine.call_soon(lambda: seen.append(threading.current_thread().name))
    engine.call_soon(lambda: seen.append(2))
    engine.call_soon(done.set)
    assert done.wait(10)
    assert seen == ["osfutures-monitor", 2]


def test_later_is_later() -> None:
    clock = ManualClock()
    engine = SteppedEngine(clock)
    seen: list[tuple[str, float]] = []
    engine.call_later(5, lambda: seen.append(("five", clock.now())))
    engine.call_later(2, lambda: seen.append(("two", clock.now())))
    engine.call_later(0, lambda: seen.append(("zero", clock.now())))
    assert not engine.run_until(lambda: False)
    assert seen == [("zero", 0), ("two", 2), ("five", 5)]


def test_later_wakes_a_loop_that_rests(engine: Engine) -> None:
    engine.call_later(1000, lambda: None)
    done = threading.Event()
    engine.call_later(0.01, done.set)
    assert done.wait(10)


def test_stopping_twice_and_before_anything_began_is_fine() -> None:
    engine = Engine()
    engine.stop()
    engine.stop()
    with pytest.raises(EngineError, match="stopped"):
        engine.call_soon(lambda: None)


def test_stopping_ends_the_thread(engine: Engine) -> None:
    done = threading.Event()
    engine.call_soon(done.set)
    assert done.wait(10)
    thread = monitors()[-1]
    engine.stop()
    assert not thread.is_alive()


def test_an_engine_can_be_stopped_by_a_callback(engine: Engine) -> None:
    done = threading.Event()

    def stop() -> None:
        engine.stop()
        done.set()

    engine.call_soon(lambda: engine.callbacks.submit(stop))
    assert done.wait(10)
    assert engine.ended


def test_stopping_while_others_submit_leaves_nothing_in_between() -> None:
    for _ in range(30):
        engine = Engine()
        ran, refused = threading.Semaphore(0), threading.Semaphore(0)
        together = threading.Barrier(3)

        def submit(
            engine: Engine = engine,
            at: threading.Barrier = together,
            ran: threading.Semaphore = ran,
            refused: threading.Semaphore = refused,
        ) -> None:
            at.wait(10)
            for _ in range(20):
                try:
                    engine.call_soon(lambda: ran.release())
                except EngineError:
                    refused.release()

        threads = [threading.Thread(target=submit) for _ in range(2)]
        for thread in threads:
            thread.start()
        together.wait(10)
        engine.stop()
        for thread in threads:
            thread.join(10)
        engine.stop()
        taken = sum(ran.acquire(blocking=False) for _ in range(100))
        not_taken = sum(refused.acquire(blocking=False) for _ in range(100))
        assert taken + not_taken == 40


def test_the_default_engine_is_shared_until_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_default", None)
    first = default()
    assert default() is first
    first.stop()
    second = default()
    assert second is not first
    monkeypatch.setattr(second, "pid", -1)  # as a forked child sees it
    assert default() is not second


def test_a_stepped_engine_has_no_thread_and_jumps() -> None:
    before = threading.active_count()
    clock = ManualClock()
    engine = SteppedEngine(clock)
    reached: list[int] = []
    engine.call_later(1e6, lambda: reached.append(1))
    assert engine.run_until(lambda: bool(reached))
    assert clock.now() == 1e6
    assert threading.active_count() == before


def test_a_stepped_engine_stops_at_its_limit() -> None:
    clock = ManualClock()
    engine = SteppedEngine(clock)
    engine.call_later(100, lambda: None)
    assert not engine.run_until(lambda: False, within=50)
    assert clock.now() <= 50
