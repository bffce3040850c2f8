"""The coroutine of a retried call, driven by hand: which step follows which result."""

from __future__ import annotations

from concurrent.futures import CancelledError
from dataclasses import replace
from typing import Any

import pytest

from pytest_osfutures.calls.attempts import retried
from pytest_osfutures.calls.reconcile import Reconciliation
from pytest_osfutures.calls.request import CallRequest, Completed, Failure, GaveUp, Opinion
from pytest_osfutures.calls.retrying import RetriedCall
from pytest_osfutures.calls.steps import (
    AskPolicy,
    Submit,
    WaitForQuota,
    WaitUntilIdle,
    WatchUntilDone,
)
from pytest_osfutures.calls.submit import Submission, submit
from pytest_osfutures.calls.task import Pause, Shielded, StopRequested, TaskStep
from pytest_osfutures.errors import AmbiguousRequest, ObjectCreationError, OperationTimeout
from pytest_osfutures.operations import Succeeded
from pytest_osfutures.policy import Retry
from pytest_osfutures.transport import Exchange
from tests.unit.api import NOVA
from tests.unit.stepped import Cloud

FAILED = ObjectCreationError("no valid host")
#: The opinions of a policy.
UNDECIDED, NO = Opinion(None), Opinion(False)


class Driven:
    """The coroutine of one retried call: each result leads to the next step."""

    def __init__(self, tries: int = 3) -> None:
        self.cloud = Cloud()
        context = self.cloud.context
        retry = Retry(tries, backoff=7.0, jitter=0.0)
        self.call = RetriedCall(
            CallRequest(context, self.cloud.create, retry, 50.0, context.new_stamp())
        )
        self.steps = retried(self.call)
        self.step: TaskStep | None = next(self.steps)
        self.result: Completed | GaveUp | None = None

    def send(self, result: Any) -> TaskStep | None:
        """The step that follows the result; None at the end."""
        return self._next(lambda: self.steps.send(result))

    def stop(self) -> TaskStep | None:
        """The step that follows a stop request."""
        assert self.step is not None
        assert self.step.interruptible
        return self._next(lambda: self.steps.throw(StopRequested()))

    def _next(self, proceed: Any) -> TaskStep | None:
        try:
            self.step = proceed()
        except StopIteration as end:
            self.step, self.result = None, end.value
        return self.step

    def gave_up(self) -> GaveUp:
        """The failure that the coroutine has ended with."""
        assert isinstance(self.result, GaveUp), (self.step, self.result)
        return self.result

    def accepted(self) -> Submission:
        """A submission as the cloud answers it."""
        return submit(self.cloud.context, self.cloud.create)

    def refused(self, status: int, words: str = "") -> Failure:
        """A request that was refused."""
        body = {"error": {"message": words, "code": status, "title": "Refused"}}
        sent = Exchange("POST", f"{NOVA}/servers", {}, {"server": {}}, 0.0, status, {}, body)
        return Failure(OSError(f"{status}"), sent)


def test_a_call_that_is_done_is_submitted_and_watched() -> None:
    driven = Driven()
    assert isinstance(driven.step, Submit)
    assert isinstance(driven.send(driven.accepted()), WatchUntilDone)
    assert driven.send(Succeeded({"id": "server-1"})) is None
    assert isinstance(driven.result, Completed)


def test_a_failed_try_is_undone_before_the_pause() -> None:
    driven = Driven()
    driven.send(driven.accepted())
    assert isinstance(driven.send(FAILED), AskPolicy)
    assert len(driven.call.promise.future.attempts) == 1
    assert isinstance(driven.send(UNDECIDED), Shielded)  # the undo
    assert isinstance(driven.send(None), WaitUntilIdle)
    pause = driven.send(False)
    assert isinstance(pause, Pause)
    assert pause.seconds == 7.0
    assert isinstance(driven.send(None), Submit)


def test_the_last_failed_try_is_undone_and_its_error_returned() -> None:
    driven = Driven()
    driven.send(driven.accepted())
    driven.send(FAILED)
    assert isinstance(driven.send(NO), Shielded)
    assert driven.send(None) is None
    assert driven.gave_up().error is FAILED


def test_a_try_that_cannot_be_undone_ends_the_call() -> None:
    driven = Driven()
    driven.send(driven.accepted())
    driven.send(FAILED)
    driven.send(UNDECIDED)
    stays = OSError("it stays")
    assert driven.send(stays) is None
    assert driven.gave_up().left is stays
    assert driven.call.made is not None


def test_the_future_of_a_last_late_try_fails_before_the_undo() -> None:
    driven = Driven()
    driven.send(driven.accepted())
    driven.send(OperationTimeout("not done within 50 s"))
    assert not driven.call.promise.future.done()
    assert isinstance(driven.send(NO), Shielded)
    assert isinstance(driven.call.promise.future.exception(), OperationTimeout)


def test_an_undo_does_not_put_off_the_end_of_a_request_without_an_answer() -> None:
    driven = Driven()
    late = driven.refused(0)
    driven.send(replace(late, error=OperationTimeout("no answer to the request within 50 s")))
    assert isinstance(driven.stop(), Shielded)  # the search
    assert driven.call.promise.future.done()
    assert isinstance(driven.call.promise.future.exception(), OperationTimeout)


def test_a_stop_request_undoes_the_watched_operation() -> None:
    driven = Driven()
    driven.send(driven.accepted())
    assert isinstance(driven.stop(), Shielded)
    assert driven.send(None) is None
    assert isinstance(driven.gave_up().error, CancelledError)


@pytest.mark.parametrize("results", [[False], []], ids=["pausing", "until idle"])
def test_a_stop_request_between_tries_ends_with_the_last_error(results: list[Any]) -> None:
    driven = Driven()
    driven.send(driven.accepted())
    for result in (FAILED, UNDECIDED, None, *results):
        driven.send(result)
    assert driven.stop() is None
    assert driven.gave_up().error is FAILED


def test_an_ambiguous_request_is_reconciled_before_anything_else() -> None:
    driven = Driven()
    assert isinstance(driven.send(driven.refused(0)), AskPolicy)
    assert isinstance(driven.send(UNDECIDED), Shielded)  # the search
    assert isinstance(driven.send(Reconciliation()), WaitUntilIdle)
    assert isinstance(driven.send(False), Pause)
    assert isinstance(driven.send(None), Submit)


def test_an_ambiguous_request_that_arrived_is_watched() -> None:
    driven = Driven()
    made = driven.accepted()
    driven.send(driven.refused(504))
    driven.send(UNDECIDED)
    found = Reconciliation(made.operation, [{"id": made.resource_id, "status": "BUILD"}])
    watch = driven.send(found)
    assert isinstance(watch, WatchUntilDone)
    assert watch.submission.resource_id == made.resource_id


def test_a_request_that_cannot_be_reconciled_is_not_sent_again() -> None:
    driven = Driven()
    driven.send(driven.refused(504))
    driven.send(UNDECIDED)
    assert driven.send(Reconciliation(unknown="no list can be read")) is None
    assert isinstance(driven.gave_up().error, AmbiguousRequest)


def test_a_rate_limit_is_no_failed_try() -> None:
    driven = Driven()
    assert isinstance(driven.send(driven.refused(429)), AskPolicy)
    assert isinstance(driven.send(UNDECIDED), Pause)
    assert isinstance(driven.send(None), Submit)
    assert driven.call.promise.future.attempts == ()


@pytest.mark.parametrize("is_interrupted", [False, True])
def test_a_quota_waits_for_a_deletion(is_interrupted: bool) -> None:
    driven = Driven()
    refused = driven.refused(403, "Quota exceeded")
    assert isinstance(driven.send(refused), WaitForQuota)
    if is_interrupted:
        assert driven.stop() is None
        assert driven.gave_up().error is refused.error
    else:
        assert isinstance(driven.send(True), Submit)
    assert driven.call.promise.future.attempts == ()


def test_a_wrong_request_ends_the_call() -> None:
    driven = Driven()
    refused = driven.refused(400)
    assert isinstance(driven.send(refused), AskPolicy)
    assert driven.send(UNDECIDED) is None
    assert driven.gave_up().error is refused.error


class RateLimited(Exception):
    """A client's error about one of several requests of a call."""

    http_status = 429


@pytest.mark.parametrize("broken", [ValueError("the client does not like it"), RateLimited()])
def test_a_call_that_breaks_off_is_undone(broken: Exception) -> None:
    driven = Driven()
    assert isinstance(driven.send(Failure(broken, made=driven.accepted())), AskPolicy)
    assert isinstance(driven.send(NO), Shielded)
    assert driven.send(None) is None
    assert driven.gave_up().error is broken


def test_a_call_cancelled_before_its_request_sends_nothing() -> None:
    driven = Driven()
    assert driven.send(None) is None
    assert isinstance(driven.gave_up().error, CancelledError)
    assert driven.cloud.api.sent == []
