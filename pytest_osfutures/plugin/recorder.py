"""The recorder of this process: the operations of its tests, their waits, and their phases."""

from __future__ import annotations

import itertools
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary, WeakValueDictionary

from pytest_osfutures.clock import Clock
from pytest_osfutures.errors import OperationError
from pytest_osfutures.futures import (
    OperationFuture,
    accepted_at,
    error_of,
    link,
    progress_of,
    title_of,
)
from pytest_osfutures.plugin.outcomes import Outcomes, operation_of
from pytest_osfutures.reports import OperationSpan, PhaseSpan, Span, Waiting, WaitSpan


@dataclass(frozen=True)
class Call:
    """A call that became a future."""

    number: int
    #: The id of the test, class, module or session that the operation belongs to.
    test: str
    #: Seconds since 1970.
    began: float
    #: The number of the call that this one undoes.
    undoes: int | None
    ended: float | None = None


@dataclass(eq=False, frozen=True)
class Wait:
    """A wait for futures that goes on."""

    futures: Sequence[Future[Any]]
    #: The id of the running test, and its phase.
    test: str
    phase: str
    #: Seconds since 1970.
    began: float
    thread: threading.Thread


class Recorder:
    """The observer of a run's cloud. Safe to use from any thread.

    Args:
        clock: the engine's clock.
        process: the name of this process.
        worker: the worker of pytest-xdist; "" in other processes.
        owner: returns the id of the test, class, module or session to which a call belongs that
            this thread makes now.
    """

    def __init__(self, clock: Clock, process: str, worker: str, owner: Callable[[], str]) -> None:
        self._clock = clock
        self._process = process
        self._worker = worker
        self._owner = owner
        #: The id of the running test, and its phase; both "" outside of tests.
        self.test, self.phase = "", ""
        #: Called with each future of a call that undoes nothing, and the owner of the call.
        self.on_call: Callable[[OperationFuture[Any], str], None] = lambda *_: None
        #: The waits of the present phase that exceptions have ended, with the exceptions.
        self._broken: list[tuple[Wait, BaseException]] = []
        #: The retries and failures of which the tests are told.
        self.outcomes = Outcomes(lambda: self.test)
        #: The numbers of the calls for which futures without a call of their own stand.
        self._numbers_of_derived: WeakKeyDictionary[OperationFuture[Any], int] = WeakKeyDictionary()
        self._calls: WeakKeyDictionary[OperationFuture[Any], Call] = WeakKeyDictionary()
        #: The calls whose futures are not done, and the waits that go on, oldest first.
        self._pending: dict[OperationFuture[Any], None] = {}
        self._waits: dict[Wait, None] = {}
        #: Called when a wait has ended, in the thread that has waited.
        self.on_wait_end: Callable[[], None] = lambda: None
        #: The futures of the calls by their numbers.
        self._futures: WeakValueDictionary[int, OperationFuture[Any]] = WeakValueDictionary()
        self._spans: list[Span] = []
        self._numbers = itertools.count(1)
        self._lock = threading.RLock()

    # The observer

    def submitted(
        self, future: OperationFuture[Any], undoes: OperationFuture[Any] | None = None
    ) -> None:
        """Record a call that begins, or an undo of the future `undoes`."""
        with self._lock:
            undone = None if undoes is None else self._calls.get(undoes)
            owner = self._owner() if undone is None else undone.test
            number = None if undone is None else undone.number
            self._calls[future] = Call(next(self._numbers), owner, self._clock.time(), number)
            self._futures[self._calls[future].number] = future
            self._pending[future] = None
            if undoes is None:
                self.outcomes.begun(future, owner)
            else:
                self.outcomes.undone(undoes)
        if undone is None:
            self.on_call(future, owner)
        link(future, partial(self._end, future))

    def derived(
        self, future: OperationFuture[Any], source: OperationFuture[Any] | None = None
    ) -> None:
        """Record a future without a call of its own, which ends after `source` or later."""
        with self._lock:
            self.outcomes.derived(future, source, self._owner())
            if source is not None and (number := self._number_of(source)) is not None:
                self._numbers_of_derived[future] = number
        link(future, lambda _: self.outcomes.ended(future, error_of(future)))

    def declared(self, future: OperationFuture[Any], keeper: str) -> None:
        """Record the future of a declared resource of a test, class, module or session."""
        self.outcomes.declared(future, keeper)
        link(future, lambda _: self.outcomes.ended(future, error_of(future)))

    def followed(self, future: OperationFuture[Any], other: OperationFuture[Any]) -> None:
        """Record that `future` ends like `other`."""
        with self._lock:
            self.outcomes.followed(future, other)
            if (number := self._number_of(other)) is not None:
                self._numbers_of_derived[future] = number

    def _number_of(self, future: Future[Any]) -> int | None:
        """Return the number of the call for which a future stands."""
        if not isinstance(future, OperationFuture):
            return None
        call = self._calls.get(future)
        return self._numbers_of_derived.get(future) if call is None else call.number

    @contextmanager
    def waiting(self, futures: Sequence[Future[Any]]) -> Iterator[None]:
        """Record a wait of this thread for futures."""
        began, thread = self._clock.time(), threading.current_thread()
        wait = Wait(tuple(futures), self.test, self.phase, began, thread)
        with self._lock:
            self._waits[wait] = None
        try:
            yield
        except BaseException as error:
            self._broken.append((wait, error))
            raise
        finally:
            with self._lock:
                del self._waits[wait]
                if thread is threading.main_thread():
                    self._spans.append(self._wait_span(wait))
            self.on_wait_end()

    # For the run

    def assign(self, future: OperationFuture[Any], test: str) -> None:
        """Let a call belong to another test; a new span replaces one that was recorded."""
        with self._lock:
            if (call := self._calls.get(future)) is not None:
                self._calls[future] = replace(call, test=test)
                if call.ended is not None:
                    self._spans.append(self._operation_span(future))

    def pending(self) -> list[OperationFuture[Any]]:
        """Return the futures of the calls that are not done, oldest first."""
        with self._lock:
            return list(self._pending)

    def waits(self) -> list[Wait]:
        """Return the waits that go on, oldest first."""
        with self._lock:
            return list(self._waits)

    def waiting_now(self, usual: Callable[[str], float | None]) -> list[Waiting]:
        """Return the present waits of the tests' threads, one value for each operation's name.

        Args:
            usual: returns the usual duration of an operation in seconds.
        """
        now = self._clock.time()
        found: dict[OperationFuture[Any], float] = {}
        for wait in self.waits():
            if wait.thread.name.startswith("osfutures-"):
                continue
            for each in wait.futures:
                if isinstance(each, OperationFuture):
                    call = self._futures.get(self._number_of(each) or 0, each)
                    found[call] = max(now - wait.began, found.get(call, 0.0))
        if all(each.done() for each in found):
            return []
        groups: dict[str, list[OperationFuture[Any]]] = {}
        for each in found:
            groups.setdefault(_operation_name(each), []).append(each)
        return [
            Waiting(
                name,
                tuple(Counter(map(progress_of, members)).items()),
                max(found[each] for each in members),
                usual(name),
            )
            for name, members in groups.items()
        ]

    def waits_ended_by(self, failure: BaseException | None) -> list[Wait]:
        """Return the waits of the test that `failure` has ended, and those that go on.

        After a timeout (pytest-timeout) a cancelled task has ended its wait by another exception.
        """
        chain = [] if failure is None else [*_chain(failure)]
        is_timeout = "timeout" in str(failure).lower()
        ended = [
            wait
            for wait, error in self._broken
            if (is_timeout and not isinstance(error, Exception)) or any(error is e for e in chain)
        ]
        return ended + [each for each in self.waits() if not each.thread.name.startswith("osf")]

    def begin_phase(self, test: str, phase: str) -> None:
        """Note the phase that the running test is in; "" and "" after a test."""
        self.test, self.phase = test, phase
        self._broken = []

    def end_phase(self, outcome: str, began: float, ended: float) -> None:
        """Record the phase that has ended; times are in seconds since 1970."""
        span = PhaseSpan(
            process=self._process,
            worker=self._worker,
            test=self.test,
            phase=self.phase,
            outcome=outcome,
            began=began,
            ended=ended,
        )
        with self._lock:
            self._spans.append(span)

    def take_spans(self) -> list[Span]:
        """Return the spans that have ended since the last call."""
        with self._lock:
            spans, self._spans = self._spans, []
        return spans

    def unfinished_spans(self) -> list[OperationSpan]:
        """Return the spans of the calls whose futures are not done."""
        with self._lock:
            return [self._operation_span(future) for future in self._pending]

    def _end(self, future: OperationFuture[Any], _: object) -> None:
        with self._lock:
            self._calls[future] = replace(self._calls[future], ended=self._clock.time())
            del self._pending[future]
            self._spans.append(self._operation_span(future))
        self.outcomes.ended(future, error_of(future))

    def _operation_span(self, future: OperationFuture[Any]) -> OperationSpan:
        call, accepted = self._calls[future], accepted_at(future)
        error = error_of(future) if future.done() else None
        if accepted is not None:
            accepted += self._clock.time() - self._clock.now()
        return OperationSpan(
            number=call.number,
            process=self._process,
            worker=self._worker,
            test=call.test,
            operation=operation_of(future),
            resource_id=future.resource_id,
            resource_name=future.resource_name,
            request_id=future.request_id,
            began=call.began,
            accepted=accepted,
            ended=call.ended,
            history=future.history,
            attempts=self.outcomes.attempts_of(future),
            error_type=type(error).__name__ if error is not None else "",
            error=_why(error),
            undoes=call.undoes,
        )

    def _wait_span(self, wait: Wait) -> WaitSpan:
        numbers = dict.fromkeys(self._number_of(each) for each in wait.futures)
        return WaitSpan(
            process=self._process,
            worker=self._worker,
            test=wait.test,
            phase=wait.phase,
            began=wait.began,
            ended=self._clock.time(),
            operations=tuple(each for each in numbers if each is not None),
        )


def _operation_name(future: OperationFuture[Any]) -> str:
    """Return the operation of a future, or of the manager's method before an answer."""
    if future.operation:
        return future.operation
    manager, _, method = title_of(future).partition(" ")[0].partition(".")
    return f"{manager.removesuffix('Manager').lower()}.{method}" if method else ""


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception, the exceptions that it stems from, and the members of a group."""
    if isinstance(error, BaseExceptionGroup):
        for member in error.exceptions:
            yield from _chain(member)
    each: BaseException | None = error
    seen: set[int] = set()
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        yield each
        each = each.__cause__ or each.__context__


def _why(error: BaseException | None) -> str:
    """Return the reason of a failure, without the evidence."""
    if error is None:
        return ""
    return error.why if isinstance(error, OperationError) else str(error)
