"""Resources and managers of Nova as novaclient has them, with their twins."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TypedDict, Unpack, overload

from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.policy import Retry
from pytest_osfutures.protocols.arguments import (
    CallArguments,
    ReadyArguments,
    Reference,
    RetryArguments,
    T,
)
from pytest_osfutures.protocols.image import ImageAttributes
from pytest_osfutures.protocols.server import (
    NetworkInterface,
    RebuildCall,
    RetriedRebuildCall,
    Server,
    ServerArguments,
    SeveralServers,
)


class VolumeAttachment(Protocol):
    """A volume that is attached to a server."""

    id: str
    serverId: str
    volumeId: str
    device: str


class Flavor(Protocol):
    """A flavor: the size of a server."""

    id: str
    name: str
    #: Memory in MiB.
    ram: int
    #: Root disk in GiB.
    disk: int
    vcpus: int
    ephemeral: int
    is_public: bool
    description: str | None
    extra_specs: dict[str, str]

    def get_keys(self) -> dict[str, str]: ...
    def to_dict(self) -> dict[str, Any]: ...


class Keypair(Protocol):
    """A keypair. Only a key that this package or Nova has just made has its private half."""

    id: str
    name: str
    public_key: str
    private_key: str
    #: File with the private key, for `ssh -i`: of keys that `os_keypairs` has made.
    private_key_file: Path
    fingerprint: str
    type: str
    user_id: str

    def delete(self) -> None: ...


class CreateCall(ServerArguments, CallArguments, ReadyArguments, total=False):
    """Keyword arguments of `servers.create_async`."""


class RetriedCreateCall(ServerArguments, RetryArguments, ReadyArguments, total=False):
    """Keyword arguments of `servers.create_async_r`."""


class CreateSeveralCall(SeveralServers, CreateCall):
    """Keyword arguments of `servers.create_async` for several servers in one request."""


class RetriedCreateSeveralCall(SeveralServers, RetriedCreateCall):
    """Keyword arguments of `servers.create_async_r` for several servers in one request."""


class Tagged(TypedDict, total=False):
    """The device tag of an attached port or volume."""

    tag: str | None


class AttachCall(Tagged, CallArguments, total=False):
    """Keyword arguments of `interface_attach_async`."""


class RetriedAttachCall(Tagged, RetryArguments, total=False):
    """Keyword arguments of `interface_attach_async_r`."""


class Device(Tagged, total=False):
    """Keyword arguments of `create_server_volume`."""

    delete_on_termination: bool


class DeviceCall(Device, CallArguments, total=False):
    """Keyword arguments of `create_server_volume_async`."""


class RetriedDeviceCall(Device, RetryArguments, total=False):
    """Keyword arguments of `create_server_volume_async_r`."""


class ServerTwin(Protocol[T]):
    """`servers.x_async(server)` of a method `x` that takes a server and nothing else."""

    def __call__(self, server: Reference, *, tout: float | None = None) -> OperationFuture[T]:
        """Start the operation and return its future; `tout` is its deadline in seconds."""


class RetriedServerTwin(Protocol[T]):
    """`servers.x_async_r(server)` of a method `x` that takes a server and nothing else."""

    def __call__(
        self, server: Reference, *, try_count: int | Retry | None = None, tout: float | None = None
    ) -> OperationFuture[T]:
        """Start the operation in the background, with retries, and return its future."""


class ServerManager(Protocol):
    """`nova.servers`. Methods that are not declared here are there too, without types."""

    get_async: ServerTwin[Server]
    get_async_r: RetriedServerTwin[Server]
    delete_async: ServerTwin[None]
    delete_async_r: RetriedServerTwin[None]
    force_delete_async: ServerTwin[None]
    force_delete_async_r: RetriedServerTwin[None]
    restore_async: ServerTwin[Server]
    restore_async_r: RetriedServerTwin[Server]
    start_async: ServerTwin[Server]
    start_async_r: RetriedServerTwin[Server]
    stop_async: ServerTwin[Server]
    stop_async_r: RetriedServerTwin[Server]
    pause_async: ServerTwin[Server]
    pause_async_r: RetriedServerTwin[Server]
    unpause_async: ServerTwin[Server]
    unpause_async_r: RetriedServerTwin[Server]
    suspend_async: ServerTwin[Server]
    suspend_async_r: RetriedServerTwin[Server]
    resume_async: ServerTwin[Server]
    resume_async_r: RetriedServerTwin[Server]
    shelve_async: ServerTwin[Server]
    shelve_async_r: RetriedServerTwin[Server]
    shelve_offload_async: ServerTwin[Server]
    shelve_offload_async_r: RetriedServerTwin[Server]
    unrescue_async: ServerTwin[Server]
    unrescue_async_r: RetriedServerTwin[Server]
    confirm_resize_async: ServerTwin[Server]
    confirm_resize_async_r: RetriedServerTwin[Server]
    revert_resize_async: ServerTwin[Server]
    revert_resize_async_r: RetriedServerTwin[Server]

    def __getattr__(self, name: str, /) -> Any: ...
    def get(self, server: Reference) -> Server: ...
    def find(self, **attributes: Any) -> Server: ...
    def delete(self, server: Reference) -> object: ...
    def list(
        self,
        detailed: bool = True,
        search_opts: Mapping[str, Any] | None = None,
        marker: str | None = None,
        limit: int | None = None,
        **more: Any,
    ) -> builtins.list[Server]: ...
    def create(
        self,
        name: str,
        image: Reference | None,
        flavor: Reference,
        **arguments: Unpack[ServerArguments],
    ) -> Server: ...
    @overload
    def create_async(
        self,
        name: str,
        image: Reference | None,
        flavor: Reference,
        **arguments: Unpack[CreateCall],
    ) -> OperationFuture[Server, Server]: ...
    @overload
    def create_async(
        self,
        name: str,
        image: Reference | None,
        flavor: Reference,
        **arguments: Unpack[CreateSeveralCall],
    ) -> OperationFuture[builtins.list[Server], Server]: ...
    @overload
    def create_async_r(
        self,
        name: str,
        image: Reference | None,
        flavor: Reference,
        **arguments: Unpack[RetriedCreateCall],
    ) -> OperationFuture[Server, Server]: ...
    @overload
    def create_async_r(
        self,
        name: str,
        image: Reference | None,
        flavor: Reference,
        **arguments: Unpack[RetriedCreateSeveralCall],
    ) -> OperationFuture[builtins.list[Server], Server]: ...
    def reboot_async(
        self, server: Reference, reboot_type: str = "SOFT", **call: Unpack[CallArguments]
    ) -> OperationFuture[Server]: ...
    def reboot_async_r(
        self, server: Reference, reboot_type: str = "SOFT", **call: Unpack[RetryArguments]
    ) -> OperationFuture[Server]: ...
    def rebuild_async(
        self, server: Reference, image: Reference, **arguments: Unpack[RebuildCall]
    ) -> OperationFuture[Server, Server]: ...
    def rebuild_async_r(
        self, server: Reference, image: Reference, **arguments: Unpack[RetriedRebuildCall]
    ) -> OperationFuture[Server, Server]: ...
    def resize_async(
        self,
        server: Reference,
        flavor: Reference,
        disk_config: str | None = None,
        **call: Unpack[CallArguments],
    ) -> OperationFuture[Server]: ...
    def resize_async_r(
        self,
        server: Reference,
        flavor: Reference,
        disk_config: str | None = None,
        **call: Unpack[RetryArguments],
    ) -> OperationFuture[Server]: ...
    def migrate_async(
        self, server: Reference, host: str | None = None, **call: Unpack[CallArguments]
    ) -> OperationFuture[Server]: ...
    def migrate_async_r(
        self, server: Reference, host: str | None = None, **call: Unpack[RetryArguments]
    ) -> OperationFuture[Server]: ...
    def live_migrate_async(
        self,
        server: Reference,
        host: str | None,
        block_migration: bool | str,
        **call: Unpack[CallArguments],
    ) -> OperationFuture[Server]: ...
    def live_migrate_async_r(
        self,
        server: Reference,
        host: str | None,
        block_migration: bool | str,
        **call: Unpack[RetryArguments],
    ) -> OperationFuture[Server]: ...
    def create_image_async(
        self,
        server: Reference,
        image_name: str,
        metadata: Mapping[str, str] | None = None,
        **call: Unpack[CallArguments],
    ) -> OperationFuture[str, str]: ...
    def create_image_async_r(
        self,
        server: Reference,
        image_name: str,
        metadata: Mapping[str, str] | None = None,
        **call: Unpack[RetryArguments],
    ) -> OperationFuture[str, str]: ...
    def interface_attach_async(
        self,
        server: Reference,
        port_id: str | None,
        net_id: str | None,
        fixed_ip: str | None,
        **call: Unpack[AttachCall],
    ) -> OperationFuture[NetworkInterface, NetworkInterface]: ...
    def interface_attach_async_r(
        self,
        server: Reference,
        port_id: str | None,
        net_id: str | None,
        fixed_ip: str | None,
        **call: Unpack[RetriedAttachCall],
    ) -> OperationFuture[NetworkInterface, NetworkInterface]: ...
    def interface_detach_async(
        self, server: Reference, port_id: str, **call: Unpack[CallArguments]
    ) -> OperationFuture[None]: ...
    def interface_detach_async_r(
        self, server: Reference, port_id: str, **call: Unpack[RetryArguments]
    ) -> OperationFuture[None]: ...


class AttachmentManager(Protocol):
    """`nova.volumes`: volumes that are attached to servers."""

    def __getattr__(self, name: str, /) -> Any: ...
    def create_server_volume(
        self, server_id: str, volume_id: str, device: str | None = None, **arguments: Unpack[Device]
    ) -> VolumeAttachment: ...
    def create_server_volume_async(
        self,
        server_id: str,
        volume_id: str,
        device: str | None = None,
        **arguments: Unpack[DeviceCall],
    ) -> OperationFuture[VolumeAttachment, VolumeAttachment]: ...
    def create_server_volume_async_r(
        self,
        server_id: str,
        volume_id: str,
        device: str | None = None,
        **arguments: Unpack[RetriedDeviceCall],
    ) -> OperationFuture[VolumeAttachment, VolumeAttachment]: ...
    def delete_server_volume_async(
        self, server_id: str, volume_id: str, **call: Unpack[CallArguments]
    ) -> OperationFuture[None]: ...
    def delete_server_volume_async_r(
        self, server_id: str, volume_id: str, **call: Unpack[RetryArguments]
    ) -> OperationFuture[None]: ...
    def get_server_volumes(self, server_id: str) -> list[VolumeAttachment]: ...


class FlavorManager(Protocol):
    """`nova.flavors`."""

    def __getattr__(self, name: str, /) -> Any: ...
    def get(self, flavor: Reference) -> Flavor: ...
    def find(self, **attributes: Any) -> Flavor: ...
    def list(
        self, detailed: bool = True, is_public: bool | None = True, **more: Any
    ) -> builtins.list[Flavor]: ...


class ImageManager(Protocol):
    """`nova.glance`: the images of Glance as novaclient reads them."""

    def __getattr__(self, name: str, /) -> Any: ...
    def find_image(self, name_or_id: str) -> ImageAttributes: ...
    def list(self) -> builtins.list[ImageAttributes]: ...


class KeypairManager(Protocol):
    """`nova.keypairs`."""

    def __getattr__(self, name: str, /) -> Any: ...
    def get(self, keypair: Reference, user_id: str | None = None) -> Keypair: ...
    def create(
        self, name: str, public_key: str | None = None, key_type: str = "ssh", **more: Any
    ) -> Keypair: ...
    def delete(self, key: Reference, user_id: str | None = None) -> object: ...
    def list(self, **more: Any) -> builtins.list[Keypair]: ...


class Nova(Protocol):
    """A novaclient Client with twins. Other managers are there too, without types."""

    @property
    def servers(self) -> ServerManager: ...
    @property
    def volumes(self) -> AttachmentManager: ...
    @property
    def flavors(self) -> FlavorManager: ...
    @property
    def glance(self) -> ImageManager: ...
    @property
    def keypairs(self) -> KeypairManager: ...
    def __getattr__(self, name: str, /) -> Any: ...
