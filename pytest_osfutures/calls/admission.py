"""Admission: the waits of a refused request, which count as no tries.

A request is admitted when the run's own limit of servers, the project's quota and the cloud's
rate limit let it pass.
"""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

from pytest_osfutures.calls.decide import explained, is_rate_limit
from pytest_osfutures.calls.request import CallRequest, Failure, GaveUp, Opinion
from pytest_osfutures.calls.steps import AskPolicy, WaitForQuota
from pytest_osfutures.calls.task import InPool, Pause, Steps, StopRequested
from pytest_osfutures.errors import ServerLimitReached
from pytest_osfutures.futures import Promise, title_of
from pytest_osfutures.transport import retry_after

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

_log = logging.getLogger("osfutures")
#: A wait of more seconds than these is told in the log.
MOMENT = 1.0


class Admission:
    """The waits of one call for its admission, since a request of it was accepted last."""

    __slots__ = ("_held_since", "_limited", "_promise", "_reason", "_request", "_since")

    def __init__(self, request: CallRequest, promise: Promise[Any]) -> None:
        self._request = request
        self._promise = promise
        self._since: float | None = None
        self._limited = 0
        #: The reason for which the request waits, and since when.
        self._reason = ""
        self._held_since = 0.0

    def reset(self) -> None:
        """Note that a request was accepted: the next wait begins anew."""
        self._since = None
        self._limited = 0
        self._release()

    def wait(self, failure: Failure) -> Steps[Failure | GaveUp | None]:
        """Wait until the refused request may be sent again, and return None.

        Returns the failure if the refusal has another reason, and GaveUp if the wait takes too
        long or is interrupted.
        """
        try:
            if isinstance(failure.error, ServerLimitReached):
                self._hold("room under --os-max-servers")
                yield from self._room_made()
                return (yield from self._pause(failure, self._fastest))
            if failure.exchange is not None and failure.exchange.over_quota:
                self._hold("quota")
                return (yield from self._wait_for_quota(failure))
            if is_rate_limit(failure):
                self._hold("the rate limit")
                return (yield from self._wait_for_rate(failure))
        except StopRequested:
            return GaveUp(failure.error)
        self._release()
        return failure

    def _hold(self, reason: str) -> None:
        """Note the reason for which the request waits."""
        if self._reason != reason:
            self._release()
            self._reason, self._held_since = reason, self._request.context.engine.clock.now()
            self._promise.set_hold(reason)

    def _release(self) -> None:
        """Note the end of a wait; the log tells of a long one."""
        if not self._reason:
            return
        waited = self._request.context.engine.clock.now() - self._held_since
        if waited > MOMENT:
            name = title_of(self._promise.future)
            _log.info("%s has waited %.1f s for %s", name, waited, self._reason)
        self._reason = ""
        self._promise.set_hold("")

    @property
    def _fastest(self) -> float:
        return self._request.context.api_client.poll.fastest

    def _room_made(self) -> Steps[bool]:
        """Let a resource be deleted that no test needs yet; return False if there is none."""
        record = self._request.record
        return record is not None and bool((yield InPool(record.make_room)))

    def _wait_for_quota(self, failure: Failure) -> Steps[Failure | GaveUp | None]:
        """Wait for a deletion of this process, or while other processes have resources."""
        request = self._request
        if (yield WaitForQuota(request.context.api_client)):
            return None
        if (yield from self._room_made()):
            return (yield from self._pause(failure, self._fastest))
        if request.record is None or not (yield InPool(request.record.others)):
            return failure
        now = request.context.engine.clock.now()
        waited = 0.0 if self._since is None else now - self._since
        poll = request.context.api_client.poll
        seconds = min(poll.slowest, max(poll.fastest, 0.1 * waited))
        return (yield from self._pause(failure, seconds))

    def _wait_for_rate(self, failure: Failure) -> Steps[Failure | GaveUp | None]:
        """Wait as long as the cloud asks for, and longer after each further refusal."""
        request = self._request
        opinion: Opinion = yield AskPolicy(request.retry, failure.error, 0)
        if opinion.wanted is False:
            return replace(failure, opinion=opinion)
        exchange = failure.exchange
        wish = retry_after(exchange.headers) if exchange is not None else None
        self._limited += 1
        backoff = request.retry.pause(self._limited, request.context.engine.random)
        seconds = max(backoff, wish or 0.0)
        _log.info("rate limit: the next request leaves in %.1f s (%s)", seconds, failure.error)
        return (yield from self._pause(failure, seconds))

    def _pause(self, failure: Failure, seconds: float) -> Steps[Failure | GaveUp | None]:
        """Pause, unless all waits since the last accepted request would take too long."""
        request = self._request
        now = request.context.engine.clock.now()
        self._since = now if self._since is None else self._since
        waited = now - self._since
        if waited + seconds > request.patience:
            return GaveUp(explained(request.context, failure, waited))
        yield Pause(seconds)
        return None
