"""The future of a background operation: `concurrent.futures.Future` plus facts about the cloud.

Users hold an `OperationFuture`; the code that carries out the operation holds its `Promise`, as in
https://docs.python.org/3/library/concurrent.futures.html#concurrent.futures.Future.set_result
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar, overload

from pytest_osfutures.engine import Engine, Watch, wait_in_task
from pytest_osfutures.errors import Attempt, InvalidArgument, StatusSample
from pytest_osfutures.futures.observer import Observer, waiting_for
from pytest_osfutures.futures.timing import phases_of

__tracebackhide__ = True  # pytest: an error belongs to the line that waits for it
T = TypeVar("T")
U = TypeVar("U")

if TYPE_CHECKING:
    import typing_extensions

    from pytest_osfutures.futures.chain import Chain

    #: The type of `sync_res`. A default needs Python 3.13, or the type checker's typing_extensions.
    P = typing_extensions.TypeVar("P", default=object, covariant=True)

    class _TypedFuture(Future[T], Generic[T, P]): ...
else:
    P = TypeVar("P")
    _TypedFuture = Future  # which takes any number of types


class OperationFuture(_TypedFuture[T, P]):
    """The future of a background operation: a `concurrent.futures.Future` that knows its resource.

    Twins return it. `concurrent.futures.wait`, `asyncio.wrap_future` and `await` accept it.
    `cancel()` returns False once the cloud has accepted the request; then `undo()` reverts the
    operation. Callbacks run in a thread of their own; their exceptions are logged.

    `OperationFuture[Server]` is a future whose `result()` is a `Server`. The second type is that of
    `sync_res`: `OperationFuture[Server, Server]` for a creation, `object` where it is left out.
    """

    # Values of the class, which few futures change: thousands of futures may exist.

    #: The future that will end this one.
    _followed: OperationFuture[Any] | None = None
    #: The name of a request that the tables of operations do not know.
    _untracked = ""
    #: The condition of `ready`, while it is waited for.
    _until = ""
    #: The operation that a refused request would have started.
    _refused = ""
    #: A function of this package that learns of each new status.
    _on_status: Callable[[StatusSample], None] | None = None
    #: The reason for which the call waits before its next request; "" while it does not.
    _hold = ""

    def __init__(self, engine: Engine, observer: Observer | None = None) -> None:
        super().__init__()
        self._engine = engine
        #: The observer of the cloud, which learns of waits for this future.
        self.observer = observer
        self._plain: Future[Any] = Future()  # of the plain call
        self._own_watch: Watch | None = None
        #: Names the call as long as its operation is not known.
        self._title: Callable[[], str] = str
        self._undo: Callable[[], OperationFuture[Any]] | None = None
        self._attempts: tuple[Attempt, ...] = ()
        #: Reentrant, because a callback may call a method of its future.
        self._end_lock = threading.RLock()
        self._ended = False
        self._began_at = engine.clock.now()
        self._ended_at: float | None = None
        #: True if a user has asked for the result, or has undone the operation.
        self._taken = False
        engine.register_pending(self)

    @property
    def _watch(self) -> Watch | None:
        followed = self._followed
        return self._own_watch if followed is None else followed._watch

    @property
    def sync_res(self) -> P:
        """Return the result of the plain call; wait for it if the call runs in the background.

        Raises the plain call's error if the call never succeeded.
        """
        check_process(self)
        with waiting_for((self,)) if not self._plain.done() else nullcontext():
            plain: P = self._plain.result()
        return plain

    @property
    def operation(self) -> str:
        """The operation's name, like `server.create`; empty before the request is accepted.

        A request that the engine cannot follow is called `unknown: POST network /things`.
        """
        if self._watch:
            return self._watch.operation.name
        return f"unknown: {self._untracked}" if self._untracked else ""

    def __repr__(self) -> str:
        name, ident = self.resource_name, self.resource_id
        title = self.operation or self._title()
        words = [type(self).__name__, title, name and repr(name), ident and f"({ident})"]
        return f"<{' '.join(filter(None, [*words, self._state_text()]))}>"

    def _state_text(self) -> str:
        """Return state, age and last status: `running for 3.0 s, last status BUILD (spawning)`."""
        age = self.seconds
        text = f"{'running' if self.running() else 'pending'} for {age:.1f} s"
        if self.cancelled():
            text = f"cancelled after {age:.1f} s"
        elif self.done():
            error = error_of(self)
            failure = f" with {type(error).__name__}" if error else ""
            text = f"{'failed' if error else 'finished'} after {age:.1f} s{failure}"
        for seen in self.history[-1:]:
            task = f" ({seen.task_state})" if seen.task_state else ""
            text += f", last status {seen.status}{task}"
        return f"{text}, until {self._until}" if self._until and not self.done() else text

    @property
    def resource_id(self) -> str | None:
        """The id of the operation's resource; None before the cloud has told it."""
        return self._watch.resource_id if self._watch else None

    @property
    def resource_name(self) -> str | None:
        """The name of the operation's resource; None if the resource has none."""
        return self._watch.resource_name if self._watch else None

    @property
    def request_id(self) -> str | None:
        """The cloud's id (`req-...`) of the request that started the operation."""
        return self._watch.request_id if self._watch else None

    @property
    def history(self) -> tuple[StatusSample, ...]:
        """The resource's states so far: (time, status, task_state), oldest first."""
        return tuple(self._watch.history) if self._watch else ()

    @property
    def seconds(self) -> float:
        """The seconds from the call to its end, with all tries; the age while it is not done.

        For a call that waits for its turn, the time begins when it leaves the queue.

        Example:
            >>> future = cloud.cinder.volumes.create_async(1, name="data")
            >>> future.seconds <= future.seconds
            True
            >>> volume = future.result()
            >>> future.seconds == future.seconds
            True
        """
        ended_at = self._ended_at
        return (self._engine.clock.now() if ended_at is None else ended_at) - self._began_at

    @property
    def phases(self) -> Mapping[str, float]:
        """The seconds in each state of `history`, like `BUILD/spawning`, in order.

        A state lasts until the next one was seen, the last state until the end of the operation.
        The rest of `seconds` is the time before the first state was seen: requests, and earlier
        tries.

        Example:
            >>> future = cloud.cinder.volumes.create_async(1, name="data")
            >>> volume = future.result()
            >>> list(future.phases)[-1]
            'available'
        """
        clock = self._engine.clock
        end = clock.time()
        if self._ended_at is not None:
            end -= clock.now() - self._ended_at
        return phases_of(self.history, end)

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The tries that have failed so far, oldest first."""
        return self._attempts

    def result(self, timeout: float | None = None) -> T:
        """Wait for the operation and return its result: the client's own object, up to date.

        Args:
            timeout: The longest wait in seconds; the operation goes on after it. None waits until
                the operation ends, at the latest at its own deadline (`tout`).

        Returns:
            The object that the client's `get` would return; None after a deletion.

        Raises:
            TimeoutError: The operation has not ended in time.
            OperationError: The operation has failed.
            Exception: The error of the plain call, if the cloud refused the request.

        Example:
            >>> future = cloud.cinder.volumes.create_async(1, name="data")
            >>> future.result(timeout=60).status
            'available'
            >>> future  # doctest: +ELLIPSIS
            <OperationFuture volume.create 'data' (...) finished after ... s, last status available>
        """
        error = self.exception(timeout)
        if error is None:
            return super().result()
        try:
            raise error  # here, and not in the standard library: pytest shows the caller's line
        finally:
            del error  # breaks the circle of the error, its traceback and this frame

    def exception(self, timeout: float | None = None) -> BaseException | None:
        """Wait like `result`, and return the error of the operation; None after a success."""
        check_process(self)
        try:
            with waiting_for((self,)):
                error = super().exception(timeout)
            self._taken = True
            return error
        except TimeoutError:
            ident = f" ({self.resource_id})" if self.resource_id else ""
            title = f"{self.operation or 'the call'}{ident}"
            raise TimeoutError(f"{title} is not done after {timeout:g} s, and goes on") from None

    def cancel(self) -> bool:
        """Cancel a call whose request has not left; return False if it has."""
        with self._end_lock:
            cancelled = not self._ended and super().cancel()
            if cancelled and self._ended_at is None:
                self._ended_at = self._engine.clock.now()
        if cancelled and not self._plain.done():
            self._plain.set_exception(CancelledError())
        return cancelled

    def add_done_callback(self, fn: Callable[[Future[T]], object]) -> None:
        """Call `fn(future)` when the future is done, in a thread in which `fn` may block."""
        if getattr(fn, "__module__", "") == "asyncio.futures":  # wrap_future's: it never blocks
            link(self, fn)
            return
        self._engine.check_process()
        callbacks = self._engine.callbacks
        super().add_done_callback(lambda future: callbacks.submit(partial(fn, future)))

    @overload
    def next(self, fn: Callable[[T], Future[U]]) -> OperationFuture[U]: ...
    @overload
    def next(self, fn: Callable[[T], U]) -> OperationFuture[U]: ...
    def next(self, fn: Callable[[T], Any]) -> OperationFuture[Any]:
        """Call `fn(result)` after a success, and return the future of what `fn` returns.

        Args:
            fn: A function of the result, called in a thread in which it may block. If it returns a
                future, the new future ends like that one.

        Returns:
            A new future, which fails with the same error, without `fn`, if this future fails.

        Example:
            >>> volume = cloud.cinder.volumes.create_async(1, name="data")
            >>> copy = volume.next(
            ...     lambda data: cloud.cinder.volume_snapshots.create_async(data.id, name="copy")
            ... )
            >>> copy.result().name
            'copy'
        """
        from pytest_osfutures.futures.promise import follow_up  # which imports this module

        return follow_up(self, fn, self._engine.callbacks)

    @property
    def chain(self) -> Chain:
        """Call a method of the result after a success, and return the future of its value.

        `future.chain.stop_async()` is short for `future.next(lambda vm: vm.stop_async())`.
        """
        from pytest_osfutures.futures.chain import Chain  # which imports this module

        return Chain(self)

    def undo(self) -> OperationFuture[object]:
        """Start the compensating operation (delete for create, ...), and return its future.

        Raises:
            InvalidArgument: The operation has no compensating operation.

        Example:
            >>> future = cloud.cinder.volumes.create_async(1, name="data")
            >>> future.undo().result(timeout=60)
            >>> cloud.cinder.volumes.list()
            []
        """
        undo = undo_of(self)
        self._taken = True
        if self.observer is not None:
            self.observer.derived(undo)
        return undo

    def __await__(self) -> Generator[Any, Any, T]:
        if not self.done():
            check_process(self)
            with waiting_for((self,)):
                yield from wait_in_task(partial(link, self)).__await__()
        return self.result()

    # The writer's methods of `concurrent.futures.Future`, for `Promise` and the engine.

    def set_running_or_notify_cancel(self) -> bool:
        with self._end_lock:
            starts = not self._ended and super().set_running_or_notify_cancel()
            if starts:
                self._began_at = self._engine.clock.now()
        return starts

    def set_result(self, result: T) -> None:
        if self._ends_now():
            if not self._plain.done():
                self._plain.set_result(result)
            super().set_result(result)

    def set_exception(self, exception: BaseException | None) -> None:
        if self._ends_now():
            if not self._plain.done():
                self._plain.set_exception(exception)
            super().set_exception(exception)

    def _ends_now(self) -> bool:
        """Return True for the first end: a broken engine and the cloud may both end a future."""
        with self._end_lock:
            first, self._ended = not self._ended and not self.cancelled(), True
            if first:
                self._ended_at = self._engine.clock.now()
        return first


def link(future: OperationFuture[T], fn: Callable[[Future[T]], object]) -> None:
    """Call `fn`, which must be quick, in the thread that ends `future`."""
    future._engine.check_process()
    links = future._engine.links  # one after another: a chain may be longer than the stack
    Future.add_done_callback(future, lambda done: links.submit(partial(fn, done)))


def check_process(future: OperationFuture[Any]) -> None:
    """Raise EngineError if no engine of this process will ever end `future`."""
    if not future.done():
        future._engine.check_process()


def undo_of(future: OperationFuture[Any]) -> OperationFuture[object]:
    """Do the same as `future.undo()` for the owner of a resource, not for the user.

    Raises:
        InvalidArgument: The operation has no compensating operation.
    """
    if future._undo is None:
        raise InvalidArgument(f"{future.operation or 'this call'} has nothing that would undo it")
    undo = future._undo()
    if future.observer is not None:
        future.observer.submitted(undo, undoes=future)
    return undo


def error_of(future: Future[Any]) -> BaseException | None:
    """Return the error of a future that is done; a cancelled one gives CancelledError.

    The result does not count as taken.
    """
    try:
        return Future.exception(future, 0)
    except CancelledError as cancelled:
        return cancelled


def value_of(future: Future[T]) -> T:
    """Return the result of a future that has succeeded; it does not count as taken."""
    return Future.result(future, 0)
