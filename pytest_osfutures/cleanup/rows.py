"""What stands in a ledger, as values that cannot be odd, whatever became of its file."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

#: What makes a ledger of an empty file.
TABLES = """
CREATE TABLE IF NOT EXISTS run(
    run TEXT PRIMARY KEY, host TEXT, cloud TEXT, auth_url TEXT, project TEXT, started REAL,
    state TEXT, ended REAL);
CREATE TABLE IF NOT EXISTS processes(name TEXT PRIMARY KEY, worker TEXT, started REAL);
CREATE TABLE IF NOT EXISTS resources(
    operation TEXT, kind TEXT, name TEXT, id TEXT, process TEXT, worker TEXT, test TEXT,
    state TEXT, tries INTEGER, intended REAL, bound REAL, gone REAL, expires INTEGER, note TEXT,
    part INTEGER DEFAULT 0, PRIMARY KEY(operation, part));
CREATE INDEX IF NOT EXISTS by_id ON resources(id);
CREATE TABLE IF NOT EXISTS steps(time REAL, text TEXT);
CREATE TABLE IF NOT EXISTS shared(
    name TEXT PRIMARY KEY, arguments TEXT, creator TEXT, state TEXT, operation TEXT, id TEXT,
    error TEXT);
CREATE TABLE IF NOT EXISTS facts(name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS holders(name TEXT, process TEXT, PRIMARY KEY(name, process));
"""
#: Keeps a resource, and what the cloud has made for it.
KEEP = """
UPDATE resources SET state = 'kept' WHERE id = ?1 AND kind = ?2 OR kind <> ?2 AND state = 'bound'
    AND operation IN (SELECT operation FROM resources WHERE id = ?1 AND kind = ?2)
"""
#: A process goes by its id; nothing else may become a part of a path.
_PROCESS = re.compile(r"[0-9]{1,20}", re.ASCII)


@dataclass(frozen=True)
class LedgerRow:
    """One resource of a run, as the ledger has it; times are seconds since 1970.

    `part` tells apart what one operation has made: the servers of one request, from 0 on.
    """

    operation: str
    kind: str
    name: str | None
    id: str | None
    process: str
    worker: str
    test: str
    state: str
    tries: int
    intended: float
    bound: float | None
    gone: float | None
    expires: int
    note: str | None
    part: int = 0

    def __str__(self) -> str:
        ident = self.id or f"not known yet, operation {self.operation}"
        of = f" of {self.test}" if self.test else ""
        return f"{self.kind} {self.name or ''} ({ident}){of}".replace("  ", " ")


@dataclass(frozen=True)
class Run:
    """Whose ledger it is. `state`: running, reaping (its processes are dead), reaped, ended."""

    run: str
    host: str
    cloud: str
    auth_url: str
    project: str
    started: float
    state: str
    ended: float | None


def row_of(found: Sequence[Any]) -> LedgerRow | None:
    """A row of the file as a value that cannot be odd; None if it does not say what it is of."""
    (operation, kind, name, ident, process, worker, test, state) = found[:8]
    tries, intended, bound, gone, expires, note = found[8:14]
    if not isinstance(operation, str) or not isinstance(kind, str):
        return None
    return LedgerRow(
        operation,
        kind,
        None if name is None else _text(name),
        _text(ident) or None,
        _text(process),
        _text(worker),
        _text(test),
        _text(state),
        int(_number(tries)),
        _number(intended),
        _maybe(bound),
        _maybe(gone),
        int(_number(expires)),
        None if note is None else _text(note),
        int(_number(found[14])) if len(found) > 14 else 0,
    )


def run_row(found: Sequence[Any]) -> Run:
    """The run that a file is of, as a value that cannot be odd."""
    run, host, cloud, auth_url, project, started, state, ended = found
    return Run(
        _text(run),
        _text(host),
        _text(cloud),
        _text(auth_url),
        _text(project),
        _number(started),
        _text(state),
        _maybe(ended),
    )


def process_names(found: Iterable[Sequence[Any]]) -> list[str]:
    """The processes of a run; another name was never a process, and holds no lock."""
    return [name for name in map(_text, (name for (name,) in found)) if _PROCESS.fullmatch(name)]


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return "" if value is None else str(value)


def _number(value: object) -> float:
    """A number of a row; 0 for what is none, or is infinite."""
    return value if isinstance(value, int | float) and math.isfinite(value) else 0


def _maybe(value: object) -> float | None:
    return None if value is None else _number(value)
