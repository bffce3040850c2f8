"""Operations on existing volumes: extend, retype, migrate, upload, revert, manage."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Fault,
    RequestContext,
    start_lifecycle,
)
from pytest_osfutures.fakecloud.services.block_storage.models import quotas
from pytest_osfutures.fakecloud.services.block_storage.models.lifecycles import (
    EXTEND,
    MANAGE_VOLUME,
    MIGRATE,
    REIMAGE,
    RETYPE,
    RETYPE_WITH_MIGRATION,
    REVERT,
    UNMANAGE_VOLUME,
    UPLOAD,
)
from pytest_osfutures.fakecloud.services.block_storage.models.messages import (
    Cause,
    add_fault_message,
)
from pytest_osfutures.fakecloud.services.block_storage.models.records import (
    SnapshotRecord,
    VolumeRecord,
    VolumeType,
)
from pytest_osfutures.fakecloud.services.block_storage.models.state import BlockStorageModel
from pytest_osfutures.fakecloud.services.block_storage.models.volumes import (
    DELETABLE,
    UNDELETABLE,
    same_backend,
)


def extend(
    model: BlockStorageModel,
    volume: VolumeRecord,
    size: int,
    context: RequestContext,
    attached: bool,
) -> None:
    """Begin to extend the volume; `attached` allows a volume in use. Raises ApiError."""
    if size <= volume.size:
        raise ApiError(
            400,
            "Invalid input received: New size for extend must be greater than current size. "
            f"(current: {volume.size}, extended: {size}).",
        )
    needed = "in-use" if attached else "available"
    if volume.status != needed:
        raise ApiError(
            400,
            f"Invalid volume: Volume {volume.id} status must be '{{'status': '{needed}'}}' to "
            f"extend, currently {volume.status}.",
        )
    growth = size - volume.size
    quotas.check_size(model, volume.project_id, size)
    quotas.check(
        model, volume.project_id, quotas.QuotaClaim("volumes", growth, volume.volume_type, count=0)
    )
    volume.growing_by = growth
    volume.leave("extending")

    def done() -> None:
        volume.size, volume.growing_by = size, 0
        volume.settle(needed)
        if attached:
            model.servers.volume_extended(volume.id)

    def failed(fault: Fault) -> None:
        volume.growing_by = 0
        volume.settle(needed if fault.effect == "silent" else "error_extending")
        add_fault_message(model, context, volume, Cause("extend", "extend"), fault)

    start_lifecycle(model.runtime, EXTEND, volume, done, failed)


def retype(
    model: BlockStorageModel, volume: VolumeRecord, new_type: VolumeType, policy: str
) -> None:
    """Begin to change the volume's type; `policy` is never or on-demand. Raises ApiError.

    If no backend accepts the volume, the volume keeps its type and returns to its old status.
    """
    if volume.multiattach != new_type.multiattach and volume.status != "available":
        raise ApiError(
            400,
            "Invalid input received: Invalid volume_type passed, retypes affecting multiattach "
            "are only allowed on available volumes, the specified volume however currently has "
            f"a status of: {volume.status}.",
        )
    if (
        volume.status not in ("available", "in-use")
        or volume.migrating
        or volume.group_id is not None
        or volume.volume_type is new_type
    ):
        raise ApiError(
            400,
            "Invalid volume: Retype needs volume to be in available or in-use state, not be part "
            "of an active migration or a consistency group, requested type has to be different "
            "that the one from the volume, and for in-use volumes front-end qos specs cannot "
            "change.",
        )
    old_status = volume.status
    backend = new_type.extra_specs.get("volume_backend_name")
    stays = same_backend(volume.volume_type, new_type) or backend is None
    possible = stays or (policy == "on-demand" and model.pool(backend) is not None)
    volume.leave("retyping")
    moves = possible and not stays
    move = _VolumeMove(model, volume, model.pool(backend) or "")

    def done() -> None:
        if possible:
            volume.volume_type, volume.multiattach = new_type, new_type.multiattach
        if moves:
            move.end()
        volume.settle(old_status)

    def failed(_fault: Fault) -> None:
        if volume.migrating:
            move.fail()
        volume.settle(old_status)

    lifecycle = RETYPE_WITH_MIGRATION if moves else RETYPE
    start_lifecycle(model.runtime, lifecycle.on(copy=move.copy), volume, done, failed)


class _VolumeMove:
    """A migration of a volume: Cinder creates a target volume on the other backend and swaps both.

    The target volume has the metadata of the source and is deleted at the end.
    """

    def __init__(self, model: BlockStorageModel, volume: VolumeRecord, host: str) -> None:
        self.model, self.volume, self.host = model, volume, host
        self.target: VolumeRecord | None = None

    def copy(self) -> None:
        """Create the target volume."""
        volume = self.volume
        self.target = self.model.volumes.add(
            VolumeRecord(
                id=self.model.runtime.new_id(),
                name=volume.name,
                project_id=volume.project_id,
                user_id=volume.user_id,
                status="available",
                metadata=volume.metadata,
                size=volume.size,
                volume_type=volume.volume_type,
                description=volume.description,
                host=self.host,
                migration_status=f"target:{volume.id}",
                consumes_quota=False,
            )
        )

    def end(self) -> None:
        """Put the source volume on the new backend and delete the target volume."""
        self.volume.host, self.volume.migration_status = self.host, "success"
        self.volume.service_uuid = self.model.services[self.host.split("#")[0]].id
        if self.target is not None:
            self.volume.name_id, self.target.migration_status = self.target.id, None
            self._remove(self.target)

    def fail(self) -> None:
        """Leave the source volume on its backend and delete the target volume."""
        self.volume.migration_status = "error"
        if self.target is not None:
            self._remove(self.target)

    def _remove(self, target: VolumeRecord) -> None:
        target.leave("deleting")
        runtime, remove = self.model.runtime, partial(self.model.volumes.remove, target)
        runtime.schedule.after(runtime.seconds("volume.delete"), remove)


def migrate(model: BlockStorageModel, volume: VolumeRecord, host: str, lock: bool) -> None:
    """Begin to migrate the volume to another backend. Raises ApiError(400).

    If the volume's type forbids the backend, the migration fails in the background.
    """
    if host.split("#")[0] not in model.services:
        raise ApiError(400, f"Invalid host: No available service named '{host}'")
    old_status = volume.status
    if (
        old_status not in ("available", "in-use")
        or volume.migrating
        or model.snapshots_of(volume)
        or volume.group_id is not None
        or volume.host == host
    ):
        raise ApiError(
            400,
            f"Invalid volume: Volume {volume.id} status must be available or in-use, must not be "
            "migrating, have snapshots, be replicated, be part of a group and destination "
            "host/cluster must be different than the current one",
        )
    if lock and old_status == "available":
        volume.leave("maintenance")
    wanted = volume.volume_type.extra_specs.get("volume_backend_name")
    fits = wanted is None or model.pool(wanted) == host

    move = _VolumeMove(model, volume, host)

    def done() -> None:
        if fits:
            move.end()
        else:
            move.fail()
        volume.settle(old_status)

    def failed(_fault: Fault) -> None:
        move.fail()
        volume.settle(old_status)

    start_lifecycle(
        model.runtime, MIGRATE.on(copy=move.copy) if fits else MIGRATE, volume, done, failed
    )


def upload(
    model: BlockStorageModel,
    volume: VolumeRecord,
    image: Mapping[str, Any],
    force: bool,
    context: RequestContext,
) -> str:
    """Begin to upload the volume to a new image; return the image's id. Raises ApiError(400).

    If the upload fails, the image is deleted and the volume returns to its old status.
    """
    statuses = ("available", "in-use") if force else ("available",)
    if volume.status not in statuses:
        raise ApiError(
            400,
            f"Invalid volume: Volume {volume.id} status must be {' or '.join(statuses)}",
        )
    old_status = volume.status
    volume.leave("uploading")
    name = str(image["name"])
    properties = {**volume.image_metadata, **image}
    images = model.images
    image_id = images.begin_snapshot(volume.project_id, context.user_id, name, properties)

    def done() -> None:
        images.snapshot_active(image_id, volume.size << 20)
        volume.settle(old_status)

    def failed(fault: Fault) -> None:
        images.delete_snapshot(image_id)
        volume.settle(old_status)
        add_fault_message(model, context, volume, Cause("upload", "upload"), fault)

    lifecycle = UPLOAD.on(save=lambda: images.snapshot_saving(image_id))
    start_lifecycle(model.runtime, lifecycle, volume, done, failed)
    return image_id


def revert(model: BlockStorageModel, volume: VolumeRecord, snapshot: SnapshotRecord) -> None:
    """Begin to revert the volume to its latest snapshot. Raises ApiError(409)."""
    for what, kind in ((volume, "Volume"), (snapshot, "Snapshot")):
        if what.status != "available":
            raise ApiError(
                409,
                f"Invalid {kind.lower()}: Can't revert volume {volume.id} to its latest snapshot "
                f"{snapshot.id}. {kind}'s status must be 'available'.",
            )
    volume.leave("reverting")
    snapshot.status = "restoring"

    def done() -> None:
        volume.size = snapshot.size
        volume.settle("available")
        snapshot.status = "available"

    def failed(fault: Fault) -> None:
        volume.settle("available" if fault.effect == "silent" else "error")
        snapshot.status = "available"

    start_lifecycle(model.runtime, REVERT, volume, done, failed)


def reimage(
    model: BlockStorageModel,
    volume: VolumeRecord,
    image_id: str,
    reserved: bool,
    context: RequestContext,
) -> None:
    """Begin to write an image over the volume; `reserved` allows a reserved volume."""
    statuses = ("available", "error", "reserved") if reserved else ("available", "error")
    if len(volume.attachments) > 1:
        raise ApiError(409, "Cannot re-image a volume which is attached to more than one server.")
    if volume.status not in statuses:
        raise ApiError(
            400,
            f"Invalid volume: Volume {volume.id} status must be {' or '.join(statuses)}, but "
            f"current status is {volume.status}.",
        )
    model.check_image(image_id, volume.size, context)
    old_status = volume.status
    volume.leave("downloading")

    def done() -> None:
        volume.image_metadata = model.images.volume_metadata(image_id)
        volume.bootable = True
        volume.settle("available" if old_status == "error" else old_status)

    def failed(fault: Fault) -> None:
        volume.settle(old_status if fault.effect == "silent" else "error")
        add_fault_message(model, context, volume, Cause("reimage", "reimage"), fault)

    start_lifecycle(model.runtime, REIMAGE, volume, done, failed)


def manage(
    model: BlockStorageModel, volume: VolumeRecord, host: str, context: RequestContext
) -> VolumeRecord:
    """Begin to manage a volume that exists in the backend already."""

    def done() -> None:
        volume.size = 1
        volume.service_uuid = model.services[host.split("#")[0]].id
        volume.settle("available")

    def failed(fault: Fault) -> None:
        volume.settle("error_managing")
        add_fault_message(model, context, volume, Cause("create", "create"), fault)

    volume.host = host
    model.volumes.add(volume)
    start_lifecycle(model.runtime, MANAGE_VOLUME, volume, done, failed)
    return volume


def unmanage(model: BlockStorageModel, volume: VolumeRecord) -> None:
    """Begin to unmanage the volume; it stays in the backend. Raises ApiError(400)."""
    if volume.attached or volume.status not in DELETABLE or model.snapshots_of(volume):
        raise ApiError(
            400,
            f"Invalid volume: Volume status must be {' or '.join(DELETABLE)} and {UNDELETABLE}",
        )

    def failed(fault: Fault) -> None:
        volume.settle("available" if fault.effect == "silent" else "error_unmanaging")

    start_lifecycle(
        model.runtime, UNMANAGE_VOLUME, volume, lambda: model.volumes.remove(volume), failed
    )
