"""The end of a run: resources that are left are deleted, reported, or left to the reaper."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from pytest_osfutures.cleanup import (
    Ledger,
    LedgerError,
    LedgerRow,
    leave_ledger,
    parsed_spans,
    reaper_log,
    release_dead_holders,
)
from pytest_osfutures.plugin import options, xdist
from pytest_osfutures.plugin.background import Failure, report_failures
from pytest_osfutures.plugin.fixtures import current_run_session, run_session_of
from pytest_osfutures.plugin.run import RunSession
from pytest_osfutures.plugin.run_id import say
from pytest_osfutures.plugin.run_ledger import joined_ledger
from pytest_osfutures.reports import Span
from pytest_osfutures.scopes import counted, restore_signals

#: True after `pytest_sessionfinish` has cleaned up.
FINISHED: pytest.StashKey[bool] = pytest.StashKey()
#: Resources that the end of the run could not delete, with the reasons.
UNDELETED: pytest.StashKey[list[str]] = pytest.StashKey()


def ledger_of(config: pytest.Config) -> Ledger | None:
    """Return the ledger of the run; None if this process has joined no run."""
    run_session = current_run_session(config)
    return run_session.ledger if run_session is not None else joined_ledger(config)


def _count_left(ledger: Ledger) -> int:
    """Return the number of resources that may be left; 1 if the ledger cannot be read."""
    try:
        return ledger.left()
    except LedgerError:
        return 1


def spans_of_run(config: pytest.Config) -> list[Span]:
    """Return the spans of all processes of the run, as far as this process has them."""
    documents, ledger = list(config.stash.get(xdist.SPANS, ())), ledger_of(config)
    if ledger is not None:
        with suppress(LedgerError):
            documents += ledger.spans()
    return parsed_spans(documents)


def requests_of_run(config: pytest.Config) -> int | None:
    """Return the number of API requests of all processes of the run; None if it is not known."""
    run_session, others = current_run_session(config), xdist.requests_of_workers(config)
    own = run_session.cloud.requests if run_session is not None else 0
    return None if others is None else own + others


def announce_interruption(config: pytest.Config) -> None:
    """Print that resources are still being deleted although the run was interrupted."""
    ledger = ledger_of(config)
    if ledger is not None and (left := _count_left(ledger)):
        again = "interrupt again to leave them to the reaper"
        say(config, f"interrupted; deleting {counted(left)} first ({again})")


def finish_session(session: pytest.Session) -> None:
    """Delete the resources that the run has left, and fail the session if some stay."""
    config = session.config
    config.stash[FINISHED] = True
    if not _clean_up(config):
        return
    if session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _clean_up(config: pytest.Config) -> list[str]:
    """Delete the resources that the run has left; return those that stay, with the reasons."""
    run_session, ledger = current_run_session(config), ledger_of(config)
    if ledger is None:
        return []
    if run_session is not None and run_session.worker:
        run_session.save_spans(unfinished=True)
        xdist.report_to_controller(config, run_session)
    apart, lost = _remote_workers(config, ledger)
    if run_session is None and (_count_left(ledger) or apart or lost):
        try:
            run_session = run_session_of(config)  # for resources of workers that have ended
        except pytest.UsageError as error:  # the ledger was lost; the reaper goes by the stamps
            config.stash[UNDELETED] = [f"what run {ledger.run} has left: {error}"]
    if run_session is not None:
        run_session.finish(apart, lost)
        config.stash[UNDELETED] = run_session.undeleted
    return config.stash.get(UNDELETED, [])


def _remote_workers(config: pytest.Config, ledger: Ledger) -> tuple[list[str], list[str]]:
    try:
        return xdist.remote_workers(config, ledger)
    except LedgerError:
        return [], []


def collect_worker(node: Any) -> None:
    """Note the kept resources and report the failed deletions of a worker that has ended."""
    ledger = ledger_of(node.config)
    if ledger is not None:
        with suppress(LedgerError):  # reported at the end
            xdist.collect(node, ledger)
    if failures := getattr(node, "workeroutput", {}).get("osfutures_failures"):
        report_failures(node.config, [Failure(*each) for each in failures])


def add_crash_section(config: pytest.Config, test: str, report: pytest.TestReport) -> None:
    """Add a section with the resources that a crashed test has left to the test's report."""
    ledger = ledger_of(config)
    if ledger is None:
        return
    rows: list[LedgerRow] = []
    with suppress(LedgerError):
        release_dead_holders(
            ledger, ledger.dead()
        )  # shared resources of the dead now belong to other holders
        rows = ledger.rows("intent", "bound", test=test)
    if rows:
        lines = "\n".join(str(row) for row in rows)
        report.sections.append(("osfutures: left to the reaper", lines))


def reap_command(config: pytest.Config, ledger: Ledger) -> str:
    """Return the command that deletes the resources that a run has left or kept."""
    place = options.LEDGER.value(config)
    where = f" --os-ledger {place}" if place else ""
    run = None
    with suppress(LedgerError):
        run = ledger.info()
    cloud = run.cloud if run is not None and run.cloud else options.CLOUD.value(config)
    return f"osfutures reap --os-cloud {cloud} --run {ledger.run}{where}"


def leave_run(config: pytest.Config) -> None:
    """Close the ledger; resources that are left are the reaper's."""
    ledger = ledger_of(config)
    if ledger is None:
        return
    run_session = current_run_session(config)
    if run_session is not None:
        run_session.keys.close()
        run_session.progress.stop()
    worker = run_session is not None and run_session.worker
    if not worker and not config.stash.get(FINISHED, False):
        _clean_up_without_reaper(config, ledger)
    try:
        if not worker and ledger.path is not None and (left := ledger.left()):
            verb = "is" if left == 1 else "are"
            say(config, f"{counted(left)} {verb} left to {_heir(config, ledger, run_session)}")
        leave_ledger(ledger, bool(worker), run_session is not None and run_session.forked)
    except LedgerError as error:
        say(config, f"{error}; what may be left is left to {_heir(config, ledger, run_session)}")
        ledger.close()
    restore_signals()


def _clean_up_without_reaper(config: pytest.Config, ledger: Ledger) -> None:
    """Clean up after a session without `pytest_sessionfinish` if no reaper would.

    pytest skips that hook if the hook of another plugin raises, for one.
    """
    if options.REAPER.value(config) == "off" and (left := _count_left(ledger)):
        say(config, f"deleting {counted(left)}, as there is no reaper (interrupt to leave them)")
        with suppress(KeyboardInterrupt):
            _clean_up(config)


def _heir(config: pytest.Config, ledger: Ledger, run_session: RunSession | None) -> str:
    """Return the words for the cleaner of resources that are left: the reaper, or the user."""
    assert ledger.path is not None
    if run_session is None or run_session.reaped:
        return f"the reaper, which writes to {reaper_log(ledger.path)}"
    return f"you: {reap_command(config, ledger)}"
