"""The resources of a test: those of its calls and fixtures that exist, the failed ones first."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from pytest_osfutures.cleanup import Ledger
from pytest_osfutures.engine.loop import Engine
from pytest_osfutures.futures import OperationFuture, Promise
from pytest_osfutures.operations import SERVER, VOLUME
from pytest_osfutures.plugin.evidence import CALLS, _calls, targets_of
from pytest_osfutures.plugin.usage import Usage
from pytest_osfutures.stamp import Stamp

TEST = "test_a.py::test_x"


class Known(OperationFuture[Any]):
    """A future of a resource with an id."""

    def __init__(self, engine: Engine, ident: str | None) -> None:
        super().__init__(engine)
        self._ident = ident

    @property
    def resource_id(self) -> str | None:
        return self._ident


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger(None, "run")
    ledger.join()
    return ledger


def bind(ledger: Ledger, operation: str, *idents: str, kind: str = "server") -> None:
    """Add resources of one operation to the ledger."""
    record = ledger.record(Stamp("run", operation, 9999))
    record.intended(kind, operation, len(idents))
    record.bound(*idents)


def future_of(engine: Engine, ident: str | None, error: Exception | None = None) -> Known:
    future = Known(engine, ident)
    promise: Promise[Any] = Promise(engine, future)
    promise.start()
    if error is None:
        promise.set_result(None)
    else:
        promise.set_exception(error)
    return future


def test_rows_of_the_test_and_of_its_calls_are_its_resources(
    engine: Engine, ledger: Ledger
) -> None:
    ledger.test = "other"
    bind(ledger, "elsewhere", "e1")
    bind(ledger, "wide", "w1", kind="volume")
    ledger.test = TEST
    bind(ledger, "mine", "m1", "m2")
    bind(ledger, "gone", "g1")
    ledger.set_state("gone", "gone")
    ledger.add_child("mine", "volume", "c1")
    futures = [future_of(engine, "m1"), future_of(engine, "w1"), future_of(engine, "g1")]
    found = targets_of(ledger.rows(), futures, TEST, 0.0)
    assert {(each.type, each.id) for each in found} == {
        (SERVER, "m1"),
        (SERVER, "m2"),
        (VOLUME, "w1"),
        (VOLUME, "c1"),
    }
    assert [each.name for each in found if each.id == "m1"] == ["mine-1"]


def test_rows_of_an_earlier_try_are_left_out(engine: Engine, ledger: Ledger) -> None:
    ledger.test = TEST
    bind(ledger, "before", "b1")
    later = max(row.intended for row in ledger.rows()) + 1
    assert targets_of(ledger.rows(), [], TEST, later) == []


def test_resources_of_failed_calls_come_first(engine: Engine, ledger: Ledger) -> None:
    ledger.test = TEST
    for name in ("a", "b", "c"):
        bind(ledger, name, name)
    futures = [future_of(engine, "a"), future_of(engine, "c", ValueError()), future_of(engine, "b")]
    found = targets_of(ledger.rows(), futures, TEST, 0.0)
    assert [each.id for each in found] == ["c", "a", "b"]


class Node:
    """A node of pytest's tree, with the nodes around it."""

    def __init__(self, nodeid: str, *around: Any, fixtures: tuple[Any, ...] = ()) -> None:
        self.nodeid = nodeid
        self._around = around
        self._fixtureinfo = SimpleNamespace(name2fixturedefs={"x": fixtures})

    def listchain(self) -> list[Any]:
        return [*self._around, self]


def test_calls_belong_to_the_test_or_to_a_fixture_that_it_uses(engine: Engine) -> None:
    module: Any = Node("test_a.py")
    used, unused = object(), object()
    item: Any = Node(TEST, module, fixtures=(used,))
    other: Any = Node("test_a.py::test_y", module, fixtures=(unused,))
    usage = Usage(lambda: TEST)
    calls = [future_of(engine, None) for _ in range(4)]
    usage.begin(item)
    for fixture, future in ((used, calls[0]), (unused, calls[1])):
        with usage.setting_up(fixture, module):
            usage.submitted(future, TEST)
    usage.submitted(calls[2], TEST)
    usage.submitted(calls[3], "a coming test")
    assert usage.futures_of(item) == [calls[2], calls[0]]
    usage.begin(other)
    assert usage.futures_of(other) == [calls[1]]
    assert usage.futures_of(item) == [calls[0]]


def test_a_further_try_forgets_the_calls_of_the_one_before(engine: Engine) -> None:
    item: Any = Node(TEST)
    usage = Usage(lambda: TEST)
    usage.begin(item)
    usage.note(future_of(engine, None))
    usage.seconds = 0.0
    usage.begin(item)
    assert usage.futures_of(item) == []
    assert usage.tries_of(item) == 2
    assert usage.seconds > 0


def test_other_calls_are_told_once_and_those_that_failed_first(engine: Engine) -> None:
    fine = [future_of(engine, f"gone{number}") for number in range(30)]
    for each in fine:
        vars(each)["_untracked"] = "POST network /things"
    done = future_of(engine, None)
    failed = future_of(engine, None, ValueError())
    own = future_of(engine, "there")
    notes: list[str] = []
    calls = [*fine, done, failed, own]
    found = _calls(calls, {"there"}, set(), notes)
    assert found == [own, failed, *fine[: CALLS - 1]]
    assert notes == [f"{31 - CALLS} more calls of this test are left out"]
    assert _calls(calls, {"there"}, set(calls), notes) == [own]
