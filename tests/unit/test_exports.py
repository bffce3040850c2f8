"""The public names of the package: exact, sorted, lazy, typed."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import tomllib
from pathlib import Path

import pytest

import pytest_osfutures as osf
from pytest_osfutures.scopes import factories

PACKAGE = Path(inspect.getfile(osf)).parent


def declared_for_type_checkers() -> dict[str, str]:
    """The names that the TYPE_CHECKING block makes public, with their modules."""
    tree = ast.parse((PACKAGE / "__init__.py").read_text())
    (block,) = [
        node
        for node in tree.body
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    found: dict[str, str] = {}
    for node in block.body:
        assert isinstance(node, ast.ImportFrom)
        module = node.module or ""
        if node.names[0].name == "*":
            found |= dict.fromkeys(dir(importlib.import_module(module)), module)
            continue
        for alias in node.names:
            assert alias.asname == alias.name  # else it is private for type checkers
            found[alias.name] = module
    return found


NAMES = declared_for_type_checkers()


def test_every_public_name_exists_as_type_checkers_see_the_name() -> None:
    for name, module in NAMES.items():
        assert getattr(osf, name) is getattr(importlib.import_module(module), name)


def test_the_lazy_names_are_exactly_those() -> None:
    assert len(osf._HOME) == sum(map(len, osf._PLACES.values()))
    assert sorted({*osf._HOME, *dir(factories)}) == sorted(NAMES)
    assert set(NAMES) <= set(dir(osf))


def test_the_door_of_the_factories_knows_all_modules_with_public_names() -> None:
    modules = {each.name for each in pkgutil.iter_modules(factories.__path__)}
    modules -= {"base", "neutron"}
    assert modules == set(factories.MODULES)
    for name in modules:
        module = importlib.import_module(f"{factories.__name__}.{name}")
        assert module.__all__ == sorted(module.__all__)
        assert f"from {module.__name__} import *" in Path(inspect.getfile(factories)).read_text()


def test_every_error_is_given_out() -> None:
    from pytest_osfutures import errors

    for _, each in inspect.getmembers(errors, inspect.isclass):
        if each.__module__ == errors.__name__:
            assert each.__name__ in NAMES


def test_an_unknown_name_is_an_attribute_error() -> None:
    for name in ("nonsense", "Nonsense"):
        with pytest.raises(AttributeError, match=f"no attribute '{name}'"):
            getattr(osf, name)


def test_every_public_object_has_a_docstring() -> None:
    for name in NAMES:
        if not name.isupper():
            assert inspect.getdoc(getattr(osf, name)), name


def test_the_version_is_that_of_the_distribution() -> None:
    project = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["project"]
    assert osf.__version__ == project["version"]
