"""The fixture `os_load`, which measures load in a test."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Unpack

    from pytest_osfutures.load import Load, LoadArguments, Measurement

__tracebackhide__ = True  # pytest: an error belongs to the line of the test


@pytest.fixture
def os_load(request: pytest.FixtureRequest) -> Load:
    """Repeat work at a rate or with a concurrency, as `osf.measure` does, and fail the test.

    `os_load(work, count=..., duration=..., rate=..., concurrency=..., criteria=[...])` returns the
    measurement, whose table is a section of the test's report. Criteria that are not met fail the
    test.

    Example:
        def test_boots(os_load, os_servers):
            boots = os_load(os_servers.create_async, count=4, concurrency=2, criteria="p95 < 60")
            assert boots.operations["server.create"].success == 1
    """
    from pytest_osfutures.load import measure

    def load(work: Callable[..., Any], **arguments: Unpack[LoadArguments]) -> Measurement:
        __tracebackhide__ = True
        given = arguments.get("show")

        def show(found: Measurement) -> None:
            request.node.add_report_section("call", "load", found.table())
            if given is not None:
                given(found)

        arguments["show"] = show
        return measure(work, **arguments)

    return load
