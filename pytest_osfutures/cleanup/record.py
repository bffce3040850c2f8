"""The record of one operation in the ledger, written before the request leaves."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from pytest_osfutures.cleanup import sql
from pytest_osfutures.errors import InvalidArgument, ServerLimitReached
from pytest_osfutures.operations import SERVER
from pytest_osfutures.stamp import Stamp

if TYPE_CHECKING:  # a reaper, which waits for hours, does without the transport
    from pytest_osfutures.ownership import RowState


class RecordLedger(Protocol):
    """The part of a ledger that a record needs."""

    process: str
    worker: str
    max_servers: int | None
    make_room: Callable[[str], bool]

    def begin(self) -> None: ...
    def write(self, statement: str, values: Sequence[object]) -> int: ...
    def read(self, statement: str, values: Sequence[object]) -> list[tuple[Any, ...]]: ...
    def set_state(self, operation: str, state: RowState) -> None: ...


class OperationRecord:
    """The rows of one operation: the resources that it is to make, and their state."""

    def __init__(self, ledger: RecordLedger, stamp: Stamp, test: str) -> None:
        self.ledger = ledger
        self.stamp = stamp
        self.test = test

    def intended(self, kind: str, name: str | None, count: int = 1, stamped: bool = True) -> None:
        """Write the rows of a request that is about to leave.

        Args:
            kind: Name of the resource type.
            name: Name of the resource, if any.
            count: Number of resources that the request asks for.
            stamped: False if the request cannot carry the stamp.

        Raises:
            ServerLimitReached: The run has too many servers now.
            InvalidArgument: The request asks for more servers than the run may ever have.
        """
        ledger = self.ledger
        ledger.begin()
        limit = ledger.max_servers if kind == SERVER.name else None
        if limit is not None and count > limit:
            raise InvalidArgument(
                f"{count} servers in one request, but the run may have {limit} at a time"
            )
        if not stamped:
            ledger.write(sql.MARK_UNSTAMPED, (f"operation {self.stamp.operation}",))
        row = (self.stamp.operation, kind, name, ledger.process, ledger.worker, self.test)
        if not ledger.write(sql.INTEND, (*row, time.time(), self.stamp.expires, count, limit)):
            raise ServerLimitReached(f"the run has {limit} servers already, as many as it may have")

    def bound(self, *resource_ids: str) -> None:
        """Record the ids of the resources that the service made, and close the other rows."""
        operation, now = self.stamp.operation, time.time()
        with suppress(sqlite3.Error):  # the sweep finds the resources by their stamp
            for part, ident in enumerate(resource_ids):
                self.ledger.write(sql.BIND, (ident, now, operation, part))
            self.ledger.write(sql.CLOSE_UNMADE, (now, operation, len(resource_ids)))

    def gone(self) -> None:
        """Record that no resource of the operation exists."""
        with suppress(sqlite3.Error):  # the sweep reads the resource from the cloud
            self.ledger.set_state(self.stamp.operation, "gone")

    def make_room(self) -> bool:
        """Give up a resource that no test needs yet; return False if there is none."""
        return self.ledger.make_room(self.test)

    def others(self) -> bool:
        """Return True if other processes of the run have resources that count in the same quota.

        Resources that this process shares with them are left out: it frees none of these.
        """
        try:
            values = (self.ledger.process, self.stamp.operation)
            return bool(self.ledger.read(sql.OTHERS_IN_QUOTA, values))
        except sqlite3.Error:
            return False
