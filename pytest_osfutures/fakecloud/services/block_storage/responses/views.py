"""Cinder's resources in JSON, by microversion."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    iso_microseconds,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.models.records import (
    AttachmentRecord,
    BackupRecord,
    SnapshotRecord,
    Transfer,
    VolumeRecord,
    VolumeType,
)

#: names of statuses in the API that differ from the internal names
SHOWN_AS = {
    "managing": "creating",
    "error_managing": "error",
    "error_managing_deleting": "deleting",
}


def links(call: BlockStorageCall, collection: str, resource_id: str) -> list[dict[str, str]]:
    """Return the links of a resource."""
    project = (
        f"/{call.caller.project_id}" if f"/{call.caller.project_id}/" in call.request.path else ""
    )
    tail = f"{project}/{collection}/{resource_id}"
    return [
        {"rel": "self", "href": f"{call.root}/v3{tail}"},
        {"rel": "bookmark", "href": f"{call.root}{tail}"},
    ]


def times(row: Any, new: bool) -> dict[str, str | None]:
    """Return `created_at` and `updated_at`; the response to a create has microseconds."""
    return {
        "created_at": iso_microseconds(row.created_at, whole=not new),
        "updated_at": None if new else iso_microseconds(row.updated_at),
    }


def volume_summary(call: BlockStorageCall, volume: VolumeRecord) -> dict[str, Any]:
    """Return the few fields of a volume in a plain list."""
    return {
        "id": volume.id,
        "name": volume.name,
        "links": links(call, "volumes", volume.id),
    }


def volume_detail(
    call: BlockStorageCall, volume: VolumeRecord, new: bool = False, extended: bool = True
) -> dict[str, Any]:
    """Return all fields of a volume; `new` is for the response to a create.

    Responses to requests that change a volume are not `extended`.
    """
    version, admin = call.version, call.caller.is_admin
    view: dict[str, Any] = {
        "id": volume.id,
        "status": SHOWN_AS.get(volume.status, volume.status),
        "size": volume.size,
        "availability_zone": volume.zone,
        **times(volume, new),
        "name": volume.name,
        "description": volume.description,
        "volume_type": volume.volume_type.name,
        "snapshot_id": volume.snapshot_id,
        "source_volid": volume.source_volid,
        "metadata": volume.metadata | volume.admin_metadata,
        "links": links(call, "volumes", volume.id),
        "user_id": volume.user_id,
        "bootable": str(volume.bootable).lower(),
        "encrypted": False,
        "replication_status": volume.replication_status,
        "consistencygroup_id": _consistency_group(call, volume),
        "multiattach": volume.multiattach,
        "attachments": [_on_server(call, attachment) for attachment in volume.attached],
    }
    if admin:
        view["migration_status"] = volume.migration_status
    if version >= (3, 13):
        view["group_id"] = volume.group_id
    if version >= (3, 21) and admin:
        view["provider_id"] = None
    if version >= (3, 48):
        view["shared_targets"] = volume.service_uuid is None
        view["service_uuid"] = volume.service_uuid
    if version >= (3, 61) and admin:
        view["cluster_name"] = None
    if version >= (3, 63):
        view["volume_type_id"] = volume.volume_type.id
    if version >= (3, 65):
        view["consumes_quota"] = volume.consumes_quota
    if extended and not new:
        view |= _extended(call, volume)
    return view


def _consistency_group(call: BlockStorageCall, volume: VolumeRecord) -> str | None:
    group = call.model.groups.get(volume.group_id or "")
    return group.id if group is not None and group.group_type.for_consistency else None


def _extended(call: BlockStorageCall, volume: VolumeRecord) -> dict[str, Any]:
    view: dict[str, Any] = {"os-vol-tenant-attr:tenant_id": volume.project_id}
    if call.caller.is_admin:
        view["os-vol-mig-status-attr:migstat"] = volume.migration_status
        view["os-vol-mig-status-attr:name_id"] = volume.name_id
        view["os-vol-host-attr:host"] = volume.host
    if volume.image_metadata:
        view["volume_image_metadata"] = volume.image_metadata
    return view


def _on_server(call: BlockStorageCall, attachment: AttachmentRecord) -> dict[str, Any]:
    return {
        "id": attachment.volume_id,
        "attachment_id": attachment.id,
        "volume_id": attachment.volume_id,
        "server_id": attachment.server_id,
        "host_name": attachment.host if call.caller.is_admin else None,
        "device": attachment.mountpoint,
        "attached_at": iso_microseconds(attachment.attached_at),
    }


def attachment_summary(attachment: AttachmentRecord) -> dict[str, Any]:
    """Return the few fields of an attachment in a plain list."""
    return {
        "id": attachment.id,
        "status": attachment.status,
        "instance": attachment.server_id,
        "volume_id": attachment.volume_id,
    }


def attachment_detail(attachment: AttachmentRecord) -> dict[str, Any]:
    """Return all fields of an attachment."""
    return attachment_summary(attachment) | {
        "attached_at": iso_microseconds(attachment.attached_at) or "",
        "detached_at": "",
        "attach_mode": attachment.attach_mode,
        "connection_info": attachment.connection_info,
    }


def snapshot_summary(snapshot: SnapshotRecord, new: bool = False) -> dict[str, Any]:
    """Return the few fields of a snapshot in a plain list."""
    return {
        "id": snapshot.id,
        **times(snapshot, new),
        "name": snapshot.name,
        "description": snapshot.description,
        "volume_id": snapshot.volume_id,
        "status": snapshot.status,
        "size": snapshot.size,
        "metadata": snapshot.metadata,
    }


def snapshot_changed(
    call: BlockStorageCall, snapshot: SnapshotRecord, new: bool = False
) -> dict[str, Any]:
    """Return the fields of a snapshot in the response to a create or an update."""
    view = snapshot_summary(snapshot, new)
    if call.version >= (3, 14):
        view["group_snapshot_id"] = snapshot.group_snapshot_id
    if call.version >= (3, 41):
        view["user_id"] = snapshot.user_id
    if call.version >= (3, 65):
        view["consumes_quota"] = True
    return view


def snapshot_detail(call: BlockStorageCall, snapshot: SnapshotRecord) -> dict[str, Any]:
    """Return all fields of a snapshot."""
    return snapshot_changed(call, snapshot) | {
        "os-extended-snapshot-attributes:project_id": snapshot.project_id,
        "os-extended-snapshot-attributes:progress": snapshot.progress,
    }


def backup_summary(call: BlockStorageCall, backup: BackupRecord) -> dict[str, Any]:
    """Return the few fields of a backup in a plain list."""
    return {
        "id": backup.id,
        "name": backup.name,
        "links": links(call, "backups", backup.id),
    }


def backup_detail(call: BlockStorageCall, backup: BackupRecord) -> dict[str, Any]:
    """Return all fields of a backup."""
    children = (other for other in call.model.backups if other.parent_id == backup.id)
    view: dict[str, Any] = {
        "id": backup.id,
        "status": backup.status,
        "size": backup.size,
        "object_count": backup.object_count,
        "availability_zone": backup.zone,
        "container": backup.container,
        **times(backup, new=False),
        "name": backup.name,
        "description": backup.description,
        "fail_reason": backup.fail_reason,
        "volume_id": backup.volume_id,
        "links": links(call, "backups", backup.id),
        "is_incremental": backup.parent_id is not None,
        "has_dependent_backups": any(children),
        "snapshot_id": backup.snapshot_id,
        "data_timestamp": iso_microseconds(backup.data_timestamp),
    }
    if call.version >= (3, 43):
        view["metadata"] = backup.metadata
    if call.version >= (3, 18) and call.caller.is_admin:
        view["os-backup-project-attr:project_id"] = backup.project_id
    if call.version >= (3, 56) and call.caller.is_admin:
        view["user_id"] = backup.user_id
    return view


def transfer_summary(call: BlockStorageCall, transfer: Transfer) -> dict[str, Any]:
    """Return the few fields of a transfer in a plain list."""
    return {
        "id": transfer.id,
        "volume_id": transfer.volume_id,
        "name": transfer.name,
        "links": links(call, "os-volume-transfer", transfer.id),
    }


def transfer_detail(
    call: BlockStorageCall, transfer: Transfer, new: bool = False
) -> dict[str, Any]:
    """Return all fields of a transfer; only the response to the create has the key."""
    view: dict[str, Any] = {
        "id": transfer.id,
        "created_at": iso_microseconds(transfer.created_at, whole=not new),
        "name": transfer.name,
        "volume_id": transfer.volume_id,
    }
    if new:
        view["auth_key"] = transfer.auth_key
    view["links"] = links(call, "os-volume-transfer", transfer.id)
    if call.version >= (3, 55):
        view["no_snapshots"] = transfer.no_snapshots
    if call.version >= (3, 57):
        view["destination_project_id"] = None
        view["source_project_id"] = transfer.project_id
        view["accepted"] = False
    return view


USER_SPECS = ("multiattach", "RESKEY:availability_zones", "replication_enabled")


def user_specs(call: BlockStorageCall, volume_type: VolumeType) -> dict[str, str]:
    """Return the extra specs that the caller may see: for members, only user-visible ones."""
    specs = volume_type.extra_specs.items()
    return {key: value for key, value in specs if call.caller.is_admin or key in USER_SPECS}


def type_view(
    call: BlockStorageCall, volume_type: VolumeType, qos: bool = True, access: bool = True
) -> dict[str, Any]:
    """Return the fields of a volume type, with `qos` and `access` only on request."""
    view: dict[str, Any] = {
        "id": volume_type.id,
        "name": volume_type.name,
        "is_public": volume_type.is_public,
        "description": volume_type.description,
        "extra_specs": user_specs(call, volume_type),
    }
    if qos and call.caller.is_admin:
        view["qos_specs_id"] = volume_type.qos_specs_id
    if access:
        view["os-volume-type-access:is_public"] = volume_type.is_public
    return view
