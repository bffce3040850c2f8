"""Combinations of images, flavors and networks that Nova rejects in the create request."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from novaclient.exceptions import ClientException

from pytest_osfutures.cloud import Cloud

GIB = 1024**3


@pytest.fixture
def flavor_of(admin: Cloud) -> Iterator[Callable[..., Any]]:
    """Yield a function that creates flavors as the administrator; delete them at the end."""
    made = []

    def make(ram: int = 64, disk: int = 1) -> Any:
        name = f"contract-{uuid.uuid4().hex[:8]}"
        made.append(admin.nova.flavors.create(name, ram, 1, disk))
        return made[-1]

    yield make
    for each in made:
        each.delete()


@pytest.fixture
def image_with(cloud: Cloud) -> Iterator[Callable[..., str]]:
    """Yield a function that creates images of a few bytes; delete them at the end."""
    made: list[str] = []

    def make(**fields: Any) -> str:
        api = cloud.api("image")
        body = {"name": "contract", "disk_format": "raw", "container_format": "bare", **fields}
        made.append(api.post("/images", json=body).json()["id"])
        headers = {"Content-Type": "application/octet-stream"}
        api.put(f"/images/{made[-1]}/file", data=b"x" * 1024, headers=headers)
        return made[-1]

    yield make
    for each in made:
        cloud.api("image").delete(f"/images/{each}")


def refusal(cloud: Cloud, image: str, flavor: Any, **more: Any) -> tuple[int, str]:
    """Return the status code and message with which Nova rejects a create request."""
    with pytest.raises(ClientException) as caught:
        cloud.nova.servers.create("contract-no", image, flavor, **{"nics": "none", **more})
    return caught.value.code, caught.value.message


def test_a_flavor_without_disk_boots_from_volumes_only(
    cloud: Cloud, image: Any, flavor_of: Any
) -> None:
    said = refusal(cloud, image.id, flavor_of(disk=0))
    assert said == (403, "Only volume-backed servers are allowed for flavors with zero disk.")


def test_a_flavor_needs_the_disk_and_ram_that_the_image_asks_for(
    cloud: Cloud, image_with: Any, flavor_of: Any
) -> None:
    flavor = flavor_of(ram=64, disk=1)
    code, words = refusal(cloud, image_with(min_ram=128), flavor)
    assert (code, words) == (400, "Flavor's memory is too small for requested image.")
    code, words = refusal(cloud, image_with(min_disk=2), flavor)
    assert (code, words) == (
        400,
        "Flavor's disk is smaller than the minimum size specified in image metadata. "
        f"Flavor disk is {GIB} bytes, minimum size is {2 * GIB} bytes.",
    )


@pytest.mark.only_fake("an image of more than a GiB would have to be uploaded")
def test_an_image_larger_than_the_disk_is_refused(cloud: Cloud, image: Any, flavor: Any) -> None:
    assert cloud.fake is not None
    kept = cloud.fake.image.images.get(image.id)
    assert kept is not None
    size, kept.size = kept.size, 2 * GIB
    try:
        code, words = refusal(cloud, image.id, flavor)
    finally:
        kept.size = size
    assert (code, words) == (
        400,
        "Flavor's disk is too small for requested image. "
        f"Flavor disk is {GIB} bytes, image is {2 * GIB} bytes.",
    )


def test_nova_refuses_to_choose_between_two_networks(cloud: Cloud, image: Any, flavor: Any) -> None:
    api = cloud.api("network")
    made = [api.post("/networks", json={"network": {"name": "c"}}).json() for _ in range(2)]
    try:
        for each in made:
            body = {"network_id": each["network"]["id"], "ip_version": 4, "cidr": "10.77.0.0/24"}
            api.post("/subnets", json={"subnet": body})
        assert refusal(cloud, image.id, flavor, nics="auto") == (
            409,
            "Multiple possible networks found, use a Network ID to be more specific.",
        )
    finally:
        for each in made:
            api.delete(f"/networks/{each['network']['id']}")
