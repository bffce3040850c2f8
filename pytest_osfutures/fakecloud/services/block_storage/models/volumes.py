"""Creation and deletion of volumes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Fault,
    Lifecycle,
    RequestContext,
    start_lifecycle,
)
from pytest_osfutures.fakecloud.services.block_storage.models import quotas
from pytest_osfutures.fakecloud.services.block_storage.models.lifecycles import (
    CREATE_VOLUME,
    CREATE_VOLUME_FROM_BACKUP,
    CREATE_VOLUME_FROM_IMAGE,
    DELETE_SNAPSHOT,
    DELETE_VOLUME,
)
from pytest_osfutures.fakecloud.services.block_storage.models.messages import (
    Cause,
    add_fault_message,
    add_message,
)
from pytest_osfutures.fakecloud.services.block_storage.models.records import (
    ZONE,
    BackupRecord,
    GroupRecord,
    SnapshotRecord,
    VolumeRecord,
    VolumeType,
)
from pytest_osfutures.fakecloud.services.block_storage.models.services import check_thawed
from pytest_osfutures.fakecloud.services.block_storage.models.state import BlockStorageModel

DELETABLE = ("available", "error", "error_restoring", "error_extending", "error_managing")
UNDELETABLE = (
    "must not be migrating, attached, belong to a group, have snapshots, awaiting a transfer, "
    "or be disassociated from snapshots after volume transfer."
)


@dataclass(frozen=True, repr=False, match_args=False)
class VolumeRequest:
    """The fields of a new volume. `size` None takes the size of the source."""

    size: int | None = None
    name: str | None = None
    description: str | None = None
    volume_type: VolumeType | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    zone: str | None = None
    image_id: str | None = None
    snapshot: SnapshotRecord | None = None
    source: VolumeRecord | None = None
    backup: BackupRecord | None = None
    group: GroupRecord | None = None


def create(
    model: BlockStorageModel, blueprint: VolumeRequest, context: RequestContext
) -> VolumeRecord:
    """Begin to create a volume. Raises ApiError."""
    size = _checked_size(model, blueprint, context)
    source = blueprint.source or blueprint.snapshot
    volume_type = blueprint.volume_type or (source and source.volume_type)
    volume_type = volume_type or model.default_type(context.project_id)
    quotas.check_size(model, context.project_id, size)
    quotas.check(model, context.project_id, quotas.QuotaClaim("volumes", size, volume_type))
    volume = model.volumes.add(
        VolumeRecord(
            id=model.runtime.new_id(),
            name=blueprint.name,
            project_id=context.project_id,
            user_id=context.user_id,
            status="creating",
            metadata=dict(blueprint.metadata),
            size=size,
            volume_type=volume_type,
            zone=blueprint.zone or ZONE,
            description=blueprint.description,
            snapshot_id=blueprint.snapshot.id if blueprint.snapshot else None,
            source_volid=blueprint.source.id if blueprint.source else None,
            group_id=blueprint.group.id if blueprint.group else None,
            multiattach=volume_type.multiattach,
        )
    )
    _begin(model, volume, blueprint, context)
    return volume


def _begin(
    model: BlockStorageModel,
    volume: VolumeRecord,
    blueprint: VolumeRequest,
    context: RequestContext,
) -> None:
    backup = blueprint.backup

    def schedule() -> None:
        host = model.host_for(volume, blueprint.source or blueprint.snapshot)
        if host is None:
            volume.activity = None
            volume.settle("error")
            add_message(model, context, volume, Cause("schedule", "no_backend"))
        volume.host = host

    def restore() -> None:
        if backup:
            backup.status = "restoring"
            backup.touch()

    def done() -> None:
        volume.service_uuid = model.services[(volume.host or "").split("#")[0]].id
        _inherit(model, volume, blueprint)
        volume.settle("available")
        if backup:
            backup.status = "available"

    def failed(fault: Fault) -> None:
        volume.settle("error")
        action = "download" if blueprint.image_id else "create"
        add_fault_message(model, context, volume, Cause(action, "create"), fault)
        if backup:
            backup.status = "available"

    lifecycle = _lifecycle(blueprint).on(schedule=schedule, restore=restore)
    start_lifecycle(model.runtime, lifecycle, volume, done, failed)


def _lifecycle(blueprint: VolumeRequest) -> Lifecycle:
    if blueprint.image_id:
        return CREATE_VOLUME_FROM_IMAGE
    return CREATE_VOLUME_FROM_BACKUP if blueprint.backup else CREATE_VOLUME


def _inherit(model: BlockStorageModel, volume: VolumeRecord, blueprint: VolumeRequest) -> None:
    """Copy the properties of the source (image, volume, snapshot, backup) to the volume."""
    if volume.volume_type.extra_specs.get("replication_enabled") == "<is> True":
        volume.replication_status = "enabled"
    if blueprint.image_id:
        volume.bootable = True
        signed = {"signature_verified": "False"}
        volume.image_metadata = signed | model.images.volume_metadata(blueprint.image_id)
    elif source := blueprint.source or blueprint.snapshot:
        volume.bootable = source.bootable
        volume.image_metadata = dict(source.image_metadata)
    if blueprint.backup:
        blueprint.backup.write_over(volume)


def _checked_size(
    model: BlockStorageModel, blueprint: VolumeRequest, context: RequestContext
) -> int:
    """Return the size of the new volume. Raises ApiError if the size or the source is invalid."""
    _check_type(blueprint)
    sources = (
        ("source volume", "volume", blueprint.source, ("available", "in-use")),
        ("snapshot", "snapshot", blueprint.snapshot, ("available",)),
        ("backup", "backup", blueprint.backup, ("available",)),
        ("group", "Group", blueprint.group, ("available", "creating")),
    )
    for name, kind, source, statuses in sources:
        if source is not None and source.status not in statuses:
            raise ApiError(
                400,
                f"Invalid {kind}: Originating {name} status must be one of "
                f"'{', '.join(statuses)}' values",
            )
    least = blueprint.source or blueprint.snapshot or blueprint.backup
    size = blueprint.size or (least.size if least else 0)
    if size <= 0:
        raise ApiError(
            400,
            f"Invalid input received: Volume size '{blueprint.size}' must be an integer and "
            "greater than 0",
        )
    if least is not None and size < least.size:
        raise ApiError(400, "Invalid input received: " + _too_small(size, least))
    if blueprint.image_id:
        model.check_image(blueprint.image_id, size, context)
    if blueprint.zone not in (None, ZONE):
        raise ApiError(400, f"Availability zone '{blueprint.zone}' is invalid.")
    return size


def _too_small(size: int, source: VolumeRecord | SnapshotRecord | BackupRecord) -> str:
    if isinstance(source, VolumeRecord):
        return (
            f"Volume size '{size}'GB cannot be smaller than original volume size  "
            f"{source.size}GB. They must be >= original volume size."
        )
    if isinstance(source, SnapshotRecord):
        return (
            f"Volume size '{size}'GB cannot be smaller than the snapshot size {source.size}GB. "
            "They must be >= original snapshot size."
        )
    return (
        f"Volume size {size}GB cannot be smaller than the backup size {source.size}GB. "
        "It must be >= backup size."
    )


def _check_type(blueprint: VolumeRequest) -> None:
    wanted, group = blueprint.volume_type, blueprint.group
    if group:
        if wanted is None:
            raise ApiError(
                400,
                "Invalid input received: volume_type must be provided when creating a volume in "
                "a group.",
            )
        if wanted not in group.volume_types:
            raise ApiError(
                400,
                f"Invalid input received: Invalid volume_type provided: {wanted.name} (requested "
                "type must be supported by this group).",
            )
    source = blueprint.source or blueprint.snapshot
    if source and wanted and not same_backend(source.volume_type, wanted):
        advice = "recommend omitting the type argument"
        if blueprint.source:
            advice = "either match source volume, or omit type argument"
        raise ApiError(
            400,
            f"Invalid input received: Invalid volume_type provided: {wanted.id} (requested type "
            f"is not compatible; {advice}).",
        )


def same_backend(one: VolumeType, other: VolumeType) -> bool:
    """Return True if a retype between both types needs no migration."""
    name = "volume_backend_name"
    return one is other or one.extra_specs.get(name) == other.extra_specs.get(name)


def delete(
    model: BlockStorageModel,
    volume: VolumeRecord,
    context: RequestContext,
    cascade: bool = False,
    force: bool = False,
) -> None:
    """Begin to delete the volume. Raises ApiError(400).

    A volume without a host is deleted at once. `cascade` also deletes its snapshots; `force` allows
    any status.
    """
    if volume.host is None:
        model.volumes.remove(volume)
        return
    check_thawed(model, volume.host)
    snapshots = model.snapshots_of(volume)
    in_use = volume.attached or volume.migrating or volume.group_id is not None
    may_take_snapshots = cascade and _all_deletable(snapshots, context, force)
    wrong_status = not force and volume.status not in DELETABLE
    if in_use or wrong_status or (snapshots and not may_take_snapshots):
        status = "" if force else f"status must be {' or '.join(DELETABLE)} and "
        raise ApiError(400, f"Invalid volume: Volume {status}{UNDELETABLE}")
    for snapshot in snapshots:
        start_lifecycle(
            model.runtime, DELETE_SNAPSHOT, snapshot, _remover(model, snapshot), _stays(snapshot)
        )
    volume.leave("deleting")

    def done() -> None:
        left = model.snapshots_of(volume)
        if any(snapshot.status == "error_deleting" for snapshot in left):
            volume.settle("error_deleting")
            return
        for snapshot in left:
            model.snapshots.remove(snapshot)
        model.volumes.remove(volume)

    def failed(fault: Fault) -> None:
        volume.settle("available" if fault.effect == "silent" else "error_deleting")

    start_lifecycle(model.runtime, DELETE_VOLUME, volume, done, failed)


def _all_deletable(snapshots: list[SnapshotRecord], context: RequestContext, force: bool) -> bool:
    return all(
        snapshot.group_snapshot_id is None
        and (force or snapshot.status in ("available", "error", "deleting"))
        and (context.is_admin or snapshot.project_id == context.project_id)
        for snapshot in snapshots
    )


def _remover(model: BlockStorageModel, snapshot: SnapshotRecord) -> Callable[[], None]:
    return lambda: model.snapshots.remove(snapshot)


def _stays(snapshot: SnapshotRecord) -> Callable[[Fault], None]:
    def failed(_fault: Fault) -> None:
        snapshot.status = "error_deleting"
        snapshot.touch()

    return failed
