"""Requests that are complete when they are answered: their futures are done at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_osfutures.cloud import Cloud
from pytest_osfutures.stamp import new_id

#: For tags of servers and for the actions of volumes.
TAGS = {"OpenStack-API-Version": "compute 2.26"}


def act(cloud: Cloud, path: str, key: str, value: Any = None) -> None:
    """Send an action whose future has to be done when the service has answered."""
    service = "compute" if path.startswith("/servers") else "block-storage"
    future = cloud.api(service).post_async(f"{path}/action", json={key: value})
    assert (future.operation, future.done()) == ("", True)


def test_actions_of_a_server(cloud: Cloud, admin: Cloud, vm: Any) -> None:
    path = f"/servers/{vm.id}"
    for key, is_locked in (("lock", True), ("unlock", False)):
        act(cloud, path, key)
        assert cloud.nova.servers.get(vm.id).locked is is_locked
    act(admin, path, "os-resetState", {"state": "error"})
    assert cloud.nova.servers.get(vm.id).status == "ERROR"
    act(admin, path, "os-resetState", {"state": "active"})
    assert cloud.nova.servers.get(vm.id).status == "ACTIVE"


def test_details_of_a_server(cloud: Cloud, vm: Any) -> None:
    nova, path = cloud.api("compute"), f"/servers/{vm.id}"
    nova.put(f"{path}/tags/blue", headers=TAGS)
    nova.post(f"{path}/metadata", json={"metadata": {"colour": "blue"}})
    assert nova.delete_async(f"{path}/tags/blue", headers=TAGS).done()
    assert nova.delete_async(f"{path}/metadata/colour").done()
    assert nova.get(f"{path}/tags", headers=TAGS).json() == {"tags": []}
    assert "colour" not in nova.get(f"{path}/metadata").json()["metadata"]


def test_actions_of_a_volume(cloud: Cloud, admin: Cloud, volume: Any) -> None:
    path = f"/volumes/{volume.id}"
    for key, value, status in (
        ("os-reserve", None, "attaching"),
        ("os-unreserve", None, "available"),
        ("os-set_bootable", {"bootable": True}, "available"),
        ("os-update_readonly_flag", {"readonly": False}, "available"),
    ):
        act(cloud, path, key, value)
        assert cloud.cinder.volumes.get(volume.id).status == status
    for status in ("error", "detaching", "available"):
        act(admin, path, "os-reset_status", {"status": status})
        assert cloud.cinder.volumes.get(volume.id).status == status


def test_members_of_a_queued_image(cloud: Cloud, admin: Cloud, made: Callable[[Any], Any]) -> None:
    glance = cloud.api("image")
    wish = {"name": f"contract-{new_id()}", "disk_format": "raw", "container_format": "bare"}
    path = f"/images/{made(glance.post_async('/images', json=wish)).id}"
    project = admin.session.get_project_id()
    added = glance.post_async(f"{path}/members", json={"member": project})
    assert added.done()
    assert added.result().json()["status"] == "pending"
    assert glance.delete_async(f"{path}/members/{project}").done()
    assert glance.get(f"{path}/members").json()["members"] == []
