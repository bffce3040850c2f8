"""The run of a script: its cloud, its ledger, and the clean-up at its end, without pytest."""

from __future__ import annotations

import logging
import os
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pytest_osfutures.cleanup import (
    Heartbeat,
    Ledger,
    LedgerError,
    SweepContext,
    clean_up,
    clean_up_by_stamp,
    leave_ledger,
    ledger_path,
    stamps_of_run,
    start_reaper,
)
from pytest_osfutures.clock import SystemClock
from pytest_osfutures.cloud import Cloud, connect
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.scopes.arguments import ScopeSettings
from pytest_osfutures.scopes.defaults import Defaults
from pytest_osfutures.scopes.older_runs import OlderRuns
from pytest_osfutures.scopes.progress import progress_messages
from pytest_osfutures.scopes.run import Run
from pytest_osfutures.stamp import new_id

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

_log = logging.getLogger("osfutures")
#: Longest time in seconds to delete resources that no factory has created.
CLEANUP_TIMEOUT = 60.0
#: The clouds (directory of the ledgers, URL, project) whose older runs this process cleans up.
_swept: set[tuple[Path, str, str]] = set()
_swept_lock = threading.Lock()


def open_run(cloud: str | None, settings: ScopeSettings) -> ScriptRun:
    """Connect to a cloud and begin a run.

    Args:
        cloud: name of the cloud, as of `osf.connect`.
        settings: the settings of the scope.

    Raises:
        InvalidArgument: the cloud, the ledger or a setting cannot be used.
        CloudUnreachableError: the cloud does not answer, or refuses the credentials.
    """
    connected = connect(cloud, unknown=settings.unknown)
    run = ScriptRun(connected, _open_ledger(connected, settings), settings)
    try:
        run.defaults.check(run.option)
        run.start()
    except BaseException:
        run.leave()
        raise
    return run


class ScriptRun(Run):
    """A run of one process and one scope.

    Args:
        cloud: the cloud.
        ledger: the ledger of the run, which this process has joined.
        settings: the settings of the scope.
    """

    def __init__(self, cloud: Cloud, ledger: Ledger, settings: ScopeSettings) -> None:
        self.cloud = cloud
        self.ledger = ledger
        self.settings = settings.run_settings
        self.defaults = Defaults(cloud, self.settings)
        self.expiry = settings.expiry
        #: False when the run is over.
        self.is_open = True
        self.pid = os.getpid()
        self._place = settings.ledger
        ledger.test = settings.name
        ledger.max_servers = settings.max_servers
        self.reaped = self._start_reaper_with_first_resource(settings.reaper)
        cloud.settings = replace(
            cloud.settings, run=ledger.run, ledger=ledger, stamp=True, expiry=self.expiry
        )
        context = SweepContext(cloud.api_client, SystemClock(), ledger.note)
        self._heartbeat = Heartbeat(context, ledger, self.expiry)
        self._older_runs = OlderRuns(self, lambda: self._place)

    def _start_reaper_with_first_resource(self, reaper: str) -> bool:
        """Let the first resource start the reaper; return False where there can be no reaper."""
        configuration = self.cloud.configuration()
        if configuration is None or reaper == "off":
            return False
        if not (self.ledger.locks_hold and self.ledger.check_lock()):
            _log.warning(
                "file locks do not hold in %s, so no reaper watches this script: if it is killed, "
                "its resources go when their stamps expire, or by `%s --force`",
                self._place,
                self.reap_command(),
            )
            return False
        name, keep = self.cloud.name, self.settings.keep
        self.ledger.before_first = partial(start_reaper, self.ledger, name, configuration, keep)
        return True

    def start(self) -> None:
        """Start the heartbeat and, once in a process, the clean-up of older runs."""
        if self.cloud.fake is not None:
            return
        self._heartbeat.start()
        key = self._place, self.cloud.auth_url, self.cloud.session.get_project_id() or ""
        with _swept_lock:
            is_first = key not in _swept
            _swept.add(key)
        if is_first:
            self._older_runs.start()

    def option(self, name: str) -> str:
        return f"{name.replace('-', '_')}="

    @property
    def deletes_in_background(self) -> bool:
        return False

    def in_this_process(self) -> ScriptRun:
        """Return this run.

        Raises:
            InvalidArgument: the run is over, or belongs to the parent of this process.
        """
        if os.getpid() != self.pid:
            raise InvalidArgument(
                "a scope belongs to the process that has opened it; "
                "open one (osf.scope) in each process"
            )
        if not self.is_open:
            raise InvalidArgument("the scope is closed: it creates nothing any more")
        return self

    def keep(self, kind: str, resource_id: str, note: str | None = None) -> None:
        self.ledger.keep(kind, resource_id, note)

    def note_use(self, future: OperationFuture[Any]) -> None:
        del future  # no evidence is gathered without pytest

    def progress_messages(
        self, text: str, names: Callable[[], list[str]] = list
    ) -> AbstractContextManager[None]:
        return progress_messages(partial(_log.warning, "%s"), text, names)

    def reap_command(self) -> str:
        """Return the command that deletes the resources that this run has left or kept."""
        where = f" --os-ledger {self._place}"
        return f"osfutures reap --os-cloud {self.cloud.name} --run {self.ledger.run}{where}"

    def finish(self, seconds: float) -> list[str]:
        """Delete resources that no factory owns; return those that stay, with the reasons.

        Args:
            seconds: longest time for that.
        """
        self._older_runs.wait()
        for text in self._older_runs.summary:
            _log.info("%s", text)
        self._heartbeat.stop()
        try:
            return self._clean_up(min(seconds, CLEANUP_TIMEOUT))
        except LedgerError as error:
            return self._clean_up_by_stamp(error, min(seconds, CLEANUP_TIMEOUT))

    def _clean_up(self, seconds: float) -> list[str]:
        for row in self.ledger.rows("kept"):
            login = f"; {row.note}" if row.note else ""
            _log.warning("kept: %s%s; to delete it: %s", row, login, self.reap_command())
        if not self.ledger.left():
            return []
        clock = self.cloud.fake.clock if self.cloud.fake is not None else SystemClock()
        text = f"the end of the scope insists for {seconds:.0f} s on deleting what is left"
        with self.progress_messages(text):
            context = SweepContext(self.cloud.api_client, clock, self.ledger.note, seconds / 2)
            clean_up(context, self.ledger, [], seconds)
        rows = self.ledger.rows("intent", "bound")
        return [f"{row}: {row.note or 'it is still there'}" for row in rows]

    def _clean_up_by_stamp(self, error: LedgerError, seconds: float) -> list[str]:
        """Delete the resources with the run's stamp, because the ledger cannot be read."""
        run, steps = self.ledger.run, list[str]()
        if self.settings.keep != "never":
            return [f"{error}; it alone knows what keep={self.settings.keep!r} keeps of run {run}"]
        _log.warning("%s; going by the stamps in the cloud", error)
        context = SweepContext(self.cloud.api_client, SystemClock(), steps.append)
        return [] if clean_up_by_stamp(context, stamps_of_run(run, ()), seconds) else steps[-1:]

    def leave(self) -> None:
        """End the run; resources that are left are the reaper's."""
        self.is_open = False
        self._heartbeat.stop()
        self.keys.close()
        try:
            leave_ledger(self.ledger)
        except LedgerError as error:
            _log.warning("%s", error)
            self.ledger.close()


def _open_ledger(cloud: Cloud, settings: ScopeSettings) -> Ledger:
    """Open the ledger of a new run, and join the run.

    Raises:
        InvalidArgument: the ledger cannot be opened, or the given run is in use.
    """
    if cloud.fake is not None:
        ledger = Ledger(None, settings.run or new_id())
        ledger.join()
        return ledger
    with _named_errors(settings.ledger):
        run = settings.run or new_id()
        ledger = Ledger(ledger_path(settings.ledger, run), run)
        if ledger.info() is not None or not ledger.join():
            ledger.close()
            raise InvalidArgument(
                f"run={run!r}: there is a run of this id already; give this one another id"
            )
        ledger.describe(cloud.name, cloud.auth_url, cloud.session.get_project_id() or "")
        return ledger


@contextmanager
def _named_errors(place: Path) -> Iterator[None]:
    """Turn errors of the file system and of sqlite into an InvalidArgument of one sentence."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise InvalidArgument(
            f"no ledger can be kept in {place} ({error}); name a directory that can be written to, "
            "on a file system with locks, with ledger="
        ) from None
