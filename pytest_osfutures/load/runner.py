"""Repeat work at a rate, or with a concurrency, and measure it."""

from __future__ import annotations

import contextvars
import inspect
import math
import threading
import time
from collections.abc import Callable, Iterable
from concurrent.futures import CancelledError, Future
from functools import partial
from typing import Any, Protocol, TypedDict, Unpack

from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.load.criteria import Criterion, parse_criteria
from pytest_osfutures.load.measurement import Measurement, Sample

__tracebackhide__ = True  # pytest: an error belongs to the line of the test


class LoadArguments(TypedDict, total=False):
    """Keyword arguments of `osf.measure`."""

    #: Number of iterations (default: 1, or no limit with a duration).
    count: int | None
    #: Seconds within which iterations begin.
    duration: float | None
    #: Iterations that begin in a second (default: as soon as the concurrency allows).
    rate: float | None
    #: Greatest number of iterations at a time (default: 1, or no limit with a rate).
    concurrency: int | None
    #: Conditions that the measurement has to meet.
    criteria: str | Criterion | Iterable[str | Criterion]
    #: Name of the function in the table, for iterations without an operation of the cloud.
    name: str | None
    #: Called with the measurement before the criteria are checked.
    show: Callable[[Measurement], object] | None


def measure(work: Callable[..., Any], **arguments: Unpack[LoadArguments]) -> Measurement:
    """Repeat work, measure each iteration, and check criteria.

    An iteration calls the function in a thread of its own and lasts until all futures that the
    function has returned are done. Its samples are the futures, with the seconds of
    `future.seconds`; without a future the call itself is the sample. An iteration that fails is a
    failed sample, and the others go on. Ctrl-C ends the measurement; the KeyboardInterrupt has the
    table of the samples until then as a note.

    Args:
        work: The function, which may take the number of the iteration (from 0 on). It returns a
            future, a list of futures, or any other value.
        arguments: `count`, the number of iterations, or `duration`, the seconds within which they
            begin; `rate`, the iterations that begin in a second, or `concurrency`, the greatest
            number at a time (default: 1); `criteria`, one or several texts such as `p95 < 30`,
            `success >= 99%` or `server.create max < 60`, or objects (`osf.Criterion`); `name` of
            the function in the table; `show`, a function that gets the measurement before the
            criteria are checked.

    Returns:
        The measurement: `table()`, `operations`, `results`, `samples`, `seconds`.

    Raises:
        InvalidArgument: An argument cannot be used.
        CriteriaError: The measurement does not meet the criteria; an AssertionError for pytest.

    Example:
        >>> import pytest_osfutures as osf
        >>> with osf.scope("fake") as s:
        ...     found = osf.measure(lambda: s.volumes.create_async(1), count=5, concurrency=5)
        >>> found.operations["volume.create"].count, found.operations["volume.create"].success
        (5, 1.0)
    """
    plan = _Plan(arguments)
    name = arguments.get("name") or _name_of(work)
    runner = _Runner(_with_number(work), name, plan)
    found = runner.run()
    if (show := arguments.get("show")) is not None:
        show(found)
    found.check(plan.criteria)
    return found


class Load(Protocol):
    """The type of `measure` and of the fixture `os_load`."""

    def __call__(self, work: Callable[..., Any], **arguments: Unpack[LoadArguments]) -> Measurement:
        """Repeat work, measure each iteration, and check criteria, as `measure` does."""


class _Plan:
    """The checked arguments of a measurement."""

    def __init__(self, arguments: LoadArguments) -> None:
        known = LoadArguments.__annotations__
        for each in arguments:
            if each not in known:
                raise InvalidArgument(
                    f"osf.measure does not take {each}=; it takes {', '.join(known)}"
                )
        count, duration = arguments.get("count"), arguments.get("duration")
        rate, concurrency = arguments.get("rate"), arguments.get("concurrency")
        self.duration = math.inf if duration is None else _positive("duration", duration)
        self.count = math.inf if duration is not None else 1
        if count is not None:
            self.count = _whole("count", count)
        #: Seconds between the beginnings of two iterations.
        self.pause = 0.0 if rate is None else 1 / _positive("rate", rate)
        self.concurrency = 1 if rate is None else math.inf
        if concurrency is not None:
            self.concurrency = _whole("concurrency", concurrency)
        self.criteria = parse_criteria(arguments.get("criteria") or ())


class _Runner:
    """One measurement."""

    def __init__(self, work: Callable[[int], Any], name: str, plan: _Plan) -> None:
        self.work = work
        self.name = name
        self.plan = plan
        self.samples: list[Sample] = []
        self.running = 0
        self.changed = threading.Condition()

    def run(self) -> Measurement:
        """Begin the iterations, and wait for the end of all."""
        began = time.monotonic()
        try:
            self._begin_all(began)
            with self.changed:
                self.changed.wait_for(lambda: not self.running)
        except KeyboardInterrupt as interrupt:
            found = self._measurement(began)
            interrupt.add_note(f"measured until then:\n{found.table()}")
            raise
        return self._measurement(began)

    def _measurement(self, began: float) -> Measurement:
        with self.changed:
            return Measurement(tuple(self.samples), time.monotonic() - began)

    def _begin_all(self, began: float) -> None:
        number, end = 0, began + self.plan.duration
        while number < self.plan.count:
            due = began + number * self.plan.pause
            if due >= end or not self._wait_until(due, end):
                return
            with self.changed:
                self.running += 1
            context = contextvars.copy_context()
            threading.Thread(
                target=partial(context.run, self._iterate, number),
                name=f"osfutures-load-{number}",
                daemon=True,
            ).start()
            number += 1

    def _wait_until(self, due: float, end: float) -> bool:
        """Wait until the next iteration may begin; return False if the time is over before."""
        with self.changed:
            while (left := due - time.monotonic()) > 0:
                self.changed.wait(left)
            timeout = None if math.isinf(end) else max(0.0, end - time.monotonic())
            free = self.changed.wait_for(lambda: self.running < self.plan.concurrency, timeout)
        return free and time.monotonic() < end

    def _iterate(self, number: int) -> None:
        began = time.monotonic()
        futures: list[Future[Any]] = []
        sample: Sample | None = None
        try:
            result = self.work(number)
            futures = _futures_of(result)
            if not futures:
                sample = self._sample(number, began, result=result)
        except BaseException as error:  # pytest.fail raises no Exception
            sample = self._sample(number, began, error=error)
        if sample is not None:
            self._end([sample])
            return
        missing = [len(futures)]

        def note(_: Future[Any]) -> None:
            with self.changed:
                missing[0] -= 1
                is_last = not missing[0]
            if is_last:
                self._end([self._future_sample(number, began, each) for each in futures])

        for each in futures:
            Future.add_done_callback(each, note)  # users' callbacks need not be awaited

    def _sample(
        self, number: int, began: float, *, error: BaseException | None = None, result: Any = None
    ) -> Sample:
        seconds = time.monotonic() - began
        return Sample(
            iteration=number, operation=self.name, seconds=seconds, error=error, result=result
        )

    def _future_sample(self, number: int, began: float, future: Future[Any]) -> Sample:
        try:
            error = future.exception()
        except CancelledError as cancelled:
            error = cancelled
        name, seconds, tries = "", time.monotonic() - began, 1
        if isinstance(future, OperationFuture):
            name, seconds = _operation_of(future, error), future.seconds
            tries = sum(not each.busy for each in future.attempts) + (error is None)
        return Sample(
            iteration=number,
            operation=name or self.name,
            seconds=seconds,
            retries=max(0, tries - 1),
            error=error,
            result=future.result() if error is None else None,
        )

    def _end(self, samples: list[Sample]) -> None:
        with self.changed:
            self.samples += samples
            self.running -= 1
            self.changed.notify_all()


def _operation_of(future: OperationFuture[Any], error: BaseException | None) -> str:
    details = getattr(error, "details", None)
    return future.operation or getattr(details, "operation", "")


def _futures_of(result: Any) -> list[Future[Any]]:
    """Return the futures that a function has returned: one, or those of a list or tuple."""
    if isinstance(result, Future):
        return [result]
    several = list(result) if isinstance(result, list | tuple) else []
    return list(dict.fromkeys(several)) if all(isinstance(one, Future) for one in several) else []


def _with_number(work: Callable[..., Any]) -> Callable[[int], Any]:
    """Return a function of the iteration's number; `work` gets the number if it takes one.

    Raises:
        InvalidArgument: The value is no function of at most one argument.
    """
    if not callable(work):
        raise InvalidArgument(f"osf.measure({work!r:.80}): this is no function; give a lambda")
    if inspect.iscoroutinefunction(work):
        raise InvalidArgument(
            f"{_name_of(work)} is a coroutine function; give a function that returns a future"
        )
    try:
        parameters = inspect.signature(work).parameters.values()
    except (TypeError, ValueError):  # a function of C
        parameters = inspect.signature(lambda: None).parameters.values()
    positional = inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD
    needed = [each for each in parameters if each.default is each.empty and each.kind in positional]
    if len(needed) > 1:
        names = ", ".join(each.name for each in needed)
        raise InvalidArgument(
            f"{_name_of(work)} takes {names}; a measured function takes nothing, or the number of "
            "the iteration"
        )
    return work if needed else lambda _: work()


def _name_of(work: Callable[..., Any]) -> str:
    name: str = getattr(work, "__name__", "") or type(work).__name__
    return "call" if name == "<lambda>" else name


def _positive(name: str, value: Any) -> float:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value < math.inf:
        raise InvalidArgument(f"{name}={value!r:.80} is not a number greater than 0")
    return float(value)


def _whole(name: str, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise InvalidArgument(f"{name}={value!r:.80} is not a whole number of 1 or more")
    return value
