"""A cloud on a manual clock, for the tests of all folders."""

from __future__ import annotations

import pytest

from pytest_osfutures.clock import ManualClock
from tests.unit.api import Api


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def api(clock: ManualClock) -> Api:
    return Api(clock)
