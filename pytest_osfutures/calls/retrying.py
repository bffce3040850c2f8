"""A call with many tries (`*_async_r`): its future, its undo and its deadlines."""

from __future__ import annotations

import logging
from dataclasses import replace
from functools import partial
from typing import Any

from pytest_osfutures.calls.arguments import title_of
from pytest_osfutures.calls.attempts import retried, undone_by_user
from pytest_osfutures.calls.context import ClientContext
from pytest_osfutures.calls.readiness import WaitUntilReady, checked
from pytest_osfutures.calls.request import (
    Call,
    CallRequest,
    Completed,
    Failure,
    GaveUp,
)
from pytest_osfutures.calls.start import settle
from pytest_osfutures.calls.steps import WatchUntilDone
from pytest_osfutures.calls.submit import Submission
from pytest_osfutures.calls.task import Raised, Task
from pytest_osfutures.calls.undo import finish, log_problem, undone
from pytest_osfutures.engine import Timer
from pytest_osfutures.errors import (
    Attempt,
    InvalidArgument,
    OperationDetails,
    OperationError,
    OperationTimeout,
)
from pytest_osfutures.futures import OperationFuture, Promise
from pytest_osfutures.futures import title_of as title_of_future
from pytest_osfutures.policy import Retry, seconds

_log = logging.getLogger("osfutures")
__tracebackhide__ = True  # pytest: an error belongs to the line of the test


def start_retried(
    context: ClientContext,
    call: Call,
    try_count: int | Retry | None = None,
    tout: float | None = None,
    ready: Any = None,
) -> OperationFuture[Any, Any]:
    """Start the call in the background, with clean-up and retries, and return the future.

    `tout` (seconds) is the deadline of each try; every error goes into the future. With `ready`, a
    condition, a try has succeeded when its servers are usable. Raises InvalidArgument for bad
    arguments, before anything is sent.
    """
    if tout is not None:
        seconds("tout", tout, 0.0)
    retry = Retry.of(try_count, context.retry)
    condition = None if ready is None else checked(ready)
    stamp = context.new_stamp()
    request = CallRequest(context, call, retry, tout, stamp, context.record(stamp), condition)
    return RetriedCall(request).begin()


class RetriedCall:
    """A retried call and its future. Its state changes in the engine's loop only."""

    # Thousands may run at a time.
    __slots__ = (
        "_deadline",
        "_task",
        "began_at",
        "known",
        "lost",
        "made",
        "promise",
        "request",
        "undos",
    )

    def __init__(self, request: CallRequest) -> None:
        engine = request.context.engine
        self.request = request
        self.promise: Promise[Any] = Promise(engine, observer=request.context.observer)
        self.promise.set_title(partial(title_of, request.call))
        #: The resource that exists by now; undo() has to take it back.
        self.made: Submission | None = None
        #: The ambiguous request that no search has found yet; undo() has to search again.
        self.lost: Failure | None = None
        #: The ids of all resources that requests of this call have created.
        self.known: list[str] = []
        #: The beginning of the present try, in seconds on the engine's clock.
        self.began_at = engine.clock.now()
        self._task = Task(engine, retried(self), self._end)
        #: The futures of the undo() calls.
        self.undos: tuple[Promise[None], ...] = ()
        self._deadline: Timer | None = None

    def begin(self) -> OperationFuture[Any]:
        """Make the first try in the background and return the future."""
        engine, within = self.request.context.engine, self.request.retry.within
        engine.check()
        self.promise.set_undo(self)
        if within is not None:
            self._deadline = engine.call_later(within, partial(self._run_out, within))
        if (observer := self.request.context.observer) is not None:
            observer.submitted(self.promise.future)
        self._task.begin()
        return self.promise.future

    def __call__(self) -> OperationFuture[None]:
        """Undo the call: stop trying, and undo the resources that exist by now, in the background.

        The future holds the call itself: a bound method for each would take more memory. Raises
        InvalidArgument if nothing undoes the operation.
        """
        if (why := self._why_not_undone()) is not None:
            raise why
        engine = self.request.context.engine
        gone: Promise[None] = Promise(engine, observer=self.request.context.observer)
        gone.set_title(lambda: f"undo of {title_of(self.request.call)}")
        gone.start()
        engine.call_soon(partial(self._stop, gone))
        return gone.future

    # For the coroutine

    def begin_try(self) -> bool:
        """Note that a request leaves now; return False if the future was cancelled before.

        The thread that sends the request calls this.
        """
        self.began_at = self.request.context.engine.clock.now()
        return self.promise.future.running() or self.promise.start()

    def accept(self, submission: Submission) -> None:
        """Note the last submission; end the futures of an undo that is impossible."""
        self.made = submission
        self.known.extend(submission.ids)
        why = self._why_not_undone()
        if why is None:
            return
        undos, self.undos = self.undos, ()
        for gone in undos:
            finish(gone, why)
        if not self.promise.future.done():
            self._task.uninterrupt()

    def discard(self, submission: Submission) -> None:
        """Undo in the background what a request has created beside the call's own resource."""
        if not submission.ids.issubset(self.known):
            self.known.extend(submission.ids)
            steps = undone(submission, self.request.retry, self.known)
            Task(self.request.context.engine, steps, log_problem).begin()

    def note(self, failure: Failure) -> None:
        """Note a failed try in the future."""
        error = failure.error
        why = error.why if isinstance(error, OperationError) else f"{type(error).__name__}: {error}"
        took = self.request.context.engine.clock.now() - self.began_at
        ident = failure.made.resource_id if failure.made is not None else None
        attempts, busy = self.promise.future.attempts, failure.is_busy
        attempt = Attempt(len(attempts) + 1, ident, took, why, busy)
        self.promise.set_attempts((*attempts, attempt))
        self.promise.set_refused(failure.refused)
        made, title = failure.made, title_of_future(self.promise.future)
        label = made.title if made is not None else title
        _log.info("try %d of %s has failed after %.1f s: %s", attempt.number, label, took, why)

    def fail_now(self, error: OperationError) -> None:
        """Fail the future now; the coroutine stops when it has found out what is left."""
        self.promise.set_exception(error.with_details(attempts=self.promise.future.attempts))
        self._task.interrupt()

    # In the loop

    def _why_not_undone(self) -> InvalidArgument | None:
        """Return the error of an undo() if nothing undoes what exists by now."""
        made = self.made
        if made is None or (made.operation and made.operation.undo is not None):
            return None
        return InvalidArgument(f"{made.title} has nothing that would undo it")

    def _run_out(self, within: float) -> None:
        """The deadline of all tries has passed: the future fails now, the rest is undone later."""
        step = self._task.step
        details = OperationDetails()
        if isinstance(step, WatchUntilDone | WaitUntilReady):
            details = step.details()
        why = f"not done within the {within:g} s for all tries"
        details = replace(details, attempts=self.promise.future.attempts)
        self.promise.set_exception(OperationTimeout(why, details))
        self._task.interrupt()

    def _stop(self, gone: Promise[None]) -> None:
        if (why := self._why_not_undone()) is not None:
            finish(gone, why)
        elif self.promise.future.cancel() or self._is_over():
            finish(gone, None)
        else:
            self.undos = (*self.undos, gone)
            if self._task.ended:
                self._task = Task(self.request.context.engine, undone_by_user(self), self._end)
                self._task.begin()
            else:
                self._task.interrupt()

    def _is_over(self) -> bool:
        """Return True if nothing is under way and nothing is left to undo."""
        return self._task.ended and self.made is None and self.lost is None

    def _end(self, result: Completed | GaveUp | Raised) -> None:
        """Finish the future, and those of the undo() calls."""
        if self._deadline is not None:
            self._deadline.cancel()
        left: BaseException | None = None
        is_told = False
        if isinstance(result, Completed):
            settle(self.promise, result)
        else:
            error, left = result.error, result.left if isinstance(result, GaveUp) else result.error
            is_told = left is error and not self.promise.future.done()
            if self.request.record is not None and left is None and self.made is None:
                self.request.context.engine.submissions.submit(self.request.record.gone)
            if isinstance(error, OperationError):
                error = error.with_details(attempts=self.promise.future.attempts)
            self.promise.set_exception(error)
        undos, self.undos = self.undos, ()
        for gone in undos:
            finish(gone, left)
        if not undos and not is_told:
            log_problem(left)
