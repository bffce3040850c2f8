"""The driver of coroutines: runs a generator in the engine's loop, one step after another.

A coroutine yields a `TaskStep` and is resumed with the step's result, as `asyncio.Task` does with
`async def` functions. No thread waits meanwhile. Everything here runs in the loop, but for the
functions that `InPool` runs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from functools import partial
from typing import Any, ClassVar, Generic, TypeAlias, TypeVar

from pytest_osfutures.engine import Engine, Timer
from pytest_osfutures.errors import EngineError

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

T = TypeVar("T")
#: Continues a coroutine with a step's result. Call it in the loop.
Resume = Callable[[Any], None]


class StopRequested(BaseException):
    """Thrown into a coroutine that waits in an interruptible step: nobody wants the result.

    A BaseException, as `asyncio.CancelledError` is, which `except Exception` lets pass.
    """


@dataclass(frozen=True)
class Raised:
    """The result of a coroutine or function that has raised `error`."""

    error: Exception


class TaskStep(ABC):
    """A wait of a coroutine. Each step is used once."""

    __slots__ = ()
    #: True if a stop request ends the wait; otherwise the request waits for the step's result.
    interruptible: ClassVar[bool] = False

    @abstractmethod
    def begin(self, engine: Engine, resume: Resume) -> None:
        """Start the wait. Call `resume` with the result once, now or later, in the loop."""

    def cancel(self) -> None:  # noqa: B027 - most waits hold nothing
        """Release the resources of the wait, whose result is not wanted any more."""


#: A coroutine: yields steps and returns a `T`.
Steps: TypeAlias = Generator[TaskStep, Any, T]


class Task(Generic[T]):
    """Drives one coroutine to its end, then calls `on_end` with the result, in the loop."""

    __slots__ = ("_engine", "_interrupted", "_on_end", "_steps", "ended", "step")

    def __init__(
        self, engine: Engine, steps: Steps[T], on_end: Callable[[T | Raised], None]
    ) -> None:
        self.ended = False
        self._engine = engine
        self._steps = steps
        self._on_end = on_end
        #: The step that the coroutine waits in.
        self.step: TaskStep | None = None
        self._interrupted = False

    def begin(self) -> None:
        """Run the coroutine to the first step."""
        self._go_on(partial(next, self._steps))

    def interrupt(self) -> None:
        """Throw StopRequested into the coroutine at each interruptible step, now or later.

        The request stays, as a cancellation of trio does: a coroutine that catches StopRequested
        and waits again is interrupted again.
        """
        self._interrupted = True
        step = self.step
        if step is not None and step.interruptible:
            step.cancel()
            self._go_on(self._stop)

    def uninterrupt(self) -> None:
        """Withdraw the stop request."""
        self._interrupted = False

    def _stop(self) -> TaskStep:
        return self._steps.throw(StopRequested())

    def _resume(self, step: TaskStep, result: Any) -> None:
        if step is not self.step:
            return  # the coroutine was interrupted in this step, or resumed before
        if isinstance(result, Raised):
            self._go_on(partial(self._steps.throw, result.error))
        else:
            self._go_on(partial(self._steps.send, result))

    def _go_on(self, proceed: Callable[[], TaskStep]) -> None:
        self.step = None
        try:
            step = proceed()
            while self._interrupted and step.interruptible:
                step = self._stop()
        except StopIteration as end:
            result = end.value
        except Exception as error:
            result = Raised(error)
        else:
            self.step = step
            self._begin(step)
            return
        self._finish(result)

    def _begin(self, step: TaskStep) -> None:
        try:
            step.begin(self._engine, _Resumption(self, step))
        except EngineError as error:  # the engine has ended: no step ever would
            self.step = None
            self._finish(Raised(error))

    def _finish(self, result: T | Raised) -> None:
        self.ended = True
        self._on_end(result)


@dataclass(slots=True)
class _Resumption:
    """Resumes a task with the result of one step. Smaller than a partial: each task holds one."""

    task: Task[Any]
    step: TaskStep

    def __call__(self, result: Any) -> None:
        self.task._resume(self.step, result)


@dataclass(slots=True)
class Pause(TaskStep):
    """Waits for a number of seconds."""

    interruptible = True

    seconds: float
    _timer: Timer | None = field(default=None, init=False)

    def begin(self, engine: Engine, resume: Resume) -> None:
        self._timer = engine.call_later(self.seconds, partial(resume, None))

    def cancel(self) -> None:
        if self._timer is not None:
            self._timer.cancel()


@dataclass(slots=True)
class InPool(TaskStep):
    """Runs a function that may block, on the pool of submissions; the result is the function's."""

    function: Callable[[], object]

    def begin(self, engine: Engine, resume: Resume) -> None:
        def run() -> None:
            try:
                result = self.function()
            except Exception as error:
                result = Raised(error)
            engine.call_soon(partial(resume, result))

        engine.submissions.submit(run)


@dataclass(slots=True)
class Shielded(TaskStep, Generic[T]):
    """Runs another coroutine to the end, whatever happens; the result is that coroutine's."""

    steps: Steps[T]

    def begin(self, engine: Engine, resume: Resume) -> None:
        Task(engine, self.steps, resume).begin()
