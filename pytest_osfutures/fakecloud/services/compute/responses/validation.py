"""Validation of Nova's request bodies and queries, with Nova's messages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from ipaddress import ip_address
from typing import Any

from pytest_osfutures.fakecloud import kernel
from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    parse_integer,
)
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall

# The validators that Nova and Cinder share.
admin_only = kernel.admin_only
invalid = kernel.invalid
only = kernel.only
required = kernel.required
typed = kernel.typed

UUID = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\Z", re.I)
HOSTNAME = re.compile(r"[a-zA-Z0-9-._]*")
TRUE = ("1", "t", "true", "on", "y", "yes")
FALSE = ("0", "f", "false", "off", "n", "no")
BOOLEANS = (
    *(True, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes"),
    *(False, "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no"),
)
# Types of Nova's schemas: a boolean may be a string, and some values may be null.
FLAG, TEXT_OR_NULL, OBJECT_OR_NULL = "boolean string", "string null", "object null"


def invalid_query(name: str, value: str, why: str) -> ApiError:
    """Return the error 400 for one query parameter."""
    return ApiError(400, f"Invalid input for query parameters {name}. Value: {value}. {why}")


def public_key(call: ComputeCall, key_name: str | None) -> str | None:
    """Return the public key of the caller's keypair; None without a name. Raises ApiError(400)."""
    if key_name is None:
        return None
    pair = call.model.keypair(call.caller.user_id, key_name)
    if pair is None:
        raise ApiError(400, "Invalid key_name provided.")
    return pair.public_key


def envelope(call: ComputeCall, key: str) -> dict[str, Any]:
    """Return the object under `key` of the body. Raises ApiError(400)."""
    body = call.json()
    if key not in body:
        raise invalid("body", body, f"'{key}' is a required property")
    content = body[key]
    if not isinstance(content, dict):
        raise invalid(key, content, f"{content!r} is not of type 'object'")
    return content


def strict(content: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
    """Check the JSON types of the fields in `content`; `[object]` is a list of objects.

    Raises ApiError(400).
    """
    for field, kind in kinds.items():
        if field not in content:
            continue
        value = content[field]
        if not kind.startswith("["):
            typed(field, value, kind)
            continue
        typed(field, value, "array")
        for index, one in enumerate(value):
            typed(str(index), one, kind.strip("[]"))


def shapes(content: Mapping[str, Any], kinds: Mapping[str, str]) -> None:
    """Check JSON types as `strict` does, but accept null for every field."""
    strict({field: value for field, value in content.items() if value is not None}, kinds)


def one_of(content: Mapping[str, Any], field: str, allowed: list[str]) -> None:
    """Raise ApiError(400) if the field is present and not among the allowed values."""
    if field in content and content[field] not in allowed:
        raise invalid(field, content[field], f"{content[field]!r} is not one of {allowed}")


def addresses(content: Mapping[str, Any]) -> None:
    """Raise ApiError(400) unless `accessIPv4` and `accessIPv6` are absent, empty or addresses."""
    for field, version in (("accessIPv4", 4), ("accessIPv6", 6)):
        value = content.get(field, "")
        typed(field, value, "string")
        if value and not is_address(value, version):
            raise invalid(field, value, f"{value!r} is not a 'ipv{version}'")


def normal(address: str | None) -> str:
    """Return an address as Nova stores it: `::babe:dc0c:1602` for `::babe:220.12.22.2`."""
    return str(ip_address(address)) if address else ""


def is_address(value: Any, version: int | None = None) -> bool:
    """Return True if `value` is an IP address (of that version)."""
    try:
        return isinstance(value, str) and ip_address(value).version in (version or 4, version or 6)
    except ValueError:
        return False


def number(field: str, value: Any, least: int = 0) -> int:
    """Return an integer or a string of digits as an integer. Raises ApiError(400) below `least`."""
    found = parse_integer(value)
    if found is None:
        raise invalid(field, value, f"{value!r} is not of type 'integer', 'string'")
    if found < least:
        raise invalid(field, value, f"{value} is less than the minimum of {least}")
    return found


def address(field: str, value: Any) -> str | None:
    """Return an IP address or None. Raises ApiError(400)."""
    if value is None:
        return None
    typed(field, value, "string")
    if not is_address(value):
        why = f"{value!r:.100} is not valid under any of the given schemas"
        raise invalid(field, value, why)
    return str(value)


def name(value: Any, field: str = "name") -> str:
    """Return a name of 1 to 255 printable characters. Raises ApiError(400)."""
    typed(field, value, "string")
    if not value:
        raise invalid(field, value, f"{value!r} should be non-empty")
    if len(value) > 255:
        raise invalid(field, value, f"{value!r} is too long")
    if value != value.strip() or not value.isprintable():
        raise ApiError(
            400,
            f"An invalid '{field}' value was provided. The {field} must be: printable characters. "
            "Can not start or end with whitespace.",
        )
    return str(value)


def metadata(call: ComputeCall, value: Any) -> dict[str, str]:
    """Return validated metadata. Raises ApiError: 400 for a type or length, 403 for the quota."""
    typed("metadata", value, "object")
    for key, text in value.items():
        if not 1 <= len(key) <= 255:
            raise ApiError(400, "Metadata property key must be 1 to 255 characters long")
        typed(key, text, "string")
        if len(text) > 255:
            raise invalid(key, text, f"{text!r} is too long")
    limit = call.model.limit(call.caller.project_id, "metadata_items")
    if 0 <= limit < len(value):
        raise ApiError(403, f"Maximum number of metadata items exceeds {limit}")
    return dict(value)


def description(value: Any) -> str | None:
    """Return a description of at most 255 characters, or None. Raises ApiError(400)."""
    typed("description", value, TEXT_OR_NULL)
    if value is not None and len(value) > 255:
        raise invalid("description", value, f"{value!r} is too long")
    return None if value is None else str(value)


def tag(value: Any) -> str:
    """Return a tag of 1 to 60 characters without slash and comma. Raises ApiError(400)."""
    typed("tag", value, "string")
    if not re.fullmatch(r"[^,/]{1,60}", value):
        raise invalid("tag", value, f"{value!r} does not match '^[^,/]*$'")
    return str(value)


def boolean(field: str, value: Any) -> bool:
    """Return the boolean for true, "true", "on" and the like. Raises ApiError(400)."""
    if value not in BOOLEANS or not isinstance(value, str | bool):
        allowed = (
            "True, 'True', 'true', '1', 'on', 'yes', False, 'False', 'false', '0', 'off', 'no'"
        )
        raise invalid(field, value, f"{value!r} is not one of [{allowed}]")
    return str(value).lower() in TRUE
