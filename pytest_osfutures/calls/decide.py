"""The decision about a failed try: pure functions of what is known about the failure."""

from __future__ import annotations

from pytest_osfutures.calls.context import ClientContext
from pytest_osfutures.calls.recognise import recognise
from pytest_osfutures.calls.request import Failure, RetryDecision
from pytest_osfutures.calls.submit import name_of
from pytest_osfutures.errors import (
    OperationDetails,
    OperationError,
    OperationFailed,
    QuotaExceeded,
    UnusableAnswerError,
    without_frames,
)
from pytest_osfutures.transport import (
    Exchange,
    error_text,
    is_rate_limit_error,
    is_transient_error,
)

__tracebackhide__ = True  # pytest: an error belongs to the line of the test


def decide(failure: Failure, wanted: bool | None, failed: int) -> RetryDecision:
    """Return the answer to the `failed`-th failure of a call.

    `wanted` is the policy's opinion; without one, the kind of failure decides: a wrong request
    (400, 404 and their like) is never repeated. A conflict, a quota, a rate limit, a failure after
    the request was accepted, and a request that did not reach the cloud are.
    """
    error, exchange = failure.error, failure.exchange
    if failed > 1 and exchange is not None and exchange.method == "DELETE" and exchange.missing:
        return RetryDecision.DONE
    if wanted is False or not isinstance(error, Exception):
        return RetryDecision.GIVE_UP
    if wanted or isinstance(error, OperationError) or _may_succeed_later(error, exchange):
        return RetryDecision.AGAIN
    return RetryDecision.GIVE_UP


def _may_succeed_later(error: Exception, exchange: Exchange | None) -> bool:
    """Return True if the same request may be accepted later."""
    if exchange is None:
        return is_transient_error(error)
    return exchange.retryable or exchange.busy or exchange.over_quota


def needs_reconciliation(failure: Failure) -> bool:
    """Return True if the request may have created a resource that no answer names."""
    exchange = failure.exchange
    if exchange is None:
        return False
    return is_ambiguous(exchange) or isinstance(failure.error, UnusableAnswerError)


def is_ambiguous(exchange: Exchange | None) -> bool:
    """Return True if the request may have created a resource although no answer says so."""
    return exchange is not None and exchange.ambiguous and exchange.method == "POST"


def is_rate_limit(failure: Failure) -> bool:
    """Return True if the cloud takes no more requests now, whatever they ask for.

    A failure without an exchange is the session's own request for a token.
    """
    exchange = failure.exchange
    return is_rate_limit_error(failure.error) if exchange is None else exchange.rate_limited


def not_undone(error: BaseException, problem: BaseException) -> BaseException:
    """Return the error of a failed try whose resource could not be undone either."""
    plain = error if isinstance(error, OperationError) else OperationFailed(str(error))
    text = f"{plain.why}; what it left could not be undone: {problem}"
    both = type(plain)(text, plain.details)
    both.__cause__ = without_frames(error)
    return both


def explained(context: ClientContext, failure: Failure, seconds: float) -> BaseException:
    """Return the error of a refused request: QuotaExceeded, with the cloud's text, over a quota."""
    error, exchange = failure.error, failure.exchange
    if exchange is None or not exchange.over_quota:
        return error
    found = recognise(context, exchange).operation
    name = found[0].name if found is not None else ""
    details = OperationDetails(
        name, None, name_of(exchange.request), exchange.request_id, seconds=seconds
    )
    quota = QuotaExceeded(error_text(exchange.response), details)
    quota.__cause__ = without_frames(error)
    return quota
