"""Creation, deletion and transfer of volumes, and their failures."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.fakecloud.cinder_client import Cinder, fail


def test_create(cinder: Cinder) -> None:
    volume = cinder.make("volume", size=1)
    assert cinder.statuses("volume", volume) == ["creating", "available"]


def test_create_from_image(cinder: Cinder) -> None:
    volume = cinder.make("volume", size=1, imageRef=cinder.client.image())
    assert cinder.statuses("volume", volume) == ["creating", "downloading", "available"]
    shown = cinder.show("volume", volume)
    assert shown["bootable"] == "true"
    assert shown["volume_image_metadata"]["image_name"] == "tiny"


@pytest.mark.parametrize("source", ["snapshot", "source_volid", "backup"])
def test_create_from_snapshot_or_volume(cinder: Cinder, source: str) -> None:
    first = cinder.volume(size=2, imageRef=cinder.client.image())
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


def test_create_from_backup_sets_the_backup_restoring(cinder: Cinder) -> None:
    backup = cinder.backup(cinder.volume())
    cinder.make("volume", backup_id=backup)
    assert cinder.statuses("backup", backup) == ["available", "restoring", "available"]


def test_create_fails_in_the_driver_with_a_message(cinder: Cinder) -> None:
    fail(cinder, "volume.create")
    volume = cinder.make("volume", size=1)
    assert cinder.statuses("volume", volume) == ["creating", "error"]
    text = "create volume from backend storage:Driver failed to create the volume."
    assert cinder.messages(volume) == [("VOLUME_VOLUME_008_012", text)]
    assert cinder("DELETE", f"/volumes/{volume}").status == 202
    cinder.wait()
    assert cinder.status("volume", volume) == "404"


def test_create_without_a_backend_fails(cinder: Cinder, cinder_admin: Cinder) -> None:
    specs = {"volume_backend_name": "nowhere"}
    cinder_admin("POST", "/types", {"volume_type": {"name": "none", "extra_specs": specs}})
    volume = cinder.volume(volume_type="none")
    assert cinder.status("volume", volume) == "error"
    text = "schedule allocate volume:Could not find any available weighted backend."
    assert cinder.messages(volume) == [("VOLUME_VOLUME_001_003", text)]
    cinder("DELETE", f"/volumes/{volume}")
    assert cinder.status("volume", volume) == "404"  # it was on no backend yet


def test_fault_rule_sets_the_message(cinder: Cinder) -> None:
    reason = "Could not find any available weighted backend."
    fail(cinder, "volume.create", message=reason)
    volume = cinder.volume()
    assert cinder.messages(volume) == [
        ("VOLUME_VOLUME_001_003", f"schedule allocate volume:{reason}")
    ]


def test_delete(cinder: Cinder) -> None:
    volume = cinder.volume()
    assert cinder("DELETE", f"/volumes/{volume}").status == 202
    assert cinder.statuses("volume", volume) == ["deleting", "404"]


def test_delete_of_unscheduled_volume_is_immediate(cinder: Cinder) -> None:
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


def test_cascade_delete_fails_with_a_failed_snapshot(cinder: Cinder) -> None:
    volume = cinder.volume()
    snapshot = cinder.snapshot(volume)
    fail(cinder, "snapshot.delete")
    cinder("DELETE", f"/volumes/{volume}?cascade=true")
    cinder.wait()
    assert cinder.status("volume", volume) == "error_deleting"
    assert cinder.status("snapshot", snapshot) == "error_deleting"


def test_force_delete(cinder: Cinder, cinder_admin: Cinder) -> None:
    volume = cinder.make("volume", size=1)
    cinder.client.clock.advance(1.0)  # creating, on a backend already
    assert cinder("DELETE", f"/volumes/{volume}").status == 400
    assert cinder.act(volume, "os-force_delete").status == 403
    cinder_admin.begin(volume, "os-force_delete")
    assert cinder.statuses("volume", volume) == ["deleting", "404"]


def test_manage_and_unmanage(cinder: Cinder, cinder_admin: Cinder) -> None:
    part = {"host": "cinder1@fast#fast", "ref": {"source-name": "disk"}, "name": "old"}
    assert cinder("POST", "/manageable_volumes", {"volume": part}).status == 403
    volume = cinder_admin("POST", "/manageable_volumes", {"volume": part}).body["volume"]["id"]
    assert cinder_admin.statuses("volume", volume) == ["creating", "available"]
    cinder_admin.begin(volume, "os-unmanage")
    assert cinder_admin.statuses("volume", volume) == ["unmanaging", "404"]
    fail(cinder_admin, "volume.manage")
    volume = cinder_admin("POST", "/os-volume-manage", {"volume": part}).body["volume"]["id"]
    cinder_admin.wait()
    assert cinder_admin.status("volume", volume) == "error"  # the internal status is error_managing


def test_unmanage_fails(cinder_admin: Cinder) -> None:
    volume = cinder_admin.volume()
    fail(cinder_admin, "volume.unmanage")
    cinder_admin.begin(volume, "os-unmanage")
    assert cinder_admin.statuses("volume", volume) == ["unmanaging", "error_unmanaging"]


def test_transfer(cinder: Cinder, cinder_admin: Cinder) -> None:
    volume = cinder.volume()
    snapshot = cinder.snapshot(volume)
    offer = cinder("POST", "/volume-transfers", {"transfer": {"volume_id": volume}})
    transfer = offer.body["transfer"]
    assert cinder.status("volume", volume) == "awaiting-transfer"
    path = f"/volume-transfers/{transfer['id']}/accept"
    assert cinder_admin("POST", path, {"accept": {"auth_key": "wrong"}}).status == 400
    assert cinder_admin("POST", path, {"accept": {"auth_key": transfer["auth_key"]}}).status == 202
    assert cinder.status("volume", volume) == cinder.status("snapshot", snapshot) == "404"
    assert cinder_admin.status("volume", volume) == "available"


def test_transfer_withdrawn(cinder: Cinder) -> None:
    volume = cinder.volume()
    offer = cinder("POST", "/os-volume-transfer", {"transfer": {"volume_id": volume}}, "3.0")
    assert set(offer.body["transfer"]) == {
        "id", "created_at", "name", "volume_id", "auth_key", "links",
    }  # fmt: skip
    cinder("DELETE", f"/volume-transfers/{offer.body['transfer']['id']}")
    assert cinder.status("volume", volume) == "available"


def test_reset_status(cinder: Cinder, cinder_admin: Cinder) -> None:
    volume = cinder.volume()
    fail(cinder, "volume.extend", "stuck")
    cinder.begin(volume, "os-extend", new_size=2)
    cinder.wait()
    assert cinder.act(volume, "os-reset_status", status="available").status == 403
    cinder_admin.begin(volume, "os-reset_status", status="error")
    assert cinder.status("volume", volume) == "error"
    assert (
        cinder_admin.error(cinder_admin.act(volume, "os-reset_status", status="in-use"))[0] == 400
    )
