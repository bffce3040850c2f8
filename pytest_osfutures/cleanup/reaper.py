"""The reaper's loop: it checks whether the processes of a run live, and cleans up after dead ones.

The loop remembers what it has read, so that a cleanup can go on by stamps and locks when the ledger
is lost.
"""

from __future__ import annotations

import os
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.cleanup.ledger_files import run_of
from pytest_osfutures.cleanup.process_lock import LockView
from pytest_osfutures.cleanup.rows import NOT_OURS
from pytest_osfutures.cleanup.shared import release_dead_holders
from pytest_osfutures.clock import Clock, SystemClock

if TYPE_CHECKING:
    from pytest_osfutures.cleanup.sweep import SweepContext
    from pytest_osfutures.stamp import Stamp
    from pytest_osfutures.transport import ApiClient

#: Seconds between two checks of the locks.
CHECK_SECONDS = 1.0
#: Greatest number of lines that the log keeps in memory while its file cannot be written.
UNWRITTEN_LINES = 1000


class SupersededError(Exception):
    """The cleanup of the whole run replaces the cleanup of single processes."""


class InterruptibleClock(SystemClock):
    """A clock whose sleepers raise SupersededError when `event` is set."""

    def __init__(self, event: threading.Event) -> None:
        self.event = event

    def sleep(self, seconds: float) -> None:
        if self.event.wait(max(0.0, seconds)):
            raise SupersededError


class ReaperLog:
    """The log of a reaper.

    Lines that cannot be written are kept for the next try, and also written to a file of the same
    name in the directory for temporary files.

    Args:
        path: File of the log.
        fallback: File for the lines that cannot be written there.
    """

    def __init__(self, path: Path, fallback: Path | None = None) -> None:
        self.path = path
        self.fallback = fallback or Path(tempfile.gettempdir()) / path.name
        self._unwritten: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, text: str) -> None:
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n"
        with self._lock:
            self._unwritten = [*self._unwritten, line][-UNWRITTEN_LINES:]
            if _append(self.path, "".join(self._unwritten)):
                self._unwritten = []
            else:
                _append(self.fallback, line)


def _append(path: Path, text: str) -> bool:
    """Append the whole text to a file of this user, or nothing; return True if written."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, flags, 0o600)
        try:
            if os.fstat(file).st_uid != os.getuid():
                return False
            size = os.fstat(file).st_size
            data = text.encode(errors="backslashreplace")
            if os.write(file, data) == len(data):
                return True
            os.ftruncate(file, size)
        finally:
            os.close(file)
    except OSError:
        return False
    return False


class ReaperLoop:
    """The loop of one run's reaper.

    Args:
        path: File of the ledger.
        settings: Name and configuration of the cloud, from the process that started the reaper.
        log: Takes each line of progress.
        connect: Returns the client of the project's APIs; called only when needed.
    """

    def __init__(
        self,
        path: Path,
        settings: dict[str, Any],
        log: Callable[[str], None],
        connect: Callable[[dict[str, Any]], ApiClient],
        clock: Clock | None = None,
    ) -> None:
        self.path = path
        self.run = run_of(path)
        self.settings = settings
        self.log = log
        self.clock = clock or SystemClock()
        self.ledger: Ledger | None = None
        #: Inode of the ledger's file.
        self.inode = 0
        #: Locks of all processes that were ever seen, by their names.
        self.locks: dict[str, LockView] = {}
        #: Processes that have joined the run.
        self.joined: list[str] = []
        #: Dead processes whose cleanup has begun.
        self.cleaned: set[str] = set()
        #: Operations whose resources were seen as kept.
        self.kept: set[str] = set()
        #: Operations with resources that may exist, by the last reading of the ledger.
        self.left: set[str] = set()
        self.is_partial = False
        #: Last line about the ledger's trouble; empty while the ledger can be read.
        self.trouble = ""
        #: Set when the cleanup of the whole run begins.
        self.whole_run = threading.Event()
        self._connect = connect
        self._api: ApiClient | None = None
        self._connecting = threading.Lock()
        with suppress(Exception):  # the first check reports it
            self._read()

    def note(self, text: str) -> None:
        """Write a line to the log and, if possible, to the ledger.

        A run that ends clean removes its log, so nothing is written after that.
        """
        if self._has_ended():
            return
        self.log(text)
        if self.ledger is not None:
            with suppress(Exception):
                self.ledger.note(text)

    def _has_ended(self) -> bool:
        """Return True if the run has confirmed by itself that nothing is left."""
        with suppress(Exception):
            run = self.ledger.info() if self.ledger is not None else None
            return run is not None and run.state == "ended"
        return False

    def run_until_done(self) -> None:
        """Check every second until nothing is left to do; an error does not end the loop."""
        done = False
        while not done:
            self.clock.sleep(CHECK_SECONDS)
            try:
                done = self.check()
            except Exception as error:
                self._note_trouble(f"{type(error).__name__}: {error}; looking again")

    def check(self) -> bool:
        """Clean up after dead processes; return True if nothing is left to do."""
        try:
            state = self._read()
            self.trouble = ""
        except Exception as error:  # damaged, deleted, or with unexpected values
            state = ""
            self._note_trouble(f"{error}; going by locks, and by the stamps in the cloud")
        if state == "ended":
            return True
        if not state:
            self._find_locks()
        dead = [name for name in self.joined if self.locks[name].is_free()]
        if len(dead) == len(self.joined):
            self.whole_run.set()
            self._finish(state)
            return True
        if state:
            self._clean_up_dead([name for name in dead if name not in self.cleaned])
        return False

    def _note_trouble(self, trouble: str) -> None:
        """Write a line about the ledger's trouble, once as long as the trouble stays the same."""
        if trouble != self.trouble:
            self.trouble = trouble
            self.note(trouble)

    def _read(self) -> str:
        """Read the ledger and return the run's state. Raises every error of the reading."""
        inode = self.path.stat().st_ino if self.ledger is None or self.path.exists() else 0
        if inode not in (0, self.inode):  # another file may have replaced the ledger
            self.ledger, self.inode = Ledger(self.path, self.run), inode
        ledger = self.ledger
        assert ledger is not None
        run = ledger.info()
        if run is None:
            raise ValueError(f"the ledger {self.path} has lost its run")
        self.joined = ledger.processes()
        for name in self.joined:
            if name not in self.locks:
                self.locks[name] = LockView(ledger.lock_path(name))
        self.kept |= {row.operation for row in ledger.rows("kept")}
        self.left = {row.operation for row in ledger.rows("intent", "bound")}
        self.is_partial = ledger.is_partial
        if not inode and run.state == "running":
            self._note_trouble(f"the ledger {self.path} was deleted; going on with what it said")
        return run.state

    def _find_locks(self) -> None:
        """Count every process that has, or had, a lock: the ledger cannot show who has left."""
        for path in self.path.parent.glob(f"{self.path.stem}.*.lock"):
            name = path.name.removeprefix(f"{self.path.stem}.").removesuffix(".lock")
            if name.isdecimal() and name not in self.locks:
                self.locks[name] = LockView(path)
        self.joined = list(self.locks)

    def _clean_up_dead(self, dead: list[str]) -> None:
        """Clean up after dead processes in a thread, while the other processes go on."""
        if not dead or self.ledger is None:
            return
        try:
            release_dead_holders(self.ledger, dead)
            left = self.ledger.rows("intent", "bound", processes=dead)
        except Exception as error:
            names = ", ".join(dead)
            self._note_trouble(f"{error}; what {names} have left waits for the end of the run")
            return
        self.cleaned.update(dead)
        if left:
            clean_up = partial(self._clean_up_processes, self.ledger, dead)
            threading.Thread(target=clean_up, name="osfutures-reaper", daemon=True).start()

    def _clean_up_processes(self, ledger: Ledger, processes: list[str]) -> None:
        try:
            self._by_ledger(ledger, processes, InterruptibleClock(self.whole_run))
        except SupersededError:
            pass
        except Exception as error:
            self.note(f"{type(error).__name__}: {error}; what is left waits for the run's end")

    def _finish(self, state: str) -> None:
        """Clean up the run, all of whose processes are dead, with the ledger or without.

        A run that another process cleans up, or has cleaned up, is left to that process.
        """
        if state:
            ledger = self.ledger
            assert ledger is not None
            try:
                if not ledger.change_run_state(["running"], "reaping"):
                    return
                if self._by_ledger(ledger, [], self.clock):
                    ledger.change_run_state(["reaping"], "reaped")
                return
            except Exception as error:
                self.note(f"{type(error).__name__}: {error}; going on by the stamps in the cloud")
        keep = self.settings.get("keep", "never")
        if not state and keep != "never":
            what = f"only the ledger knew what --os-keep={keep} keeps of run {self.run}"
            self.note(f"{what}, so nothing is deleted; {self._advice()}")
            return
        try:
            self._by_stamp()
        except Exception as error:
            self.note(f"{type(error).__name__}: {error}; {self._advice()}")

    def _by_ledger(self, ledger: Ledger, processes: list[str], clock: Clock) -> bool:
        """Clean up with the ledger, after these processes or after all; True if all is gone."""
        from pytest_osfutures.cleanup.cleanups import clean_up

        who = f"processes {', '.join(processes)}" if processes else "all its processes"
        left = len(ledger.rows("intent", "bound", processes=processes))
        self.note(f"run {self.run}: {who} died; {left} resources may be left")
        complete = clean_up(self._context(clock), ledger, processes)
        self._conclude(complete, sum(row.note == NOT_OURS for row in ledger.rows("gone")))
        return complete

    def _by_stamp(self) -> None:
        """Delete the resources with the run's stamp; only those in the ledger if it is partial."""
        from pytest_osfutures.cleanup.cleanups import clean_up_by_stamp, stamps_of_run

        self.note(f"run {self.run}: all its processes died; looking for its stamp")
        mine, of_run = self.left, stamps_of_run(self.run, self.kept)

        def is_mine(stamp: Stamp) -> bool:
            return of_run(stamp) and stamp.operation in mine

        wanted = is_mine if self.is_partial else of_run
        self._conclude(clean_up_by_stamp(self._context(self.clock), wanted))

    def _conclude(self, complete: bool, spared: int = 0) -> None:
        given_up = f"given up: not all of it could be deleted; {self._advice()}"
        but = f", but for {spared} that no longer carry their stamp" if spared else ""
        self.note(f"all of it is gone{but}" if complete else given_up)

    def _advice(self) -> str:
        return f"`osfutures reap --os-cloud {self.settings['cloud']} --run {self.run}` deletes it"

    def _context(self, clock: Clock) -> SweepContext:
        from pytest_osfutures.cleanup.sweep import SweepContext

        with self._connecting:
            if self._api is None:
                self._api = self._connect(self.settings)
            return SweepContext(self._api, clock, self.note)
