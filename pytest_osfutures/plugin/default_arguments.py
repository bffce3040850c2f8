"""Default arguments of factories: the fixtures `os_server_args` etc., and the mark `os`.

The fixtures can be overridden in a conftest.py, a module or a class, like any fixture of pytest:
https://docs.pytest.org/en/stable/how-to/fixtures.html#override-a-fixture-on-a-folder-conftest-level
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import pytest

from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.plugin.options import FOR_ALL, FOR_SERVERS, MARK

__tracebackhide__ = True  # pytest: an error belongs to the line of the test


def arguments_fixture(factory: str) -> str:
    """Return the name of the fixture with the default arguments of a factory.

    Example:
        >>> arguments_fixture("FloatingIps")
        'os_floating_ip_args'
    """
    words = re.findall("[A-Z][a-z]*", factory.removesuffix("s"))
    return f"os_{'_'.join(words).lower()}_args"


def marked_arguments(node: pytest.Item | pytest.Collector, factory: str) -> dict[str, Any]:
    """Return the arguments of a factory that the marks `os` of a test give; the closest wins.

    Raises:
        InvalidArgument: a mark has an argument of another name, or positional ones.
    """
    found: dict[str, Any] = {}
    for mark in reversed(list(node.iter_markers("os"))):
        unknown = [*mark.args, *(mark.kwargs.keys() - {*FOR_SERVERS, *FOR_ALL})]
        if unknown:
            raise InvalidArgument(f"pytest.mark.os does not take {unknown[0]!r}; it is {MARK}")
        for name, value in mark.kwargs.items():
            if name in FOR_ALL or factory == "Servers":
                found[FOR_ALL.get(name, name)] = value
    return found


def checked(name: str, value: object) -> dict[str, Any]:
    """Return the value of a fixture with default arguments.

    Raises:
        InvalidArgument: the value is not a mapping.
    """
    if not isinstance(value, Mapping):
        raise InvalidArgument(f"the fixture {name} returns {value!r:.80}, and not a dict")
    return dict(value)


def arguments_of(request: pytest.FixtureRequest, factory: str) -> dict[str, Any]:
    """Return the default arguments of a factory: of its fixture, and for a test of its marks.

    Args:
        request: the request of the fixture that owns the resources.
        factory: name of the factory's class.

    Raises:
        InvalidArgument: a mark or the value of the fixture is not valid.
    """
    name = arguments_fixture(factory)
    given = checked(name, request.getfixturevalue(name))
    if request.scope == "function":
        given.update(marked_arguments(request.node, factory))
    return given
