"""A call with one try (`*_async`): in the caller's thread, or in the background."""

from __future__ import annotations

import sys
import warnings
from concurrent.futures import CancelledError
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from pytest_osfutures.calls.arguments import title_of
from pytest_osfutures.calls.context import ClientContext
from pytest_osfutures.calls.readiness import WaitUntilReady, checked, completed_at_once
from pytest_osfutures.calls.request import Call, CallRequest, Completed, Failure, GaveUp
from pytest_osfutures.calls.steps import Submit, WatchUntilDone
from pytest_osfutures.calls.submit import Submission
from pytest_osfutures.calls.task import Raised, Steps, Task
from pytest_osfutures.calls.undo import undo
from pytest_osfutures.errors import UnknownOperation, without_frames
from pytest_osfutures.futures import OperationFuture, Promise
from pytest_osfutures.operations import Succeeded
from pytest_osfutures.ownership import (
    may_have_children,
    needs_stamp,
    stamp_by_id,
    stamp_children_of,
)
from pytest_osfutures.policy import seconds

__tracebackhide__ = True  # pytest: an error belongs to the line of the test


def start_once(
    context: ClientContext, call: Call, tout: float | None = None, ready: Any = None
) -> OperationFuture[Any, Any]:
    """Make the plain call now, in this thread, and return the future of its operation.

    The future is done at once if the answer was the end of the call, or if its operation
    cannot be followed. With `context.background` the call leaves in the background; then an error
    of the call goes into the future, and `sync_res` waits for the answer.

    Args:
        context: The context of the client.
        call: The plain call, with all arguments.
        tout: The operation's deadline in seconds (default: by the kind of operation).
        ready: The condition under which the server is usable; the future is done then.

    Raises:
        InvalidArgument: `tout` is not a number greater than 0, or `ready` cannot be tried.
        EngineError: The engine has ended, or belongs to another process.
        Exception: The errors of the plain call itself.
    """
    if tout is not None:
        seconds("tout", tout, 0.0)
    context.engine.check()
    condition = None if ready is None else checked(ready)
    request = CallRequest(context, call, context.retry, tout, ready=condition)
    if context.stamp:
        stamp = context.new_stamp()
        request = replace(request, stamp=stamp, record=context.record(stamp))
    promise: Promise[Any] = Promise(context.engine, observer=context.observer)
    promise.set_title(partial(title_of, call))
    submission = None
    if not context.background:
        submission = request.submit()
        promise.start()
    if context.observer is not None:
        context.observer.submitted(promise.future)
    Task(context.engine, once(request, promise, submission), partial(_end, promise)).begin()
    return promise.future


def once(
    request: CallRequest, promise: Promise[Any], submission: Submission | None
) -> Steps[Completed | GaveUp]:
    """Make one try: submit, unless that is done, and watch."""
    if submission is None:
        answer: Submission | Failure | None = yield Submit(request, promise.start)
        if not isinstance(answer, Submission):
            promise.set_refused(answer.refused if answer is not None else "")
            return GaveUp(CancelledError() if answer is None else answer.error)
        submission = answer
    if submission.operation is None:
        return completed_at_once(request, submission)
    if submission.operation.undo is not None:
        promise.set_undo(partial(undo, submission, request.record))
    completion = yield WatchUntilDone(submission, promise, request.tout)
    if isinstance(completion, Succeeded) and request.ready is not None:
        began_at = submission.exchange.answered_at if submission.exchange is not None else 0.0
        completion = yield WaitUntilReady(submission, completion, promise, request, began_at)
    if isinstance(completion, Succeeded):
        return Completed(submission, completion)
    return GaveUp(completion)


def _end(promise: Promise[Any], result: Completed | GaveUp | Raised) -> None:
    if isinstance(result, Completed):
        settle(promise, result)
    else:
        promise.set_exception(result.error)


def settle(promise: Promise[Any], result: Completed) -> None:
    """Finish the future of a call that has succeeded. Never raises, as the loop calls it."""
    submission, completion = result.submission, result.completion
    if submission is None:
        promise.set_result(None)
        return
    if completion is None:
        _finish_at_once(promise, submission)
        return
    try:
        value = submission.result(completion)
    except Exception as error:
        promise.set_exception(error)
    else:
        _note_gone(submission)
        _mark(submission, completion)
        promise.set_result(value)


def _finish_at_once(promise: Promise[Any], submission: Submission) -> None:
    """Finish the future of a call without an operation that can be followed.

    The answer was the end of such a call, or the call has started unknown work.
    """
    lost = submission.unfollowed
    if lost is None:
        promise.set_result(submission.plain)
        return
    promise.set_accepted(submission.plain, None, lost.name)
    error = UnknownOperation(
        f"{lost.name} was accepted, and what it has started cannot be followed ({lost.why}): "
        "the future is done, whatever becomes of it"
    )
    try:
        if submission.context.unknown == "error":
            raise error
        warnings.warn(error, stacklevel=_depth_of_user())
    except UnknownOperation as raised:  # a filter of warnings may raise it as well
        promise.set_exception(without_frames(raised))
    else:
        promise.set_result(submission.plain)


def _depth_of_user() -> int:
    """Return the `stacklevel` of the first frame outside of this package."""
    home, frame, depth = str(Path(__file__).parents[1]), sys._getframe(1), 1
    while frame.f_back is not None and frame.f_code.co_filename.startswith(home):
        frame, depth = frame.f_back, depth + 1
    return depth


def _mark(submission: Submission, completion: Succeeded) -> None:
    """Write ids into the stamps of resources whose copies would carry the same stamp.

    Cinder copies metadata from a volume to its snapshots and clones, and the volumes of a new
    server carry no stamp at all; see docs/leaks.md.
    """
    operation, ident, context = submission.operation, submission.resource_id, submission.context
    body = completion.body
    if operation is None or body is None or not ident or context.ledger is None:
        return
    made = operation.members(body, submission.variables or {}) if operation.members else [body]
    for each in made:
        if operation.creates and not may_have_children(each):
            submission.childless.append(str(each.get("id")))
        elif operation.creates:
            parent = operation.type.name, str(each.get("id"))
            find = partial(stamp_children_of, context.api_client, context.ledger, *parent)
            context.engine.submissions.submit(find)
    if needs_stamp(operation.type.name, body):
        put_on = partial(
            stamp_by_id, context.api_client, context.ledger, operation.type.name, ident
        )
        context.engine.submissions.submit(put_on)


def _note_gone(submission: Submission) -> None:
    """Note in the ledger that the operation has deleted a resource."""
    operation, ledger = submission.operation, submission.context.ledger
    ident = submission.resource_id
    if ledger is not None and operation is not None and operation.deletes and ident:
        gone = partial(ledger.gone, operation.type.name, ident)
        submission.context.engine.submissions.submit(gone)
