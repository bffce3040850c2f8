"""Volumes of servers: attach, detach, swap, boot, extend, and release after a delete."""

from __future__ import annotations

from pytest_osfutures.fakecloud import Fault
from tests.fakecloud.api_client import ApiClient


def volume(demo: ApiClient, size: int = 1) -> str:
    path = f"/volume/v3/{demo.project_id}/volumes"
    made = demo("POST", path, {"volume": {"size": size}}).body["volume"]["id"]
    demo.clock.advance(30)
    return str(made)


def volume_status(demo: ApiClient, volume_id: str) -> str:
    path = f"/volume/v3/{demo.project_id}/volumes/{volume_id}"
    response = demo("GET", path)
    return str(response.body["volume"]["status"]) if response.status == 200 else "404"


def test_attach_and_detach(demo: ApiClient) -> None:
    server_id, volume_id = demo.active(), volume(demo)
    path = f"/servers/{server_id}/os-volume_attachments"
    made = demo("POST", path, {"volumeAttachment": {"volumeId": volume_id}})
    assert made.body["volumeAttachment"]["device"] == "/dev/sdb"
    seen = [volume_status(demo, volume_id)]
    for _ in range(40):
        demo.clock.advance(0.05)
        if volume_status(demo, volume_id) != seen[-1]:
            seen.append(volume_status(demo, volume_id))
    assert seen == ["reserved", "attaching", "in-use"]
    again = demo("POST", path, {"volumeAttachment": {"volumeId": volume_id}})
    assert again.body["badRequest"]["message"] == (
        f"Invalid volume: volume {volume_id} is already attached to instances: {server_id}"
    )
    assert demo.events(server_id) == [("compute_attach_volume", "Success")]
    assert demo("DELETE", f"{path}/{volume_id}").status == 202
    assert volume_status(demo, volume_id) == "detaching"
    assert demo("DELETE", f"{path}/{volume_id}").status == 400
    demo.clock.advance(5)
    assert volume_status(demo, volume_id) == "available"
    assert demo.get(path)["volumeAttachments"] == []


def test_attach_has_no_response_body_since_2_101(demo: ApiClient) -> None:
    server_id, volume_id = demo.active(), volume(demo)
    demo.version = "2.101"
    path = f"/servers/{server_id}/os-volume_attachments"
    made = demo("POST", path, {"volumeAttachment": {"volumeId": volume_id}})
    assert (made.status, made.body) == (202, None)


def test_attach_and_detach_fail_by_fault_rules(demo: ApiClient) -> None:
    server_id, volume_id = demo.active(), volume(demo)
    path = f"/servers/{server_id}/os-volume_attachments"
    demo.cloud.faults.add(Fault("silent", operation="server.attach_volume", count=1))
    demo("POST", path, {"volumeAttachment": {"volumeId": volume_id}})
    demo.clock.advance(5)
    assert (volume_status(demo, volume_id), demo.get(path)["volumeAttachments"]) == (
        "available",
        [],
    )
    assert demo.actions(server_id)[0]["message"] == "Error"
    demo("POST", path, {"volumeAttachment": {"volumeId": volume_id}})
    demo.clock.advance(5)
    demo.cloud.faults.add(Fault("silent", operation="server.detach_volume"))
    demo("DELETE", f"{path}/{volume_id}")
    demo.clock.advance(5)
    assert volume_status(demo, volume_id) == "in-use"
    assert demo.events(server_id) == [("compute_detach_volume", "Error")]


def test_swap(demo: ApiClient, admin: ApiClient) -> None:
    server_id, old, new = demo.active(), volume(demo), volume(demo)
    path = f"/servers/{server_id}/os-volume_attachments"
    demo("POST", path, {"volumeAttachment": {"volumeId": old}})
    demo.clock.advance(5)
    body = {"volumeAttachment": {"volumeId": new}}
    assert demo("PUT", f"{path}/{old}", body).status == 403
    assert admin("PUT", f"{path}/{old}", body).status == 202
    demo.clock.advance(5)
    assert (volume_status(demo, old), volume_status(demo, new)) == ("available", "in-use")
    assert demo.get(path)["volumeAttachments"][0]["volumeId"] == new


def test_server_delete_releases_volumes(demo: ApiClient) -> None:
    server_id, volume_id = demo.active(), volume(demo)
    path = f"/servers/{server_id}/os-volume_attachments"
    demo("POST", path, {"volumeAttachment": {"volumeId": volume_id}})
    demo.clock.advance(5)
    demo("DELETE", f"/servers/{server_id}")
    demo.clock.advance(5)
    assert volume_status(demo, volume_id) == "available"


def test_boot_from_volume(demo: ApiClient) -> None:
    disk = {
        "uuid": demo.image(),
        "source_type": "image",
        "destination_type": "volume",
        "boot_index": 0,
        "volume_size": 1,
        "delete_on_termination": True,
    }
    server_id = demo.create(imageRef="", block_device_mapping_v2=[disk])
    assert "BUILD/block_device_mapping" in demo.states(server_id, 60, every=0.2)
    server = demo.show(server_id)
    assert (server["status"], server["image"]) == ("ACTIVE", "")
    (attached,) = server["os-extended-volumes:volumes_attached"]
    assert volume_status(demo, attached["id"]) == "in-use"
    path = f"/servers/{server_id}/os-volume_attachments/{attached['id']}"
    refused = demo("DELETE", path)
    assert refused.body["badRequest"]["message"] == "Cannot detach a root device volume"
    image = demo.act(server_id, createImage={"name": "i"}).body["image_id"]
    shown = demo.get(f"/image/v2/images/{image}")
    assert (shown["status"], shown["size"]) == ("active", 0)
    assert "block_device_mapping" in shown
    demo.clock.advance(10)
    for snapshot in demo.get(f"/volume/v3/{demo.project_id}/snapshots")["snapshots"]:
        demo("DELETE", f"/volume/v3/{demo.project_id}/snapshots/{snapshot['id']}")
    demo.clock.advance(10)
    demo("DELETE", f"/servers/{server_id}")
    demo.clock.advance(30)
    assert volume_status(demo, attached["id"]) == "404"


def test_extend_of_attached_volume_is_an_instance_action(demo: ApiClient) -> None:
    server_id, volume_id = demo.active(), volume(demo)
    path = f"/servers/{server_id}/os-volume_attachments"
    demo("POST", path, {"volumeAttachment": {"volumeId": volume_id}})
    demo.clock.advance(5)
    action = f"/volume/v3/{demo.project_id}/volumes/{volume_id}/action"
    headers = {"OpenStack-API-Version": "volume 3.42"}
    assert demo("POST", action, {"os-extend": {"new_size": 2}}, headers).status == 202
    demo.clock.advance(30)
    assert demo.actions(server_id)[0]["action"] == "extend_volume"
    assert demo.events(server_id) == [("compute_extend_volume", "Success")]
