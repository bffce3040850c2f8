"""What one operation is to make, as it is noted in the ledger before the request leaves."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import Any, Protocol

from pytest_osfutures.errors import InvalidArgument, ServerLimitReached
from pytest_osfutures.operations import OWNED_TYPES, VOLUME
from pytest_osfutures.stamp import Stamp

_INTEND = """
INSERT INTO resources(
    operation, kind, name, process, worker, test, state, tries, intended, expires, part)
WITH RECURSIVE parts(part) AS (SELECT 0 UNION ALL SELECT part + 1 FROM parts WHERE part + 1 < ?9)
SELECT ?1, ?2, CASE WHEN ?9 > 1 THEN ?3 || '-' || (part + 1) ELSE ?3 END,
    ?4, ?5, ?6, 'intent', 1, ?7, ?8, part FROM parts
WHERE ?10 IS NULL OR ?10 >= ?9 + (SELECT count(*) FROM resources
    WHERE kind = 'server' AND state IN ('intent', 'bound') AND operation <> ?1)
ON CONFLICT(operation, part) DO UPDATE SET
    state = 'intent', tries = tries + 1, id = NULL, gone = NULL, intended = excluded.intended
"""
UNMARK = "INSERT OR REPLACE INTO facts VALUES (?, 'unmarked')"
_OF_CINDER = ", ".join(
    f"'{each.name}'" for each in OWNED_TYPES.values() if each.service == VOLUME.service
)
#: Cinder has one quota of gigabytes for volumes, snapshots and backups.
_OTHERS = f"""
SELECT 1 FROM resources AS other, resources AS own
WHERE other.state = 'bound' AND other.process <> ?1 AND own.operation = ?2
    AND (other.kind = own.kind OR other.kind IN ({_OF_CINDER}) AND own.kind IN ({_OF_CINDER}))
    AND other.operation NOT IN
        (SELECT operation FROM shared JOIN holders USING (name) WHERE process = ?1)
LIMIT 1
"""  # noqa: S608 - names of our own


class RecordLedger(Protocol):
    """What a record needs of its ledger."""

    process: str
    worker: str
    max_servers: int | None

    def begin(self) -> None: ...
    def write(self, sql: str, values: Sequence[object]) -> int: ...
    def read(self, sql: str, values: Sequence[object]) -> list[tuple[Any, ...]]: ...
    def set_state(self, operation: str, state: str) -> None: ...


class OperationRecord:
    """The ledger's row of one operation: what it is to make, and what became of it."""

    def __init__(self, ledger: RecordLedger, stamp: Stamp, test: str) -> None:
        self.ledger = ledger
        self.stamp = stamp
        self.test = test

    def intended(self, kind: str, name: str | None, count: int = 1, stamped: bool = True) -> None:
        """The request for `count` resources is about to leave; `stamped` if it has the stamp.

        Raises ServerLimitReached if the run may not have as many more servers now, InvalidArgument
        if it never may.
        """
        ledger = self.ledger
        ledger.begin()
        limit = ledger.max_servers if kind == "server" else None
        if limit is not None and count > limit:
            raise InvalidArgument(
                f"{count} servers in one request, but the run may have {limit} at a time"
            )
        if not stamped:
            ledger.write(UNMARK, (f"operation {self.stamp.operation}",))
        row = (self.stamp.operation, kind, name, ledger.process, ledger.worker, self.test)
        if not ledger.write(_INTEND, (*row, time.time(), self.stamp.expires, count, limit)):
            raise ServerLimitReached(f"the run has {limit} servers already, as many as it may have")

    def bound(self, *resource_ids: str) -> None:
        """The cloud has answered: these are the ids; of more resources none was made."""
        operation, now = self.stamp.operation, time.time()
        with suppress(sqlite3.Error):  # the stamp tells it, too
            for part, ident in enumerate(resource_ids):
                self.ledger.write(
                    "UPDATE resources SET state = 'bound', id = ?, bound = ?"
                    " WHERE operation = ? AND part = ?",
                    (ident, now, operation, part),
                )
            self.ledger.write(
                "UPDATE resources SET state = 'gone', gone = ?"
                " WHERE operation = ? AND part >= ? AND state = 'intent'",
                (now, operation, len(resource_ids)),
            )

    def gone(self) -> None:
        """Nothing of it exists (any more), and that is confirmed."""
        with suppress(sqlite3.Error):  # then the sweep asks the cloud
            self.ledger.set_state(self.stamp.operation, "gone")

    def others(self) -> bool:
        """Whether other processes of the run have what the same quota is for.

        What this process holds together with them does not count: it will make no room.
        """
        try:
            return bool(self.ledger.read(_OTHERS, (self.ledger.process, self.stamp.operation)))
        except sqlite3.Error:
            return False
