"""Concurrency without threads: cooperative tasks on one clock that jumps.

A task is a coroutine (a greenlet) that runs the very code which elsewhere runs in a thread. Where
that code waits for the network it sleeps on the clock, and another task or the monitor gets its
turn: so a request leaves at one moment, changes the cloud at a second one, and is answered at a
third, while a hundred others are under way. All chance comes from one seed.
"""

from __future__ import annotations

import heapq
import itertools
import logging
import math
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial
from typing import Any

import greenlet

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.engine.executors import Task

_log = logging.getLogger("osfutures")


class Timeline(ManualClock):
    """A clock that stands still while anything runs, and then jumps to the next due call."""

    def __init__(self) -> None:
        super().__init__()
        self._hub = greenlet.getcurrent()
        self._due: list[tuple[float, int, Callable[[], Any]]] = []
        self._order = itertools.count()

    def at(self, when: float, what: Callable[[], Any]) -> None:
        """Call a function at a time on the scale of `now()`."""
        heapq.heappush(self._due, (when, next(self._order), what))

    def spawn(self, task: Task, after: float = 0.0) -> None:
        """Run `task` beside the others, `after` seconds from now."""
        self.at(self.now() + after, greenlet.greenlet(task, parent=self._hub).switch)

    def sleep(self, seconds: float) -> None:
        """Let the present task wait; the others go on."""
        task = greenlet.getcurrent()
        assert task is not self._hub, "only a task can sleep: nobody else would move the clock"
        self.at(self.now() + max(0.0, seconds), task.switch)
        self._hub.switch()

    def wait(self, future: Future[Any]) -> Any:
        """Let the present task wait until `future` is done; its result, or its error raised."""
        task = greenlet.getcurrent()
        if not future.done():
            Future.add_done_callback(future, lambda _: self.at(self.now(), task.switch))
            self._hub.switch()
        return future.result(timeout=0)

    def next_due(self) -> float:
        """When the next task has its turn; `math.inf` if none ever has."""
        return self._due[0][0] if self._due else math.inf

    def run_next(self) -> None:
        """Give the task that is due first its turn, at its moment."""
        when, _, what = heapq.heappop(self._due)
        self.advance_to(when)
        what()


class SimulatedPool:
    """An `Executor` on a timeline: up to `size()` tasks at a time, the others wait in order."""

    def __init__(self, timeline: Timeline, size: Callable[[], int]) -> None:
        self.timeline = timeline
        self.size = size
        self._waiting: deque[Task] = deque()
        self._running = 0

    def submit(self, task: Task) -> None:
        self._waiting.append(task)
        self._start()

    def _start(self) -> None:
        while self._waiting and self._running < self.size():
            self._running += 1
            task = self._waiting.popleft()
            self.timeline.spawn(partial(self._run, task))

    def _run(self, task: Task) -> None:
        try:
            task()
        except Exception:
            _log.exception("a callback raised")
        finally:
            self._running -= 1
            self._start()
