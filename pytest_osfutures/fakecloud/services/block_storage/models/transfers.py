"""Transfers of volumes to another project."""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    RequestContext,
)
from pytest_osfutures.fakecloud.services.block_storage.models import quotas
from pytest_osfutures.fakecloud.services.block_storage.models.records import Transfer, VolumeRecord
from pytest_osfutures.fakecloud.services.block_storage.models.state import BlockStorageModel


def create(
    model: BlockStorageModel,
    volume: VolumeRecord,
    name: str | None,
    context: RequestContext,
    no_snapshots: bool = False,
) -> Transfer:
    """Offer the volume, which is `awaiting-transfer` then. Raises ApiError(400)."""
    if volume.status != "available":
        raise ApiError(400, "Invalid volume: status must be available")
    for snapshot in [] if no_snapshots else model.snapshots_of(volume):
        if snapshot.status != "available":
            raise ApiError(
                400, f"Invalid snapshot: snapshot: {snapshot.id} status must be available"
            )
    volume.leave("awaiting-transfer")
    return model.transfers.add(
        Transfer(
            id=model.runtime.new_id(),
            name=name,
            project_id=volume.project_id,
            user_id=context.user_id,
            volume_id=volume.id,
            auth_key=model.runtime.new_id().replace("-", "")[:16],
            no_snapshots=no_snapshots,
        )
    )


def accept(
    model: BlockStorageModel, transfer: Transfer, auth_key: str, context: RequestContext
) -> None:
    """Give the volume to the caller's project, with its snapshots unless excluded.

    Raises ApiError.
    """
    if auth_key != transfer.auth_key:
        raise ApiError(
            400,
            f"Invalid auth key: Attempt to transfer {transfer.id} with invalid auth key.",
        )
    volume = model.volume(transfer.volume_id)
    quotas.check(
        model, context.project_id, quotas.QuotaClaim("volumes", volume.size, volume.volume_type)
    )
    going = [] if transfer.no_snapshots else model.snapshots_of(volume)
    for snapshot in going:
        snapshot.project_id, snapshot.user_id = context.project_id, context.user_id
    volume.project_id, volume.user_id = context.project_id, context.user_id
    volume.settle("available")
    model.transfers.remove(transfer)


def delete(model: BlockStorageModel, transfer: Transfer) -> None:
    """Withdraw the offer; the volume is `available` again."""
    model.transfers.remove(transfer)
    volume = model.volumes.get(transfer.volume_id)
    if volume is not None and volume.status == "awaiting-transfer":
        volume.settle("available")
