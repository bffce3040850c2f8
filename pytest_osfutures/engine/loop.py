"""The engine: the thread that runs the monitor, and thread pools for everything that may block."""

from __future__ import annotations

import logging
import math
import os
import queue
import threading
import weakref
from collections.abc import Callable
from random import Random
from typing import Protocol

from pytest_osfutures.clock import Clock, ManualClock, SystemClock
from pytest_osfutures.engine.concurrency_limit import ConcurrencyLimit
from pytest_osfutures.engine.executors import Executor, Inline, Pool
from pytest_osfutures.engine.monitor import Monitor
from pytest_osfutures.engine.poll_plan import ReadRequest, ReadResult
from pytest_osfutures.engine.read_queue import QueuedRead
from pytest_osfutures.engine.timers import Timer
from pytest_osfutures.engine.watch import Reader, Watch
from pytest_osfutures.errors import EngineError

_log = logging.getLogger("osfutures")
#: The loop reads the clock at least so often (seconds): the monotonic clock may stand still while
#: the computer sleeps.
HEARTBEAT = 60.0
#: The most requests of calls under way at a time: 30 threads with those of the reads, the monitor
#: and the program.
MOST_REQUESTS = 24
#: The most functions of users that may block at a time, each in a thread of its own.
MOST_BLOCKED = 1000


class PendingFuture(Protocol):
    """A future that fails if the engine ends before the future is done."""

    def set_exception(self, exception: BaseException | None) -> None:
        """End the future with `exception`; no-op if the future is done."""


class Engine:
    """The owner of the monitor's thread and of the pools; one per process is enough.

    Reads, requests and users' functions run on pools of their own, so that none of them delays a
    deadline. Users' functions may block and wait for one another; functions of this package never
    wait for them.

    Args:
        clock: The source of time; the computer's own by default.
        random: The source of jitter.
    """

    def __init__(self, clock: Clock | None = None, random: Random | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self.random = random or Random()
        self.pid = os.getpid()
        #: For reads.
        self.reads: Executor = Pool("read", 4)
        self.concurrency_limit = ConcurrencyLimit(most=MOST_REQUESTS)
        #: For the requests of calls, and what goes with them.
        self.submissions: Executor = Pool("submit", lambda: self.concurrency_limit.now)
        #: For users' callbacks and the functions that they give to `next`.
        self.callbacks: Executor = Pool("callback", 2, MOST_BLOCKED)
        #: For functions of this package that may block.
        self.own_calls: Executor = Pool("chain", 2, MOST_BLOCKED)
        #: For quick functions of this package, in the thread that ends the future.
        self.links: Executor = Inline()
        self.monitor = Monitor(self.clock, self.start_read, self.random)
        self.quota_queue = self.monitor.quota_queue
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._ended: EngineError | None = None
        self._abandoned = False
        self._pending: weakref.WeakSet[PendingFuture] = weakref.WeakSet()

    def register_pending(self, future: PendingFuture) -> None:
        """Let `future` fail with EngineError if this engine ends, or has ended already."""
        with self._lock:
            late = self._ended if self._abandoned else None
            if late is None:
                self._pending.add(future)
        if late is not None:
            future.set_exception(late)

    def watch(self, watch: Watch) -> None:
        """Take over an operation that the cloud has accepted."""
        with self._lock:
            self._wake()
            self.monitor.watch(watch)

    def forget(self, watch: Watch) -> None:
        """End a watch whose completion no caller needs any more."""
        self.monitor.forget(watch)

    def call_soon(self, fn: Callable[[], None]) -> None:
        """Call `fn` in the monitor's loop; it must be quick and do no I/O."""
        with self._lock:
            self._wake()
            self.monitor.call_soon(fn)

    def call_later(self, seconds: float, fn: Callable[[], None]) -> Timer:
        """Call `fn` in the monitor's loop after `seconds`, unless the timer is cancelled."""
        with self._lock:
            self._wake()
            return self.monitor.call_later(seconds, fn)

    def queue_read(self, reader: Reader, service: str, read: Callable[[], object]) -> None:
        """Call `read`, which may block, once the project's rate of reads allows one more.

        Args:
            reader: The project; its `poll.max_rate` counts these reads with all others.
            service: Official type of the service that is read.
            read: Sends the read.
        """
        with self._lock:
            self._wake()
            self.monitor.queue_read(QueuedRead(reader, service, lambda: self.reads.submit(read)))

    def back_off(self, reader: Reader, service: str, seconds: float) -> None:
        """Send no read of a service of a project for some seconds, as a Retry-After asks."""
        self.monitor.back_off(reader, service, seconds)

    def check(self) -> None:
        """Raise EngineError if this engine has ended or belongs to another process."""
        if self._ended is not None:
            raise EngineError(str(self._ended)) from self._ended  # a new error for each traceback
        self.check_process()

    def check_process(self) -> None:
        """Raise EngineError in a process that was forked from the engine's process."""
        if self.pid != os.getpid():
            raise EngineError(
                f"process {os.getpid()} was forked from {self.pid}, where the engine runs; "
                "futures of the parent end there. Connect again in the child"
            )

    @property
    def ended(self) -> bool:
        """True if the engine was stopped or broke."""
        return self._ended is not None

    def stop(self) -> None:
        """End the thread; pending futures fail with EngineError."""
        self._finish(EngineError("the engine was stopped before the operation ended"))

    def _wake(self) -> None:
        """Start the thread if there is none. The caller holds the lock: the engine cannot end."""
        self.check()
        if self._thread is None:
            self._thread = threading.Thread(
                target=self._loop, name="osfutures-monitor", daemon=True
            )
            self._thread.start()

    def _loop(self) -> None:
        try:
            while self._ended is None:
                again = self.monitor.step()
                wait = min(again - self.clock.now(), HEARTBEAT)
                if wait > 0:
                    self._run_inbox(wait)
            self._abandon(self._ended)
        except BaseException as error:
            _log.exception("the monitor broke")
            broken = EngineError(f"the monitor broke: {type(error).__name__}: {error}")
            broken.__cause__ = error
            with self._lock:
                self._ended = broken
            self._abandon(broken)

    def _abandon(self, error: EngineError) -> None:
        self.monitor.abandon(error)
        with self._lock:
            self._abandoned = True
            pending = list(self._pending)
        for future in pending:
            future.set_exception(error)

    def _run_inbox(self, seconds: float) -> None:
        """Call the next function of the inbox, or return after `seconds` without any."""
        try:
            fn = self.monitor.inbox.get(timeout=seconds)
        except queue.Empty:
            return
        fn()

    def _finish(self, error: EngineError) -> None:
        with self._lock:
            if self._ended is None:
                self._ended = error
            thread = self._thread
        self.monitor.call_soon(lambda: None)
        if thread is None:
            self._abandon(error)
        elif thread is not threading.current_thread():
            thread.join()

    def start_read(
        self, reader: Reader, request: ReadRequest, deliver: Callable[[ReadResult], None]
    ) -> None:
        """Read in the background, then call `deliver`. Simulations override this."""
        self.reads.submit(lambda: deliver(reader.read(request, self.clock)))


class SteppedEngine(Engine):
    """An engine without threads, on a clock that jumps, for simulations and tests."""

    def __init__(self, clock: ManualClock | None = None, random: Random | None = None) -> None:
        super().__init__(clock or ManualClock(), random or Random(0))
        self.reads = self.submissions = self.callbacks = self.own_calls = Inline()

    def run_until(self, done: Callable[[], bool], within: float = math.inf) -> bool:
        """Step, and advance the clock to the next due moment, until `done()` is true.

        Returns False if nothing is due any more, or after `within` seconds of the clock.
        """
        assert isinstance(self.clock, ManualClock)
        end = self.clock.now() + within
        while not done():
            again = self.monitor.step()
            if done():
                break
            if again > end or again == math.inf:
                return False
            self.clock.advance_to(again)
        return True

    def _wake(self) -> None:
        self.check()

    def _finish(self, error: EngineError) -> None:
        self._ended = error
        self._abandon(error)


_default: Engine | None = None
_default_lock = threading.Lock()


def default() -> Engine:
    """Return the engine that all clouds of this process share; make one if there is none."""
    global _default
    with _default_lock:
        if _default is None or _default.pid != os.getpid() or _default._ended is not None:
            _default = Engine()
        return _default
