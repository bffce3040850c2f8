"""The latency of responses: by method, by length of a list, and by the number of API workers."""

from __future__ import annotations

import heapq

from pytest_osfutures.fakecloud.kernel.settings import CloudSettings
from pytest_osfutures.fakecloud.kernel.wire import Request, Response


class Latency:
    """A queue in front of `api_workers` workers. Only delays are computed; nothing waits here."""

    def __init__(self, settings: CloudSettings) -> None:
        self.settings = settings
        self._busy_until: list[float] = []

    def of(self, request: Request, response: Response, now: float) -> float:
        """Return the seconds until `response` leaves, after all requests queued before it."""
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
    """Return the number of items in the response to a list request."""
    if not isinstance(response.body, dict):
        return 0
    return max((len(part) for part in response.body.values() if isinstance(part, list)), default=0)
