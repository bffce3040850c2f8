"""Validation of Cinder's request bodies, with Cinder's messages."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from pytest_osfutures.fakecloud import kernel
from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Version,
    parse_integer,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall

# The validators that Nova and Cinder share.
admin_only = kernel.admin_only
invalid = kernel.invalid
only = kernel.only
required = kernel.required
typed = kernel.typed

TRUE = (True, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes", "y", "t")
FALSE = (False, "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no", "n", "f")
NO_SCHEMA = "is not valid under any of the given schemas"
METADATA_KEY = "^[a-zA-Z0-9-_:. /]{1,255}$"
UUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")


@dataclass(frozen=True, repr=False, match_args=False)
class ActionBody:
    """The body of an action: the action's name and its parameters."""

    name: str
    value: Any

    @classmethod
    def of(cls, call: BlockStorageCall, known: Collection[str]) -> ActionBody:
        """Return the body's action. Raises ApiError(400) if it is not among `known`."""
        body = call.json()
        if not body:
            raise ApiError(400, "Malformed request body")
        name, value = next(iter(body.items()))
        if name not in known:
            raise ApiError(
                400,
                f"There is no such action: {name}. Verify the request body and Content-Type "
                "header and try again.",
            )
        return cls(name, value)

    def part(self, *keys: str) -> dict[str, Any]:
        """Return the parameters, which must have all `keys`. Raises ApiError(400)."""
        part = self.value
        typed(self.name, part, "object")
        required(self.name, part, *keys)
        return dict(part)


def since(call: BlockStorageCall, version: Version) -> None:
    """Raise ApiError(404) if the request's microversion is older than `version`."""
    if call.version < version:
        raise ApiError(404, "The resource could not be found.")


def envelope(call: BlockStorageCall, key: str) -> dict[str, Any]:
    """Return the object under `key` of the body. Raises ApiError(400)."""
    body = call.json()
    if key not in body:
        raise ApiError(400, f"{key!r} is a required property")
    return object_under(body, key)


def object_under(content: dict[str, Any], key: str) -> dict[str, Any]:
    """Return the object under `key`. Raises ApiError(400) if the value is no object."""
    typed(key, content[key], "object")
    return dict(content[key])


def texts(part: dict[str, Any], *keys: str) -> None:
    """Raise ApiError(400) if the value under one of `keys` is neither a string nor null."""
    for key in keys:
        typed(key, part.get(key), "string null")


def text(part: dict[str, Any], key: str, longest: int = 255) -> str | None:
    """Return a string without blanks around it, or None. Raises ApiError(400)."""
    value = part.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise invalid(key, value, f"{value!r} is not of type 'string', 'null'")
    if len(value) > longest:
        raise ApiError(
            400,
            f"Invalid input received: {key} has {len(value)} characters, more than {longest}.",
        )
    return value.strip()


def number(part: dict[str, Any], key: str, least: int = 1) -> int | None:
    """Return an integer or a string of digits as an integer, or None. Raises ApiError(400)."""
    value = part.get(key)
    if value is None:
        return None
    if isinstance(value, str) and not re.fullmatch("[0-9]+", value):
        raise invalid(key, value, f"{value!r} does not match '^[0-9]+$'")
    if isinstance(value, bool) or not isinstance(value, int | str):
        raise invalid(key, value, f"{value!r} is not of type 'integer', 'string', 'null'")
    if (found := parse_integer(value)) is None:
        raise invalid(key, str(value)[:50], "it is larger than any number of its kind")
    if found < least:
        raise invalid(key, value, f"{value} is less than the minimum of {least}")
    return found


def flag(part: dict[str, Any], key: str, default: bool = False) -> bool:
    """Return the boolean for true, "yes", "off" and the like. Raises ApiError(400)."""
    value = part.get(key, default)
    if isinstance(value, bool | str) and value in (*TRUE, *FALSE):
        return value in TRUE
    raise invalid(key, value, f"{value!r} is not one of {[*TRUE, *FALSE]}")


def choice(part: dict[str, Any], key: str, allowed: list[str], default: str) -> str:
    """Return a value that is among `allowed`. Raises ApiError(400)."""
    value = part.get(key, default)
    if value not in allowed:
        raise invalid(key, value, f"{value!r} is not one of {allowed}")
    return str(value)


def uuid(part: dict[str, Any], key: str, why: str = "is not a 'uuid'") -> str | None:
    """Return a UUID or None. Raises ApiError(400)."""
    value = part.get(key)
    if value is not None and not (isinstance(value, str) and UUID.match(value)):
        raise invalid(key, value, f"{value!r} {why}")
    return value


def metadata(call: BlockStorageCall, key: str) -> dict[str, str]:
    """Return the metadata under `key` of the body. Raises ApiError(400)."""
    return strings({key: envelope(call, key)}, key)


def strings(part: dict[str, Any], key: str) -> dict[str, str]:
    """Return the metadata under `key`, {} for null or absent. Raises ApiError(400)."""
    values = part.get(key)
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise invalid(key, values, f"{values!r} is not of type 'object', 'null'")
    for name, value in values.items():
        if not re.match(METADATA_KEY, name):
            raise invalid(
                key, values, f"{name!r} does not match any of the regexes: {METADATA_KEY!r}"
            )
        if not isinstance(value, str):
            raise invalid(name, value, f"{value!r} is not of type 'string'")
        if len(value) > 255:
            raise invalid(name, value, f"{value!r} is too long")
    return dict(values)


def one_host(part: dict[str, Any]) -> str:
    """Return the host or the cluster. Raises ApiError(400) unless exactly one is given."""
    hosts = [part[key] for key in ("host", "cluster") if part.get(key)]
    if len(hosts) != 1:
        raise ApiError(
            400, "Invalid input received: One and only one of cluster and host must be set."
        )
    return str(hosts[0])
