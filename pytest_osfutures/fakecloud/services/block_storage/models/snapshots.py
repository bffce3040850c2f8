"""Snapshots of volumes."""

from __future__ import annotations

from collections.abc import Mapping

from pytest_osfutures.fakecloud.kernel.call import RequestContext
from pytest_osfutures.fakecloud.kernel.errors import ApiError
from pytest_osfutures.fakecloud.kernel.faults import Fault
from pytest_osfutures.fakecloud.kernel.lifecycle import Lifecycle, start
from pytest_osfutures.fakecloud.services.block_storage.models import quotas
from pytest_osfutures.fakecloud.services.block_storage.models.lifecycles import (
    CREATE_SNAPSHOT,
    DELETE_SNAPSHOT,
    MANAGE_SNAPSHOT,
    UNMANAGE_SNAPSHOT,
)
from pytest_osfutures.fakecloud.services.block_storage.models.messages import tell_fault
from pytest_osfutures.fakecloud.services.block_storage.models.records import (
    SnapshotRecord,
    VolumeRecord,
)
from pytest_osfutures.fakecloud.services.block_storage.models.services import check_thawed
from pytest_osfutures.fakecloud.services.block_storage.models.state import BlockStorageModel


def create(
    model: BlockStorageModel,
    volume: VolumeRecord,
    context: RequestContext,
    name: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, str] | None = None,
    force: bool = False,
    lifecycle: Lifecycle = CREATE_SNAPSHOT,
) -> SnapshotRecord:
    """Begin a snapshot of the volume; `force` allows it while in use. Raises ApiError."""
    snapshot = add(model, volume, context, name, description, metadata, force)

    def done() -> None:
        settle(snapshot, "available")
        snapshot.progress = "100%"

    def failed(fault: Fault) -> None:
        settle(snapshot, "error")
        tell_fault(
            model,
            context,
            snapshot,
            "snapshot_create",
            "snapshot_create",
            fault,
            "VOLUME_SNAPSHOT",
        )

    start(model.runtime, lifecycle, snapshot, done, failed)
    return snapshot


def manage(
    model: BlockStorageModel,
    volume: VolumeRecord,
    context: RequestContext,
    name: str | None = None,
    description: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> SnapshotRecord:
    """Begin to take over a snapshot that the backend has already. Raises ApiError."""
    return create(
        model, volume, context, name, description, metadata, True, lifecycle=MANAGE_SNAPSHOT
    )


def add(
    model: BlockStorageModel,
    volume: VolumeRecord,
    context: RequestContext,
    name: str | None,
    description: str | None = None,
    metadata: Mapping[str, str] | None = None,
    force: bool = False,
    group_snapshot_id: str | None = None,
) -> SnapshotRecord:
    """The record of a new snapshot, `creating`. Raises ApiError."""
    if volume.host is None:
        raise ApiError(400, "Invalid volume: volume is not assigned to a host")
    if volume.status == "maintenance":
        raise ApiError(
            400,
            "Invalid volume: The snapshot cannot be created when the volume is in maintenance "
            "mode.",
        )
    check_thawed(model, volume.host)
    statuses = ("available", "in-use") if force else ("available",)
    if group_snapshot_id is None and volume.status not in statuses:
        raise ApiError(
            400,
            f"Invalid volume: Volume {volume.id} status must be {', '.join(statuses)}, but "
            f"current status is: {volume.status}.",
        )
    quotas.check(model, context.project_id, "snapshots", volume.size, volume.volume_type)
    return model.snapshots.add(
        SnapshotRecord(
            id=model.runtime.new_id(),
            name=name,
            description=description,
            project_id=context.project_id,
            user_id=context.user_id,
            status="creating",
            metadata=dict(metadata or {}),
            volume_id=volume.id,
            size=volume.size,
            volume_type=volume.volume_type,
            group_snapshot_id=group_snapshot_id,
            image_metadata=volume.image_metadata,
            bootable=volume.bootable,
        )
    )


def settle(snapshot: SnapshotRecord, status: str) -> None:
    """The snapshot is in `status` from now on."""
    snapshot.status = status
    snapshot.touch()


def delete(
    model: BlockStorageModel,
    snapshot: SnapshotRecord,
    context: RequestContext,
    force: bool = False,
    unmanage: bool = False,
) -> None:
    """Begin to delete the snapshot, or with `unmanage` to forget it. Raises ApiError(400)."""
    if not unmanage and (volume := model.volumes.get(snapshot.volume_id)):
        check_thawed(model, volume.host)
    if snapshot.group_snapshot_id or not (force or snapshot.status in ("available", "error")):
        status = "" if force else "status must be available or error and "
        raise ApiError(400, f"Invalid snapshot: Snapshot {status}must not be part of a group.")

    def failed(fault: Fault) -> None:
        settle(snapshot, "available" if fault.effect == "silent" else "error_deleting")
        detail = "snapshot_busy" if fault.effect == "silent" else "snapshot_delete"
        tell_fault(model, context, snapshot, "snapshot_delete", detail, fault, "VOLUME_SNAPSHOT")

    start(
        model.runtime,
        UNMANAGE_SNAPSHOT if unmanage else DELETE_SNAPSHOT,
        snapshot,
        lambda: model.snapshots.remove(snapshot),
        failed,
    )
