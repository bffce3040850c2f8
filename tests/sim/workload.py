"""The workloads of simulated users: servers, volumes and snapshots."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from pytest_osfutures.futures import OperationFuture
from tests.sim.user import ACTION_SPACING, SimulatedUser, is_being_deleted, is_ready, state
from tests.sim.world import BrokenPromiseError

#: The actions of a server by its state: name, arguments, and the state after the action.
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


def server(user: SimulatedUser) -> None:
    """Create a server, run actions on it, delete it."""
    user.use_and_delete(_a_server(user), user.world.nova.servers, _work)


def volume(user: SimulatedUser) -> None:
    """Create a volume, extend and snapshot it, delete it."""
    user.use_and_delete(_a_volume(user), user.world.cinder.volumes, _grow_and_copy)


def volume_on_server(user: SimulatedUser) -> None:
    """Create a server and a volume at the same time, attach the volume, delete both."""
    world = user.world
    vm, used = _a_server(user), False

    def with_volume(_: SimulatedUser, ident: str) -> None:
        nonlocal used
        used = True
        user.use_and_delete(vm, world.nova.servers, partial(_connect, volume=ident))

    user.use_and_delete(_a_volume(user), world.cinder.volumes, with_volume)
    if not used:
        user.use_and_delete(vm, world.nova.servers)


WORKLOADS: tuple[Callable[[SimulatedUser], None], ...] = (server, server, volume, volume_on_server)


def _a_server(user: SimulatedUser) -> OperationFuture[Any]:
    world = user.world
    return user.make(
        world.nova.servers, image=world.an_image(), flavor=world.a_flavor(), nics="none"
    )


def _a_volume(user: SimulatedUser) -> OperationFuture[Any]:
    return user.make(user.world.cinder.volumes, 1)


def _pause(user: SimulatedUser) -> None:
    user.rest(ACTION_SPACING + 5.0, ACTION_SPACING)


def _work(user: SimulatedUser, ident: str) -> None:
    """Run some actions on a server and check its state after each success."""
    for _ in range(user.random.randint(0, 3)):
        _pause(user)
        found = user.world.server(ident)
        if found is None or found.task_state is not None or found.vm_state not in ACTIONS:
            return
        name, arguments, after = user.random.choice(ACTIONS[found.vm_state])
        if not user.ask(user.world.nova.servers, name, ident, *arguments):
            return
        if (now := user.world.server(ident)) is None or is_being_deleted(now):
            return
        if (now.vm_state, now.task_state) != (after, None):
            raise BrokenPromiseError(f"server.{name} ended as a success: {state(now)}")


def _grow_and_copy(user: SimulatedUser, ident: str) -> None:
    """Extend a volume and take snapshots of it, as long as it is ready."""
    snapshots = user.world.cinder.volume_snapshots
    for _ in range(user.random.randint(0, 3)):
        _pause(user)
        found = user.world.volume(ident)
        if found is None or not is_ready(found):
            return
        if user.random.random() < 0.5:
            user.use_and_delete(user.make(snapshots, ident), snapshots)
        elif not _extend(user, ident):
            return


def _extend(user: SimulatedUser, ident: str) -> bool:
    volumes = user.world.cinder.volumes
    size = user.world.volume(ident).size + 1  # type: ignore[union-attr]
    if not user.ask(volumes, "extend", ident, size):
        return False
    found = user.world.volume(ident)
    if found is None or is_being_deleted(found):
        return False
    if found.size != size or found.status not in ("available", "in-use"):
        raise BrokenPromiseError(
            f"volume.extend to {size} ended as a success: {state(found)} {found.size}"
        )
    return True


def _connect(user: SimulatedUser, ident: str, volume: str) -> None:
    """Attach a volume, extend it, and detach it or leave that to the deletion of the server."""
    on_server = user.world.nova.volumes
    _pause(user)
    disk = user.world.volume(volume)
    if disk is None or not is_ready(disk) or user.world.server(ident) is None:
        return
    if not user.ask(on_server, "create_server_volume", ident, volume):
        return
    if not _is_attached(user, ident, volume):
        return
    _pause(user)
    if user.random.random() < 0.5:
        found = user.world.volume(volume)
        if found is None or found.status != "in-use" or not _extend(user, volume):
            return
        _pause(user)
    if user.random.random() < 0.6 and user.ask(on_server, "delete_server_volume", ident, volume):
        left = user.world.volume(volume)
        if left is not None and any(each.server_id == ident for each in left.attachments):
            raise BrokenPromiseError(
                f"server.detach_volume ended as a success: {state(left)} is on {ident}"
            )


def _is_attached(user: SimulatedUser, ident: str, volume: str) -> bool:
    """Check after a success that both sides are attached; return False if one was deleted."""
    vm, disk = user.world.server(ident), user.world.volume(volume)
    if vm is None or disk is None or is_being_deleted(vm):
        return False
    there = any(each.volume_id == volume and each.attached for each in vm.attachments)
    if not there or disk.status != "in-use":
        raise BrokenPromiseError(
            f"server.attach_volume ended as a success: {state(vm)}, {state(disk)}"
        )
    return True
