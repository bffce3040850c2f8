"""The driver of coroutines, and its steps."""

from __future__ import annotations

import sys
from typing import Any

import pytest

import pytest_osfutures.calls.retrying  # noqa: F401  # defines all steps
from pytest_osfutures.calls.task import (
    InPool,
    Pause,
    Raised,
    Resume,
    Shielded,
    Steps,
    StopRequested,
    Task,
    TaskStep,
)
from pytest_osfutures.engine import Engine
from pytest_osfutures.engine.loop import SteppedEngine
from pytest_osfutures.errors import EngineError


@pytest.fixture
def engine() -> SteppedEngine:
    return SteppedEngine()


def started(engine: SteppedEngine, steps: Steps[Any]) -> tuple[Task[Any], list[Any]]:
    """A task that has begun, and the list of its results."""
    results: list[Any] = []
    task = Task(engine, steps, results.append)
    task.begin()
    return task, results


class Twice(TaskStep):
    """A step that resumes its coroutine twice."""

    def begin(self, engine: Engine, resume: Resume) -> None:
        engine.call_soon(lambda: resume("first"))
        engine.call_soon(lambda: resume("second"))


def test_a_coroutine_is_resumed_with_the_result_of_each_step(engine: SteppedEngine) -> None:
    def steps() -> Steps[tuple[Any, Any, float]]:
        first = yield InPool(lambda: "from the pool")
        second = yield Pause(3.0)
        return first, second, engine.clock.now()

    task, results = started(engine, steps())
    assert not task.ended
    assert engine.run_until(lambda: task.ended, 10.0)
    assert results == [("from the pool", None, 3.0)]


def test_a_step_resumes_its_coroutine_once(engine: SteppedEngine) -> None:
    def steps() -> Steps[list[Any]]:
        first = yield Twice()
        second = yield Pause(1.0)
        return [first, second]

    task, results = started(engine, steps())
    assert engine.run_until(lambda: task.ended, 10.0)
    assert results == [["first", None]]


def test_an_interruption_ends_a_pause_at_once(engine: SteppedEngine) -> None:
    def steps() -> Steps[str]:
        try:
            yield Pause(1000.0)
        except StopRequested:
            return "stopped"
        return "went on"

    task, results = started(engine, steps())
    engine.call_soon(task.interrupt)
    assert engine.run_until(lambda: task.ended, 1.0)
    assert results == ["stopped"]
    assert not engine.run_until(lambda: False, 5000.0)
    assert engine.clock.now() < 1000.0  # the timer is gone


def test_an_interruption_waits_for_a_shielded_coroutine(engine: SteppedEngine) -> None:
    story: list[str] = []

    def inner() -> Steps[str]:
        yield Pause(5.0)
        story.append("cleaned up")
        return "clean"

    def steps() -> Steps[str]:
        story.append((yield Shielded(inner())))
        try:
            yield Pause(1000.0)
        except StopRequested:
            story.append("stopped")
        return "end"

    task, results = started(engine, steps())
    engine.call_soon(task.interrupt)
    assert engine.run_until(lambda: task.ended, 10.0)
    assert story == ["cleaned up", "clean", "stopped"]
    assert results == ["end"]
    assert engine.clock.now() == 5.0


def test_an_interruption_can_be_withdrawn_in_time(engine: SteppedEngine) -> None:
    def steps() -> Steps[str]:
        yield InPool(lambda: None)
        yield Pause(1.0)
        return "went on"

    task, results = started(engine, steps())
    task.interrupt()
    task.uninterrupt()
    assert engine.run_until(lambda: task.ended, 10.0)
    assert results == ["went on"]


def test_a_coroutine_that_goes_on_waiting_is_interrupted_again(engine: SteppedEngine) -> None:
    def steps() -> Steps[int]:
        for number in range(3):
            try:
                yield Pause(1000.0)
            except StopRequested:
                continue
            return number
        return 3

    task, results = started(engine, steps())
    engine.call_soon(task.interrupt)
    assert engine.run_until(lambda: task.ended, 1.0)
    assert results == [3]


def test_an_error_in_the_pool_is_raised_in_the_coroutine(engine: SteppedEngine) -> None:
    def steps() -> Steps[str]:
        try:
            yield InPool(lambda: 1 / 0)
        except ZeroDivisionError:
            return "caught"
        return "lost"

    task, results = started(engine, steps())
    assert engine.run_until(lambda: task.ended, 10.0)
    assert results == ["caught"]


def test_an_error_of_a_coroutine_is_its_result(engine: SteppedEngine) -> None:
    def inner() -> Steps[None]:
        yield Pause(1.0)
        raise ZeroDivisionError

    def steps() -> Steps[None]:
        yield Shielded(inner())

    task, results = started(engine, steps())
    assert engine.run_until(lambda: task.ended, 10.0)
    assert isinstance(results[0], Raised)
    assert isinstance(results[0].error, ZeroDivisionError)


def test_a_step_of_an_engine_that_has_ended_ends_the_coroutine(engine: SteppedEngine) -> None:
    def steps() -> Steps[None]:
        yield Pause(1.0)

    engine.stop()
    task, results = started(engine, steps())
    assert task.ended
    assert isinstance(results[0], Raised)
    assert isinstance(results[0].error, EngineError)


def steps() -> list[type[TaskStep]]:
    """Return the classes of all steps."""
    # A dataclass with slots is a second class; the first one may still be among the subclasses.
    named = {(each.__module__, each.__name__) for each in TaskStep.__subclasses__()}
    package = (each for each in named if each[0].startswith("pytest_osfutures."))
    return [getattr(sys.modules[module], name) for module, name in sorted(package)]


@pytest.mark.parametrize("step", steps())
def test_a_step_has_no_dictionary_as_thousands_of_calls_may_wait_in_it(
    step: type[TaskStep],
) -> None:
    assert step.__dictoffset__ == 0
