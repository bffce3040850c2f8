"""Which states volumes, snapshots and backups pass, and how each operation fails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pytest_osfutures.fakecloud import Fault
from tests.fakecloud.asking import Asker
from tests.fakecloud.asking_cinder import Cinder

SERVER = "11111111-1111-4111-8111-111111111111"


@pytest.fixture
def cinder(demo: Asker) -> Cinder:
    """Cinder as the plain member."""
    return Cinder(demo)


@pytest.fixture
def boss(admin: Asker) -> Cinder:
    """Cinder as an administrator."""
    return Cinder(admin)


def fail(cinder: Cinder, operation: str, effect: str = "error", **more: Any) -> None:
    cinder.cloud.faults.add(Fault(effect, operation=operation, count=1, **more))


def test_create(cinder: Cinder) -> None:
    volume = cinder.make("volume", size=1)
    assert cinder.statuses("volume", volume) == ["creating", "available"]


def test_create_from_image(cinder: Cinder) -> None:
    volume = cinder.make("volume", size=1, imageRef=cinder.asker.image())
    assert cinder.statuses("volume", volume) == ["creating", "downloading", "available"]
    shown = cinder.show("volume", volume)
    assert shown["bootable"] == "true"
    assert shown["volume_image_metadata"]["image_name"] == "tiny"


@pytest.mark.parametrize("source", ["snapshot", "source_volid", "backup"])
def test_create_from_something(cinder: Cinder, source: str) -> None:
    first = cinder.volume(size=2, imageRef=cinder.asker.image())
    makers: dict[str, Callable[[str], str]] = {
        "snapshot": cinder.snapshot,
        "backup": cinder.backup,
        "source_volid": str,
    }
    made = makers[source]
    key = source if source == "source_volid" else f"{source}_id"
    volume = cinder.make("volume", **{key: made(first)})
    assert cinder.statuses("volume", volume) == ["creating", "available"]
    assert cinder.show("volume", volume)["size"] == 2


def test_create_from_backup_shows_on_the_backup(cinder: Cinder) -> None:
    backup = cinder.backup(cinder.volume())
    cinder.make("volume", backup_id=backup)
    assert cinder.statuses("backup", backup) == ["available", "restoring", "available"]


def test_create_fails_in_the_driver(cinder: Cinder) -> None:
    fail(cinder, "volume.create")
    volume = cinder.make("volume", size=1)
    assert cinder.statuses("volume", volume) == ["creating", "error"]
    text = "create volume from backend storage:Driver failed to create the volume."
    assert cinder.told(volume) == [("VOLUME_VOLUME_008_012", text)]
    assert cinder("DELETE", f"/volumes/{volume}").status == 202
    cinder.wait()
    assert cinder.status("volume", volume) == "404"


def test_create_finds_no_backend(cinder: Cinder, boss: Cinder) -> None:
    specs = {"volume_backend_name": "nowhere"}
    boss("POST", "/types", {"volume_type": {"name": "none", "extra_specs": specs}})
    volume = cinder.volume(volume_type="none")
    assert cinder.status("volume", volume) == "error"
    text = "schedule allocate volume:Could not find any available weighted backend."
    assert cinder.told(volume) == [("VOLUME_VOLUME_001_003", text)]
    cinder("DELETE", f"/volumes/{volume}")
    assert cinder.status("volume", volume) == "404"  # it never was on a backend


def test_a_rule_can_name_the_reason(cinder: Cinder) -> None:
    reason = "Could not find any available weighted backend."
    fail(cinder, "volume.create", message=reason)
    volume = cinder.volume()
    assert cinder.told(volume) == [("VOLUME_VOLUME_001_003", f"schedule allocate volume:{reason}")]


def test_delete(cinder: Cinder) -> None:
    volume = cinder.volume()
    assert cinder("DELETE", f"/volumes/{volume}").status == 202
    assert cinder.statuses("volume", volume) == ["deleting", "404"]


def test_delete_before_it_was_scheduled(cinder: Cinder) -> None:
    volume = cinder.make("volume", size=1)
    assert cinder("DELETE", f"/volumes/{volume}").status == 202
    assert cinder.status("volume", volume) == "404"


@pytest.mark.parametrize(
    ("effect", "end"), [("error", "error_deleting"), ("silent", "available"), ("stuck", "deleting")]
)
def test_delete_fails(cinder: Cinder, effect: str, end: str) -> None:
    volume = cinder.volume()
    fail(cinder, "volume.delete", effect)
    cinder("DELETE", f"/volumes/{volume}")
    cinder.wait()
    assert cinder.status("volume", volume) == end


def test_delete_with_snapshots(cinder: Cinder) -> None:
    volume = cinder.volume()
    snapshot = cinder.snapshot(volume)
    assert cinder("DELETE", f"/volumes/{volume}").status == 400
    assert cinder("DELETE", f"/volumes/{volume}?cascade=true").status == 202
    cinder.wait()
    assert cinder.status("volume", volume) == cinder.status("snapshot", snapshot) == "404"


def test_delete_with_a_snapshot_that_stays(cinder: Cinder) -> None:
    volume = cinder.volume()
    snapshot = cinder.snapshot(volume)
    fail(cinder, "snapshot.delete")
    cinder("DELETE", f"/volumes/{volume}?cascade=true")
    cinder.wait()
    assert cinder.status("volume", volume) == "error_deleting"
    assert cinder.status("snapshot", snapshot) == "error_deleting"


def test_force_delete(cinder: Cinder, boss: Cinder) -> None:
    volume = cinder.make("volume", size=1)
    cinder.asker.clock.advance(1.0)  # creating, but on a backend
    assert cinder("DELETE", f"/volumes/{volume}").status == 400
    assert cinder.act(volume, "os-force_delete").status == 403
    boss.begin(volume, "os-force_delete")
    assert cinder.statuses("volume", volume) == ["deleting", "404"]


def test_extend(cinder: Cinder) -> None:
    volume = cinder.volume()
    cinder.begin(volume, "os-extend", new_size=3)
    assert cinder.show("volume", volume)["size"] == 1
    assert cinder.statuses("volume", volume) == ["extending", "available"]
    assert cinder.show("volume", volume)["size"] == 3


@pytest.mark.parametrize(("effect", "end"), [("error", "error_extending"), ("silent", "available")])
def test_extend_fails(cinder: Cinder, effect: str, end: str) -> None:
    volume = cinder.volume()
    fail(cinder, "volume.extend", effect)
    cinder.begin(volume, "os-extend", new_size=3)
    cinder.wait()
    assert cinder.status("volume", volume) == end
    assert cinder.show("volume", volume)["size"] == 1
    text = "extend volume:Volume Driver failed to extend volume."
    assert cinder.told(volume) == [("VOLUME_VOLUME_007_010", text)]


def test_extend_while_in_use(cinder: Cinder) -> None:
    volume = cinder.volume()
    cinder.begin(volume, "os-attach", instance_uuid=SERVER, mountpoint="/dev/vdc")
    old = {"os-extend": {"new_size": 2}}
    assert cinder("POST", f"/volumes/{volume}/action", old, version="3.41").status == 400
    cinder.begin(volume, "os-extend", new_size=2)
    assert cinder.statuses("volume", volume) == ["extending", "in-use"]


def test_retype_on_the_same_backend(cinder: Cinder) -> None:
    volume = cinder.volume()
    cinder.begin(volume, "os-retype", new_type="multi", migration_policy="never")
    assert cinder.statuses("volume", volume) == ["retyping", "available"]
    shown = cinder.show("volume", volume)
    assert (shown["volume_type"], shown["multiattach"]) == ("multi", True)


def test_retype_to_another_backend(cinder: Cinder, boss: Cinder) -> None:
    volume = cinder.volume()
    cinder.begin(volume, "os-retype", new_type="slow", migration_policy="on-demand")
    seen = []
    for _ in range(40):
        shown = boss.show("volume", volume)
        seen.append((shown["status"], shown["migration_status"]))
        boss.asker.clock.advance(0.1)
    assert list(dict.fromkeys(seen)) == [
        ("retyping", None),
        ("retyping", "migrating"),
        ("retyping", "completing"),
        ("available", "success"),
    ]
    shown = boss.show("volume", volume)
    assert shown["os-vol-host-attr:host"] == "cinder1@slow#slow"
    assert shown["volume_type"] == "slow"


@pytest.mark.parametrize("why", ["no migration allowed", "error", "silent"])
def test_retype_fails_silently(cinder: Cinder, why: str) -> None:
    volume = cinder.volume()
    policy = "never"
    if why in ("error", "silent"):
        fail(cinder, "volume.retype", why)
        policy = "on-demand"
    cinder.begin(volume, "os-retype", new_type="slow", migration_policy=policy)
    assert cinder.statuses("volume", volume) == ["retyping", "available"]
    assert cinder.show("volume", volume)["volume_type"] == "fast"


def test_migrate(cinder: Cinder, boss: Cinder) -> None:
    volume = cinder.volume(volume_type="__DEFAULT__")
    boss.begin(volume, "os-migrate_volume", host="cinder1@slow#slow", lock_volume=True)
    assert boss.show("volume", volume)["migration_status"] == "starting"
    assert cinder.statuses("volume", volume) == ["maintenance", "available"]
    assert boss.show("volume", volume)["migration_status"] == "success"


@pytest.mark.parametrize("why", ["by rule", "because of its type"])
def test_migrate_fails(cinder: Cinder, boss: Cinder, why: str) -> None:
    if why == "by rule":
        volume = cinder.volume(volume_type="__DEFAULT__")
        fail(cinder, "volume.migrate")
    else:
        volume = cinder.volume()
    boss.begin(volume, "os-migrate_volume", host="cinder1@slow#slow")
    cinder.wait()
    shown = boss.show("volume", volume)
    assert (shown["status"], shown["migration_status"]) == ("available", "error")
    assert shown["os-vol-host-attr:host"] == "cinder1@fast#fast"


def upload(cinder: Cinder, volume: str) -> str:
    response = cinder.act(volume, "os-volume_upload_image", image_name="copy")
    assert response.status == 202
    return str(response.body["os-volume_upload_image"]["image_id"])


def test_upload(cinder: Cinder) -> None:
    volume = cinder.volume()
    image = upload(cinder, volume)
    path = f"/image/v2/images/{image}"
    assert cinder.asker.get(path)["status"] == "queued"
    cinder.asker.clock.advance(1.0)
    assert cinder.asker.get(path)["status"] == "saving"
    assert cinder.statuses("volume", volume) == ["uploading", "available"]
    assert cinder.asker.get(path)["status"] == "active"


@pytest.mark.parametrize("effect", ["error", "silent"])
def test_upload_fails_silently(cinder: Cinder, effect: str) -> None:
    volume = cinder.volume()
    fail(cinder, "volume.upload", effect)
    image = upload(cinder, volume)
    assert cinder.statuses("volume", volume) == ["uploading", "available"]
    assert cinder.asker("GET", f"/image/v2/images/{image}").status == 404
    text = "copy volume to image:Failed to upload volume to image at backend."
    assert cinder.told(volume) == [("VOLUME_VOLUME_003_004", text)]


@pytest.mark.parametrize(("effect", "end"), [(None, "available"), ("error", "error")])
def test_revert(cinder: Cinder, effect: str | None, end: str) -> None:
    volume = cinder.volume()
    snapshot = cinder.snapshot(volume)
    if effect:
        fail(cinder, "volume.revert", effect)
    cinder.begin(volume, "revert", snapshot_id=snapshot)
    assert cinder.status("snapshot", snapshot) == "restoring"
    assert cinder.statuses("volume", volume) == ["reverting", end]
    assert cinder.status("snapshot", snapshot) == "available"


@pytest.mark.parametrize(("effect", "end"), [(None, "available"), ("error", "error")])
def test_reimage(cinder: Cinder, effect: str | None, end: str) -> None:
    volume = cinder.volume()
    if effect:
        fail(cinder, "volume.reimage", effect)
    cinder.begin(volume, "os-reimage", image_id=cinder.asker.image())
    assert cinder.statuses("volume", volume) == ["downloading", end]
    if effect:
        text = "reimage volume:Compute service failed to reimage volume."
        assert cinder.told(volume) == [("VOLUME_VOLUME_016_028", text)]


def test_manage_and_unmanage(cinder: Cinder, boss: Cinder) -> None:
    part = {"host": "cinder1@fast#fast", "ref": {"source-name": "disk"}, "name": "old"}
    assert cinder("POST", "/manageable_volumes", {"volume": part}).status == 403
    volume = boss("POST", "/manageable_volumes", {"volume": part}).body["volume"]["id"]
    assert boss.statuses("volume", volume) == ["creating", "available"]
    boss.begin(volume, "os-unmanage")
    assert boss.statuses("volume", volume) == ["unmanaging", "404"]
    fail(boss, "volume.manage")
    volume = boss("POST", "/os-volume-manage", {"volume": part}).body["volume"]["id"]
    boss.wait()
    assert boss.status("volume", volume) == "error"  # error_managing, as it is called inside


def test_unmanage_fails(boss: Cinder) -> None:
    volume = boss.volume()
    fail(boss, "volume.unmanage")
    boss.begin(volume, "os-unmanage")
    assert boss.statuses("volume", volume) == ["unmanaging", "error_unmanaging"]


def test_snapshot(cinder: Cinder) -> None:
    volume = cinder.volume()
    snapshot = cinder.make("snapshot", volume_id=volume)
    assert cinder.statuses("snapshot", snapshot) == ["creating", "available"]
    assert cinder("DELETE", f"/snapshots/{snapshot}").status == 202
    assert cinder.statuses("snapshot", snapshot) == ["deleting", "404"]


def test_snapshot_fails(cinder: Cinder) -> None:
    fail(cinder, "snapshot.create")
    snapshot = cinder.snapshot(cinder.volume())
    assert cinder.status("snapshot", snapshot) == "error"
    text = "create snapshot:Snapshot failed to create."
    assert cinder.told(snapshot) == [("VOLUME_VOLUME_SNAPSHOT_009_013", text)]


@pytest.mark.parametrize(
    ("effect", "end", "told"),
    [("error", "error_deleting", "_010_016"), ("silent", "available", "_010_015")],
)
def test_snapshot_delete_fails(cinder: Cinder, effect: str, end: str, told: str) -> None:
    snapshot = cinder.snapshot(cinder.volume())
    fail(cinder, "snapshot.delete", effect)
    cinder("DELETE", f"/snapshots/{snapshot}")
    cinder.wait()
    assert cinder.status("snapshot", snapshot) == end
    assert cinder.told(snapshot)[0][0] == f"VOLUME_VOLUME_SNAPSHOT{told}"


def test_snapshot_of_a_volume_in_use(cinder: Cinder) -> None:
    volume = cinder.volume()
    cinder.begin(volume, "os-attach", instance_uuid=SERVER, mountpoint="/dev/vdc")
    body: dict[str, Any] = {"snapshot": {"volume_id": volume}}
    assert cinder("POST", "/snapshots", body, version="3.65").status == 400
    forced = {"snapshot": {"volume_id": volume, "force": True}}
    assert cinder("POST", "/snapshots", forced, version="3.65").status == 202
    assert cinder("POST", "/snapshots", body, version="3.66").status == 202


def test_snapshot_manage_and_unmanage(boss: Cinder) -> None:
    part = {"volume_id": boss.volume(), "ref": {"source-name": "snap"}}
    snapshot = boss("POST", "/manageable_snapshots", {"snapshot": part}).body["snapshot"]["id"]
    assert boss.statuses("snapshot", snapshot) == ["creating", "available"]
    boss("POST", f"/snapshots/{snapshot}/action", {"os-unmanage": None})
    assert boss.statuses("snapshot", snapshot) == ["unmanaging", "404"]


def test_backup(cinder: Cinder) -> None:
    volume = cinder.volume()
    backup = cinder.make("backup", volume_id=volume)
    assert cinder.status("volume", volume) == "backing-up"
    assert cinder.statuses("backup", backup) == ["creating", "available"]
    assert cinder.status("volume", volume) == "available"
    assert cinder("DELETE", f"/backups/{backup}").status == 202
    assert cinder.statuses("backup", backup) == ["deleting", "404"]


def test_backup_of_a_snapshot(cinder: Cinder) -> None:
    volume = cinder.volume()
    snapshot = cinder.snapshot(volume)
    backup = cinder.make("backup", volume_id=volume, snapshot_id=snapshot)
    assert cinder.status("volume", volume) == "available"
    assert cinder.statuses("snapshot", snapshot) == ["backing-up", "available"]
    assert cinder.show("backup", backup)["snapshot_id"] == snapshot


def test_incremental_backups(cinder: Cinder) -> None:
    volume = cinder.volume()
    body = {"backup": {"volume_id": volume, "incremental": True}}
    said = (400, "Invalid backup: No backups available to do an incremental backup.")
    assert cinder.refusal(cinder("POST", "/backups", body)) == said
    first = cinder.backup(volume)
    second = cinder.backup(volume, incremental=True)
    assert cinder.show("backup", second)["is_incremental"] is True
    assert cinder.show("backup", first)["has_dependent_backups"] is True
    said = (400, "Invalid backup: Incremental backups exist for this backup.")
    assert cinder.refusal(cinder("DELETE", f"/backups/{first}")) == said


def test_backup_fails(cinder: Cinder) -> None:
    volume = cinder.volume()
    fail(cinder, "backup.create", message="the disk is full")
    backup = cinder.backup(volume)
    shown = cinder.show("backup", backup)
    assert (shown["status"], shown["fail_reason"]) == ("error", "the disk is full")
    assert cinder.status("volume", volume) == "available"
    text = "create backup:the disk is full"
    assert cinder.told(backup) == [("VOLUME_VOLUME_BACKUP_013_020", text)]


def test_restore(cinder: Cinder) -> None:
    volume = cinder.volume()
    backup = cinder.backup(volume)
    path = f"/backups/{backup}/restore"
    response = cinder("POST", path, {"restore": {"volume_id": volume}})
    assert (response.status, response.delay) == (202, 0.0)
    assert cinder.status("backup", backup) == "restoring"
    assert cinder.statuses("volume", volume) == ["restoring-backup", "available"]
    assert cinder.status("backup", backup) == "available"


def test_restore_to_a_new_volume_answers_when_that_is_there(cinder: Cinder) -> None:
    backup = cinder.backup(cinder.volume(size=2))
    response = cinder("POST", f"/backups/{backup}/restore", {"restore": {}})
    volume = response.body["restore"]["volume_id"]
    assert response.body["restore"]["volume_name"] == f"restore_backup_{backup}"
    cinder.asker.clock.advance(response.delay)
    assert cinder.status("backup", backup) == "restoring"
    assert cinder.statuses("volume", volume) == ["restoring-backup", "available"]


def test_restore_waits_for_a_slow_new_volume(cinder: Cinder) -> None:
    cinder.cloud.settings.sigma = 1.0
    backup = cinder.backup(cinder.volume())
    for _ in range(5):
        response = cinder("POST", f"/backups/{backup}/restore", {"restore": {}})
        seen = cinder.statuses("volume", response.body["restore"]["volume_id"], seconds=60)
        assert seen == ["creating", "available", "restoring-backup", "available"] or (
            seen == ["creating", "restoring-backup", "available"]
        )


@pytest.mark.parametrize(("effect", "end"), [("error", "error_restoring"), ("silent", "available")])
def test_restore_fails_and_only_the_volume_shows_it(cinder: Cinder, effect: str, end: str) -> None:
    volume = cinder.volume()
    backup = cinder.backup(volume)
    fail(cinder, "backup.restore", effect)
    cinder("POST", f"/backups/{backup}/restore", {"restore": {"volume_id": volume}})
    cinder.wait()
    assert cinder.status("volume", volume) == end
    assert cinder.status("backup", backup) == "available"
    text = "restore backup:Backup driver failed to restore backup."
    assert cinder.told(backup) == [("VOLUME_VOLUME_BACKUP_015_026", text)]


def test_backup_delete_fails(cinder: Cinder) -> None:
    backup = cinder.backup(cinder.volume())
    fail(cinder, "backup.delete")
    cinder("DELETE", f"/backups/{backup}")
    assert cinder.statuses("backup", backup) == ["deleting", "error_deleting"]


def test_backups_travel(cinder: Cinder, boss: Cinder) -> None:
    backup = boss.backup(boss.volume(), name="b")
    record = boss.get(f"/backups/{backup}/export_record")
    boss("DELETE", f"/backups/{backup}")
    boss.wait()
    response = boss("POST", "/backups/import_record", record)
    assert (response.status, response.body["backup"]["id"]) == (201, backup)
    assert cinder("GET", f"/backups/{backup}").status == 404


def test_transfer(cinder: Cinder, boss: Cinder) -> None:
    volume = cinder.volume()
    snapshot = cinder.snapshot(volume)
    offer = cinder("POST", "/volume-transfers", {"transfer": {"volume_id": volume}})
    transfer = offer.body["transfer"]
    assert cinder.status("volume", volume) == "awaiting-transfer"
    path = f"/volume-transfers/{transfer['id']}/accept"
    assert boss("POST", path, {"accept": {"auth_key": "wrong"}}).status == 400
    assert boss("POST", path, {"accept": {"auth_key": transfer["auth_key"]}}).status == 202
    assert cinder.status("volume", volume) == cinder.status("snapshot", snapshot) == "404"
    assert boss.status("volume", volume) == "available"


def test_transfer_withdrawn(cinder: Cinder) -> None:
    volume = cinder.volume()
    offer = cinder("POST", "/os-volume-transfer", {"transfer": {"volume_id": volume}}, "3.0")
    assert set(offer.body["transfer"]) == {
        "id", "created_at", "name", "volume_id", "auth_key", "links",
    }  # fmt: skip
    cinder("DELETE", f"/volume-transfers/{offer.body['transfer']['id']}")
    assert cinder.status("volume", volume) == "available"


def test_reset_status(cinder: Cinder, boss: Cinder) -> None:
    volume = cinder.volume()
    fail(cinder, "volume.extend", "stuck")
    cinder.begin(volume, "os-extend", new_size=2)
    cinder.wait()
    assert cinder.act(volume, "os-reset_status", status="available").status == 403
    boss.begin(volume, "os-reset_status", status="error")
    assert cinder.status("volume", volume) == "error"
    assert boss.refusal(boss.act(volume, "os-reset_status", status="in-use"))[0] == 400
