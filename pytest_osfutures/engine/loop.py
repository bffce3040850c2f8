"""The one supplementary thread, and the pools for everything that may block it."""

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
from pytest_osfutures.engine.timers import Timer
from pytest_osfutures.engine.watch import Reader, Watch
from pytest_osfutures.errors import EngineError

_log = logging.getLogger("osfutures")
#: The monitor looks at the clock at least so often (seconds), should the system sleep.
HEARTBEAT = 60.0
#: So many requests that start something may be under way. With the reads, the monitor and the main
#: thread these are 30 threads.
MOST_REQUESTS = 24
#: So many functions of users may be blocked at a time, each in a thread; further ones wait.
MOST_BLOCKED = 1000


class PendingFuture(Protocol):
    """A future that fails if the engine ends before the future is done."""

    def set_exception(self, exception: BaseException | None) -> None:
        """End the future with `exception`; no-op if the future is done."""


class Engine:
    """Finishes futures: a monitor in a thread of its own, and pools of threads.

    Reads run on one pool, requests that start something on another, and users' callbacks and
    `.next` functions on a third, so that none of them can hold up a deadline. Users' functions may
    block and wait for one another. What the package itself does when a future ends never waits for
    them: `links` runs what is quick in the thread that ends the future, `own_calls` the rest.
    """

    def __init__(self, clock: Clock | None = None, random: Random | None = None) -> None:
        self.clock: Clock = clock or SystemClock()
        self.random = random or Random()
        self.pid = os.getpid()
        self.reads: Executor = Pool("read", 4)
        self.concurrency_limit = ConcurrencyLimit(most=MOST_REQUESTS)
        self.submissions: Executor = Pool("submit", lambda: self.concurrency_limit.now)
        self.callbacks: Executor = Pool("callback", 2, MOST_BLOCKED)
        self.own_calls: Executor = Pool("chain", 2, MOST_BLOCKED)
        self.links: Executor = Inline()
        self.monitor = Monitor(self.clock, self._start_read, self.random)
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

    def call_soon(self, what: Callable[[], None]) -> None:
        """Call `what` in the monitor's loop; it must be quick and do no I/O."""
        with self._lock:
            self._wake()
            self.monitor.call_soon(what)

    def call_later(self, seconds: float, what: Callable[[], None]) -> Timer:
        """Call `what` in the monitor's loop when `seconds` have passed; it can be cancelled."""
        with self._lock:
            self._wake()
            return self.monitor.call_later(seconds, what)

    def check(self) -> None:
        """Raise EngineError if this engine cannot finish anything (any more)."""
        if self._ended is not None:
            raise EngineError(str(self._ended)) from self._ended  # each with its own traceback
        self.check_process()

    def check_process(self) -> None:
        """Raise EngineError in a process that was forked from the engine's."""
        if self.pid != os.getpid():
            raise EngineError(
                f"process {os.getpid()} was forked from {self.pid}, where the engine runs; "
                "futures of the parent end there. Connect again in the child"
            )

    @property
    def ended(self) -> bool:
        """Whether it was stopped or broke."""
        return self._ended is not None

    def stop(self) -> None:
        """End the thread; what is still pending fails with EngineError."""
        self._finish(EngineError("the engine was stopped before the operation ended"))

    def _wake(self) -> None:
        """Called with the lock held, so that nothing enters an inbox that nobody empties."""
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
                    self._rest(wait)
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

    def _rest(self, seconds: float) -> None:
        try:
            what = self.monitor.inbox.get(timeout=seconds)
        except queue.Empty:
            return
        what()

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

    def _start_read(
        self, reader: Reader, request: ReadRequest, deliver: Callable[[ReadResult], None]
    ) -> None:
        self.reads.submit(lambda: deliver(reader.read(request, self.clock)))


class SteppedEngine(Engine):
    """An engine without any thread, on a clock that jumps: for simulations and tests."""

    def __init__(self, clock: ManualClock | None = None, random: Random | None = None) -> None:
        super().__init__(clock or ManualClock(), random or Random(0))
        self.reads = self.submissions = self.callbacks = self.own_calls = Inline()

    def run_until(self, done: Callable[[], bool], within: float = math.inf) -> bool:
        """Step and jump from one due moment to the next until `done()`; say whether it is.

        Gives up when nothing is due any more, or at `within` seconds from now.
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
    """This process's engine: one thread for everything that is watched."""
    global _default
    with _default_lock:
        if _default is None or _default.pid != os.getpid() or _default._ended is not None:
            _default = Engine()
        return _default
