"""pytest shows an error of a call at the line of the test, not at lines of this package."""

from __future__ import annotations

import importlib
import pkgutil

import pytest

from pytest_osfutures import calls, clients
from pytest_osfutures.scopes import factories

MODULES = [
    module.name
    for package in (calls, clients, factories)
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}.")
]


@pytest.mark.parametrize("name", MODULES)
def test_pytest_hides_the_frames_of_modules_that_raise(name: str) -> None:
    assert importlib.import_module(name).__tracebackhide__ is True
