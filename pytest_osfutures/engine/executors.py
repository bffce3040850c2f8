"""Thread pools of daemon threads.

`concurrent.futures.ThreadPoolExecutor` joins its threads when the interpreter exits, so one request
that hangs would keep the user's program from ending:
https://docs.python.org/3/library/concurrent.futures.html#threadpoolexecutor
"""

from __future__ import annotations

import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from typing import Protocol

Task = Callable[[], object]
_log = logging.getLogger("osfutures")
#: A pool whose threads take no waiting task for this many seconds counts as blocked.
BLOCKED = 0.05
#: A thread without a task ends after this many seconds.
IDLE = 2.0


class Executor(Protocol):
    """Calls functions, now or later."""

    def submit(self, task: Task) -> None:
        """Call `task`; an exception is logged."""


class Pool:
    """A pool of up to `size` daemon threads, started and ended as the load requires.

    Args:
        name: The name of the threads, after `osfutures-`.
        size: The number of threads, or a function that returns the present number.
        most: If greater than `size`, tasks may wait for one another: while all threads are blocked
            and tasks are waiting, the pool starts more threads, up to `most`.
    """

    def __init__(self, name: str, size: int | Callable[[], int], most: int = 0) -> None:
        self.name = name
        self._size = size
        self._most = most
        self._taken = 0
        self._relieving = False
        self._tasks: queue.SimpleQueue[Task] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._threads = 0
        self._unfinished = 0

    @property
    def size(self) -> int:
        """The number of tasks that may run at a time now."""
        return self._size if isinstance(self._size, int) else self._size()

    def submit(self, task: Task) -> None:
        with self._lock:
            self._tasks.put(task)
            self._unfinished += 1
        self._grow()

    def _grow(self) -> None:
        with self._lock:
            if self._unfinished <= self._threads:
                return
            if self._threads < self.size:
                self._threads += 1
                target = self._work
            elif self._threads < self._most and not self._relieving:
                self._relieving = True
                target = self._relieve
            else:
                return
        self._start(target)

    def _start(self, target: Callable[[], None]) -> None:
        threading.Thread(target=target, name=f"osfutures-{self.name}", daemon=True).start()

    def _relieve(self) -> None:
        """Start more threads, twice as many each time, while all threads are blocked."""
        pause = threading.Event()
        while True:
            taken = self._taken
            pause.wait(BLOCKED)
            with self._lock:
                waiting = self._tasks.qsize()
                if not waiting:
                    self._relieving = False
                    return
                blocked = taken == self._taken
                more = min(waiting, self._threads, self._most - self._threads) if blocked else 0
                self._threads += more
            for _ in range(more):
                self._start(self._work)

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
            self._taken += 1
            try:
                task()
            except BaseException:  # also SystemExit, which would end the thread
                _log.exception("a callback raised")
            del task
            with self._lock:
                self._unfinished -= 1
                idle = self._tasks.empty() or not self._most
                if self._threads > self.size and idle:
                    self._threads -= 1
                    return
            self._grow()


class Inline(threading.local):
    """An executor that calls tasks at once in the caller's thread.

    A task that submits another one returns first, so that a long chain needs no deep stack.
    """

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
