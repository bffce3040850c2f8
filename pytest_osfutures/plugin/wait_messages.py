"""The deadline of a teardown, and messages about waits that take long."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from pytest_osfutures.plugin.run_id import say, worker_id
from pytest_osfutures.plugin.xdist import send_message

#: Seconds until the first message about a wait; each pause is twice the one before.
FIRST_PAUSE = 10.0
#: Longest pause between two messages, in seconds.
LONGEST_PAUSE = 120.0
#: Steps after the deadline still get this part of the whole time.
GRACE = 0.1
#: Largest number of resources that a message names.
NAMED = 5


class Deadline:
    """The time by which a teardown ends.

    Args:
        seconds: the time from now.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.end = time.monotonic() + seconds
        #: Names of the futures that `wait` waits for at the moment.
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
        for future in futures.values():
            self.waiting = [name for name, each in futures.items() if not each.done()]
            with suppress(TimeoutError, CancelledError):
                future.exception(max(0.0, end - time.monotonic()))
        self.waiting = []


@contextmanager
def progress_messages(
    config: pytest.Config, text: str, names: Callable[[], list[str]] = list
) -> Iterator[None]:
    """Print messages while a block of code runs, the first after ten seconds.

    Args:
        config: pytest's configuration; the controller of pytest-xdist prints for its workers.
        text: the reason for the wait.
        names: returns the names of the resources that are waited for.
    """
    over = threading.Event()
    tell = send_message if worker_id(config) else say

    def print_messages() -> None:
        began_at, pause = time.monotonic(), FIRST_PAUSE
        while not over.wait(pause):
            pause = min(LONGEST_PAUSE, 2 * pause)
            seconds = time.monotonic() - began_at
            tell(config, f"{text} ({seconds:.0f} s so far){_list(names())}")

    thread = threading.Thread(target=print_messages, name="osfutures-messages", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _list(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f": {', '.join(names[:NAMED])}{more}" if names else ""
