"""A call that a quota or the run's own limit refuses waits for room."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.calls.start import start_once
from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.cleanup.record import OperationRecord
from pytest_osfutures.cleanup.shared import SharedResources
from pytest_osfutures.engine.quota_queue import QuotaQueue
from pytest_osfutures.errors import QuotaExceeded, ServerLimitReached
from pytest_osfutures.stamp import Stamp, new_id
from tests.unit.api import Fault, answer, answers
from tests.unit.stepped import POST, Cloud

WORDS = "Quota exceeded for instances: Requested 1"
OVER: Fault = lambda _: answer(403, {"forbidden": {"message": WORDS, "code": 403}})  # noqa: E731


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger is."""
    return tmp_path / "run.sqlite"


@pytest.fixture
def other(path: Path) -> Iterator[Ledger]:
    """The ledger as another process has it."""
    ledger = Ledger(path, "run")
    ledger.process = "another"
    yield ledger
    ledger.close()


@pytest.fixture
def cloud(path: Path, other: Ledger) -> Iterator[Cloud]:
    """A cloud whose clients write to the ledger."""
    made = Cloud()
    ledger = Ledger(path, "run")
    made.context = replace(made.context, ledger=ledger)
    yield made
    ledger.close()


def _make(ledger: Ledger, kind: str, ident: str | None = "4711") -> OperationRecord:
    record = ledger.record(Stamp("run", new_id(), 2_000_000_000))
    record.intended(kind, None)
    if ident is not None:
        record.bound(ident)
    return record


def test_each_deletion_lets_one_try_and_the_last_one_all() -> None:
    queue, tried = QuotaQueue(), list[str]()
    for _ in range(2):
        queue.deletion_started("project")
    for name in "abc":
        assert queue.wait("project", partial(tried.append, name))
    assert not queue.wait("another", partial(tried.append, "x"))
    queue.deletion_ended("project")
    assert tried == ["a"]
    queue.deletion_ended("project")
    assert tried == ["a", "b", "c"]
    assert not queue.wait("project", partial(tried.append, "d"))


def test_a_forgotten_call_takes_no_turn_in_the_queue() -> None:
    queue, tried = QuotaQueue(), list[str]()
    for _ in range(2):
        queue.deletion_started("project")
    steps = {name: partial(tried.append, name) for name in "ab"}
    for step in steps.values():
        queue.wait("project", step)
    queue.forget("project", steps["a"])
    queue.forget("project", steps["a"])
    queue.forget("another", steps["a"])
    queue.deletion_ended("project")
    assert tried == ["b"]


def test_waiting_for_deletions_of_other_processes_costs_no_try(cloud: Cloud, other: Ledger) -> None:
    theirs = _make(other, "server")
    cloud.api.fault("POST", "/servers", *[OVER] * 50)
    future = start_retried(cloud.context, cloud.create, 1)
    assert not cloud.engine.run_until(future.done, 60.0)
    asked = cloud.api.count(*POST)
    assert 10 < asked < 45
    cloud.api.faults.clear()
    theirs.gone()
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"
    assert future.attempts == ()
    assert cloud.api.count(*POST) == asked + 1


def test_a_wait_for_quota_ends_at_the_deadline_with_the_clouds_words(
    cloud: Cloud, other: Ledger
) -> None:
    _make(other, "server")
    cloud.api.fault("POST", "/servers", *[OVER] * 500)
    future = start_retried(cloud.context, cloud.create, 3, 30.0)
    cloud.run(future, 40.0)
    with pytest.raises(QuotaExceeded, match=WORDS):
        future.result()


@pytest.mark.parametrize("kind", ["volume", "server"])
def test_resources_of_another_quota_are_not_waited_for(
    cloud: Cloud, other: Ledger, kind: str
) -> None:
    _make(other, kind, None if kind == "server" else "4711")
    cloud.api.fault("POST", "/servers", *[OVER] * 500)
    future = start_retried(cloud.context, cloud.create, 2)
    cloud.run(future, 10.0)
    with pytest.raises(QuotaExceeded, match=WORDS):
        future.result()
    assert len(future.attempts) == 2


def test_volumes_and_snapshots_have_one_quota(cloud: Cloud, other: Ledger) -> None:
    assert isinstance(cloud.context.ledger, Ledger)
    mine = _make(cloud.context.ledger, "volume", None)
    assert not mine.others()
    _make(other, "server")
    assert not mine.others()
    _make(other, "snapshot")
    assert mine.others()


def test_resources_shared_with_other_processes_are_not_waited_for(
    cloud: Cloud, other: Ledger
) -> None:
    assert isinstance(cloud.context.ledger, Ledger)
    mine, theirs = SharedResources(cloud.context.ledger), SharedResources(other)
    for ledger in (cloud.context.ledger, other):
        ledger.write("INSERT INTO processes VALUES (?, '', 0)", (ledger.process,))
    theirs.claim("server web", {})
    with theirs.creating("server web"):
        _make(other, "server")
    theirs.created("server web", "4711")
    record = _make(cloud.context.ledger, "server", None)
    assert record.others()
    mine.claim("server web", {})
    assert not record.others()


def test_a_deletion_of_ours_makes_room_and_costs_no_try() -> None:
    cloud = Cloud()  # without a ledger: it needs none for what is its own
    first = start_once(cloud.context, cloud.create)
    cloud.run(first)
    first.undo()
    cloud.api.fault("POST", "/servers", OVER)
    second = start_retried(cloud.context, cloud.create, 1)
    cloud.run(second)
    assert second.result()["status"] == "ACTIVE"
    assert second.attempts == ()
    assert cloud.api.servers["server-2"]["born"] >= 5.0  # gone two seconds after it was built
    cloud.api.fault("POST", "/servers", OVER)
    third = start_retried(cloud.context, cloud.create, 1)  # nothing is being deleted any more
    cloud.run(third, 5.0)
    assert isinstance(third.exception(), QuotaExceeded)


def test_a_call_that_is_undone_while_it_waits_takes_no_turn_in_the_queue() -> None:
    cloud = Cloud()
    cloud.api.leaving = 60.0
    ours = [start_once(cloud.context, cloud.create) for _ in range(2)]
    for each in ours:
        cloud.run(each)
    ours[0].undo()
    cloud.settle(30.0)
    ours[1].undo()  # so that the end of the first deletion lets a few calls try, not all
    cloud.api.fault("POST", "/servers", *[OVER] * 5)
    *undone, last = (start_retried(cloud.context, cloud.create, 1) for _ in range(5))
    cloud.settle(5.0)
    for each in undone:
        cloud.run(each.undo())
    assert cloud.engine.run_until(last.done, 45.0)
    assert last.result()["status"] == "ACTIVE"


def test_only_a_quota_waits_for_our_deletions() -> None:
    cloud = Cloud()
    first = start_once(cloud.context, cloud.create)
    cloud.run(first)
    first.undo()
    cloud.api.fault("POST", "/servers", answers(400))
    second = start_retried(cloud.context, cloud.create)
    cloud.run(second, 1.0)
    assert second.exception() is not None


# The run's own limit


@pytest.fixture
def limited(cloud: Cloud, other: Ledger) -> Cloud:
    """A cloud whose run may have one server at a time."""
    assert isinstance(cloud.context.ledger, Ledger)
    cloud.context.ledger.max_servers = 1
    return cloud


@pytest.mark.parametrize("until", [5.1, 28.1, 30.1, 32.1])
def test_the_limit_is_waited_for_and_costs_no_try(
    limited: Cloud, other: Ledger, until: float
) -> None:
    theirs = _make(other, "server")
    limited.engine.call_later(until, theirs.gone)
    future = start_retried(limited.context, limited.create, 1)
    limited.run(future)
    assert future.result()["status"] == "ACTIVE"
    assert future.attempts == ()
    assert limited.api.count(*POST) == 1
    assert until <= limited.api.servers["server-1"]["born"] <= until + 0.6


def test_the_limit_is_named_after_the_wait_of_a_whole_try(limited: Cloud, other: Ledger) -> None:
    _make(other, "server")
    future = start_retried(limited.context, limited.create, 3, 30.0)
    limited.run(future, 32.0)
    assert limited.clock.now() >= 30.0
    assert isinstance(future.exception(), ServerLimitReached)
    assert limited.api.count(*POST) == 0


def test_each_wait_has_the_patience_of_a_whole_try(limited: Cloud, other: Ledger) -> None:
    theirs = _make(other, "server")
    limited.engine.call_later(20.0, theirs.gone)
    limited.api.fates = ["ERROR"]
    future = start_retried(limited.context, limited.create, 3, 30.0)
    assert limited.engine.run_until(lambda: limited.api.count(*POST) == 1, 25.0)
    again = _make(other, "server")
    limited.engine.call_later(25.0, again.gone)
    limited.run(future)
    assert future.result()["id"] == "server-2"
    assert len(future.attempts) == 1
    assert limited.api.servers["server-2"]["born"] > 40.0
