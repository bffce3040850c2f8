"""Tell copies of a resource, which carry the stamp of their original, from the original."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from cinderclient.exceptions import NotFound

from pytest_osfutures.cleanup.cleanups import clean_up
from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.cleanup.orphans import list_stamped
from pytest_osfutures.cleanup.rows import NOT_OURS
from pytest_osfutures.cleanup.sweep import SweepContext
from pytest_osfutures.clock import SystemClock
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.operations import OWNED_TYPES
from pytest_osfutures.ownership.children import VOLUMES
from pytest_osfutures.ownership.resource import StampedResource
from pytest_osfutures.ownership.stamping import resource_of_row
from pytest_osfutures.stamp import OF, RESTORED, Stamp, new_id
from tests.contract.conftest import PATIENCE, image_of

#: Pairs of volume types on different backends: of the fake, and of the test installation.
BACKENDS = (("fast", "slow"), ("file1", "file2"))


class Run:
    """A test run with its own id and ledger in the cloud under test."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = Cloud(cloud.name, cloud.session, fake=cloud.fake)
        self.ledger = Ledger(None, new_id())
        self.cloud.settings = replace(
            self.cloud.settings, run=self.ledger.run, ledger=self.ledger, stamp=True
        )

    def ids(self, kind: str) -> set[str]:
        """Return the ids of the resources of a type that carry the run's stamp."""
        return {each.id for each in self.found(kind, [])}

    def found(self, kind: str, copies: list[StampedResource]) -> list[StampedResource]:
        """Return the resources of a type that carry the run's stamp; add copies to `copies`."""
        found = list_stamped(self.cloud.api_client, OWNED_TYPES[kind])
        copies += [each for each in found if each.copy_of]
        return [each for each in found if each.stamp.run == self.cloud.run and not each.copy_of]

    def wait(self, holds: Callable[[], bool]) -> None:
        """Wait until `holds` returns True."""
        end = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.05)

    def clean_up(self) -> bool:
        """Delete the resources of the run as the reaper does."""
        return clean_up(
            SweepContext(self.cloud.api_client, SystemClock(), print),
            self.ledger,
            persist_seconds=0.0,
        )


@pytest.fixture
def runs(cloud: Cloud) -> Iterator[tuple[Run, Run]]:
    """Yield two runs in the same project."""
    both = Run(cloud), Run(cloud)
    yield both
    for each in both:
        assert each.clean_up()
        each.ledger.close()


@pytest.fixture
def plain(cloud: Cloud) -> Iterator[Callable[..., Any]]:
    """Yield a function that registers a user's own volume for deletion at the end."""
    made: list[Any] = []

    def own(volume: Any) -> Any:
        made.append(volume)
        return volume

    yield own
    for each in made:
        cloud.cinder.volumes.delete_async(each.id).result(PATIENCE)


def test_a_restored_volume_belongs_to_the_run_that_restored_it(
    runs: tuple[Run, Run], cloud: Cloud, plain: Callable[..., Any]
) -> None:
    first, second = runs
    original = first.cloud.cinder.volumes.create_async(1, name="contract").result(PATIENCE)
    safe = first.cloud.cinder.backups.create_async(original.id, name="contract").result(PATIENCE)
    theirs = plain(cloud.cinder.volumes.create(1, name="theirs", metadata={"mine": "yes"}))
    first.wait(lambda: cloud.cinder.volumes.get(theirs.id).status == "available")
    cloud.cinder.restores.restore(safe.id, volume_id=theirs.id)
    first.wait(lambda: cloud.cinder.backups.get(safe.id).status == "available")
    theirs = cloud.cinder.volumes.get(theirs.id)
    assert theirs.metadata == {**original.metadata, RESTORED: safe.id}
    assert theirs.name == "theirs"
    assert Stamp.of(theirs.to_dict()) is None
    assert first.ids("volume") == {original.id}
    # A volume that another run restores belongs to that run, by either way to restore.
    restored = second.cloud.cinder.restores.restore_async(safe.id).result(PATIENCE)
    assert restored.name == "contract"
    second.wait(lambda: second.ids("volume") == {restored.id})
    again = second.cloud.cinder.volumes.create_async(1, name="again", backup_id=safe.id)
    ident = again.result(PATIENCE).id
    second.wait(lambda: second.ids("volume") == {restored.id, ident})
    assert cloud.cinder.volumes.get(ident).metadata[OF] == ident
    assert second.clean_up()
    assert second.ids("volume") == set()
    assert first.ids("volume") == {original.id}
    assert first.clean_up()
    assert cloud.cinder.volumes.get(theirs.id).status == "available"


def test_clones_and_snapshots_of_a_volume_have_no_stamp(
    runs: tuple[Run, Run], cloud: Cloud, plain: Callable[..., Any]
) -> None:
    first, _ = runs
    cinder = first.cloud.cinder
    original = cinder.volumes.create_async(1, name="contract").result(PATIENCE)
    snapshot = cinder.volume_snapshots.create_async(original.id).result(PATIENCE)
    clone = plain(cloud.cinder.volumes.create(1, source_volid=original.id))
    child = plain(cloud.cinder.volumes.create(1, snapshot_id=snapshot.id))
    volumes = cloud.cinder.volumes
    first.wait(lambda: {volumes.get(each.id).status for each in (clone, child)} == {"available"})
    assert [volumes.get(each.id).metadata for each in (clone, child)] == [{}, {}]
    bare = cloud.cinder.volume_snapshots.create(original.id)
    first.wait(lambda: cloud.cinder.volume_snapshots.get(bare.id).status == "available")
    assert cloud.cinder.volume_snapshots.get(bare.id).metadata == {}
    cloud.cinder.volume_snapshots.delete_async(bare.id).result(PATIENCE)


def test_images_of_servers_and_volumes_carry_their_own_id(
    runs: tuple[Run, Run], vm: Any, volume: Any
) -> None:
    first, _ = runs
    image = first.cloud.nova.servers.create_image_async(vm, "contract").result(PATIENCE)
    ident = image if isinstance(image, str) else image.id
    first.wait(lambda: image_of(first.cloud, ident).get(OF) == ident)
    upload = first.cloud.cinder.volumes.upload_to_image_async(
        volume.id, False, "contract", "bare", "raw", "private", False
    )
    upload.result(PATIENCE)
    rows = [row for row in first.ledger.rows("bound") if row.kind == "image"]
    assert len(rows) == 2
    first.wait(lambda: first.ids("image") == {str(row.id) for row in rows})
    assert all(resource_of_row(first.ledger, row).in_ledger for row in rows)
    assert first.clean_up()
    assert [image_of(first.cloud, row.id)["status"] for row in rows] == ["gone", "gone"]


def test_children_that_nova_creates_are_deleted_with_their_parent(
    runs: tuple[Run, Run], image: Any, flavor: Any, plain: Callable[..., Any]
) -> None:
    first, second = runs
    nova, common = first.cloud.nova, {"destination_type": "volume", "volume_size": 1}
    disks = [
        {**common, "source_type": "image", "uuid": image.id, "boot_index": 0},
        {**common, "source_type": "blank", "boot_index": -1},
    ]
    server = nova.servers.create_async(
        "contract", None, flavor, nics="none", block_device_mapping_v2=disks
    ).result(PATIENCE)
    first.wait(lambda: len(first.ids("volume")) == 2)
    theirs = plain(first.cloud.cinder.volumes.create(1, name="", description=""))
    first.wait(lambda: first.cloud.cinder.volumes.get(theirs.id).status == "available")
    nova.volumes.create_server_volume_async(server.id, theirs.id).result(PATIENCE)
    made = second.cloud.nova.servers.create_image_async(server, "contract").result(PATIENCE)
    ident = made if isinstance(made, str) else made.id
    disks = json.loads(image_of(first.cloud, ident)["block_device_mapping"])
    assert len(disks) == 3  # createImage also snapshots the attached volume
    second.wait(lambda: second.ids("snapshot") == {each["snapshot_id"] for each in disks})
    assert image_of(first.cloud, ident)["size"] in (0, None)
    assert second.clean_up()
    assert (second.ids("snapshot"), second.ids("image")) == (set(), set())
    assert first.clean_up()
    assert (first.ids("server"), first.ids("volume")) == (set(), set())
    assert first.cloud.cinder.volumes.get(theirs.id).status == "available"


ROOT = {"source_type": "image", "destination_type": "volume", "volume_size": 1, "boot_index": 0}


@pytest.mark.parametrize("trigger", ["fail-spawn", "fail-spawn-everywhere"])
def test_the_volume_of_a_server_that_fails_to_build_is_deleted(
    trigger: str, runs: tuple[Run, Run], image: Any, flavor: Any
) -> None:
    """Boot from an image without bytes: the create request then names no volume."""
    first, second = runs
    servers = first.cloud.nova.servers
    disks = [{**ROOT, "uuid": image.id}]
    built = servers.create_async(
        "contract", None, flavor, nics="none", block_device_mapping_v2=disks
    ).result(PATIENCE)
    made = servers.create_image_async(built, "contract").result(PATIENCE)
    empty = made if isinstance(made, str) else made.id
    first.wait(lambda: image_of(first.cloud, empty)["status"] == "active")
    assert image_of(first.cloud, empty)["size"] in (0, None)
    meta = {"realcloud": trigger}
    future = second.cloud.nova.servers.create_async(
        "contract", empty, flavor, meta=meta, nics="none"
    )
    assert future.exception(PATIENCE) is not None
    (disk,) = second.cloud.nova.servers.get(str(future.resource_id)).to_dict()[VOLUMES]
    assert second.cloud.cinder.volumes.get(disk["id"]).status == "available"
    future.undo().result(PATIENCE)
    assert second.ids("server") == set()
    assert second.clean_up()
    with pytest.raises(NotFound):
        second.cloud.cinder.volumes.get(disk["id"])


def test_volumes_of_servers_of_one_request_are_deleted_with_them(
    runs: tuple[Run, Run], image: Any, flavor: Any
) -> None:
    first, _ = runs
    future = first.cloud.nova.servers.create_async(
        "contract",
        None,
        flavor,
        nics="none",
        min_count=2,
        block_device_mapping_v2=[{**ROOT, "uuid": image.id}],
    )
    servers = future.result(PATIENCE)
    first.wait(lambda: len(first.ids("volume")) == 2)
    volumes = {disk["id"] for each in servers for disk in each.to_dict()[VOLUMES]}
    assert first.ids("volume") == volumes
    rows = [row for row in first.ledger.rows("bound") if row.kind == "volume"]
    assert {row.id for row in rows} == volumes
    future.undo().result(PATIENCE)
    assert first.ids("server") == set()
    assert first.clean_up()
    assert first.ids("volume") == set()


def test_the_target_volume_of_a_migration_is_left_to_cinder(admin: Cloud) -> None:
    names = {each.name for each in admin.cinder.volume_types.list()}
    old, new = next((pair for pair in BACKENDS if {*pair} <= names), ("", ""))
    if not new:
        pytest.skip("no two volume types of different backends are known for this cloud")
    run = Run(admin)
    try:
        volumes = run.cloud.cinder.volumes
        volume = volumes.create_async(1, name="contract", volume_type=old).result(PATIENCE)
        copies: list[StampedResource] = []
        for target in (new, old) * 5:  # until a read falls into a migration, which may be quick
            moved = volumes.retype_async(volume.id, target, "on-demand")
            while not moved.done():
                others = run.found("volume", copies)
                others = [each for each in others if each.id != volume.id]
                assert {each.status for each in others} <= {"deleting"}
            assert moved.result(0).volume_type == target
            if copies:
                break
        assert {each.copy_of for each in copies} == {f"volume {volume.id}"}
        assert volume.id not in {each.id for each in copies}
    finally:
        assert run.clean_up()
        assert run.ids("volume") == set()
        run.ledger.close()


def test_a_transferred_volume_keeps_its_stamp_and_is_not_deleted(
    runs: tuple[Run, Run], admin: Cloud
) -> None:
    first, _ = runs
    volume = first.cloud.cinder.volumes.create_async(1, name="contract").result(PATIENCE)
    offer = first.cloud.cinder.transfers.create(volume.id)
    admin.cinder.transfers.accept(offer.id, offer.auth_key)
    first.wait(lambda: admin.cinder.volumes.get(volume.id).status == "available")
    assert first.ids("volume") == set()
    assert first.clean_up()
    taken = admin.cinder.volumes.get(volume.id)
    assert (taken.status, taken.metadata) == ("available", volume.metadata)
    admin.cinder.volumes.delete_async(volume.id).result(PATIENCE)


def test_a_server_rebuilt_with_other_metadata_is_left_alone(
    runs: tuple[Run, Run], image: Any, flavor: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    first, _ = runs
    servers = first.cloud.nova.servers
    server = servers.create_async("contract", image, flavor, nics="none").result(PATIENCE)
    assert servers.rebuild_async(server, image).result(PATIENCE).metadata == server.metadata
    rebuilt = servers.rebuild_async(server, image, meta={"mine": "yes"}).result(PATIENCE)
    assert rebuilt.metadata == {"mine": "yes"}
    assert first.clean_up()
    assert f"server contract ({server.id}): {NOT_OURS}" in capsys.readouterr().out
    assert servers.get(server.id).status == "ACTIVE"
    servers.delete_async(server).result(PATIENCE)
