"""Snapshots."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.models import snapshots
from pytest_osfutures.fakecloud.services.block_storage.models.records import SnapshotRecord
from pytest_osfutures.fakecloud.services.block_storage.responses import validation
from pytest_osfutures.fakecloud.services.block_storage.responses.listing import listed, visible
from pytest_osfutures.fakecloud.services.block_storage.responses.validation import ActionBody
from pytest_osfutures.fakecloud.services.block_storage.responses.views import (
    snapshot_changed,
    snapshot_detail,
    snapshot_summary,
)

STATUSES = ("error", "available", "creating", "deleting", "deleted", "updating", "error_deleting",
            "unmanaging", "backing-up", "restoring")  # fmt: skip
FORCE = (
    "Since microversion 3.66 the 'force' flag is invalid for this request.  For backward "
    "compatability, however, when the 'force' flag is passed with a value evaluating to True, it "
    "is silently ignored."
)
ACTIONS = ("os-reset_status", "os-force_delete", "os-unmanage", "os-update_snapshot_status")
#: the statuses that a host may report, by the present status
UPDATES = {
    "creating": ("creating", "available", "error"),
    "deleting": ("deleting", "error_deleting"),
}


def find(call: BlockStorageCall, snapshot_id: str) -> SnapshotRecord:
    """Return a snapshot that the caller may see. Raises ApiError(404)."""
    return call.model.snapshot(snapshot_id, call.context)


def create(call: BlockStorageCall) -> Response:
    """Begin to create a snapshot; since 3.66 a volume in use needs no `force`."""
    part, context, model = (
        validation.envelope(call, "snapshot"),
        call.context,
        call.model,
    )
    validation.required("snapshot", part, "volume_id")
    force = validation.flag(part, "force", default=call.version >= (3, 66))
    if call.version >= (3, 66) and not force:
        raise ApiError(400, FORCE)
    volume_id = validation.uuid(part, "volume_id", validation.NO_SCHEMA)
    snapshot = snapshots.create(
        model,
        model.volume(str(volume_id), context),
        context,
        snapshots.SnapshotRequest(
            validation.text(part, "name"),
            validation.text(part, "description"),
            validation.strings(part, "metadata"),
            force,
        ),
    )
    return Response(202, {"snapshot": snapshot_changed(call, snapshot, new=True)})


def manage(call: BlockStorageCall) -> Response:
    """Begin to manage a snapshot that exists in the backend already."""
    validation.admin_only(call, "snapshot_extension:snapshot_manage")
    part, context, model = (
        validation.envelope(call, "snapshot"),
        call.context,
        call.model,
    )
    validation.required("snapshot", part, "ref", "volume_id")
    snapshot = snapshots.manage(
        model,
        model.volume(str(part["volume_id"]), context),
        context,
        snapshots.SnapshotRequest(
            validation.text(part, "name"),
            validation.text(part, "description"),
            validation.strings(part, "metadata"),
        ),
    )
    return Response(202, {"snapshot": snapshot_changed(call, snapshot, new=True)})


def show(call: BlockStorageCall, snapshot_id: str) -> Response:
    """Show one snapshot."""
    return Response(200, {"snapshot": snapshot_detail(call, find(call, snapshot_id))})


def _list(call: BlockStorageCall, detail: bool) -> Response:
    def full(snapshot: SnapshotRecord) -> dict[str, Any]:
        return snapshot_detail(call, snapshot)

    def short(snapshot: SnapshotRecord) -> dict[str, Any]:
        return snapshot_summary(snapshot)

    rows = visible(call, call.model.snapshots)
    shown = full if detail else short
    return Response(200, listed(call, rows, ("snapshot", "Snapshot"), full, shown))


def index(call: BlockStorageCall) -> Response:
    """List snapshots with few fields."""
    return _list(call, detail=False)


def detail(call: BlockStorageCall) -> Response:
    """List snapshots with all fields."""
    return _list(call, detail=True)


def update(call: BlockStorageCall, snapshot_id: str) -> Response:
    """Change the name or the description of a snapshot."""
    part, snapshot = validation.envelope(call, "snapshot"), find(call, snapshot_id)
    if not part:
        raise validation.invalid("snapshot", part, f"{{}} {validation.NO_SCHEMA}")
    for key in ("name", "description"):
        if key in part:
            setattr(snapshot, key, validation.text(part, key))
    snapshot.touch()
    return Response(200, {"snapshot": snapshot_changed(call, snapshot)})


def delete(call: BlockStorageCall, snapshot_id: str) -> Response:
    """Begin to delete a snapshot."""
    snapshot = find(call, snapshot_id)
    snapshots.delete(call.model, snapshot, call.context)
    return Response(202)


def act(call: BlockStorageCall, snapshot_id: str) -> Response:
    """Run the action that the body names."""
    order, model = ActionBody.of(call, ACTIONS), call.model
    snapshot = find(call, snapshot_id)
    if order.name == "os-update_snapshot_status":
        _update_status(snapshot, order.part())
    elif order.name == "os-reset_status":
        _reset_status(call, snapshot, order.part("status"))
    elif order.name == "os-force_delete":
        validation.admin_only(call, "volume_extension:snapshot_admin_actions:force_delete")
        snapshots.delete(model, snapshot, call.context, force=True)
    else:
        validation.admin_only(call, "snapshot_extension:snapshot_unmanage")
        snapshots.delete(model, snapshot, call.context, unmanage=True)
    return Response(202, None, {"Content-Type": "application/json"})


def _reset_status(call: BlockStorageCall, snapshot: SnapshotRecord, part: dict[str, Any]) -> None:
    if str(part["status"]).lower() not in STATUSES:
        raise ApiError(
            400,
            f"Snapshot status: {part['status']} is invalid, valid statuses are: {STATUSES}.",
        )
    validation.admin_only(call, "volume_extension:snapshot_admin_actions:reset_status")
    snapshot.activity = None
    snapshots.settle(snapshot, str(part["status"]).lower())


def _update_status(snapshot: SnapshotRecord, part: dict[str, Any]) -> None:
    status = part.get("status")
    if snapshot.status not in UPDATES:
        raise ApiError(
            400, f"Snapshot status {snapshot.status} not allowed for update_snapshot_status"
        )
    if status not in UPDATES[snapshot.status]:
        raise ApiError(
            400,
            f"Provided snapshot status {status} not allowed for snapshot with status "
            f"{snapshot.status}.",
        )
    snapshots.settle(snapshot, status)
    snapshot.progress = str(part.get("progress", snapshot.progress))
