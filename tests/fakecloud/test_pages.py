"""Every list comes in pages of any size, and following its links finds each item once."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.fakecloud import FakeCloud
from tests.fakecloud.asking import Asker

LISTS = {
    "/compute/v2.1/servers": "servers",
    "/compute/v2.1/servers/detail": "servers",
    "/compute/v2.1/flavors": "flavors",
    "/compute/v2.1/flavors/detail": "flavors",
    "/compute/v2.1/os-keypairs": "keypairs",
    "/image/v2/images": "images",
    "/volume/v3/{project}/volumes": "volumes",
    "/volume/v3/{project}/volumes/detail": "volumes",
    "/volume/v3/{project}/snapshots/detail": "snapshots",
    "/network/v2.0/networks": "networks",
    "/network/v2.0/subnets": "subnets",
    "/network/v2.0/ports": "ports",
    "/network/v2.0/security-groups": "security_groups",
    "/network/v2.0/security-group-rules": "security_group_rules",
}
VERSIONS = {"OpenStack-API-Version": "compute 2.95, volume 3.70"}


@pytest.fixture(scope="module")
def asker() -> Asker:
    """A user with some of each."""
    made = Asker(FakeCloud(ManualClock()))
    network = made.network()
    for number in range(5):
        made.active(f"web-{number}", networks=[{"uuid": network}])
        made(
            "POST",
            "/os-keypairs",
            {"keypair": {"name": f"key-{number}", "public_key": "ssh-rsa AAAA"}},
        )
        picture = {"name": f"p{number}", "disk_format": "raw", "container_format": "bare"}
        made("POST", "/image/v2/images", picture)
        volumes = f"/volume/v3/{made.project_id}/volumes"
        volume = made("POST", volumes, {"volume": {"size": 1}}, VERSIONS).body["volume"]["id"]
        made.clock.advance(30)
        body = {"snapshot": {"volume_id": volume}}
        made("POST", f"/volume/v3/{made.project_id}/snapshots", body, VERSIONS)
        own = made("POST", "/network/v2.0/networks", {"network": {"name": f"n{number}"}})
        cidr = {"network_id": own.body["network"]["id"], "cidr": "10.9.9.0/24", "ip_version": 4}
        made("POST", "/network/v2.0/subnets", {"subnet": cidr})
        made("POST", "/network/v2.0/security-groups", {"security_group": {"name": f"g{number}"}})
    made.clock.advance(60)
    return made


def walk(asker: Asker, path: str, key: str) -> tuple[list[str], list[int]]:
    """The ids on all pages of a list, and how many are on each."""
    url: str | None = path.replace("{project}", asker.project_id)
    idents: list[str] = []
    sizes: list[int] = []
    while url is not None:
        assert len(sizes) < 200, "the list does not end"
        answer = asker("GET", url.partition("//cloud")[2] or url, headers=VERSIONS)
        assert answer.status == 200, answer.body
        items = [each.get("keypair", each) for each in answer.body[key]]
        idents += [each.get("id") or each["name"] for each in items]
        sizes.append(len(items))
        links: Any = answer.body.get(f"{key}_links") or ()
        following = [link["href"] for link in links if link["rel"] == "next"]
        url = answer.body.get("next") or (following[0] if following else None)
        if url is not None and url.startswith("/v2/images"):
            url = f"/image{url}"
    return idents, sizes


@pytest.mark.parametrize(("path", "key"), LISTS.items())
def test_all_pages_together_are_the_list(asker: Asker, path: str, key: str) -> None:
    whole, _ = walk(asker, path, key)
    assert len(whole) == len(set(whole)) >= 3
    one, sizes = walk(asker, f"{path}?limit=1", key)
    assert (one, max(sizes)) == (whole, 1)
    asker.cloud.settings.change({"page_limit": 2, "page_limits": {"network": 2}})
    try:
        two, sizes = walk(asker, path, key)
        three, more = walk(asker, f"{path}?limit=3", key)
    finally:
        asker.cloud.settings.change({"page_limit": 1000, "page_limits": {"network": 0}})
    assert (two, three) == (whole, whole)
    assert max(sizes) == max(more) == 2
