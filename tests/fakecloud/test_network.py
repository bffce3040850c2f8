"""Neutron: networks, subnets, ports, routers, floating IPs, tags, quotas."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.fakecloud import Fault
from pytest_osfutures.fakecloud.kernel.wire import Response
from pytest_osfutures.fakecloud.services.network.models.security_groups import default_group
from tests.fakecloud.api_client import ApiClient

NOBODY = "11111111-1111-4111-8111-111111111111"


def ask(client: ApiClient, method: str, path: str, body: Any = None) -> Response:
    return client(method, f"/network/v2.0{path}", body)


def make(client: ApiClient, kind: str, **fields: Any) -> dict[str, Any]:
    """Create a resource."""
    response = ask(client, "POST", f"/{kind}s".replace("_", "-"), {kind: fields})
    assert response.status == 201, response
    return dict(response.body[kind])


def net(client: ApiClient, cidr: str = "10.99.0.0/29", **fields: Any) -> tuple[str, str]:
    """Create a network with a subnet."""
    network = make(client, "network", name="n", **fields)["id"]
    subnet = make(client, "subnet", network_id=network, cidr=cidr, ip_version=4)
    return network, subnet["id"]


def error_of(response: Response) -> tuple[int, str, str]:
    """Return status, type and message of an error response."""
    error = response.body["NeutronError"]
    assert error["detail"] == ""
    return response.status, error["type"], error["message"]


def test_initial_networks(demo: ApiClient, admin: ApiClient) -> None:
    (network,) = ask(demo, "GET", "/networks?name=private").body["networks"]
    assert set(network) == {
        "id", "name", "tenant_id", "project_id", "admin_state_up", "mtu", "status", "subnets",
        "shared", "availability_zone_hints", "availability_zones", "ipv4_address_scope",
        "ipv6_address_scope", "router:external", "port_security_enabled", "description", "tags",
        "created_at", "updated_at", "revision_number",
    }  # fmt: skip
    assert (network["name"], network["status"], network["shared"]) == ("private", "ACTIVE", True)
    (subnet,) = ask(demo, "GET", "/subnets").body["subnets"]
    assert (subnet["cidr"], subnet["gateway_ip"]) == ("10.20.0.0/16", "10.20.0.1")
    (seen,) = ask(admin, "GET", "/networks?name=private").body["networks"]
    assert set(seen) - set(network) == {
        "provider:network_type", "provider:physical_network", "provider:segmentation_id",
    }  # fmt: skip
    (outside,) = ask(demo, "GET", "/networks?router:external=true").body["networks"]
    assert (outside["name"], outside["shared"]) == ("public", False)


def test_subnets(demo: ApiClient) -> None:
    network = make(demo, "network")["id"]
    subnet = make(demo, "subnet", network_id=network, cidr="10.99.0.0/29", ip_version=4)
    assert subnet["gateway_ip"] == "10.99.0.1"
    assert subnet["allocation_pools"] == [{"start": "10.99.0.2", "end": "10.99.0.6"}]
    again = {"network_id": network, "cidr": "10.99.0.0/29", "ip_version": 4}
    assert error_of(ask(demo, "POST", "/subnets", {"subnet": again})) == (
        400,
        "InvalidInput",
        f"Invalid input for operation: Requested subnet with cidr: 10.99.0.0/29 for network: "
        f"{network} overlaps with another subnet.",
    )
    six = make(demo, "subnet", network_id=network, cidr="fd00::/64", ip_version=6)
    assert six["gateway_ip"] == "fd00::1"
    port = make(demo, "port", network_id=network)
    assert [ip["ip_address"] for ip in port["fixed_ips"]] == ["10.99.0.2", "fd00::2"]


def test_ports(demo: ApiClient, admin: ApiClient) -> None:
    network, subnet = net(demo)
    port = make(demo, "port", network_id=network, name="p")
    assert set(port) == {
        "id", "name", "network_id", "project_id", "mac_address", "admin_state_up", "status",
        "device_id", "device_owner", "fixed_ips", "tenant_id", "security_groups",
        "binding:vnic_type", "allowed_address_pairs", "extra_dhcp_opts", "description", "tags",
        "created_at", "updated_at", "revision_number", "port_security_enabled",
    }  # fmt: skip
    assert port["fixed_ips"] == [{"subnet_id": subnet, "ip_address": "10.99.0.2"}]
    assert (port["status"], port["revision_number"]) == ("DOWN", 1)
    seen = ask(admin, "GET", f"/ports/{port['id']}").body["port"]
    assert seen["binding:vif_type"] == "unbound"
    changed = ask(demo, "PUT", f"/ports/{port['id']}", {"port": {"name": "q", "device_id": "d"}})
    assert (changed.body["port"]["name"], changed.body["port"]["revision_number"]) == ("q", 2)
    taken = {"network_id": network, "fixed_ips": [{"ip_address": "10.99.0.2"}]}
    assert error_of(ask(demo, "POST", "/ports", {"port": taken})) == (
        409,
        "IpAddressAlreadyAllocated",
        f"IP address 10.99.0.2 already allocated in subnet {subnet}",
    )
    for _ in range(4):
        make(demo, "port", network_id=network)
    full = ask(demo, "POST", "/ports", {"port": {"network_id": network}})
    assert error_of(full)[:2] == (409, "IpAddressGenerationFailure")
    assert error_of(ask(demo, "DELETE", f"/subnets/{subnet}"))[1] == "SubnetInUse"
    assert error_of(ask(demo, "DELETE", f"/networks/{network}"))[1] == "NetworkInUse"
    assert ask(demo, "DELETE", f"/ports/{port['id']}").status == 204
    assert make(demo, "port", network_id=network)["fixed_ips"][0]["ip_address"] == "10.99.0.2"
    for row in ask(demo, "GET", f"/ports?network_id={network}").body["ports"]:
        ask(demo, "DELETE", f"/ports/{row['id']}")
    assert ask(demo, "DELETE", f"/networks/{network}").status == 204
    assert ask(demo, "GET", f"/subnets/{subnet}").status == 404


@pytest.mark.parametrize(
    ("effect", "end"), [(None, ("ACTIVE", "ovs")), ("error", ("DOWN", "binding_failed"))]
)
def test_port_binding_takes_time(
    admin: ApiClient, effect: str | None, end: tuple[str, str]
) -> None:
    if effect:
        admin.cloud.faults.add(Fault(effect, operation="port.bind"))
    port = make(admin, "port", network_id=admin.network(), **{"binding:host_id": "compute1"})
    assert port["status"] == "BUILD"
    admin.clock.advance(5)
    port = ask(admin, "GET", f"/ports/{port['id']}").body["port"]
    assert (port["status"], port["binding:vif_type"]) == end
    free = ask(admin, "PUT", f"/ports/{port['id']}", {"port": {"binding:host_id": ""}})
    assert free.body["port"]["status"] == "DOWN"


@pytest.mark.parametrize(
    ("kind", "fields", "refusal"),
    [
        ("network", {"foo": 1}, (400, "HTTPBadRequest", "Unrecognized attribute(s) 'foo'")),
        ("network", {"shared": True}, (403, "PolicyNotAuthorized", "(rule:create_network and "
         "rule:create_network:shared) is disallowed by policy")),
        ("network", {"admin_state_up": "x"}, (400, "InvalidInput", "Invalid input for "
         "operation: 'x' cannot be converted to boolean.")),
        ("subnet", {"network_id": "nope", "cidr": "10.0.0.0/8", "ip_version": 4}, (400,
         "HTTPBadRequest", "Invalid input for network_id. Reason: 'nope' is not a valid UUID.")),
        ("network", {"status": "x"}, (400, "HTTPBadRequest", "Attribute 'status' not allowed in "
         "POST")),
        ("network", {"tenant_id": "x"}, (400, "HTTPBadRequest", "Specifying 'project_id' other "
         "than the authenticated project in request is not allowed for the current user.")),
        ("port", {}, (400, "HTTPBadRequest", "Failed to parse request. Required attribute "
         "'network_id' not specified")),
        ("port", {"network_id": NOBODY}, (404, "NetworkNotFound", f"Network {NOBODY} could not be "
         "found.")),
    ],
)  # fmt: skip
def test_invalid_creates_are_rejected(
    demo: ApiClient, kind: str, fields: dict[str, Any], refusal: tuple[int, str, str]
) -> None:
    assert error_of(ask(demo, "POST", f"/{kind}s", {kind: fields})) == refusal


def test_other_projects_resources_are_protected(demo: ApiClient, admin: ApiClient) -> None:
    hidden = make(admin, "network")["id"]
    assert error_of(ask(demo, "GET", f"/networks/{hidden}"))[:2] == (404, "NetworkNotFound")
    shared = demo.network()
    refusal = (403, "PolicyNotAuthorized", "rule:delete_network is disallowed by policy")
    assert error_of(ask(demo, "DELETE", f"/networks/{shared}")) == refusal
    port = ask(demo, "POST", "/ports", {"port": {"network_id": hidden}})
    assert error_of(port)[:2] == (404, "NetworkNotFound")
    subnet = {"network_id": shared, "cidr": "10.0.0.0/29", "ip_version": 4}
    assert error_of(ask(demo, "POST", "/subnets", {"subnet": subnet}))[:2] == refusal[:2]
    group = default_group(admin.cloud.network, admin.project_id).id
    rule = {"security_group_id": group, "direction": "ingress"}
    added = ask(demo, "POST", "/security-group-rules", {"security_group_rule": rule})
    assert error_of(added)[:2] == (404, "SecurityGroupNotFound")


def outside(admin: ApiClient) -> str:
    """Create an external network."""
    return net(admin, "172.24.5.0/24", **{"router:external": True})[0]


def test_routers(demo: ApiClient) -> None:
    _, subnet = net(demo)
    router = make(demo, "router", name="r")["id"]
    path, body = f"/routers/{router}/add_router_interface", {"subnet_id": subnet}
    added = ask(demo, "PUT", path, body).body
    assert (added["id"], added["subnet_ids"]) == (router, [subnet])
    assert error_of(ask(demo, "PUT", path, body))[:2] == (400, "BadRequest")
    (port,) = ask(demo, "GET", f"/ports?device_id={router}").body["ports"]
    assert port["device_owner"] == "network:router_interface"
    assert port["fixed_ips"][0]["ip_address"] == "10.99.0.1"
    assert error_of(ask(demo, "DELETE", f"/ports/{port['id']}"))[1] == "ServicePortInUse"
    assert error_of(ask(demo, "DELETE", f"/routers/{router}"))[1] == "RouterInUse"
    path = f"/routers/{router}/remove_router_interface"
    assert ask(demo, "PUT", path, body).status == 200
    assert error_of(ask(demo, "PUT", path, body))[1] == "RouterInterfaceNotFoundForSubnet"
    assert ask(demo, "DELETE", f"/routers/{router}").status == 204


def test_floating_ips(demo: ApiClient, admin: ApiClient) -> None:
    external = outside(admin)
    network, subnet = net(demo)
    port = make(demo, "port", network_id=network)["id"]
    floating = make(demo, "floatingip", floating_network_id=external)
    assert (floating["status"], floating["port_id"]) == ("DOWN", None)
    path, lead = f"/floatingips/{floating['id']}", {"floatingip": {"port_id": port}}
    assert error_of(ask(demo, "PUT", path, lead))[1] == "ExternalGatewayForFloatingIPNotFound"
    gateway = {"network_id": external}
    router = make(demo, "router", external_gateway_info=gateway)
    assert router["external_gateway_info"]["network_id"] == external
    ask(demo, "PUT", f"/routers/{router['id']}/add_router_interface", {"subnet_id": subnet})
    shown = ask(demo, "PUT", path, lead).body["floatingip"]
    assert (shown["status"], shown["fixed_ip_address"]) == ("ACTIVE", "10.99.0.2")
    assert shown["router_id"] == router["id"]
    ask(demo, "DELETE", f"/ports/{port}")
    assert ask(demo, "GET", path).body["floatingip"]["status"] == "DOWN"
    assert ask(demo, "DELETE", path).status == 204
    addresses = [ip for p in admin.cloud.network.ports for ip in p.fixed_ips]
    assert floating["floating_ip_address"] not in [ip["ip_address"] for ip in addresses]


def test_tags(demo: ApiClient) -> None:
    network = make(demo, "network", name="a")["id"]
    path = f"/networks/{network}/tags"
    assert ask(demo, "PUT", path, {"tags": ["a", "b"]}).body == {"tags": ["a", "b"]}
    assert ask(demo, "PUT", f"{path}/c").status == 201
    assert ask(demo, "GET", path).body == {"tags": ["a", "b", "c"]}
    text = "Tag zz could not be found."
    assert error_of(ask(demo, "GET", f"{path}/zz")) == (404, "TagNotFound", text)

    def names(query: str) -> list[str]:
        return [row["name"] for row in ask(demo, "GET", f"/networks?{query}").body["networks"]]

    assert names("tags=a,b") == names("tags-any=a,x") == ["a"]
    assert "a" not in names("not-tags=a")
    assert names("not-tags=a") == names("not-tags-any=a,x") != []
    assert ask(demo, "DELETE", f"{path}/c").status == 204
    assert ask(demo, "DELETE", path).status == 204
    assert names("tags=a") == []
    unknown = ask(demo, "GET", "/networks?foo=x")
    text = "['foo'] is invalid attribute for filtering"
    assert error_of(unknown) == (400, "HTTPBadRequest", text)


def test_lists(demo: ApiClient) -> None:
    for name in ("c", "a", "b"):
        make(demo, "network", name=name)

    def listed(query: str) -> dict[str, Any]:
        return dict(ask(demo, "GET", f"/networks?{query}").body)

    def names(query: str) -> list[str]:
        return [row["name"] for row in listed(query)["networks"]]

    assert names("sort_key=name&sort_dir=asc") == ["a", "b", "c", "private", "public"]
    assert names("name=a&name=b&sort_key=name") == ["a", "b"]
    assert names("shared=True") == ["private"]
    assert listed("fields=name&name=a") == {"networks": [{"name": "a"}]}
    page = listed("sort_key=name&limit=2")
    assert [link["rel"] for link in page["networks_links"]] == ["next", "previous"]
    query = page["networks_links"][0]["href"].split("?")[1]
    assert names(query) == ["c", "private"]
    back = listed(query)["networks_links"][1]["href"].split("?")[1]
    assert names(back) == ["a", "b"]


def test_bulk_create_of_ports(demo: ApiClient) -> None:
    network, _ = net(demo)
    response = ask(demo, "POST", "/ports", {"ports": [{"network_id": network}] * 3})
    assert len(response.body["ports"]) == 3


def test_quotas(demo: ApiClient, admin: ApiClient) -> None:
    path = f"/quotas/{demo.project_id}"
    assert error_of(ask(demo, "PUT", path, {"quota": {"network": 1}}))[1] == "PolicyNotAuthorized"
    ask(admin, "PUT", path, {"quota": {"network": 1}})
    make(demo, "network")
    text = "Quota exceeded for resources: ['network']."
    assert error_of(ask(demo, "POST", "/networks", {"network": {}})) == (409, "OverQuota", text)
    details = ask(demo, "GET", f"{path}/details.json").body["quota"]["network"]
    assert details == {"limit": 1, "used": 1, "reserved": 0}
    assert ask(admin, "DELETE", path).status == 204
    assert ask(demo, "GET", path).body["quota"]["network"] == 100


def test_neutron_versions_extensions_and_agents(demo: ApiClient, admin: ApiClient) -> None:
    assert demo("GET", "/network").body["versions"][0]["id"] == "v2.0"
    assert ask(demo, "GET", "/extensions/router").status == 200
    assert ask(demo, "GET", "/extensions/nothing").status == 404
    assert ask(demo, "GET", "/agents").body == {"agents": []}
    hosts = [row["host"] for row in ask(admin, "GET", "/agents").body["agents"]]
    assert hosts == ["compute1", "compute2"]
    zones = ask(demo, "GET", "/availability_zones").body["availability_zones"]
    assert {row["resource"] for row in zones} == {"network", "router"}
    topology = ask(demo, "GET", f"/auto-allocated-topology/{demo.project_id}").body
    assert topology["auto_allocated_topology"]["id"] == demo.network()
    assert error_of(ask(demo, "GET", "/nothing"))[1] == "HTTPNotFound"


def test_nova_creates_and_deletes_ports(demo: ApiClient) -> None:
    server = demo.active(networks=[{"uuid": demo.network()}])
    (port,) = ask(demo, "GET", f"/ports?device_id={server}").body["ports"]
    assert (port["status"], port["device_owner"]) == ("ACTIVE", "compute:nova")
    demo("DELETE", f"/servers/{server}")
    demo.clock.advance(20)
    assert ask(demo, "GET", f"/ports/{port['id']}").status == 404


def test_user_port_survives_the_server(demo: ApiClient) -> None:
    port = make(demo, "port", network_id=demo.network())["id"]
    server = demo.active(networks=[{"port": port}])
    assert ask(demo, "GET", f"/ports/{port}").body["port"]["device_id"] == server
    demo("DELETE", f"/servers/{server}")
    demo.clock.advance(20)
    shown = ask(demo, "GET", f"/ports/{port}").body["port"]
    assert (shown["status"], shown["device_id"]) == ("DOWN", "")


@pytest.mark.parametrize(
    ("subnet", "kind"),
    [
        ({"cidr": "x"}, "InvalidInput"),
        ({"cidr": "10.0.0.0/8", "ip_version": 6}, "InvalidInput"),
        ({}, "BadRequest"),
        ({"cidr": "10.0.0.0/29", "dns_nameservers": ["x"]}, "HTTPBadRequest"),
        (
            {"cidr": "10.0.0.0/29", "allocation_pools": [{"start": "9.0.0.1", "end": "9.0.0.2"}]},
            "OutOfBoundsAllocationPool",
        ),
    ],
)
def test_invalid_subnets_are_rejected(demo: ApiClient, subnet: dict[str, Any], kind: str) -> None:
    network = make(demo, "network")["id"]
    body = {"network_id": network, "ip_version": 4} | subnet
    assert error_of(ask(demo, "POST", "/subnets", {"subnet": body}))[:2] == (400, kind)


@pytest.mark.parametrize("wanted", ["x", [{"foo": "x"}], [{"ip_address": "9.9.9.9"}]])
def test_invalid_fixed_ips_are_rejected(demo: ApiClient, wanted: Any) -> None:
    body = {"network_id": demo.network(), "fixed_ips": wanted}
    assert ask(demo, "POST", "/ports", {"port": body}).status == 400
