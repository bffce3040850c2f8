"""Validation of request bodies by JSON schema, with the messages of Nova and Cinder.

Both services have the same validator: `nova/api/validation/validators.py` and
`cinder/api/validation/validators.py` on https://opendev.org/openstack.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from pytest_osfutures.fakecloud.kernel.call import Call
from pytest_osfutures.fakecloud.kernel.errors import ApiError

JSON_TYPES: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "object": (dict,),
    "array": (list,),
    "boolean": (bool,),
    "number": (int, float),
    "null": (type(None),),
}


def invalid(field: str, value: object, why: str) -> ApiError:
    """Return the error 400 for the value of one field."""
    return ApiError(400, f"Invalid input for field/attribute {field}. Value: {value}. {why}")


def required(field: str, content: Mapping[str, Any], *names: str) -> None:
    """Raise ApiError(400) unless `content`, the object under `field`, has all `names`."""
    for name in names:
        if name not in content:
            raise invalid(field, content, f"{name!r} is a required property")


def only(field: str, content: Mapping[str, Any], allowed: Collection[str]) -> None:
    """Raise ApiError(400) if `content`, the object under `field`, has other keys than `allowed`."""
    if others := [repr(name) for name in content if name not in allowed]:
        verb = "was" if len(others) == 1 else "were"
        listed = ", ".join(others)
        why = f"Additional properties are not allowed ({listed} {verb} unexpected)"
        raise invalid(field, content, why)


def typed(field: str, value: Any, types: str) -> None:
    """Raise ApiError(400) unless `value` has one of the JSON types, which blanks separate."""
    if not any(_has_type(value, name) for name in types.split()):
        listed = ", ".join(f"'{name}'" for name in types.split())
        raise invalid(field, value, f"{value!r} is not of type {listed}")


def _has_type(value: Any, name: str) -> bool:
    return isinstance(value, JSON_TYPES[name]) and (
        name == "boolean" or not isinstance(value, bool)
    )


def admin_only(call: Call[Any], rule: str) -> None:
    """Raise ApiError(403), as the policy `rule` does, unless the caller is an administrator."""
    if not call.caller.is_admin:
        raise ApiError(403, f"Policy doesn't allow {rule} to be performed.")
