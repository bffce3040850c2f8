"""The undo of a call, before and after the end of the call."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import Any

import pytest

from pytest_osfutures.calls.context import ClientContext
from pytest_osfutures.calls.request import Call
from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.calls.start import start_once
from pytest_osfutures.calls.submit import submit
from pytest_osfutures.calls.undo import undo
from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.engine.loop import SteppedEngine
from pytest_osfutures.errors import EngineError, OperationTimeout
from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.policy import Retry
from tests.unit.api import NOVA, answers, done_but_answers, lost_before
from tests.unit.cleanup.test_sweep import World, stamp
from tests.unit.ownership.test_children import booted
from tests.unit.stepped import POST, Cloud


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "osfutures")


def test_undo_deletes_the_created_resource() -> None:
    cloud = Cloud()
    future = start_once(cloud.context, cloud.create)
    cloud.run(future)
    gone = future.undo()
    cloud.run(gone)
    assert gone.result() is None
    assert cloud.api._show("server-1") is None


@pytest.mark.parametrize("begin", [start_once, start_retried])
def test_an_undo_cannot_be_cancelled_nor_begin_on_a_stopped_engine(
    begin: Callable[[ClientContext, Call], OperationFuture[Any]],
) -> None:
    cloud = Cloud()
    future = begin(cloud.context, cloud.create)
    undo = future.undo()
    assert undo.running()
    assert not undo.cancel()
    cloud.run(undo)
    cloud.engine.stop()
    with pytest.raises(EngineError, match="was stopped"):
        future.undo()
    with pytest.raises(EngineError, match="was stopped"):
        begin(cloud.context, cloud.create)


def test_undo_of_a_deleted_resource_succeeds() -> None:
    cloud = Cloud()
    future = start_once(cloud.context, cloud.create)
    cloud.run(future)
    cloud.api.servers.clear()
    gone = future.undo()
    cloud.run(gone)
    assert gone.result() is None


def test_undo_tries_again_and_then_names_the_failure() -> None:
    cloud = Cloud()
    future = start_once(cloud.context, cloud.create)
    cloud.run(future)
    cloud.api.fault("DELETE", "/servers/server-1", answers(409), answers(503))
    gone = future.undo()
    cloud.run(gone)
    assert gone.result() is None
    assert cloud.api.count("DELETE", "/compute/v2.1/servers/server-1") == 3

    other = start_once(cloud.context, cloud.create)
    cloud.run(other)
    cloud.api.fault("DELETE", "/servers/server-2", *[answers(409)] * 3)
    failed = other.undo()
    cloud.run(failed)
    assert "409" in str(failed.exception())


@pytest.mark.parametrize(("tries", "sent"), [(1, 3), (3, 3), (5, 5)])
def test_undo_insists_three_times_or_as_often_as_a_call_is_tried(tries: int, sent: int) -> None:
    cloud = Cloud()
    future = start_once(replace(cloud.context, retry=Retry(tries)), cloud.create)
    cloud.run(future)
    cloud.api.fault("DELETE", "/servers/server-1", *[answers(500)] * 9)
    cloud.run(future.undo())
    assert cloud.api.count("DELETE", "/compute/v2.1/servers/server-1") == sent


def test_a_refusal_that_may_mean_not_yet_is_believed_the_second_time() -> None:
    cloud = Cloud()
    cloud.run(start_once(cloud.context, cloud.create))
    url = f"{NOVA}/servers/server-1/action"

    def resize() -> Any:
        return cloud.context.api_client.session.post(url, json={"resize": {"flavorRef": "2"}})

    future = start_once(cloud.context, resize)
    cloud.api.fault("POST", "/action", answers(409), answers(409))
    gone = future.undo()
    cloud.run(gone)
    assert gone.result() is None  # there is nothing to revert
    sent = [body for method, path, body in cloud.api.sent if path.endswith("/action")]
    assert sent[1:] == [{"revertResize": None}] * 2


def test_undo_of_a_call_that_has_not_begun_cancels_it() -> None:
    cloud = Cloud()
    waiting: list[Any] = []

    class Later:
        def submit(self, task: Any) -> None:
            waiting.append(task)

    cloud.engine.submissions = Later()
    future = start_retried(cloud.context, cloud.create)
    gone = future.undo()
    cloud.run(gone)
    assert future.cancelled()
    for task in waiting:
        task()
    cloud.settle(30)
    assert cloud.api.count(*POST) == 0
    again = future.undo()  # there is nothing to wait for
    cloud.run(again, 1.0)
    assert again.exception() is None


def test_an_undo_that_failed_can_be_tried_again() -> None:
    cloud = Cloud()
    cloud.api.building = 100.0
    future = start_retried(cloud.context, cloud.create)
    cloud.settle(1)
    cloud.api.fault("DELETE", "/servers/server-1", *[answers(500)] * 3)
    failed = future.undo()
    cloud.run(failed)
    assert "500" in str(failed.exception())
    assert future.done()
    undo = future.undo()
    cloud.run(undo)
    assert undo.exception() is None
    assert cloud.api.alive() == []


def test_undo_in_the_middle_deletes_and_leaves_the_engine_well() -> None:
    cloud = Cloud()
    future = start_retried(cloud.context, cloud.create)
    cloud.settle(1)
    assert not future.done()
    gone = future.undo()
    cloud.run(gone)
    assert gone.result() is None
    assert isinstance(
        future.exception() if not future.cancelled() else CancelledError(), CancelledError
    )
    assert cloud.api.alive() == []
    cloud.settle(200)  # the create's own watch ends later: nobody may stumble over it
    cloud.engine.check()
    other = start_retried(cloud.context, cloud.create)
    cloud.run(other)
    assert other.result()["status"] == "ACTIVE"


@pytest.mark.parametrize(
    ("building", "tout", "error"), [(3.0, None, CancelledError), (100.0, 3.0, OperationTimeout)]
)
def test_an_operation_that_ends_during_its_undo_is_no_success(
    building: float, tout: float | None, error: type[BaseException]
) -> None:
    cloud = Cloud()
    cloud.api.building = building
    retry = Retry(3, jitter=0.0)  # the third deletion leaves after the end of the creation
    future = start_retried(cloud.context, cloud.create, retry, tout)
    cloud.settle(1)
    cloud.api.fault("DELETE", "/servers/server-1", *[answers(500)] * 2)
    gone = future.undo()
    cloud.run(future)
    assert not gone.done()
    assert isinstance(future.exception(), error)
    cloud.run(gone)
    assert gone.exception() is None


def test_an_undone_resource_leaves_the_ledger() -> None:
    cloud = Cloud()
    ledger = Ledger(None, "run")
    future = start_once(replace(cloud.context, ledger=ledger, stamp=True), cloud.create)
    cloud.run(future)
    assert len(ledger.rows("bound")) == 1
    cloud.api.fault("DELETE", "/servers/server-1", *[answers(500)] * 3)
    cloud.run(future.undo())
    assert len(ledger.rows("bound")) == 1
    cloud.run(future.undo())
    cloud.settle(1)
    assert ledger.rows("intent", "bound") == []
    ledger.close()


@pytest.mark.parametrize("with_ledger", [True, False])
def test_an_undo_lists_the_boot_volumes_before_their_server_is_deleted(with_ledger: bool) -> None:
    world, mark = World(), stamp()
    ledger = world.ledger if with_ledger else None
    engine = SteppedEngine(world.clock)
    context = replace(Cloud().context, engine=engine, api_client=world.api_client, ledger=ledger)
    submission = submit(context, lambda: booted(world, mark))
    assert submission.resource_id is not None
    world.noted("server", mark, submission.resource_id)
    gone = undo(submission)
    assert engine.run_until(gone.done, 300)
    assert gone.result() is None
    kinds = ["server", "volume", "volume"] if with_ledger else ["server"]
    assert [row.kind for row in world.ledger.rows("bound")] == kinds
    world.ledger.close()


def test_undo_between_two_tries_prevents_the_next_one() -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR"]
    retry = Retry(3, backoff=50, longest=50, jitter=0)
    future = start_retried(cloud.context, cloud.create, retry)
    assert cloud.engine.run_until(lambda: bool(future.attempts), 100)
    gone = future.undo()
    cloud.run(gone)
    assert future.done()
    cloud.settle(200)
    assert cloud.api.count(*POST) == 1
    assert cloud.api.alive() == []


def test_a_failed_undo_that_took_effect_late_causes_no_other_try() -> None:
    cloud = Cloud()
    future = start_retried(cloud.context, cloud.create)
    cloud.settle(1)
    cloud.api.fault("DELETE", "", done_but_answers(504), lost_before, lost_before)
    cloud.api.fault("GET", "", *[answers(503)] * 4)  # so that this is noticed only afterwards
    gone = future.undo()
    cloud.run(gone)
    assert gone.exception() is not None
    cloud.settle(100)
    assert cloud.api.servers["server-1"]["deleted"] is not None
    assert cloud.api.count(*POST) == 1


def test_undo_after_the_end_deletes_the_resource_and_can_be_repeated() -> None:
    cloud = Cloud()
    future = start_retried(cloud.context, cloud.create)
    cloud.run(future)
    first, second = future.undo(), future.undo()
    cloud.run(first)
    cloud.run(second)
    assert (first.result(), second.result()) == (None, None)
    assert cloud.api.alive() == []
    third = future.undo()
    cloud.run(third)
    assert third.result() is None
    assert future.result()["status"] == "ACTIVE"


def test_stopping_the_engine_ends_retried_calls_and_their_undoing() -> None:
    cloud = Cloud()
    building = start_retried(cloud.context, cloud.create)
    cloud.api.fates = ["ERROR"]
    failing = start_retried(cloud.context, cloud.create)
    built = start_once(cloud.context, cloud.create)
    cloud.engine.run_until(lambda: bool(failing.attempts), 100)
    undoing = built.undo()
    cloud.settle(0.1)
    cloud.engine.stop()
    assert isinstance(undoing.exception(), EngineError)
    assert "No valid host" in str(failing.exception())  # and what it left is said, too
    assert "the engine was stopped" in str(failing.exception())
    assert building.done()
