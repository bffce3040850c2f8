"""`python -m tests.sim.detection 50 500`: how late the end of each of so many servers is noticed.

On a clock that jumps, with the latency of the benchmarks and several distributions of build times.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.sim.scale import LARGE_QUOTA, unlimited
from tests.sim.world import World

#: As in the benchmarks: seconds of a request by its method, of a list, of each server in it.
LATENCY = {"GET": 0.03, "POST": 0.15, "DELETE": 0.15}
LIST, ITEM = 0.04, 0.001

#: How long (seconds) each server builds, by its number of all.
Builds = Callable[[Random, int, int], float]
BUILDS: dict[str, Builds] = {
    "constant": lambda random, number, of: 6.0,
    "lognormal": lambda random, number, of: 6.0 * random.lognormvariate(0.0, 0.4),
    "wide lognormal": lambda random, number, of: 4.0 * random.lognormvariate(0.0, 0.9),
    "uniform": lambda random, number, of: random.uniform(2.0, 20.0),
    "long uniform": lambda random, number, of: random.uniform(5.0, 60.0),
    "bimodal": lambda random, number, of: random.gauss(*random.choice([(4.0, 0.3), (20.0, 0.5)])),
    "stragglers": lambda random, number, of: (
        random.uniform(25.0, 60.0) if number % 50 == 49 else random.gauss(5.0, 0.5)
    ),
    "one straggler": lambda random, number, of: 45.0 if number == of // 2 else 4.0,
    "slow last": lambda random, number, of: 30.0 if number == of - 1 else random.gauss(5.0, 0.5),
    "quick last": lambda random, number, of: 0.3 if number >= of - 3 else random.gauss(5.0, 0.5),
    "exponential": lambda random, number, of: 1.0 + random.expovariate(1 / 8.0),
}


@dataclass(frozen=True)
class Detection:
    """The delays (seconds) after which the ends of all servers were noticed, and their cost."""

    delays: tuple[float, ...]
    moments: tuple[float, ...]
    requests: float

    def at(self, share: float) -> float:
        """The delay that this share of the servers was below."""
        return sorted(self.delays)[min(len(self.delays) - 1, int(len(self.delays) * share))]


def detection(servers: int, builds: Builds, seed: int, retried: bool = True) -> Detection:
    """Create so many servers at once, and note when each is ACTIVE and when its future is done."""
    world = World(seed, LARGE_QUOTA)
    unlimited(world)
    settings = world.cloud.settings
    settings.method_latency.update(LATENCY)
    settings.list_latency, settings.item_latency = LIST, ITEM
    random, plain = Random(seed), world.cloud.runtime.seconds
    durations = iter([max(0.05, builds(random, number, servers)) for number in range(servers)])
    world.cloud.runtime.seconds = lambda operation: (  # type: ignore[method-assign]
        next(durations) if operation == "server.create" else plain(operation)
    )
    noticed: dict[str, float] = {}

    def note(future: Future[Any]) -> None:
        noticed[future.result().id] = world.timeline.time()

    def ask() -> None:
        image, flavor = world.an_image(), world.a_flavor()
        manager = world.nova.servers
        create = manager.create_async_r if retried else manager.create_async
        for number in range(servers):
            future = create(f"s{number}", image, flavor, nics="none", tout=3000)
            Future.add_done_callback(future, note)

    world.timeline.spawn(ask)
    world.run()
    active = {each.id: each.updated_at or 0.0 for each in world.cloud.compute.servers}
    delays = tuple(moment - active[ident] for ident, moment in noticed.items())
    assert len(delays) == servers
    return Detection(delays, tuple(noticed.values()), world.network.requests / servers)


def main() -> None:
    """Print a table."""
    print("| servers | builds | seed | mean s | p95 s | slowest s | requests each |")
    print("|---|---|---|---|---|---|---|")
    for servers in map(int, sys.argv[1:] or ["50", "500"]):
        for name, builds in BUILDS.items():
            for seed in range(2):
                found = detection(servers, builds, seed)
                mean = sum(found.delays) / servers
                print(
                    f"| {servers} | {name} | {seed} | {mean:.2f} | {found.at(0.95):.2f} "
                    f"| {found.at(1.0):.2f} | {found.requests:.2f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
