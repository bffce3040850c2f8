"""URLs of a session without a catalog, whose service only the client knows."""

from __future__ import annotations

import pytest
from keystoneauth1.session import Session

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.transport.client import ApiClient
from tests.unit.api import Api, session


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://cloud.test/v2.1/servers/1", "http://cloud.test/v2.1"),
        ("http://cloud.test/compute/v2.1/servers/1", "http://cloud.test/compute/v2.1"),
        ("http://cloud.test:8774/compute/v2.1/servers/1", "http://cloud.test:8774/compute/v2.1"),
    ],
)
def test_the_base_of_a_url_ends_with_its_version(url: str, base: str) -> None:
    client = ApiClient(Session(session=session(Api(ManualClock())).session))
    resolved = client.resolve_url(url, "compute")
    assert (resolved.service, resolved.base, resolved.path) == ("compute", base, "/servers/1")
