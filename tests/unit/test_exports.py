"""What the package gives to the outside: exact, sorted, lazy, typed."""

from __future__ import annotations

import ast
import importlib
import inspect
import tomllib
from pathlib import Path

import pytest

import pytest_osfutures as osf

PACKAGE = Path(inspect.getfile(osf)).parent


def declared_for_type_checkers() -> dict[str, str]:
    """The names that the TYPE_CHECKING block imports, with their modules."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    found = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        for alias in node.names:
            assert alias.asname is None
            found[alias.name] = node.module or ""
    return found


def test_the_names_are_sorted_and_there_once() -> None:
    def as_ruff_sorts(name: str) -> tuple[int, str]:
        return (0 if name.isupper() else 1 if name[0].isupper() else 2, name)

    assert osf.__all__ == sorted(osf.__all__, key=as_ruff_sorts)
    assert len(osf.__all__) == len(set(osf.__all__))


def test_every_name_is_there_and_is_what_type_checkers_see() -> None:
    declared = declared_for_type_checkers()
    assert sorted(declared) == sorted(osf.__all__)
    for name, module in declared.items():
        assert getattr(osf, name) is getattr(importlib.import_module(module), name)


def test_the_lazy_names_are_exactly_those() -> None:
    assert sorted(osf._HOME) == sorted(osf.__all__)
    assert set(osf.__all__) <= set(dir(osf))


def test_every_error_is_given_out() -> None:
    from pytest_osfutures import errors

    for _, each in inspect.getmembers(errors, inspect.isclass):
        if each.__module__ == errors.__name__:
            assert each.__name__ in osf.__all__


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        osf.nonsense  # noqa: B018


def test_what_is_given_out_says_what_it_is_for() -> None:
    for name in osf.__all__:
        if not name.isupper():
            assert inspect.getdoc(getattr(osf, name)), name


def test_the_version_is_that_of_the_distribution() -> None:
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
    assert osf.__version__ == project["version"]
