"""The room for more servers and volumes under the project's quota."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.parsing import whole_number
from pytest_osfutures.plugin.need import FixtureName, Need
from pytest_osfutures.scopes import FLAVOR
from pytest_osfutures.transport import is_success

if TYPE_CHECKING:
    from pytest_osfutures.plugin.run import RunSession
    from pytest_osfutures.scopes import Scope

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: The quota that a resource takes, by the names of `LIMITS`.
Cost = Counter[str]


@dataclass(frozen=True)
class Limit:
    """One quota in the limits API of its service."""

    service: str
    #: Field of the greatest value; -1 is no limit.
    most: str
    #: Field of the usage.
    used: str

    def of(self, answer: object) -> tuple[float, int]:
        """Return the limit and the usage in an answer; no limit where the answer has none."""
        limits = answer.get("limits") if isinstance(answer, dict) else None
        found = limits.get("absolute") if isinstance(limits, dict) else None
        found = found if isinstance(found, dict) else {}
        most, used = whole_number(found.get(self.most)), whole_number(found.get(self.used))
        return math.inf if most is None else most, used or 0


LIMITS = {
    "servers": Limit("compute", "maxTotalInstances", "totalInstancesUsed"),
    "cores": Limit("compute", "maxTotalCores", "totalCoresUsed"),
    "ram": Limit("compute", "maxTotalRAMSize", "totalRAMUsed"),
    "volumes": Limit("block-storage", "maxTotalVolumes", "totalVolumesUsed"),
    "gigabytes": Limit("block-storage", "maxTotalVolumeGigabytes", "totalGigabytesUsed"),
}
#: Seconds after which usage is read again before a resource waits for room.
REFRESH = 15.0


class Capacity:
    """The quota of the project, the part that others use, and the part that this process holds.

    Safe to use from any thread; no thread waits for the answer that another one reads.

    The usage that the cloud tells includes resources of this process. A resource whose request or
    deletion is under way may or may not be included, so the part of others is known up to these.

    Args:
        read: returns the answer of a service's limits API; None if there is none.
        clock: returns the time in seconds.
        workers: number of processes that share the quota.
        has_room_in_run: returns True if --os-max-servers allows so many more servers.
    """

    def __init__(
        self,
        read: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
        workers: int = 1,
        has_room_in_run: Callable[[int], bool] = lambda _: True,
    ) -> None:
        self._read = read
        self._clock = clock
        self._workers = workers
        self._has_room_in_run = has_room_in_run
        self._most: dict[str, float] = {}
        self._others: Cost = Counter()
        #: Quota of all resources of this process, from their requests to their confirmed end.
        self._held: Cost = Counter()
        #: Quota of those resources that exist for certain.
        self._certain: Cost = Counter()
        self._read_at: dict[str, float] = {}
        self._lock = threading.Lock()

    def take(self, cost: Mapping[str, int], must: bool = False) -> bool:
        """Take room for a resource; return False without room.

        Args:
            cost: the quota that the resource takes.
            must: True for a resource that is needed now, which may wait for room in the cloud.
        """
        if not must:
            for service in {LIMITS[name].service for name in cost}:
                self._refresh(service, cost)
        with self._lock:
            if not must and not self._has_room(cost):
                return False
            self._held.update(cost)
        return True

    def created(self, cost: Mapping[str, int]) -> None:
        """Note that a resource exists."""
        with self._lock:
            self._certain.update(cost)

    def deleted(self, cost: Mapping[str, int]) -> None:
        """Note that the deletion of a resource has begun."""
        with self._lock:
            self._certain.subtract(cost)

    def give_back(self, cost: Mapping[str, int]) -> None:
        """Return the room of a resource that is gone."""
        with self._lock:
            self._held.subtract(cost)

    def _has_room(self, cost: Mapping[str, int]) -> bool:
        if (servers := cost.get("servers")) and not self._has_room_in_run(servers):
            return False
        return all(
            self._others[name] + self._held[name] + count <= self._most[name]
            and self._held[name] + count <= self._most[name] / self._workers
            for name, count in cost.items()
        )

    def _refresh(self, service: str, cost: Mapping[str, int]) -> None:
        """Read the usage if it is unknown, or if it is old and leaves no room."""
        now = self._clock()
        with self._lock:
            read_at = self._read_at.get(service)
            if read_at is not None and (now - read_at < REFRESH or self._has_room(cost)):
                return
        answer = self._read(service)
        with self._lock:
            self._read_at[service] = now
            for name, limit in LIMITS.items():
                if limit.service == service:
                    self._most[name], used = limit.of(answer)
                    low, high = used - self._held[name], used - self._certain[name]
                    self._others[name] = max(0, low, min(self._others[name], high))


def capacity_of(run_session: RunSession) -> Capacity:
    """Return the capacity of the project in which a run creates its resources."""

    def read(service: str) -> object:
        response = run_session.cloud.api_client.send("GET", service, "/limits", None)
        return response.json() if is_success(response.status_code) else None

    def has_room(servers: int) -> bool:
        limit = run_session.ledger.max_servers
        if limit is None:
            return True
        rows = run_session.ledger.rows("intent", "bound")
        return sum(row.kind == "server" for row in rows) + servers <= limit

    workers = int(getattr(run_session.config, "workerinput", {}).get("workercount", 1))
    return Capacity(read, workers=workers, has_room_in_run=has_room)


def cost_of(need: Need, scope: Scope) -> Cost:
    """Return the quota that the resource of a need takes, as far as its arguments tell."""
    from pytest_osfutures.scopes import factories

    arguments: dict[str, Any] = {
        name: None if isinstance(each, FixtureName) else each
        for name, each in need.arguments.items()
    }
    if need.factory == "Volumes":
        return Counter(volumes=1, gigabytes=int(arguments.get("size") or 1))
    if need.factory != "Servers":
        return Counter()
    servers = factories.Servers(scope)
    try:
        _, size = servers.choose(arguments.get("image"), arguments.get("flavor"), arguments)
    except InvalidArgument:  # the creation will fail with it
        return Counter()
    flavor = servers.defaults.lookup.details(FLAVOR, size)
    count = int(arguments.get("min_count") or arguments.get("max_count") or 1)
    return Counter(servers=count, cores=count * flavor.vcpus, ram=count * flavor.ram)
