"""Reads beside those of poll groups take turns with them within one rate."""

from __future__ import annotations

import math

from pytest_osfutures.engine.loop import SteppedEngine
from pytest_osfutures.engine.watch import Watch
from pytest_osfutures.policy import Poll
from tests.unit.scripted import SERVER, Ends, World, row, server


def test_a_read_leaves_when_the_rate_allows_it() -> None:
    engine = SteppedEngine()
    world = World(engine.clock, Poll(max_rate=1.0, burst=2))
    left: list[float] = []
    for _ in range(4):
        engine.queue_read(world, "compute", lambda: left.append(engine.clock.now()))
    engine.run_until(lambda: len(left) == 4)
    assert left == [0.0, 0.0, 1.0, 2.0]
    assert engine.monitor.step() == math.inf


def test_two_projects_have_rates_of_their_own() -> None:
    engine = SteppedEngine()
    slow = World(engine.clock, Poll(max_rate=0.01, burst=1))
    quick = World(engine.clock, Poll(max_rate=1.0, burst=1))
    left: list[str] = []
    for name, world in (("slow", slow), ("slow", slow), ("quick", quick)):
        engine.queue_read(world, "compute", lambda name=name: left.append(name))  # type: ignore[misc]
    engine.run_until(lambda: len(left) == 2)
    assert left == ["slow", "quick"]
    assert engine.clock.now() == 0.0


def test_many_queued_reads_do_not_hold_up_the_reads_of_operations() -> None:
    engine = SteppedEngine()
    world = World(engine.clock, Poll(max_rate=2.0, burst=1))
    left: list[float] = []

    def again() -> None:
        left.append(engine.clock.now())
        engine.queue_read(world, "compute", again)

    for _ in range(50):
        engine.queue_read(world, "compute", again)
    ref, ends = SERVER.ref(id="vm"), Ends()
    world.now(ref, server("BUILD"))
    world.at(10.0, ref, server("ACTIVE"))
    watch = Watch(row("server.create"), {"id": "vm"}, world, 0.0, 600.0, ends)
    engine.watch(watch)
    engine.run_until(lambda: bool(ends), 600.0)
    assert engine.clock.now() <= 12.0
    assert len(left) >= len(world.reads) - 1  # and the other way round
