"""What is to happen later, and may be called off: on a clock that comes from outside."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable


class Timer:
    """One thing that will happen unless it is cancelled, from whatever thread."""

    def __init__(self, when: float, what: Callable[[], None]) -> None:
        self.when = when
        self.what: Callable[[], None] | None = what

    def cancel(self) -> None:
        """It will not happen, and what it would have needed may go."""
        self.what = None


class Timers:
    """Timers in order of time. Those that were cancelled take no room in the long run."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._purge_at = 64

    def add(self, timer: Timer) -> None:
        """Let `timer` run when its time has come."""
        if len(self._heap) >= self._purge_at:
            self._heap = [entry for entry in self._heap if entry[2].what is not None]
            heapq.heapify(self._heap)
            self._purge_at = max(64, 2 * len(self._heap))
        heapq.heappush(self._heap, (timer.when, next(self._order), timer))

    def run_due(self, now: float) -> None:
        """Run all whose time has come, the earliest first."""
        while self._heap and self._heap[0][0] <= now:
            timer = heapq.heappop(self._heap)[2]
            what, timer.what = timer.what, None
            if what is not None:
                what()

    def next_due(self) -> float:
        """When the next one is due; `math.inf` if none is."""
        while self._heap and self._heap[0][2].what is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else math.inf
