"""A fake cloud with a manual clock, and clients for two users."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_osfutures.clock import ManualClock, ScaledClock
from pytest_osfutures.fakecloud import FakeCloud
from pytest_osfutures.fakecloud.shells import clouds_yaml
from pytest_osfutures.fakecloud.shells.server import running
from tests.fakecloud.api_client import ApiClient
from tests.fakecloud.cinder_client import Cinder

#: Runs several `openstack` commands in one process: loading the command takes two seconds.
OPENSTACK = """
import sys
from openstackclient.shell import OpenStackShell
for command in sys.argv[1:]:
    status = OpenStackShell().run([*command.split(), "-f", "json"])
    if status:
        sys.exit(status)
    print(end="\\0", flush=True)
"""


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


@pytest.fixture
def openstack_commands(tmp_path: Path) -> Iterator[Callable[[list[str]], list[Any]]]:
    """Run `openstack` commands on the fake on a port; return the output of each."""
    with running(FakeCloud(ScaledClock(100))) as url:
        clouds = tmp_path / "clouds.yaml"
        clouds.write_text(clouds_yaml.text(f"{url}/identity/v3"))
        env = os.environ | {"OS_CLIENT_CONFIG_FILE": str(clouds), "OS_CLOUD": "fake"}

        def run(commands: list[str]) -> list[Any]:
            done = subprocess.run(
                [sys.executable, "-c", OPENSTACK, *commands],
                env=env,
                capture_output=True,
                text=True,
                timeout=60,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return [json.loads(each) for each in done.stdout.split("\0")[:-1]]

        yield run
