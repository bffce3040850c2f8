"""A fake cloud whose time stands still, and two people who ask it."""

from __future__ import annotations

import pytest

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.fakecloud import FakeCloud
from tests.fakecloud.asking import Asker
from tests.fakecloud.asking_cinder import Cinder


@pytest.fixture
def cloud() -> FakeCloud:
    return FakeCloud(ManualClock())


@pytest.fixture
def demo(cloud: FakeCloud) -> Asker:
    """A plain member."""
    return Asker(cloud)


@pytest.fixture
def admin(cloud: FakeCloud) -> Asker:
    """An administrator."""
    return Asker(cloud, "admin")


@pytest.fixture
def cinder(demo: Asker) -> Cinder:
    """Cinder as the plain member."""
    return Cinder(demo)


@pytest.fixture
def boss(admin: Asker) -> Cinder:
    """Cinder as an administrator."""
    return Cinder(admin)
