"""The future of a declared resource, which is bound to one of several equal creations."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError

import pytest

from pytest_osfutures.engine import Engine
from pytest_osfutures.futures import DeclaredFuture, OperationFuture, Promise


@pytest.fixture
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.stop()


@pytest.fixture
def creation(engine: Engine) -> Callable[[], Promise[str]]:
    def begin() -> Promise[str]:
        promise: Promise[str] = Promise(engine)
        promise.start()
        promise.set_accepted("plain", None, "POST compute /servers")
        return promise

    return begin


def test_declared_future_ends_like_its_creation(
    engine: Engine, creation: Callable[[], Promise[str]]
) -> None:
    good, bad = creation(), creation()
    futures = [DeclaredFuture[str](engine) for _ in range(3)]
    assert futures[0].bind(good.future)
    assert futures[1].bind(bad.future)
    assert futures[0].running()
    assert not futures[0].done()
    good.set_result("vm")
    bad.set_exception(ValueError("broken"))
    assert futures[0].result(5) == "vm"
    with pytest.raises(ValueError, match="broken"):
        futures[1].result(5)
    assert not futures[2].running()


def test_the_last_bound_creation_counts(
    engine: Engine, creation: Callable[[], Promise[str]]
) -> None:
    slow, quick = creation(), creation()
    future = DeclaredFuture[str](engine)
    assert future.bind(slow.future)
    assert future.bind(quick.future)
    slow.set_result("slow")
    quick.set_result("quick")
    assert future.result(5) == "quick"
    assert not future.bind(slow.future)


@pytest.mark.parametrize(
    "look",
    [
        lambda future: future.sync_res,
        lambda future: future.resource_id,
        lambda future: future.resource_name,
        lambda future: future.request_id,
        lambda future: future.history,
        lambda future: future.attempts,
        lambda future: future.undo(),
        lambda future: future.cancel(),
        repr,
    ],
)
def test_a_known_creation_stays(
    engine: Engine,
    creation: Callable[[], Promise[str]],
    look: Callable[[OperationFuture[str]], object],
) -> None:
    first, second = creation(), creation()
    first.set_undo(lambda: Promise[object](engine).future)
    future = DeclaredFuture[str](engine)
    assert future.bind(first.future)
    look(future)
    assert not future.bind(second.future)
    first.set_result("first")
    assert future.result(5) == "first"


def test_looking_before_the_first_creation_leaves_the_choice(
    engine: Engine, creation: Callable[[], Promise[str]]
) -> None:
    future = DeclaredFuture[str](engine)
    assert future.resource_id is None
    assert "pending" in repr(future)
    assert future.bind(creation().future)


def test_cancelled_creation_cancels(engine: Engine) -> None:
    promise: Promise[str] = Promise(engine)
    future = DeclaredFuture[str](engine)
    assert future.bind(promise.future)
    assert future.cancel()
    assert promise.future.cancelled()
    with pytest.raises(CancelledError):
        future.result(5)


def test_cancelled_before_its_creation(
    engine: Engine, creation: Callable[[], Promise[str]]
) -> None:
    future = DeclaredFuture[str](engine)
    assert future.cancel()
    assert not future.bind(creation().future)
