"""The deadline of a teardown."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from concurrent.futures import CancelledError, Future
from contextlib import suppress
from typing import Any

from pytest_osfutures.futures import waiting_for

#: Steps after the deadline still get this part of the whole time.
GRACE = 0.1


class Deadline:
    """The time by which a teardown ends.

    Args:
        seconds: the time from now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.end = time.monotonic() + seconds
        #: Names of what the teardown waits for, also between two waits.
        self.waiting: list[str] = []

    def remaining(self) -> float:
        """Return the seconds until the deadline, 0 after it."""
        return max(0.0, self.end - time.monotonic())

    def wait(self, futures: Mapping[str, Future[Any]], most: float = math.inf) -> None:
        """Wait until all futures are done, until the deadline, or for `most` seconds.

        Args:
            futures: the futures by the names for messages.
            most: longest wait in seconds.
        """
        end = time.monotonic() + min(most, max(self.remaining(), self.seconds * GRACE))
        self.waiting = list(futures)
        with waiting_for(list(futures.values())):
            for future in futures.values():
                with suppress(TimeoutError, CancelledError):
                    Future.exception(future, max(0.0, end - time.monotonic()))
                self.waiting = [name for name, each in futures.items() if not each.done()]
