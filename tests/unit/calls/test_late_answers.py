"""Answers that come after their try was given up, or not at all."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import requests

from pytest_osfutures.calls.request import CallRequest, Failure
from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.calls.steps import Submit
from pytest_osfutures.calls.submit import Submission
from pytest_osfutures.errors import ResourceVanished
from pytest_osfutures.policy import Retry
from tests.unit.api import answers, lost_before
from tests.unit.stepped import SETTLING, Cloud


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "osfutures")


def submitted(cloud: Cloud) -> tuple[Submit, list[Any]]:
    """A request that has been answered, and the results that its step has come to."""
    request = CallRequest(cloud.context, cloud.create, Retry(3), 50.0)
    step, results = Submit(request, lambda: True, 50.0), list[Any]()
    step.begin(cloud.engine, results.append)
    cloud.settle(0.0)
    return step, results


@pytest.mark.parametrize("is_accepted", [True, False])
def test_a_timeout_together_with_the_answer_changes_nothing(is_accepted: bool) -> None:
    cloud = Cloud()
    if not is_accepted:
        cloud.api.fault("POST", "/servers", answers(400))
    step, results = submitted(cloud)
    assert [type(each) for each in results] == [Submission if is_accepted else Failure]
    step.give_up(50.0, results.append)  # its timer had left the queue already
    assert len(results) == 1
    assert step.late_answer() is None


def test_a_late_answer_is_dropped_with_its_try() -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR", "ACTIVE"]
    hidden = [True]

    def late(proceed: object) -> requests.Response:
        assert callable(proceed)
        cloud.engine.run_until(lambda: False, 12.0)  # the try is given up, and searched for
        hidden[0] = False
        response: requests.Response = proceed()
        return response

    def listed(proceed: object) -> requests.Response:
        assert callable(proceed)
        kept = dict(cloud.api.servers)
        if hidden[0]:
            cloud.api.servers.clear()
        response: requests.Response = proceed()
        cloud.api.servers.update(kept)
        return response

    cloud.api.fault("POST", "/servers", late, lost_before)
    cloud.api.fault("GET", "/servers/detail", *[listed] * 3)
    future = start_retried(cloud.context, cloud.create, 9, 10.0)
    cloud.run(future, 20 * SETTLING)
    assert future.result()["id"] == "server-2"
    reasons = [each.why for each in future.attempts]
    assert [each.resource_id for each in future.attempts] == [None, "server-1", None], reasons
    assert cloud.api.alive() == ["server-2"]


def test_a_server_that_was_seen_alive_and_is_missing_has_vanished_at_once() -> None:
    cloud = Cloud()
    future = start_retried(cloud.context, cloud.create, 1, 50.0)
    assert cloud.engine.run_until(lambda: bool(future.history))
    cloud.api.servers.clear()
    began = cloud.clock.now()
    cloud.run(future)
    assert isinstance(future.exception(), ResourceVanished)
    assert cloud.clock.now() - began < 10.0


def test_an_answer_after_the_timeout_is_kept_as_a_late_one() -> None:
    cloud = Cloud()
    request = CallRequest(cloud.context, cloud.create, Retry(3), 50.0)
    step, results = Submit(request, lambda: True, 50.0), list[Any]()

    def late(proceed: object) -> requests.Response:
        assert callable(proceed)
        step.give_up(50.0, results.append)
        response: requests.Response = proceed()
        return response

    cloud.api.fault("POST", "/servers", late)
    step.begin(cloud.engine, results.append)
    cloud.settle(0.0)
    assert [type(each) for each in results] == [Failure]
    assert isinstance(step.late_answer(), Submission)
