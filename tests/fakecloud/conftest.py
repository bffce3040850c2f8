"""A fake cloud with a manual clock, and clients for two users."""

from __future__ import annotations

import pytest

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.fakecloud import FakeCloud
from tests.fakecloud.api_client import ApiClient
from tests.fakecloud.cinder_client import Cinder


@pytest.fixture
def cloud() -> FakeCloud:
    return FakeCloud(ManualClock())


@pytest.fixture
def demo(cloud: FakeCloud) -> ApiClient:
    """Return a client with the role member."""
    return ApiClient(cloud)


@pytest.fixture
def admin(cloud: FakeCloud) -> ApiClient:
    """Return a client with the role admin."""
    return ApiClient(cloud, "admin")


@pytest.fixture
def cinder(demo: ApiClient) -> Cinder:
    """Return a Cinder client with the role member."""
    return Cinder(demo)


@pytest.fixture
def cinder_admin(admin: ApiClient) -> Cinder:
    """Return a Cinder client with the role admin."""
    return Cinder(admin)
