"""Resources that all processes of a run share: one creates each, the last one deletes it.

A process holds a shared resource from its claim until it gives it back or dies. The ledger has who
holds what, who creates it, and what came of that. A shared resource that is there always belongs to
one of its holders, so that whoever cleans up after a dead process leaves it alone.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from pytest_osfutures import errors
from pytest_osfutures.cleanup.ledger import SHARING, Ledger, LedgerRow
from pytest_osfutures.errors import (
    Attempt,
    Event,
    InvalidArgument,
    OperationDetails,
    OperationError,
    OperationFailed,
    StatusSample,
)

#: What has to hold after every change of the holders.
_SETTLE = (
    # Whoever creates is a holder; else it is open to the next who asks.
    """UPDATE shared SET creator = NULL, operation = NULL WHERE state = 'creating' AND NOT EXISTS
        (SELECT 1 FROM holders WHERE name = shared.name AND process = shared.creator)""",
    # What is there is a holder's, and no longer of the test that asked for it first.
    """UPDATE resources SET test = '', (process, worker) = (
        SELECT process, processes.worker FROM holders
        JOIN shared USING (name) JOIN processes ON processes.name = process
        WHERE shared.operation = resources.operation LIMIT 1)
    WHERE operation IN (
            SELECT operation FROM shared JOIN holders USING (name) WHERE state = 'there')
        AND process NOT IN (SELECT process FROM holders JOIN shared USING (name)
            WHERE shared.operation = resources.operation)""",
    "DELETE FROM shared WHERE name NOT IN (SELECT name FROM holders)",
)


@dataclass(frozen=True)
class SharedState:
    """A shared resource as its ledger has it.

    `state`: yours (you are the one to create it), creating (somebody else does), there, failed.
    """

    state: str
    creator: str | None = None
    id: str | None = None
    error: str | None = None


class SharedResources:
    """This process's part in what the processes of a run share."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def claim(self, name: str, arguments: Mapping[str, str]) -> SharedState:
        """Hold the resource of that name from now on, and say how it is; as often as you like.

        Raises InvalidArgument if it was claimed with other `arguments`.
        """
        given = json.dumps(arguments, sort_keys=True)
        dead, me = self.ledger.dead(), self.ledger.process
        with self.ledger.transaction() as db:
            _release_dead_holders(db, dead)
            found = db.execute(
                "SELECT arguments, creator, state, id, error FROM shared WHERE name = ?", (name,)
            ).fetchone()
            if found is not None and found[0] != given:
                raise InvalidArgument(_differs(name, arguments, json.loads(found[0])))
            db.execute("INSERT OR IGNORE INTO holders VALUES (?, ?)", (name, me))
            if found is not None and found[1] is not None:
                _, creator, state, ident, error = found
                return SharedState(state, creator, ident, error)
            db.execute(
                "INSERT OR REPLACE INTO shared(name, arguments, creator, state) "
                "VALUES (?, ?, ?, 'creating')",
                (name, given, me),
            )
        return SharedState("yours", me)

    @contextmanager
    def creating(self, name: str) -> Iterator[None]:
        """What is asked for in this context becomes the shared resource of that name."""
        token = SHARING.set(name)
        try:
            yield
        finally:
            SHARING.reset(token)

    def created(self, name: str, ident: str) -> None:
        """The resource is there, for all who hold it."""
        self._end(name, "there", ident, None)

    def failed(self, name: str, error: BaseException) -> None:
        """The resource could not be created; all who hold it hear of it."""
        self._end(name, "failed", None, dump_error(error))

    def _end(self, name: str, state: str, ident: str | None, error: str | None) -> None:
        with self.ledger.transaction() as db:
            db.execute(
                "UPDATE shared SET state = ?, id = ?, error = ? "
                "WHERE name = ? AND creator = ? AND state = 'creating'",
                (state, ident, error, name, self.ledger.process),
            )

    def others(self, name: str) -> bool:
        """Whether any other process holds it."""
        dead, me = self.ledger.dead(), self.ledger.process
        with self.ledger.transaction() as db:
            _release_dead_holders(db, dead)
            sql = "SELECT 1 FROM holders WHERE name = ? AND process <> ?"
            return db.execute(sql, (name, me)).fetchone() is not None

    def release(self, names: Iterable[str]) -> list[LedgerRow]:
        """Hold these no longer; return what nobody holds any more, and is to be deleted."""
        dead, me = self.ledger.dead(), self.ledger.process
        mine = list(names)
        marks = ", ".join("?" * len(mine))
        with self.ledger.transaction() as db:
            _release_dead_holders(
                db, dead
            )  # first, so that what only the dead have held becomes ours
            sql = f"DELETE FROM holders WHERE process = ? AND name IN ({marks})"  # noqa: S608
            db.execute(sql, (me, *mine))
            found = db.execute(
                "SELECT resources.* FROM resources JOIN shared USING (operation) "  # noqa: S608
                f"WHERE shared.name IN ({marks}) AND resources.state IN ('intent', 'bound') "
                "AND shared.name NOT IN (SELECT name FROM holders)",
                mine,
            ).fetchall()
            _settle(db)
        return [LedgerRow(*each) for each in found]


def release_dead_holders(ledger: Ledger, dead: Iterable[str]) -> None:
    """These processes hold nothing any more."""
    with ledger.transaction() as db:
        _release_dead_holders(db, dead)


def _release_dead_holders(db: sqlite3.Connection, dead: Iterable[str]) -> None:
    db.executemany("DELETE FROM holders WHERE process = ?", [(name,) for name in dead])
    _settle(db)


def _settle(db: sqlite3.Connection) -> None:
    for sql in _SETTLE:
        db.execute(sql)


def _differs(name: str, given: Mapping[str, str], known: Mapping[str, str]) -> str:
    names = sorted({*given, *known})
    differ = ", ".join(each for each in names if given.get(each) != known.get(each))
    return (
        f"the shared {name} was asked for with other arguments before ({differ}); "
        "ask for it with the same ones everywhere, or by another name"
    )


def dump_error(error: BaseException) -> str:
    """An error as other processes can be told of it."""
    if not isinstance(error, OperationError):
        error = OperationFailed(f"{type(error).__name__}: {error}")
    content = {"type": type(error).__name__, "why": error.why, **asdict(error.details)}
    return json.dumps(content, default=str)


def load_error(text: str) -> OperationError:
    """The error that another process has told of."""
    content = json.loads(text)
    kind = getattr(errors, content.pop("type"), OperationFailed)
    why = content.pop("why")
    for name, record in (("events", Event), ("history", StatusSample), ("attempts", Attempt)):
        content[name] = tuple(record(*each) for each in content[name])
    error: OperationError = kind(
        why, OperationDetails(**{**content, "messages": tuple(content["messages"])})
    )
    return error
