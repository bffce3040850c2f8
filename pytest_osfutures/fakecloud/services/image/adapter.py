"""The methods that Nova and Cinder call on Glance."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    Caller,
)
from pytest_osfutures.fakecloud.services.image.models import (
    FIELDS,
    NO_PROPERTIES,
    ImageModel,
    ImageRecord,
)
from pytest_osfutures.fakecloud.services.service_ports import ImageDetails


class ImagesAdapter:
    """The implementation of `ImagesPort`."""

    def __init__(self, model: ImageModel) -> None:
        self._model = model

    def image_details(self, image_id: str, project_id: str | None) -> ImageDetails:
        """Return an image that `project_id` (None: any project) may see. Raises ApiError(404)."""
        return _details(
            self._model.image(image_id, Caller(project_id=project_id) if project_id else None)
        )

    def listed(self, project_id: str | None) -> list[ImageDetails]:
        """Return the images that a list shows to `project_id` (None: to administrators)."""
        caller = Caller(project_id=project_id or "", roles=() if project_id else ("admin",))
        return [
            _details(image)
            for image in self._model.images.listed()
            if image.listed_for(caller, None, "accepted") and not image.hidden
        ]

    def set_properties(self, image_id: str, properties: Mapping[str, str]) -> None:
        """Replace the custom properties of an image."""
        image = self._model.image(image_id)
        image.metadata = dict(properties)
        image.touch()

    def named(self, name: str, project_id: str | None) -> list[str]:
        """Return the ids of the images of that name that `project_id` (None: any) may see."""
        caller = Caller(project_id=project_id) if project_id else None
        return [
            image.id
            for image in self._model.images
            if image.name == name and (caller is None or image.seen_by(caller))
        ]

    def root_snapshot(self, image_id: str) -> str | None:
        """Return the volume snapshot behind the image of a server booted from a volume."""
        disks = json.loads(self._model.image(image_id).metadata.get("block_device_mapping", "[]"))
        roots = (disk for disk in disks if disk.get("boot_index") == 0)
        return next((disk.get("snapshot_id") for disk in roots), None)

    def volume_metadata(self, image_id: str) -> dict[str, str]:
        """Return the image metadata that Cinder copies into a volume made from the image."""
        image = self._model.image(image_id)
        facts = {
            "image_id": image.id,
            "image_name": image.name,
            "checksum": image.checksum,
            "container_format": image.container_format,
            "disk_format": image.disk_format,
            "min_disk": image.min_disk,
            "min_ram": image.min_ram,
            "size": image.size,
        }
        return {**image.metadata, **{key: str(value) for key, value in facts.items()}}

    def begin_snapshot(
        self, project_id: str, user_id: str, name: str, properties: Mapping[str, Any]
    ) -> str:
        """Create an image in status `queued`; return the image's id."""
        given = {key: value for key, value in properties.items() if value is not None}
        fields: dict[str, Any] = {"container_format": "bare", "disk_format": "raw"}
        fields |= {FIELDS[k]: v for k, v in given.items() if k in FIELDS and k != "owner"}
        for number in ("min_disk", "min_ram"):
            fields[number] = int(fields.get(number, 0))
        free = {
            key: value if isinstance(value, str) else json.dumps(value)
            for key, value in given.items()
            if key not in FIELDS and key not in NO_PROPERTIES
        }
        fields.setdefault("visibility", "private")
        return self._model.create(
            project_id, user_id, **fields | {"name": name, "metadata": free}
        ).id

    def snapshot_saving(self, image_id: str) -> None:
        """Set the image to `saving`, unless the user has deleted the image meanwhile."""
        if image := self._model.images.get(image_id):
            image.status = "saving"
            image.touch()

    def snapshot_active(self, image_id: str, size: int) -> None:
        """Set the image to `active`, unless the user has deleted the image meanwhile."""
        if image := self._model.images.get(image_id):
            self._model.fill_without_data(image, size)

    def delete_snapshot(self, image_id: str) -> None:
        """Delete an image whose upload failed or that the backup rotation removes."""
        if image := self._model.images.get(image_id):
            image.protected = False
            self._model.delete(image)


def _details(image: ImageRecord) -> ImageDetails:
    return ImageDetails(
        id=image.id,
        name=image.name or "",
        status=image.status,
        min_disk=image.min_disk,
        min_ram=image.min_ram,
        size=image.size,
        properties=image.metadata,
        owner=image.project_id,
        protected=image.protected,
        created_at=image.created_at,
        updated_at=image.updated_at or image.created_at,
    )
