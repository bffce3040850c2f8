"""Operations between hosts or flavors: resize, migrate, live-migrate, evacuate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    RequestContext,
)
from pytest_osfutures.fakecloud.services.compute.models import operations
from pytest_osfutures.fakecloud.services.compute.models.migrations import Migration
from pytest_osfutures.fakecloud.services.compute.models.operations import ServerOperation
from pytest_osfutures.fakecloud.services.compute.models.power import RUNNING, SHUTDOWN
from pytest_osfutures.fakecloud.services.compute.models.server import (
    FlavorRecord,
    ServerRecord,
)
from pytest_osfutures.fakecloud.services.compute.models.state import ComputeModel
from pytest_osfutures.fakecloud.services.compute.models.work import Callbacks, begin, check, give_up

NO_HOST_FOR = "No valid host was found. No valid host found for {}"


def _migration(
    model: ComputeModel,
    server: ServerRecord,
    context: RequestContext,
    kind: str,
    flavor: FlavorRecord | None = None,
) -> Migration:
    now = model.now()
    migration = Migration(
        id=len(model.migrations) + 1,
        uuid=model.runtime.new_id(),
        server_id=server.id,
        kind=kind,
        status="pre-migrating" if kind in ("resize", "migration") else "accepted",
        source=server.host or "",
        target=None,
        old_flavor_id=server.flavor.id,
        new_flavor_id=(flavor or server.flavor).id,
        user_id=context.user_id,
        project_id=context.project_id,
        created_at=now,
        updated_at=now,
    )
    model.migrations.append(migration)
    return migration


def resize(
    model: ComputeModel, server: ServerRecord, context: RequestContext, flavor: FlavorRecord
) -> None:
    """Begin to resize the server to `flavor`, on a host where it fits. Raises ApiError."""
    check(server, "resize", context, operations.RESIZE.vm_states)
    if flavor.id == server.flavor.id:
        raise ApiError(400, "When resizing, instances must change flavor!")
    used = model.used(server.project_id)
    for name, more in (
        ("cores", flavor.vcpus - server.flavor.vcpus),
        ("ram", flavor.ram - server.flavor.ram),
    ):
        limit = model.limit(server.project_id, name)
        if 0 <= limit < used[name] + more and more > 0:
            raise ApiError(
                403,
                f"Quota exceeded for {name}: Requested {more}, "
                f"but already used {used[name]} of {limit} {name}",
            )
    _move(model, server, context, _ServerMove(operations.RESIZE, flavor))


def migrate(
    model: ComputeModel, server: ServerRecord, context: RequestContext, target: str | None = None
) -> None:
    """Begin to move the server to another host. Raises ApiError."""
    if target is not None and target not in model.hosts:
        raise ApiError(400, f"Compute host {target} could not be found.")
    _move(model, server, context, _ServerMove(operations.MIGRATE, server.flavor, target))


@dataclass(frozen=True)
class _ServerMove:
    """A cold migration or a resize."""

    operation: ServerOperation
    flavor: FlavorRecord
    target: str | None = None  #: the host; None lets the scheduler choose


def _move(
    model: ComputeModel, server: ServerRecord, context: RequestContext, wanted: _ServerMove
) -> None:
    operation, flavor, target = wanted.operation, wanted.flavor, wanted.target
    was, source = server.vm_state, server.host or ""
    chosen: list[str] = []

    def schedule() -> None:
        without = tuple(model.hosts) if target else (source,)
        without = tuple(host for host in without if host != target)
        host = model.schedule(server, flavor, without)
        if host is None and operation is operations.RESIZE:  # a resize may stay on its host
            host = model.schedule(server, flavor)
        if host is None:
            migration.status = "error"
            kind = "resize" if operation is operations.RESIZE else "cold migrate"
            give_up(model, server, action, NO_HOST_FOR.format(kind))
        else:
            chosen.append(host)
            migration.target, migration.status = host, "migrating"

    def move() -> None:
        server.old_host, server.host = source, chosen[0]
        migration.status = "post-migrating"

    def change_size() -> None:
        server.old_flavor, server.flavor = server.flavor, flavor

    def done() -> None:
        server.old_vm_state = was
        server.vm_state = "resized"
        server.power_state = SHUTDOWN if was == "stopped" else RUNNING
        server.launched_at = model.now()
        migration.status = "finished"

    def undone() -> None:
        migration.status = "error"
        if chosen:
            server.host = source
            server.flavor = server.old_flavor or server.flavor
        server.old_host = server.old_flavor = None

    events = {"schedule": schedule, "move": move, "resize": change_size}
    action = begin(model, server, operation, context, Callbacks(done, undone, events))
    kind = "resize" if operation is operations.RESIZE else "migration"
    migration = _migration(model, server, context, kind, flavor)


def _latest(model: ComputeModel, server: ServerRecord) -> Migration | None:
    mine = [m for m in model.migrations if m.server_id == server.id]
    return mine[-1] if mine else None


def confirm_resize(model: ComputeModel, server: ServerRecord, context: RequestContext) -> None:
    """Begin to release the old host. No status shows this until the end. Raises ApiError."""
    if server.confirming and server.vm_state == "resized":
        raise ApiError(400, "Instance has not been resized.")

    def done() -> None:
        server.confirming = False
        server.old_host = server.old_flavor = None
        server.vm_state = "stopped" if server.old_vm_state == "stopped" else "active"
        if migration := _latest(model, server):
            migration.status = "confirmed"

    def undone() -> None:
        server.confirming = False

    begin(model, server, operations.CONFIRM_RESIZE, context, Callbacks(done, undone))
    server.confirming = True


def revert_resize(model: ComputeModel, server: ServerRecord, context: RequestContext) -> None:
    """Begin to move the server back to its old host and flavor. Raises ApiError."""
    if server.confirming:
        raise ApiError(400, "Instance has not been resized.")

    def done() -> None:
        server.host = server.old_host or server.host
        server.flavor = server.old_flavor or server.flavor
        server.old_host = server.old_flavor = None
        server.vm_state = "stopped" if server.old_vm_state == "stopped" else "active"
        server.power_state = SHUTDOWN if server.vm_state == "stopped" else RUNNING
        server.launched_at = model.now()
        if migration := _latest(model, server):
            migration.status = "reverted"

    begin(model, server, operations.REVERT_RESIZE, context, Callbacks(done))


def live_migrate(
    model: ComputeModel, server: ServerRecord, context: RequestContext, target: str | None = None
) -> None:
    """Begin to move the running server to another host. Raises ApiError."""
    if target is not None and target not in model.hosts:
        raise ApiError(400, f"Compute host {target} could not be found.")
    if target is not None and target == server.host:
        raise ApiError(
            400,
            f"Unable to migrate instance ({server.id}) to current host ({target}).",
        )
    check(server, "live-migration", context, operations.LIVE_MIGRATE.vm_states)
    for host_name in (server.host, target):
        if host_name is not None and not model.hosts[host_name].up:
            raise ApiError(400, f"Compute service of {host_name} is unavailable at this time.")
    source = server.host or ""
    host = target or model.schedule(server, server.flavor, (source,))

    def done() -> None:
        server.host = migration.target
        migration.status, migration.updated_at = "completed", model.now()

    def undone() -> None:
        migration.status = "error"

    action = begin(model, server, operations.LIVE_MIGRATE, context, Callbacks(done, undone))
    migration = _migration(model, server, context, "live-migration")
    migration.target, migration.status, migration.action = host, "running", action
    if host is None:
        migration.status = "error"
        model.runtime.schedule.after(
            0.1, lambda: give_up(model, server, action, NO_HOST_FOR.format("live migration"))
        )


def running_migration(model: ComputeModel, server: ServerRecord, migration_id: str) -> Migration:
    """Return the running live migration with that id. Raises ApiError."""
    found = next(
        (m for m in model.migrations if str(m.id) == migration_id and m.server_id == server.id),
        None,
    )
    if found is None:
        raise ApiError(
            404, f"Migration {migration_id} could not be found for instance {server.id}."
        )
    if found.status != "running" or found.kind != "live-migration":
        raise ApiError(
            400,
            f"Migration {migration_id} state of instance {server.id} is {found.status}. "
            "Cannot act on it while the migration is in this state.",
        )
    return found


def abort_migration(
    model: ComputeModel, server: ServerRecord, context: RequestContext, migration_id: str
) -> None:
    """Abort a live migration; the server stays on its host. Raises ApiError."""
    ending = _Ending("live_migration_cancel", "cancelled")
    _end_migration(model, server, context, migration_id, ending)


def complete_migration(
    model: ComputeModel, server: ServerRecord, context: RequestContext, migration_id: str
) -> None:
    """Complete a live migration now. Raises ApiError."""
    ending = _Ending("live_migration_force_complete", "completed")
    migration = _end_migration(model, server, context, migration_id, ending)
    server.host = migration.target


class _Ending(NamedTuple):
    """An early end of a live migration: the instance action and the migration's last status."""

    record: str
    status: str


def _end_migration(
    model: ComputeModel,
    server: ServerRecord,
    context: RequestContext,
    migration_id: str,
    ending: _Ending,
) -> Migration:
    record = ending.record
    check(server, record, context, operations.LIVE_MIGRATE.vm_states, ("migrating",))
    migration = running_migration(model, server, migration_id)
    model.record(server, record, context, (f"compute_{record}",)).finish(model.now())
    server.activity = None
    server.task_state = None
    server.touch()
    migration.status, migration.updated_at = ending.status, model.now()
    if migration.action:
        migration.action.finish(model.now())
    return migration


def evacuate(
    model: ComputeModel,
    server: ServerRecord,
    context: RequestContext,
    target: str | None,
    stop: bool,
) -> None:
    """Begin to rebuild the server on another host because its host is down. Raises ApiError."""
    host = model.hosts.get(server.host or "")
    if host is not None and host.up:
        raise ApiError(400, f"Compute service of {host.name} is still in use.")
    if target is not None and target not in model.hosts:
        raise ApiError(404, f"Compute host {target} not found.")
    was = server.vm_state
    chosen = target or model.schedule(server, server.flavor, (server.host or "",))

    def done() -> None:
        server.host = chosen
        server.vm_state = "stopped" if stop or was == "stopped" else "active"
        server.power_state = SHUTDOWN if server.vm_state == "stopped" else RUNNING
        server.fault = None
        server.launched_at = model.now()
        migration.status = "done"

    def undone() -> None:
        migration.status = "failed"

    action = begin(model, server, operations.EVACUATE, context, Callbacks(done, undone))
    migration = _migration(model, server, context, "evacuation")
    migration.target = chosen
    if chosen is None:
        migration.status = "error"
        model.fail(server, NO_HOST_FOR.format("evacuation"))
        action.finish(model.now(), NO_HOST_FOR.format("evacuation"))
