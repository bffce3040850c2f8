"""Server actions with images: rebuild, rescue, createImage, createBackup."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
    parse_natural,
)
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.models import imaging, operations, work
from pytest_osfutures.fakecloud.services.compute.models.server import ServerRecord
from pytest_osfutures.fakecloud.services.compute.responses import validation, views

#: the fields that a rebuild can change: name in the body and in `ServerRecord`
REBUILD_FIELDS = {
    "accessIPv4": "access_ip_v4",
    "accessIPv6": "access_ip_v6",
    "OS-DCF:diskConfig": "disk_config",
    "description": "description",
    "key_name": "key_name",
    "user_data": "user_data",
    "hostname": "hostname",
    "adminPass": "admin_pass",
}


ADDRESSES = ("accessIPv4", "accessIPv6")
REBUILD = {
    **dict.fromkeys(("accessIPv4", "accessIPv6", "adminPass", "hostname", "imageRef"), "string"),
    **dict.fromkeys(("description", "key_name", "user_data"), validation.TEXT_OR_NULL),
}


def _rebuild(call: ComputeCall, server: ServerRecord, arguments: Any) -> Response:
    validation.typed("rebuild", arguments, "object")
    validation.required("rebuild", arguments, "imageRef")
    validation.strict(arguments, REBUILD)
    validation.one_of(arguments, "OS-DCF:diskConfig", ["AUTO", "MANUAL"])
    validation.addresses(arguments)
    validation.description(arguments.get("description"))
    model, image_id = call.model, str(arguments["imageRef"]).rsplit("/", 1)[-1]
    context = call.context
    work.check(server, "rebuild", context, operations.REBUILD.vm_states)
    try:
        facts = model.images.image_details(image_id, context.project_id)
    except ApiError:
        raise ApiError(400, "Cannot find image for rebuild") from None
    if facts.min_ram > server.flavor.ram:
        raise ApiError(400, "Flavor's memory is too small for requested image.")
    if server.boots_from_volume and call.version < (2, 93):
        root_image = model.volumes.volume_details(_root_volume(server), None).image_id
        if root_image != image_id:
            raise ApiError(
                400,
                "Unable to rebuild with a different image for a volume-backed server.",
            )
    fields: dict[str, Any] = {
        field: validation.normal(arguments[name]) if name in ADDRESSES else arguments[name]
        for name, field in REBUILD_FIELDS.items()
        if name in arguments
    }
    if "key_name" in fields:
        fields["key_data"] = validation.public_key(call, fields["key_name"])
    fields.setdefault("admin_pass", call.runtime.new_id().replace("-", "")[:12])
    if "name" in arguments:
        fields["name"] = validation.name(arguments["name"])
    if "metadata" in arguments:
        fields["metadata"] = validation.metadata(call, arguments["metadata"])
    imaging.rebuild(model, server, context, image_id, fields)
    shown = views.changed(call, server) | {"adminPass": server.admin_pass}
    if call.version >= (2, 54):
        shown["key_name"] = server.key_name
    if call.version >= (2, 57):
        shown.pop("OS-EXT-SRV-ATTR:user_data", None)
        shown["user_data"] = server.user_data
    location = f"{call.root}/v2.1/servers/{server.id}"
    return Response(202, {"server": shown}, {"Location": location})


def _root_volume(server: ServerRecord) -> str:
    root = server.root_volume()
    return root.volume_id if root else ""


def _rescue(call: ComputeCall, server: ServerRecord, arguments: Any) -> Response:
    validation.typed("rescue", arguments, validation.OBJECT_OR_NULL)
    given = arguments or {}
    validation.strict(given, {"adminPass": "string", "rescue_image_ref": "string"})
    password = given.get("adminPass") or call.runtime.new_id().replace("-", "")[:12]
    context = call.context
    work.check(server, "rescue", context, operations.RESCUE.vm_states)
    if server.boots_from_volume and call.version < (2, 87):
        raise ApiError(
            400,
            f"Instance {server.id} cannot be rescued: Cannot rescue a volume-backed instance",
        )
    work.begin(call.model, server, operations.RESCUE, context)
    return Response(200, {"adminPass": password})


def _image_arguments(call: ComputeCall, what: str, arguments: Any) -> tuple[str, dict[str, str]]:
    validation.typed(what, arguments, "object")
    validation.required(what, arguments, "name")
    metadata = validation.metadata(call, arguments.get("metadata") or {})
    return validation.name(arguments["name"]), metadata


def _image_answer(call: ComputeCall, image_id: str) -> Response:
    if call.version >= (2, 45):
        return Response(202, {"image_id": image_id})
    return Response(202, None, {"Location": f"{call.request.origin}/image/v2/images/{image_id}"})


def _create_image(call: ComputeCall, server: ServerRecord, arguments: Any) -> Response:
    name, metadata = _image_arguments(call, "createImage", arguments)
    context = call.context
    image_id = imaging.create_image(call.model, server, context, name, metadata)
    return _image_answer(call, image_id)


def _create_backup(call: ComputeCall, server: ServerRecord, arguments: Any) -> Response:
    name, metadata = _image_arguments(call, "createBackup", arguments)
    validation.required("createBackup", arguments, "backup_type", "rotation")
    validation.strict(arguments, {"backup_type": "string", "rotation": "integer string"})
    rotation = str(arguments["rotation"])
    if (kept := parse_natural(rotation)) is None:
        raise validation.invalid("rotation", rotation, f"{rotation!r} does not match '^[0-9]*$'")
    if server.boots_from_volume:
        raise ApiError(400, "Backup is not supported for volume-backed instances.")
    image_id = imaging.create_backup(
        call.model,
        server,
        call.context,
        imaging.ServerBackupRequest(name, arguments["backup_type"], kept, metadata),
    )
    return _image_answer(call, image_id)


ACTIONS = {
    "rebuild": _rebuild,
    "rescue": _rescue,
    "createImage": _create_image,
    "createBackup": _create_backup,
}
