"""Calls that break off after one of their requests has made something."""

from __future__ import annotations

import logging

import pytest

from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.errors import (
    OperationFailed,
)
from tests.unit.api import NOVA, answers
from tests.unit.stepped import POST, Cloud, error_of


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "osfutures")


def test_a_call_that_breaks_off_is_taken_back_and_made_again() -> None:
    cloud = Cloud()

    def call() -> None:
        cloud.create()
        cloud.context.api_client.session.post(
            f"{NOVA}/os-keypairs", json={"keypair": {"name": "k"}}
        )

    cloud.api.fault("POST", "/os-keypairs", answers(503))
    future = start_retried(cloud.context, call, 2)
    cloud.run(future)
    assert cloud.api.alive() == ["server-2"]
    assert cloud.api.count(*POST) == 2
    assert [each.resource_id for each in future.attempts] == ["server-1"]


def test_a_call_that_breaks_off_for_good_leaves_nothing() -> None:
    cloud = Cloud()

    def call() -> None:
        cloud.create()
        raise ValueError("the client does not like the answer")

    future = start_retried(cloud.context, call)
    cloud.run(future)
    assert isinstance(future.exception(), ValueError)
    assert cloud.api.alive() == []
    assert cloud.api.count(*POST) == 1


def test_a_call_that_breaks_off_and_cannot_be_taken_back_says_both() -> None:
    cloud = Cloud()

    def call() -> None:
        cloud.create()
        raise ValueError("the client does not like the answer")

    cloud.api.fault("DELETE", "/servers/server-1", *[answers(409)] * 9)
    future = start_retried(cloud.context, call)
    cloud.run(future)
    error = error_of(future)
    assert isinstance(error, OperationFailed)
    assert "the client does not like the answer" in str(error)
    assert "409" in str(error)
    assert isinstance(error.__cause__, ValueError)
