"""The number of requests that may be under way at a time: TCP Vegas, with requests for packets.

TCP Vegas compares the present latency with the lowest one and estimates how many packets wait in
queues: `queued = limit * (1 - min_latency / latency)`. Fewer than alpha: the limit grows; more than
beta: it shrinks. Brakmo and Peterson, 1995: https://doi.org/10.1109/49.464716. For requests:
https://github.com/Netflix/concurrency-limits
"""

from __future__ import annotations

import threading

#: The bounds of the number of requests that wait inside the API.
ALPHA, BETA = 3.0, 6.0
#: The weight of a new latency in the exponential moving average.
SMOOTHING = 0.3


class ConcurrencyLimit:
    """A number between `least` and `most` that follows the API's latencies. Thread-safe."""

    def __init__(self, least: int = 2, most: int = 28, start: int = 8) -> None:
        self.least = least
        self.most = most
        self._limit = float(start)
        self._min_latency: dict[str, float] = {}
        #: The moving average of `min_latency / latency`, over requests of all kinds.
        self._latency_ratio = 1.0
        #: The number of answers to wait for before the limit may shrink again.
        self._until_next_cut = 0
        self._lock = threading.Lock()

    @property
    def now(self) -> int:
        """The number of requests that may be under way now."""
        return int(self._limit)

    def observe(self, kind: str, seconds: float, overloaded: bool) -> None:
        """Adapt the limit to one answer.

        Args:
            kind: The kind of request (`POST servers`), whose latencies can be compared.
            seconds: The latency.
            overloaded: True if the API refused the request because it has too many.
        """
        with self._lock:
            self._until_next_cut = max(0, self._until_next_cut - 1)
            if overloaded:
                self._shrink(self._limit / 2)
                return
            lowest = min(seconds, self._min_latency.get(kind, seconds))
            self._min_latency[kind] = lowest
            if seconds:
                self._latency_ratio += SMOOTHING * (lowest / seconds - self._latency_ratio)
            queued = self._limit * (1.0 - self._latency_ratio)
            if queued < ALPHA:
                self._limit = min(float(self.most), self._limit + 1.0)
            elif queued > BETA:
                self._shrink(self._limit - (queued - ALPHA) / 2)

    def _shrink(self, limit: float) -> None:
        """Lower the limit, once per cause: the requests under way met the same congestion."""
        if not self._until_next_cut:
            self._until_next_cut = self.now
            self._limit = max(float(self.least), limit)
