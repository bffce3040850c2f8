"""Time as a value that comes in from outside.

Everything in this package that needs the time takes a `Clock`: the engine, so that it can be
stepped without waiting, and the fake cloud, so that its servers build in virtual time.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """Where the time comes from."""

    def now(self) -> float:
        """Seconds on a clock that never goes back; only differences mean something."""

    def time(self) -> float:
        """Seconds since 1970-01-01 UTC."""

    def sleep(self, seconds: float) -> None:
        """Return when `seconds` have passed on this clock."""


class SystemClock:
    """The computer's own time."""

    def now(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)


class ScaledClock:
    """The computer's time, `speed` times as fast; it starts at the real date."""

    def __init__(self, speed: float) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be greater than 0, not {speed!r}")
        self.speed = speed
        self._monotonic = time.monotonic()
        self._time = time.time()

    def now(self) -> float:
        return (time.monotonic() - self._monotonic) * self.speed

    def time(self) -> float:
        return self._time + self.now()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds / self.speed)


class ManualClock:
    """A clock that stands still until it is told to move; a sleep moves it by itself.

    `epoch` is the date (seconds since 1970) at which `now()` is 0.
    """

    def __init__(self, epoch: float = 1_800_000_000.0) -> None:
        self._epoch = epoch
        self._now = 0.0
        self._lock = threading.Lock()

    def now(self) -> float:
        return self._now

    def time(self) -> float:
        return self._epoch + self._now

    def sleep(self, seconds: float) -> None:
        self.advance(max(0.0, seconds))

    def advance(self, seconds: float) -> None:
        """Move forward by `seconds`."""
        if seconds < 0:
            raise ValueError(f"time does not go back: advance({seconds!r})")
        with self._lock:
            self._now += seconds

    def advance_to(self, when: float) -> None:
        """Move forward to `when` on the scale of `now()`; a moment that has passed is no move."""
        with self._lock:
            self._now = max(self._now, when)
