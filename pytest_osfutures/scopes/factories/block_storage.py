"""Factories of Cinder's resources: volumes, snapshots and backups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, Unpack

from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.operations import BACKUP, SNAPSHOT, VOLUME, ResourceType
from pytest_osfutures.protocols import (
    Backup,
    BackupArguments,
    FactoryArguments,
    Reference,
    Snapshot,
    SnapshotArguments,
    Volume,
    VolumeArguments,
)
from pytest_osfutures.scopes.factories.base import Factory, client_arguments
from pytest_osfutures.scopes.identifiers import to_id

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

__all__ = ["Backups", "Snapshots", "Volumes"]

F = TypeVar("F", bound=OperationFuture[Any])


class VolumeCall(VolumeArguments, FactoryArguments, total=False):
    """Keyword arguments of `os_volumes.create_async`."""


class SnapshotCall(SnapshotArguments, FactoryArguments, total=False):
    """Keyword arguments of `os_snapshots.create_async`."""


class BackupCall(BackupArguments, FactoryArguments, total=False):
    """Keyword arguments of `os_backups.create_async`."""


class _CinderFactory(Factory):
    """A factory of a resource that cinderclient creates by a positional argument and a name."""

    def _create(
        self,
        resource_type: ResourceType,
        create: Callable[..., F],
        first: object,
        name: str | None,
        arguments: Mapping[str, Any],
    ) -> F:
        further, limits = client_arguments(arguments), self._limits(arguments)
        return self._own(resource_type, create(first, name=self._name(name), **limits, **further))


class Volumes(_CinderFactory):
    """The factory of volumes: the fixtures `os_volumes`, `os_volumes_class`, ..."""

    def create_async(
        self, size: int = 1, name: str | None = None, **arguments: Unpack[VolumeCall]
    ) -> OperationFuture[Volume, Volume]:
        """Create a volume in the background, with retries, and return its future.

        Args:
            size: size in GiB.
            name: name of the volume (default: a new name that begins with `osf-`).
            arguments: `try_count`, `tout` and `extra` as of `os_servers.create_async`, and
                arguments of cinderclient's `volumes.create`.

        Returns:
            The future of the volume.

        Example:
            >>> volume = os_volumes.create_async(size=2).result()
            >>> volume.status
            'available'
        """
        create = self.cloud.cinder.volumes.create_async_r
        return self._create(VOLUME, create, size, name, arguments)


class Snapshots(_CinderFactory):
    """The factory of snapshots: the fixtures `os_snapshots`, `os_snapshots_class`, ..."""

    def create_async(
        self, volume: Reference, name: str | None = None, **arguments: Unpack[SnapshotCall]
    ) -> OperationFuture[Snapshot, Snapshot]:
        """Create a snapshot of a volume in the background, with retries, and return its future.

        Args:
            volume: id or object of the volume.
            name: name of the snapshot (default: a new name that begins with `osf-`).
            arguments: `try_count`, `tout` and `extra` as of `os_servers.create_async`, and
                arguments of cinderclient's `volume_snapshots.create`.

        Returns:
            The future of the snapshot.

        Example:
            >>> volume = os_volumes.create_async().result()
            >>> os_snapshots.create_async(volume, "before").result().size
            1
        """
        create = self.cloud.cinder.volume_snapshots.create_async_r
        return self._create(SNAPSHOT, create, to_id(volume, "volume"), name, arguments)


class Backups(_CinderFactory):
    """The factory of backups: the fixtures `os_backups`, `os_backups_class`, ..."""

    def create_async(
        self, volume: Reference, name: str | None = None, **arguments: Unpack[BackupCall]
    ) -> OperationFuture[Backup, Backup]:
        """Create a backup of a volume in the background, with retries, and return its future.

        Args:
            volume: id or object of the volume.
            name: name of the backup (default: a new name that begins with `osf-`).
            arguments: `try_count`, `tout` and `extra` as of `os_servers.create_async`, and
                arguments of cinderclient's `backups.create`.

        Returns:
            The future of the backup.

        Example:
            >>> volume = os_volumes.create_async().result()
            >>> os_backups.create_async(volume, "nightly").result().status
            'available'
        """
        create = self.cloud.cinder.backups.create_async_r
        return self._create(BACKUP, create, to_id(volume, "volume"), name, arguments)
