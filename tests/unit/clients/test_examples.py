"""The examples in the docstrings of the clients."""

from __future__ import annotations

import doctest
from types import ModuleType

import pytest

from pytest_osfutures.clients import futurizing
from pytest_osfutures.protocols import api


@pytest.mark.parametrize("module", [api, futurizing])
def test_the_examples_of_a_module_are_true(module: ModuleType) -> None:
    result = doctest.testmod(module)
    assert result.attempted > 0
    assert result.failed == 0
