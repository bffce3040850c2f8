"""What sees to it that nothing is left behind: this process's part in the run's ledger."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path

import pytest

from pytest_osfutures.cleanup import (
    Heartbeat,
    Ledger,
    LedgerError,
    clean_up,
    clean_up_by_stamp,
    clean_up_dead,
    dead_runs,
    ledger_path,
    ledgers,
    living_runs,
    of_run,
    reaper_log,
    remove_ledger,
    sweep_expired,
)
from pytest_osfutures.clock import SystemClock
from pytest_osfutures.cloud import Cloud, connect
from pytest_osfutures.commands.reaper import start_reaper
from pytest_osfutures.config import one_line
from pytest_osfutures.errors import CloudUnreachableError, InvalidArgument
from pytest_osfutures.ownership import UnreadableError
from pytest_osfutures.plugin import options, signals
from pytest_osfutures.plugin.background import BackgroundTeardown, report
from pytest_osfutures.plugin.defaults import Defaults
from pytest_osfutures.plugin.fixtures import IN_USE, ITEM, RUN_SESSION, current_run_session
from pytest_osfutures.plugin.run_id import (
    RUN,
    directory,
    identity,
    is_forked,
    run_id,
    say,
    worker_id,
)
from pytest_osfutures.plugin.wait_messages import progress_messages
from pytest_osfutures.plugin.xdist import announce_run
from pytest_osfutures.stamp import new_id

#: Seconds for which the end of a run insists on deleting what its fixtures could not delete.
CLEANUP_TIMEOUT = 60.0
#: Seconds that the end of a run waits for the sweep of older runs; without any news of it; and
#: without news of what an earlier sweep could not delete.
PATIENCE, SILENCE_TIMEOUT, STUBBORN_TIMEOUT = 60.0, 10.0, 2.0
#: Seconds after which anybody may delete what is left of a run.
EXPIRY = 6 * 3600.0
JOINED_LEDGER: pytest.StashKey[Ledger] = pytest.StashKey()


def joined_ledger(config: pytest.Config) -> Ledger | None:
    """The ledger that this process has joined for others' sake."""
    ledger = config.stash.get(JOINED_LEDGER, None)
    return ledger if ledger is not None and ledger.process == str(os.getpid()) else None


def join_run(config: pytest.Config) -> None:
    """Let this process be one of the run's as long as it lives: xdist's controller, a parent.

    What its workers and forked children make is then deleted at the end of the whole run. Raises
    pytest.UsageError if there can be no ledger.
    """
    config.stash[IN_USE] = os.getpid()
    known = current_run_session(config)
    if known is not None:
        config.stash[JOINED_LEDGER] = known.ledger
    elif joined_ledger(config) is None:
        run, place = run_id(config), directory(config)
        with ledger_at(place):
            config.stash[JOINED_LEDGER] = ledger = Ledger(ledger_path(place, run), run)
            check_run(config, ledger)
            ledger.join()
            check_lock(config, ledger)
        signals.install()


@contextmanager
def ledger_at(place: Path) -> Iterator[None]:
    """Say in one sentence why there can be no ledger; raises pytest.UsageError."""
    try:
        yield
    except (OSError, sqlite3.Error) as error:
        raise pytest.UsageError(
            f"--os-ledger: no ledger of the run can be kept in {place} ({error}); "
            "name a directory that can be written to, on a file system with locks"
        ) from None


def open_run_session(config: pytest.Config) -> RunSession:
    """Connect to the cloud and join the run.

    Raises pytest.UsageError, with one sentence, if that cannot be.
    """
    try:
        return _open_run_session(config)
    except pytest.UsageError:
        raise
    except (InvalidArgument, CloudUnreachableError) as error:
        raise pytest.UsageError(str(error)) from None
    except Exception as error:
        why = f"{type(error).__name__}: {one_line(error)}"
        raise pytest.UsageError(f"osfutures cannot start: {why}") from None


def _open_run_session(config: pytest.Config) -> RunSession:
    try:
        cloud = connect(options.CLOUD.value(config))
    except (InvalidArgument, CloudUnreachableError) as error:
        raise pytest.UsageError(f"--os-cloud: {error}") from None
    run_session = RunSession(config, cloud)
    config.stash[RUN_SESSION] = run_session
    config.stash[IN_USE] = run_session.pid
    item = config.stash.get(ITEM, None)
    if item is not None:
        run_session.ledger.test = item.nodeid
        if run_session.worker and not run_session.forked:
            announce_run(run_session, item)
    Defaults(cloud, options.Settings.of(config)).check()
    run_session.begin()
    return run_session


def check_run(config: pytest.Config, ledger: Ledger) -> None:
    """Raises pytest.UsageError if another run has the id that was given with --os-run."""
    if options.RUN.value(config) and not worker_id(config) and not is_forked(config):
        run = ledger.info()
        if run is not None and (ledger.living() or run.state != "running"):
            ledger.close()
            raise pytest.UsageError(
                f"--os-run: there is a run {ledger.run} already, which lives, is being cleaned up "
                "or has kept something; give this one another id"
            )


def check_lock(config: pytest.Config, ledger: Ledger) -> bool:
    """Whether the locks of this run tell who lives; if not, that is said."""
    holds = ledger.locks_hold and (is_forked(config) or ledger.check_lock())
    if not holds and ledger.path is not None:
        say(
            config,
            f"file locks do not hold in {ledger.path.parent}: another process could take this "
            "one's. No reaper minds this run, and no other run cleans up after it; if it is "
            f"killed, what it leaves goes when its stamps expire, or by `osfutures reap --run "
            f"{ledger.run} --force`. --os-ledger DIR on a local disk gives it a reaper.",
        )
    return holds


def counted(number: int) -> str:
    """So many resources, in words."""
    return "1 resource" if number == 1 else f"{number} resources"


class RunSession:
    """Keeps the ledger of what this process makes, and cleans up what is left at the end.

    `said` is for the summary.
    """

    def __init__(self, config: pytest.Config, cloud: Cloud) -> None:
        self.config = config
        self.cloud = cloud
        self.pid = os.getpid()
        self.forked = is_forked(config)
        #: A fork must not close its parent's ledger, so it keeps what it has got of it.
        self.inherited = config.stash.get(RUN_SESSION, None), config.stash.get(JOINED_LEDGER, None)
        self.worker = worker_id(config)
        self.background = BackgroundTeardown()
        self.left: list[str] = []
        self.said: list[str] = []
        self.sweeping: threading.Thread | None = None
        self.moved, self.last, self.stubborn = time.monotonic(), "", False
        self.parts = 0
        place = None if cloud.fake is not None else directory(config)
        with nullcontext() if place is None else ledger_at(place):
            self.ledger = self._join()
        self.ledger.max_servers = options.MAX_SERVERS.value(config)
        configuration = cloud.configuration()
        self.reaped = (
            configuration is not None
            and options.REAPER.value(config) != "off"
            and check_lock(config, self.ledger)
        )
        if configuration is not None and self.reaped:
            self.ledger.before_first = partial(start_reaper, self.ledger, cloud.name, configuration)
        cloud.run, cloud.ledger = self.ledger.run, self.ledger
        self.expiry: float = options.EXPIRY.value(config) or EXPIRY
        cloud.expiry = self.expiry
        cloud.unknown = options.UNKNOWN.value(config) or "warn"
        self.heartbeat = Heartbeat(
            cloud.api_client, self.ledger, self.expiry, SystemClock(), self.ledger.note
        )

    def _join(self) -> Ledger:
        project = self.cloud.session.get_project_id() or ""
        while True:
            ledger = joined_ledger(self.config) or self._open()
            if ledger is not joined_ledger(self.config):
                check_run(self.config, ledger)
            if ledger.join(self.worker):
                ledger.describe(self.cloud.name, self.cloud.auth_url, project)
                return ledger
            ledger.close()  # everything else of the run is dead, and the reaper is at it
            if ledger.part:
                self.parts += 1
            else:
                self.config.stash[RUN] = new_id()

    def _open(self) -> Ledger:
        """The run's ledger; of a worker that cannot get at the controller's, one beside it."""
        run, place = run_id(self.config), directory(self.config)
        path: Path | None = None
        if self.cloud.fake is None:
            path = ledger_path(place, run)
            theirs = getattr(self.config, "workerinput", {}).get("osfutures_ledger")
            if theirs and theirs != identity(path):
                again = f".{self.parts}" if self.parts else ""
                path = ledger_path(place, run, socket.gethostname() + again)
        return Ledger(path, run)

    def begin(self) -> None:
        """Sweep what older runs have left, in the background, and mind the signals."""
        if self.cloud.fake is not None:
            return
        self.heartbeat.start()
        if self.forked:
            return
        signals.install()
        if not self.worker or (self.ledger.part and self.ledger.living() == 1):
            self.sweeping = threading.Thread(
                target=self._sweep, name="osfutures-sweep", daemon=True
            )
            self.sweeping.start()

    def _sweep(self) -> None:
        """Tell of runs that were reaped, finish dead ones, delete what has expired."""
        place, clock, api_client = directory(self.config), SystemClock(), self.cloud.api_client
        project = self.cloud.session.get_project_id() or ""
        gone: list[str] = []

        def note(text: str) -> None:
            gone.append(text)
            self._moved(text)

        try:
            for ledger in dead_runs(place, self.cloud.auth_url, project, self.said.append):
                with self._telling():
                    self.stubborn = any(row.note for row in ledger.rows("intent", "bound"))
                    clean_up_dead(api_client, ledger, clock, partial(self._sweep_note, ledger))
                ledger.close()
            self._tidy(place)
            alive = living_runs(place) | {self.ledger.run}
            left = sweep_expired(api_client, alive, clock, note)
        except UnreadableError as error:
            self.said.append(f"older runs' resources could not be looked for: {error}")
            return
        self.said += [f"left by an older run: {each}: {why}" for each, why in left.items()]
        self.said += [f"left by an older run: {text}" for text in gone if text.endswith("is gone")]

    def _sweep_note(self, ledger: Ledger, text: str) -> None:
        ledger.note(text)
        self._moved(text)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        """A ledger that cannot be used is told of, and keeps nobody from the others."""
        try:
            yield
        except LedgerError as error:
            self.said.append(str(error))

    def _tidy(self, place: Path) -> None:
        """Tell of runs that were reaped, and remove the ledgers that nobody needs any more."""
        for ledger in ledgers(place):
            with self._telling():
                self._tidy_one(ledger)
            ledger.close()

    def _tidy_one(self, ledger: Ledger) -> None:
        run = ledger.info()
        assert ledger.path is not None
        if run is not None and run.state == "reaped" and run.cloud == self.cloud.name:
            gone = len(ledger.rows("gone"))
            log = reaper_log(ledger.path)
            where = f", as {log} tells" if log.exists() else ""
            self.said.append(f"run {run.run} was killed; deleted {counted(gone)} of it{where}")
            ledger.change_run_state(["reaped"], "ended")
        if ledger.is_obsolete(self.cloud.api_client.cloud_time.time(SystemClock())):
            remove_ledger(ledger.path)

    def keep(self, kind: str, resource_id: str) -> None:
        """Somebody wants to look at this: nobody deletes it before it expires."""
        self.ledger.keep(kind, resource_id)

    def report_failures(self) -> None:
        """Let what could not be deleted in the background be errors of its tests."""
        report(self.config, self.background.failures())

    def finish(self, apart: Sequence[str] = (), lost: Sequence[str] = ()) -> None:
        """Delete what is left of the run; `left` is what could not be deleted.

        `apart` are workers with a ledger of their own, `lost` those that may have had one.
        """
        self._await_sweep()
        self.heartbeat.stop()
        if self.worker:
            return
        try:
            if self.ledger.left() or apart or lost:
                self._clean_up(lost)
        except LedgerError as error:
            self._clean_up_by_stamp(str(error))

    def _names(self) -> list[str]:
        with suppress(LedgerError):
            return [str(row) for row in self.ledger.rows("intent", "bound")]
        return []

    def _await_sweep(self) -> None:
        """Wait for the clean-up of older runs, as long as it gets on."""
        if self.sweeping is None:
            return
        end = time.monotonic() + PATIENCE
        with progress_messages(partial(say, self.config), "waiting for the clean-up of older runs"):
            while self.sweeping.is_alive() and time.monotonic() < end:
                self.sweeping.join(0.1)
                if time.monotonic() > self.moved + (
                    STUBBORN_TIMEOUT if self.stubborn else SILENCE_TIMEOUT
                ):
                    break
        if self.sweeping.is_alive():
            self.said.append(
                "left by an older run, and not waited for any longer (the next run goes on): "
                + (self.last or "the cloud does not answer")
            )
        self.sweeping = None

    def _moved(self, text: str) -> None:
        """Note that the clean-up of older runs gets on."""
        self.moved, self.last = time.monotonic(), text

    def _clean_up(self, lost: Sequence[str]) -> None:
        gone: list[str] = []

        def note(text: str) -> None:
            self.ledger.note(text)
            if text.endswith("is gone"):
                gone.append(text)

        ours: list[str] = []
        keep = options.Settings.of(self.config).keep
        if lost and keep != "never":
            ours = self.ledger.processes()  # and nothing by stamp
            self.said.append(
                f"lost on other hosts: {', '.join(lost)}; what they have left is for the reapers "
                f"there, which know what --os-keep={keep} wants"
            )
        clock = self.cloud.fake.clock if self.cloud.fake is not None else SystemClock()
        seconds = min(CLEANUP_TIMEOUT, options.Settings.of(self.config).teardown_timeout)
        text = f"the end of the run insists for {seconds:.0f} s on deleting what the tests left"
        with progress_messages(partial(say, self.config), text, self._names):
            complete = clean_up(
                self.cloud.api_client, self.ledger, clock, note, ours, seconds, seconds / 2
            )
        rows = self.ledger.rows("intent", "bound")
        self.left = [f"{row}: {row.note or 'it is still there'}" for row in rows]
        if not complete and not rows:
            self.left = self.ledger.steps()[-1:]
        if gone:
            self.said.append(f"deleted {counted(len(gone))} that the tests had left")

    def _clean_up_by_stamp(self, why: str) -> None:
        """Without the ledger: what carries the run's stamp, unless some of it is to be kept."""
        run, clock = self.ledger.run, SystemClock()
        keep = options.Settings.of(self.config).keep
        if keep != "never":
            self.left = [f"{why}; it alone knows what --os-keep={keep} wants of run {run}"]
            return
        self.said.append(f"{why}; going by the stamps in the cloud")
        said: list[str] = []
        if not clean_up_by_stamp(
            self.cloud.api_client, of_run(run, ()), clock, said.append, CLEANUP_TIMEOUT
        ):
            self.left = said[-1:]
