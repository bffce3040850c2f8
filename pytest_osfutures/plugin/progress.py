"""The waits of a process: a line on the terminal, or records of the log without a terminal."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from pytest_osfutures.plugin.live_line import LiveLine
from pytest_osfutures.reports import Waiting, merged, waiting_text

_log = logging.getLogger("osfutures")
#: Seconds of waiting after which the line appears.
PATIENCE = 2.0
#: Seconds between two looks at the waits.
PAUSE = 0.5
#: Seconds between two records of the log about a wait.
LOG_PAUSE = 30.0
#: Seconds after which the state of a worker that tells nothing more is forgotten.
FORGOTTEN = 5.0
#: Sends the state of a worker to its controller.
Send = Callable[[list[Any]], None]


@dataclass(frozen=True, eq=False)
class Activity:
    """A wait for something else than futures."""

    text: str
    names: Callable[[], list[str]]
    #: Seconds of `time.monotonic`.
    began: float

    def line(self) -> str:
        """Return the line about the wait."""
        names = self.names()
        listed = f": {', '.join(names[:3])}{' ...' if len(names) > 3 else ''}" if names else ""
        return f"{self.text}{listed}, {time.monotonic() - self.began:.0f} s"


class Progress:
    """The thread that tells the waits of this process.

    Args:
        waits: returns the present waits of the tests' threads.
        line: the line of the terminal; None in workers and without a terminal.
        send: sends the state to the controller that has a line; None in other processes.
    """

    def __init__(
        self,
        waits: Callable[[], Sequence[Waiting]],
        line: LiveLine | None,
        send: Send | None = None,
    ) -> None:
        self._waits = waits
        self._line = line
        self._send = send
        self._activities: dict[Activity, None] = {}
        self._sent_at = self._logged_at = 0.0
        self._is_told = False
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="osfutures-progress", daemon=True)
        self._thread.start()

    @property
    def is_live(self) -> bool:
        """True if a terminal shows the waits of this process."""
        return self._line is not None or self._send is not None

    @contextmanager
    def during(self, text: str, names: Callable[[], list[str]] = list) -> Iterator[None]:
        """Tell of a wait while a block of code runs.

        Args:
            text: the reason for the wait.
            names: returns the names of the resources that are waited for.
        """
        activity = Activity(text, names, time.monotonic())
        with self._lock:
            self._activities[activity] = None
        try:
            yield
        finally:
            with self._lock:
                del self._activities[activity]
            self.wait_ended()

    def wait_ended(self) -> None:
        """Remove the line at once: pytest is about to print."""
        if self._line is not None:
            self._line.hide()

    def stop(self) -> None:
        """End the thread, and remove the line."""
        self._over.set()
        self.wait_ended()

    def _run(self) -> None:
        while not self._over.wait(PAUSE):
            try:
                self._look()
            except Exception:  # of a future that changes meanwhile
                _log.debug("the waits cannot be told", exc_info=True)

    def _look(self) -> None:
        if self._line is None:
            self._tell(*self._state())
            return
        with self._line.lock:  # a wait that ends meanwhile removes the line after this
            waits, activities = self._state()
            if (text := _text(waits, activities)) and not self._over.is_set():
                self._line.show(text)
            else:
                self._line.hide()

    def _state(self) -> tuple[list[Waiting], list[str]]:
        waits = [each for each in self._waits() if each.seconds >= PATIENCE]
        with self._lock:
            activities = list(self._activities)
        end = time.monotonic() - PATIENCE
        return waits, [each.line() for each in activities if each.began <= end]

    def _tell(self, waits: list[Waiting], activities: list[str]) -> None:
        """Send the state to the controller, or write it into the log."""
        now = time.monotonic()
        if self._send is None:
            seconds = [each.seconds for each in waits]
            if waits and max(seconds) >= LOG_PAUSE and now - self._logged_at >= LOG_PAUSE:
                self._logged_at = now
                _log.info("%s", waiting_text(waits))
            elif activities and now - self._logged_at >= LOG_PAUSE:
                self._logged_at = now
                _log.info("%s", activities[0])
        elif (waits or activities or self._is_told) and now - self._sent_at >= 1.0:
            self._sent_at, self._is_told = now, bool(waits or activities)
            self._send([[tuple(each) for each in waits], activities])


class WorkersProgress:
    """The line of a controller of pytest-xdist about the waits of all workers.

    Args:
        line: the line of the terminal.
    """

    def __init__(self, line: LiveLine) -> None:
        self._line = line
        self._states: dict[str, tuple[float, list[Waiting], list[str]]] = {}

    def receive(self, worker: str, state: Sequence[Any]) -> None:
        """Show the waits of all workers after one has sent its own."""
        waits = [Waiting(op, tuple(map(tuple, states)), *rest) for op, states, *rest in state[0]]
        now = time.monotonic()
        self._states[worker] = now, waits, [f"{worker}: {each}" for each in state[1]]
        known = [each for each in self._states.values() if now - each[0] < FORGOTTEN]
        text = _text(
            merged(wait for _, waits, _ in known for wait in waits),
            [line for _, _, lines in known for line in lines],
        )
        busy = sum(bool(waits or lines) for _, waits, lines in known)
        if text:
            self._line.show(f"{text} ({busy} workers)" if busy > 1 else text)
        else:
            self._line.hide()


def _text(waits: Sequence[Waiting], activities: Sequence[str]) -> str:
    return waiting_text(waits) if waits else "; ".join(activities[:1])
