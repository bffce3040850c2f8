"""Servers of one request: their owner, and their rows in the ledger."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pytest_osfutures.calls.steps import WatchAll
from pytest_osfutures.calls.submit import Submission, submit
from pytest_osfutures.calls.task import InPool, Pause
from pytest_osfutures.calls.undo import Sent, send_undo, targets, undone
from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.errors import (
    InvalidArgument,
    OperationFailed,
    OSFuturesError,
    ServerLimitReached,
)
from pytest_osfutures.fakecloud import Fault
from pytest_osfutures.operations import TABLE
from pytest_osfutures.operations import predicates as seen
from pytest_osfutures.operations.judge import Succeeded
from pytest_osfutures.policy import Retry
from pytest_osfutures.stamp import OPERATION, Stamp, new_id
from tests.unit.api import NOVA, answer, answers
from tests.unit.stepped import Cloud

RUN = "00112233aabbccdd"


def one(name: str, ident: str, **metadata: str) -> dict[str, Any]:
    """A server as a list shows it."""
    return {"id": ident, "name": name, "created": "2026-01-01T00:00:00Z", "metadata": metadata}


def idents(found: list[Any]) -> list[str]:
    return [each["id"] for each in found]


def test_the_stamp_of_the_request_tells_its_servers() -> None:
    found = [
        one("web-1", "a", **{OPERATION: "mine"}),
        one("web-2", "x"),
        one("web-1", "y", **{OPERATION: "theirs"}),
        one("renamed", "b", **{OPERATION: "mine"}),
        {**one("web-2", "z"), "metadata": None},
    ]
    variables = {"id": "a", "name": "web", "most": "2", "op": "mine"}
    assert set(idents(seen.servers({"servers": found}, variables))) == {"a", "b"}


def test_without_a_stamp_those_listed_after_the_request_count() -> None:
    found = [one("web-1", "a"), one("web-2", "b"), one("web-2", "x")]
    variables = {"id": "a", "name": "web", "most": "2", "before": "old"}
    assert not seen.are_identified(seen.servers({"servers": found}, variables), variables)
    assert seen.are_identified(seen.servers({"servers": found[:2]}, variables), variables)
    known = {**variables, "members": "a,b"}
    assert idents(seen.servers({"servers": found}, known)) == ["a", "b"]


def test_a_name_without_a_number_is_nobody_of_many() -> None:
    variables = {"id": "a", "name": "web", "most": "2"}
    found = [one("web-1", "a"), one("web-2", "b"), one("web", "x"), one("web-3", "y")]
    assert idents(seen.servers({"servers": found}, variables)) == ["a", "b"]


def ledger_with(path: Path, limit: int | None) -> Ledger:
    made = Ledger(path / f"{RUN}.sqlite", RUN)
    made.max_servers = limit
    return made


def stamp() -> Stamp:
    return Stamp(RUN, new_id(), 4_000_000_000)


def test_each_of_many_servers_has_a_row(tmp_path: Path) -> None:
    ledger = ledger_with(tmp_path, None)
    record = ledger.record(stamp())
    record.intended("server", "web", 3)
    rows = ledger.rows("intent")
    assert [(row.kind, row.name, row.part) for row in rows] == [
        ("server", f"web-{number}", number - 1) for number in (1, 2, 3)
    ]
    record.bound("a", "b")  # the quota had room for two
    assert [(row.id, row.state) for row in ledger.rows()] == [
        ("a", "bound"),
        ("b", "bound"),
        (None, "gone"),
    ]
    ledger.gone("server", "a")
    ledger.keep("server", "b")
    assert [row.state for row in ledger.rows()] == ["gone", "kept", "gone"]
    record.intended("server", "web", 3)  # the next try
    assert {row.tries for row in ledger.rows("intent")} == {2}
    ledger.close()


def test_many_servers_count_as_many(tmp_path: Path) -> None:
    ledger = ledger_with(tmp_path, 3)
    ledger.record(stamp()).intended("server", "web", 2)
    with pytest.raises(ServerLimitReached):
        ledger.record(stamp()).intended("server", "more", 2)
    ledger.record(stamp()).intended("server", "one")
    with pytest.raises(InvalidArgument, match="4 servers in one request, but the run may have 3"):
        ledger.record(stamp()).intended("server", "many", 4)
    ledger.close()


def test_nothing_is_deleted_where_nobody_can_tell_whose_they_are() -> None:
    import pytest_osfutures as osf
    from pytest_osfutures.fakecloud import FakeCloud
    from pytest_osfutures.fakecloud.shells.inprocess import session

    fake = FakeCloud()
    fake.settings.seconds["server.create"] = 0.01
    nova = osf.connect(session=session(fake)).nova
    image, flavor = nova.glance.list()[0].id, nova.flavors.list()[0].id
    fake.faults.add(Fault("status", method="GET", path="servers/detail", status=500, count=1))
    future = nova.servers.create_async("web", image, flavor, nics="none", min_count=2)
    nova.servers.create("web-2", image, flavor, nics="none")
    with pytest.raises(OSFuturesError, match="carry no stamp; nothing was deleted"):
        future.undo().result(60)
    assert len(nova.servers.list()) == 3


def create_two(cloud: Cloud, **metadata: str) -> Submission:
    """Request two servers with one call."""
    wanted = {"name": "web", "min_count": 2, "metadata": metadata}
    post = cloud.context.api_client.session.post
    return submit(cloud.context, lambda: post(f"{NOVA}/servers", json={"server": wanted}))


def test_servers_of_one_request_are_known_before_others_get_their_names() -> None:
    cloud = Cloud()
    two = [one("web-1", "server-1"), one("web-2", "server-2")]
    lists: tuple[list[Any], ...] = ([], two, [*two, one("web-2", "other")])
    shown = [answer(200, {"servers": each}) for each in lists]
    cloud.api.fault("GET", "/servers/detail", *(lambda _, each=each: each for each in shown))
    made = create_two(cloud)
    assert made.ids >= {"server-1", "server-2"}
    assert idents(targets(made)) == ["server-1", "server-2"]
    assert cloud.api.count("GET", "/compute/v2.1/servers/detail") == len(lists)


@pytest.mark.parametrize(
    "malformed", [None, ["server-1"], [{"id": "server-1", "metadata": {OPERATION: "mine"}}]]
)
def test_a_malformed_list_does_not_fail_a_call_that_has_created_servers(malformed: Any) -> None:
    cloud = Cloud()
    odd = answer(200, {"servers": malformed})
    cloud.api.fault("GET", "/servers/detail", *[lambda _: odd] * 2)
    made = create_two(cloud, **{OPERATION: "mine"})
    assert made.operation is not None
    assert made.operation.name == "servers.create"
    assert "members" not in (made.variables or {})


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_an_undo_of_many_is_done_only_if_each_of_them_is(order: tuple[int, int]) -> None:
    cloud = Cloud()
    submission = submit(cloud.context, cloud.create)
    failure = OperationFailed("it stays")
    steps = undone(submission, Retry(3))
    assert isinstance(next(steps), InPool)
    watch = steps.send(Sent([submission, submission]))
    assert isinstance(watch, WatchAll)
    assert len(watch.submissions) == 2
    assert isinstance(steps.send([[failure, Succeeded()][at] for at in order]), Pause)
    assert isinstance(steps.send(None), InPool)  # again
    assert isinstance(steps.send(Sent([submission, submission])), WatchAll)
    with pytest.raises(StopIteration) as ended:
        steps.send([Succeeded(), Succeeded()])
    assert ended.value.value is None


def test_a_list_that_cannot_be_read_is_no_proof_that_nothing_was_made() -> None:
    cloud = Cloud()
    submission = submit(cloud.context, cloud.create)
    variables = {"pattern": "p", "name": "web", "most": "2", "op": "x"}
    many = next(each for each in TABLE.operations if "pattern" in each.variables)
    for error in (503, 500):
        cloud.api.fault("GET", "/servers/detail", answers(error))
        with pytest.raises(OSFuturesError, match=r"cannot undo servers\.create"):
            targets(replace(submission, operation=many, variables=variables, members=[]))
    listed = replace(
        submission, operation=many, variables={**variables, "members": "a,b"}, members=[]
    )
    cloud.api.fault("GET", "/servers/detail", answers(503))
    assert [each["id"] for each in targets(listed)] == ["a", "b"]


@pytest.mark.parametrize(("age", "needless"), [(3500, False), (3700, True)])
def test_an_empty_ledger_is_needless_an_hour_after_its_beginning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, age: float, needless: bool
) -> None:
    ledger = ledger_with(tmp_path, None)
    ledger.join()
    ledger.leave()
    now = time.time()
    monkeypatch.setattr("pytest_osfutures.cleanup.ledger.time.time", lambda: now + age)
    assert ledger.is_obsolete(now + age) is needless
    ledger.close()


@pytest.mark.parametrize(
    ("metadata", "ours"), [({OPERATION: "x"}, False), ({}, False), (None, True)]
)
def test_each_of_many_is_read_right_before_its_deletion(metadata: Any, ours: bool) -> None:
    cloud = Cloud()
    mark = stamp()
    submission = submit(cloud.context, cloud.create)
    cloud.api.servers["server-1"]["metadata"] = mark.metadata() if metadata is None else metadata
    variables = {"id": "server-1", "pattern": "p", "name": "web", "most": "2", "op": mark.operation}
    many = next(each for each in TABLE.operations if "pattern" in each.variables)
    whole = replace(submission, operation=many, variables=variables)
    if ours:
        assert send_undo(whole, variables) is not None
    else:
        with pytest.raises(OSFuturesError, match="server-1 does not carry its stamp"):
            send_undo(whole, variables)
    assert cloud.api.alive() == ([] if ours else ["server-1"])
    cloud.api.servers.clear()
    assert send_undo(whole, variables) is None
