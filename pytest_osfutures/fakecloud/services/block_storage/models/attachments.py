"""Volume attachments: reserve, connect, complete, detach."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    RequestContext,
)
from pytest_osfutures.fakecloud.services.block_storage.models.messages import (
    Cause,
    add_fault_message,
)
from pytest_osfutures.fakecloud.services.block_storage.models.records import (
    AttachmentRecord,
    VolumeRecord,
)
from pytest_osfutures.fakecloud.services.block_storage.models.state import BlockStorageModel

#: the volume's status by the status of its attachments; the first that applies
AFTER_DETACH = (("attached", "in-use"), ("attaching", "attaching"), ("reserved", "reserved"))


def reserve(
    model: BlockStorageModel,
    volume: VolumeRecord,
    server_id: str | None,
    mode: str = "null",
) -> AttachmentRecord:
    """Create a `reserved` attachment; the volume is `reserved` too. Raises ApiError(400)."""
    if "error" in volume.status:
        raise ApiError(
            400,
            "Invalid volume: Volume attachments can not be created if the volume is in an error "
            f"state. The Volume {volume.id} currently has a status of: {volume.status} ",
        )
    free = (
        ("available", "in-use", "downloading")
        if volume.multiattach
        else (
            "available",
            "downloading",
        )
    )
    again = volume.status in ("in-use", "reserved") and any(
        server_id is not None and a.server_id == server_id for a in volume.attachments
    )
    if volume.status not in free and not again:
        raise ApiError(
            400,
            f"Invalid volume: Volume {volume.id} status must be {' or '.join(free)} to reserve, "
            f"but the current status is {volume.status}.",
        )
    if volume.status in free:
        volume.settle("reserved")
    attachment = model.attachments.add(
        AttachmentRecord(
            id=model.runtime.new_id(),
            project_id=volume.project_id,
            status="reserved",
            volume_id=volume.id,
            server_id=server_id,
            attach_mode="ro" if volume.admin_metadata.get("readonly") else mode,
        )
    )
    volume.attachments = (*volume.attachments, attachment)
    return attachment


def connect(
    model: BlockStorageModel, attachment: AttachmentRecord, connector: Mapping[str, Any]
) -> None:
    """Set the host's connector; the volume is `attaching`. Raises ApiError."""
    volume = model.volume(attachment.volume_id)
    if "error" in volume.status:
        raise ApiError(
            500,
            "Unable to update attachment (Resource conflict: Volume attachments can not be "
            f"updated if the volume is in an error state. The Volume {volume.id} currently has a "
            f"status of: {volume.status} ).",
        )
    attachment.status = "attaching"
    attachment.host = connector.get("host")
    attachment.mountpoint = connector.get("mountpoint")
    if attachment.attach_mode == "null":
        attachment.attach_mode = connector.get("mode", "rw")
    attachment.connection_info = {
        **connection_of(volume),
        "driver_volume_type": "local",
        "attachment_id": attachment.id,
        "enforce_multipath": False,
    }
    volume.settle("attaching")


def check_connect(
    model: BlockStorageModel, attachment: AttachmentRecord, context: RequestContext
) -> None:
    """Raise ApiError(500) if a fault rule fails the connection: `error_attaching`.

    With the effect `silent` the attachment stays reserved.
    """
    volume = model.volume(attachment.volume_id)
    fault = model.runtime.faults.on_operation("volume.attach", volume)
    if fault is None or fault.effect == "stuck":
        return
    if fault.effect == "error":
        attachment.status = "error_attaching"
    add_fault_message(model, context, volume, Cause("update_attachment", "attach"), fault)
    raise ApiError(500, f"Unable to update attachment ({fault.message or 'the driver failed'}).")


def check_detach(model: BlockStorageModel, attachment: AttachmentRecord) -> None:
    """Raise ApiError(500) if a fault rule fails the disconnection: `error_detaching`.

    With the effect `silent` no status changes.
    """
    volume = model.volume(attachment.volume_id)
    fault = model.runtime.faults.on_operation("volume.detach", volume)
    if fault is None:
        return
    if fault.effect == "error":
        attachment.status = "error_detaching"
    raise ApiError(
        500,
        "The server has either erred or is incapable of performing the requested operation.",
    )


def connection_of(volume: VolumeRecord) -> dict[str, Any]:
    """Return the connection info with which a host finds the volume."""
    mode = "ro" if volume.admin_metadata.get("readonly") == "True" else "rw"
    return {
        "device_path": f"/var/lib/cinder/volumes/volume-{volume.id}",
        "qos_specs": None,
        "access_mode": mode,
        "encrypted": False,
        "cacheable": False,
    }


def complete(model: BlockStorageModel, attachment: AttachmentRecord) -> None:
    """Set the attachment to `attached` and the volume to `in-use`."""
    attachment.status = "attached"
    attachment.attached_at = model.now()
    volume = model.volume(attachment.volume_id)
    volume.settle("in-use")


def detach(model: BlockStorageModel, attachment: AttachmentRecord) -> list[AttachmentRecord]:
    """Delete the attachment; the volume stays `in-use` while others are left."""
    model.attachments.remove(attachment)
    attachment.status = "detached"
    volume = model.volumes.get(attachment.volume_id)
    if volume is None:
        return []
    volume.attachments = tuple(a for a in volume.attachments if a is not attachment)
    if not volume.attachments:
        volume.admin_metadata = {
            key: value for key, value in volume.admin_metadata.items() if key != "attached_mode"
        }
    if volume.status in ("reserved", "attaching", "in-use", "detaching"):
        left = {a.status for a in volume.attachments}
        volume.settle(next((status for name, status in AFTER_DETACH if name in left), "available"))
    return list(volume.attachments)


def check_deletable(model: BlockStorageModel, attachment: AttachmentRecord) -> None:
    """Raise ApiError(409) if Nova uses the attachment: Nova must detach it first.

    https://bugs.launchpad.net/cinder/+bug/2004555 (CVE-2023-2088)
    """
    server_id = attachment.server_id
    if (
        server_id
        and attachment.connection_info
        and model.servers.has_attachment(server_id, attachment.id)
    ):
        raise in_use_by(server_id)


def in_use_by(server_id: str) -> ApiError:
    """Return the error 409 for an attachment that a server uses."""
    return ApiError(
        409,
        f"ConflictNovaUsingAttachment: Detach volume from instance {server_id} using the "
        "Compute API",
    )


def begin_detaching(volume: VolumeRecord) -> None:
    """Set the volume to `detaching`. Raises ApiError(400)."""
    if volume.migrating:
        return
    if volume.status != "in-use" or not volume.attached:
        raise ApiError(
            400,
            "Invalid volume: Unable to detach volume. Volume status must be 'in-use' and "
            "attach_status must be 'attached' to detach.",
        )
    volume.leave("detaching")


def roll_detaching(volume: VolumeRecord) -> None:
    """Set the volume to `in-use` again."""
    if volume.status == "detaching":
        volume.settle("in-use")
