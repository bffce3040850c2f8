"""Endpoints of services: `Cloud.api` speaks below the version of each."""

from __future__ import annotations

from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.clock import ManualClock
from pytest_osfutures.cloud import Cloud
from tests.unit.api import CLOUD, Api, answer, answers, session

#: The catalog's URLs, as DevStack and packages write them.
CATALOG = {
    "dns": f"{CLOUD}/dns",
    "baremetal": f"{CLOUD}/baremetal/",
    "load-balancer": f"{CLOUD}/load-balancer",
    "sharev2": f"{CLOUD}/share/v2",
    "orchestration": f"{CLOUD}/heat/v1/p1",
    "placement": f"{CLOUD}/placement",
    "object-store": f"{CLOUD}/swift/v1/AUTH_p1",
    "own-thing": f"{CLOUD}/own",
}
#: The version documents: the paths and the ids of the versions.
VERSIONS = {
    "/dns": ["v2"],
    "/baremetal": ["v1"],
    "/load-balancer": ["v2.0", "v2.30"],
    "/placement": ["v1.0"],
}
#: Paths of versions where these are not the ids.
PATHS = {"/load-balancer": "/v2", "/placement": ""}


class Services(Api):
    """A cloud with the services of CATALOG, which answer each request with its path."""

    def _token(self) -> dict[str, Any]:
        token = super()._token()
        catalog = token["token"]["catalog"]
        for kind, url in CATALOG.items():
            endpoint = {**catalog[0]["endpoints"][0], "url": url}
            catalog.append({"type": kind, "name": kind, "id": kind, "endpoints": [endpoint]})
        return token

    def _handle(self, method: str, path: str, body: Any) -> Any:
        found = VERSIONS.get(path.rstrip("/"))
        if found is not None:
            versions = [self._version(path.rstrip("/"), each) for each in found]
            return answer(200, {"versions": versions})
        if path.startswith(("/identity", "/compute", "/volume")):
            return super()._handle(method, path, body)
        return answer(404 if path.rstrip("/") == "/own" else 200, {"path": path})

    def _version(self, root: str, name: str) -> dict[str, Any]:
        link = {"rel": "self", "href": f"{CLOUD}{root}{PATHS.get(root, f'/{name}')}"}
        return {"id": name, "status": "CURRENT", "links": [link]}


@pytest.fixture
def services() -> Services:
    return Services(ManualClock())


@pytest.fixture
def cloud(services: Services) -> Cloud:
    return osf.connect(session=session(services))


@pytest.mark.parametrize(
    ("service", "path", "whole"),
    [
        ("dns", "/zones", "/dns/v2/zones"),
        ("dns", "/v2/zones", "/dns/v2/zones"),
        ("baremetal", "/nodes", "/baremetal/v1/nodes"),
        ("baremetal", "/v1/nodes", "/baremetal/v1/nodes"),
        ("load-balancer", "/lbaas/pools", "/load-balancer/v2/lbaas/pools"),
        ("load-balancer", "/v2/lbaas/pools", "/load-balancer/v2/lbaas/pools"),
        ("load-balancer", "/v2.0/lbaas/pools", "/load-balancer/v2.0/lbaas/pools"),
        ("sharev2", "/shares", "/share/v2/shares"),
        ("shared-file-system", "/v2/shares", "/share/v2/shares"),
        ("orchestration", "/stacks", "/heat/v1/p1/stacks"),
        ("orchestration", "/v1/p1/stacks", "/heat/v1/p1/stacks"),
        ("placement", "/resource_providers", "/placement/resource_providers"),
        ("object-store", "/box", "/swift/v1/AUTH_p1/box"),
        ("own-thing", "/v1/things", "/own/v1/things"),
        ("own-thing", "/things", "/own/things"),
        ("own-thing", f"{CLOUD}/elsewhere", "/elsewhere"),
    ],
)
def test_paths_are_below_the_version_of_the_service(
    cloud: Cloud, service: str, path: str, whole: str
) -> None:
    assert cloud.api(service).get(path).json() == {"path": whole}


def test_versions_are_asked_for_once_and_only_where_the_catalog_has_none(
    services: Services, cloud: Cloud
) -> None:
    for _ in range(2):
        for service in ("object-store", "orchestration", "dns"):
            cloud.api_client.send("GET", service, "/things", None)
    paths = [path for _, path, _ in services.sent if not path.startswith("/identity")]
    things = ["/swift/v1/AUTH_p1/things", "/heat/v1/p1/things", "/dns/v2/things"]
    assert [path for path in paths if path.rstrip("/") != "/dns"] == things * 2
    assert len(paths) == 7


def test_an_overloaded_service_is_asked_for_its_version_again(
    services: Services, cloud: Cloud
) -> None:
    for path in ("/dns/", "/dns", "/dns"):
        services.fault("GET", path, answers(503))
    said = "dns at .*/dns did not say which versions it has: it answered 503"
    with pytest.raises(osf.CloudUnreachableError, match=said):
        cloud.api("dns")
    assert cloud.api("dns").get("/zones").json() == {"path": "/dns/v2/zones"}


def test_a_missing_service_is_told_with_those_that_are_there(cloud: Cloud) -> None:
    there = (
        "baremetal, block-storage, compute, dns, identity, load-balancer, object-store, "
        "orchestration, own-thing, placement, shared-file-system"
    )
    with pytest.raises(osf.CloudUnreachableError) as caught:
        cloud.api("key-manager")
    assert str(caught.value) == (
        f"the catalog of cloud 'session' has no key-manager service; it has {there}"
    )
