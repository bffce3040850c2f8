"""Images on the wire: create, show, list, change, delete, tags, versions and schemas."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from pytest_osfutures.fakecloud.call import Call
from pytest_osfutures.fakecloud.errors import Refused
from pytest_osfutures.fakecloud.image import schemas
from pytest_osfutures.fakecloud.image.models import FIELDS, STORE, Image
from pytest_osfutures.fakecloud.times import parse, zulu
from pytest_osfutures.fakecloud.wire import Response

PATCHES = (
    "application/openstack-images-v2.0-json-patch",
    "application/openstack-images-v2.1-json-patch",
)
# What Glance says above the reason, where the reason is not all that it says.
HEADS = {
    403: "Access was denied to this resource.",
    409: "There was a conflict when trying to complete your request.",
    415: "The request media type {} is not supported by this server.\n",
}
SORT_KEYS = (
    "name",
    "status",
    "container_format",
    "disk_format",
    "size",
    "id",
    "created_at",
    "updated_at",
)
PAGE = 25


def error_body(refused: Refused) -> dict[str, Any]:
    """Glance's error; the `kind` "reason" puts the message below the status' own sentence."""
    title = HTTPStatus(refused.status).phrase
    said, reason = refused.message, ""
    if refused.kind is not None:
        said, reason = HEADS[refused.status].format(refused.kind), refused.message
    return {
        "message": f"{said}<br /><br />\n{reason}\n\n",
        "code": f"{refused.status} {title}",
        "title": title,
    }


UNKNOWN_PATH = error_body(Refused(404, "The resource could not be found."))


def view(image: Image) -> dict[str, Any]:
    """An image as Glance shows it: its free properties first."""
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
        "created_at": zulu(image.created_at),
        "updated_at": zulu(image.updated_at),
        "tags": list(image.tags),
        "self": here,
        "file": f"{here}/file",
        "schema": "/v2/schemas/image",
    }
    if image.checksum:
        shown["stores"] = STORE
    return shown


def _object(call: Call) -> Any:
    try:
        return call.request.json()
    except ValueError:
        raise Refused(400, "Malformed JSON in request body.") from None


def _assign(image: Image, key: str, value: Any) -> None:
    if key in FIELDS:
        setattr(image, FIELDS[key], tuple(dict.fromkeys(value)) if key == "tags" else value)
    else:
        image.metadata = image.metadata | {key: value}


def _may(call: Call, values: dict[str, Any]) -> None:
    """Raise Refused(403) for what only an administrator sets."""
    caller = call.caller
    if values.get("visibility") == "public" and not caller.is_admin:
        raise Refused(403, "You are not authorized to complete publicize_image action.")
    owner = values.get("owner", caller.project_id)
    if owner != caller.project_id and not caller.is_admin:
        said = f"You are not permitted to create images owned by '{owner}'"
        raise Refused(403, said, kind="reason")


def create(call: Call) -> Response:
    """Make an image without data."""
    values = _object(call)
    if not isinstance(values, dict):
        raise Refused(400, "Malformed JSON in request body.")
    schemas.check(values)
    _may(call, values)
    model, image_id = call.cloud.image, values.pop("id", None) or call.cloud.new_id()
    if model.images.get(image_id) or model.images.gone(image_id):
        raise Refused(409, f"Image ID {image_id} already exists!")
    image = model.create(call.caller.project_id, call.caller.user_id, id=image_id)
    for key, value in values.items():
        _assign(image, key, value)
    headers = {
        "Location": f"{call.root}/v2/images/{image.id}",
        "OpenStack-image-import-methods": "glance-direct",
        "OpenStack-image-store-ids": STORE,
    }
    return Response(201, view(image), headers)


def show(call: Call, image_id: str) -> Response:
    """One image."""
    return Response(200, view(call.cloud.image.image(image_id, call.caller)))


def index(call: Call) -> Response:
    """The images that the caller sees, filtered, sorted, in pages."""
    request = call.request
    limit = _limit(request.param("limit"))
    visibility, member_status = request.param("visibility"), request.param("member_status")
    if visibility not in (None, "all", *schemas.VISIBILITIES):
        raise Refused(400, f"Invalid visibility value: {visibility}")
    tests = _tests(call)
    rows = [
        image
        for image in call.cloud.image.images.listed()
        if image.listed_for(call.caller, visibility, member_status or "accepted")
        and all(test(image) for test in tests)
    ]
    rows = _in_order(call, rows)
    if marker := request.param("marker"):
        ids = [image.id for image in rows]
        if marker not in ids:
            raise Refused(400, f"No image found with ID {marker}")
        rows = rows[ids.index(marker) + 1 :]
    shown = rows[:limit]
    body: dict[str, Any] = {"images": [view(image) for image in shown]}
    kept = [(key, value) for key, value in request.query if key != "marker"]
    body["first"] = _with_query("/v2/images", kept)
    if shown and len(shown) == limit:
        body["next"] = _with_query("/v2/images", [*kept, ("marker", shown[-1].id)])
    return Response(200, body | {"schema": "/v2/schemas/images"})


def _limit(value: str | None) -> int:
    try:
        limit = PAGE if value is None else int(value)
    except ValueError:
        raise Refused(400, "limit param must be an integer") from None
    if limit < 0:
        raise Refused(400, "limit param must be positive")
    return min(limit, 1000)


def _with_query(path: str, query: list[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


PAGING = ("limit", "marker", "sort", "sort_key", "sort_dir", "visibility", "member_status")


def _tests(call: Call) -> list[Callable[[Image], bool]]:
    tests = [
        _test(key, value) for key, value in call.request.query if key not in (*PAGING, "os_hidden")
    ]
    hidden = call.request.param("os_hidden", "false") == "true"
    return [*tests, lambda image: image.hidden is hidden]


def _test(key: str, value: str) -> Callable[[Image], bool]:
    """The filter that one query parameter is. Raises Refused(400)."""
    if key == "tag":
        return lambda image: value in image.tags
    if key in ("size_min", "size_max"):
        bound = int(value) if value.isdigit() else 0
        if key == "size_min":
            return lambda image: (image.size or 0) >= bound
        return lambda image: (image.size or 0) <= bound
    if key in ("created_at", "updated_at"):
        return _time_test(key, value)
    if key == "protected" and value not in ("true", "false"):
        raise Refused(
            400,
            f"Invalid value '{value}' for 'protected' filter. Valid values are 'true' or 'false'.",
        )
    wanted = value[3:].split(",") if value.startswith("in:") else [value]
    return lambda image: _text(view(image).get(key)) in wanted


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _time_test(key: str, value: str) -> Callable[[Image], bool]:
    operator, colon, when = value.partition(":")
    try:
        bound = parse(when if colon and operator.isalpha() else value)
    except ValueError:
        said = f'Bad "{key}" query filter format. Use ISO 8601 DateTime notation.'
        raise Refused(400, said) from None

    def test(image: Image) -> bool:
        moment = int(getattr(image, key) or 0)
        results = {
            "gt": moment > bound,
            "gte": moment >= bound,
            "lt": moment < bound,
            "lte": moment <= bound,
            "neq": moment != bound,
        }
        return results.get(operator, moment == bound)

    return test


def _in_order(call: Call, rows: list[Image]) -> list[Image]:
    request = call.request
    if asked := request.param("sort"):
        keys = [_direction(part) for part in asked.split(",")]
    else:
        directions = request.params("sort_dir") or ["desc"]
        names = request.params("sort_key") or ["created_at"]
        keys = [(name, directions[min(i, len(directions) - 1)]) for i, name in enumerate(names)]
    if "id" not in dict(keys):
        keys.append(("id", keys[-1][1]))
    for key, direction in reversed(keys):
        if key not in SORT_KEYS:
            raise Refused(
                400,
                f"Invalid sort key: {key}. It must be one of the following: "
                f"{', '.join(SORT_KEYS)}.",
            )
        rows = sorted(rows, key=lambda row: _sortable(row, key), reverse=direction == "desc")
    return rows


def _direction(part: str) -> tuple[str, str]:
    key, _, direction = part.partition(":")
    return key, direction or "desc"


def _sortable(image: Image, key: str) -> tuple[bool, Any]:
    value = getattr(image, key)
    if key.endswith("_at") and value is not None:
        value = int(value)
    return value is not None, value if value is not None else ""


def update(call: Call, image_id: str) -> Response:
    """Change an image by a JSON patch."""
    kind = call.request.headers.get("content-type", "").split(";")[0]
    if kind not in PATCHES:
        said = f"Image PATCH expects Content-Type one of: {', '.join(PATCHES)}"
        raise Refused(415, said, kind=kind)
    changes = _object(call)
    if not isinstance(changes, list):
        raise Refused(400, "Request body must be a JSON array of operation objects.")
    image = call.cloud.image.own_image(image_id, call.caller, "modify_image")
    steps = [_step(change) for change in changes]
    for operation, key, value in steps:
        _patch(call, image, operation, key, value)
    if steps:
        image.touch()
    return Response(200, view(image))


def _step(change: Any) -> tuple[str, str, Any]:
    if not isinstance(change, dict):
        raise Refused(400, "Operations must be JSON objects.")
    operation, pointer = change.get("op"), str(change.get("path", ""))
    if operation not in ("add", "remove", "replace"):
        raise Refused(
            400,
            f"Invalid operation: `{operation}`. It must be one of the following: add, remove, "
            "replace.",
        )
    if not pointer.startswith("/"):
        raise Refused(400, f'Pointer `{pointer}` does not start with "/".')
    return operation, pointer[1:].replace("~1", "/").replace("~0", "~"), change.get("value")


def _patch(call: Call, image: Image, operation: str, key: str, value: Any) -> None:
    if schemas.IMAGE.get(key, {}).get("readOnly") or key == "id":
        raise Refused(403, f"Attribute '{key}' is read-only.")
    known = key in FIELDS or key in image.metadata
    if operation != "add" and not known:
        raise Refused(409, f"Property {key} does not exist.", kind="reason")
    if operation == "remove":
        if key in FIELDS:
            raise Refused(403, f"Property {key} may not be removed.", kind="reason")
        image.metadata = {k: v for k, v in image.metadata.items() if k != key}
        return
    schemas.check({key: value})
    _may(call, {key: value})
    _assign(image, key, value)


def delete(call: Call, image_id: str) -> Response:
    """Delete an image."""
    model = call.cloud.image
    model.delete(model.own_image(image_id, call.caller, "delete_image"))
    return Response(204)


def add_tag(call: Call, image_id: str, tag: str) -> Response:
    """Put a tag on an image."""
    image = call.cloud.image.own_image(image_id, call.caller, "modify_image")
    image.tags = tuple(dict.fromkeys((*image.tags, tag)))
    return Response(204)


def delete_tag(call: Call, image_id: str, tag: str) -> Response:
    """Take a tag away."""
    image = call.cloud.image.own_image(image_id, call.caller, "modify_image")
    if tag not in image.tags:
        raise Refused(404, "The resource could not be found.")
    image.tags = tuple(other for other in image.tags if other != tag)
    return Response(204)


def show_schema(call: Call, name: str) -> Response:
    """What an image or a member is made of."""
    del call
    return Response(200, schemas.schema(name))


def _versions(call: Call) -> dict[str, Any]:
    links = [{"rel": "self", "href": f"{call.root}/v2/"}]
    numbers = (17, 16, 15, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0)
    return {
        "versions": [
            {"id": f"v2.{n}", "status": "CURRENT" if n == 17 else "SUPPORTED", "links": links}
            for n in numbers
        ]
    }


def choices(call: Call) -> Response:
    """The versions that there are, on the way to one of them."""
    return Response(300, _versions(call))


def versions(call: Call) -> Response:
    """The versions that there are."""
    return Response(200, _versions(call))
