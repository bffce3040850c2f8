"""Sources of time, injected wherever the package needs the time.

With a `ManualClock`, tests step the engine without waiting. With a `ScaledClock`, the servers of
the fake cloud build faster than in real time.
"""

from __future__ import annotations

import threading
import time
from typing import Protocol


class Clock(Protocol):
    """A source of time."""

    def now(self) -> float:
        """Return the seconds of a monotonic clock; only differences are meaningful."""

    def time(self) -> float:
        """Return the seconds since 1970-01-01 UTC."""

    def sleep(self, seconds: float) -> None:
        """Block until `seconds` have passed on this clock."""


class SystemClock:
    """The computer's time; code that has to wait takes a clock, and tests give it another one."""

    def now(self) -> float:
        return time.monotonic()

    def time(self) -> float:
        return time.time()

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)


class ScaledClock:
    """The computer's time, `speed` times as fast; the fake's waits take real time divided by it.

    Args:
        speed: seconds of this clock in a second of the computer.
        real_dates: let `time()` be the computer's, so that dates of the fake agree with the dates
            of clients in other processes; only durations are shorter.
    """

    def __init__(self, speed: float, real_dates: bool = False) -> None:
        if not speed > 0:
            raise ValueError(f"speed must be greater than 0, not {speed!r}")
        self.speed = speed
        self.date_rate = 1.0 / speed if real_dates else 1.0  #: of `time()`, compared with `now()`
        self._monotonic = time.monotonic()
        self._time = time.time()

    def now(self) -> float:
        return (time.monotonic() - self._monotonic) * self.speed

    def time(self) -> float:
        return self._time + self.now() * self.date_rate

    def sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds / self.speed)


class ManualClock:
    """A clock that moves only by `advance`, `advance_to` and `sleep`, which returns at once.

    Args:
        epoch: The date at which `now()` is 0, in seconds since 1970.
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
        """Move the clock forward by `seconds`."""
        if seconds < 0:
            raise ValueError(f"time does not go back: advance({seconds!r})")
        with self._lock:
            self._now += seconds

    def advance_to(self, when: float) -> None:
        """Move the clock forward to `when`, a value of `now()`; no-op for a moment in the past."""
        with self._lock:
            self._now = max(self._now, when)
