"""Ids and names in place of objects of any client library."""

from __future__ import annotations

import re
from collections.abc import Mapping
from concurrent.futures import Future
from typing import Any
from uuid import UUID

from pytest_osfutures.errors import InvalidArgument

#: Arguments whose value is a name and not an id.
_NAMED = ("key_name",)
#: Arguments whose value is a resource, which may be a mapping: the document of an API.
_REFERENCES = re.compile(
    r"(.*[_-])?id|uuid|key_name|security_groups|server|volume|port|network|subnets|group|imageRef|"
    "source_volid|volume_type"
)


def to_id(value: Any, key: str = "") -> Any:
    """Return the id of an object, or the object's name if the argument takes a name.

    Args:
        value: an object of any client library, or the mapping of a resource for an argument that
            takes one; any other value is returned as it is.
        key: name of the argument whose value this is.

    Raises:
        InvalidArgument: the value is a future, whose object is not known yet.

    Example:
        >>> from types import SimpleNamespace
        >>> to_id(SimpleNamespace(id="4f2a", name="laptop"))
        '4f2a'
        >>> to_id(SimpleNamespace(id="4f2a", name="laptop"), "key_name")
        'laptop'
        >>> to_id({"id": "4f2a", "name": "laptop"}, "port")
        '4f2a'
    """
    if isinstance(value, Future):
        argument = f"{key}=" if key else ""
        raise InvalidArgument(
            f"{argument}{value!r:.80} is a future; give its result: future.result()"
        )
    if isinstance(value, UUID):
        return str(value)
    wanted = "name" if key in _NAMED else "id"
    if hasattr(value, "id"):
        return getattr(value, wanted)
    if isinstance(value, Mapping) and wanted in value and _REFERENCES.fullmatch(key):
        return value[wanted]
    return value


def to_ids(value: Any, key: str = "") -> Any:
    """Return a copy of dicts, lists and tuples with `to_id` of every value, at any depth.

    Example:
        >>> from types import SimpleNamespace
        >>> to_ids({"nics": [{"port-id": SimpleNamespace(id="4f2a")}]})
        {'nics': [{'port-id': '4f2a'}]}
    """
    value = to_id(value, key)
    if type(value) is dict:
        return {name: to_ids(each, str(name)) for name, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(to_ids(each, key) for each in value)
    return value
