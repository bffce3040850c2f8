"""The cloud's own time, as its answers tell it: the clock of this computer may be wrong.

Between two answers the time is counted by the kernel, which nobody sets and which goes on while a
laptop sleeps.
"""

from __future__ import annotations

import time
from datetime import datetime
from email.utils import parsedate_to_datetime

from pytest_osfutures.clock import Clock

#: What is no date of an answer: before 2000, or after 9999.
_EARLIEST, _LATEST = 946_684_800.0, 253_402_300_799.0


def _uptime() -> float:
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class CloudTime:
    """What one session has learned about the cloud's time. Safe to use from any thread."""

    def __init__(self) -> None:
        self._told: tuple[float, float] | None = None

    def learn_date(self, header: str | None) -> None:
        """Take in the Date header of an answer; anything else is no news."""
        if header:
            try:
                self.learn(parsedate_to_datetime(header))
            except (ValueError, TypeError, OverflowError):
                return

    def learn(self, moment: datetime) -> None:
        """Take in that it is this `moment` now."""
        seconds = moment.timestamp()
        if _EARLIEST < seconds < _LATEST:
            self._told = seconds, _uptime()

    def time(self, clock: Clock) -> float:
        """Seconds since 1970 by the cloud's clock; by `clock` as long as the cloud said nothing."""
        if self._told is None:
            return clock.time()
        seconds, then = self._told
        return seconds + _uptime() - then
