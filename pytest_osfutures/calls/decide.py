"""The decision about a failed try: pure functions of what is known about the failure."""

from __future__ import annotations

from pytest_osfutures import transport
from pytest_osfutures.calls.context import ClientContext
from pytest_osfutures.calls.request import Failure, RetryDecision
from pytest_osfutures.calls.submit import name_of, recognise
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
    is_missing,
    is_retryable,
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
    if failed > 1 and exchange is not None and _is_gone(exchange):
        return RetryDecision.DONE
    if wanted is False or not isinstance(error, Exception):
        return RetryDecision.GIVE_UP
    if wanted or isinstance(error, OperationError) or _may_succeed_later(error, exchange):
        return RetryDecision.AGAIN
    return RetryDecision.GIVE_UP


def _is_gone(exchange: Exchange) -> bool:
    """Return True if the service refuses a deletion because the resource does not exist."""
    return exchange.method == "DELETE" and is_missing(exchange.status) and not exchange.from_proxy


def _may_succeed_later(error: Exception, exchange: Exchange | None) -> bool:
    """Return True if the same request may be accepted later."""
    if exchange is None:
        return is_transient_error(error)
    if exchange.from_proxy or is_retryable(exchange.status):
        return True
    return is_busy(exchange) or over_quota(exchange)


def needs_reconciliation(failure: Failure) -> bool:
    """Return True if the request may have created a resource that no answer names."""
    exchange = failure.exchange
    if exchange is None:
        return False
    return is_ambiguous(exchange) or isinstance(failure.error, UnusableAnswerError)


def is_ambiguous(exchange: Exchange | None) -> bool:
    """Return True if the request may have created a resource although no answer says so."""
    return exchange is not None and exchange.ambiguous and exchange.method == "POST"


def is_busy(exchange: Exchange) -> bool:
    """Return True if the request was refused because of an operation that is under way."""
    return transport.is_busy(exchange.status, exchange.response)


def is_rate_limit(failure: Failure) -> bool:
    """Return True if the cloud takes no more requests now, whatever they ask for.

    A failure without an exchange is the session's own request for a token.
    """
    exchange = failure.exchange
    if exchange is None:
        return transport.is_rate_limited(getattr(failure.error, "http_status", None) or 0, {})
    limited = transport.is_rate_limited(exchange.status, exchange.headers)
    return limited and not over_quota(exchange)


def over_quota(exchange: Exchange | None) -> bool:
    """Return True if a quota refused the request (Nova: 403, Neutron: 409, Cinder: 413)."""
    return exchange is not None and transport.is_over_quota(exchange.status, exchange.response)


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
    if exchange is None or not over_quota(exchange):
        return error
    found = recognise(context, exchange)
    name = found[0].name if found is not None else ""
    details = OperationDetails(
        name, None, name_of(exchange.request), exchange.request_id, seconds=seconds
    )
    quota = QuotaExceeded(error_text(exchange.response), details)
    quota.__cause__ = without_frames(error)
    return quota
