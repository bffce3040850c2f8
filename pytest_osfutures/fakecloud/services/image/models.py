"""The state of Glance: images, members and import tasks. This module knows no HTTP."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Caller,
    Fault,
    Lifecycle,
    ResourceRecord,
    ResourceTable,
    Runtime,
    Step,
    start_lifecycle,
)

STORE = "file"
KEPT_BYTES = 1 << 20  #: of larger data, only size and checksums are kept
#: name, disk format, size in bytes, min_disk in GiB
IMAGES = (("cirros", "qcow2", 21_430_272, 1), ("tiny", "raw", 65_536, 1))
#: writable properties and their fields in `ImageRecord`
FIELDS = {
    "name": "name",
    "disk_format": "disk_format",
    "container_format": "container_format",
    "visibility": "visibility",
    "protected": "protected",
    "min_disk": "min_disk",
    "min_ram": "min_ram",
    "os_hidden": "hidden",
    "owner": "project_id",
    "tags": "tags",
}
#: properties of a snapshot request that are not copied to the image
NO_PROPERTIES = ("image_id", "image_name", "size", "checksum", "id", "status")

IMPORT = Lifecycle(
    "image.import", (Step(0.3, {"importing_to": STORE}), Step(0.7, {"status": "importing"}))
)


@dataclass
class Member:
    """A project with which an image is shared."""

    project_id: str
    created_at: float
    updated_at: float
    status: str = "pending"


@dataclass(frozen=True, repr=False, match_args=False)
class ImageTask:
    """One import task."""

    id: str
    created_at: float
    request_id: str
    user_id: str
    method: str
    status: str = "processing"
    updated_at: float | None = None
    message: str = ""


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class ImageRecord(ResourceRecord):
    """One image; its `metadata` has the custom properties."""

    disk_format: str | None = None
    container_format: str | None = None
    visibility: str = "shared"
    protected: bool = False
    hidden: bool = False
    min_disk: int = 0
    min_ram: int = 0
    size: int | None = None
    virtual_size: int | None = None
    checksum: str | None = None
    hash_value: str | None = None
    tags: tuple[str, ...] = ()
    data: bytes | None = None
    staged: bytes | None = None
    importing_to: str | None = (
        None  #: the value of `os_glance_importing_to_stores`; None before an import
    )
    failed_import: str | None = None
    import_task: str | None = None
    members: dict[str, Member] = field(default_factory=dict)
    tasks: tuple[ImageTask, ...] = ()

    def seen_by(self, caller: Caller) -> bool:
        """Return True if the caller may see the image."""
        return (
            caller.is_admin
            or self.visibility in ("public", "community")
            or self.project_id == caller.project_id
            or (self.visibility == "shared" and caller.project_id in self.members)
        )

    def listed_for(self, caller: Caller, visibility: str | None, status: str) -> bool:
        """Return True if the caller's list shows the image: not every visible image is listed."""
        if not self.seen_by(caller):
            return False
        if visibility is not None:
            return visibility == "all" or self.visibility == visibility
        member = self.members.get(caller.project_id)
        mine = caller.is_admin or self.project_id == caller.project_id
        accepted = member is not None and status in ("all", member.status)
        return self.visibility == "public" or mine or (self.visibility == "shared" and accepted)

    def fill(self, data: bytes) -> None:
        """Set the data of the image, which is `active` then."""
        self.size = self.virtual_size = len(data)
        self.checksum = hashlib.md5(data, usedforsecurity=False).hexdigest()
        self.hash_value = hashlib.sha512(data).hexdigest()
        self.data = data if len(data) <= KEPT_BYTES else None
        self.status = "active"
        self.touch()


class ImageModel:
    """The state of Glance."""

    def __init__(self, runtime: Runtime, owner: str) -> None:
        self.runtime = runtime
        self.images: ResourceTable[ImageRecord] = ResourceTable(runtime.database, "image")
        for name, disk_format, size, min_disk in IMAGES:
            image = self.create(owner, "", name=name, disk_format=disk_format)
            image.visibility, image.container_format = "public", "bare"
            image.min_disk = min_disk
            self.fill_without_data(image, size)

    def create(self, project_id: str, user_id: str, **fields: Any) -> ImageRecord:
        """Create an image in status `queued`."""
        fields.setdefault("id", self.runtime.new_id())
        image = ImageRecord(project_id=project_id, user_id=user_id, status="queued", **fields)
        self.images.add(image)
        image.touch()
        return image

    def image(self, image_id: str, caller: Caller | None = None) -> ImageRecord:
        """Return an image that the caller may see. Raises ApiError(404)."""
        image = self.images.get(image_id)
        if image is None or not (caller is None or image.seen_by(caller)):
            raise ApiError(404, f"No image found with ID {image_id}")
        return image

    def own_image(self, image_id: str, caller: Caller, action: str) -> ImageRecord:
        """Return an image that the caller may change. Raises ApiError: 404, 403."""
        image = self.image(image_id, caller)
        if not (caller.is_admin or image.project_id == caller.project_id):
            raise ApiError(403, f"You are not authorized to complete {action} action.")
        return image

    def delete(self, image: ImageRecord) -> None:
        """Delete the image. Raises ApiError(403) if it is protected."""
        if image.protected:
            raise ApiError(403, f"Image {image.id} is protected and cannot be deleted.")
        self.images.remove(image)
        image.status = "deleted"

    def begin_import(
        self, image: ImageRecord, method: str, caller: Caller, request_id: str
    ) -> None:
        """Begin to import the staged data; the image is `active` at the end."""
        staged, now = image.staged or b"", self.runtime.schedule.time()
        task = ImageTask(self.runtime.new_id(), now, request_id, caller.user_id, method)
        image.tasks = (*image.tasks, task)
        image.import_task = task.id

        def end(status: str, message: str) -> None:
            ended = ImageTask(
                task.id, now, request_id, caller.user_id, method, status, self._now(), message
            )
            image.tasks = tuple(ended if row.id == task.id else row for row in image.tasks)
            image.import_task = image.staged = None
            image.importing_to = ""

        def done() -> None:
            image.failed_import = ""
            image.fill(staged)
            end("success", f"Copied {len(staged) >> 20} MiB")

        def failed(fault: Fault) -> None:
            image.failed_import = STORE
            image.status = "killed" if fault.effect == "error" else "queued"
            image.touch()
            end("failure", fault.message or "The image could not be imported.")

        start_lifecycle(self.runtime, IMPORT, image, done, failed)

    def _now(self) -> float:
        return self.runtime.schedule.time()

    def fill_without_data(self, image: ImageRecord, size: int) -> None:
        """Set the image to `active` without data; the checksums are those of its id."""
        image.fill(image.id.encode())
        image.size = image.virtual_size = size
        image.data = None
