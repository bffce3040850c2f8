"""Snapshots and backups: their states and the failure of each operation."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakecloud.cinder_client import SERVER, Cinder, fail


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
    assert cinder.messages(snapshot) == [("VOLUME_VOLUME_SNAPSHOT_009_013", text)]


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
    assert cinder.messages(snapshot)[0][0] == f"VOLUME_VOLUME_SNAPSHOT{told}"


def test_snapshot_of_a_volume_in_use(cinder: Cinder) -> None:
    volume = cinder.volume()
    cinder.begin(volume, "os-attach", instance_uuid=SERVER, mountpoint="/dev/vdc")
    body: dict[str, Any] = {"snapshot": {"volume_id": volume}}
    assert cinder("POST", "/snapshots", body, version="3.65").status == 400
    forced = {"snapshot": {"volume_id": volume, "force": True}}
    assert cinder("POST", "/snapshots", forced, version="3.65").status == 202
    assert cinder("POST", "/snapshots", body, version="3.66").status == 202


def test_snapshot_manage_and_unmanage(cinder_admin: Cinder) -> None:
    part = {"volume_id": cinder_admin.volume(), "ref": {"source-name": "snap"}}
    snapshot = cinder_admin("POST", "/manageable_snapshots", {"snapshot": part}).body["snapshot"][
        "id"
    ]
    assert cinder_admin.statuses("snapshot", snapshot) == ["creating", "available"]
    cinder_admin("POST", f"/snapshots/{snapshot}/action", {"os-unmanage": None})
    assert cinder_admin.statuses("snapshot", snapshot) == ["unmanaging", "404"]


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
    assert cinder.error(cinder("POST", "/backups", body)) == said
    first = cinder.backup(volume)
    second = cinder.backup(volume, incremental=True)
    assert cinder.show("backup", second)["is_incremental"] is True
    assert cinder.show("backup", first)["has_dependent_backups"] is True
    said = (400, "Invalid backup: Incremental backups exist for this backup.")
    assert cinder.error(cinder("DELETE", f"/backups/{first}")) == said


def test_backup_fails(cinder: Cinder) -> None:
    volume = cinder.volume()
    fail(cinder, "backup.create", message="the disk is full")
    backup = cinder.backup(volume)
    shown = cinder.show("backup", backup)
    assert (shown["status"], shown["fail_reason"]) == ("error", "the disk is full")
    assert cinder.status("volume", volume) == "available"
    text = "create backup:the disk is full"
    assert cinder.messages(backup) == [("VOLUME_VOLUME_BACKUP_013_020", text)]


def test_restore(cinder: Cinder) -> None:
    volume = cinder.volume()
    backup = cinder.backup(volume)
    path = f"/backups/{backup}/restore"
    response = cinder("POST", path, {"restore": {"volume_id": volume}})
    assert (response.status, response.delay) == (202, 0.0)
    assert cinder.status("backup", backup) == "restoring"
    assert cinder.statuses("volume", volume) == ["restoring-backup", "available"]
    assert cinder.status("backup", backup) == "available"


def test_restore_response_waits_for_the_new_volume(cinder: Cinder) -> None:
    backup = cinder.backup(cinder.volume(size=2))
    response = cinder("POST", f"/backups/{backup}/restore", {"restore": {}})
    volume = response.body["restore"]["volume_id"]
    assert response.body["restore"]["volume_name"] == f"restore_backup_{backup}"
    cinder.client.clock.advance(response.delay)
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
def test_failed_restore_shows_on_the_volume_only(cinder: Cinder, effect: str, end: str) -> None:
    volume = cinder.volume()
    backup = cinder.backup(volume)
    fail(cinder, "backup.restore", effect)
    cinder("POST", f"/backups/{backup}/restore", {"restore": {"volume_id": volume}})
    cinder.wait()
    assert cinder.status("volume", volume) == end
    assert cinder.status("backup", backup) == "available"
    text = "restore backup:Backup driver failed to restore backup."
    assert cinder.messages(backup) == [("VOLUME_VOLUME_BACKUP_015_026", text)]


def test_backup_delete_fails(cinder: Cinder) -> None:
    backup = cinder.backup(cinder.volume())
    fail(cinder, "backup.delete")
    cinder("DELETE", f"/backups/{backup}")
    assert cinder.statuses("backup", backup) == ["deleting", "error_deleting"]


def test_backup_export_and_import(cinder: Cinder, cinder_admin: Cinder) -> None:
    backup = cinder_admin.backup(cinder_admin.volume(), name="b")
    record = cinder_admin.get(f"/backups/{backup}/export_record")
    cinder_admin("DELETE", f"/backups/{backup}")
    cinder_admin.wait()
    response = cinder_admin("POST", "/backups/import_record", record)
    assert (response.status, response.body["backup"]["id"]) == (201, backup)
    assert cinder("GET", f"/backups/{backup}").status == 404
