"""Image uploads and imports (docs/operations.md#image-upload), stamps of images and backups."""

from __future__ import annotations

from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.clients.adapter import context_of
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.operations import BACKUP, IMAGE
from pytest_osfutures.stamp import OF, Stamp
from tests.contract.conftest import PATIENCE, image_of
from tests.contract.test_networks import found

NEW = {"name": "contract", "disk_format": "raw", "container_format": "bare"}
OCTETS = {"Content-Type": "application/octet-stream"}


def upload(cloud: Cloud, data: bytes) -> osf.OperationFuture[Any]:
    """Create an image and upload its data in one retried call."""
    api = cloud.api("image")

    def call() -> Any:
        made = api.post("/images", json=NEW).json()
        api.put(f"/images/{made['id']}/file", data=data, headers=OCTETS)
        return made

    return start_retried(context_of(api), call, tout=PATIENCE)


def test_an_upload_ends_when_the_image_is_active(cloud: Cloud) -> None:
    future = upload(cloud, b"x" * 4096)
    image = future.result(PATIENCE)
    assert (future.operation, image.status, image.size) == ("image.upload", "active", 4096)
    assert image[OF] == image.id
    assert [each.id for each in found(cloud, cloud.run) if each.type is IMAGE] == [image.id]
    future.undo().result(PATIENCE)
    assert image_of(cloud, image.id)["status"] == "gone"


@pytest.mark.filterwarnings("ignore::Warning")
def test_create_image_of_openstacksdk_is_stamped_and_undone(cloud: Cloud) -> None:
    future = cloud.sdk.image.create_image_async_r("contract-sdk", data=b"bits", disk_format="raw")
    image = future.result(PATIENCE)
    assert (type(image).__name__, image.status) == ("Image", "active")
    assert image.id in [each.id for each in found(cloud, cloud.run)]
    future.undo().result(PATIENCE)
    assert image_of(cloud, image.id)["status"] == "gone"


def test_import(cloud: Cloud) -> None:
    api = cloud.api("image")
    made = api.post_async_r("/images", json=NEW)
    image = made.result(PATIENCE)
    assert (made.operation, image.status) == ("image.create", "queued")
    api.put(f"/images/{image.id}/stage", data=b"bits", headers=OCTETS)
    future = api.post_async(
        f"/images/{image.id}/import", json={"method": {"name": "glance-direct"}}
    )
    assert future.operation == "image.import"
    assert future.result(PATIENCE).status == "active"
    assert api.delete_async(f"/images/{image.id}").result(PATIENCE) is None


def test_an_image_of_a_volume_of_an_image_is_not_owned(cloud: Cloud) -> None:
    future = upload(cloud, b"x" * 4096)
    image = future.result(PATIENCE)
    volume = cloud.cinder.volumes.create_async(1, imageRef=image.id, name="contract")
    made = cloud.cinder.volumes.upload_to_image_async(
        volume.result(PATIENCE).id, False, "contract-copy", "bare", "raw", "private", False
    )
    made.result(PATIENCE)
    (copy,) = [each for each in cloud.api("image").get("/images").json()["images"]
               if each["name"] == "contract-copy"]  # fmt: skip
    assert Stamp.of(copy) == Stamp.of(image)
    assert copy["id"] not in [each.id for each in found(cloud, cloud.run)]
    for each in (made, volume, future):
        each.undo().result(PATIENCE)


@pytest.mark.parametrize(("version", "described"), [("3.42", True), ("3.43", False)])
def test_backups_carry_the_stamp_at_every_microversion(
    cloud: Cloud, volume: Any, version: str, described: bool
) -> None:
    from cinderclient import client

    way = {"session": cloud.session, "service_type": "block-storage"}
    cinder = osf.futurize(client.Client(version, **way), poll=cloud.poll, run=cloud.run)
    future = cinder.backups.create_async_r(volume.id, name="contract", description="mine")
    backup = future.result(PATIENCE)
    assert (backup.description == "mine") is not described
    mine = [each for each in found(cloud, cloud.run) if each.type is BACKUP]
    assert [each.id for each in mine] == [backup.id]
    future.undo().result(PATIENCE)
