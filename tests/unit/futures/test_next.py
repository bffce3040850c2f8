"""Follow-up calls: `next` and `chain`."""

from __future__ import annotations

from concurrent.futures import CancelledError, Future
from typing import Any

import pytest

from pytest_osfutures.engine.loop import Engine
from pytest_osfutures.errors import OperationFailed
from pytest_osfutures.futures import OperationFuture, Promise, finished
from tests.unit.futures.test_future import begun


def test_next_takes_the_result(engine: Engine) -> None:
    future = begun(engine)
    after = future.next(lambda value: value + 1).next(str)
    assert not after.done()
    future.set_result(3)
    assert after.result() == "4"


def test_next_flattens_futures(engine: Engine) -> None:
    future, inner = begun(engine), begun(engine)
    after = future.next(lambda _: inner)
    future.set_result(1)
    assert not after.done()
    inner.set_result("inner")
    assert after.result() == "inner"


def test_next_flattens_any_future_of_the_standard_library(engine: Engine) -> None:
    plain: Future[int] = Future()
    after = finished(engine, 1).next(lambda _: plain)
    plain.set_result(9)
    assert after.result() == 9


def test_next_of_an_operation_knows_about_it(engine: Engine) -> None:
    inner = begun(engine)
    Promise(engine, inner).set_undo(lambda: finished(engine, "undone"))
    after = finished(engine, 1).next(lambda _: inner)
    assert after.undo().result() == "undone"


def test_a_failure_skips_the_next_calls(engine: Engine) -> None:
    future = begun(engine)
    called: list[Any] = []
    after = future.next(called.append).next(called.append)
    error = OperationFailed("no")
    future.set_exception(error)
    assert after.exception() is error
    assert called == []


@pytest.mark.parametrize("error", [ValueError("x"), SystemExit(3), KeyboardInterrupt()])
def test_an_error_of_next_is_the_new_futures_error(engine: Engine, error: BaseException) -> None:
    def raises(_: Any) -> None:
        raise error

    assert finished(engine, 1).next(raises).exception() is error


def test_a_cancelled_future_cancels_the_next_calls(engine: Engine) -> None:
    future: OperationFuture[Any] = OperationFuture(engine)
    after = future.next(str)
    future.cancel()
    assert isinstance(
        after.exception() if not after.cancelled() else CancelledError(), CancelledError
    )
    inner: Future[Any] = Future()
    following = finished(engine, 1).next(lambda _: inner)
    inner.cancel()
    assert following.done()


def test_a_next_that_was_cancelled_is_not_called(engine: Engine) -> None:
    future = begun(engine)
    called: list[Any] = []
    after = future.next(called.append)
    assert after.cancel()
    future.set_result(1)
    assert called == []


@pytest.mark.parametrize("kind", ["engine", "threaded"])
def test_a_chain_of_a_thousand(kind: str, request: pytest.FixtureRequest) -> None:
    engine: Engine = request.getfixturevalue(kind)
    future = first = begun(engine)
    for _ in range(1000):
        future = future.next(lambda value: value + 1)
    first.set_result(0)
    assert future.result(20) == 1000


@pytest.mark.parametrize("kind", ["engine", "threaded"])
def test_a_thousand_futures_within_each_other(kind: str, request: pytest.FixtureRequest) -> None:
    engine: Engine = request.getfixturevalue(kind)
    first = begun(engine)

    def deeper(value: int) -> Any:
        return value if value == 1000 else finished(engine, value + 1).next(deeper)

    after = first.next(deeper)
    first.set_result(0)
    assert after.result(20) == 1000


class Thing:
    """A resource object with a twin."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def stop_async(self, how: str, *, tout: int) -> OperationFuture[str]:
        return finished(self.engine, f"stopped {how} {tout}")


def test_chain_calls_a_method_of_the_result(engine: Engine) -> None:
    future = begun(engine)
    after = future.chain.stop_async("hard", tout=5)
    future.set_result(Thing(engine))
    assert after.result() == "stopped hard 5"
    missing = finished(engine, Thing(engine)).chain.fly_async()
    assert isinstance(missing.exception(), AttributeError)
    with pytest.raises(AttributeError):
        future.chain.__len__  # noqa: B018
