"""The user's `retry_on` may block: it holds up nothing but its own call, and not its undo."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.engine.loop import Engine
from pytest_osfutures.errors import InvalidArgument, OperationFailed, OperationTimeout
from pytest_osfutures.policy import Retry
from tests.unit.api import NOVA, Api, Fault, answers, context
from tests.unit.stepped import POST, Cloud


class Later:
    """A pool that runs its tasks when it is told to: until then they block."""

    def __init__(self) -> None:
        self.tasks: list[Callable[[], object]] = []

    def submit(self, task: Callable[[], object]) -> None:
        self.tasks.append(task)

    def run(self) -> None:
        """Let all go on."""
        while self.tasks:
            self.tasks.pop(0)()


@pytest.fixture
def cloud() -> Cloud:
    """A cloud whose users' functions block until `later` runs."""
    made = Cloud()
    made.engine.callbacks = Later()
    return made


def later(cloud: Cloud) -> Later:
    """The pool on which users' functions block."""
    assert isinstance(cloud.engine.callbacks, Later)
    return cloud.engine.callbacks


def policy(answer: Any = True, tries: int = 3, within: float | None = None) -> Retry:
    """A policy that leaves the decision to a function."""
    return Retry(tries, jitter=0.0, retry_on=lambda _: answer, within=within)


def test_a_blocking_retry_on_holds_up_no_other_call() -> None:
    engine = Engine()
    api = Api(engine.clock)
    api.building = 0.0
    plain = context(api, engine)
    asked, free = threading.Event(), threading.Event()

    def create() -> Any:
        return plain.api_client.session.post(f"{NOVA}/servers", json={"server": {"name": "web"}})

    def blocks(_: BaseException) -> bool:
        asked.set()
        return not free.wait(30)

    api.fates = ["ERROR"]
    first = start_retried(plain, create, Retry(3, retry_on=blocks))
    assert asked.wait(30)
    second = start_retried(plain, create)
    assert second.result(30)["status"] == "ACTIVE"
    assert not first.done()
    free.set()
    assert first.exception(30) is not None
    engine.stop()


FAILURES = {
    "refused": lambda cloud: cloud.api.fault("POST", "/servers", answers(409)),
    "rate limit": lambda cloud: cloud.api.fault("POST", "/servers", answers(429)),
    "failed": lambda cloud: cloud.api.fates.append("ERROR"),
}


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("wanted", [True, False])
def test_the_call_goes_on_when_retry_on_has_answered(
    cloud: Cloud, failure: str, wanted: bool
) -> None:
    FAILURES[failure](cloud)
    future = start_retried(cloud.context, cloud.create, policy(wanted))
    cloud.settle(60.0)
    assert not future.done()
    assert len(later(cloud).tasks) == 1
    later(cloud).run()
    cloud.run(future)
    assert (future.exception() is None) is wanted
    assert cloud.api.alive() == ([f"server-{len(cloud.api.servers)}"] if wanted else [])


@pytest.mark.parametrize("failure", FAILURES)
def test_undo_does_not_wait_for_retry_on(cloud: Cloud, failure: str) -> None:
    FAILURES[failure](cloud)
    future = start_retried(cloud.context, cloud.create, policy())
    cloud.settle(60.0)
    gone = future.undo()
    cloud.run(gone, 5.0)
    assert gone.exception() is None
    assert future.done()
    later(cloud).run()
    cloud.settle(60.0)
    assert cloud.api.alive() == []
    assert cloud.api.count(*POST) == 1


def test_the_deadline_of_all_tries_does_not_wait_for_retry_on(cloud: Cloud) -> None:
    cloud.api.fates = ["ERROR"]
    future = start_retried(cloud.context, cloud.create, policy(within=20.0))
    cloud.settle(21.0)
    assert isinstance(future.exception(), OperationTimeout)
    cloud.settle(10.0)
    assert cloud.api.alive() == []


@pytest.mark.parametrize("fault", [answers(409), None])
def test_nothing_is_asked_about_the_last_try(cloud: Cloud, fault: Fault | None) -> None:
    cloud.api.fates = ["ERROR"]
    if fault is not None:
        cloud.api.fault("POST", "/servers", fault)
    future = start_retried(cloud.context, cloud.create, policy(tries=1) | policy(tries=1))
    cloud.run(future, 60.0)
    assert later(cloud).tasks == []


@pytest.mark.parametrize("failure", FAILURES)
@pytest.mark.parametrize("combine", [Retry.__or__, Retry.__and__])
def test_a_retry_on_that_raises_fails_the_future_by_name(
    failure: str, combine: Callable[[Retry, Retry], Retry]
) -> None:
    cloud = Cloud()
    FAILURES[failure](cloud)

    def broken(_: BaseException) -> bool:
        raise SystemExit("out")

    both = combine(policy(), Retry(3, retry_on=broken))
    future = start_retried(cloud.context, cloud.create, both)
    cloud.run(future)
    with pytest.raises(InvalidArgument, match=r"retry_on=.*broken raised SystemExit: out"):
        future.result()
    assert cloud.api.alive() == []
    assert cloud.api.count(*POST) == 1


def test_retry_on_is_asked_once_about_each_failure() -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR", "ERROR", "ACTIVE"]
    asked: list[BaseException] = []

    def note(error: BaseException) -> bool:
        asked.append(error)
        return True

    future = start_retried(cloud.context, cloud.create, Retry(5, retry_on=note))
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"
    assert [type(each).__mro__[1] for each in asked] == [OperationFailed] * 2
