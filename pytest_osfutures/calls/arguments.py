"""Arguments of a call that is made later, or several times: the same values each time.

Clients read files to their end and change lists that they are given, and users change their lists
after the call. So containers are copied, once for each try, and files are rewound.
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

#: The containers that are copied. Other objects, such as openstacksdk's resources, are not.
_MAPPINGS = (dict, OrderedDict, defaultdict)
_SEQUENCES = (list, tuple, set, frozenset, deque)
#: Bytes or characters up to which a file is read at once, so that the user may close the file or
#: give it to several calls. A larger file is rewound before each try.
SMALL = 1024 * 1024


@dataclass(frozen=True)
class _Content:
    """The content of a small file."""

    data: str | bytes

    def open(self) -> Any:
        return io.StringIO(self.data) if isinstance(self.data, str) else io.BytesIO(self.data)


@dataclass(frozen=True)
class _Rewound:
    """A large file, and the position from which each try reads."""

    file: Any
    position: int

    def open(self) -> Any:
        self.file.seek(self.position)
        return self.file


class Repeatable:
    """A call that can be repeated, each time with the same arguments.

    Args:
        name: The name of the user's call, for messages.
        method: The function that names the positional arguments.
        fn: The function to call.
        args: Positional arguments of `fn`.
        kwargs: Keyword arguments of `fn`.

    Raises:
        InvalidArgument: An argument can be read only once: an iterator, or a file without seek.
    """

    __slots__ = ("args", "func", "keywords")  # the names of functools.partial

    def __init__(
        self,
        name: str,
        method: Callable[..., Any],
        fn: Callable[..., Any],
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> None:
        self.func = fn
        named = zip(_names(method, len(args)), args, strict=True)
        self.args = tuple(_keep(value, f"{name}: {where}") for where, value in named)
        self.keywords = {key: _keep(value, f"{name}: {key}") for key, value in kwargs.items()}

    def __call__(self) -> Any:
        """Make the call."""
        again = {key: _give(value) for key, value in self.keywords.items()}
        return self.func(*map(_give, self.args), **again)


def title_of(call: Callable[..., Any]) -> str:
    """Return the method of a call, and the name of the call's resource: `VolumeManager.create 'a'`.

    Args:
        call: A `functools.partial`, a `Repeatable`, or any function, which has no arguments then.
    """
    method = getattr(call, "func", call)
    title = str(getattr(method, "__qualname__", "")).partition(".<locals>")[0]
    try:
        names = inspect.signature(method).parameters
    except (TypeError, ValueError):  # a function in C
        return title
    given = dict(zip(names, getattr(call, "args", ()), strict=False))
    name = {**given, **getattr(call, "keywords", {})}.get("name")
    return f"{title} {name!r}" if isinstance(name, str) else title


def copied(value: Any) -> Any:
    """Return the value with all containers copied."""
    if type(value) in _MAPPINGS:
        found = copy(value)
        found.update((key, copied(each)) for key, each in value.items())
        return found
    return _like(value, map(copied, value)) if type(value) in _SEQUENCES else value


def _names(method: Callable[..., Any], number: int) -> list[str]:
    """Return the names of a method's first `number` arguments after `self`."""
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
    """Return a fresh copy of a value that `_keep` has returned."""
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
    """Return True if a client would read the value as a file.

    Only classes and `__dict__` are looked at: attributes of lazy resources would ask the cloud.
    """
    wrapped = getattr(value, "__dict__", {}).get("file")  # as in tempfile.NamedTemporaryFile
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
