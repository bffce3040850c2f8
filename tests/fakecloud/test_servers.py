"""Lists, filters, metadata, tags, quotas and disks of servers."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.fakecloud import Fault
from pytest_osfutures.fakecloud.times import zulu
from tests.fakecloud.asking import Asker


def names(demo: Asker, query: str) -> list[str]:
    return [one["name"] for one in demo.get(f"/servers?{query}")["servers"]]


def test_filters(demo: Asker) -> None:
    web = demo.active("web-1", metadata={"a": "b"}, tags=["x", "y"])
    demo.active("web-2", flavor="m1.tiny", tags=["x"])
    demo.create("db")
    for query, found in (
        ("name=^web", {"web-1", "web-2"}),
        ("name=b", {"web-1", "web-2", "db"}),
        ("status=ACTIVE", {"web-1", "web-2"}),
        ("status=active&status=BUILD", {"web-1", "web-2", "db"}),
        (f"flavor={demo.flavor('m1.tiny')}", {"web-2"}),
        ("flavor=nope", set()),
        (f"image={demo.image()}", {"web-1", "web-2", "db"}),
        ("tags=x,y", {"web-1"}),
        ("tags-any=y,z", {"web-1"}),
        ("not-tags=x,y", {"web-2", "db"}),
        ("not-tags-any=x", {"db"}),
        ("vm_state=building", {"db"}),
        ("task_state=scheduling", {"db"}),
        ("host=nowhere", {"web-1", "web-2", "db"}),  # not for members: ignored
        ("uuid=nothing", {"web-1", "web-2", "db"}),
        ("deleted=true", {"web-1", "web-2", "db"}),
        ("limit=0", set()),
        ("marker=", {"web-1", "web-2", "db"}),
    ):
        assert set(names(demo, query)) == found, query
    assert names(demo, "sort_key=display_name&sort_dir=asc") == ["db", "web-1", "web-2"]
    assert names(demo, "sort_key=display_name&sort_dir=desc") == ["web-2", "web-1", "db"]
    assert demo.get(f"/servers/{web}")["server"]["tags"] == ["x", "y"]


def test_filters_of_administrators(demo: Asker, admin: Asker) -> None:
    demo.active("one")
    gone = demo.active("two")
    demo("DELETE", f"/servers/{gone}")
    demo.clock.advance(30)
    host = admin.get("/servers/detail?all_tenants=1")["servers"][0]["OS-EXT-SRV-ATTR:host"]
    assert names(admin, "") == []
    assert names(admin, f"all_tenants=1&host={host}") == ["one"]
    assert names(admin, "all_tenants=1&deleted=true") == ["two"]
    assert names(admin, "all_tenants=1&status=DELETED") == ["two"]


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("bogus=1", "'bogus' does not match any of the regexes: '^_'"),
        ("name=[", "Invalid input for query parameters name. Value: [. '[' is not a 'regex'"),
        (
            "changes-since=2026-11-24T00:00:00Z&changes-before=2026-11-23T00:00:00Z",
            "The value of changes-since must be less than or equal to changes-before.",
        ),
        (
            "all_tenants=x",
            "Unrecognized value 'x', acceptable values are: '0', '1', 'f', 'false', 'n', 'no', "
            "'off', 'on', 't', 'true', 'y', 'yes'",
        ),
    ],
)
def test_bad_queries(demo: Asker, query: str, message: str) -> None:
    response = demo("GET", f"/servers?{query}")
    assert response.status == 400
    assert response.body["badRequest"]["message"] == message


def test_changes_since_counts_whole_seconds(demo: Asker) -> None:
    demo.clock.advance(0.9)
    server_id = demo.create()
    begun = zulu(demo.clock.time())
    assert len(demo.get(f"/servers?changes-since={begun}")["servers"]) == 1
    demo.clock.advance(60)
    later = zulu(demo.clock.time())
    assert demo.get(f"/servers?changes-since={later}")["servers"] == []
    demo("DELETE", f"/servers/{server_id}")
    demo.clock.advance(60)
    (gone,) = demo.get(f"/servers/detail?changes-since={later}")["servers"]
    assert (gone["status"], gone["OS-EXT-STS:task_state"]) == ("DELETED", None)
    assert gone["OS-SRV-USG:terminated_at"]
    assert demo.get("/servers")["servers"] == []


def test_pages_cover_everything_once(demo: Asker) -> None:
    for number in range(7):
        demo.create(f"s{number}")
        demo.clock.advance(0.3)
    seen: list[str] = []
    path = "/servers?limit=3"
    while path:
        page = demo.get(path)
        seen += [one["name"] for one in page["servers"]]
        links = page.get("servers_links")
        path = links[0]["href"].partition("/v2.1")[2] if links else ""
    assert sorted(seen) == [f"s{number}" for number in range(7)]


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
def test_refused_builds(demo: Asker, change: dict[str, Any], status: int, message: str) -> None:
    body = {"name": "x", "flavorRef": demo.flavor(), "imageRef": demo.image(), "networks": "none"}
    response = demo("POST", "/servers", {"server": body | change})
    assert response.status == status
    (error,) = response.body.values()
    assert error["message"].startswith(message)
    assert demo.get("/servers")["servers"] == []


def test_metadata(demo: Asker) -> None:
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


def test_tags(demo: Asker) -> None:
    server_id = demo.active()
    path = f"/servers/{server_id}/tags"
    assert demo("PUT", path, {"tags": ["b", "a"]}).body == {"tags": ["a", "b"]}
    assert [demo("PUT", f"{path}/c").status for _ in range(2)] == [201, 204]
    assert [demo("GET", f"{path}/{tag}").status for tag in "cx"] == [204, 404]
    assert [demo("DELETE", f"{path}/c").status for _ in range(2)] == [204, 404]
    assert demo("PUT", path, {"tags": ["with,comma"]}).status == 400
    assert demo("DELETE", path).status == 204
    assert demo.get(path) == {"tags": []}


def test_what_a_member_does_not_see(demo: Asker, admin: Asker) -> None:
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
def test_microversions(demo: Asker, version: str, has: list[str], has_not: list[str]) -> None:
    server_id = demo.active()
    demo.version = version
    server = demo.show(server_id)
    assert set(has) <= server.keys()
    assert not set(has_not) & server.keys()
    assert ("id" in server["flavor"]) == (version in ("2.1", "2.9", "2.26"))


def test_the_old_version_header(demo: Asker) -> None:
    headers = {"OpenStack-API-Version": "", "X-OpenStack-Nova-API-Version": "2.9"}
    answer = demo("GET", "/servers", headers=headers)
    assert answer.headers["X-OpenStack-Nova-API-Version"] == "2.9"


def test_quota_of_cores_and_ram(demo: Asker, admin: Asker) -> None:
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


def test_anti_affinity(demo: Asker, admin: Asker) -> None:
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
    assert hosts[2] is None  # two hosts, three servers


def volume(demo: Asker, size: int = 1) -> str:
    path = f"/volume/v3/{demo.project_id}/volumes"
    made = demo("POST", path, {"volume": {"size": size}}).body["volume"]["id"]
    demo.clock.advance(30)
    return str(made)


def volume_status(demo: Asker, volume_id: str) -> str:
    path = f"/volume/v3/{demo.project_id}/volumes/{volume_id}"
    response = demo("GET", path)
    return str(response.body["volume"]["status"]) if response.status == 200 else "404"


def test_attach_and_detach(demo: Asker) -> None:
    server_id, volume_id = demo.active(), volume(demo)
    path = f"/servers/{server_id}/os-volume_attachments"
    made = demo("POST", path, {"volumeAttachment": {"volumeId": volume_id}})
    assert made.body["volumeAttachment"]["device"] == "/dev/sdb"
    seen = [volume_status(demo, volume_id)]
    for _ in range(40):
        demo.clock.advance(0.05)
        if volume_status(demo, volume_id) != seen[-1]:
            seen.append(volume_status(demo, volume_id))
    assert seen == ["reserved", "attaching", "in-use"]
    again = demo("POST", path, {"volumeAttachment": {"volumeId": volume_id}})
    assert again.body["badRequest"]["message"] == (
        f"Invalid volume: volume {volume_id} is already attached to instances: {server_id}"
    )
    assert demo.events(server_id) == [("compute_attach_volume", "Success")]
    assert demo("DELETE", f"{path}/{volume_id}").status == 202
    assert volume_status(demo, volume_id) == "detaching"
    assert demo("DELETE", f"{path}/{volume_id}").status == 400
    demo.clock.advance(5)
    assert volume_status(demo, volume_id) == "available"
    assert demo.get(path)["volumeAttachments"] == []


def test_attach_is_accepted_without_a_body_from_2_101(demo: Asker) -> None:
    server_id, volume_id = demo.active(), volume(demo)
    demo.version = "2.101"
    path = f"/servers/{server_id}/os-volume_attachments"
    made = demo("POST", path, {"volumeAttachment": {"volumeId": volume_id}})
    assert (made.status, made.body) == (202, None)


def test_attach_and_detach_that_fail(demo: Asker) -> None:
    server_id, volume_id = demo.active(), volume(demo)
    path = f"/servers/{server_id}/os-volume_attachments"
    demo.cloud.faults.add(Fault("silent", operation="server.attach_volume", count=1))
    demo("POST", path, {"volumeAttachment": {"volumeId": volume_id}})
    demo.clock.advance(5)
    assert (volume_status(demo, volume_id), demo.get(path)["volumeAttachments"]) == (
        "available",
        [],
    )
    assert demo.actions(server_id)[0]["message"] == "Error"
    demo("POST", path, {"volumeAttachment": {"volumeId": volume_id}})
    demo.clock.advance(5)
    demo.cloud.faults.add(Fault("silent", operation="server.detach_volume"))
    demo("DELETE", f"{path}/{volume_id}")
    demo.clock.advance(5)
    assert volume_status(demo, volume_id) == "in-use"
    assert demo.events(server_id) == [("compute_detach_volume", "Error")]


def test_swap(demo: Asker, admin: Asker) -> None:
    server_id, old, new = demo.active(), volume(demo), volume(demo)
    path = f"/servers/{server_id}/os-volume_attachments"
    demo("POST", path, {"volumeAttachment": {"volumeId": old}})
    demo.clock.advance(5)
    body = {"volumeAttachment": {"volumeId": new}}
    assert demo("PUT", f"{path}/{old}", body).status == 403
    assert admin("PUT", f"{path}/{old}", body).status == 202
    demo.clock.advance(5)
    assert (volume_status(demo, old), volume_status(demo, new)) == ("available", "in-use")
    assert demo.get(path)["volumeAttachments"][0]["volumeId"] == new


def test_deleting_a_server_frees_its_volumes(demo: Asker) -> None:
    server_id, volume_id = demo.active(), volume(demo)
    path = f"/servers/{server_id}/os-volume_attachments"
    demo("POST", path, {"volumeAttachment": {"volumeId": volume_id}})
    demo.clock.advance(5)
    demo("DELETE", f"/servers/{server_id}")
    demo.clock.advance(5)
    assert volume_status(demo, volume_id) == "available"


def test_boot_from_volume(demo: Asker) -> None:
    disk = {
        "uuid": demo.image(),
        "source_type": "image",
        "destination_type": "volume",
        "boot_index": 0,
        "volume_size": 1,
        "delete_on_termination": True,
    }
    server_id = demo.create(imageRef="", block_device_mapping_v2=[disk])
    assert "BUILD/block_device_mapping" in demo.states(server_id, 60, every=0.2)
    server = demo.show(server_id)
    assert (server["status"], server["image"]) == ("ACTIVE", "")
    (attached,) = server["os-extended-volumes:volumes_attached"]
    assert volume_status(demo, attached["id"]) == "in-use"
    path = f"/servers/{server_id}/os-volume_attachments/{attached['id']}"
    refused = demo("DELETE", path)
    assert refused.body["badRequest"]["message"] == "Cannot detach a root device volume"
    image = demo.act(server_id, createImage={"name": "i"}).body["image_id"]
    shown = demo.get(f"/image/v2/images/{image}")
    assert (shown["status"], shown["size"]) == ("active", 0)
    assert "block_device_mapping" in shown
    demo.clock.advance(10)
    for snapshot in demo.get(f"/volume/v3/{demo.project_id}/snapshots")["snapshots"]:
        demo("DELETE", f"/volume/v3/{demo.project_id}/snapshots/{snapshot['id']}")
    demo.clock.advance(10)
    demo("DELETE", f"/servers/{server_id}")
    demo.clock.advance(30)
    assert volume_status(demo, attached["id"]) == "404"


def test_ports(demo: Asker) -> None:
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
    demo("DELETE", f"{path}/{second['port_id']}")  # an unknown port is noticed only later
    demo.clock.advance(5)
    assert demo.events(server_id) == [("compute_detach_interface", "Error")]
    demo("DELETE", f"/servers/{server_id}")
    demo.clock.advance(30)
    assert not [one for one in demo.cloud.alive() if one["kind"] == "port"]


def test_a_port_of_the_users_own_outlives_the_server(demo: Asker) -> None:
    made = demo("POST", "/network/v2.0/ports", {"port": {"network_id": demo.network()}})
    port_id = made.body["port"]["id"]
    server_id = demo.active(networks=[{"port": port_id}])
    assert demo.get(f"/network/v2.0/ports/{port_id}")["port"]["device_id"] == server_id
    demo("DELETE", f"/servers/{server_id}")
    demo.clock.advance(30)
    assert demo.get(f"/network/v2.0/ports/{port_id}")["port"]["device_id"] == ""


def test_flavors(demo: Asker, admin: Asker) -> None:
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


def test_a_refused_build_takes_nothing(demo: Asker) -> None:
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


def test_an_update_shows_less_before_2_75(demo: Asker) -> None:
    server_id = demo.active(networks=[{"uuid": demo.network()}])
    for version, seen in (("2.74", False), ("2.75", True)):
        demo.version = version
        changed = demo("PUT", f"/servers/{server_id}", {"server": {"name": "y"}}).body["server"]
        assert ("OS-EXT-STS:task_state" in changed) == seen
        assert ("OS-EXT-IPS:type" in changed["addresses"]["private"][0]) == seen


def test_extending_an_attached_volume_is_on_record(demo: Asker) -> None:
    server_id, volume_id = demo.active(), volume(demo)
    path = f"/servers/{server_id}/os-volume_attachments"
    demo("POST", path, {"volumeAttachment": {"volumeId": volume_id}})
    demo.clock.advance(5)
    action = f"/volume/v3/{demo.project_id}/volumes/{volume_id}/action"
    headers = {"OpenStack-API-Version": "volume 3.42"}
    assert demo("POST", action, {"os-extend": {"new_size": 2}}, headers).status == 202
    demo.clock.advance(30)
    assert demo.actions(server_id)[0]["action"] == "extend_volume"
    assert demo.events(server_id) == [("compute_extend_volume", "Success")]
