"""The observer of a cloud's calls: a run records the operations and waits of its tests."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pytest_osfutures.futures.future import OperationFuture

__tracebackhide__ = True  # pytest: an error belongs to the line that waits


class Observer(Protocol):
    """Receives the calls of a cloud and the waits for them, in any thread.

    The methods return at once and raise nothing.
    """

    def submitted(
        self, future: OperationFuture[Any], undoes: OperationFuture[Any] | None = None
    ) -> None:
        """Note a call that begins, or an undo of the future `undoes`."""

    def derived(
        self, future: OperationFuture[Any], source: OperationFuture[Any] | None = None
    ) -> None:
        """Note a future without a call of its own, which ends after `source` or later."""

    def followed(self, future: OperationFuture[Any], other: OperationFuture[Any]) -> None:
        """Note that `future` ends like `other`, whose result only `future` hands on."""

    def waiting(self, futures: Sequence[Future[Any]]) -> AbstractContextManager[object]:
        """Return a context in which this thread waits for futures."""


def waiting_for(futures: Sequence[Future[Any]]) -> AbstractContextManager[object]:
    """Return a context that tells the observers of futures about a wait for them."""
    observers = {
        observer: None
        for future in futures
        if (observer := getattr(future, "observer", None)) is not None and not future.done()
    }
    if not observers:
        return nullcontext()
    stack = ExitStack()
    for observer in observers:
        stack.enter_context(observer.waiting(futures))
    return stack
