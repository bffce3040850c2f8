"""The factory of images, of servers or of data."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any, Unpack

from pytest_osfutures.calls import Repeatable, start_retried
from pytest_osfutures.clients import context_of
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.operations import IMAGE
from pytest_osfutures.protocols import FactoryArguments, Image, ImageArguments, Reference, Resource
from pytest_osfutures.scopes.factories.base import Factory, client_arguments
from pytest_osfutures.scopes.identifiers import to_id

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

__all__ = ["Images"]

#: Extensions of file names that are Glance's names of disk formats
#: (https://docs.openstack.org/glance/latest/user/formats.html).
DISK_FORMATS = ("ami", "iso", "ploop", "qcow2", "vdi", "vhd", "vhdx", "vmdk")
OCTETS = {"Content-Type": "application/octet-stream"}


class ServerImageCall(FactoryArguments, total=False):
    """Keyword arguments of `os_images.create_async`."""

    metadata: Mapping[str, str] | None


class Images(Factory):
    """The factory of images: the fixtures `os_images`, `os_images_class`, ..."""

    def create_async(
        self, server: Reference, name: str | None = None, **arguments: Unpack[ServerImageCall]
    ) -> OperationFuture[str, str]:
        """Create an image of a server in the background, with retries, and return its future.

        Args:
            server: id or object of the server.
            name: name of the image (default: a new name that begins with `osf-`).
            arguments: `try_count`, `tout` and `extra` as of `os_servers.create_async`, and
                `metadata` of novaclient's `servers.create_image`.

        Returns:
            The future of the image's id.

        Example:
            >>> vm = os_servers.create_async("web").result()
            >>> copy = os_servers.create_async(
            ...     image=os_images.create_async(vm).result()
            ... )
        """
        future = self.cloud.nova.servers.create_image_async_r(
            to_id(server, "server"),
            self._name(name),
            **self._limits(arguments),
            **client_arguments(arguments),
        )
        return self._own(IMAGE, future)

    def upload_async(
        self,
        source: str | Path | bytes,
        name: str | None = None,
        **arguments: Unpack[ImageArguments],
    ) -> OperationFuture[Image, Image]:
        """Upload an image in the background, with retries, and return its future.

        Args:
            source: path of a file, or the bytes themselves.
            name: name of the image (default: a new name that begins with `osf-`).
            arguments: `try_count`, `tout` and `extra` as of `os_servers.create_async`, and
                attributes of the Image API. `disk_format` is by default the extension of the
                file's name if that is one of Glance's formats, or else `raw`.

        Returns:
            The future of the active image: `image.id`, `image["min_disk"]`.

        Raises:
            InvalidArgument: there is no such file.

        Example:
            >>> image = os_images.upload_async("cirros.qcow2").result()
            >>> image.disk_format
            'qcow2'
        """
        if not isinstance(source, bytes) and not Path(source).is_file():
            raise InvalidArgument(f"upload_async: there is no file {str(source)!r}")
        attributes, api = client_arguments(arguments), self.cloud.api("image")
        formats = {
            "container_format": attributes.pop("container_format", "bare"),
            "disk_format": attributes.pop("disk_format", None) or _disk_format(source),
        }
        new = partial(_new_image, api, self._name(name), formats)
        create = Repeatable("upload_async", _new_image, new, (), attributes)

        def call() -> Any:
            image = create()
            with _opened(source) as data:
                api.put(f"/images/{image['id']}/file", data=data, headers=OCTETS)
            return Resource(image)

        future = start_retried(context_of(api), call, **self._limits(arguments))
        return self._own(IMAGE, future)


def _new_image(api: Any, name: str, formats: Mapping[str, str], **attributes: Any) -> Any:
    return api.post("/images", json={"name": name, **formats, **attributes}).json()


def _disk_format(source: str | Path | bytes) -> str:
    end = "" if isinstance(source, bytes) else Path(source).suffix.lower().removeprefix(".")
    return end if end in DISK_FORMATS else "raw"


def _opened(source: str | Path | bytes) -> AbstractContextManager[Any]:
    return nullcontext(source) if isinstance(source, bytes) else Path(source).open("rb")
