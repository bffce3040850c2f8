"""Lists of Cinder: filters, sort order, pages."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar
from urllib.parse import urlencode

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    ResourceRecord,
    ResourceTable,
    parse_date,
    parse_integer,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall


class Identified(Protocol):
    """Any record with an id."""

    @property
    def id(self) -> str:
        """The id, which is the marker of a page."""


R = TypeVar("R", bound=ResourceRecord)
Row = TypeVar("Row", bound=Identified)

PAGING = ("limit", "marker", "offset", "sort", "sort_key", "sort_dir")
FILTERS: dict[str, tuple[str, ...]] = {
    "volume": (
        "name",
        "status",
        "metadata",
        "bootable",
        "migration_status",
        "availability_zone",
        "group_id",
        "size",
        "created_at",
        "updated_at",
        "consumes_quota",
    ),
    "backup": ("name", "status", "volume_id"),
    "snapshot": (
        "name",
        "status",
        "volume_id",
        "metadata",
        "availability_zone",
        "consumes_quota",
    ),
    "group": ("name",),
    "group_snapshot": ("name", "status", "group_id"),
    "attachment": ("volume_id", "status", "instance_id", "attach_status"),
    "message": ("resource_uuid", "resource_type", "event_id", "request_id", "message_level"),
    "pool": ("name", "volume_type"),
    "volume_type": ("is_public", "extra_specs"),
}
LINKS = {
    "group": "group_links",
    "group_snapshot": "group_snapshot_links",
}  #: exceptions: singular names
#: attributes of the records by which administrators can filter
COLUMNS = ("project_id", "user_id", "host", "volume_type_id")
SORT_KEYS = ("created_at", "id", "name", "status", "size", "updated_at", "project_id", "host")
COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "gt": lambda a, b: a > b,
    "gte": lambda a, b: a >= b,
    "eq": lambda a, b: a == b,
    "neq": lambda a, b: a != b,
    "lt": lambda a, b: a < b,
    "lte": lambda a, b: a <= b,
}


def visible(call: BlockStorageCall, table: ResourceTable[R]) -> list[R]:
    """Return the rows of the caller's project; all rows for an administrator with `all_tenants`."""
    everything = call.caller.is_admin and truth(call.request.param("all_tenants"))
    return [row for row in table.listed() if everything or row.project_id == call.caller.project_id]


def truth(value: str | None) -> bool:
    """Return the boolean of a query parameter."""
    return (value or "").lower() in ("1", "t", "true", "on", "y", "yes")


def filters_of(call: BlockStorageCall, resource: str) -> dict[str, str]:
    """Return the filters of the query. Raises ApiError(400) for an unknown one, since 3.31."""
    counted = ("with_count",) if call.version >= (3, 45) else ()
    wanted = {k: v for k, v in call.request.query if k not in (*PAGING, *counted, "all_tenants")}
    unknown = [key for key in wanted if key not in FILTERS[resource]]
    if resource != "pool" and call.caller.is_admin:
        return wanted  # for administrators, Cinder filters by the columns of its tables too
    if unknown and call.version >= (3, 31):
        raise ApiError(400, f"Invalid filters {','.join(unknown)} are found in query options.")
    return {key: value for key, value in wanted.items() if key not in unknown}


def matches(view: Mapping[str, Any], wanted: Mapping[str, str]) -> bool:
    """Return True if a resource's view passes the filters. Raises ApiError(400)."""
    for key, value in wanted.items():
        if key == "metadata":
            wanted = mapping(value)
            if any(view["metadata"].get(k) != v for k, v in wanted.items()):
                return False
        elif key in ("created_at", "updated_at"):
            if not _compares(view[key], key, value):
                return False
        elif key in ("bootable", "consumes_quota"):
            if value.lower() not in ("true", "false", "1", "0"):
                raise ApiError(400, f"Invalid input received: '{key} = {value}'")
            if str(view.get(key, True)).lower() != str(truth(value)).lower():
                return False
        elif str(view.get(key)) != value:
            return False
    return True


def mapping(value: str) -> dict[str, str]:
    """Return the dictionary that a client has written into a query parameter."""
    try:
        found = ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        found = None  # the errors of https://docs.python.org/3/library/ast.html#ast.literal_eval
    return found if isinstance(found, dict) else {}


def _compares(moment: str | None, key: str, value: str) -> bool:
    for condition in value.split(","):
        operator, _, when = condition.partition(":")
        if operator not in COMPARISONS:
            raise ApiError(400, f"Invalid {operator} operator")
        try:
            limit = parse_date(when)
        except ValueError:
            raise ApiError(400, f"Invalid {when} value") from None
        if moment is None or not COMPARISONS[operator](parse_date(moment), limit):
            return False
    return bool(key)


def in_order(call: BlockStorageCall, rows: list[R]) -> list[R]:
    """Return the rows in the order of `sort` (or `sort_key`, `sort_dir`), or newest first."""
    wanted = call.request.param("sort")
    if wanted is None:
        key = call.request.param("sort_key") or "created_at"
        wanted = f"{key}:{call.request.param('sort_dir') or 'desc'}"
    keys = [_direction(part) for part in wanted.split(",")]
    if "id" not in dict(keys):
        keys.append(("id", keys[0][1]))
    for key, direction in reversed(keys):
        key = key.removeprefix("display_")
        if key not in SORT_KEYS:
            raise ApiError(400, "Invalid input received: Invalid sort key")
        rows = sorted(rows, key=lambda row: _sortable(row, key), reverse=direction == "desc")
    return rows


def _direction(part: str) -> tuple[str, str]:
    key, _, direction = part.partition(":")
    return key, direction or "desc"


def _sortable(row: ResourceRecord, key: str) -> tuple[bool, Any]:
    value = getattr(row, key, None)
    if key.endswith("_at") and value is not None:
        value = int(value)  # the database stores whole seconds
    return value is not None, "" if value is None else value


def number(call: BlockStorageCall, name: str) -> int | None:
    """Return `limit` or `offset`. Raises ApiError(400)."""
    value = call.request.param(name)
    if value is None:
        return None
    found = parse_integer(value)
    if found is None:
        raise ApiError(400, f"{name} param must be an integer")
    if found < 0:
        raise ApiError(400, f"{name} param must be positive")
    return found


def page(
    call: BlockStorageCall, rows: Sequence[Row], kind: str
) -> tuple[list[Row], list[dict[str, str]]]:
    """Return the requested page, and the link to the next page if this page is full.

    Raises ApiError(404) if no resource (of the name `kind`) has the marker's id.
    """
    limit, offset = number(call, "limit"), number(call, "offset") or 0
    marker = call.request.param("marker")
    rows = list(rows)
    if marker is not None:
        places = [index for index, row in enumerate(rows) if row.id == marker]
        if not places:
            raise ApiError(404, f"{kind} {marker} could not be found.")
        rows = rows[places[0] + 1 :]
    most = call.runtime.settings.most_on_a_page("block_storage") or sys.maxsize
    size = most if limit is None else min(limit, most)
    shown = rows[offset : offset + size]
    links = []
    if shown and len(shown) == size:
        kept = [(k, v) for k, v in call.request.query if k not in ("marker", "offset")]
        query = urlencode([*kept, ("marker", shown[-1].id)])
        url = f"{call.request.origin}{call.request.path}?{query}"
        links = [{"rel": "next", "href": url}]
    return shown, links


def _has_columns(row: ResourceRecord, wanted: Mapping[str, str]) -> bool:
    return all(str(getattr(row, key, None)) == value for key, value in wanted.items())


def with_links(key: str, shown: list[dict[str, Any]], name: str, links: Any) -> dict[str, Any]:
    """Return the body of a list: the rows under `key`, the links under `name`."""
    return {key: shown} | ({name: links} if links else {})


def listed(
    call: BlockStorageCall,
    rows: list[R],
    kind: tuple[str, str],
    view: Callable[[R], dict[str, Any]],
    shown: Callable[[R], dict[str, Any]],
) -> dict[str, Any]:
    """Return the body of a list: filtered by `view`, shown row by row with `shown`.

    `kind` is the name of the resource in filters and envelopes, and in messages.
    """
    name, spoken = kind
    wanted = filters_of(call, name)
    if columns := {key: wanted.pop(key) for key in COLUMNS if key in wanted}:
        rows = [row for row in rows if _has_columns(row, columns)]
    found = [row for row in rows if matches(view(row), wanted)] if wanted else rows
    chosen, links = page(call, in_order(call, found), spoken)
    body: dict[str, Any] = {f"{name}s": [shown(row) for row in chosen]}
    if links:
        body[LINKS.get(name, f"{name}s_links")] = links
    if call.version >= (3, 45) and truth(call.request.param("with_count")):
        body["count"] = len(found)
    return body
