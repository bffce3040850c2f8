"""Volume attachments in Cinder: reserve, connect, complete, detach."""

from __future__ import annotations

import pytest

from pytest_osfutures.fakecloud import Fault
from tests.fakecloud.cinder_client import OTHER, SERVER, Cinder

CONNECTOR = {"host": "h", "ip": "1.2.3.4", "initiator": "iqn.x", "mountpoint": "/dev/vdb"}


def attach(cinder: Cinder, volume: str, server: str = SERVER) -> str:
    """Create a completed attachment."""
    made = cinder.make("attachment", volume_uuid=volume, instance_uuid=server)
    body = {"attachment": {"connector": CONNECTOR}}
    assert cinder("PUT", f"/attachments/{made}", body).status == 200
    assert cinder("POST", f"/attachments/{made}/action", {"os-complete": {}}).status == 204
    return made


def test_attachments_step_by_step(cinder: Cinder) -> None:
    volume = cinder.volume()
    made = cinder.make("attachment", volume_uuid=volume, instance_uuid=SERVER)
    assert cinder.status("volume", volume) == "reserved"
    body = {"attachment": {"volume_uuid": volume, "instance_uuid": OTHER}}
    assert cinder.error(cinder("POST", "/attachments", body)) == (
        400,
        f"Invalid volume: Volume {volume} status must be available or downloading to reserve, "
        "but the current status is reserved.",
    )
    answer = cinder("PUT", f"/attachments/{made}", {"attachment": {"connector": CONNECTOR}})
    assert answer.body["attachment"]["connection_info"]["attachment_id"] == made
    assert cinder.status("volume", volume) == "attaching"
    cinder("POST", f"/attachments/{made}/action", {"os-complete": {}})
    assert cinder.status("volume", volume) == "in-use"
    (shown,) = cinder.show("volume", volume)["attachments"]
    assert (shown["attachment_id"], shown["device"]) == (made, "/dev/vdb")
    assert cinder("DELETE", f"/attachments/{made}").body == {"attachments": []}
    assert cinder.status("volume", volume) == "available"
    assert cinder("GET", f"/attachments/{made}").status == 404


def test_reserved_attachment_can_be_deleted(cinder: Cinder) -> None:
    volume = cinder.volume()
    made = cinder.make("attachment", volume_uuid=volume, instance_uuid=SERVER)
    cinder("DELETE", f"/attachments/{made}")
    assert cinder.status("volume", volume) == "available"


def test_multiattach(cinder: Cinder) -> None:
    volume = cinder.volume(volume_type="multi")
    first, second = attach(cinder, volume), attach(cinder, volume, OTHER)
    assert len(cinder.show("volume", volume)["attachments"]) == 2
    cinder("DELETE", f"/attachments/{first}")
    assert cinder.status("volume", volume) == "in-use"
    listed = cinder.get(f"/attachments/detail?instance_id={OTHER}")["attachments"]
    assert [row["id"] for row in listed] == [second]


def test_attachment_in_use_by_nova_is_protected(cinder: Cinder) -> None:
    server, volume = cinder.client.active(), cinder.volume()
    body = {"volumeAttachment": {"volumeId": volume}}
    cinder.client("POST", f"/servers/{server}/os-volume_attachments", body)
    cinder.wait()
    (made,) = cinder.get("/attachments")["attachments"]
    assert cinder.error(cinder("DELETE", f"/attachments/{made['id']}")) == (
        409,
        f"ConflictNovaUsingAttachment: Detach volume from instance {server} using the Compute API",
    )
    cinder.client("DELETE", f"/servers/{server}/os-volume_attachments/{volume}")
    assert cinder.statuses("volume", volume) == ["detaching", "available"]


def test_server_boots_from_a_new_volume(cinder: Cinder) -> None:
    disk = {
        "boot_index": 0,
        "source_type": "image",
        "uuid": cinder.client.image(),
        "destination_type": "volume",
        "volume_size": 1,
        "delete_on_termination": True,
    }
    server = cinder.client.active(imageRef="", block_device_mapping_v2=[disk])
    (volume,) = cinder.get("/volumes/detail")["volumes"]
    assert (volume["status"], volume["bootable"]) == ("in-use", "true")
    cinder.client("DELETE", f"/servers/{server}")
    cinder.wait()
    assert cinder.get("/volumes")["volumes"] == []


def test_attach_with_volume_actions(cinder: Cinder) -> None:
    volume = cinder.volume()
    cinder.begin(volume, "os-reserve")
    assert cinder.error(cinder.act(volume, "os-reserve")) == (
        400,
        "Invalid volume: Volume status must be available to reserve, but the status is attaching.",
    )
    cinder.begin(volume, "os-unreserve")
    info = cinder.act(volume, "os-initialize_connection", connector={}).body["connection_info"]
    assert info["data"]["access_mode"] == "rw"
    cinder.begin(volume, "os-attach", instance_uuid=SERVER, mountpoint="/dev/vdc", mode="rw")
    shown = cinder.show("volume", volume)
    assert (shown["status"], shown["metadata"]["attached_mode"]) == ("in-use", "rw")
    cinder.begin(volume, "os-begin_detaching")
    cinder.begin(volume, "os-roll_detaching")
    assert cinder.status("volume", volume) == "in-use"
    cinder.begin(volume, "os-begin_detaching")
    cinder("POST", f"/volumes/{volume}/action", {"os-detach": {}})
    cinder("POST", f"/volumes/{volume}/action", {"os-terminate_connection": {"connector": {}}})
    assert cinder.status("volume", volume) == "available"
    assert cinder.act(volume, "os-begin_detaching").status == 400


@pytest.mark.parametrize(("effect", "end"), [("error", "error_attaching"), ("silent", "reserved")])
def test_connect_fails_by_fault_rules(cinder: Cinder, effect: str, end: str) -> None:
    volume = cinder.volume()
    made = cinder.make("attachment", volume_uuid=volume, instance_uuid=SERVER)
    cinder.cloud.faults.add(Fault(effect, operation="volume.attach"))
    response = cinder("PUT", f"/attachments/{made}", {"attachment": {"connector": CONNECTOR}})
    assert response.status == 500
    assert cinder.status("attachment", made) == end
    assert cinder.status("volume", volume) == "reserved"
    assert cinder.messages(volume) == [
        ("VOLUME_VOLUME_004_021", "update attachment:Failed to attach volume.")
    ]
    assert cinder("DELETE", f"/attachments/{made}").status == 200
    assert cinder.status("volume", volume) == "available"


@pytest.mark.parametrize(("effect", "end"), [("error", "error_detaching"), ("silent", "attached")])
def test_detach_fails_by_fault_rules(cinder: Cinder, effect: str, end: str) -> None:
    volume = cinder.volume()
    made = attach(cinder, volume)
    cinder.begin(volume, "os-begin_detaching")
    cinder.cloud.faults.add(Fault(effect, operation="volume.detach", count=1))
    assert cinder("DELETE", f"/attachments/{made}").status == 500
    assert cinder.status("attachment", made) == end
    assert cinder.status("volume", volume) == "detaching"
    cinder("DELETE", f"/attachments/{made}")
    assert cinder.status("volume", volume) == "available"
