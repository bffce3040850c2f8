"""The record of a server and the parts of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ResourceRecord,
)
from pytest_osfutures.fakecloud.services.compute.models.guest import Boot
from pytest_osfutures.fakecloud.services.compute.models.power import NOSTATE
from pytest_osfutures.fakecloud.services.compute.models.records import InstanceAction

_RESIZING = ("resize_prep", "resize_migrating", "resize_migrated", "resize_finish")
_REBUILDING = ("rebuilding", "rebuild_block_device_mapping", "rebuild_spawning")

STATUSES = {
    "active": "ACTIVE",
    "building": "BUILD",
    "stopped": "SHUTOFF",
    "resized": "VERIFY_RESIZE",
    "paused": "PAUSED",
    "suspended": "SUSPENDED",
    "rescued": "RESCUE",
    "error": "ERROR",
    "deleted": "DELETED",
    "soft-delete": "SOFT_DELETED",
    "shelved": "SHELVED",
    "shelved_offloaded": "SHELVED_OFFLOADED",
}
#: vm_states, task_states, and the status that replaces the status of the vm_state
STATUS_OVERRIDES = (
    (("active",), ("rebooting", "reboot_pending", "reboot_started"), "REBOOT"),
    (
        ("active",),
        ("rebooting_hard", "reboot_pending_hard", "reboot_started_hard"),
        "HARD_REBOOT",
    ),
    (("active",), ("updating_password",), "PASSWORD"),
    (("active", "stopped", "error"), _REBUILDING, "REBUILD"),
    (("active", "paused"), ("migrating",), "MIGRATING"),
    (("active", "stopped"), _RESIZING, "RESIZE"),
    (("resized",), ("resize_reverting",), "REVERT_RESIZE"),
)


def status_of(vm_state: str, task_state: str | None) -> str:
    """Return the API's status for a vm_state and a task_state: nova/api/openstack/common.py."""
    for vm_states, task_states, status in STATUS_OVERRIDES:
        if vm_state in vm_states and task_state in task_states:
            return status
    return STATUSES[vm_state]


@dataclass(frozen=True)
class FlavorRecord:
    """One flavor."""

    id: str
    name: str
    ram: int
    disk: int
    vcpus: int
    ephemeral: int = 0
    swap: int = 0
    description: str | None = None
    rxtx_factor: float = 1.0
    is_public: bool = True
    project_ids: tuple[str, ...] = ()  #: the projects that may use a flavor that is not public
    extra_specs: Mapping[str, str] = field(default_factory=dict)

    def is_for(self, project_id: str) -> bool:
        """Return True if the project may use the flavor."""
        return self.is_public or project_id in self.project_ids


@dataclass(frozen=True)
class ServerFault:
    """The fault of a server in ERROR."""

    code: int
    message: str
    created_at: float
    details: str = ""  #: shown to administrators only


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class BlockDevice(ResourceRecord):
    """A volume on a server. Its id is the id of Cinder's attachment."""

    server_id: str
    volume_id: str
    device: str
    bdm_id: str
    boot_index: int | None = None
    delete_on_termination: bool = False
    tag: str | None = None
    attached: bool = False


@dataclass(frozen=True)
class PendingVolume:
    """A volume that Cinder is still creating for a server."""

    volume_id: str
    number: int
    disk: Mapping[str, Any]


@dataclass(frozen=True)
class Wanted:
    """The requested properties of a server that is not built yet."""

    #: network id, port id, fixed IP
    networks: tuple[tuple[str | None, str | None, str | None], ...] = ()
    security_groups: tuple[str, ...] = ("default",)
    disks: tuple[
        Mapping[str, Any], ...
    ] = ()  #: entries of `block_device_mapping_v2` that are volumes
    host: str | None = None


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class ServerRecord(ResourceRecord):
    """One server.

    `placed` is True as soon as the scheduler has chosen a host for the first time. Before that,
    Nova has only a build request (nova/objects/build_request.py).
    """

    flavor: FlavorRecord
    image_id: str | None
    hostname: str
    reservation_id: str
    vm_state: str = "building"
    task_state: str | None = "scheduling"
    power_state: int = NOSTATE
    progress: int = 0
    placed: bool = False
    host: str | None = None
    zone: str = ""
    pinned_zone: str | None = None
    old_host: str | None = None
    old_flavor: FlavorRecord | None = None
    old_vm_state: str = "active"
    confirming: bool = False
    fault: ServerFault | None = None
    key_name: str | None = None
    key_data: str | None = None  #: the public key, also when its keypair is deleted
    description: str | None = None
    tags: tuple[str, ...] = ()
    locked_by: str | None = None
    locked_reason: str | None = None
    user_data: str | None = None
    config_drive: bool = False
    launch_index: int = 0
    launched_at: float | None = None
    terminated_at: float | None = None
    disk_config: str = "MANUAL"
    access_ip_v4: str = ""
    access_ip_v6: str = ""
    root_device: str | None = "/dev/sda"
    scheduler_hints: dict[str, Any] = field(default_factory=dict)
    trusted_certificates: tuple[str, ...] | None = None
    wanted: Wanted = field(default_factory=Wanted)
    attachments: tuple[BlockDevice, ...] = ()
    pending: tuple[PendingVolume, ...] = ()
    #: the volumes of a failed build: id, delete_on_termination
    let_go: tuple[tuple[str, bool], ...] = ()
    actions: list[InstanceAction] = field(default_factory=list)
    shelved_image_id: str | None = None
    #: image ids by backup type
    backups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    admin_pass: str = ""
    boot: Boot | None = None  #: the last boot of the guest
    security_groups: tuple[str, ...] = ("default",)

    @property
    def shown_status(self) -> str:
        """Return the API's status."""
        return status_of(self.vm_state, self.task_state)

    @property
    def boots_from_volume(self) -> bool:
        """Return True if the root disk is a volume."""
        return self.image_id is None or self.root_volume() is not None

    @property
    def disks(self) -> list[tuple[str, bool]]:
        """Return the ids of the volumes, each with its `delete_on_termination`."""
        return [*((a.volume_id, a.delete_on_termination) for a in self.attachments), *self.let_go]

    def root_volume(self) -> BlockDevice | None:
        """Return the block device of the volume from which the server boots."""
        return next((a for a in self.attachments if a.boot_index == 0), None)
