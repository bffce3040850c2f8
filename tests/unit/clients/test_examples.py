"""The examples in the docstrings of the clients."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest

from pytest_osfutures.clients import adapter, futurizing


@pytest.mark.parametrize("module", [adapter, futurizing])
def test_the_examples_of_a_module_are_true(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
