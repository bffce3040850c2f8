"""A request that is sent again after a rate limit is not one of the tries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from keystoneauth1.exceptions import HttpError

from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.calls.start import start_once
from pytest_osfutures.errors import ObjectCreationError, OperationTimeout
from pytest_osfutures.policy import Retry
from tests.unit.api import NOVA, answers
from tests.unit.stepped import POST, Cloud, error_of


@pytest.mark.parametrize(
    ("status", "headers"), [(429, {}), (429, {"Retry_After": "2"}), (413, {"Retry_After": "2"})]
)
@pytest.mark.parametrize("tries", [1, 3])
def test_a_rate_limit_costs_no_try(status: int, headers: dict[str, str], tries: int) -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", *[answers(status, **headers)] * 8)
    future = start_retried(cloud.context, cloud.create, tries)
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"
    assert future.attempts == ()
    assert cloud.api.count(*POST) == 9


def test_overload_that_names_a_time_costs_no_try_where_nothing_has_arrived() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", *[answers(503, Retry_After="5")] * 4)
    future = start_retried(cloud.context, cloud.create, 1)
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"
    assert future.attempts == ()
    assert len(cloud.api.alive()) == 1


def test_overload_without_a_time_is_a_failed_try() -> None:
    cloud = Cloud()
    cloud.api.fault("PUT", "/action", *[answers(503)] * 2)

    def call() -> Any:
        return cloud.context.api_client.session.put(f"{NOVA}/servers/s/action", json={})

    future = start_retried(cloud.context, call, 2)
    cloud.run(future)
    assert len(future.attempts) == 2
    assert isinstance(future.exception(), HttpError)


def test_a_rate_limit_between_failed_tries_leaves_their_number_alone() -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR"] * 9
    cloud.api.fault("POST", "/servers", *[answers(429)] * 3)
    future = start_retried(cloud.context, cloud.create, 2)
    cloud.run(future)
    assert isinstance(error_of(future), ObjectCreationError)
    assert [each.number for each in future.attempts] == [1, 2]
    assert cloud.api.count(*POST) == 5


def test_a_rate_limit_lasts_no_longer_than_the_deadline_of_the_try() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", *[answers(429)] * 999)
    future = start_retried(cloud.context, cloud.create, 3, tout=60.0)
    cloud.run(future)
    assert isinstance(future.exception(), HttpError)
    assert 20 < cloud.clock.now() <= 60


def test_a_rate_limit_lasts_no_longer_than_all_tries_may() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", *[answers(429)] * 999)
    future = start_retried(cloud.context, cloud.create, Retry(3, within=60.0))
    cloud.run(future)
    assert isinstance(error_of(future), OperationTimeout)
    assert cloud.clock.now() == pytest.approx(60.0)


def test_a_pause_that_would_outlast_the_try_is_not_waited_for() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", answers(429, Retry_After="100000"))
    future = start_retried(cloud.context, cloud.create, 3, tout=60.0)
    cloud.run(future)
    assert isinstance(future.exception(), HttpError)
    assert cloud.clock.now() < 2
    assert not cloud.engine.run_until(lambda: False, 200_000.0)
    assert cloud.clock.now() < 100


def test_a_policy_may_refuse_to_wait_for_a_rate_limit() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", answers(429))
    future = start_retried(cloud.context, cloud.create, Retry(3, retry_on=lambda _: False))
    cloud.run(future)
    assert isinstance(future.exception(), HttpError)
    assert cloud.api.count(*POST) == 1


def test_a_rate_limit_of_the_identity_service_costs_no_try() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/auth/tokens", *[answers(429)] * 9)
    future = start_retried(cloud.context, cloud.create, 1)
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"


def test_an_undo_outlasts_a_rate_limit() -> None:
    cloud = Cloud()
    future = start_retried(cloud.context, cloud.create, 1)
    cloud.run(future)
    cloud.api.fault("DELETE", "/servers/server-1", *[answers(429, Retry_After="4")] * 8)
    undone = future.undo()
    cloud.run(undone)
    assert undone.exception() is None
    assert cloud.api.alive() == []


def test_an_undo_pauses_longer_after_each_rate_limit() -> None:
    cloud = Cloud()
    cloud.context = replace(cloud.context, retry=Retry(backoff=1.0, jitter=0.0))
    future = start_once(cloud.context, cloud.create)
    cloud.run(future)
    sent_at: list[float] = []

    def limited(proceed: Callable[[], Any]) -> Any:
        sent_at.append(cloud.clock.now())
        return answers(429)(proceed)

    cloud.api.fault("DELETE", "/servers/server-1", *[limited] * 4)
    undo = future.undo()
    cloud.run(undo)
    assert undo.result() is None
    pauses = [later - sooner for sooner, later in pairwise(sent_at)]
    assert pauses == pytest.approx([1.0, 2.0, 4.0], abs=0.1)


def test_an_undo_does_not_wait_for_ever_for_a_rate_limit() -> None:
    cloud = Cloud()
    future = start_retried(cloud.context, cloud.create, 1)
    cloud.run(future)
    cloud.api.fault("DELETE", "/servers/server-1", *[answers(429, Retry_After="40")] * 99)
    undone = future.undo()
    cloud.run(undone, 400.0)
    assert "429" in str(undone.exception())
