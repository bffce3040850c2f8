"""Status words of all services, and verdicts by them alone."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.operations.status_words import (
    Phase,
    is_done,
    phase,
    progress_variables,
    saved_state,
)

#: The words as the services of each type show them.
UNDER_WAY = {
    "orchestration": "CREATE_IN_PROGRESS UPDATE_IN_PROGRESS DELETE_IN_PROGRESS IN_PROGRESS"
    " ROLLBACK_IN_PROGRESS SUSPEND_IN_PROGRESS CHECK_IN_PROGRESS RESTORE_IN_PROGRESS",
    "load-balancer": "PENDING_CREATE PENDING_UPDATE PENDING_DELETE",
    "shared-file-system": "creating deleting extending shrinking reverting restoring migrating"
    " manage_starting unmanage_starting replication_change queued_to_apply queued_to_deny applying"
    " denying syncing out_of_sync migration_starting migration_in_progress network_change"
    " migration_driver_in_progress migration_cancel_in_progress migration_completing"
    " backup_creating creating_from_snapshot server_migrating",
    "dns": "PENDING",
    "baremetal": "deploying,wait call-back,clean wait,cleaning,verifying,inspecting,inspect wait"
    ",adopting,rescuing,rescue wait,unrescuing,servicing,service wait,deleting,allocating"
    ",deploy hold",
    "image": "queued uploading importing saving pending processing",
    "container-infrastructure-management": "CREATE_IN_PROGRESS",
    "database": "BUILD REBOOT RESIZE BACKUP PROMOTE EJECT UPGRADE DETACH SHUTDOWN NEW SAVING",
    "application-container": "Creating Deleting Rebuilding Restarting image_pulling Pending",
    "workflow": "IDLE RUNNING DELAYED WAITING",
    "clustering": "INIT WAITING READY RUNNING WAITING_LIFECYCLE_COMPLETION RESIZING",
    "instance-ha": "new running pending ongoing",
    "resource-optimization": "PENDING ONGOING CANCELLING",
    "reservation": "CREATING STARTING UPDATING TERMINATING DELETING",
    "accelerator": "Initial BindStarted Deleting",
    "compute": "BUILD REBOOT HARD_REBOOT REBUILD RESIZE REVERT_RESIZE MIGRATING PASSWORD",
    "network": "BUILD PENDING_CREATE ALLOCATING",
}
FAILED = {
    "orchestration": "CREATE_FAILED UPDATE_FAILED DELETE_FAILED SUSPEND_FAILED ROLLBACK_COMPLETE"
    " ROLLBACK_FAILED FAILED",
    "load-balancer": "ERROR",
    "shared-file-system": "error error_deleting extending_error shrinking_error reverting_error"
    " manage_error unmanage_error migration_error migration_cancelled backup_restoring_error",
    "dns": "ERROR",
    "baremetal": "deploy failed,clean failed,inspect failed,adopt failed,rescue failed,error"
    ",unrescue failed,service failed",
    "image": "failure killed",
    "database": "ERROR FAILED BLOCKED DELETE_FAILED",
    "application-container": "Error Dead Failed",
    "workflow": "ERROR CANCELLED",
    "clustering": "FAILED CANCELLED ERROR CRITICAL WARNING",
    "instance-ha": "error failed ignored",
    "resource-optimization": "FAILED CANCELLED SUPERSEDED",
    "accelerator": "BindFailed UnbindFailed",
    "network": "ERROR DEGRADED",
}
ENDED = {
    "orchestration": "CREATE_COMPLETE UPDATE_COMPLETE SUSPEND_COMPLETE CHECK_COMPLETE COMPLETE",
    "load-balancer": "ACTIVE READY ALLOCATED DELETED",
    "shared-file-system": "available active in_sync awaiting_transfer inactive"
    " migration_driver_phase1_done data_copying_completed migration_success",
    "dns": "ACTIVE COMPLETE",
    "baremetal": "active,available,manageable,enroll,rescue,power on,power off",
    "image": "active success deactivated",
    "database": "ACTIVE HEALTHY COMPLETED RESTORED RESTART_REQUIRED",
    "application-container": "Created Running Stopped Paused Succeeded",
    "workflow": "SUCCESS PAUSED",
    "clustering": "SUCCEEDED ACTIVE",
    "instance-ha": "finished succeeded",
    "reservation": "PENDING ACTIVE TERMINATED",
    "accelerator": "Bound Unbound",
    "compute": "ACTIVE SHUTOFF PAUSED SUSPENDED RESCUE VERIFY_RESIZE SHELVED_OFFLOADED",
    "network": "ACTIVE DOWN INACTIVE",
}
WORDS = [
    (service, word, expected)
    for expected, table in (
        (Phase.UNDER_WAY, UNDER_WAY),
        (Phase.FAILED, FAILED),
        (Phase.ENDED, ENDED),
    )
    for service, text in table.items()
    for word in text.split("," if "," in text else None)
]


@pytest.mark.parametrize(("service", "word", "expected"), WORDS)
def test_a_status_word_has_its_phase(service: str, word: str, expected: Phase) -> None:
    assert phase(word, service) is expected


def done(body: dict[str, Any], old: dict[str, Any] | None = None, **variables: str) -> Any:
    """Judge a resource; `old` is its state before the request."""
    return is_done(body, {**variables, **({"old": saved_state(old)} if old is not None else {})})


NODE: dict[str, Any] = {"provision_state": "enroll", "last_error": None}
FAILED_NODE = {**NODE, "last_error": "no power"}
SHARE: dict[str, Any] = {"status": "available", "size": 2, "task_state": None}


@pytest.mark.parametrize(
    ("body", "old", "variables", "expected"),
    [
        ({"stack_status": "CREATE_IN_PROGRESS"}, None, {"creates": "yes"}, None),
        ({"stack_status": "CREATE_COMPLETE"}, None, {"creates": "yes"}, True),
        # Nothing shows yet, or nothing ever will.
        (SHARE, SHARE, {}, None),
        (SHARE, SHARE, {"settled": "yes"}, True),
        (SHARE, None, {}, None),
        # It was in ERROR before, and is as it was: no failure of this request.
        ({"status": "ERROR"}, {"status": "ERROR"}, {}, None),
        ({"status": "ERROR"}, {"status": "ERROR"}, {"settled": "yes"}, True),
        # What was asked for is no failure.
        ({"status": "ERROR"}, {"status": "ACTIVE"}, {"asked": "error"}, True),
        ({"stack_status": "UPDATE_FAILED"}, None, {"may_fail": "yes"}, True),
        # The target tells that work goes on, and whether its end is the right one.
        ({"provision_state": "x", "target_provision_state": "active"}, None, {}, None),
        (NODE, None, {"was_busy": "yes", "goal_provision_state": "enroll"}, True),
        # A failed first phase is an old one's if it was there before.
        ({**SHARE, "task_state": "migration_error"}, {**SHARE, "size": 1}, {}, "migration_error"),
        ({**SHARE, "task_state": "migration_error", "size": 3},
         {**SHARE, "task_state": "migration_error", "status": "extending"}, {}, True),
        ({"status": "migrating", "task_state": "migration_driver_phase1_done"},
         {"status": "available", "task_state": None}, {}, True),
        # An end that looks well, without what was asked for.
        (SHARE, None, {"new_size": "1", "was_busy": "yes"}, "the size 2"),
        (FAILED_NODE, None, {"was_busy": "yes", "goal_provision_state": "manageable"}, "no power"),
        (FAILED_NODE, NODE, {}, "no power"),
        # Deletions.
        ({"status": "ACTIVE"}, None, {"deletes": "yes"}, None),
        ({"status": "ACTIVE"}, None, {"deletes": "yes", "was_busy": "yes"}, "not deleted"),
        ({"status": "ERROR"}, None, {"deletes": "yes"}, None),
        ({"status": "error_deleting"}, None, {"deletes": "yes"}, "could not be deleted"),
        ({"stack_status": "DELETE_COMPLETE"}, None, {"deletes": "yes"}, True),
    ],
)  # fmt: skip
def test_a_resource_is_judged_by_its_words_and_by_how_it_was(
    body: dict[str, Any], old: dict[str, Any] | None, variables: dict[str, str], expected: Any
) -> None:
    verdict = done(body, old, **variables)
    if isinstance(expected, str):
        assert isinstance(verdict, str)
        assert expected in verdict
    else:
        assert verdict is expected


def test_reads_keep_that_a_resource_was_busy_and_its_target() -> None:
    node = {"provision_state": "verifying", "target_provision_state": "manageable"}
    assert progress_variables(node, {}, 0.1) == {
        "was_busy": "yes",
        "goal_provision_state": "manageable",
    }
    assert progress_variables(SHARE, {}, 3.0) == {"settled": "yes"}
    assert progress_variables(SHARE, {"deletes": "yes"}, 3.0) == {}
    assert progress_variables(SHARE, {"deletes": "yes"}, 10.0) == {"settled": "yes"}
