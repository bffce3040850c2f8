"""Services without rows in the tables: futures follow the status words of their resources."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.errors import CloudUnreachableError
from pytest_osfutures.stamp import new_id

from .conftest import PATIENCE

MANILA = {"X-OpenStack-Manila-API-Version": "2.80"}


@pytest.fixture
def service(cloud: Cloud) -> Callable[[str], Any]:
    """Return a function that gives a service's adapter; skip where the cloud lacks the service."""

    def adapter(name: str) -> Any:
        try:
            return cloud.api(name)
        except CloudUnreachableError as error:
            pytest.skip(str(error))

    return adapter


def template(**more: Any) -> dict[str, Any]:
    """Return a template with one resource that takes a second."""
    wait = {"create": 1, "update": 1, "delete": 1}
    properties = {"value": "a", "action_wait_secs": wait, **more}
    resource = {"type": "OS::Heat::TestResource", "properties": properties}
    return {"heat_template_version": "2021-04-16", "resources": {"a": resource}}


def stack(**more: Any) -> dict[str, Any]:
    """Return the body of a request that creates a stack."""
    return {"stack_name": f"contract-{new_id()}", "template": template(**more), "timeout_mins": 5}


def test_a_stack_is_created_checked_and_deleted(service: Callable[[str], Any]) -> None:
    heat = service("orchestration")
    future = heat.post_async("/stacks", json=stack())
    try:
        assert not future.done()
        made = future.result(PATIENCE)
        assert made.stack_status == "CREATE_COMPLETE"
        path = f"/stacks/{made.stack_name}/{made.id}"
        checked = heat.post_async(f"{path}/actions", json={"check": None}).result(PATIENCE)
        assert checked.stack_status == "CHECK_COMPLETE"
    finally:
        future.undo().result(PATIENCE)
    assert heat.get(path).json()["stack"]["stack_status"] == "DELETE_COMPLETE"


def test_a_failed_stack_tells_its_status_reason(service: Callable[[str], Any]) -> None:
    future = service("orchestration").post_async("/stacks", json=stack(fail=True))
    with pytest.raises(osf.ObjectCreationError, match=r"CREATE_FAILED: .*Test Resource failed"):
        future.result(PATIENCE)
    future.undo().result(PATIENCE)


def test_a_share_is_created_extended_and_deleted(service: Callable[[str], Any]) -> None:
    manila = service("shared-file-system")
    wish = {"share": {"name": "contract", "size": 1, "share_proto": "NFS"}}
    future = manila.post_async("/shares", json=wish, headers=MANILA)
    try:
        made = future.result(PATIENCE)
        assert made.status == "available"
        path = f"/shares/{made.id}"
        larger = {"extend": {"new_size": 2}}
        grown = manila.post_async(f"{path}/action", json=larger, headers=MANILA).result(PATIENCE)
        assert (grown.status, grown.size) == ("available", 2)
    finally:
        future.undo().result(PATIENCE)
    assert manila.get(path, headers=MANILA, raise_exc=False).status_code == 404


def test_zones_and_recordsets_end_when_they_are_active(
    service: Callable[[str], Any],
) -> None:
    designate = service("dns")
    name = f"contract-{new_id()}.test."
    future = designate.post_async("/zones", json={"name": name, "email": "a@b.test"})
    try:
        zone = future.result(PATIENCE)
        assert (zone.status, zone.action) == ("ACTIVE", "NONE")
        wish = {"name": f"www.{name}", "type": "A", "records": ["10.0.0.1"]}
        path = f"/zones/{zone.id}"
        record = designate.post_async(f"{path}/recordsets", json=wish).result(PATIENCE)
        assert record.status == "ACTIVE"
        designate.delete_async(f"{path}/recordsets/{record.id}").result(PATIENCE)
        assert designate.get(path).json()["status"] == "ACTIVE"
    finally:
        future.undo().result(PATIENCE)


def test_a_done_listener_means_that_the_load_balancer_is_free(
    service: Callable[[str], Any],
) -> None:
    octavia = service("load-balancer")
    subnets = service("network").get("/subnets").json()["subnets"]
    subnet = next(each["id"] for each in subnets if each["ip_version"] == 4)
    wish = {"loadbalancer": {"name": "contract", "vip_subnet_id": subnet}}
    future = octavia.post_async("/lbaas/loadbalancers", json=wish)
    balancer = future.result(PATIENCE)
    try:
        for port in (80, 81):
            part = {"protocol": "HTTP", "protocol_port": port, "loadbalancer_id": balancer.id}
            made = octavia.post_async("/lbaas/listeners", json={"listener": part})
            assert made.result(PATIENCE).provisioning_status == "ACTIVE"
    finally:
        path = f"/lbaas/loadbalancers/{balancer.id}?cascade=true"
        octavia.delete_async(path).result(PATIENCE)


#: A list of each service that every member may read.
LISTS = {
    "orchestration": "/stacks",
    "load-balancer": "/lbaas/loadbalancers",
    "shared-file-system": "/shares",
    "dns": "/zones",
    "baremetal": "/nodes",
    "compute": "/servers",
    "block-storage": "/volumes",
    "image": "/images",
    "network": "/networks",
    "identity": "/auth/projects",
}


@pytest.mark.parametrize("name", LISTS)
def test_paths_are_below_the_version_and_may_have_one(
    service: Callable[[str], Any], name: str
) -> None:
    api = service(name)
    assert api.get(LISTS[name]).status_code == 200
    version = re.search(r"/v\d.*", api.endpoint_override)
    assert version is not None
    assert api.get(version[0] + LISTS[name]).status_code == 200


def test_a_service_without_versions_has_none(service: Callable[[str], Any]) -> None:
    placement = service("placement")
    answer = placement.get("/resource_providers", raise_exc=False)
    assert answer.status_code in (200, 403)  # members may not read it, and a wrong path is a 404


def test_a_missing_service_is_told_with_those_that_are_there(cloud: Cloud) -> None:
    with pytest.raises(CloudUnreachableError, match=r"has no nothing service; it has .*compute"):
        cloud.api("nothing")
