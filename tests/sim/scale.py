"""`python -m tests.sim.scale 500 1000 10000`: the cost of each of so many servers."""

from __future__ import annotations

import gc
import sys
import time
import tracemalloc
from dataclasses import dataclass
from typing import Any

from tests.sim.fault_profile import FaultProfile
from tests.sim.world import World

LARGE_QUOTA = FaultProfile(quota=1_000_000)
#: What this package has allocated, without the fake cloud; results are the clients' objects.
OURS = (
    tracemalloc.Filter(True, "*/pytest_osfutures/*.py"),
    tracemalloc.Filter(False, "*/pytest_osfutures/fakecloud/*"),
)
#: A build that lasts longer than it takes to ask for all of them.
LONG = 120.0


@dataclass(frozen=True)
class Cost:
    """The cost of one of `servers`: requests, CPU of the loop (ms), bytes while it runs, after."""

    servers: int
    requests: float
    loop: float
    running: float
    left: float


def cost(servers: int, memory: bool = True) -> Cost:
    """Create so many servers at once, and see each of them become ACTIVE."""
    world = _world()
    futures = _ask(world, servers)
    spent = _timed_run(world)
    assert all(future.result().status == "ACTIVE" for future in futures)
    assert world.engine.monitor.pending == 0
    requests = world.network.requests / servers
    running, left = _memory(servers) if memory else (0.0, 0.0)
    return Cost(servers, requests, 1000 * spent / servers, running / servers, left / servers)


def _world() -> World:
    world = World(3, LARGE_QUOTA)
    unlimited(world)
    return world


def unlimited(world: World) -> None:
    """Let the cloud have room for everything."""
    for name in ("cores", "ram"):
        world.cloud.settings.quotas[name] = -1
    for host in world.cloud.compute.hosts.values():
        host.vcpus = host.memory_mb = host.local_gb = 1_000_000_000


def _ask(world: World, servers: int) -> list[Any]:
    futures: list[Any] = []

    def ask() -> None:
        image, flavor = world.an_image(), world.a_flavor()
        create = world.nova.servers.create_async_r
        futures.extend(
            create(f"s{number}", image, flavor, nics="none", tout=3000) for number in range(servers)
        )

    world.timeline.spawn(ask)
    return futures


def _timed_run(world: World) -> float:
    """Run it all; the CPU seconds of the monitor's loop, which neither sends nor is the fake."""
    step, spent = world.engine.monitor.step, 0.0

    def timed() -> float:
        nonlocal spent
        began = time.process_time()
        try:
            return step()
        finally:
            spent += time.process_time() - began

    world.engine.monitor.step = timed  # type: ignore[method-assign]
    world.run()
    return spent


def _memory(servers: int) -> tuple[float, float]:
    """Bytes of this package while all are running, and when all are done."""
    world = _world()
    world.cloud.settings.sigma = 0.0
    world.cloud.settings.seconds["server.create"] = LONG
    gc.collect()
    tracemalloc.start()
    futures = _ask(world, servers)
    while world.engine.monitor.pending < servers:
        assert world.step()
    running = _ours()
    world.run()
    assert all(future.done() for future in futures)
    futures.clear()
    left = _ours()
    tracemalloc.stop()
    return running, left


def _ours() -> int:
    gc.collect()
    return sum(each.size for each in tracemalloc.take_snapshot().filter_traces(OURS).traces)


def main() -> None:
    """Print a table."""
    print("| servers | requests each | loop CPU ms each | bytes running | bytes finished |")
    print("|---|---|---|---|---|")
    for servers in map(int, sys.argv[1:] or ["500", "1000"]):
        one = cost(servers, servers <= 1000)  # to trace allocations takes long
        print(
            f"| {one.servers} | {one.requests:.2f} | {one.loop:.2f} "
            + (f"| {one.running:.0f} | {one.left:.0f} |" if one.running else "| - | - |"),
            flush=True,
        )


if __name__ == "__main__":
    main()
