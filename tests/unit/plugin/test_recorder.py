"""The recorder: spans of operations, of waits and of the phases of tests."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Callable
from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.clock import ManualClock
from pytest_osfutures.engine.loop import SteppedEngine
from pytest_osfutures.errors import Attempt, OperationDetails, OperationFailed, StatusSample
from pytest_osfutures.futures import Promise
from pytest_osfutures.plugin.recorder import Recorder
from pytest_osfutures.reports import (
    OperationSpan,
    PhaseSpan,
    WaitSpan,
    latest,
    parse_span,
    span_document,
)


class Owner:
    """The owner of new operations."""

    test = "test_web"

    def __call__(self) -> str:
        return self.test


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(epoch=1000.0)


@pytest.fixture
def engine(clock: ManualClock) -> SteppedEngine:
    return SteppedEngine(clock)


@pytest.fixture
def owner() -> Owner:
    return Owner()


@pytest.fixture
def recorder(clock: ManualClock, owner: Owner) -> Recorder:
    return Recorder(clock, "17", "gw1", owner)


def promised(engine: SteppedEngine, recorder: Recorder) -> Promise[Any]:
    """The promise of a call that has begun."""
    promise: Promise[Any] = Promise(engine, observer=recorder)
    promise.start()
    recorder.submitted(promise.future)
    return promise


def test_a_failed_call_is_recorded_with_its_reason(
    engine: SteppedEngine, recorder: Recorder, clock: ManualClock
) -> None:
    promise = promised(engine, recorder)
    assert recorder.pending() == [promise.future]
    clock.advance(5)
    promise.set_exception(OperationFailed("no host", OperationDetails("server.create", "7e3f")))
    (span,) = recorder.take_spans()
    assert isinstance(span, OperationSpan)
    assert (span.test, span.worker, span.process) == ("test_web", "gw1", "17")
    assert (span.began, span.ended, span.accepted) == (1000.0, 1005.0, None)
    assert (span.operation, span.error_type, span.error) == (
        "server.create", "OperationFailed", "no host",
    )  # fmt: skip
    assert recorder.pending() == []
    assert recorder.take_spans() == []


def test_an_undo_belongs_to_the_test_of_its_call(
    engine: SteppedEngine, recorder: Recorder, owner: Owner
) -> None:
    created = promised(engine, recorder)
    created.set_result("vm")
    undo: Promise[None] = Promise(engine, observer=recorder)
    created.set_undo(lambda: undo.future)
    owner.test = "test_next"
    assert created.future.undo() is undo.future
    undo.start()
    undo.set_result(None)
    first, second = recorder.take_spans()
    assert isinstance(first, OperationSpan)
    assert isinstance(second, OperationSpan)
    assert (second.undoes, second.test) == (first.number, "test_web")


def test_a_cancelled_call_is_recorded(engine: SteppedEngine, recorder: Recorder) -> None:
    promise: Promise[Any] = Promise(engine, observer=recorder)
    recorder.submitted(promise.future)
    assert promise.future.cancel()
    (span,) = recorder.take_spans()
    assert isinstance(span, OperationSpan)
    assert span.error_type == "CancelledError"


@pytest.mark.parametrize("how", ["result", "exception", "sync_res", "wait", "gather", "completed"])
def test_a_wait_of_the_test_is_recorded(
    engine: SteppedEngine, recorder: Recorder, clock: ManualClock, how: str
) -> None:
    promise = promised(engine, recorder)
    future = promise.future
    waits: dict[str, Callable[[], object]] = {
        "result": future.result,
        "exception": future.exception,
        "sync_res": lambda: future.sync_res,
        "wait": lambda: osf.wait([future]),
        "gather": lambda: osf.gather(future),
        "completed": lambda: list(osf.as_completed([future])),
    }

    def end_when_waited_for() -> None:
        while not (going_on := recorder.waits()):
            pass
        assert [(wait.test, wait.phase) for wait in going_on] == [("test_web", "call")]
        clock.advance(7)
        promise.set_result("vm")

    recorder.begin_phase("test_web", "call")
    thread = threading.Thread(target=end_when_waited_for)
    thread.start()
    waits[how]()
    thread.join()
    assert recorder.waits() == []
    spans = [span for span in recorder.take_spans() if isinstance(span, WaitSpan)]
    assert [(span.began, span.ended, span.operations) for span in spans] == [(1000.0, 1007.0, (1,))]


def test_a_result_that_is_there_is_no_wait(engine: SteppedEngine, recorder: Recorder) -> None:
    promise = promised(engine, recorder)
    promise.set_result("vm")
    assert promise.future.result() == "vm"
    assert osf.gather([promise.future]) == ["vm"]
    assert promise.future.sync_res == "vm"
    assert not [span for span in recorder.take_spans() if isinstance(span, WaitSpan)]


def test_a_follow_up_is_observed_like_its_call(engine: SteppedEngine, recorder: Recorder) -> None:
    promise = promised(engine, recorder)
    assert promise.future.next(str).observer is recorder


def test_a_wait_for_a_follow_up_is_one_for_the_calls_of_the_follow_up(
    engine: SteppedEngine, recorder: Recorder
) -> None:
    first, second = promised(engine, recorder), promised(engine, recorder)
    follow_up = first.future.next(lambda _: second.future)
    with recorder.waiting([follow_up]):
        first.set_result("vm")
        second.set_result("attached")
    spans = recorder.take_spans()
    assert [each.operations for each in spans if isinstance(each, WaitSpan)] == [(2,)]


def test_phases_are_recorded(recorder: Recorder) -> None:
    recorder.begin_phase("test_web", "setup")
    recorder.end_phase("passed", 1.0, 2.5)
    assert recorder.take_spans() == [
        PhaseSpan(
            process="17", worker="gw1", test="test_web", phase="setup", outcome="passed",
            began=1.0, ended=2.5,
        )
    ]  # fmt: skip


SPANS: list[OperationSpan | WaitSpan | PhaseSpan] = [
    OperationSpan(
        number=1, process="17", worker="", test="t", operation="server.create", resource_id="7e3f",
        resource_name="web", request_id="req-1", began=1.0, accepted=1.5, ended=None,
        history=(StatusSample(2.0, "BUILD", "spawning"),),
        attempts=(Attempt(1, None, 2.0, "no host"),), undoes=4,
    ),
    WaitSpan(
        process="17", worker="", test="t", phase="call", began=1.0, ended=2.0, operations=(1,)
    ),
    PhaseSpan(
        process="17", worker="", test="t", phase="call", outcome="failed", began=1.0, ended=2.0
    ),
]  # fmt: skip


@pytest.mark.parametrize("span", SPANS)
def test_a_span_survives_json(span: OperationSpan | WaitSpan | PhaseSpan) -> None:
    assert parse_span(json.loads(json.dumps(span_document(span)))) == span


@pytest.mark.parametrize(
    "document",
    [{}, {"kind": "else"}, {"kind": "wait"}, {**span_document(SPANS[0]), "attempts": [[1]]}],
)
def test_a_document_of_another_version_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="no span"):
        parse_span(document)


def test_the_wait_that_a_failure_has_ended_is_known_until_the_phase_ends(
    engine: SteppedEngine, recorder: Recorder
) -> None:
    recorder.begin_phase("test_web", "call")
    future = promised(engine, recorder).future
    with pytest.raises(TimeoutError) as caught:
        future.result(timeout=0)
    (wait,) = recorder.waits_ended_by(caught.value)
    assert (wait.futures, wait.test, wait.phase) == ((future,), "test_web", "call")
    later = ValueError("of the test")
    later.__context__ = caught.value
    assert recorder.waits_ended_by(later) == [wait]
    assert recorder.waits_ended_by(ExceptionGroup("", [later])) == [wait]
    assert recorder.waits_ended_by(AssertionError()) == []
    assert recorder.waits_ended_by(None) == []
    recorder.begin_phase("test_web", "teardown")
    assert recorder.waits_ended_by(caught.value) == []


def test_a_cancelled_wait_is_told_after_a_timeout_only(
    engine: SteppedEngine, recorder: Recorder
) -> None:
    future = promised(engine, recorder).future
    with pytest.raises(asyncio.CancelledError), recorder.waiting([future]):
        raise asyncio.CancelledError
    timeout = pytest.fail.Exception("Timeout (>1.0s) from pytest-timeout.")
    assert [each.futures for each in recorder.waits_ended_by(timeout)] == [(future,)]
    assert recorder.waits_ended_by(pytest.fail.Exception("no such server")) == []


def test_waits_of_threads_of_this_package_are_none_of_the_test(
    engine: SteppedEngine, recorder: Recorder
) -> None:
    future = promised(engine, recorder).future
    for name, waits in (("osfutures-teardown", 0), ("of the user", 1)):
        began, over = threading.Event(), threading.Event()

        def wait(began: threading.Event = began, over: threading.Event = over) -> None:
            with recorder.waiting([future]):
                began.set()
                over.wait(60)

        thread = threading.Thread(target=wait, name=name)
        thread.start()
        assert began.wait(60)
        assert len(recorder.waits_ended_by(None)) == waits
        over.set()
        thread.join()


def test_a_failure_ahead_of_a_test_is_not_told_to_the_running_one(
    engine: SteppedEngine, recorder: Recorder, owner: Owner
) -> None:
    recorder.begin_phase("test_now", "setup")
    recorder.outcomes.fixture_nodes.append("test_now")  # while a fixture of that test is set up
    owner.test = "test_next"
    promised(engine, recorder).set_exception(ValueError("no"))
    derived: Promise[Any] = Promise(engine, observer=recorder)
    recorder.derived(derived.future)
    derived.set_exception(ValueError("no"))
    assert recorder.outcomes.take_unwatched({"test_now"}) == []
    assert len(recorder.outcomes.take_unwatched({"test_next"})) > 0


def test_a_resource_that_goes_to_another_test_has_a_new_span(
    engine: SteppedEngine, recorder: Recorder, clock: ManualClock
) -> None:
    going, staying = promised(engine, recorder), promised(engine, recorder)
    recorder.assign(going.future, "test_1")
    clock.advance(5)
    going.set_result("vm")
    staying.set_result("vm")
    before = recorder.take_spans()
    recorder.assign(going.future, "test_2")
    spans = latest([*before, *recorder.take_spans()])
    found = [(each.test, each.ended) for each in spans if isinstance(each, OperationSpan)]
    assert found == [("test_2", 1005.0), ("test_web", 1005.0)]
