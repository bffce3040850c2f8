"""Names and numbers that the tables take from requests and from what was seen."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.services import seen


@pytest.mark.parametrize(
    ("counts", "most"),
    [
        ({}, "1"),
        ({"min_count": 3}, "3"),
        ({"max_count": "4"}, "4"),
        ({"min_count": 2, "max_count": 5}, "5"),
        ({"min_count": None, "max_count": 2}, "2"),
    ],
)
def test_a_request_makes_as_many_servers_as_its_larger_count(
    counts: dict[str, Any], most: str
) -> None:
    assert seen.most_servers({"server": counts}, None) == most
    assert seen.asks_for_many({"server": counts}, {}) is (int(most) > 1)


def test_a_server_may_have_heard_of_the_growth_since_two_seconds_before_the_accept() -> None:
    volume = {
        "status": "in-use",
        "updated_at": "2026-01-01T00:01:00.000000",
        "attachments": [{"server_id": "s"}],
    }
    names = seen.server_that_uses_it(volume, {}, 10.0)
    assert names == {"server": "s", "begun": "2026-01-01T00:00:48", "grown": "10.0"}
    told = [
        {"action": "extend_volume", "start_time": f"2026-01-01T00:00:{at}", "request_id": at}
        for at in ("47.900000", "48.100000")
    ]
    assert seen.who_told({"instanceActions": told[:1]}, names, 11.0) == {}
    assert seen.who_told({"instanceActions": told}, names, 11.0) == {"told_by": "48.100000"}
