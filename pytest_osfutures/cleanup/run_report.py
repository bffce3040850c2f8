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
from pytest_osfutures.reports import (
    Report,
    ResourceRow,
    RunInfo,
    Span,
    latest,
    parse_span,
    report_of,
)

#: The tables of each ledger; `spans` came later.
_TABLES = {"run", "processes", "resources", "steps"}


def read_ledger_report(path: Path) -> Report:
    """Return the report of a ledger's file, which stays unchanged.

    Raises:
        LedgerError: the file is no readable ledger.
    """
    try:
        with closing(_copy(path)) as ledger:
            run = run_info(ledger)
            if _is_killed(path, run, ledger):
                run = replace(run, state="killed")
            return report_of(run, parsed_spans(ledger.spans()), resource_rows(ledger))
    except (sqlite3.Error, ValueError) as error:  # ValueError: other columns
        why = str(error.__cause__ or error)
        raise LedgerError(f"the ledger {path} cannot be read: {why}") from None


def _copy(path: Path) -> Ledger:
    """Return a copy of a ledger in memory. Raises sqlite3.Error."""
    log = path.with_name(f"{path.name}-wal")
    # Without this log nobody writes, and sqlite need not make companion files to read.
    mode = "mode=ro" if log.exists() else "mode=ro&immutable=1"
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)) as source:
        source.text_factory = lambda text: text.decode(errors="replace")
        ((result,),) = source.execute("PRAGMA quick_check(1)")
        if result != "ok":
            raise LedgerError(f"it is damaged: {' '.join(str(result).split())}")
        found = source.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        if missing := sorted(_TABLES - {name for (name,) in found}):
            hint = "" if found else f" (a copy of a ledger needs the file {log.name} beside it)"
            raise LedgerError(f"it is no ledger, as it has no table {missing[0]!r}{hint}")
        return Ledger.copy_of(source, run_of(path))


def _is_killed(path: Path, run: RunInfo, ledger: Ledger) -> bool:
    """Return True if a run has not ended and none of its processes lives on this host."""
    if run.state not in ("running", "reaping") or run.host != socket.gethostname():
        return False
    names = ledger.processes()
    locks = [ProcessLock(path.with_name(f"{path.stem}.{each}.lock")) for each in names]
    return ledger.locks_hold and all(lock.is_free() for lock in locks)


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
    """Return the newest spans of documents, without those of another version."""
    spans = []
    for each in documents:
        with suppress(ValueError, RecursionError):
            spans.append(parse_span(json.loads(each)))
    return latest(spans)
