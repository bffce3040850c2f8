"""Factories of resources that own what they make: at the end of their scope, all of it is gone."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pytest_osfutures.calls import Repeatable, start_retried
from pytest_osfutures.clients import Resource, context_of
from pytest_osfutures.clock import SystemClock
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.future import OperationFuture
from pytest_osfutures.operations import KEYPAIR
from pytest_osfutures.ownership import StampedResource
from pytest_osfutures.plugin.defaults import Defaults
from pytest_osfutures.plugin.identifiers import ident, idents
from pytest_osfutures.plugin.options import Settings
from pytest_osfutures.plugin.scope import Scope
from pytest_osfutures.policy import Retry
from pytest_osfutures.stamp import Stamp, new_id

if TYPE_CHECKING:
    from pytest_osfutures.plugin.shared import SharedScope

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

_numbers = itertools.count(1)
#: What a file's name may end with that says what is in it.
DISK_FORMATS = ("ami", "iso", "ploop", "qcow2", "vdi", "vhd", "vhdx", "vmdk")
OCTETS = {"Content-Type": "application/octet-stream"}


class Factory:
    """Creates in the background, with retries; its scope deletes at the end what it has created."""

    def __init__(self, settings: Settings, scope: Scope | SharedScope) -> None:
        self.settings = settings
        self._scope = scope
        self._choices: dict[Cloud, Defaults] = {}

    @property
    def scope(self) -> Scope | SharedScope:
        """The scope that owns what is made in this process, which may be a fork of the test's."""
        return self._scope.here()

    @property
    def cloud(self) -> Cloud:
        """The cloud, as this process is connected to it."""
        return self.scope.cloud

    @property
    def defaults(self) -> Defaults:
        """Finds images, flavors and networks."""
        return self._choices.setdefault(self.cloud, Defaults(self.cloud, self.settings))

    def _name(self, name: str | None) -> str:
        return name or f"osf-{self.cloud.run[:6]}-{next(_numbers)}"

    def _tries(self, try_count: int | Retry | None, tout: float | None) -> dict[str, Any]:
        return {
            "try_count": self.settings.try_count if try_count is None else try_count,
            "tout": self.settings.tout if tout is None else tout,
        }


class Servers(Factory):
    """Creates servers; `os_servers` and its siblings of wider scope."""

    def create_async(
        self,
        name: str | None = None,
        image: Any = None,
        flavor: Any = None,
        *,
        network: Any = None,
        try_count: int | Retry | None = None,
        tout: float | None = None,
        **more: Any,
    ) -> OperationFuture[Any]:
        """Create a server in the background and return its future.

        `image` and `flavor` are names, ids or objects (default: --os-image and --os-flavor, else
        the smallest there is), and so is `network`, which may be `auto` or `none` as well (default:
        --os-network); `try_count` (default: --os-try-count) and `tout`, the deadline of each try in
        seconds (default: --os-timeout); all else goes to novaclient's `servers.create` as it is.
        Raises InvalidArgument for an unknown image, flavor or network.
        """
        from_volume = _boots_from_volume(more)
        chosen = None if image is None and from_volume else self.defaults.image(image, flavor)
        if network is not None and "nics" in more:
            raise InvalidArgument(f"give network={network!r} or nics, not both")
        if "nics" not in more:
            more["nics"] = self.defaults.nics(network)
        future = self.cloud.nova.servers.create_async_r(
            self._name(name),
            chosen,
            self.defaults.flavor(flavor, chosen, from_volume),
            **self._tries(try_count, tout),
            **idents(more),
        )
        return self.scope.own("server", future)


def _boots_from_volume(more: Mapping[str, Any]) -> bool:
    """Whether the arguments of a server say what its first disk is."""
    mappings = more.get("block_device_mapping_v2") or ()
    first = any(str(each.get("boot_index")) == "0" for each in mappings)
    return first or bool(more.get("block_device_mapping"))


class Volumes(Factory):
    """Creates volumes; `os_volumes` and its siblings of wider scope."""

    def create_async(
        self,
        size: int = 1,
        name: str | None = None,
        *,
        try_count: int | Retry | None = None,
        tout: float | None = None,
        **more: Any,
    ) -> OperationFuture[Any]:
        """Create a volume of `size` GiB in the background and return its future.

        `try_count` and `tout` as for servers; all else goes to cinderclient's `volumes.create`.
        """
        future = self.cloud.cinder.volumes.create_async_r(
            size, name=self._name(name), **self._tries(try_count, tout), **idents(more)
        )
        return self.scope.own("volume", future)


class Snapshots(Factory):
    """Creates snapshots of volumes; `os_snapshots` and its siblings of wider scope."""

    def create_async(
        self,
        volume: Any,
        name: str | None = None,
        *,
        try_count: int | Retry | None = None,
        tout: float | None = None,
        **more: Any,
    ) -> OperationFuture[Any]:
        """Create a snapshot of `volume` (an object or an id) and return its future.

        All else as for volumes; it goes to cinderclient's `volume_snapshots.create`.
        """
        future = self.cloud.cinder.volume_snapshots.create_async_r(
            ident(volume, "volume"),
            name=self._name(name),
            **self._tries(try_count, tout),
            **idents(more),
        )
        return self.scope.own("snapshot", future)


class Backups(Factory):
    """Creates backups of volumes; `os_backups` and its siblings of wider scope."""

    def create_async(
        self,
        volume: Any,
        name: str | None = None,
        *,
        try_count: int | Retry | None = None,
        tout: float | None = None,
        **more: Any,
    ) -> OperationFuture[Any]:
        """Create a backup of `volume` (an object or an id) and return its future.

        All else as for volumes; it goes to cinderclient's `backups.create`.
        """
        future = self.cloud.cinder.backups.create_async_r(
            ident(volume, "volume"),
            name=self._name(name),
            **self._tries(try_count, tout),
            **idents(more),
        )
        return self.scope.own("backup", future)


class Images(Factory):
    """Creates images, of servers or of data; `os_images` and its siblings of wider scope."""

    def create_async(
        self,
        server: Any,
        name: str | None = None,
        *,
        try_count: int | Retry | None = None,
        tout: float | None = None,
        **more: Any,
    ) -> OperationFuture[Any]:
        """Create an image of `server` (an object or an id) and return its future.

        The result is the image's id. All else as for servers; it goes to novaclient's
        `servers.create_image`.
        """
        future = self.cloud.nova.servers.create_image_async_r(
            ident(server, "server"),
            self._name(name),
            **self._tries(try_count, tout),
            **idents(more),
        )
        return self.scope.own("image", future)

    def upload_async(
        self,
        source: str | Path | bytes,
        name: str | None = None,
        *,
        disk_format: str | None = None,
        container_format: str = "bare",
        try_count: int | Retry | None = None,
        tout: float | None = None,
        **more: Any,
    ) -> OperationFuture[Any]:
        """Create an image of `source`, a file's path or the bytes themselves; return its future.

        It is done when the image is active; the result is the image as Glance shows it
        (`image.id`, `image["min_disk"]`). `disk_format` is by default what the file's name ends
        with (`.qcow2`), or else `raw`. `try_count` and `tout` as for servers; all else goes to
        Glance: its own attributes and free properties. Raises InvalidArgument if there is no such
        file.
        """
        if not isinstance(source, bytes) and not Path(source).is_file():
            raise InvalidArgument(f"upload_async: there is no file {str(source)!r}")
        api, formats = self.cloud.api("image"), {"container_format": container_format}
        formats["disk_format"] = disk_format or _disk_format(source)

        def call() -> Any:
            made = create()
            with _opened(source) as data:
                api.put(f"/images/{made['id']}/file", data=data, headers=OCTETS)
            return Resource(made)

        full = self._name(name)
        new = partial(_new_image, api, full, formats)
        create = Repeatable("upload_async", _new_image, new, (), more)
        future = start_retried(context_of(api), call, **self._tries(try_count, tout))
        return self.scope.own("image", future)


def _new_image(api: Any, name: str, formats: Mapping[str, str], **more: Any) -> Any:
    return api.post("/images", json={"name": name, **formats, **more}).json()


def _disk_format(source: str | Path | bytes) -> str:
    end = "" if isinstance(source, bytes) else Path(source).suffix.lower().removeprefix(".")
    return end if end in DISK_FORMATS else "raw"


def _opened(source: str | Path | bytes) -> AbstractContextManager[Any]:
    return nullcontext(source) if isinstance(source, bytes) else Path(source).open("rb")


class Keypairs(Factory):
    """Creates keypairs; `os_keypairs` and its siblings of wider scope."""

    def create(self, name: str | None = None, public_key: str | None = None) -> Any:
        """Create a keypair at once and return novaclient's object.

        Keypairs have no metadata, so their name begins with the stamp and ends with `name`.
        Without `public_key` a new Ed25519 key is made, and the object has its `private_key`.
        """
        private = None
        if public_key is None:
            public_key, private = _new_key()
        scope = self.scope
        expires = int(
            self.cloud.api_client.cloud_time.time(SystemClock()) + scope.run_session.expiry
        )
        stamp = Stamp(self.cloud.run, new_id(), expires)
        full = stamp.name(name)
        record = scope.run_session.ledger.record(stamp)
        record.intended("keypair", full)
        assert isinstance(scope, Scope)
        scope.own_keypair(StampedResource(KEYPAIR, full, stamp, full))
        keypair = self.cloud.nova.keypairs.create(full, public_key)
        record.bound(full)
        if private is not None:
            keypair.private_key = private
        return keypair


def _new_key() -> tuple[str, str]:
    """A new key: the public half, and the private one, as OpenSSH writes them."""
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    openssh = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    return key.public_key().public_bytes(*openssh).decode(), private.decode()
