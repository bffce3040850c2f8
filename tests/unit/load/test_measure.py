"""`osf.measure`: how often, how many at a time, and what becomes of results and failures."""

from __future__ import annotations

import re
import signal
import statistics
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.errors import Attempt
from pytest_osfutures.load.measurement import Measurement, OperationMeasurement, Sample


def samples(*seconds: float, failed: int = 0) -> tuple[Sample, ...]:
    good = [Sample(iteration=i, operation="x", seconds=each) for i, each in enumerate(seconds)]
    error = osf.OperationFailed("no host")
    bad = [Sample(iteration=99, operation="x", seconds=1e6, error=error) for _ in range(failed)]
    return (*good, *bad)


def test_statistics_are_those_of_the_standard_library_over_successes() -> None:
    durations = [3.0, 1.0, 30.0, 7.5, 2.0, 4.0]
    found = OperationMeasurement("x", samples(*durations, failed=2))
    cuts = statistics.quantiles(durations, n=100, method="inclusive")
    assert [found.p50, found.p95, found.p99] == pytest.approx([cuts[49], cuts[94], cuts[98]])
    assert (found.min, found.max, found.count, found.failed) == (1.0, 30.0, 8, 2)
    assert found.success == 0.75
    nothing = OperationMeasurement("x", ())
    assert (nothing.p95, nothing.success, nothing.max) == (None, None, None)


def test_as_many_iterations_as_asked_for_at_a_time() -> None:
    together = threading.Barrier(3)
    running: list[int] = []
    most: list[int] = []
    lock = threading.Lock()

    def work(number: int) -> int:
        with lock:
            running.append(number)
            most.append(len(running))
        together.wait(30)  # all three are there
        with lock:
            running.remove(number)
        return number * 2

    found = osf.measure(work, count=9, concurrency=3)
    assert found.results == [0, 2, 4, 6, 8, 10, 12, 14, 16]
    assert max(most) == 3
    assert list(found.operations) == ["work"]


def test_a_rate_begins_iterations_without_waiting_for_their_ends() -> None:
    futures: list[Future[int]] = []

    def work() -> Future[int]:
        futures.append(Future())
        if len(futures) == 4:  # all began before the first has ended
            for number, each in enumerate(futures):
                each.set_result(number)
        return futures[-1]

    found = osf.measure(work, count=4, rate=200)
    assert sorted(found.results) == [0, 1, 2, 3]
    assert found.seconds >= 3 / 200


def test_a_duration_ends_the_beginnings() -> None:
    found = osf.measure(lambda: None, duration=0.2, rate=50, name="nothing")
    assert 1 <= found.operations["nothing"].count <= 10
    capped = osf.measure(lambda: None, duration=60, count=3)
    assert capped.operations["call"].count == 3


def test_failures_are_samples_and_criteria_name_what_they_miss() -> None:
    def work(number: int) -> None:
        if number % 2:
            raise KeyError("nope")

    shown: list[Measurement] = []
    with pytest.raises(osf.CriteriaError) as caught:
        osf.measure(work, count=4, criteria=["success >= 99%", "count == 4"], show=shown.append)
    lines = str(caught.value).splitlines()
    assert lines[0] == "success >= 0.99: work has 0.5"
    assert lines[1].split()[:2] == ["operation", "count"]
    assert lines[-1] == "2 x work: KeyError: 'nope'"
    assert shown[0].operations["work"].failed == 2
    assert isinstance(caught.value, AssertionError)
    with pytest.raises(osf.CriteriaError, match=r"^a.b p95 < 3: there was no a.b, but work"):
        osf.measure(work, count=1, criteria="a.b p95 < 3")
    with pytest.raises(osf.CriteriaError, match=r"^p95 < 3: w has no success"):
        osf.measure(lambda: 1 / 0, count=1, criteria="p95 < 3", name="w")


def test_futures_of_the_cloud_are_rows_by_operation() -> None:
    from pytest_osfutures.fakecloud import Fault

    with osf.scope("fake", try_count=2) as s:
        assert s.cloud.fake is not None
        s.cloud.fake.faults.add(Fault("error", operation="server.create", count=1))

        def work() -> list[osf.OperationFuture[Any]]:
            vm = s.servers.create_async()
            return [vm, vm.chain.stop_async()]

        found = osf.measure(work, count=3, concurrency=3)
        rows = found.operations
        assert list(rows) == ["server.create", "server.stop"]
        assert (rows["server.create"].retries, rows["server.stop"].retries) == (1, 0)
        assert {each.success for each in rows.values()} == {1.0}
        assert [each.status for each in found.results] == ["ACTIVE", "SHUTOFF"] * 3 or (
            sorted(each.status for each in found.results) == ["SHUTOFF"] * 6
        )
        s.cloud.fake.faults.add(Fault("error", operation="server.create"))
        found = osf.measure(s.servers.create_async, count=2)
        row = found.operations["server.create"]
        assert (row.failed, row.retries) == (2, 2)  # two tries each


def test_a_busy_try_is_no_retry() -> None:
    busy = Attempt(1, None, 0.1, "is busy", busy=True)
    future: osf.OperationFuture[int] = osf.OperationFuture(osf.Engine())
    future._attempts = (busy, Attempt(2, None, 0.1, "no host"))
    future.set_result(1)
    (sample,) = osf.measure(lambda: future).samples
    assert sample.retries == 1


@pytest.fixture
def interrupts() -> Iterator[None]:
    """Let SIGINT raise KeyboardInterrupt; a shell lets its background ignore the signal."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interrupts")
def test_an_interruption_ends_the_measurement_and_shows_the_table() -> None:
    def work(number: int) -> object:
        if number < 2:
            return None
        # As Ctrl-C: `_thread.interrupt_main` would not wake a thread that waits for a lock.
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return Future()  # never ends

    with pytest.raises(KeyboardInterrupt) as caught:
        osf.measure(work, count=5)
    (note,) = caught.value.__notes__
    assert re.search(r"^measured until then:\noperation .*\nwork +2 ", note)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"counts": 3}, "osf.measure does not take counts=; it takes count, duration, rate"),
        ({"count": 0}, "count=0 is not a whole number of 1 or more"),
        ({"count": True}, "count=True is not a whole number of 1 or more"),
        ({"concurrency": 2.5}, "concurrency=2.5 is not a whole number of 1 or more"),
        ({"rate": 0}, "rate=0 is not a number greater than 0"),
        ({"rate": "2/s"}, "rate='2/s' is not a number greater than 0"),
        ({"duration": float("inf")}, "duration=inf is not a number greater than 0"),
        ({"criteria": "p95 ? 3"}, "criterion 'p95 ? 3' cannot be read"),
    ],
)
def test_bad_arguments_are_refused_before_anything_begins(
    arguments: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(osf.InvalidArgument, match=re.escape(sentence)):
        osf.measure(lambda: pytest.fail("it began"), **arguments)


def test_an_assertion_or_a_failure_of_pytest_is_a_failed_sample() -> None:
    found = osf.measure(lambda: pytest.fail("on purpose"), count=2, name="w")
    assert found.operations["w"].failed == 2
    assert found.table().endswith("2 x w: Failed: on purpose")


def test_a_function_of_several_arguments_is_refused() -> None:
    async def work() -> None: ...

    with pytest.raises(osf.InvalidArgument, match="work is a coroutine function; give a function"):
        osf.measure(work)
    with pytest.raises(osf.InvalidArgument, match=r"pow takes base, exp; a measured function"):
        osf.measure(pow)
    with pytest.raises(osf.InvalidArgument, match=r"osf.measure\(3\): this is no function"):
        osf.measure(3)  # type: ignore[arg-type]
