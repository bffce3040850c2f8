"""Calls that are tried again: clean-up, deadlines, messages and rows of the ledger."""

from __future__ import annotations

import logging
import math
from dataclasses import replace
from typing import Any

import pytest
from keystoneauth1.exceptions import Forbidden, HttpError

from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.calls.start import start_once
from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.errors import (
    AmbiguousRequest,
    InvalidArgument,
    ObjectCreationError,
    OperationFailed,
    OperationTimeout,
    QuotaExceeded,
)
from pytest_osfutures.policy import Retry
from pytest_osfutures.stamp import OPERATION, RUN
from tests.unit.api import NOVA, Fault, answer, answers, lost_after, lost_before
from tests.unit.stepped import POST, Cloud, error_of


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "osfutures")


def test_a_retried_call_adds_its_stamp_to_the_users_metadata() -> None:
    cloud = Cloud()
    future = start_retried(cloud.context, cloud.create)
    cloud.run(future)
    metadata = cloud.api.servers["server-1"]["metadata"]
    assert metadata["mine"] == "1"
    assert metadata[RUN] == "run-1"
    assert metadata[OPERATION]
    assert future.result()["status"] == "ACTIVE"


@pytest.mark.parametrize("fate", ["ACTIVE", "ERROR"])
def test_a_call_that_is_done_leaves_nothing_to_do(fate: str) -> None:
    cloud = Cloud()
    cloud.api.fates = [fate]
    future = start_retried(cloud.context, cloud.create, Retry(1, within=100.0), 50.0)
    cloud.run(future)
    assert (future.exception() is None) is (fate == "ACTIVE")
    assert cloud.engine.monitor.step() == math.inf


def test_a_call_that_starts_nothing_known_is_done_with_its_plain_result() -> None:
    cloud = Cloud()
    future = start_retried(cloud.context, lambda: "plain", Retry(3, within=100.0), 50.0)
    cloud.run(future)
    assert future.result() == future.sync_res == "plain"
    assert cloud.engine.monitor.step() == math.inf


def test_a_deletion_whose_answer_got_lost_is_done_when_nothing_is_left() -> None:
    cloud = Cloud()
    cloud.run(start_once(cloud.context, cloud.create))
    cloud.api.fault("DELETE", "/servers/server-1", lost_after)

    def delete() -> Any:
        return cloud.context.api_client.session.delete(f"{NOVA}/servers/server-1")

    policy = Retry(3, backoff=10.0, jitter=0.0, within=100.0)
    future = start_retried(cloud.context, delete, policy, 50.0)
    cloud.run(future)
    assert future.result() is None
    assert len(future.attempts) == 2
    assert cloud.engine.monitor.step() == math.inf


def test_a_try_that_was_undone_is_not_gone_on_with() -> None:
    cloud = Cloud()
    cloud.api.building = 100.0
    future = start_retried(cloud.context, cloud.create, 3, 10.0)
    path = "/compute/v2.1/servers/server-1"
    assert cloud.engine.run_until(lambda: cloud.api.count("DELETE", path) == 1, 20.0)
    cloud.api.building = 3.0
    cloud.api.fault("POST", "/servers", answers(409))
    cloud.run(future)
    assert future.result()["id"] == "server-2"
    assert len(future.attempts) == 2


@pytest.mark.parametrize(("status", "looked_at"), [(403, False), (404, False), (409, True)])
def test_a_late_operation_is_watched_anew_only_if_it_may_be_done(
    status: int, looked_at: bool
) -> None:
    cloud = Cloud()
    cloud.run(start_once(cloud.context, cloud.create))
    url = f"{NOVA}/servers/server-1/action"

    def stop() -> Any:
        return cloud.context.api_client.session.post(url, json={"os-stop": None})

    cloud.api.fault("POST", "/action", lambda proceed: proceed(), answers(status))
    future = start_retried(cloud.context, stop, 2, 5.0)
    assert cloud.engine.run_until(
        lambda: cloud.api.count("POST", "/compute/v2.1/servers/server-1/action") == 2, 30.0
    )
    cloud.run(future)
    assert isinstance(future.exception(), OperationFailed if looked_at else HttpError)


@pytest.mark.parametrize(("lost", "left"), [(False, 0), (True, 1)])
def test_a_resource_certainly_not_created_leaves_the_ledger(lost: bool, left: int) -> None:
    cloud = Cloud()
    ledger = Ledger(None, "run")
    cloud.api.fates = ["ERROR"]
    if lost:
        cloud.api.fault("POST", "/servers", lost_after)
        cloud.api.fault("GET", "/servers/detail", *[answers(503)] * 20)
    future = start_retried(replace(cloud.context, ledger=ledger), cloud.create, 1)
    cloud.run(future)
    assert isinstance(future.exception(), AmbiguousRequest if lost else ObjectCreationError)
    assert len(ledger.rows("intent", "bound")) == left
    ledger.close()


def test_a_failed_try_is_cleaned_up_before_the_next_one() -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR", "ERROR", "ACTIVE"]
    future = start_retried(cloud.context, cloud.create, 3)
    cloud.settle(0.1)
    first = future.sync_res
    cloud.run(future)
    assert future.result()["id"] == "server-3"
    assert future.sync_res.json()["server"]["id"] == "server-3"
    assert first.json()["server"]["id"] == "server-1"
    assert cloud.api.alive() == ["server-3"]
    assert [each.number for each in future.attempts] == [1, 2]
    assert [each.resource_id for each in future.attempts] == ["server-1", "server-2"]
    assert all("No valid host" in each.why for each in future.attempts)
    births = [cloud.api.servers[f"server-{n}"]["born"] for n in (2, 3)]
    deaths = [cloud.api.servers[f"server-{n}"]["deleted"] + 2 for n in (1, 2)]
    assert all(born >= dead for born, dead in zip(births, deaths, strict=True))


def test_giving_up_leaves_nothing_behind_and_tells_of_every_try() -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR", "ERROR"]
    future = start_retried(cloud.context, cloud.create, 2)
    cloud.run(future)
    error = error_of(future)
    assert isinstance(error, ObjectCreationError)
    assert len(error.attempts) == 2
    assert cloud.api.alive() == []


def test_a_try_that_is_too_slow_is_cleaned_up_and_repeated() -> None:
    cloud = Cloud()
    future = start_retried(cloud.context, cloud.create, 2, tout=2.0)
    cloud.run(future)
    assert isinstance(error_of(future), OperationTimeout)
    assert cloud.api.count(*POST) == 2
    assert cloud.api.alive() == []


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_wrong_request_is_not_repeated(status: int) -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", answers(status), answers(status))
    future = start_retried(cloud.context, cloud.create, 5)
    cloud.run(future)
    assert isinstance(future.exception(), HttpError)  # the client's own
    assert cloud.api.count(*POST) <= 2  # a session repeats a 401 itself, once
    with pytest.raises(Exception, match=str(status)):
        future.sync_res  # noqa: B018


def test_a_passing_refusal_is_repeated() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", answers(409), answers(409))
    future = start_retried(cloud.context, cloud.create, 3)
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"
    assert len(future.attempts) == 2


def test_a_refusal_that_names_a_time_is_repeated_no_sooner() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", answers(429, Retry_After="77"))
    future = start_retried(cloud.context, cloud.create, 3)
    cloud.run(future)
    assert cloud.api.servers["server-1"]["born"] >= 77


def test_a_quota_is_waited_for_and_then_named() -> None:
    cloud = Cloud()
    text = {"forbidden": {"message": "Quota exceeded for instances: Requested 1", "code": 403}}
    over: Fault = lambda _: answer(403, text)  # noqa: E731
    cloud.api.fault("POST", "/servers", over)
    future = start_retried(cloud.context, cloud.create, 2)
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"
    cloud.api.fault("POST", "/servers", over, over)
    future = start_retried(cloud.context, cloud.create, 2)
    cloud.run(future)
    assert isinstance(error_of(future), QuotaExceeded)
    assert "Quota exceeded for instances" in str(error_of(future))
    assert error_of(future).operation == "server.create"
    assert isinstance(error_of(future).__cause__, Forbidden)


def test_a_quota_is_named_where_nothing_is_known_of_the_call() -> None:
    cloud = Cloud()
    text = {"forbidden": {"message": "Quota exceeded for server groups", "code": 403}}
    cloud.api.fault("POST", "/os-server-groups", lambda _: answer(403, text))
    url = f"{NOVA}/os-server-groups"
    future = start_retried(
        cloud.context,
        lambda: cloud.context.api_client.session.post(url, json={"server_group": {}}),
        1,
    )
    cloud.run(future)
    assert isinstance(error_of(future), QuotaExceeded)
    assert error_of(future).operation == ""


def test_a_mistake_of_the_caller_is_not_repeated() -> None:
    cloud = Cloud()
    calls: list[int] = []

    def wrong() -> Any:
        calls.append(1)
        raise TypeError("an argument is missing")

    future = start_retried(cloud.context, wrong, 5)
    cloud.run(future)
    assert isinstance(future.exception(), TypeError)
    assert calls == [1]


def test_a_call_that_the_cloud_never_heard_is_repeated() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/auth/tokens", lost_before, answers(503))
    future = start_retried(cloud.context, cloud.create, 3)
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"
    assert cloud.api.count(*POST) == 1


def test_a_token_that_expires_on_the_way_is_renewed() -> None:
    cloud = Cloud()
    cloud.api.token_expires = "2020-01-01T00:00:00.000000Z"  # each request needs a new one
    future = start_retried(cloud.context, cloud.create, 1)
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"


def test_a_renewal_that_fails_is_no_request_of_unknown_fate() -> None:
    cloud = Cloud()
    cloud.context.api_client.catalog()
    cloud.api.fault("POST", "/servers", answers(401))
    cloud.api.fault("POST", "/auth/tokens", answers(503))
    future = start_retried(cloud.context, cloud.create, 3)
    cloud.run(future)
    assert not isinstance(future.exception(), AmbiguousRequest)
    assert len(cloud.api.alive()) <= 1


def test_retry_on_decides_before_the_rules_of_the_call() -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR"] * 5
    future = start_retried(cloud.context, cloud.create, Retry(5, retry_on=OperationTimeout))
    cloud.run(future)
    assert len(error_of(future).attempts) == 1
    cloud.api.fates = []
    cloud.api.fault("POST", "/servers", answers(400))
    future = start_retried(cloud.context, cloud.create, Retry(5, retry_on=Exception))
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"


def test_a_retry_on_that_raises_ends_its_own_operation_only() -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR", "ACTIVE"]

    def raises(_: BaseException) -> bool:
        raise ZeroDivisionError

    broken = start_retried(cloud.context, cloud.create, Retry(5, retry_on=raises))
    fine = start_retried(cloud.context, cloud.create)
    cloud.run(broken)
    cloud.run(fine)
    error = broken.exception()
    assert isinstance(error, InvalidArgument)
    assert "raises raised ZeroDivisionError; it was asked about ObjectCreationError" in str(error)
    assert isinstance(error.__cause__, ZeroDivisionError)
    assert fine.result()["status"] == "ACTIVE"
    assert cloud.api.alive() == ["server-2"]


def test_a_failed_undo_is_reported_and_causes_no_other_try() -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR"]
    cloud.api.fault("DELETE", "/servers/server-1", *[answers(409)] * 9)
    future = start_retried(cloud.context, cloud.create, 3)
    cloud.run(future)
    error = error_of(future)
    assert isinstance(error, ObjectCreationError)
    assert "No valid host" in str(error)
    assert "could not be undone" in str(error)
    assert "409" in str(error)
    assert cloud.api.count(*POST) == 1


@pytest.mark.parametrize("stays", [True, False])
def test_a_failed_undo_without_a_future_is_logged(
    stays: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING, "osfutures")
    cloud = Cloud()
    if stays:
        cloud.api.fault("DELETE", "/servers/server-1", *[answers(500)] * 9)
    cloud.api.building = 100.0
    future = start_retried(cloud.context, cloud.create, Retry(3, within=10.0))
    cloud.run(future, 11.0)
    cloud.settle()
    assert isinstance(future.exception(), OperationTimeout)
    assert bool(cloud.api.alive()) is stays
    assert ("could not be taken back: cannot undo server.create" in caplog.text) is stays
    assert bool(caplog.text) is stays


def test_an_overall_deadline_may_strike_while_nothing_is_there() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", *[answers(429)] * 9)
    policy = Retry(9, backoff=30.0, jitter=0.0, within=20.0)
    future = start_retried(cloud.context, cloud.create, policy)
    cloud.run(future)
    assert cloud.clock.now() == pytest.approx(20.0)
    assert isinstance(future.exception(), OperationTimeout)
    cloud.settle()
    assert cloud.api.count(*POST) == 1


def test_an_overall_deadline_is_never_outlasted_by_another_try() -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR"] * 100
    future = start_retried(cloud.context, cloud.create, Retry(100, within=40.0))
    cloud.run(future)
    cloud.settle()
    assert len(error_of(future).attempts) > 2
    assert all(each["born"] < 40 for each in cloud.api.servers.values())
    assert cloud.api.alive() == []
