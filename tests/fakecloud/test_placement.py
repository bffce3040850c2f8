"""Placement for reading: its providers are Nova's hosts, its allocations Nova's servers."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.fakecloud.kernel.wire import Response
from tests.fakecloud.api_client import ApiClient


def ask(client: ApiClient, path: str, version: str = "1.39") -> Response:
    """Send a request for reading."""
    headers = {"OpenStack-API-Version": f"placement {version}"}
    return client("GET", f"/placement{path}", headers=headers)


def read(client: ApiClient, path: str, version: str = "1.39") -> Any:
    """Return the body of a successful request."""
    response = ask(client, path, version)
    assert response.status == 200, response
    return response.body


def test_allocations_follow_servers(admin: ApiClient) -> None:
    providers = read(admin, "/resource_providers")["resource_providers"]
    assert [each["name"] for each in providers] == ["compute1", "compute2"]
    server = admin.active(flavor="m1.small")
    (allocation,) = read(admin, f"/allocations/{server}")["allocations"].items()
    assert allocation[1]["resources"] == {"VCPU": 1, "MEMORY_MB": 2048, "DISK_GB": 20}
    url = f"/resource_providers/{allocation[0]}"
    assert read(admin, f"{url}/usages")["usages"]["MEMORY_MB"] == 2048
    assert list(read(admin, f"{url}/allocations")["allocations"]) == [server]
    assert read(admin, f"{url}/inventories/VCPU")["total"] == 1000
    usages = read(admin, f"/usages?project_id={admin.project_id}")["usages"]
    assert usages["INSTANCE"]["consumer_count"] == 1
    admin("DELETE", f"/servers/{server}")
    admin.clock.advance(60)
    assert read(admin, f"/allocations/{server}") == {"allocations": {}}
    assert read(admin, f"{url}/usages")["usages"]["MEMORY_MB"] == 0


def test_candidates_have_room(admin: ApiClient) -> None:
    found = read(admin, "/allocation_candidates?resources=VCPU:1,MEMORY_MB:64&limit=1")
    (request,) = found["allocation_requests"]
    (provider,) = request["allocations"]
    assert found["provider_summaries"][provider]["resources"]["VCPU"]["capacity"] == 1000
    none = read(admin, "/allocation_candidates?resources=MEMORY_MB:999999999")
    assert none == {"allocation_requests": [], "provider_summaries": {}}
    assert ask(admin, "/allocation_candidates?resources=VCPU").status == 400


@pytest.mark.parametrize(
    ("path", "first"),
    [("/traits", "1.6"), ("/resource_classes", "1.2"), ("/allocation_candidates", "1.10")],
)
def test_urls_have_first_versions(admin: ApiClient, path: str, first: str) -> None:
    query = "?resources=VCPU:1" if path.endswith("candidates") else ""
    assert ask(admin, path + query, first).status == 200
    before = f"1.{int(first[2:]) - 1}"
    assert ask(admin, path + query, before).status == 404


def test_refusals(admin: ApiClient, demo: ApiClient) -> None:
    refused = ask(demo, "/resource_providers")
    assert refused.status == 403
    assert "placement:resource_providers:list" in refused.body["errors"][0]["detail"]
    missing = ask(admin, "/resource_providers/none")
    assert missing.status == 404
    assert "No resource provider with uuid none found" in missing.body["errors"][0]["detail"]
    assert ask(admin, "/resource_providers?nope=1").status == 400
    assert ask(admin, "/resource_providers", "9.9").status == 406
    admin.token = ""
    assert read(admin, "")["versions"][0]["max_version"] == "1.39"
