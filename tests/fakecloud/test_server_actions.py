"""Each server action: its states, its final state and its instance action."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.fakecloud import Fault
from tests.fakecloud.api_client import ApiClient

ACTIVE = "ACTIVE/None"
# body, states, instance action, events; each begins with an ACTIVE server
SIMPLE: list[tuple[dict[str, Any], list[str], str, list[str]]] = [
    (
        {"os-stop": None},
        ["ACTIVE/powering-off", "SHUTOFF/None"],
        "stop",
        ["compute_stop_instance"],
    ),
    (
        {"reboot": {"type": "SOFT"}},
        ["REBOOT/rebooting", "REBOOT/reboot_pending", "REBOOT/reboot_started", ACTIVE],
        "reboot",
        ["compute_reboot_instance"],
    ),
    (
        {"reboot": {"type": "HARD"}},
        [
            "HARD_REBOOT/rebooting_hard",
            "HARD_REBOOT/reboot_pending_hard",
            "HARD_REBOOT/reboot_started_hard",
            ACTIVE,
        ],
        "reboot",
        ["compute_reboot_instance"],
    ),
    ({"pause": None}, ["ACTIVE/pausing", "PAUSED/None"], "pause", ["compute_pause_instance"]),
    (
        {"suspend": None},
        ["ACTIVE/suspending", "SUSPENDED/None"],
        "suspend",
        ["compute_suspend_instance"],
    ),
    ({"rescue": {}}, ["ACTIVE/rescuing", "RESCUE/None"], "rescue", ["compute_rescue_instance"]),
    (
        {"changePassword": {"adminPass": "x"}},
        ["PASSWORD/updating_password", ACTIVE],
        "changePassword",
        ["compute_set_admin_password"],
    ),
    ({"trigger_crash_dump": None}, [ACTIVE], "trigger_crash_dump", ["compute_trigger_crash_dump"]),
    (
        {"shelve": None},
        [
            "ACTIVE/shelving",
            "ACTIVE/shelving_image_pending_upload",
            "ACTIVE/shelving_image_uploading",
            "SHELVED/shelving_offloading",
            "SHELVED_OFFLOADED/None",
        ],
        "shelve",
        ["compute_shelve_instance"],
    ),
    (
        {"createImage": {"name": "i"}},
        [
            "ACTIVE/image_snapshot_pending",
            "ACTIVE/image_snapshot",
            "ACTIVE/image_pending_upload",
            "ACTIVE/image_uploading",
            ACTIVE,
        ],
        "createImage",
        ["compute_snapshot_instance"],
    ),
    (
        {"createBackup": {"name": "b", "backup_type": "daily", "rotation": 1}},
        [
            "ACTIVE/image_backup",
            "ACTIVE/image_pending_upload",
            "ACTIVE/image_uploading",
            ACTIVE,
        ],
        "createBackup",
        ["compute_backup_instance"],
    ),
]
# the action into a state, and the reverse action
BACK: list[tuple[dict[str, Any], dict[str, Any], list[str], str]] = [
    ({"os-stop": None}, {"os-start": None}, ["SHUTOFF/powering-on", ACTIVE], "start"),
    ({"pause": None}, {"unpause": None}, ["PAUSED/unpausing", ACTIVE], "unpause"),
    ({"suspend": None}, {"resume": None}, ["SUSPENDED/resuming", ACTIVE], "resume"),
    ({"rescue": {}}, {"unrescue": None}, ["RESCUE/unrescuing", ACTIVE], "unrescue"),
    (
        {"shelve": None},
        {"unshelve": None},
        ["SHELVED_OFFLOADED/unshelving", "SHELVED_OFFLOADED/spawning", ACTIVE],
        "unshelve",
    ),
]


def accepted(demo: ApiClient, server_id: str, body: dict[str, Any]) -> None:
    response = demo.act(server_id, **body)
    assert response.status in (200, 202, 204), response.body


@pytest.mark.parametrize(("body", "states", "record", "events"), SIMPLE)
def test_action_states_record_and_events(
    demo: ApiClient, body: dict[str, Any], states: list[str], record: str, events: list[str]
) -> None:
    server_id = demo.active()
    accepted(demo, server_id, body)
    assert demo.states(server_id, 20) == states
    action = demo.actions(server_id)[0]
    assert (action["action"], action["message"]) == (record, None)
    assert demo.events(server_id) == [(event, "Success") for event in events]


@pytest.mark.parametrize(("there", "back", "states", "record"), BACK)
def test_reverse_action(
    demo: ApiClient, there: dict[str, Any], back: dict[str, Any], states: list[str], record: str
) -> None:
    server_id = demo.active()
    accepted(demo, server_id, there)
    demo.clock.advance(30)
    accepted(demo, server_id, back)
    assert demo.states(server_id, 20) == states
    assert demo.actions(server_id)[0]["action"] == record


def test_rebuild_of_a_stopped_server_ends_stopped(demo: ApiClient) -> None:
    server_id = demo.active()
    accepted(demo, server_id, {"os-stop": None})
    demo.clock.advance(30)
    response = demo.act(server_id, rebuild={"imageRef": demo.image()})
    assert response.body["server"]["status"] == "REBUILD"
    assert demo.states(server_id, 20) == [
        "REBUILD/rebuilding",
        "REBUILD/rebuild_block_device_mapping",
        "REBUILD/rebuild_spawning",
        "SHUTOFF/None",
    ]
    assert demo.events(server_id) == [
        ("rebuild_server", "Success"),
        ("compute_rebuild_instance", "Success"),
    ]


RESIZING = [
    "RESIZE/resize_prep",
    "RESIZE/resize_migrating",
    "RESIZE/resize_migrated",
    "RESIZE/resize_finish",
    "VERIFY_RESIZE/None",
]


def test_resize_and_revert(demo: ApiClient) -> None:
    server_id = demo.active()
    before = demo.show(server_id)
    accepted(demo, server_id, {"resize": {"flavorRef": demo.flavor("m1.small")}})
    assert demo.states(server_id, 20) == RESIZING
    resized = demo.show(server_id)
    assert resized["flavor"]["original_name"] == "m1.small"
    assert resized["hostId"] != before["hostId"]
    accepted(demo, server_id, {"revertResize": None})
    assert demo.states(server_id, 20) == ["REVERT_RESIZE/resize_reverting", ACTIVE]
    assert demo.show(server_id)["flavor"] == before["flavor"]
    assert demo.show(server_id)["hostId"] == before["hostId"]


def test_resize_without_a_host_fails_silently(demo: ApiClient, admin: ApiClient) -> None:
    server_id = demo.active()
    accepted(demo, server_id, {"resize": {"flavorRef": demo.flavor("m1.huge")}})
    assert demo.states(server_id, 20) == ["RESIZE/resize_prep", ACTIVE]
    assert demo.actions(server_id)[0]["message"] == "Error"
    assert demo.events(server_id) == [
        ("conductor_migrate_server", "Error"),
        ("cold_migrate", "Error"),
    ]
    request_id = demo.actions(server_id)[0]["request_id"]
    path = f"/servers/{server_id}/os-instance-actions/{request_id}"
    (event, _) = admin.get(path)["instanceAction"]["events"]
    assert event["details"] == "No valid host was found. No valid host found for resize"
    assert "details" not in demo.get(path)["instanceAction"]["events"][0]


def test_migrate_and_confirm_a_stopped_server(demo: ApiClient, admin: ApiClient) -> None:
    server_id = demo.active()
    accepted(demo, server_id, {"os-stop": None})
    demo.clock.advance(30)
    assert demo.act(server_id, migrate=None).status == 403
    accepted(admin, server_id, {"migrate": None})
    assert demo.states(server_id, 20) == RESIZING
    accepted(demo, server_id, {"confirmResize": None})
    assert demo.states(server_id, 20) == ["VERIFY_RESIZE/None", "SHUTOFF/None"]
    (migration,) = admin.get("/os-migrations")["migrations"]
    assert (migration["status"], migration["migration_type"]) == ("confirmed", "migration")


def test_live_migration_moves_the_server(demo: ApiClient, admin: ApiClient) -> None:
    server_id = demo.active()
    host = admin.show(server_id)["OS-EXT-SRV-ATTR:host"]
    accepted(admin, server_id, {"os-migrateLive": {"host": None, "block_migration": "auto"}})
    assert len(admin.get(f"/servers/{server_id}/migrations")["migrations"]) == 1
    assert demo.states(server_id, 20) == ["MIGRATING/migrating", ACTIVE]
    assert admin.show(server_id)["OS-EXT-SRV-ATTR:host"] != host
    assert admin.get(f"/servers/{server_id}/migrations")["migrations"] == []
    assert len(demo.events(server_id)) == 6


@pytest.mark.parametrize("how", ["abort", "complete"])
def test_live_migration_is_aborted_or_completed(
    demo: ApiClient, admin: ApiClient, how: str
) -> None:
    server_id = demo.active()
    host = admin.show(server_id)["OS-EXT-SRV-ATTR:host"]
    accepted(admin, server_id, {"os-migrateLive": {"host": None, "block_migration": "auto"}})
    admin.clock.advance(1)
    path = f"/servers/{server_id}/migrations"
    number = admin.get(path)["migrations"][0]["id"]
    if how == "abort":
        response = admin("DELETE", f"{path}/{number}")
    else:
        response = admin("POST", f"{path}/{number}/action", {"force_complete": None})
    assert response.status == 202
    assert demo.state(server_id) == ("ACTIVE", None)
    assert (admin.show(server_id)["OS-EXT-SRV-ATTR:host"] == host) == (how == "abort")


def test_live_migration_without_another_host(demo: ApiClient, admin: ApiClient) -> None:
    server_id = demo.active()
    for service in admin.get("/os-services?binary=nova-compute")["services"]:
        if service["host"] != admin.show(server_id)["OS-EXT-SRV-ATTR:host"]:
            admin("PUT", f"/os-services/{service['id']}", {"status": "disabled"})
    accepted(admin, server_id, {"os-migrateLive": {"host": None, "block_migration": "auto"}})
    assert demo.states(server_id, 10) == ["MIGRATING/migrating", ACTIVE]
    assert demo.actions(server_id)[0]["message"] == "Error"


def test_evacuate_needs_a_host_that_is_down(demo: ApiClient, admin: ApiClient) -> None:
    server_id = demo.active()
    host = admin.show(server_id)["OS-EXT-SRV-ATTR:host"]
    refused = admin.act(server_id, evacuate={})
    assert refused.body["badRequest"]["message"] == f"Compute service of {host} is still in use."
    (service,) = admin.get(f"/os-services?host={host}")["services"]
    admin("PUT", f"/os-services/{service['id']}", {"forced_down": True})
    accepted(admin, server_id, {"evacuate": {}})
    assert demo.states(server_id, 20)[-1] == "SHUTOFF/None"  # since 2.95
    assert admin.show(server_id)["OS-EXT-SRV-ATTR:host"] != host


def test_shelve_without_offload_keeps_the_host(demo: ApiClient, admin: ApiClient) -> None:
    demo.cloud.settings.shelved_offload = False
    server_id = demo.active()
    accepted(demo, server_id, {"shelve": None})
    assert demo.states(server_id, 20)[-1] == "SHELVED/None"
    accepted(demo, server_id, {"unshelve": None})
    assert demo.states(server_id, 20) == ["SHELVED/powering-on", ACTIVE]
    accepted(demo, server_id, {"shelve": None})
    demo.clock.advance(20)
    assert demo.act(server_id, shelveOffload=None).status == 403
    accepted(admin, server_id, {"shelveOffload": None})
    assert demo.states(server_id, 20) == [
        "SHELVED/shelving_offloading",
        "SHELVED_OFFLOADED/None",
    ]


def test_soft_delete_and_restore(demo: ApiClient) -> None:
    demo.cloud.settings.soft_delete = True
    server_id = demo.active()
    assert demo("DELETE", f"/servers/{server_id}").status == 204
    assert demo.states(server_id, 20) == ["ACTIVE/soft-deleting", "SOFT_DELETED/None"]
    accepted(demo, server_id, {"restore": None})
    assert demo.states(server_id, 20) == ["SOFT_DELETED/restoring", ACTIVE]
    demo("DELETE", f"/servers/{server_id}")
    demo.clock.advance(20)
    accepted(demo, server_id, {"forceDelete": None})
    assert demo.states(server_id, 20)[-1] == "404/None"


def test_lock_binds_the_owner_but_no_administrator(demo: ApiClient, admin: ApiClient) -> None:
    server_id = demo.active()
    accepted(demo, server_id, {"lock": {"locked_reason": "because"}})
    assert demo.show(server_id)["locked_reason"] == "because"
    refused = demo.act(server_id, **{"os-stop": None})
    assert refused.body["conflictingRequest"]["message"] == f"Instance {server_id} is locked"
    assert demo("DELETE", f"/servers/{server_id}").status == 409
    accepted(admin, server_id, {"os-stop": None})
    accepted(demo, server_id, {"unlock": None})
    assert demo.show(server_id)["locked"] is False


def test_reset_state_ends_the_running_operation(demo: ApiClient, admin: ApiClient) -> None:
    server_id = demo.active()
    demo.cloud.faults.add(Fault("stuck", operation="server.stop"))
    accepted(demo, server_id, {"os-stop": None})
    demo.clock.advance(1000)
    assert demo.state(server_id) == ("ACTIVE", "powering-off")
    assert demo.act(server_id, **{"os-resetState": {"state": "active"}}).status == 403
    accepted(admin, server_id, {"os-resetState": {"state": "error"}})
    assert demo.state(server_id) == ("ERROR", None)
    assert demo.actions(server_id)[0]["action"] == "resetState"


# vm_state: actions that Nova rejects in that state, and their names in messages
REFUSED = {
    "active": ["start", "unpause", "resume", "unrescue", "unshelve", "restore"],
    "stopped": ["stop", "pause", "unpause", "suspend", "resume", "unrescue", "unshelve"],
    "paused": ["start", "stop", "pause", "suspend", "resume", "unrescue", "unshelve"],
}
KEYS = {"start": "os-start", "stop": "os-stop"}
WAYS: dict[str, dict[str, Any]] = {"stopped": {"os-stop": None}, "paused": {"pause": None}}


@pytest.mark.parametrize("vm_state", REFUSED)
def test_wrong_state_is_rejected_with_409(demo: ApiClient, vm_state: str) -> None:
    server_id = demo.active()
    if vm_state in WAYS:
        accepted(demo, server_id, WAYS[vm_state])
        demo.clock.advance(30)
    for name in REFUSED[vm_state]:
        response = demo.act(server_id, **{KEYS.get(name, name): None})
        assert response.status == 409
        assert response.body["conflictingRequest"]["message"] == (
            f"Cannot '{name}' instance {server_id} while it is in vm_state {vm_state}"
        )


def test_busy_server_rejects_all_but_delete(demo: ApiClient) -> None:
    server_id = demo.active()
    accepted(demo, server_id, {"shelve": None})
    refused = demo.act(server_id, suspend=None)
    assert refused.status == 409
    assert refused.body["conflictingRequest"]["message"].endswith("in task_state shelving")
    assert demo("DELETE", f"/servers/{server_id}").status == 204
    assert demo.states(server_id, 20) == ["ACTIVE/deleting", "DELETED/None", "404/None"]


def test_unknown_and_malformed_actions(demo: ApiClient) -> None:
    server_id = demo.active()
    bogus = demo.act(server_id, bogus=None)
    assert bogus.body["badRequest"]["message"] == "There is no such action: bogus"
    assert demo.act(server_id, a=1, b=2).body["badRequest"]["message"] == "Malformed request body"
    same = demo.act(server_id, resize={"flavorRef": demo.flavor("m1.nano")})
    assert same.body["badRequest"]["message"] == "When resizing, instances must change flavor!"


def test_operation_hangs_while_the_host_is_down(demo: ApiClient, admin: ApiClient) -> None:
    server_id, other_id = demo.active(), demo.active()
    host = admin.show(server_id)["OS-EXT-SRV-ATTR:host"]
    assert host != admin.show(other_id)["OS-EXT-SRV-ATTR:host"]
    (service,) = admin.get(f"/os-services?host={host}")["services"]
    admin("PUT", f"/os-services/{service['id']}", {"forced_down": True})
    for one in (server_id, other_id):
        accepted(demo, one, {"os-stop": None})
    demo.clock.advance(1000)
    assert demo.state(server_id) == ("ACTIVE", "powering-off")
    assert demo.state(other_id) == ("SHUTOFF", None)
    assert demo("DELETE", f"/servers/{server_id}").status == 204
    assert demo.state(server_id) == ("404", None)  # nova-api deletes the server itself


def test_unshelve_with_a_deleted_image_fails(demo: ApiClient) -> None:
    server_id = demo.active()
    accepted(demo, server_id, {"shelve": None})
    demo.clock.advance(30)
    (image,) = demo.get("/image/v2/images?name=web-shelved")["images"]
    assert demo("DELETE", f"/image/v2/images/{image['id']}").status == 204
    accepted(demo, server_id, {"unshelve": None})
    assert demo.states(server_id, 20) == ["SHELVED_OFFLOADED/unshelving", "ERROR/None"]
    assert demo.show(server_id)["fault"]["message"] == (
        f"Unshelve attempted but the image {image['id']} cannot be found."
    )


def test_backups_are_rotated(demo: ApiClient) -> None:
    server_id = demo.active()
    for number in range(3):
        body = {"name": f"b{number}", "backup_type": "daily", "rotation": 2}
        assert demo.act(server_id, createBackup=body).status == 202
        demo.clock.advance(30)
    images = demo.get("/image/v2/images?sort=name:asc")["images"]
    assert [one["name"] for one in images if one["name"].startswith("b")] == ["b1", "b2"]
