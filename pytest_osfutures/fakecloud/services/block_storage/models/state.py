"""The state of Cinder: all its resources."""

from __future__ import annotations

from typing import TypeVar

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    RequestContext,
    ResourceRecord,
    ResourceTable,
    Runtime,
)
from pytest_osfutures.fakecloud.services.block_storage.models.records import (
    CONSISTENCY_TYPE,
    GIB,
    AttachmentRecord,
    BackupRecord,
    GroupRecord,
    GroupSnapshot,
    GroupType,
    Message,
    QosSpecs,
    SnapshotRecord,
    Transfer,
    VolumeRecord,
    VolumeService,
    VolumeType,
)
from pytest_osfutures.fakecloud.services.service_ports import ImagesPort, ProjectsPort, ServersPort

R = TypeVar("R", bound=ResourceRecord)

HOST = "cinder1"
BACKENDS = ("fast", "slow")
POOL_GIGABYTES = 1_000_000
#: name and extra specs; the first type is the default
TYPES: tuple[tuple[str, dict[str, str]], ...] = (
    ("fast", {"volume_backend_name": "fast"}),
    ("slow", {"volume_backend_name": "slow"}),
    ("multi", {"volume_backend_name": "fast", "multiattach": "<is> True"}),
    ("__DEFAULT__", {}),
)
DEFAULT_GROUP_TYPE = "default_group_type"
GROUP_TYPES: tuple[tuple[str, str, dict[str, str]], ...] = (
    (
        CONSISTENCY_TYPE,
        "Default group type for migrating cgsnapshot",
        {"consistent_group_snapshot_enabled": "<is> True"},
    ),
    (DEFAULT_GROUP_TYPE, "The group type for groups that name none", {}),
)


class BlockStorageModel:
    """The state of Cinder, with the ports to Nova, Glance and Keystone."""

    servers: ServersPort  #: Nova; set after construction, because Nova's model needs this one

    def __init__(self, runtime: Runtime, images: ImagesPort, projects: ProjectsPort) -> None:
        self.runtime = runtime
        self.images = images
        self.projects = projects
        self.volumes: ResourceTable[VolumeRecord] = ResourceTable(runtime.database, "volume")
        self.attachments: ResourceTable[AttachmentRecord] = ResourceTable(
            runtime.database, "attachment"
        )
        self.snapshots: ResourceTable[SnapshotRecord] = ResourceTable(runtime.database, "snapshot")
        self.backups: ResourceTable[BackupRecord] = ResourceTable(runtime.database, "backup")
        self.transfers: ResourceTable[Transfer] = ResourceTable(runtime.database, "transfer")
        self.groups: ResourceTable[GroupRecord] = ResourceTable(runtime.database, "group")
        self.group_snapshots: ResourceTable[GroupSnapshot] = ResourceTable(
            runtime.database, "group_snapshot"
        )
        self.messages: dict[str, Message] = {}
        self.quotas: dict[str, dict[str, int]] = {}  #: by project, without the defaults
        self.services = {name: self._service(name) for name in (f"{HOST}@{b}" for b in BACKENDS)}
        self.disabled: dict[tuple[str, str], str | None] = {}  #: the reason by service
        self.types: dict[str, VolumeType] = {}
        for name, specs in TYPES:
            made = VolumeType(
                id=runtime.new_id(), name=name, extra_specs=specs, created_at=self.now()
            )
            self.types[made.id] = made
        self.default_types: dict[str, VolumeType] = {}  #: by project, without the default
        self.qos_specs: dict[str, QosSpecs] = {}
        self.group_types: dict[str, GroupType] = {}
        for name, text, specs in GROUP_TYPES:
            kind = GroupType(id=runtime.new_id(), name=name, description=text, group_specs=specs)
            self.group_types[kind.id] = kind

    def _service(self, name: str) -> VolumeService:
        made = VolumeService(id=self.runtime.new_id(), name=name)
        made.remember(self.runtime.schedule)
        return made

    def now(self) -> float:
        """Return the cloud's time in seconds since 1970."""
        return self.runtime.schedule.time()

    def default_type(self, project_id: str = "") -> VolumeType:
        """Return the default volume type of a project."""
        return self.default_types.get(project_id) or next(iter(self.types.values()))

    def consistency_type(self) -> GroupType:
        """Return the group type of consistency groups (the older API)."""
        return next(kind for kind in self.group_types.values() if kind.for_consistency)

    def type_named(self, id_or_name: str, context: RequestContext) -> VolumeType:
        """Return the volume type with that id or name. Raises ApiError(404)."""
        for kind in self.types.values():
            if id_or_name in (kind.id, kind.name) and kind.seen_by(context):
                return kind
        named = "" if len(id_or_name) == 36 and id_or_name.count("-") == 4 else "with name "
        raise ApiError(404, f"Volume type {named}{id_or_name} could not be found.")

    def pool(self, backend: str | None) -> str | None:
        """Return the pool of that backend in the format `host@backend#pool`, or None."""
        return f"{HOST}@{backend}#{backend}" if backend in BACKENDS else None

    def allocated(self, pool: str) -> int:
        """Return the GiB of all volumes in `pool`."""
        return sum(volume.size for volume in self.volumes if volume.host == pool)

    def host_for(
        self, volume: VolumeRecord, near: VolumeRecord | SnapshotRecord | None = None
    ) -> str | None:
        """Return the pool for the volume, or None if no pool of its type has room.

        The pool of `near`, the source of the volume, is taken if the volume's type allows that
        pool.
        """
        wanted = volume.volume_type.extra_specs.get("volume_backend_name")
        if isinstance(near, SnapshotRecord):
            near = self.volumes.get(near.volume_id)
        pools = [self.pool(backend) for backend in BACKENDS if wanted in (None, backend)]
        if near is not None and near.host in pools:
            pools = [near.host]
        free = {pool: POOL_GIGABYTES - self.allocated(pool) for pool in pools if pool}
        fitting = [pool for pool, space in free.items() if space >= volume.size]
        return max(fitting, key=lambda pool: free[pool], default=None)

    def volume(self, volume_id: str, context: RequestContext | None = None) -> VolumeRecord:
        """Return a volume that `context` may see. Raises ApiError(404)."""
        return _found(self.volumes, volume_id, context, "Volume")

    def snapshot(self, snapshot_id: str, context: RequestContext | None = None) -> SnapshotRecord:
        """Return a snapshot that `context` may see. Raises ApiError(404)."""
        return _found(self.snapshots, snapshot_id, context, "Snapshot")

    def backup(self, backup_id: str, context: RequestContext | None = None) -> BackupRecord:
        """Return a backup that `context` may see. Raises ApiError(404)."""
        return _found(self.backups, backup_id, context, "Backup")

    def group(self, group_id: str, context: RequestContext | None = None) -> GroupRecord:
        """Return a group that `context` may see. Raises ApiError(404)."""
        return _found(self.groups, group_id, context, "Group")

    def group_snapshot(
        self, snapshot_id: str, context: RequestContext | None = None
    ) -> GroupSnapshot:
        """Return a group snapshot that `context` may see. Raises ApiError(404)."""
        return _found(self.group_snapshots, snapshot_id, context, "GroupSnapshot")

    def transfer(self, transfer_id: str, context: RequestContext | None = None) -> Transfer:
        """Return a transfer that `context` may see. Raises ApiError(404)."""
        return _found(self.transfers, transfer_id, context, "Transfer")

    def attachment(
        self, attachment_id: str, context: RequestContext | None = None
    ) -> AttachmentRecord:
        """Return an attachment that `context` may see. Raises ApiError(404)."""
        attachment = self.attachments.get(attachment_id)
        if attachment is None or not _may_see(attachment, context):
            raise ApiError(
                404,
                "Volume attachment could not be found with filter: attachment_id = "
                f"{attachment_id}.",
            )
        return attachment

    def snapshots_of(self, volume: VolumeRecord) -> list[SnapshotRecord]:
        """Return the snapshots of the volume, the oldest first."""
        return [snapshot for snapshot in self.snapshots if snapshot.volume_id == volume.id]

    def check_image(self, image_id: str, size: int, context: RequestContext) -> None:
        """Raise ApiError(400) if the image is not active or does not fit into `size` GiB."""
        project_id = None if context.is_admin else context.project_id
        try:
            image = self.images.image_details(image_id, project_id)
        except ApiError:
            raise ApiError(404, f"Image {image_id} could not be found.") from None
        problem = ""
        gigabytes = -(-(image.size or 0) // GIB)
        if image.status != "active":
            problem = f"Image {image_id} is not active."
        elif gigabytes > size:
            problem = f"Size of specified image {gigabytes}GB is larger than volume size {size}GB."
        elif image.min_disk > size:
            problem = (
                f"Volume size {size}GB cannot be smaller than the image minDisk size "
                f"{image.min_disk}GB."
            )
        if problem:
            raise ApiError(400, f"Invalid input received: {problem}")


def _may_see(resource: ResourceRecord, context: RequestContext | None) -> bool:
    return context is None or context.is_admin or resource.project_id == context.project_id


def _found(
    table: ResourceTable[R], resource_id: str, context: RequestContext | None, kind: str
) -> R:
    resource = table.get(resource_id)
    if resource is None or not _may_see(resource, context):
        raise ApiError(404, f"{kind} {resource_id} could not be found.")
    return resource
