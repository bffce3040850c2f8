"""Scenarios of one failure each, through real clients, on a clock that jumps."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError
from typing import Any

import pytest

from pytest_osfutures.calls.reconcile import MOMENTS
from pytest_osfutures.errors import (
    AmbiguousRequest,
    OperationFailed,
    OperationTimeout,
    QuotaExceeded,
)
from pytest_osfutures.fakecloud import Fault
from pytest_osfutures.fakecloud.kernel.wire import Request, Response
from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.policy import Poll
from tests.sim.fault_profile import FaultProfile
from tests.sim.world import World

SETTLING = MOMENTS[-1] * Poll().slowest


@pytest.fixture
def world() -> World:
    """Return a world without faults."""
    return World(0, FaultProfile())


def tell(world: World, story: Callable[[], Any]) -> Any:
    """Run `story` as a task, with everything that follows from it; return its result."""
    told: list[Any] = []
    world.timeline.spawn(lambda: told.append(story()))
    world.run()
    assert told, "the story ended with an error"
    return told[0]


def create(world: World, kind: str, **more: Any) -> OperationFuture[Any]:
    """A server, a volume or a snapshot of `more["of"]`, with retries."""
    if kind == "server":
        what = {"image": world.an_image(), "flavor": world.a_flavor(), "nics": "none"}
        return world.track(world.nova.servers.create_async_r("x", **what, **more))
    if kind == "volume":
        return world.track(world.cinder.volumes.create_async_r(1, name="x", **more))
    volume = more.pop("of")
    return world.track(world.cinder.volume_snapshots.create_async_r(volume, name="x", **more))


def ours(world: World) -> set[str]:
    """Return the resources of the world that are not foreign."""
    world.cloud.runtime.schedule.catch_up()
    return world.alive() - world.foreign


# Requests whose answers are lost

LOSSES = {
    "cut before": Fault("cut", method="POST", count=1),
    "cut after": Fault("cut", method="POST", when="after", count=1),
    "read timeout": Fault("delay", method="POST", seconds=45.0, count=1),
    **{f"{status} before": Fault("status", method="POST", status=status, count=1)
       for status in (500, 502, 503, 504)},
    **{f"{status} after": Fault("status", method="POST", status=status, when="after", count=1)
       for status in (500, 502, 503, 504)},
}  # fmt: skip


@pytest.mark.parametrize("kind", ["server", "volume", "snapshot"])
@pytest.mark.parametrize("loss", LOSSES)
def test_a_create_with_a_lost_answer_creates_one_resource(
    world: World, kind: str, loss: str
) -> None:
    def story() -> tuple[Any, float, set[str]]:
        more = {}
        if kind == "snapshot":
            more["of"] = world.timeline.wait(create(world, "volume")).id
        before, began = ours(world), world.timeline.now()
        rule = LOSSES[loss].as_dict() | {"fired": 0, "path": f"/{kind}s$"}
        world.cloud.faults.add(Fault(**rule))
        made = world.timeline.wait(create(world, kind, **more))
        return made, world.timeline.now() - began, ours(world) - before

    made, took, found = tell(world, story)
    assert found == {made.id}
    assert posts(world) - (kind == "snapshot") == 1  # never two, not even one after the other
    if loss.endswith("before"):
        assert took > SETTLING  # only then it was sent again
    assert [world.cloud.faults.all()[0].fired] == [1]


@pytest.mark.parametrize("kind", ["server", "volume"])
def test_a_late_and_hidden_resource_is_adopted(
    world: World, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = ["late"]

    def inject(name: str, chance: float) -> bool:
        return name in left and not left.remove(name)  # type: ignore[func-returns-value]

    monkeypatch.setattr(world.network, "_inject", inject)
    monkeypatch.setattr(world.network.random, "choice", lambda _: 0.1)  # the loss is known at once
    world.cloud.faults.add(Fault("slow", method="POST", path=f"/{kind}s$", seconds=4.0))
    made = tell(world, lambda: world.timeline.wait(create(world, kind)))
    assert ours(world) == {made.id}
    assert posts(world) == 1
    assert left == []


# Requests that are not answered while their try lasts


#: Seconds of a try in which a create is not answered, though it takes less.
BRIEF = 5.0


@pytest.fixture
def quick(world: World) -> World:
    """Return a world without faults in which operations are short."""
    world.cloud.settings.sigma = 0.0
    world.cloud.settings.seconds.update({"server.create": 2.0, "volume.create": 2.0})
    return world


def is_held_up(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The next create arrives too late to be found. Where it was made again, there are two."""
    handle, held = world.network._handle, [BRIEF + SETTLING + 2.0]

    def later(asked: Request) -> Response:
        if held and asked.method == "POST":
            world.timeline.sleep(held.pop())
        return handle(asked)

    monkeypatch.setattr(world.network, "_handle", later)
    monkeypatch.setattr(world, "_check_duplicates", lambda _: None)


def posts(world: World) -> int:
    """How many creates have ever arrived."""
    return sum(len(ids) for ids in world.network.made.values())


@pytest.mark.parametrize("seconds", [25.0, 45.0])  # the clients give up after 30
@pytest.mark.parametrize("kind", ["server", "volume"])
def test_a_resource_is_adopted_before_the_answer_comes(
    quick: World, kind: str, seconds: float
) -> None:
    quick.cloud.faults.add(Fault("delay", method="POST", seconds=seconds, count=1))

    def story() -> tuple[Any, float]:
        made = quick.timeline.wait(create(quick, kind, tout=BRIEF))
        return made, quick.timeline.now()

    made, done_at = tell(quick, story)
    assert done_at < 2 * BRIEF
    assert ours(quick) == {made.id}
    assert posts(quick) == 1


@pytest.mark.parametrize("kind", ["server", "volume"])
def test_a_late_answer_names_a_resource_that_no_list_shows(quick: World, kind: str) -> None:
    quick.cloud.faults.add(Fault("delay", method="POST", seconds=15.0, count=1))
    quick.cloud.faults.add(Fault("slow", method="POST", seconds=60.0, count=1))
    made = tell(quick, lambda: quick.timeline.wait(create(quick, kind, tout=BRIEF)))
    assert ours(quick) == {made.id}
    assert posts(quick) == 1


@pytest.mark.parametrize("kind", ["server", "volume"])
def test_a_create_that_arrives_after_the_next_try_is_deleted(
    quick: World, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_held_up(quick, monkeypatch)
    made = tell(quick, lambda: quick.timeline.wait(create(quick, kind, tout=BRIEF)))
    assert posts(quick) == 2
    assert ours(quick) == {made.id}


@pytest.mark.parametrize("kind", ["server", "volume"])
def test_a_create_that_arrives_after_the_call_failed_is_deleted(
    quick: World, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_held_up(quick, monkeypatch)
    future = tell(quick, lambda: _waited(quick, create(quick, kind, tout=BRIEF, try_count=1)))
    assert isinstance(future.exception(), OperationTimeout)
    assert "no answer to the request within 5 s" in str(future.exception())
    assert posts(quick) == 1
    assert ours(quick) == set()


@pytest.mark.parametrize("kind", ["server", "volume"])
def test_an_undo_during_the_request_leaves_nothing(quick: World, kind: str) -> None:
    quick.cloud.faults.add(Fault("delay", method="POST", seconds=5.0, count=1))

    def story() -> OperationFuture[Any]:
        future = create(quick, kind)
        quick.timeline.sleep(1.0)
        quick.timeline.wait(future.undo())
        return future

    future = tell(quick, story)
    assert isinstance(future.exception(), CancelledError)
    assert posts(quick) == 1
    assert ours(quick) == set()


def test_an_undo_of_many_fails_if_one_of_them_stays(
    quick: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quick, "_check_duplicates", lambda _: None)  # one stamp for all three

    def story() -> tuple[list[Any], OperationFuture[Any], set[str], OperationFuture[Any]]:
        future = create(quick, "server", min_count=3)
        made = quick.timeline.wait(future)
        stays = Fault("status", method="DELETE", path=made[1].id, status=409)
        quick.cloud.faults.add(stays)
        failed = _waited(quick, future.undo())
        left = ours(quick)
        quick.cloud.faults.clear()
        return made, failed, left, _waited(quick, future.undo())

    made, failed, left, undone = tell(quick, story)
    assert "409" in str(failed.exception())
    assert made[1].id in left
    assert undone.exception() is None
    assert ours(quick) == set()


@pytest.mark.parametrize("loss", ["cut after", "cut before"])
def test_an_attach_with_a_lost_answer_is_not_sent_again(world: World, loss: str) -> None:
    def story() -> Any:
        vm = world.timeline.wait(create(world, "server")).id
        volume = world.timeline.wait(create(world, "volume")).id
        world.cloud.faults.add(Fault(**LOSSES[loss].as_dict() | {"fired": 0}))
        future = world.nova.volumes.create_server_volume_async_r(vm, volume)
        world.track(future)
        return _waited(world, future).exception()

    error = tell(world, story)
    assert isinstance(error, AmbiguousRequest)
    assert "was not sent again" in str(error)
    assert isinstance(error.__cause__, Exception)


# Retry decisions


def test_a_volume_over_quota_waits_for_a_deletion_without_a_try(world: World) -> None:
    world.cloud.settings.quotas["volumes"] = len(world.cloud.block_storage.volumes) + 1

    def story() -> OperationFuture[Any]:
        first = world.timeline.wait(create(world, "volume"))
        gone = world.track(first.delete_async_r())
        second = create(world, "volume", try_count=1)
        world.timeline.wait(second)
        world.timeline.wait(gone)
        return second

    second = tell(world, story)
    assert second.attempts == ()
    assert ours(world) == {second.result().id}


def test_a_volume_over_quota_fails_with_cinders_message(
    world: World,
) -> None:
    world.cloud.settings.quotas["volumes"] = 0

    def story() -> Any:
        future = create(world, "volume", try_count=2)
        with pytest.raises(QuotaExceeded, match="Maximum number of volumes allowed"):
            world.timeline.wait(future)
        return future.exception()

    error = tell(world, story)
    assert [each.number for each in error.attempts] == [1, 2]


def test_a_volume_that_no_backend_accepts_is_tried_again(world: World) -> None:
    world.cloud.faults.add(Fault("error", operation="volume.create", count=2))
    future = tell(world, lambda: _waited(world, create(world, "volume", try_count=3)))
    assert future.exception() is None
    assert len(future.attempts) == 2
    assert ours(world) == {future.result().id}


@pytest.mark.parametrize(
    ("manager", "name", "arguments", "slow"),
    [("volumes", "extend", (2,), "volume.extend"), ("servers", "stop", (), "server.stop")],
)
def test_an_action_done_right_after_its_deadline_is_a_success(
    world: World, manager: str, name: str, arguments: tuple[Any, ...], slow: str
) -> None:
    world.cloud.settings.sigma = 0.0
    world.cloud.settings.seconds[slow] = 5.5

    def story() -> OperationFuture[Any]:
        client = world.cinder if manager == "volumes" else world.nova
        ident = world.timeline.wait(create(world, manager[:-1])).id
        world.timeline.sleep(3.0)
        twin = getattr(getattr(client, manager), f"{name}_async_r")
        return _waited(world, world.track(twin(ident, *arguments, tout=5.0)))

    future = tell(world, story)
    assert future.exception() is None
    assert "not done within its 5 s" in future.attempts[0].why


def test_a_volume_that_falls_back_to_its_old_size_is_extended_again(world: World) -> None:
    world.cloud.faults.add(Fault("silent", operation="volume.extend", count=1))

    def story() -> OperationFuture[Any]:
        ident = world.timeline.wait(create(world, "volume")).id
        world.timeline.sleep(3.0)
        return _waited(world, world.track(world.cinder.volumes.extend_async_r(ident, 2)))

    future = tell(world, story)
    assert future.result().size == 2
    assert "not what was asked for" in future.attempts[0].why


def test_an_extend_that_falls_back_fails_a_call_of_one_try(world: World) -> None:
    world.cloud.faults.add(Fault("silent", operation="volume.extend", count=1))

    def story() -> Any:
        ident = world.timeline.wait(create(world, "volume")).id
        world.timeline.sleep(3.0)
        future = world.track(world.cinder.volumes.extend_async(ident, 2))
        return _waited(world, future).exception()

    assert isinstance(tell(world, story), OperationFailed)


def _waited(world: World, future: OperationFuture[Any]) -> OperationFuture[Any]:
    try:
        world.timeline.wait(future)
    except Exception:
        assert future.done()
    return future
