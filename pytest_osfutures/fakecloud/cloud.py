"""The fake cloud: six services and a control API on one clock, behind the method `handle`."""

from __future__ import annotations

import threading
from typing import Any

from pytest_osfutures.clock import Clock
from pytest_osfutures.fakecloud import control
from pytest_osfutures.fakecloud.dispatch import Dispatcher
from pytest_osfutures.fakecloud.kernel import (
    CloudSettings,
    Request,
    Response,
    Runtime,
)
from pytest_osfutures.fakecloud.services import (
    block_storage,
    compute,
    identity,
    image,
    network,
    placement,
)

SERVICES = (
    identity.SERVICE,
    compute.SERVICE,
    block_storage.SERVICE,
    image.SERVICE,
    network.SERVICE,
    placement.SERVICE,
    control.SERVICE,
)


class FakeCloud:
    """An OpenStack in memory: `handle(request)` returns a response; `clock` is its only time.

    Args:
        clock: the cloud's time; the system's clock by default. With a `ManualClock` nothing
            happens until the test advances it.
        seed: equal seeds give equal ids, hosts, durations and random faults.
        settings: durations, quotas, page sizes and the like.
        cidrs: the address ranges of the networks `private` and `public`.

    Example:
        >>> from pytest_osfutures.fakecloud.kernel import Request
        >>> cloud = FakeCloud(seed=1)
        >>> cloud.handle(Request("GET", "/compute")).status
        200
        >>> sorted({row["kind"] for row in cloud.alive()})
        ['image', 'network', 'port', 'router', 'security_group', 'security_group_rule', 'subnet']
    """

    def __init__(
        self,
        clock: Clock | None = None,
        seed: int = 0,
        settings: CloudSettings | None = None,
        cidrs: tuple[str, str] = network.CIDRS,
    ) -> None:
        runtime = self.runtime = Runtime(clock, seed, settings)
        self.clock = runtime.clock
        self.settings = runtime.settings
        self.faults = runtime.faults
        self.counters = runtime.counters
        self._lock = threading.RLock()
        # The order decides which ids a seed gives.
        self.identity = identity.IdentityModel(runtime)
        self.network = network.NetworkModel(runtime)
        network.create_initial_resources(self.network, self.identity, cidrs)
        self.image = image.ImageModel(runtime, owner=self.identity.project_id("admin"))
        images = image.ImagesAdapter(self.image)
        self.block_storage = block_storage.BlockStorageModel(runtime, images, self.identity)
        self.compute = compute.ComputeModel(
            runtime,
            self.identity,
            block_storage.VolumesAdapter(self.block_storage),
            images,
            network.NetworksAdapter(self.network),
        )
        servers = compute.ServersAdapter(self.compute)
        self.block_storage.servers = self.network.servers = servers
        models: tuple[Any, ...] = (
            *(self.identity, self.compute, self.block_storage, self.image, self.network),
            placement.PlacementModel(servers),
            runtime,
        )
        self._dispatcher = Dispatcher(
            runtime,
            tokens=self.identity,
            services=tuple(zip(SERVICES, models, strict=True)),
        )

    def handle(self, request: Request) -> Response:
        """Answer one request at the present time of the cloud's clock.

        The shell that calls this method carries out the response's `delay` and `cut`.
        """
        with self._lock:
            self.runtime.schedule.catch_up()
            return self._dispatcher.answer(request)

    def guests(self) -> list[compute.Guest]:
        """Return the guests that have open ports now, with their addresses."""
        with self._lock:
            self.runtime.schedule.catch_up()
            return compute.reachable_guests(self.compute)

    def accepted_keys(self, server_id: str) -> list[str]:
        """Return the public keys that the guest of a server accepts for logins now."""
        with self._lock:
            self.runtime.schedule.catch_up()
            return compute.accepted_keys(self.compute, server_id)

    def cloud_init_status(self, server_id: str) -> str:
        """Return the status of cloud-init in the guest of a server: running, done or error."""
        with self._lock:
            self.runtime.schedule.catch_up()
            return compute.cloud_init_status(self.compute, server_id)

    def alive(self) -> list[dict[str, Any]]:
        """Return a row for each resource that exists now.

        Each row has kind, id, name, project_id, status, metadata, created_at, updated_at and
        deleted_at; times are in seconds since 1970.
        """
        return self._rows(deleted=False)

    def ever(self) -> list[dict[str, Any]]:
        """Return a row for each resource that exists or has existed; see `alive` for its keys."""
        return self._rows(deleted=True)

    def _rows(self, deleted: bool) -> list[dict[str, Any]]:
        with self._lock:
            self.runtime.schedule.catch_up()
            return self.runtime.database.rows(deleted)
