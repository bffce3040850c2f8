"""Glance: images, their data, imports, members, lists."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest

from pytest_osfutures.fakecloud import Fault
from pytest_osfutures.fakecloud.kernel.wire import Request, Response
from tests.fakecloud.api_client import ORIGIN, ApiClient

OCTETS = {"Content-Type": "application/octet-stream"}
PATCH = {"Content-Type": "application/openstack-images-v2.1-json-patch"}


def ask(
    client: ApiClient,
    method: str,
    path: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> Response:
    """Send a request to Glance; bytes are sent without change."""
    data = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    sent = {"X-Auth-Token": client.token, **(headers or {})}
    return client.cloud.handle(Request.to(method, f"{ORIGIN}/image/v2{path}", sent, data))


def make(client: ApiClient, data: bytes | None = None, **fields: Any) -> str:
    """Create an image, with data if given."""
    body = {"name": "im", "disk_format": "raw", "container_format": "bare"} | fields
    response = ask(client, "POST", "/images", body)
    assert response.status == 201, response
    image = str(response.body["id"])
    if data is not None:
        assert ask(client, "PUT", f"/images/{image}/file", data, OCTETS).status == 204
    return image


def show(client: ApiClient, image: str) -> dict[str, Any]:
    return dict(client.get(f"/image/v2/images/{image}"))


def error_of(response: Response) -> tuple[int, str]:
    """Return status and message of an error response."""
    assert response.body["code"].startswith(f"{response.status} ")
    return response.status, response.body["message"]


def test_upload_and_download(demo: ApiClient) -> None:
    image = make(demo, k="v", tags=["t"])
    assert set(show(demo, image)) == {
        "k", "name", "disk_format", "container_format", "visibility", "size", "virtual_size",
        "status", "checksum", "protected", "min_ram", "min_disk", "owner", "os_hidden",
        "os_hash_algo", "os_hash_value", "id", "created_at", "updated_at", "tags", "self", "file",
        "schema",
    }  # fmt: skip
    assert ask(demo, "GET", f"/images/{image}/file").status == 204
    assert ask(demo, "PUT", f"/images/{image}/file", b"hello", OCTETS).status == 204
    shown = show(demo, image)
    assert (shown["status"], shown["size"], shown["stores"]) == ("active", 5, "file")
    assert shown["checksum"] == "5d41402abc4b2a76b9719d911017c592"
    assert shown["os_hash_value"] == hashlib.sha512(b"hello").hexdigest()
    data = ask(demo, "GET", f"/images/{image}/file")
    assert (data.body, data.headers["Content-Type"]) == (b"hello", "application/octet-stream")
    again = ask(demo, "PUT", f"/images/{image}/file", b"hello", OCTETS)
    text = "Image status transition from active to saving is not allowed<br /><br />\n\n\n"
    assert error_of(again) == (409, text)
    assert ask(demo, "DELETE", f"/images/{image}").status == 204
    text = f"No image found with ID {image}<br /><br />\n\n\n"
    assert error_of(ask(demo, "GET", f"/images/{image}")) == (404, text)


def test_patch(demo: ApiClient) -> None:
    image = make(demo)
    change = [
        {"op": "replace", "path": "/name", "value": "n2"},
        {"op": "add", "path": "/zz", "value": "1"},
        {"op": "add", "path": "/a~1b", "value": "2"},
    ]
    shown = ask(demo, "PATCH", f"/images/{image}", change, PATCH).body
    assert (shown["name"], shown["zz"], shown["a/b"]) == ("n2", "1", "2")
    change = [{"op": "remove", "path": "/zz"}]
    assert "zz" not in ask(demo, "PATCH", f"/images/{image}", change, PATCH).body


@pytest.mark.parametrize(
    ("change", "status", "text"),
    [
        ({"op": "remove", "path": "/nope"}, 409, "There was a conflict when trying to complete "
         "your request.<br /><br />\nProperty nope does not exist.\n\n"),
        ({"op": "replace", "path": "/status", "value": "x"}, 403, "Attribute 'status' is "
         "read-only.<br /><br />\n\n\n"),
        ({"op": "replace", "path": "/visibility", "value": "public"}, 403, "You are not authorized "
         "to complete publicize_image action.<br /><br />\n\n\n"),
        ({"op": "foo", "path": "/a"}, 400, "Invalid operation: `foo`. It must be one of the "
         "following: add, remove, replace.<br /><br />\n\n\n"),
        ({"op": "add", "path": "a"}, 400, 'Pointer `a` does not start with "/".<br /><br />'
         "\n\n\n"),
        ({"op": "remove", "path": "/name"}, 403, "Access was denied to this resource.<br /><br />"
         "\nProperty name may not be removed.\n\n"),
    ],
)  # fmt: skip
def test_invalid_patches_are_rejected(
    demo: ApiClient, change: dict[str, Any], status: int, text: str
) -> None:
    image = make(demo)
    assert error_of(ask(demo, "PATCH", f"/images/{image}", [change], PATCH)) == (status, text)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"disk_format": "xx"}, 400),
        ({"id": "x"}, 400),
        ({"foo": 1}, 400),
        ({"size": 1}, 403),
        ({"owner": "x"}, 403),
        ({"visibility": "public"}, 403),
        (b"{", 400),
    ],
)
def test_invalid_creates_are_rejected(demo: ApiClient, body: Any, status: int) -> None:
    assert ask(demo, "POST", "/images", body).status == status


def test_protected_image_cannot_be_deleted(demo: ApiClient) -> None:
    image = make(demo, protected=True)
    text = f"Image {image} is protected and cannot be deleted.<br /><br />\n\n\n"
    assert error_of(ask(demo, "DELETE", f"/images/{image}")) == (403, text)


def test_import(demo: ApiClient) -> None:
    image = make(demo)
    path, body = f"/images/{image}/import", {"method": {"name": "glance-direct"}}
    text = "Image needs to be staged before 'glance-direct' method can be used<br /><br />\n\n\n"
    assert error_of(ask(demo, "POST", path, body)) == (409, text)
    assert ask(demo, "PUT", f"/images/{image}/stage", b"x" * 10, OCTETS).status == 204
    assert (show(demo, image)["status"], show(demo, image)["size"]) == ("uploading", 10)
    assert ask(demo, "POST", path, body).status == 202
    seen = []
    for _ in range(30):
        shown = show(demo, image)
        seen.append((shown["status"], shown.get("os_glance_importing_to_stores")))
        demo.clock.advance(0.1)
    assert list(dict.fromkeys(seen)) == [
        ("uploading", "file"),
        ("importing", "file"),
        ("active", ""),
    ]
    (task,) = ask(demo, "GET", f"/images/{image}/tasks").body["tasks"]
    assert (task["status"], task["type"]) == ("success", "api_image_import")


@pytest.mark.parametrize(("effect", "end"), [("error", "killed"), ("silent", "queued")])
def test_import_fails_by_fault_rules(demo: ApiClient, effect: str, end: str) -> None:
    demo.cloud.faults.add(Fault(effect, operation="image.import", message="no space"))
    image = make(demo)
    ask(demo, "PUT", f"/images/{image}/stage", b"x", OCTETS)
    ask(demo, "POST", f"/images/{image}/import", {"method": {"name": "glance-direct"}})
    demo.clock.advance(20)
    shown = show(demo, image)
    assert (shown["status"], shown["os_glance_failed_import"]) == (end, "file")
    (task,) = ask(demo, "GET", f"/images/{image}/tasks").body["tasks"]
    assert (task["status"], task["message"]) == ("failure", "no space")


def test_web_download_is_rejected(demo: ApiClient) -> None:
    image = make(demo)
    body = {"method": {"name": "web-download", "uri": "http://somewhere/x"}}
    assert ask(demo, "POST", f"/images/{image}/import", body).status == 400


def test_members(demo: ApiClient, admin: ApiClient) -> None:
    image = make(admin)
    assert ask(demo, "GET", f"/images/{image}").status == 404
    path = f"/images/{image}/members"
    member = ask(admin, "POST", path, {"member": demo.project_id}).body
    assert (member["member_id"], member["status"]) == (demo.project_id, "pending")
    assert ask(admin, "POST", path, {"member": demo.project_id}).status == 409
    assert ask(demo, "GET", f"/images/{image}").status == 200
    assert image not in [row["id"] for row in demo.get("/image/v2/images")["images"]]
    ask(demo, "PUT", f"{path}/{demo.project_id}", {"status": "accepted"})
    assert image in [row["id"] for row in demo.get("/image/v2/images")["images"]]
    assert ask(demo, "DELETE", f"/images/{image}").status == 403
    assert ask(admin, "DELETE", f"{path}/{demo.project_id}").status == 204
    assert ask(demo, "GET", f"/images/{image}").status == 404


def test_tags_and_deactivation(demo: ApiClient) -> None:
    image = make(demo, b"x")
    assert ask(demo, "PUT", f"/images/{image}/tags/a").status == 204
    assert show(demo, image)["tags"] == ["a"]
    assert ask(demo, "DELETE", f"/images/{image}/tags/a").status == 204
    assert ask(demo, "DELETE", f"/images/{image}/tags/a").status == 404
    assert ask(demo, "POST", f"/images/{image}/actions/deactivate").status == 204
    assert ask(demo, "GET", f"/images/{image}/file").status == 403
    assert ask(demo, "POST", f"/images/{image}/actions/reactivate").status == 204
    assert ask(demo, "GET", f"/images/{image}/file").body == b"x"


def test_lists(demo: ApiClient) -> None:
    first = make(demo, b"abc", name="a", tags=["t"])
    demo.clock.advance(5)
    second = make(demo, name="b", os_hidden=True, k="v")
    demo.clock.advance(5)
    third = make(demo, name="c", k="v")

    def ids(query: str) -> list[str]:
        mine = ask(demo, "GET", f"/images?owner={demo.project_id}&{query}").body["images"]
        return [row["id"] for row in mine]

    assert ids("") == [third, first]
    assert ids("sort=name:asc") == [first, third]
    assert ids("sort_key=name&sort_dir=asc") == [first, third]
    assert ids("os_hidden=true") == [second]
    assert ids("k=v") == [third]
    assert (
        ids("tag=t") == ids("status=active") == ids("size_min=1") == ids("name=in:a,z") == [first]
    )
    assert ids("created_at=gt:2027-01-15T08:00:01Z") == [third]
    assert ids("visibility=private") == []
    page = ask(demo, "GET", f"/images?owner={demo.project_id}&limit=1").body
    assert page["next"] == f"/v2/images?owner={demo.project_id}&limit=1&marker={third}"
    rest = ask(demo, "GET", page["next"].removeprefix("/v2")).body
    assert [row["id"] for row in rest["images"]] == [first]


@pytest.mark.parametrize(
    "query", ["limit=-1", "limit=x", "sort_key=foo", "visibility=x", "marker=nope",
              "created_at=foo", "protected=xx"],
)  # fmt: skip
def test_invalid_list_queries_are_rejected(demo: ApiClient, query: str) -> None:
    assert ask(demo, "GET", f"/images?{query}").status == 400


def test_schemas_stores_and_tasks(demo: ApiClient) -> None:
    schema = ask(demo, "GET", "/schemas/image").body
    assert schema["properties"]["status"]["readOnly"] is True
    assert ask(demo, "GET", "/schemas/images").body["properties"]["images"]["items"] == schema
    assert ask(demo, "GET", "/schemas/nothing").status == 404
    assert ask(demo, "GET", "/info/stores").body == {"stores": [{"id": "file", "default": "true"}]}
    assert ask(demo, "GET", "/info/import").body["import-methods"]["value"] == ["glance-direct"]
    assert ask(demo, "GET", "/tasks").status == 403
    assert ask(demo, "GET", "/nothing").body["code"] == "404 Not Found"
    versions = demo("GET", "/image").body["versions"]
    assert versions[0]["status"] == "CURRENT"


def test_image_of_a_server_passes_saving(demo: ApiClient) -> None:
    server = demo.active()
    response = demo.act(server, createImage={"name": "shot"})
    image = response.body["image_id"]
    seen = []
    for _ in range(60):
        seen.append(show(demo, image)["status"])
        demo.clock.advance(0.1)
    assert list(dict.fromkeys(seen)) == ["queued", "saving", "active"]
