"""Resources and managers of Cinder as cinderclient has them, with their twins.

The attributes are those of https://docs.openstack.org/api-ref/block-storage/v3/, the methods those
of https://docs.openstack.org/python-cinderclient/latest/contributor/.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, TypedDict, Unpack

from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.protocols.arguments import (
    CallArguments,
    Reference,
    RetriedTwin,
    RetryArguments,
    Twin,
)


class VolumeArguments(TypedDict, total=False):
    """Keyword arguments of cinderclient's `volumes.create`, but for `size` and `name`."""

    consistencygroup_id: Reference | None
    group_id: Reference | None
    snapshot_id: Reference | None
    source_volid: Reference | None
    description: str | None
    volume_type: Reference | None
    user_id: str | None
    project_id: str | None
    availability_zone: str | None
    metadata: Mapping[str, str] | None
    imageRef: Reference | None
    scheduler_hints: Mapping[str, Any] | None
    backup_id: Reference | None


class SnapshotArguments(TypedDict, total=False):
    """Keyword arguments of cinderclient's `volume_snapshots.create`, but for volume and `name`."""

    force: bool | None
    description: str | None
    metadata: Mapping[str, str] | None


class BackupArguments(TypedDict, total=False):
    """Keyword arguments of cinderclient's `backups.create`, but for volume and `name`."""

    container: str | None
    description: str | None
    incremental: bool
    force: bool
    snapshot_id: Reference | None
    metadata: Mapping[str, str] | None
    availability_zone: str | None


class Named(TypedDict, total=False):
    """The name of a new resource, which cinderclient takes as a keyword."""

    name: str | None


class CreateVolumeCall(VolumeArguments, Named, CallArguments, total=False):
    """Keyword arguments of `volumes.create_async`."""


class RetriedCreateVolumeCall(VolumeArguments, Named, RetryArguments, total=False):
    """Keyword arguments of `volumes.create_async_r`."""


class CreateSnapshotCall(SnapshotArguments, Named, CallArguments, total=False):
    """Keyword arguments of `volume_snapshots.create_async`."""


class RetriedCreateSnapshotCall(SnapshotArguments, Named, RetryArguments, total=False):
    """Keyword arguments of `volume_snapshots.create_async_r`."""


class CreateBackupCall(BackupArguments, Named, CallArguments, total=False):
    """Keyword arguments of `backups.create_async`."""


class RetriedCreateBackupCall(BackupArguments, Named, RetryArguments, total=False):
    """Keyword arguments of `backups.create_async_r`."""


class VolumeAttributes(Protocol):
    """Attributes of a volume. Others: `getattr(volume, "os-vol-host-attr:host")`."""

    id: str
    name: str | None
    description: str | None
    status: str
    #: Size in GiB.
    size: int
    #: "true" or "false".
    bootable: str
    encrypted: bool
    multiattach: bool
    volume_type: str | None
    volume_type_id: str
    availability_zone: str
    attachments: list[dict[str, Any]]
    metadata: dict[str, str]
    volume_image_metadata: dict[str, str]
    snapshot_id: str | None
    source_volid: str | None
    group_id: str | None
    consistencygroup_id: str | None
    replication_status: str | None
    migration_status: str | None
    user_id: str
    cluster_name: str | None
    service_uuid: str | None
    shared_targets: bool | None
    consumes_quota: bool
    created_at: str
    updated_at: str | None
    links: list[dict[str, str]]


class Volume(VolumeAttributes, Protocol):
    """A volume. `x_async` starts `x` and returns its future; `x_async_r` retries as well."""

    force_delete_async: Twin[None]
    force_delete_async_r: RetriedTwin[None]

    def get(self) -> None: ...
    def to_dict(self) -> dict[str, Any]: ...
    def update(self, **attributes: Any) -> object: ...
    def set_metadata(self, volume: Reference, metadata: Mapping[str, str]) -> object: ...
    def update_all_metadata(self, metadata: Mapping[str, str]) -> object: ...
    def set_image_metadata(self, volume: Reference, metadata: Mapping[str, str]) -> object: ...
    def delete_image_metadata(self, volume: Reference, keys: list[str]) -> object: ...
    def show_image_metadata(self, volume: Reference) -> object: ...
    def update_readonly_flag(self, volume: Reference, read_only: bool) -> object: ...
    def reset_state(
        self, state: str, attach_status: str | None = None, migration_status: str | None = None
    ) -> object: ...
    def reserve(self, volume: Reference) -> object: ...
    def unreserve(self, volume: Reference) -> object: ...
    def begin_detaching(self, volume: Reference) -> object: ...
    def roll_detaching(self, volume: Reference) -> object: ...
    def initialize_connection(self, volume: Reference, connector: Mapping[str, Any]) -> Any: ...
    def terminate_connection(self, volume: Reference, connector: Mapping[str, Any]) -> object: ...
    def attach(
        self,
        instance_uuid: str | None,
        mountpoint: str,
        mode: str = "rw",
        host_name: str | None = None,
    ) -> object: ...
    def detach(self) -> object: ...
    def unmanage(self, volume: Reference) -> object: ...
    def delete(self, cascade: bool = False) -> object: ...
    def force_delete(self) -> object: ...
    def extend(self, volume: Reference, new_size: int) -> object: ...
    def retype(self, volume_type: str, policy: str) -> object: ...
    def revert_to_snapshot(self, snapshot: Reference) -> object: ...
    def reimage(self, image_id: str, reimage_reserved: bool = False) -> object: ...
    def migrate_volume(
        self, host: str, force_host_copy: bool, lock_volume: bool, cluster: str | None = None
    ) -> object: ...
    def upload_to_image(
        self,
        force: bool,
        image_name: str,
        container_format: str,
        disk_format: str,
        **more: Unpack[ImageVisibility],
    ) -> Any: ...
    def delete_async(
        self, cascade: bool = False, **call: Unpack[CallArguments]
    ) -> OperationFuture[None]: ...
    def delete_async_r(
        self, cascade: bool = False, **call: Unpack[RetryArguments]
    ) -> OperationFuture[None]: ...
    def extend_async(
        self, volume: Reference, new_size: int, **call: Unpack[CallArguments]
    ) -> OperationFuture[Volume]:
        """Extend to `new_size` GiB: `volume.extend_async(volume, 2)`."""

    def extend_async_r(
        self, volume: Reference, new_size: int, **call: Unpack[RetryArguments]
    ) -> OperationFuture[Volume]:
        """Extend to `new_size` GiB, with retries: `volume.extend_async_r(volume, 2)`."""

    def retype_async(
        self, volume_type: str, policy: str, **call: Unpack[CallArguments]
    ) -> OperationFuture[Volume]: ...
    def retype_async_r(
        self, volume_type: str, policy: str, **call: Unpack[RetryArguments]
    ) -> OperationFuture[Volume]: ...
    def revert_to_snapshot_async(
        self, snapshot: Reference, **call: Unpack[CallArguments]
    ) -> OperationFuture[Volume]: ...
    def revert_to_snapshot_async_r(
        self, snapshot: Reference, **call: Unpack[RetryArguments]
    ) -> OperationFuture[Volume]: ...
    def reimage_async(
        self, image_id: str, reimage_reserved: bool = False, **call: Unpack[CallArguments]
    ) -> OperationFuture[Volume]: ...
    def reimage_async_r(
        self, image_id: str, reimage_reserved: bool = False, **call: Unpack[RetryArguments]
    ) -> OperationFuture[Volume]: ...
    def migrate_volume_async(
        self, host: str, force_host_copy: bool, lock_volume: bool, **call: Unpack[MigrateCall]
    ) -> OperationFuture[Volume]: ...
    def migrate_volume_async_r(
        self,
        host: str,
        force_host_copy: bool,
        lock_volume: bool,
        **call: Unpack[RetriedMigrateCall],
    ) -> OperationFuture[Volume]: ...
    def upload_to_image_async(
        self,
        force: bool,
        image_name: str,
        container_format: str,
        disk_format: str,
        **call: Unpack[UploadCall],
    ) -> OperationFuture[Any]: ...
    def upload_to_image_async_r(
        self,
        force: bool,
        image_name: str,
        container_format: str,
        disk_format: str,
        **call: Unpack[RetriedUploadCall],
    ) -> OperationFuture[Any]: ...


class ImageVisibility(TypedDict, total=False):
    """Keyword arguments of `upload_to_image`."""

    visibility: str | None
    protected: bool | None


class UploadCall(ImageVisibility, CallArguments, total=False):
    """Keyword arguments of `upload_to_image_async`."""


class RetriedUploadCall(ImageVisibility, RetryArguments, total=False):
    """Keyword arguments of `upload_to_image_async_r`."""


class Cluster(TypedDict, total=False):
    """Keyword arguments of `migrate_volume`."""

    cluster: str | None


class MigrateCall(Cluster, CallArguments, total=False):
    """Keyword arguments of `migrate_volume_async`."""


class RetriedMigrateCall(Cluster, RetryArguments, total=False):
    """Keyword arguments of `migrate_volume_async_r`."""


class Deletable(Protocol):
    """Methods that snapshots and backups have in common."""

    def get(self) -> None: ...
    def to_dict(self) -> dict[str, Any]: ...
    def update(self, **attributes: Any) -> object: ...
    def reset_state(self, state: str) -> object: ...
    def delete(self, force: bool = False) -> object: ...
    def delete_async(
        self, force: bool = False, **call: Unpack[CallArguments]
    ) -> OperationFuture[None]: ...
    def delete_async_r(
        self, force: bool = False, **call: Unpack[RetryArguments]
    ) -> OperationFuture[None]: ...


class Snapshot(Deletable, Protocol):
    """A snapshot of a volume."""

    id: str
    name: str | None
    description: str | None
    status: str
    #: Size in GiB.
    size: int
    volume_id: str
    group_snapshot_id: str | None
    metadata: dict[str, str]
    user_id: str
    project_id: str
    progress: str
    consumes_quota: bool
    created_at: str
    updated_at: str | None

    def set_metadata(self, metadata: Mapping[str, str]) -> object: ...
    def delete_metadata(self, keys: list[str]) -> object: ...
    def update_all_metadata(self, metadata: Mapping[str, str]) -> object: ...
    def unmanage(self, snapshot: Reference) -> object: ...


class Backup(Deletable, Protocol):
    """A backup of a volume."""

    id: str
    name: str | None
    description: str | None
    status: str
    #: Size in GiB.
    size: int
    volume_id: str
    snapshot_id: str | None
    availability_zone: str | None
    container: str | None
    object_count: int
    is_incremental: bool
    has_dependent_backups: bool
    fail_reason: str | None
    metadata: dict[str, str] | None
    created_at: str
    updated_at: str | None
    data_timestamp: str
    links: list[dict[str, str]]
