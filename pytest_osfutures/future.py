"""The future of a background operation: the standard library's, with what a cloud adds to it."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import threading
from collections.abc import Callable, Generator
from concurrent.futures import CancelledError, Future
from functools import partial
from types import ModuleType
from typing import Any, Generic, TypeVar

from pytest_osfutures.engine import Engine, Executor, Watch
from pytest_osfutures.errors import Attempt, InvalidArgument, Seen

__tracebackhide__ = True  # pytest: an error belongs to the line that waits for it
T = TypeVar("T")


class OperationFuture(Future[T], Generic[T]):
    """What a background operation will have come to.

    `result(timeout)`, `exception(timeout)`, `done()`, `running()` and `add_done_callback(fn)` are
    those of `concurrent.futures.Future`, and `wait` and `as_completed` of both packages take it.
    `result(timeout)` bounds the wait (seconds) and leaves the operation running. An operation
    that the cloud has accepted cannot be cancelled: `cancel()` is then False; `undo()` takes it
    back. Callbacks run in a thread of their own; what they raise is logged.
    """

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine
        self._answer: Future[Any] = Future()
        self._watch: Watch | None = None
        self._unknown = ""
        self._undo: Callable[[], OperationFuture[Any]] | None = None
        self._attempts: tuple[Attempt, ...] = ()
        self._ending = threading.RLock()  # a callback may come back to its future
        self._ended = False
        engine.owe(self)

    @property
    def sync_res(self) -> Any:
        """What the plain call returned; waits for it where the call runs in the background.

        Raises what the plain call raised, if it never succeeded.
        """
        self._check()
        return self._answer.result()

    @property
    def operation(self) -> str:
        """The operation's name (`server.create`); empty while none is known.

        One that cannot be followed is `unknown: ` and its request.
        """
        if self._watch:
            return self._watch.operation.name
        return f"unknown: {self._unknown}" if self._unknown else ""

    def __repr__(self) -> str:
        ident = f" ({self.resource_id})" if self.resource_id else ""
        about = f"{self.operation}{ident} " if self.operation else ""
        return super().__repr__().replace(" at ", f" {about}at ", 1)

    @property
    def resource_id(self) -> str | None:
        """The id of the resource that the operation is about."""
        return self._watch.resource_id if self._watch else None

    @property
    def request_id(self) -> str | None:
        """The cloud's id of the request that started the operation."""
        return self._watch.request_id if self._watch else None

    @property
    def history(self) -> tuple[Seen, ...]:
        """The states that were seen so far: (time, status, task_state), oldest first."""
        return tuple(self._watch.history) if self._watch else ()

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The tries that failed so far."""
        return self._attempts

    def result(self, timeout: float | None = None) -> T:
        error = self.exception(timeout)
        if error is None:
            return super().result()
        try:
            raise error  # here, and not in the standard library: pytest shows the caller's line
        finally:
            del error  # it holds this frame

    def exception(self, timeout: float | None = None) -> BaseException | None:
        self._check()
        try:
            return super().exception(timeout)
        except TimeoutError:
            ident = f" ({self.resource_id})" if self.resource_id else ""
            what = f"{self.operation or 'the call'}{ident}"
            raise TimeoutError(f"{what} is not done after {timeout:g} s, and goes on") from None

    def cancel(self) -> bool:
        with self._ending:
            cancelled = not self._ended and super().cancel()
        if cancelled and not self._answer.done():
            self._answer.set_exception(CancelledError())
        return cancelled

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        if getattr(fn, "__module__", "") == "asyncio.futures":  # of wrap_future: it never blocks
            self._link(fn)
            return
        self._engine.check_process()

        def run(future: Future[T]) -> None:
            self._engine.callbacks.submit(partial(fn, future))

        super().add_done_callback(run)

    def next(self, fn: Callable[[T], Any]) -> OperationFuture[Any]:
        """A new future of `fn(result)`; if `fn` returns a future, of that one's result.

        If this future fails, `fn` is not called and the new one fails with the same error.
        """
        return self._then(fn, self._engine.callbacks)

    def _then(self, fn: Callable[[T], Any], executor: Executor) -> OperationFuture[Any]:
        after: OperationFuture[Any] = OperationFuture(self._engine)

        def call(before: Future[T]) -> None:
            if not after._start():
                return
            try:
                value: Any = fn(before.result())
            except BaseException as error:
                after._fail(error)
                return
            if isinstance(value, Future):
                after._follow(value)
            else:
                after._succeed(value)

        def go_on(before: Future[T]) -> None:
            error = _error_of(before)
            if error is None:
                executor.submit(partial(call, before))
            elif after._start():
                after._fail(error)

        self._link(go_on)
        return after

    def _link(self, fn: Callable[[Future[T]], object]) -> None:
        """Call `fn`, which must be quick, in the thread that ends the future."""
        self._engine.check_process()
        links = self._engine.links  # one after another: a chain may be longer than the stack
        super().add_done_callback(lambda future: links.submit(partial(fn, future)))

    @property
    def chain(self) -> Any:
        """Call a method of the result when it is there: `fut.chain.stop_async()`, a new future."""
        return _Chain(self)

    def undo(self) -> OperationFuture[Any]:
        """Take the operation back (delete what it creates, detach what it attaches): a future.

        Raises InvalidArgument if the operation has no opposite.
        """
        if self._undo is None:
            raise InvalidArgument(f"{self.operation or 'this call'} has nothing that would undo it")
        return self._undo()

    def __await__(self) -> Generator[Any, Any, T]:
        if not self.done():
            self._check()
            yield from _wait_in_task(self).__await__()
        return self.result()

    def _check(self) -> None:
        """A wait for something that nobody will finish is an error and no wait."""
        if not self.done():
            self._engine.check_process()

    # For the engine's side: who finishes the future.

    def _start(self) -> bool:
        """Whether it is still wanted: neither cancelled nor ended with its engine."""
        with self._ending:
            return not self._ended and self.set_running_or_notify_cancel()

    def _begun(self, answer: Any, watch: Watch | None) -> None:
        self._watch = watch
        if self._answer.done():  # by an earlier try
            self._answer = Future()
        self._answer.set_result(answer)

    def _succeed(self, value: T) -> None:
        if self._end_once():
            if not self._answer.done():
                self._answer.set_result(value)
            self.set_result(value)

    def _fail(self, error: BaseException) -> None:
        if self._end_once():
            if not self._answer.done():
                self._answer.set_exception(error)
            self.set_exception(error)

    def _end_once(self) -> bool:
        """Whether this end counts: an engine that breaks may come before the cloud's word."""
        with self._ending:
            first, self._ended = not self._ended and not self.cancelled(), True
        return first

    def _follow(self, other: Future[Any]) -> None:
        if isinstance(other, OperationFuture):
            self._watch, self._undo = other._watch, other._undo
            self._unknown = other._unknown

        def copy(done: Future[Any]) -> None:
            if isinstance(done, OperationFuture):
                self._watch, self._attempts = done._watch, done._attempts
            error = _error_of(done)
            if error is not None:
                self._fail(error)
            else:
                self._succeed(done.result())

        if isinstance(other, OperationFuture):
            other._link(copy)
        else:
            other.add_done_callback(lambda done: self._engine.links.submit(partial(copy, done)))


class _Chain:
    def __init__(self, future: OperationFuture[Any]) -> None:
        self._future = future

    def __getattr__(self, name: str) -> Callable[..., OperationFuture[Any]]:
        if name.startswith("__"):
            raise AttributeError(name)

        def call(*args: Any, **kwargs: Any) -> OperationFuture[Any]:
            return then(self._future, lambda result: getattr(result, name)(*args, **kwargs))

        return call


def then(before: OperationFuture[T], fn: Callable[[T], Any]) -> OperationFuture[Any]:
    """Like `before.next(fn)` for functions of this package: they do not wait for users' ones."""
    return before._then(fn, before._engine.own_calls)


def _error_of(future: Future[Any]) -> BaseException | None:
    """The error of a future that has ended; that it was cancelled is one."""
    try:
        return future.exception(0)
    except CancelledError as cancelled:
        return cancelled


async def _wait_in_task(future: OperationFuture[Any]) -> None:
    """Let the task of asyncio or trio wait until `future` is done, in whatever thread that is.

    A task that is cancelled meanwhile leaves the future alone. trio is not imported here: where a
    task of trio runs, somebody has done that.
    """
    trio = sys.modules.get("trio")
    if trio is not None and _runs_in_trio(trio):
        token, ended = trio.lowlevel.current_trio_token(), trio.Event()
        wake, closed = partial(token.run_sync_soon, ended.set), trio.RunFinishedError
        waiting = ended.wait()
    else:
        loop = asyncio.get_running_loop()
        waiting = loop.create_future()
        wake, closed = partial(loop.call_soon_threadsafe, _set_if_waiting, waiting), RuntimeError

    def link(_: Future[Any]) -> None:
        with contextlib.suppress(closed):  # nobody waits there any more
            wake()

    future._link(link)
    await waiting


def _runs_in_trio(trio: ModuleType) -> bool:
    """Whether the code that calls is a task of trio's; asyncio may run beside it as its host."""
    try:
        if asyncio.current_task() is not None:
            return False
    except RuntimeError:  # no loop of asyncio
        pass
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        return False
    return True


def _set_if_waiting(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)


def finished(engine: Engine, value: T) -> OperationFuture[T]:
    """A future that is done already."""
    future: OperationFuture[T] = OperationFuture(engine)
    future._start()
    future._succeed(value)
    return future


def renewed(before: OperationFuture[Any], value: T) -> OperationFuture[T]:
    """A future that is done, of the same operation as `before` but with another result."""
    future = finished(before._engine, value)
    future._watch, future._undo = before._watch, before._undo
    return future
