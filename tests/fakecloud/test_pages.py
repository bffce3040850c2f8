"""Each list has pages of any size, and following the links finds each item once."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.fakecloud import FakeCloud
from pytest_osfutures.transport.paging import next_query
from tests.fakecloud.api_client import ApiClient
from tests.fakecloud.cinder_client import Cinder, fail

# Each list with pages: its path, the key of its items and the key of its links, if any.
V = "/volume/v3/{project}"
LISTS: list[tuple[str, str, str | None]] = [
    *((f"/compute/v2.1/servers{end}", "servers", "servers_links") for end in ("", "/detail")),
    *((f"/compute/v2.1/flavors{end}", "flavors", "flavors_links") for end in ("", "/detail")),
    ("/compute/v2.1/os-keypairs", "keypairs", "keypairs_links"),
    ("/compute/v2.1/os-migrations", "migrations", "migrations_links"),
    ("/compute/v2.1/os-server-groups", "server_groups", None),
    ("/compute/v2.1/servers/{server}/os-instance-actions", "instanceActions", "links"),
    ("/compute/v2.1/os-hypervisors", "hypervisors", "hypervisors_links"),
    ("/compute/v2.1/os-hypervisors/detail", "hypervisors", "hypervisors_links"),
    ("/compute/v2.1/servers/{server}/os-volume_attachments", "volumeAttachments", None),
    *((f"/compute/v2.1/images{end}", "images", "images_links") for end in ("", "/detail")),
    ("/image/v2/images", "images", None),
    *((f"{V}/volumes{end}", "volumes", "volumes_links") for end in ("", "/detail")),
    *((f"{V}/snapshots{end}", "snapshots", "snapshots_links") for end in ("", "/detail")),
    *((f"{V}/backups{end}", "backups", "backups_links") for end in ("", "/detail")),
    *((f"{V}/groups{end}", "groups", "group_links") for end in ("", "/detail")),
    *((f"{V}/group_snapshots{end}", "group_snapshots", "group_snapshot_links")
      for end in ("", "/detail")),
    *((f"{V}/consistencygroups{end}", "consistencygroups", "consistencygroup_links")
      for end in ("", "/detail")),
    *((f"{V}/os-volume-transfer{end}", "transfers", "transfers_links") for end in ("", "/detail")),
    *((f"{V}/volume-transfers{end}", "transfers", "transfers_links") for end in ("", "/detail")),
    *((f"{V}/attachments{end}", "attachments", None) for end in ("", "/detail")),
    (f"{V}/types", "volume_types", "volume_type_links"),
    (f"{V}/group_types", "group_types", "group_type_links"),
    (f"{V}/qos-specs", "qos_specs", "qos_specs_links"),
    (f"{V}/messages", "messages", "messages_links"),
    ("/network/v2.0/networks", "networks", "networks_links"),
    ("/network/v2.0/subnets", "subnets", "subnets_links"),
    ("/network/v2.0/ports", "ports", "ports_links"),
    ("/network/v2.0/routers", "routers", "routers_links"),
    ("/network/v2.0/floatingips", "floatingips", "floatingips_links"),
    ("/network/v2.0/security-groups", "security_groups", "security_groups_links"),
    ("/network/v2.0/security-group-rules", "security_group_rules", "security_group_rules_links"),
    ("/network/v2.0/address-groups", "address_groups", "address_groups_links"),
    ("/network/v2.0/trunks", "trunks", "trunks_links"),
    *((f"/identity/v3/{key}", key, "links") for key in ("projects", "users", "groups", "roles",
      "domains", "services", "endpoints", "regions")),
]  # fmt: skip
VERSIONS = {"OpenStack-API-Version": "compute 2.95, volume 3.70"}
OLD = {"OpenStack-API-Version": "compute 2.35"}  # for the lists that are gone later


def version_of(path: str) -> dict[str, str]:
    """Return the headers for the newest microversions that have the list."""
    return OLD if path.startswith("/compute/v2.1/images") else VERSIONS


@pytest.fixture(scope="module")
def client() -> ApiClient:
    """Return an administrator's client in a cloud with several resources of each type."""
    made = ApiClient(FakeCloud(ManualClock()), "admin")
    cinder, network = Cinder(made), made.network()
    external = made.get("/network/v2.0/networks?router:external=true")["networks"][0]["id"]
    kind = made.get(f"/volume/v3/{made.project_id}/types")["volume_types"][0]["id"]
    specs = {"consistent_group_snapshot_enabled": "<is> True"}
    consistent = cinder.make("group_type", name="consistent", group_specs=specs)
    for number in range(5):
        server = made.active(f"web-{number}", networks=[{"uuid": network}])
        key = {"name": f"key-{number}", "public_key": "ssh-rsa AAAA"}
        made("POST", "/os-keypairs", {"keypair": key})
        group = {"name": f"g{number}", "policy": "affinity"}
        made("POST", "/os-server-groups", {"server_group": group})
        made.act(server, migrate=None)
        made.clock.advance(60)
        made.act(server, confirmResize=None)
        picture = {"name": f"p{number}", "disk_format": "raw", "container_format": "bare"}
        made("POST", "/image/v2/images", picture)
        _store(cinder, kind, consistent, number, server)
        _connect(made, external, number)
        _enrol(made, number)
    made.clock.advance(60)
    server = made.get("/servers")["servers"][0]["id"]
    for _ in range(3):
        attachment = {"volumeId": cinder.volume()}
        made("POST", f"/servers/{server}/os-volume_attachments", {"volumeAttachment": attachment})
        made.clock.advance(60)
    return made


def _store(cinder: Cinder, kind: str, consistent: str, number: int, server: str) -> None:
    volume = cinder.volume()
    cinder.backup(volume)
    cinder.snapshot(volume)
    cinder.make("transfer", volume_id=cinder.volume(), name="t")
    cinder.make("attachment", volume_uuid=cinder.volume(), instance_uuid=server)
    cinder("POST", "/types", {"volume_type": {"name": f"t{number}"}})
    cinder("POST", "/qos-specs", {"qos_specs": {"name": f"q{number}"}})
    cinder.make("group_type", name=f"g{number}")
    group = cinder.make("group", group_type=consistent, volume_types=[kind])
    cinder.wait()
    cinder.volume(group_id=group, volume_type=kind)
    cinder.make("group_snapshot", group_id=group)
    cinder("POST", "/consistencygroups", {"consistencygroup": {"volume_types": kind}})
    fail(cinder, "volume.create")
    cinder.volume()


def _connect(made: ApiClient, external: str, number: int) -> None:
    root = "/network/v2.0"
    made("POST", f"{root}/routers", {"router": {"name": f"r{number}"}})
    made("POST", f"{root}/floatingips", {"floatingip": {"floating_network_id": external}})
    own = made("POST", f"{root}/networks", {"network": {"name": f"n{number}"}})
    cidr = {"network_id": own.body["network"]["id"], "cidr": "10.9.9.0/24", "ip_version": 4}
    made("POST", f"{root}/subnets", {"subnet": cidr})
    made("POST", f"{root}/security-groups", {"security_group": {"name": f"g{number}"}})

    made(
        "POST", f"{root}/address-groups", {"address_group": {"addresses": [f"10.0.{number}.0/24"]}}
    )
    port = {"port": {"network_id": own.body["network"]["id"]}}
    parent = made("POST", f"{root}/ports", port).body["port"]["id"]
    made("POST", f"{root}/trunks", {"trunk": {"port_id": parent}})


def _enrol(made: ApiClient, number: int) -> None:
    for kind in ("project", "user", "group", "role", "domain", "region"):
        name = {"id": f"{kind}-{number}"} if kind == "region" else {"name": f"{kind}-{number}"}
        made("POST", f"/identity/v3/{kind}s", {kind: name})


def following(
    client: ApiClient, path: str, key: str, links: str | None, body: Any, before: int
) -> str | None:
    """Return the next page's path from its link, or from marker or offset without a link."""
    if path.startswith("/identity"):
        assert ("truncated" in body) == (body["links"]["next"] is not None)
        return (body["links"]["next"] or "").partition("//cloud")[2] or None
    if path.startswith("/image"):
        assert (next_query(body) is not None) == ("next" in body)
        return f"/image{body['next']}" if "next" in body else None
    if links is not None:
        follows = any(link["rel"] == "next" for link in body.get(links, ()))
        assert (next_query(body) is not None) == follows
        assert key == "links" or f"{key}_links" == links or f"{key}_links" not in body
        hrefs = [link["href"] for link in body.get(links, ()) if link["rel"] == "next"]
        return hrefs[0].partition("//cloud")[2] if hrefs else None
    by_offset = key in ("server_groups", "volumeAttachments")
    end = f"offset={before}" if by_offset else f"marker={body[key][-1]['id']}"
    first, joint = path.replace("{project}", client.project_id), "&" if "?" in path else "?"
    url = f"{first}{joint}{end}"
    return url if client("GET", url, headers=version_of(path)).body[key] else None


def walk(client: ApiClient, path: str, key: str, links: str | None) -> tuple[list[str], list[int]]:
    """Return the ids on all pages of a list, and the number of ids on each page."""
    server = client.get("/servers")["servers"][0]["id"]
    path = path.replace("{project}", client.project_id).replace("{server}", server)
    url: str | None = path
    idents: list[str] = []
    sizes: list[int] = []
    while url is not None:
        assert len(sizes) < 200, "the list does not end"
        answer = client("GET", url, headers=version_of(path))
        assert answer.status == 200, answer.body
        items = [each.get("keypair", each) for each in answer.body[key]]
        if not items:
            break
        names = ("id", "request_id", "volumeId", "name")
        idents += [str(next(each[name] for name in names if name in each)) for each in items]
        sizes.append(len(items))
        url = following(client, path, key, links, answer.body, len(idents))
    return idents, sizes


@pytest.mark.parametrize(("path", "key", "links"), LISTS)
def test_pages_contain_each_item_once(
    client: ApiClient, path: str, key: str, links: str | None
) -> None:
    whole, pages = walk(client, path, key, links)
    assert len(pages) == 1
    assert len(whole) == len(set(whole)) >= (2 if key == "hypervisors" else 3)
    one, sizes = walk(client, f"{path}?limit=1", key, links)
    assert (one, max(sizes)) == (whole, 1)
    client.cloud.settings.change({"page_limit": 2, "page_limits": {"network": 2, "identity": 2}})
    try:
        two, sizes = walk(client, path, key, links)
        three, more = walk(client, f"{path}?limit=3", key, links)
    finally:
        client.cloud.settings.change(
            {"page_limit": 1000, "page_limits": {"network": 0, "identity": 0}}
        )
    assert (two, three) == (whole, whole)
    assert max(sizes) == max(more) == 2


@pytest.mark.parametrize("path", ["os-simple-tenant-usage", "os-simple-tenant-usage/{project}"])
def test_pages_of_usage_contain_each_server_once(client: ApiClient, path: str) -> None:
    window = "detailed=1&start=1970-01-01T00:00:00&end=2100-01-01T00:00:00"
    key = "tenant_usage" if "{" in path else "tenant_usages"
    url = f"/compute/v2.1/{path.format(project=client.project_id)}?{window}&limit=1"
    found: list[str] = []
    while url and len(found) < 50:
        body = client("GET", url, headers=VERSIONS).body
        for usage in body[key] if key == "tenant_usages" else [body[key]]:
            found += [row["instance_id"] for row in usage.get("server_usages", ())]
        links = body.get(f"{key}_links", ())
        assert len(links) <= 1
        url = "".join(link["href"].partition("//cloud")[2] for link in links)
    servers = [server["id"] for server in client.get("/servers")["servers"]]
    assert sorted(found) == sorted(servers)
    whole = client("GET", f"/compute/v2.1/os-simple-tenant-usage?{window}", headers=OLD).body
    assert "tenant_usages_links" not in whole
