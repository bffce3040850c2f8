"""Runs that are killed at random moments, by seed; OSF_CHAOS_RUNS is their number (10)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
import yaml

from pytest_osfutures.cloud import reconnect
from tests.chaos import suite
from tests.chaos.foreign import ForeignResources
from tests.chaos.kill_scenarios import run_and_kill
from tests.chaos.suite import World, until

RUNS = int(os.environ.get("OSF_CHAOS_RUNS", "10"))
FIRST_SEED = int(os.environ.get("OSF_CHAOS_SEED", "0"))
#: Number of runs under one fault profile before the test checks what they have left.
ERA = 20 if RUNS > 10 else 5
#: Number of runs at a time, in each fault profile; each counts the others' resources as foreign.
TOGETHER = 2
FOREIGN_COUNT = 1000 if RUNS > 10 else 100
WORKERS = 4 if RUNS > 10 else 2
BAD_WEATHER = (
    {"effect": "status", "status": 429, "retry_after": 1},
    {"effect": "status", "status": 503},
    {"effect": "status", "status": 500, "when": "after"},
    {"effect": "cut"},
    {"effect": "cut", "when": "after"},
)
#: Of the requests to all services, one in five meets at least one of them.
PROBABILITY = 1 - 0.8 ** (1 / len(BAD_WEATHER))


@pytest.fixture(scope="module")
def eras(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Future[None]]]:
    """Start all runs; clouds with and without faults run at the same time."""
    with ExitStack() as stack:
        places = [tmp_path_factory.mktemp(profile) for profile in ("good", "bad")]
        worlds = [stack.enter_context(suite.world(place)) for place in places]
        times = [stack.enter_context(ThreadPoolExecutor(1)) for _ in worlds]
        for world in worlds:
            _move_in(world)
        yield [
            times[era % 2].submit(_live_through, worlds[era % 2], era, bad=bool(era % 2))
            for era in range(max(1, RUNS // ERA))
        ]


def _move_in(world: World) -> None:
    world.ask("/_osf/settings", {"quotas": {"key_pairs": 10_000}}, "PATCH")
    known = yaml.safe_load(world.clouds.read_text())["clouds"]["fake"]
    ForeignResources(world, reconnect("fake", known).api_client).create(FOREIGN_COUNT)


@pytest.mark.parametrize("era", range(max(1, RUNS // ERA)))
def test_nothing_is_left_and_foreign_resources_stay(eras: list[Future[None]], era: int) -> None:
    eras[era].result()


def _live_through(world: World, era: int, *, bad: bool) -> None:
    before = world.everything()
    assert len(before) > FOREIGN_COUNT
    seeds = range(FIRST_SEED + era * ERA, FIRST_SEED + (era + 1) * ERA)
    with _fault_profile(world, bad=bad):
        with ThreadPoolExecutor(TOGETHER) as pool:
            kills = list(pool.map(lambda seed: run_and_kill(world, seed, WORKERS), seeds))
        until(lambda: all(run.is_over() for run in world.runs), "the end of the runs", 180.0)
        world.settle(300.0)
    reaped = world.command("reap", "--dead")
    assert reaped.returncode == 0, reaped.stdout + reaped.stderr
    after = world.everything()
    told = "\n".join(kills)
    assert [after[each] for each in after.keys() - before.keys()] == [], told
    assert after == before, told


@contextmanager
def _fault_profile(world: World, *, bad: bool) -> Iterator[None]:
    for fault in BAD_WEATHER if bad else ():
        world.ask("/_osf/faults", {**fault, "probability": PROBABILITY}, "POST")
    try:
        yield
    finally:
        world.ask("/_osf/faults", method="DELETE")
