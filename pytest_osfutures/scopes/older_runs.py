"""The clean-up of older runs, which runs in a thread while the tests of this run do."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from pytest_osfutures.cleanup import (
    Ledger,
    LedgerError,
    SweepContext,
    clean_up_dead,
    dead_runs,
    ledgers,
    living_runs,
    reaper_log,
    remove_ledger,
    sweep_expired,
)
from pytest_osfutures.clock import SystemClock
from pytest_osfutures.ownership import UnreadableError
from pytest_osfutures.scopes.run import Run

#: Seconds for which the end of a run waits for the clean-up of older runs.
SWEEP_TIMEOUT = 60.0
#: Seconds without progress after which the wait ends.
SILENCE_TIMEOUT = 10.0
#: The same, while the clean-up retries resources that an earlier clean-up could not delete.
STUBBORN_TIMEOUT = 2.0


class OlderRuns:
    """The clean-up of dead runs and of resources whose stamps have expired.

    Args:
        run: this run.
        place: returns the directory of the ledgers.
    """

    def __init__(self, run: Run, place: Callable[[], Path]) -> None:
        self.run = run
        self.cloud = run.cloud
        self._place = place
        #: Lines for the summary.
        self.summary: list[str] = []
        self._thread: threading.Thread | None = None
        self._progress_at = time.monotonic()
        self._last_step = ""
        self._stubborn = False

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._clean_up, name="osfutures-sweep", daemon=True)
        self._thread.start()

    def wait(self) -> None:
        """Wait for the thread while it makes progress; the next run continues after that."""
        if self._thread is None:
            return
        end = time.monotonic() + SWEEP_TIMEOUT
        text = "waiting for the clean-up of older runs"
        with self.run.progress_messages(text):
            while self._thread.is_alive() and time.monotonic() < end:
                self._thread.join(0.1)
                silence = STUBBORN_TIMEOUT if self._stubborn else SILENCE_TIMEOUT
                if time.monotonic() > self._progress_at + silence:
                    break
        if self._thread.is_alive():
            self.summary.append(
                "left by an older run, and not waited for any longer (the next run goes on): "
                + (self._last_step or "the cloud does not answer")
            )
        self._thread = None

    def _clean_up(self) -> None:
        place, clock, api_client = self._place(), SystemClock(), self.cloud.api_client
        project = self.cloud.session.get_project_id() or ""
        steps: list[str] = []

        def note(text: str) -> None:
            steps.append(text)
            self._note(text)

        try:
            for ledger in dead_runs(place, self.cloud.auth_url, project, self.summary.append):
                with self._summarised():
                    self._stubborn = any(row.note for row in ledger.rows("intent", "bound"))
                    note_in = partial(self._note_in, ledger)
                    clean_up_dead(SweepContext(api_client, clock, note_in), ledger)
                ledger.close()
            self._remove_ledgers(place)
            alive = living_runs(place) | {self.run.ledger.run}
            left = sweep_expired(SweepContext(api_client, clock, note), alive)
        except UnreadableError as error:
            self.summary.append(f"older runs' resources could not be listed: {error}")
            return
        self.summary += [f"left by an older run: {each}: {why}" for each, why in left.items()]
        gone = [text for text in steps if text.endswith("is gone")]
        self.summary += [f"left by an older run: {text}" for text in gone]

    def _note_in(self, ledger: Ledger, text: str) -> None:
        ledger.note(text)
        self._note(text)

    def _note(self, text: str) -> None:
        self._progress_at, self._last_step = time.monotonic(), text

    @contextmanager
    def _summarised(self) -> Iterator[None]:
        """Add the error of an unusable ledger to the summary, and go on with the others."""
        try:
            yield
        except LedgerError as error:
            self.summary.append(str(error))

    def _remove_ledgers(self, place: Path) -> None:
        """Report runs that a reaper has cleaned up, and remove ledgers that are not needed."""
        for ledger in ledgers(place):
            with self._summarised():
                self._remove_ledger(ledger)
            ledger.close()

    def _remove_ledger(self, ledger: Ledger) -> None:
        run = ledger.info()
        assert ledger.path is not None
        if run is not None and run.state == "reaped" and run.cloud == self.cloud.name:
            gone = len(ledger.rows("gone"))
            log = reaper_log(ledger.path)
            where = f", as {log} tells" if log.exists() else ""
            self.summary.append(f"run {run.run} was killed; deleted {counted(gone)} of it{where}")
            ledger.change_run_state(["reaped"], "ended")
        if ledger.is_obsolete(self.cloud.api_client.cloud_time.time(SystemClock())):
            remove_ledger(ledger.path)


def counted(number: int) -> str:
    """Return a number of resources in words.

    Example:
        >>> counted(1), counted(2)
        ('1 resource', '2 resources')
    """
    return "1 resource" if number == 1 else f"{number} resources"
