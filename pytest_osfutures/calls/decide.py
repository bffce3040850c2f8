"""What to do about a failed try: a pure function of what is known of it."""

from __future__ import annotations

import enum

from pytest_osfutures.calls.submit import ClientContext, name_of, recognise
from pytest_osfutures.calls.waits import is_busy
from pytest_osfutures.errors import (
    OperationDetails,
    OperationError,
    OperationFailed,
    QuotaExceeded,
    UnusableAnswerError,
    without_frames,
)
from pytest_osfutures.policy import Retry
from pytest_osfutures.transport import Exchange, error_text, is_transient_error, retry_after


class Answer(enum.Enum):
    """What to do about a failed try."""

    GIVE_UP = "give up"
    AGAIN = "try again"
    SEARCH = "find out whether the request arrived"
    DONE = "it was done already by a try whose answer got lost"


def decide(error: BaseException, sent: Exchange | None, retry: Retry, failed: int) -> Answer:
    """The answer to the `failed`-th failure; `sent` is the request if it had no success.

    A request that may have arrived is looked for first, and so is what an answer does not name.
    Then the user's `retry_on` decides where it has an opinion. Otherwise: what the cloud calls a
    wrong request (400, 404 and their like) is never repeated; a conflict, a quota, a rate limit and
    whatever failed after it was accepted is, and so is a call that the cloud did not hear before it
    could change anything.
    """
    if is_ambiguous(sent) or (sent is not None and isinstance(error, UnusableAnswerError)):
        return Answer.SEARCH
    from_proxy = sent is not None and sent.from_proxy
    gone = sent is not None and sent.method == "DELETE" and sent.status == 404
    if gone and failed > 1 and not from_proxy:
        return Answer.DONE
    wanted = retry.wants(error, failed)
    if wanted is False or not isinstance(error, Exception):
        return Answer.GIVE_UP
    if wanted or isinstance(error, OperationError):
        return Answer.AGAIN
    if sent is None:
        return Answer.AGAIN if is_transient_error(error) else Answer.GIVE_UP
    transient = from_proxy or sent.status in (0, 408, 413, 425, 429) or sent.status >= 500
    return Answer.AGAIN if transient or is_busy(sent) or over_quota(sent) else Answer.GIVE_UP


def is_ambiguous(sent: Exchange | None) -> bool:
    """Whether the request may have made something, although nobody said so."""
    return sent is not None and sent.ambiguous and sent.method == "POST"


def is_rate_limit(error: BaseException, sent: Exchange | None) -> bool:
    """Whether the cloud does not take more requests now, whatever they ask for.

    429, or 413 and 503 with a Retry-After (rate limits of old services, and overload). Without
    `sent` it is the answer to the session's own request for a token.
    """
    if sent is None:
        return getattr(error, "http_status", None) == 429
    if sent.status in (413, 503):
        return retry_after(sent.headers) is not None and not over_quota(sent)
    return sent.status == 429


def over_quota(sent: Exchange | None) -> bool:
    """Whether the cloud refused it because of a quota (Nova: 403, Neutron: 409, Cinder: 413)."""
    if sent is None or sent.status not in (403, 409, 413):
        return False
    return "quota" in str(sent.response).lower()


def left_behind(error: BaseException, failure: BaseException) -> BaseException:
    """A try failed and left something that could not be undone: both have to be said."""
    plain = error if isinstance(error, OperationError) else OperationFailed(str(error))
    both = type(plain)(f"{plain.why}; what it left could not be undone: {failure}", plain.details)
    both.__cause__ = without_frames(error)
    return both


def explained(
    context: ClientContext, error: BaseException, sent: Exchange | None, seconds: float
) -> BaseException:
    """The error of a refused request: over a quota it is told in the cloud's own words."""
    if sent is None or not over_quota(sent):
        return error
    found = recognise(context, sent)
    name = found[0].name if found is not None else ""
    details = OperationDetails(name, None, name_of(sent.request), sent.request_id, seconds=seconds)
    quota = QuotaExceeded(error_text(sent.response), details)
    quota.__cause__ = without_frames(error)
    return quota
