"""Server operations as data: allowed states, lifecycle, instance action, final states."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    Lifecycle,
    Step,
)
from pytest_osfutures.fakecloud.services.compute.models.power import (
    NOSTATE,
    PAUSED,
    RUNNING,
    SHUTDOWN,
    SUSPENDED,
)


@dataclass(frozen=True)
class ServerOperation:
    """One operation on servers."""

    record: str  #: the name in instance actions and in messages
    lifecycle: Lifecycle
    vm_states: tuple[str, ...]  #: the vm_states that allow the operation
    events: tuple[str, ...]  #: the events of the instance action
    to: Mapping[str, Any] = field(default_factory=dict)  #: the server's fields after success
    tasks: tuple[str | None, ...] = (None,)  #: the task_states that allow the operation
    begun: int = 1  #: so many of `events` begin at once, the others after success
    boots: bool = False  #: a guest that runs before and after has booted again


def _path(operation: str, *tasks: str | tuple[str, float]) -> Lifecycle:
    """Return a lifecycle through task states, each with its share of the duration (default 1)."""
    steps = [task if isinstance(task, tuple) else (task, 1.0) for task in tasks]
    return Lifecycle(
        f"server.{operation}", tuple(Step(share, {"task_state": task}) for task, share in steps)
    )


ACTIVE = {"vm_state": "active", "power_state": RUNNING}
STOPPED = {"vm_state": "stopped", "power_state": SHUTDOWN}
RESTING = ("active", "stopped", "paused", "suspended")
REBOOT_TASKS = ("rebooting", "reboot_pending", "reboot_started")
HARD_TASKS = ("rebooting_hard", "reboot_pending_hard", "reboot_started_hard")

START = ServerOperation(
    "start", _path("start", "powering-on"), ("stopped",), ("compute_start_instance",), ACTIVE
)
STOP = ServerOperation(
    "stop",
    _path("stop", "powering-off"),
    ("active", "error"),
    ("compute_stop_instance",),
    STOPPED,
)
SOFT_REBOOT = ServerOperation(
    "reboot",
    _path("reboot", *REBOOT_TASKS),
    ("active",),
    ("compute_reboot_instance",),
    ACTIVE,
    boots=True,
)
HARD_REBOOT = ServerOperation(
    "reboot",
    _path("reboot", *HARD_TASKS),
    ("active", "stopped", "paused", "suspended", "error"),
    ("compute_reboot_instance",),
    ACTIVE,
    (None, *REBOOT_TASKS, *HARD_TASKS, "resuming", "unpausing", "suspending"),
    boots=True,
)
PAUSE = ServerOperation(
    "pause",
    _path("pause", "pausing"),
    ("active",),
    ("compute_pause_instance",),
    {"vm_state": "paused", "power_state": PAUSED},
)
UNPAUSE = ServerOperation(
    "unpause", _path("unpause", "unpausing"), ("paused",), ("compute_unpause_instance",), ACTIVE
)
SUSPEND = ServerOperation(
    "suspend",
    _path("suspend", "suspending"),
    ("active",),
    ("compute_suspend_instance",),
    {"vm_state": "suspended", "power_state": SUSPENDED},
)
RESUME = ServerOperation(
    "resume", _path("resume", "resuming"), ("suspended",), ("compute_resume_instance",), ACTIVE
)
RESCUE = ServerOperation(
    "rescue",
    _path("rescue", "rescuing"),
    ("active", "stopped", "error"),
    ("compute_rescue_instance",),
    {"vm_state": "rescued", "power_state": RUNNING},
    boots=True,
)
UNRESCUE = ServerOperation(
    "unrescue",
    _path("unrescue", "unrescuing"),
    ("rescued",),
    ("compute_unrescue_instance",),
    ACTIVE,
    boots=True,
)
CHANGE_PASSWORD = ServerOperation(
    "changePassword",
    _path("change_password", "updating_password"),
    ("active",),
    ("compute_set_admin_password",),
)
CRASH_DUMP = ServerOperation(
    "trigger_crash_dump",
    Lifecycle("server.trigger_crash_dump", (Step(1.0),)),
    ("active", "paused", "rescued", "resized", "error"),
    ("compute_trigger_crash_dump",),
    boots=True,
)
RESTORE = ServerOperation(
    "restore",
    _path("restore", "restoring"),
    ("soft-delete",),
    ("compute_restore_instance",),
    ACTIVE,
    boots=True,
)
REBUILD = ServerOperation(
    "rebuild",
    _path("rebuild", "rebuilding", "rebuild_block_device_mapping", ("rebuild_spawning", 3.0)),
    ("active", "stopped", "error"),
    ("rebuild_server", "compute_rebuild_instance"),
    begun=2,
    boots=True,
)
RESIZE_EVENTS = (
    "conductor_migrate_server",
    "cold_migrate",
    "compute_prep_resize",
    "compute_resize_instance",
    "compute_finish_resize",
)
RESIZE_PATH = Lifecycle(
    "server.resize",
    (
        Step(0.2, {"task_state": "resize_prep"}),
        Step(0.3, {"task_state": "resize_migrating"}, "schedule"),
        Step(0.3, {"task_state": "resize_migrated"}, "move"),
        Step(0.2, {"task_state": "resize_finish"}, "resize"),
    ),
)
RESIZE = ServerOperation(
    "resize", RESIZE_PATH, ("active", "stopped"), RESIZE_EVENTS, begun=2, boots=True
)
MIGRATE = ServerOperation(
    "migrate", RESIZE_PATH, ("active", "stopped"), RESIZE_EVENTS, begun=2, boots=True
)
CONFIRM_RESIZE = ServerOperation(
    "confirmResize",
    Lifecycle("server.confirm_resize", (Step(1.0),)),
    ("resized",),
    ("compute_confirm_resize",),
)
REVERT_RESIZE = ServerOperation(
    "revertResize",
    _path("revert_resize", "resize_reverting"),
    ("resized",),
    ("compute_revert_resize", "compute_finish_revert_resize"),
    boots=True,
)
LIVE_MIGRATE = ServerOperation(
    "live-migration",
    _path("live_migrate", "migrating"),
    ("active", "paused"),
    (
        "conductor_live_migrate_instance",
        "compute_check_can_live_migrate_destination",
        "compute_check_can_live_migrate_source",
        "compute_pre_live_migration",
        "compute_live_migration",
        "compute_post_live_migration_at_destination",
    ),
)
EVACUATE = ServerOperation(
    "evacuate",
    _path("evacuate", "rebuilding", "rebuild_block_device_mapping", ("rebuild_spawning", 3.0)),
    ("active", "stopped", "error"),
    ("rebuild_server", "compute_rebuild_instance"),
    begun=2,
    boots=True,
)
SHELVE = ServerOperation(
    "shelve",
    _path(
        "shelve",
        "shelving",
        "shelving_image_pending_upload",
        ("shelving_image_uploading", 3.0),
    ),
    RESTING,
    ("compute_shelve_instance",),
    {"vm_state": "shelved", "power_state": SHUTDOWN},
)
SHELVE_OFFLOAD = ServerOperation(
    "shelveOffload",
    _path("shelve_offload", "shelving_offloading"),
    ("shelved",),
    ("compute_shelve_offload_instance",),
    {"vm_state": "shelved_offloaded", "power_state": NOSTATE},
)
UNSHELVE = ServerOperation(
    "unshelve",
    Lifecycle(
        "server.unshelve",
        (
            Step(0.3, {"task_state": "unshelving"}),
            Step(0.7, {"task_state": "spawning"}, "schedule"),
        ),
    ),
    ("shelved", "shelved_offloaded"),
    ("get_image_info", "compute_unshelve_instance"),
    ACTIVE,
)
UNSHELVE_ON_HOST = ServerOperation(
    "unshelve",
    _path("unshelve", "powering-on"),
    ("shelved",),
    ("compute_start_instance",),
    ACTIVE,
)
CREATE_IMAGE = ServerOperation(
    "createImage",
    Lifecycle(
        "server.create_image",
        (
            Step(0.1, {"task_state": "image_snapshot_pending"}),
            Step(0.2, {"task_state": "image_snapshot"}),
            Step(0.1, {"task_state": "image_pending_upload"}),
            Step(0.6, {"task_state": "image_uploading"}, "upload"),
        ),
    ),
    RESTING,
    ("compute_snapshot_instance",),
)
CREATE_BACKUP = ServerOperation(
    "createBackup",
    Lifecycle(
        "server.create_backup",
        (
            Step(0.3, {"task_state": "image_backup"}),
            Step(0.1, {"task_state": "image_pending_upload"}),
            Step(0.6, {"task_state": "image_uploading"}, "upload"),
        ),
    ),
    RESTING,
    ("compute_backup_instance",),
)

BUILD = Lifecycle(
    "server.create",
    (
        Step(0.1, {"task_state": "scheduling"}),
        Step(0.05, {"task_state": None}, "place"),
        Step(0.15, {"task_state": "networking"}, "claim"),
        Step(0.1, {"task_state": "block_device_mapping"}, "disks"),
        Step(0.6, {"task_state": "spawning"}),
    ),
)
BUILD_FROM_VOLUME = Lifecycle(
    "server.create",
    (*BUILD.steps[:3], Step(0.7, {"task_state": "block_device_mapping"}, "disks")),
)
DELETE = _path("delete", "deleting")
SOFT_DELETE = _path("delete", "soft-deleting")

ATTACHABLE = (
    "active",
    "paused",
    "stopped",
    "resized",
    "soft-delete",
    "shelved",
    "shelved_offloaded",
)
ATTACH_VOLUME = Lifecycle("server.attach_volume", (Step(0.3), Step(0.7, {}, "connect")))
DETACH_VOLUME = Lifecycle("server.detach_volume", (Step(1.0),))
SWAP_VOLUME = Lifecycle("server.swap_volume", (Step(1.0),))
DETACH_INTERFACE = Lifecycle("server.detach_interface", (Step(1.0),))
