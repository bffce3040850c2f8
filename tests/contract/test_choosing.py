"""Find images, flavors and networks by the names that users give, on all lists of the cloud."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from pytest_osfutures.cloud import Cloud
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.scopes.defaults import Defaults
from pytest_osfutures.scopes.settings import RunSettings
from pytest_osfutures.stamp import new_id


@contextmanager
def image(cloud: Cloud, **more: Any) -> Iterator[dict[str, Any]]:
    """Create an image without data."""
    api = cloud.api("image")
    body = {"disk_format": "raw", "container_format": "bare", "name": new_id(), **more}
    made = api.post("/images", json=body).json()
    try:
        yield made
    finally:
        api.delete(f"/images/{made['id']}")


@pytest.mark.parametrize("visibility", ["private", "community", "shared"])
@pytest.mark.parametrize("hidden", [False, True])
def test_images_are_found_by_name_and_id(cloud: Cloud, visibility: str, hidden: bool) -> None:
    chosen = Defaults(cloud, RunSettings())
    with image(cloud, visibility=visibility, os_hidden=hidden) as made:
        assert chosen.image(made["name"]).id == made["id"]
        assert chosen.image(made["id"]).name == made["name"]
        with image(cloud, name=made["name"], visibility=visibility, os_hidden=hidden) as twin:
            with pytest.raises(
                InvalidArgument, match=r"2 images have the name .*; give an id: "
            ) as caught:
                Defaults(cloud, RunSettings()).image(made["name"])
            assert made["id"] in str(caught.value)
            assert twin["id"] in str(caught.value)


@pytest.mark.parametrize("status", ["pending", "accepted", "rejected"])
def test_images_of_other_projects_are_found(cloud: Cloud, admin: Cloud, status: str) -> None:
    project = cloud.session.get_project_id()
    with image(admin, visibility="shared") as made:
        path = f"/images/{made['id']}/members"
        admin.api("image").post(path, json={"member": project})
        if status != "pending":
            cloud.api("image").put(f"{path}/{project}", json={"status": status})
        assert Defaults(cloud, RunSettings()).image(made["name"]).id == made["id"]
    with image(admin, visibility="community", os_hidden=True) as made:
        assert Defaults(cloud, RunSettings()).image(made["id"]).id == made["id"]


def test_flavors_limited_to_some_projects_are_found(cloud: Cloud, admin: Cloud) -> None:
    if cloud.fake is not None:
        pytest.skip("the fake has the flavors that it has; tests/unit/scopes/test_defaults.py")
    name = f"contract {new_id()}/1"
    made = admin.nova.flavors.create(name, 64, 1, 0, is_public=False)
    try:
        assert Defaults(admin, RunSettings()).flavor(name, None).id == made.id
        with pytest.raises(InvalidArgument, match="unknown flavor"):
            Defaults(cloud, RunSettings()).flavor(name, None)
        admin.nova.flavor_access.add_tenant_access(made, cloud.session.get_project_id())
        assert Defaults(cloud, RunSettings()).flavor(name, None).id == made.id
        assert Defaults(cloud, RunSettings()).flavor(made.id, None).name == name
    finally:
        admin.nova.flavors.delete(made)


def test_external_networks_are_found_by_name(cloud: Cloud, admin: Cloud) -> None:
    api = admin.api("network")
    about = {"name": new_id(), "router:external": True}
    made = api.post("/networks", json={"network": about}).json()["network"]
    try:
        assert Defaults(cloud, RunSettings()).nics(made["name"]) == [{"net-id": made["id"]}]
        assert Defaults(cloud, RunSettings()).network(made["name"], external=True) == made["id"]
    finally:
        api.delete(f"/networks/{made['id']}")
