"""Generic volume groups and group snapshots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Fault,
    RequestContext,
    start_lifecycle,
)
from pytest_osfutures.fakecloud.services.block_storage.models import quotas, snapshots, volumes
from pytest_osfutures.fakecloud.services.block_storage.models.lifecycles import (
    CREATE_GROUP,
    CREATE_GROUP_SNAPSHOT,
    DELETE_GROUP,
    DELETE_GROUP_SNAPSHOT,
    UPDATE_GROUP,
)
from pytest_osfutures.fakecloud.services.block_storage.models.records import (
    GroupRecord,
    GroupSnapshot,
    GroupType,
    VolumeRecord,
    VolumeType,
)
from pytest_osfutures.fakecloud.services.block_storage.models.state import BlockStorageModel

CHANGEABLE = (
    "available",
    "in-use",
    "error",
    "error_deleting",
)  #: statuses of volumes that can leave a group


@dataclass(frozen=True, repr=False, match_args=False)
class GroupRequest:
    """The fields of a new group; a `source` determines the type and the volumes."""

    name: str | None
    description: str | None
    group_type: GroupType
    volume_types: Sequence[VolumeType]
    group_snapshot: GroupSnapshot | None = None
    source: GroupRecord | None = None


def _settle(thing: GroupRecord | GroupSnapshot, status: str) -> None:
    thing.status = status
    thing.touch()


def invalid(why: str) -> ApiError:
    """Return the error 400 for an operation that the group's state forbids."""
    return ApiError(400, f"Invalid Group: {why}")


def members(model: BlockStorageModel, group_id: str) -> list[VolumeRecord]:
    """Return the volumes of a group."""
    return [volume for volume in model.volumes if volume.group_id == group_id]


def create(model: BlockStorageModel, wanted: GroupRequest, context: RequestContext) -> GroupRecord:
    """Begin to create a group, with copies of the volumes of its source."""
    copies = _copies(model, wanted)
    quotas.check(model, context.project_id, quotas.QuotaClaim("groups"))
    group = model.groups.add(
        GroupRecord(
            id=model.runtime.new_id(),
            name=wanted.name,
            description=wanted.description,
            project_id=context.project_id,
            user_id=context.user_id,
            status="creating",
            group_type=wanted.group_type,
            volume_types=tuple(wanted.volume_types),
            group_snapshot_id=wanted.group_snapshot.id if wanted.group_snapshot else None,
            source_group_id=wanted.source.id if wanted.source else None,
        )
    )
    for blueprint in copies:
        volumes.create(model, blueprint, context).group_id = group.id

    def done() -> None:
        if group.group_type.replicated:
            group.replication_status = "enabled"
        _settle(group, "available")

    def failed(_fault: Fault) -> None:
        _settle(group, "error")

    start_lifecycle(model.runtime, CREATE_GROUP, group, done, failed)
    return group


def _copies(model: BlockStorageModel, wanted: GroupRequest) -> list[volumes.VolumeRequest]:
    """Return the requests for copies of the source's volumes. Raises ApiError."""
    if wanted.group_snapshot:
        if wanted.group_snapshot.status != "available":
            raise invalid("Group snapshot status must be available.")
        taken = [s for s in model.snapshots if s.group_snapshot_id == wanted.group_snapshot.id]
        if not taken:
            raise invalid("Group snapshot is empty. No group will be created.")
        return [volumes.VolumeRequest(name=s.name, snapshot=s) for s in taken]
    if wanted.source:
        sources = members(model, wanted.source.id)
        if not sources:
            raise invalid("Source Group is empty. No group will be created.")
        return [volumes.VolumeRequest(name=v.name, source=v) for v in sources]
    return []


def update(
    model: BlockStorageModel,
    group: GroupRecord,
    add: Sequence[VolumeRecord],
    remove: Sequence[VolumeRecord],
) -> None:
    """Begin to add and remove volumes. Raises ApiError(400)."""
    for volume in add:
        _check_newcomer(group, volume)
    for volume in remove:
        if volume.group_id != group.id:
            raise _not_removed(group, volume, "it is not in the group.")
        if volume.status not in CHANGEABLE:
            raise _not_removed(
                group,
                volume,
                f"volume is in an invalid state: {volume.status}. Valid states are: {CHANGEABLE}.",
            )
    if group.status != "available":
        raise invalid("Group status must be available.")

    def done() -> None:
        for volume in add:
            volume.group_id = group.id
        for volume in remove:
            volume.group_id = None
        _settle(group, "available")

    def failed(_fault: Fault) -> None:
        _settle(group, "error")

    start_lifecycle(model.runtime, UPDATE_GROUP, group, done, failed)


def _not_removed(group: GroupRecord, volume: VolumeRecord, why: str) -> ApiError:
    said = f"Cannot remove volume {volume.id} from group {group.id} because {why}"
    return ApiError(400, f"Invalid volume: {said}")


def _check_newcomer(group: GroupRecord, volume: VolumeRecord) -> None:
    why = ""
    if volume.group_id:
        why = f"it is already in group {volume.group_id}."
    elif volume.volume_type not in group.volume_types:
        why = f"volume type {volume.volume_type.id} is not supported by the group."
    elif volume.status not in ("available", "in-use"):
        why = (
            f"volume is in an invalid state: {volume.status}. Valid states are: "
            "('available', 'in-use')."
        )
    if why:
        said = f"Cannot add volume {volume.id} to group {group.id} because {why}"
        raise ApiError(400, f"Invalid volume: {said}")


def delete(model: BlockStorageModel, group: GroupRecord, delete_volumes: bool) -> None:
    """Begin to delete the group, with its volumes if `delete_volumes`. Raises ApiError(400)."""
    inside = members(model, group.id)
    _check_group_deletable(model, group, inside, delete_volumes)
    for volume in inside:
        volume.activity = None
        volume.leave("deleting")

    def done() -> None:
        for volume in inside:
            model.volumes.remove(volume)
        model.groups.remove(group)

    def failed(fault: Fault) -> None:
        status = "available" if fault.effect == "silent" else "error_deleting"
        for volume in inside:
            volume.settle(status)
        _settle(group, status)

    start_lifecycle(model.runtime, DELETE_GROUP, group, done, failed)


def _check_group_deletable(
    model: BlockStorageModel, group: GroupRecord, inside: list[VolumeRecord], delete_volumes: bool
) -> None:
    """Raise ApiError(400) if the group or one of its volumes must not be deleted now."""
    if not delete_volumes and group.status not in ("available", "error"):
        raise invalid(
            f"Group status must be available or error, but current status is: {group.status}"
        )
    if any(snapshot.group_id == group.id for snapshot in model.group_snapshots):
        raise invalid("Group has existing snapshots.")
    if inside and not delete_volumes:
        raise invalid(
            f"Group {group.id} still contains volumes. The delete-volumes flag is required to "
            "delete it."
        )
    if any(volume.attached for volume in inside):
        raise invalid(f"Volume in group {group.id} is attached. Need to detach first.")
    if any(model.snapshots_of(volume) for volume in inside):
        raise invalid("Volume in group still has dependent snapshots.")


def create_snapshot(
    model: BlockStorageModel,
    group: GroupRecord,
    name: str | None,
    description: str | None,
    context: RequestContext,
) -> GroupSnapshot:
    """Begin to create snapshots of all volumes of the group. Raises ApiError."""
    inside = members(model, group.id)
    if not inside or group.status in ("creating", "updating"):
        raise invalid(
            "Source group cannot be empty or in 'creating' or 'updating' state. No group snapshot "
            "will be created."
        )
    group_snapshot = model.group_snapshots.add(
        GroupSnapshot(
            id=model.runtime.new_id(),
            name=name,
            description=description,
            project_id=context.project_id,
            user_id=context.user_id,
            status="creating",
            group_id=group.id,
            group_type=group.group_type,
        )
    )
    wanted = snapshots.SnapshotRequest(name, description, group_snapshot_id=group_snapshot.id)
    taken = [snapshots.add(model, volume, context, wanted) for volume in inside]

    def end(status: str, progress: str) -> Callable[[], None]:
        def settle() -> None:
            for snapshot in taken:
                snapshots.settle(snapshot, status)
                snapshot.progress = progress
            _settle(group_snapshot, status)

        return settle

    start_lifecycle(
        model.runtime,
        CREATE_GROUP_SNAPSHOT,
        group_snapshot,
        end("available", "100%"),
        lambda _fault: end("error", "0%")(),
    )
    return group_snapshot


def delete_snapshot(model: BlockStorageModel, group_snapshot: GroupSnapshot) -> None:
    """Begin to delete a group snapshot and its snapshots. Raises ApiError(400)."""
    busy = any(
        group.status == "creating" and group.group_snapshot_id == group_snapshot.id
        for group in model.groups
    )
    if group_snapshot.status not in ("available", "error") or busy:
        raise ApiError(
            400,
            "Invalid GroupSnapshot: GroupSnapshot status must be available or error, and no "
            "Group can be currently using it as source for its creation.",
        )
    taken = [s for s in model.snapshots if s.group_snapshot_id == group_snapshot.id]
    for snapshot in taken:
        snapshots.settle(snapshot, "deleting")

    def done() -> None:
        for snapshot in taken:
            model.snapshots.remove(snapshot)
        model.group_snapshots.remove(group_snapshot)

    def failed(fault: Fault) -> None:
        status = "available" if fault.effect == "silent" else "error_deleting"
        for snapshot in taken:
            snapshots.settle(snapshot, status)
        _settle(group_snapshot, status)

    start_lifecycle(model.runtime, DELETE_GROUP_SNAPSHOT, group_snapshot, done, failed)
