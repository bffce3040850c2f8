"""The time that a teardown has, and what is said while it takes long."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from typing import Any

#: Seconds until the first word about what is waited for; the next ones come later and later.
FIRST, LONGEST = 10.0, 120.0
#: What comes after that which took too long has this part of the time.
GRACE = 0.1
#: So many resources are named, at most.
NAMED = 5


class Deadline:
    """Waits for futures until the time is up; `waiting` are the names of what it waits for."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.end = time.monotonic() + seconds
        self.waiting: list[str] = []

    def left(self) -> float:
        """Seconds that are left."""
        return max(0.0, self.end - time.monotonic())

    def wait(self, futures: Mapping[str, Future[Any]], most: float = math.inf) -> None:
        """Return when all of these are done, when the time is up, or after `most` seconds."""
        end = time.monotonic() + min(most, max(self.left(), self.seconds * GRACE))
        for future in futures.values():
            self.waiting = [name for name, each in futures.items() if not each.done()]
            with suppress(TimeoutError, CancelledError):
                future.exception(max(0.0, end - time.monotonic()))
        self.waiting = []


@contextmanager
def progress_messages(
    say: Callable[[str], None], text: str, names: Callable[[], list[str]] = list
) -> Iterator[None]:
    """Say what is waited for, with `names`, if it takes longer than some seconds."""
    over = threading.Event()

    def tell() -> None:
        began, pause = time.monotonic(), FIRST
        while not over.wait(pause):
            pause = min(LONGEST, 2 * pause)
            say(f"{text} ({time.monotonic() - began:.0f} s so far){_named(names())}")

    thread = threading.Thread(target=tell, name="osfutures-telling", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _named(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f": {', '.join(names[:NAMED])}{more}" if names else ""
