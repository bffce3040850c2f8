"""Tokens on a real socket: an identity service that stumbles is asked again, for a moment."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_osfutures as osf
from pytest_osfutures.cloud import TOKEN_TRIES
from pytest_osfutures.fakecloud import FakeCloud, Fault
from pytest_osfutures.fakecloud.shells import clouds_yaml
from pytest_osfutures.fakecloud.shells.server import running

TOKENS = "POST /identity/v3/auth/tokens"


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[FakeCloud, str]]:
    """A cloud, and where it listens."""
    cloud = FakeCloud()
    with running(cloud) as url:
        yield cloud, url


@pytest.fixture
def fake(
    served: tuple[FakeCloud, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> FakeCloud:
    """The cloud, without faults, in a clouds.yaml."""
    cloud, url = served
    cloud.faults.clear()
    cloud.counters.clear()
    path = tmp_path / "clouds.yaml"
    path.write_text(clouds_yaml.text(f"{url}/identity/v3"))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    return cloud


@pytest.mark.parametrize("status", [429, 500, 502, 503, 504])
def test_a_refusal_that_passes_is_not_the_end(fake: FakeCloud, status: int) -> None:
    fake.faults.add(Fault("status", path="/auth/tokens$", status=status, count=2))
    osf.connect("fake")
    assert fake.counters[TOKENS] == 3


def test_a_connection_that_breaks_is_not_the_end(fake: FakeCloud) -> None:
    fake.faults.add(Fault("cut", when="before", path="/auth/tokens$", count=1))
    assert osf.connect("fake").session.get_project_id()


def test_one_that_does_not_pass_is_said_in_the_clouds_words(fake: FakeCloud) -> None:
    fake.faults.add(Fault("status", path="/auth/tokens$", status=503))
    with pytest.raises(osf.CloudUnreachableError, match=r"'fake' at .*/identity/v3 .*503"):
        osf.connect("fake")
    assert fake.counters[TOKENS] == 1 + TOKEN_TRIES


def test_refused_credentials_are_not_tried_again(fake: FakeCloud) -> None:
    fake.faults.add(Fault("status", path="/auth/tokens$", status=401))
    with pytest.raises(osf.CloudUnreachableError, match="refuses the credentials"):
        osf.connect("fake")
    assert fake.counters[TOKENS] == 1


def test_nothing_else_is_sent_again_behind_the_back_of_its_sender(fake: FakeCloud) -> None:
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
