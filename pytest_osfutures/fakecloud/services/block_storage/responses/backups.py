"""Backups."""

from __future__ import annotations

import base64
import json
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.models import backups
from pytest_osfutures.fakecloud.services.block_storage.models.records import BackupRecord
from pytest_osfutures.fakecloud.services.block_storage.responses import validation
from pytest_osfutures.fakecloud.services.block_storage.responses.listing import listed, visible
from pytest_osfutures.fakecloud.services.block_storage.responses.validation import ActionBody
from pytest_osfutures.fakecloud.services.block_storage.responses.views import (
    backup_detail,
    backup_summary,
)

RULE = "volume_extension:backup_admin_actions"
STATUSES = ["available", "error"]
SERVICE = "cinder.backup.drivers.posix.PosixBackupDriver"


def _find(call: BlockStorageCall, backup_id: str) -> BackupRecord:
    return call.model.backup(backup_id, call.context)


def create(call: BlockStorageCall) -> Response:
    """Begin to create a backup."""
    part, context, model = (
        validation.envelope(call, "backup"),
        call.context,
        call.model,
    )
    validation.required("backup", part, "volume_id")
    snapshot_id = part.get("snapshot_id")
    request = backups.BackupRequest(
        volume=model.volume(str(part["volume_id"]), context),
        snapshot=model.snapshot(str(snapshot_id), context) if snapshot_id else None,
        name=validation.text(part, "name"),
        description=validation.text(part, "description"),
        container=validation.text(part, "container"),
        metadata=validation.strings(part, "metadata") if call.version >= (3, 43) else {},
        incremental=validation.flag(part, "incremental"),
        force=validation.flag(part, "force"),
    )
    backup = backups.create(model, request, context)
    return Response(202, {"backup": backup_summary(call, backup)})


def show(call: BlockStorageCall, backup_id: str) -> Response:
    """Show one backup."""
    return Response(200, {"backup": backup_detail(call, _find(call, backup_id))})


def _list(call: BlockStorageCall, detail: bool) -> Response:
    def full(backup: BackupRecord) -> dict[str, Any]:
        return backup_detail(call, backup)

    def short(backup: BackupRecord) -> dict[str, Any]:
        return backup_summary(call, backup)

    rows = visible(call, call.model.backups)
    shown = full if detail else short
    return Response(200, listed(call, rows, ("backup", "Backup"), full, shown))


def index(call: BlockStorageCall) -> Response:
    """List backups with few fields."""
    return _list(call, detail=False)


def detail(call: BlockStorageCall) -> Response:
    """List backups with all fields."""
    return _list(call, detail=True)


def update(call: BlockStorageCall, backup_id: str) -> Response:
    """Change the name, the description or the metadata of a backup."""
    validation.since(call, (3, 9))
    part, backup = validation.envelope(call, "backup"), _find(call, backup_id)
    for key in ("name", "description"):
        if key in part:
            setattr(backup, key, validation.text(part, key))
    if "metadata" in part and call.version >= (3, 43):
        backup.metadata = validation.strings(part, "metadata")
    backup.touch()
    return Response(200, {"backup": backup_summary(call, backup)})


def delete(call: BlockStorageCall, backup_id: str) -> Response:
    """Begin to delete a backup."""
    backups.delete(call.model, _find(call, backup_id), call.context)
    return Response(202, None, {"Content-Type": "application/json"})


def restore(call: BlockStorageCall, backup_id: str) -> Response:
    """Begin to restore a backup; the response waits until a new volume is created."""
    part, context, model = (
        validation.envelope(call, "restore"),
        call.context,
        call.model,
    )
    volume_id = validation.uuid(part, "volume_id", validation.NO_SCHEMA)
    volume = model.volume(volume_id, context) if volume_id else None
    to, seconds = backups.restore(
        model, _find(call, backup_id), volume, validation.text(part, "name"), context
    )
    view = {"backup_id": backup_id, "volume_id": to.id, "volume_name": to.name}
    return Response(202, {"restore": view}, delay=seconds)


def act(call: BlockStorageCall, backup_id: str) -> Response:
    """Run `os-reset_status` or `os-force_delete`."""
    order, model = ActionBody.of(call, ("os-reset_status", "os-force_delete")), call.model
    backup = _find(call, backup_id)
    validation.admin_only(call, f"{RULE}:{order.name.removeprefix('os-')}")
    if order.name == "os-force_delete":
        backups.delete(model, backup, call.context, force=True)
    else:
        status = order.part("status")["status"]
        if status not in STATUSES:
            raise ApiError(
                400, f"Backup status: {status} is invalid, valid statuses are: {STATUSES}."
            )
        backup.activity = None
        backup.status = status
        backup.touch()
    return Response(202, None, {"Content-Type": "application/json"})


def export_record(call: BlockStorageCall, backup_id: str) -> Response:
    """Return the record with which another Cinder imports the backup."""
    validation.admin_only(call, "backup:export-import")
    backup = _find(call, backup_id)
    if backup.status != "available":
        raise ApiError(
            400, f"Invalid backup: Backup status must be available and not {backup.status}."
        )
    record = {"id": backup.id, "volume_id": backup.volume_id, "size": backup.size}
    url = base64.b64encode(json.dumps(record | {"name": backup.name}).encode()).decode()
    return Response(200, {"backup-record": {"backup_service": SERVICE, "backup_url": url}})


def import_record(call: BlockStorageCall) -> Response:
    """Import a backup from an exported record."""
    validation.admin_only(call, "backup:backup-import")
    part, context, model = (
        validation.envelope(call, "backup-record"),
        call.context,
        call.model,
    )
    validation.required("backup-record", part, "backup_service", "backup_url")
    try:
        record = json.loads(base64.b64decode(str(part["backup_url"])))
        backup_id, size = str(record["id"]), int(record["size"])
    except (ValueError, KeyError, TypeError):
        raise ApiError(400, "Invalid input received: Can't parse backup record.") from None
    if model.backups.get(backup_id):
        raise ApiError(400, "Invalid backup: Backup already exists in database.")
    backup = model.backups.add(
        BackupRecord(
            id=backup_id,
            name=record.get("name"),
            project_id=context.project_id,
            user_id=context.user_id,
            status="available",
            volume_id=str(record.get("volume_id")),
            size=size,
            data_timestamp=model.now(),
            object_count=1,
        )
    )
    return Response(201, {"backup": backup_summary(call, backup)})
