"""Objects where an API wants names or ids: of any client library, and of this package."""

from __future__ import annotations

from concurrent.futures import Future
from typing import Any
from uuid import UUID

from pytest_osfutures.errors import InvalidArgument

#: Arguments that take a name, and no id.
_NAMED = ("key_name",)


def ident(value: Any, key: str = "") -> Any:
    """The id of an object, or its name where `key` takes a name; all else is returned as it is.

    Raises InvalidArgument for a future, whose object is not known yet.
    """
    if isinstance(value, Future):
        what = f"{key}=" if key else ""
        raise InvalidArgument(f"{what}{value!r:.80} is a future; give what it comes to: .result()")
    if isinstance(value, UUID):
        return str(value)
    if not hasattr(value, "id"):
        return value
    return getattr(value, "name" if key in _NAMED else "id")


def idents(value: Any, key: str = "") -> Any:
    """The same arguments with ids in the place of objects, however deep they are."""
    value = ident(value, key)
    if type(value) is dict:
        return {name: idents(each, str(name)) for name, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(idents(each, key) for each in value)
    return value
