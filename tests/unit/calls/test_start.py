"""Calls of one try: in the caller's thread, and in the background."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace
from typing import Any

import pytest

from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.calls.start import start_once
from pytest_osfutures.errors import InvalidArgument
from tests.unit.api import answers
from tests.unit.stepped import POST, Cloud


def test_the_future_of_one_try_has_everything_at_once_but_the_result() -> None:
    cloud = Cloud()
    future = start_once(cloud.context, cloud.create)
    assert future.running()
    assert future.sync_res.json()["server"]["id"] == "server-1"
    assert future.operation == "server.create"
    assert future.resource_id == "server-1"
    assert future.request_id == "req-server-1"
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"
    assert future.result()["adminPass"] == "secret"
    assert [seen.status for seen in future.history] == ["BUILD", "ACTIVE"]
    assert future.attempts == ()


def test_an_error_of_the_plain_call_is_raised_at_once() -> None:
    cloud = Cloud()
    cloud.api.fault(*("POST", "/servers"), answers(400))
    with pytest.raises(Exception, match="400"):
        start_once(cloud.context, cloud.create)
    assert cloud.api.count(*POST) == 1


def test_a_call_with_one_try_stamps_nothing() -> None:
    cloud = Cloud()
    start_once(cloud.context, cloud.create)
    assert cloud.api.servers["server-1"]["metadata"] == {"mine": "1"}


def test_a_call_that_starts_nothing_known_is_done_with_its_plain_result() -> None:
    cloud = Cloud()
    future = start_once(cloud.context, lambda: "plain")
    assert future.done()
    assert future.result() == future.sync_res == "plain"
    assert future.operation == ""
    assert future.resource_id is None
    with pytest.raises(InvalidArgument, match="undo"):
        future.undo()


@pytest.mark.parametrize("tout", [0, -1, "5", True, float("nan")])
def test_a_deadline_that_is_none_is_refused_before_anything_is_sent(tout: Any) -> None:
    cloud = Cloud()
    with pytest.raises(InvalidArgument, match="tout"):
        start_once(cloud.context, cloud.create, tout)
    with pytest.raises(InvalidArgument, match="tout"):
        start_retried(cloud.context, cloud.create, 2, tout)
    assert cloud.api.count(*POST) == 0


def test_a_background_call_is_answered_in_its_future() -> None:
    cloud = Cloud()
    waiting: list[Any] = []

    class Later:
        def submit(self, task: Any) -> None:
            waiting.append(task)

    context = replace(cloud.context, background=True)
    cloud.engine.submissions = Later()
    future = start_once(context, cloud.create)
    assert not future.running()
    assert cloud.api.count(*POST) == 0
    waiting.pop()()
    cloud.settle(0.0)
    assert future.sync_res.json()["server"]["id"] == future.resource_id
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"


def test_an_error_of_a_background_call_is_in_its_future() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", answers(400))
    future = start_once(replace(cloud.context, background=True), cloud.create)
    cloud.run(future)
    error = future.exception()
    assert error is not None
    with pytest.raises(type(error)):
        _ = future.sync_res


def test_the_settings_that_all_twins_of_a_client_share_cannot_be_changed() -> None:
    context = Cloud().context
    with pytest.raises(FrozenInstanceError):
        context.unknown = "error"  # type: ignore[misc]
