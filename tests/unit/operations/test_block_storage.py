"""Verdicts about Cinder's operations, with plain values."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.operations.judge import Failed, Verdict
from pytest_osfutures.operations.model import ResourceType
from pytest_osfutures.operations.resource_types import (
    ACTION,
    ACTIONS,
    BACKUP,
    GROUP,
    GROUP_SNAPSHOT,
    IMAGE,
    MESSAGES,
    REPLICATION,
    SERVICES,
    SNAPSHOT,
    VOLUME,
    VOLUME_ATTACHMENT,
)
from tests.unit.judging import REQUEST, Judged, asks, done, runs, why


def volume(case: Judged, status: str | None, **more: Any) -> Verdict:
    """Return the verdict when volume `v` has a status and further fields."""
    body = None if status is None else {"status": status, "attachments": [], **more}
    return case.see(VOLUME, body, id="v")


def silence(case: Judged, ident: str = "v") -> Verdict:
    """Return the verdict when Cinder has no message about a resource."""
    return case.see(MESSAGES, {"messages": []}, id=ident)


@pytest.mark.parametrize("status", ["creating", "downloading", "restoring-backup"])
def test_volume_create_runs_in_each_intermediate_status(status: str) -> None:
    case = Judged("volume.create", id="v")
    assert runs(volume(case, status))
    assert done(volume(case, "available"))


def test_failure_has_cinders_message_for_the_request() -> None:
    case = Judged("volume.extend", id="v", size="2")
    assert asks(volume(case, "error_extending"), MESSAGES)
    found = [
        {"request_id": REQUEST, "user_message": "ours"},
        {"request_id": "another", "user_message": "of yesterday"},
    ]
    assert "error_extending" in why(case.see(MESSAGES, {"messages": found}, id="v"))
    assert case.details.messages == ("ours",)


def test_failure_is_reported_when_messages_cannot_be_read() -> None:
    case = Judged("volume.create", id="v")
    volume(case, "error")
    assert why(case.see(MESSAGES, None, id="v"))


@pytest.mark.parametrize(
    ("operation", "kind", "status"),
    [
        ("volume.create", VOLUME, "error"),
        ("volume.delete", VOLUME, "error_deleting"),
        ("volume.force_delete", VOLUME, "error_deleting"),
        ("volume.extend", VOLUME, "error_extending"),
        ("volume.manage", VOLUME, "error_managing"),
        ("volume.unmanage", VOLUME, "error_unmanaging"),
        ("volume.revert_to_snapshot", VOLUME, "error"),
        ("volume.reimage", VOLUME, "error"),
        ("volume.attach", VOLUME, "error_attaching"),
        ("volume.detach", VOLUME, "error_detaching"),
        ("attachment.update", VOLUME_ATTACHMENT, "error_attaching"),
        ("snapshot.create", SNAPSHOT, "error"),
        ("snapshot.delete", SNAPSHOT, "error_deleting"),
        ("backup.create", BACKUP, "error"),
        ("backup.delete", BACKUP, "error_deleting"),
        ("group.create", GROUP, "error"),
        ("group.delete", GROUP, "error_deleting"),
        ("group_snapshot.delete", GROUP_SNAPSHOT, "error_deleting"),
    ],
)
def test_every_error_status_is_a_failure(operation: str, kind: ResourceType, status: str) -> None:
    case = Judged(operation, id="v", size="2", volume="w", snapshot="s")
    case.see(kind, {"status": status, "attachments": []}, id="v")
    verdict = silence(case)
    for other in ("w", "s"):
        if runs(verdict):
            verdict = silence(case, other)
    assert status in why(verdict)


@pytest.mark.parametrize(
    ("operation", "kind", "status"),
    [
        ("volume.delete", VOLUME, "deleting"),
        ("volume.unmanage", VOLUME, "unmanaging"),
        ("snapshot.delete", SNAPSHOT, "deleting"),
        ("snapshot.unmanage", SNAPSHOT, "unmanaging"),
        ("backup.delete", BACKUP, "deleting"),
        ("group.delete", GROUP, "deleting"),
        ("group_snapshot.delete", GROUP_SNAPSHOT, "deleting"),
    ],
)
def test_deletion_ends_with_absence(operation: str, kind: ResourceType, status: str) -> None:
    case = Judged(operation, id="v")
    assert runs(case.see(kind, {"status": status}, id="v"))
    assert done(case.see(kind, None, id="v"))


def test_delete_fails_if_the_volume_is_available_again() -> None:
    case = Judged("volume.delete", id="v")
    volume(case, "available")
    assert "available" in why(silence(case))


def test_extend_fails_if_the_volume_is_deleted_meanwhile() -> None:
    case = Judged("volume.extend", id="v", size="2")
    volume(case, "deleting")
    assert "deleting" in why(silence(case))
    case = Judged("volume.extend", id="v", size="2")
    volume(case, None)
    verdict = silence(case)
    assert isinstance(verdict, Failed)
    assert verdict.vanished


def test_failure_names_an_unknown_status() -> None:
    case = Judged("volume.extend", id="v", size="2")
    volume(case, "weird")
    assert "weird" in why(silence(case))


def test_extend_needs_the_new_size() -> None:
    case = Judged("volume.extend", id="v", size="2")
    assert runs(volume(case, "extending", size=1))
    assert done(volume(case, "available", size=2))
    case = Judged("volume.extend", id="v", size="2")
    volume(case, "available", size=1)
    assert why(silence(case))


def extended() -> Judged:
    """Return an extend of a volume in use, whose size is new."""
    case = Judged("volume.extend", id="v", size="2")
    used = [{"server_id": "s"}]
    verdict = volume(
        case, "in-use", size=2, attachments=used, updated_at="2026-01-01T00:00:10.000000"
    )
    assert asks(verdict, ACTIONS)
    return case


def actions_of_server(*starts: str) -> dict[str, Any]:
    """Return instance actions that extend a disk, begun at the moments `starts`."""
    return {
        "instanceActions": [
            {"action": "extend_volume", "start_time": start, "request_id": f"req-{number}"}
            for number, start in enumerate(starts)
        ]
    }


def test_extend_in_use_waits_for_the_server() -> None:
    case = extended()
    found = actions_of_server("2025-12-31T00:00:00.000000", "2026-01-01T00:00:10.000000")
    assert asks(case.see(ACTIONS, found, id="s"), ACTION)
    unfinished = {"events": [{"event": "compute_extend_volume", "result": None}], "message": None}
    assert runs(case.see(ACTION, unfinished, id="s", request_id="req-1"))
    ended = {"events": [{"event": "compute_extend_volume", "result": "Success"}], "message": None}
    assert done(case.see(ACTION, ended, id="s", request_id="req-1"))


def test_extend_in_use_fails_with_the_servers_action() -> None:
    case = extended()
    case.see(ACTIONS, actions_of_server("2026-01-01T00:00:10.000000"), id="s")
    ended = {"events": [{"event": "compute_extend_volume", "result": "Error"}], "message": "Error"}
    case.see(ACTION, ended, id="s", request_id="req-0")
    assert "compute_extend_volume" in why(silence(case))


def test_extend_in_use_ends_if_nova_records_no_action() -> None:
    case = extended()
    assert runs(case.see(ACTIONS, actions_of_server("2025-12-31T00:00:00.000000"), id="s"))
    case.now = 10.0
    assert done(case.see(ACTIONS, actions_of_server(), id="s"))


def test_extend_ends_with_the_volume_if_the_server_is_hidden() -> None:
    assert done(extended().see(ACTIONS, None, id="s"))


def test_volume_upload_is_judged_by_the_image() -> None:
    case = Judged("volume.upload_to_image", id="v", image="i")
    assert runs(volume(case, "uploading"))
    assert asks(volume(case, "available"), IMAGE)
    assert runs(case.see(IMAGE, {"status": "saving"}, id="i"))
    assert done(case.see(IMAGE, {"status": "active"}, id="i"))


def test_volume_upload_fails_if_the_image_is_gone() -> None:
    case = Judged("volume.upload_to_image", id="v", image="i")
    volume(case, "available")
    case.see(IMAGE, None, id="i")
    verdict = silence(case)
    assert isinstance(verdict, Failed)
    assert not verdict.vanished


@pytest.mark.parametrize("wanted", ["fast", "id-of-fast"])
def test_retype_compares_the_type_by_name_or_id(wanted: str) -> None:
    case = Judged("volume.retype", id="v", type=wanted)
    assert runs(volume(case, "retyping", volume_type="slow", volume_type_id="s"))
    assert done(volume(case, "in-use", volume_type="fast", volume_type_id="id-of-fast"))


def test_retype_fails_if_the_old_type_is_back() -> None:
    case = Judged("volume.retype", id="v", type="fast")
    volume(case, "available", volume_type="slow", volume_type_id="s")
    assert why(silence(case))


HOST = "os-vol-host-attr:host"


@pytest.mark.parametrize("state", ["starting", "migrating", "completing"])
def test_volume_migration_runs_by_its_migration_status(state: str) -> None:
    case = Judged("volume.migrate", id="v", host="b@x")
    assert runs(volume(case, "available", migration_status=state, **{HOST: "a@x#p"}))
    assert done(volume(case, "available", migration_status="success", **{HOST: "b@x#p"}))


def test_volume_migration_fails_by_status_or_host() -> None:
    case = Judged("volume.migrate", id="v", host="b@x")
    volume(case, "available", migration_status="error", **{HOST: "a@x#p"})
    assert "migration_status error" in why(silence(case))
    case = Judged("volume.migrate", id="v", host="b@x")
    volume(case, "available", migration_status=None, **{HOST: "b@x2#p"})
    assert why(silence(case))


def test_a_revert_needs_volume_and_snapshot() -> None:
    case = Judged("volume.revert_to_snapshot", id="v", snapshot="s")
    assert runs(volume(case, "available"))
    assert runs(case.see(SNAPSHOT, {"status": "restoring"}, id="s"))
    assert done(case.see(SNAPSHOT, {"status": "available"}, id="s"))


def test_a_completed_attachment_has_its_volume_in_use() -> None:
    case = Judged("attachment.complete", id="a")
    attached = {"status": "attached", "volume_id": "v"}
    assert asks(case.see(VOLUME_ATTACHMENT, attached, id="a"), VOLUME)
    assert done(volume(case, "in-use"))


def test_a_detach_is_about_one_attachment() -> None:
    for attachment, left, expected in (
        ("a", ["b"], True),
        ("a", ["a", "b"], False),
        ("", [], True),
        ("", ["b"], False),
    ):
        case = Judged("volume.detach", id="v", attachment=attachment)
        attachments = [{"attachment_id": each} for each in left]
        assert done(volume(case, "in-use", attachments=attachments)) is expected


def test_a_transfer_is_done_when_the_volume_is_ours() -> None:
    assert done(volume(Judged("transfer.create", volume="v", transfer="t"), "awaiting-transfer"))
    case = Judged("transfer.accept", volume="v", transfer="t")
    assert runs(volume(case, "awaiting-transfer"))
    assert done(volume(case, "available"))


def test_a_backup_needs_its_volume_back() -> None:
    case = Judged("backup.create", id="b", volume="v")
    assert runs(case.see(BACKUP, {"status": "available"}, id="b"))
    assert runs(volume(case, "backing-up"))
    assert done(volume(case, "in-use"))


def test_backup_failure_has_the_fail_reason() -> None:
    case = Judged("backup.create", id="b", volume="v")
    case.see(BACKUP, {"status": "error", "fail_reason": "no space"}, id="b")
    silence(case, "b")
    assert "no space" in why(silence(case))


def test_a_restore_is_judged_by_its_volume() -> None:
    case = Judged("backup.restore", backup="b", volume="v")
    assert runs(case.see(BACKUP, {"status": "restoring"}, id="b"))
    assert asks(case.see(BACKUP, {"status": "available"}, id="b"), VOLUME)
    volume(case, "error_restoring")
    silence(case, "b")
    assert "error_restoring" in why(silence(case))


def test_restore_reads_the_volume_after_the_backup() -> None:
    case = Judged("backup.restore", backup="b", volume="v")
    assert asks(case.see(BACKUP, {"status": "available"}, id="b"), VOLUME)
    assert runs(volume(case, "restoring-backup"))
    assert done(volume(case, "available"))


@pytest.mark.parametrize(
    ("operation", "way", "end"),
    [
        ("group.enable_replication", "enabling", "enabled"),
        ("group.disable_replication", "disabling", "disabled"),
        ("group.failover_replication", "failing-over", "failed-over"),
    ],
)
def test_group_replication_ends_in_its_status(operation: str, way: str, end: str) -> None:
    case = Judged(operation, id="g")
    assert runs(case.see(REPLICATION, {"replication_status": way}, id="g"))
    assert done(case.see(REPLICATION, {"replication_status": end}, id="g"))
    case = Judged(operation, id="g")
    case.see(REPLICATION, {"replication_status": "failover-error"}, id="g")
    assert "failover-error" in why(silence(case, "g"))


def test_service_failover_ends_in_failed_over() -> None:
    def services(state: str) -> dict[str, Any]:
        return {"services": [{"binary": "cinder-volume", "replication_status": state}]}

    case = Judged("service.failover", host="h")
    assert runs(case.see(SERVICES, services("failing-over"), host="h"))
    assert done(case.see(SERVICES, services("failed-over"), host="h"))
    case = Judged("service.failover", host="h")
    assert "failover-error" in why(case.see(SERVICES, services("failover-error"), host="h"))


def test_group_update_ends_in_available() -> None:
    case = Judged("group.update", id="g")
    assert runs(case.see(GROUP, {"status": "updating"}, id="g"))
    assert done(case.see(GROUP, {"status": "available"}, id="g"))


@pytest.mark.parametrize(
    ("name", "kind"), [("volume.create", VOLUME), ("snapshot.create", SNAPSHOT)]
)
def test_create_fails_as_gone_if_deleted_meanwhile(name: str, kind: ResourceType) -> None:
    case = Judged(name, id="v")
    assert runs(case.see(kind, {"status": "creating"}, id="v"))
    assert runs(case.see(kind, {"status": "deleting"}, id="v"))
    case.see(MESSAGES, None, id="v")
    assert "is gone" in why(case.see(kind, None, id="v"))
