"""How long an answer takes: by method, by what it lists, and by how many are answered at a time."""

from __future__ import annotations

import heapq

from pytest_osfutures.fakecloud.kernel.settings import CloudSettings
from pytest_osfutures.fakecloud.kernel.wire import Request, Response


class Latency:
    """The API's processes. Time is the cloud's; nothing waits here, a delay is only worked out."""

    def __init__(self, settings: CloudSettings) -> None:
        self.settings = settings
        self._busy_until: list[float] = []

    def of(self, request: Request, response: Response, now: float) -> float:
        """Seconds until `response` leaves, behind all that came before it."""
        settings = self.settings
        work = settings.latency + settings.method_latency.get(request.method, 0.0)
        if request.method == "GET" and request.path.endswith("/detail"):
            work = settings.latency + settings.list_latency
            work += settings.item_latency * _length(response)
        if not settings.api_workers:
            return work
        busy = self._busy_until
        while len(busy) > settings.api_workers or (busy and busy[0] <= now):
            heapq.heappop(busy)
        begins = now
        if len(busy) == settings.api_workers:
            begins = heapq.heappop(busy)
        heapq.heappush(busy, begins + work)
        return begins + work - now


def _length(response: Response) -> int:
    """How many things a list's answer has."""
    if not isinstance(response.body, dict):
        return 0
    return max((len(part) for part in response.body.values() if isinstance(part, list)), default=0)
