"""Nova's image proxy, flavor access, quota classes, diagnostics and topology."""

from __future__ import annotations

import pytest

from tests.fakecloud.api_client import ApiClient


def test_image_proxy_until_2_35(demo: ApiClient) -> None:
    demo.version = "2.35"
    image = demo.image()
    assert image in [each["id"] for each in demo.get("/images")["images"]]
    shown = demo.get(f"/images/{image}")["image"]
    assert (shown["status"], shown["progress"], shown["minDisk"]) == ("ACTIVE", 100, 1)
    assert demo("GET", "/images/none").status == 404
    assert demo("DELETE", f"/images/{image}").status == 403  # it is the administrator's
    demo.version = "2.36"
    assert demo("GET", "/images").status == 404
    assert demo("GET", f"/images/{image}").status == 404


def test_image_of_server_in_the_proxy(demo: ApiClient) -> None:
    server = demo.active()
    picture = demo.act(server, createImage={"name": "moment"}).body["image_id"]
    demo.clock.advance(60)
    demo.version = "2.35"
    assert demo.get(f"/images/{picture}")["image"]["server"]["id"] == server
    found = demo.get(f"/images?server={server}&type=snapshot&status=ACTIVE")["images"]
    assert [each["id"] for each in found] == [picture]
    assert demo("DELETE", f"/images/{picture}").status == 204
    assert demo("GET", f"/image/v2/images/{picture}").status == 404


def test_image_metadata_until_2_38(admin: ApiClient) -> None:
    admin.version, path = "2.38", f"/images/{admin.image()}/metadata"
    assert admin("POST", path, {"metadata": {"a": "1"}}).body["metadata"]["a"] == "1"
    assert admin("PUT", path + "/b", {"meta": {"b": "2"}}).status == 200
    assert admin.get(path + "/b") == {"meta": {"b": "2"}}
    assert admin("PUT", path, {"metadata": {"c": "3"}}).body == {"metadata": {"c": "3"}}
    assert admin("DELETE", path + "/c").status == 204
    assert admin("DELETE", path + "/c").status == 404
    assert admin.get(path) == {"metadata": {}}
    admin.version = "2.39"
    assert admin("GET", path).status == 404


@pytest.fixture
def private(admin: ApiClient) -> str:
    """Return the id of a flavor that is not public."""
    body = {
        "name": "private",
        "ram": 64,
        "vcpus": 1,
        "disk": 1,
        "os-flavor-access:is_public": "False",
    }
    made = admin("POST", "/flavors", {"flavor": body})
    return str(made.body["flavor"]["id"])


def test_flavor_access(admin: ApiClient, demo: ApiClient, private: str) -> None:
    def names(client: ApiClient, query: str = "") -> set[str]:
        return {flavor["name"] for flavor in client.get(f"/flavors{query}")["flavors"]}

    def change(action: str) -> int:
        return admin("POST", path + "/action", {action: {"tenant": demo.project_id}}).status

    path = f"/flavors/{private}"
    assert demo("GET", path).status == 404
    body = {"name": "x", "flavorRef": private, "imageRef": demo.image(), "networks": "none"}
    assert demo("POST", "/servers", {"server": body}).status == 400
    assert "private" not in names(demo) | names(demo, "?is_public=none") | names(admin)
    assert names(admin, "?is_public=false") == {"private"}
    assert names(admin, "?is_public=None") == {"private"} | names(admin)
    assert admin("GET", "/flavors?is_public=maybe").status == 400
    assert [change("addTenantAccess"), change("addTenantAccess")] == [200, 409]
    assert "private" in names(demo)
    assert demo("POST", "/servers", {"server": body}).status == 202
    access = admin.get(path + "/os-flavor-access")["flavor_access"]
    assert access == [{"flavor_id": private, "tenant_id": demo.project_id}]
    assert [change("removeTenantAccess"), change("removeTenantAccess")] == [200, 404]
    assert demo("GET", path).status == 404
    wrong = admin("POST", path + "/action", {"addTenantAccess": {"tenant": "none"}})
    assert (wrong.status, wrong.body["badRequest"]["message"]) == (
        400,
        "Project ID none is not a valid project.",
    )
    public = admin.flavor()
    assert admin("GET", f"/flavors/{public}/os-flavor-access").status == 404


def test_quota_class_changes_the_defaults(admin: ApiClient, demo: ApiClient) -> None:
    path = "/os-quota-class-sets/default"
    assert demo("GET", path).status == 403
    body = {"quota_class_set": {"instances": 1}}
    assert admin("PUT", path, body).body["quota_class_set"]["instances"] == 1
    assert admin.get(path)["quota_class_set"]["instances"] == 1
    assert demo.get("/limits")["limits"]["absolute"]["maxTotalInstances"] == 1
    demo.active()
    again = {
        "name": "b",
        "flavorRef": demo.flavor(),
        "imageRef": demo.image(),
        "networks": "none",
    }
    assert demo("POST", "/servers", {"server": again}).status == 403
    assert admin("PUT", path, {"quota_class_set": {"nope": 1}}).status == 400


def test_quota_classes_and_projects_keep_their_values(admin: ApiClient) -> None:
    admin.version = "2.35"
    path, body = "/os-quota-class-sets/gold", {"cores": 99, "fixed_ips": 7, "injected_files": 8}
    shown = admin("PUT", path, {"quota_class_set": body}).body["quota_class_set"]
    assert shown.items() >= body.items()
    assert admin.get(path)["quota_class_set"].items() >= body.items()
    default = admin.get("/os-quota-class-sets/default")["quota_class_set"]
    assert not default.items() & body.items()
    path, own = f"/os-quota-sets/{admin.project_id}", {"floating_ips": 9, "injected_files": 6}
    admin("PUT", path, {"quota_set": own})
    assert admin.get(path)["quota_set"].items() >= own.items()
    admin.version = "2.57"
    assert not admin.get(path)["quota_set"].keys() & own.keys()


def test_diagnostics_and_topology(admin: ApiClient, demo: ApiClient) -> None:
    server = admin.active(networks=[{"uuid": admin.network()}])
    path = f"/servers/{server}"
    shown = admin.get(path + "/diagnostics")
    assert (shown["state"], shown["num_nics"], shown["memory_details"]["maximum"]) == (
        "running",
        1,
        64 * 1024,
    )
    assert admin.get(path + "/topology") == {"nodes": [], "pagesize_kb": None}
    admin.version = "2.47"
    assert admin.get(path + "/diagnostics")["memory"] == 64 * 1024
    assert admin("GET", path + "/topology").status == 404
    admin.act(server, **{"os-stop": None})
    admin.clock.advance(60)
    assert admin("GET", path + "/diagnostics").status == 409
    own = demo.active()
    assert demo("GET", f"/servers/{own}/diagnostics").status == 403


def test_addresses_are_stored_in_their_shortest_form(demo: ApiClient) -> None:
    server = demo.active(accessIPv6="0000:0000:0000:0000:0000:babe:220.12.22.2")
    assert demo.show(server)["accessIPv6"] == "::babe:dc0c:1602"


def test_hypervisors_by_name_until_2_52(admin: ApiClient) -> None:
    server = admin.active()
    admin.version = "2.52"
    found = admin.get("/os-hypervisors/compute/search")["hypervisors"]
    assert [host["hypervisor_hostname"] for host in found] == ["compute1", "compute2"]
    hosts = admin.get("/os-hypervisors/compute/servers")["hypervisors"]
    assert [s["uuid"] for host in hosts for s in host.get("servers", ())] == [server]
    assert admin("GET", "/os-hypervisors/none/search").status == 404
    assert admin("GET", f"/os-hypervisors/{found[0]['id']}/uptime").status == 501
    admin.version = "2.53"
    assert admin("GET", "/os-hypervisors/compute/search").status == 404
    rows = admin.get("/os-hypervisors")["hypervisors"]
    shown = [admin.get(f"/os-hypervisors/{row['id']}?with_servers=true") for row in rows]
    named = [s["uuid"] for each in shown for s in each["hypervisor"]["servers"]]
    assert named == [server]


def test_extensions(demo: ApiClient) -> None:
    found = {each["alias"]: each["name"] for each in demo.get("/extensions")["extensions"]}
    assert found["OS-EXT-IMG-SIZE"] == "ImageSize"
    assert demo.get("/extensions/os-keypairs")["extension"]["name"] == "Keypairs"
    assert demo("GET", "/extensions/none").status == 404


def test_network_quota_is_compared_with_its_usage(admin: ApiClient) -> None:
    path = f"/network/v2.0/quotas/{admin.project_id}"
    low = {"network": 1}  # the project has the networks private and public
    refused = admin("PUT", path, {"quota": low | {"check_limit": True}})
    assert refused.status == 400
    assert admin("PUT", path, {"quota": low | {"check_limit": False}}).status == 200
    assert admin("PUT", path, {"quota": {"network": 2, "check_limit": True}}).status == 200
    assert admin("PUT", path, {"quota": {"check_limit": "x"}}).status == 400


@pytest.mark.parametrize("name", ["", "  "])
def test_volume_type_needs_a_name(admin: ApiClient, name: str) -> None:
    path = f"/volume/v3/{admin.project_id}/types"
    assert admin("POST", path, {"volume_type": {"name": name}}).status == 400
