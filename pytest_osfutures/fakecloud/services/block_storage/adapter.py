"""The methods that Nova calls on Cinder."""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    RequestContext,
)
from pytest_osfutures.fakecloud.services.block_storage.models import (
    BlockStorageModel,
    attachments,
    snapshots,
    volumes,
)
from pytest_osfutures.fakecloud.services.service_ports import BootVolume, VolumeDetails


class VolumesAdapter:
    """The implementation of `VolumesPort`."""

    def __init__(self, model: BlockStorageModel) -> None:
        self._model = model

    def volume_details(self, volume_id: str, project_id: str | None) -> VolumeDetails:
        """Return a volume that `project_id` (None: any project) may see. Raises ApiError(404)."""
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
        """Create an attachment, which makes the volume `reserved`; return the attachment's id.

        Raises ApiError(400).
        """
        return attachments.reserve(self._model, self._model.volume(volume_id), server_id).id

    def begin_attach(self, attachment_id: str, device: str, host: str) -> None:
        """Connect the host to the volume; the volume is `attaching`."""
        connector = {"host": host, "mountpoint": device}
        attachments.connect(self._model, self._model.attachment(attachment_id), connector)

    def complete_attach(self, attachment_id: str) -> None:
        """Complete the attachment: `attached`; the volume is `in-use`."""
        attachments.complete(self._model, self._model.attachment(attachment_id))

    def begin_detach(self, attachment_id: str) -> None:
        """Set the volume to `detaching`. Raises ApiError(400) unless the volume is `in-use`."""
        attachments.begin_detaching(
            self._model.volume(self._model.attachment(attachment_id).volume_id)
        )

    def roll_detaching(self, attachment_id: str) -> None:
        """Set the volume to `in-use` again because the guest kept the device."""
        attachments.roll_detaching(
            self._model.volume(self._model.attachment(attachment_id).volume_id)
        )

    def detach(self, attachment_id: str) -> None:
        """Delete an attachment, reserved or attached.

        The volume is `available` after its last attachment.
        """
        if attachment := self._model.attachments.get(attachment_id):
            attachments.detach(self._model, attachment)

    def create_for_server(self, project_id: str, user_id: str, wanted: BootVolume) -> str:
        """Begin to create a volume for a server; return the volume's id."""
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
        """Begin to delete the volume of a deleted server (`delete_on_termination`)."""
        if volume := self._model.volumes.get(volume_id):
            context = RequestContext(volume.project_id, volume.user_id, is_admin=True)
            try:
                volumes.delete(self._model, volume, context)
            except ApiError:  # nova-compute logs the error and leaves the volume
                return

    def snapshot_for_image(self, volume_id: str, name: str) -> str:
        """Begin to create a snapshot of a server's volume; return the snapshot's id."""
        volume = self._model.volume(volume_id)
        context = RequestContext(volume.project_id, volume.user_id)
        wanted = snapshots.SnapshotRequest(name, "", force=True)
        return snapshots.create(self._model, volume, context, wanted).id
