"""How a call becomes a future: with one try (`*_async`), or with many (`*_async_r`).

The many are a state machine: try, undo, wait until it is really gone, pause, try again. No thread
waits for any of it: requests leave on the engine's pool, pauses and ends come through the
monitor's loop, and there every state changes. `decide` is the policy, a pure function.
"""

from __future__ import annotations

import enum
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from functools import partial
from typing import Any

from pytest_osfutures.capture import Exchange
from pytest_osfutures.errors import (
    Attempt,
    EngineError,
    Facts,
    OperationError,
    OperationFailed,
    OSFuturesError,
    QuotaExceeded,
    ResourceVanished,
    UnknownFate,
)
from pytest_osfutures.fate import Search, adopted
from pytest_osfutures.future import OperationFuture, finished
from pytest_osfutures.operation import Body, Operation
from pytest_osfutures.policy import Retry, seconds
from pytest_osfutures.source import is_passing, retry_after
from pytest_osfutures.submission import Binding, Submission, submit, submit_stamped
from pytest_osfutures.undo import Undoing, finish, undo
from pytest_osfutures.verdict import Succeeded
from pytest_osfutures.watch import Ending

Call = Callable[[], Any]
_log = logging.getLogger("osfutures")


def start(binding: Binding, call: Call, tout: float | None = None) -> OperationFuture[Any]:
    """Make the plain call now, in this thread, and return the future of what it has started.

    An error of the call itself is raised at once. A call that starts no operation that the table
    knows gives a future that is done already. `tout` is in seconds.
    """
    if tout is not None:
        seconds("tout", tout, 0.0)
    engine = binding.engine
    engine.check()
    record = None
    if binding.stamps:
        stamp = binding.stamp()
        record = binding.record(stamp)
        submission = submit_stamped(binding, call, stamp, record)
    else:
        submission = submit(binding, call)
    if submission.operation is None:
        return finished(engine, submission.plain)
    future: OperationFuture[Any] = OperationFuture(engine)
    future._start()
    watch = submission.watch(tout, partial(_settle, future, submission))
    future._begun(submission.plain, watch)
    if submission.operation.undo is not None:
        future._undo = partial(undo, submission, record)
    try:
        engine.watch(watch)
    except EngineError as error:  # it has just ended; the cloud has taken the request all the same
        future._fail(error)
    return future


def start_retried(
    binding: Binding,
    call: Call,
    try_count: int | Retry | None = None,
    tout: float | None = None,
) -> OperationFuture[Any]:
    """Start the call in the background, with clean-up and retries, and return its future.

    `tout` (seconds) is the deadline of each try; every error goes into the future.
    """
    if tout is not None:
        seconds("tout", tout, 0.0)
    return Attempts(binding, call, Retry.of(try_count, binding.retry), tout).begin()


def _settle(future: OperationFuture[Any], submission: Submission, ending: Ending) -> None:
    """Finish the future with what the operation came to. Never raises: the loop calls it."""
    if isinstance(ending, OSFuturesError):
        future._fail(ending)
        return
    try:
        value = submission.result(ending)
    except Exception as error:
        future._fail(error)
    else:
        _note_gone(submission)
        future._succeed(value)


def _note_gone(submission: Submission) -> None:
    """Note it in the ledger if the operation has deleted something."""
    operation, ledger = submission.operation, submission.binding.ledger
    ident = submission.resource_id
    if ledger is not None and operation is not None and operation.deletes and ident:
        gone = partial(ledger.gone, operation.expects[0].kind.name, ident)
        submission.binding.engine.submissions.submit(gone)


class Answer(enum.Enum):
    """What to do about a failed try."""

    GIVE_UP = "give up"
    AGAIN = "try again"
    SEARCH = "find out whether the request arrived"


def decide(error: BaseException, sent: Exchange | None, retry: Retry, failed: int) -> Answer:
    """The answer to the `failed`-th failure; `sent` is the request if it had no success.

    A request that may have arrived is looked for first. Then the user's `retry_on` decides where
    it has an opinion. Otherwise: what the cloud calls a wrong request (400, 404 and their like) is
    never repeated; a conflict, a quota, a rate limit and whatever failed after it was accepted is,
    and so is a call that the cloud did not hear before it could change anything.
    """
    if sent is not None and sent.doubtful and sent.method == "POST":
        return Answer.SEARCH
    wanted = opinion(retry, error, failed)
    if wanted is False or not isinstance(error, Exception):
        return Answer.GIVE_UP
    if wanted or isinstance(error, OperationError):
        return Answer.AGAIN
    if sent is None:
        return Answer.AGAIN if is_passing(error) else Answer.GIVE_UP
    passing = sent.status in (0, 408, 409, 413, 425, 429) or sent.status >= 500
    return Answer.AGAIN if passing or over_quota(sent) else Answer.GIVE_UP


def opinion(retry: Retry, error: BaseException, failed: int) -> bool | None:
    """What the policy says about the `failed`-th failure; if it raises itself, that is a no."""
    try:
        return retry.wants(error, failed)
    except Exception:
        _log.exception("retry_on raised")
        return False


def over_quota(sent: Exchange) -> bool:
    """Whether the cloud refused the request because of a quota (Nova: 403, Cinder: 413)."""
    return sent.status in (403, 413) and "quota" in str(sent.response).lower()


class Attempts:
    """One `*_async_r` call: owns its future, and makes the tries one after another.

    `made` is what exists in the cloud by the present try, `idle` says that nothing is under way.
    """

    def __init__(
        self,
        binding: Binding,
        call: Call,
        retry: Retry,
        tout: float | None,
        overall: float | None = None,
    ) -> None:
        self.binding = binding
        self.engine = binding.engine
        self.call = call
        self.retry = retry
        self.tout = tout
        self.future: OperationFuture[Any] = OperationFuture(binding.engine)
        self.future._undo = self.undo
        self.failed: list[Attempt] = []
        self.began_at = self.engine.clock.now()
        self.over_at = None if overall is None else self.began_at + overall
        self.stamp = binding.stamp()
        self.record = binding.record(self.stamp)
        self.made: Submission | None = None
        self.idle = True
        self.stopping: list[OperationFuture[None]] = []

    def begin(self) -> OperationFuture[Any]:
        """Make the first try in the background and return the future."""
        self.engine.check()
        self.engine.submissions.submit(self._first)
        return self.future

    def undo(self) -> OperationFuture[None]:
        """Stop trying, and take back whatever there is by now."""
        gone: OperationFuture[None] = OperationFuture(self.engine)
        gone._start()
        self.engine.soon(partial(self._stop, gone))
        return gone

    # On the pool of submissions

    def _first(self) -> None:
        self.idle = False  # before it runs: who stops it then must not believe that nothing does
        if self.future._start():
            self._send()
        else:
            self.idle = True

    def _send(self) -> None:
        self.began_at = self.engine.clock.now()
        sent: list[Exchange] = []
        try:
            submission = submit_stamped(self.binding, self.call, self.stamp, self.record, sent)
        except BaseException as error:
            self.engine.soon(partial(self._refused, error, sent[-1] if sent else None))
        else:
            self.engine.soon(partial(self._accepted, submission))

    # In the monitor's loop: one try

    def _accepted(self, submission: Submission) -> None:
        if submission.operation is None:
            self.idle = True
            self.future._succeed(submission.plain)
            self._stopped(None)
            return
        self.made = submission
        if self.stopping:
            self._clean_up(CancelledError())
            return
        watch = submission.watch(self._time_left(), self._ended)
        self.future._begun(submission.plain, watch)
        self.engine.watch(watch)

    def _time_left(self) -> float | None:
        """The try's own deadline, cut short by the overall one; None for the table's."""
        if self.over_at is None:
            return self.tout
        left = max(0.001, self.over_at - self.engine.clock.now())
        return left if self.tout is None else min(left, self.tout)

    def _ended(self, ending: Ending) -> None:
        if self.made is None:  # it is being taken back, or that is done already
            if isinstance(ending, Succeeded | ResourceVanished):
                self.future._fail(CancelledError())
            else:
                self.future._fail(ending)
        elif isinstance(ending, Succeeded):
            self.idle = True
            _settle(self.future, self.made, ending)
        elif self.engine.ended:
            self._end(ending)
        else:
            self._note(ending)
            self._clean_up(ending)

    def _refused(self, error: BaseException, sent: Exchange | None) -> None:
        """The plain call raised: the cloud did not accept it, or nobody knows."""
        self._note(error)
        answer = decide(error, sent, self.retry, len(self.failed))
        if sent is not None and answer is Answer.SEARCH:
            found = partial(self._found, error, sent)
            Search(self.binding, sent, self.stamp, found, partial(self._unknown, error)).begin()
        elif answer is Answer.AGAIN:
            self._again(error, retry_after(sent.headers) if sent is not None else None)
        else:
            self._end(self._explained(error, sent))

    def _found(
        self, error: BaseException, sent: Exchange, operation: Operation, bodies: Sequence[Body]
    ) -> None:
        """What the lost request has made: go on with the first of it, and delete the others."""
        if bodies:
            first, *extras = (adopted(self.binding, sent, operation, body) for body in bodies)
            if self.record is not None and first.resource_id:
                self.engine.submissions.submit(partial(self.record.bound, first.resource_id))
            for extra in extras:
                Undoing(extra, self.retry, lambda _: None).begin()
            self._accepted(first)
        elif opinion(self.retry, error, len(self.failed)) is not False:
            self._again(error, None)
        else:
            self._end(error)

    def _unknown(self, error: BaseException, operation: str, why: str) -> None:
        text = f"the request may have arrived and was not sent again ({why}): {error}"
        unknown = UnknownFate(text, Facts(operation=operation))
        unknown.__cause__ = error
        self._end(unknown)

    # In the loop: from one try to the next

    def _clean_up(self, error: BaseException) -> None:
        """Undo the failed try and wait until that is done; then go on, or give up with `error`."""
        submission, self.made = self.made, None
        assert submission is not None
        Undoing(submission, self.retry, partial(self._cleaned, error)).begin()

    def _cleaned(self, error: BaseException, failure: BaseException | None) -> None:
        if failure is not None:
            self._end(self._left_behind(error, failure), failure)
        elif decide(error, None, self.retry, len(self.failed)) is Answer.AGAIN:
            self._again(error, None)
        else:
            self._end(error)

    def _again(self, error: BaseException, wish: float | None) -> None:
        pause = max(self.retry.pause(len(self.failed), self.engine.random), wish or 0.0)
        over = self.over_at is not None and self.engine.clock.now() + pause >= self.over_at
        if over or self.stopping:
            self._end(error)
            return
        self.engine.later(pause, partial(self._resend, error))

    def _resend(self, error: BaseException) -> None:
        if self.stopping:
            self._end(error)
        else:
            self.engine.submissions.submit(self._send)

    def _end(self, error: BaseException, left: BaseException | None = None) -> None:
        self.idle = True
        if isinstance(error, OperationError):
            error = error.with_facts(attempts=tuple(self.failed))
        unsure = self.made is not None or isinstance(error, UnknownFate)
        if self.record is not None and left is None and not unsure:
            self.engine.submissions.submit(self.record.gone)
        self.future._fail(error)
        self._stopped(left)

    def _note(self, error: BaseException) -> None:
        why = error.why if isinstance(error, OperationError) else f"{type(error).__name__}: {error}"
        took = self.engine.clock.now() - self.began_at
        ident = self.made.resource_id if self.made is not None else None
        self.failed.append(Attempt(len(self.failed) + 1, ident, took, why))
        self.future._attempts = tuple(self.failed)

    def _explained(self, error: BaseException, sent: Exchange | None) -> BaseException:
        if sent is None or not over_quota(sent):
            return error
        quota = QuotaExceeded(str(error), Facts(seconds=self.engine.clock.now() - self.began_at))
        quota.__cause__ = error
        return quota

    def _left_behind(self, error: BaseException, failure: BaseException) -> BaseException:
        """A try failed and left something that could not be undone: both have to be said."""
        why = error.why if isinstance(error, OperationError) else str(error)
        text = f"{why}; what it left could not be undone: {failure}"
        if isinstance(error, OperationError):
            return type(error)(text, error.facts)
        return OperationFailed(text)

    # In the loop: stopping

    def _stop(self, gone: OperationFuture[None]) -> None:
        nothing = self.idle and self.made is None
        if not self.stopping and (self.future.cancel() or nothing):
            finish(gone, None)
            return
        self.stopping.append(gone)
        if self.made is not None:
            submission, self.made = self.made, None
            Undoing(submission, self.retry, self._taken_back).begin()
        # else the request, the search or the clean-up that is under way sees `stopping`

    def _taken_back(self, failure: BaseException | None) -> None:
        self._end(CancelledError(), failure)

    def _stopped(self, failure: BaseException | None) -> None:
        waiting, self.stopping = self.stopping, []
        for gone in waiting:
            finish(gone, failure)
