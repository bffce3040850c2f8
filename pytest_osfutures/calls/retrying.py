"""How a call becomes a future with many tries (`*_async_r`).

It is a state machine: try, undo, wait until it is really gone, pause, try again. No thread
waits for any of it: requests leave on the engine's pool, pauses and ends come through the
monitor's loop, and there every state changes. `decide` says what to do about a failed try.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from functools import partial
from typing import Any

from pytest_osfutures.calls.admission import PATIENCE
from pytest_osfutures.calls.decide import (
    Answer,
    decide,
    explained,
    is_ambiguous,
    is_rate_limit,
    left_behind,
    over_quota,
)
from pytest_osfutures.calls.reconcile import Search, adopted
from pytest_osfutures.calls.start import Call, settle
from pytest_osfutures.calls.submit import (
    ClientContext,
    Submission,
    made_by,
    note_made,
    submit_stamped,
)
from pytest_osfutures.calls.tries import RetriedCall
from pytest_osfutures.calls.undo import Undoing, finish, log_failure
from pytest_osfutures.calls.waits import is_busy, when_free
from pytest_osfutures.engine import Completion
from pytest_osfutures.errors import (
    AmbiguousRequest,
    OperationDetails,
    OperationTimeout,
    ResourceVanished,
    ServerLimitReached,
    without_frames,
)
from pytest_osfutures.future import OperationFuture, Promise
from pytest_osfutures.operations import Body, Operation, Succeeded
from pytest_osfutures.policy import Retry, seconds
from pytest_osfutures.transport import Exchange, retry_after

__tracebackhide__ = True  # pytest: an error belongs to the line of the test


def start_retried(
    context: ClientContext,
    call: Call,
    try_count: int | Retry | None = None,
    tout: float | None = None,
) -> OperationFuture[Any]:
    """Start the call in the background, with clean-up and retries, and return its future.

    `tout` (seconds) is the deadline of each try; every error goes into the future.
    """
    if tout is not None:
        seconds("tout", tout, 0.0)
    return Attempts(context, call, Retry.of(try_count, context.retry), tout).begin()


class Attempts(RetriedCall):
    """Makes the tries of one `*_async_r` call one after another."""

    def begin(self) -> OperationFuture[Any]:
        """Make the first try in the background and return the future."""
        self.engine.check()
        self.promise.set_undo(self.undo)
        if self.retry.within is not None:
            self.whole = self.engine.call_later(self.retry.within, self._run_out)
        self.engine.submissions.submit(self._first)
        return self.promise.future

    def undo(self) -> OperationFuture[None]:
        """Stop trying, and take back whatever there is by now.

        Raises InvalidArgument if there is something that nothing takes back.
        """
        if (why := self._why_it_stays(self.made)) is not None:
            raise why
        gone: Promise[None] = Promise(self.engine)
        gone.start()
        self.engine.call_soon(partial(self._stop, gone))
        return gone.future

    # On the pool of submissions

    def _first(self) -> None:
        self.idle = False  # before it runs: who stops it then must not believe that nothing does
        if self.promise.start():
            self._send()
        else:
            self.idle = True

    def _send(self) -> None:
        self.began_at = self.engine.clock.now()
        number = self.sendings = self.sendings + 1
        sent: list[Exchange] = []
        patience = self.engine.call_later(
            self.tout or PATIENCE, partial(self._unanswered, number, sent)
        )
        submission = None
        try:
            submission = submit_stamped(self.context, self.call, self.stamp, self.record, sent)
        except BaseException as error:
            come = partial(self._refused, error, sent[-1] if sent else None)
            if (made := made_by(self.context, sent)) is not None:
                come = partial(self._broken_off, error, made)
        else:
            come = partial(self._accepted, submission)
        patience.cancel()
        self.engine.call_soon(partial(self._answered, number, come, submission))

    # In the monitor's loop: one try

    def _answered(
        self, number: int, come: Callable[[], None], submission: Submission | None
    ) -> None:
        if number not in self.overdue:
            come()
            return
        # Too late: the cloud was asked meanwhile, or still is. Nothing may be left of it.
        if submission is None or submission.operation is None or not submission.operation.creates:
            return
        if self.idle or self.made is not None:
            if self.made is None or self.made.resource_id != submission.resource_id:
                Undoing(submission, self.retry, log_failure).begin()
        else:
            self.late = submission

    def _unanswered(self, number: int, sent: list[Exchange]) -> None:
        """No answer came in the time that the whole try has; none may ever come."""
        if number != self.sendings or self.made is not None or self.idle:
            return
        self.overdue += (number,)
        why = f"no answer to the request within {self.tout or PATIENCE:g} s"
        late = OperationTimeout(
            why, OperationDetails(seconds=self.engine.clock.now() - self.began_at)
        )
        self._refused(late, sent[-1] if sent else None)

    def _accepted(self, submission: Submission) -> None:
        if (why := self._why_it_stays(submission)) is not None:
            self._refuse_to_stop(why)
        if submission.operation is None:
            self._finish_at_once(submission)
            return
        self.made = submission
        self.turn.come()
        if self.ending:
            self._clean_up(CancelledError())
            return
        watch = submission.watch(self.tout, self._ended)
        # The try's own deadline counts from its beginning; one of an earlier try is looked at anew.
        began = self.began_at
        watch.began_at = max(began, watch.accepted_at) if self.tout is None else began
        self.watch = watch
        self.promise.set_accepted(submission.plain, watch)
        self.engine.watch(watch)

    def _ended(self, ending: Completion) -> None:
        if self.idle:  # given up while it could not be taken back: it has no say any more
            return
        if self.made is None:  # it is being taken back, or that is done already
            if isinstance(ending, Succeeded | ResourceVanished):
                self.promise.set_exception(CancelledError())
            else:
                self.promise.set_exception(ending)
        elif isinstance(ending, Succeeded):
            self.idle = True
            self._forget_deadline()
            settle(self.promise, self.made, ending)
        elif self.engine.ended:
            self._end(ending)
        else:
            self._note(ending)
            self._consult(ending, len(self.failed), partial(self._try_failed, ending))

    def _try_failed(self, error: BaseException) -> None:
        if self.made is None:  # it was taken back while `retry_on` was asked
            return
        if isinstance(error, OperationTimeout) and self._is_last(error):
            self._fail_now(error)  # at its deadline, however long it takes to take it back
        self._clean_up(error)

    def _is_last(self, error: BaseException) -> bool:
        """Return True if no try comes after this failure."""
        return decide(error, None, self.judged, len(self.failed)) is not Answer.AGAIN

    def _refused(self, error: BaseException, sent: Exchange | None) -> None:
        """The plain call raised: the cloud did not accept it, or nobody knows."""
        again, failed = partial(self._resend, error), len(self.failed) + 1
        if isinstance(error, ServerLimitReached):
            self.turn.wait_in_run(again, lambda _: self._end(error))
        elif over_quota(sent) and not self.ending:
            answer = partial(self._consult, error, failed, partial(self._answer, error, sent))
            self.turn.wait_in_cloud(again, answer, partial(self._give_up, error, sent))
        else:
            failed = 0 if is_rate_limit(error, sent) else failed  # that costs no try
            self._consult(error, failed, partial(self._weigh, error, sent))

    def _weigh(self, error: BaseException, sent: Exchange | None) -> None:
        if is_ambiguous(sent) or not self._wait_for_rate(error, sent):
            self._answer(error, sent)

    def _wait_for_rate(self, error: BaseException, sent: Exchange | None) -> bool:
        """Send the request again later if a rate limit has refused it: that costs it no try."""
        if self.ending or not is_rate_limit(error, sent) or self.judged.wants(error, 0) is False:
            return False
        give_up = partial(self._give_up, error, sent)
        self.turn.wait_for_rate(error, sent, partial(self._resend, error), give_up)
        return True

    def _answer(self, error: BaseException, sent: Exchange | None) -> None:
        """Do what is to be done about a try that has failed."""
        if not is_rate_limit(error, sent) or not is_ambiguous(sent):
            self._note(error)
        if isinstance(error, OperationTimeout) and self._is_last(error):
            self._fail_now(error)  # what the request has made is searched for and deleted behind it
        submission, self.unfinished = self.unfinished, None
        refused = sent is not None and (is_busy(sent) or sent.status == 400)
        if submission is not None and refused and not self.ending:
            self._accepted(submission)  # it came too late for its deadline: is it done by now?
            return
        answer = decide(error, sent, self.judged, len(self.failed))
        if sent is not None and answer is Answer.SEARCH:
            found = partial(self._found, error, sent)
            unknown = partial(self._unknown, error)
            past = {names["id"] for each in self.undone for names in each.targets if "id" in names}
            Search(self.context, sent, self.stamp, past, found, unknown).begin()
        elif answer is Answer.DONE:
            self._succeed(None)
        elif answer is Answer.AGAIN:
            self._again_when_free(error, sent)
        else:
            self._give_up(error, sent, self.engine.clock.now() - self.began_at)

    def _give_up(self, error: BaseException, sent: Exchange | None, seconds: float) -> None:
        self._end(explained(self.context, error, sent, seconds))

    def _broken_off(self, error: BaseException, submission: Submission) -> None:
        """The plain call raised after one of its requests had made something."""
        self.made = submission
        self._note(error)
        self._consult(error, len(self.failed), partial(self._try_failed, error))

    def _found(
        self, error: BaseException, sent: Exchange, operation: Operation, bodies: Sequence[Body]
    ) -> None:
        """What the lost request has made: go on with the first of it, and delete the others."""
        if bodies:
            first, *extras = adopted(self.context, sent, operation, bodies)
            if self.record is not None:
                self.engine.submissions.submit(partial(note_made, self.record, first))
            for extra in extras:
                Undoing(extra, self.retry, log_failure).begin()
            if operation.begins:
                self.made = first
                self._clean_up(error)
            else:
                self._adopt(first)
        elif self.late is not None:
            self._adopt(self.late)
        elif self._wait_for_rate(error, sent):
            pass
        elif self.judged.wants(error, len(self.failed)) is not False:
            self._again(error, None)
        else:
            self._end(error)

    def _adopt(self, submission: Submission) -> None:
        """Go on with what a lost request has made: its try begins now."""
        self.began_at = self.engine.clock.now()
        self._accepted(submission)

    def _unknown(self, error: BaseException, operation: str, why: str) -> None:
        text = f"the request may have arrived and was not sent again ({why}): {error}"
        unknown = AmbiguousRequest(text, OperationDetails(operation=operation))
        unknown.__cause__ = without_frames(error)
        self._end(unknown, unknown if self.ending else None)

    # In the loop: from one try to the next

    def _clean_up(self, error: BaseException) -> None:
        """Undo the failed try and wait until that is done; then go on, or give up with `error`."""
        submission, self.made = self.made, None
        assert submission is not None
        operation = submission.operation
        if isinstance(error, OperationTimeout) and operation and operation.undo is None:
            self.unfinished = submission
        undoing = Undoing(submission, self.retry, partial(self._cleaned, error, submission))
        self.undone.append(undoing)
        undoing.begin()

    def _cleaned(
        self, error: BaseException, submission: Submission, failure: BaseException | None
    ) -> None:
        if failure is not None:
            self.made = submission  # still: whoever takes it back later tries again
            self._end(left_behind(error, failure), failure)
        elif decide(error, None, self.judged, len(self.failed)) is Answer.AGAIN:
            self._again(error, None)
        else:
            self._end(error)

    def _again_when_free(self, error: BaseException, sent: Exchange | None) -> None:
        """Try again; if the resource was busy, when it is not any more."""
        again = partial(self._again, error, retry_after(sent.headers) if sent else None)
        if self.ending:
            again()
            return
        step = self.turn.hold(again)
        watch = when_free(self.context, sent, self.tout, lambda _: step())
        if watch is None:
            step()
        else:
            self.turn.call_off = partial(self.engine.monitor.forget, watch)

    def _again(self, error: BaseException, wish: float | None) -> None:
        if self.ending:
            self._end(error)
            return
        pause = max(self.retry.pause(len(self.failed), self.engine.random), wish or 0.0)
        if wish is not None and wish > (self.tout or PATIENCE):
            self._end(error)  # no try may take as long as the cloud wants to be left alone
        else:
            self.turn.rest(pause, partial(self._resend, error))

    def _resend(self, error: BaseException) -> None:
        if self.ending:
            self._end(error)
        else:
            self.late = None
            self.engine.submissions.submit(self._send)

    # In the loop: stopping

    def _run_out(self) -> None:
        """The deadline of all tries has passed: the future ends now, what is left later."""
        now = self.engine.clock.now()
        self.over = True
        # An earlier try's watch says nothing about what is under way now.
        watch = self.watch if self.made is not None else None
        details = watch.details(now) if watch is not None else OperationDetails()
        why = f"not done within the {self.retry.within:g} s for all tries"
        self.promise.set_exception(
            OperationTimeout(why, replace(details, attempts=tuple(self.failed)))
        )
        if self.made is not None:
            self._take_back()
        self.turn.leave_off()

    def _stop(self, gone: Promise[None]) -> None:
        if (why := self._why_it_stays(self.made)) is not None:
            finish(gone, why)
            return
        nothing = self.idle and self.made is None
        if not self.stopping and (self.promise.future.cancel() or nothing):
            finish(gone, None)
            return
        self.stopping.append(gone)
        if self.made is not None:
            self._take_back()
        self.turn.leave_off()
        # else the request, the search or the clean-up that is under way sees `stopping`

    def _take_back(self) -> None:
        submission, self.made = self.made, None
        assert submission is not None
        Undoing(submission, self.retry, partial(self._taken_back, submission)).begin()

    def _taken_back(self, submission: Submission, failure: BaseException | None) -> None:
        if failure is not None:
            self.made = submission
        self._end(CancelledError(), failure)
