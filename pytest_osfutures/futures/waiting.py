"""Wait for several futures at once: `wait`, `as_completed` and `gather`."""

from __future__ import annotations

import concurrent.futures
import queue
import threading
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, FIRST_EXCEPTION, Future
from concurrent.futures._base import DoneAndNotDoneFutures
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Generic, TypeVar, overload

from pytest_osfutures.clock import Clock, SystemClock
from pytest_osfutures.errors import InvalidArgument, OperationError
from pytest_osfutures.futures.future import OperationFuture, check_process
from pytest_osfutures.futures.observer import waiting_for

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: So many errors of one kind become one note.
MANY = 3
T = TypeVar("T")
T1 = TypeVar("T1")
T2 = TypeVar("T2")
T3 = TypeVar("T3")
T4 = TypeVar("T4")
T5 = TypeVar("T5")


def wait(
    futures: Iterable[Future[T]], timeout: float | None = None, return_when: str = ALL_COMPLETED
) -> DoneAndNotDoneFutures[T]:
    """Wait for futures, as `concurrent.futures.wait` does.

    Args:
        futures: The futures, also of other kinds than `OperationFuture`.
        timeout: The longest wait in seconds; None waits without a bound.
        return_when: `osf.ALL_COMPLETED`, `osf.FIRST_COMPLETED` or `osf.FIRST_EXCEPTION`.

    Returns:
        Two sets of futures, `done` and `not_done`.

    Raises:
        InvalidArgument: An item of `futures` is no future.
        EngineError: This process was forked, and no engine in it will end the futures.

    Example:
        >>> volumes = [cloud.cinder.volumes.create_async(1) for _ in range(2)]
        >>> done, not_done = osf.wait(volumes, timeout=60)
        >>> len(done), len(not_done)
        (2, 0)
    """
    futures = list(futures)
    for future in futures:
        _check(future)
    with waiting_for(futures):
        return concurrent.futures.wait(futures, timeout, return_when)


def _check(future: Future[Any]) -> None:
    if not isinstance(future, Future):
        hint = "; give one list, or futures only" if isinstance(future, Iterable) else ""
        raise InvalidArgument(f"{future!r:.100} is no future{hint}")
    if isinstance(future, OperationFuture):
        check_process(future)


class as_completed(Generic[T]):
    """Iterate over futures in the order in which they end.

    Args:
        futures: The futures, also of other kinds than `OperationFuture`.
        timeout: The seconds from now for the whole iteration; None sets no bound.
        clock: The source of time for `timeout`; the computer's own by default.

    Raises:
        InvalidArgument: An item of `futures` is no future.
        TimeoutError: From `next()`, with the number of futures that have not ended in time.

    Example:
        >>> create = cloud.cinder.volumes.create_async
        >>> for future in osf.as_completed([create(1, name="a"), create(1, name="b")]):
        ...     print(future.result().status)
        available
        available
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
        """Iterate over `future` as well, also during the iteration; no-op for a known future."""
        _check(future)
        with self._lock:
            if future in self._known:
                return
            self._known.add(future)
            self._open += 1
        # Not future.add_done_callback: the queue need not wait for users' callbacks.
        Future.add_done_callback(future, self._done.put)

    def __iter__(self) -> Iterator[Future[T]]:
        return self

    def __next__(self) -> Future[T]:
        with self._lock:
            if not self._open:
                raise StopIteration
        left = None if self._end is None else max(0.0, self._end - self._clock.now())
        try:
            with self._waiting():
                future = self._done.get(timeout=left)
        except queue.Empty:
            raise TimeoutError(f"{self._open} (of {len(self._known)}) futures unfinished") from None
        with self._lock:
            self._open -= 1
        return future

    def _waiting(self) -> AbstractContextManager[object]:
        """Return a context that tells the observers of the futures about a wait."""
        if not self._done.empty():
            return nullcontext()
        with self._lock:
            return waiting_for([future for future in self._known if not future.done()])


# The types are tuples and the value is a list, as typeshed has it for asyncio.gather:
# https://github.com/python/typeshed/blob/main/stdlib/asyncio/tasks.pyi
@overload
def gather(a: Future[T1], /, *, timeout: float | None = None) -> tuple[T1]: ...
@overload
def gather(a: Future[T1], b: Future[T2], /, *, timeout: float | None = None) -> tuple[T1, T2]: ...
@overload
def gather(
    a: Future[T1], b: Future[T2], c: Future[T3], /, *, timeout: float | None = None
) -> tuple[T1, T2, T3]: ...
@overload
def gather(
    a: Future[T1],
    b: Future[T2],
    c: Future[T3],
    d: Future[T4],
    /,
    *,
    timeout: float | None = None,
) -> tuple[T1, T2, T3, T4]: ...
@overload
def gather(
    a: Future[T1],
    b: Future[T2],
    c: Future[T3],
    d: Future[T4],
    e: Future[T5],
    /,
    *,
    timeout: float | None = None,
) -> tuple[T1, T2, T3, T4, T5]: ...
@overload
def gather(*futures: Future[T], timeout: float | None = None) -> list[T]: ...
@overload
def gather(futures: Iterable[Future[T]], /, *, timeout: float | None = None) -> list[T]: ...
def gather(*futures: Any, timeout: float | None = None) -> Any:
    """Wait for all futures and return their results in order.

    Waits until every future has ended even if one fails, so that nothing is left half done.

    Args:
        futures: The futures, or one iterable of futures.
        timeout: The longest wait in seconds; None waits without a bound.

    Returns:
        A list of the results.

    Raises:
        TimeoutError: A future has not ended in time; the operations go on.
        BaseException: The error of the first future that failed, with the errors of the others as
            notes (`__notes__`).
        InvalidArgument: An argument is no future.

    Example:
        >>> create = cloud.cinder.volumes.create_async
        >>> a, b = osf.gather(create(1, name="a"), create(1, name="b"))
        >>> a.name, b.name
        ('a', 'b')
    """
    waited: list[Any] = list(futures)
    if len(waited) == 1 and isinstance(waited[0], Iterable) and not isinstance(waited[0], Future):
        waited = list(waited[0])
    _, pending = wait(waited, timeout)
    if pending:
        raise TimeoutError(f"{len(pending)} (of {len(waited)}) futures unfinished")
    errors = [error for future in waited if (error := future.exception()) is not None]
    if errors:
        for note in _notes(errors):
            errors[0].add_note(note)
        raise errors[0]
    return [future.result() for future in waited]


def _notes(errors: Sequence[BaseException]) -> list[str]:
    """Return the notes about all errors but the first; many of one kind get one line."""
    from pytest_osfutures.reports import kind_of  # loads more than futures need

    kinds: dict[str, list[BaseException]] = {}
    for each in errors:
        why = f"{each.operation}: {each.why}" if isinstance(each, OperationError) else str(each)
        kinds.setdefault(kind_of(why), []).append(each)
    notes = []
    for kind, members in kinds.items():
        if len(members) >= MANY:  # six lines each would hide the other errors
            notes.append(f"{len(members)} x {kind}")
        else:
            notes += [f"also: {other}" for other in members if other is not errors[0]]
    return notes


__all__ = [
    "ALL_COMPLETED",
    "FIRST_COMPLETED",
    "FIRST_EXCEPTION",
    "as_completed",
    "gather",
    "wait",
]
