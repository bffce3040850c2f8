"""No request breaks the fake: odd values in each place of each request.

Afterwards each list must be answered. `valid_bodies.json` has a valid body for each route and
action, one a line: service, method, path, the body's first key and the body.
"""

from __future__ import annotations

import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.fakecloud import FakeCloud
from pytest_osfutures.fakecloud.cloud import SERVICES
from pytest_osfutures.fakecloud.kernel.service import Service
from pytest_osfutures.fakecloud.kernel.wire import Request, UrlRoute
from tests.fakecloud.api_client import ORIGIN, ApiClient

BODIES = json.loads((Path(__file__).parent / "valid_bodies.json").read_text())
BY_NAME = {service.name: service for service in SERVICES}
ODD: list[Any] = [
    *(None, [], {}, -1, True, 1.5, 10**30, 1e308, [None], [[]], [{}], {"a": [{}]}),
    *("", "-1", "²", "\x00", "\ud800", "9" * 5000, "x/../y"),
]
ODD_QUERIES = (
    *("%C2%B2", "9" * 5000, "-1", "%00", "[", "", "1e400", "%FF", "in:", "gt:%C2%B2"),
    *("{[]:1}", "[[[", "(((", "x{99999999999}"),
)
PARAMETERS = (
    *("limit", "marker", "offset", "page_size", "sort", "sort_key", "sort_dir", "fields", "name"),
    *("status", "changes-since", "all_tenants", "id", "ip", "fixed_ips", "tags", "start", "end"),
    *("host", "is_public", "minDisk", "minRam", "visibility", "member_status", "size_min"),
    *("created_at", "page_reverse", "user_id", "bootable", "metadata", "with_count"),
)
RAW = (
    *(b"{", b"[1", b"\xff", b"NaN", b"9" * 5000, b'"x"', b"1", b'{"server": NaN}'),
    *(b'{"server": {"min_count": Infinity}}', b"[" * 100_000, b'{"a":' * 50_000),
)
HEADERS = (
    {"OpenStack-API-Version": f"compute 2.{'9' * 5000}"},
    {"OpenStack-API-Version": "compute 2.²"},
    {"X-OpenStack-Nova-API-Version": "²"},
    {"OpenStack-API-Version": f"volume 3.{'9' * 5000}"},
    {"X-Auth-Token": "²" * 100},
    {"X-Subject-Token": "²"},
    {"Content-Type": "²"},
    {"Range": "bytes=²-"},
)
# The resource whose id a field of a body needs.
NAMED = {
    **dict.fromkeys(("volume_uuid", "volume_id", "volumeId"), "volume_id"),
    **dict.fromkeys(("add_volumes", "remove_volumes"), "volume_id"),
    **dict.fromkeys(("network_id", "net_id", "uuid"), "network_id"),
    **dict.fromkeys(("imageRef", "image_id"), "image_id"),
    **dict.fromkeys(("instance_uuid", "server_id"), "server_id"),
    "flavorRef": "flavor_id",
    "group_type": "group_type_id",
    "security_group_id": "security_group_id",
    "snapshot_id": "snapshot_id",
    "subnet_id": "subnet_id",
}
# A path's `{resource_id}` belongs to the collection before it.
COLLECTIONS = {
    "floatingips": "floatingip_id",
    "group_types": "group_type_id",
    "networks": "network_id",
    "ports": "port_id",
    "routers": "router_id",
    "security-groups": "security_group_id",
    "snapshots": "snapshot_id",
    "subnets": "subnet_id",
    "types": "type_id",
    "volumes": "volume_id",
}
# Valid bodies that `valid_bodies.json` does not have.
MORE: list[tuple[str, str, str, str, Any]] = [
    ("network", "POST", "/v2.0/ports", "port", {"port": {"network_id": "", "fixed_ips": [
        {"ip_address": "10.0.0.77", "subnet_id": ""}]}}),
    ("network", "PUT", "/v2.0/ports/{resource_id}", "port", {"port": {"fixed_ips": [
        {"ip_address": "10.0.0.78"}], "allowed_address_pairs": [{"ip_address": "10.0.0.1"}]}}),
    ("block_storage", "PUT", "/v3/{project_id}/groups/{group_id}", "group",
     {"group": {"add_volumes": ""}}),
    ("block_storage", "POST", "/v3/{project_id}/attachments", "attachment", {"attachment": {
        "volume_uuid": "", "instance_uuid": "", "connector": {"host": "h"}}}),
    ("compute", "POST", "/v2.1/servers", "server", {"server": {
        "name": "x", "flavorRef": "", "imageRef": "", "max_count": 2,
        "networks": [{"uuid": "", "fixed_ip": "10.0.0.79"}]}}),
    ("compute", "POST", "/v2.1/servers/{server_id}/os-interface", "interfaceAttachment",
     {"interfaceAttachment": {"net_id": "", "fixed_ips": [{"ip_address": "10.0.0.80"}]}}),
]  # fmt: skip
# Here the control API does its work: it makes requests fail or time pass.
OBEYED = {"/faults", "/clock", "/settings"}


class World:
    """A cloud with one resource of each type, and an administrator's odd requests."""

    def __init__(self) -> None:
        self.client = ApiClient(FakeCloud(ManualClock()), "admin", version="2.104")
        self.ids = {
            "project_id": self.client.project_id,
            "image_id": self.client.image(),
            "flavor_id": self.client.flavor(),
            "network_id": self.client.network(),
        }
        self.ids["server_id"] = self.client.active(
            "web", networks=[{"uuid": self.ids["network_id"]}]
        )
        self._make_storage()
        self._make_network()

    def _make_storage(self) -> None:
        volume, other = (self.make(self._volumes, "volume", size=1) for _ in range(2))
        self.ids["volume_id"] = self.ids["resource_id"] = volume
        root = self._volumes.removesuffix("/volumes")
        self.ids["snapshot_id"] = self.make(f"{root}/snapshots", "snapshot", volume_id=volume)
        self.ids["backup_id"] = self.make(f"{root}/backups", "backup", volume_id=volume)
        self.ids["qos_id"] = self.make(f"{root}/qos-specs", "qos_specs", name="fast", a="b")
        kinds = self.client.get(f"{root}/types")["volume_types"]
        self.ids["type_id"] = kinds[0]["id"]
        kind = {"name": "g", "group_specs": {"consistent_group_replication_enabled": "<is> True"}}
        self.ids["group_type_id"] = self.make(f"{root}/group_types", "group_type", **kind)
        group = {"group_type": self.ids["group_type_id"], "volume_types": [kinds[0]["id"]]}
        self.ids["group_id"] = self.make(f"{root}/groups", "group", **group)
        reserved = {"volume_uuid": other, "instance_uuid": self.ids["server_id"]}
        self.ids["attachment_id"] = self.make(f"{root}/attachments", "attachment", **reserved)

    def _make_network(self) -> None:
        root = "/network/v2.0"
        first = {
            kind: self.client.get(f"{root}/{kind}?network_id={self.ids['network_id']}")[kind]
            for kind in ("ports", "subnets")
        }
        self.ids["port_id"] = first["ports"][0]["id"]
        self.ids["subnet_id"] = first["subnets"][0]["id"]
        external = self.client.get(f"{root}/networks?router:external=true")["networks"][0]["id"]
        self.ids["router_id"] = self.make(f"{root}/routers", "router", name="r")
        self.ids["floatingip_id"] = self.make(
            f"{root}/floatingips", "floatingip", floating_network_id=external
        )
        group = self.make(f"{root}/security-groups", "security_group", name="g")
        self.ids["security_group_id"] = group

    def make(self, path: str, key: str, **fields: Any) -> str:
        """Create a resource; return its id."""
        made = self.ask("POST", path, {key: fields})
        assert made.status < 300, made.body
        self.client.clock.advance(30)
        return str(made.body[key]["id"])

    def named(self, body: Any) -> Any:
        """Return a valid body with ids of existing resources."""
        if isinstance(body, list):
            return [self.named(one) for one in body]
        if not isinstance(body, dict):
            return body
        return {
            key: self.ids[NAMED[key]] if key in NAMED and isinstance(v, str) else self.named(v)
            for key, v in body.items()
        }

    @property
    def _volumes(self) -> str:
        return f"/volume/v3/{self.client.project_id}/volumes"

    def path(self, service: Service, path: str) -> str:
        """Return the path of a route with ids of existing resources."""
        for collection, name in COLLECTIONS.items():
            path = path.replace(f"/{collection}/{{resource_id}}", f"/{collection}/{self.ids[name]}")
        for name, value in self.ids.items():
            path = path.replace(f"{{{name}}}", value)
        return service.prefix + re.sub(r"\{\w+\}", "11111111-1111-4111-8111-111111111111", path)

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        raw: bytes | None = None,
    ) -> Any:
        """Send one request, whose response must not be a server error."""
        versions = {"OpenStack-API-Version": "compute 2.104, volume 3.71"}
        sent = {"X-Auth-Token": self.client.token, **versions, **(headers or {})}
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        response = self.client.cloud.handle(Request.to(method, ORIGIN + path, sent, data))
        assert response.status < 500, (method, path[:200], str(body)[:300], response.body)
        return response

    def is_well(self) -> None:
        """Request each list now and again after all operations have ended."""
        for seconds in (0, 100):
            self.client.clock.advance(seconds)
            for service, route in routes("GET"):
                if not re.sub(r"\{(project|server)_id\}", "", route.path).count("{"):
                    self.ask("GET", self.path(service, route.path))
            for path in (f"{self._volumes}/detail", "/compute/v2.1/servers/detail"):
                assert self.ask("GET", path).status == 200

    def lives_on(self) -> None:
        """List, create and list servers again after the control API has accepted odd values."""
        self.ask("GET", "/compute/v2.1/servers/detail")
        for number in range(3):
            self.client(
                "POST",
                "/servers",
                {
                    "server": {
                        "name": f"later-{number}",
                        "flavorRef": self.ids["flavor_id"],
                        "imageRef": self.ids["image_id"],
                        "networks": "none",
                    }
                },
            )
        self.client.clock.advance(30)
        self.ask("GET", "/compute/v2.1/servers/detail")


def routes(*methods: str) -> Iterator[tuple[Service, UrlRoute]]:
    """Return all routes of these methods."""
    for service, route in ((s, r) for s in SERVICES for r in s.routes):
        if route.method in methods:
            yield service, route


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path to each value in a document, and to the document itself."""
    yield path
    items: Any = ()
    if isinstance(document, dict):
        items = document.items()
    elif isinstance(document, list):
        items = enumerate(document[:2])
    for key, value in items:
        yield from places(value, (*path, key))


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """Return the document with another value in one place."""
    if not path:
        return value
    copy = json.loads(json.dumps(document))
    target = copy
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return copy


@pytest.mark.parametrize("service", sorted(BY_NAME))
def test_odd_values_in_bodies(service: str) -> None:
    for name, method, path, _, good in [*BODIES, *MORE]:
        if name != service or path in OBEYED:
            continue
        world = World()
        body, url = world.named(good), world.path(BY_NAME[name], path)
        for place, odd in itertools.product(places(body), ODD):
            world.ask(method, url, changed(body, place, odd))
        world.is_well()


@pytest.mark.parametrize("path", ["/faults", "/clock", "/settings"])
def test_control_api_stores_no_odd_values(path: str) -> None:
    world = World()
    good = {
        "/faults": {
            "effect": "delay",
            "seconds": 1,
            "count": 1,
            "probability": 0.5,
            "skip": 1,
            "after": 1,
            "path": "servers",
            "status": 503,
            "retry_after": 1,
            "resource": "x",
            "fired": 0,
            "id": 0,
        },
        "/clock": {"seconds": 1},
        "/settings": world.client.cloud.settings.as_dict(),
    }[path]
    method = "PATCH" if path == "/settings" else "POST"
    for place, odd in itertools.product(places(good), [*ODD, "text", 1e6]):
        before = world.client.cloud.settings.as_dict()
        answer = world.ask(method, f"/_osf{path}", changed(good, place, odd))
        if answer.status < 400:
            world.lives_on()
            world = World()
        assert world.client.cloud.settings.as_dict() == before or answer.status < 400
    world.lives_on()


def test_clock_stops_at_the_last_date() -> None:
    world = World()
    ten_years = {"seconds": 10 * 365 * 86400.0}
    steps = itertools.takewhile(
        lambda _: world.ask("POST", "/_osf/clock", ten_years).status == 200, range(2000)
    )
    assert 500 < len(list(steps)) < 1000
    world.client.token = world.client.log_in()
    world.is_well()


def test_odd_queries() -> None:
    world = World()
    for service, route in routes("GET"):
        path = world.path(service, route.path)
        for name, value in itertools.product(PARAMETERS, ODD_QUERIES):
            world.ask("GET", f"{path}?{name}={value}")
    world.is_well()


def test_odd_paths_headers_and_documents() -> None:
    world = World()
    for service, route in routes("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
        path = world.path(service, route.path)
        for odd in ("%C2%B2", "9" * 5000, "%00", "..", "%FF", "%2F"):
            world.ask(route.method, service.prefix + re.sub(r"\{\w+\}", odd, route.path), {})
        for headers in HEADERS:
            world.ask(route.method, path, {}, headers)
        for raw in RAW if route.method in ("POST", "PUT", "PATCH") else ():
            world.ask(route.method, path, raw=raw)
    World().is_well()


@pytest.mark.parametrize("sigma", [5.1, 1e6, 1e308])
def test_too_large_sigma_is_rejected(sigma: float) -> None:
    settings = World().client.cloud.settings
    with pytest.raises(ValueError, match="sigma"):
        settings.change({"sigma": sigma})
    settings.change({"sigma": 5.0})
