"""Handlers for images: create, show, update, delete, tags, versions and schemas."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
    iso_seconds,
)
from pytest_osfutures.fakecloud.services.image import schemas
from pytest_osfutures.fakecloud.services.image.call import ImageCall
from pytest_osfutures.fakecloud.services.image.models import FIELDS, STORE, ImageRecord

PATCHES = (
    "application/openstack-images-v2.0-json-patch",
    "application/openstack-images-v2.1-json-patch",
)
#: the titles of errors whose message has a reason below
HEADS = {
    403: "Access was denied to this resource.",
    409: "There was a conflict when trying to complete your request.",
    415: "The request media type {} is not supported by this server.\n",
}


def error_body(error: ApiError) -> dict[str, Any]:
    """Return Glance's error body; the `kind` "reason" puts the message below a title."""
    title = HTTPStatus(error.status).phrase
    said, reason = error.message, ""
    if error.kind is not None:
        said, reason = HEADS[error.status].format(error.kind), error.message
    tail = "" if error.status == 415 else "\n\n"
    return {
        "message": f"{said}<br /><br />\n{reason}{tail}",
        "code": f"{error.status} {title}",
        "title": title,
    }


UNKNOWN_PATH = error_body(ApiError(404, "The resource could not be found."))


def view(image: ImageRecord) -> dict[str, Any]:
    """Return the fields of an image, the custom properties first."""
    here = f"/v2/images/{image.id}"
    shown: dict[str, Any] = dict(image.metadata)
    if image.import_task:
        shown["os_glance_import_task"] = image.import_task
    if image.importing_to is not None:
        shown["os_glance_importing_to_stores"] = image.importing_to
        shown["os_glance_failed_import"] = image.failed_import or ""
    shown |= {
        "name": image.name,
        "disk_format": image.disk_format,
        "container_format": image.container_format,
        "visibility": image.visibility,
        "size": image.size,
        "virtual_size": image.virtual_size,
        "status": image.status,
        "checksum": image.checksum,
        "protected": image.protected,
        "min_ram": image.min_ram,
        "min_disk": image.min_disk,
        "owner": image.project_id,
        "os_hidden": image.hidden,
        "os_hash_algo": "sha512" if image.hash_value else None,
        "os_hash_value": image.hash_value,
        "id": image.id,
        "created_at": iso_seconds(image.created_at),
        "updated_at": iso_seconds(image.updated_at),
        "tags": list(image.tags),
        "self": here,
        "file": f"{here}/file",
        "schema": "/v2/schemas/image",
    }
    if image.status == "active":
        shown["stores"] = STORE
    return shown


def _object(call: ImageCall) -> Any:
    try:
        return call.request.json()
    except ValueError:
        raise ApiError(400, "Malformed JSON in request body.") from None


def _assign(image: ImageRecord, key: str, value: Any) -> None:
    if key in FIELDS:
        setattr(image, FIELDS[key], tuple(dict.fromkeys(value)) if key == "tags" else value)
    else:
        image.metadata = image.metadata | {key: value}


def _may(call: ImageCall, values: dict[str, Any]) -> None:
    """Raise ApiError(403) for a value that only administrators may set."""
    caller = call.caller
    if values.get("visibility") == "public" and not caller.is_admin:
        raise ApiError(403, "You are not authorized to complete publicize_image action.")
    owner = values.get("owner", caller.project_id)
    if owner != caller.project_id and not caller.is_admin:
        said = f"You are not permitted to create images owned by '{owner}'"
        raise ApiError(403, said, kind="reason")


def create(call: ImageCall) -> Response:
    """Create an image without data."""
    values = _object(call)
    if not isinstance(values, dict):
        raise ApiError(400, "Malformed JSON in request body.")
    schemas.check(values)
    _may(call, values)
    model, image_id = call.model, values.pop("id", None) or call.runtime.new_id()
    if model.images.get(image_id) or model.images.gone(image_id):
        raise ApiError(409, f"Image ID {image_id} already exists!")
    image = model.create(call.caller.project_id, call.caller.user_id, id=image_id)
    for key, value in values.items():
        _assign(image, key, value)
    headers = {
        "Location": f"{call.root}/v2/images/{image.id}",
        "OpenStack-image-import-methods": "glance-direct",
        "OpenStack-image-store-ids": STORE,
    }
    return Response(201, view(image), headers)


def show(call: ImageCall, image_id: str) -> Response:
    """Show one image."""
    return Response(200, view(call.model.image(image_id, call.caller)))


def update(call: ImageCall, image_id: str) -> Response:
    """Change an image with a JSON patch."""
    kind = call.request.headers.get("content-type", "").split(";")[0]
    if kind not in PATCHES:
        said = f"Image PATCH expects Content-Type one of: {', '.join(PATCHES)}"
        raise ApiError(415, said, kind=kind)
    changes = _object(call)
    if not isinstance(changes, list):
        raise ApiError(400, "Request body must be a JSON array of operation objects.")
    image = call.model.own_image(image_id, call.caller, "modify_image")
    steps = [_step(_modern(change) if kind == PATCHES[0] else change) for change in changes]
    known = {*FIELDS, *image.metadata}
    for operation, key, value in steps:  # all steps must be valid before the first is applied
        _check_step(call, operation, key, value, known)
    for operation, key, value in steps:
        if operation == "remove":
            image.metadata = {k: v for k, v in image.metadata.items() if k != key}
        else:
            _assign(image, key, value)
    if steps:
        image.touch()
    return Response(200, view(image))


def _modern(change: Any) -> Any:
    """Return a step of the draft of JSON patch, `{"replace": "/name"}`, in today's format."""
    if not isinstance(change, dict):
        return change
    operations = [key for key in ("add", "remove", "replace") if key in change]
    if len(operations) != 1:
        raise ApiError(
            400, "Operation objects must contain only one member named add, remove, or replace."
        )
    return {"op": operations[0], "path": change[operations[0]]} | {
        key: value for key, value in change.items() if key == "value"
    }


def _step(change: Any) -> tuple[str, str, Any]:
    """Return operation, property and value of one JSON patch step. Raises ApiError(400)."""
    if not isinstance(change, dict):
        raise ApiError(400, "Operations must be JSON objects.")
    operation, pointer = change.get("op"), str(change.get("path", ""))
    known = "It must be one of the following: add, remove, replace."
    if operation is None:
        raise ApiError(400, f"Unable to find `op` in JSON Schema change. {known}")
    if operation not in ("add", "remove", "replace"):
        raise ApiError(400, f"Invalid operation: `{operation}`. {known}")
    if not pointer.startswith("/"):
        raise ApiError(400, f'Pointer `{pointer}` does not start with "/".')
    if "/" in pointer[1:]:
        raise ApiError(400, f"Invalid JSON pointer for this resource: '{pointer}'")
    if operation != "remove" and "value" not in change:
        raise ApiError(400, f'Operation "{operation}" requires a member named "value".')
    return operation, pointer[1:].replace("~1", "/").replace("~0", "~"), change.get("value")


def _check_step(call: ImageCall, operation: str, key: str, value: Any, known: set[str]) -> None:
    """Raise ApiError unless the step is possible with the properties `known`."""
    if schemas.IMAGE.get(key, {}).get("readOnly") or key == "id":
        raise ApiError(403, f"Attribute '{key}' is read-only.")
    if operation != "add" and key not in known:
        raise ApiError(409, f"Property {key} does not exist.", kind="reason")
    if operation == "remove":
        if key in FIELDS:
            raise ApiError(403, f"Property {key} may not be removed.", kind="reason")
        known.discard(key)
        return
    if key == "owner" and not call.caller.is_admin:
        raise ApiError(403, "Owner can't be updated by non admin.", kind="reason")
    schemas.check({key: value})
    _may(call, {key: value})
    known.add(key)


def delete(call: ImageCall, image_id: str) -> Response:
    """Delete an image."""
    model = call.model
    if model.images.get(image_id) is None:
        raise ApiError(404, f"Failed to find image {image_id} to delete")
    model.delete(model.own_image(image_id, call.caller, "delete_image"))
    return Response(204)


def add_tag(call: ImageCall, image_id: str, tag: str) -> Response:
    """Add a tag to an image."""
    image = call.model.own_image(image_id, call.caller, "modify_image")
    image.tags = tuple(dict.fromkeys((*image.tags, tag)))
    return Response(204)


def delete_tag(call: ImageCall, image_id: str, tag: str) -> Response:
    """Delete a tag of an image."""
    image = call.model.own_image(image_id, call.caller, "modify_image")
    if tag not in image.tags:
        raise ApiError(404, "The resource could not be found.")
    image.tags = tuple(other for other in image.tags if other != tag)
    return Response(204)


def show_schema(call: ImageCall, name: str) -> Response:
    """Show the JSON schema of images or members."""
    del call
    return Response(200, schemas.schema(name))


def _versions(call: ImageCall) -> dict[str, Any]:
    links = [{"rel": "self", "href": f"{call.root}/v2/"}]
    numbers = (17, 16, 15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
    return {
        "versions": [
            {"id": f"v2.{n}", "status": "CURRENT" if n == 17 else "SUPPORTED", "links": links}
            for n in numbers
        ]
    }


def choices(call: ImageCall) -> Response:
    """List the API versions, with status 300."""
    return Response(300, _versions(call))


def versions(call: ImageCall) -> Response:
    """List the API versions."""
    return Response(200, _versions(call))
