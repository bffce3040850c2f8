"""The fake cloud itself: services, clock, seed and faults behind one method, `handle`."""

from __future__ import annotations

import math
import threading
import uuid
from collections import Counter
from random import Random
from typing import Any

from pytest_osfutures.clock import Clock, SystemClock
from pytest_osfutures.fakecloud import dispatch
from pytest_osfutures.fakecloud.kernel.call import Call, Caller
from pytest_osfutures.fakecloud.kernel.faults import Fault, Faults
from pytest_osfutures.fakecloud.kernel.latency import Latency
from pytest_osfutures.fakecloud.kernel.resource import Table
from pytest_osfutures.fakecloud.kernel.schedule import Schedule
from pytest_osfutures.fakecloud.kernel.settings import UNLISTED_SECONDS, Settings
from pytest_osfutures.fakecloud.kernel.wire import Request, Response
from pytest_osfutures.fakecloud.services.block_storage.models import BlockStorageModel
from pytest_osfutures.fakecloud.services.block_storage.urls import SERVICE as BLOCK_STORAGE
from pytest_osfutures.fakecloud.services.compute.models import ComputeModel
from pytest_osfutures.fakecloud.services.compute.urls import SERVICE as COMPUTE
from pytest_osfutures.fakecloud.services.identity.models import IdentityModel
from pytest_osfutures.fakecloud.services.identity.urls import SERVICE as IDENTITY
from pytest_osfutures.fakecloud.services.image.models import ImageModel
from pytest_osfutures.fakecloud.services.image.urls import SERVICE as IMAGE
from pytest_osfutures.fakecloud.services.network.models import NetworkModel
from pytest_osfutures.fakecloud.services.network.urls import SERVICE as NETWORK
from pytest_osfutures.fakecloud.shells import control

__all__ = ["Call", "Caller", "FakeCloud", "Fault", "Settings"]

SERVICES = (IDENTITY, COMPUTE, BLOCK_STORAGE, IMAGE, NETWORK, control.SERVICE)


class FakeCloud:
    """An OpenStack in memory: `handle(request) -> response`, and time passes on `clock`.

    `seed` makes ids, hosts, durations and random faults repeatable.
    """

    def __init__(
        self, clock: Clock | None = None, seed: int = 0, settings: Settings | None = None
    ) -> None:
        self.clock = clock or SystemClock()
        self.seed = seed
        self.random = Random(seed)
        self.settings = settings or Settings()
        self.latency = Latency(self.settings)
        self.schedule = Schedule(self.clock)
        self.faults = Faults(self.schedule, seed)
        self.counters: Counter[str] = Counter()
        self.tables: list[Table[Any]] = []
        self._operations: Counter[str] = Counter()
        self._lock = threading.RLock()
        self.identity = IdentityModel(self)
        self.network = NetworkModel(self)
        self.image = ImageModel(self)
        self.block_storage = BlockStorageModel(self)
        self.compute = ComputeModel(self)

    def handle(self, request: Request) -> Response:
        """Answer one request at the clock's present moment."""
        service = dispatch.service_of(SERVICES, request.path)
        with self._lock:
            self.schedule.catch_up()
            if service is None:
                return Response(404, {"error": f"no service answers at {request.path}"})
            response = dispatch.answer(self, service, request)
            if service.can_fail:
                response.delay += self.latency.of(request, response, self.schedule.now())
            return response

    def new_id(self) -> str:
        """A random UUID, the same one for the same seed and history."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def new_request_id(self) -> str:
        """The id of one request, as in x-openstack-request-id."""
        return f"req-{self.new_id()}"

    def seconds(self, operation: str) -> float:
        """How long the next `operation` takes: drawn by how many of its kind have begun."""
        median = self.settings.seconds.get(operation, UNLISTED_SECONDS)
        index = self._operations[operation]
        self._operations[operation] += 1
        if not self.settings.sigma:
            return median
        drawn = Random(f"{self.seed}:{operation}:{index}").gauss(0.0, self.settings.sigma)
        return median * math.exp(drawn)

    def alive(self) -> list[dict[str, Any]]:
        """Everything that exists now: kind, id, name, project_id, status, metadata, times."""
        with self._lock:
            self.schedule.catch_up()
            return [row for table in self.tables for row in table.rows()]

    def ever(self) -> list[dict[str, Any]]:
        """Everything that ever existed, with `created_at` and `deleted_at`."""
        with self._lock:
            self.schedule.catch_up()
            return [row for table in self.tables for row in table.rows(gone=True)]
