"""A cloud: which endpoints and microversions its clients speak to."""

from __future__ import annotations

from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.clock import ManualClock
from pytest_osfutures.cloud import reconnect
from pytest_osfutures.engine.concurrency_limit import ConcurrencyLimit
from pytest_osfutures.engine.loop import SteppedEngine

from .api import CLOUD, NOVA, Api, session


@pytest.mark.parametrize("listed", [NOVA, f"{NOVA}/", f"{CLOUD}/compute", f"{CLOUD}/compute/"])
def test_a_catalog_may_have_a_version_in_its_urls_or_not(listed: str) -> None:
    engine = SteppedEngine(ManualClock())
    api = Api(engine.clock)
    api.nova = listed
    cloud = osf.connect(session=session(api), engine=engine)
    future = cloud.nova.servers.create_async("web", "image", "flavor", nics="none")
    assert future.operation == "server.create"
    assert engine.run_until(future.done, 1000)
    assert future.result().status == "ACTIVE"


def test_the_newest_microversion_is_spoken_that_both_know() -> None:
    engine = SteppedEngine(ManualClock())
    cloud = osf.connect(session=session(Api(engine.clock)), engine=engine)
    assert cloud.nova.api_version.get_string() == "2.96"


def test_each_request_under_way_has_a_connection_to_keep() -> None:
    auth = {"auth_url": f"{CLOUD}/v3", "username": "u", "password": "p", "project_name": "p"}
    cloud = reconnect("x", {"auth_type": "password", "auth": auth, "config": {}})
    for url in (CLOUD, CLOUD.replace("http:", "https:")):
        adapter: Any = cloud.session.session.get_adapter(url)
        assert adapter.__getstate__()["_pool_maxsize"] >= ConcurrencyLimit().most


def test_a_service_that_the_catalog_does_not_have_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = SteppedEngine(ManualClock())
    cloud = osf.connect(session=session(Api(engine.clock)), engine=engine)
    elsewhere = {"interface": "internal", "region_name": "north"}
    monkeypatch.setattr(cloud, "_endpoint_filter", lambda *_: elsewhere)
    said = "'session' has no {} service, interface internal, region_name north"
    with pytest.raises(osf.CloudUnreachableError, match=said.format("compute")):
        _ = cloud.nova
    with pytest.raises(osf.CloudUnreachableError, match=said.format("block-storage")):
        _ = cloud.cinder


def test_api_returns_an_adapter_for_every_service_of_the_catalog() -> None:
    engine = SteppedEngine(ManualClock())
    cloud = osf.connect(session=session(Api(engine.clock)), engine=engine)
    compute = cloud.api("compute")
    assert cloud.api("compute") is compute
    future = compute.post_async("/servers", json={"server": {"name": "web"}})
    assert engine.run_until(future.done, 1000)
    assert future.result().status == "ACTIVE"
    with pytest.raises(osf.CloudUnreachableError, match="cloud 'session' has no network service"):
        cloud.api("network")
