"""Answers that come after their try was given up, or not at all."""

from __future__ import annotations

import logging

import pytest
import requests

from pytest_osfutures.calls.retrying import Attempts, start_retried
from pytest_osfutures.errors import ResourceVanished
from tests.unit.api import answers, lost_before
from tests.unit.stepped import POST, SETTLING, Cloud


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "osfutures")


def test_a_deadline_that_strikes_together_with_a_refusal_changes_nothing() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", answers(400))
    future = start_retried(cloud.context, cloud.create, 3, 50.0)
    cloud.run(future)
    attempts = getattr(future._undo, "__self__", None)
    assert isinstance(attempts, Attempts)
    attempts._unanswered(1, [])  # its timer had left the queue already
    cloud.settle()
    assert len(future.attempts) == 1
    assert cloud.api.count(*POST) == 1


def test_a_late_answer_is_forgotten_with_the_try_that_it_belongs_to() -> None:
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
