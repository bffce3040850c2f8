"""The cloud's clock, as the Date headers of responses tell it: this computer's clock may be wrong.

Between two responses the kernel's boot-time clock counts on, which nobody sets and which runs on
while a laptop sleeps (CLOCK_BOOTTIME, https://man7.org/linux/man-pages/man2/clock_getres.2.html).
"""

from __future__ import annotations

import time
from datetime import datetime
from email.utils import parsedate_to_datetime

from pytest_osfutures.clock import Clock

#: Earliest and latest plausible date of a response in seconds since 1970: the years 2000 and 9999.
_EARLIEST, _LATEST = 946_684_800.0, 253_402_300_799.0


def _uptime() -> float:
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


class CloudTime:
    """The cloud's time as one session has learned it. Safe to use from any thread."""

    def __init__(self) -> None:
        #: Cloud's time in seconds since 1970, and uptime of this computer at the same moment.
        self._learned: tuple[float, float] | None = None

    def learn_date(self, header: str | None) -> None:
        """Set the clock by the Date header of a response; ignore a header that is no date."""
        if header:
            try:
                self.learn(parsedate_to_datetime(header))
            except (ValueError, TypeError, OverflowError):
                return

    def learn(self, moment: datetime) -> None:
        """Set the clock to `moment`; ignore an implausible one."""
        seconds = moment.timestamp()
        if _EARLIEST < seconds < _LATEST:
            self._learned = seconds, _uptime()

    def time(self, clock: Clock) -> float:
        """Return the cloud's time in seconds since 1970, or that of `clock` before any response."""
        if self._learned is None:
            return clock.time()
        seconds, uptime = self._learned
        return seconds + _uptime() - uptime
