"""Marks for whole folders and modules of tests."""

from __future__ import annotations

from pathlib import Path

import pytest

#: Minutes of simulated faults, of random values, and of runs of pytest that are killed, forked,
#: watched on a terminal or reported, or have other plugins.
SLOW = (
    "chaos",
    "sim",
    "compatibility",
    "fakecloud/test_fuzz.py",
    "fakecloud/test_wrong_types.py",
    "fakecloud/test_malformed.py",
    "plugin/test_docstrings.py",
    "plugin/test_evidence.py",
    "plugin/test_forked.py",
    "plugin/test_live_line.py",
    "plugin/test_merely_installed.py",
    "plugin/test_recorder.py",
    "plugin/test_report.py",
    "plugin/test_reuse.py",
    "plugin/test_summary.py",
    "plugin/test_traces.py",
    "test_examples.py",
)
HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before pytest deselects by marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the slow tests."""
    slow = [HERE / each for each in SLOW]
    for item in items:
        if any(item.path.is_relative_to(each) for each in slow):
            item.add_marker(pytest.mark.slow)
