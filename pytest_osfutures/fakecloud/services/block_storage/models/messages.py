"""User messages: why an operation failed, in Cinder's own numbers and words."""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel.call import RequestContext
from pytest_osfutures.fakecloud.kernel.faults import Fault
from pytest_osfutures.fakecloud.kernel.resource import ResourceRecord
from pytest_osfutures.fakecloud.services.block_storage.models.records import Message
from pytest_osfutures.fakecloud.services.block_storage.models.state import BlockStorageModel

KEPT_SECONDS = 30 * 86400

ACTIONS = {
    "schedule": ("001", "schedule allocate volume"),
    "attach": ("002", "attach volume"),
    "upload": ("003", "copy volume to image"),
    "update_attachment": ("004", "update attachment"),
    "download": ("005", "copy image to volume"),
    "extend": ("007", "extend volume"),
    "create": ("008", "create volume from backend storage"),
    "snapshot_create": ("009", "create snapshot"),
    "snapshot_delete": ("010", "delete snapshot"),
    "backup_create": ("013", "create backup"),
    "backup_delete": ("014", "delete backup"),
    "backup_restore": ("015", "restore backup"),
    "reimage": ("016", "reimage volume"),
}
DETAILS = {
    "unknown": ("001", "An unknown error occurred."),
    "no_backend": ("003", "Could not find any available weighted backend."),
    "upload": ("004", "Failed to upload volume to image at backend."),
    "quota": ("006", "Not enough quota resource for operation."),
    "no_space": ("007", "Image used for creating volume exceeds available space."),
    "compute": ("009", "Compute service failed to extend volume."),
    "extend": ("010", "Volume Driver failed to extend volume."),
    "signature": ("011", "Image signature verification failed."),
    "create": ("012", "Driver failed to create the volume."),
    "snapshot_create": ("013", "Snapshot failed to create."),
    "snapshot_busy": ("015", "Snapshot is busy."),
    "snapshot_delete": ("016", "Snapshot failed to delete."),
    "backup_create": ("020", "Backup driver failed to create backup."),
    "attach": ("021", "Failed to attach volume."),
    "backup_delete": ("025", "Backup driver failed to delete backup."),
    "backup_restore": ("026", "Backup driver failed to restore backup."),
    "reimage": ("028", "Compute service failed to reimage volume."),
}


def tell(
    model: BlockStorageModel,
    context: RequestContext,
    resource: ResourceRecord,
    action: str,
    detail: str,
    kind: str = "VOLUME",
    text: str | None = None,
) -> None:
    """Leave a message about `resource` for its project; `text` replaces the detail's own words."""
    action_id, action_text = ACTIONS[action]
    detail_id, detail_text = DETAILS[detail]
    message = Message(
        id=model.runtime.new_id(),
        project_id=resource.project_id,
        request_id=context.request_id,
        resource_type=kind,
        resource_uuid=resource.id,
        event_id=f"VOLUME_{kind}_{action_id}_{detail_id}",
        text=f"{action_text}:{text or detail_text}",
        created_at=model.now(),
    )
    model.messages[message.id] = message


def tell_fault(
    model: BlockStorageModel,
    context: RequestContext,
    resource: ResourceRecord,
    action: str,
    detail: str,
    fault: Fault,
    kind: str = "VOLUME",
) -> None:
    """As `tell`, for a failure that a rule has asked for.

    A message of the rule that is one of Cinder's details brings that detail's number with it.
    """
    known = {text: name for name, (_, text) in DETAILS.items()}
    if fault.message in known:
        detail = known[fault.message]
        action = "schedule" if detail == "no_backend" else action
        tell(model, context, resource, action, detail, kind)
    else:
        tell(model, context, resource, action, detail, kind, text=fault.message)
