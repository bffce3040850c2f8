"""Threads for what may block. The standard executor will not do: it waits for its threads when
the interpreter ends, so one hung request would hang the user's program."""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

Task = Callable[[], object]
_log = logging.getLogger("osfutures")
#: Seconds after which a thread without work ends.
IDLE = 2.0


class Executor(Protocol):
    """Runs tasks, some time."""

    def submit(self, task: Task) -> None:
        """Run `task`; what it raises is logged."""


class Pool:
    """Up to `size` daemon threads, started when they are needed and ended when they are not.

    A `size` that is a function may change its mind at any time.
    """

    def __init__(self, name: str, size: int | Callable[[], int]) -> None:
        self.name = name
        self._size = size
        self._tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._unfinished = 0

    @property
    def size(self) -> int:
        """How many tasks may run at a time now."""
        return self._size if isinstance(self._size, int) else self._size()

    def submit(self, task: Task) -> None:
        with self._lock:
            self._tasks.put(task)
            self._unfinished += 1
        self._grow()

    def _grow(self) -> None:
        with self._lock:
            if self._unfinished <= self._threads or self._threads >= self.size:
                return
            self._threads += 1
        threading.Thread(target=self._work, name=f"osfutures-{self.name}", daemon=True).start()

    def _work(self) -> None:
        while True:
            try:
                task = self._tasks.get(timeout=IDLE)
            except queue.Empty:
                with self._lock:
                    if self._tasks.empty():
                        self._threads -= 1
                        return
                continue
            try:
                task()
            except BaseException:  # also a SystemExit: it must not take the thread along
                _log.exception("a callback raised")
            del task
            with self._lock:
                self._unfinished -= 1
                if self._threads > self.size:
                    self._threads -= 1
                    return
            self._grow()


class Inline:
    """Runs tasks at once in the caller's thread, one after another."""

    def __init__(self) -> None:
        self._tasks: deque[Task] = deque()
        self._running = False

    def submit(self, task: Task) -> None:
        self._tasks.append(task)
        if self._running:
            return
        self._running = True
        try:
            while self._tasks:
                task = self._tasks.popleft()
                try:
                    task()
                except Exception:
                    _log.exception("a callback raised")
        finally:
            self._running = False
