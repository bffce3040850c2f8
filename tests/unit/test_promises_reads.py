"""The engine's promises (design, section 5) about reads: promises 2, 3, 4 and 6."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import pytest

from pytest_osfutures.engine.poll_plan import ReadRequest, ReadResult
from pytest_osfutures.errors import (
    AccessDeniedError,
    OperationFailed,
    OperationTimeout,
    ResourceVanished,
)
from pytest_osfutures.policy import Poll

from .scripted import ACTION, SERVER, VOLUME, Scene, action, server

# 2


def test_promise_2_a_snapshot_asked_for_before_the_accept_proves_nothing() -> None:
    scene = Scene(Poll(fastest=0.1, slowest=0.1))
    before = 9.0  # when the reads were asked for whose answers come now

    def stale(request: ReadRequest) -> ReadResult | None:
        if scene.clock.now() > 15:
            return None
        return ReadResult(
            request, before, scene.clock.now(), {"a": {"id": "a", **server("SHUTOFF")}}
        )

    scene.world.interrupt(stale)
    scene.world.at(0, SERVER.ref(id="a"), server("SHUTOFF"))
    scene.clock.advance(10)
    ends = scene.start("server.stop", tout=20, id="a")
    scene.run(within=5)
    assert scene.world.reads
    assert not ends
    scene.run(lambda: ends)
    assert ends.success


def test_promise_2_absent_from_a_list_is_gone_only_when_a_read_by_id_says_so() -> None:
    scene = Scene(Poll(fastest=0.1, slowest=0.5, max_rate=100))
    refs = [VOLUME.ref(id=name) for name in "abcd"]
    for ref in refs:
        scene.world.at(0, ref, {"status": "deleting"})
    hidden: set[str] = {"a"}

    def without_hidden(request: ReadRequest) -> ReadResult | None:
        if not request.listing:
            return None
        found = {
            ref.id: {"id": ref.id, "status": "deleting"} for ref in refs if ref.id not in hidden
        }
        return ReadResult(request, scene.clock.now(), scene.clock.now(), found)

    scene.world.interrupt(without_hidden)
    ends = [scene.start("volume.delete", tout=100, id=name) for name in "abcd"]
    scene.run(within=10)
    assert not any(ends)
    assert any(request.refs == (refs[0],) for request in scene.world.reads if not request.listing)
    scene.world.now(refs[0], None)
    scene.run(lambda: ends[0])
    assert ends[0].success.body is None
    assert "/volumes/a" in [request.path for request in scene.world.reads[-2:]]


def test_promise_2_a_list_older_than_the_accept_makes_nobody_vanish() -> None:
    scene = Scene()
    ends = scene.start("server.stop", id="a")
    scene.world.at(-1, SERVER.ref(id="a"), server("ACTIVE", "powering-off"))
    scene.world.at(3, SERVER.ref(id="a"), server("SHUTOFF"))
    scene.run(lambda: ends)
    assert ends.success


# 3


@pytest.mark.parametrize(
    ("name", "back"),
    [
        ("server.resize", "ACTIVE"),
        ("server.stop", "ACTIVE"),
        ("server.unshelve", "SHELVED_OFFLOADED"),
        ("server.start", "SHUTOFF"),
        ("server.pause", "ACTIVE"),
    ],
)
def test_promise_3_a_silent_failure_fails_within_two_looks(name: str, back: str) -> None:
    scene = Scene()
    scene.world.at(0, SERVER.ref(id="a"), server(back, "working"))
    scene.world.at(6, SERVER.ref(id="a"), server(back))
    key = ACTION.ref(id="a", request_id="req-1")
    scene.world.at(0, key, action(("the_event", None)))
    scene.world.at(6, key, action(("the_event", "Error"), message="Error"))
    ends = scene.start(name, tout=600, id="a")
    scene.run(lambda: ends)
    assert isinstance(ends.error, OperationFailed)
    assert not isinstance(ends.error, OperationTimeout)
    assert "the_event" in str(ends.error)
    assert "Error" in str(ends.error)
    looks_after = [when for when in scene.world.times if when >= 6]
    assert len(looks_after) <= 2


def test_promise_3_a_status_of_success_does_not_count_while_a_task_is_under_way() -> None:
    scene = Scene()
    scene.world.at(0, SERVER.ref(id="a"), server("ACTIVE", "rebuilding"))
    scene.world.at(20, SERVER.ref(id="a"), server("ACTIVE"))
    ends = scene.start("server.rebuild", id="a")
    scene.run(lambda: ends)
    assert scene.clock.now() >= 20


@pytest.mark.parametrize("moment", [6.0, 6.1, 6.2, 6.3, 6.4, 6.5, 6.6, 6.7, 6.8, 6.9])
def test_promise_3_the_event_is_named_although_it_ends_after_the_task(moment: float) -> None:
    scene = Scene()
    key = ACTION.ref(id="a", request_id="req-1")
    scene.world.at(0, SERVER.ref(id="a"), server("ACTIVE", "resize_prep"))
    scene.world.at(moment, SERVER.ref(id="a"), server("ACTIVE"))
    scene.world.at(0, key, action(("conductor_migrate_server", None)))
    scene.world.at(moment + 0.3, key, action(("conductor_migrate_server", "Error")))
    ends = scene.start("server.resize", tout=600, id="a")
    scene.run(lambda: ends)
    assert "conductor_migrate_server" in str(ends.error)
    assert "event conductor_migrate_server failed" in str(ends.error)
    assert scene.clock.now() < moment + 5


def test_promise_3_a_server_that_something_else_has_reset_does_not_wait_for_the_deadline() -> None:
    scene = Scene()
    key = ACTION.ref(id="a", request_id="req-1")
    scene.world.at(0, SERVER.ref(id="a"), server("ACTIVE", "powering-off"))
    scene.world.at(6, SERVER.ref(id="a"), server("ACTIVE"))
    scene.world.at(0, key, action(("compute_stop_instance", None)))
    ends = scene.start("server.stop", tout=600, id="a")
    scene.run(lambda: ends)
    assert "no end" in str(ends.error)
    assert scene.clock.now() < 30


def test_promise_3_a_server_deleted_while_it_builds_fails_its_create_after_two_looks() -> None:
    scene = Scene()  # Nova deletes a build request without a trace: there is no action either
    ends = scene.start("server.create", tout=600, id="a")
    scene.run(lambda: ends)
    assert isinstance(ends.error, ResourceVanished)
    assert scene.world.count(SERVER) == 2
    assert scene.clock.now() < 3


def test_promise_3_one_of_many_servers_deleted_while_they_build_does_not_wait_either() -> None:
    scene = Scene()
    ends = {name: scene.start("server.create", tout=600, id=name) for name in "abcdefgh"}
    for name in "bcdefgh":
        scene.world.at(0, SERVER.ref(id=name), server("BUILD", "spawning"))
        scene.world.at(200, SERVER.ref(id=name), server("ACTIVE"))
    scene.run(lambda: ends["a"])
    assert isinstance(ends["a"].error, ResourceVanished)
    assert scene.clock.now() < 20


def test_promise_3_a_new_server_may_be_invisible_at_the_first_look() -> None:
    scene = Scene()
    scene.world.at(0.8, SERVER.ref(id="a"), server("BUILD", "spawning"))
    scene.world.at(4, SERVER.ref(id="a"), server("ACTIVE"))
    ends = scene.start("server.create", id="a")
    scene.run(lambda: ends)
    assert ends.success


@pytest.mark.parametrize("hangs", [False, True])
@pytest.mark.parametrize("status", ["ACTIVE", "ERROR"])
def test_promise_3_a_failure_waits_for_two_reads_of_its_evidence(status: str, hangs: bool) -> None:
    scene = Scene()
    scene.world.at(0, SERVER.ref(id="a"), server("ACTIVE", "powering-off"))
    scene.world.at(20, SERVER.ref(id="a"), server(status))
    evidence = []

    def unreadable(
        reader: object, request: ReadRequest, deliver: Callable[[ReadResult], None]
    ) -> None:
        now = scene.clock.now()
        if request.kind is not ACTION:
            deliver(scene.world.read(request, scene.clock))
            return
        evidence.append(now)
        if not hangs:
            deliver(ReadResult(request, now, now, error="GET answered 500"))

    scene.engine.monitor._start_read = unreadable
    ends = scene.start("server.stop", tout=600, id="a")
    scene.run(lambda: ends)
    assert isinstance(ends.error, OperationFailed)
    assert not isinstance(ends.error, OperationTimeout)
    assert len(evidence) == 2
    assert scene.clock.now() < (34 if hangs else 26)


def test_promise_3_a_late_explanation_still_counts() -> None:
    scene = Scene()
    scene.world.at(0, SERVER.ref(id="a"), server("ERROR"))
    key = ACTION.ref(id="a", request_id="req-1")
    scene.world.at(0, key, action(("the_event", "Error")))

    def slow(reader: object, request: ReadRequest, deliver: Callable[[ReadResult], None]) -> None:
        result = scene.world.read(request, scene.clock)
        scene.engine.call_later(8.0 if request.kind is ACTION else 0.0, lambda: deliver(result))

    scene.engine.monitor._start_read = slow
    ends = scene.start("server.stop", tout=600, id="a")
    scene.run(lambda: ends)
    assert isinstance(ends.error, OperationFailed)
    assert ends.error.events


# 4


def test_promise_4_an_unknown_status_is_an_error_that_names_it() -> None:
    scene = Scene()
    scene.world.now(SERVER.ref(id="a"), server("TELEPORTED"))
    scene.world.now(VOLUME.ref(id="v"), {"status": "teleported"})
    key = ACTION.ref(id="a", request_id="req-1")
    scene.world.now(key, action(("compute_stop_instance", "Success")))
    stopping = scene.start("server.stop", tout=600, id="a")
    creating = scene.start("volume.create", tout=600, id="v", request_id=None)
    scene.run(lambda: stopping and creating)
    assert "TELEPORTED" in str(stopping.error)
    assert "teleported" in str(creating.error)
    assert scene.clock.now() < 60


def test_promise_4_error_while_being_deleted_is_still_being_deleted() -> None:
    scene = Scene()
    scene.world.at(0, SERVER.ref(id="a"), server("ERROR", "deleting"))
    scene.world.at(10, SERVER.ref(id="a"), None)
    ends = scene.start("server.delete", id="a")
    scene.run(lambda: ends)
    assert ends.success.body is None


# 5 is in test_fate.py: it is about requests.


# 6


@pytest.mark.parametrize("retry_after", [None, 12.0])
def test_promise_6_a_failed_poll_delays_and_fails_nobody(retry_after: float | None) -> None:
    scene = Scene()
    scene.world.at(0, SERVER.ref(id="a"), server("SHUTOFF"))
    failed: list[float] = []

    def refuse(request: ReadRequest) -> ReadResult | None:
        now = scene.clock.now()
        if len(failed) == 3:
            return None
        failed.append(now)
        return ReadResult(request, now, now, error="GET answered 429", retry_after=retry_after)

    scene.world.interrupt(refuse)
    ends = scene.start("server.stop", tout=300, id="a")
    scene.run(lambda: ends)
    assert ends.success
    if retry_after is not None:
        times = scene.world.times
        assert all(later - sooner >= 12 for sooner, later in itertools.pairwise(times))


def test_promise_6_polls_that_keep_failing_end_with_the_deadline() -> None:
    scene = Scene()
    scene.world.interrupt(lambda request: ReadResult(request, 0, scene.clock.now(), error="down"))
    ends = scene.start("server.stop", tout=30, id="a")
    scene.run(lambda: ends)
    assert isinstance(ends.error, OperationTimeout)
    assert ends.error.why == "not done within its 30 s, and the last read failed: down"


def test_promise_6_access_denied_fails_at_once_those_that_depend_on_it() -> None:
    scene = Scene()
    scene.world.now(VOLUME.ref(id="v"), {"status": "creating"})
    scene.world.at(20, VOLUME.ref(id="v"), {"status": "available"})

    def refuse(request: ReadRequest) -> ReadResult | None:
        now = scene.clock.now()
        if request.kind != SERVER:
            return None
        return ReadResult(
            request, now, now, error="GET compute /servers/a answered 403: no", fatal=True
        )

    scene.world.interrupt(refuse)
    denied = scene.start("server.stop", id="a")
    fine = scene.start("volume.create", id="v")
    scene.run(lambda: denied)
    assert isinstance(denied.error, AccessDeniedError)
    assert "403" in str(denied.error)
    assert scene.clock.now() < 5
    scene.run(lambda: fine)
    assert fine.success
