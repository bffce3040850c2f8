"""The files of ledgers: their directory and names, and the companions beside each ledger."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

from pytest_osfutures.cleanup.ledger import HOST_SEPARATOR, Ledger, LedgerError
from pytest_osfutures.cleanup.process_lock import ProcessLock
from pytest_osfutures.errors import InvalidArgument

SUFFIX = ".sqlite"


def ledger_directory(given: str | Path | None = None) -> Path:
    """Return the directory of the ledgers: the given one, or one in the user's state directory.

    https://specifications.freedesktop.org/basedir-spec/latest/ (XDG_STATE_HOME)

    Raises InvalidArgument if the user has no home directory.
    """
    import platformdirs

    try:
        directory = Path(given or platformdirs.user_state_dir("pytest-osfutures")).expanduser()
    except RuntimeError:  # pathlib's error for an unknown home directory
        directory = Path("~")
    if str(directory).startswith("~"):
        raise InvalidArgument(
            "the user has no home directory (HOME is not set), so the ledgers of the runs have no "
            "place: name a directory with --os-ledger or ledger="
        )
    return directory.absolute()


def ledger_path(directory: Path, run: str, host: str = "") -> Path:
    """Return the file of a run's ledger; with `host` that of the workers on another host."""
    return directory / f"{run}{HOST_SEPARATOR if host else ''}{host}{SUFFIX}"


def run_of(path: Path) -> str:
    """Return the run of a ledger's file."""
    return path.stem.partition(HOST_SEPARATOR)[0]


def reaper_lock(ledger: Path) -> Path:
    """Return the file whose lock the reaper of a run holds."""
    return ledger.with_suffix(".reaper.lock")


def reaper_log(ledger: Path) -> Path:
    """Return the log of a run's reaper."""
    return ledger.with_suffix(".log")


def key_directory(ledger: Path) -> Path:
    """Return the directory of the private keys of a run's keypairs."""
    return ledger.with_suffix(".keys")


def living_runs(directory: Path) -> set[str]:
    """Return the runs with a living process, by their locks alone: a ledger may be lost."""
    locks = [path for path in directory.glob("*.lock") if not path.name.endswith(".reaper.lock")]
    names = [path.name.partition(".")[0] for path in locks if not ProcessLock(path).is_free()]
    return {name.partition(HOST_SEPARATOR)[0] for name in names}


def ledgers(directory: Path, note: Callable[[str], None] = lambda _: None) -> list[Ledger]:
    """Open all readable ledgers in a directory, for the caller to close.

    `note` takes a line for each other one, with the command that deletes its resources.
    """
    found = []
    for path in sorted(directory.glob(f"*{SUFFIX}")):
        try:
            if path.is_file():
                found.append(_open_intact(path))
        except (sqlite3.Error, OSError) as error:  # another program's, damaged, of another version
            note(
                f"{error}; `osfutures reap --run {run_of(path)}` deletes by their stamp the "
                f"resources that it may have named; then remove {path}"
            )
    return found


def _open_intact(path: Path) -> Ledger:
    """Open a ledger and check the file. Raises LedgerError if damaged, or no ledger."""
    ledger = Ledger(path, run_of(path))
    try:
        ((result,),) = ledger.read("PRAGMA quick_check(1)")
        if result != "ok":
            raise LedgerError(f"the ledger {path} is damaged: {result}")
        ledger.info()
        ledger.rows()
    except ValueError as error:
        ledger.close()
        raise LedgerError(f"the ledger {path} has other columns: {error}") from error
    except sqlite3.Error:
        ledger.close()
        raise
    return ledger


def remove_ledger(path: Path) -> None:
    """Delete a ledger with all companion files but the log."""
    shutil.rmtree(key_directory(path), ignore_errors=True)
    for each in path.parent.glob(f"{path.stem}.*"):
        if each.suffix != ".log":
            each.unlink(missing_ok=True)


def leave_ledger(ledger: Ledger, worker: bool = False, forked: bool = False) -> None:
    """Close a ledger; if nothing is left, tell the reaper to go and remove the files.

    The reaper deletes resources that are left.

    Args:
        ledger: The ledger of the run.
        worker: True in a worker of pytest-xdist, which is not the run's last process.
        forked: True in a fork, whose parent may not even have joined the run.
    """
    path = ledger.path
    if forked:
        over = ledger.end_if_last()
    else:
        last = ledger.leave() if ledger.is_partial else not worker
        over = last and not ledger.left()
        if over:
            ledger.change_run_state(["running"], "ended")
    kept = ledger.rows("kept")
    ledger.close()
    if over and path is not None and not kept:
        remove_ledger(path)
        reaper_log(path).unlink(missing_ok=True)
