"""Copied stamps: copies are spared, and originals are found although they lost the stamp."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from pytest_osfutures.cleanup.cleanups import UNKNOWN_RESULT, clean_up_by_stamp, sweep_expired
from pytest_osfutures.cleanup.heartbeat import Heartbeat
from pytest_osfutures.cleanup.orphans import delete_step
from pytest_osfutures.cleanup.rows import NOT_OURS
from pytest_osfutures.cleanup.sweep import Sweep, SweepContext
from pytest_osfutures.fakecloud.shells.inprocess import session
from pytest_osfutures.operations import OWNED_TYPES
from pytest_osfutures.ownership.resource import is_ours, stamped_resource
from pytest_osfutures.ownership.stamping import stamp_by_id
from pytest_osfutures.stamp import OF, RESTORED, Stamp
from pytest_osfutures.transport.client import ApiClient
from tests.unit.cleanup.test_sweep import OTHER, RUN, World, stamp


@pytest.fixture
def world() -> Iterator[World]:
    """Return a new world, and close its ledger afterwards."""
    made = World()
    yield made
    made.ledger.close()


def backup(world: World, volume: str) -> str:
    """Create a backup of a volume and return its id."""
    world.clock.advance(60)
    asked = {"backup": {"volume_id": volume, "name": "safe"}}
    made = world.send("POST", "block-storage", "/backups", asked)["backup"]["id"]
    world.clock.advance(60)
    return str(made)


def restore(world: World, of: str, volume: str | None = None) -> str:
    """Restore a backup, to a new volume by default; return the volume's id."""
    world.clock.advance(60)
    asked = {"restore": {"volume_id": volume}}
    answer = world.send("POST", "block-storage", f"/backups/{of}/restore", asked)
    world.clock.advance(60)
    return str(answer["restore"]["volume_id"])


def volume(world: World, ident: str) -> dict[str, object]:
    """Return a volume as Cinder shows it."""
    shown: dict[str, object] = world.send("GET", "block-storage", f"/volumes/{ident}")["volume"]
    return shown


def test_restored_copies_stay_and_the_original_goes(world: World) -> None:
    mark_of_it = stamp()
    ours = world.volume(mark_of_it.metadata())
    world.noted("volume", mark_of_it, ours)
    safe = backup(world, ours)
    theirs = world.volume({"mine": "yes"})
    restored = [restore(world, safe), restore(world, safe, theirs)]
    for each in restored:
        metadata = volume(world, each)["metadata"]
        assert metadata == {**mark_of_it.metadata(), RESTORED: safe}
    assert Sweep(SweepContext(world.api_client, world.clock, print), lambda _: True).find() != []
    assert world.clean_up()
    assert clean_up_by_stamp(world.context, lambda _: True)
    assert world.left() == set(restored)


def test_copies_stay_after_expiry_and_a_renewed_stamp(world: World) -> None:
    old = stamp(expires=1)
    ours = world.volume(old.metadata())
    world.noted("volume", old, ours)
    world.clock.advance(60)
    stamp_by_id(world.api_client, world.ledger, "volume", ours)
    assert volume(world, ours)["metadata"] == {**old.metadata(), OF: ours} | {
        "osf_expires": str(old.expires)
    }
    copy = restore(world, backup(world, ours))
    assert sweep_expired(world.context, []) == {}
    assert world.left() == {copy}


def test_a_volume_with_a_foreign_stamp_is_found_by_id(world: World) -> None:
    others = world.volume(stamp(OTHER).metadata())
    safe = backup(world, others)
    own = stamp()
    ours = world.volume(own.metadata())
    world.noted("volume", own, ours)
    restore(world, safe, ours)
    assert Stamp.of(volume(world, ours)) is None
    assert world.clean_up()
    assert world.left() == {others}


def test_the_heartbeat_restores_an_overwritten_stamp(world: World) -> None:
    safe = backup(world, world.volume(stamp(OTHER).metadata()))
    own = stamp(expires=1)
    ours = world.volume(own.metadata())
    world.noted("volume", own, ours)
    restore(world, safe, ours)
    Heartbeat(world.context, world.ledger, 3600.0).beat()
    found = Stamp.of(volume(world, ours))
    assert found is not None
    assert (found.run, found.operation) == (RUN, own.operation)
    assert found.expires == world.ledger.rows("bound")[0].expires > own.expires
    assert world.notes == []


def test_a_volume_without_its_stamp_stays_with_a_note(world: World) -> None:
    own = stamp()
    ours = world.volume(own.metadata())
    world.noted("volume", own, ours)
    world.clock.advance(60)
    for key in own.metadata():
        world.send("DELETE", "block-storage", f"/volumes/{ours}/metadata/{key}")
    assert world.clean_up()
    assert world.left() == {ours}
    assert [note for note in world.notes if ours in note] == [f"volume ({ours}): {NOT_OURS}"]
    assert [row.note for row in world.ledger.rows("gone")] == [NOT_OURS]


def test_a_volume_of_an_interrupted_restore_goes_by_id(world: World) -> None:
    safe = backup(world, world.volume({}))
    record = world.ledger.record(own := stamp())
    record.intended("volume", None, stamped=False)
    made = restore(world, safe)
    record.bound(made)
    assert Stamp.of(volume(world, made)) is None
    assert world.clean_up()
    assert made not in world.left()
    assert own.run == RUN


def test_a_migration_target_is_left_to_cinder(world: World) -> None:
    """Administrators see the target of a migration, with the metadata of the source."""
    admin = ApiClient(session(world.cloud, "fake-admin"))
    own = stamp()
    asked = {"volume": {"size": 1, "name": "disk", "metadata": own.metadata()}}
    ours = admin.send("POST", "block-storage", "/volumes", asked).json()["volume"]["id"]
    world.clock.advance(60)
    retype = {"os-retype": {"new_type": "slow", "migration_policy": "on-demand"}}
    assert admin.send("POST", "block-storage", f"/volumes/{ours}/action", retype).ok
    world.clock.advance(1)
    sweep = Sweep(SweepContext(admin, world.clock, world.notes.append), lambda _: True)
    assert [each.id for each in sweep.find()] == [ours]
    assert [each.copy_of for each in sweep.copies] == [f"volume {ours}"]
    (target,) = sweep.copies
    assert delete_step(admin, target) == NOT_OURS
    everything = admin.send("GET", "block-storage", "/volumes/detail?all_tenants=1", None).json()
    assert len(everything["volumes"]) == 2
    assert sweep.remove(sweep.find()) == {}
    world.clock.advance(60)
    assert world.left() == set()


def test_copies_name_their_originals(world: World) -> None:
    ours = stamp()
    safe = backup(world, world.volume(ours.metadata()))
    copy = restore(world, safe)
    other = restore(world, backup(world, world.volume(stamp(OTHER).metadata())))
    sweep = Sweep(SweepContext(world.api_client, world.clock, print), lambda each: each.run == RUN)
    found = sweep.find()
    assert [(each.id, each.copy_of, each.stamp) for each in sweep.copies] == [
        (copy, f"backup {safe}", ours)
    ]
    assert copy not in [each.id for each in found]
    assert other not in [each.id for each in (*found, *sweep.copies)]
    sweep.find()
    assert len(sweep.copies) == 1


@pytest.mark.parametrize(
    ("properties", "copied"),
    [
        ({OF: "image-1"}, ""),
        ({OF: "server-1", "instance_uuid": "server-1"}, ""),
        ({OF: "image-0", "instance_uuid": "server-1"}, "image image-0"),
        ({OF: "image-0"}, "image image-0"),
        ({"instance_uuid": "server-1"}, "the image of server server-1"),
        ({}, ""),
    ],
)
def test_copied_stamps_of_images_are_recognised(properties: dict[str, str], copied: str) -> None:
    body = {"id": "image-1", "name": "i", "status": "active", **stamp().metadata(), **properties}
    found = stamped_resource(OWNED_TYPES["image"], body)
    assert found is not None
    assert found.copy_of == copied
    assert is_ours(replace(found, copy_of=""), body) == (not copied)


def test_a_restore_without_response_is_left_with_a_note(world: World) -> None:
    """Another user's restore of the same backup looks the same, so neither is deleted."""
    ours = stamp()
    api_client = world.volume(ours.metadata())
    world.noted("volume", ours, api_client)
    safe, own = backup(world, api_client), stamp()
    world.ledger.record(own).intended("volume", None, stamped=False)
    made = restore(world, safe)
    assert world.clean_up()
    assert world.left() == {made}
    said = f"volume of operation {own.operation}: {UNKNOWN_RESULT}"
    assert [note for note in world.notes if "cut off" in note] == [said]
    notes = {row.operation: row.note for row in world.ledger.rows("gone")}
    assert notes == {ours.operation: None, own.operation: UNKNOWN_RESULT}


def test_the_key_of_restored_volumes_is_free_for_servers() -> None:
    own = stamp()
    assert Stamp.of({"id": "s", "metadata": {**own.metadata(), RESTORED: "b"}}) == own


@pytest.mark.parametrize("mark", [{}, stamp(OTHER).metadata()])
def test_a_volume_goes_after_its_restore_has_ended(world: World, mark: dict[str, str]) -> None:
    safe, ours = backup(world, world.volume(mark)), stamp()
    ident = world.volume(ours.metadata())
    world.noted("volume", ours, ident)
    world.clock.advance(60)
    request = {"restore": {"volume_id": ident}}
    world.send("POST", "block-storage", f"/backups/{safe}/restore", request)
    assert world.clean_up()
    assert ident not in world.left()


def test_a_volume_with_half_replaced_metadata_goes(world: World) -> None:
    safe, ours = backup(world, world.volume({})), stamp()
    ident = world.volume(ours.metadata())
    world.noted("volume", ours, ident)
    world.clock.advance(60)
    request = {"restore": {"volume_id": ident}}
    world.send("POST", "block-storage", f"/backups/{safe}/restore", request)
    metadata = {"volume": {"metadata": stamp(OTHER).metadata()}}
    world.send("PUT", "block-storage", f"/volumes/{ident}", metadata)
    assert world.clean_up()
    assert ident not in world.left()
