"""The loop's lists: their frequency, their contents, and their completeness."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace

import pytest

from pytest_osfutures.engine.poll_group import OVERDUE
from pytest_osfutures.engine.poll_plan import ReadRequest, ReadResult
from pytest_osfutures.engine.watch import Reader
from pytest_osfutures.operations.model import Observation
from pytest_osfutures.policy import Poll
from tests.unit.scripted import SERVER, Ends, Scene, failing, server, watch


def test_resources_unmentioned_for_long_are_read_by_id_or_full_list() -> None:
    scene = Scene(Poll(max_rate=100, burst=100))
    for name in "abcdef":
        scene.world.at(-1000, SERVER.ref(id=name), server("ACTIVE", "powering-off"))
        scene.start("server.stop", id=name, tout=300)
    scene.run(within=2 * OVERDUE)
    listed = {
        ref.id for request in scene.world.reads if request.since is None for ref in request.refs
    }
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
    """Return the times of the lists: of ended resources, or of all."""
    reads = zip(scene.world.times, scene.world.reads, strict=True)
    return [
        when for when, request in reads if request.listing and (request.since is not None) == narrow
    ]


def test_lists_come_twice_as_often_while_many_end_at_a_time() -> None:
    scene = Scene()
    ends = create_many(scene, lambda number: 5 + number / 50)  # 25 between two lists
    assert scene.run(lambda: all(ends))
    pauses = [later - sooner for sooner, later in itertools.pairwise(lists(scene))]
    assert pauses[:5] == pytest.approx([scene.world.poll.fastest] * 5)
    assert min(pauses) == pytest.approx(scene.world.poll.fastest / 2)


def test_lists_show_only_ended_servers_while_all_operations_create_some() -> None:
    scene = Scene()
    create_many(scene, lambda _: 30.0, 10)
    scene.run(within=10)
    reads = [each for each in scene.world.reads if each.since is not None]
    assert reads
    assert all(each.path.endswith("&status=ACTIVE&status=ERROR") for each in reads)
    scene.start("server.stop", id="s0")  # an ACTIVE server may still be about to stop
    scene.run(within=5)
    assert "status=" not in scene.world.reads[-1].path


def test_a_list_serves_watches_that_are_not_due_as_well() -> None:
    scene = Scene()
    known = create_many(scene, lambda _: 100.0, 3)
    assert scene.run(lambda: all(known))
    began_at = scene.clock.now()
    for name in "abcd":
        scene.world.at(0, SERVER.ref(id=name), server("ACTIVE", "powering-off"))
        scene.start("server.stop", id=name, tout=300)
    early = SERVER.ref(id="early")
    scene.world.at(began_at, early, server("BUILD"))
    scene.world.at(began_at + 10.0, early, server("ACTIVE"))
    ends = scene.start("server.create", id="early")  # due after 80 s, by the known durations
    assert scene.run(lambda: ends, within=20)


def test_before_anything_ends_the_burst_is_saved() -> None:
    scene = Scene()
    ends = create_many(scene, lambda _: 30.0)
    scene.run(within=10)
    assert not any(ends)
    assert len(scene.world.times) <= 10 * scene.world.poll.max_rate


def test_a_slow_full_list_does_not_delay_ended_operations() -> None:
    scene = Scene()
    ends = create_many(scene, lambda number: 20.0 if number else 40.0)
    monitor, start = scene.engine.monitor, scene.engine.monitor._start_read
    held: list[float] = []

    def slow(reader: Reader, request: ReadRequest, deliver: Callable[[ReadResult], None]) -> None:
        if request.listing and request.since is None:  # and its answer takes longer than the test
            held.append(scene.clock.now())
        else:
            start(reader, request, deliver)

    monitor._start_read = slow
    assert scene.run(lambda: all(ends[1:]), within=25)
    assert len(held) == 1
    assert held[0] < 20


def test_full_lists_that_hang_leave_no_faster_than_the_policy_allows() -> None:
    scene = Scene(Poll(max_rate=100, burst=100))
    for name in "abcdef":  # only a full list confirms that deleted servers are gone
        scene.world.at(0, SERVER.ref(id=name), server("ACTIVE", "deleting"))
        scene.world.at(1, SERVER.ref(id=name), server("DELETED"))
        scene.start("server.delete", id=name)
    start = scene.engine.monitor._start_read
    left: list[float] = []

    def hang(reader: Reader, request: ReadRequest, deliver: Callable[[ReadResult], None]) -> None:
        if request.listing and request.since is None:
            left.append(scene.clock.now())
        else:
            start(reader, request, deliver)

    scene.engine.monitor._start_read = hang
    scene.run(within=20)
    assert len(left) > 2
    pauses = [later - sooner for sooner, later in itertools.pairwise(left)]
    assert min(pauses) == pytest.approx(scene.world.poll.fastest)


@pytest.mark.parametrize(("many", "is_read_early"), [(1, False), (40, True)])
def test_only_many_operations_are_read_before_their_known_duration(
    many: int, is_read_early: bool
) -> None:
    scene = Scene()
    known = create_many(scene, lambda _: 30.0, 3)
    assert scene.run(lambda: all(known))
    began_at, before = scene.clock.now(), len(scene.world.reads)
    create_many(scene, lambda _: began_at + 30.0, many)
    scene.run(within=20)
    assert (len(scene.world.reads) > before) is is_read_early


@pytest.mark.parametrize("many", [1, 10])
def test_a_read_that_hangs_delays_other_reads_for_a_moment_only(many: int) -> None:
    scene = Scene()
    ends = create_many(scene, lambda _: 4.0, many)
    monitor, start = scene.engine.monitor, scene.engine.monitor._start_read
    hung: list[ReadRequest] = []

    def hang(reader: Reader, request: ReadRequest, deliver: Callable[[ReadResult], None]) -> None:
        if scene.clock.now() > 3 and not hung:
            hung.append(request)
        else:
            start(reader, request, deliver)

    monitor._start_read = hang
    assert scene.run(lambda: all(ends), within=4 + scene.world.poll.slowest)
    assert hung


def test_the_last_few_of_many_are_listed_and_not_read_one_by_one() -> None:
    scene = Scene()
    ends = create_many(scene, lambda number: 5.0 if number > 4 else 60.0)
    scene.run(lambda: all(ends[5:]))
    before = len(scene.world.reads)
    scene.run(within=10)
    assert all(request.listing for request in scene.world.reads[before:])


def test_two_share_a_list_where_the_rate_has_no_room_for_a_read_of_each() -> None:
    scene = Scene()
    ends = create_many(scene, lambda _: 60.0, 2)
    scene.run(within=8)  # the burst is spent
    before = len(scene.world.reads)
    scene.run(within=10)
    reads = scene.world.reads[before:]
    seen = [
        sum(ref.id == name for request in reads for ref in request.refs) for name in ("s0", "s1")
    ]
    assert len(reads) <= 10 * scene.world.poll.max_rate + 1
    assert min(seen) >= 0.9 * len(reads)
    assert scene.run(lambda: all(ends), within=300)


def test_a_new_watch_does_not_wait_for_the_pauses_of_old_watches() -> None:
    scene = Scene()
    old = [scene.start("server.stop", id=name, tout=3000) for name in "abcdef"]
    for name in "abcdef":
        scene.world.at(-1000, SERVER.ref(id=name), server("ACTIVE", "powering-off"))
    scene.run(within=400)
    paused = lists(scene)[-1] - lists(scene)[-2]
    assert paused > 4 * scene.world.poll.fastest
    assert scene.run(lambda: scene.world.times[-1] > scene.clock.now() - 0.01)
    ref = SERVER.ref(id="new")
    scene.world.at(scene.clock.now() - 1, ref, server("BUILD", "spawning"))
    scene.world.at(scene.clock.now() + 0.5, ref, server("ACTIVE"))
    came_at = scene.clock.now()
    new = scene.start("server.create", id="new")
    assert scene.run(lambda: new, within=paused - 0.5)
    assert scene.clock.now() - came_at <= 4 * scene.world.poll.fastest
    assert not any(old)


def test_the_heap_of_due_reads_does_not_grow_with_their_number() -> None:
    scene = Scene()
    for name in "abc":
        scene.world.at(-1000, SERVER.ref(id=name), server("ACTIVE", "powering-off"))
        scene.start("server.stop", id=name, tout=100_000)
    scene.run(within=3000)
    assert len(scene.world.reads) > 300
    (group,) = scene.engine.monitor._groups.values()
    assert len(group._by_due) <= 2 * 3 + 65


def test_a_list_older_than_an_earlier_read_is_outdated() -> None:
    scene = Scene()
    deleting = watch(scene.world, "server.delete", lambda _: None, id="a")
    creating = watch(scene.world, "server.create", lambda _: None, id="a")
    now = server("ACTIVE", "deleting") | {"updated": "2026-01-01T00:00:09Z"}
    before = server("ACTIVE") | {"updated": "2026-01-01T00:00:08Z"}
    known, old, new = (
        Observation(at, body, confirmed=False) for at, body in ((1, now), (2, before), (2, now))
    )
    assert deleting.is_outdated(known, old)
    assert not deleting.is_outdated(known, new)
    assert not deleting.is_outdated(old, known)
    assert not deleting.is_outdated(known, replace(old, confirmed=True))  # the resource itself
    assert not deleting.is_outdated(known, replace(old, body=None))
    assert not deleting.is_outdated(replace(known, body=None), old)
    assert not creating.is_outdated(known, old)  # what was built stays so


def test_the_first_list_reaches_back_to_the_request() -> None:
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
        (when, request.since)
        for when, request in zip(scene.world.times, scene.world.reads, strict=True)
        if request.listing
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


def test_a_watch_added_after_a_failed_list_sees_earlier_changes() -> None:
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


def test_a_server_deleted_before_its_scheduling_is_gone() -> None:
    scene = Scene()
    for name in "abcd":  # others are being watched, so lists of changes are read
        scene.world.at(0, SERVER.ref(id=name), server("ACTIVE", "powering-off"))
        scene.start("server.stop", tout=300, id=name)
    scene.run(within=10)

    def never_in_changes(request: ReadRequest) -> ReadResult | None:
        asked_alone = any(ref.id == "request" for ref in request.refs) and not request.listing
        if asked_alone:
            return ReadResult(request, scene.clock.now(), scene.clock.now(), {})
        return None

    scene.world.interrupt(never_in_changes)
    ends = scene.start("server.delete", tout=300, id="request")
    assert scene.run(lambda: ends, within=OVERDUE + 10)
    assert ends.success.body is None


def test_lists_alone_confirm_many_deletions() -> None:
    scene = Scene(Poll(max_rate=100, burst=100))
    ends = []
    for number in range(20):
        ref = SERVER.ref(id=f"s{number}")
        scene.world.at(0, ref, server("ACTIVE", "deleting"))
        scene.world.at(3 + max(0, number - 3) / 4, ref, None)  # four at once: a full list
        ends.append(scene.start("server.delete", id=f"s{number}", tout=300))
    scene.start("server.create", id="new", tout=300)
    scene.world.at(0, SERVER.ref(id="new"), server("BUILD", "spawning"))
    scene.world.at(0, SERVER.ref(id="other"), server("BUILD", "spawning"))
    scene.start("server.create", id="other", tout=300)
    assert scene.run(lambda: all(ends))
    assert all(each.success.body is None for each in ends)
    single = [each for each in scene.world.reads if not each.listing]
    assert len(single) <= 2  # which tell the cloud's date
