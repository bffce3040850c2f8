"""No request breaks the fake: odd values in each place of each request, and all lists afterwards.

`bodies.json` has a good body for each route and action, one a line: service, method, path, the
body's first key and the body.
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
from pytest_osfutures.fakecloud.service import Service
from pytest_osfutures.fakecloud.wire import Request, Route
from tests.fakecloud.asking import ORIGIN, Asker

BODIES = json.loads((Path(__file__).parent / "bodies.json").read_text())
BY_NAME = {service.name: service for service in SERVICES}
ODD: list[Any] = [
    *(None, [], {}, -1, True, 1.5, 10**30, 1e308, [None], {"a": [{}]}),
    *("", "-1", "²", "\x00", "9" * 5000, "x/../y"),
]
ODD_QUERIES = ("%C2%B2", "9" * 5000, "-1", "%00", "[", "", "1e400", "%FF", "in:", "gt:%C2%B2")
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
# The control API does here what it is asked for: it lets requests fail, or time pass.
OBEYED = {"/faults", "/clock", "/settings"}


class World:
    """A cloud with one of each, and an administrator who asks it odd things."""

    def __init__(self) -> None:
        self.asker = Asker(FakeCloud(ManualClock()), "admin", version="2.104")
        network = self.asker.get("/network/v2.0/networks")["networks"][0]["id"]
        self.ids = {
            "project_id": self.asker.project_id,
            "server_id": self.asker.active("web"),
            "image_id": self.asker.image(),
            "flavor_id": self.asker.flavor(),
            "network_id": network,
            "resource_id": network,
        }
        made = self.ask("POST", self._volumes, {"volume": {"size": 1}})
        self.ids["volume_id"] = made.body["volume"]["id"]
        self.asker.clock.advance(60)

    @property
    def _volumes(self) -> str:
        return f"/volume/v3/{self.asker.project_id}/volumes"

    def path(self, service: Service, path: str) -> str:
        """The path of a route with ids that exist, where the cloud has such a thing."""
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
        """One request; whatever it is, the cloud has an answer that is no fault of its own."""
        versions = {"OpenStack-API-Version": "compute 2.104, volume 3.71"}
        sent = {"X-Auth-Token": self.asker.token, **versions, **(headers or {})}
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        response = self.asker.cloud.handle(Request.to(method, ORIGIN + path, sent, data))
        assert response.status < 500, (method, path[:200], str(body)[:300], response.body)
        return response

    def is_well(self) -> None:
        """Every list is answered, now and when what was accepted has had its time."""
        for seconds in (0, 100):
            self.asker.clock.advance(seconds)
            for service, route in routes("GET"):
                if not re.sub(r"\{(project|server)_id\}", "", route.path).count("{"):
                    self.ask("GET", self.path(service, route.path))
            for path in (f"{self._volumes}/detail", "/compute/v2.1/servers/detail"):
                assert self.ask("GET", path).status == 200


def routes(*methods: str) -> Iterator[tuple[Service, Route]]:
    """All routes of these methods."""
    for service, route in ((s, r) for s in SERVICES for r in s.routes):
        if route.method in methods:
            yield service, route


def places(document: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to each value in a document, and to the document itself."""
    yield path
    items: Any = ()
    if isinstance(document, dict):
        items = document.items()
    elif isinstance(document, list):
        items = enumerate(document[:2])
    for key, value in items:
        yield from places(value, (*path, key))


def changed(document: Any, path: tuple[Any, ...], value: Any) -> Any:
    """The document with another value in one place."""
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
    world = World()
    for name, method, path, _, body in BODIES:
        if name != service or path in OBEYED:
            continue
        for place, odd in itertools.product(places(body), ODD):
            world.ask(method, world.path(BY_NAME[name], path), changed(body, place, odd))
        if world.ask("GET", f"/compute/v2.1/servers/{world.ids['server_id']}").status != 200:
            world = World()
    world.is_well()


@pytest.mark.parametrize("path", ["/faults", "/clock", "/settings"])
def test_odd_values_are_not_stored_by_the_control_api(path: str) -> None:
    settings = World().asker.cloud.settings.as_dict()
    good = {
        "/faults": {
            "effect": "delay",
            "seconds": 1,
            "count": 1,
            "probability": 0.5,
            "skip": 1,
            "after": 1,
            "path": "x",
            "status": 503,
            "retry_after": 1,
            "resource": "x",
        },
        "/clock": {"seconds": 1},
        "/settings": settings,
    }[path]
    method = "PATCH" if path == "/settings" else "POST"
    for place, odd in itertools.product(places(good), [*ODD, "text"]):
        world = World() if place in ((), ("seconds",)) else None
        world = world or World()
        world.ask(method, f"/_osf{path}", changed(good, place, odd))
        world.ask("GET", "/compute/v2.1/servers/detail")
        world.asker.create("later")
        world.asker.clock.advance(30)
        world.ask("GET", "/compute/v2.1/servers/detail")


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
