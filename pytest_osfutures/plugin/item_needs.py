"""The declared needs of a test, read from its fixtures."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_osfutures.plugin.default_arguments import (
    arguments_fixture,
    checked,
    marked_arguments,
)
from pytest_osfutures.plugin.fixtures import Node, forks
from pytest_osfutures.plugin.need import NEED, Need

__tracebackhide__ = True  # pytest: an error belongs to the line of the test


@dataclass(frozen=True)
class Key:
    """One value of a declared fixture: the declaration, the node of its scope, the parameter."""

    declaration: Need
    node: Node
    param_index: int


@dataclass(frozen=True)
class ItemNeed:
    """A declared need of a test."""

    key: Key
    #: The need with the arguments of the parameter.
    need: Need
    #: The required fixtures by name; None for a fixture that declares no need.
    requires: Mapping[str, Key | None]


NEEDS: pytest.StashKey[dict[Key, ItemNeed]] = pytest.StashKey()


def needs_of(item: pytest.Item) -> dict[Key, ItemNeed]:
    """Return the declared needs of a test, in the order in which pytest sets up its fixtures."""
    if NEEDS not in item.stash:
        item.stash[NEEDS] = _needs_of(item)
    return item.stash[NEEDS]


def _needs_of(item: pytest.Item) -> dict[Key, ItemNeed]:
    info = getattr(item, "_fixtureinfo", None)
    callspec: Any = getattr(item, "callspec", None)
    indices = callspec.indices if callspec is not None else {}
    params = callspec.params if callspec is not None else {}
    keys: dict[str, Key] = {}
    for name in getattr(info, "names_closure", ()):
        declaration = _declaration(info, name)
        if declaration is not None:
            node = node_of(item, declaration.scope)
            keys[name] = Key(declaration, node, indices.get(name, 0))
    needs: dict[Key, ItemNeed] = {}
    for name, key in keys.items():
        need = key.declaration.with_param(params.get(name))
        requires = {each: keys.get(each) for each in need.requires}
        try:
            need = need.with_defaults(_default_arguments(item, info, key.declaration))
        except LookupError:
            requires[arguments_fixture(need.factory)] = None
        needs[key] = ItemNeed(key, need, requires)
    return needs


def _default_arguments(item: pytest.Item, info: Any, declaration: Need) -> dict[str, Any]:
    """Return the default arguments of a need without setting up a fixture.

    Raises:
        LookupError: the arguments depend on other fixtures, or are not valid.
    """
    name = arguments_fixture(declaration.factory)
    definitions = info.name2fixturedefs.get(name, ())
    if not all(_is_plain(each, name) for each in definitions):
        raise LookupError(name)
    value: Any = {}
    try:
        for definition in definitions:
            value = definition.func(*[value for _ in definition.argnames])
        given = checked(name, value)
        if declaration.scope == "function":
            given.update(marked_arguments(item, declaration.factory))
    except Exception as error:  # pytest reports it when it sets up the fixture
        raise LookupError(name) from error
    return given


def _is_plain(definition: Any, name: str) -> bool:
    """Return True if a fixture is a function whose only argument is the overridden fixture."""
    is_function = not inspect.isgeneratorfunction(definition.func)
    return is_function and set(definition.argnames) <= {name}


def _declaration(info: Any, name: str) -> Need | None:
    definitions = info.name2fixturedefs.get(name)
    return getattr(definitions[-1].func, NEED, None) if definitions else None


def node_of(item: pytest.Item, scope: str) -> Node:
    """Return the node of a fixture with this scope, as `FixtureRequest.node` does."""
    if scope == "session":
        return item.session
    found: Node | None = None
    if scope == "class":
        found = item.getparent(pytest.Class)
    elif scope == "module":
        found = item.getparent(pytest.Module)
    return found or item


def is_certain(item: pytest.Item) -> bool:
    """Return True if this process will run a test.

    A mark may skip the test, perhaps under a condition that pytest evaluates, and pytest-forked
    runs the test in a child process.
    """
    conditions = [mark.args for mark in item.iter_markers("skipif")]
    undecided = any(not args or any(each is not False for each in args) for args in conditions)
    return not (undecided or any(item.iter_markers("skip")) or forks(item))


def unneeded(keys: set[Key], items: Iterable[pytest.Item]) -> set[Key]:
    """Return those of `keys` that are needs of none of the tests."""
    left = set(keys)
    for item in items:
        if not left:
            break
        left -= needs_of(item).keys()
    return left
