"""Runs of this host that died: their ledgers, and the cleanup that their reaper did not finish."""

from __future__ import annotations

import socket
from collections.abc import Container
from pathlib import Path

from pytest_osfutures.cleanup.cleanups import clean_up, stamps_of_run, sweep_stamps
from pytest_osfutures.cleanup.ledger import Ledger, LedgerError
from pytest_osfutures.cleanup.ledger_files import ledgers, reaper_lock
from pytest_osfutures.cleanup.process_lock import ProcessLock
from pytest_osfutures.cleanup.rows import Run
from pytest_osfutures.cleanup.sweep import Note, SweepContext


def dead_runs(
    directory: Path,
    auth_url: str,
    project: str,
    note: Note = lambda _: None,
    runs: Container[str] = (),
) -> list[Ledger]:
    """Open the ledgers of this host's dead runs in a project that no reaper cleans up.

    Args:
        directory: Directory of the ledgers.
        auth_url: URL of the cloud's Keystone.
        project: Id of the project.
        note: Takes a line for each ledger that cannot be read.
        runs: Runs with resources in the project; these count whatever their ledger's `auth_url`.

    Returns:
        Ledgers that the caller closes.
    """
    dead = []
    for ledger in ledgers(directory, note):
        run = ledger.info()
        is_here = run is not None and (_is_in(run, auth_url, project) or run.run in runs)
        if run is not None and is_here and _is_of_this_host(run) and is_dead(ledger):
            dead.append(ledger)
        else:
            ledger.close()
    return dead


def _is_in(run: Run, auth_url: str, project: str) -> bool:
    return (run.auth_url.rstrip("/"), run.project) == (auth_url.rstrip("/"), project)


def _is_of_this_host(run: Run) -> bool:
    return run.host == socket.gethostname() and run.state in ("running", "reaping")


def is_dead(ledger: Ledger) -> bool:
    """Return True if neither a process of the run nor its reaper lives."""
    assert ledger.path is not None
    return not ledger.living() and ProcessLock(reaper_lock(ledger.path)).is_free()


def clean_up_dead(context: SweepContext, ledger: Ledger, persist_seconds: float = 0.0) -> bool:
    """Finish the cleanup of a dead run; return True if all its resources are gone.

    Returns False if another process cleans the run up already.
    """
    assert ledger.path is not None
    lock = ProcessLock(reaper_lock(ledger.path))
    if not lock.take():
        return False
    kept = {row.operation for row in ledger.rows("kept")}
    try:
        ledger.change_run_state(["running"], "reaping")
        complete = clean_up(context, ledger, persist_seconds=persist_seconds)
        if complete:
            ledger.change_run_state(["reaping"], "reaped")
        return complete
    except LedgerError as error:
        context.note(f"{error}; going by the stamps in the cloud")
        if ledger.is_partial:
            return False
        return sweep_stamps(context, stamps_of_run(ledger.run, kept))
    finally:
        lock.release()
