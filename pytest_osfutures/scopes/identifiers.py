"""Ids and names in place of objects of any client library."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any
from uuid import UUID

from pytest_osfutures.errors import InvalidArgument

#: Arguments whose value is a name and not an id.
_NAMED = ("key_name",)


def to_id(value: Any, key: str = "") -> Any:
    """Return the id of an object, or the object's name if the argument takes a name.

    Args:
        value: an object of any client library, or any other value, which is returned as it is.
        key: name of the argument whose value this is.

    Raises:
        InvalidArgument: the value is a future, whose object is not known yet.

    Example:
        >>> from types import SimpleNamespace
        >>> to_id(SimpleNamespace(id="4f2a", name="laptop"))
        '4f2a'
        >>> to_id(SimpleNamespace(id="4f2a", name="laptop"), "key_name")
        'laptop'
    """
    if isinstance(value, Future):
        argument = f"{key}=" if key else ""
        raise InvalidArgument(
            f"{argument}{value!r:.80} is a future; give its result: future.result()"
        )
    if isinstance(value, UUID):
        return str(value)
    if not hasattr(value, "id"):
        return value
    return getattr(value, "name" if key in _NAMED else "id")


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
