"""An undo ends all waits of its call at once, and takes a bounded time itself."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.calls.start import start_once
from pytest_osfutures.errors import OperationTimeout
from pytest_osfutures.operations import TABLE
from pytest_osfutures.policy import Retry
from tests.unit.api import NOVA, Fault, answer, answers
from tests.unit.stepped import POST, SETTLING, Cloud

ACTION = "/compute/v2.1/servers/server-1/action"
QUOTA = {"forbidden": {"message": "Quota exceeded for instances", "code": 403}}
BUSY = {"conflictingRequest": {"code": 409, "message": "Cannot: it is in task_state spawning"}}


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "osfutures")


def refuses(status: int, body: Any) -> Fault:
    """The service refuses the request in these words."""
    return lambda _: answer(status, body)


def start_stop(cloud: Cloud, policy: Retry | int = 5) -> Any:
    """A retried action on the first server."""

    def stop() -> Any:
        url = f"{NOVA}/servers/server-1/action"
        return cloud.context.api_client.session.post(url, json={"os-stop": None})

    return start_retried(cloud.context, stop, policy)


def wait_for_quota(cloud: Cloud) -> Any:
    """A deletion of ours is under way that would make room."""
    first = start_once(cloud.context, cloud.create)
    cloud.run(first)
    cloud.api.leaving = 500.0
    first.undo()
    cloud.settle(1.0)
    cloud.api.fault("POST", "/servers", refuses(403, QUOTA))
    return start_retried(cloud.context, cloud.create)


def wait_for_busy(cloud: Cloud) -> Any:
    """The resource does something else for a long time."""
    cloud.api.building = 500.0
    start_once(cloud.context, cloud.create)
    cloud.api.fault("POST", ACTION, refuses(409, BUSY))
    return start_stop(cloud)


def wait_between_tries(cloud: Cloud) -> Any:
    """The call has failed and is made again much later."""
    cloud.api.fault("POST", "/servers", answers(429, Retry_After="400"))
    return start_retried(cloud.context, cloud.create)


@pytest.mark.parametrize("wait", [wait_for_quota, wait_for_busy, wait_between_tries])
def test_undo_ends_the_waits_of_the_call(wait: Callable[[Cloud], Any]) -> None:
    cloud = Cloud()
    future = wait(cloud)
    cloud.settle(8.0)
    assert not future.done()
    sent = len(cloud.api.sent)
    gone = future.undo()
    began = cloud.clock.now()
    cloud.run(gone, 1.0)
    assert gone.exception() is None
    assert future.done()
    assert cloud.clock.now() == began
    cloud.settle(700.0)
    posted = [each for each in cloud.api.sent[sent:] if each[0] == "POST"]
    assert posted == []


def test_the_quota_is_for_the_next_call_when_a_waiting_one_is_undone() -> None:
    cloud = Cloud()
    second = wait_for_quota(cloud)
    cloud.api.leaving = 20.0
    cloud.api.fault("POST", "/servers", refuses(403, QUOTA))
    third = start_retried(cloud.context, cloud.create)
    cloud.settle(2.0)
    second.undo()
    cloud.run(third)
    assert third.result()["status"] == "ACTIVE"


def test_a_busy_resource_is_read_no_more_after_an_undo() -> None:
    cloud = Cloud()
    future = wait_for_busy(cloud)
    cloud.settle(8.0)
    pending = cloud.engine.monitor.pending
    future.undo()
    cloud.settle(1.0)
    assert cloud.engine.monitor.pending == pending - 1


def test_the_deadline_of_all_tries_ends_the_wait_for_a_busy_resource() -> None:
    cloud = Cloud()
    cloud.api.building = 500.0
    start_once(cloud.context, cloud.create)
    cloud.api.fault("POST", ACTION, refuses(409, BUSY))
    future = start_stop(cloud, Retry(5, within=20.0))
    cloud.settle(21.0)
    assert isinstance(future.exception(), OperationTimeout)
    assert cloud.engine.monitor.pending == 1


def test_undo_of_a_lost_request_ends_with_its_reconciliation() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", answers(503))
    future = start_retried(cloud.context, cloud.create)
    cloud.settle(1.0)
    gone = future.undo()
    began = cloud.clock.now()
    cloud.run(gone, SETTLING + 1.0)
    assert gone.exception() is None
    assert cloud.clock.now() - began <= SETTLING
    assert future.done()
    cloud.settle(700.0)
    assert cloud.api.count(*POST) == 1


@pytest.mark.parametrize(
    ("fault", "longest"),
    [
        (refuses(409, BUSY), 3 * 60.0 + 2 * 1.0),
        (answers(429, Retry_After="9"), 60.0 + 2 * 1.0),
        (answers(429, Retry_After="100000"), 2 * 1.0),
        (answers(500), 2 * 1.0),
    ],
)
def test_an_undo_has_an_end_whatever_the_cloud_answers(fault: Fault, longest: float) -> None:
    cloud = Cloud()
    cloud.api.building = 10_000.0
    policy = Retry(3, backoff=1.0, factor=1.0, jitter=0.0)
    future = start_retried(cloud.context, cloud.create, policy)
    cloud.settle(1.0)
    cloud.api.fault("DELETE", "/servers/server-1", *[fault] * 500)
    gone = future.undo()
    began = cloud.clock.now()
    cloud.run(gone, 2 * longest)
    assert gone.exception() is not None
    assert cloud.clock.now() - began <= longest


def test_an_undo_whose_deletion_is_stuck_ends_after_the_deadlines_of_three() -> None:
    cloud = Cloud()
    future = start_retried(cloud.context, cloud.create, Retry(1, backoff=1.0, jitter=0.0))
    cloud.run(future)
    cloud.api.leaving = 1e9
    gone = future.undo()
    began = cloud.clock.now()
    cloud.run(gone, 1e6)
    assert "not done within" in str(gone.exception())
    tout = next(each.tout for each in TABLE.operations if each.name == "server.delete")
    assert cloud.clock.now() - began <= 3 * tout + 10.0
