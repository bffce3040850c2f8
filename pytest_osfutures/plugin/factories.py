"""Factories of servers and volumes that own what they make: at the end, all of it is gone."""

from __future__ import annotations

import itertools
from typing import Any

from pytest_osfutures.cloud import Cloud
from pytest_osfutures.errors import CleanupError, OperationError
from pytest_osfutures.future import OperationFuture
from pytest_osfutures.plugin.choice import Choice
from pytest_osfutures.plugin.options import Settings
from pytest_osfutures.policy import Retry

_numbers = itertools.count(1)


class Factory:
    """Creates in the background, with retries, and deletes at the end what it has created."""

    kind = "resource"

    def __init__(self, cloud: Cloud, settings: Settings) -> None:
        self.cloud = cloud
        self.settings = settings
        self.futures: list[OperationFuture[Any]] = []

    def close(self) -> None:
        """Delete everything and wait until it is gone; CleanupError names what is not."""
        futures, self.futures = self.futures, []
        self.release(futures)
        undone = [(future, future.undo()) for future in futures]
        left = []
        for future, gone in undone:
            error = gone.exception()
            if error is not None:
                why = error.why if isinstance(error, OperationError) else str(error)
                left.append(f"{self.kind} {future.resource_id}: {why}")
        if left:
            text = f"{len(left)} of {len(futures)} {self.kind}s could not be deleted"
            raise CleanupError("\n  ".join([text, *left]), left)

    def release(self, futures: list[OperationFuture[Any]]) -> None:
        """Take what was made out of use, so that it can be deleted."""

    def _name(self, name: str | None) -> str:
        return name or f"osf-{self.cloud.run[:6]}-{next(_numbers)}"

    def _own(self, future: OperationFuture[Any]) -> OperationFuture[Any]:
        self.futures.append(future)
        return future


class Servers(Factory):
    """Creates servers; `os_servers` and its siblings of wider scope."""

    kind = "server"

    def __init__(self, cloud: Cloud, settings: Settings) -> None:
        super().__init__(cloud, settings)
        self.choice = Choice(cloud, settings)

    def create_async(
        self,
        name: str | None = None,
        image: Any = None,
        flavor: Any = None,
        *,
        try_count: int | Retry | None = None,
        tout: float | None = None,
        **more: Any,
    ) -> OperationFuture[Any]:
        """Create a server in the background and return its future.

        `image` and `flavor` are names, ids or objects (default: --os-image and --os-flavor, else
        the smallest there is); `try_count` (default: --os-try-count) and `tout`, the deadline of
        each try in seconds (default: --os-timeout); all else goes to novaclient's
        `servers.create` as it is. Raises BadInput for an unknown image or flavor.
        """
        boots_from_volume = "block_device_mapping_v2" in more or "block_device_mapping" in more
        chosen = image if image is None and boots_from_volume else self.choice.image(image)
        more.setdefault("nics", self.choice.nics())
        future = self.cloud.nova.servers.create_async_r(
            self._name(name),
            chosen,
            self.choice.flavor(flavor, chosen),
            try_count=self.settings.try_count if try_count is None else try_count,
            tout=self.settings.tout if tout is None else tout,
            **more,
        )
        return self._own(future)


class Volumes(Factory):
    """Creates volumes; `os_volumes` and its siblings of wider scope."""

    kind = "volume"

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
            size,
            name=self._name(name),
            try_count=self.settings.try_count if try_count is None else try_count,
            tout=self.settings.tout if tout is None else tout,
            **more,
        )
        return self._own(future)

    def release(self, futures: list[OperationFuture[Any]]) -> None:
        """Detach what is attached; that it cannot be detached will show in its deletion."""
        made = [
            future
            for future in futures
            if future.done() and not future.cancelled() and not future.exception()
        ]
        detached = [
            self.cloud.nova.volumes.delete_server_volume_async_r(
                each["server_id"], future.resource_id
            )
            for future in made
            for each in self._attachments(future.resource_id)
        ]
        for future in detached:
            future.exception()

    def _attachments(self, volume: str | None) -> list[dict[str, Any]]:
        from cinderclient.exceptions import NotFound

        try:
            found: list[dict[str, Any]] = self.cloud.cinder.volumes.get(volume).attachments
        except NotFound:
            return []
        return found
