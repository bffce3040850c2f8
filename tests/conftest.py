"""Marks for whole folders and modules of tests."""

from __future__ import annotations

from pathlib import Path

import pytest

#: Minutes of simulated faults, runs of pytest that are killed, forked or have other plugins, and
#: random values.
SLOW = (
    "chaos",
    "sim",
    "compatibility",
    "fakecloud/test_fuzz.py",
    "fakecloud/test_wrong_types.py",
    "plugin/test_forked.py",
)
HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before pytest deselects by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests."""
    slow = [HERE / each for each in SLOW]
    for item in items:
        if any(item.path.is_relative_to(each) for each in slow):
            item.add_marker(pytest.mark.slow)
