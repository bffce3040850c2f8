"""Create, change, attach, transfer and delete volumes (docs/operations.md#volume-create)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.fakecloud.kernel.faults import Fault
from tests.contract.conftest import PATIENCE, image_of

Made = Callable[[Any], Any]


def check(future: Any, operation: str, status: str = "available") -> Any:
    """Check that the future's result is the resource in that status, and return the resource."""
    done = future.result(PATIENCE)
    assert future.operation == operation
    assert done.id == future.resource_id
    assert done.status == status
    return done


def ended(future: Any, operation: str) -> None:
    """Check that the future of a deletion has the result None."""
    assert future.result(PATIENCE) is None
    assert future.operation == operation


@pytest.fixture(scope="module")
def snapshot(cloud: Cloud, volume: Any, made: Made) -> Any:
    """Return a snapshot of the module's volume."""
    return made(cloud.cinder.volume_snapshots.create_async(volume.id, name="contract"))


@pytest.fixture
def other(cloud: Cloud) -> Iterator[Any]:
    """Yield a volume that the test may leave in any state."""
    volume = cloud.cinder.volumes.create_async(1, name="contract-other").result(PATIENCE)
    yield volume
    cloud.cinder.volumes.delete_async_r(volume.id).result(PATIENCE)


def test_create_and_delete(cloud: Cloud) -> None:
    future = cloud.cinder.volumes.create_async(1, name="contract-blank")
    done = check(future, "volume.create")
    assert (done.name, done.size) == ("contract-blank", 1)
    ended(done.delete_async(), "volume.delete")


def test_create_from_image(cloud: Cloud, image: Any) -> None:
    future = cloud.cinder.volumes.create_async(1, name="contract-image", imageRef=image.id)
    done = check(future, "volume.create")
    assert done.bootable == "true"
    future.undo().result(PATIENCE)


def test_create_from_snapshot(cloud: Cloud, snapshot: Any) -> None:
    future = cloud.cinder.volumes.create_async(1, snapshot_id=snapshot.id)
    check(future, "volume.create")
    future.undo().result(PATIENCE)


def test_create_from_volume(cloud: Cloud, volume: Any) -> None:
    future = cloud.cinder.volumes.create_async(1, source_volid=volume.id)
    check(future, "volume.create")
    future.undo().result(PATIENCE)


def test_create_that_no_backend_accepts(cloud: Cloud, admin: Cloud) -> None:
    kind = admin.cinder.volume_types.create(f"contract-none-{cloud.run}")
    kind.set_keys({"volume_backend_name": "there is none"})
    future = cloud.cinder.volumes.create_async(1, name="contract-none", volume_type=kind.name)
    with pytest.raises(osf.ObjectCreationError) as caught:
        future.result(PATIENCE)
    assert caught.value.status == "error"
    assert any("backend" in text for text in caught.value.messages)
    future.undo().result(PATIENCE)
    admin.cinder.volume_types.delete(kind.id)


def test_delete_with_snapshots(cloud: Cloud) -> None:
    volume = cloud.cinder.volumes.create_async(1, name="contract-cascade").result(PATIENCE)
    cloud.cinder.volume_snapshots.create_async(volume.id).result(PATIENCE)
    ended(volume.delete_async(cascade=True), "volume.delete")


def test_force_delete(cloud: Cloud, admin: Cloud) -> None:
    volume = cloud.cinder.volumes.create_async(1, name="contract-force").result(PATIENCE)
    ended(admin.cinder.volumes.force_delete_async(volume.id), "volume.force_delete")


def test_extend(cloud: Cloud, other: Any) -> None:
    assert check(cloud.cinder.volumes.extend_async(other, 2), "volume.extend").size == 2


def test_upload_to_image(cloud: Cloud, volume: Any) -> None:
    future = volume.upload_to_image_async(False, "contract-upload", "bare", "raw")
    future.result(PATIENCE)
    assert future.operation == "volume.upload_to_image"
    assert image_of(cloud, future.resource_id)["status"] == "active"
    assert cloud.cinder.volumes.get(volume.id).status == "available"
    future.undo().result(PATIENCE)


def type_of(cloud: Cloud, volume: Any) -> Any:
    """Return the volume's type."""
    known = cloud.cinder.volume_types.list()
    return next(each for each in known if each.name == volume.volume_type)


def types(cloud: Cloud, volume: Any) -> Iterator[Any]:
    """Return the types that the volume can be retyped to."""
    return (
        each
        for each in cloud.cinder.volume_types.list()
        if each.name != volume.volume_type and not each.name.startswith(("__", "contract"))
    )


def test_retype_by_name_and_by_id(cloud: Cloud, other: Any) -> None:
    volumes = cloud.cinder.volumes
    here = type_of(cloud, other)
    wanted = next(types(cloud, other), None)
    if wanted is None:
        pytest.skip("the cloud has only one volume type")
    done = check(volumes.retype_async(other.id, wanted.name, "on-demand"), "volume.retype")
    assert done.volume_type == wanted.name
    done = check(volumes.retype_async(other.id, here.id, "on-demand"), "volume.retype")
    assert done.volume_type == here.name


def test_retype_that_falls_back_to_the_old_type_fails(
    cloud: Cloud, admin: Cloud, other: Any
) -> None:
    kind = admin.cinder.volume_types.create(f"contract-retype-{cloud.run}")
    kind.set_keys({"volume_backend_name": "there is none"})
    future = cloud.cinder.volumes.retype_async(other.id, kind.name, "on-demand")
    with pytest.raises(osf.OperationFailed) as caught:
        future.result(PATIENCE)
    assert caught.value.status == "available"
    admin.cinder.volume_types.delete(kind.id)


def hosts(admin: Cloud, volume: Any) -> list[str]:
    """Return the other hosts that Cinder's scheduler knows for volumes."""
    here = getattr(admin.cinder.volumes.get(volume.id), "os-vol-host-attr:host")
    return [each.name for each in admin.cinder.pools.list() if each.name != here]


def test_migrate(cloud: Cloud, admin: Cloud) -> None:
    kinds = [each for each in admin.cinder.volume_types.list() if not each.extra_specs]
    if not kinds:
        pytest.skip("the cloud has no volume type that every backend takes")
    created = cloud.cinder.volumes.create_async(
        1, name="contract-migrate", volume_type=kinds[0].name
    )
    volume = created.result(PATIENCE)
    elsewhere = hosts(admin, volume)
    if elsewhere:
        future = admin.cinder.volumes.migrate_volume_async(volume.id, elsewhere[0], True, False)
        done = check(future, "volume.migrate")
        assert getattr(done, "os-vol-host-attr:host") == elsewhere[0]
    created.undo().result(PATIENCE)
    if not elsewhere:
        pytest.skip("the cloud has only one pool of volumes")


def test_migrate_to_a_backend_that_refuses_the_volume(
    cloud: Cloud, admin: Cloud, other: Any
) -> None:
    specs = next(
        each.extra_specs
        for each in admin.cinder.volume_types.list()
        if each.name == other.volume_type
    )
    elsewhere = hosts(admin, other)
    if not elsewhere or "volume_backend_name" not in specs:
        pytest.skip("the cloud has no backend that refuses the volume")
    future = admin.cinder.volumes.migrate_volume_async(other.id, elsewhere[0], True, False)
    with pytest.raises(osf.OperationFailed, match="migration_status error"):
        future.result(PATIENCE)


def test_revert_to_snapshot(cloud: Cloud, volume: Any, snapshot: Any) -> None:
    newest = max(
        cloud.cinder.volume_snapshots.list(search_opts={"volume_id": volume.id}),
        key=lambda each: str(each.created_at),
    )
    future = cloud.cinder.volumes.revert_to_snapshot_async(volume, newest)
    check(future, "volume.revert_to_snapshot")


def test_reimage(cloud: Cloud, other: Any, image: Any) -> None:
    check(cloud.cinder.volumes.reimage_async(other.id, image.id), "volume.reimage")


def test_unmanage(cloud: Cloud, admin: Cloud) -> None:
    volume = cloud.cinder.volumes.create_async(1, name="contract-unmanage").result(PATIENCE)
    ended(admin.cinder.volumes.unmanage_async(volume.id), "volume.unmanage")


@pytest.mark.only_fake("few drivers can take over a volume")
def test_manage(cloud: Cloud, admin: Cloud) -> None:
    volume = cloud.cinder.volumes.create_async(1, name="contract-manage").result(PATIENCE)
    where = getattr(admin.cinder.volumes.get(volume.id), "os-vol-host-attr:host")
    ended(admin.cinder.volumes.unmanage_async(volume.id), "volume.unmanage")
    reference = {"source-name": f"volume-{volume.id}"}
    future = admin.cinder.volumes.manage_async(where, reference, name="contract-managed")
    done = check(future, "volume.manage")
    ended(done.delete_async(), "volume.delete")


def test_manage_of_a_missing_volume_fails(cloud: Cloud, admin: Cloud, other: Any) -> None:
    if cloud.fake is not None:  # the fake has no backend in which a volume could be missing
        cloud.fake.faults.add(Fault("error", operation="volume.manage", count=1))
    where = getattr(admin.cinder.volumes.get(other.id), "os-vol-host-attr:host")
    future = admin.cinder.volumes.manage_async(where, {"source-name": "nothing"})
    with pytest.raises(osf.ObjectCreationError) as caught:
        future.result(PATIENCE)
    assert str(caught.value.status).startswith("error")
    admin.cinder.volumes.force_delete_async(future.sync_res.id).result(PATIENCE)


def test_attachments(cloud: Cloud, admin: Cloud, vm: Any, other: Any) -> None:
    attachments = admin.cinder.attachments
    future = attachments.create_async(other.id, None, vm.id)
    made = future.result(PATIENCE)
    assert future.operation == "attachment.create"
    ident = future.resource_id
    assert ident
    connector = {"host": "contract", "ip": "127.0.0.1", "mountpoint": "/dev/vdz"}
    updated = attachments.update_async(ident, connector)
    updated.result(PATIENCE)
    assert updated.operation == "attachment.update"
    complete = attachments.complete_async(ident)
    complete.result(PATIENCE)
    assert complete.operation == "attachment.complete"
    assert cloud.cinder.volumes.get(other.id).status == "in-use"
    ended(attachments.delete_async(ident), "attachment.delete")
    assert cloud.cinder.volumes.get(other.id).status == "available"
    assert made


def test_attach_and_detach_without_nova(cloud: Cloud, vm: Any, other: Any) -> None:
    volumes = cloud.cinder.volumes
    check(volumes.attach_async(other.id, vm.id, "/dev/vdz", "rw"), "volume.attach", "in-use")
    volumes.begin_detaching(other.id)
    check(volumes.detach_async(other.id), "volume.detach")


def test_transfer(cloud: Cloud, admin: Cloud, other: Any) -> None:
    future = cloud.cinder.transfers.create_async(other.id, name="contract")
    check_transfer = future.result(PATIENCE)
    assert future.operation == "transfer.create"
    assert cloud.cinder.volumes.get(other.id).status == "awaiting-transfer"
    plain = future.sync_res
    accepted = admin.cinder.transfers.accept_async(plain.id, plain.auth_key)
    accepted.result(PATIENCE)
    assert accepted.operation == "transfer.accept"
    back = admin.cinder.transfers.create_async(other.id)
    back.result(PATIENCE)
    plain = back.sync_res
    cloud.cinder.transfers.accept_async(plain.id, plain.auth_key).result(PATIENCE)
    assert cloud.cinder.volumes.get(other.id).status == "available"
    assert check_transfer


def test_undo_of_a_transfer(cloud: Cloud, other: Any) -> None:
    future = cloud.cinder.transfers.create_async(other.id)
    future.result(PATIENCE)
    future.undo().result(PATIENCE)
    assert cloud.cinder.volumes.get(other.id).status == "available"


def test_async_r_waits_until_a_busy_volume_is_idle(cloud: Cloud) -> None:
    future = cloud.cinder.volumes.create_async(1, name="contract-busy")
    extended = cloud.cinder.volumes.extend_async_r(future.sync_res.id, 2)
    assert extended.result(PATIENCE).size == 2
    future.result(PATIENCE).delete_async().result(PATIENCE)
