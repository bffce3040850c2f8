"""A scripted cloud with images, flavors and networks, for tests of defaults."""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.scopes.defaults import Defaults
from pytest_osfutures.scopes.settings import RunSettings

Row = dict[str, Any]
PROJECT = "p" * 32


class Answer:
    def __init__(self, document: Any, status: int = 200) -> None:
        self.status_code, self.document = status, document
        self.headers: Mapping[str, str] = {}

    def json(self) -> Any:
        return self.document


class Scripted:
    """A cloud with given resources; its lists have two items a page, as with real services."""

    name = "scripted"
    fake = None

    def __init__(self) -> None:
        self.images: list[Row] = []
        self.flavors: list[Row] = []
        self.networks: list[Row] = []
        self.hosts: list[Row] | None = None
        self.auto = False
        self.asked: list[str] = []
        self.engine = SimpleNamespace(clock=ManualClock())
        self.session = SimpleNamespace(get_project_id=lambda: PROJECT)
        self.api_client = self

    def send(self, method: str, service: str, path: str, body: None) -> Answer:
        assert method == "GET"
        self.asked.append(f"{service} {path}")
        parts = urlsplit(path)
        query = {key: found[0] for key, found in parse_qs(parts.query).items()}
        first, *rest = parts.path.strip("/").split("/")
        if first == "auto-allocated-topology":
            return Answer({}, 200 if self.auto else 404)
        if first == "os-hypervisors":
            return Answer({"hypervisors": self.hosts}, 403 if self.hosts is None else 200)
        rows: list[Row] = getattr(self, first)
        if rest and rest != ["detail"]:
            found = [row for row in rows if row["id"] == unquote(rest[0])]
            one = found[0] if found else None
            member = one if first == "images" else {first[:-1]: one}
            return Answer(member, 200 if one else 404)
        rows = [row for row in rows if _listed(first, row, query)]
        return self._page(first, rows, query)

    def _page(self, key: str, rows: list[Row], query: dict[str, str]) -> Answer:
        begin = int(query.pop("marker", 0))
        document: Row = {key: rows[begin : begin + 2]}
        if rows[begin + 2 :]:
            more = "&".join(f"{name}={value}" for name, value in query.items())
            after = f"http://elsewhere/{key}?{more}&marker={begin + 2}"
            if key == "images":
                document["next"] = after
            else:
                document[f"{key}_links"] = [{"rel": "next", "href": after}]
        return Answer(document)


def _listed(collection: str, row: Row, query: dict[str, str]) -> bool:
    if query.get("name", row["name"]) != row["name"]:
        return False
    if collection == "flavors":
        return bool(row["os-flavor-access:is_public"]) or query.get("is_public") == "None"
    if collection == "networks":
        return True
    hidden = row.get("os_hidden", False) is (query.get("os_hidden") == "true")
    visibility = row.get("visibility", "public")
    member = visibility != "shared" or query.get("member_status") == "all"
    wanted = query.get("visibility", visibility if visibility != "community" else "")
    status = query.get("status", row["status"]) == row["status"]
    return hidden and member and status and wanted == visibility


def image(name: str, size: int = 1, **more: Any) -> Row:
    formats = {"disk_format": "qcow2", "container_format": "bare"}
    return {"id": f"id of {name}", "name": name, "size": size, "status": "active"} | formats | more


def flavor(name: str, disk: int = 1, ram: int = 64, **more: Any) -> Row:
    public = {"os-flavor-access:is_public": True}
    return (
        {"id": f"id of {name}", "name": name, "disk": disk, "ram": ram, "vcpus": 1} | public | more
    )


def network(name: str, **more: Any) -> Row:
    about = {"project_id": PROJECT, "subnets": ["s"], "router:external": False, "shared": False}
    return {"id": f"id of {name}", "name": name, "admin_state_up": True} | about | more


@pytest.fixture
def cloud() -> Scripted:
    made = Scripted()
    made.images = [image("tiny")]
    made.flavors = [flavor("small")]
    return made


def defaults(cloud: Scripted, **settings: Any) -> Defaults:
    return Defaults(cloud, RunSettings(**settings))  # type: ignore[arg-type]


# Named resources
