"""Marks for whole folders of tests."""

from __future__ import annotations

from pathlib import Path

import pytest

#: Minutes of simulated faults, and runs of pytest that are killed.
SLOW = frozenset({"chaos", "sim"})
HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before pytest deselects by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of the slow folders."""
    for item in items:
        if item.path.is_relative_to(HERE) and item.path.relative_to(HERE).parts[0] in SLOW:
            item.add_marker(pytest.mark.slow)
