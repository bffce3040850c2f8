"""Operations with images: rebuild, rescue, snapshot, backup."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    RequestContext,
)
from pytest_osfutures.fakecloud.services.compute.models import operations
from pytest_osfutures.fakecloud.services.compute.models.power import RUNNING
from pytest_osfutures.fakecloud.services.compute.models.server import ServerRecord
from pytest_osfutures.fakecloud.services.compute.models.state import ComputeModel
from pytest_osfutures.fakecloud.services.compute.models.work import Callbacks, begin, check

SNAPSHOT_BYTES = 65536


def rebuild(
    model: ComputeModel,
    server: ServerRecord,
    context: RequestContext,
    image_id: str,
    fields: Mapping[str, Any],
) -> None:
    """Begin to rebuild the server from an image; a stopped server is stopped again at the end."""
    was_stopped = server.vm_state == "stopped"

    def done() -> None:
        server.vm_state = "active"
        server.power_state = RUNNING
        server.fault = None
        server.launched_at = model.now()
        if was_stopped:
            for name, value in operations.STOPPED.items():
                setattr(server, name, value)

    begin(model, server, operations.REBUILD, context, Callbacks(done))
    if not server.boots_from_volume:
        server.image_id = image_id
    for name, value in fields.items():
        setattr(server, name, value)


def create_image(
    model: ComputeModel,
    server: ServerRecord,
    context: RequestContext,
    name: str,
    metadata: Mapping[str, Any],
) -> str:
    """Begin to create an image of the server; return the image's id. Raises ApiError."""
    if server.boots_from_volume:
        return _image_of_volumes(model, server, context, name, metadata)
    upload = _Upload(operations.CREATE_IMAGE, name, metadata)
    return _snapshot(model, server, context, upload)


@dataclass(frozen=True)
class ServerBackupRequest:
    """The fields of the action `createBackup`."""

    name: str
    backup_type: str
    rotation: int  #: the number of backups of this type to keep
    metadata: Mapping[str, Any]


@dataclass(frozen=True)
class _Upload:
    """An image that the host makes from a server's disk."""

    operation: operations.ServerOperation
    name: str
    properties: Mapping[str, Any]
    rotation: int | None = None


def create_backup(
    model: ComputeModel,
    server: ServerRecord,
    context: RequestContext,
    wanted: ServerBackupRequest,
) -> str:
    """Begin to create a backup image and return the image's id. Raises ApiError.

    When the image is active, all but the newest `wanted.rotation` backups of its type are deleted.
    """
    kind = wanted.backup_type
    properties = {**wanted.metadata, "backup_type": kind, "image_type": "backup"}
    upload = _Upload(operations.CREATE_BACKUP, wanted.name, properties, wanted.rotation)
    image_id = _snapshot(model, server, context, upload)
    server.backups = {**server.backups, kind: (*server.backups.get(kind, ()), image_id)}
    return image_id


def snapshot_properties(server: ServerRecord, more: Mapping[str, Any]) -> dict[str, Any]:
    """Return the properties of an image that was made from a server."""
    return {
        "base_image_ref": server.image_id or "",
        "boot_roles": "reader,member",
        "image_type": "snapshot",
        "instance_uuid": server.id,
        "owner_id": server.project_id,
        "user_id": server.user_id,
        **more,
    }


def _snapshot(
    model: ComputeModel,
    server: ServerRecord,
    context: RequestContext,
    wanted: _Upload,
) -> str:
    operation, rotation = wanted.operation, wanted.rotation
    properties = snapshot_properties(server, wanted.properties)
    check(server, operation.record, context, operation.vm_states)
    image_id = model.images.begin_snapshot(
        context.project_id, context.user_id, wanted.name, properties
    )

    def upload() -> None:
        model.images.snapshot_saving(image_id)

    def done() -> None:
        model.images.snapshot_active(image_id, SNAPSHOT_BYTES)
        if rotation is not None:
            _rotate(model, server, str(properties["backup_type"]), rotation)

    def undone() -> None:
        model.images.delete_snapshot(image_id)

    begin(model, server, operation, context, Callbacks(done, undone, {"upload": upload}))
    return image_id


def _rotate(model: ComputeModel, server: ServerRecord, backup_type: str, rotation: int) -> None:
    images = server.backups[backup_type]
    for image_id in images[: max(0, len(images) - rotation)]:
        model.images.delete_snapshot(image_id)
    server.backups = {**server.backups, backup_type: images[max(0, len(images) - rotation) :]}


def _image_of_volumes(
    model: ComputeModel,
    server: ServerRecord,
    context: RequestContext,
    name: str,
    metadata: Mapping[str, Any],
) -> str:
    """Create the image of a server booted from a volume; return the image's id.

    The image has no data: it points to snapshots of the server's volumes. It is active at once;
    only Cinder's snapshots run in the background.
    """
    operation = operations.CREATE_IMAGE
    check(server, operation.record, context, operation.vm_states)
    action = model.record(server, operation.record, context, ("api_snapshot_instance",))
    mappings = [
        {
            "source_type": "snapshot",
            "destination_type": "volume",
            "snapshot_id": model.volumes.snapshot_for_image(made.volume_id, f"snapshot for {name}"),
            "boot_index": made.boot_index,
            "device_name": made.device,
            "delete_on_termination": made.delete_on_termination,
            "volume_size": model.volumes.volume_details(made.volume_id, None).size,
        }
        for made in server.attachments
    ]
    inherited = snapshot_properties(server, metadata)
    for of_a_copied_disk in ("image_type", "instance_uuid", "user_id"):
        if of_a_copied_disk not in metadata:
            del inherited[of_a_copied_disk]
    properties = inherited | {
        "block_device_mapping": json.dumps(mappings),
        "bdm_v2": "True",
        "root_device_name": server.root_device,
    }
    image_id = model.images.begin_snapshot(context.project_id, context.user_id, name, properties)
    model.images.snapshot_active(image_id, 0)
    action.finish(model.now())
    return image_id
