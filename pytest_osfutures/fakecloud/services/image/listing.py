"""Lists of images: filters, sort order, pages."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
    parse_date,
    parse_integer,
    parse_natural,
)
from pytest_osfutures.fakecloud.services.image import schemas
from pytest_osfutures.fakecloud.services.image.call import ImageCall
from pytest_osfutures.fakecloud.services.image.models import ImageRecord
from pytest_osfutures.fakecloud.services.image.responses import view

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
PAGING = ("limit", "marker", "sort", "sort_key", "sort_dir", "visibility", "member_status")


def index(call: ImageCall) -> Response:
    """List the images that the caller may see."""
    request = call.request
    most = call.runtime.settings.most_on_a_page("image") or sys.maxsize
    limit = min(_limit(request.param("limit")), most)
    visibility, member_status = request.param("visibility"), request.param("member_status")
    if visibility not in (None, "all", *schemas.VISIBILITIES):
        raise ApiError(400, f"Invalid visibility value: {visibility}")
    if member_status not in (None, "all", "pending", "accepted", "rejected"):
        raise ApiError(400, f"Invalid status: {member_status}")
    tests = _tests(call)
    rows = [
        image
        for image in call.model.images.listed()
        if image.listed_for(call.caller, visibility, member_status or "accepted")
        and all(test(image) for test in tests)
    ]
    rows = _in_order(call, rows)
    if marker := request.param("marker"):
        ids = [image.id for image in rows]
        if marker not in ids:
            raise ApiError(400, f"No image found with ID {marker}")
        rows = rows[ids.index(marker) + 1 :]
    shown = rows[:limit]
    body: dict[str, Any] = {"images": [view(image) for image in shown]}
    kept = [(key, value) for key, value in request.query if key != "marker"]
    body["first"] = _with_query("/v2/images", kept)
    if shown and len(shown) == limit:
        body["next"] = _with_query("/v2/images", [*kept, ("marker", shown[-1].id)])
    return Response(200, body | {"schema": "/v2/schemas/images"})


def _limit(value: str | None) -> int:
    limit = PAGE if value is None else parse_integer(value)
    if limit is None:
        raise ApiError(400, "limit param must be an integer")
    if limit < 0:
        raise ApiError(400, "limit param must be positive")
    return limit


def _with_query(path: str, query: list[tuple[str, str]]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def _tests(call: ImageCall) -> list[Callable[[ImageRecord], bool]]:
    tests = [
        _test(key, value) for key, value in call.request.query if key not in (*PAGING, "os_hidden")
    ]
    hidden = call.request.param("os_hidden", "false") == "true"
    return [*tests, lambda image: image.hidden is hidden]


def _test(key: str, value: str) -> Callable[[ImageRecord], bool]:
    """Return the filter for one query parameter. Raises ApiError(400)."""
    if key == "tag":
        return lambda image: value in image.tags
    if key in ("size_min", "size_max"):
        bound = parse_natural(value)
        if bound is None:
            raise ApiError(400, "Unable to filter on a range with a non-numeric value.")
        if key == "size_min":
            return lambda image: (image.size or 0) >= bound
        return lambda image: (image.size or 0) <= bound
    if key in ("created_at", "updated_at"):
        return _time_test(key, value)
    if key == "protected" and value not in ("true", "false"):
        raise ApiError(
            400,
            f"Invalid value '{value}' for 'protected' filter. Valid values are 'true' or 'false'.",
        )
    wanted = value[3:].split(",") if value.startswith("in:") else [value]
    return lambda image: _text(view(image).get(key)) in wanted


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _time_test(key: str, value: str) -> Callable[[ImageRecord], bool]:
    operator, colon, when = value.partition(":")
    try:
        bound = parse_date(when if colon and operator.isalpha() else value)
    except ValueError:
        said = f'Bad "{key}" query filter format. Use ISO 8601 DateTime notation.'
        raise ApiError(400, said) from None

    def test(image: ImageRecord) -> bool:
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


def _in_order(call: ImageCall, rows: list[ImageRecord]) -> list[ImageRecord]:
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
        if direction not in ("asc", "desc"):
            raise ApiError(400, f"Invalid sort direction: {direction}")
        if key not in SORT_KEYS:
            raise ApiError(
                400,
                f"Invalid sort key: {key}. It must be one of the following: "
                f"{', '.join(SORT_KEYS)}.",
            )
        rows = sorted(rows, key=lambda row: _sortable(row, key), reverse=direction == "desc")
    return rows


def _direction(part: str) -> tuple[str, str]:
    key, _, direction = part.partition(":")
    return key, direction or "desc"


def _sortable(image: ImageRecord, key: str) -> tuple[bool, Any]:
    value = getattr(image, key)
    if key.endswith("_at") and value is not None:
        value = int(value)
    return value is not None, value if value is not None else ""
