"""The ledger of a run: all resources that the run makes, on disk before each request leaves.

A ledger is one sqlite file. A row is an *intent* before the request, *bound* when the id is known,
and *gone* when the deletion was confirmed; *kept* rows are resources that the user wants to keep.
Each method is one transaction, so that a process may die between any two of them. A ledger has no
secrets, only types, names, ids, tests and times.
"""

from __future__ import annotations

import logging
import os
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import astuple, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pytest_osfutures.cleanup import sql
from pytest_osfutures.cleanup.database import Database
from pytest_osfutures.cleanup.process_lock import ProcessLock
from pytest_osfutures.cleanup.record import OperationRecord
from pytest_osfutures.cleanup.rows import (
    LedgerRow,
    Run,
    RunState,
    process_names,
    row_of,
    run_row,
)
from pytest_osfutures.errors import OSFuturesError
from pytest_osfutures.stamp import Stamp

_log = logging.getLogger("osfutures")

if TYPE_CHECKING:  # a reaper, which waits for hours, does without the transport
    from pytest_osfutures.ownership import RowState

#: Separator of run and host in the name of a ledger that is not the controller's.
HOST_SEPARATOR = "@"
#: Seconds after which a run that died before its first row is obsolete.
EMPTY_RUN_SECONDS = 3600.0
#: Seconds after the expiry of its last stamp after which a run without working locks is obsolete.
UNKNOWN_RUN_SECONDS = 86400.0
#: Name of the shared resource that is being created in this context (see shared.py).
SHARING: ContextVar[str | None] = ContextVar("osfutures_sharing", default=None)
#: Id of the test to which operations of this context belong; empty for the running test.
TEST: ContextVar[str] = ContextVar("osfutures_test", default="")


class LedgerError(OSFuturesError, sqlite3.DatabaseError):
    """The ledger's file cannot be read or written: damaged, deleted, or on a full disk."""


class Ledger:
    """The ledger of one run. Safe to use from any thread, and from many processes at once.

    Args:
        path: File of the ledger, which is created if missing; None for a ledger in memory.
        run: Id of the run.
    """

    def __init__(self, path: Path | None, run: str) -> None:
        self.path = path
        self.run = run
        #: Name of the xdist worker; part of each new row.
        self.worker = ""
        #: Id of the running test; part of each new row.
        self.test = ""
        #: Greatest number of servers at a time, over all processes of the run; None for no limit.
        self.max_servers: int | None = None
        #: Gives up a resource that no test needs yet, for the test with this id; returns False if
        #: there is none.
        self.make_room: Callable[[str], bool] = lambda _: False
        #: Called once, before the first row is written.
        self.before_first: Callable[[], None] | None = None
        #: Name of this process: its id.
        self.process = str(os.getpid())
        self._before_first_lock = threading.Lock()
        self._held: ProcessLock | None = None
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileExistsError):
                # sqlite gives its companion files the mode of this one. An existing file is not
                # opened here: closing it would drop the locks of other connections of this
                # process (https://www.sqlite.org/howtocorrupt.html#_posix_advisory_locks_canceled_by_a_separate_thread_doing_close_).
                os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
        with self._named_errors():
            self._database = Database(path, sql.TABLES)
            self._lock = self._database.lock

    @classmethod
    def copy_of(cls, source: sqlite3.Connection, run: str) -> Self:
        """Return a copy in memory of the ledger of an open connection. Raises LedgerError."""
        copy = cls(None, run)
        with copy._named_errors():
            source.backup(copy._db)
            copy._db.executescript(sql.TABLES)  # of a later version
        return copy

    @contextmanager
    def _named_errors(self) -> Iterator[None]:
        """Turn sqlite's errors into a LedgerError that names the file."""
        try:
            yield
        except sqlite3.IntegrityError:  # a mistake of the caller, not of the file
            raise
        except sqlite3.Error as error:
            where = self.path or "in memory"
            raise LedgerError(f"the ledger {where} cannot be used: {error}") from error

    @property
    def _db(self) -> sqlite3.Connection:
        return self._database.connection

    def close(self) -> None:
        """Close the file, and release the lock that shows that this process lives."""
        with self._lock:
            self._database.close()
        if self._held is not None:
            self._held.release()
            self._held = None

    # The run and its processes

    def join(self, worker: str = "") -> bool:
        """Add this process to the run; return False if a cleanup of the run has begun.

        The process holds a lock from now on, which the kernel releases when the process dies.
        """
        self.worker = worker
        now = time.time()
        if self.path is not None and self._held is None:
            held = ProcessLock(self.lock_path(self.process))
            if held.take():
                self._held = held
        with self.transaction() as db:
            db.execute(sql.ADD_RUN, (self.run, socket.gethostname(), now))
            if db.execute("SELECT state FROM run").fetchall() != [("running",)]:
                return False
            db.execute(sql.ADD_PROCESS, (self.process, worker, now))
        return True

    def check_lock(self) -> bool:
        """Return True if another process sees the lock of this one; record in the ledger if not."""
        holds = self._held is None or self._held.is_seen()
        if not holds:
            self.write("INSERT OR REPLACE INTO facts VALUES ('locks', 'do not hold')")
        return holds

    @property
    def locks_hold(self) -> bool:
        """True if the locks beside this ledger show which processes live."""
        return not self.read("SELECT 1 FROM facts WHERE name = 'locks'")

    def leave(self) -> bool:
        """Remove this process from the run; return True if no other process of the run lives."""
        self.write("DELETE FROM processes WHERE name = ?", (self.process,))
        return not self.living()

    def end_if_last(self) -> bool:
        """End the run if no other process lives and nothing is left; return True if the run ended.

        No process can join during the decision.
        """
        with self.transaction() as db:
            others = db.execute("SELECT name FROM processes WHERE name != ?", (self.process,))
            if any(not ProcessLock(self.lock_path(str(name))).is_free() for (name,) in others):
                return False
            left = db.execute("SELECT 1 FROM resources WHERE state IN ('intent', 'bound')")
            if left.fetchone() is not None:
                return False
            db.execute("UPDATE run SET state = 'ended', ended = ?", (time.time(),))
        return True

    def workers(self) -> list[str]:
        """Return the names of the xdist workers that have joined the run."""
        return [str(name) for (name,) in self.read("SELECT DISTINCT worker FROM processes")]

    @property
    def is_partial(self) -> bool:
        """True if the run has ledgers on several hosts and this one is not the controller's."""
        return self.path is not None and HOST_SEPARATOR in self.path.stem

    def describe(self, cloud: str, auth_url: str, project: str) -> None:
        """Record the cloud and the project of the run."""
        values = (cloud, auth_url, project)
        self.write("UPDATE run SET cloud = ?, auth_url = ?, project = ?", values)

    def info(self) -> Run | None:
        """Return the run; None as long as no process has joined it."""
        found = self.read("SELECT * FROM run")
        return run_row(found[0]) if found else None

    def lock_path(self, process: str) -> Path:
        """Return the file whose lock a living process holds."""
        assert self.path is not None
        return self.path.with_name(f"{self.path.stem}.{process}.lock")

    def processes(self) -> list[str]:
        """Return the names of all processes that have joined the run, dead ones included."""
        return process_names(self.read("SELECT name FROM processes"))

    def dead(self) -> list[str]:
        """Return the names of the dead processes; none if the locks cannot show them."""
        if self.path is None or not self.locks_hold:
            return []
        return [name for name in self.processes() if ProcessLock(self.lock_path(name)).is_free()]

    def living(self) -> int:
        """Return the number of living processes."""
        return len(self.processes()) - len(self.dead())

    def change_run_state(self, before: Sequence[RunState], state: RunState) -> bool:
        """Set the run's state if it is one of `before`; return True if so."""
        marks = sql.placeholders(len(before))
        statement = f"UPDATE run SET state = ?, ended = ? WHERE state IN ({marks})"  # noqa: S608
        return self.write(statement, (state, time.time(), *before)) > 0

    # Resources

    def record(self, stamp: Stamp) -> OperationRecord:
        """Return the record of an operation; the first `intended` writes the row."""
        if (name := SHARING.get()) is not None:
            self.write("UPDATE shared SET operation = ? WHERE name = ?", (stamp.operation, name))
        return OperationRecord(self, stamp, self.owner)

    @property
    def owner(self) -> str:
        """The id of the test, class, module or session to which new operations belong."""
        return TEST.get() or self.test

    @contextmanager
    def of_test(self, test: str) -> Iterator[None]:
        """Let operations that begin in this context belong to a test that is not running yet."""
        token = TEST.set(test)
        try:
            yield
        finally:
            TEST.reset(token)

    def begin(self) -> None:
        """Call `before_first`, once."""
        with self._before_first_lock:
            if self.before_first is not None:
                self.before_first()
                self.before_first = None

    def assign(self, resource_id: str, test: str) -> None:
        """Record that a resource and its children belong to another test; raises no LedgerError."""
        with suppress(sqlite3.Error):
            self.write(sql.ASSIGN, (test, resource_id))

    def gone(self, kind: str, resource_id: str) -> None:
        """Record that the deletion of a resource was confirmed."""
        with suppress(sqlite3.Error):
            self.write(sql.GONE, (time.time(), resource_id, kind))

    def keep(self, kind: str, resource_id: str, note: str | None = None) -> None:
        """Record that the user wants to keep a resource and the children of that resource.

        `note` tells how to use the kept resource.
        """
        self.write(sql.KEEP, (resource_id, kind, note))

    def add_child(self, operation: str, kind: str, ident: str) -> None:
        """Add a row for a resource that the cloud made for the resource of an operation."""
        self.write(sql.ADD_CHILD, (kind, ident, time.time(), operation))

    def unstamped_operations(self) -> set[str]:
        """Return the operations whose resources may not carry their stamp."""
        found = self.read(sql.UNSTAMPED)
        return {str(name).removeprefix("operation ") for (name,) in found}

    def mark_stamped(self, operation: str) -> None:
        """Record that the resource of an operation carries the stamp now."""
        self.write("DELETE FROM facts WHERE name = ?", (f"operation {operation}",))

    def renew(self, operation: str, expires: int) -> None:
        """Record the new expiry of a stamp, in seconds since 1970."""
        self.write("UPDATE resources SET expires = ? WHERE operation = ?", (expires, operation))

    def set_state(
        self, operation: str, state: RowState, note: str | None = None, part: int | None = None
    ) -> None:
        """Set the state of an operation's resources.

        Args:
            state: `gone`, `kept` or `bound`.
            note: Reason of the state.
            part: Number of one of the operation's resources (default: all, but no children).
        """
        now = time.time()
        self.write(sql.SET_STATE, (state, note, state, now, operation, part))

    def import_row(self, row: LedgerRow) -> None:
        """Add a row from another ledger of the same run."""
        marks = sql.placeholders(len(fields(LedgerRow)))
        self.write(f"INSERT OR IGNORE INTO resources VALUES ({marks})", astuple(row))  # noqa: S608

    def rows(
        self, *states: RowState, processes: Iterable[str] = (), test: str | None = None
    ) -> list[LedgerRow]:
        """Return the rows in any of `states`, of these processes and this test (default: all)."""
        statement = "SELECT * FROM resources WHERE 1"
        values: list[str] = []
        for column, wanted in (("state", states), ("process", list(processes))):
            if wanted:
                statement += f" AND {column} IN ({sql.placeholders(len(wanted))})"
                values += wanted
        if test is not None:
            statement += " AND test = ?"
            values.append(test)
        rows = [row_of(found) for found in self.read(statement + " ORDER BY intended", values)]
        return [row for row in rows if row is not None]

    def left(self) -> int:
        """Return the number of resources that may still exist and that nobody wants to keep."""
        return len(self.rows("intent", "bound"))

    def is_obsolete(self, now: float) -> bool:
        """Return True if the ledger can be removed: the run is over and no kept resource is left.

        `now` is the cloud's time in seconds since 1970.
        """
        run = self.info()
        if run is not None and run.state == "ended":
            return all(row.expires < now for row in self.rows("kept"))
        began = run.started if run is not None and self.path is not None else time.time()
        if not self.locks_hold:
            last = max([began, *(row.expires for row in self.rows())])
            return last < now - UNKNOWN_RUN_SECONDS
        is_old = began < time.time() - EMPTY_RUN_SECONDS
        return not self.rows() and not self.living() and is_old

    def note(self, text: str) -> None:
        """Add a line to the notes of the cleanup, if the file can be written, and to the log."""
        _log.info("%s", text)
        with suppress(sqlite3.Error):
            self.write("INSERT INTO steps VALUES (?, ?)", (time.time(), text))

    def steps(self) -> list[str]:
        """Return the notes of the cleanup, in their order."""
        return [str(text) for (text,) in self.read("SELECT text FROM steps ORDER BY rowid")]

    # Spans

    def add_spans(self, documents: Iterable[str]) -> None:
        """Add documents of the spans of this process. Raises LedgerError."""
        with self.transaction() as db:
            rows = ((self.process, document) for document in documents)
            db.executemany("INSERT INTO spans VALUES (?, ?)", rows)

    def spans(self) -> list[str]:
        """Return the documents of all processes, those of each process in their order."""
        return [str(text) for (text,) in self.read("SELECT document FROM spans ORDER BY rowid")]

    # Access

    def write(self, statement: str, values: Sequence[object] = ()) -> int:
        """Execute a statement that changes rows; return their number. Raises LedgerError."""
        with self._lock, self._named_errors():
            return self._db.execute(statement, values).rowcount

    def read(self, statement: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows that a statement selects. Raises LedgerError."""
        with self._lock, self._named_errors():
            return self._db.execute(statement, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Run several statements in one transaction. Raises LedgerError."""
        with self._lock, self._named_errors():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # sqlite ends it by itself if the disk is full
                    self._db.execute("ROLLBACK")
                raise
