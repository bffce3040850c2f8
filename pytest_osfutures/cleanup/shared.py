"""Resources that all processes of a run share: one process creates each, the last holder deletes.

A process holds a shared resource from the claim to the release or to the process's death (reference
counting). The ledger has the holders of each resource, the creator, and the result of the creation.
A created resource always belongs to one of the holders, so the cleanup of a dead process spares it.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Literal

from pytest_osfutures import errors
from pytest_osfutures.cleanup import sql
from pytest_osfutures.cleanup.ledger import SHARING, Ledger
from pytest_osfutures.cleanup.rows import LedgerRow, row_of
from pytest_osfutures.errors import (
    Attempt,
    Event,
    InvalidArgument,
    OperationDetails,
    OperationError,
    OperationFailed,
    StatusSample,
)


@dataclass(frozen=True)
class SharedState:
    """The state of a shared resource."""

    #: "yours": this process creates the resource; "creating": another process does.
    state: Literal["yours", "creating", "there", "failed"]
    #: Name of the process that creates the resource.
    creator: str | None = None
    #: Id of the resource.
    id: str | None = None
    #: Error of the creation, for `load_error`.
    error: str | None = None


class SharedResources:
    """The shared resources of a run, as one of its processes uses them."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def claim(self, name: str, arguments: Mapping[str, str]) -> SharedState:
        """Hold the resource of that name from now on, and return its state. May be repeated.

        Raises InvalidArgument if another claim had other `arguments`.
        """
        given = json.dumps(arguments, sort_keys=True)
        dead, me = self.ledger.dead(), self.ledger.process
        with self.ledger.transaction() as db:
            _release_dead_holders(db, dead)
            found = db.execute(sql.SHARED, (name,)).fetchone()
            if found is not None and found[0] != given:
                raise InvalidArgument(_describe_difference(name, arguments, json.loads(found[0])))
            db.execute(sql.ADD_HOLDER, (name, me))
            if found is not None and found[1] is not None:
                _, creator, state, ident, error = found
                return SharedState(state, creator, ident, error)
            db.execute(sql.ADD_SHARED, (name, given, me))
        return SharedState("yours", me)

    @contextmanager
    def creating(self, name: str) -> Iterator[None]:
        """Let the operation that starts inside the `with` create the shared resource."""
        token = SHARING.set(name)
        try:
            yield
        finally:
            SHARING.reset(token)

    def created(self, name: str, ident: str) -> None:
        """Record that the resource is created, for all holders."""
        self._end(name, "there", ident, None)

    def failed(self, name: str, error: BaseException) -> None:
        """Record that the creation failed, for all holders."""
        self._end(name, "failed", None, dump_error(error))

    def _end(
        self, name: str, state: Literal["there", "failed"], ident: str | None, error: str | None
    ) -> None:
        self.ledger.write(sql.END_CREATION, (state, ident, error, name, self.ledger.process))

    def others(self, name: str) -> bool:
        """Return True if another process holds the resource."""
        dead, me = self.ledger.dead(), self.ledger.process
        with self.ledger.transaction() as db:
            _release_dead_holders(db, dead)
            statement = "SELECT 1 FROM holders WHERE name = ? AND process <> ?"
            return db.execute(statement, (name, me)).fetchone() is not None

    def release(self, names: Iterable[str]) -> list[LedgerRow]:
        """Release resources, and return the rows of those without a holder, for deletion."""
        dead, me = self.ledger.dead(), self.ledger.process
        mine = list(names)
        marks = sql.placeholders(len(mine))
        with self.ledger.transaction() as db:
            # First, so that this process deletes the resources that only dead processes held.
            _release_dead_holders(db, dead)
            statement = f"DELETE FROM holders WHERE process = ? AND name IN ({marks})"  # noqa: S608
            db.execute(statement, (me, *mine))
            found = db.execute(
                "SELECT resources.* FROM resources JOIN shared USING (operation) "  # noqa: S608
                f"WHERE shared.name IN ({marks}) AND resources.state IN ('intent', 'bound') "
                "AND shared.name NOT IN (SELECT name FROM holders)",
                mine,
            ).fetchall()
            _restore_invariants(db)
        return [row for row in map(row_of, found) if row is not None]


def release_dead_holders(ledger: Ledger, dead: Iterable[str]) -> None:
    """Release all shared resources of dead processes."""
    with ledger.transaction() as db:
        _release_dead_holders(db, dead)


def _release_dead_holders(db: sqlite3.Connection, dead: Iterable[str]) -> None:
    db.executemany("DELETE FROM holders WHERE process = ?", [(name,) for name in dead])
    _restore_invariants(db)


def _restore_invariants(db: sqlite3.Connection) -> None:
    for statement in sql.RESTORE_SHARED:
        db.execute(statement)


def _describe_difference(name: str, given: Mapping[str, str], known: Mapping[str, str]) -> str:
    names = sorted({*given, *known})
    differ = ", ".join(each for each in names if given.get(each) != known.get(each))
    return (
        f"the shared {name} was asked for with other arguments before ({differ}); "
        "ask for it with the same ones everywhere, or by another name"
    )


def dump_error(error: BaseException) -> str:
    """Serialize an error as JSON for other processes of the run."""
    if not isinstance(error, OperationError):
        error = OperationFailed(f"{type(error).__name__}: {error}")
    content = {"type": type(error).__name__, "why": error.why, **asdict(error.details)}
    return json.dumps(content, default=str)


def load_error(text: str) -> OperationError:
    """Return the error that another process serialized with `dump_error`."""
    content = json.loads(text)
    cls = getattr(errors, content.pop("type"), OperationFailed)
    why = content.pop("why")
    for name, record in (("events", Event), ("history", StatusSample), ("attempts", Attempt)):
        content[name] = tuple(record(*each) for each in content[name])
    for name in ("messages", "console"):
        content[name] = tuple(content[name])
    error: OperationError = cls(why, OperationDetails(**content))
    return error
