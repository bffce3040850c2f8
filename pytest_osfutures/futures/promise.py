"""The writer's side of a future, and functions of this package that make futures."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from functools import partial
from typing import Any, Generic, TypeVar

from pytest_osfutures.engine import Engine, Executor, Watch
from pytest_osfutures.errors import Attempt, InvalidArgument
from pytest_osfutures.futures.facts import title_of
from pytest_osfutures.futures.future import OperationFuture, error_of, link, value_of
from pytest_osfutures.futures.observer import Observer

__tracebackhide__ = True  # pytest: an error belongs to the line that waits for it
T = TypeVar("T")


class Promise(Generic[T]):
    """The writer's side of an `OperationFuture`; only the first end of several counts."""

    __slots__ = ("future",)

    def __init__(
        self,
        engine: Engine,
        future: OperationFuture[T] | None = None,
        observer: Observer | None = None,
    ) -> None:
        self.future: OperationFuture[T] = future or OperationFuture(engine, observer)

    def start(self) -> bool:
        """Mark the future as running; return False if the future is cancelled or has ended."""
        return self.future.set_running_or_notify_cancel()

    def set_accepted(self, plain: Any, watch: Watch | None, untracked: str = "") -> None:
        """Store the plain call's result, and the watch of the operation that the call started.

        A request that cannot be followed has no watch, and `untracked` is the request's name.
        """
        self.future._own_watch = watch
        if untracked:
            self.future._untracked = untracked
        if watch is not None:
            self.future._title = str  # the watch names the operation
        self.future._until = ""
        if watch is not None and self.future._on_status is not None:
            watch.on_status = self.future._on_status
        if self.future._plain.done():  # by an earlier try
            self.future._plain = Future()
        self.future._plain.set_result(plain)

    def set_title(self, title: Callable[[], str]) -> None:
        """Let `title` name the call as long as its operation is not known."""
        self.future._title = title

    def set_refused(self, operation: str) -> None:
        """Store the name of the operation that a refused request would have started."""
        self.future._refused = operation

    def set_condition(self, condition: str) -> None:
        """Store the condition that the server of the future has to meet before its end."""
        self.future._until = condition

    def set_undo(self, undo: Callable[[], OperationFuture[Any]]) -> None:
        """Let `future.undo()` call `undo`."""
        self.future._undo = undo

    def set_hold(self, reason: str) -> None:
        """Note the reason for a wait before the next request; "" after the wait."""
        self.future._hold = reason

    def set_attempts(self, attempts: tuple[Attempt, ...]) -> None:
        """Store the tries that have failed so far."""
        self.future._attempts = attempts

    def set_result(self, result: T) -> None:
        """End the future with `result`."""
        self.future.set_result(result)

    def set_exception(self, error: BaseException) -> None:
        """End the future with `error`."""
        self.future.set_exception(error)

    def follow(self, other: Future[Any]) -> None:
        """End the future like `other`, once `other` is done, and take over its operation."""
        future = self.future
        if not isinstance(other, OperationFuture):
            links = future._engine.links
            other.add_done_callback(lambda done: links.submit(partial(self._copy_end, done)))
            return
        future._followed, future._undo = other, other._undo
        future._title, future._untracked = partial(title_of, other), other._untracked
        if future.observer is not None:
            future.observer.followed(future, other)

        def copy(done: Future[Any]) -> None:
            future._own_watch, future._attempts = other._watch, other._attempts
            future._followed = None
            self._copy_end(done)

        link(other, copy)

    def _copy_end(self, done: Future[Any]) -> None:
        error = error_of(done)
        if error is not None:
            self.set_exception(error)
        else:
            self.set_result(value_of(done))


def then(before: OperationFuture[T], fn: Callable[[T], Any]) -> OperationFuture[Any]:
    """Do the same as `before.next(fn)`, for functions of this package.

    They run on the engine's `own_calls`, so that users' functions cannot hold them up.
    """
    return follow_up(before, fn, before._engine.own_calls)


def follow_up(
    before: OperationFuture[T], fn: Callable[[T], Any], executor: Executor
) -> OperationFuture[Any]:
    """Call `fn` with the result of `before` on an executor; return the future of its value."""
    promise: Promise[Any] = Promise(before._engine, observer=before.observer)
    if before.observer is not None:
        before.observer.derived(promise.future, before)

    def call(done: Future[T]) -> None:
        if not promise.start():
            return
        try:
            value: Any = fn(value_of(done))
        except BaseException as error:
            promise.set_exception(error)
            return
        if value is promise.future:  # it would wait for itself
            promise.set_exception(InvalidArgument(f"{fn!r} returned the future of its own end"))
        elif isinstance(value, Future):
            promise.follow(value)
        else:
            promise.set_result(value)

    def go_on(done: Future[T]) -> None:
        error = error_of(done)
        if error is None:
            executor.submit(partial(call, done))
        elif promise.start():
            promise.set_exception(error)

    link(before, go_on)
    return promise.future


def finished(engine: Engine, value: T) -> OperationFuture[T]:
    """Return a future that is done already, with the result `value`."""
    promise: Promise[T] = Promise(engine)
    promise.start()
    promise.set_result(value)
    return promise.future


def begun_like(before: OperationFuture[Any]) -> Promise[Any]:
    """Return the promise of a running future about the resource of `before`, with its undo."""
    promise: Promise[Any] = Promise(before._engine, observer=before.observer)
    promise.start()
    promise.future._own_watch, promise.future._undo = before._watch, before._undo
    return promise


def renewed(before: OperationFuture[Any], value: T) -> OperationFuture[T]:
    """Return a future of the same operation as `before`, done already with the result `value`."""
    future = finished(before._engine, value)
    future._own_watch, future._undo = before._watch, before._undo
    return future


def joined(futures: Sequence[OperationFuture[T]]) -> OperationFuture[list[T]]:
    """Return the future of all results; the first failure ends it and cancels the other futures."""
    promise: Promise[list[T]] = Promise(futures[0]._engine, observer=futures[0].observer)
    lock, missing = threading.Lock(), len(futures)

    def ended(done: Future[T]) -> None:
        nonlocal missing
        error = error_of(done)
        if error is not None:
            promise.set_exception(error)
            for each in futures:
                each.cancel()
            return
        with lock:
            missing -= 1
            is_last = missing == 0
        if is_last:
            promise.set_result([each.result() for each in futures])

    promise.start()
    for each in futures:
        link(each, ended)
    return promise.future
