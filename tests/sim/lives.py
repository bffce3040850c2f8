"""What the actors of a simulated run do with servers, volumes and snapshots."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pytest_osfutures.future import OperationFuture
from tests.sim.actors import APART, Actor, is_leaving, is_ready, state
from tests.sim.world import BrokenPromiseError

#: What a server can be asked for in each state, and the state it is in when that is done.
ACTIONS: dict[str, tuple[tuple[str, tuple[Any, ...], str], ...]] = {
    "active": (
        ("stop", (), "stopped"),
        ("reboot", ("HARD",), "active"),
        ("reboot", ("SOFT",), "active"),
        ("pause", (), "paused"),
        ("suspend", (), "suspended"),
    ),
    "stopped": (("start", (), "active"),),
    "paused": (("unpause", (), "active"),),
    "suspended": (("resume", (), "active"),),
}


def server(actor: Actor) -> None:
    """A server that is worked on."""
    actor.life(_a_server(actor), actor.world.nova.servers, _work)


def volume(actor: Actor) -> None:
    """A volume that grows and is copied."""
    actor.life(_a_volume(actor), actor.world.cinder.volumes, _grow_and_copy)


def volume_on_server(actor: Actor) -> None:
    """A server and a volume that are made at the same time, and put together."""
    world = actor.world
    vm, used = _a_server(actor), False

    def with_volume(_: Actor, ident: str) -> None:
        nonlocal used
        used = True
        actor.life(vm, world.nova.servers, partial(_connect, volume=ident))

    actor.life(_a_volume(actor), world.cinder.volumes, with_volume)
    if not used:
        actor.life(vm, world.nova.servers)


LIVES: tuple[Callable[[Actor], None], ...] = (server, server, volume, volume_on_server)


def _a_server(actor: Actor) -> OperationFuture[Any]:
    world = actor.world
    return actor.make(
        world.nova.servers, image=world.an_image(), flavor=world.a_flavor(), nics="none"
    )


def _a_volume(actor: Actor) -> OperationFuture[Any]:
    return actor.make(actor.world.cinder.volumes, 1)


def _pause(actor: Actor) -> None:
    actor.rest(APART + 5.0, APART)


def _work(actor: Actor, ident: str) -> None:
    """Stop it, start it, and the like."""
    for _ in range(actor.random.randint(0, 3)):
        _pause(actor)
        found = actor.world.server(ident)
        if found is None or found.task_state is not None or found.vm_state not in ACTIONS:
            return
        name, arguments, after = actor.random.choice(ACTIONS[found.vm_state])
        if not actor.ask(actor.world.nova.servers, name, ident, *arguments):
            return
        if (now := actor.world.server(ident)) is None or is_leaving(now):
            return
        if (now.vm_state, now.task_state) != (after, None):
            raise BrokenPromiseError(f"server.{name} ended as a success: {state(now)}")


def _grow_and_copy(actor: Actor, ident: str) -> None:
    """Extend it, take snapshots, as long as it is there."""
    snapshots = actor.world.cinder.volume_snapshots
    for _ in range(actor.random.randint(0, 3)):
        _pause(actor)
        found = actor.world.volume(ident)
        if found is None or not is_ready(found):
            return
        if actor.random.random() < 0.5:
            actor.life(actor.make(snapshots, ident), snapshots)
        elif not _extend(actor, ident):
            return


def _extend(actor: Actor, ident: str) -> bool:
    volumes = actor.world.cinder.volumes
    size = actor.world.volume(ident).size + 1  # type: ignore[union-attr]
    if not actor.ask(volumes, "extend", ident, size):
        return False
    found = actor.world.volume(ident)
    if found is None or is_leaving(found):
        return False
    if found.size != size or found.status not in ("available", "in-use"):
        raise BrokenPromiseError(
            f"volume.extend to {size} ended as a success: {state(found)} {found.size}"
        )
    return True


def _connect(actor: Actor, ident: str, volume: str) -> None:
    """Attach the volume, let it grow there, detach it; or leave that to the server's deletion."""
    on_server = actor.world.nova.volumes
    _pause(actor)
    disk = actor.world.volume(volume)
    if disk is None or not is_ready(disk) or actor.world.server(ident) is None:
        return
    if not actor.ask(on_server, "create_server_volume", ident, volume):
        return
    if not _is_attached(actor, ident, volume):
        return
    _pause(actor)
    if actor.random.random() < 0.5:
        found = actor.world.volume(volume)
        if found is None or found.status != "in-use" or not _extend(actor, volume):
            return
        _pause(actor)
    if actor.random.random() < 0.6 and actor.ask(on_server, "delete_server_volume", ident, volume):
        left = actor.world.volume(volume)
        if left is not None and any(each.server_id == ident for each in left.attachments):
            raise BrokenPromiseError(
                f"server.detach_volume ended as a success: {state(left)} is on {ident}"
            )


def _is_attached(actor: Actor, ident: str, volume: str) -> bool:
    """After a success: it has to be, on both sides, unless somebody has deleted one of them."""
    vm, disk = actor.world.server(ident), actor.world.volume(volume)
    if vm is None or disk is None or is_leaving(vm):
        return False
    there = any(each.volume_id == volume and each.attached for each in vm.attachments)
    if not there or disk.status != "in-use":
        raise BrokenPromiseError(
            f"server.attach_volume ended as a success: {state(vm)}, {state(disk)}"
        )
    return True
