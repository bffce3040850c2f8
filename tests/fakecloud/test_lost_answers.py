"""The engine on a real socket: after a read timeout nobody knows if the server exists."""

from __future__ import annotations

from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session

import pytest_osfutures as osf
from pytest_osfutures.clock import ScaledClock
from pytest_osfutures.cloud import FAKE_POLL, FAKE_SPEED
from pytest_osfutures.fakecloud import FakeCloud, Fault
from pytest_osfutures.fakecloud.services.identity.models import PASSWORD
from pytest_osfutures.fakecloud.shells.server import running


def test_read_timeout_creates_no_second_server() -> None:
    cloud = FakeCloud(ScaledClock(FAKE_SPEED))
    with running(cloud) as url:
        auth = Password(
            auth_url=f"{url}/identity/v3",
            username="demo",
            password=PASSWORD,
            project_name="demo",
            user_domain_id="default",
            project_domain_id="default",
        )
        nova = osf.connect(session=Session(auth=auth, timeout=0.5), poll=FAKE_POLL).nova
        image, flavor = nova.glance.list()[0], nova.flavors.list()[0]
        never = Fault("delay", method="POST", path="/servers$", seconds=10_000, count=1)
        cloud.faults.add(never)
        future = nova.servers.create_async_r("web", image, flavor, nics="none")
        server = future.result(60)
        assert server.status == "ACTIVE"
        # keystoneauth1 has no other timeout.
        assert [attempt.why.partition(":")[0] for attempt in future.attempts] == ["ConnectTimeout"]
        assert [row["id"] for row in cloud.alive() if row["kind"] == "server"] == [server.id]
        assert cloud.counters["POST /compute/v2.1/servers"] == 1
