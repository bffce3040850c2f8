"""The methods that Nova calls on Cinder."""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel.call import RequestContext
from pytest_osfutures.fakecloud.kernel.errors import ApiError
from pytest_osfutures.fakecloud.services.block_storage.models import (
    BlockStorageModel,
    attachments,
    snapshots,
    volumes,
)
from pytest_osfutures.fakecloud.services.service_ports import BootVolume, VolumeDetails


class VolumesAdapter:
    """Cinder behind the port `Volumes`."""

    def __init__(self, model: BlockStorageModel) -> None:
        self._model = model

    def volume_details(self, volume_id: str, project_id: str | None) -> VolumeDetails:
        """The volume, if `project_id` may see it (None sees all). Raises ApiError(404)."""
        volume = self._model.volume(
            volume_id, RequestContext(project_id, "") if project_id else None
        )
        return VolumeDetails(
            id=volume.id,
            size=volume.size,
            status=volume.status,
            multiattach=volume.multiattach,
            bootable=volume.bootable,
            image_id=volume.image_metadata.get("image_id"),
        )

    def reserve(self, volume_id: str, server_id: str) -> str:
        """Make an attachment and return its id; the volume is `reserved`. Raises ApiError(400)."""
        return attachments.reserve(self._model, self._model.volume(volume_id), server_id).id

    def begin_attach(self, attachment_id: str, device: str, host: str) -> None:
        """The host connects: the volume is `attaching`."""
        connector = {"host": host, "mountpoint": device}
        attachments.connect(self._model, self._model.attachment(attachment_id), connector)

    def complete_attach(self, attachment_id: str) -> None:
        """The attachment is `attached`, the volume `in-use`."""
        attachments.complete(self._model, self._model.attachment(attachment_id))

    def begin_detach(self, attachment_id: str) -> None:
        """The volume is `detaching`. Raises ApiError(400) if it is not `in-use`."""
        attachments.begin_detaching(
            self._model.volume(self._model.attachment(attachment_id).volume_id)
        )

    def roll_detaching(self, attachment_id: str) -> None:
        """The guest did not let go: the volume is `in-use` again."""
        attachments.roll_detaching(
            self._model.volume(self._model.attachment(attachment_id).volume_id)
        )

    def detach(self, attachment_id: str) -> None:
        """The attachment is gone, also a reserved one; the volume `available` or still in use."""
        if attachment := self._model.attachments.get(attachment_id):
            attachments.detach(self._model, attachment)

    def create_for_server(self, project_id: str, user_id: str, wanted: BootVolume) -> str:
        """Begin to create a volume that a server will boot from; return its id."""
        context = RequestContext(project_id, user_id)
        snapshot_id, type_name = wanted.snapshot_id, wanted.volume_type
        blueprint = volumes.VolumeRequest(
            size=wanted.size,
            name=wanted.name,
            description="",
            image_id=wanted.image_id,
            snapshot=self._model.snapshot(snapshot_id, context) if snapshot_id else None,
            volume_type=self._model.type_named(type_name, context) if type_name else None,
        )
        return volumes.create(self._model, blueprint, context).id

    def delete_with_server(self, volume_id: str) -> None:
        """Begin to delete a volume whose server is gone (delete_on_termination)."""
        if volume := self._model.volumes.get(volume_id):
            context = RequestContext(volume.project_id, volume.user_id, is_admin=True)
            try:
                volumes.delete(self._model, volume, context)
            except ApiError:  # as with the real one it stays, and only a log knows why
                return

    def snapshot_for_image(self, volume_id: str, name: str) -> str:
        """Begin a snapshot of the (in-use) volume of a server; return the snapshot's id."""
        volume = self._model.volume(volume_id)
        context = RequestContext(volume.project_id, volume.user_id)
        wanted = snapshots.SnapshotRequest(name, "", force=True)
        return snapshots.create(self._model, volume, context, wanted).id
