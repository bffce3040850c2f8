"""The report of a run from its ledger, also from the ledger of a run that was killed."""

from __future__ import annotations

import json
import socket
import sqlite3
from collections.abc import Iterable
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

from pytest_osfutures.cleanup.ledger import Ledger, LedgerError
from pytest_osfutures.cleanup.ledger_files import run_of
from pytest_osfutures.cleanup.process_lock import ProcessLock
from pytest_osfutures.cleanup.rows import LedgerRow
from pytest_osfutures.reports import Report, ResourceRow, RunInfo, Span, parse_span, report_of

#: The tables of each ledger; `spans` came later.
_TABLES = {"run", "processes", "resources", "steps"}


def read_ledger_report(path: Path) -> Report:
    """Return the report of a ledger's file, which stays unchanged.

    Raises:
        LedgerError: the file is no readable ledger.
    """
    with closing(copy_of_ledger(path)) as ledger:
        run = run_info(ledger)
        if run.state in ("running", "reaping") and run.host == socket.gethostname():
            names = ledger.processes()
            locks = [ProcessLock(path.with_name(f"{path.stem}.{each}.lock")) for each in names]
            if all(lock.is_free() for lock in locks) and ledger.locks_hold:
                run = replace(run, state="killed")
        return report_of(run, parsed_spans(ledger.spans()), resource_rows(ledger))


def copy_of_ledger(path: Path) -> Ledger:
    """Return a copy of a ledger in memory.

    Raises:
        LedgerError: the file is no readable ledger.
    """
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as source:
            _check_tables(path, source)
            return Ledger.copy_of(source, run_of(path))
    except LedgerError:
        raise
    except sqlite3.Error as error:
        raise LedgerError(f"the ledger {path} cannot be read: {error}") from None


def _check_tables(path: Path, source: sqlite3.Connection) -> None:
    found = source.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    if missing := sorted(_TABLES - {name for (name,) in found}):
        hint = "" if found else f" (a copy of a ledger needs the file {path.name}-wal beside it)"
        raise LedgerError(f"{path} is no ledger: it has no table {missing[0]!r}{hint}")


def run_info(ledger: Ledger, requests: int | None = None) -> RunInfo:
    """Return the facts about the run of a ledger.

    Raises LedgerError.
    """
    run = ledger.info()
    if run is None:
        return RunInfo(id=ledger.run, requests=requests)
    return RunInfo(
        id=run.run,
        cloud=run.cloud,
        host=run.host,
        state=run.state,
        began=run.started,
        ended=run.ended,
        requests=requests,
    )


def resource_rows(ledger: Ledger) -> list[ResourceRow]:
    """Return the resources of a ledger, oldest first.

    Raises LedgerError.
    """
    return [_resource_row(row) for row in ledger.rows()]


def _resource_row(row: LedgerRow) -> ResourceRow:
    return ResourceRow(
        type=row.kind,
        id=row.id,
        name=row.name,
        process=row.process,
        worker=row.worker,
        test=row.test,
        state=row.state,
        tries=row.tries,
        began=row.intended,
        bound=row.bound,
        gone=row.gone,
        note=row.note,
    )


def parsed_spans(documents: Iterable[str]) -> list[Span]:
    """Return the spans of documents, without those of another version."""
    spans = []
    for each in documents:
        with suppress(ValueError, RecursionError):
            spans.append(parse_span(json.loads(each)))
    return spans
