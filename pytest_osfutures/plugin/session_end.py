"""How a run ends: what is still there is deleted, or named, or left to the reaper."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest

from pytest_osfutures.cleanup import (
    Ledger,
    LedgerError,
    LedgerRow,
    reaper_log,
    release_dead_holders,
    remove_ledger,
)
from pytest_osfutures.plugin import signals
from pytest_osfutures.plugin import xdist as workers
from pytest_osfutures.plugin.background import report
from pytest_osfutures.plugin.fixtures import current_run_session, run_session_of
from pytest_osfutures.plugin.run import RunSession, counted, joined_ledger
from pytest_osfutures.plugin.run_id import say

#: Whether the end of the session has seen to what is left.
FINISHED: pytest.StashKey[bool] = pytest.StashKey()


def _ledger(config: pytest.Config) -> Ledger | None:
    run_session = current_run_session(config)
    return run_session.ledger if run_session is not None else joined_ledger(config)


def _left(ledger: Ledger) -> int:
    """How much may be left; without the ledger, something."""
    try:
        return ledger.left()
    except LedgerError:
        return 1


def announce_interruption(config: pytest.Config) -> None:
    """Say that the deletion goes on although the run was interrupted."""
    ledger = _ledger(config)
    if ledger is not None and (left := _left(ledger)):
        again = "interrupt again to leave them to the reaper"
        say(config, f"interrupted; deleting {counted(left)} first ({again})")


def finish(session: pytest.Session) -> None:
    """Delete what is left of the run; the run fails if that cannot be done."""
    config = session.config
    config.stash[FINISHED] = True
    run_session = _clean_up(config)
    if run_session is not None and run_session.left and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _clean_up(config: pytest.Config) -> RunSession | None:
    run_session, ledger = current_run_session(config), _ledger(config)
    if ledger is None:
        return run_session
    if run_session is not None and run_session.worker:
        workers.report_to_controller(config, run_session)
    apart, lost = _remote_workers(config, ledger)
    if run_session is None and (_left(ledger) or apart or lost):
        run_session = run_session_of(config)  # the workers have left something, and are gone
    if run_session is not None:
        run_session.finish(apart, lost)
    return run_session


def _remote_workers(config: pytest.Config, ledger: Ledger) -> tuple[list[str], list[str]]:
    try:
        return workers.remote_workers(config, ledger)
    except LedgerError:
        return [], []


def collect_worker(node: Any) -> None:
    """Note what a worker of xdist wants to keep, and tell of what it could not delete."""
    ledger = _ledger(node.config)
    if ledger is not None:
        with suppress(LedgerError):  # said at the end
            workers.collect(node, ledger)
    if failures := getattr(node, "workeroutput", {}).get("osfutures_failures"):
        report(node.config, failures)


def add_crash_section(config: pytest.Config, test: str, report: pytest.TestReport) -> None:
    """Add to a crashed test's report what it has left."""
    ledger = _ledger(config)
    if ledger is None:
        return
    rows: list[LedgerRow] = []
    with suppress(LedgerError):
        release_dead_holders(ledger, ledger.dead())  # what others share with the dead is theirs now
        rows = ledger.rows("intent", "bound", test=test)
    if rows:
        lines = "\n".join(str(row) for row in rows)
        report.sections.append(("osfutures: left to the reaper", lines))


def write_summary(config: pytest.Config, terminal: Any) -> None:
    """Say what was swept, what is kept and what could not be deleted."""
    run_session = current_run_session(config)
    ledger = _ledger(config)
    if ledger is None:
        return
    kept = _kept(ledger)
    left = run_session.left if run_session is not None else []
    said = run_session.said if run_session is not None else []
    if not (kept or left or said):
        return
    terminal.write_sep("=", "OpenStack resources")
    for text in said:
        terminal.write_line(text)
    for row in kept:
        terminal.write_line(f"kept: {row}")
    for text in left:
        terminal.write_line(f"NOT deleted: {text}")
    if (kept or left) and ledger.path is not None:
        terminal.write_line(f"to delete: {command(config, ledger)}")


def _kept(ledger: Ledger) -> list[LedgerRow]:
    try:
        return ledger.rows("kept")
    except LedgerError:
        return []


def command(config: pytest.Config, ledger: Ledger) -> str:
    """The command that deletes what is left of a run."""
    from pytest_osfutures.plugin import options

    place = options.LEDGER.value(config)
    where = f" --os-ledger {place}" if place else ""
    run = None
    with suppress(LedgerError):
        run = ledger.info()
    cloud = run.cloud if run is not None and run.cloud else options.CLOUD.value(config)
    return f"osfutures reap --os-cloud {cloud} --run {ledger.run}{where}"


def leave(config: pytest.Config) -> None:
    """Let go of the run; what is still there is the reaper's."""
    ledger = _ledger(config)
    if ledger is None:
        return
    run_session = current_run_session(config)
    worker = run_session is not None and run_session.worker
    if not worker and not config.stash.get(FINISHED, False):
        _clean_up_late(config, ledger)
    try:
        if not worker and ledger.path is not None and (left := ledger.left()):
            verb = "is" if left == 1 else "are"
            say(config, f"{counted(left)} {verb} left to {_heir(config, ledger, run_session)}")
        _close(ledger, bool(worker), run_session is not None and run_session.forked)
    except LedgerError as error:
        say(config, f"{error}; what may be left is left to {_heir(config, ledger, run_session)}")
        ledger.close()
    signals.remove()


def _clean_up_late(config: pytest.Config, ledger: Ledger) -> None:
    """The end of the session was skipped: by a plugin that has raised, for one.

    That is the reaper's. Where there is none, nobody else would do it.
    """
    from pytest_osfutures.plugin import options

    if options.REAPER.value(config) == "off" and (left := _left(ledger)):
        say(config, f"deleting {counted(left)}, as there is no reaper (interrupt to leave them)")
        with suppress(KeyboardInterrupt):
            _clean_up(config)


def _heir(config: pytest.Config, ledger: Ledger, run_session: RunSession | None) -> str:
    assert ledger.path is not None
    if run_session is None or run_session.reaped:
        return f"the reaper, which writes to {reaper_log(ledger.path)}"
    return f"you: {command(config, ledger)}"


def _close(ledger: Ledger, worker: bool, forked: bool) -> None:
    """If nothing is left, the reaper may go, and the ledger with it."""
    path = ledger.path
    if forked:
        over = ledger.end_if_last()  # its parent may not even know of the run
    else:
        last = ledger.leave() if ledger.part else not worker
        over = last and not ledger.left()
        if over:
            ledger.change_run_state(["running"], "ended")
    kept = ledger.rows("kept")
    ledger.close()
    if over and path is not None and not kept:
        remove_ledger(path)
        reaper_log(path).unlink(missing_ok=True)
