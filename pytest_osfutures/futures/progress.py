"""The state of an operation: in a word or two, for the live line and the log, and as it changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_osfutures.errors import StatusSample
from pytest_osfutures.futures.future import OperationFuture, error_of


def progress_of(future: OperationFuture[Any]) -> str:
    """Return the state of an operation in a word or two: `BUILD/spawning`, `waiting for quota`."""
    while future._followed is not None:
        future = future._followed
    if future.done():
        if error_of(future) is not None:
            return "failed"
        return future.history[-1].status if future.history else "done"
    if future._hold:
        return f"waiting for {future._hold}"
    if not future.history:
        return "accepted" if future._watch else "requested"
    seen = future.history[-1]
    state = "/".join(filter(None, (seen.status, seen.task_state)))
    return f"{state} until {future._until}" if future._until else state


def on_status(future: OperationFuture[Any], fn: Callable[[StatusSample], None]) -> None:
    """Call `fn`, which must be quick, with each new status of the resource, in the engine's loop.

    Statuses that were seen before are left out; `future.history` has them. A future has one such
    function.
    """
    future._on_status = fn
    if future._own_watch is not None:
        future._own_watch.on_status = fn
