"""Functions that the engine's loop calls at a later moment, unless they are cancelled."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable


class Timer:
    """One call in the future. Any thread may cancel it."""

    def __init__(self, when: float, fn: Callable[[], None]) -> None:
        self.when = when
        self.fn: Callable[[], None] | None = fn

    def cancel(self) -> None:
        """Call nothing, and let go of the function and of everything that it refers to."""
        self.fn = None


class Timers:
    """Timers in order of time, as a heap; cancelled timers are purged now and then."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Timer]] = []
        self._order = itertools.count()
        self._purge_at = 64

    def add(self, timer: Timer) -> None:
        """Let `run_due` call the timer's function from `timer.when` on."""
        if len(self._heap) >= self._purge_at:
            self._heap = [entry for entry in self._heap if entry[2].fn is not None]
            heapq.heapify(self._heap)
            self._purge_at = max(64, 2 * len(self._heap))
        heapq.heappush(self._heap, (timer.when, next(self._order), timer))

    def run_due(self, now: float) -> None:
        """Call the functions of all timers that are due at `now`, the earliest first."""
        while self._heap and self._heap[0][0] <= now:
            timer = heapq.heappop(self._heap)[2]
            fn, timer.fn = timer.fn, None
            if fn is not None:
                fn()

    def next_due(self) -> float:
        """Return the moment at which the next timer is due; `math.inf` if there is none."""
        while self._heap and self._heap[0][2].fn is None:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else math.inf
