"""The files with the private keys of a run's keypairs, beside the ledger or in a temporary place.

A file has the name of the operation that made its keypair, so that the ledger tells which files a
killed run has left.
"""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from contextlib import suppress
from pathlib import Path

from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.cleanup.ledger_files import key_directory
from pytest_osfutures.errors import InvalidArgument

SUFFIX = ".pem"
#: How often the directory is made again when another process removes it, empty, at the same time.
MOST_TRIES = 100


class KeyFiles:
    """The private keys that one process of a run has written.

    Args:
        ledger: the ledger of the run; for one in memory the files are in a temporary directory.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._directory = None if ledger.path is None else key_directory(ledger.path)
        self._is_temporary = ledger.path is None
        self._files: dict[str, Path] = {}
        self._kept: set[str] = set()
        self._lock = threading.Lock()

    def write(self, keypair: str, operation: str, private_key: str) -> Path:
        """Write a private key into a file that only this user can read, and return its path.

        Args:
            keypair: name of the keypair.
            operation: id of the operation that makes the keypair.
            private_key: the key in OpenSSH's format.

        Raises:
            InvalidArgument: the file cannot be written.
        """
        with self._lock:
            try:
                if self._directory is None:
                    self._directory = Path(tempfile.mkdtemp(prefix="osfutures-"))
                path = self._directory / f"{operation}{SUFFIX}"
                _write(path, private_key.encode())
            except OSError as error:
                raise InvalidArgument(
                    f"the private key cannot be written to a file: {error.strerror}"
                ) from None
            self._files[keypair] = path
            return path

    def path(self, keypair: str) -> Path | None:
        """Return the file of a keypair; None if this process has not made the key."""
        with self._lock:
            return self._files.get(keypair)

    def keep(self, keypair: str) -> None:
        """Keep the file of a keypair, also when the keypair is deleted."""
        with self._lock:
            self._kept.add(keypair)

    def remove(self, keypair: str) -> None:
        """Delete the file of a keypair, unless the file is kept."""
        with self._lock:
            self._remove(keypair)

    def _remove(self, keypair: str) -> None:
        if keypair not in self._kept and keypair in self._files:
            self._files.pop(keypair).unlink(missing_ok=True)

    def close(self) -> None:
        """Delete all files that are not kept; those in a temporary directory in any case."""
        with self._lock:
            for keypair in list(self._files):
                self._remove(keypair)
            if self._directory is None:
                return
            if self._is_temporary:
                shutil.rmtree(self._directory, ignore_errors=True)
                self._directory = None
                return
            with suppress(OSError):  # other processes have files there
                self._directory.rmdir()


def _write(path: Path, data: bytes) -> None:
    """Write a new file of mode 0600 in a directory of mode 0700. Raises OSError."""
    for _ in range(MOST_TRIES):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                with os.fdopen(file, "wb") as opened:
                    opened.write(data)
            except OSError:
                path.unlink(missing_ok=True)
                raise
            return
    raise FileNotFoundError(2, os.strerror(2))


def remove_key_files(ledger: Ledger) -> None:
    """Delete the files of keypairs that are gone, except those of kept servers."""
    if ledger.path is None:
        return
    kept = " ".join(str(row.note) for row in ledger.rows("kept"))
    for row in ledger.rows("gone"):
        if row.kind == "keypair" and row.operation not in kept:
            (key_directory(ledger.path) / f"{row.operation}{SUFFIX}").unlink(missing_ok=True)
    with suppress(OSError):
        key_directory(ledger.path).rmdir()
