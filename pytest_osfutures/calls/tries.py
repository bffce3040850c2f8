"""What one retried call knows, and the ways in which its future ends."""

from __future__ import annotations

from functools import partial
from typing import Any

from pytest_osfutures.calls.admission import PATIENCE, Step, Turn
from pytest_osfutures.calls.start import Call, finish_at_once
from pytest_osfutures.calls.submit import ClientContext, Submission
from pytest_osfutures.calls.undo import Undoing, finish, log_failure
from pytest_osfutures.engine import Timer, Watch
from pytest_osfutures.errors import (
    AmbiguousRequest,
    Attempt,
    InvalidArgument,
    OperationError,
    without_frames,
)
from pytest_osfutures.future import Promise
from pytest_osfutures.policy import Retry

__tracebackhide__ = True  # pytest: an error belongs to the line of the test


#: The policy of a call that is not tried again, whatever the user's functions say.
NO_MORE = Retry(1, retry_on=())


class RetriedCall:
    """The state of one `*_async_r` call, which owns its future. Changes in the monitor's loop only.

    `made` is what exists in the cloud by the present try, `undone` what takes back that of earlier
    ones, `idle` says that nothing is under way. `stays` is a call that was done
    when it was answered.
    `sendings` counts the requests; one whose answer did not come in time is in `overdue`, and in
    `late` what such an answer said while the cloud was still searched for it. `judged` is the
    policy with what the user's `retry_on` says about the present error, `broken` what that raised.
    """

    def __init__(
        self, context: ClientContext, call: Call, retry: Retry, tout: float | None
    ) -> None:
        self.context = context
        self.engine = context.engine
        self.call = call
        self.retry = retry
        self.tout = tout
        self.promise: Promise[Any] = Promise(context.engine)
        self.failed: list[Attempt] = []
        self.began_at = self.engine.clock.now()
        self.whole: Timer | None = None
        self.over = False
        self.stamp = context.stamp()
        self.record = context.record(self.stamp)
        self.turn = Turn(context, self.record, tout or PATIENCE, retry)
        self.made: Submission | None = None
        self.watch: Watch | None = None
        self.stays: Submission | None = None
        self.undone: list[Undoing] = []
        self.idle = True
        self.stopping: list[Promise[None]] = []
        self.sendings = 0
        self.overdue: tuple[int, ...] = ()
        self.late: Submission | None = None
        self.unfinished: Submission | None = None
        self.judged = retry
        self.broken: InvalidArgument | None = None

    @property
    def ending(self) -> bool:
        """Whether nobody wants a success any more."""
        return self.over or bool(self.stopping)

    def _fail_now(self, error: OperationError) -> None:
        self.over = True
        self._forget_deadline()
        self.promise.set_exception(self.broken or error.with_details(attempts=tuple(self.failed)))

    def _succeed(self, value: Any) -> None:
        self.idle = True
        self._forget_deadline()
        self.promise.set_result(value)
        self._stopped(None)

    def _finish_at_once(self, submission: Submission) -> None:
        self.idle = True
        self.stays = submission
        self._forget_deadline()
        finish_at_once(self.promise, submission)
        self._stopped(None)

    def _why_it_stays(self, submission: Submission | None) -> InvalidArgument | None:
        """Return why `submission`, or the call that is done, cannot be taken back."""
        submission = submission or self.stays
        if submission is None or (submission.operation and submission.operation.undo is not None):
            return None
        return InvalidArgument(f"{submission.title} has nothing that would undo it")

    def _refuse_to_stop(self, why: InvalidArgument) -> None:
        """Say to all who want to take the call back that it cannot be; it goes on."""
        waiting, self.stopping = self.stopping, []
        for gone in waiting:
            finish(gone, why)

    def _end(self, error: BaseException, left: BaseException | None = None) -> None:
        self.idle = True
        self._forget_deadline()
        if isinstance(error, OperationError):
            error = error.with_details(attempts=tuple(self.failed))
        unsure = self.made is not None or isinstance(error, AmbiguousRequest)
        if self.record is not None and left is None and not unsure:
            self.engine.submissions.submit(self.record.gone)
        self.promise.set_exception(self.broken or error)
        self._stopped(left)

    def _consult(self, error: BaseException, failed: int, then: Step) -> None:
        """Let the user's `retry_on` judge `error`, in a thread for users' functions; then go on.

        Nothing is asked about the last try, which none follows; `failed` counts those so far.
        """
        last = failed >= self.retry.tries
        if last or self.ending or not self.retry.has_predicate:
            self.judged = NO_MORE if last or self.ending else self.retry
            then()
            return
        self.judged, step = NO_MORE, self.turn.hold(then)  # until it has answered

        def ask() -> None:
            judged, broken = NO_MORE, None
            try:
                judged = self.retry.asked(error)
            except InvalidArgument as raised:
                broken = without_frames(raised)
            self.engine.call_soon(partial(told, judged, broken))

        def told(judged: Retry, broken: InvalidArgument | None) -> None:
            if self.turn.waiting is step:
                self.judged, self.broken = judged, broken
            step()

        self.engine.callbacks.submit(ask)

    def _forget_deadline(self) -> None:
        if self.whole is not None:
            self.whole.cancel()

    def _note(self, error: BaseException) -> None:
        why = error.why if isinstance(error, OperationError) else f"{type(error).__name__}: {error}"
        took = self.engine.clock.now() - self.began_at
        ident = self.made.resource_id if self.made is not None else None
        self.failed.append(Attempt(len(self.failed) + 1, ident, took, why))
        self.promise.set_attempts(tuple(self.failed))

    def _stopped(self, failure: BaseException | None) -> None:
        waiting, self.stopping = self.stopping, []
        for gone in waiting:
            finish(gone, failure)
        if failure is not None and not waiting:
            log_failure(failure)
