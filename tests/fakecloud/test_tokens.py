"""Tokens over a real socket: transient errors of Keystone are retried for a while."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_osfutures as osf
from pytest_osfutures.fakecloud import FakeCloud, Fault
from pytest_osfutures.fakecloud.shells import clouds_yaml
from pytest_osfutures.fakecloud.shells.server import running
from pytest_osfutures.transport.session import TOKEN_TRIES

TOKENS = "POST /identity/v3/auth/tokens"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[FakeCloud, str]]:
    """Yield a cloud and its URL."""
    cloud = FakeCloud()
    with running(cloud) as url:
        yield cloud, url


@pytest.fixture
def fake(
    served: tuple[FakeCloud, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> FakeCloud:
    """Return a cloud without faults that is in a clouds.yaml."""
    cloud, url = served
    cloud.faults.clear()
    cloud.counters.clear()
    path = tmp_path / "clouds.yaml"
    path.write_text(clouds_yaml.text(f"{url}/identity/v3"))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    return cloud


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_transient_error_of_keystone_is_retried(fake: FakeCloud, status: int) -> None:
    fake.faults.add(Fault("status", path="/auth/tokens$", status=status, count=2))
    osf.connect("fake")
    assert fake.counters[TOKENS] == 3


def test_broken_connection_to_keystone_is_retried(fake: FakeCloud) -> None:
    fake.faults.add(Fault("cut", when="before", path="/auth/tokens$", count=1))
    assert osf.connect("fake").session.get_project_id()


def test_permanent_error_of_keystone_keeps_its_message(fake: FakeCloud) -> None:
    fake.faults.add(Fault("status", path="/auth/tokens$", status=503))
    with pytest.raises(osf.CloudUnreachableError, match=r"'fake' at .*/identity/v3 .*503"):
        osf.connect("fake")
    assert fake.counters[TOKENS] == 1 + TOKEN_TRIES


def test_rejected_credentials_are_not_retried(fake: FakeCloud) -> None:
    fake.faults.add(Fault("status", path="/auth/tokens$", status=401))
    with pytest.raises(osf.CloudUnreachableError, match="refuses the credentials"):
        osf.connect("fake")
    assert fake.counters[TOKENS] == 1


def test_other_requests_are_not_resent(fake: FakeCloud) -> None:
    cloud = osf.connect("fake")
    fake.faults.add(Fault("status", method="POST", path="/servers$", status=503))
    answer = cloud.session.post(
        "/servers",
        json={"server": {}},
        endpoint_filter={"service_type": "compute"},
        raise_exc=False,
    )
    assert answer.status_code == 503
    assert fake.counters["POST /compute/v2.1/servers"] == 1
