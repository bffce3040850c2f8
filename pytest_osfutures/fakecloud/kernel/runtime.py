"""The shared state of a cloud: time, randomness, settings, fault rules and tables."""

from __future__ import annotations

import math
import uuid
from collections import Counter
from random import Random

from pytest_osfutures.clock import Clock, SystemClock
from pytest_osfutures.fakecloud.kernel.database import RecordDatabase
from pytest_osfutures.fakecloud.kernel.faults import Faults
from pytest_osfutures.fakecloud.kernel.schedule import Schedule
from pytest_osfutures.fakecloud.kernel.settings import UNLISTED_SECONDS, CloudSettings


class Runtime:
    """The shared state of one cloud, on which each service's model is built.

    Args:
        clock: the time of the cloud; the system's clock by default.
        seed: equal seeds give equal ids, hosts, durations and random faults.
        settings: durations, quotas and the like; the defaults of `CloudSettings` if absent.
    """

    def __init__(
        self, clock: Clock | None = None, seed: int = 0, settings: CloudSettings | None = None
    ) -> None:
        self.clock = clock or SystemClock()
        self.seed = seed
        self.random = Random(seed)
        self.settings = settings or CloudSettings()
        self.schedule = Schedule(self.clock)
        self.database = RecordDatabase(self.schedule)
        self.faults = Faults(self.schedule, seed)
        self.counters: Counter[str] = Counter()  #: requests by method and route
        self._operations: Counter[str] = Counter()

    def new_id(self) -> str:
        """Return a random UUID; the same seed and history give the same UUID."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def new_request_id(self) -> str:
        """Return a request id in the format of the header `x-openstack-request-id`."""
        return f"req-{self.new_id()}"

    def seconds(self, operation: str) -> float:
        """Draw the duration of the next `operation`, in seconds.

        The draw depends on the seed, the operation and its number alone, so that the operations of
        one type do not change the durations of another.
        """
        median = self.settings.seconds.get(operation, UNLISTED_SECONDS)
        index = self._operations[operation]
        self._operations[operation] += 1
        if not self.settings.sigma:
            return median
        drawn = Random(f"{self.seed}:{operation}:{index}").gauss(0.0, self.settings.sigma)
        return median * math.exp(drawn)
