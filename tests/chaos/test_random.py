"""Runs that are killed at random moments, by seed: OSF_CHAOS_RUNS of them (default: 10)."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
import yaml

from pytest_osfutures.cloud import reconnect
from tests.chaos import suite
from tests.chaos.deaths import live_and_die
from tests.chaos.strangers import Strangers
from tests.chaos.suite import World, until

RUNS = int(os.environ.get("OSF_CHAOS_RUNS", "10"))
FIRST_SEED = int(os.environ.get("OSF_CHAOS_SEED", "0"))
#: So many runs at a time; they are one another's strangers.
TOGETHER = 4
#: So many runs share a weather; then it is looked at what they have left.
ERA = 20 if RUNS > 10 else 5
STRANGERS = 1000 if RUNS > 10 else 100
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
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A cloud with many others in it."""
    with suite.world(tmp_path_factory.mktemp("chaos")) as made:
        made.ask("/_osf/settings", {"quotas": {"key_pairs": 10_000}}, "PATCH")
        known = yaml.safe_load(made.clouds.read_text())["clouds"]["fake"]
        Strangers(made, reconnect("fake", known).source).move_in(STRANGERS)
        yield made


@pytest.mark.parametrize("era", range(max(1, RUNS // ERA)))
def test_nothing_is_left_and_strangers_stay(world: World, era: int) -> None:
    before = world.everything()
    seeds = range(FIRST_SEED + era * ERA, FIRST_SEED + (era + 1) * ERA)
    with _weather(world, bad=bool(era % 2)):
        with ThreadPoolExecutor(TOGETHER) as pool:
            deaths = list(pool.map(lambda seed: live_and_die(world, seed), seeds))
        until(lambda: all(run.is_over() for run in world.runs), "the end of the runs", 180.0)
        world.settle(300.0)
    reaped = world.command("reap", "--dead")
    assert reaped.returncode == 0, reaped.stdout + reaped.stderr
    after = world.everything()
    told = "\n".join(deaths)
    assert [after[each] for each in after.keys() - before.keys()] == [], told
    assert after == before, told


@contextmanager
def _weather(world: World, *, bad: bool) -> Iterator[None]:
    for fault in BAD_WEATHER if bad else ():
        world.ask("/_osf/faults", {**fault, "probability": PROBABILITY}, "POST")
    try:
        yield
    finally:
        world.ask("/_osf/faults", method="DELETE")
