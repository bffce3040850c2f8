"""Create and delete Neutron's resources, which carry the stamp in the description.

The operations are those of docs/operations.md#rules-neutron.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.cleanup.sweep import Sweep, SweepContext
from pytest_osfutures.clock import SystemClock
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.operations import OWNED_TYPES
from pytest_osfutures.ownership.resource import StampedResource
from pytest_osfutures.stamp import Stamp
from tests.contract.conftest import PATIENCE

ADDRESS_GROUP = OWNED_TYPES["address group"]
CIDR = "10.211.0.0/24"


def found(cloud: Cloud, run: str) -> list[StampedResource]:
    """Return the resources that carry the stamp of a run."""
    return Sweep(
        SweepContext(cloud.api_client, SystemClock(), print), lambda stamp: stamp.run == run
    ).find()


def make(cloud: Cloud, kind: str, **fields: Any) -> Any:
    """Create a resource of Neutron and return the future."""
    resource_type = OWNED_TYPES[kind]
    future = cloud.api("network").post_async_r(
        resource_type.collection_path, json={resource_type.member: fields}
    )
    made = future.result(PATIENCE)
    assert future.operation == f"{kind}.create"
    stamp = Stamp.of(made, described=True)
    assert stamp is not None
    assert stamp.run == cloud.run
    return future


@pytest.fixture(scope="module")
def network(cloud: Cloud) -> Iterator[Any]:
    """Yield a network with a subnet."""
    future = make(cloud, "network", name="contract", description="of the contract")
    subnet = make(cloud, "subnet", network_id=future.resource_id, cidr=CIDR, ip_version=4)
    yield future.result()
    subnet.undo().result(PATIENCE)
    future.undo().result(PATIENCE)
    assert [each for each in found(cloud, cloud.run) if each.type.service == "network"] == []


def test_name_and_description_stay_beside_the_stamp(cloud: Cloud, network: Any) -> None:
    assert network.name == "contract"
    assert network.description.startswith("of the contract osf-")
    kinds = {each.type.name for each in found(cloud, cloud.run)}
    assert {"network", "subnet"} <= kinds


def test_ports_security_groups_and_rules_are_created_and_undone(cloud: Cloud, network: Any) -> None:
    group = make(cloud, "security group", name="contract")
    rule = {"security_group_id": group.resource_id, "direction": "ingress", "protocol": "icmp"}
    rule = make(cloud, "security group rule", **rule)
    ports = [
        make(cloud, "port", network_id=network.id, security_groups=[group.resource_id])
        for _ in range(3)
    ]
    assert {port.result().status for port in ports} <= {"ACTIVE", "DOWN"}
    kinds = [each.type.name for each in found(cloud, cloud.run)]
    assert kinds.count("port") == 3
    assert kinds.count("security group rule") == 1
    for future in (*ports, rule, group):
        future.undo().result(PATIENCE)
        kind = future.operation.removesuffix(".create")
        path = f"{OWNED_TYPES[kind].collection_path}/{future.resource_id}"
        assert cloud.api_client.send("GET", "network", path, None).status_code == 404


def test_address_groups_are_created_found_by_their_stamp_and_undone(cloud: Cloud) -> None:
    if (
        cloud.api_client.send("GET", "network", "/extensions/address-group", None).status_code
        == 404
    ):
        pytest.skip("this Neutron has no address groups")
    addresses = make(cloud, "address group", name="contract", addresses=["10.0.0.0/24"])
    assert addresses.result().addresses == ["10.0.0.0/24"]
    group = make(cloud, "security group", name="contract")
    fields = {"security_group_id": group.resource_id, "direction": "ingress"}
    make(cloud, "security group rule", **fields, remote_address_group_id=addresses.resource_id)
    with pytest.raises(osf.OSFuturesError, match="409"):
        addresses.undo().result(PATIENCE)
    ours = found(cloud, cloud.run)
    assert addresses.resource_id in [each.id for each in ours if each.type is ADDRESS_GROUP]
    sweep = Sweep(
        SweepContext(cloud.api_client, SystemClock(), print), lambda stamp: stamp.run == cloud.run
    )
    types = ("address group", "security group", "security group rule")
    assert sweep.remove([each for each in ours if each.type.name in types]) == {}
    path = f"{ADDRESS_GROUP.collection_path}/{addresses.resource_id}"
    assert cloud.api_client.send("GET", "network", path, None).status_code == 404


def test_a_rejected_request_raises_neutrons_own_message(cloud: Cloud, network: Any) -> None:
    body = {"subnet": {"network_id": network.id, "cidr": CIDR, "ip_version": 4}}
    future = cloud.api("network").post_async_r("/subnets", json=body)
    with pytest.raises(Exception, match="overlaps with another subnet"):
        future.result(PATIENCE)


def test_create_requests_cannot_carry_tags(cloud: Cloud, network: Any) -> None:
    """Networks reject tags in the create request, ports may drop them: so the stamp is no tag."""
    api = cloud.api("network")
    with pytest.raises(Exception, match="Attribute 'tags' not allowed in POST"):
        api.post("/networks", json={"network": {"tags": ["x"]}})
    port = make(cloud, "port", network_id=network.id, tags=["x"])
    port.undo().result(PATIENCE)


def test_undo_of_a_network_in_use_fails_with_409(cloud: Cloud, network: Any) -> None:
    own = make(cloud, "network")
    port = make(cloud, "port", network_id=own.resource_id)
    with pytest.raises(osf.OSFuturesError, match="409"):
        own.undo().result(PATIENCE)
    port.undo().result(PATIENCE)
    own.undo().result(PATIENCE)


def test_a_sweep_detaches_subnets_from_routers(cloud: Cloud) -> None:
    api = cloud.api("network")
    if cloud.api_client.send("GET", "network", "/extensions/router", None).status_code == 404:
        pytest.skip("this Neutron has no routers")
    inside = make(cloud, "network")
    subnet = make(cloud, "subnet", network_id=inside.resource_id, cidr=CIDR, ip_version=4)
    router = make(cloud, "router")
    path = f"/routers/{router.resource_id}/add_router_interface"
    api.put(path, json={"subnet_id": subnet.resource_id})
    ours = {inside.resource_id, subnet.resource_id, router.resource_id}
    sweep = Sweep(
        SweepContext(cloud.api_client, SystemClock(), print), lambda stamp: stamp.run == cloud.run
    )
    assert sweep.remove([each for each in sweep.find() if each.id in ours]) == {}
    assert not ours & {each.id for each in sweep.find()}


def test_floating_ips_end_with_the_port_that_was_asked_for(cloud: Cloud, network: Any) -> None:
    api = cloud.api("network")
    outside = api.get("/networks?router:external=true").json()["networks"]
    if not outside:
        pytest.skip("this cloud has no external network")
    gateway = {"network_id": outside[0]["id"]}
    router = make(cloud, "router", external_gateway_info=gateway)
    connection = {"subnet_id": api.get(f"/networks/{network.id}").json()["network"]["subnets"][0]}
    api.put(f"/routers/{router.resource_id}/add_router_interface", json=connection)
    port = make(cloud, "port", network_id=network.id)
    floating = make(cloud, "floating ip", floating_network_id=outside[0]["id"])
    assert floating.result().status == "DOWN"
    for target, status in ((port.resource_id, "ACTIVE"), (None, "DOWN")):
        body = {"floatingip": {"port_id": target}}
        moved = api.put_async(f"/floatingips/{floating.resource_id}", json=body)
        assert moved.operation == "floating ip.update"
        assert moved.result(PATIENCE).status == status
    floating.undo().result(PATIENCE)
    port.undo().result(PATIENCE)
    api.put(f"/routers/{router.resource_id}/remove_router_interface", json=connection)
    router.undo().result(PATIENCE)


def test_a_router_has_its_gateway_when_the_future_is_done(cloud: Cloud) -> None:
    api = cloud.api("network")
    outside = api.get("/networks?router:external=true").json()["networks"]
    if not outside:
        pytest.skip("this cloud has no external network")
    router = make(cloud, "router")
    path = f"/routers/{router.resource_id}"
    for gateway in ({"network_id": outside[0]["id"]}, None):
        future = api.put_async(path, json={"router": {"external_gateway_info": gateway}})
        assert future.done()
        found = api.get(path).json()["router"]["external_gateway_info"]
        assert (found or {}).get("network_id") == (gateway or {}).get("network_id")
    router.undo().result(PATIENCE)


@pytest.mark.filterwarnings("ignore::Warning")
def test_openstacksdk_has_twins_for_neutron(cloud: Cloud, network: Any) -> None:
    future = cloud.sdk.network.create_port_async_r(network_id=network.id, name="sdk")
    port = future.result(PATIENCE)
    assert (type(port).__name__, port.name) == ("Port", "sdk")
    assert port.description.startswith("osf-")
    assert cloud.sdk.network.delete_port_async(port).result(PATIENCE) is None


def test_a_floating_ip_finds_the_port_of_a_server(
    cloud: Cloud, network: Any, image: Any, flavor: Any
) -> None:
    api = cloud.api("network")
    nics = [{"net-id": network.id}]
    vm = cloud.nova.servers.create_async("contract", image.id, flavor.id, nics=nics)
    server_id = vm.result(PATIENCE).id
    (port,) = api.get(f"/ports?device_id={server_id}").json()["ports"]
    assert [each["ip_address"] for each in port["fixed_ips"]] == [
        each["addr"] for entries in vm.result().addresses.values() for each in entries
    ]
    outside = api.get("/networks?router:external=true").json()["networks"]
    if outside:
        gateway = {"network_id": outside[0]["id"]}
        router = make(cloud, "router", external_gateway_info=gateway)
        connection = {"subnet_id": port["fixed_ips"][0]["subnet_id"]}
        api.put(f"/routers/{router.resource_id}/add_router_interface", json=connection)
        target = {"floating_network_id": outside[0]["id"], "port_id": port["id"]}
        floating = make(cloud, "floating ip", **target)
        shown = cloud.nova.servers.get(server_id).addresses
        address = floating.result().floating_ip_address
        kinds = {each["addr"]: each["OS-EXT-IPS:type"] for each in next(iter(shown.values()))}
        assert kinds[address] == "floating"
        floating.undo().result(PATIENCE)
        api.put(f"/routers/{router.resource_id}/remove_router_interface", json=connection)
        router.undo().result(PATIENCE)
    vm.undo().result(PATIENCE)
