"""Messages about waits that take long."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

#: Seconds until the first message about a wait; each pause is twice the one before.
FIRST_PAUSE = 10.0
#: Longest pause between two messages, in seconds.
LONGEST_PAUSE = 120.0
#: Largest number of resources that a message names.
NAMED = 5


@contextmanager
def progress_messages(
    tell: Callable[[str], object], text: str, names: Callable[[], list[str]] = list
) -> Iterator[None]:
    """Tell the user about a wait while a block of code runs, for the first time after ten seconds.

    Args:
        tell: prints or logs a message.
        text: the reason for the wait.
        names: returns the names of the resources that are waited for.
    """
    over = threading.Event()

    def tell_all() -> None:
        began_at, pause = time.monotonic(), FIRST_PAUSE
        while not over.wait(pause):
            pause = min(LONGEST_PAUSE, 2 * pause)
            seconds = time.monotonic() - began_at
            tell(f"{text} ({seconds:.0f} s so far){_list(names())}")

    thread = threading.Thread(target=tell_all, name="osfutures-messages", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _list(names: list[str]) -> str:
    more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
    return f": {', '.join(names[:NAMED])}{more}" if names else ""
