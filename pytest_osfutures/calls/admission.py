"""Waiting for room: under a quota, a rate limit of the cloud's, or the run's own limit."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from pytest_osfutures.calls.submit import ClientContext, Record
from pytest_osfutures.policy import Retry
from pytest_osfutures.transport import Exchange, retry_after

Step = Callable[[], None]
#: Seconds after which a request counts as unanswered where the try has no deadline of its own.
PATIENCE = 600.0
_log = logging.getLogger("osfutures")


class Turn:
    """One call's place in the queue for what may exist at a time. To wait costs it no try.

    `patience` bounds (in seconds) how long it waits for others to ask again. `retry` has the
    pauses after a rate limit.
    """

    __slots__ = (
        "call_off",
        "context",
        "engine",
        "left",
        "limited",
        "patience",
        "record",
        "retry",
        "since",
        "waiting",
    )

    def __init__(
        self, context: ClientContext, record: Record | None, patience: float, retry: Retry
    ) -> None:
        self.context = context
        self.engine = context.engine
        self.record = record
        self.patience = patience
        self.retry = retry
        self.since: float | None = None
        self.limited = 0
        self.left = False
        self.waiting: Step | None = None
        self.call_off: Step | None = None

    def come(self) -> None:
        """It is this call's turn: the next time it begins to wait anew."""
        self.since = None
        self.limited = 0
        self.left = False

    def wait_for_rate(
        self,
        error: BaseException,
        sent: Exchange | None,
        again: Step,
        too_late: Callable[[float], None],
    ) -> None:
        """The cloud takes no more requests now: call `again` after the pause that it wishes.

        Or `too_late` at once, where that pause would outlast `patience`.
        """
        wish = retry_after(sent.headers) if sent is not None else None
        self.limited += 1
        pause = max(self.retry.pause(self.limited, self.engine.random), wish or 0.0)
        _log.info("rate limit: the next request leaves in %.1f s (%s)", pause, error)
        self._wait(pause, again, too_late)

    def wait_in_run(self, again: Step, too_late: Callable[[float], None]) -> None:
        """The run has as much as it may have: call `again` in a moment.

        Or `too_late` with the seconds for which it has waited. Call in the loop, as the others.
        """
        self._wait(self.context.api_client.poll.fastest, again, too_late)

    def wait_in_cloud(self, again: Step, refused: Step, too_late: Callable[[float], None]) -> None:
        """The quota is used up: call `again` when one of our deletions has ended.

        Here, or in another worker; `refused` if nobody of the run has anything that could go.
        """
        queue, project = self.engine.quota_queue, self.context.api_client
        step = self.hold(again)
        if queue.wait(project, step):
            self.call_off = partial(queue.forget, project, step)
            return
        self.waiting = None
        if self.record is None:
            refused()
        else:
            ask = partial(self._ask, self.record, again, refused, too_late)
            self.engine.submissions.submit(ask)

    def _ask(
        self, record: Record, again: Step, refused: Step, too_late: Callable[[float], None]
    ) -> None:
        """On the pool: only what others have can make room that nobody here knows of."""
        if record.others():
            self.engine.call_soon(partial(self._wait, None, again, too_late))
        else:
            self.engine.call_soon(refused)

    def _wait(self, pause: float | None, again: Step, too_late: Callable[[float], None]) -> None:
        now = self.engine.clock.now()
        self.since = now if self.since is None else self.since
        waited = now - self.since
        if pause is None:
            poll = self.context.api_client.poll
            pause = min(poll.slowest, max(poll.fastest, 0.1 * waited))
        if waited + pause > self.patience:
            too_late(waited)
        else:
            self.rest(pause, again)

    def rest(self, seconds: float, step: Step) -> None:
        """Call `step` when `seconds` have passed, or when nobody wants to go on any more."""
        held = self.hold(step)
        if self.left:
            held()
        else:
            self.call_off = self.engine.call_later(seconds, held).cancel

    def hold(self, step: Step) -> Step:
        """The call waits now: what is returned calls `step`, unless `leave_off` came first.

        Who has something to call off then sets `call_off`.
        """

        def go_on() -> None:
            if self.waiting is go_on:
                self.waiting = self.call_off = None
                step()

        self.waiting, self.call_off = go_on, None
        return go_on

    def leave_off(self) -> None:
        """End what the call waits for: its step sees that nobody wants to go on."""
        self.left = True
        waiting, call_off = self.waiting, self.call_off
        if call_off is not None:
            call_off()
        if waiting is not None:
            waiting()
