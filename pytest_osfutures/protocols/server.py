"""Servers of Nova as novaclient returns them, with their twins.

The attributes are those of https://docs.openstack.org/api-ref/compute/#show-server-details, the
methods those of https://docs.openstack.org/python-novaclient/latest/reference/api/.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import IO, Any, NotRequired, Protocol, TypedDict, Unpack

from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.protocols.arguments import (
    CallArguments,
    ReadyArguments,
    Reference,
    RetriedRunTwin,
    RetriedTwin,
    RetryArguments,
    RunTwin,
    Twin,
)
from pytest_osfutures.ready import Ready


class ServerArguments(TypedDict, total=False):
    """Keyword arguments of novaclient's `servers.create`, but for `min_count` and `max_count`."""

    meta: Mapping[str, str] | None
    files: Mapping[str, Any] | None
    reservation_id: bool | None
    security_groups: Iterable[Reference] | None
    userdata: str | bytes | IO[Any] | None
    key_name: Reference | None
    availability_zone: str | None
    block_device_mapping: Mapping[str, str] | None
    block_device_mapping_v2: Iterable[Mapping[str, Any]] | None
    nics: str | Iterable[Mapping[str, Any]] | None
    scheduler_hints: Mapping[str, Any] | None
    config_drive: bool | str | None
    disk_config: str | None
    admin_pass: str | None
    access_ip_v4: str | None
    access_ip_v6: str | None
    description: str | None
    tags: Iterable[str] | None
    trusted_image_certificates: Iterable[str] | None
    host: str | None
    hypervisor_hostname: str | None
    hostname: str | None


class SeveralServers(TypedDict):
    """Keyword arguments that let one request create several servers."""

    min_count: int
    max_count: NotRequired[int]


class RebuildArguments(TypedDict, total=False):
    """Keyword arguments of novaclient's `server.rebuild`."""

    password: str | None
    preserve_ephemeral: bool
    disk_config: str | None
    name: str | None
    meta: Mapping[str, str] | None
    files: Mapping[str, Any] | None
    description: str | None
    key_name: str | None
    userdata: str | bytes | IO[Any] | None
    trusted_image_certificates: Iterable[str] | None
    hostname: str | None


class RebuildCall(RebuildArguments, CallArguments, ReadyArguments, total=False):
    """Keyword arguments of `rebuild_async`."""


class RetriedRebuildCall(RebuildArguments, RetryArguments, ReadyArguments, total=False):
    """Keyword arguments of `rebuild_async_r`."""


class RetriedRun(RetryArguments, ReadyArguments, total=False):
    """Keyword arguments of retried twins after which the server runs."""


class NetworkInterface(Protocol):
    """A port that is attached to a server."""

    port_id: str
    net_id: str
    mac_addr: str
    port_state: str
    fixed_ips: list[dict[str, str]]


class ServerAttributes(Protocol):
    """Attributes of a server. Others: `getattr(server, "OS-EXT-STS:task_state")`."""

    id: str
    name: str
    status: str
    tenant_id: str
    user_id: str
    #: Addresses by the name of the network.
    addresses: dict[str, list[dict[str, Any]]]
    #: IP addresses by the name of the network.
    networks: dict[str, list[str]]
    flavor: dict[str, Any]
    #: The image's id and links; an empty string if the server boots from a volume.
    image: dict[str, Any]
    metadata: dict[str, str]
    security_groups: list[dict[str, str]]
    key_name: str | None
    description: str | None
    created: str
    updated: str
    hostId: str
    config_drive: str
    accessIPv4: str
    accessIPv6: str
    progress: int
    fault: dict[str, Any]
    links: list[dict[str, str]]
    locked: bool
    locked_reason: str | None
    tags: list[str]
    server_groups: list[str]
    trusted_image_certificates: list[str] | None
    #: The administrator's password; only in the answer to the request that sets it.
    adminPass: str


class ServerMethods(ServerAttributes, Protocol):
    """Methods of a server that start no background work."""

    def get(self) -> None: ...
    def to_dict(self) -> dict[str, Any]: ...
    def update(
        self, name: str | None = None, description: str | None = None, hostname: str | None = None
    ) -> Server: ...
    def lock(self, reason: str | None = None) -> object: ...
    def unlock(self) -> object: ...
    def set_tags(self, tags: Iterable[str]) -> list[str]: ...
    def add_tag(self, tag: str) -> object: ...
    def delete_tag(self, tag: str) -> object: ...
    def delete_all_tags(self) -> object: ...
    def tag_list(self) -> list[str]: ...
    def add_security_group(self, security_group: str) -> object: ...
    def remove_security_group(self, security_group: str) -> object: ...
    def list_security_group(self) -> list[Any]: ...
    def interface_list(self) -> list[NetworkInterface]: ...
    def get_console_output(self, length: int | None = None) -> str: ...
    def get_console_url(self, console_type: str) -> dict[str, Any]: ...
    def get_vnc_console(self, console_type: str) -> dict[str, Any]: ...
    def get_spice_console(self, console_type: str) -> dict[str, Any]: ...
    def get_rdp_console(self, console_type: str) -> dict[str, Any]: ...
    def get_serial_console(self, console_type: str) -> dict[str, Any]: ...
    def get_mks_console(self) -> dict[str, Any]: ...
    def get_password(self, private_key: str | None = None) -> str: ...
    def clear_password(self) -> object: ...
    def diagnostics(self) -> tuple[Any, dict[str, Any]]: ...
    def topology(self) -> dict[str, Any]: ...
    def reset_state(self, state: str = "error") -> object: ...
    def reset_network(self) -> object: ...


class PlainActions(ServerMethods, Protocol):
    """Plain methods of a server that start background work; each has twins in `Server`."""

    def delete(self) -> object: ...
    def force_delete(self) -> object: ...
    def restore(self) -> object: ...
    def start(self) -> object: ...
    def stop(self) -> object: ...
    def pause(self) -> object: ...
    def unpause(self) -> object: ...
    def suspend(self) -> object: ...
    def resume(self) -> object: ...
    def shelve(self) -> object: ...
    def shelve_offload(self) -> object: ...
    def unshelve(self, availability_zone: str | None = ..., host: str | None = None) -> object: ...
    def rescue(self, password: str | None = None, image: Reference | None = None) -> object: ...
    def unrescue(self) -> object: ...
    def reboot(self, reboot_type: str = "SOFT") -> object: ...
    def rebuild(self, image: Reference, **arguments: Unpack[RebuildArguments]) -> Server: ...
    def resize(self, flavor: Reference, *, disk_config: str | None = None) -> object: ...
    def confirm_resize(self) -> object: ...
    def revert_resize(self) -> object: ...
    def migrate(self, host: str | None = None) -> object: ...
    def live_migrate(
        self, host: str | None = None, block_migration: bool | str | None = None
    ) -> object: ...
    def evacuate(self, host: str | None = None, password: str | None = None) -> object: ...
    def change_password(self, password: str) -> object: ...
    def create_image(self, image_name: str, metadata: Mapping[str, str] | None = None) -> str: ...
    def backup(self, backup_name: str, backup_type: str, rotation: int) -> dict[str, str]: ...
    def interface_attach(
        self,
        port_id: str | None,
        net_id: str | None,
        fixed_ip: str | None,
        tag: str | None = None,
    ) -> NetworkInterface: ...
    def interface_detach(self, port_id: str) -> object: ...
    def trigger_crash_dump(self) -> object: ...


class Server(PlainActions, Protocol):
    """A server. `x_async` starts `x` and returns its future; `x_async_r` retries as well."""

    delete_async: Twin[None]
    delete_async_r: RetriedTwin[None]
    force_delete_async: Twin[None]
    force_delete_async_r: RetriedTwin[None]
    restore_async: RunTwin[Server]
    restore_async_r: RetriedRunTwin[Server]
    start_async: RunTwin[Server]
    start_async_r: RetriedRunTwin[Server]
    stop_async: Twin[Server]
    stop_async_r: RetriedTwin[Server]
    pause_async: Twin[Server]
    pause_async_r: RetriedTwin[Server]
    unpause_async: RunTwin[Server]
    unpause_async_r: RetriedRunTwin[Server]
    suspend_async: Twin[Server]
    suspend_async_r: RetriedTwin[Server]
    resume_async: RunTwin[Server]
    resume_async_r: RetriedRunTwin[Server]
    shelve_async: Twin[Server]
    shelve_async_r: RetriedTwin[Server]
    shelve_offload_async: Twin[Server]
    shelve_offload_async_r: RetriedTwin[Server]
    unrescue_async: RunTwin[Server]
    unrescue_async_r: RetriedRunTwin[Server]
    confirm_resize_async: RunTwin[Server]
    confirm_resize_async_r: RetriedRunTwin[Server]
    revert_resize_async: RunTwin[Server]
    revert_resize_async_r: RetriedRunTwin[Server]
    trigger_crash_dump_async: Twin[Server]
    trigger_crash_dump_async_r: RetriedTwin[Server]

    def unshelve_async(
        self,
        availability_zone: str | None = ...,
        host: str | None = None,
        *,
        tout: float | None = None,
    ) -> OperationFuture[Server]: ...
    def unshelve_async_r(
        self,
        availability_zone: str | None = ...,
        host: str | None = None,
        **call: Unpack[RetryArguments],
    ) -> OperationFuture[Server]: ...
    def rescue_async(
        self,
        password: str | None = None,
        image: Reference | None = None,
        *,
        tout: float | None = None,
    ) -> OperationFuture[Server]: ...
    def rescue_async_r(
        self,
        password: str | None = None,
        image: Reference | None = None,
        **call: Unpack[RetryArguments],
    ) -> OperationFuture[Server]: ...
    def reboot_async(
        self,
        reboot_type: str = "SOFT",
        *,
        tout: float | None = None,
        ready: Ready | None = None,
    ) -> OperationFuture[Server]: ...
    def reboot_async_r(
        self, reboot_type: str = "SOFT", **call: Unpack[RetriedRun]
    ) -> OperationFuture[Server]: ...
    def rebuild_async(
        self, image: Reference, **arguments: Unpack[RebuildCall]
    ) -> OperationFuture[Server, Server]: ...
    def rebuild_async_r(
        self, image: Reference, **arguments: Unpack[RetriedRebuildCall]
    ) -> OperationFuture[Server, Server]: ...
    def resize_async(
        self, flavor: Reference, *, disk_config: str | None = None, tout: float | None = None
    ) -> OperationFuture[Server]:
        """Resize to `flavor`; the future ends at VERIFY_RESIZE, before `confirm_resize`."""

    def resize_async_r(
        self, flavor: Reference, *, disk_config: str | None = None, **call: Unpack[RetryArguments]
    ) -> OperationFuture[Server]: ...
    def migrate_async(
        self, host: str | None = None, *, tout: float | None = None
    ) -> OperationFuture[Server]: ...
    def migrate_async_r(
        self, host: str | None = None, **call: Unpack[RetryArguments]
    ) -> OperationFuture[Server]: ...
    def live_migrate_async(
        self,
        host: str | None = None,
        block_migration: bool | str | None = None,
        *,
        tout: float | None = None,
    ) -> OperationFuture[Server]: ...
    def live_migrate_async_r(
        self,
        host: str | None = None,
        block_migration: bool | str | None = None,
        **call: Unpack[RetryArguments],
    ) -> OperationFuture[Server]: ...
    def evacuate_async(
        self, host: str | None = None, password: str | None = None, *, tout: float | None = None
    ) -> OperationFuture[Server]: ...
    def evacuate_async_r(
        self, host: str | None = None, password: str | None = None, **call: Unpack[RetryArguments]
    ) -> OperationFuture[Server]: ...
    def change_password_async(
        self, password: str, *, tout: float | None = None
    ) -> OperationFuture[Server]: ...
    def change_password_async_r(
        self, password: str, **call: Unpack[RetryArguments]
    ) -> OperationFuture[Server]: ...
    def create_image_async(
        self,
        image_name: str,
        metadata: Mapping[str, str] | None = None,
        *,
        tout: float | None = None,
    ) -> OperationFuture[str, str]:
        """Create an image of the server; the result is the id of the image."""

    def create_image_async_r(
        self,
        image_name: str,
        metadata: Mapping[str, str] | None = None,
        **call: Unpack[RetryArguments],
    ) -> OperationFuture[str, str]: ...
    def backup_async(
        self, backup_name: str, backup_type: str, rotation: int, *, tout: float | None = None
    ) -> OperationFuture[dict[str, str], dict[str, str]]:
        """Create a backup image; the result has its id by the key `image_id`."""

    def backup_async_r(
        self, backup_name: str, backup_type: str, rotation: int, **call: Unpack[RetryArguments]
    ) -> OperationFuture[dict[str, str], dict[str, str]]: ...
    def interface_attach_async(
        self,
        port_id: str | None,
        net_id: str | None,
        fixed_ip: str | None,
        tag: str | None = None,
        *,
        tout: float | None = None,
    ) -> OperationFuture[NetworkInterface, NetworkInterface]: ...
    def interface_attach_async_r(
        self,
        port_id: str | None,
        net_id: str | None,
        fixed_ip: str | None,
        tag: str | None = None,
        **call: Unpack[RetryArguments],
    ) -> OperationFuture[NetworkInterface, NetworkInterface]: ...
    def interface_detach_async(
        self, port_id: str, *, tout: float | None = None
    ) -> OperationFuture[None]: ...
    def interface_detach_async_r(
        self, port_id: str, **call: Unpack[RetryArguments]
    ) -> OperationFuture[None]: ...
