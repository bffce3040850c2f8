"""User messages about failed operations, with Cinder's numbers and texts.

cinder/message/message_field.py on https://opendev.org/openstack/cinder
"""

from __future__ import annotations

from typing import NamedTuple

from pytest_osfutures.fakecloud.kernel import (
    Fault,
    RequestContext,
    ResourceRecord,
)
from pytest_osfutures.fakecloud.services.block_storage.models.records import (
    BackupRecord,
    Message,
    SnapshotRecord,
    VolumeRecord,
)
from pytest_osfutures.fakecloud.services.block_storage.models.state import BlockStorageModel

RESOURCE_TYPES: dict[type[ResourceRecord], str] = {
    VolumeRecord: "VOLUME",
    SnapshotRecord: "VOLUME_SNAPSHOT",
    BackupRecord: "VOLUME_BACKUP",
}
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


class Cause(NamedTuple):
    """The action that failed and the reason: keys of `ACTIONS` and `DETAILS`."""

    action: str
    detail: str


def add_message(
    model: BlockStorageModel,
    context: RequestContext,
    resource: ResourceRecord,
    cause: Cause,
    text: str | None = None,
) -> None:
    """Add a user message about `resource`; `text` replaces the text of the cause's detail."""
    kind = RESOURCE_TYPES[type(resource)]
    action_id, action_text = ACTIONS[cause.action]
    detail_id, detail_text = DETAILS[cause.detail]
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


def add_fault_message(
    model: BlockStorageModel,
    context: RequestContext,
    resource: ResourceRecord,
    cause: Cause,
    fault: Fault,
) -> None:
    """Add the user message for an operation that a fault rule has failed.

    If the rule's message is the text of one of Cinder's details, that detail replaces the cause's.
    """
    known = {text: name for name, (_, text) in DETAILS.items()}
    if fault.message not in known:
        add_message(model, context, resource, cause, fault.message)
        return
    detail = known[fault.message]
    action = "schedule" if detail == "no_backend" else cause.action
    add_message(model, context, resource, Cause(action, detail))
