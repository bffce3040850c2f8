"""Policies on real calls: the number of tries, the pauses, the longest time."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import Any

import pytest

from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.errors import (
    ObjectCreationError,
    OperationFailed,
    OperationTimeout,
)
from pytest_osfutures.policy import Retry
from tests.unit.api import NOVA, answers
from tests.unit.stepped import POST, Cloud, error_of


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "osfutures")


def quick(tries: int, retry_on: Any = None, backoff: float = 1.0) -> Retry:
    return Retry(tries, backoff=backoff, factor=1.0, jitter=0.0, retry_on=retry_on)


@pytest.mark.parametrize(
    ("retry", "posts"),
    [
        (quick(3, ObjectCreationError) | quick(3, ValueError), 3),
        (quick(3, ValueError) | quick(3, KeyError), 1),
        (quick(2, ObjectCreationError) | quick(4, ValueError), 2),
        (quick(2, ObjectCreationError) | quick(4, ObjectCreationError), 4),
        (quick(3, ObjectCreationError) & quick(3, OperationFailed), 3),
        (quick(3, ObjectCreationError) & quick(3, ValueError), 1),
        (quick(4, ObjectCreationError) & quick(2, ObjectCreationError), 2),
        (quick(4) & quick(4, ValueError), 1),
    ],
)
def test_a_composed_policy_decides_a_real_call(retry: Retry, posts: int) -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR"] * 9
    future = start_retried(cloud.context, cloud.create, retry)
    cloud.run(future)
    assert cloud.api.count(*POST) == posts
    assert [each.number for each in future.attempts] == list(range(1, posts + 1))
    assert error_of(future).attempts == future.attempts
    cloud.settle()
    assert cloud.api.alive() == []


@pytest.mark.parametrize("either", [True, False])
def test_a_composed_policy_pauses_as_the_shorter_or_the_longer_one(either: bool) -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", answers(409))
    short, long = quick(3, backoff=1.0), quick(3, backoff=20.0)
    future = start_retried(cloud.context, cloud.create, short | long if either else short & long)
    assert cloud.engine.run_until(lambda: cloud.api.count(*POST) == 2, 100)
    assert cloud.clock.now() == pytest.approx(1.0 if either else 20.0, abs=0.5)
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"
    assert len(future.attempts) == 1  # a success tells of the tries that failed, too


@pytest.mark.parametrize(("either", "ends"), [(True, 50.0), (False, 5.0)])
def test_a_composed_policy_ends_with_the_longer_or_the_shorter_deadline(
    either: bool, ends: float
) -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR"] * 99
    one, other = (replace(quick(99), within=seconds) for seconds in (5.0, 50.0))
    future = start_retried(cloud.context, cloud.create, one | other if either else one & other)
    cloud.run(future)
    assert isinstance(error_of(future), OperationTimeout)
    assert cloud.clock.now() == pytest.approx(ends, abs=1.0)


@pytest.mark.parametrize("status", [413, 429, 503])
def test_a_wish_of_the_cloud_is_honoured_whatever_its_status(status: int) -> None:
    cloud = Cloud()
    path = "/action" if status == 503 else "/servers"  # a create is searched for after a 503
    cloud.api.fault("PUT" if status == 503 else "POST", path, answers(status, Retry_After="30"))

    def call() -> Any:
        if status != 503:
            return cloud.create()
        return cloud.context.api_client.session.put(f"{NOVA}/servers/s/action", json={})

    future = start_retried(cloud.context, call)
    method, where = ("PUT", "/compute/v2.1/servers/s/action") if status == 503 else POST
    assert cloud.engine.run_until(lambda: cloud.api.count(method, where) == 2, 100)
    assert cloud.clock.now() >= 30
    cloud.engine.run_until(future.done, 100)
