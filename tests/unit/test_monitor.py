"""The loop: when it looks, what it asks, and that nobody is forgotten."""

from __future__ import annotations

import gc
import itertools
import math
from collections.abc import Callable
from functools import partial

import pytest

from pytest_osfutures.errors import AccessDenied, EngineError, OperationTimeout
from pytest_osfutures.group import OVERDUE
from pytest_osfutures.operation import Kind
from pytest_osfutures.policy import Poll
from pytest_osfutures.snapshot import Look, Outcome
from pytest_osfutures.watch import Reader

from .scripted import ACTION, INTERFACE, SERVER, VOLUME, Ends, Scene, action, server, watch


def failing(scene: Scene, kind: Kind, times: float = math.inf, **more: object) -> None:
    """Let the next reads of a kind fail."""
    left = [times]

    def interruption(look: Look) -> Outcome | None:
        if look.kind != kind or left[0] <= 0:
            return None
        left[0] -= 1
        now = scene.clock.now()
        return Outcome(look, now, now, error="GET answered 503", **more)  # type: ignore[arg-type]

    scene.world.interrupt(interruption)


def test_an_operation_ends_soon_after_the_cloud_has_finished_it() -> None:
    scene = Scene()
    scene.world.at(0, SERVER.ref(id="a"), server("BUILD", "spawning"))
    scene.world.at(9, SERVER.ref(id="a"), server("ACTIVE"))
    ends = scene.start("server.create", id="a")

    assert scene.run(lambda: ends)

    assert ends.success.body is not None
    assert ends.success.body["status"] == "ACTIVE"
    assert 9 <= scene.clock.now() <= 9 + 2 * scene.world.poll.fastest + 1


def test_the_step_says_when_something_is_due_again() -> None:
    scene = Scene()
    scene.world.now(SERVER.ref(id="a"), server("BUILD"))
    assert scene.engine.monitor.step() == math.inf
    scene.start("server.create", id="a")
    for _ in range(20):
        again = scene.engine.monitor.step()
        assert again <= scene.clock.now() + scene.world.poll.slowest * 1.1
        scene.clock.advance_to(again)


def test_reads_keep_to_the_rate() -> None:
    poll = Poll(max_rate=2.0, burst=4, fastest=0.01, slowest=0.01)
    scene = Scene(poll)
    for number in range(20):  # without lists: each wants reads of its own
        names = {"server": f"s{number}", "volume": f"v{number}"}
        scene.world.now(VOLUME.ref(id=f"v{number}"), {"status": "attaching", "attachments": []})
        scene.start("server.attach_volume", tout=30, **names)
    scene.run(within=20)

    for start in range(15):
        in_window = [when for when in scene.world.times if start <= when < start + 5]
        assert len(in_window) <= poll.burst + 5 * poll.max_rate


def test_no_group_starves_when_reads_are_scarce() -> None:
    scene = Scene(Poll(max_rate=0.1, burst=1))
    scene.world.now(SERVER.ref(id="a"), server("ACTIVE", "powering-off"))
    scene.world.now(VOLUME.ref(id="v"), {"status": "creating"})
    stopping = scene.start("server.stop", tout=300, id="a")
    creating = scene.start("volume.create", tout=300, id="v")
    scene.run(within=100)
    assert not stopping + creating
    of_servers, of_volumes = scene.world.count(SERVER), scene.world.count(VOLUME)
    assert abs(of_servers - of_volumes) <= 1
    assert of_volumes >= 4


def test_a_kind_without_a_list_is_looked_at_although_another_one_is_looked_at_all_the_time() -> (
    None
):
    scene = Scene(Poll(max_rate=100, burst=100))
    scene.world.now(SERVER.ref(id="a"), server("ERROR", "rebuilding"))
    scene.world.now(ACTION.ref(id="a", request_id="req-1"), action(("rebuild_server", None)))
    first = scene.start("server.rebuild", tout=300, id="a")
    scene.run(within=60)
    early = scene.world.count(ACTION)
    for number in range(40):  # the servers are now looked at for many others
        scene.clock.advance(0.3)
        ref = SERVER.ref(id=f"n{number}")
        scene.world.now(ref, server("BUILD", "spawning"))
        scene.world.at(scene.clock.now() + 1, ref, server("ACTIVE"))
        scene.start("server.create", id=f"n{number}")
        scene.run(within=0.3)
    assert not first
    assert scene.world.count(ACTION) >= early + 12 / scene.world.poll.slowest / 2


def test_all_watches_of_a_kind_without_a_list_get_their_turn() -> None:
    scene = Scene(Poll(max_rate=1, burst=1))
    scene.world.interrupt(
        lambda look: (
            None
            if look.kind != INTERFACE
            else Outcome(
                look,
                scene.clock.now(),
                scene.clock.now(),
                {look.refs[0].id: {"port_state": "BUILD"}},
            )
        )
    )
    for number in range(10):
        names = {"server": f"s{number}", "port": f"p{number}"}
        scene.start("server.interface_attach", tout=300, **names)
    scene.run(within=60)
    asked = {look.path for look in scene.world.looks if look.kind == INTERFACE}
    assert len(asked) == 10


def test_one_that_always_fails_does_not_keep_the_others_from_being_read() -> None:
    scene = Scene(Poll(max_rate=1, burst=1))
    bad = INTERFACE.ref(server="s0", port="p0")

    def refuse(look: Look) -> Outcome | None:
        now = scene.clock.now()
        return Outcome(look, now, now, error="answered 500") if bad in look.refs else None

    scene.world.interrupt(refuse)
    for number in range(4):
        names = {"server": f"s{number}", "port": f"p{number}"}
        scene.start("server.interface_attach", tout=300, **names)
    scene.run(within=100)
    asked = {look.path for look in scene.world.looks if look.kind == INTERFACE}
    assert len(asked) == 4


def test_what_retry_after_asks_for_is_granted_to_all_kinds_and_to_new_watches() -> None:
    scene = Scene()
    scene.world.now(SERVER.ref(id="a"), server("ACTIVE", "powering-off"))
    scene.world.now(SERVER.ref(id="b"), server("ACTIVE", "powering-off"))
    failing(scene, SERVER, times=1, retry_after=40.0)
    scene.start("server.stop", id="a", tout=300)
    assert scene.run(lambda: scene.world.times)
    asked = scene.clock.now()
    scene.start("server.stop", id="b", tout=300)
    scene.start("server.interface_attach", server="s", port="p", tout=300)
    scene.run(lambda: len(scene.world.looks) > 1)
    assert scene.clock.now() >= asked + 40


def test_after_failures_reads_come_back_slower_but_come_back() -> None:
    scene = Scene()
    scene.world.now(SERVER.ref(id="a"), server("SHUTOFF"))
    failing(scene, SERVER, times=5)
    ends = scene.start("server.stop", id="a", tout=300)
    assert scene.run(lambda: ends)
    assert ends.success
    pauses = [later - sooner for sooner, later in itertools.pairwise(scene.world.times)]
    assert len(pauses) == 5
    assert pauses[-1] > pauses[0]
    assert max(pauses) <= scene.world.poll.slowest


def test_what_was_not_answered_for_long_is_asked_for_by_itself() -> None:
    scene = Scene(Poll(max_rate=100, burst=100))
    for name in "abcdef":
        scene.world.at(-1000, SERVER.ref(id=name), server("ACTIVE", "powering-off"))
        scene.start("server.stop", id=name, tout=300)
    scene.run(within=2 * OVERDUE)
    listed = {ref.id for look in scene.world.looks if look.since is None for ref in look.refs}
    assert listed == set("abcdef")


def create_many(scene: Scene, done: Callable[[int], float], many: int = 100) -> list[Ends]:
    """Create so many servers; number n is ACTIVE after `done(n)` seconds."""
    ends = []
    for number in range(many):
        ref = SERVER.ref(id=f"s{number}")
        scene.world.at(0, ref, server("BUILD", "spawning"))
        scene.world.at(done(number), ref, server("ACTIVE"))
        ends.append(scene.start("server.create", tout=300, id=f"s{number}"))
    return ends


def lists(scene: Scene, narrow: bool = True) -> list[float]:
    """When lists left: those of what has ended, or those of everything."""
    looks = zip(scene.world.times, scene.world.looks, strict=True)
    return [when for when, look in looks if look.listing and (look.since is not None) == narrow]


def test_lists_come_twice_as_often_while_many_end_at_a_time() -> None:
    scene = Scene()
    ends = create_many(scene, lambda number: 5 + number / 50)  # 25 between two lists
    assert scene.run(lambda: all(ends))
    pauses = [later - sooner for sooner, later in itertools.pairwise(lists(scene))]
    assert pauses[:5] == pytest.approx([scene.world.poll.fastest] * 5)
    assert min(pauses) == pytest.approx(scene.world.poll.fastest / 2)


def test_before_anything_ends_the_burst_is_saved() -> None:
    scene = Scene()
    ends = create_many(scene, lambda _: 30.0)
    scene.run(within=10)
    assert not any(ends)
    assert len(scene.world.times) <= 10 * scene.world.poll.max_rate


def test_a_list_of_everything_does_not_hold_up_what_has_ended() -> None:
    scene = Scene()
    ends = create_many(scene, lambda number: 20.0 if number else 40.0)
    monitor, start = scene.engine.monitor, scene.engine.monitor._start_look
    held: list[float] = []

    def slow(reader: Reader, look: Look, deliver: Callable[[Outcome], None]) -> None:
        if look.listing and look.since is None:  # and its answer takes longer than the test
            held.append(scene.clock.now())
        else:
            start(reader, look, deliver)

    monitor._start_look = slow
    assert scene.run(lambda: all(ends[1:]), within=25)
    assert len(held) == 1
    assert held[0] < 20


@pytest.mark.parametrize("many", [1, 10])
def test_a_look_that_hangs_holds_up_the_others_for_a_moment_only(many: int) -> None:
    scene = Scene()
    ends = create_many(scene, lambda _: 4.0, many)
    monitor, start = scene.engine.monitor, scene.engine.monitor._start_look
    hung: list[Look] = []

    def hang(reader: Reader, look: Look, deliver: Callable[[Outcome], None]) -> None:
        if scene.clock.now() > 3 and not hung:
            hung.append(look)
        else:
            start(reader, look, deliver)

    monitor._start_look = hang
    assert scene.run(lambda: all(ends), within=4 + scene.world.poll.slowest)
    assert hung


def test_the_last_few_of_many_are_listed_and_not_read_one_by_one() -> None:
    scene = Scene()
    ends = create_many(scene, lambda number: 5.0 if number > 4 else 60.0)
    scene.run(lambda: all(ends[5:]))
    before = len(scene.world.looks)
    scene.run(within=10)
    assert all(look.listing for look in scene.world.looks[before:])


def test_two_share_a_list_where_the_rate_has_no_room_for_a_read_of_each() -> None:
    scene = Scene()
    ends = create_many(scene, lambda _: 60.0, 2)
    scene.run(within=8)  # the burst is spent
    before = len(scene.world.looks)
    scene.run(within=10)
    looks = scene.world.looks[before:]
    seen = [sum(ref.id == name for look in looks for ref in look.refs) for name in ("s0", "s1")]
    assert len(looks) <= 10 * scene.world.poll.max_rate + 1
    assert min(seen) >= 0.9 * len(looks)
    assert scene.run(lambda: all(ends), within=300)


def test_what_was_done_before_the_answer_came_is_in_the_first_list() -> None:
    scene = Scene(Poll(max_rate=100, burst=100))
    scene.clock.advance(20)
    scene.world.now(SERVER.ref(id="z"), server("SHUTOFF"))  # tells the cloud's date exactly
    told = scene.start("server.stop", id="z", request_id=None)
    scene.run(lambda: told)
    for name in "abcdef":
        scene.world.at(10, SERVER.ref(id=name), server("SHUTOFF"))
    ends = [scene.start("server.stop", id=name, request_id=None, sent_at=9.0) for name in "abcdef"]
    assert scene.run(lambda: all(ends), within=OVERDUE - 1)


def test_lists_of_changes_reach_back_to_the_last_list_and_not_to_the_beginning() -> None:
    scene = Scene(Poll(max_rate=100, burst=100))
    for name in "abcdef":
        scene.world.at(0, SERVER.ref(id=name), server("ACTIVE", "powering-off"))
        scene.start("server.stop", id=name, tout=1000)
    epoch = scene.clock.time() - scene.clock.now()
    for second in range(200):  # something is always going on
        scene.world.at(second, SERVER.ref(id="other"), server("ACTIVE"))
    scene.run(within=100)
    lists = [
        (when, look.since)
        for when, look in zip(scene.world.times, scene.world.looks, strict=True)
        if look.listing
    ]
    assert sum(since is not None for _, since in lists) > 10
    for (before, _), (_, since) in itertools.pairwise(lists[2:]):
        assert since is None or before - 5 < since - epoch <= before


def test_a_change_between_two_lists_is_never_missed() -> None:
    scene = Scene(Poll(max_rate=100, burst=100))
    ends = []
    for number in range(30):
        name = f"s{number}"
        scene.world.at(number, SERVER.ref(id=name), server("ACTIVE", "powering-off"))
        scene.world.at(number + 0.3 + number / 7, SERVER.ref(id=name), server("SHUTOFF"))
    for number in range(30):
        scene.clock.advance_to(number)
        ends.append(scene.start("server.stop", id=f"s{number}", tout=300))
        scene.run(within=1)
    assert scene.run(lambda: all(ends), within=OVERDUE - 1)


def test_a_watch_that_comes_while_a_list_failed_sees_what_happened_before() -> None:
    scene = Scene(Poll(max_rate=100, burst=100))
    for name in "abcd":
        scene.world.at(0, SERVER.ref(id=name), server("ACTIVE", "powering-off"))
        scene.start("server.stop", id=name, tout=300)
    scene.run(within=20)
    scene.world.now(SERVER.ref(id="new"), server("SHUTOFF"))
    ends = scene.start("server.stop", id="new", tout=300)
    failing(scene, SERVER, times=4)
    assert scene.run(lambda: ends, within=OVERDUE)
    assert ends.success


def test_a_group_that_vanished_while_its_read_was_under_way_does_no_harm() -> None:
    scene = Scene()
    scene.world.now(SERVER.ref(id="a"), server("ACTIVE", "powering-off"))
    monitor = scene.engine.monitor
    waiting: list[Callable[[], None]] = []

    def hang(reader: Reader, look: Look, deliver: Callable[[Outcome], None]) -> None:
        waiting.append(partial(deliver, reader.read(look, scene.clock)))

    monitor._start_look = hang
    ends = scene.start("server.stop", id="a", tout=5)
    scene.run(within=20)
    assert isinstance(ends.error, OperationTimeout)
    assert waiting
    for deliver in waiting:
        deliver()
    again = scene.start("server.stop", id="a", tout=5)
    scene.run(within=20)
    assert isinstance(again.error, OperationTimeout)


def test_a_list_that_was_asked_for_before_the_accept_leaves_no_trace() -> None:
    scene = Scene()
    ref = SERVER.ref(id="a")
    ends = Ends()
    one = watch(scene.world, "server.stop", ends, accepted_at=10.0, id="a")
    scene.engine.watch(one)
    scene.engine.monitor.step()

    def stale(look: Look) -> Outcome:
        return Outcome(look, 9.9, scene.clock.now(), {"a": server("SHUTOFF")})

    scene.world.interrupt(stale)
    scene.clock.advance_to(11)
    scene.run(within=5)
    assert not ends
    assert ref not in one.sights
    assert one.history == []


def test_a_verdict_that_raises_fails_its_own_operation_only() -> None:
    scene = Scene()
    scene.world.now(VOLUME.ref(id="v"), {"status": "available"})  # an extend without a size
    scene.world.now(SERVER.ref(id="a"), server("SHUTOFF"))
    odd = scene.start("volume.extend", id="v")
    fine = scene.start("server.stop", id="a")
    assert scene.run(lambda: odd and fine)
    assert isinstance(odd.error, EngineError)
    assert "volume.extend" in str(odd.error)
    assert isinstance(odd.error.__cause__, KeyError)
    assert fine.success


def test_a_failure_whose_explanation_cannot_be_read_does_not_wait_for_the_deadline() -> None:
    scene = Scene()
    fault = {"code": 500, "message": "No valid host was found. "}
    scene.world.now(SERVER.ref(id="a"), server("ERROR", fault=fault))
    failing(scene, ACTION)
    ends = scene.start("server.create", id="a", tout=600)
    scene.run(lambda: ends)
    assert "No valid host was found." in str(ends.error)
    assert scene.clock.now() < 30


def test_an_explanation_that_is_forbidden_is_none() -> None:
    scene = Scene()
    scene.world.now(SERVER.ref(id="a"), server("ERROR"))
    failing(scene, ACTION, fatal=True)
    ends = scene.start("server.create", id="a", tout=600)
    scene.run(lambda: ends)
    assert not isinstance(ends.error, AccessDenied)
    assert scene.clock.now() < 10


def test_a_cloud_that_became_quicker_is_noticed() -> None:
    scene = Scene(Poll(max_rate=100, burst=100))

    def take(seconds: float, number: int) -> float:
        ref, begin = SERVER.ref(id=f"s{number}"), scene.clock.now()
        scene.world.now(ref, server("BUILD", "spawning"))
        scene.world.at(begin + seconds, ref, server("ACTIVE"))
        ends = scene.start("server.create", id=f"s{number}", tout=300)
        assert scene.run(lambda: ends)
        return scene.clock.now() - begin

    for number in range(10):
        take(40, number)
    for number in range(30):
        last = take(1, 100 + number)
    assert last < 10


def test_nothing_is_kept_of_a_reader_that_is_gone() -> None:
    scene = Scene()
    scene.world.now(SERVER.ref(id="a"), server("SHUTOFF"))
    ends = scene.start("server.stop", id="a")
    assert scene.run(lambda: ends)
    monitor = scene.engine.monitor
    assert len(monitor._buckets) == 1
    del scene.world
    gc.collect()
    assert len(monitor._buckets) == 0
    assert len(monitor._offsets) == 0


def test_abandoning_ends_every_watch_even_if_one_end_raises() -> None:
    scene = Scene()
    ends = Ends()

    def raises(_: object) -> None:
        raise RuntimeError("no")

    scene.engine.watch(watch(scene.world, "server.stop", raises, id="a"))
    scene.engine.watch(watch(scene.world, "server.stop", ends, id="b"))
    scene.engine.monitor.step()
    scene.engine.stop()
    assert isinstance(ends.error, EngineError)
    assert scene.engine.monitor.pending == 0


@pytest.mark.parametrize("since_accept", [0.0, 100.0])
def test_a_deadline_counts_from_the_accept(since_accept: float) -> None:
    scene = Scene()
    scene.clock.advance(since_accept)
    ends = scene.start("server.stop", id="a", tout=50, accepted_at=scene.clock.now() - 20)
    scene.world.now(SERVER.ref(id="a"), server("ACTIVE", "powering-off"))
    begin = scene.clock.now()
    scene.run(lambda: ends)
    assert isinstance(ends.error, OperationTimeout)
    assert scene.clock.now() == pytest.approx(begin + 30)


def test_an_error_carries_what_was_seen() -> None:
    scene = Scene()
    ref = SERVER.ref(id="a")
    scene.world.at(0, ref, server("ACTIVE", "powering-off", name="web"))
    scene.world.at(4, ref, server("ACTIVE", None, name="web"))
    key = ACTION.ref(id="a", request_id="req-1")
    scene.world.at(0, key, action(("compute_stop_instance", "Error"), message="Error"))
    ends = scene.start("server.stop", id="a")
    scene.run(lambda: ends)
    error = ends.error
    facts = getattr(error, "facts")  # noqa: B009
    assert (facts.operation, facts.resource_id, facts.resource_name) == ("server.stop", "a", "web")
    assert [(seen.status, seen.task_state) for seen in facts.history] == [
        ("ACTIVE", "powering-off"),
        ("ACTIVE", None),
    ]
    assert facts.events[0].name == "compute_stop_instance"
    assert facts.request_id == "req-1"


def test_many_that_are_deleted_together_end_soon_after_they_are_gone() -> None:
    scene = Scene(Poll(max_rate=20, burst=20))
    for number in range(20):
        ref = SERVER.ref(id=f"s{number}")
        scene.world.at(0, ref, server("ACTIVE", "deleting"))
        scene.world.at(4, ref, server("DELETED"))  # for a moment
        scene.world.at(4.2, ref, None)
    ends = [scene.start("server.delete", id=f"s{number}") for number in range(20)]
    assert scene.run(lambda: all(ends), within=60)
    assert scene.clock.now() < 10


def test_a_deleted_server_that_nova_still_shows_is_not_asked_for_without_pause() -> None:
    scene = Scene(Poll(max_rate=1000, burst=1000))
    ref = SERVER.ref(id="a")
    scene.world.at(0, ref, server("ACTIVE", "deleting"))
    scene.world.at(4, ref, server("DELETED"))
    scene.world.at(14, ref, None)
    ends = scene.start("server.delete", id="a")
    assert scene.run(lambda: ends, within=60)
    assert scene.clock.now() >= 14
    assert len([when for when in scene.world.times if 4 <= when < 14]) < 40


def test_a_server_deleted_before_it_was_placed_is_found_to_be_gone() -> None:
    scene = Scene()
    for name in "abcd":  # others are being watched, so lists of changes are read
        scene.world.at(0, SERVER.ref(id=name), server("ACTIVE", "powering-off"))
        scene.start("server.stop", tout=300, id=name)
    scene.run(within=10)

    def never_in_changes(look: Look) -> Outcome | None:
        asked_alone = any(ref.id == "request" for ref in look.refs) and not look.listing
        if asked_alone:
            return Outcome(look, scene.clock.now(), scene.clock.now(), {})
        return None

    scene.world.interrupt(never_in_changes)
    ends = scene.start("server.delete", tout=300, id="request")
    assert scene.run(lambda: ends, within=OVERDUE + 10)
    assert ends.success.body is None
