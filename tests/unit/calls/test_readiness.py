"""Calls with `ready=`: a try has succeeded when its servers are usable."""

from __future__ import annotations

import logging
import math
from concurrent.futures import CancelledError
from typing import Any

import pytest

from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.calls.start import start_once
from pytest_osfutures.errors import (
    InvalidArgument,
    NotReady,
    OperationFailed,
    OperationTimeout,
    ResourceVanished,
)
from pytest_osfutures.futures.progress import progress_of
from pytest_osfutures.policy import Retry
from pytest_osfutures.ready import console
from tests.unit.api import NOVA, answer, answers
from tests.unit.stepped import POST, Cloud, error_of

SERVER = "/compute/v2.1/servers/server-1"


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "osfutures")


def never(vm: object) -> bool:
    """Say that a server is not usable."""
    return False


def test_the_future_is_done_when_the_server_is_usable() -> None:
    cloud = Cloud()
    seen: list[Any] = []

    def up(vm: Any) -> bool:
        seen.append(vm)
        return cloud.clock.now() >= 20.0

    future = start_once(cloud.context, cloud.create, None, up)
    cloud.run(future)
    assert 20.0 <= cloud.clock.now() < 21.0
    assert future.result()["status"] == "ACTIVE"
    assert all(vm["id"] == "server-1" for vm in seen)
    assert cloud.engine.monitor.step() == math.inf


def test_a_failure_within_tout_is_an_error_of_the_operation() -> None:
    cloud = Cloud()
    future = start_once(cloud.context, cloud.create, 30.0, never)
    cloud.run(future)
    error = error_of(future)
    assert type(error) is NotReady
    assert cloud.clock.now() == pytest.approx(30.0, abs=0.1)
    assert error.operation == "server.create"
    assert error.resource_id == "server-1"
    assert error.request_id
    assert error.seconds == pytest.approx(30.0, abs=0.1)
    assert [each.status for each in error.history] == ["BUILD", "ACTIVE"]
    assert "never(): tried" in str(error)
    assert "at last: it returned False" in str(error)
    assert cloud.api.alive() == ["server-1"]  # one try: undo() deletes


def test_a_running_future_tells_for_what_it_waits() -> None:
    cloud = Cloud()
    future = start_once(cloud.context, cloud.create, 30.0, never)
    cloud.engine.run_until(lambda: cloud.clock.now() > 10.0)
    assert repr(future).endswith(" s, last status ACTIVE, until never()>")
    assert progress_of(future) == "ACTIVE until never()"
    cloud.run(future)
    assert "until" not in repr(future)


def test_a_further_try_waits_for_the_operation_first() -> None:
    cloud = Cloud()
    future = start_retried(cloud.context, cloud.create, Retry(2, jitter=0.0), 20.0, never)
    cloud.engine.run_until(lambda: future.resource_id == "server-2" and bool(future.history))
    assert progress_of(future).startswith("BUILD")
    assert "until" not in progress_of(future)
    cloud.run(future)


def test_the_console_in_an_error_hides_the_secrets_of_the_request() -> None:
    cloud = Cloud()
    lines = ["admin_pass: Tr0ub4dor", "echo hunter2-hunter2", "web login:"]

    def shown(_: object) -> Any:
        return answer(200, {"output": "\n".join(lines)})

    cloud.api.fault("POST", "/action", *[shown] * 5)

    def create() -> Any:
        body = {"server": {"name": "web", "adminPass": "hunter2-hunter2"}}
        return cloud.context.api_client.session.post(f"{NOVA}/servers", json=body)

    future = start_once(cloud.context, create, 30.0, never)
    cloud.run(future)
    error = error_of(future)
    assert error.console[-1] == "web login:"
    assert "Tr0ub4dor" not in str(error.console)
    assert "hunter2" not in f"{error} {error.console} {error!r}"


def test_the_refusal_of_a_console_read_holds_up_all_reads_for_its_retry_after() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/action", answers(429, Retry_After="40"))
    future = start_once(cloud.context, cloud.create, 30.0, console("login:"))
    cloud.engine.run_until(lambda: cloud.api.count("POST", f"{SERVER}/action") == 1)
    sent = len(cloud.api.sent)
    cloud.run(future)
    assert len(cloud.api.sent) == sent
    error = error_of(future)
    assert "the console cannot be read, 429: status 429" in str(error)


def test_a_try_without_tout_has_300_seconds_from_the_success_on() -> None:
    cloud = Cloud()
    cloud.api.building = 100.0
    future = start_once(cloud.context, cloud.create, None, never)
    cloud.run(future)
    assert 400.0 <= cloud.clock.now() <= 402.0


def test_a_try_that_is_not_ready_is_undone_and_made_again() -> None:
    cloud = Cloud()
    policy = Retry(3, jitter=0.0)
    second = lambda vm: vm["id"] == "server-2"  # noqa: E731
    future = start_retried(cloud.context, cloud.create, policy, 20.0, second)
    cloud.run(future)
    assert future.result()["id"] == "server-2"
    (attempt,) = future.attempts
    assert attempt.resource_id == "server-1"
    assert "tried" in attempt.why
    assert cloud.api.alive() == ["server-2"]
    assert cloud.api.count(*POST) == 2


def test_the_last_try_fails_in_time_and_is_undone_in_the_background() -> None:
    cloud = Cloud()
    future = start_retried(cloud.context, cloud.create, Retry(2, jitter=0.0), 20.0, never)
    cloud.run(future)
    error = error_of(future)
    assert type(error) is NotReady
    assert len(error.attempts) == 2
    cloud.settle()
    assert cloud.api.alive() == []
    assert cloud.engine.monitor.step() == math.inf


def test_an_undo_ends_the_wait() -> None:
    cloud = Cloud()
    future = start_retried(cloud.context, cloud.create, 3, 600.0, never)
    cloud.engine.run_until(lambda: cloud.clock.now() > 10.0)
    gone = future.undo()
    cloud.run(gone)
    assert gone.result() is None
    assert isinstance(future.exception(), CancelledError)
    assert cloud.api.alive() == []
    assert cloud.engine.monitor.step() == math.inf


def test_an_undo_of_a_single_try_ends_the_wait() -> None:
    cloud = Cloud()
    future = start_once(cloud.context, cloud.create, 600.0, never)
    cloud.engine.run_until(lambda: cloud.clock.now() > 10.0)
    gone = future.undo()
    cloud.run(future)
    assert isinstance(future.exception(), ResourceVanished)
    cloud.run(gone)
    assert cloud.engine.monitor.step() == math.inf


def test_the_deadline_of_all_tries_tells_what_was_not_ready() -> None:
    cloud = Cloud()
    policy = Retry(3, within=30.0)
    future = start_retried(cloud.context, cloud.create, policy, 600.0, never)
    cloud.run(future)
    error = error_of(future)
    assert type(error) is OperationTimeout
    assert error.readiness is not None
    assert error.readiness.condition == "never()"
    assert cloud.clock.now() == pytest.approx(30.0, abs=0.1)
    cloud.settle()
    assert cloud.api.alive() == []


def test_a_server_that_fails_meanwhile_is_made_again() -> None:
    cloud = Cloud()

    def breaks(vm: Any) -> bool:
        if vm["id"] == "server-1":
            cloud.api.servers["server-1"]["fate"] = "ERROR"
            return False
        return True

    future = start_retried(cloud.context, cloud.create, Retry(2, jitter=0.0), 600.0, breaks)
    cloud.run(future)
    assert future.result()["id"] == "server-2"
    assert "while" in future.attempts[0].why
    assert cloud.clock.now() < 30.0


def test_a_condition_that_cannot_be_used_is_refused_before_a_request_leaves() -> None:
    cloud = Cloud()
    for start in (start_once, start_retried):
        with pytest.raises(InvalidArgument, match="ready=7 is no condition"):
            start(cloud.context, cloud.create, ready=7)
    assert cloud.api.count(*POST) == 0


def test_a_call_that_starts_no_server_takes_no_condition() -> None:
    cloud = Cloud()
    cloud.run(start_once(cloud.context, cloud.create))

    def delete() -> Any:
        return cloud.context.api_client.session.delete(f"{NOVA}/servers/server-1")

    for call, name in ((delete, "server.delete"), (lambda: "plain", "this call")):
        future = start_once(cloud.context, call, ready=never)
        cloud.run(future)
        with pytest.raises(InvalidArgument, match=f"ready= has no meaning for {name}"):
            future.result()


def test_an_error_of_the_operation_itself_is_not_one_of_readiness() -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR"]
    future = start_once(cloud.context, cloud.create, None, never)
    cloud.run(future)
    error = error_of(future)
    assert isinstance(error, OperationFailed)
    assert error.readiness is None
