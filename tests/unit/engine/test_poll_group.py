"""Groups of watches with one kind of read: pauses, and watches that need a full list."""

from __future__ import annotations

import pytest

from pytest_osfutures.engine.poll_group import InFlightRead, PollGroup
from pytest_osfutures.engine.poll_plan import ReadRequest, ReadResult
from pytest_osfutures.operations.model import Observation
from tests.unit.scripted import SERVER, Scene, failing, server, watch

REF = SERVER.ref(id="a")


def one_of(scene: Scene, name: str = "server.stop") -> tuple[PollGroup, InFlightRead]:
    """A group with one watch, and a complete list of its kind that is under way."""
    group = PollGroup(scene.world, SERVER, "2.96")
    member = watch(scene.world, name, lambda _: None, id="a")
    group.subscribe(member, (REF,), 0.0)
    request = ReadRequest(SERVER, "2.96", (REF,), "/servers/detail", listing=True)
    return group, InFlightRead(request, 0.0, tuple(group.awaiting_full_list))


@pytest.mark.parametrize("seen", [False, True])
def test_a_watch_needs_only_changes_once_a_list_has_shown_its_resource(seen: bool) -> None:
    scene = Scene()
    group, read = one_of(scene)
    (member,) = group.watches
    if seen:
        member.observations[REF] = Observation(1.0, server("ACTIVE", "powering-off"))
    group.mark_covered(read)
    assert (member in group.awaiting_full_list) is not seen


def test_two_watches_of_one_server_need_no_more_reads_than_one() -> None:
    """A list of changes never shows a server that was deleted while its build was requested."""
    scene = Scene()
    group = PollGroup(scene.world, SERVER, "2.96")
    other = SERVER.ref(id="b")
    for ref in (REF, REF, other):
        member = watch(scene.world, "server.delete", lambda _: None, id=ref.id)
        group.subscribe(member, (ref,), 0.0)
    reads = group.reads(1.0, offset=0.0, allowed=8)
    assert [each.path for each in reads] == [REF.path, other.path]


def test_no_read_leaves_while_the_service_asks_for_quiet() -> None:
    scene = Scene()
    group, _ = one_of(scene)
    assert group.due <= 1.0
    group.backoff_until = 60.0
    assert group.due == 60.0
    group.confirm[REF] = None
    assert group.due == 60.0


def test_failed_reads_are_not_repeated_before_their_pause_is_over() -> None:
    scene = Scene()
    scene.world.now(REF, server("ACTIVE", "powering-off"))
    failing(scene, SERVER)
    scene.start("server.stop", id="a", tout=100)
    scene.run(within=99)
    pauses = [b - a for a, b in zip(scene.world.times, scene.world.times[1:], strict=False)]
    assert len(pauses) > 5
    assert min(pauses[4:]) >= 0.5 * scene.world.poll.slowest


def test_an_older_answer_that_comes_later_changes_nothing() -> None:
    scene = Scene()
    member = watch(scene.world, "server.stop", lambda _: None, id="a")
    scene.engine.watch(member)
    scene.engine.monitor.step()
    monitor = scene.engine.monitor
    group = next(iter(monitor._groups.values()))
    newer, older = server("ACTIVE", "powering-off"), server("ACTIVE")
    for asked_at, body, counts in ((8.0, newer, True), (7.0, older, False), (8.0, newer, True)):
        result = ReadResult(ReadRequest(SERVER, "", (REF,), REF.path), asked_at, 9.0, {"a": body})
        assert monitor._observe(group, member, REF, result) is counts
        sight = member.observations[REF]
        assert (sight.requested_at, sight.body) == (8.0, newer)


@pytest.mark.parametrize(("last", "certain"), [("DELETED", True), ("ACTIVE", False)])
def test_a_list_that_misses_a_deleted_server_agrees_with_the_one_before(
    last: str, certain: bool
) -> None:
    scene = Scene()
    member = watch(scene.world, "server.delete", lambda _: None, id="a")
    scene.engine.watch(member)
    scene.engine.monitor.step()
    monitor = scene.engine.monitor
    group = next(iter(monitor._groups.values()))
    every = ReadRequest(SERVER, "", (REF,), "/servers/detail", listing=True)
    monitor._observe(group, member, REF, ReadResult(every, 1.0, 1.0, {"a": server(last)}))
    assert monitor._observe(group, member, REF, ReadResult(every, 2.0, 2.0, {}))
    assert member.observations[REF] == Observation(2.0, None, confirmed=certain)


def test_scheduling_one_of_many_watches_does_not_sort_all_of_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene()
    group = PollGroup(scene.world, SERVER, "2.96")
    members = [watch(scene.world, "server.stop", lambda _: None, id=str(n)) for n in range(1000)]
    for number, member in enumerate(members):
        group.subscribe(member, (SERVER.ref(id=str(number)),), 0.0)
    sorts: list[int] = []
    monkeypatch.setattr("heapq.heapify", lambda heap: sorts.append(len(heap)))
    for moment in range(3):
        for member in members:
            group.schedule(member, float(moment))
    assert len(sorts) <= 3
