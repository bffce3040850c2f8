"""Calls that are tried again: clean-up, deadlines, unknown fates (promise 5), taking back."""

from __future__ import annotations

import json
import logging
from concurrent.futures import CancelledError
from dataclasses import replace
from typing import Any

import pytest
import requests

from pytest_osfutures.answer import Answer, decide
from pytest_osfutures.attempts import start_retried
from pytest_osfutures.capture import Exchange
from pytest_osfutures.clock import ManualClock
from pytest_osfutures.engine import SteppedEngine
from pytest_osfutures.errors import (
    BadInput,
    EngineError,
    ObjectCreationError,
    OperationError,
    OperationFailed,
    OperationTimeout,
    QuotaExceeded,
    UnknownFate,
)
from pytest_osfutures.fate import MOMENTS
from pytest_osfutures.future import OperationFuture
from pytest_osfutures.policy import Poll, Retry
from pytest_osfutures.stamp import OPERATION, RUN
from pytest_osfutures.start import start

from .api import (
    NOVA,
    Api,
    Fault,
    answer,
    answers,
    binding,
    done_but_answers,
    lost_after,
    lost_before,
)

POST = ("POST", "/compute/v2.1/servers")
SETTLING = MOMENTS[-1] * Poll().slowest


class Cloud:
    """A stepped engine on a small OpenStack."""

    def __init__(self, **options: Any) -> None:
        self.clock = ManualClock()
        self.engine = SteppedEngine(self.clock)
        self.api = Api(self.clock)
        self.binding = binding(self.api, self.engine, **options)

    def create(self, **options: Any) -> requests.Response:
        """The plain call."""
        body = {"server": {"name": "web", "metadata": {"mine": "1"}}}
        response: requests.Response = self.binding.source.session.post(
            f"{NOVA}/servers", json=body, **options
        )
        return response

    def run(self, future: OperationFuture[Any], within: float = 2000.0) -> None:
        """Let time pass until the future is done."""
        assert self.engine.run_until(future.done, within)

    def settle(self, seconds: float = 300.0) -> None:
        """Let time pass for what goes on afterwards."""
        self.engine.run_until(lambda: False, seconds)


def error_of(future: OperationFuture[Any]) -> OperationError:
    """The operation's error, which there has to be."""
    error = future.exception()
    assert isinstance(error, OperationError), error
    return error


# One try: *_async


def test_the_future_of_one_try_has_everything_at_once_but_the_result() -> None:
    cloud = Cloud()
    future = start(cloud.binding, cloud.create)
    assert future.running()
    assert future.sync_res.json()["server"]["id"] == "server-1"
    assert future.operation == "server.create"
    assert future.resource_id == "server-1"
    assert future.request_id == "req-server-1"
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"
    assert future.result()["adminPass"] == "secret"
    assert [seen.status for seen in future.history] == ["BUILD", "ACTIVE"]
    assert future.attempts == ()


def test_an_error_of_the_plain_call_is_raised_at_once() -> None:
    cloud = Cloud()
    cloud.api.fault(*("POST", "/servers"), answers(400))
    with pytest.raises(Exception, match="400"):
        start(cloud.binding, cloud.create)
    assert cloud.api.count(*POST) == 1


def test_one_try_stamps_nothing() -> None:
    cloud = Cloud()
    start(cloud.binding, cloud.create)
    assert cloud.api.servers["server-1"]["metadata"] == {"mine": "1"}


def test_a_call_that_starts_nothing_known_is_done_with_its_plain_result() -> None:
    cloud = Cloud()
    future = start(cloud.binding, lambda: "plain")
    assert future.done()
    assert future.result() == future.sync_res == "plain"
    assert future.operation == ""
    assert future.resource_id is None
    with pytest.raises(BadInput, match="undo"):
        future.undo()


@pytest.mark.parametrize("tout", [0, -1, "5", True, float("nan")])
def test_a_deadline_that_is_none_is_refused_before_anything_is_sent(tout: Any) -> None:
    cloud = Cloud()
    with pytest.raises(BadInput, match="tout"):
        start(cloud.binding, cloud.create, tout)
    with pytest.raises(BadInput, match="tout"):
        start_retried(cloud.binding, cloud.create, 2, tout)
    assert cloud.api.count(*POST) == 0


def test_undo_takes_back_what_was_created() -> None:
    cloud = Cloud()
    future = start(cloud.binding, cloud.create)
    cloud.run(future)
    gone = future.undo()
    cloud.run(gone)
    assert gone.result() is None
    assert cloud.api._show("server-1") is None


def test_undoing_what_is_gone_already_is_done() -> None:
    cloud = Cloud()
    future = start(cloud.binding, cloud.create)
    cloud.run(future)
    cloud.api.servers.clear()
    gone = future.undo()
    cloud.run(gone)
    assert gone.result() is None


def test_undo_insists_and_then_says_what_it_could_not_do() -> None:
    cloud = Cloud()
    future = start(cloud.binding, cloud.create)
    cloud.run(future)
    cloud.api.fault("DELETE", "/servers/server-1", answers(409), answers(503))
    gone = future.undo()
    cloud.run(gone)
    assert gone.result() is None
    assert cloud.api.count("DELETE", "/compute/v2.1/servers/server-1") == 3

    other = start(cloud.binding, cloud.create)
    cloud.run(other)
    cloud.api.fault("DELETE", "/servers/server-2", *[answers(409)] * 3)
    failed = other.undo()
    cloud.run(failed)
    assert "409" in str(failed.exception())


# Many tries: *_async_r


def test_a_call_that_breaks_off_is_taken_back_and_made_again() -> None:
    cloud = Cloud()

    def call() -> None:
        cloud.create()
        cloud.binding.source.session.post(f"{NOVA}/os-keypairs", json={"keypair": {"name": "k"}})

    cloud.api.fault("POST", "/os-keypairs", answers(503))
    future = start_retried(cloud.binding, call, 2)
    cloud.run(future)
    assert cloud.api.alive() == ["server-2"]
    assert cloud.api.count(*POST) == 2
    assert [each.resource_id for each in future.attempts] == ["server-1"]


def test_a_call_that_breaks_off_for_good_leaves_nothing() -> None:
    cloud = Cloud()

    def call() -> None:
        cloud.create()
        raise ValueError("the client does not like the answer")

    future = start_retried(cloud.binding, call)
    cloud.run(future)
    assert isinstance(future.exception(), ValueError)
    assert cloud.api.alive() == []
    assert cloud.api.count(*POST) == 1


def test_a_retried_call_stamps_what_it_creates_and_keeps_what_was_there() -> None:
    cloud = Cloud()
    future = start_retried(cloud.binding, cloud.create)
    cloud.run(future)
    metadata = cloud.api.servers["server-1"]["metadata"]
    assert metadata["mine"] == "1"
    assert metadata[RUN] == "run-1"
    assert metadata[OPERATION]
    assert future.result()["status"] == "ACTIVE"


def test_a_failed_try_is_cleaned_up_before_the_next_one() -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR", "ERROR", "ACTIVE"]
    future = start_retried(cloud.binding, cloud.create, 3)
    cloud.settle(0.1)
    first = future.sync_res
    cloud.run(future)
    assert future.result()["id"] == "server-3"
    assert future.sync_res.json()["server"]["id"] == "server-3"
    assert first.json()["server"]["id"] == "server-1"
    assert cloud.api.alive() == ["server-3"]
    assert [each.number for each in future.attempts] == [1, 2]
    assert [each.resource_id for each in future.attempts] == ["server-1", "server-2"]
    assert all("No valid host" in each.why for each in future.attempts)
    births = [cloud.api.servers[f"server-{n}"]["born"] for n in (2, 3)]
    deaths = [cloud.api.servers[f"server-{n}"]["deleted"] + 2 for n in (1, 2)]
    assert all(born >= dead for born, dead in zip(births, deaths, strict=True))


def test_giving_up_leaves_nothing_behind_and_tells_of_every_try() -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR", "ERROR"]
    future = start_retried(cloud.binding, cloud.create, 2)
    cloud.run(future)
    error = error_of(future)
    assert isinstance(error, ObjectCreationError)
    assert len(error.attempts) == 2
    assert cloud.api.alive() == []


def test_a_try_that_is_too_slow_is_cleaned_up_and_repeated() -> None:
    cloud = Cloud()
    future = start_retried(cloud.binding, cloud.create, 2, tout=2.0)
    cloud.run(future)
    assert isinstance(error_of(future), OperationTimeout)
    assert cloud.api.count(*POST) == 2
    assert cloud.api.alive() == []


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_wrong_request_is_not_repeated(status: int) -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", answers(status), answers(status))
    future = start_retried(cloud.binding, cloud.create, 5)
    cloud.run(future)
    assert future.exception() is not None
    assert cloud.api.count(*POST) <= 2  # a session repeats a 401 itself, once
    with pytest.raises(Exception, match=str(status)):
        future.sync_res  # noqa: B018


@pytest.mark.parametrize("status", [409, 429])
def test_a_passing_refusal_is_repeated(status: int) -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", answers(status), answers(status))
    future = start_retried(cloud.binding, cloud.create, 3)
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"
    assert len(future.attempts) == 2


def test_a_refusal_that_names_a_time_is_repeated_no_sooner() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", answers(429, Retry_After="77"))
    future = start_retried(cloud.binding, cloud.create, 3)
    cloud.run(future)
    assert cloud.api.servers["server-1"]["born"] >= 77


def test_a_quota_is_waited_for_and_then_named() -> None:
    cloud = Cloud()
    text = {"forbidden": {"message": "Quota exceeded for instances: Requested 1", "code": 403}}
    over: Fault = lambda _: answer(403, text)  # noqa: E731
    cloud.api.fault("POST", "/servers", over)
    future = start_retried(cloud.binding, cloud.create, 2)
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"
    cloud.api.fault("POST", "/servers", over, over)
    future = start_retried(cloud.binding, cloud.create, 2)
    cloud.run(future)
    assert isinstance(error_of(future), QuotaExceeded)
    assert "Quota exceeded for instances" in str(error_of(future))
    assert error_of(future).operation == "server.create"


def test_a_mistake_of_the_caller_is_not_repeated() -> None:
    cloud = Cloud()
    calls: list[int] = []

    def wrong() -> Any:
        calls.append(1)
        raise TypeError("an argument is missing")

    future = start_retried(cloud.binding, wrong, 5)
    cloud.run(future)
    assert isinstance(future.exception(), TypeError)
    assert calls == [1]


def test_a_call_that_the_cloud_never_heard_is_repeated() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/auth/tokens", lost_before, answers(503))
    future = start_retried(cloud.binding, cloud.create, 3)
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"
    assert cloud.api.count(*POST) == 1


def test_a_token_that_expires_on_the_way_is_renewed() -> None:
    cloud = Cloud()
    cloud.api.token_expires = "2020-01-01T00:00:00.000000Z"  # each request needs a new one
    future = start_retried(cloud.binding, cloud.create, 1)
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"


def test_a_renewal_that_fails_is_no_request_of_unknown_fate() -> None:
    cloud = Cloud()
    cloud.binding.source.catalog()
    cloud.api.fault("POST", "/servers", answers(401))
    cloud.api.fault("POST", "/auth/tokens", answers(503))
    future = start_retried(cloud.binding, cloud.create, 3)
    cloud.run(future)
    assert not isinstance(future.exception(), UnknownFate)
    assert len(cloud.api.alive()) <= 1


def test_retry_on_decides_where_it_has_an_opinion() -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR"] * 5
    future = start_retried(cloud.binding, cloud.create, Retry(5, retry_on=OperationTimeout))
    cloud.run(future)
    assert len(error_of(future).attempts) == 1
    cloud.api.fates = []
    cloud.api.fault("POST", "/servers", answers(400))
    future = start_retried(cloud.binding, cloud.create, Retry(5, retry_on=Exception))
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"


def test_a_retry_on_that_raises_ends_its_own_operation_only(
    caplog: pytest.LogCaptureFixture,
) -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR", "ACTIVE"]

    def raises(_: BaseException) -> bool:
        raise ZeroDivisionError

    broken = start_retried(cloud.binding, cloud.create, Retry(5, retry_on=raises))
    fine = start_retried(cloud.binding, cloud.create)
    cloud.run(broken)
    cloud.run(fine)
    assert isinstance(error_of(broken), ObjectCreationError)
    assert fine.result()["status"] == "ACTIVE"
    assert "ZeroDivisionError" in caplog.text
    assert cloud.api.alive() == ["server-2"]


# Promise 5: unknown fates


@pytest.mark.parametrize("loss", [lost_after, *map(done_but_answers, (500, 502, 503, 504))])
def test_promise_5_a_create_that_arrived_is_adopted(loss: Fault) -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", loss)
    future = start_retried(cloud.binding, cloud.create)
    cloud.run(future)
    assert future.result()["id"] == "server-1"
    assert cloud.api.count(*POST) == 1
    assert cloud.api.alive() == ["server-1"]
    assert len(future.attempts) == 1


@pytest.mark.parametrize("loss", [lost_before, *map(answers, (500, 502, 503, 504))])
def test_promise_5_a_create_is_sent_again_only_after_settling(loss: Fault) -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", loss)
    future = start_retried(cloud.binding, cloud.create)
    cloud.run(future)
    assert future.result()["id"] == "server-1"
    assert cloud.api.count(*POST) == 2
    assert cloud.api.servers["server-1"]["born"] >= SETTLING


def test_promise_5_what_shows_up_late_is_adopted_as_well() -> None:
    cloud = Cloud()

    def late(proceed: Any) -> requests.Response:
        cloud.engine.later(8.0, proceed)
        raise requests.exceptions.ConnectionError("cut")

    cloud.api.fault("POST", "/servers", late)
    future = start_retried(cloud.binding, cloud.create)
    cloud.run(future)
    assert future.result()["id"] == "server-1"
    assert cloud.api.count(*POST) == 1


def test_promise_5_extras_are_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", lost_after, lost_after, lost_after)
    # A session that was told so repeats by itself what may have arrived.
    future = start_retried(cloud.binding, lambda: cloud.create(connect_retries=2))
    cloud.run(future)
    cloud.settle(60)
    assert future.result()["id"] == "server-1"
    assert cloud.api.alive() == ["server-1"]
    assert len(cloud.api.servers) == 3


def test_promise_5_what_an_earlier_try_has_made_is_not_adopted() -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR"]
    past: list[bytes] = []

    def remembers(proceed: Any) -> requests.Response:
        response: requests.Response = proceed()
        past.append(response.content)
        return response

    def shows_the_past(_: Any) -> Any:
        return answer(200, json.loads(past[0]))

    cloud.api.fault("GET", "/servers/server-1", remembers)
    future = start_retried(cloud.binding, cloud.create)
    cloud.engine.run_until(lambda: bool(past), 60)
    listed = {"servers": [json.loads(past[0])["server"]]}
    past[0] = json.dumps(listed).encode()
    cloud.api.fault("POST", "/servers", lost_after)
    cloud.api.fault("GET", "/servers/detail", shows_the_past)
    cloud.run(future)
    assert future.result()["id"] == "server-2"
    assert cloud.api.alive() == ["server-2"]
    assert cloud.api.count(*POST) == 2


def test_promise_5_others_are_left_alone() -> None:
    cloud = Cloud()
    theirs = start_retried(cloud.binding, cloud.create)
    cloud.run(theirs)
    cloud.api.fault("POST", "/servers", lost_after)
    future = start_retried(cloud.binding, cloud.create)
    cloud.run(future)
    cloud.settle(60)
    assert future.result()["id"] == "server-2"
    assert cloud.api.alive() == ["server-1", "server-2"]


def test_promise_5_without_a_stamp_it_is_not_sent_again() -> None:
    cloud = Cloud()
    created = start(cloud.binding, cloud.create)
    cloud.run(created)
    cloud.api.fault("POST", "/action", lost_before)

    def stop() -> Any:
        return cloud.binding.source.session.post(
            f"{NOVA}/servers/server-1/action", json={"os-stop": None}
        )

    future = start_retried(cloud.binding, stop, 5)
    cloud.run(future)
    error = error_of(future)
    assert isinstance(error, UnknownFate)
    assert error.operation == "server.stop"
    assert cloud.api.count("POST", "/compute/v2.1/servers/server-1/action") == 1


def test_promise_5_an_unknown_call_is_not_sent_again() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/os-keypairs", lost_after)

    def keypair() -> Any:
        body = {"keypair": {"name": "k"}}
        return cloud.binding.source.session.post(f"{NOVA}/os-keypairs", json=body)

    future = start_retried(cloud.binding, keypair, 5)
    cloud.run(future)
    assert isinstance(future.exception(), UnknownFate)
    assert cloud.api.count("POST", "/compute/v2.1/os-keypairs") == 1


def test_promise_5_a_cloud_that_cannot_be_searched_leaves_the_fate_unknown() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", lost_before)
    cloud.api.fault("GET", "/servers/detail", *[answers(503)] * 20)
    future = start_retried(cloud.binding, cloud.create, 5)
    cloud.run(future)
    assert isinstance(future.exception(), UnknownFate)
    assert cloud.api.count(*POST) == 1


def test_promise_5_the_last_try_is_searched_for_too() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", lost_after)
    future = start_retried(cloud.binding, cloud.create, 1)
    cloud.run(future)
    assert future.result()["id"] == "server-1"


def test_promise_5_a_retry_on_that_says_no_is_searched_for_but_not_sent_again() -> None:
    cloud = Cloud()
    policy = Retry(5, retry_on=OperationFailed)
    cloud.api.fault("POST", "/servers", lost_before)
    future = start_retried(cloud.binding, cloud.create, policy)
    cloud.run(future)
    assert future.exception() is not None
    assert cloud.api.count(*POST) == 1


# Clean-up that fails, deadlines over all


def test_what_could_not_be_undone_is_said_and_not_tried_again() -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR"]
    cloud.api.fault("DELETE", "/servers/server-1", *[answers(409)] * 9)
    future = start_retried(cloud.binding, cloud.create, 3)
    cloud.run(future)
    error = error_of(future)
    assert isinstance(error, ObjectCreationError)
    assert "No valid host" in str(error)
    assert "could not be undone" in str(error)
    assert "409" in str(error)
    assert cloud.api.count(*POST) == 1


def test_an_overall_deadline_is_never_outlasted_by_another_try() -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR"] * 100
    future = start_retried(cloud.binding, cloud.create, Retry(100, within=40.0))
    cloud.run(future)
    cloud.settle()
    assert len(error_of(future).attempts) > 2
    assert all(each["born"] < 40 for each in cloud.api.servers.values())
    assert cloud.api.alive() == []


# Taking back


def test_undo_of_a_call_that_has_not_begun_cancels_it() -> None:
    cloud = Cloud()
    waiting: list[Any] = []

    class Later:
        def submit(self, task: Any) -> None:
            waiting.append(task)

    cloud.engine.submissions = Later()
    future = start_retried(cloud.binding, cloud.create)
    gone = future.undo()
    cloud.run(gone)
    assert future.cancelled()
    for task in waiting:
        task()
    cloud.settle(30)
    assert cloud.api.count(*POST) == 0


def test_undo_in_the_middle_deletes_and_leaves_the_engine_well() -> None:
    cloud = Cloud()
    future = start_retried(cloud.binding, cloud.create)
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
    other = start_retried(cloud.binding, cloud.create)
    cloud.run(other)
    assert other.result()["status"] == "ACTIVE"


def test_undo_between_two_tries_prevents_the_next_one() -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR"]
    retry = Retry(3, backoff=50, longest=50, jitter=0)
    future = start_retried(cloud.binding, cloud.create, retry)
    assert cloud.engine.run_until(lambda: bool(future.attempts), 100)
    gone = future.undo()
    cloud.run(gone)
    assert future.done()
    cloud.settle(200)
    assert cloud.api.count(*POST) == 1
    assert cloud.api.alive() == []


def test_an_undo_that_has_given_up_is_no_reason_to_try_again_when_it_is_gone_after_all() -> None:
    cloud = Cloud()
    future = start_retried(cloud.binding, cloud.create)
    cloud.settle(1)
    cloud.api.fault("DELETE", "", done_but_answers(504), lost_before, lost_before)
    cloud.api.fault("GET", "", *[answers(503)] * 4)  # so that this is noticed only afterwards
    gone = future.undo()
    cloud.run(gone)
    assert gone.exception() is not None
    cloud.settle(100)
    assert cloud.api.servers["server-1"]["deleted"] is not None
    assert cloud.api.count(*POST) == 1


def test_undo_after_the_end_deletes_what_was_made_and_twice_is_fine() -> None:
    cloud = Cloud()
    future = start_retried(cloud.binding, cloud.create)
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
    building = start_retried(cloud.binding, cloud.create)
    cloud.api.fates = ["ERROR"]
    failing = start_retried(cloud.binding, cloud.create)
    built = start(cloud.binding, cloud.create)
    cloud.engine.run_until(lambda: bool(failing.attempts), 100)
    undoing = built.undo()
    cloud.settle(0.1)
    cloud.engine.stop()
    assert isinstance(undoing.exception(), EngineError)
    assert "No valid host" in str(failing.exception())  # and what it left is said, too
    assert "the engine was stopped" in str(failing.exception())
    assert building.done()


# Composed policies


def quick(tries: int, retry_on: Any = None, backoff: float = 1.0) -> Retry:
    return Retry(tries, backoff=backoff, factor=1.0, jitter=0.0, retry_on=retry_on)


@pytest.mark.parametrize(
    ("retry", "posts"),
    [
        (quick(3, ObjectCreationError) | quick(3, ValueError), 3),
        (quick(3, ValueError) | quick(3, KeyError), 1),
        (quick(2, ObjectCreationError) | quick(4, ValueError), 2),
        (quick(2, ObjectCreationError) | quick(4, ObjectCreationError), 4),
        (quick(3, ObjectCreationError) & quick(3, OperationFailed), 3),
        (quick(3, ObjectCreationError) & quick(3, ValueError), 1),
        (quick(4, ObjectCreationError) & quick(2, ObjectCreationError), 2),
        (quick(4) & quick(4, ValueError), 1),
    ],
)
def test_a_composed_policy_decides_a_real_call(retry: Retry, posts: int) -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR"] * 9
    future = start_retried(cloud.binding, cloud.create, retry)
    cloud.run(future)
    assert cloud.api.count(*POST) == posts
    assert [each.number for each in future.attempts] == list(range(1, posts + 1))
    assert error_of(future).attempts == future.attempts
    cloud.settle()
    assert cloud.api.alive() == []


@pytest.mark.parametrize("either", [True, False])
def test_a_composed_policy_pauses_as_the_shorter_or_the_longer_one(either: bool) -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", answers(409))
    short, long = quick(3, backoff=1.0), quick(3, backoff=20.0)
    future = start_retried(cloud.binding, cloud.create, short | long if either else short & long)
    assert cloud.engine.run_until(lambda: cloud.api.count(*POST) == 2, 100)
    assert cloud.clock.now() == pytest.approx(1.0 if either else 20.0, abs=0.5)
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"
    assert len(future.attempts) == 1  # a success tells of the tries that failed, too


@pytest.mark.parametrize(("either", "ends"), [(True, 50.0), (False, 5.0)])
def test_a_composed_policy_ends_with_the_longer_or_the_shorter_deadline(
    either: bool, ends: float
) -> None:
    cloud = Cloud()
    cloud.api.fates = ["ERROR"] * 99
    one, other = (replace(quick(99), within=seconds) for seconds in (5.0, 50.0))
    future = start_retried(cloud.binding, cloud.create, one | other if either else one & other)
    cloud.run(future)
    assert isinstance(error_of(future), OperationTimeout)
    assert cloud.clock.now() == pytest.approx(ends, abs=1.0)


@pytest.mark.parametrize("status", [413, 429, 503])
def test_a_wish_of_the_cloud_is_honoured_whatever_its_status(status: int) -> None:
    cloud = Cloud()
    path = "/action" if status == 503 else "/servers"  # a create is searched for after a 503
    cloud.api.fault("PUT" if status == 503 else "POST", path, answers(status, Retry_After="30"))

    def call() -> Any:
        if status != 503:
            return cloud.create()
        return cloud.binding.source.session.put(f"{NOVA}/servers/s/action", json={})

    future = start_retried(cloud.binding, call)
    method, where = ("PUT", "/compute/v2.1/servers/s/action") if status == 503 else POST
    assert cloud.engine.run_until(lambda: cloud.api.count(method, where) == 2, 100)
    assert cloud.clock.now() >= 30
    cloud.engine.run_until(future.done, 100)


# The policy as such


def exchange(status: int, method: str = "POST", response: Any = None) -> Exchange:
    return Exchange(method, f"{NOVA}/servers", {}, None, 0.0, status, {}, response)


@pytest.mark.parametrize(
    ("error", "sent", "failed", "expected"),
    [
        (OSError(), exchange(0), 1, Answer.SEARCH),
        (OSError(), exchange(503), 9, Answer.SEARCH),
        (OSError(), exchange(0, "DELETE"), 1, Answer.AGAIN),
        (OSError(), exchange(503, "PUT"), 1, Answer.AGAIN),
        (OSError(), exchange(400, response={"badRequest": {}}), 1, Answer.GIVE_UP),
        (OSError(), exchange(404, "DELETE", {"itemNotFound": {}}), 1, Answer.GIVE_UP),
        (OSError(), exchange(404, "DELETE", {"itemNotFound": {}}), 2, Answer.DONE),
        (OSError(), exchange(404, "DELETE"), 2, Answer.AGAIN),  # a load balancer's page
        (OSError(), exchange(403), 1, Answer.AGAIN),
        (OSError(), exchange(409), 1, Answer.AGAIN),
        (OSError(), exchange(409), 3, Answer.GIVE_UP),
        (OSError(), exchange(403, response={"message": "Quota exceeded"}), 1, Answer.AGAIN),
        (OSError(), exchange(403, response={"message": "Policy"}), 1, Answer.GIVE_UP),
        (OSError(), exchange(413, response={"message": "VolumeLimit quota"}), 1, Answer.AGAIN),
        (OperationTimeout("late"), None, 1, Answer.AGAIN),
        (OperationFailed("no"), None, 3, Answer.GIVE_UP),
        (TypeError(), None, 1, Answer.GIVE_UP),
        (KeyboardInterrupt(), None, 1, Answer.GIVE_UP),
    ],
)
def test_the_answer_to_a_failure(
    error: BaseException, sent: Exchange | None, failed: int, expected: Answer
) -> None:
    assert decide(error, sent, Retry(3), failed) is expected


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.ERROR, "osfutures")


# One try in the background


def test_a_background_call_is_answered_in_its_future() -> None:
    cloud = Cloud()
    waiting: list[Any] = []

    class Later:
        def submit(self, task: Any) -> None:
            waiting.append(task)

    binding = replace(cloud.binding, background=True)
    cloud.engine.submissions = Later()
    future = start(binding, cloud.create)
    assert not future.running()
    assert cloud.api.count(*POST) == 0
    waiting.pop()()
    assert future.sync_res.json()["server"]["id"] == future.resource_id
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"


def test_an_error_of_a_background_call_is_in_its_future() -> None:
    cloud = Cloud()
    cloud.api.fault("POST", "/servers", answers(400))
    future = start(replace(cloud.binding, background=True), cloud.create)
    error = future.exception()
    assert error is not None
    with pytest.raises(type(error)):
        _ = future.sync_res
