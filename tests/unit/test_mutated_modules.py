"""The list of modules that `tox -e mutants` changes."""

from __future__ import annotations

import pytest

from tests.mutants.modules import MODULES, files


@pytest.mark.parametrize("pattern", MODULES)
def test_each_pattern_of_mutated_modules_finds_a_module(pattern: str) -> None:
    assert files(pattern)
