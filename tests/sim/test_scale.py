"""More servers must not cost more each: neither requests nor memory."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import dataclass

from tests.sim.weather import Weather
from tests.sim.world import World

BIG = Weather(quota=1_000_000)


@dataclass(frozen=True)
class Cost:
    """What so many servers cost, each: requests, and bytes of the engine that stay behind."""

    requests: float
    left: float


def cost(servers: int) -> Cost:
    """Create so many servers at once, and see each of them become ACTIVE."""
    world = World(3, BIG)
    for name in ("cores", "ram"):
        world.cloud.settings.quotas[name] = -1
    image, flavor = world.an_image(), world.a_flavor()
    tracemalloc.start()

    def ask() -> None:
        futures = [
            world.nova.servers.create_async_r(f"s{number}", image, flavor, nics="none", tout=3000)
            for number in range(servers)
        ]
        for future in futures:
            assert world.timeline.wait(future).status == "ACTIVE"

    world.timeline.spawn(ask)
    world.run()
    gc.collect()
    ours = tracemalloc.Filter(True, "*/pytest_osfutures/[!f]*.py")
    snapshot = tracemalloc.take_snapshot().filter_traces([ours])
    tracemalloc.stop()
    left = sum(trace.size for trace in snapshot.traces)
    assert world.engine.monitor.pending == 0
    return Cost(world.network.requests / servers, left / servers)


def test_many_servers_cost_no_more_each_than_few() -> None:
    few, many = cost(200), cost(600)
    assert many.requests <= few.requests
    assert many.requests <= 1.25
    assert many.left * 600 <= few.left * 200 + 100_000
