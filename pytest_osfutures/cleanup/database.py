"""A sqlite file that may be open while the process forks.

An open connection must not get into a child, where it would wait for locks that only the parent
has. So all files are closed when the process forks, and opened again at the next use in the parent
or in the child (https://www.sqlite.org/howtocorrupt.html#_carrying_an_open_database_across_a_fork_).
"""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from contextlib import suppress
from pathlib import Path

#: Seconds that a write waits for the writes of other processes.
BUSY_TIMEOUT = 30.0


class Database:
    """One sqlite file.

    Args:
        path: The file; None for a database in memory.
        tables: SQL that creates the missing tables.
    """

    def __init__(self, path: Path | None, tables: str) -> None:
        self.path = path
        #: Held by every user of `connection`.
        self.lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None
        #: Inode and size of the file `-shm`, which sqlite maps into memory.
        self._index: tuple[int, int] | None = None
        with _FORKING:
            self._use_wal()
            self.connection.executescript(tables)
            if path is not None:
                _OPEN.add(self)

    def _use_wal(self) -> None:
        """Switch the file to a write-ahead log.

        Sqlite refuses this at once while another process opens the same new file, without its
        usual wait (https://www.sqlite.org/c3ref/busy_handler.html), so a transaction waits.
        """
        end = time.monotonic() + BUSY_TIMEOUT
        while True:
            try:
                self.connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > end:
                    raise
                self.connection.execute("BEGIN IMMEDIATE")
                self.connection.execute("COMMIT")
            else:
                return

    @property
    def connection(self) -> sqlite3.Connection:
        """The open connection, or a new one after a fork."""
        if self._connection is not None:
            self._mend_index()
        else:
            self._connection = sqlite3.connect(
                self.path or ":memory:",
                timeout=BUSY_TIMEOUT,
                isolation_level=None,
                check_same_thread=False,
            )
            self._connection.text_factory = lambda text: text.decode(errors="replace")
            self._connection.execute("PRAGMA synchronous = NORMAL")
            self._index = None
        return self._connection

    def _mend_index(self) -> None:
        """Restore the size of the file `-shm` if another program has cut the file.

        An access beyond the end would kill the process (SIGBUS). Sqlite rebuilds the content.
        https://www.sqlite.org/walformat.html#the_wal_index_file_format
        """
        if self.path is None:
            return
        index = Path(f"{self.path}-shm")
        with suppress(OSError):
            found = index.stat()
            if self._index is None and found.st_size:
                self._index = found.st_ino, found.st_size
            inode, size = self._index or (0, 0)
            if found.st_ino == inode and found.st_size < size:
                os.truncate(index, size)

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._mend_index()
            self._connection.close()
            self._connection = None


#: Held while the process forks, and while a database is opened for the first time.
_FORKING = threading.Lock()
_OPEN: weakref.WeakSet[Database] = weakref.WeakSet()
_paused: list[Database] = []


def _before_fork() -> None:
    _FORKING.acquire()
    _paused[:] = _OPEN
    for database in _paused:
        database.lock.acquire()
        database.close()


def _after_fork() -> None:
    while _paused:
        _paused.pop().lock.release()
    _FORKING.release()


os.register_at_fork(before=_before_fork, after_in_parent=_after_fork, after_in_child=_after_fork)
