"""POST /volumes/{id}/action: the single key of the body names the action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
    iso_microseconds,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.models import attachments, changes, volumes
from pytest_osfutures.fakecloud.services.block_storage.models.records import (
    AttachmentRecord,
    VolumeRecord,
)
from pytest_osfutures.fakecloud.services.block_storage.responses import validation
from pytest_osfutures.fakecloud.services.block_storage.responses.admin_actions import ADMIN_ACTIONS
from pytest_osfutures.fakecloud.services.block_storage.responses.validation import ActionBody
from pytest_osfutures.fakecloud.services.block_storage.responses.volumes import find

Action = Callable[[BlockStorageCall, VolumeRecord, ActionBody], Response]

JSON = {"Content-Type": "application/json"}


def accepted() -> Response:
    """Return 202 without a body."""
    return Response(202, None, dict(JSON))


def act(call: BlockStorageCall, volume_id: str) -> Response:
    """Run the action that the body names."""
    order = ActionBody.of(call, ACTIONS)
    return ACTIONS[order.name](call, find(call, volume_id), order)


def _extend(call: BlockStorageCall, volume: VolumeRecord, order: ActionBody) -> Response:
    size = validation.number(order.part("new_size"), "new_size") or 0
    attached = call.version >= (3, 42) and volume.status == "in-use"
    changes.extend(call.model, volume, size, call.context, attached)
    return accepted()


def _reserve(_call: BlockStorageCall, volume: VolumeRecord, _order: ActionBody) -> Response:
    statuses = ("available", "in-use") if volume.multiattach else ("available",)
    if volume.status not in statuses:
        raise ApiError(
            400,
            f"Invalid volume: Volume status must be {' or '.join(statuses)} to reserve, but the "
            f"status is {volume.status}.",
        )
    volume.leave("attaching")
    return accepted()


def _unreserve(_call: BlockStorageCall, volume: VolumeRecord, _order: ActionBody) -> Response:
    if volume.status == "attaching":
        volume.settle("in-use" if volume.attached else "available")
    return accepted()


def _begin_detaching(_call: BlockStorageCall, volume: VolumeRecord, _order: ActionBody) -> Response:
    attachments.begin_detaching(volume)
    return accepted()


def _roll_detaching(_call: BlockStorageCall, volume: VolumeRecord, _order: ActionBody) -> Response:
    attachments.roll_detaching(volume)
    return accepted()


def _attach(call: BlockStorageCall, volume: VolumeRecord, order: ActionBody) -> Response:
    part, model = order.part("mountpoint"), call.model
    server_id, mode = validation.uuid(part, "instance_uuid"), part.get("mode", "rw")
    if volume.status == "in-use" and not volume.multiattach:
        raise ApiError(
            400,
            "Invalid volume: volume is already attached and multiple attachments are not enabled",
        )
    readonly = volume.admin_metadata.get("readonly", "False")
    if readonly == "True" and mode != "ro":
        raise ApiError(400, f"Invalid attaching mode '{mode}' for volume {volume.id}.")
    attachment = AttachmentRecord(
        id=call.runtime.new_id(),
        project_id=volume.project_id,
        volume_id=volume.id,
        server_id=server_id,
        attach_mode=mode,
        mountpoint=part["mountpoint"],
        host=part.get("host_name"),
        connection_info=None,
    )
    volume.attachments = (*volume.attachments, model.attachments.add(attachment))
    volume.admin_metadata = {"readonly": readonly, "attached_mode": mode}
    attachments.complete(model, attachment)
    return accepted()


def _detach(call: BlockStorageCall, volume: VolumeRecord, order: ActionBody) -> Response:
    model = call.model
    part = order.part() if order.value else {}
    wanted = part.get("attachment_id")
    found = [one for one in volume.attachments if wanted in (None, one.id)]
    if len(found) > 1:
        raise ApiError(
            400,
            "Error detaching volume - InvalidVolume: Invalid volume: Detach volume failed: More "
            "than one attachment, but no attachment_id provided.",
        )
    if found:
        attachments.check_deletable(model, found[0])
        attachments.check_detach(model, found[0])
        attachments.detach(model, found[0])
    elif wanted is not None:
        raise attachments.in_use_by("")
    elif volume.status in ("detaching", "attaching"):
        volume.settle("available")
    return accepted()


def _initialize_connection(
    _call: BlockStorageCall, volume: VolumeRecord, order: ActionBody
) -> Response:
    connector = validation.object_under(order.part("connector"), "connector")
    multipath = bool(connector.get("enforce_multipath", False))
    where = {**attachments.connection_of(volume), "enforce_multipath": False}
    info = {"driver_volume_type": "local", "data": where, "enforce_multipath": multipath}
    return Response(200, {"connection_info": info})


def _terminate_connection(
    call: BlockStorageCall, volume: VolumeRecord, order: ActionBody
) -> Response:
    validation.object_under(order.part("connector"), "connector")
    if len(volume.attachments) == 1:
        attachments.check_deletable(call.model, volume.attachments[0])
    return _unreserve(call, volume, order)


def _upload(call: BlockStorageCall, volume: VolumeRecord, order: ActionBody) -> Response:
    part = order.part("image_name")
    image: dict[str, Any] = {
        "name": part["image_name"],
        "container_format": part.get("container_format", "bare"),
        "disk_format": part.get("disk_format", "raw"),
    }
    if call.version >= (3, 1):
        image["visibility"] = part.get("visibility", "private")
        image["protected"] = validation.flag(part, "protected")
        if image["visibility"] == "public":
            validation.admin_only(call, "volume_extension:volume_actions:upload_public")
    image_id = changes.upload(
        call.model, volume, image, validation.flag(part, "force"), call.context
    )
    shown = {key: image[key] for key in image if key != "name"}
    kind = volume.volume_type
    view = {
        "id": volume.id,
        "updated_at": iso_microseconds(volume.updated_at),
        "status": volume.status,
        "display_description": volume.description,
        "size": volume.size,
        "volume_type": {
            "id": kind.id,
            "name": kind.name,
            "description": kind.description,
            "is_public": kind.is_public,
            "extra_specs": dict(kind.extra_specs),
            "qos_specs_id": kind.qos_specs_id,
            "created_at": iso_microseconds(kind.created_at),
            "updated_at": None,
            "deleted_at": None,
            "deleted": False,
        },
        "image_id": image_id,
        "image_name": image["name"],
        **shown,
    }
    return Response(202, {"os-volume_upload_image": view})


def _readonly(_call: BlockStorageCall, volume: VolumeRecord, order: ActionBody) -> Response:
    wanted = validation.flag(order.part("readonly"), "readonly")
    if volume.status != "available":
        raise ApiError(
            400,
            f"Invalid volume: Volume {volume.id} status must be available to update readonly "
            f"flag, but current status is: {volume.status}.",
        )
    volume.admin_metadata = volume.admin_metadata | {"readonly": str(wanted)}
    volume.touch()
    return accepted()


def _retype(call: BlockStorageCall, volume: VolumeRecord, order: ActionBody) -> Response:
    part, context = order.part("new_type"), call.context
    policy = validation.choice(part, "migration_policy", ["on-demand", "never"], "never")
    model = call.model
    changes.retype(model, volume, model.type_named(str(part["new_type"]), context), policy)
    return accepted()


def _set_bootable(_call: BlockStorageCall, volume: VolumeRecord, order: ActionBody) -> Response:
    volume.bootable = validation.flag(order.part("bootable"), "bootable")
    volume.touch()
    return Response(200, None, dict(JSON))


def _reimage(call: BlockStorageCall, volume: VolumeRecord, order: ActionBody) -> Response:
    validation.since(call, (3, 68))
    part = order.part("image_id")
    reserved = validation.flag(part, "reimage_reserved")
    image_id = validation.uuid(part, "image_id") or ""
    changes.reimage(call.model, volume, image_id, reserved, call.context)
    return accepted()


def _revert(call: BlockStorageCall, volume: VolumeRecord, order: ActionBody) -> Response:
    validation.since(call, (3, 40))
    model = call.model
    snapshots = model.snapshots_of(volume)
    if not snapshots:
        raise ApiError(400, f"Volume {volume.id} doesn't have any snapshots.")
    wanted, latest = order.part().get("snapshot_id"), snapshots[-1]
    if wanted != latest.id:
        raise ApiError(
            400,
            f"Specified snapshot {wanted} is None or not the latest one of volume {volume.id}.",
        )
    if volume.size != latest.size:
        raise ApiError(
            400,
            f"Can't revert volume {volume.id} to its latest snapshot {wanted}. The volume size "
            "must be equal to the snapshot size.",
        )
    changes.revert(model, volume, latest)
    return accepted()


def _no_image_metadata(volume: VolumeRecord) -> ApiError:
    return ApiError(404, f"Glance metadata for volume/snapshot {volume.id} cannot be found.")


def _show_image_metadata(
    _call: BlockStorageCall, volume: VolumeRecord, _order: ActionBody
) -> Response:
    if not volume.image_metadata:
        raise _no_image_metadata(volume)
    return Response(200, {"metadata": volume.image_metadata})


def _set_image_metadata(
    _call: BlockStorageCall, volume: VolumeRecord, order: ActionBody
) -> Response:
    given = validation.strings(order.part("metadata"), "metadata")
    volume.image_metadata = volume.image_metadata | given
    return Response(200, {"metadata": volume.image_metadata})


def _unset_image_metadata(
    _call: BlockStorageCall, volume: VolumeRecord, order: ActionBody
) -> Response:
    key = validation.text(order.part("key"), "key")
    if key not in volume.image_metadata:
        raise _no_image_metadata(volume)
    volume.image_metadata = {k: v for k, v in volume.image_metadata.items() if k != key}
    return Response(200)


def _force_delete(call: BlockStorageCall, volume: VolumeRecord, _order: ActionBody) -> Response:
    validation.admin_only(call, "volume_extension:volume_admin_actions:force_delete")
    volumes.delete(call.model, volume, call.context, force=True)
    return accepted()


ACTIONS: Mapping[str, Action] = {
    "os-attach": _attach,
    "os-begin_detaching": _begin_detaching,
    "os-detach": _detach,
    "os-extend": _extend,
    "os-force_delete": _force_delete,
    "os-initialize_connection": _initialize_connection,
    "os-reimage": _reimage,
    "os-reserve": _reserve,
    "os-retype": _retype,
    "os-roll_detaching": _roll_detaching,
    "os-set_bootable": _set_bootable,
    "os-set_image_metadata": _set_image_metadata,
    "os-show_image_metadata": _show_image_metadata,
    "os-terminate_connection": _terminate_connection,
    "os-unreserve": _unreserve,
    "os-unset_image_metadata": _unset_image_metadata,
    "os-update_readonly_flag": _readonly,
    "os-volume_upload_image": _upload,
    "revert": _revert,
    **ADMIN_ACTIONS,
}
