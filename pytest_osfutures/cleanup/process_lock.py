"""Locks that the kernel releases when a process dies, whatever the cause.

They are POSIX record locks, which a forked child does not inherit: only the process itself keeps
its lock (https://man7.org/linux/man-pages/man2/fcntl_locking.2.html).
"""

from __future__ import annotations

import errno
import fcntl
import os
import sys
from pathlib import Path

#: Exit status of the helper process if it could take the lock, and the code of that process.
_TAKEN = 42
_TRY = f"""
import fcntl, sys
fcntl.lockf(open(sys.argv[1], "r+b"), fcntl.LOCK_EX | fcntl.LOCK_NB)
sys.exit({_TAKEN})
"""
#: Files that this process has locked. The kernel would call such a lock free, and drop it after
#: a try of the same process.
_HELD: set[Path] = set()
os.register_at_fork(after_in_child=_HELD.clear)  # a child does not inherit the locks


class ProcessLock:
    """The lock on one file. A process must not have two of these on the same file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: int | None = None

    def take(self) -> bool:
        """Take the lock if no process holds it; return True if this process holds the lock now."""
        if self.path in _HELD:
            return False
        file = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        if not _lock(file):
            os.close(file)
            return False
        self._file = file
        _HELD.add(self.path)
        return True

    def release(self) -> None:
        """Release the lock, and remove the file."""
        if self._file is not None:
            self.path.unlink(missing_ok=True)
            os.close(self._file)
            self._file = None
            _HELD.discard(self.path)

    def is_seen(self) -> bool:
        """Return True if another process sees that this lock is held, or if that is not known.

        Some network file systems let every process take the lock.
        """
        import subprocess

        command = [sys.executable, "-I", "-S", "-c", _TRY, str(self.path)]
        try:
            tried = subprocess.run(command, capture_output=True, timeout=10, check=False)  # noqa: S603
        except (OSError, subprocess.SubprocessError):
            return True
        return tried.returncode != _TAKEN

    def is_free(self) -> bool:
        """Return True if no process holds the lock, also if the lock was never taken.

        Returns False if the lock cannot be tried: the process may live.
        """
        if self.path in _HELD:
            return False
        try:
            file = os.open(self.path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        try:
            return _lock(file)
        except OSError:
            return False
        finally:
            os.close(file)


class LockView:
    """The lock of another process, observed through one open file, which may be deleted meanwhile.

    No process may observe a lock that the same process holds.
    """

    def __init__(self, path: Path) -> None:
        self._file: int | None = None
        self._unknown = False
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            pass
        except OSError:
            self._unknown = True

    def is_free(self) -> bool:
        """Return True if no process holds the lock; False if that is not known."""
        if self._file is None:
            return not self._unknown
        try:
            free = _lock(self._file)
            if free:
                fcntl.lockf(self._file, fcntl.LOCK_UN)
        except OSError:
            return False
        return free

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


def _lock(file: int) -> bool:
    try:
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        if error.errno in (errno.EACCES, errno.EAGAIN):
            return False
        raise
    return True
