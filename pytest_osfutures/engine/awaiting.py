"""Tasks of asyncio and trio that wait for the end of a future, or of a call in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable
from functools import partial
from types import ModuleType
from typing import TypeVar

T = TypeVar("T")


async def wait_in_task(link: Callable[[Callable[[object], None]], None]) -> None:
    """Suspend the running asyncio or trio task until a future is done, in whatever thread.

    A task that is cancelled meanwhile leaves the future alone. This module does not import trio:
    where a trio task runs, trio is imported already.

    Args:
        link: Registers a function that the future calls when it is done.
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

    def wake_task(_: object) -> None:
        with contextlib.suppress(closed):  # the task's loop has ended
            wake()

    link(wake_task)
    await waiting


async def run_in_thread(call: Callable[[], T]) -> T:
    """Run a call in a thread, and wait for its end even if the task is cancelled meanwhile.

    Raises:
        BaseException: The error of the call; after a cancellation the cancellation, whose cause is
            the error of the call.
    """
    trio = sys.modules.get("trio")
    if trio is not None and _runs_in_trio(trio):
        with trio.CancelScope(shield=True):
            result: T = await trio.to_thread.run_sync(call)
        return result
    running = asyncio.get_running_loop().run_in_executor(None, call)
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled from running.exception()
    return running.result()


def _runs_in_trio(trio: ModuleType) -> bool:
    """Return True in a trio task; asyncio may run beside trio, as the host of a guest."""
    try:
        if asyncio.current_task() is not None:
            return False
    except RuntimeError:  # no running loop of asyncio
        pass
    try:
        trio.lowlevel.current_task()
    except RuntimeError:
        return False
    return True


def _set_if_waiting(waiting: asyncio.Future[None]) -> None:
    if not waiting.done():
        waiting.set_result(None)
