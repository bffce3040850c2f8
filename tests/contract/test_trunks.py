"""Trunks: a change of sub-ports is done when the agent has connected them.

The operations are those of docs/operations.md#trunk-create.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.cleanup.sweep import Sweep, SweepContext
from pytest_osfutures.clock import SystemClock
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.fakecloud import Fault
from tests.contract.conftest import PATIENCE
from tests.contract.test_networks import CIDR, found, make


@pytest.fixture
def ports(cloud: Cloud, made: Callable[[Any], Any]) -> list[str]:
    """Return the ids of three ports; skip where the cloud has no trunks."""
    answer = cloud.api_client.send("GET", "network", "/extensions/trunk", None)
    if answer.status_code == 404:
        pytest.skip("this Neutron has no trunks")
    api = cloud.api("network")
    network = made(api.post_async("/networks", json={"network": {"name": "contract"}})).id
    subnet = {"network_id": network, "cidr": CIDR, "ip_version": 4}
    made(api.post_async("/subnets", json={"subnet": subnet}))
    port = {"port": {"network_id": network}}
    return [made(api.post_async("/ports", json=port)).id for _ in range(3)]


def change(cloud: Cloud, trunk: str, verb: str, port: str, tag: int) -> Any:
    """Add or remove one sub-port and return the future."""
    each: dict[str, Any] = {"port_id": port}
    if verb == "add":
        each |= {"segmentation_type": "vlan", "segmentation_id": tag}
    path = f"/trunks/{trunk}/{verb}_subports"
    future = cloud.api("network").put_async(path, json={"sub_ports": [each]})
    assert future.operation == f"trunk.{verb}_subports"
    return future


def test_trunk_without_a_server_is_done_when_it_is_down(cloud: Cloud, ports: list[str]) -> None:
    trunk = make(cloud, "trunk", port_id=ports[0])
    assert trunk.result().status == "DOWN"
    for verb, count in (("add", 1), ("remove", 0)):
        changed = change(cloud, trunk.resource_id, verb, ports[1], 7).result(PATIENCE)
        assert (changed.status, len(changed.sub_ports)) == ("DOWN", count)
    trunk.undo().result(PATIENCE)
    assert trunk.resource_id not in [each.id for each in found(cloud, cloud.run)]


def test_a_sweep_deletes_trunks_before_their_ports(cloud: Cloud, ports: list[str]) -> None:
    parent = cloud.api("network").get(f"/ports/{ports[0]}").json()["port"]
    network = {"network_id": parent["network_id"]}
    ours = [make(cloud, "port", **network) for _ in range(2)]
    trunk = make(cloud, "trunk", port_id=ours[0].resource_id)
    change(cloud, trunk.resource_id, "add", ours[1].resource_id, 7).result(PATIENCE)
    sweep = Sweep(SweepContext(cloud.api_client, SystemClock(), print), lambda _: True)
    ids = [each.resource_id for each in (*ours, trunk)]
    assert sweep.remove([each for each in found(cloud, cloud.run) if each.id in ids]) == {}


def test_sub_ports_of_a_server_are_connected_when_the_future_is_done(
    cloud: Cloud, image: Any, flavor: Any, ports: list[str]
) -> None:
    trunk = make(cloud, "trunk", port_id=ports[0])
    nics = [{"port-id": ports[0]}]
    vm = cloud.nova.servers.create_async("contract", image.id, flavor.id, nics=nics)
    vm.result(PATIENCE)
    for verb in ("add", "remove"):
        future = change(cloud, trunk.resource_id, verb, ports[1], 7)
        assert not future.done()
        assert future.result(PATIENCE).status == "ACTIVE"
    if cloud.fake is not None:
        cloud.fake.faults.add(Fault("error", operation="trunk.connect"))
        with pytest.raises(osf.OperationFailed, match="DEGRADED"):
            change(cloud, trunk.resource_id, "add", ports[1], 7).result(PATIENCE)
    vm.undo().result(PATIENCE)
    trunk.undo().result(PATIENCE)
