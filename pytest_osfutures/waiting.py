"""Waiting for several futures at once."""

from __future__ import annotations

import concurrent.futures
import queue
import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, Future
from concurrent.futures._base import DoneAndNotDoneFutures
from typing import Any, Generic, TypeVar

from pytest_osfutures.clock import Clock, SystemClock
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.future import OperationFuture, check_process

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

T = TypeVar("T")


def wait(
    futures: Iterable[Future[T]], timeout: float | None = None, return_when: str = ALL_COMPLETED
) -> DoneAndNotDoneFutures[T]:
    """Wait as `concurrent.futures.wait` does; the two sets, `done` and `not_done`.

    Raises EngineError in a forked process, where nobody finishes what is not done.
    """
    futures = list(futures)
    for future in futures:
        _check(future)
    return concurrent.futures.wait(futures, timeout, return_when)


def _check(future: Future[Any]) -> None:
    if not isinstance(future, Future):
        hint = "; give one list, or futures only" if isinstance(future, Iterable) else ""
        raise InvalidArgument(f"{future!r:.100} is no future{hint}")
    if isinstance(future, OperationFuture):
        check_process(future)


class as_completed(Generic[T]):
    """Yield each future when it is done, the first one first; `add` takes more meanwhile.

    `timeout` (seconds) bounds the whole iteration, as in the standard library: TimeoutError says
    how many were not done.
    """

    def __init__(
        self,
        futures: Iterable[Future[T]] = (),
        timeout: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        self._clock: Clock = clock or SystemClock()
        self._end = None if timeout is None else self._clock.now() + timeout
        self._done: queue.SimpleQueue[Future[T]] = queue.SimpleQueue()
        self._known: set[Future[T]] = set()
        self._open = 0
        self._lock = threading.Lock()
        for future in futures:
            self.add(future)

    def add(self, future: Future[T]) -> None:
        """Yield this one too; a future that is known already is yielded once."""
        _check(future)
        with self._lock:
            if future in self._known:
                return
            self._known.add(future)
            self._open += 1
        # The plain method: the queue is filled at once, not after the users' callbacks.
        Future.add_done_callback(future, self._done.put)

    def __iter__(self) -> Iterator[Future[T]]:
        return self

    def __next__(self) -> Future[T]:
        with self._lock:
            if not self._open:
                raise StopIteration
        left = None if self._end is None else max(0.0, self._end - self._clock.now())
        try:
            future = self._done.get(timeout=left)
        except queue.Empty:
            raise TimeoutError(f"{self._open} (of {len(self._known)}) futures unfinished") from None
        with self._lock:
            self._open -= 1
        return future


def gather(
    *futures: Future[Any] | Iterable[Future[Any]], timeout: float | None = None
) -> list[Any]:
    """Wait for all and return their results in order: `gather(a, b)`, or `gather([a, b])`.

    Waits until every future has ended even if one fails (nothing is left behind half-way), then
    raises the first error, with the others as notes. After `timeout` seconds: TimeoutError.
    """
    waited: list[Any] = list(futures)
    if len(waited) == 1 and isinstance(waited[0], Iterable) and not isinstance(waited[0], Future):
        waited = list(waited[0])
    _, pending = wait(waited, timeout)
    if pending:
        raise TimeoutError(f"{len(pending)} (of {len(waited)}) futures unfinished")
    errors = [error for future in waited if (error := future.exception()) is not None]
    if errors:
        for other in errors[1:]:
            errors[0].add_note(f"also: {other}")
        raise errors[0]
    return [future.result() for future in waited]


__all__ = [
    "ALL_COMPLETED",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "as_completed",
    "gather",
    "wait",
]
