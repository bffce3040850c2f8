"""The loop: the times of its reads, their rate, and the end of every watch."""

from __future__ import annotations

import itertools
import math

from pytest_osfutures.engine.poll_plan import ReadRequest, ReadResult
from pytest_osfutures.policy import Poll
from tests.unit.scripted import ACTION, INTERFACE, SERVER, VOLUME, Scene, action, failing, server


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
        lambda request: (
            None
            if request.kind != INTERFACE
            else ReadResult(
                request,
                scene.clock.now(),
                scene.clock.now(),
                {request.refs[0].id: {"port_state": "BUILD"}},
            )
        )
    )
    for number in range(10):
        names = {"server": f"s{number}", "port": f"p{number}"}
        scene.start("server.interface_attach", tout=300, **names)
    scene.run(within=60)
    asked = {request.path for request in scene.world.reads if request.kind == INTERFACE}
    assert len(asked) == 10


def test_a_read_that_always_fails_does_not_delay_other_reads() -> None:
    scene = Scene(Poll(max_rate=1, burst=1))
    bad = INTERFACE.ref(server="s0", port="p0")

    def refuse(request: ReadRequest) -> ReadResult | None:
        now = scene.clock.now()
        return ReadResult(request, now, now, error="answered 500") if bad in request.refs else None

    scene.world.interrupt(refuse)
    for number in range(4):
        names = {"server": f"s{number}", "port": f"p{number}"}
        scene.start("server.interface_attach", tout=300, **names)
    scene.run(within=100)
    asked = {request.path for request in scene.world.reads if request.kind == INTERFACE}
    assert len(asked) == 4


def test_retry_after_delays_all_resource_types_and_new_watches() -> None:
    scene = Scene()
    scene.world.now(SERVER.ref(id="a"), server("ACTIVE", "powering-off"))
    scene.world.now(SERVER.ref(id="b"), server("ACTIVE", "powering-off"))
    failing(scene, SERVER, times=1, retry_after=40.0)
    scene.start("server.stop", id="a", tout=300)
    assert scene.run(lambda: scene.world.times)
    asked = scene.clock.now()
    scene.start("server.stop", id="b", tout=300)
    scene.start("server.interface_attach", server="s", port="p", tout=300)
    scene.run(lambda: len(scene.world.reads) > 1)
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


def test_reads_that_succeed_again_make_up_for_those_that_failed() -> None:
    scene = Scene()
    scene.world.now(SERVER.ref(id="a"), server("ACTIVE", "powering-off"))
    failing(scene, SERVER, times=6)
    scene.start("server.stop", id="a", tout=300)
    assert scene.run(lambda: len(scene.world.times) > 6)
    failing(scene, SERVER, times=1)
    assert scene.run(lambda: len(scene.world.times) > 9)
    pauses = [later - sooner for sooner, later in itertools.pairwise(scene.world.times[6:])]
    assert max(pauses) <= 2 * scene.world.poll.fastest + 0.5


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
