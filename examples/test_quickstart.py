"""Ask for a factory, get futures, use the results; the factories delete everything afterwards."""

import pytest_osfutures as osf


def test_a_server_becomes_active(os_servers):
    vm = os_servers.create_async("web").result()
    assert vm.status == "ACTIVE"


def test_a_volume_is_attached(os_cloud, os_servers, os_volumes):
    vm, disk = osf.gather(os_servers.create_async("db"), os_volumes.create_async(size=1))
    os_cloud.nova.volumes.create_server_volume_async(vm.id, disk.id).result()
    assert os_cloud.cinder.volumes.get(disk.id).status == "in-use"


def test_ten_servers_take_as_long_as_one(os_servers):
    futures = [os_servers.create_async() for _ in range(10)]
    assert {future.result().status for future in futures} == {"ACTIVE"}
