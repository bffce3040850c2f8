"""Operations on existing volumes: their states and their failures."""

from __future__ import annotations

import pytest

from tests.fakecloud.cinder_client import SERVER, Cinder, fail


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
    assert cinder.messages(volume) == [("VOLUME_VOLUME_007_010", text)]


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


def test_retype_to_another_backend(cinder: Cinder, cinder_admin: Cinder) -> None:
    volume = cinder.volume()
    cinder.begin(volume, "os-retype", new_type="slow", migration_policy="on-demand")
    seen = []
    for _ in range(40):
        shown = cinder_admin.show("volume", volume)
        seen.append((shown["status"], shown["migration_status"]))
        cinder_admin.client.clock.advance(0.1)
    assert list(dict.fromkeys(seen)) == [
        ("retyping", None),
        ("retyping", "migrating"),
        ("retyping", "completing"),
        ("available", "success"),
    ]
    shown = cinder_admin.show("volume", volume)
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


def test_migrate(cinder: Cinder, cinder_admin: Cinder) -> None:
    volume = cinder.volume(volume_type="__DEFAULT__")
    cinder_admin.begin(volume, "os-migrate_volume", host="cinder1@slow#slow", lock_volume=True)
    assert cinder_admin.show("volume", volume)["migration_status"] == "starting"
    assert cinder.statuses("volume", volume) == ["maintenance", "available"]
    assert cinder_admin.show("volume", volume)["migration_status"] == "success"


@pytest.mark.parametrize("why", ["by rule", "because of its type"])
def test_migrate_fails(cinder: Cinder, cinder_admin: Cinder, why: str) -> None:
    if why == "by rule":
        volume = cinder.volume(volume_type="__DEFAULT__")
        fail(cinder, "volume.migrate")
    else:
        volume = cinder.volume()
    cinder_admin.begin(volume, "os-migrate_volume", host="cinder1@slow#slow")
    cinder.wait()
    shown = cinder_admin.show("volume", volume)
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
    assert cinder.client.get(path)["status"] == "queued"
    cinder.client.clock.advance(1.0)
    assert cinder.client.get(path)["status"] == "saving"
    assert cinder.statuses("volume", volume) == ["uploading", "available"]
    assert cinder.client.get(path)["status"] == "active"


@pytest.mark.parametrize("effect", ["error", "silent"])
def test_upload_fails_silently(cinder: Cinder, effect: str) -> None:
    volume = cinder.volume()
    fail(cinder, "volume.upload", effect)
    image = upload(cinder, volume)
    assert cinder.statuses("volume", volume) == ["uploading", "available"]
    assert cinder.client("GET", f"/image/v2/images/{image}").status == 404
    text = "copy volume to image:Failed to upload volume to image at backend."
    assert cinder.messages(volume) == [("VOLUME_VOLUME_003_004", text)]


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
    cinder.begin(volume, "os-reimage", image_id=cinder.client.image())
    assert cinder.statuses("volume", volume) == ["downloading", end]
    if effect:
        text = "reimage volume:Compute service failed to reimage volume."
        assert cinder.messages(volume) == [("VOLUME_VOLUME_016_028", text)]
