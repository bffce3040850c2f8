"""The scheduled events of a cloud: besides requests, the only changes of its state."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from pytest_osfutures.clock import Clock


class Schedule:
    """Future events in order of time. Only the clock triggers them; reads never do.

    Each event runs at its own time (`now()` returns that time while the event runs). So two clients
    that poll at different times see the same history.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._date_rate: float = getattr(clock, "date_rate", 1.0)
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._moment: float | None = None

    def now(self) -> float:
        """Return the seconds on the cloud's clock; within an event, the event's own time."""
        return self.clock.now() if self._moment is None else self._moment

    def time(self) -> float:
        """Return the date of `now()`, in seconds since 1970."""
        return self.clock.time() - self.in_dates(self.clock.now() - self.now())

    def in_dates(self, seconds: float) -> float:
        """Return by how much dates grow in `seconds` of the cloud's clock.

        This is the same number, except with a clock that is faster than its dates.
        """
        return seconds * self._date_rate

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        """Run `event` after `seconds`."""
        heapq.heappush(self._events, (self.now() + seconds, next(self._order), event))

    def next_due(self) -> float | None:
        """Return the time of the next event, comparable with `now()`; None without events."""
        return self._events[0][0] if self._events else None

    def catch_up(self) -> None:
        """Run all events that are due, each at its own time."""
        until = self.clock.now()
        while self._events and self._events[0][0] <= until:
            self._moment, _, event = heapq.heappop(self._events)
            try:
                event()
            finally:
                self._moment = None
