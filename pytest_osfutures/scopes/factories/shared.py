"""Factories of resources that all workers of pytest-xdist share."""

from __future__ import annotations

import builtins
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, TypeVar, Unpack

from pytest_osfutures.calls import ANSWER_TIMEOUT
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.futures import OperationFuture, finished
from pytest_osfutures.operations import IMAGE, SERVER, SNAPSHOT, VOLUME, ResourceType
from pytest_osfutures.policy import Retry
from pytest_osfutures.protocols import (
    Reference,
    Server,
    Snapshot,
    Volume,
)
from pytest_osfutures.ready import condition_of
from pytest_osfutures.scopes.factories.base import Factory
from pytest_osfutures.scopes.factories.block_storage import (
    SnapshotCall,
    Snapshots,
    VolumeCall,
    Volumes,
)
from pytest_osfutures.scopes.factories.compute import ServerCall, Servers
from pytest_osfutures.scopes.factories.image import Images, ServerImageCall
from pytest_osfutures.scopes.shared import SharedRequest, SharedScope

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

__all__ = ["SharedImages", "SharedServers", "SharedSnapshots", "SharedVolumes"]

T = TypeVar("T")


class SharedFactory(ABC):
    """A factory whose resources are found by their name in all workers.

    The first worker that asks for a name creates the resource; all others get a future of the same
    resource. The last worker whose session ends deletes it.
    """

    #: Type of the resource.
    type: ResourceType
    #: The factory by which the first worker creates the resource.
    factory: builtins.type[Factory]

    def __init__(self, scope: SharedScope) -> None:
        self._scope = scope
        self._factory: Any = self.factory(scope)

    @abstractmethod
    def read(self, cloud: Cloud, resource_id: str) -> OperationFuture[Any]:
        """Return a future of the resource that another worker has created."""

    def _share(
        self,
        name: str | None,
        create: Callable[[], OperationFuture[T]],
        described: Mapping[str, object],
        arguments: Mapping[str, Any],
    ) -> OperationFuture[T]:
        if not name:
            raise InvalidArgument(
                f"a shared {self.type.name} has no name; give it one (name=...), "
                "by which all workers know it"
            )
        settings = self._factory.settings
        try_count, tout = arguments.get("try_count"), arguments.get("tout")
        tries = Retry.of(settings.try_count if try_count is None else try_count).tries
        further = {**described, **arguments}
        request = SharedRequest(
            self.type,
            name,
            {
                each: _digest(value)
                for each, value in further.items()
                if value is not None and each not in ("try_count", "tout")
            },
            create,
            partial(self.read, self._factory.cloud),
            # Twice: each try may have to be undone.
            2 * tries * (tout or settings.tout or ANSWER_TIMEOUT),
        )
        return self._scope.in_this_process().share(request)


class SharedServers(SharedFactory):
    """The factory of servers that all workers share: the fixture `os_servers_shared`."""

    type, factory = SERVER, Servers

    def create_async(
        self,
        name: str | None = None,
        image: Reference | None = None,
        flavor: Reference | int | None = None,
        **arguments: Unpack[ServerCall],
    ) -> OperationFuture[Server]:
        """Return the future of the shared server `name`; create it if no worker has yet.

        Args:
            name: name by which all workers know the server.
            image: as of `os_servers.create_async`.
            flavor: as of `os_servers.create_async`.
            arguments: as of `os_servers.create_async`.

        Raises:
            InvalidArgument: `name` is missing, or was asked for with other arguments.

        Example:
            >>> vm = os_servers_shared.create_async("web", flavor="m1.small").result()
            >>> vm.status
            'ACTIVE'
        """
        if arguments.get("ready") is not None:  # workers compare conditions by their texts
            arguments["ready"] = condition_of(arguments["ready"])
        create = partial(self._factory.create_async, name, image, flavor, **arguments)
        return self._share(name, create, {"image": image, "flavor": flavor}, arguments)

    def read(self, cloud: Cloud, resource_id: str) -> OperationFuture[Server]:
        return cloud.nova.servers.get_async_r(resource_id)


class SharedVolumes(SharedFactory):
    """The factory of volumes that all workers share: the fixture `os_volumes_shared`."""

    type, factory = VOLUME, Volumes

    def create_async(
        self, size: int = 1, name: str | None = None, **arguments: Unpack[VolumeCall]
    ) -> OperationFuture[Volume]:
        """Return the future of the shared volume `name`; create it if no worker has yet.

        Args:
            size: size in GiB.
            name: name by which all workers know the volume.
            arguments: as of `os_volumes.create_async`.

        Raises:
            InvalidArgument: `name` is missing, or was asked for with other arguments.

        Example:
            >>> os_volumes_shared.create_async(size=2, name="data").result().size
            2
        """
        create = partial(self._factory.create_async, size, name, **arguments)
        return self._share(name, create, {"size": size}, arguments)

    def read(self, cloud: Cloud, resource_id: str) -> OperationFuture[Volume]:
        return cloud.cinder.volumes.get_async_r(resource_id)


class SharedSnapshots(SharedFactory):
    """The factory of snapshots that all workers share: the fixture `os_snapshots_shared`."""

    type, factory = SNAPSHOT, Snapshots

    def create_async(
        self, volume: Reference, name: str | None = None, **arguments: Unpack[SnapshotCall]
    ) -> OperationFuture[Snapshot]:
        """Return the future of the shared snapshot `name`; create it if no worker has yet.

        Args:
            volume: id or object of the volume.
            name: name by which all workers know the snapshot.
            arguments: as of `os_snapshots.create_async`.

        Raises:
            InvalidArgument: `name` is missing, or was asked for with other arguments.

        Example:
            >>> volume = os_volumes_shared.create_async(name="base").result()
            >>> os_snapshots_shared.create_async(volume, "before").result().status
            'available'
        """
        create = partial(self._factory.create_async, volume, name, **arguments)
        return self._share(name, create, {"volume": volume}, arguments)

    def read(self, cloud: Cloud, resource_id: str) -> OperationFuture[Snapshot]:
        return cloud.cinder.volume_snapshots.get_async_r(resource_id)


class SharedImages(SharedFactory):
    """The factory of images that all workers share: the fixture `os_images_shared`."""

    type, factory = IMAGE, Images

    def create_async(
        self, server: Reference, name: str | None = None, **arguments: Unpack[ServerImageCall]
    ) -> OperationFuture[str]:
        """Return the future of the id of the shared image `name`; create it if no worker has yet.

        Args:
            server: id or object of the server.
            name: name by which all workers know the image.
            arguments: as of `os_images.create_async`.

        Raises:
            InvalidArgument: `name` is missing, or was asked for with other arguments.

        Example:
            >>> vm = os_servers_shared.create_async("template").result()
            >>> image_id = os_images_shared.create_async(vm, "golden").result()
        """
        create = partial(self._factory.create_async, server, name, **arguments)
        return self._share(name, create, {"server": server}, arguments)

    def read(self, cloud: Cloud, resource_id: str) -> OperationFuture[str]:
        return finished(cloud.engine, resource_id)


def _digest(value: object) -> str:
    """Return a short hash by which workers compare an argument, which may be a secret."""
    return hashlib.sha256(repr(_plain(value)).encode()).hexdigest()[:8]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return sorted((str(key), _plain(each)) for key, each in value.items())
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return getattr(value, "id", value)
