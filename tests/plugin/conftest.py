"""Fixtures for runs of pytest within pytest, without the clouds of this machine."""

from __future__ import annotations

import contextlib
import importlib
import os
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import pytest_osfutures
from pytest_osfutures.clock import ScaledClock
from pytest_osfutures.fakecloud import FakeCloud
from pytest_osfutures.fakecloud.shells import clouds_yaml
from pytest_osfutures.fakecloud.shells.loopback import GuestNetwork, GuestPorts
from pytest_osfutures.fakecloud.shells.server import running


@pytest.fixture(autouse=True, scope="session")
def loaded() -> None:
    """Load all modules that a run of the plugin loads.

    Pytester forgets the modules that a run in this process has loaded; loading them again costs
    seconds, and classes that exist twice do not know each other.
    """
    for module in pkgutil.walk_packages(pytest_osfutures.__path__, "pytest_osfutures."):
        if not module.name.endswith(".guest_ssh"):  # of the extra `ssh`
            importlib.import_module(module.name)
    cloud = pytest_osfutures.connect("fake")
    assert not cloud.nova.servers.list()
    assert not cloud.cinder.volumes.list()
    assert cloud.sdk.compute
    assert cloud.sdk.network
    for name in ("xdist.plugin", "cryptography.x509"):
        importlib.import_module(name)
    with contextlib.suppress(ImportError):  # the extra `ssh` is not installed
        importlib.import_module("pytest_osfutures.fakecloud.shells.guest_ssh")


@pytest.fixture(autouse=True)
def no_clouds(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Hide the clouds of the user of these tests, and the plugin of hypothesis.

    That plugin loads all of hypothesis at the end of each run.
    """
    monkeypatch.setenv("PYTEST_ADDOPTS", "-p no:hypothesispytest")
    for name in [name for name in os.environ if name.startswith("OS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture
def clouds(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Write a clouds.yaml whose endpoints refuse connections, and return its path."""
    path = tmp_path / "clouds.yaml"
    path.write_text(
        "clouds:\n"
        "  devstack:\n"
        "    auth: {auth_url: 'http://127.0.0.1:9/v3', username: u, password: p, project_name: p,\n"
        "           user_domain_id: default, project_domain_id: default}\n"
        "  production:\n"
        "    auth: {auth_url: 'http://127.0.0.1:9/v3', username: u, password: p, project_name: p,\n"
        "           user_domain_id: default, project_domain_id: default}\n"
    )
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    return path


@pytest.fixture
def served() -> FakeCloud:
    """Return the fake cloud behind `http_cloud`, twenty times as fast as a real cloud."""
    return FakeCloud(ScaledClock(20.0))


@pytest.fixture
def http_cloud(served: FakeCloud, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[str]:
    """Serve the fake cloud over HTTP, write its clouds.yaml, and yield its name there."""
    path = tmp_path / "served.yaml"
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    with running(served) as url:
        text = clouds_yaml.text(f"{url}/identity/v3")
        path.write_text(text.replace("  fake", "  served"))
        yield "served"


@pytest.fixture
def guest_cloud(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeCloud]:
    """Serve a fake cloud as `served`, whose guests listen on ports 2222 and 8080; yield the cloud.

    The cloud is twenty times as fast as a real one.
    """
    path = tmp_path / "guests.yaml"
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(path))
    with GuestNetwork.reserve(GuestPorts(2222, 8080)) as network:
        cloud = FakeCloud(ScaledClock(20.0), cidrs=network.cidrs)
        with running(cloud, guests=network) as url:
            text = clouds_yaml.text(f"{url}/identity/v3")
            path.write_text(text.replace("  fake", "  served"))
            yield cloud
