"""A call with `ready=` is done when its servers are usable: the step after the operation."""

from __future__ import annotations

from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from pytest_osfutures.calls.context import ClientContext
from pytest_osfutures.calls.request import CallRequest, Completed, GaveUp
from pytest_osfutures.calls.submit import Submission
from pytest_osfutures.calls.task import Resume, TaskStep
from pytest_osfutures.engine import Completion, Engine
from pytest_osfutures.errors import (
    InvalidArgument,
    OperationDetails,
    OperationError,
    OSFuturesError,
)
from pytest_osfutures.futures import OperationFuture, Promise, accepted_details, link, secrets_of
from pytest_osfutures.operations import SERVER, Body, Succeeded
from pytest_osfutures.policy import seconds
from pytest_osfutures.ready import READY_TOUT, Condition, ReadyWait, Target, check, condition_of
from pytest_osfutures.redaction import redact
from pytest_osfutures.transport import error_message, is_success, retry_after

__tracebackhide__ = True  # pytest: an error belongs to the line of the test


@dataclass(slots=True)
class WaitUntilReady(TaskStep):
    """Waits until all servers of a finished operation are usable.

    The result is the completion of the operation, with the server as it is then, or the error.
    """

    interruptible = True

    submission: Submission
    #: The end of the operation.
    completion: Succeeded
    promise: Promise[Any]
    request: CallRequest
    #: The beginning of the try, in seconds on the engine's clock.
    began_at: float
    _waits: list[ReadyWait] = field(default_factory=list, init=False)
    _missing: int = field(default=0, init=False)
    _resume: Resume = field(init=False)

    def begin(self, engine: Engine, resume: Resume) -> None:
        del engine
        self._resume = resume
        operation, body = self.submission.operation, self.completion.body
        condition = self.request.ready
        assert operation is not None
        assert condition is not None
        if operation.type is not SERVER or operation.deletes or body is None:
            resume(InvalidArgument(f"ready= has no meaning for {operation.name}"))
            return
        variables = self.submission.variables or {}
        bodies = operation.members(body, variables) if operation.members else [body]
        self._missing = len(bodies)
        context, version = self.submission.context, self.submission.microversion
        tout = max(self.request.ready_tout(self.began_at), 0.001)
        targets = [target_of(context, each, version) for each in bodies]
        self._waits = [ReadyWait(each, condition, tout, self._ended) for each in targets]
        self.promise.set_condition(repr(condition))
        for wait in list(self._waits):
            wait.begin()

    def cancel(self) -> None:
        for wait in self._waits:
            wait.cancel()

    def details(self) -> OperationDetails:
        """Return the known facts about the operation, and about a server that is not usable yet."""
        known = accepted_details(self.promise.future)
        waiting = next((wait for wait in self._waits if not wait.is_over), None)
        if waiting is None:
            return known
        return replace(known, readiness=waiting.readiness(), console=waiting.console_tail())

    def _ended(self, completion: Any) -> None:
        if isinstance(completion, Succeeded):
            self._missing -= 1
            if self._missing == 0:
                operation = self.submission.operation
                many = operation is not None and operation.members is not None
                self._resume(self.completion if many else completion)
            return
        self.cancel()
        self._resume(self._explained(completion))

    def _explained(self, error: Any) -> Any:
        """Return the error with the name, the request and the history of the operation."""
        if not isinstance(error, OperationError):
            return error
        own, late = accepted_details(self.promise.future), error.details
        secrets = secrets_of(self.promise.future)
        return error.with_details(
            console=tuple(redact(line, secrets) for line in late.console),
            operation=own.operation,
            request_id=own.request_id,
            seconds=own.seconds,
            history=(*own.history, *late.history[1:]),
        )


def completed_at_once(request: CallRequest, submission: Submission) -> Completed | GaveUp:
    """Return the end of a call that has started no operation that can be followed."""
    if request.ready is None:
        return Completed(submission)
    return GaveUp(InvalidArgument(f"ready= has no meaning for {submission.title}"))


def target_of(context: ClientContext, body: Body, microversion: str, known: Any = None) -> Target:
    """Return a server to wait for, as a client's context reaches it.

    Args:
        context: The context of the client that the server belongs to.
        body: The server as Nova has shown it, or parts of that, at least its `id`.
        microversion: The microversion of the reads.
        known: The client's object, if `body` is only a part of the server.
    """
    return Target(
        context.engine,
        context.api_client,
        str(body["id"]),
        body,
        lambda shown: context.to_client_object(SERVER, shown, None),
        partial(_read_console, context, str(body["id"]), microversion),
        microversion,
        known,
    )


def _read_console(context: ClientContext, ident: str, microversion: str) -> str:
    """Read the whole console of a server. Raises OSFuturesError, or the session's errors.

    https://docs.openstack.org/api-ref/compute/#show-console-output-os-getconsoleoutput-action
    """
    body: Body = {"os-getConsoleOutput": {}}
    path = f"/servers/{ident}/action"
    answer = context.api_client.send("POST", "compute", path, body, microversion)
    if not is_success(answer.status_code):
        if (wish := retry_after(answer.headers)) is not None:
            context.engine.back_off(context.api_client, "compute", wish)
        said = f"{answer.status_code}: {error_message(answer)}"
        raise OSFuturesError(f"the console cannot be read, {said}")
    document = answer.json()
    output = document.get("output") if isinstance(document, dict) else None
    return output if isinstance(output, str) else ""


def start_wait(
    context: ClientContext, target: Target, condition: Condition, tout: float | None
) -> OperationFuture[Any]:
    """Wait until a server that exists is usable, and return the future of the server.

    Args:
        context: The context of the client that the server belongs to.
        target: The server, with the client's object.
        condition: The condition.
        tout: The deadline in seconds (default: 300).
    """
    limit, engine = seconds("tout", tout, READY_TOUT), context.engine
    engine.check()
    promise: Promise[Any] = Promise(engine, observer=context.observer)

    def ended(completion: Completion) -> None:
        if not promise.start():
            return
        if not isinstance(completion, Succeeded):
            promise.set_exception(completion)
            return
        try:
            value = target.object_of(wait.seen)
        except Exception as error:
            promise.set_exception(error)
        else:
            promise.set_result(value)

    wait = ReadyWait(target, condition, limit, ended)
    promise.set_accepted(target.known, wait.watch)
    promise.set_condition(repr(condition))
    if context.observer is not None:
        context.observer.submitted(promise.future)
    link(promise.future, partial(_cancelled, engine, wait))
    engine.call_soon(wait.begin)
    return promise.future


def _cancelled(engine: Engine, wait: ReadyWait, future: Future[Any]) -> None:
    if future.cancelled():
        engine.call_soon(wait.cancel)


def checked(ready: Any) -> Condition:
    """Return the condition of an argument `ready`, which this machine can try.

    Raises InvalidArgument.
    """
    condition = condition_of(ready)
    check(condition)
    return condition
