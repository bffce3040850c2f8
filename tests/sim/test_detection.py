"""Whatever the cloud, the end of each of many servers is noticed within a second."""

from __future__ import annotations

import pytest

from tests.sim.detection import BUILDS, detection

#: Seconds from the moment at which a server is ACTIVE.
SLOWEST = 1.0
P95 = 0.75


@pytest.mark.parametrize("builds", list(BUILDS))
@pytest.mark.parametrize("servers", [1, 3, 10, 50])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_slowest_detection_of_few(servers: int, builds: str, seed: int) -> None:
    found = detection(servers, BUILDS[builds], seed)
    assert found.at(1.0) <= SLOWEST


@pytest.mark.parametrize("builds", list(BUILDS))
def test_the_slowest_detection_of_two_hundred(builds: str) -> None:
    found = detection(200, BUILDS[builds], 3)
    assert found.at(1.0) <= SLOWEST
    assert found.at(0.95) <= P95


@pytest.mark.parametrize("builds", ["lognormal", "stragglers", "wide lognormal"])
def test_the_slowest_detection_of_a_thousand(builds: str) -> None:
    found = detection(1000, BUILDS[builds], 4)
    assert found.at(1.0) <= SLOWEST
    assert found.at(0.95) <= P95
    assert found.requests <= 1.25


@pytest.mark.parametrize("builds", ["lognormal", "quick last"])
def test_calls_that_leave_one_by_one_are_noticed_as_soon(builds: str) -> None:
    found = detection(100, BUILDS[builds], 5, retried=False)
    assert found.at(1.0) <= SLOWEST
