"""Attach and detach volumes and interfaces (docs/operations.md#server-attach-volume)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_osfutures.cloud import Cloud
from tests.contract.conftest import PATIENCE


def attach(cloud: Cloud, vm: Any, volume: Any) -> Any:
    return cloud.nova.volumes.create_server_volume_async(vm.id, volume.id)


def detach(cloud: Cloud, vm: Any, volume: Any) -> Any:
    return cloud.nova.volumes.delete_server_volume_async(vm.id, volume.id)


def test_attach_and_detach(cloud: Cloud, vm: Any, volume: Any) -> None:
    future = attach(cloud, vm, volume)
    made = future.result(PATIENCE)
    assert future.operation == "server.attach_volume"
    assert (made.serverId, made.volumeId) == (vm.id, volume.id)
    assert cloud.cinder.volumes.get(volume.id).status == "in-use"
    future = detach(cloud, vm, volume)
    assert future.result(PATIENCE) is None
    assert future.operation == "server.detach_volume"
    assert cloud.cinder.volumes.get(volume.id).status == "available"
    assert not cloud.nova.volumes.get_server_volumes(vm.id)


def test_undo_of_attach(cloud: Cloud, vm: Any, volume: Any) -> None:
    future = attach(cloud, vm, volume)
    future.result(PATIENCE)
    future.undo().result(PATIENCE)
    assert cloud.cinder.volumes.get(volume.id).status == "available"


def test_extend_of_an_attached_volume(cloud: Cloud, vm: Any, made: Callable[[Any], Any]) -> None:
    volume = made(cloud.cinder.volumes.create_async(1, name="contract-extend"))
    attach(cloud, vm, volume).result(PATIENCE)
    future = volume.extend_async(volume, 2)
    done = future.result(PATIENCE)
    assert future.operation == "volume.extend"
    assert (done.size, done.status) == (2, "in-use")
    detach(cloud, vm, volume).result(PATIENCE)


@pytest.mark.only_fake("newer clouds let only Cinder do it, for a volume that migrates")
def test_swap(cloud: Cloud, admin: Cloud, vm: Any, made: Callable[[Any], Any]) -> None:
    old, new = (
        made(cloud.cinder.volumes.create_async(1, name=f"contract-swap-{name}"))
        for name in ("old", "new")
    )
    attach(cloud, vm, old).result(PATIENCE)
    future = admin.nova.volumes.update_server_volume_async(vm.id, old.id, new.id)
    assert future.result(PATIENCE).volumeId == new.id
    assert future.operation == "server.swap_volume"
    assert cloud.cinder.volumes.get(old.id).status == "available"
    detach(cloud, vm, new).result(PATIENCE)


def test_migrate_of_an_attached_volume(cloud: Cloud, admin: Cloud, vm: Any) -> None:
    kinds = [each for each in admin.cinder.volume_types.list() if not each.extra_specs]
    if not kinds:
        pytest.skip("the cloud has no volume type that every backend takes")
    created = cloud.cinder.volumes.create_async(1, name="contract-moves", volume_type=kinds[0].name)
    volume = created.result(PATIENCE)
    here = getattr(admin.cinder.volumes.get(volume.id), "os-vol-host-attr:host")
    elsewhere = [each.name for each in admin.cinder.pools.list() if each.name != here]
    if elsewhere:
        attach(cloud, vm, volume).result(PATIENCE)
        future = admin.cinder.volumes.migrate_volume_async(volume.id, elsewhere[0], False, False)
        done = future.result(PATIENCE)
        assert getattr(done, "os-vol-host-attr:host") == elsewhere[0]
        assert done.status == "in-use"
        detach(cloud, vm, volume).result(PATIENCE)
    created.undo().result(PATIENCE)


def test_interface_attach_and_detach(cloud: Cloud, defaults: Any, vm: Any) -> None:
    network = defaults.nics()[0]["net-id"]
    future = vm.interface_attach_async(None, network, None)
    made = future.result(PATIENCE)
    assert future.operation == "server.interface_attach"
    assert made.net_id == network
    assert cloud.nova.servers.get(vm.id).addresses
    future = vm.interface_detach_async(made.port_id)
    assert future.result(PATIENCE) is None
    assert future.operation == "server.interface_detach"
    assert not vm.interface_list()
