"""The fixture `os_load`: criteria fail the test, and the report has the table."""

from __future__ import annotations

import pytest

from tests.plugin.test_factories import run


def test_missed_criteria_fail_the_test_with_the_table(pytester: pytest.Pytester) -> None:
    text = """
    def test_slow(os_load, os_volumes):
        os_load(os_volumes.create_async, count=2, concurrency=2, criteria="volume.create max < 0")

    def test_good(os_load, os_volumes, os_cloud):
        seen = []
        found = os_load(os_volumes.create_async, rate=50, count=2, show=seen.append)
        assert seen == [found]
        assert found.operations["volume.create"].success == 1
    """
    result = run(pytester, text, "-rP")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(
        [
            "E *CriteriaError: volume.create max < 0: volume.create has *",
            "*- Captured load call -*",
            "volume.create * 2 *",
        ]
    )
    result.stdout.no_fnmatch_line("*runner.py*")
