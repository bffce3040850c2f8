"""What will happen in the cloud, and when: the only thing that moves state besides requests."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable

from pytest_osfutures.clock import Clock


class Schedule:
    """Future events in order of time. Reads never advance anything: only the clock does.

    Every event runs at its own moment (`now()` says that moment while it runs), so two observers
    who look at different times see one and the same history.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._moment: float | None = None

    def now(self) -> float:
        """Seconds on the cloud's clock; within an event, the moment for which it was planned."""
        return self.clock.now() if self._moment is None else self._moment

    def time(self) -> float:
        """Seconds since 1970 of `now()`."""
        return self.clock.time() - (self.clock.now() - self.now())

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        """Run `event` when `seconds` have passed."""
        heapq.heappush(self._events, (self.now() + seconds, next(self._order), event))

    def next_due(self) -> float | None:
        """When the next event is due, on the scale of `now()`; None if nothing is planned."""
        return self._events[0][0] if self._events else None

    def catch_up(self) -> None:
        """Run everything that is due by now, each at its own moment."""
        until = self.clock.now()
        while self._events and self._events[0][0] <= until:
            self._moment, _, event = heapq.heappop(self._events)
            try:
                event()
            finally:
                self._moment = None
