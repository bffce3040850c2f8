"""A whole simulated run, and the command that repeats it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from tests.sim.fault_profile import FaultProfile
from tests.sim.user import SimulatedUser
from tests.sim.workload import WORKLOADS
from tests.sim.world import BrokenPromiseError, World

#: The number of concurrent users.
USERS = 40


@dataclass(frozen=True)
class Result:
    """The outcome of a run: counts of endings and injected faults, and a digest of its history."""

    seed: int
    operations: int
    endings: dict[str, int]
    injected: dict[str, int]
    digest: str
    broken: str = ""


def run(seed: int, operations: int, profile: FaultProfile | None = None) -> Result:
    """Simulate until so many operations were started and all have ended.

    Raises BrokenPromiseError with the command that repeats it.
    """
    world = World(seed, profile)
    for number in range(USERS):
        world.timeline.spawn(
            SimulatedUser(world, number, lambda: world.started < operations, WORKLOADS)
        )
    try:
        world.run()
        world.check_the_end()
    except AssertionError as error:
        command = f"python -m tests.sim --seed {seed} --operations {operations}"
        raise BrokenPromiseError(
            f"{error}\n  at {world.timeline.now():.3f} s, in {world.profile}\n  repeat: {command}"
        ) from error
    history = f"{world.timeline.now()}:{world.network.requests}:{sorted(world.endings.items())}"
    digest = hashlib.sha256(history.encode()).hexdigest()[:16]
    return Result(seed, world.started, dict(world.endings), dict(world.injected()), digest)
