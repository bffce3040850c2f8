"""Taking an operation back, and insisting on it until it is done."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pytest_osfutures.errors import BadInput, OSFuturesError
from pytest_osfutures.future import OperationFuture
from pytest_osfutures.policy import Retry
from pytest_osfutures.source import message, microversion_of
from pytest_osfutures.submission import Record, Submission, submit
from pytest_osfutures.verdict import Succeeded
from pytest_osfutures.watch import Ending

#: What comes after: called in the loop with None, or with the reason why it could not be undone.
Then = Callable[[BaseException | None], None]


class Undoing:
    """Sends the request that undoes an operation, waits until it is done, and tries again if not.

    The requests leave on the engine's pool. What is gone already needs no undoing.
    """

    def __init__(self, submission: Submission, retry: Retry, then: Then) -> None:
        self.submission = submission
        self.retry = retry
        self.then = then
        self.engine = submission.binding.engine
        self.room = self.engine.monitor.room
        self.failed = 0

    def begin(self) -> None:
        """Send the request; call from anywhere."""
        operation = self.submission.operation
        if operation is None or operation.undo is None:
            self.engine.soon(partial(self.then, None))
        else:
            self.engine.soon(partial(self.room.leaving, self.submission.binding.source))
            self._send_soon()

    def _send_soon(self) -> None:
        self.engine.submissions.submit(self._send)

    def _finish(self, error: BaseException | None) -> None:
        self.room.left(self.submission.binding.source)
        self.then(error)

    def _send(self) -> None:
        try:
            undoing = send_undo(self.submission)
        except Exception as error:
            self.engine.soon(partial(self._ended, error))
        else:
            if undoing is None or undoing.operation is None:
                self.engine.soon(partial(self._finish, None))
            else:
                self.engine.watch(undoing.watch(None, self._ended))

    def _ended(self, ending: Ending | Exception) -> None:
        if isinstance(ending, Succeeded):
            self._finish(None)
            return
        self.failed += 1
        if self.engine.ended or self.failed >= max(3, self.retry.tries):
            self._finish(ending)
        else:
            pause = self.retry.pause(self.failed, self.engine.random)
            self.engine.later(pause, self._send_soon)


def undo(submission: Submission, record: Record | None = None) -> OperationFuture[None]:
    """Take an accepted operation back in the background: the future of that."""

    def undone(error: BaseException | None) -> None:
        if record is not None and error is None:
            future._engine.submissions.submit(record.gone)
        finish(future, error)

    future: OperationFuture[None] = OperationFuture(submission.binding.engine)
    future._start()
    submission.binding.engine.check()
    Undoing(submission, submission.binding.retry, undone).begin()
    return future


def finish(future: OperationFuture[None], error: BaseException | None) -> None:
    """End a future that has no value."""
    if error is None:
        future._succeed(None)
    else:
        future._fail(error)


def send_undo(submission: Submission) -> Submission | None:
    """Send the request that undoes an operation; None if there is nothing left to undo."""
    operation, names, exchange = submission.operation, submission.names, submission.exchange
    assert operation is not None
    assert names is not None
    assert exchange is not None
    way = operation.undo
    if way is None:
        raise BadInput(f"{operation.name} has nothing that would undo it")
    source = submission.binding.source
    version = microversion_of(way.service, exchange.request_headers)
    path = way.path.format_map(names)

    def call() -> Any:
        answer = source.send(way.method, way.service, path, way.body, version)
        if answer.status_code >= 300 and answer.status_code != 404:
            text = f"{way.method} {path} answered {answer.status_code}: {message(answer)}"
            raise OSFuturesError(f"cannot undo {operation.name}: {text}")
        return answer

    undoing = submit(submission.binding, call)
    return None if undoing.plain.status_code == 404 else undoing
