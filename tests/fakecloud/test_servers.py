"""Servers: rejected builds, metadata, tags, visibility, quotas, ports, flavors."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakecloud.api_client import ApiClient


@pytest.mark.parametrize(
    ("change", "status", "message"),
    [
        ({"name": 5}, 400, "Invalid input for field/attribute name. Value: 5. 5 is not of type"),
        ({"name": "x" * 256}, 400, "Invalid input for field/attribute name. Value: xxx"),
        ({"name": " "}, 400, "An invalid 'name' value was provided."),
        ({"metadata": {"a": 1}}, 400, "Invalid input for field/attribute a. Value: 1."),
        ({"metadata": {str(n): "" for n in range(129)}}, 403, "Maximum number of metadata items"),
        ({"imageRef": ""}, 400, "Missing imageRef attribute"),
        ({"imageRef": "nope"}, 400, "Invalid input for field/attribute imageRef. Value: nope."),
        ({"networks": "some"}, 400, "Invalid input for field/attribute networks. Value: some."),
        ({"networks": [{"uuid": "x"}]}, 400, "Invalid input for field/attribute networks."),
        ({"key_name": "nope"}, 400, "Invalid key_name provided."),
        ({"availability_zone": "x"}, 400, "The requested availability zone is not available"),
        ({"min_count": 2, "max_count": 1}, 400, "min_count must be <= max_count"),
        ({"min_count": 0}, 400, "Invalid input for field/attribute min_count. Value: 0."),
        ({"config_drive": "maybe"}, 400, "Invalid input for field/attribute config_drive."),
        ({"personality": []}, 400, "Invalid input for field/attribute server."),
        ({"host": "compute1"}, 403, "Policy doesn't allow compute:servers:create:requested_dest"),
        (
            {"block_device_mapping_v2": [{"source_type": "image", "boot_index": 0}]},
            400,
            "Images with destination_type 'volume' need to have a non-zero size specified",
        ),
    ],
)
def test_invalid_builds_are_rejected(
    demo: ApiClient, change: dict[str, Any], status: int, message: str
) -> None:
    body = {"name": "x", "flavorRef": demo.flavor(), "imageRef": demo.image(), "networks": "none"}
    response = demo("POST", "/servers", {"server": body | change})
    assert response.status == status
    (error,) = response.body.values()
    assert error["message"].startswith(message)
    assert demo.get("/servers")["servers"] == []


def test_metadata(demo: ApiClient) -> None:
    path = f"/servers/{demo.active(metadata={'a': 'b'})}/metadata"
    assert demo("POST", path, {"metadata": {"c": "d"}}).body == {"metadata": {"a": "b", "c": "d"}}
    assert demo("PUT", path, {"metadata": {"e": "f"}}).body == {"metadata": {"e": "f"}}
    assert demo("PUT", f"{path}/g", {"meta": {"g": "h"}}).body == {"meta": {"g": "h"}}
    mismatch = demo("PUT", f"{path}/g", {"meta": {"x": "h"}})
    assert mismatch.body["badRequest"]["message"] == "Request body and URI mismatch"
    assert demo.get(f"{path}/g") == {"meta": {"g": "h"}}
    assert demo("DELETE", f"{path}/g").status == 204
    missing = demo("DELETE", f"{path}/g")
    assert missing.body["itemNotFound"]["message"] == "Metadata item was not found"
    assert demo.get(path) == {"metadata": {"e": "f"}}


def test_tags(demo: ApiClient) -> None:
    server_id = demo.active()
    path = f"/servers/{server_id}/tags"
    assert demo("PUT", path, {"tags": ["b", "a"]}).body == {"tags": ["a", "b"]}
    assert [demo("PUT", f"{path}/c").status for _ in range(2)] == [201, 204]
    assert [demo("GET", f"{path}/{tag}").status for tag in "cx"] == [204, 404]
    assert [demo("DELETE", f"{path}/c").status for _ in range(2)] == [204, 404]
    assert demo("PUT", path, {"tags": ["with,comma"]}).status == 400
    assert demo("DELETE", path).status == 204
    assert demo.get(path) == {"tags": []}


def test_admin_fields_are_hidden_from_members(demo: ApiClient, admin: ApiClient) -> None:
    server_id = demo.active()
    mine, theirs = demo.show(server_id), admin.show(server_id)
    more = theirs.keys() - mine.keys()
    assert {"OS-EXT-SRV-ATTR:host", "OS-EXT-SRV-ATTR:instance_name", "host_status"} <= more
    assert not mine.keys() - theirs.keys()
    for path in ("/os-hypervisors", "/os-services", "/os-migrations", "/os-aggregates"):
        assert demo("GET", path).status == 403
        assert admin("GET", path).status == 200


@pytest.mark.parametrize(
    ("version", "has", "has_not"),
    [
        ("2.1", [], ["locked", "description", "tags"]),
        ("2.9", ["locked"], ["description"]),
        ("2.26", ["tags", "description"], ["trusted_image_certificates"]),
        ("2.90", ["OS-EXT-SRV-ATTR:hostname"], ["pinned_availability_zone"]),
        ("2.100", ["scheduler_hints", "pinned_availability_zone"], []),
        ("latest", ["scheduler_hints"], []),
    ],
)
def test_microversions(demo: ApiClient, version: str, has: list[str], has_not: list[str]) -> None:
    server_id = demo.active()
    demo.version = version
    server = demo.show(server_id)
    assert set(has) <= server.keys()
    assert not set(has_not) & server.keys()
    assert ("id" in server["flavor"]) == (version in ("2.1", "2.9", "2.26"))


def test_old_microversion_header(demo: ApiClient) -> None:
    headers = {"OpenStack-API-Version": "", "X-OpenStack-Nova-API-Version": "2.9"}
    answer = demo("GET", "/servers", headers=headers)
    assert answer.headers["X-OpenStack-Nova-API-Version"] == "2.9"


def test_quota_of_cores_and_ram(demo: ApiClient, admin: ApiClient) -> None:
    path = f"/os-quota-sets/{demo.project_id}"
    assert demo("PUT", path, {"quota_set": {"cores": 1}}).status == 403
    assert admin("PUT", path, {"quota_set": {"cores": 2}}).body["quota_set"]["cores"] == 2
    body = {
        "name": "x",
        "flavorRef": demo.flavor("m1.medium"),
        "imageRef": demo.image(),
        "networks": "none",
    }
    assert demo("POST", "/servers", {"server": body}).status == 202
    refused = demo("POST", "/servers", {"server": body})
    assert refused.body["forbidden"]["message"] == (
        "Quota exceeded for cores: Requested 2, but already used 2 of 2 cores"
    )
    usage = demo.get(f"{path}/detail")["quota_set"]["cores"]
    assert usage == {"limit": 2, "in_use": 2, "reserved": 0}
    absolute = demo.get("/limits")["limits"]["absolute"]
    assert (absolute["totalCoresUsed"], absolute["maxTotalCores"]) == (2, 2)


def test_anti_affinity_spreads_servers(demo: ApiClient, admin: ApiClient) -> None:
    body = {"server_group": {"name": "g", "policy": "anti-affinity"}}
    group = demo("POST", "/os-server-groups", body).body["server_group"]["id"]
    hosts = []
    for number in range(3):
        server = {
            "name": f"s{number}",
            "flavorRef": demo.flavor(),
            "imageRef": demo.image(),
            "networks": "none",
        }
        sent = {"server": server, "os:scheduler_hints": {"group": group}}
        made = demo("POST", "/servers", sent).body["server"]["id"]
        demo.clock.advance(30)
        hosts.append(admin.show(made)["OS-EXT-SRV-ATTR:host"])
    assert sorted(hosts[:2]) == ["compute1", "compute2"]
    assert hosts[2] is None  # the third server finds no host


def test_ports(demo: ApiClient) -> None:
    before = [one["id"] for one in demo.cloud.alive() if one["kind"] == "port"]
    server_id = demo.active(networks=[{"uuid": demo.network()}])
    path = f"/servers/{server_id}/os-interface"
    (first,) = demo.get(path)["interfaceAttachments"]
    assert first["port_state"] == "ACTIVE"
    assert demo.show(server_id)["security_groups"] == [{"name": "default"}]
    body = {"interfaceAttachment": {"net_id": demo.network()}}
    second = demo("POST", path, body).body["interfaceAttachment"]
    addresses = demo.show(server_id)["addresses"]["private"]
    assert len(addresses) == 2
    assert demo("DELETE", f"{path}/{second['port_id']}").status == 202
    demo.clock.advance(5)
    assert len(demo.get(path)["interfaceAttachments"]) == 1
    assert demo.events(server_id) == [("compute_detach_interface", "Success")]
    demo("DELETE", f"{path}/{second['port_id']}")  # an unknown port is an error in the background
    demo.clock.advance(5)
    assert demo.events(server_id) == [("compute_detach_interface", "Error")]
    demo("DELETE", f"/servers/{server_id}")
    demo.clock.advance(30)
    assert [one["id"] for one in demo.cloud.alive() if one["kind"] == "port"] == before


def test_user_port_survives_the_server(demo: ApiClient) -> None:
    made = demo("POST", "/network/v2.0/ports", {"port": {"network_id": demo.network()}})
    port_id = made.body["port"]["id"]
    server_id = demo.active(networks=[{"port": port_id}])
    assert demo.get(f"/network/v2.0/ports/{port_id}")["port"]["device_id"] == server_id
    demo("DELETE", f"/servers/{server_id}")
    demo.clock.advance(30)
    assert demo.get(f"/network/v2.0/ports/{port_id}")["port"]["device_id"] == ""


def test_flavors(demo: ApiClient, admin: ApiClient) -> None:
    body = {"flavor": {"name": "f", "ram": 128, "vcpus": 1, "disk": 1}}
    assert demo("POST", "/flavors", body).status == 403
    flavor = admin("POST", "/flavors", body).body["flavor"]["id"]
    assert admin("POST", "/flavors", body).status == 409
    specs = f"/flavors/{flavor}/os-extra_specs"
    assert admin("POST", specs, {"extra_specs": {"a:b": "c"}}).status == 200
    assert demo.get(f"{specs}/a:b") == {"a:b": "c"}
    assert admin("PUT", f"{specs}/a:b", {"a:b": "d"}).body == {"a:b": "d"}
    assert demo.get(f"/flavors/{flavor}")["flavor"]["extra_specs"] == {"a:b": "d"}
    assert [admin("DELETE", f"{specs}/a:b").status for _ in range(2)] == [200, 404]
    changed = admin("PUT", f"/flavors/{flavor}", {"flavor": {"description": "small"}})
    assert changed.body["flavor"]["description"] == "small"
    assert len(demo.get("/flavors?minRam=2048")["flavors"]) == 3
    assert admin("DELETE", f"/flavors/{flavor}").status == 202
    assert demo("GET", f"/flavors/{flavor}").status == 404


def test_rejected_build_claims_no_port_or_volume(demo: ApiClient) -> None:
    made = demo("POST", "/network/v2.0/ports", {"port": {"network_id": demo.network()}})
    port_id, missing = made.body["port"]["id"], "00000000-0000-4000-8000-000000000000"
    body: dict[str, Any] = {"name": "x", "flavorRef": demo.flavor(), "imageRef": demo.image()}
    body["networks"] = [{"port": port_id}, {"port": missing}]
    refused = demo("POST", "/servers", {"server": body})
    assert refused.body["badRequest"]["message"] == f"Port id {missing} could not be found."
    assert demo.get(f"/network/v2.0/ports/{port_id}")["port"]["device_id"] == ""
    body["networks"] = "none"
    refused = demo("POST", "/servers", {"server": body | {"security_groups": [{"name": "no"}]}})
    message = "Unable to find security_group with name or id 'no'"
    assert refused.body["badRequest"]["message"] == message


def test_update_shows_fewer_fields_before_2_75(demo: ApiClient) -> None:
    server_id = demo.active(networks=[{"uuid": demo.network()}])
    for version, seen in (("2.74", False), ("2.75", True)):
        demo.version = version
        changed = demo("PUT", f"/servers/{server_id}", {"server": {"name": "y"}}).body["server"]
        assert ("OS-EXT-STS:task_state" in changed) == seen
        assert ("OS-EXT-IPS:type" in changed["addresses"]["private"][0]) == seen
