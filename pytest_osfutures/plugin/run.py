"""The part of this process in a test run: its cloud, its ledger, and the clean-up at the end."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any

import pytest

from pytest_osfutures.cleanup import (
    Heartbeat,
    LedgerError,
    Sweep,
    SweepContext,
    clean_up,
    clean_up_by_stamp,
    stamps_of_run,
    start_reaper,
)
from pytest_osfutures.clock import SystemClock
from pytest_osfutures.cloud import Cloud, connect
from pytest_osfutures.config import one_line
from pytest_osfutures.errors import CloudUnreachableError, InvalidArgument
from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.ownership import UnreadableError
from pytest_osfutures.plugin import options
from pytest_osfutures.plugin.artifacts import ArtifactSettings, remove_files, remove_properties
from pytest_osfutures.plugin.background import BackgroundTeardown, report_failures
from pytest_osfutures.plugin.evidence import EARLY, evidence_of_left
from pytest_osfutures.plugin.fixtures import IN_USE, ITEM, RUN_SESSION, run_session_of
from pytest_osfutures.plugin.live_line import live_line_of
from pytest_osfutures.plugin.lookahead import Lookahead
from pytest_osfutures.plugin.progress import Progress
from pytest_osfutures.plugin.recorder import Recorder
from pytest_osfutures.plugin.run_id import directory, is_forked, worker_id
from pytest_osfutures.plugin.run_ledger import JOINED_LEDGER, check_locks, open_ledger
from pytest_osfutures.plugin.traces import register_traces
from pytest_osfutures.plugin.usage import Usage
from pytest_osfutures.plugin.wait_messages import progress_messages
from pytest_osfutures.plugin.xdist import (
    announce_run,
    coming_tests,
    has_other_processes,
    send_waits,
)
from pytest_osfutures.reports import span_document
from pytest_osfutures.scopes import Defaults, OlderRuns, Run, Scope, counted, handle_signals, merged

#: Seconds for which the end of a run tries to delete resources that its fixtures have left.
CLEANUP_TIMEOUT = 60.0
#: Default of --os-expiry in seconds.
DEFAULT_EXPIRY = 6 * 3600.0


def open_run_session(config: pytest.Config) -> RunSession:
    """Connect to the cloud and join the run.

    Raises:
        pytest.UsageError: the cloud or the ledger cannot be used; the text is one sentence.
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
        run_session.begin_try(item)
    run_session.defaults.check()
    run_session.start()
    if item is not None:
        run_session.begin_test(item)
    return run_session


class RunSession(Run):
    """One process of a run: its cloud, its ledger, and the clean-up at the end.

    Args:
        config: pytest's configuration.
        cloud: the cloud under test.
    """

    def __init__(self, config: pytest.Config, cloud: Cloud) -> None:
        self.config = config
        self.cloud = cloud
        self.pid = os.getpid()
        #: True if this process is a fork for one test.
        self.forked = is_forked(config)
        #: References to the parent's objects: a fork that drops them closes the parent's ledger.
        self.inherited = config.stash.get(RUN_SESSION, None), config.stash.get(JOINED_LEDGER, None)
        #: Name of the worker of pytest-xdist; "" in other processes.
        self.worker = worker_id(config)
        self.background = BackgroundTeardown(partial(evidence_of_left, self))
        #: Scopes whose fixtures are torn down, and whose resources are not deleted yet.
        self.closing: list[Scope] = []
        #: Image, flavor and network of a new server when the test names none.
        self.settings = options.run_settings(config)
        self.defaults = Defaults(cloud, self.settings)
        self.lookahead = Lookahead(self)
        self.artifacts = ArtifactSettings.of(config)
        #: Resources that could not be deleted, with the reasons.
        self.undeleted: list[str] = []
        #: Types and ids of the resources that the tests of this process keep.
        self.kept: set[tuple[str, str]] = set()
        self._unwritten: set[tuple[str, str, str | None]] = set()
        self.ledger = open_ledger(config, cloud)
        self.ledger.make_room = self.lookahead.make_room
        self.ledger.max_servers = options.MAX_SERVERS.value(config)
        ledger = self.ledger
        #: The operations and waits of the tests of this process.
        self.recorder = Recorder(
            cloud.engine.clock, ledger.process, self.worker, lambda: ledger.owner
        )
        #: The calls of the running test and of its fixtures.
        self.usage = Usage(lambda: ledger.test)
        self.recorder.on_call = self.usage.submitted
        register_traces(config)
        self.progress = self._progress()
        cloud.engine.monitor.shows_every_status = self.progress.is_live
        self.recorder.on_wait_end = self.progress.wait_ended
        self.older_runs = OlderRuns(self, partial(directory, config))
        #: Lines for the summary.
        self.summary = self.older_runs.summary
        #: True if a reaper watches this process.
        self.reaped = self._start_reaper_with_first_resource()
        self.expiry: float = options.EXPIRY.value(config) or DEFAULT_EXPIRY
        cloud.settings = replace(
            cloud.settings,
            run=self.ledger.run,
            ledger=self.ledger,
            stamp=True,
            expiry=self.expiry,
            unknown=options.UNKNOWN.value(config) or "warn",
            observer=self.recorder,
        )
        context = SweepContext(cloud.api_client, SystemClock(), self.ledger.note)
        self.heartbeat = Heartbeat(context, self.ledger, self.expiry)

    def _start_reaper_with_first_resource(self) -> bool:
        """Let the first resource start the reaper; return False where there can be no reaper."""
        configuration = self.cloud.configuration()
        if configuration is None or options.REAPER.value(self.config) == "off":
            return False
        if not check_locks(self.config, self.ledger):
            return False
        keep = self.settings.keep
        start = partial(start_reaper, self.ledger, self.cloud.name, configuration, keep)
        self.ledger.before_first = start
        return True

    def _progress(self) -> Progress:
        """Return the thread that tells the waits of this process."""
        monitor = self.cloud.engine.monitor
        waits = partial(self.recorder.waiting_now, monitor.usual_duration)
        if not self.worker:
            return Progress(waits, None if self.forked else live_line_of(self.config))
        workerinput = getattr(self.config, "workerinput", {})
        send = partial(send_waits, self.config) if workerinput.get("osfutures_live") else None
        return Progress(waits, None, send)

    def begin_test(self, item: pytest.Item) -> None:
        """Note in the ledger which test runs, and create the resources of this and coming tests."""
        self.ledger.test = item.nodeid
        self.recorder.begin_phase(item.nodeid, "setup")
        if not self.forked:
            self.lookahead.begin_test(item, partial(coming_tests, item))

    def begin_try(self, item: pytest.Item) -> None:
        """Forget the calls of other tests, and the evidence of earlier runs and tries."""
        self.usage.begin(item)
        if EARLY in item.stash:
            del item.stash[EARLY]
        remove_properties(item)
        if self.usage.tries_of(item) == 1 and not self.artifacts.are_off:
            remove_files(self.artifacts, item.nodeid)

    def start(self) -> None:
        """Start the heartbeat and the clean-up of older runs, and handle signals."""
        if self.cloud.fake is not None:
            return
        self.heartbeat.start()
        if self.forked:
            return
        handle_signals()
        first_on_this_host = self.ledger.is_partial and self.ledger.living() == 1
        if not self.worker or first_on_this_host:
            self.older_runs.start()

    @property
    def deletes_in_background(self) -> bool:
        """True if a teardown does not wait for deletions: --os-teardown, else with lookahead."""
        given = options.TEARDOWN.value(self.config)
        return given == "background" or (given is None and self.lookahead.is_used)

    def in_this_process(self) -> RunSession:
        """Return the run session of this process, which may be a fork of the one of this object."""
        return run_session_of(self.config)

    def note_owner(self, future: OperationFuture[Any], owner: str) -> None:
        """Note until when code may ask for the result of a future."""
        self.recorder.outcomes.keep(future, owner)

    def note_use(self, future: OperationFuture[Any]) -> None:
        """Note that the running test uses a shared resource."""
        self.usage.note(future)

    def progress_messages(
        self, text: str, names: Callable[[], list[str]] = list
    ) -> AbstractContextManager[None]:
        """Return a context that tells of a wait on the terminal, or prints messages without one."""
        if self.progress.is_live:
            return self.progress.during(text, names)
        return self._messages(text, names)

    @contextmanager
    def _messages(self, text: str, names: Callable[[], list[str]]) -> Iterator[None]:
        with self.progress.during(text, names), progress_messages(self.config, text, names):
            yield

    def keep(self, kind: str, resource_id: str, note: str | None = None) -> None:
        """Note in the ledger that a resource is kept until it expires, and how to use it."""
        self.kept.add((kind, resource_id))
        try:
            self.ledger.keep(kind, resource_id, note)
        except LedgerError:  # reported at the end, if the ledger is still lost then
            self._unwritten.add((kind, resource_id, note))

    def end_phase(self, report: pytest.TestReport) -> None:
        """Record the phase of a test that has ended."""
        self.recorder.end_phase(report.outcome, report.start, report.stop)
        goes_on = report.when == "setup" and report.passed
        phase = "call" if goes_on else "" if report.when == "teardown" else "teardown"
        self.recorder.begin_phase(report.nodeid if phase else "", phase)

    def save_spans(self, unfinished: bool = False) -> None:
        """Write the spans that have ended into the ledger; a lost ledger costs the report only.

        Args:
            unfinished: True at the end of this process, for operations that have not ended too.
        """
        spans = self.recorder.take_spans()
        spans += self.recorder.unfinished_spans() if unfinished else []
        documents = [json.dumps(span_document(each)) for each in spans]
        with suppress(LedgerError):
            self.ledger.add_spans(documents)

    def delete_released(self) -> None:
        """Delete, in the background, the resources of fixtures that were torn down."""
        scopes, self.closing = [*self.closing, *self.lookahead.take_released()], []
        if scopes:
            self.delete(merged(scopes))

    def delete(self, scope: Scope) -> None:
        """Delete the resources of a scope in the background."""
        scope.gone = self.lookahead.gone
        self.background.close(scope)

    def wait_for_background(self) -> None:
        """Wait until the deletions in the background are done, for a bounded time.

        A teardown has a deadline, after which each of its stages gets a tenth of the whole time.
        """
        seconds = 2 * self.settings.teardown_timeout + CLEANUP_TIMEOUT
        self.background.wait(self.progress_messages, seconds)

    def report_failures(self) -> None:
        """Report failed deletions in the background as errors of their tests."""
        report_failures(self.config, self.background.take_failures())

    def finish(self, apart: Sequence[str] = (), lost: Sequence[str] = ()) -> None:
        """Delete the resources that the run has left; `undeleted` names those that stay.

        Args:
            apart: names of workers with a ledger of their own.
            lost: names of workers that have died and may have had a ledger of their own.
        """
        self.older_runs.wait()
        self.heartbeat.stop()
        self.save_spans()
        if self.worker:
            return
        try:
            for each in self._unwritten:
                self.ledger.keep(*each)
            if self.ledger.left() or apart or lost:
                self._clean_up(lost)
        except LedgerError as error:
            self._clean_up_by_stamp(str(error))

    def _names(self) -> list[str]:
        with suppress(LedgerError):
            return [str(row) for row in self.ledger.rows("intent", "bound")]
        return []

    def _clean_up(self, lost: Sequence[str]) -> None:
        gone: list[str] = []

        def note(text: str) -> None:
            self.ledger.note(text)
            if text.endswith("is gone"):
                gone.append(text)

        processes = self._processes_to_clean_up(lost)
        clock = self.cloud.fake.clock if self.cloud.fake is not None else SystemClock()
        seconds = min(CLEANUP_TIMEOUT, self.settings.teardown_timeout)
        text = f"the end of the run insists for {seconds:.0f} s on deleting what the tests left"
        with self.progress_messages(text, self._names):
            context = SweepContext(self.cloud.api_client, clock, note, seconds / 2)
            complete = clean_up(context, self.ledger, processes, seconds)
        rows = self.ledger.rows("intent", "bound")
        self.undeleted = [f"{row}: {row.note or 'it is still there'}" for row in rows]
        if not complete and not rows:
            self.undeleted = self.ledger.steps()[-1:]
        if gone:
            self.summary.append(f"deleted {counted(len(gone))} that the tests had left")

    def _processes_to_clean_up(self, lost: Sequence[str]) -> list[str]:
        """Return the processes whose resources are deleted; an empty list is all, by stamp too.

        With --os-keep, lost workers on other hosts may have kept resources. Only the reapers there
        can read their ledgers, so nothing is deleted by its stamp.
        """
        keep = self.settings.keep
        if not lost or keep == "never":
            return []
        self.summary.append(
            f"lost on other hosts: {', '.join(lost)}; the reapers there delete their resources, "
            f"as they know which ones --os-keep={keep} keeps"
        )
        return self.ledger.processes()

    def _clean_up_by_stamp(self, why: str) -> None:
        """Delete the resources with the run's stamp, because the ledger cannot be read.

        The resources that the tests of this process keep are spared. With --os-keep and other
        processes nothing is deleted: only the ledger knew which resources these keep.
        """
        run, steps = self.ledger.run, list[str]()
        context = SweepContext(self.cloud.api_client, SystemClock(), steps.append)
        keep = self.settings.keep
        if keep != "never" and has_other_processes(self.config):
            self.undeleted = [f"{why}; it alone knows what --os-keep={keep} wants of run {run}"]
            return
        self.summary.append(f"{why}; going by the stamps in the cloud")
        text = f"the end of the run insists for {CLEANUP_TIMEOUT:.0f} s on deleting what is stamped"
        with self.progress_messages(text, lambda: steps[-1:]):
            try:
                found = Sweep(context, stamps_of_run(run, ())).find() if self.kept else []
            except UnreadableError as error:
                self.undeleted = [f"{error}; nothing of run {run} was deleted"]
                return
            kept = [each for each in found if (each.type.name, each.id) in self.kept]
            self.summary += [f"kept: {each}" for each in kept]
            wanted = stamps_of_run(run, {each.stamp.operation for each in kept})
            if not clean_up_by_stamp(context, wanted, CLEANUP_TIMEOUT):
                self.undeleted = steps[-1:]
