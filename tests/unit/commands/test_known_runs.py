"""The reasons why `osfutures reap` leaves a resource of a run that the ledgers know."""

from __future__ import annotations

import pytest

from pytest_osfutures.commands.known_runs import KnownRuns, span
from pytest_osfutures.operations import OWNED_TYPES
from pytest_osfutures.ownership import StampedResource
from pytest_osfutures.stamp import Stamp

RUN, OPERATION = "00112233aabbccdd", "0" * 16
NOW = 1_800_000_000.0


def reason(known: KnownRuns, left: int) -> str:
    """Return the reason for a server whose stamp expires in `left` seconds."""
    resource = StampedResource(
        OWNED_TYPES["server"], "4711", Stamp(RUN, OPERATION, int(NOW) + left)
    )
    return known.reason(resource, NOW)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("alive", "its run is alive"),
        ("being reaped", "a reaper is at it"),
        ("over", "its stamp is good for another 2h00m"),
        ("unknown here", "on another host; its stamp is good for another 2h00m"),
        ("dead", ""),
    ],
)
def test_each_state_of_a_run_has_a_reason(state: str, expected: str) -> None:
    known = KnownRuns({RUN: state}, {RUN: "on another host"})
    assert reason(known, 7200) == expected


def test_a_kept_resource_has_its_reason_until_its_stamp_expires() -> None:
    known = KnownRuns({RUN: "over"}, kept={OPERATION})
    assert reason(known, 7200) == "kept for another 2h00m"
    assert reason(known, -60) == ""


def test_the_note_of_a_failed_deletion_follows_the_reason() -> None:
    known = KnownRuns({RUN: "being reaped"}, notes={OPERATION: "DELETE answered 409"})
    assert reason(known, 7200) == "a reaper is at it; DELETE answered 409"


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-5, "0m"), (59, "0m"), (3599, "59m"), (3600, "1h00m"), (18_420, "5h07m")],
)
def test_a_span_is_shown_in_minutes_and_from_one_hour_on_in_hours(
    seconds: float, expected: str
) -> None:
    assert span(seconds) == expected
