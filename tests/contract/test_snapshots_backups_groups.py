"""Snapshots, backups and groups of volumes (docs/operations.md#snapshot-create)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.cloud import Cloud
from tests.contract.conftest import PATIENCE
from tests.contract.test_volumes import check, ended, type_of

Made = Callable[[Any], Any]


def test_snapshot_create_and_delete(cloud: Cloud, volume: Any) -> None:
    future = cloud.cinder.volume_snapshots.create_async(volume.id, name="contract")
    done = check(future, "snapshot.create")
    ended(done.delete_async(), "snapshot.delete")


def test_snapshot_force_delete(cloud: Cloud, admin: Cloud, volume: Any) -> None:
    made = cloud.cinder.volume_snapshots.create_async(volume.id).result(PATIENCE)
    future = admin.cinder.volume_snapshots.delete_async(made.id, force=True)
    ended(future, "snapshot.force_delete")


def test_snapshot_unmanage_and_manage(cloud: Cloud, admin: Cloud, volume: Any) -> None:
    snapshots = admin.cinder.volume_snapshots
    made = cloud.cinder.volume_snapshots.create_async(volume.id).result(PATIENCE)
    ended(snapshots.unmanage_async(made.id), "snapshot.unmanage")
    future = snapshots.manage_async(volume.id, {"source-name": f"snapshot-{made.id}"})
    try:
        done = check(future, "snapshot.manage")
    except osf.ObjectCreationError as error:
        pytest.skip(f"the cloud's driver cannot manage snapshots: {error.why}")
    finally:
        snapshots.delete_async(future.sync_res.id, force=True).result(PATIENCE)
    assert done


@pytest.fixture(scope="module")
def backup(cloud: Cloud, volume: Any, made: Made) -> Any:
    """Return a backup of the module's volume."""
    return made(cloud.cinder.backups.create_async(volume.id, name="contract"))


def test_backup_create_and_delete(cloud: Cloud, volume: Any) -> None:
    future = cloud.cinder.backups.create_async(volume.id, name="contract-backup")
    done = check(future, "backup.create")
    assert cloud.cinder.volumes.get(volume.id).status == "available"
    ended(done.delete_async(), "backup.delete")


def test_backup_force_delete(cloud: Cloud, admin: Cloud, volume: Any) -> None:
    made = cloud.cinder.backups.create_async(volume.id).result(PATIENCE)
    ended(admin.cinder.backups.delete_async(made.id, force=True), "backup.force_delete")


def test_restore_to_a_new_volume(cloud: Cloud, backup: Any) -> None:
    future = cloud.cinder.restores.restore_async(backup.id)
    restored = future.result(PATIENCE)
    assert future.operation == "backup.restore"
    assert cloud.cinder.volumes.get(restored.id).status == "available"
    future.undo().result(PATIENCE)
    assert cloud.cinder.backups.get(backup.id).status == "available"


def test_restore_to_an_existing_volume_has_no_undo(cloud: Cloud, backup: Any, volume: Any) -> None:
    future = cloud.cinder.restores.restore_async(backup.id, volume_id=volume.id)
    future.result(PATIENCE)
    assert future.resource_id == volume.id
    with pytest.raises(osf.InvalidArgument):
        future.undo()


def test_create_from_backup(cloud: Cloud, backup: Any) -> None:
    future = cloud.cinder.volumes.create_async(1, backup_id=backup.id)
    check(future, "volume.create")
    future.undo().result(PATIENCE)


def test_export_and_import_of_a_backup(cloud: Cloud, admin: Cloud, volume: Any) -> None:
    made = cloud.cinder.backups.create_async(volume.id, name="contract-export").result(PATIENCE)
    record = admin.cinder.backups.export_record(made.id)
    cloud.cinder.backups.delete_async(made.id).result(PATIENCE)
    future = admin.cinder.backups.import_record_async(**record)
    check(future, "backup.import")
    future.undo().result(PATIENCE)


def test_reset_of_a_backup(cloud: Cloud, admin: Cloud, backup: Any) -> None:
    for status in ("error", "available"):
        future = admin.cinder.backups.reset_state_async(backup.id, status)
        assert future.result(PATIENCE).status == status
        assert future.operation == "backup.reset_state"


@pytest.fixture(scope="module")
def group_type(cloud: Cloud, admin: Cloud) -> Iterator[Any]:
    """Yield a group type whose volumes are snapshotted one by one."""
    made = admin.cinder.group_types.create(f"contract-{cloud.run}")
    made.set_keys({"consistent_group_snapshot_enabled": "<is> False"})
    yield made
    admin.cinder.group_types.delete(made.id)


@pytest.fixture(scope="module")
def group(cloud: Cloud, group_type: Any, volume: Any) -> Iterator[Any]:
    """Yield a group for volumes of the same type as the module's volume."""
    kind = type_of(cloud, volume)
    future = cloud.cinder.groups.create_async(group_type.id, kind.id, name="contract")
    yield check(future, "group.create")
    ended(cloud.cinder.groups.delete_async(future.resource_id, True), "group.delete")


def test_group_update(cloud: Cloud, group: Any, volume: Any) -> None:
    groups = cloud.cinder.groups
    future = groups.update_async(group.id, add_volumes=volume.id)
    check(future, "group.update")
    check(groups.update_async(group.id, remove_volumes=volume.id), "group.update")
    renamed = groups.update_async(group.id, description="nothing to wait for")
    renamed.result(PATIENCE)
    assert renamed.operation == "PUT block-storage /groups/{id}"  # no row matches


def test_group_snapshot_and_group_from_it(cloud: Cloud, group: Any, volume: Any) -> None:
    cloud.cinder.groups.update_async(group.id, add_volumes=volume.id).result(PATIENCE)
    snapshots = cloud.cinder.group_snapshots
    try:
        future = snapshots.create_async(group.id, name="contract")
        made = check(future, "group_snapshot.create")
        copy = cloud.cinder.groups.create_from_src_async(made.id, None, name="contract-copy")
        check(copy, "group.create_from_src")
        copy.undo().result(PATIENCE)
        ended(snapshots.delete_async(made.id), "group_snapshot.delete")
    finally:
        cloud.cinder.groups.update_async(group.id, remove_volumes=volume.id).result(PATIENCE)


@pytest.mark.only_fake("it needs two backends of which one replicates the other")
def test_replication_of_a_group(cloud: Cloud, admin: Cloud) -> None:
    kind = admin.cinder.group_types.create(f"contract-replicated-{cloud.run}")
    kind.set_keys({"consistent_group_replication_enabled": "<is> True"})
    replicated = admin.cinder.volume_types.create(f"contract-replicated-{cloud.run}")
    replicated.set_keys({"replication_enabled": "<is> True"})
    groups = admin.cinder.groups
    group = groups.create_async(kind.id, replicated.id).result(PATIENCE)
    for call, operation, status in (
        (groups.enable_replication_async, "group.enable_replication", "enabled"),
        (groups.disable_replication_async, "group.disable_replication", "disabled"),
        (groups.enable_replication_async, "group.enable_replication", "enabled"),
        (groups.failover_replication_async, "group.failover_replication", "failed-over"),
    ):
        future = call(group.id)
        assert future.result(PATIENCE).replication_status == status
        assert future.operation == operation
    groups.delete_async(group.id, True).result(PATIENCE)
    admin.cinder.group_types.delete(kind.id)
    admin.cinder.volume_types.delete(replicated.id)
