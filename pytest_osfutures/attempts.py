"""The state machine of `*_async_r`: try, undo, wait until it is really gone, pause, try again.

No thread waits for any of it: requests leave on the engine's pool, pauses and ends come through
the monitor's loop. `decide` is the policy, a pure function.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from pytest_osfutures.capture import Exchange
from pytest_osfutures.errors import (
    Attempt,
    Facts,
    OperationError,
    OperationTimeout,
    OSFuturesError,
    QuotaExceeded,
    ResourceVanished,
    UnknownFate,
)
from pytest_osfutures.future import OperationFuture
from pytest_osfutures.operation import Body, Operation
from pytest_osfutures.policy import Retry, seconds
from pytest_osfutures.snapshot import Look
from pytest_osfutures.source import Place, microversion_of, retry_after
from pytest_osfutures.stamp import Stamp, new_id
from pytest_osfutures.submission import (
    Binding,
    Submission,
    recognise,
    send_undo,
    settle,
    stamping,
    submit,
    undo,
)
from pytest_osfutures.verdict import Succeeded
from pytest_osfutures.watch import Ending

#: After a request of unknown fate the cloud is searched for its effect at these moments
#: (multiples of `Poll.slowest` after it was sent); only then it is sent again.
SEARCHES = (0.0, 0.2, 0.6, 1.2, 2.0, 3.0)


class Answer(enum.Enum):
    """What to do about a failed try."""

    GIVE_UP = "give up"
    AGAIN = "try again"
    SEARCH = "find out whether the request arrived"


def decide(error: BaseException, sent: Exchange | None, retry: Retry, failed: int) -> Answer:
    """The answer to the `failed`-th failure in a row; `sent` is the request if it had no success.

    The user's `retry_on` decides where it has an opinion. Otherwise: what the cloud calls a wrong
    request (400, 404 and their like) is never repeated; a conflict, a quota, a rate limit and
    everything that failed after it was accepted is; a request that may have arrived is looked
    for first.
    """
    if not isinstance(error, Exception):
        return Answer.GIVE_UP
    if sent is not None and sent.doubtful and sent.method == "POST":
        return Answer.SEARCH
    wanted = retry.allows(error)
    if failed >= retry.tries or wanted is False:
        return Answer.GIVE_UP
    if wanted:
        return Answer.AGAIN
    if isinstance(error, ResourceVanished):
        return Answer.AGAIN
    if isinstance(error, OSFuturesError):
        return Answer.AGAIN if isinstance(error, OperationError) else Answer.GIVE_UP
    if sent is None:
        return Answer.GIVE_UP
    passing = sent.status in (0, 408, 409, 413, 425, 429) or sent.status >= 500
    return Answer.AGAIN if passing or over_quota(sent) else Answer.GIVE_UP


def over_quota(sent: Exchange) -> bool:
    """Whether the cloud refused the request because of a quota (Nova: 403, Cinder: 413)."""
    return sent.status in (403, 413) and "quota" in str(sent.response).lower()


class Attempts:
    """One `*_async_r` call: owns its future, and makes the tries one after another."""

    def __init__(
        self,
        binding: Binding,
        call: Callable[[], Any],
        retry: Retry,
        tout: float | None,
        allowed: float | None = None,
    ) -> None:
        self.binding = binding
        self.engine = binding.engine
        self.call = call
        self.retry = retry
        self.tout = tout
        self.future: OperationFuture[Any] = OperationFuture(binding.engine)
        self.failed: list[Attempt] = []
        self.began_at = self.engine.clock.now()
        self.over_at = None if allowed is None else self.began_at + allowed
        self.stamp = Stamp(binding.run, new_id(), int(self.engine.clock.time() + binding.expiry))
        self.submission: Submission | None = None

    def begin(self) -> OperationFuture[Any]:
        """Make the first try in the background and return the future."""
        self.engine.check()
        self.engine.submissions.submit(self._first)
        return self.future

    # On the pool of submissions

    def _first(self) -> None:
        if self.future.set_running_or_notify_cancel():
            self._send()

    def _send(self) -> None:
        self.began_at = self.engine.clock.now()
        sent: list[Exchange] = []
        try:
            submission = submit(self.binding, self.call, stamping(self.binding, self.stamp), sent)
        except BaseException as error:
            self.engine.soon(partial(self._refused, error, sent[-1] if sent else None))
        else:
            self.engine.soon(partial(self._accepted, submission))

    # In the monitor's loop

    def _accepted(self, submission: Submission) -> None:
        if submission.operation is None:
            self.future._succeed(submission.plain)
            return
        self.submission = submission
        watch = submission.watch(self._time_left(), self._ended)
        self.future._begun(submission.plain, watch)
        if submission.operation.undo is not None:
            self.future._undo = partial(undo, submission)
        self.engine.watch(watch)

    def _time_left(self) -> float | None:
        """The try's own deadline, cut short by the overall one; None for the table's."""
        if self.over_at is None:
            return self.tout
        left = max(0.001, self.over_at - self.engine.clock.now())
        return left if self.tout is None else min(left, self.tout)

    def _ended(self, ending: Ending) -> None:
        if isinstance(ending, Succeeded):
            assert self.submission is not None
            settle(self.future, self.submission, ending)
            return
        self._note(ending)
        if self._over() or decide(ending, None, self.retry, len(self.failed)) is Answer.GIVE_UP:
            self._clean_up(partial(self._give_up, ending))
        else:
            self._clean_up(partial(self._again, None))

    def _refused(self, error: BaseException, sent: Exchange | None) -> None:
        """The plain call raised: the cloud did not accept it, or nobody knows."""
        self._note(error)
        answer = decide(error, sent, self.retry, len(self.failed))
        if sent is not None and answer is Answer.SEARCH:
            self._search(error, sent, 0)
        elif answer is Answer.AGAIN and not self._over():
            self._again(retry_after(sent.headers) if sent is not None else None)
        else:
            self._give_up(self._explained(error, sent))

    def _again(self, wish: float | None) -> None:
        pause = self.retry.pause(len(self.failed), self.engine.random)
        send = partial(self.engine.submissions.submit, self._send)
        self.engine.later(max(pause, wish or 0.0), send)

    def _give_up(self, error: BaseException) -> None:
        if isinstance(error, OperationError):
            error = error.with_facts(attempts=tuple(self.failed))
        self.future._fail(error)

    def _note(self, error: BaseException) -> None:
        why = error.why if isinstance(error, OperationError) else f"{type(error).__name__}: {error}"
        took = self.engine.clock.now() - self.began_at
        ident = self.submission.resource_id if self.submission is not None else None
        self.failed.append(Attempt(len(self.failed) + 1, ident, took, why))
        self.future._attempts = tuple(self.failed)

    def _over(self) -> bool:
        return self.over_at is not None and self.engine.clock.now() >= self.over_at

    def _explained(self, error: BaseException, sent: Exchange | None) -> BaseException:
        if sent is None or not over_quota(sent):
            return error
        quota = QuotaExceeded(str(error), Facts(seconds=self.engine.clock.now() - self.began_at))
        quota.__cause__ = error
        return quota

    # Taking back what a failed try has left

    def _clean_up(self, then: Callable[[], None]) -> None:
        """Undo the failed try and wait until that is done; then go on."""
        submission, self.submission = self.submission, None
        assert submission is not None
        if submission.operation is None or submission.operation.undo is None:
            then()
            return
        self.engine.submissions.submit(partial(self._send_undo, submission, then, 1))

    def _send_undo(self, submission: Submission, then: Callable[[], None], tries: int) -> None:
        try:
            undoing = send_undo(submission)
        except Exception as error:
            self.engine.soon(partial(self._undo_failed, submission, then, tries, error))
            return
        if undoing is None or undoing.operation is None:
            self.engine.soon(then)
            return

        def ended(ending: Ending) -> None:
            if isinstance(ending, OSFuturesError):
                self._undo_failed(submission, then, tries, ending)
            else:
                then()

        self.engine.watch(undoing.watch(None, ended))

    def _undo_failed(
        self,
        submission: Submission,
        then: Callable[[], None],
        tries: int,
        error: BaseException,
    ) -> None:
        """What a try has left behind must go before the next one: insist, then say so."""
        if tries < max(3, self.retry.tries):
            again = partial(self._send_undo, submission, then, tries + 1)
            pause = self.retry.pause(tries, self.engine.random)
            self.engine.later(pause, partial(self.engine.submissions.submit, again))
            return
        last = self.failed[-1]
        left = f"{last.why}; and what it left could not be undone: {error}"
        self.failed[-1] = last._replace(why=left)
        facts = Facts(
            operation=submission.operation.name if submission.operation else "",
            resource_id=last.resource_id,
            attempts=tuple(self.failed),
        )
        failure = OperationTimeout if isinstance(error, TimeoutError) else OperationError
        self.future._fail(failure(left, facts))

    # A request that may have arrived

    def _search(self, error: BaseException, sent: Exchange, number: int) -> None:
        found = recognise(self.binding, sent)
        if found is None or found[0].stamp is None or found[0].expects[0].kind.list_path is None:
            unknown = UnknownFate(
                f"the request may have arrived and was not sent again: {error}",
                Facts(operation=found[0].name if found else "", attempts=tuple(self.failed)),
            )
            unknown.__cause__ = error
            self._give_up(unknown)
            return
        wait = SEARCHES[number] - (SEARCHES[number - 1] if number else 0.0)
        look = partial(self._look_for_stamp, error, sent, found[0], found[2], number)
        wait *= self.binding.source.poll.slowest
        self.engine.later(wait, partial(self.engine.submissions.submit, look))

    def _look_for_stamp(
        self, error: BaseException, sent: Exchange, operation: Operation, place: Place, number: int
    ) -> None:
        kind = operation.expects[0].kind
        version = microversion_of(place.service, sent.request_headers)
        look = Look(kind, version, (), kind.list_path or "", listing=True)
        outcome = self.binding.source.read(look, self.engine.clock)
        mine = [body for body in outcome.found.values() if self.stamp.is_on(body)]
        self.engine.soon(
            partial(self._searched, error, sent, operation, mine, outcome.error, number)
        )

    def _searched(
        self,
        error: BaseException,
        sent: Exchange,
        operation: Operation,
        mine: list[Body],
        failure: str | None,
        number: int,
    ) -> None:
        if mine:
            self._adopt(sent, operation, mine)
        elif number + 1 < len(SEARCHES):
            self._search(error, sent, number + 1)
        elif failure is not None:
            unknown = UnknownFate(
                f"the request may have arrived, and the cloud cannot be searched: {failure}",
                Facts(operation=operation.name, attempts=tuple(self.failed)),
            )
            unknown.__cause__ = error
            self._give_up(unknown)
        elif len(self.failed) < self.retry.tries and not self._over():
            self._again(None)
        else:
            self._give_up(error)

    def _adopt(self, sent: Exchange, operation: Operation, mine: list[Body]) -> None:
        """The request did arrive: go on with the oldest of what it made, and delete the others."""
        first, *extras = sorted(mine, key=lambda body: str(body.get("created", "")))
        kind = operation.expects[0].kind

        def submission(body: Body) -> Submission:
            plain = self.binding.revive(kind, body, None)
            exchange = replace(sent, answered_at=self.engine.clock.now())
            return Submission(self.binding, plain, operation, {"id": str(body["id"])}, exchange)

        for extra in extras:
            self.engine.submissions.submit(partial(send_undo, submission(extra)))
        self._accepted(submission(first))


def start_retried(
    binding: Binding,
    call: Callable[[], Any],
    try_count: int | Retry | None = None,
    tout: float | None = None,
) -> OperationFuture[Any]:
    """Start the call in the background, with clean-up and retries, and return its future.

    `tout` (seconds) is the deadline of each try; every error goes into the future.
    """
    if tout is not None:
        seconds("tout", tout, 0.0)
    return Attempts(binding, call, Retry.of(try_count), tout).begin()
