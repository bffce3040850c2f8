"""The steps of a call: the waits for its answer, its end, the quota, the resource, the policy."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from copy import copy
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from pytest_osfutures.calls.context import ClientContext
from pytest_osfutures.calls.recognise import recognise
from pytest_osfutures.calls.request import CallRequest, Failure, Opinion
from pytest_osfutures.calls.submit import Submission
from pytest_osfutures.calls.task import Resume, TaskStep
from pytest_osfutures.engine import Completion, Engine, Watch
from pytest_osfutures.errors import (
    InvalidArgument,
    OperationDetails,
    OperationTimeout,
    ResourceVanished,
    without_frames,
)
from pytest_osfutures.futures import Promise
from pytest_osfutures.operations import Succeeded
from pytest_osfutures.policy import Retry
from pytest_osfutures.transport import ApiClient, Exchange, microversion_of

_log = logging.getLogger("osfutures")
__tracebackhide__ = True  # pytest: an error belongs to the line of the test


class Submit(TaskStep):
    """Makes the plain call on the pool; the result is a Submission or a Failure.

    Without an answer within `timeout` seconds (None: no limit) the result is a Failure, and the
    answer may come late. `starts` is called right before the call; if the result is False, nobody
    wants the call any more and the result is None. `discard` gets each late answer that has
    created a resource, after `late_answer` was called.
    """

    __slots__ = (
        "_discard", "_is_closed", "_late", "_over", "_starts", "_timeout", "request", "sent"
    )  # fmt: skip

    def __init__(
        self,
        request: CallRequest,
        starts: Callable[[], bool],
        timeout: float | None = None,
        discard: Callable[[Submission], None] | None = None,
    ) -> None:
        self.request = request
        self.sent: list[Exchange] = []
        self._starts = starts
        self._timeout = timeout
        self._discard = discard
        self._over = False  # answered, or given up
        self._late: Submission | None = None
        self._is_closed = False

    def begin(self, engine: Engine, resume: Resume) -> None:
        engine.submissions.submit(partial(self._send, engine, resume))

    def _send(self, engine: Engine, resume: Resume) -> None:
        if not self._starts():
            engine.call_soon(partial(resume, None))
            return
        timer = None
        if self._timeout is not None:
            timer = engine.call_later(self._timeout, partial(self.give_up, self._timeout, resume))
        answer = self.request.answer(self.sent)
        if timer is not None:
            timer.cancel()
        engine.call_soon(partial(self._answered, answer, resume))

    def give_up(self, seconds: float, resume: Resume) -> None:
        """Resume with a timeout, in the loop, unless the answer has come."""
        if not self._over:
            self._over = True
            why = f"no answer to the request within {seconds:g} s"
            error = OperationTimeout(why, OperationDetails(seconds=seconds))
            resume(Failure(error, copy(self.sent[-1]) if self.sent else None))

    def _answered(self, answer: Submission | Failure, resume: Resume) -> None:
        if not self._over:
            self._over = True
            resume(answer)
        elif isinstance(answer, Submission) and answer.operation and answer.operation.creates:
            if self._is_closed and self._discard is not None:
                self._discard(answer)
            else:
                self._late = answer

    def late_answer(self) -> Submission | None:
        """Return the answer that has come after the timeout, if any; later ones are discarded."""
        self._is_closed = True
        return self._late


@dataclass(slots=True)
class WatchUntilDone(TaskStep):
    """Watches an accepted operation; the result is the completion.

    `tout` is in seconds, None for the operation's own deadline; a given deadline counts from
    `began_at` (seconds on the engine's clock), the operation's own from the answer at the
    earliest.
    """

    interruptible = True

    submission: Submission
    promise: Promise[Any]
    tout: float | None
    began_at: float | None = None
    watch: Watch | None = field(default=None, init=False)
    _is_cancelled: bool = field(default=False, init=False)
    _resume: Resume = field(init=False)

    def begin(self, engine: Engine, resume: Resume) -> None:
        self._resume = resume
        watch = self.submission.watch(self.tout, self._ended)
        if self.began_at is not None:
            earliest = watch.accepted_at if self.tout is None else self.began_at
            watch.began_at = max(self.began_at, earliest)
        self.promise.set_accepted(self.submission.plain, watch)
        self.watch = watch
        _log.debug("%s is accepted, request id %s", self.submission.label, watch.request_id)
        engine.watch(watch)

    def _ended(self, ending: Completion) -> None:
        end = "done" if isinstance(ending, Succeeded) else f"over: {type(ending).__name__}"
        _log.debug("%s is %s", self.submission.label, end)
        if not self._is_cancelled:
            self._resume(ending)
        elif isinstance(ending, Succeeded | ResourceVanished):  # while it is being undone
            self.promise.set_exception(CancelledError())
        else:
            self.promise.set_exception(ending)

    def cancel(self) -> None:
        self._is_cancelled = True

    def details(self) -> OperationDetails:
        """Return the known facts about the operation."""
        if self.watch is None:
            return OperationDetails()
        return self.watch.details(self.submission.context.engine.clock.now())


@dataclass(slots=True)
class WatchAll(TaskStep):
    """Watches several accepted operations, at least one; the result is all their completions.

    The futures of `promises` tell the first of the operations.
    """

    submissions: Sequence[Submission]
    promises: Sequence[Promise[None]] = ()

    def begin(self, engine: Engine, resume: Resume) -> None:
        endings: list[Completion] = []

        def ended(ending: Completion) -> None:
            endings.append(ending)
            if len(endings) == len(self.submissions):
                resume(endings)

        watches = [each.watch(None, ended) for each in self.submissions]
        for promise in self.promises:
            promise.set_accepted(None, watches[0])
        for watch in watches:
            engine.watch(watch)


@dataclass(slots=True)
class WaitUntilIdle(TaskStep):
    """Waits until no operation is under way on the resource that a refused request is about.

    Or for `patience` seconds (None: the operation's usual deadline). The wait is over at once if
    the request was refused for another reason or no such operation is known.
    """

    interruptible = True

    context: ClientContext
    exchange: Exchange | None
    patience: float | None
    _call_off: Callable[[], None] = field(default=lambda: None, init=False)

    def begin(self, engine: Engine, resume: Resume) -> None:
        watch = self._watch(engine, lambda _: resume(None))
        if watch is None:
            resume(None)
        else:
            self._call_off = partial(engine.forget, watch)
            engine.watch(watch)

    def cancel(self) -> None:
        self._call_off()

    def _watch(self, engine: Engine, on_end: Callable[[Completion], None]) -> Watch | None:
        exchange = self.exchange
        if exchange is None or not exchange.busy:
            return None
        found = recognise(self.context, exchange).operation
        if found is None:
            return None
        operation, variables = found
        variables = operation.identify(variables, exchange.request, None)
        waiting = operation.until_idle(variables)
        if waiting is None:
            return None
        service = operation.route.service
        return Watch(
            operation=waiting,
            variables=dict(variables),
            reader=self.context.api_client,
            accepted_at=engine.clock.now(),
            tout=operation.tout if self.patience is None else self.patience,
            on_end=on_end,
            versions={service: microversion_of(service, exchange.request_headers)},
        )


@dataclass(slots=True)
class WaitForQuota(TaskStep):
    """Waits until a deletion of this process has ended; the result is True.

    The result is False, at once, if this process is deleting nothing of the same project.
    """

    interruptible = True

    api_client: ApiClient
    _call_off: Callable[[], None] = field(default=lambda: None, init=False)

    def begin(self, engine: Engine, resume: Resume) -> None:
        queue, again = engine.quota_queue, partial(resume, True)
        self._call_off = partial(queue.forget, self.api_client, again)
        if not queue.wait(self.api_client, again):
            resume(False)

    def cancel(self) -> None:
        self._call_off()


@dataclass(slots=True)
class AskPolicy(TaskStep):
    """Asks the retry policy about the `failed`-th failure; the result is an Opinion.

    A function of the user's runs in the pool of callbacks, where the function may block.
    """

    interruptible = True

    retry: Retry
    error: BaseException
    failed: int

    def begin(self, engine: Engine, resume: Resume) -> None:
        if self.failed >= self.retry.tries or not self.retry.has_predicate:
            resume(Opinion(self.retry.wants(self.error, self.failed)))
        else:
            engine.callbacks.submit(lambda: engine.call_soon(partial(resume, self._ask())))

    def _ask(self) -> Opinion:
        try:
            return Opinion(self.retry.asked(self.error).wants(self.error, self.failed))
        except InvalidArgument as raised:
            return Opinion(False, without_frames(raised))
