"""The future of a declared resource, which becomes that of one of several equal creations."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from functools import partial
from typing import TypeVar

from pytest_osfutures.engine import Engine
from pytest_osfutures.errors import Attempt, StatusSample
from pytest_osfutures.futures.facts import title_of
from pytest_osfutures.futures.future import OperationFuture, error_of, link, value_of
from pytest_osfutures.futures.observer import Observer

__tracebackhide__ = True  # pytest: an error belongs to the line that waits for it
T = TypeVar("T")


class DeclaredFuture(OperationFuture[T]):
    """The future of a declared resource. Safe to use from any thread.

    `bind` lets the future end like a creation. As long as neither the end nor the identity of the
    resource is known to anybody, the future can be bound to another creation.

    Args:
        engine: The engine of the cloud.
        observer: The observer of the cloud, which learns of waits for this future.
    """

    def __init__(self, engine: Engine, observer: Observer | None = None) -> None:
        super().__init__(engine, observer)
        self._creation: OperationFuture[T] | None = None
        self._bound = threading.Event()
        self._is_fixed = False
        self._bind_lock = threading.Lock()

    def bind(self, creation: OperationFuture[T]) -> bool:
        """End like `creation`; return False if it is too late to choose another creation."""
        with self._bind_lock:
            if self.done() or (self._is_fixed and self._creation is not None):
                return False
            self._creation = self._followed = creation
            self._title, self._untracked = partial(title_of, creation), creation._untracked
            if self.observer is not None:
                self.observer.followed(self, creation)
        self._bound.set()
        link(creation, self._end_like)
        return True

    def _end_like(self, creation: Future[T]) -> None:
        with self._bind_lock:
            if creation is not self._creation:
                return
            self._is_fixed = True
        error = error_of(creation)
        if creation.cancelled():
            super().cancel()
        elif error is not None:
            self.set_exception(error)
        else:
            self.set_result(value_of(creation))

    def _fixed(self) -> OperationFuture[T] | None:
        """Return the creation, for good; None before the first creation has begun."""
        with self._bind_lock:
            self._is_fixed = self._is_fixed or self._creation is not None
            return self._creation

    def set_exception(self, exception: BaseException | None) -> None:
        super().set_exception(exception)
        self._bound.set()

    def running(self) -> bool:
        """Return True if the request has left and the future is not done."""
        return not self.done() and self._creation is not None and self._creation.running()

    def cancel(self) -> bool:
        """Cancel a creation whose request has not left; return False if it has."""
        creation = self._fixed()
        return (creation is None or creation.cancel()) and super().cancel()

    # Everything that tells one resource from another

    @property
    def sync_res(self) -> object:
        """Return the result of the plain call; wait for it if the call runs in the background."""
        self._bound.wait()
        creation = self._fixed()
        return super().sync_res if creation is None else creation.sync_res

    @property
    def resource_id(self) -> str | None:
        """The id of the operation's resource; None before the cloud has told it."""
        self._fixed()
        return super().resource_id

    @property
    def resource_name(self) -> str | None:
        """The name of the operation's resource; None if the resource has none."""
        self._fixed()
        return super().resource_name

    @property
    def request_id(self) -> str | None:
        """The cloud's id (`req-...`) of the request that started the operation."""
        self._fixed()
        return super().request_id

    @property
    def history(self) -> tuple[StatusSample, ...]:
        """The resource's states so far: (time, status, task_state), oldest first."""
        self._fixed()
        return super().history

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """The tries that have failed so far, oldest first."""
        creation = self._fixed()
        return () if creation is None else creation.attempts

    def undo(self) -> OperationFuture[object]:
        """Start the compensating operation (delete for create, ...), and return its future."""
        self._bound.wait()
        creation = self._fixed()
        return super().undo() if creation is None else creation.undo()
