"""The fake cloud itself: services, clock, seed and faults behind one method, `handle`."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from random import Random

from pytest_osfutures.clock import Clock, SystemClock
from pytest_osfutures.fakecloud.schedule import Schedule
from pytest_osfutures.fakecloud.wire import Request, Response


@dataclass(frozen=True)
class Call:
    """One request on its way through a service: the cloud, the request, and who asks."""

    cloud: FakeCloud
    request: Request


class FakeCloud:
    """An OpenStack in memory: `handle(request) -> response`, and time passes on `clock`.

    `seed` makes ids, hosts, durations and random faults repeatable.
    """

    def __init__(self, clock: Clock | None = None, seed: int = 0) -> None:
        self.clock = clock or SystemClock()
        self.random = Random(seed)
        self.schedule = Schedule(self.clock)
        self._lock = threading.RLock()

    def handle(self, request: Request) -> Response:
        """Answer one request at the clock's present moment."""
        with self._lock:
            self.schedule.catch_up()
            return Response(404)
