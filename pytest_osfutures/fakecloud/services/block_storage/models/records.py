"""The records of Cinder: volumes, types, snapshots, backups, attachments, groups, messages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    RequestContext,
    ResourceRecord,
)

ZONE = "nova"
GIB = 1 << 30
CONSISTENCY_TYPE = "default_cgsnapshot_type"


@dataclass(kw_only=True)
class VolumeType:
    """One volume type."""

    id: str
    name: str
    description: str | None = None
    is_public: bool = True
    extra_specs: Mapping[str, str] = field(default_factory=dict)
    projects: tuple[str, ...] = ()  #: the projects that may use a private type
    qos_specs_id: str | None = None
    created_at: float = 0.0

    @property
    def multiattach(self) -> bool:
        """Return True if volumes of the type can be attached to several servers."""
        return self.extra_specs.get("multiattach") == "<is> True"

    def seen_by(self, context: RequestContext) -> bool:
        """Return True if the context's project may use the type."""
        return self.is_public or context.is_admin or context.project_id in self.projects


@dataclass(kw_only=True)
class QosSpecs:
    """QoS specs: limits that the backend or the hypervisor enforces for volume types."""

    id: str
    name: str
    consumer: str = "back-end"
    specs: Mapping[str, str] = field(default_factory=dict)


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class AttachmentRecord(ResourceRecord):
    """An attachment; its `status` is reserved, attaching, attached or detached."""

    volume_id: str
    server_id: str | None
    attach_mode: str = "null"
    mountpoint: str | None = None
    host: str | None = None
    connection_info: Mapping[str, Any] | None = field(default_factory=dict)
    attached_at: float | None = None


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class VolumeRecord(ResourceRecord):
    """One volume. `host` is None until the scheduler has chosen a backend."""

    size: int
    volume_type: VolumeType
    zone: str = ZONE
    description: str | None = None
    snapshot_id: str | None = None
    source_volid: str | None = None
    group_id: str | None = None
    host: str | None = None
    service_uuid: str | None = None
    bootable: bool = False
    multiattach: bool = False
    migration_status: str | None = None
    name_id: str | None = None  #: the volume's id in the backend after a migration
    replication_status: str | None = None
    previous_status: str | None = None
    consumes_quota: bool = True
    growing_by: int = 0  #: GiB that a running extend reserves
    admin_metadata: dict[str, str] = field(default_factory=dict)
    image_metadata: dict[str, str] = field(default_factory=dict)
    attachments: tuple[AttachmentRecord, ...] = ()

    @property
    def attached(self) -> tuple[AttachmentRecord, ...]:
        """Return the attachments with status `attached`."""
        return tuple(a for a in self.attachments if a.status == "attached")

    @property
    def is_target(self) -> bool:
        """Return True for the target volume of a migration; only administrators see it."""
        return (self.migration_status or "").startswith("target:")

    @property
    def migrating(self) -> bool:
        """Return True during a migration."""
        return self.migration_status not in (None, "error", "success", "deleting")

    def settle(self, status: str) -> None:
        """Set the final status of an operation."""
        self.previous_status = None
        self.status = status
        self.touch()

    def leave(self, status: str) -> None:
        """Set the intermediate status of an operation and keep the old one as previous status."""
        self.previous_status = self.status
        self.status = status
        self.touch()


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class SnapshotRecord(ResourceRecord):
    """One snapshot of a volume."""

    volume_id: str
    size: int
    volume_type: VolumeType
    description: str | None = None
    progress: str = "0%"
    group_snapshot_id: str | None = None
    image_metadata: dict[str, str] = field(default_factory=dict)
    bootable: bool = False


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class BackupRecord(ResourceRecord):
    """One backup of a volume."""

    volume_id: str
    size: int
    data_timestamp: float
    description: str | None = None
    zone: str | None = None
    container: str | None = None
    snapshot_id: str | None = None
    parent_id: str | None = None
    fail_reason: str | None = None
    object_count: int = 0
    #: the volume's properties at the time of the backup
    of_volume: Mapping[str, Any] = field(default_factory=dict)

    def write_over(self, volume: VolumeRecord) -> None:
        """Copy the metadata in the backup to the restored volume, as Cinder does.

        Unless the volume is the source of the backup, its metadata gets `src_backup_id`. The
        backup's name and description replace only a name that Cinder has generated
        (`restore_backup_...`).
        """
        told = self.of_volume
        if told["metadata"]:
            volume.metadata = dict(told["metadata"])
        if told["image_metadata"]:
            volume.image_metadata, volume.bootable = dict(told["image_metadata"]), True
        if told["name"] and (volume.name or "restore_backup_").startswith("restore_backup_"):
            volume.name, volume.description = told["name"], told["description"]
        before = volume.metadata.get("src_backup_id", self.id)
        if self.volume_id != volume.id or before != self.id:
            volume.metadata = {**volume.metadata, "src_backup_id": self.id}


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class Transfer(ResourceRecord):
    """The offer of a volume to any project that has the key."""

    volume_id: str
    auth_key: str
    no_snapshots: bool = False


@dataclass(kw_only=True)
class GroupType:
    """One group type."""

    id: str
    name: str
    description: str | None = None
    is_public: bool = True
    group_specs: Mapping[str, str] = field(default_factory=dict)

    @property
    def for_consistency(self) -> bool:
        """Return True if groups of the type are consistency groups (the older API)."""
        return self.name == CONSISTENCY_TYPE

    @property
    def replicated(self) -> bool:
        """Return True if groups of the type can be replicated."""
        specs = ("group_replication_enabled", "consistent_group_replication_enabled")
        return any(self.group_specs.get(spec) == "<is> True" for spec in specs)


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class GroupRecord(ResourceRecord):
    """One generic volume group."""

    group_type: GroupType
    volume_types: tuple[VolumeType, ...]
    description: str | None = None
    zone: str = ZONE
    group_snapshot_id: str | None = None
    source_group_id: str | None = None
    replication_status: str = "disabled"


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class GroupSnapshot(ResourceRecord):
    """The snapshots of all volumes of a group, taken at one time."""

    group_id: str
    group_type: GroupType
    description: str | None = None


@dataclass(frozen=True, repr=False, match_args=False)
class Message:
    """One user message about a failed operation."""

    id: str
    project_id: str
    request_id: str
    resource_type: str
    resource_uuid: str
    event_id: str
    text: str
    created_at: float


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class VolumeService(ResourceRecord):
    """One cinder-volume service; its name is the host with the backend."""

    replication_status: str = "enabled"
    active_backend_id: str | None = None
    frozen: bool = False
