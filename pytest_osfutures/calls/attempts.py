"""The coroutine of a retried call: one try after another.

Submit -> watch -> done; or undo -> decide -> pause -> and again. An answer that was lost is
reconciled with the cloud before anything is sent again. `RetriedCall` owns the coroutine.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import CancelledError
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from pytest_osfutures.calls.admission import MOMENT, Admission
from pytest_osfutures.calls.decide import (
    decide,
    explained,
    is_rate_limit,
    needs_reconciliation,
    not_undone,
)
from pytest_osfutures.calls.readiness import WaitUntilReady, completed_at_once
from pytest_osfutures.calls.reconcile import Reconciliation, adopted, reconciled
from pytest_osfutures.calls.request import (
    Completed,
    Failure,
    GaveUp,
    Opinion,
    RetryDecision,
)
from pytest_osfutures.calls.steps import AskPolicy, Submit, WaitUntilIdle, WatchUntilDone
from pytest_osfutures.calls.submit import Submission, note_made
from pytest_osfutures.calls.task import Pause, Shielded, Steps, StopRequested
from pytest_osfutures.calls.undo import undone
from pytest_osfutures.engine import Completion
from pytest_osfutures.errors import (
    AmbiguousRequest,
    OperationDetails,
    OperationTimeout,
    without_frames,
)
from pytest_osfutures.futures import Promise, title_of
from pytest_osfutures.operations import Succeeded
from pytest_osfutures.transport import retry_after

if TYPE_CHECKING:
    from pytest_osfutures.calls.retrying import RetriedCall

_log = logging.getLogger("osfutures")
__tracebackhide__ = True  # pytest: an error belongs to the line of the test


def retried(call: RetriedCall) -> Steps[Completed | GaveUp]:
    """Make one try after another until one succeeds or no other one is to follow."""
    admission = Admission(call.request, call.promise)
    unfinished: Submission | None = None
    while True:
        answer: Submission | Failure | Completed | GaveUp
        answer = yield from _submitted(call, admission)
        if isinstance(answer, Failure) and unfinished is not None and _may_be_done(answer):
            answer = unfinished  # too late for its deadline, but perhaps it is done by now
        if isinstance(answer, Submission):
            call.accept(answer)
            if answer.operation is None:
                return completed_at_once(call.request, answer)
            try:
                # Here and not in a generator of its own: thousands of calls wait in this line.
                completion: Completion
                completion = yield WatchUntilDone(
                    answer, call.promise, call.request.tout, call.began_at
                )
                if call.request.ready is not None and isinstance(completion, Succeeded):
                    completion = yield WaitUntilReady(
                        answer, completion, call.promise, call.request, call.began_at
                    )
            except StopRequested:
                return (yield from undone_by_user(call))
            answer = yield from _ended(call, answer, completion)
        if not isinstance(answer, Failure):
            return answer
        unfinished = answer.unfinished
        given_up = yield from _recovered(call, answer)
        if given_up is not None:
            return given_up


def _may_be_done(failure: Failure) -> bool:
    """Return True if an earlier copy of the request may have caused the refusal."""
    return failure.exchange is not None and failure.exchange.refused_by_state


def _submitted(call: RetriedCall, admission: Admission) -> Steps[Submission | Failure | GaveUp]:
    """Send the request, once admitted; reconcile an answer that was lost."""
    request = call.request
    while True:
        submit = Submit(request, call.begin_try, request.patience, call.discard)
        answer: Submission | Failure | None = yield submit
        if answer is None:  # cancelled, or out of time, before it was sent
            return GaveUp(CancelledError())
        if isinstance(answer, Submission):
            admission.reset()
            return answer
        if answer.made is not None:
            return (yield from _judged(call, answer))
        if needs_reconciliation(answer):
            found = yield from _reconciled(call, submit, answer)
            if found is not None:
                return found
        submit.late_answer()
        refused = yield from admission.wait(answer)
        if isinstance(refused, GaveUp):
            return refused
        if refused is not None:
            return (yield from _judged(call, refused))


def _reconciled(
    call: RetriedCall, submit: Submit, failure: Failure
) -> Steps[Submission | Failure | GaveUp | None]:
    """Find out whether an ambiguous request has created a resource.

    Returns the submission that was lost, the failure if there is none, and None if a rate limit
    refused the request, which may be sent again without counting as a try.
    """
    request, exchange = call.request, failure.exchange
    assert exchange is not None
    assert request.stamp is not None
    limited = is_rate_limit(failure)
    if not limited:
        failure = yield from _judged(call, failure)
    search = reconciled(request.context, exchange, request.stamp, call.known)
    found: Reconciliation = yield Shielded(search)
    late = submit.late_answer()
    lost = adopted(request.context, exchange, found)
    lost += [late] if late is not None else []
    if lost:
        return (yield from _adopted(call, replace(failure, exchange=None), lost))
    if found.unknown:
        call.lost = replace(failure, exchange=exchange)
        return _ambiguous(failure, found)
    return None if limited else replace(failure, exchange=None)


def _adopted(
    call: RetriedCall, failure: Failure, lost: Sequence[Submission]
) -> Steps[Submission | Failure]:
    """Begin the try anew with the first lost submission, and undo others in the background."""
    first, record = lost[0], call.request.record
    engine = call.request.context.engine
    call.began_at = engine.clock.now()
    call.known.extend(first.ids)
    if record is not None:
        engine.submissions.submit(partial(note_made, record, first))
    for extra in lost[1:]:
        call.discard(extra)
    assert first.operation is not None
    if not first.operation.multi_request:
        return first
    failure = replace(failure, made=first)  # the call's further requests were never sent
    return failure if failure.decision is not None else (yield from _judged(call, failure))


def _ambiguous(failure: Failure, found: Reconciliation) -> GaveUp:
    """Give up, because the request may have arrived and nobody can tell."""
    text = f"the request may have arrived and was not sent again ({found.unknown}): {failure.error}"
    name = found.operation.name if found.operation is not None else ""
    error = AmbiguousRequest(text, OperationDetails(operation=name))
    error.__cause__ = without_frames(failure.error)
    return GaveUp(error, error)


def _ended(
    call: RetriedCall, submission: Submission, completion: Completion
) -> Steps[Completed | Failure | GaveUp]:
    """Return the result of a try whose operation has ended."""
    if isinstance(completion, Succeeded):
        return Completed(submission, completion)
    if call.request.context.engine.ended:
        return GaveUp(completion)
    return (yield from _judged(call, Failure(completion, made=submission)))


def _judged(call: RetriedCall, failure: Failure) -> Steps[Failure]:
    """Note a failed try, and decide about the next one.

    The future of a last try that has missed its deadline fails now, however long it takes to undo
    the try.
    """
    call.note(failure)
    failed, opinion = len(call.promise.future.attempts), failure.opinion
    if opinion is None:
        try:
            opinion = yield AskPolicy(call.request.retry, failure.error, failed)
        except StopRequested:
            opinion = Opinion(False)
    assert opinion is not None
    decision = decide(failure, opinion.wanted, failed)
    if opinion.broken is not None:
        failure = replace(failure, error=opinion.broken, exchange=None)
    elif isinstance(failure.error, OperationTimeout) and opinion.wanted is False:
        call.fail_now(failure.error)
    return replace(failure, decision=decision)


def _recovered(call: RetriedCall, failure: Failure) -> Steps[Completed | GaveUp | None]:
    """Undo a failed try; then pause, and return None for another try."""
    if failure.made is not None:
        problem = yield from _undone(call, failure.made)
        if problem is not None:
            return GaveUp(not_undone(failure.error, problem), problem)
    if failure.decision is RetryDecision.DONE:
        return Completed()
    context = call.request.context
    if failure.decision is RetryDecision.GIVE_UP:
        return GaveUp(explained(context, failure, context.engine.clock.now() - call.began_at))
    wish = retry_after(failure.exchange.headers) if failure.exchange is not None else None
    pause = call.request.retry.pause(len(call.promise.future.attempts), context.engine.random)
    try:
        yield from _idle(call, failure)
        if wish is not None and wish > call.request.patience:
            return GaveUp(failure.error)  # no try may take as long as the cloud wants to be left
        call.promise.set_hold("the next try")
        yield Pause(max(pause, wish or 0.0))
    except StopRequested:
        return GaveUp(failure.error)
    finally:
        call.promise.set_hold("")
    return None


def _idle(call: RetriedCall, failure: Failure) -> Steps[None]:
    """Wait until another operation on the resource has ended; the log tells of a long wait."""
    context = call.request.context
    began = context.engine.clock.now()
    if failure.is_busy:
        call.promise.set_hold("another operation on the resource")
    yield WaitUntilIdle(context, failure.exchange, call.request.tout)
    waited = context.engine.clock.now() - began
    if waited > MOMENT:
        name = title_of(call.promise.future)
        _log.info("%s has waited %.1f s for another operation on the resource", name, waited)


def _undone(
    call: RetriedCall, made: Submission, promises: Sequence[Promise[None]] = ()
) -> Steps[BaseException | None]:
    """Undo what a try has made, and return why not if that fails: a later undo() tries again."""
    call.made = None
    problem: BaseException | None
    problem = yield Shielded(undone(made, call.request.retry, call.known, promises))
    if problem is not None:
        call.made = made
    return problem


def undone_by_user(call: RetriedCall) -> Steps[GaveUp]:
    """Undo the resources of the call, because the user has stopped it."""
    if call.lost is not None:
        given_up = yield from _searched_again(call, call.lost)
        if given_up is not None:
            return given_up
    made = call.made
    problem = (yield from _undone(call, made, call.undos)) if made is not None else None
    return GaveUp(CancelledError(), problem)


def _searched_again(call: RetriedCall, failure: Failure) -> Steps[GaveUp | None]:
    """Search again for the resource of an ambiguous request; give up if nobody can tell still."""
    request, exchange = call.request, failure.exchange
    assert exchange is not None
    assert request.stamp is not None
    search = reconciled(request.context, exchange, request.stamp, call.known)
    found: Reconciliation = yield Shielded(search)
    if found.unknown:
        return _ambiguous(failure, found)
    call.lost = None
    for submission in adopted(request.context, exchange, found):
        if call.made is None:
            call.accept(submission)
        else:
            call.discard(submission)
    return None
