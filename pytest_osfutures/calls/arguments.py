"""The arguments of a call that is made later, or more than once: the same each time.

A client reads a file to its end and adds to the lists that it was given, and users change theirs
after the call. So containers are copied, for each try anew, and files begin where they began.
"""

from __future__ import annotations

import inspect
import io
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, ItemsView, Iterator, KeysView, Mapping, Sequence, ValuesView
from copy import copy
from dataclasses import dataclass
from typing import Any

from pytest_osfutures.errors import InvalidArgument

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: The containers that are copied. Others, such as openstacksdk's resources, stay what they are.
_MAPPINGS = (dict, OrderedDict, defaultdict)
_SEQUENCES = (list, tuple, set, frozenset, deque)
#: A file of up to so many bytes or characters is read at once: then it may be closed, or be given
#: to several calls. A larger one is rewound before each try.
SMALL = 1024 * 1024


@dataclass(frozen=True)
class _Content:
    """What a small file holds."""

    data: str | bytes

    def open(self) -> Any:
        return io.StringIO(self.data) if isinstance(self.data, str) else io.BytesIO(self.data)


@dataclass(frozen=True)
class _Rewound:
    """A large file and the position from which each try reads it."""

    file: Any
    position: int

    def open(self) -> Any:
        self.file.seek(self.position)
        return self.file


class Repeatable:
    """A call that can be made as often as one likes, each time with the same arguments.

    `name` is what the user has called; `method` tells the names of positional arguments. Raises
    InvalidArgument for what can be read only once: an iterator, a file that cannot seek.
    """

    __slots__ = ("_args", "_fn", "_kwargs")

    def __init__(
        self,
        name: str,
        method: Callable[..., Any],
        fn: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> None:
        self._fn = fn
        named = zip(_names(method, len(args)), args, strict=True)
        self._args = tuple(_keep(value, f"{name}: {where}") for where, value in named)
        self._kwargs = {key: _keep(value, f"{name}: {key}") for key, value in kwargs.items()}

    def __call__(self) -> Any:
        """Make the call."""
        again = {key: _give(value) for key, value in self._kwargs.items()}
        return self._fn(*map(_give, self._args), **again)


def copied(value: Any) -> Any:
    """The same value with all its containers copied."""
    if type(value) in _MAPPINGS:
        found = copy(value)
        found.update((key, copied(each)) for key, each in value.items())
        return found
    return _like(value, map(copied, value)) if type(value) in _SEQUENCES else value


def _names(method: Callable[..., Any], number: int) -> list[str]:
    """The names of the first arguments of a method, after the object itself."""
    known = [
        each.name
        for each in inspect.signature(method).parameters.values()
        if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ][1:]
    return [known[at] if at < len(known) else f"argument {at + 1}" for at in range(number)]


def _keep(value: Any, where: str) -> Any:
    if type(value) in _MAPPINGS:
        found = copy(value)
        found.update((key, _keep(each, f"{where}[{key!r}]")) for key, each in value.items())
        return found
    if type(value) in _SEQUENCES:
        return _like(value, (_keep(each, f"{where}[{at}]") for at, each in enumerate(value)))
    if _is_file(value):
        return _keep_file(value, where)
    if isinstance(value, Iterator):
        raise InvalidArgument(
            f"{where} is an iterator ({type(value).__name__}), which can be read only once: "
            "another try would find it empty. Give a list of what it yields"
        )
    if isinstance(value, KeysView | ValuesView | ItemsView):
        return _keep(list(value), where)
    return bytes(value) if isinstance(value, bytearray | memoryview) else value


def _give(value: Any) -> Any:
    """A fresh copy of what `_keep` has kept."""
    if type(value) in _MAPPINGS:
        found = copy(value)
        found.update((key, _give(each)) for key, each in value.items())
        return found
    if type(value) in _SEQUENCES:
        return _like(value, map(_give, value))
    return value.open() if isinstance(value, _Content | _Rewound) else value


def _like(value: Any, items: Iterator[Any]) -> Any:
    return deque(items, value.maxlen) if isinstance(value, deque) else type(value)(items)


def _is_file(value: Any) -> bool:
    """Whether a client would read it. Attributes of lazy resources would ask the cloud."""
    wrapped = getattr(value, "__dict__", {}).get("file")  # of tempfile's wrappers
    return hasattr(type(value), "read") or hasattr(type(wrapped), "read")


def _keep_file(file: Any, where: str) -> _Content | _Rewound:
    try:
        position = file.tell()
        file.seek(position)  # before anything is read: a pipe keeps what it holds
        data = file.read(SMALL + 1)
        file.seek(position)
    except (AttributeError, OSError, TypeError, ValueError) as error:
        raise InvalidArgument(
            f"{where} is a file that cannot be rewound for another try ({error}). "
            "Give what it holds, or a file that is open and can seek"
        ) from None
    return _Content(data) if len(data) <= SMALL else _Rewound(file, position)
