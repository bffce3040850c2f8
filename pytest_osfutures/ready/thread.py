"""One thread with an event loop for the sockets of all conditions of a process."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, TypeVar

from pytest_osfutures.ready.network import Network

__tracebackhide__ = True  # pytest: an error belongs to the line of the test
T = TypeVar("T")


class NetworkThread:
    """A daemon thread that runs coroutines; it starts with the first one."""

    def __init__(self) -> None:
        self.pid = os.getpid()
        self.network = Network()
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def start(self, coroutine: Coroutine[Any, Any, T]) -> Future[T]:
        """Run a coroutine in the thread; return its future, which can be cancelled."""
        return asyncio.run_coroutine_threadsafe(coroutine, self._running_loop())

    def run(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine in the thread, and wait for its result in this one."""
        return self.start(coroutine).result()

    def _running_loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                target: Callable[[], None] = self._loop.run_forever
                threading.Thread(target=target, name="osfutures-network", daemon=True).start()
            return self._loop


_default: NetworkThread | None = None
_default_lock = threading.Lock()


def default_thread() -> NetworkThread:
    """Return the thread that all clouds of this process share."""
    global _default
    with _default_lock:
        if _default is None or _default.pid != os.getpid():
            _default = NetworkThread()
        return _default
