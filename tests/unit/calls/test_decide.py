"""Decisions about failed tries."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.calls.decide import decide, needs_reconciliation
from pytest_osfutures.calls.request import Failure, RetryDecision
from pytest_osfutures.errors import OperationFailed, OperationTimeout, UnusableAnswerError
from pytest_osfutures.policy import Retry
from pytest_osfutures.transport.capture import Exchange
from tests.unit.api import NOVA


def exchange(status: int, method: str = "POST", response: Any = None) -> Exchange:
    return Exchange(method, f"{NOVA}/servers", {}, None, 0.0, status, {}, response)


def answer_to(
    retry: Retry, error: BaseException, sent: Exchange | None, failed: int
) -> RetryDecision:
    return decide(Failure(error, sent), retry.wants(error, failed), failed)


@pytest.mark.parametrize(
    ("error", "sent", "expected"),
    [
        (OSError(), exchange(0), True),
        (OSError(), exchange(503), True),
        (OSError(), exchange(0, "DELETE"), False),
        (OSError(), exchange(503, "PUT"), False),
        (OSError(), exchange(429), False),
        (OSError(), exchange(409), False),
        (OSError(), None, False),
        (UnusableAnswerError("no id"), exchange(202), True),
        (UnusableAnswerError("no id"), exchange(202, "PUT"), True),
        (UnusableAnswerError("no id"), None, False),
    ],
)
def test_requests_that_need_reconciliation(
    error: BaseException, sent: Exchange | None, expected: bool
) -> None:
    assert needs_reconciliation(Failure(error, sent)) is expected


@pytest.mark.parametrize(
    ("error", "sent", "failed", "expected"),
    [
        (OSError(), exchange(0), 1, RetryDecision.AGAIN),
        (OSError(), exchange(503), 9, RetryDecision.GIVE_UP),
        (OSError(), exchange(0, "DELETE"), 1, RetryDecision.AGAIN),
        (OSError(), exchange(503, "PUT"), 1, RetryDecision.AGAIN),
        (OSError(), exchange(400, response={"badRequest": {}}), 1, RetryDecision.GIVE_UP),
        (OSError(), exchange(404, "DELETE", {"itemNotFound": {}}), 1, RetryDecision.GIVE_UP),
        (OSError(), exchange(404, "DELETE", {"itemNotFound": {}}), 2, RetryDecision.DONE),
        (OSError(), exchange(404, "DELETE"), 2, RetryDecision.AGAIN),  # a load balancer's page
        (OSError(), exchange(404, "PUT", {"itemNotFound": {}}), 2, RetryDecision.GIVE_UP),
        (OSError(), exchange(400, "DELETE", {"badRequest": {}}), 2, RetryDecision.GIVE_UP),
        (OSError(), exchange(403), 1, RetryDecision.AGAIN),
        (OSError(), exchange(409), 1, RetryDecision.AGAIN),
        (OSError(), exchange(409), 3, RetryDecision.GIVE_UP),
        (OSError(), exchange(403, response={"message": "Quota exceeded"}), 1, RetryDecision.AGAIN),
        (
            OSError(),
            exchange(403, response={"forbidden": {}}),
            1,
            RetryDecision.GIVE_UP,
        ),
        (
            OSError(),
            exchange(413, response={"message": "VolumeLimit quota"}),
            1,
            RetryDecision.AGAIN,
        ),
        (
            OSError(),
            exchange(400, response={"badRequest": {"message": "quota"}}),
            1,
            RetryDecision.GIVE_UP,
        ),
        (OperationTimeout("late"), None, 1, RetryDecision.AGAIN),
        (OperationFailed("no"), None, 3, RetryDecision.GIVE_UP),
        (TypeError(), None, 1, RetryDecision.GIVE_UP),
        (KeyboardInterrupt(), None, 1, RetryDecision.GIVE_UP),
    ],
)
def test_the_answer_to_a_failure(
    error: BaseException, sent: Exchange | None, failed: int, expected: RetryDecision
) -> None:
    assert answer_to(Retry(3), error, sent, failed) is expected


def test_an_exception_that_ends_a_thread_causes_no_other_try() -> None:
    willing = Retry(3, retry_on=lambda _: True)
    assert answer_to(willing, OSError(), None, 1) is RetryDecision.AGAIN
    assert answer_to(willing, SystemExit(), None, 1) is RetryDecision.GIVE_UP


@pytest.mark.parametrize("status", [408, 413, 425, 429, 500, 502, 503, 504])
def test_a_temporary_refusal_is_tried_again(status: int) -> None:
    sent = exchange(status, "PUT", {"message": "later"})
    assert answer_to(Retry(3), OSError(), sent, 1) is RetryDecision.AGAIN


@pytest.mark.parametrize(
    ("status", "said", "expected"),
    [
        (403, "Quota exceeded for instances", True),
        (409, "Quota exceeded for resources: ['port']", True),
        (
            413,
            "VolumeLimitExceeded: Maximum number of volumes allowed (10) exceeded for quota",
            True,
        ),
        (403, "Policy doesn't allow it", False),
        (400, "Quota exceeded", False),
        (200, "quota", False),
    ],
)
def test_the_quota_refusals_of_each_service_are_recognised(
    status: int, said: str, expected: bool
) -> None:
    assert exchange(status, response={"message": said}).over_quota is expected
