"""The rows of a ledger as typed values, whatever a damaged or edited file contains."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

#: Reason why a resource is left alone for good.
NOT_OURS = "it no longer carries the stamp it was made with, so it is left alone"
#: Name of a process: its id. No other text may become a part of a path.
_PROCESS = re.compile(r"[0-9]{1,20}", re.ASCII)


#: States of a run; from "reaping" on all its processes are dead.
RunState = Literal["running", "reaping", "reaped", "ended"]


@dataclass(frozen=True)
class LedgerRow:
    """One resource of a run; times are seconds since 1970."""

    #: Id of the operation that makes the resource, as in its stamp.
    operation: str
    #: Name of the resource type.
    kind: str
    name: str | None
    #: Id of the resource; None until the response arrived.
    id: str | None
    #: Name of the process that made the resource.
    process: str
    worker: str
    #: Id of the test that made the resource; empty for shared resources and those of a session.
    test: str
    #: A `RowState`, or any text in a damaged ledger.
    state: str
    tries: int
    intended: float
    bound: float | None
    gone: float | None
    #: Expiry of the stamp.
    expires: int
    #: Reason of the state.
    note: str | None
    #: Number of this resource among those of one operation, from 0 on.
    part: int = 0

    def __str__(self) -> str:
        ident = self.id or f"not known yet, operation {self.operation}"
        of = f" of {self.test}" if self.test else ""
        return f"{self.kind} {self.name or ''} ({ident}){of}".replace("  ", " ")


@dataclass(frozen=True)
class Run:
    """The run of a ledger."""

    run: str
    #: Host of the run's processes.
    host: str
    #: Name of the cloud in clouds.yaml.
    cloud: str
    #: URL of the cloud's Keystone.
    auth_url: str
    #: Id of the project.
    project: str
    #: Seconds since 1970.
    started: float
    #: A `RunState`, or any text in a damaged ledger.
    state: str
    #: Seconds since 1970.
    ended: float | None


def row_of(found: Sequence[Any]) -> LedgerRow | None:
    """Parse a row of the table `resources`; return None if it names no operation or no type."""
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
        _number_or_none(bound),
        _number_or_none(gone),
        int(_number(expires)),
        None if note is None else _text(note),
        int(_number(found[14])) if len(found) > 14 else 0,
    )


def run_row(found: Sequence[Any]) -> Run:
    """Parse the row of the table `run`."""
    run, host, cloud, auth_url, project, started, state, ended = found
    return Run(
        _text(run),
        _text(host),
        _text(cloud),
        _text(auth_url),
        _text(project),
        _number(started),
        _text(state),
        _number_or_none(ended),
    )


def process_names(found: Iterable[Sequence[Any]]) -> list[str]:
    """Return the valid names of the table `processes`; no process holds a lock under another."""
    return [name for name in map(_text, (name for (name,) in found)) if _PROCESS.fullmatch(name)]


def _text(value: object) -> str:
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return "" if value is None else str(value)


def _number(value: object) -> float:
    """Return a number of a row; 0 for any other value, and for infinity."""
    return value if isinstance(value, int | float) and math.isfinite(value) else 0


def _number_or_none(value: object) -> float | None:
    return None if value is None else _number(value)
