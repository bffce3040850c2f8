"""Glance's JSON schemas, and the validation of images against them."""

from __future__ import annotations

import re
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
)

UUID = "^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$"
STATUSES = (
    "queued",
    "saving",
    "active",
    "killed",
    "deleted",
    "uploading",
    "importing",
    "pending_delete",
    "deactivated",
)
VISIBILITIES = ["community", "public", "private", "shared"]
CONTAINERS = [None, "ami", "ari", "aki", "bare", "ovf", "ova", "docker", "compressed"]
DISKS = [None, *["ami", "ari", "aki", "vhd", "vhdx", "vmdk", "raw", "qcow2", "vdi", "iso", "ploop"]]


def _text(longest: int | None = None, nothing: bool = False, **more: Any) -> dict[str, Any]:
    kind: Any = ["null", "string"] if nothing else "string"
    return {"type": kind, **({"maxLength": longest} if longest else {}), **more}


READ_ONLY = {"readOnly": True}
IMAGE: dict[str, dict[str, Any]] = {
    "id": _text(pattern=UUID),
    "name": _text(255, nothing=True),
    "status": _text(enum=list(STATUSES), **READ_ONLY),
    "visibility": _text(enum=VISIBILITIES),
    "protected": {"type": "boolean"},
    "os_hidden": {"type": "boolean"},
    "checksum": _text(32, nothing=True, **READ_ONLY),
    "os_hash_algo": _text(64, nothing=True, **READ_ONLY),
    "os_hash_value": _text(128, nothing=True, **READ_ONLY),
    "owner": _text(255, nothing=True),
    "size": {"type": ["null", "integer"], **READ_ONLY},
    "virtual_size": {"type": ["null", "integer"], **READ_ONLY},
    "container_format": _text(nothing=True, enum=CONTAINERS),
    "disk_format": _text(nothing=True, enum=DISKS),
    "created_at": _text(**READ_ONLY),
    "updated_at": _text(**READ_ONLY),
    "tags": {"type": "array", "items": {"type": "string", "maxLength": 255}},
    "direct_url": _text(**READ_ONLY),
    "min_ram": {"type": "integer"},
    "min_disk": {"type": "integer"},
    "self": _text(**READ_ONLY),
    "file": _text(**READ_ONLY),
    "stores": _text(**READ_ONLY),
    "schema": _text(**READ_ONLY),
    "locations": {"type": "array", "items": {"type": "object"}},
}
MEMBER: dict[str, dict[str, Any]] = {
    "member_id": _text(),
    "image_id": _text(pattern=UUID),
    "created_at": _text(),
    "updated_at": _text(),
    "status": _text(enum=["pending", "accepted", "rejected"]),
    "schema": _text(**READ_ONLY),
}
IMAGE_LINKS = [
    {"rel": "self", "href": "{self}"},
    {"rel": "enclosure", "href": "{file}"},
    {"rel": "describedby", "href": "{schema}"},
]


def _schema(name: str) -> dict[str, Any]:
    if name == "member":
        return {"name": name, "properties": MEMBER}
    free = {"additionalProperties": {"type": "string"}, "links": IMAGE_LINKS}
    return {"name": name, "properties": IMAGE, **free}


def schema(name: str) -> dict[str, Any]:
    """Return the schema of `image`, `images`, `member` or `members`. Raises ApiError(404)."""
    if name in ("image", "member"):
        return _schema(name)
    if name not in ("images", "members"):
        raise ApiError(404, "The resource could not be found.")
    rows = {"type": "array", "items": _schema(name[:-1])}
    properties: dict[str, Any] = {name: rows, "schema": {"type": "string"}}
    if name == "images":
        properties |= {"first": {"type": "string"}, "next": {"type": "string"}}
    return {"name": name, "properties": properties}


TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "integer": int,
    "boolean": bool,
    "array": list,
    "object": dict,
    "null": type(None),
}


def check(values: dict[str, Any]) -> None:
    """Raise ApiError unless `values` are valid: 400, or 403 for read-only properties."""
    for key, value in values.items():
        rules = IMAGE.get(key, {"type": "string"})
        if rules.get("readOnly"):
            raise ApiError(403, f"Attribute '{key}' is read-only.")
        problem = _problem(rules, value)
        if problem is None and key == "tags":
            problem = next(filter(None, (_problem(rules["items"], tag) for tag in value)), None)
        if problem:
            raise ApiError(400, f"Provided object does not match schema 'image': {problem}")
        if key in ("min_disk", "min_ram") and value < 0:
            said = f"Invalid value '{value}' for parameter '{key}': Cannot be a negative value"
            raise ApiError(400, said)


def _problem(rules: dict[str, Any], value: Any) -> str | None:
    kinds = rules["type"] if isinstance(rules["type"], list) else [rules["type"]]
    fits = any(isinstance(value, TYPES[kind]) for kind in kinds)
    if not fits or (isinstance(value, bool) and "boolean" not in kinds):
        return f"{value!r} is not of type {', '.join(map(repr, kinds))}"
    if "enum" in rules and value not in rules["enum"]:
        return f"{value!r} is not one of {rules['enum']}"
    if "pattern" in rules and not re.match(rules["pattern"], value):
        return f"{value!r} does not match {rules['pattern']!r}"
    if isinstance(value, str) and len(value) > rules.get("maxLength", 65535):
        return f"{value!r} is too long"
    return None
