"""An accepted request whose answer does not name the new resource."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import requests

from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.calls.start import start_once
from pytest_osfutures.errors import UnusableAnswerError
from tests.unit.api import Fault, answer
from tests.unit.stepped import POST, Cloud, error_of

BODIES: list[Any] = [None, {}, {"server": {}}, {"server": None}, {"server": {"id": None}}, [], "ok"]


def unusable(body: Any) -> Fault:
    """Accepted, nothing is made, and the answer says nothing."""

    def fault(_: Callable[[], requests.Response]) -> requests.Response:
        response: requests.Response = answer(202, body)
        return response

    return fault


def made_but_unusable(proceed: Callable[[], requests.Response]) -> requests.Response:
    """Create a resource, and answer without its id."""
    proceed()
    response: requests.Response = answer(202, {"servers": []})
    return response


@pytest.mark.parametrize("body", BODIES)
def test_an_unusable_answer_is_named_with_the_missing_resource(body: Any) -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", unusable(body), unusable(body))

    def create() -> Any:
        return cloud.create().json()["server"]["id"]  # as a client would

    future = start_retried(cloud.context, create, 2)
    cloud.run(future)
    error = error_of(future)
    assert isinstance(error, UnusableAnswerError)
    assert "POST /compute/v2.1/servers was answered 202" in error.why
    assert "does not name the server" in error.why
    assert len(error.attempts) == 2


def test_the_resource_of_an_unusable_answer_is_found_by_its_stamp() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", made_but_unusable)
    future = start_retried(cloud.context, cloud.create, 2)
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"
    assert cloud.api.count(*POST) == 1
    assert len(cloud.api.alive()) == 1


def test_a_password_in_such_an_answer_is_not_told() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", unusable({"server": {"adminPass": "secret"}}))
    future = start_retried(cloud.context, cloud.create, 1)
    cloud.run(future)
    assert "secret" not in str(future.exception())


def test_a_plain_call_raises_unusable_answers_at_once() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", unusable({}))
    with pytest.raises(UnusableAnswerError, match="does not name the server"):
        start_once(cloud.context, cloud.create)
