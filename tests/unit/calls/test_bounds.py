"""No try outlives its deadline and no pause its call, for any answer of the cloud at any time."""

from __future__ import annotations

import gc
import logging
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.errors import OperationTimeout
from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.policy import Retry
from tests.unit.api import answers
from tests.unit.stepped import POST, Cloud


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "osfutures")


class Slow:
    """A pool whose tasks begin `seconds` later."""

    def __init__(self, cloud: Cloud, seconds: float) -> None:
        self.cloud = cloud
        self.seconds = seconds

    def submit(self, task: Callable[[], object]) -> None:
        def begin() -> None:
            task()

        self.cloud.engine.call_later(self.seconds, begin)


def ends_at(cloud: Cloud, future: Any) -> float:
    """Let it run until the future is done; the moment."""
    assert cloud.engine.run_until(future.done, 10_000.0)
    return cloud.clock.now()


def test_the_last_try_ends_at_its_deadline_though_each_read_takes_30_s() -> None:
    cloud = Cloud()
    cloud.api.building = 500.0
    cloud.engine.reads = Slow(cloud, 30.0)
    future = start_retried(cloud.context, cloud.create, 1, tout=20.0)
    assert 20 <= ends_at(cloud, future) <= 21
    assert isinstance(future.exception(), OperationTimeout)
    assert [each.number for each in future.attempts] == [1]
    undone = future.undo()
    cloud.run(undone, 1000.0)
    assert undone.exception() is None
    assert cloud.api.alive() == []


def test_the_last_try_ends_at_its_deadline_though_no_request_is_answered() -> None:
    cloud = Cloud()
    cloud.engine.reads = Slow(cloud, 30.0)

    def hang(proceed: Callable[[], Any]) -> Any:
        response = proceed()
        cloud.engine.run_until(lambda: False, 90.0)
        return response

    cloud.api.fault("POST", "/servers", hang)
    future = start_retried(cloud.context, cloud.create, 1, tout=20.0)
    ended: list[float] = []
    future.add_done_callback(lambda _: ended.append(cloud.clock.now()))
    cloud.run(future, 1000.0)
    cloud.engine.run_until(lambda: bool(ended), 10.0)
    assert isinstance(future.exception(), OperationTimeout)
    assert 20 <= ended[0] <= 21
    cloud.engine.run_until(lambda: False, 1000.0)
    assert cloud.api.alive() == []


def test_the_time_that_the_request_took_is_part_of_the_try() -> None:
    cloud = Cloud()
    cloud.api.building = 500.0

    def slow(proceed: Callable[[], Any]) -> Any:
        cloud.clock.advance(15.0)
        return proceed()

    cloud.api.fault("POST", "/servers", slow)
    future = start_retried(cloud.context, cloud.create, 1, tout=20.0)
    assert 20 <= ends_at(cloud, future) <= 21
    assert "not done within its 20 s" in str(future.exception())


@pytest.mark.parametrize("status", [409, 413, 429, 503])
@pytest.mark.parametrize("wish", ["100000", "9" * 400, "²", "nan", "-1", "Thu, 01 Jan 2099"])
def test_no_wish_of_the_cloud_outlives_the_tries(status: int, wish: str) -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", *[answers(status, Retry_After=wish)] * 99)
    future = start_retried(cloud.context, cloud.create, 2, tout=20.0)
    assert ends_at(cloud, future) <= 2 * (20 + 22 + 1)
    assert "failed" not in str(cloud.engine.ended)
    assert not cloud.engine.ended


def test_a_pause_ends_with_the_call() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", *[answers(409, Retry_After="500")] * 9)
    future = start_retried(cloud.context, cloud.create, Retry(3, backoff=1.0))
    cloud.engine.run_until(lambda: cloud.api.count(*POST) == 1, 10.0)
    cloud.engine.run_until(lambda: False, 5.0)
    undone = future.undo()
    before = cloud.clock.now()
    assert ends_at(cloud, undone) - before <= 1
    assert future.done()


def test_all_tries_together_end_within_their_time_though_each_wish_is_long() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", *[answers(409, Retry_After="50")] * 99)
    future = start_retried(cloud.context, cloud.create, Retry(99, within=70.0), tout=60.0)
    assert 70 <= ends_at(cloud, future) <= 71
    assert not cloud.engine.run_until(lambda: False, 1000.0)
    assert cloud.clock.now() <= 75


def test_of_a_waiting_call_only_the_future_has_a_dictionary() -> None:
    """The memory of a waiting call is a promise: docs/benchmarks.md."""
    cloud = Cloud()
    cloud.api.building = 500.0

    def create() -> Any:
        return cloud.create().json()

    cloud.run(start_retried(cloud.context, create))  # also fills the caches
    gc.collect()
    before = {id(each) for each in gc.get_objects()}
    futures = [start_retried(cloud.context, create) for _ in range(5)]
    cloud.settle(10.0)
    cloud.api.prepared.clear()
    gc.collect()
    kept = Counter(
        type(each)
        for each in gc.get_objects()
        if id(each) not in before
        and type(each).__module__.startswith("pytest_osfutures.")
        and hasattr(each, "__dict__")
    )
    assert not any(each.done() for each in futures)
    assert [found for found, count in kept.items() if count >= len(futures)] == [OperationFuture]
