"""Lists of servers: filters, changes-since, pages."""

from __future__ import annotations

import pytest

from pytest_osfutures.fakecloud.kernel.times import iso_seconds
from tests.fakecloud.api_client import ApiClient


def names(demo: ApiClient, query: str) -> list[str]:
    return [one["name"] for one in demo.get(f"/servers?{query}")["servers"]]


def test_filters(demo: ApiClient) -> None:
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
        ("host=nowhere", {"web-1", "web-2", "db"}),  # ignored for members
        ("uuid=nothing", {"web-1", "web-2", "db"}),
        ("deleted=true", {"web-1", "web-2", "db"}),
        ("limit=0", set()),
        ("marker=", {"web-1", "web-2", "db"}),
    ):
        assert set(names(demo, query)) == found, query
    assert names(demo, "sort_key=display_name&sort_dir=asc") == ["db", "web-1", "web-2"]
    assert names(demo, "sort_key=display_name&sort_dir=desc") == ["web-2", "web-1", "db"]
    assert demo.get(f"/servers/{web}")["server"]["tags"] == ["x", "y"]


def test_filters_of_administrators(demo: ApiClient, admin: ApiClient) -> None:
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
def test_invalid_queries_are_rejected(demo: ApiClient, query: str, message: str) -> None:
    response = demo("GET", f"/servers?{query}")
    assert response.status == 400
    assert response.body["badRequest"]["message"] == message


def test_changes_since_counts_whole_seconds(demo: ApiClient) -> None:
    demo.clock.advance(0.9)
    server_id = demo.create()
    begun = iso_seconds(demo.clock.time())
    assert len(demo.get(f"/servers?changes-since={begun}")["servers"]) == 1
    demo.clock.advance(60)
    later = iso_seconds(demo.clock.time())
    assert demo.get(f"/servers?changes-since={later}")["servers"] == []
    demo("DELETE", f"/servers/{server_id}")
    demo.clock.advance(60)
    (gone,) = demo.get(f"/servers/detail?changes-since={later}")["servers"]
    assert (gone["status"], gone["OS-EXT-STS:task_state"]) == ("DELETED", None)
    assert gone["OS-SRV-USG:terminated_at"]
    assert demo.get("/servers")["servers"] == []


def test_pages_contain_each_server_once(demo: ApiClient) -> None:
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
