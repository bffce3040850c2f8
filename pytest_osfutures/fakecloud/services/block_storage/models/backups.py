"""Backups: create, restore, delete."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Fault,
    RequestContext,
    start_lifecycle,
)
from pytest_osfutures.fakecloud.services.block_storage.models import quotas, volumes
from pytest_osfutures.fakecloud.services.block_storage.models.lifecycles import (
    CREATE_BACKUP,
    DELETE_BACKUP,
    RESTORE_BACKUP,
)
from pytest_osfutures.fakecloud.services.block_storage.models.messages import (
    Cause,
    add_fault_message,
)
from pytest_osfutures.fakecloud.services.block_storage.models.records import (
    ZONE,
    BackupRecord,
    SnapshotRecord,
    VolumeRecord,
)
from pytest_osfutures.fakecloud.services.block_storage.models.state import BlockStorageModel

KIND = "VOLUME_BACKUP"
LOOK_SECONDS = 1.0  #: the interval at which Cinder polls a new volume


@dataclass(frozen=True, repr=False, match_args=False)
class BackupRequest:
    """The fields of a new backup."""

    volume: VolumeRecord
    snapshot: SnapshotRecord | None = None
    name: str | None = None
    description: str | None = None
    container: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    incremental: bool = False
    force: bool = False


def _settle(backup: BackupRecord, status: str) -> None:
    backup.status = status
    backup.touch()


def _new_record(
    model: BlockStorageModel, wanted: BackupRequest, context: RequestContext
) -> BackupRecord:
    """Add the record of a new backup in status `creating`. Raises ApiError(400)."""
    volume, snapshot = wanted.volume, wanted.snapshot
    parent = _latest(model, volume, context) if wanted.incremental else None
    backup = model.backups.add(
        BackupRecord(
            id=model.runtime.new_id(),
            name=wanted.name,
            description=wanted.description,
            project_id=context.project_id,
            user_id=context.user_id,
            status="creating",
            metadata=dict(wanted.metadata),
            volume_id=volume.id,
            size=volume.size,
            data_timestamp=snapshot.created_at if snapshot else model.now(),
            container=wanted.container,
            snapshot_id=snapshot.id if snapshot else None,
            parent_id=parent.id if parent else None,
            of_volume={
                "name": volume.name,
                "description": volume.description,
                "metadata": dict(volume.metadata),
                "image_metadata": dict(volume.image_metadata),
            },
        )
    )
    backup.touch()
    return backup


def create(
    model: BlockStorageModel, wanted: BackupRequest, context: RequestContext
) -> BackupRecord:
    """Begin to back up a volume or a snapshot. Raises ApiError."""
    volume, snapshot = wanted.volume, wanted.snapshot
    _check_source(wanted)
    quotas.check(model, context.project_id, quotas.QuotaClaim("backups", volume.size))
    backup = _new_record(model, wanted, context)
    old_status = volume.status
    if snapshot:
        snapshot.status = "backing-up"
    else:
        volume.leave("backing-up")

    def source_is_free() -> None:
        if snapshot:
            snapshot.status = "available"
        else:
            volume.settle(old_status)

    def done() -> None:
        backup.zone, backup.object_count = ZONE, 1
        short = backup.id[:4]
        backup.container = backup.container or f"{short[:2]}/{short[2:]}/{backup.id}"
        source_is_free()
        _settle(backup, "available")

    def failed(fault: Fault) -> None:
        source_is_free()
        backup.fail_reason = fault.message or "Backup driver failed to create backup."
        _settle(backup, "error")
        add_fault_message(model, context, backup, Cause("backup_create", "backup_create"), fault)

    start_lifecycle(model.runtime, CREATE_BACKUP, backup, done, failed)
    return backup


def _check_source(wanted: BackupRequest) -> None:
    volume, snapshot = wanted.volume, wanted.snapshot
    if snapshot:
        if snapshot.volume_id != volume.id:
            raise ApiError(
                400,
                f"Invalid volume: Volume {volume.id} does not match with snapshot.volume_id "
                f"{snapshot.volume_id}.",
            )
        if snapshot.status != "available":
            raise ApiError(
                400,
                "Invalid snapshot: Snapshot to be backed up must be available, but the current "
                f'status is "{snapshot.status}".',
            )
    elif volume.status not in ("available", "in-use"):
        raise ApiError(
            400,
            "Invalid volume: Volume to be backed up must be available or in-use, but the current "
            f'status is "{volume.status}".',
        )
    elif volume.status == "in-use" and not wanted.force:
        raise ApiError(400, "Invalid volume: Backing up an in-use volume must use the force flag.")


def _latest(
    model: BlockStorageModel, volume: VolumeRecord, context: RequestContext
) -> BackupRecord:
    """Return the parent of an incremental backup. Raises ApiError(400)."""
    available = [
        backup
        for backup in model.backups
        if (backup.volume_id, backup.project_id, backup.status)
        == (volume.id, context.project_id, "available")
    ]
    if not available:
        raise ApiError(400, "Invalid backup: No backups available to do an incremental backup.")
    return max(available, key=lambda backup: backup.data_timestamp)


def restore(
    model: BlockStorageModel,
    backup: BackupRecord,
    volume: VolumeRecord | None,
    name: str | None,
    context: RequestContext,
) -> tuple[VolumeRecord, float]:
    """Begin to restore the backup to a volume, or to a new volume for None.

    Returns the volume and the latency of the response in seconds: Cinder waits for a new volume.
    Raises ApiError(400).
    """
    if backup.status != "available":
        raise ApiError(400, "Invalid backup: Backup status must be available")
    if volume is None:
        blueprint = volumes.VolumeRequest(
            size=backup.size,
            name=name or f"restore_backup_{backup.id}",
            description="auto-created_from_restore_from_backup",
        )
        new = volumes.create(model, blueprint, context)
        seconds = model.runtime.settings.seconds["volume.create"]

        def when_there() -> None:
            if new.status == "creating" and new.deleted_at is None:
                model.runtime.schedule.after(LOOK_SECONDS, when_there)
            elif new.status == "available" and backup.status == "available":
                _restore(model, backup, new, context)

        model.runtime.schedule.after(seconds, when_there)
        return new, seconds
    if volume.status != "available":
        raise ApiError(400, "Invalid volume: Volume to be restored to must be available")
    if backup.size > volume.size:
        raise ApiError(
            400,
            f"Invalid volume: volume size {volume.size} is too small to restore backup of size "
            f"{backup.size}.",
        )
    _restore(model, backup, volume, context)
    return volume, 0.0


def _restore(
    model: BlockStorageModel, backup: BackupRecord, volume: VolumeRecord, context: RequestContext
) -> None:
    volume.leave("restoring-backup")

    def done() -> None:
        backup.write_over(volume)
        _settle(backup, "available")
        volume.settle("available")

    def failed(fault: Fault) -> None:
        _settle(backup, "available")
        volume.settle("available" if fault.effect == "silent" else "error_restoring")
        add_fault_message(model, context, backup, Cause("backup_restore", "backup_restore"), fault)

    start_lifecycle(model.runtime, RESTORE_BACKUP, backup, done, failed)


def delete(
    model: BlockStorageModel, backup: BackupRecord, context: RequestContext, force: bool = False
) -> None:
    """Begin to delete the backup. Raises ApiError(400)."""
    if not force and backup.status not in ("available", "error"):
        raise ApiError(400, "Invalid backup: Backup status must be available or error")
    if any(other.parent_id == backup.id for other in model.backups):
        raise ApiError(400, "Invalid backup: Incremental backups exist for this backup.")

    def failed(fault: Fault) -> None:
        backup.fail_reason = fault.message or "Backup driver failed to delete backup."
        _settle(backup, "available" if fault.effect == "silent" else "error_deleting")
        add_fault_message(model, context, backup, Cause("backup_delete", "backup_delete"), fault)

    start_lifecycle(
        model.runtime, DELETE_BACKUP, backup, lambda: model.backups.remove(backup), failed
    )
