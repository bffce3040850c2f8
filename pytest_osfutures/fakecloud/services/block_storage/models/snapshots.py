"""Snapshots: create, manage, delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Fault,
    Lifecycle,
    RequestContext,
    start_lifecycle,
)
from pytest_osfutures.fakecloud.services.block_storage.models import quotas
from pytest_osfutures.fakecloud.services.block_storage.models.lifecycles import (
    CREATE_SNAPSHOT,
    DELETE_SNAPSHOT,
    MANAGE_SNAPSHOT,
    UNMANAGE_SNAPSHOT,
)
from pytest_osfutures.fakecloud.services.block_storage.models.messages import (
    Cause,
    add_fault_message,
)
from pytest_osfutures.fakecloud.services.block_storage.models.records import (
    SnapshotRecord,
    VolumeRecord,
)
from pytest_osfutures.fakecloud.services.block_storage.models.services import check_thawed
from pytest_osfutures.fakecloud.services.block_storage.models.state import BlockStorageModel


@dataclass(frozen=True, repr=False, match_args=False)
class SnapshotRequest:
    """The fields of a new snapshot."""

    name: str | None = None
    description: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    force: bool = False  #: allow the snapshot while the volume is in use
    group_snapshot_id: str | None = None


def create(
    model: BlockStorageModel,
    volume: VolumeRecord,
    context: RequestContext,
    wanted: SnapshotRequest,
    lifecycle: Lifecycle = CREATE_SNAPSHOT,
) -> SnapshotRecord:
    """Begin to create a snapshot of the volume. Raises ApiError."""
    snapshot = add(model, volume, context, wanted)

    def done() -> None:
        settle(snapshot, "available")
        snapshot.progress = "100%"

    def failed(fault: Fault) -> None:
        settle(snapshot, "error")
        add_fault_message(
            model, context, snapshot, Cause("snapshot_create", "snapshot_create"), fault
        )

    start_lifecycle(model.runtime, lifecycle, snapshot, done, failed)
    return snapshot


def manage(
    model: BlockStorageModel,
    volume: VolumeRecord,
    context: RequestContext,
    wanted: SnapshotRequest,
) -> SnapshotRecord:
    """Begin to manage a snapshot that exists in the backend already. Raises ApiError."""
    return create(model, volume, context, replace(wanted, force=True), MANAGE_SNAPSHOT)


def add(
    model: BlockStorageModel,
    volume: VolumeRecord,
    context: RequestContext,
    wanted: SnapshotRequest,
) -> SnapshotRecord:
    """Add the record of a new snapshot in status `creating`. Raises ApiError."""
    if volume.host is None:
        raise ApiError(400, "Invalid volume: volume is not assigned to a host")
    if volume.status == "maintenance":
        raise ApiError(
            400,
            "Invalid volume: The snapshot cannot be created when the volume is in maintenance "
            "mode.",
        )
    check_thawed(model, volume.host)
    statuses = ("available", "in-use") if wanted.force else ("available",)
    if wanted.group_snapshot_id is None and volume.status not in statuses:
        raise ApiError(
            400,
            f"Invalid volume: Volume {volume.id} status must be {', '.join(statuses)}, but "
            f"current status is: {volume.status}.",
        )
    quotas.check(
        model, context.project_id, quotas.QuotaClaim("snapshots", volume.size, volume.volume_type)
    )
    return model.snapshots.add(
        SnapshotRecord(
            id=model.runtime.new_id(),
            name=wanted.name,
            description=wanted.description,
            project_id=context.project_id,
            user_id=context.user_id,
            status="creating",
            metadata=dict(wanted.metadata),
            volume_id=volume.id,
            size=volume.size,
            volume_type=volume.volume_type,
            group_snapshot_id=wanted.group_snapshot_id,
            image_metadata=volume.image_metadata,
            bootable=volume.bootable,
        )
    )


def settle(snapshot: SnapshotRecord, status: str) -> None:
    """Set the final status of an operation on the snapshot."""
    snapshot.status = status
    snapshot.touch()


def delete(
    model: BlockStorageModel,
    snapshot: SnapshotRecord,
    context: RequestContext,
    force: bool = False,
    unmanage: bool = False,
) -> None:
    """Begin to delete the snapshot, or with `unmanage` to unmanage it. Raises ApiError(400)."""
    if not unmanage and (volume := model.volumes.get(snapshot.volume_id)):
        check_thawed(model, volume.host)
    if snapshot.group_snapshot_id or not (force or snapshot.status in ("available", "error")):
        status = "" if force else "status must be available or error and "
        raise ApiError(400, f"Invalid snapshot: Snapshot {status}must not be part of a group.")

    def failed(fault: Fault) -> None:
        settle(snapshot, "available" if fault.effect == "silent" else "error_deleting")
        detail = "snapshot_busy" if fault.effect == "silent" else "snapshot_delete"
        add_fault_message(model, context, snapshot, Cause("snapshot_delete", detail), fault)

    start_lifecycle(
        model.runtime,
        UNMANAGE_SNAPSHOT if unmanage else DELETE_SNAPSHOT,
        snapshot,
        lambda: model.snapshots.remove(snapshot),
        failed,
    )
