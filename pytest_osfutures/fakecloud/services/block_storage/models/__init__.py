"""What Cinder knows: its resources and what happens to them. It knows no HTTP."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pytest_osfutures.fakecloud.kernel.errors import ApiError
from pytest_osfutures.fakecloud.kernel.resource import Resource, Table
from pytest_osfutures.fakecloud.services.block_storage.models import attachments, snapshots, volumes
from pytest_osfutures.fakecloud.services.block_storage.models.records import (
    CONSISTENCY_TYPE,
    Attachment,
    Backup,
    Context,
    Group,
    GroupSnapshot,
    GroupType,
    Message,
    QosSpecs,
    Snapshot,
    Transfer,
    Volume,
    VolumeType,
)
from pytest_osfutures.fakecloud.services.block_storage.models.services import VolumeService
from pytest_osfutures.fakecloud.services.compute.neighbours import VolumeFacts

if TYPE_CHECKING:
    from pytest_osfutures.fakecloud.cloud import FakeCloud

R = TypeVar("R", bound=Resource)

HOST = "cinder1"
BACKENDS = ("fast", "slow")
POOL_GIGABYTES = 1_000_000
# name, extra specs; the first one is the default
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
    """The state of Cinder. Its methods without a context are for the other services."""

    def __init__(self, cloud: FakeCloud) -> None:
        self.cloud = cloud
        self.volumes: Table[Volume] = Table(cloud, "volume")
        self.attachments: Table[Attachment] = Table(cloud, "attachment")
        self.snapshots: Table[Snapshot] = Table(cloud, "snapshot")
        self.backups: Table[Backup] = Table(cloud, "backup")
        self.transfers: Table[Transfer] = Table(cloud, "transfer")
        self.groups: Table[Group] = Table(cloud, "group")
        self.group_snapshots: Table[GroupSnapshot] = Table(cloud, "group_snapshot")
        self.messages: dict[str, Message] = {}
        self.quotas: dict[str, dict[str, int]] = {}  # by project: what differs from the default
        self.services = {name: self._service(name) for name in (f"{HOST}@{b}" for b in BACKENDS)}
        self.disabled: dict[tuple[str, str], str | None] = {}  # service -> reason
        self.types: dict[str, VolumeType] = {}
        for name, specs in TYPES:
            made = VolumeType(
                id=cloud.new_id(), name=name, extra_specs=specs, created_at=self.now()
            )
            self.types[made.id] = made
        self.default_types: dict[str, VolumeType] = {}  # by project: where it differs
        self.qos_specs: dict[str, QosSpecs] = {}
        self.group_types: dict[str, GroupType] = {}
        for name, text, specs in GROUP_TYPES:
            kind = GroupType(id=cloud.new_id(), name=name, description=text, group_specs=specs)
            self.group_types[kind.id] = kind

    def _service(self, name: str) -> VolumeService:
        made = VolumeService(id=self.cloud.new_id(), name=name)
        made.remember(self.cloud)
        return made

    def now(self) -> float:
        """Seconds since 1970 on the cloud's clock."""
        return self.cloud.schedule.time()

    def default_type(self, project_id: str = "") -> VolumeType:
        """The type of a project's volumes that name none."""
        return self.default_types.get(project_id) or next(iter(self.types.values()))

    def consistency_type(self) -> GroupType:
        """The type of groups that the older API calls consistency groups."""
        return next(kind for kind in self.group_types.values() if kind.for_consistency)

    def type_named(self, id_or_name: str, context: Context) -> VolumeType:
        """The volume type with that id or name. Raises ApiError(404)."""
        for kind in self.types.values():
            if id_or_name in (kind.id, kind.name) and kind.seen_by(context):
                return kind
        named = "" if len(id_or_name) == 36 and id_or_name.count("-") == 4 else "with name "
        raise ApiError(404, f"Volume type {named}{id_or_name} could not be found.")

    def pool(self, backend: str | None) -> str | None:
        """The pool of that backend as hosts are written; None if there is no such backend."""
        return f"{HOST}@{backend}#{backend}" if backend in BACKENDS else None

    def allocated(self, pool: str) -> int:
        """The GiB of all volumes in `pool`."""
        return sum(volume.size for volume in self.volumes if volume.host == pool)

    def host_for(self, volume: Volume, near: Volume | Snapshot | None = None) -> str | None:
        """The pool that takes the volume, that of `near` first of all; None if none does."""
        wanted = volume.volume_type.extra_specs.get("volume_backend_name")
        if isinstance(near, Snapshot):
            near = self.volumes.get(near.volume_id)
        pools = [self.pool(backend) for backend in BACKENDS if wanted in (None, backend)]
        if near is not None and near.host in pools:
            pools = [near.host]
        free = {pool: POOL_GIGABYTES - self.allocated(pool) for pool in pools if pool}
        fitting = [pool for pool, space in free.items() if space >= volume.size]
        return max(fitting, key=lambda pool: free[pool], default=None)

    def volume(self, volume_id: str, context: Context | None = None) -> Volume:
        """The volume, if `context` may see it. Raises ApiError(404)."""
        return _found(self.volumes, volume_id, context, "Volume")

    def snapshot(self, snapshot_id: str, context: Context | None = None) -> Snapshot:
        """The snapshot, if `context` may see it. Raises ApiError(404)."""
        return _found(self.snapshots, snapshot_id, context, "Snapshot")

    def backup(self, backup_id: str, context: Context | None = None) -> Backup:
        """The backup, if `context` may see it. Raises ApiError(404)."""
        return _found(self.backups, backup_id, context, "Backup")

    def group(self, group_id: str, context: Context | None = None) -> Group:
        """The group, if `context` may see it. Raises ApiError(404)."""
        return _found(self.groups, group_id, context, "Group")

    def group_snapshot(self, snapshot_id: str, context: Context | None = None) -> GroupSnapshot:
        """The group snapshot, if `context` may see it. Raises ApiError(404)."""
        return _found(self.group_snapshots, snapshot_id, context, "GroupSnapshot")

    def transfer(self, transfer_id: str, context: Context | None = None) -> Transfer:
        """The transfer, if `context` may see it. Raises ApiError(404)."""
        return _found(self.transfers, transfer_id, context, "Transfer")

    def attachment(self, attachment_id: str, context: Context | None = None) -> Attachment:
        """The attachment, if `context` may see it. Raises ApiError(404)."""
        attachment = self.attachments.get(attachment_id)
        if attachment is None or not _may_see(attachment, context):
            raise ApiError(
                404,
                "Volume attachment could not be found with filter: attachment_id = "
                f"{attachment_id}.",
            )
        return attachment

    def snapshots_of(self, volume: Volume) -> list[Snapshot]:
        """The snapshots of the volume, oldest first."""
        return [snapshot for snapshot in self.snapshots if snapshot.volume_id == volume.id]

    def server_uses(self, server_id: str, attachment_id: str) -> bool:
        """Whether Nova has that attachment on that server."""
        server = self.cloud.compute.servers.get(server_id)
        return server is not None and any(a.id == attachment_id for a in server.attachments)

    def check_image(self, image_id: str, size: int, context: Context) -> None:
        """Raise ApiError(400) unless a volume of `size` GiB can be made from the image."""
        project_id = None if context.is_admin else context.project_id
        try:
            image = self.cloud.image.image_facts(image_id, project_id)
        except ApiError:
            raise ApiError(404, f"Image {image_id} could not be found.") from None
        problem = ""
        gigabytes = -(-(image.size or 0) // volumes.GIB)
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

    def image_metadata(self, image_id: str) -> dict[str, str]:
        """What a volume keeps of the image it was made from."""
        return self.cloud.image.volume_metadata(image_id)

    # What Nova asks; see compute/neighbours.py.

    def volume_facts(self, volume_id: str, project_id: str | None) -> VolumeFacts:
        """The volume, if `project_id` may see it (None sees all). Raises ApiError(404)."""
        volume = self.volume(volume_id, Context(project_id, "") if project_id else None)
        return VolumeFacts(
            id=volume.id,
            size=volume.size,
            status=volume.status,
            multiattach=volume.multiattach,
            bootable=volume.bootable,
            image_id=volume.image_metadata.get("image_id"),
        )

    def reserve(self, volume_id: str, server_id: str) -> str:
        """Make an attachment and return its id; the volume is `reserved`. Raises ApiError(400)."""
        return attachments.reserve(self, self.volume(volume_id), server_id).id

    def begin_attach(self, attachment_id: str, device: str, host: str) -> None:
        """The host connects: the volume is `attaching`."""
        connector = {"host": host, "mountpoint": device}
        attachments.connect(self, self.attachment(attachment_id), connector)

    def complete_attach(self, attachment_id: str) -> None:
        """The attachment is `attached`, the volume `in-use`."""
        attachments.complete(self, self.attachment(attachment_id))

    def begin_detach(self, attachment_id: str) -> None:
        """The volume is `detaching`. Raises ApiError(400) if it is not `in-use`."""
        attachments.begin_detaching(self.volume(self.attachment(attachment_id).volume_id))

    def roll_detaching(self, attachment_id: str) -> None:
        """The guest did not let go: the volume is `in-use` again."""
        attachments.roll_detaching(self.volume(self.attachment(attachment_id).volume_id))

    def detach(self, attachment_id: str) -> None:
        """The attachment is gone, also a reserved one; the volume `available` or still in use."""
        if attachment := self.attachments.get(attachment_id):
            attachments.detach(self, attachment)

    def create_for_server(
        self,
        project_id: str,
        user_id: str,
        size: int,
        image_id: str | None = None,
        snapshot_id: str | None = None,
        volume_type: str | None = None,
        name: str = "",
    ) -> str:
        """Begin to create a volume that a server will boot from; return its id."""
        context = Context(project_id, user_id)
        blueprint = volumes.Blueprint(
            size=size,
            name=name,
            description="",
            image_id=image_id,
            snapshot=self.snapshot(snapshot_id, context) if snapshot_id else None,
            volume_type=self.type_named(volume_type, context) if volume_type else None,
        )
        return volumes.create(self, blueprint, context).id

    def delete_with_server(self, volume_id: str) -> None:
        """Begin to delete a volume whose server is gone (delete_on_termination)."""
        if volume := self.volumes.get(volume_id):
            context = Context(volume.project_id, volume.user_id, is_admin=True)
            try:
                volumes.delete(self, volume, context)
            except ApiError:  # as with the real one it stays, and only a log knows why
                return

    def snapshot_for_image(self, volume_id: str, name: str) -> str:
        """Begin a snapshot of the (in-use) volume of a server; return the snapshot's id."""
        volume = self.volume(volume_id)
        context = Context(volume.project_id, volume.user_id)
        return snapshots.create(self, volume, context, name, "", force=True).id


def _may_see(resource: Resource, context: Context | None) -> bool:
    return context is None or context.is_admin or resource.project_id == context.project_id


def _found(table: Table[R], resource_id: str, context: Context | None, kind: str) -> R:
    resource = table.get(resource_id)
    if resource is None or not _may_see(resource, context):
        raise ApiError(404, f"{kind} {resource_id} could not be found.")
    return resource
