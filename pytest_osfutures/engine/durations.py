"""Durations of recent operations, from which the engine tells when a read is worth sending."""

from __future__ import annotations

import statistics
from collections import deque

from pytest_osfutures.operations import Operation

#: The number of durations remembered for each operation.
REMEMBERED = 50
#: The number of durations needed before they count.
ENOUGH = 3
#: The first read comes this many times `Poll.fastest` after the accept, if nothing is known yet.
FIRST_READ = 1.2


class Durations:
    """How long operations of each name took, in seconds."""

    def __init__(self) -> None:
        self._recent: dict[str, deque[float]] = {}
        self._range: dict[str, tuple[float, float]] = {}

    def record(self, operation: Operation, seconds: float) -> None:
        """Remember the duration of an operation that has succeeded."""
        recent = self._recent.setdefault(operation.name, deque(maxlen=REMEMBERED))
        recent.append(seconds)
        if len(recent) >= ENOUGH:
            ordered = sorted(recent)
            # 0.8: a first read that always comes late would never learn of a quicker operation.
            self._range[operation.name] = 0.8 * ordered[0], ordered[-1]

    def usual(self, name: str) -> float | None:
        """Return the median duration of the operations of a name; None if none has ended."""
        recent = self._recent.get(name)
        return statistics.median(list(recent)) if recent else None

    def expected(self, operation: Operation, fastest: float) -> tuple[float, float]:
        """Return the shortest and the longest duration to expect, in seconds.

        Args:
            operation: The operation, whose `usual` duration stands in for unknown ones.
            fastest: The shortest pause between two reads (`Poll.fastest`).
        """
        prior = min(0.2 * operation.usual_duration, FIRST_READ * fastest), operation.usual_duration
        return self._range.get(operation.name, prior)
