"""Engines for the tests of futures: one that is stepped, and one with its threads."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from pytest_osfutures.engine.loop import Engine, SteppedEngine


@pytest.fixture
def engine() -> SteppedEngine:
    return SteppedEngine()


@pytest.fixture
def threaded() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.stop()
