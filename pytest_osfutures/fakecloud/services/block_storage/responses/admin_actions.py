"""Volume actions for administrators, and managed volumes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.models import attachments, changes
from pytest_osfutures.fakecloud.services.block_storage.models.records import VolumeRecord
from pytest_osfutures.fakecloud.services.block_storage.responses import validation
from pytest_osfutures.fakecloud.services.block_storage.responses.validation import ActionBody
from pytest_osfutures.fakecloud.services.block_storage.responses.views import volume_detail

RULE = "volume_extension:volume_admin_actions"
VOLUME_STATUSES = (
    "creating",
    "available",
    "deleting",
    "error",
    "error_deleting",
    "error_managing",
    "managing",
    "attaching",
    "in-use",
    "detaching",
    "maintenance",
    "restoring-backup",
    "error_restoring",
    "reserved",
    "awaiting-transfer",
    "backing-up",
    "error_backing-up",
    "error_extending",
    "downloading",
    "uploading",
    "retyping",
    "extending",
)
ATTACH_STATUSES = ["attached", "detached"]
MIGRATION_STATUSES = ("migrating", "error", "success", "completing", "none", "starting")


def _accepted() -> Response:
    return Response(202, None, {"Content-Type": "application/json"})


def _status(part: dict[str, Any], key: str, spoken: str, known: Sequence[str]) -> str | None:
    value = part.get(key)
    if value is None:
        return None
    if str(value).lower() not in known:
        raise ApiError(400, f"{spoken}: {value} is invalid, valid statuses are: {known}.")
    return str(value).lower()


def _reset_status(call: BlockStorageCall, volume: VolumeRecord, order: ActionBody) -> Response:
    part = order.part()
    status = _status(part, "status", "Volume status", VOLUME_STATUSES)
    attach = _status(part, "attach_status", "Volume attach status", ATTACH_STATUSES)
    migration = _status(part, "migration_status", "Volume migration status", MIGRATION_STATUSES)
    if not (status or attach or migration):
        raise ApiError(
            400,
            "Must specify 'status', 'attach_status' or 'migration_status' for update.",
        )
    validation.admin_only(call, f"{RULE}:reset_status")
    if status == "in-use" and not volume.attachments:
        raise ApiError(
            400,
            "Cannot reset-state to in-use because volume does not have any attachments.",
        )
    volume.activity = None
    if migration:
        volume.migration_status = None if migration == "none" else migration
    if attach == "detached":
        for attachment in volume.attachments:
            attachments.detach(call.model, attachment)
    volume.settle(status or volume.status)
    return _accepted()


#: the statuses that a forced detaching of the last attachment ends
FORCED = ("attaching", "detaching", "error", "error_attaching", "error_detaching")


def _force_detach(call: BlockStorageCall, volume: VolumeRecord, order: ActionBody) -> Response:
    validation.admin_only(call, f"{RULE}:force_detach")
    part, model = order.part(), call.model
    wanted = part.get("attachment_id")
    for attachment in volume.attachments:
        if wanted in (None, attachment.id):
            attachments.check_deletable(model, attachment)
            attachments.detach(model, attachment)
    if not volume.attachments and volume.status in FORCED:
        volume.settle("available")
    return _accepted()


def _migrate(call: BlockStorageCall, volume: VolumeRecord, order: ActionBody) -> Response:
    part = order.part()
    validation.admin_only(call, f"{RULE}:migrate_volume")
    host = validation.one_host(part)
    lock = validation.flag(part, "lock_volume")
    changes.migrate(call.model, volume, host, lock)
    return _accepted()


def _migrate_completion(
    call: BlockStorageCall, volume: VolumeRecord, order: ActionBody
) -> Response:
    part = order.part("new_volume")
    validation.admin_only(call, f"{RULE}:migrate_volume_completion")
    new = call.model.volume(str(part["new_volume"]), call.context)
    if volume.migration_status is None and new.migration_status is None:
        return Response(200, {"save_volume_id": new.id})
    raise ApiError(400, "Invalid volume: Destination volume not mid-migration.")


def _extend_completion(
    call: BlockStorageCall, volume: VolumeRecord, _order: ActionBody
) -> Response:
    validation.since(call, (3, 71))
    validation.admin_only(call, f"{RULE}:extend_volume_completion")
    if volume.status != "extending":
        raise ApiError(400, "Invalid volume: Volume is not being extended.")
    raise ApiError(400, "Invalid volume: Required volume admin metadata is malformed or missing.")


def _unmanage(call: BlockStorageCall, volume: VolumeRecord, _order: ActionBody) -> Response:
    validation.admin_only(call, "volume_extension:volume_unmanage")
    changes.unmanage(call.model, volume)
    return _accepted()


ADMIN_ACTIONS = {
    "os-extend_volume_completion": _extend_completion,
    "os-force_detach": _force_detach,
    "os-migrate_volume": _migrate,
    "os-migrate_volume_completion": _migrate_completion,
    "os-reset_status": _reset_status,
    "os-unmanage": _unmanage,
}


def manage(call: BlockStorageCall) -> Response:
    """Begin to manage a volume that exists in the backend already."""
    validation.admin_only(call, "volume_extension:volume_manage")
    part, context, model = (
        validation.envelope(call, "volume"),
        call.context,
        call.model,
    )
    validation.required("volume", part, "ref")
    host = validation.one_host(part)
    if host.split("#")[0] not in model.services:
        raise ApiError(400, f"Host '{host}' not found")
    kind = part.get("volume_type")
    volume_type = (
        model.type_named(str(kind), context) if kind else model.default_type(context.project_id)
    )
    volume = VolumeRecord(
        id=call.runtime.new_id(),
        name=validation.text(part, "name"),
        description=validation.text(part, "description"),
        project_id=context.project_id,
        user_id=context.user_id,
        metadata=validation.strings(part, "metadata"),
        size=0,
        volume_type=volume_type,
        multiattach=volume_type.multiattach,
        bootable=validation.flag(part, "bootable"),
    )
    changes.manage(model, volume, host, context)
    return Response(202, {"volume": volume_detail(call, volume, new=True)})
