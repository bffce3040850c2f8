"""What the reaper does while it runs: it looks whether the run's processes live, and cleans up.

It remembers what it has read, so that it can go on by stamp and lock when the ledger is lost.
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

from pytest_osfutures.cleanup.ledger import Ledger, run_of
from pytest_osfutures.cleanup.orphans import NOT_OURS
from pytest_osfutures.cleanup.process_lock import LockView
from pytest_osfutures.cleanup.shared import release_dead_holders
from pytest_osfutures.clock import Clock, SystemClock

if TYPE_CHECKING:
    from pytest_osfutures.stamp import Stamp
    from pytest_osfutures.transport import ApiClient

#: Seconds between two looks at the locks.
LOOK = 1.0
#: So many lines are kept while they cannot be written.
UNWRITTEN = 1000


class SupersededError(Exception):
    """The clean-up of the whole run takes the place of that of one process."""


class Interruptible(SystemClock):
    """A clock whose sleepers wake with SupersededError when `event` is set."""

    def __init__(self, event: threading.Event) -> None:
        self.event = event

    def sleep(self, seconds: float) -> None:
        if self.event.wait(max(0.0, seconds)):
            raise SupersededError


class Log:
    """The reaper's log. What cannot be written there is kept for later, and written elsewhere too.

    Elsewhere is a file of the same name among the temporary files.
    """

    def __init__(self, path: Path, elsewhere: Path | None = None) -> None:
        self.path = path
        self.elsewhere = elsewhere or Path(tempfile.gettempdir()) / path.name
        self._unwritten: list[str] = []
        self._lock = threading.Lock()

    def __call__(self, text: str) -> None:
        line = f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n"
        with self._lock:
            self._unwritten = [*self._unwritten, line][-UNWRITTEN:]
            if _append(self.path, "".join(self._unwritten)):
                self._unwritten = []
            else:
                _append(self.elsewhere, line)


def _append(path: Path, text: str) -> bool:
    """Whether all of the text is in the file now; a part of it is taken back."""
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
    """One run as its reaper sees it.

    `locks` are views of the locks of all processes that were ever seen, `kept` and `left` the
    operations that were last seen to be kept, or to have something left. `connect` gives the way
    to the cloud.
    """

    def __init__(
        self,
        path: Path,
        order: dict[str, Any],
        log: Callable[[str], None],
        connect: Callable[[dict[str, Any]], ApiClient],
        clock: Clock | None = None,
    ) -> None:
        self.path = path
        self.run = run_of(path)
        self.order = order
        self.log = log
        self.clock = clock or SystemClock()
        self.ledger: Ledger | None = None
        self.inode = 0
        self.locks: dict[str, LockView] = {}
        self.joined: list[str] = []
        self.cleaned: set[str] = set()
        self.kept: set[str] = set()
        self.left: set[str] = set()
        self.part = False
        self.trouble = ""
        self.whole = threading.Event()
        self._connect = connect
        self._connected: ApiClient | None = None
        self._connecting = threading.Lock()
        with suppress(Exception):  # said at the first look
            self._read()

    def note(self, text: str) -> None:
        """Say it in the log and, if that is possible, in the ledger."""
        self.log(text)
        if self.ledger is not None:
            with suppress(Exception):
                self.ledger.note(text)

    def keep(self) -> None:
        """Look until nothing is left to do, whatever goes wrong."""
        over = False
        while not over:
            time.sleep(LOOK)
            try:
                over = self.look()
            except Exception as error:
                self._tell(f"{type(error).__name__}: {error}; looking again")

    def look(self) -> bool:
        """Do what is to be done now; whether nothing is left to do."""
        try:
            state = self._read()
            self.trouble = ""
        except Exception as error:  # damaged, deleted, or with a value that nobody expects
            state = ""
            self._tell(f"{error}; going by locks, and by the stamps in the cloud")
        if state == "ended":
            return True
        if not state:
            self._find_locks()
        free = {name: self.locks[name].is_free() for name in self.joined}
        living, dead = ([name for name in free if free[name] is which] for which in (False, True))
        if not living:
            self.whole.set()
            self._finish(state)
            return True
        if state:
            self._clean_up_dead([name for name in dead if name not in self.cleaned])
        return False

    def _tell(self, trouble: str) -> None:
        """Say what is wrong, once as long as it stays the same."""
        if trouble != self.trouble:
            self.trouble = trouble
            self.note(trouble)

    def _read(self) -> str:
        """Take in what the ledger says; the run's state. Raises what reading it does."""
        there = self.path.stat().st_ino if self.ledger is None or self.path.exists() else 0
        if there not in (0, self.inode):  # a new one may stand in its place
            self.ledger, self.inode = Ledger(self.path, self.run), there
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
        self.part = ledger.part
        if not there and run.state == "running":
            self._tell(f"the ledger {self.path} was deleted; going on with what it said")
        return run.state

    def _find_locks(self) -> None:
        """Let every process count that has, or had, a lock: the ledger cannot tell who has left."""
        for path in self.path.parent.glob(f"{self.path.stem}.*.lock"):
            name = path.name.removeprefix(f"{self.path.stem}.").removesuffix(".lock")
            if name.isdecimal() and name not in self.locks:
                self.locks[name] = LockView(path)
        self.joined = list(self.locks)

    def _clean_up_dead(self, dead: list[str]) -> None:
        """Delete in a thread what these have left: neither the others nor the end wait for it."""
        if not dead or self.ledger is None:
            return
        try:
            release_dead_holders(self.ledger, dead)  # what others share with the dead is theirs now
            left = self.ledger.rows("intent", "bound", processes=dead)
        except Exception as error:
            self._tell(f"{error}; what {', '.join(dead)} have left waits for the end of the run")
            return
        self.cleaned.update(dead)
        if left:
            clean = partial(self._clean_up, self.ledger, dead)
            threading.Thread(target=clean, name="osfutures-reaper", daemon=True).start()

    def _clean_up(self, ledger: Ledger, processes: list[str]) -> None:
        try:
            self._by_ledger(ledger, processes, Interruptible(self.whole))
        except SupersededError:
            pass
        except Exception as error:
            self.note(f"{type(error).__name__}: {error}; what is left waits for the run's end")

    def _finish(self, state: str) -> None:
        """All processes of the run are dead: delete what it has left, with the ledger or without.

        A run that somebody else is cleaning up, or has cleaned up, is left to that.
        """
        ledger = self.ledger
        if state and ledger is not None:
            try:
                if not ledger.change_run_state(["running"], "reaping"):
                    return
                if self._by_ledger(ledger, [], self.clock):
                    ledger.change_run_state(["reaping"], "reaped")
                return
            except Exception as error:
                self.note(f"{type(error).__name__}: {error}; going on by the stamps in the cloud")
        try:
            self._by_stamp()
        except Exception as error:
            self.note(f"{type(error).__name__}: {error}; {self._advice()}")

    def _by_ledger(self, ledger: Ledger, processes: list[str], clock: Clock) -> bool:
        from pytest_osfutures.cleanup.sweep import clean_up

        who = f"processes {', '.join(processes)}" if processes else "all its processes"
        left = len(ledger.rows("intent", "bound", processes=processes))
        self.note(f"run {self.run}: {who} died; {left} resources may be left")
        complete = clean_up(self._source(), ledger, clock, self.note, processes)
        self._conclude(complete, sum(row.note == NOT_OURS for row in ledger.rows("gone")))
        return complete

    def _by_stamp(self) -> bool:
        """Delete what carries the run's stamp; of a part of a run only what it has made."""
        from pytest_osfutures.cleanup.sweep import clean_up_by_stamp, of_run

        self.note(f"run {self.run}: all its processes died; looking for its stamp")
        mine, whole = self.left, of_run(self.run, self.kept)

        def part(stamp: Stamp) -> bool:
            return whole(stamp) and stamp.operation in mine

        wanted = part if self.part else whole
        complete = clean_up_by_stamp(self._source(), wanted, self.clock, self.note)
        self._conclude(complete)
        return complete

    def _conclude(self, complete: bool, spared: int = 0) -> None:
        given_up = f"given up: not all of it could be deleted; {self._advice()}"
        but = f", but for {spared} that no longer carry their stamp" if spared else ""
        self.note(f"all of it is gone{but}" if complete else given_up)

    def _advice(self) -> str:
        return f"`osfutures reap --os-cloud {self.order['cloud']} --run {self.run}` deletes it"

    def _source(self) -> ApiClient:
        with self._connecting:
            if self._connected is None:
                self._connected = self._connect(self.order)
            return self._connected
