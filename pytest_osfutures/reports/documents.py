"""JSON documents of immutable values: written by their fields, read back with a check of each."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

T = TypeVar("T")


class DocumentError(ValueError):
    """A document does not have the fields of the value; the text names the place and the reason."""


def to_document(value: Any) -> Any:
    """Return a value as a JSON document: dataclasses and named tuples by the names of their fields.

    Example:
        >>> from pytest_osfutures.errors import StatusSample
        >>> to_document((StatusSample(1.5, "BUILD", "spawning"),))
        [{'time': 1.5, 'status': 'BUILD', 'task_state': 'spawning'}]
    """
    if is_dataclass(value):
        return {each.name: to_document(getattr(value, each.name)) for each in fields(value)}
    if hasattr(value, "_asdict"):
        return {name: to_document(each) for name, each in value._asdict().items()}
    if isinstance(value, tuple):
        return [to_document(each) for each in value]
    return value


def from_document(kind: type[T], document: object, where: str) -> T:
    """Return the value of a type that a document describes; unknown fields are ignored.

    Args:
        kind: a dataclass or named tuple of numbers, texts, booleans, None, tuples and such types.
        document: the parsed JSON.
        where: the name of the document in the text of an error.

    Raises:
        DocumentError: a field is missing or has another type.

    Example:
        >>> from pytest_osfutures.errors import StatusSample
        >>> from_document(StatusSample, {"time": 1, "status": "ACTIVE"}, "history[0]")
        StatusSample(time=1, status='ACTIVE', task_state=None)
        >>> from_document(StatusSample, {"time": "soon", "status": "ACTIVE"}, "history[0]")
        Traceback (most recent call last):
            ...
        pytest_osfutures.reports.documents.DocumentError: history[0].time is no finite number
    """
    found: T = _read(kind, document, where)
    return found


def _read(kind: Any, document: object, where: str) -> Any:
    if kind in _PLAIN:
        words, check = _PLAIN[kind]
        if not check(document):
            raise DocumentError(f"{where} is {words}")
        return document
    if get_origin(kind) is UnionType:
        (inner,) = (each for each in get_args(kind) if each is not NoneType)
        return None if document is None else _read(inner, document, where)
    if get_origin(kind) is tuple:
        if not isinstance(document, Sequence) or isinstance(document, str):
            raise DocumentError(f"{where} is no list")
        return tuple(
            _read(get_args(kind)[0], each, f"{where}[{index}]")
            for index, each in enumerate(document)
        )
    return _read_fields(kind, document, where)


def _read_fields(kind: Any, document: object, where: str) -> Any:
    hints, required = _fields(kind)
    if isinstance(document, list) and hasattr(kind, "_fields"):  # as `json.dumps` writes them
        document = dict(zip(hints, document, strict=False))
    if not isinstance(document, Mapping):
        raise DocumentError(f"{where} is no object")
    for name in required:
        if name not in document:
            raise DocumentError(f"{where} has no {name}")
    return kind(
        **{
            name: _read(hint, document[name], f"{where}.{name}")
            for name, hint in hints.items()
            if name in document
        }
    )


@cache
def _fields(kind: Any) -> tuple[dict[str, Any], list[str]]:
    """Return the types of all fields of a type, and the names of those without a default."""
    hints = get_type_hints(kind)
    if is_dataclass(kind):
        own = fields(kind)
        hints = {each.name: hints[each.name] for each in own}
        return hints, [each.name for each in own if each.default is each.default_factory]
    defaults = kind._field_defaults
    return hints, [name for name in hints if name not in defaults]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and _is_finite(value)


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:  # a whole number that no float can hold
        return False


_PLAIN: Mapping[Any, tuple[str, Any]] = {
    bool: ("neither true nor false", lambda value: isinstance(value, bool)),
    str: ("no text", lambda value: isinstance(value, str)),
    int: ("no whole number", lambda value: isinstance(value, int) and _is_number(value)),
    float: ("no finite number", _is_number),
}
