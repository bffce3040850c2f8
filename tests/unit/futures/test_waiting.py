"""Waiting for several futures at once."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.clock import ManualClock
from pytest_osfutures.engine.loop import SteppedEngine
from pytest_osfutures.errors import OperationDetails, OperationFailed
from pytest_osfutures.futures import OperationFuture, as_completed


def some(number: int) -> list[OperationFuture[int]]:
    """Futures of things that are under way."""
    engine = SteppedEngine()
    futures: list[OperationFuture[int]] = [OperationFuture(engine) for _ in range(number)]
    assert all(future.set_running_or_notify_cancel() for future in futures)
    return futures


def test_wait_is_that_of_the_standard_library() -> None:
    first, second = some(2)
    first.set_result(1)
    done, not_done = osf.wait([first, second], timeout=0)
    assert (done, not_done) == ({first}, {second})
    assert osf.wait([first, second], return_when=osf.FIRST_COMPLETED).done == {first}
    second.set_exception(KeyError())
    assert osf.wait(iter([first, second])).done == {first, second}
    assert osf.wait([second, *some(1)], return_when=osf.FIRST_EXCEPTION).done == {second}


def test_the_first_to_be_done_comes_first() -> None:
    a, b, c = some(3)
    completed = osf.as_completed([a, b, c])
    b.set_result(1)
    c.set_exception(KeyError())
    assert next(completed) is b
    assert next(completed) is c
    a.set_result(2)
    assert list(completed) == [a]


def test_more_can_be_added_while_iterating() -> None:
    a, b, c = some(3)
    a.set_result(1)
    b.set_result(2)
    c.set_result(3)
    completed = osf.as_completed([a])
    seen: list[Any] = []
    for future in completed:
        seen.append(future)
        for more in (b, c):
            completed.add(more)  # the second time it is known already
    assert seen == [a, b, c]


def test_a_future_given_twice_is_returned_once() -> None:
    (a,) = some(1)
    a.set_result(1)
    assert list(osf.as_completed([a, a])) == [a]


def test_of_nothing_there_is_nothing() -> None:
    assert list(osf.as_completed()) == []
    assert osf.gather() == []


def test_plain_futures_are_welcome() -> None:
    plain: Future[int] = Future()
    plain.set_result(1)
    assert list(osf.as_completed([plain])) == [plain]
    assert list(osf.gather(plain)) == [1]


def test_the_timeout_bounds_the_whole_iteration() -> None:
    clock = ManualClock()
    a, b, c = some(3)
    a.set_result(1)
    completed = as_completed([a, b, c], timeout=10, clock=clock)
    assert next(completed) is a
    clock.advance(10)
    with pytest.raises(TimeoutError, match=r"2 \(of 3\) futures unfinished"):
        next(completed)


def test_a_wait_is_over_when_one_ends_in_another_thread() -> None:
    (a,) = some(1)
    ending = threading.Thread(target=a.set_result, args=(7,))
    ending.start()
    assert [future.result() for future in osf.as_completed([a], timeout=10)] == [7]
    ending.join()


def test_gather_keeps_the_order() -> None:
    a, b = some(2)
    b.set_result(2)
    a.set_result(1)
    assert list(osf.gather(a, b)) == [1, 2]


def test_gather_waits_for_all_and_raises_the_first_error_with_the_others_as_notes() -> None:
    a, b, c = some(3)
    a.set_exception(KeyError("first"))
    b.set_exception(ValueError("second"))
    with pytest.raises(TimeoutError, match=r"1 \(of 3\)"):
        osf.gather(a, b, c, timeout=0)
    c.set_result(1)
    with pytest.raises(KeyError, match="first") as caught:
        osf.gather(a, b, c)
    assert caught.value.__notes__ == ["also: second"]


@pytest.mark.parametrize("several", [list, tuple, iter, dict.fromkeys])
def test_gather_takes_several_in_one(several: Any) -> None:
    futures = some(2)
    futures[1].set_result(2)
    futures[0].set_result(1)
    assert osf.gather(several(futures)) == [1, 2]
    assert osf.gather(several([])) == []


def test_gather_tells_many_failures_of_one_kind_in_one_note() -> None:
    futures = some(42)
    for number, future in enumerate(futures[:40]):
        why = "No valid host was found" if number < 38 else f"other {'ab'[number - 38]}"
        future.set_exception(OperationFailed(why, OperationDetails("server.create", str(number))))
    for future in futures[40:]:
        future.set_result(0)
    with pytest.raises(OperationFailed) as caught:
        osf.gather(futures)
    first, *others = caught.value.__notes__
    assert first == "38 x server.create: No valid host was found"
    assert [each.rpartition(": ")[2] for each in others] == ["other a", "other b"]


def test_gather_takes_one_twice() -> None:
    (a,) = some(1)
    a.set_result(1)
    assert list(osf.gather(a, a)) == [1, 1]


def test_an_argument_that_is_no_future_is_named() -> None:
    listed: Any = some(1)
    with pytest.raises(osf.InvalidArgument, match="is no future; give one list, or futures only"):
        osf.gather(listed, listed)
    with pytest.raises(osf.InvalidArgument, match="3 is no future"):
        osf.gather(3)  # type: ignore[call-overload]
    numbers: list[Any] = [3]
    with pytest.raises(osf.InvalidArgument, match="3 is no future"):
        osf.wait(numbers)
