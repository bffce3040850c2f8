"""How many requests may be under way at a time: more while the API stays quick, fewer when not."""

from __future__ import annotations

import threading

#: So many requests may wait inside the API: with fewer the width grows, with more it shrinks.
ALPHA, BETA = 3.0, 6.0
#: How much a new answer counts against those before it.
SMOOTHING = 0.3


class ConcurrencyLimit:
    """A number between `least` and `most` that follows how long answers take.

    With nothing in its way a request takes as long as the quickest of its kind; what it takes
    longer it has waited. So `now * (1 - quickest / present)` requests wait in the API at a time: an
    estimate that needs to know nothing of it. Can be used from any thread.
    """

    def __init__(self, least: int = 2, most: int = 28, start: int = 8) -> None:
        self.least = least
        self.most = most
        self._limit = float(start)
        self._quickest: dict[str, float] = {}
        self._stretch = 1.0
        self._calm = 0
        self._lock = threading.Lock()

    @property
    def now(self) -> int:
        """How many may be under way now."""
        return int(self._limit)

    def observe(self, kind: str, seconds: float, overloaded: bool) -> None:
        """Learn from one answer; `kind` says which ones it can be compared with."""
        with self._lock:
            self._calm = max(0, self._calm - 1)
            if overloaded:
                self._shrink(self._limit / 2)
                return
            quickest = min(seconds, self._quickest.get(kind, seconds))
            self._quickest[kind] = quickest
            self._stretch += SMOOTHING * (quickest / seconds - self._stretch) if seconds else 0.0
            waiting = self._limit * (1.0 - self._stretch)
            if waiting < ALPHA:
                self._limit = min(float(self.most), self._limit + 1.0)
            elif waiting > BETA:
                self._shrink(self._limit - (waiting - ALPHA) / 2)

    def _shrink(self, limit: float) -> None:
        """Not twice for one cause: all that is under way now has met it."""
        if not self._calm:
            self._calm = self.now
            self._limit = max(float(self.least), limit)
