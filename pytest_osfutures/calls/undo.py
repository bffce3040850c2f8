"""Undo of an operation: the compensating request, repeated until it is done."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from pytest_osfutures.calls.context import Record
from pytest_osfutures.calls.decide import is_rate_limit
from pytest_osfutures.calls.request import Failure
from pytest_osfutures.calls.steps import WaitUntilIdle, WatchAll
from pytest_osfutures.calls.submit import Submission, submit
from pytest_osfutures.calls.task import InPool, Pause, Raised, Steps, Task
from pytest_osfutures.engine import Completion, Engine, ReadRequest
from pytest_osfutures.errors import InvalidArgument, OSFuturesError
from pytest_osfutures.futures import OperationFuture, Promise
from pytest_osfutures.operations import SERVER, Succeeded, Variables
from pytest_osfutures.ownership import stamp_children_of
from pytest_osfutures.policy import Retry
from pytest_osfutures.stamp import Stamp
from pytest_osfutures.transport import (
    Exchange,
    error_message,
    is_missing,
    is_success,
    microversion_of,
    parse_resource,
    retry_after,
)

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: Seconds for which an undo waits until a busy resource takes its request.
BUSY_TIMEOUT = 60.0
_log = logging.getLogger("osfutures")


@dataclass(frozen=True, slots=True)
class Sent:
    """The requests that undo an operation, as they were answered."""

    #: The accepted requests that have started an operation.
    started: Sequence[Submission] = ()
    #: The first refusal.
    refusal: Failure | None = None


def undone(
    submission: Submission,
    retry: Retry,
    known: list[str] | None = None,
    promises: Sequence[Promise[None]] = (),
) -> Steps[BaseException | None]:
    """Undo an operation and wait for the end of the undo; again after a failure.

    Returns None, or the reason of the failure. `known` receives the ids of the resources. The
    futures of `promises` tell the operation of the undo.
    """
    operation, api_client = submission.operation, submission.context.api_client
    if operation is None or operation.undo is None:
        return None
    quota_queue = submission.context.engine.quota_queue
    quota_queue.deletion_started(api_client)
    _log.info("undo of %s", submission.label)
    known = [] if known is None else known
    problem = yield from _insist(submission, retry, known, promises)
    _log.info("undo of %s: %s", submission.label, problem or "done")
    quota_queue.deletion_ended(api_client)
    return problem


def _insist(
    submission: Submission, retry: Retry, known: list[str], promises: Sequence[Promise[None]]
) -> Steps[BaseException | None]:
    """Send the requests until they are done: three times, or as often as a call is tried."""
    engine, failed = submission.context.engine, 0
    limits = _RateLimits(retry, engine)
    while True:
        # A refusal may mean that there is nothing to undo, or not yet. The second one counts.
        sent: Sent = yield InPool(partial(_send_all, submission, known, failed == 0))
        if sent.refusal is None:
            error = yield from _completed(submission, sent.started, promises)
            if error is None:
                return None
        else:
            error = sent.refusal.error
            pause = limits.pause(sent.refusal)
            if pause is not None:
                yield Pause(pause)
                continue
            yield WaitUntilIdle(submission.context, sent.refusal.exchange, BUSY_TIMEOUT)
        failed += 1
        _log.info("undo of %s has failed (try %d): %s", submission.label, failed, error)
        if engine.ended or failed >= max(3, retry.tries):
            return error
        yield Pause(retry.pause(failed, engine.random))


class _RateLimits:
    """The pauses of one undo after rate limits, which count as no failed tries."""

    def __init__(self, retry: Retry, engine: Engine) -> None:
        self._retry = retry
        self._engine = engine
        self._count = 0
        self._seconds = 0.0

    def pause(self, refusal: Failure) -> float | None:
        """Return the seconds to wait; None if no rate limit refused, or for too long already."""
        if self._engine.ended or not is_rate_limit(refusal):
            return None
        self._count += 1
        exchange = refusal.exchange
        wish = retry_after(exchange.headers) if exchange is not None else None
        pause = max(self._retry.pause(self._count, self._engine.random), wish or 0.0)
        self._seconds += pause
        return pause if self._seconds <= BUSY_TIMEOUT else None


def _send_all(submission: Submission, known: list[str], first: bool) -> Sent:
    """Send, in this thread, a request for each resource of the operation.

    A refused one does not keep the others from being sent.
    """
    try:
        found = targets(submission)
    except Exception as error:
        return Sent(refusal=Failure(error))
    known.extend(variables["id"] for variables in found if "id" in variables)
    started: list[Submission] = []
    refusals: list[Failure] = []
    for variables in found:
        exchanges: list[Exchange] = []
        _adopt_children(submission, variables)
        try:
            undoing = send_undo(submission, variables, exchanges, first)
        except Exception as error:
            refusals.append(Failure(error, exchanges[-1] if exchanges else None))
        else:
            started += [undoing] if undoing is not None and undoing.operation is not None else []
    return Sent(started, refusals[0] if refusals else None)


def _completed(
    submission: Submission, started: Sequence[Submission], promises: Sequence[Promise[None]]
) -> Steps[BaseException | None]:
    """Wait until the undoing operations are done; delete what Nova only hides.

    Returns None, or why one of them is not done.
    """
    while started:
        endings: list[Completion] = yield WatchAll(started, promises)
        failures = [each for each in endings if not isinstance(each, Succeeded)]
        if failures:
            return failures[-1]
        bodies = [each.body for each in endings if isinstance(each, Succeeded) and each.body]
        hidden = [
            str(body["id"])
            for body in bodies
            if body.get("id") and body.get("status") == "SOFT_DELETED"
        ]
        if not hidden or submission.context.engine.ended:
            return None
        sent: Sent = yield InPool(partial(_force_all, submission, hidden))
        if sent.refusal is not None:
            return sent.refusal.error
        started = sent.started
    return None


def _force_all(submission: Submission, hidden: Sequence[str]) -> Sent:
    """Delete servers, in this thread, that Nova keeps hidden so that they could be restored."""
    try:
        made = [
            submit(submission.context, partial(_force_delete, submission, ident))
            for ident in hidden
        ]
    except Exception as error:
        return Sent(refusal=Failure(error))
    return Sent([each for each in made if each.operation is not None])


def _force_delete(submission: Submission, ident: str) -> Any:
    path, api_client = f"/servers/{ident}/action", submission.context.api_client
    answer = api_client.send(
        "POST", "compute", path, {"forceDelete": None}, submission.microversion
    )
    if not is_success(answer.status_code) and not is_missing(answer.status_code):
        text = f"{answer.status_code}: {error_message(answer)}"
        raise OSFuturesError(f"server {ident} is only hidden, and forceDelete answered {text}")
    return answer


def _adopt_children(submission: Submission, variables: Variables) -> None:
    """Stamp the volumes that Nova made for a server, while the server still names them.

    The request may name no volume: an image without bytes stands for volumes, too.
    """
    operation, context = submission.operation, submission.context
    assert operation is not None
    if variables.get("id") in submission.childless:
        return
    if context.ledger is not None and operation.creates and operation.type is SERVER:
        stamp_children_of(context.api_client, context.ledger, SERVER.name, variables["id"])


def undo(submission: Submission, record: Record | None = None) -> OperationFuture[None]:
    """Undo an accepted operation in the background and return the future of that."""
    engine = submission.context.engine
    engine.check()
    promise: Promise[None] = Promise(engine, observer=submission.context.observer)
    promise.set_title(lambda: f"undo of {submission.title}")
    promise.start()

    def ended(problem: BaseException | Raised | None) -> None:
        if record is not None and problem is None:
            engine.submissions.submit(record.gone)
        finish(promise, problem.error if isinstance(problem, Raised) else problem)

    steps = undone(submission, submission.context.retry, promises=[promise])
    task = Task(engine, steps, ended)
    engine.call_soon(task.begin)
    return promise.future


def finish(promise: Promise[None], error: BaseException | None) -> None:
    """End a future that has no value."""
    if error is None:
        promise.set_result(None)
    else:
        promise.set_exception(error)


def log_problem(problem: BaseException | Raised | None) -> None:
    """Log the failure of an undo that has no future."""
    error = problem.error if isinstance(problem, Raised) else problem
    if error is not None:
        _log.warning("could not be taken back: %s", error)


def targets(submission: Submission) -> list[Variables]:
    """Return the variables of each resource that an operation has created, to undo each.

    Raises OSFuturesError if the resources cannot be told from those of other requests.
    """
    operation, variables = submission.operation, submission.variables
    assert operation is not None
    assert variables is not None
    if operation.undo is None or not operation.undo.per_member or operation.members is None:
        return [variables]
    ref = operation.main.ref(variables)
    assert ref is not None
    request = ReadRequest(ref.type, submission.microversion, (ref,), ref.path)
    result = submission.context.api_client.read(request, submission.context.engine.clock)
    if not variables.keys() & {"op", "members", "reservation"}:
        raise OSFuturesError(
            f"cannot undo {operation.name}: others may have made servers of the same names, and "
            "these carry no stamp; nothing was deleted"
        )
    trouble = result.error or result.malformed.get(ref.id)
    listed = [each for each in variables.get("members", "").split(",") if each]
    if trouble is not None and not (submission.members or listed):
        raise OSFuturesError(f"cannot undo {operation.name}: {trouble}")
    body = result.found.get(ref.id)
    found = [str(each["id"]) for each in operation.members(body, variables)] if body else []
    known = {each["id"] for each in submission.members}
    submission.members.extend(
        {**variables, "id": each} for each in dict.fromkeys([*listed, *found]) if each not in known
    )
    return submission.members


def _is_ours(submission: Submission, variables: Variables, path: str, version: str) -> bool:
    """Read one of several resources right before its deletion; return False if there is none.

    Raises OSFuturesError if the resource does not carry the stamp of the request any more.
    """
    operation, api_client = submission.operation, submission.context.api_client
    assert operation is not None
    if "op" not in variables:
        return True
    answer = api_client.send("GET", operation.type.service, path, None, version)
    if is_missing(answer.status_code):
        return False
    if not is_success(answer.status_code):
        text = f"GET {path} answered {answer.status_code}: {error_message(answer)}"
        raise OSFuturesError(f"cannot undo {operation.name}: {text}")
    stamp = Stamp.of(parse_resource(operation.type, answer.json()))
    if stamp is None or stamp.operation != variables["op"]:
        raise OSFuturesError(
            f"cannot undo {operation.name}: {operation.type.name} {variables['id']} does not carry "
            "its stamp any more, so it is not deleted"
        )
    return True


def send_undo(
    submission: Submission,
    variables: Variables,
    sent: list[Exchange] | None = None,
    ambiguous: bool = False,
) -> Submission | None:
    """Send the request that undoes an operation; return None if there is nothing to undo.

    With `ambiguous`, only a 404 says that there is nothing to undo, and no other refusal.
    """
    operation, exchange = submission.operation, submission.exchange
    assert operation is not None
    assert exchange is not None
    way = operation.undo
    if way is None:
        raise InvalidArgument(f"{operation.name} has nothing that would undo it")
    needless = {each for each in way.nothing_to_undo if is_missing(each) or not ambiguous}
    api_client = submission.context.api_client
    version = microversion_of(way.service, exchange.request_headers)
    path = way.path.format_map(variables)
    if way.per_member and not _is_ours(submission, variables, path, version):
        return None

    def call() -> Any:
        answer = api_client.send(way.method, way.service, path, way.body, version)
        if not is_success(answer.status_code) and answer.status_code not in needless:
            text = f"{way.method} {path} answered {answer.status_code}: {error_message(answer)}"
            raise OSFuturesError(f"cannot undo {operation.name}: {text}")
        return answer

    undoing = submit(submission.context, call, sent=sent)
    return None if undoing.plain.status_code in needless else undoing
