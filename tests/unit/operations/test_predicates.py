"""Predicates and extractors with plain values."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.operations import predicates

TASK = "OS-EXT-STS:task_state"


@pytest.mark.parametrize(
    ("counts", "most"),
    [
        ({}, "1"),
        ({"min_count": 3}, "3"),
        ({"max_count": "4"}, "4"),
        ({"min_count": 2, "max_count": 5}, "5"),
        ({"min_count": None, "max_count": 2}, "2"),
    ],
)
def test_larger_count_of_a_request_counts(counts: dict[str, Any], most: str) -> None:
    assert predicates.count_of_servers({"server": counts}, None) == most
    assert predicates.requests_several({"server": counts}, {}) is (int(most) > 1)


def test_action_of_an_extend_may_begin_two_seconds_early() -> None:
    volume = {
        "status": "in-use",
        "updated_at": "2026-01-01T00:01:00.000000",
        "attachments": [{"server_id": "s"}],
    }
    variables = predicates.server_of_volume(volume, {}, 10.0)
    assert variables == {"server": "s", "begun": "2026-01-01T00:00:48", "extend_age": "10.0"}
    actions = [
        {"action": "extend_volume", "start_time": f"2026-01-01T00:00:{at}", "request_id": at}
        for at in ("47.900000", "48.100000")
    ]
    assert predicates.request_of_extend({"instanceActions": actions[:1]}, variables, 11.0) == {}
    assert predicates.request_of_extend({"instanceActions": actions}, variables, 11.0) == {
        "extend_request": "48.100000"
    }


def test_action_of_an_extend_begins_within_five_seconds() -> None:
    variables = {"begun": "2026-01-01T00:00:48", "extend_age": "10.0"}
    others = [
        {"action": "stop", "start_time": "2026-01-01T00:00:50", "request_id": "stop"},
        {"action": "extend_volume", "start_time": "2026-01-01T00:00:47", "request_id": "early"},
    ]
    assert predicates.request_of_extend({"instanceActions": others}, variables, 15.0) == {}
    assert predicates.request_of_extend({"instanceActions": others}, variables, 15.1) == {
        "not_recorded": "yes"
    }
    exact = {"action": "extend_volume", "start_time": "2026-01-01T00:00:48", "request_id": "it"}
    assert predicates.request_of_extend({"instanceActions": [*others, exact]}, variables, 15.1) == {
        "extend_request": "it"
    }


USED = {
    "status": "in-use",
    "updated_at": "2026-01-01T00:01:00",
    "attachments": [{"server_id": None}, {"server_id": "s"}],
}


@pytest.mark.parametrize(
    "change", [{"status": "available"}, {"attachments": [{}]}, {"updated_at": None}]
)
def test_extend_without_a_server_has_no_action(
    change: dict[str, Any],
) -> None:
    assert predicates.server_of_volume(USED, {}, 0.0)["server"] == "s"
    assert predicates.server_of_volume({**USED, **change}, {}, 0.0) == {}


@pytest.mark.parametrize(
    ("state", "host", "wanted", "expected"),
    [
        ("starting", "new#pool", "new", None),
        ("migrating", "new#pool", "new", None),
        ("completing", "new#pool", "new", None),
        ("success", "new#pool", "new", True),
        ("success", "new#pool", "new#pool", True),
        ("success", "new", "new", True),
        ("success", "newer#pool", "new", False),
        ("success", "old#pool", "new", False),
        ("success", None, "new", False),
        (None, "new#pool", "new", True),
        ("success", "old#pool", None, True),
    ],
)
def test_volume_has_migrated_on_the_requested_host(
    state: str | None, host: str | None, wanted: str | None, expected: bool | None
) -> None:
    volume = {"migration_status": state, "os-vol-host-attr:host": host}
    variables = {} if wanted is None else {"host": wanted}
    assert predicates.has_migrated(volume, variables) is expected


def test_failed_migration_has_its_status() -> None:
    assert "error" in str(predicates.has_migrated({"migration_status": "error"}, {"host": "new"}))


@pytest.mark.parametrize(
    ("attachment", "left", "expected"),
    [
        ("a", ["b"], True),
        ("a", ["a", "b"], False),
        ("", [], True),
        ("None", [], True),
        ("", ["b"], False),
        ("None", ["b"], False),
        (None, ["b"], False),
    ],
)
def test_volume_is_detached_without_the_attachment(
    attachment: str | None, left: list[str], expected: bool
) -> None:
    volume = {"attachments": [{"attachment_id": each} for each in left]}
    variables = {} if attachment is None else {"attachment": attachment}
    assert predicates.is_detached_at_all(volume, variables) is expected


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ({"a": "available", "b": "available"}, True),
        ({"a": "creating", "b": "available"}, None),
        ({"a": "error", "b": "available"}, "the snapshot a of the image is error"),
        ({"a": "available"}, "the snapshot b of the image is gone"),
    ],
)
def test_an_image_needs_all_its_snapshots(
    statuses: dict[str, str], expected: bool | str | None
) -> None:
    body = {"snapshots": [{"id": each, "status": status} for each, status in statuses.items()]}
    assert predicates.all_available(body, {"snapshots": "a b"}) == expected


def test_the_snapshots_of_an_image_are_named_by_its_mapping() -> None:
    image = {"name": "my image", "block_device_mapping": '[{"snapshot_id": "a"}, {}]'}
    variables = {"snapshots": "a", "snapshot_name": "snapshot%20for%20my%20image"}
    assert predicates.volume_snapshots(image, {}, 0.0) == variables
    assert predicates.volume_snapshots({"name": "x", "block_device_mapping": "[{}]"}, {}, 0.0) == {}
    assert predicates.volume_snapshots({"name": "x"}, {}, 0.0) == {}


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        (["failed-over"], True),
        (["failed-over", "failing-over"], None),
        (["enabled"], None),
        (["error"], "the replication of the service is in status error"),
        (["failover-error"], "the replication of the service is in status failover-error"),
    ],
)
def test_a_service_is_failed_over_when_all_its_backends_are(
    states: list[str], expected: bool | str | None
) -> None:
    services = [{"binary": "cinder-volume", "replication_status": each} for each in states]
    backup = {"binary": "cinder-backup", "replication_status": "error"}
    assert predicates.service_is_failed_over({"services": [*services, backup]}, {}) == expected


MIGRATED = {"id": 9, "created_at": "2026-01-01T00:00:10.000000", "status": "completed"}


@pytest.mark.parametrize(
    ("migrations", "expected"),
    [
        ([MIGRATED], True),
        ([{**MIGRATED, "migration_type": "live-migration"}], True),
        ([{**MIGRATED, "migration_type": "resize"}], False),
        ([{**MIGRATED, "created_at": "2026-01-01T00:00:09.900000"}], False),
        ([{**MIGRATED, "id": 10, "status": "running"}, MIGRATED], None),
        ([{**MIGRATED, "status": "error"}], "the migration 9 ended with status error"),
        ([], False),
    ],
)
def test_the_newest_live_migration_since_the_request_decides(
    migrations: list[dict[str, Any]], expected: bool | str | None
) -> None:
    body = {"migrations": migrations}
    assert predicates.is_live_migrated(body, {"begun": "2026-01-01T00:00:10"}) == expected


@pytest.mark.parametrize(
    ("server", "variables"),
    [
        ({TASK: "migrating", "hostId": "h"}, {"old_host": "h"}),
        ({TASK: "migrating", "hostId": ""}, {}),
        ({TASK: None, "hostId": "h"}, {}),
    ],
)
def test_the_old_host_is_the_one_of_a_server_on_its_way(
    server: dict[str, Any], variables: dict[str, str]
) -> None:
    assert predicates.host_of_migrating_server(server, {}, 0.0) == variables
    assert predicates.has_moved({"hostId": "other"}, variables)
    assert predicates.has_moved({"hostId": "h"}, variables) is not bool(variables)


@pytest.mark.parametrize(
    ("events", "message", "expected"),
    [
        ([None], None, None),
        (["Success", None], None, None),
        (["Success"], None, True),
        ([], None, True),
        (["Error"], None, "the volume has grown, but event grow of its server failed"),
        ([], "Error", "the volume has grown, but its server did not notice it"),
    ],
)
def test_action_of_an_extend_succeeds_with_its_events(
    events: list[str | None], message: str | None, expected: bool | str | None
) -> None:
    shown = [{"event": "grow", "result": each} for each in events]
    assert predicates.extend_has_succeeded({"events": shown, "message": message}, {}) == expected


@pytest.mark.parametrize(
    ("made", "mac"),
    [
        ({"fixed_ips": [{}], "mac_addr": "m"}, "m"),
        ({"fixed_ips": [], "mac_addr": "m"}, None),
        ({"fixed_ips": [{}], "mac_addr": 7}, None),
        ({"fixed_ips": [{}]}, None),
        (None, None),
    ],
)
def test_an_interface_without_an_address_is_not_looked_for_by_it(
    made: dict[str, Any] | None, mac: str | None
) -> None:
    assert predicates.mac_with_address({}, {"interfaceAttachment": made}) == mac
    variables = {} if mac is None else {"mac": mac}
    other = {"addresses": {"net": [{"OS-EXT-IPS-MAC:mac_addr": "other"}]}}
    assert predicates.has_address(other, variables) is (mac is None)
    own = {"addresses": {"net": [{}], "more": [{"OS-EXT-IPS-MAC:mac_addr": "m"}]}}
    assert predicates.has_address(own, variables)


@pytest.mark.parametrize(
    ("image", "expected"),
    [
        ({"status": "active"}, True),
        ({"status": "importing"}, None),
        ({"status": "active", "os_glance_importing_to_stores": "a"}, None),
        ({"status": "active", "os_glance_importing_to_stores": ""}, True),
        ({"status": "queued", "os_glance_failed_import": "a"}, "the import into a has failed"),
    ],
)
def test_an_image_is_imported_when_no_store_is_left(
    image: dict[str, Any], expected: bool | str | None
) -> None:
    assert predicates.is_imported(image, {}) == expected


@pytest.mark.parametrize("asked", [{"add_volumes": "v"}, {"remove_volumes": "v"}, {"name": "n"}])
def test_only_a_group_whose_volumes_change_works_on_it(asked: dict[str, str]) -> None:
    assert predicates.adds_or_removes({"group": asked}, {}) is ("name" not in asked)


@pytest.mark.parametrize(("volume", "makes"), [(None, True), ("", True), ("v", False)])
def test_a_backup_is_restored_to_the_volume_that_is_named(volume: str | None, makes: bool) -> None:
    assert predicates.creates_volume({"restore": {"volume_id": volume}}, {}) is makes


# Many servers

STAMPED = {"name": "web-1", "id": "1", "metadata": {"osf_op": "mine"}}
FOREIGN = {"name": "web-2", "id": "2", "metadata": {"osf_op": "theirs"}}
UNSTAMPED = {"name": "web-3", "id": "3"}


@pytest.mark.parametrize(
    ("variables", "ids"),
    [
        ({"op": "mine"}, "1"),
        ({"op": "mine", "members": "3"}, "13"),
        ({"members": "2,3"}, "23"),
        ({"name": "web", "most": "2"}, "12"),
        ({"name": "web", "most": "3", "before": "2"}, "13"),
        ({"reservation": "r"}, "123"),
    ],
)
def test_members_are_identified_by_stamp_id_or_name(variables: dict[str, str], ids: str) -> None:
    body = {"servers": [UNSTAMPED, FOREIGN, STAMPED]}
    assert "".join(each["id"] for each in predicates.servers(body, variables)) == ids


@pytest.mark.parametrize(
    ("found", "variables", "expected"),
    [
        ([STAMPED], {"op": "mine"}, True),
        ([], {"op": "mine"}, False),
        ([STAMPED, FOREIGN], {"before": "", "most": "2"}, True),
        ([STAMPED, FOREIGN], {"before": "", "most": "1"}, False),
        ([STAMPED, STAMPED], {"before": "", "most": "2"}, False),
        ([], {"before": "", "most": "2"}, False),
        ([STAMPED], {"most": "2"}, False),
    ],
)
def test_members_of_equal_names_are_not_identified(
    found: list[dict[str, Any]], variables: dict[str, str], expected: bool
) -> None:
    assert predicates.are_identified(list(found), variables) is expected


def member(status: str, task: str | None = None, **more: Any) -> dict[str, Any]:
    """Return a server of a request for several."""
    return {"name": "web-1", "id": "1", "status": status, TASK: task, **more}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([member("ACTIVE")], True),
        ([member("ACTIVE"), member("BUILD")], None),
        ([member("ACTIVE", "deleting")], None),
        ([member("ERROR", "spawning")], None),
        ([member("SHUTOFF", "powering-on")], None),
        ([member("SHUTOFF")], "the server web-1 (1) is in status SHUTOFF"),
        ([member("ERROR")], "the server web-1 (1) went to status ERROR: "),
        (
            [member("ACTIVE"), member("ERROR", fault={"message": "No host "})],
            "the server web-1 (1) went to status ERROR: No host",
        ),
        ([], "the servers are gone; this operation does not delete them"),
    ],
)
def test_many_servers_are_made_when_all_are_active(
    found: list[dict[str, Any]], expected: bool | str | None
) -> None:
    assert predicates.all_active({"servers": found}, {"reservation": "r"}) == expected
