"""What a run has made, on disk before the request for it leaves: one sqlite file a run.

A row is an *intent* before the request, *bound* when the id is known, *gone* when that was
confirmed; *kept* is what the user wants to keep. Every call is one transaction, so that a process
may die between any two of them. There is no secret in it: kinds, names, ids, tests and times.
"""

from __future__ import annotations

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
from typing import Any

from pytest_osfutures.cleanup.database import Database
from pytest_osfutures.cleanup.process_lock import ProcessLock
from pytest_osfutures.cleanup.record import OperationRecord
from pytest_osfutures.cleanup.rows import KEEP, TABLES, process_names, row_of, run_row
from pytest_osfutures.cleanup.rows import LedgerRow as LedgerRow
from pytest_osfutures.cleanup.rows import Run as Run
from pytest_osfutures.errors import InvalidArgument, OSFuturesError
from pytest_osfutures.stamp import Stamp

SUFFIX = ".sqlite"
#: Stands between the run and the host in the name of a ledger that is not the controller's.
APART = "@"
#: The name of the shared resource that is being created in this context (see holders.py).
SHARING: ContextVar[str | None] = ContextVar("osfutures_sharing", default=None)


class LedgerError(OSFuturesError, sqlite3.DatabaseError):
    """The ledger's file cannot be read or written: damaged, deleted, or on a full disk."""


class Ledger:
    """One run's ledger. Safe to use from any thread, and from many processes at once.

    `worker` and `test` are noted with each new row. `max_servers` bounds how many servers the
    run may have at a time, over all its processes. `before_first` is called once, before the first
    row is written.
    """

    def __init__(self, path: Path | None, run: str) -> None:
        """Open the ledger at `path`, or make it; None keeps it in memory."""
        self.path = path
        self.run = run
        self.worker = ""
        self.test = ""
        self.max_servers: int | None = None
        self.before_first: Callable[[], None] | None = None
        self._beginning = threading.Lock()
        self.process = str(os.getpid())
        self._held: ProcessLock | None = None
        if path is not None:
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with suppress(FileExistsError):
                # sqlite gives its companion files the mode that this one has. Only where nobody
                # has it open: closing it would drop the locks of this process's other connections.
                os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
        with self._usable():
            self._database = Database(path, TABLES)
            self._lock = self._database.lock

    @contextmanager
    def _usable(self) -> Iterator[None]:
        """Say which file it is that sqlite complains about. Raises LedgerError."""
        try:
            yield
        except sqlite3.IntegrityError:  # the caller's mistake, and not the file's
            raise
        except sqlite3.Error as error:
            where = self.path or "in memory"
            raise LedgerError(f"the ledger {where} cannot be used: {error}") from error

    @property
    def _db(self) -> sqlite3.Connection:
        return self._database.connection

    def close(self) -> None:
        """Let go of the file, and of this process's part in the run."""
        with self._lock:
            self._database.close()
        if self._held is not None:
            self._held.release()
            self._held = None

    # The run and its processes

    def join(self, worker: str = "") -> bool:
        """Make this process one of the run's; False if the run is being cleaned up already.

        From now until it dies, however it dies, the kernel holds a lock for it.
        """
        self.worker = worker
        now = time.time()
        if self.path is not None and self._held is None:
            held = ProcessLock(self.lock_path(self.process))
            if held.take():
                self._held = held
        with self.transaction() as db:
            db.execute(
                "INSERT OR IGNORE INTO run VALUES (?, ?, '', '', '', ?, 'running', NULL)",
                (self.run, socket.gethostname(), now),
            )
            if db.execute("SELECT state FROM run").fetchall() != [("running",)]:
                return False
            db.execute(
                "INSERT OR REPLACE INTO processes VALUES (?, ?, ?)", (self.process, worker, now)
            )
        return True

    def check_lock(self) -> bool:
        """Whether another process sees this one's lock, which `join` has taken; noted for all."""
        holds = self._held is None or self._held.is_seen()
        if not holds:
            self.write("INSERT OR REPLACE INTO facts VALUES ('locks', 'do not hold')")
        return holds

    @property
    def locks_hold(self) -> bool:
        """Whether the locks beside this ledger tell who lives."""
        return not self.read("SELECT 1 FROM facts WHERE name = 'locks'")

    def leave(self) -> bool:
        """This process is none of the run's any more; say whether it was the last that lives."""
        self.write("DELETE FROM processes WHERE name = ?", (self.process,))
        return not self.living()

    def end_if_last(self) -> bool:
        """End the run if no other process of it lives and nothing is left; say whether it ended.

        Nobody can join in between.
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
        """The workers that have joined the run here."""
        return [str(name) for (name,) in self.read("SELECT DISTINCT worker FROM processes")]

    @property
    def part(self) -> bool:
        """Whether others of the run have a ledger elsewhere, and this is not the controller's."""
        return self.path is not None and APART in self.path.stem

    def describe(self, cloud: str, auth_url: str, project: str) -> None:
        """Note which project of which cloud the run works in."""
        values = (cloud, auth_url, project)
        self.write("UPDATE run SET cloud = ?, auth_url = ?, project = ?", values)

    def info(self) -> Run | None:
        """The run; None as long as no process has joined it."""
        found = self.read("SELECT * FROM run")
        return run_row(found[0]) if found else None

    def lock_path(self, process: str) -> Path:
        """The file whose lock a process holds while it lives."""
        assert self.path is not None
        return self.path.with_name(f"{self.path.stem}.{process}.lock")

    def processes(self) -> list[str]:
        """All processes that have joined the run, the dead ones as well."""
        return process_names(self.read("SELECT name FROM processes"))

    def dead(self) -> list[str]:
        """The processes of the run that have died; none, where locks cannot tell."""
        if self.path is None or not self.locks_hold:
            return []
        return [name for name in self.processes() if ProcessLock(self.lock_path(name)).is_free()]

    def living(self) -> int:
        """How many processes of the run live."""
        return len(self.processes()) - len(self.dead())

    def change_run_state(self, before: Sequence[str], state: str) -> bool:
        """Let the run's state be `state`, if it is one of `before`; say whether it was."""
        marks = ", ".join("?" * len(before))
        sql = f"UPDATE run SET state = ?, ended = ? WHERE state IN ({marks})"  # noqa: S608
        return self.write(sql, (state, time.time(), *before)) > 0

    # Resources

    def record(self, stamp: Stamp) -> OperationRecord:
        """The row of what `stamp` will be on; it comes into being with `intended`."""
        if (name := SHARING.get()) is not None:
            sql = "UPDATE shared SET operation = ? WHERE name = ?"
            self.write(sql, (stamp.operation, name))
        return OperationRecord(self, stamp, self.test)

    def begin(self) -> None:
        """See to it that `before_first` has been called."""
        with self._beginning:
            if self.before_first is not None:
                self.before_first()
                self.before_first = None

    def gone(self, kind: str, resource_id: str) -> None:
        """This resource is confirmed to be gone."""
        sql = "UPDATE resources SET state = 'gone', gone = ? WHERE id = ? AND kind = ?"
        with suppress(sqlite3.Error):
            self.write(sql, (time.time(), resource_id, kind))

    def keep(self, kind: str, resource_id: str) -> None:
        """Somebody wants this resource to stay, and what the cloud has made for it."""
        self.write(KEEP, (resource_id, kind))

    def renew(self, operation: str, expires: int) -> None:
        """The stamp of what an operation has made is good until then."""
        self.write("UPDATE resources SET expires = ? WHERE operation = ?", (expires, operation))

    def set_state(
        self, operation: str, state: str, note: str | None = None, part: int | None = None
    ) -> None:
        """What an operation has made is `gone`, or `kept`, or still `bound`; `note` says why.

        Of many resources it is only the one of this `part`, if that is given; else all, but not
        what the cloud has made for them.
        """
        now = time.time()
        self.write(
            "UPDATE resources SET state = ?1, note = ?2, gone = CASE ?3 WHEN 'gone' THEN ?4 END "
            "WHERE operation = ?5 AND part = coalesce(?6, part) AND (?6 IS NOT NULL OR kind ="
            " (SELECT kind FROM resources WHERE operation = ?5 ORDER BY part LIMIT 1))",
            (state, note, state, now, operation, part),
        )

    def import_row(self, row: LedgerRow) -> None:
        """Note what another ledger of the run knows of."""
        marks = ", ".join("?" * len(fields(LedgerRow)))
        self.write(f"INSERT OR IGNORE INTO resources VALUES ({marks})", astuple(row))  # noqa: S608

    def rows(
        self, *states: str, processes: Iterable[str] = (), test: str | None = None
    ) -> list[LedgerRow]:
        """The rows in any of `states`, of these processes and this test (default: of all)."""
        named = list(processes)
        sql = "SELECT * FROM resources WHERE 1"
        values: list[str] = []
        for column, wanted in (("state", states), ("process", named)):
            if wanted:
                sql += f" AND {column} IN ({', '.join('?' * len(wanted))})"
                values += wanted
        if test is not None:
            sql += " AND test = ?"
            values.append(test)
        rows = [row_of(found) for found in self.read(sql + " ORDER BY intended", values)]
        return [row for row in rows if row is not None]

    def left(self) -> int:
        """How many resources may still exist that nobody wants to keep."""
        return len(self.rows("intent", "bound"))

    def is_obsolete(self, now: float) -> bool:
        """Whether nobody will look into it again: the run is over, and nothing kept is left.

        A run that died before it had made anything is over an hour later; one of which nobody can
        tell whether it lives a day after the last of its stamps. `now` is the cloud's time.
        """
        run = self.info()
        if run is not None and run.state == "ended":
            return all(row.expires < now for row in self.rows("kept"))
        began = run.started if run is not None and self.path is not None else time.time()
        if not self.locks_hold:
            return max([began, *(row.expires for row in self.rows())]) < now - 86400
        return not self.rows() and not self.living() and began < time.time() - 3600

    def note(self, text: str) -> None:
        """Remember a step of the clean-up, if that is possible."""
        with suppress(sqlite3.Error):
            self.write("INSERT INTO steps VALUES (?, ?)", (time.time(), text))

    def steps(self) -> list[str]:
        """The steps of the clean-up, in their order."""
        return [str(text) for (text,) in self.read("SELECT text FROM steps ORDER BY rowid")]

    # Access

    def write(self, sql: str, values: Sequence[object] = ()) -> int:
        """Change rows; how many."""
        with self._lock, self._usable():
            return self._db.execute(sql, values).rowcount

    def read(self, sql: str, values: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """What there is."""
        with self._lock, self._usable():
            return self._db.execute(sql, values).fetchall()

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Several reads and writes that nobody comes between."""
        with self._lock, self._usable():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:  # a full disk ends it
                    self._db.execute("ROLLBACK")
                raise


def ledger_directory(given: str | Path | None = None) -> Path:
    """The directory of the ledgers: the given one, or one in the user's state directory.

    Raises InvalidArgument if no home directory is known.
    """
    import platformdirs

    try:
        place = Path(given or platformdirs.user_state_dir("pytest-osfutures")).expanduser()
    except RuntimeError:  # the words of pathlib for a home that is not known
        place = Path("~")
    if str(place).startswith("~"):
        raise InvalidArgument(
            "the user has no home directory (HOME is not set), so the ledgers of the runs have no "
            "place: name a directory with --os-ledger"
        )
    return place.absolute()


def ledger_path(place: Path, run: str, host: str = "") -> Path:
    """The file of a run's ledger; with `host` of the part that workers on another host have."""
    return place / f"{run}{APART if host else ''}{host}{SUFFIX}"


def run_of(path: Path) -> str:
    """The run that a ledger is of."""
    return path.stem.partition(APART)[0]


def reaper_lock(ledger: Path) -> Path:
    """The file whose lock the reaper of a run holds."""
    return ledger.with_suffix(".reaper.lock")


def reaper_log(ledger: Path) -> Path:
    """Where the reaper of a run writes what it does."""
    return ledger.with_suffix(".log")


def living_runs(place: Path) -> set[str]:
    """The runs in a directory of which a process lives, whatever became of their ledgers."""
    locks = [path for path in place.glob("*.lock") if not path.name.endswith(".reaper.lock")]
    names = [path.name.partition(".")[0] for path in locks if not ProcessLock(path).is_free()]
    return {name.partition(APART)[0] for name in names}


def ledgers(place: Path, note: Callable[[str], None] = lambda _: None) -> list[Ledger]:
    """All ledgers in a directory that can be read; close them after use.

    `note` is told which cannot be, and what to do about it.
    """
    found = []
    for path in sorted(place.glob(f"*{SUFFIX}")):
        try:
            if path.is_file():
                found.append(_intact(path))
        except (sqlite3.Error, OSError) as error:  # not ours, damaged, or of another version
            note(
                f"{error}; `osfutures reap --run {run_of(path)}` deletes by their stamp the "
                f"resources that it may have named; then remove {path}"
            )
    return found


def _intact(path: Path) -> Ledger:
    """A ledger that has no damage. Raises LedgerError."""
    ledger = Ledger(path, run_of(path))
    try:
        ((said,),) = ledger.read("PRAGMA quick_check(1)")
        if said != "ok":
            raise LedgerError(f"the ledger {path} is damaged: {said}")
        ledger.info()
    except sqlite3.Error:
        ledger.close()
        raise
    return ledger


def remove_ledger(path: Path) -> None:
    """Delete a ledger with all its companion files but its log."""
    for each in path.parent.glob(f"{path.stem}.*"):
        if each.suffix != ".log":
            each.unlink(missing_ok=True)
