"""Volumes: create, show, list, update, delete."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    MALFORMED,
    ApiError,
    RequestContext,
    Response,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.models import volumes
from pytest_osfutures.fakecloud.services.block_storage.models.records import (
    SnapshotRecord,
    VolumeRecord,
)
from pytest_osfutures.fakecloud.services.block_storage.responses import validation
from pytest_osfutures.fakecloud.services.block_storage.responses.listing import (
    listed,
    truth,
    visible,
)
from pytest_osfutures.fakecloud.services.block_storage.responses.views import (
    volume_detail,
    volume_summary,
)

CREATE_KEYS = (
    "name",
    "description",
    "display_name",
    "display_description",
    "volume_type",
    "metadata",
    "snapshot_id",
    "source_volid",
    "consistencygroup_id",
    "group_id",
    "size",
    "availability_zone",
    "multiattach",
    "image_id",
    "imageRef",
    "backup_id",
    "scheduler_hints",
)
UPDATE_KEYS = ("name", "description", "display_name", "display_description", "metadata")
NO_IMAGE = "Invalid image identifier or unable to access requested image."
NO_MULTIATTACH = (
    "multiattach parameter has been removed. The default behavior is to use multiattach enabled "
    "volume types. Contact your administrator to create a multiattach enabled volume type and "
    "use it to create multiattach volumes."
)


def find(call: BlockStorageCall, volume_id: str) -> VolumeRecord:
    """Return a volume that the caller may see. Raises ApiError(404)."""
    return call.model.volume(volume_id, call.context)


def create(call: BlockStorageCall) -> Response:
    """Begin to create a volume."""
    part, context = validation.envelope(call, "volume"), call.context
    if call.version >= (3, 53):
        validation.only("volume", part, CREATE_KEYS)
    volume = volumes.create(call.model, _blueprint(call, part, context), context)
    return Response(202, {"volume": volume_detail(call, volume, new=True)})


def _blueprint(
    call: BlockStorageCall, part: dict[str, Any], context: RequestContext
) -> volumes.VolumeRequest:
    model = call.model
    size, name = validation.number(part, "size"), validation.text(part, "name")
    description, metadata = (
        validation.text(part, "description"),
        validation.strings(part, "metadata"),
    )
    wanted_type = validation.text(part, "volume_type")
    volume_type = model.type_named(wanted_type, context) if wanted_type else None
    snapshot_id, source_id = (
        validation.uuid(part, key, validation.NO_SCHEMA) for key in ("snapshot_id", "source_volid")
    )
    snapshot = model.snapshot(snapshot_id, context) if snapshot_id else None
    source = model.volume(source_id, context) if source_id else None
    group_id = part.get("group_id") or part.get("consistencygroup_id")
    group = model.group(str(group_id), context) if group_id else None
    image_id = None
    if image := part.get("imageRef") or part.get("image_id"):
        image_id, of_server = _image(call, str(image), context)
        if of_server and call.version >= (3, 46):
            image_id, snapshot = None, of_server
    backup_id = part.get("backup_id")
    backup = model.backup(str(backup_id), context) if backup_id else None
    if truth(str(part.get("multiattach", ""))):
        raise ApiError(400, NO_MULTIATTACH)
    if not size and not (snapshot or source or backup):
        raise ApiError(400, MALFORMED)
    return volumes.VolumeRequest(
        size=size,
        name=name,
        description=description,
        volume_type=volume_type,
        metadata=metadata,
        zone=part.get("availability_zone"),
        image_id=image_id,
        snapshot=snapshot,
        source=source,
        backup=backup,
        group=group,
    )


def _image(
    call: BlockStorageCall, image: str, context: RequestContext
) -> tuple[str, SnapshotRecord | None]:
    """Return the id of the image (id, URL or name) and the volume snapshot behind it, or None."""
    project_id = None if context.is_admin else context.project_id
    images = call.model.images
    try:
        facts = images.image_details(image.rsplit("/", 1)[-1], project_id)
    except ApiError:
        named = images.named(image, project_id)
        if len(named) > 1:
            raise ApiError(
                409, f"Multiple matches found for '{image}', use an ID to be more specific."
            ) from None
        if not named:
            raise ApiError(400, NO_IMAGE) from None
        facts = images.image_details(named[0], project_id)
    snapshot_id = images.root_snapshot(facts.id)
    if snapshot_id is None:
        return facts.id, None
    return facts.id, call.model.snapshot(snapshot_id, context)


def show(call: BlockStorageCall, volume_id: str) -> Response:
    """Show one volume."""
    return Response(200, {"volume": volume_detail(call, find(call, volume_id))})


def _visible(call: BlockStorageCall) -> list[VolumeRecord]:
    rows = visible(call, call.model.volumes)
    return rows if call.caller.is_admin else [each for each in rows if not each.is_target]


def _list(call: BlockStorageCall, detail: bool) -> Response:
    def full(volume: VolumeRecord) -> dict[str, Any]:
        return volume_detail(call, volume)

    def short(volume: VolumeRecord) -> dict[str, Any]:
        return volume_summary(call, volume)

    rows = _visible(call)
    shown = full if detail else short
    return Response(200, listed(call, rows, ("volume", "Volume"), full, shown))


def index(call: BlockStorageCall) -> Response:
    """List volumes with few fields."""
    return _list(call, detail=False)


def detail(call: BlockStorageCall) -> Response:
    """List volumes with all fields."""
    return _list(call, detail=True)


def summary(call: BlockStorageCall) -> Response:
    """Show the number of volumes and their total size."""
    validation.since(call, (3, 12))
    rows = _visible(call)
    body: dict[str, Any] = {
        "total_count": len(rows),
        "total_size": sum(volume.size for volume in rows),
    }
    if call.version >= (3, 36):
        values: dict[str, list[str]] = {}
        for volume in rows:
            for key, value in volume.metadata.items():
                if value not in values.setdefault(key, []):
                    values[key].append(value)
        body["metadata"] = values
    return Response(200, {"volume-summary": body})


def update(call: BlockStorageCall, volume_id: str) -> Response:
    """Change the name, the description or the metadata of a volume."""
    part = validation.envelope(call, "volume")
    if not part:
        raise validation.invalid("volume", part, f"{{}} {validation.NO_SCHEMA}")
    validation.only("volume", part, UPDATE_KEYS)
    volume = find(call, volume_id)
    if volume.status == "maintenance":
        raise ApiError(400, "Invalid volume: The volume cannot be updated during maintenance.")
    for key in ("name", "description"):
        value = validation.text(part, key)
        if key in part:
            setattr(volume, key, value)
    if "metadata" in part:
        volume.metadata = validation.strings(part, "metadata")
    volume.touch()
    return Response(200, {"volume": volume_detail(call, volume, extended=False)})


def delete(call: BlockStorageCall, volume_id: str) -> Response:
    """Begin to delete a volume, with its snapshots if `cascade`."""
    force = call.version >= (3, 23) and truth(call.request.param("force"))
    volume = find(call, volume_id)
    if force:
        validation.admin_only(call, "volume:force_delete")
    cascade = truth(call.request.param("cascade"))
    volumes.delete(call.model, volume, call.context, cascade, force)
    return Response(202)
