"""A whole simulated run, and the command that repeats it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from tests.sim.actors import Actor
from tests.sim.lives import LIVES
from tests.sim.weather import Weather
from tests.sim.world import BrokenPromiseError, World

#: So many actors work side by side.
ACTORS = 40


@dataclass(frozen=True)
class Result:
    """What came of a run, how often which fault struck; `digest`: the same for one history."""

    seed: int
    operations: int
    endings: dict[str, int]
    struck: dict[str, int]
    digest: str
    broken: str = ""


def run(seed: int, operations: int, weather: Weather | None = None) -> Result:
    """Simulate until so many operations were started and all have ended.

    Raises BrokenPromiseError with the command that repeats it.
    """
    world = World(seed, weather)
    for number in range(ACTORS):
        world.timeline.spawn(Actor(world, number, lambda: world.started < operations, LIVES))
    try:
        world.run()
        world.check_the_end()
    except AssertionError as error:
        command = f"python -m tests.sim --seed {seed} --operations {operations}"
        raise BrokenPromiseError(
            f"{error}\n  at {world.timeline.now():.3f} s, in {world.weather}\n  repeat: {command}"
        ) from error
    history = f"{world.timeline.now()}:{world.network.requests}:{sorted(world.endings.items())}"
    digest = hashlib.sha256(history.encode()).hexdigest()[:16]
    return Result(seed, world.started, dict(world.endings), dict(world.struck()), digest)
