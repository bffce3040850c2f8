"""Managers and client of cinderclient, with their twins."""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any, Protocol, Unpack

from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.protocols.arguments import CallArguments, Reference, RetryArguments, T
from pytest_osfutures.protocols.block_storage import (
    Backup,
    CreateBackupCall,
    CreateSnapshotCall,
    CreateVolumeCall,
    Named,
    RetriedCreateBackupCall,
    RetriedCreateSnapshotCall,
    RetriedCreateVolumeCall,
    Snapshot,
    Volume,
    VolumeArguments,
)


class Manager(Protocol[T]):
    """Methods that all managers of cinderclient have, and a plain method for every other name."""

    def __getattr__(self, name: str, /) -> Any: ...
    def find(self, **attributes: Any) -> T: ...
    def list(
        self,
        detailed: bool = True,
        search_opts: Mapping[str, Any] | None = None,
        marker: str | None = None,
        limit: int | None = None,
        sort: str | None = None,
    ) -> builtins.list[T]: ...


class CreateVolume(VolumeArguments, Named, total=False):
    """Keyword arguments of `volumes.create`."""


class VolumeManager(Manager[Volume], Protocol):
    """`cinder.volumes`. Methods that are not declared here are there too, without types."""

    def get(self, volume_id: Reference) -> Volume: ...
    def get_async(
        self, volume_id: Reference, **call: Unpack[CallArguments]
    ) -> OperationFuture[Volume, Volume]: ...
    def get_async_r(
        self, volume_id: Reference, **call: Unpack[RetryArguments]
    ) -> OperationFuture[Volume, Volume]: ...
    def create(self, size: int | None, **arguments: Unpack[CreateVolume]) -> Volume: ...
    def create_async(
        self, size: int | None, **arguments: Unpack[CreateVolumeCall]
    ) -> OperationFuture[Volume, Volume]: ...
    def create_async_r(
        self, size: int | None, **arguments: Unpack[RetriedCreateVolumeCall]
    ) -> OperationFuture[Volume, Volume]: ...
    def delete(self, volume: Reference, cascade: bool = False) -> object: ...
    def delete_async(
        self, volume: Reference, cascade: bool = False, **call: Unpack[CallArguments]
    ) -> OperationFuture[None]: ...
    def delete_async_r(
        self, volume: Reference, cascade: bool = False, **call: Unpack[RetryArguments]
    ) -> OperationFuture[None]: ...
    def extend_async(
        self, volume: Reference, new_size: int, **call: Unpack[CallArguments]
    ) -> OperationFuture[Volume]: ...
    def extend_async_r(
        self, volume: Reference, new_size: int, **call: Unpack[RetryArguments]
    ) -> OperationFuture[Volume]: ...
    def retype_async(
        self, volume: Reference, volume_type: str, policy: str, **call: Unpack[CallArguments]
    ) -> OperationFuture[Volume]: ...
    def retype_async_r(
        self, volume: Reference, volume_type: str, policy: str, **call: Unpack[RetryArguments]
    ) -> OperationFuture[Volume]: ...
    def revert_to_snapshot_async(
        self, volume: Reference, snapshot: Reference, **call: Unpack[CallArguments]
    ) -> OperationFuture[Volume]: ...
    def revert_to_snapshot_async_r(
        self, volume: Reference, snapshot: Reference, **call: Unpack[RetryArguments]
    ) -> OperationFuture[Volume]: ...


class SnapshotManager(Manager[Snapshot], Protocol):
    """`cinder.volume_snapshots`."""

    def get(self, snapshot_id: Reference) -> Snapshot: ...
    def get_async(
        self, snapshot_id: Reference, **call: Unpack[CallArguments]
    ) -> OperationFuture[Snapshot, Snapshot]: ...
    def get_async_r(
        self, snapshot_id: Reference, **call: Unpack[RetryArguments]
    ) -> OperationFuture[Snapshot, Snapshot]: ...
    def create_async(
        self, volume_id: Reference, **arguments: Unpack[CreateSnapshotCall]
    ) -> OperationFuture[Snapshot, Snapshot]: ...
    def create_async_r(
        self, volume_id: Reference, **arguments: Unpack[RetriedCreateSnapshotCall]
    ) -> OperationFuture[Snapshot, Snapshot]: ...
    def delete_async(
        self, snapshot: Reference, force: bool = False, **call: Unpack[CallArguments]
    ) -> OperationFuture[None]: ...
    def delete_async_r(
        self, snapshot: Reference, force: bool = False, **call: Unpack[RetryArguments]
    ) -> OperationFuture[None]: ...


class BackupManager(Manager[Backup], Protocol):
    """`cinder.backups`."""

    def get(self, backup_id: Reference) -> Backup: ...
    def create_async(
        self, volume_id: Reference, **arguments: Unpack[CreateBackupCall]
    ) -> OperationFuture[Backup, Backup]: ...
    def create_async_r(
        self, volume_id: Reference, **arguments: Unpack[RetriedCreateBackupCall]
    ) -> OperationFuture[Backup, Backup]: ...
    def delete_async(
        self, backup: Reference, force: bool = False, **call: Unpack[CallArguments]
    ) -> OperationFuture[None]: ...
    def delete_async_r(
        self, backup: Reference, force: bool = False, **call: Unpack[RetryArguments]
    ) -> OperationFuture[None]: ...


class RestoreManager(Protocol):
    """`cinder.restores`."""

    def __getattr__(self, name: str, /) -> Any: ...
    def restore_async(
        self,
        backup_id: Reference,
        volume_id: Reference | None = None,
        name: str | None = None,
        **call: Unpack[CallArguments],
    ) -> OperationFuture[Volume]: ...
    def restore_async_r(
        self,
        backup_id: Reference,
        volume_id: Reference | None = None,
        name: str | None = None,
        **call: Unpack[RetryArguments],
    ) -> OperationFuture[Volume]: ...


class Cinder(Protocol):
    """A cinderclient Client with twins. Other managers are there too, without types."""

    @property
    def volumes(self) -> VolumeManager: ...
    @property
    def volume_snapshots(self) -> SnapshotManager: ...
    @property
    def backups(self) -> BackupManager: ...
    @property
    def restores(self) -> RestoreManager: ...
    def __getattr__(self, name: str, /) -> Any: ...
