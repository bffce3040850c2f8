"""Fixtures of the chaos tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos import suite
from tests.chaos.suite import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return a fake cloud that listens on a port."""
    with suite.world(tmp_path) as made:
        yield made
