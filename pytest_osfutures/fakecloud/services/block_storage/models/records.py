"""What exists in Cinder: volumes, their types, snapshots, backups, attachments, groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pytest_osfutures.fakecloud.kernel.call import RequestContext
from pytest_osfutures.fakecloud.kernel.resource import ResourceRecord

ZONE = "nova"
GIB = 1 << 30
CONSISTENCY_TYPE = "default_cgsnapshot_type"


@dataclass(kw_only=True)
class VolumeType:
    """A kind of volume that an administrator offers."""

    id: str
    name: str
    description: str | None = None
    is_public: bool = True
    extra_specs: Mapping[str, str] = field(default_factory=dict)
    projects: tuple[str, ...] = ()  # who may use it if it is not public
    qos_specs_id: str | None = None
    created_at: float = 0.0

    @property
    def multiattach(self) -> bool:
        """Whether its volumes can be on several servers at once."""
        return self.extra_specs.get("multiattach") == "<is> True"

    def seen_by(self, context: RequestContext) -> bool:
        """Whether `context` may use it."""
        return self.is_public or context.is_admin or context.project_id in self.projects


@dataclass(kw_only=True)
class QosSpecs:
    """What volumes of some types get of their backend, or of the hypervisor."""

    id: str
    name: str
    consumer: str = "back-end"
    specs: Mapping[str, str] = field(default_factory=dict)


@dataclass(eq=False, kw_only=True)
class AttachmentRecord(ResourceRecord):
    """A volume's place on a server; `status` is reserved, attaching, attached or detached."""

    volume_id: str
    server_id: str | None
    attach_mode: str = "null"
    mountpoint: str | None = None
    host: str | None = None
    connection_info: Mapping[str, Any] | None = field(default_factory=dict)
    attached_at: float | None = None


@dataclass(eq=False, kw_only=True)
class VolumeRecord(ResourceRecord):
    """One volume. It has a `host` once the scheduler has found a backend for it."""

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
    name_id: str | None = None  # what the backend calls it since it was moved there
    replication_status: str | None = None
    previous_status: str | None = None
    consumes_quota: bool = True
    growing_by: int = 0  # GiB that an extend has reserved
    admin_metadata: dict[str, str] = field(default_factory=dict)
    image_metadata: dict[str, str] = field(default_factory=dict)
    attachments: tuple[AttachmentRecord, ...] = ()

    @property
    def attached(self) -> tuple[AttachmentRecord, ...]:
        """The attachments that are complete."""
        return tuple(a for a in self.attachments if a.status == "attached")

    @property
    def is_target(self) -> bool:
        """Whether another volume is being moved to this one, which only administrators see."""
        return (self.migration_status or "").startswith("target:")

    @property
    def migrating(self) -> bool:
        """Whether it is on the way to another backend."""
        return self.migration_status not in (None, "error", "success", "deleting")

    def settle(self, status: str) -> None:
        """Be in `status` from now on."""
        self.previous_status = None
        self.status = status
        self.touch()

    def leave(self, status: str) -> None:
        """Be in `status` for a while and remember what it was before."""
        self.previous_status = self.status
        self.status = status
        self.touch()


@dataclass(eq=False, kw_only=True)
class SnapshotRecord(ResourceRecord):
    """A volume as it was."""

    volume_id: str
    size: int
    volume_type: VolumeType
    description: str | None = None
    progress: str = "0%"
    group_snapshot_id: str | None = None
    image_metadata: dict[str, str] = field(default_factory=dict)
    bootable: bool = False


@dataclass(eq=False, kw_only=True)
class BackupRecord(ResourceRecord):
    """A copy of a volume elsewhere."""

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
    of_volume: Mapping[str, Any] = field(default_factory=dict)  # as it was then

    def write_over(self, volume: VolumeRecord) -> None:
        """Give a volume the metadata that the backup has of its own.

        Cinder says whose they are, unless the volume is the one that the backup was made of. Name
        and description go only to what has no name that somebody has chosen.
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


@dataclass(eq=False, kw_only=True)
class Transfer(ResourceRecord):
    """An offer of a volume to whoever has the key."""

    volume_id: str
    auth_key: str
    no_snapshots: bool = False


@dataclass(kw_only=True)
class GroupType:
    """What groups of it can do."""

    id: str
    name: str
    description: str | None = None
    is_public: bool = True
    group_specs: Mapping[str, str] = field(default_factory=dict)

    @property
    def for_consistency(self) -> bool:
        """Whether its groups are those that the older API calls consistency groups."""
        return self.name == CONSISTENCY_TYPE

    @property
    def replicated(self) -> bool:
        """Whether groups of it can be replicated."""
        specs = ("group_replication_enabled", "consistent_group_replication_enabled")
        return any(self.group_specs.get(spec) == "<is> True" for spec in specs)


@dataclass(eq=False, kw_only=True)
class GroupRecord(ResourceRecord):
    """Volumes that are treated together."""

    group_type: GroupType
    volume_types: tuple[VolumeType, ...]
    description: str | None = None
    zone: str = ZONE
    group_snapshot_id: str | None = None
    source_group_id: str | None = None
    replication_status: str = "disabled"


@dataclass(eq=False, kw_only=True)
class GroupSnapshot(ResourceRecord):
    """The snapshots of all volumes of a group, taken at once."""

    group_id: str
    group_type: GroupType
    description: str | None = None


@dataclass(frozen=True)
class Message:
    """What Cinder tells a user of something that went wrong."""

    id: str
    project_id: str
    request_id: str
    resource_type: str
    resource_uuid: str
    event_id: str
    text: str
    created_at: float


@dataclass(eq=False, kw_only=True)
class VolumeService(ResourceRecord):
    """One cinder-volume; its name is the host with the backend."""

    replication_status: str = "enabled"
    active_backend_id: str | None = None
    frozen: bool = False
