"""The section of a run's resources and operations at the end of pytest's output."""

from __future__ import annotations

import time
from typing import Any

import pytest

from pytest_osfutures.cleanup import Ledger, LedgerError, LedgerRow
from pytest_osfutures.plugin.fixtures import current_run_session
from pytest_osfutures.plugin.report_files import run_report
from pytest_osfutures.plugin.session_end import UNDELETED, ledger_of, reap_command
from pytest_osfutures.reports import summary_lines
from pytest_osfutures.scopes import counted

#: The verbosity (-q -q) from which on only resources that exist are told.
SILENT = -2


def write_summary(config: pytest.Config, terminal: Any) -> None:
    """Print the operations of the run, and what was deleted, is kept, or could not be deleted."""
    ledger = ledger_of(config)
    kept = _kept(ledger)
    undeleted = config.stash.get(UNDELETED, [])
    run_session = current_run_session(config)
    lines = list(run_session.summary) if run_session is not None else []
    if config.option.verbose > SILENT:
        left = _left_behind(ledger, kept, undeleted)
        lines += summary_lines(run_report(config, time.time()), left)
    for row in kept:
        lines += [f"kept: {row}", *([f"      {row.note}"] if row.note else [])]
    lines += [f"NOT deleted: {text}" for text in undeleted]
    if (kept or undeleted) and ledger is not None and ledger.path is not None:
        lines.append(f"to delete: {reap_command(config, ledger)}")
    if lines:
        terminal.write_sep("=", "OpenStack resources")
        for text in lines:
            terminal.write_line(text)


def _left_behind(ledger: Ledger | None, kept: list[LedgerRow], undeleted: list[str]) -> str:
    """Return the resources that the run has left behind, in words."""
    try:
        left = max(len(undeleted), 0 if ledger is None else ledger.left())
    except LedgerError:
        return "not known, the ledger is lost"
    text = counted(left) if left else "none"
    return f"{text} ({len(kept)} kept)" if kept else text


def _kept(ledger: Ledger | None) -> list[LedgerRow]:
    try:
        return [] if ledger is None else ledger.rows("kept")
    except LedgerError:
        return []
