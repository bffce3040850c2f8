"""Taking an operation back, and insisting on it until it is done."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from pytest_osfutures.calls.decide import is_rate_limit
from pytest_osfutures.calls.submit import Record, Submission, submit
from pytest_osfutures.calls.waits import when_free
from pytest_osfutures.engine import Completion, ReadRequest
from pytest_osfutures.errors import InvalidArgument, OSFuturesError
from pytest_osfutures.future import OperationFuture, Promise
from pytest_osfutures.operations import Names, Succeeded
from pytest_osfutures.ownership import stamp_children_of
from pytest_osfutures.policy import Retry
from pytest_osfutures.stamp import Stamp
from pytest_osfutures.transport import (
    Exchange,
    error_message,
    microversion_of,
    resource,
    retry_after,
)

#: What comes after: called in the loop with None, or with the reason why it could not be undone.
Then = Callable[[BaseException | None], None]
_log = logging.getLogger("osfutures")
#: How long (seconds) something that is busy may keep what would undo it from being taken.
PATIENCE = 60.0


class Undoing:
    """Sends the request that undoes an operation, waits until it is done, and tries again if not.

    The requests leave on the engine's pool. What is gone already needs no undoing.
    """

    def __init__(self, submission: Submission, retry: Retry, then: Then) -> None:
        self.submission = submission
        self.retry = retry
        self.then = then
        self.engine = submission.context.engine
        self.quota_queue = self.engine.quota_queue
        self.failed = 0
        self.limited = 0
        self.limited_for = 0.0
        self.targets: Sequence[Names] = ()
        self.open = 0
        self.failure: Completion | None = None
        self.hidden: list[str] = []

    def begin(self) -> None:
        """Send the request; call from anywhere."""
        operation = self.submission.operation
        if operation is None or operation.undo is None:
            self.engine.call_soon(partial(self.then, None))
        else:
            self.engine.call_soon(
                partial(self.quota_queue.deletion_started, self.submission.context.api_client)
            )
            self._send_soon()

    def _send_soon(self) -> None:
        self.engine.submissions.submit(self._send)

    def _finish(self, error: BaseException | None) -> None:
        self.quota_queue.deletion_ended(self.submission.context.api_client)
        self.then(error)

    def _send(self) -> None:
        try:
            self.targets = targets(self.submission)
        except Exception as error:
            self.engine.call_soon(partial(self._refused, error, None))
            return
        # Nothing to undo, or not yet? A refusal may mean both; the second one is believed.
        first = self.failed == 0
        undoings: list[Submission] = []
        refusals: list[tuple[Exception, Exchange | None]] = []
        for names in self.targets:  # one that is refused must not keep the others
            sent: list[Exchange] = []
            _adopt_children(self.submission, names)
            try:
                undoing = send_undo(self.submission, names, sent, first)
            except Exception as error:
                refusals.append((error, sent[-1] if sent else None))
            else:
                undoings += [undoing] if undoing is not None else []
        if refusals:
            self.engine.call_soon(partial(self._refused, *refusals[0]))
        else:
            self.engine.call_soon(partial(self._sent, undoings))

    def _refused(self, error: Exception, sent: Exchange | None) -> None:
        pause = self._pause_of_rate_limit(error, sent)
        if pause is not None:
            self.engine.call_later(pause, self._send_soon)
            return
        ended = partial(self._ended, error)
        if when_free(self.submission.context, sent, PATIENCE, lambda _: ended()) is None:
            ended()

    def _pause_of_rate_limit(self, error: Exception, sent: Exchange | None) -> float | None:
        """Seconds to wait where a rate limit refused the request: that is no failed try."""
        if self.engine.ended or not is_rate_limit(error, sent):
            return None
        self.limited += 1
        wish = retry_after(sent.headers) if sent is not None else None
        pause = max(self.retry.pause(self.limited, self.engine.random), wish or 0.0)
        self.limited_for += pause
        return pause if self.limited_for <= PATIENCE else None

    def _sent(self, undoings: Sequence[Submission]) -> None:
        started = [each for each in undoings if each.operation is not None]
        self.open, self.failure = len(started), None
        for each in started:
            self.engine.watch(each.watch(None, self._one_ended))
        if not started:
            self._finish(None)

    def _one_ended(self, ending: Completion) -> None:
        self.open -= 1
        if isinstance(ending, Succeeded) and ending.body and ending.body.get("id"):
            hidden = ending.body.get("status") == "SOFT_DELETED"
            self.hidden += [str(ending.body["id"])] if hidden else []
        if not isinstance(ending, Succeeded):
            self.failure = ending
        if self.open:
            return
        if self.failure is None and self.hidden and not self.engine.ended:
            self.engine.submissions.submit(self._force)
        else:
            self._ended(self.failure or ending)

    def _force(self) -> None:
        """Delete what Nova keeps hidden for a while, so that it could be restored."""
        hidden, self.hidden = self.hidden, []
        undoings = []
        for ident in hidden:
            call = partial(_force_delete, self.submission, ident)
            try:
                undoings.append(submit(self.submission.context, call))
            except Exception as error:
                self.engine.call_soon(partial(self._refused, error, None))
                return
        self.engine.call_soon(partial(self._sent, undoings))

    def _ended(self, ending: Completion | Exception) -> None:
        if isinstance(ending, Succeeded):
            self._finish(None)
            return
        self.failed += 1
        if self.engine.ended or self.failed >= max(3, self.retry.tries):
            self._finish(ending)
        else:
            pause = self.retry.pause(self.failed, self.engine.random)
            self.engine.call_later(pause, self._send_soon)


def _force_delete(submission: Submission, ident: str) -> Any:
    path, api_client = f"/servers/{ident}/action", submission.context.api_client
    answer = api_client.send(
        "POST", "compute", path, {"forceDelete": None}, submission.microversion
    )
    if answer.status_code >= 300 and answer.status_code != 404:
        text = f"{answer.status_code}: {error_message(answer)}"
        raise OSFuturesError(f"server {ident} is only hidden, and forceDelete answered {text}")
    return answer


def _adopt_children(submission: Submission, names: Names) -> None:
    """Note the volumes that Nova has made for a server, before nothing points to them.

    The request need not tell: an image of no bytes may stand for volumes.
    """
    operation, context = submission.operation, submission.context
    if context.ledger is None or operation is None or "id" not in names:
        return
    if operation.creates and operation.type.name == "server":
        stamp_children_of(context.api_client, context.ledger, operation.type.name, names["id"])


def undo(submission: Submission, record: Record | None = None) -> OperationFuture[None]:
    """Take an accepted operation back in the background: the future of that."""

    def undone(error: BaseException | None) -> None:
        if record is not None and error is None:
            engine.submissions.submit(record.gone)
        finish(promise, error)

    engine = submission.context.engine
    promise: Promise[None] = Promise(engine)
    promise.start()
    engine.check()
    Undoing(submission, submission.context.retry, undone).begin()
    return promise.future


def finish(promise: Promise[None], error: BaseException | None) -> None:
    """End a future that has no value."""
    if error is None:
        promise.set_result(None)
    else:
        promise.set_exception(error)


def log_failure(failure: BaseException | None) -> None:
    """Say what nobody waits for: something may be left in the cloud."""
    if failure is not None:
        _log.warning("could not be taken back: %s", failure)


def targets(submission: Submission) -> list[Names]:
    """The names of everything that an operation has made, each of which is to be undone.

    Raises OSFuturesError if nobody can tell which of several resources it has made.
    """
    operation, names = submission.operation, submission.names
    assert operation is not None
    assert names is not None
    if operation.undo is None or not operation.undo.each or operation.members is None:
        return [names]
    ref = operation.main.ref(names)
    assert ref is not None
    request = ReadRequest(ref.type, submission.microversion, (ref,), ref.path)
    result = submission.context.api_client.read(request, submission.context.engine.clock)
    if not names.keys() & {"op", "members", "reservation"}:
        raise OSFuturesError(
            f"cannot undo {operation.name}: others may have made servers of the same names, and "
            "these carry no stamp; nothing was deleted"
        )
    trouble = result.error or result.malformed.get(ref.id)
    listed = [each for each in names.get("members", "").split(",") if each]
    if trouble is not None and not (submission.members or listed):
        raise OSFuturesError(f"cannot undo {operation.name}: {trouble}")
    body = result.found.get(ref.id)
    found = [str(each["id"]) for each in operation.members(body, names)] if body else []
    known = {each["id"] for each in submission.members}
    submission.members.extend(
        {**names, "id": each} for each in dict.fromkeys([*listed, *found]) if each not in known
    )
    return submission.members


def _is_ours(submission: Submission, names: Names, path: str, version: str) -> bool:
    """Read one of many right before its deletion; False if it is gone already.

    Raises OSFuturesError if it does not carry the stamp of the request (any more).
    """
    operation, api_client = submission.operation, submission.context.api_client
    assert operation is not None
    if "op" not in names:
        return True
    answer = api_client.send("GET", operation.type.service, path, None, version)
    if answer.status_code == 404:
        return False
    if answer.status_code >= 300:
        text = f"GET {path} answered {answer.status_code}: {error_message(answer)}"
        raise OSFuturesError(f"cannot undo {operation.name}: {text}")
    stamp = Stamp.of(resource(operation.type, answer.json()))
    if stamp is None or stamp.operation != names["op"]:
        raise OSFuturesError(
            f"cannot undo {operation.name}: {operation.type.name} {names['id']} does not carry its "
            "stamp any more, so it is not deleted"
        )
    return True


def send_undo(
    submission: Submission,
    names: Names,
    sent: list[Exchange] | None = None,
    ambiguous: bool = False,
) -> Submission | None:
    """Send the request that undoes an operation; None if there is nothing left to undo.

    With `ambiguous` only what is not there counts as such, and no other refusal.
    """
    operation, exchange = submission.operation, submission.exchange
    assert operation is not None
    assert exchange is not None
    way = operation.undo
    if way is None:
        raise InvalidArgument(f"{operation.name} has nothing that would undo it")
    needless = way.needless & {404} if ambiguous else way.needless
    api_client = submission.context.api_client
    version = microversion_of(way.service, exchange.request_headers)
    path = way.path.format_map(names)
    if way.each and not _is_ours(submission, names, path, version):
        return None

    def call() -> Any:
        answer = api_client.send(way.method, way.service, path, way.body, version)
        if answer.status_code >= 300 and answer.status_code not in needless:
            text = f"{way.method} {path} answered {answer.status_code}: {error_message(answer)}"
            raise OSFuturesError(f"cannot undo {operation.name}: {text}")
        return answer

    undoing = submit(submission.context, call, sent=sent)
    return None if undoing.plain.status_code in needless else undoing
