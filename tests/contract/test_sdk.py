"""The contract through openstacksdk, with openstacksdk's objects as results."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.cloud import Cloud
from tests.contract.conftest import PATIENCE

#: openstacksdk emits deprecation warnings about its own code.
pytestmark = pytest.mark.filterwarnings("ignore::Warning")


def test_servers_and_their_images(cloud: Cloud, image: Any, flavor: Any) -> None:
    compute = cloud.sdk.compute
    future = compute.create_server_async(
        name="contract-sdk", image_id=image.id, flavor_id=flavor.id, networks="none"
    )
    server = future.result(PATIENCE)
    assert server.status == "ACTIVE"
    assert compute.stop_server_async(server).result(PATIENCE).status == "SHUTOFF"
    copy = compute.create_server_image_async(server, "contract-sdk")
    made = copy.result(PATIENCE)
    assert (made.name, made.status) == ("contract-sdk", "active")
    copy.undo().result(PATIENCE)
    assert compute.delete_server_async(server).result(PATIENCE) is None


def test_volumes_snapshots_and_backups(cloud: Cloud) -> None:
    storage = cloud.sdk.block_storage
    volume = storage.create_volume_async(size=1, name="contract-sdk").result(PATIENCE)
    assert volume.status == "available"
    assert storage.extend_volume_async(volume, 2).result(PATIENCE).size == 2
    snapshot = storage.create_snapshot_async(volume_id=volume.id).result(PATIENCE)
    assert snapshot.status == "available"
    assert storage.delete_snapshot_async(snapshot).result(PATIENCE) is None
    backup = storage.create_backup_async(volume_id=volume.id).result(PATIENCE)
    assert backup.status == "available"
    assert storage.delete_backup_async(backup).result(PATIENCE) is None
    assert storage.delete_volume_async(volume).result(PATIENCE) is None


def test_attaching(cloud: Cloud, vm: Any, volume: Any) -> None:
    compute = cloud.sdk.compute
    server = compute.get_server(vm.id)
    made = compute.create_volume_attachment_async(server, volume_id=volume.id).result(PATIENCE)
    assert made.volume_id == volume.id
    ended = compute.delete_volume_attachment_async(server, volume.id)
    assert ended.result(PATIENCE) is None
