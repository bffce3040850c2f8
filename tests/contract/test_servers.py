"""Create, delete, rebuild and image servers (docs/operations.md#server-create)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.cloud import Cloud
from tests.contract.conftest import PATIENCE, image_of
from tests.contract.test_power import check

Made = Callable[[Any], Any]


def gone(cloud: Cloud, *idents: str) -> bool:
    """Return True if the list of servers contains none of the ids."""
    return not set(idents) & {each.id for each in cloud.nova.servers.list()}


def test_create_delete(cloud: Cloud, image: Any, flavor: Any) -> None:
    future = cloud.nova.servers.create_async("contract-one", image.id, flavor.id, nics="none")
    made = check(future, "server.create", "ACTIVE")
    assert made.name == "contract-one"
    assert future.sync_res.adminPass == made.adminPass
    ended = made.delete_async()
    assert ended.result(PATIENCE) is None
    assert ended.operation == "server.delete"
    assert gone(cloud, made.id)


def test_create_with_a_port(cloud: Cloud, defaults: Any, image: Any, flavor: Any) -> None:
    future = cloud.nova.servers.create_async(
        "contract-port", image.id, flavor.id, nics=defaults.nics()
    )
    made = check(future, "server.create", "ACTIVE")
    assert made.addresses
    future.undo().result(PATIENCE)
    assert gone(cloud, made.id)


def test_create_that_fits_no_host(cloud: Cloud, image: Any, huge: Any) -> None:
    future = cloud.nova.servers.create_async("contract-huge", image.id, huge.id, nics="none")
    with pytest.raises(osf.ObjectCreationError, match="No valid host") as caught:
        future.result(PATIENCE)
    error = caught.value
    assert error.fault is not None
    assert (error.status, error.fault["code"]) == ("ERROR", 500)
    assert error.request_id == future.request_id
    assert error.resource_name == "contract-huge"
    future.undo().result(PATIENCE)
    assert gone(cloud, future.sync_res.id)


def test_create_many(cloud: Cloud, image: Any, flavor: Any) -> None:
    future = cloud.nova.servers.create_async(
        "contract-many", image.id, flavor.id, nics="none", min_count=2, max_count=3
    )
    made = future.result(PATIENCE)
    assert future.operation == "servers.create"
    assert {each.name for each in made} == {f"contract-many-{number}" for number in (1, 2, 3)}
    assert {each.status for each in made} == {"ACTIVE"}
    future.undo().result(PATIENCE)
    assert gone(cloud, *(each.id for each in made))


def test_create_many_by_their_reservation(cloud: Cloud, image: Any, flavor: Any) -> None:
    future = cloud.nova.servers.create_async(
        "contract-res", image.id, flavor.id, nics="none", min_count=2, reservation_id=True
    )
    made = future.result(PATIENCE)
    assert future.operation == "servers.create"
    assert len(made) == 2
    assert {each.status for each in made} == {"ACTIVE"}
    future.undo().result(PATIENCE)
    assert gone(cloud, *(each.id for each in made))


def test_create_many_where_none_fits(cloud: Cloud, image: Any, huge: Any) -> None:
    future = cloud.nova.servers.create_async_r(
        "contract-all", image.id, huge.id, nics="none", min_count=2, try_count=1
    )
    with pytest.raises(osf.ObjectCreationError, match="No valid host"):
        future.result(PATIENCE)
    assert not [each for each in cloud.nova.servers.list() if each.name.startswith("contract-all")]


def test_force_delete(cloud: Cloud, image: Any, flavor: Any) -> None:
    servers = cloud.nova.servers
    made = servers.create_async("contract-force", image.id, flavor.id, nics="none").result(PATIENCE)
    ended = servers.force_delete_async(made)
    assert ended.result(PATIENCE) is None
    assert ended.operation == "server.force_delete"
    assert gone(cloud, made.id)


@pytest.mark.only_fake("the cloud must keep deleted servers for a while")
def test_soft_delete_and_restore(cloud: Cloud, image: Any, flavor: Any) -> None:
    assert cloud.fake is not None
    servers = cloud.nova.servers
    made = servers.create_async("contract-soft", image.id, flavor.id, nics="none").result(PATIENCE)
    cloud.fake.settings.soft_delete = True
    try:
        assert servers.delete_async(made).result(PATIENCE) is None
        assert servers.get(made.id).status == "SOFT_DELETED"
        check(servers.restore_async(made.id), "server.restore", "ACTIVE")
        servers.delete_async(made).result(PATIENCE)
        servers.force_delete_async(made).result(PATIENCE)
    finally:
        cloud.fake.settings.soft_delete = False
    assert gone(cloud, made.id)


def test_rebuild(vm: Any, image: Any) -> None:
    check(vm.rebuild_async(image.id), "server.rebuild", "ACTIVE")


def test_rebuild_of_a_stopped_server(vm: Any, image: Any) -> None:
    check(vm.stop_async(), "server.stop", "SHUTOFF")
    check(vm.rebuild_async(image.id), "server.rebuild", "SHUTOFF")
    check(vm.start_async(), "server.start", "ACTIVE")


def test_create_image(cloud: Cloud, vm: Any) -> None:
    future = vm.create_image_async("contract-image")
    assert future.result(PATIENCE) == future.sync_res == future.resource_id
    assert future.operation == "server.create_image"
    assert image_of(cloud, future.resource_id)["status"] == "active"
    future.undo().result(PATIENCE)
    assert image_of(cloud, future.resource_id)["status"] == "gone"


def test_backup(cloud: Cloud, vm: Any) -> None:
    future = vm.backup_async("contract-backup", "daily", 1)
    future.result(PATIENCE)
    assert future.operation == "server.backup"
    assert image_of(cloud, future.resource_id)["status"] == "active"
    future.undo().result(PATIENCE)
    assert image_of(cloud, future.resource_id)["status"] == "gone"


def test_create_image_of_a_server_with_a_volume(cloud: Cloud, image: Any, flavor: Any) -> None:
    mapping = [
        {
            "boot_index": 0,
            "uuid": image.id,
            "source_type": "image",
            "destination_type": "volume",
            "volume_size": 1,
            "delete_on_termination": True,
        }
    ]
    server = cloud.nova.servers.create_async(
        "contract-bfv", None, flavor.id, nics="none", block_device_mapping_v2=mapping
    )
    made = check(server, "server.create", "ACTIVE")
    future = made.create_image_async("contract-bfv")
    future.result(PATIENCE)
    assert future.operation == "server.create_image"
    snapshots = [
        each
        for each in cloud.cinder.volume_snapshots.list()
        if each.name == "snapshot for contract-bfv"
    ]
    assert [each.status for each in snapshots] == ["available"]
    future.undo().result(PATIENCE)
    for each in snapshots:
        each.delete_async().result(PATIENCE)
    server.undo().result(PATIENCE)


def test_stop_of_a_server_deleted_by_somebody_else_fails(
    cloud: Cloud, image: Any, flavor: Any
) -> None:
    servers = cloud.nova.servers
    made = servers.create_async("contract-away", image.id, flavor.id, nics="none").result(PATIENCE)
    made.delete()
    # Nova accepts or rejects the stop, depending on how far the delete is.
    with contextlib.suppress(*busy_or_gone()):
        future = made.stop_async()
        with pytest.raises(osf.OperationFailed):
            future.result(PATIENCE)
    assert cloud.nova.servers.delete_async_r(made.id).result(PATIENCE) is None


def busy_or_gone() -> tuple[type[BaseException], ...]:
    """Return the errors of novaclient for a busy server and for a missing server."""
    from novaclient.exceptions import Conflict, NotFound

    return Conflict, NotFound


def test_an_error_state_set_by_an_administrator_fails_a_shelve(
    cloud: Cloud, admin: Cloud, vm: Any
) -> None:
    server = admin.nova.servers.get(vm.id)
    future = vm.shelve_async()
    server.reset_state("error")
    with pytest.raises(osf.OperationFailed):
        future.result(PATIENCE)
    server.reset_state("active")
    vm.reboot_async("HARD").result(PATIENCE)
    shelved = "/images?name=contract-shelved"  # Nova deletes it at an unshelve only
    for each in cloud.api_client.send("GET", "image", shelved, None).json()["images"]:
        if each.get("instance_uuid") == vm.id:
            cloud.api_client.send("DELETE", "image", f"/images/{each['id']}", None)
