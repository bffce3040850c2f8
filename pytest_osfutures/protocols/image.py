"""Images of Glance (https://docs.openstack.org/api-ref/image/v2/#show-image)."""

from __future__ import annotations

from typing import Any, Protocol

from pytest_osfutures.protocols.arguments import FactoryArguments


class ImageAttributes(Protocol):
    """Attributes that Glance shows of every image."""

    id: str
    name: str | None
    status: str
    visibility: str
    size: int | None
    min_disk: int
    min_ram: int
    disk_format: str | None
    container_format: str | None
    checksum: str | None
    owner: str | None
    protected: bool
    tags: list[str]
    created_at: str
    updated_at: str


class Image(ImageAttributes, Protocol):
    """An image: `image.status`, and `image["hw_disk_bus"]` for properties of any name."""

    def __getitem__(self, name: str, /) -> Any:
        """Return the property `name`."""


class ImageArguments(FactoryArguments, total=False):
    """Keyword arguments of `os_images.upload_async`: attributes of a new image."""

    disk_format: str | None
    container_format: str
    visibility: str
    protected: bool
    min_disk: int
    min_ram: int
    tags: list[str]
    os_hidden: bool
