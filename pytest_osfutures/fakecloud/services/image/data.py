"""Handlers for image data (upload, download, stage, import) and image members."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
    iso_microseconds,
    iso_seconds,
)
from pytest_osfutures.fakecloud.services.image.call import ImageCall
from pytest_osfutures.fakecloud.services.image.models import STORE, ImageRecord, ImageTask, Member

OCTETS = "application/octet-stream"
METHODS = ("glance-direct",)
KEPT_SECONDS = 2 * 86400


def _for_data(call: ImageCall, image_id: str, action: str) -> ImageRecord:
    """Return an image that accepts data. Raises ApiError."""
    kind = call.request.headers.get("content-type", OCTETS).split(";")[0]
    if kind != OCTETS:
        raise ApiError(415, f"Invalid content type {kind}", kind=kind)
    return call.model.own_image(image_id, call.caller, action)


def upload(call: ImageCall, image_id: str) -> Response:
    """Upload the data of an image."""
    image = _for_data(call, image_id, "upload_image")
    if image.status != "queued":
        raise ApiError(409, f"Image status transition from {image.status} to saving is not allowed")
    if not (image.disk_format and image.container_format):
        raise ApiError(
            400, "Properties disk_format, container_format must be set prior to saving data."
        )
    image.fill(call.request.body)
    return Response(204)


def download(call: ImageCall, image_id: str) -> Response:
    """Download the data of an image."""
    image = call.model.image(image_id, call.caller)
    if image.status == "deactivated" and not call.caller.is_admin:
        said = "The requested image has been deactivated. Image data download is forbidden."
        raise ApiError(403, said)
    if image.status not in ("active", "deactivated") or image.data is None:
        return Response(204)
    headers = {"Content-Type": OCTETS, "Content-MD5": image.checksum or ""}
    return Response(200, image.data, headers)


def stage(call: ImageCall, image_id: str) -> Response:
    """Stage data for an import."""
    image = _for_data(call, image_id, "upload_image")
    if image.status != "queued":
        raise ApiError(
            409, f"Image status transition from {image.status} to uploading is not allowed"
        )
    image.staged, image.size, image.status = call.request.body, len(call.request.body), "uploading"
    image.touch()
    return Response(204)


def begin_import(call: ImageCall, image_id: str) -> Response:
    """Begin to import the staged data."""
    method = call.json().get("method")
    if not isinstance(method, dict) or "name" not in method:
        raise ApiError(400, "Import request requires a 'method' field.")
    name = method["name"]
    image = call.model.own_image(image_id, call.caller, "import_image")
    _check_import(image, name)
    call.model.begin_import(image, name, call.caller, call.request_id)
    return Response(202)


def _check_import(image: ImageRecord, name: str) -> None:
    if name == "web-download":
        raise ApiError(400, "URI for web-download does not pass filtering.")
    if name not in METHODS:
        raise ApiError(400, f"Unknown import method name '{name}'.")
    if image.status == "active":
        raise ApiError(409, "Image with status active cannot be target for import")
    if image.status != "uploading":
        raise ApiError(409, f"Image needs to be staged before '{name}' method can be used")
    if image.import_task:
        raise ApiError(409, "Image has an import in progress")
    for field in ("container_format", "disk_format"):
        if not getattr(image, field):
            raise ApiError(409, f"'{field}' needs to be set before import")


def image_tasks(call: ImageCall, image_id: str) -> Response:
    """List the import tasks of an image."""
    image = call.model.image(image_id, call.caller)
    return Response(200, {"tasks": [_task(image, task) for task in image.tasks]})


def _task(image: ImageRecord, task: ImageTask) -> dict[str, Any]:
    ended = task.updated_at
    request = {"image_id": image.id, "import_req": {"method": {"name": task.method}}}
    return {
        "id": task.id,
        "type": "api_image_import",
        "status": task.status,
        "owner": image.project_id,
        "expires_at": iso_microseconds(ended + KEPT_SECONDS) if ended else None,
        "created_at": iso_microseconds(task.created_at),
        "updated_at": iso_microseconds(ended or task.created_at),
        "deleted_at": None,
        "deleted": False,
        "image_id": image.id,
        "request_id": task.request_id,
        "user_id": task.user_id,
        "input": {**request, "backend": [STORE]},
        "result": {"image_id": image.id} if task.status == "success" else None,
        "message": task.message,
    }


def tasks(call: ImageCall) -> Response:
    """List all import tasks (administrators only)."""
    if not call.caller.is_admin:
        raise ApiError(403, "You are not authorized to complete tasks_api_access action.")
    rows = [_task(image, task) for image in call.model.images for task in image.tasks]
    body = {"tasks": rows, "first": "/v2/tasks", "schema": "/v2/schemas/tasks"}
    return Response(200, body)


def import_methods(call: ImageCall) -> Response:
    """List the import methods."""
    del call
    value = {"description": "Import methods available.", "type": "array", "value": list(METHODS)}
    return Response(200, {"import-methods": value})


def stores(call: ImageCall) -> Response:
    """List the stores."""
    del call
    return Response(200, {"stores": [{"id": STORE, "default": "true"}]})


def deactivate(call: ImageCall, image_id: str) -> Response:
    """Deactivate an image; its data cannot be downloaded."""
    return _switch(call, image_id, "active", "deactivated")


def reactivate(call: ImageCall, image_id: str) -> Response:
    """Reactivate an image."""
    return _switch(call, image_id, "deactivated", "active")


def _switch(call: ImageCall, image_id: str, old: str, new: str) -> Response:
    image = call.model.own_image(image_id, call.caller, "deactivate")
    if image.status not in (old, new):
        said = f"Not allowed to {'de' if new != 'active' else 're'}activate image in status "
        raise ApiError(403, f"{said}'{image.status}'")
    image.status = new
    image.touch()
    return Response(204)


def _member_view(image: ImageRecord, member: Member) -> dict[str, Any]:
    return {
        "member_id": member.project_id,
        "image_id": image.id,
        "status": member.status,
        "created_at": iso_seconds(member.created_at),
        "updated_at": iso_seconds(member.updated_at),
        "schema": "/v2/schemas/member",
    }


def _shared(call: ImageCall, image_id: str) -> ImageRecord:
    try:
        image = call.model.image(image_id, call.caller)
    except ApiError:
        raise ApiError(404, f"Image {image_id} not found.") from None
    if image.visibility != "shared":
        raise ApiError(403, "Only shared images have members.")
    return image


def members(call: ImageCall, image_id: str) -> Response:
    """List the members of an image; a member sees only itself."""
    image, project = _shared(call, image_id), call.caller.project_id
    all_of_them = call.caller.is_admin or image.project_id == project
    rows = [
        _member_view(image, member)
        for member in image.members.values()
        if all_of_them or member.project_id == project
    ]
    return Response(200, {"members": rows, "schema": "/v2/schemas/members"})


def show_member(call: ImageCall, image_id: str, member_id: str) -> Response:
    """Show one member."""
    image = _shared(call, image_id)
    return Response(200, _member_view(image, _member(image, member_id)))


def _member(image: ImageRecord, member_id: str) -> Member:
    if member_id not in image.members:
        raise ApiError(404, f"{member_id} not found in the member list of the image {image.id}.")
    return image.members[member_id]


def add_member(call: ImageCall, image_id: str) -> Response:
    """Share an image with a project, whose member status is `pending`."""
    image = _shared(call, image_id)
    call.model.own_image(image_id, call.caller, "add_member")
    member_id = call.json().get("member")
    if not isinstance(member_id, str) or not member_id:
        raise ApiError(400, "Member to be added not specified")
    if member_id in image.members:
        raise ApiError(409, f"Member {member_id} is duplicated for image {image.id}")
    now = call.runtime.schedule.time()
    member = Member(member_id, now, now)
    image.members = image.members | {member_id: member}
    return Response(200, _member_view(image, member))


def change_member(call: ImageCall, image_id: str, member_id: str) -> Response:
    """Accept or reject an image that is shared with the caller."""
    image = _shared(call, image_id)
    member, caller = _member(image, member_id), call.caller
    if member_id != caller.project_id and not caller.is_admin:
        raise ApiError(403, "You are not authorized to complete modify_member action.")
    body = call.json()
    if "status" not in body:
        raise ApiError(400, "Status not specified")
    status = body["status"]
    if status not in ("pending", "accepted", "rejected"):
        raise ApiError(
            400, 'Incorrect request: Status must be "pending", "accepted" or "rejected".'
        )
    member.status, member.updated_at = status, call.runtime.schedule.time()
    return Response(200, _member_view(image, member))


def delete_member(call: ImageCall, image_id: str, member_id: str) -> Response:
    """Stop sharing an image with a project."""
    image = _shared(call, image_id)
    call.model.own_image(image_id, call.caller, "delete_member")
    _member(image, member_id)
    image.members = {k: v for k, v in image.members.items() if k != member_id}
    return Response(204)
