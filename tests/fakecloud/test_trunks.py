"""Neutron's trunks: sub-ports, statuses, and the order of deletion."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.fakecloud import Fault
from tests.fakecloud.api_client import ApiClient
from tests.fakecloud.test_network import ask, error_of, make, net


@pytest.fixture
def ports(demo: ApiClient) -> list[str]:
    """Return the ids of three ports; the first is the parent."""
    network, _ = net(demo)
    return [make(demo, "port", network_id=network)["id"] for _ in range(3)]


def sub_port(port: str, tag: int) -> dict[str, Any]:
    return {"port_id": port, "segmentation_type": "vlan", "segmentation_id": tag}


def status_of(client: ApiClient, trunk: str) -> str:
    return str(ask(client, "GET", f"/trunks/{trunk}").body["trunk"]["status"])


def test_sub_ports_come_and_go(demo: ApiClient, ports: list[str]) -> None:
    trunk = make(demo, "trunk", port_id=ports[0], sub_ports=[sub_port(ports[1], 7)])
    assert (trunk["status"], trunk["sub_ports"]) == ("DOWN", [sub_port(ports[1], 7)])
    path = f"/trunks/{trunk['id']}"
    more = {"sub_ports": [sub_port(ports[2], 8)]}
    changed = ask(demo, "PUT", f"{path}/add_subports", more)
    assert (changed.status, changed.body["id"]) == (200, trunk["id"])
    assert changed.body["status"] == "DOWN"
    assert len(ask(demo, "GET", f"{path}/get_subports").body["sub_ports"]) == 2
    fewer = {"sub_ports": [{"port_id": ports[1]}]}
    assert ask(demo, "PUT", f"{path}/remove_subports", fewer).body["sub_ports"] == more["sub_ports"]
    assert error_of(ask(demo, "PUT", f"{path}/remove_subports", fewer))[:2] == (
        404,
        "SubPortNotFound",
    )


def test_ports_of_a_trunk_are_deleted_after_the_trunk(demo: ApiClient, ports: list[str]) -> None:
    trunk = make(demo, "trunk", port_id=ports[0], sub_ports=[sub_port(ports[1], 7)])["id"]
    for port, kind in ((ports[0], "PortInUseAsTrunkParent"), (ports[1], "PortInUseAsSubPort")):
        assert error_of(ask(demo, "DELETE", f"/ports/{port}"))[:2] == (409, kind)
        again = ask(demo, "POST", "/trunks", {"trunk": {"port_id": port}})
        assert error_of(again)[:2] == (409, kind)
    assert ask(demo, "DELETE", f"/trunks/{trunk}").status == 204
    assert all(ask(demo, "DELETE", f"/ports/{port}").status == 204 for port in ports)


def test_an_agent_connects_the_sub_ports_of_a_used_port(
    demo: ApiClient, admin: ApiClient, ports: list[str]
) -> None:
    trunk = make(demo, "trunk", port_id=ports[0])["id"]
    host = {"port": {"binding:host_id": "compute1"}}
    assert ask(admin, "PUT", f"/ports/{ports[0]}", host).status == 200
    admin.clock.advance(2)
    assert status_of(demo, trunk) == "ACTIVE"
    assert error_of(ask(demo, "DELETE", f"/trunks/{trunk}"))[:2] == (409, "TrunkInUse")
    parent = ask(demo, "POST", "/trunks", {"trunk": {"port_id": ports[0]}})
    assert error_of(parent)[:2] == (409, "PortInUseAsTrunkParent")
    path = f"/trunks/{trunk}/add_subports"
    seen = [ask(demo, "PUT", path, {"sub_ports": [sub_port(ports[1], 7)]}).body["status"]]
    while seen[-1] != "ACTIVE":
        admin.clock.advance(0.1)
        seen.append(status_of(demo, trunk))
    assert list(dict.fromkeys(seen)) == ["DOWN", "BUILD", "ACTIVE"]
    duplicate = ask(demo, "PUT", path, {"sub_ports": [sub_port(ports[2], 7)]})
    assert error_of(duplicate)[:2] == (409, "DuplicateSubPort")
    admin.cloud.faults.add(Fault("error", operation="trunk.connect"))
    ask(demo, "PUT", path, {"sub_ports": [sub_port(ports[2], 8)]})
    admin.clock.advance(2)
    assert status_of(demo, trunk) == "DEGRADED"


@pytest.mark.parametrize("sub_ports", [7, [7], [{}], [{"port_id": "x"}], [sub_port("x", 1)]])
def test_malformed_sub_ports_are_refused(demo: ApiClient, ports: list[str], sub_ports: Any) -> None:
    trunk = make(demo, "trunk", port_id=ports[0])["id"]
    body = {"sub_ports": sub_ports}
    for path in ("add_subports", "remove_subports"):
        assert ask(demo, "PUT", f"/trunks/{trunk}/{path}", body).status == 400
    fresh = {"trunk": {"port_id": ports[1], **body}}
    assert ask(demo, "POST", "/trunks", fresh).status == 400
