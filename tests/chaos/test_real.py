"""Five runs that are killed at random moments in a real cloud.

    OSF_CHAOS_CLOUD=demo OSF_CHAOS_IMAGE=tiny pytest -s tests/chaos/test_real.py

OSF_CHAOS_CLOUD is a cloud of your clouds.yaml, OSF_CHAOS_IMAGE the name of an image in it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from pytest_osfutures.cleanup.sweep import Sweep, SweepContext
from pytest_osfutures.clock import SystemClock
from pytest_osfutures.cloud import Cloud, connect
from pytest_osfutures.ownership.resource import StampedResource
from tests.chaos.foreign import ForeignResources
from tests.chaos.kill_scenarios import run_and_kill
from tests.chaos.suite import World, until

CLOUD = os.environ.get("OSF_CHAOS_CLOUD")
IMAGE = os.environ.get("OSF_CHAOS_IMAGE")
FIRST_SEED = int(os.environ.get("OSF_CHAOS_SEED", "0"))
RUNS, TOGETHER, FOREIGN_COUNT = 5, 2, 20
pytestmark = pytest.mark.skipif(not CLOUD, reason="OSF_CHAOS_CLOUD names no real cloud")


class RealWorld(World):
    """A world on a real cloud, whose state only its API shows."""

    connected: Cloud

    def everything(self) -> dict[str, dict[str, Any]]:
        """All that the project has, by id; a keypair's id is its name."""
        seen = {}
        for kind, service, path, key in (
            ("server", "compute", "/servers/detail", "servers"),
            ("keypair", "compute", "/os-keypairs", "keypairs"),
            ("image", "image", "/images", "images"),
            ("snapshot", "block-storage", "/snapshots/detail", "snapshots"),
            ("volume", "block-storage", "/volumes/detail", "volumes"),
        ):
            answer = self.connected.api_client.send("GET", service, path, None)
            assert answer.status_code == 200, answer.text
            for row in answer.json()[key]:
                body = row.get("keypair", row)
                told = {name: body.get(name) for name in ("name", "status", "metadata", "osf_run")}
                seen[body["name" if kind == "keypair" else "id"]] = {"kind": kind, **told}
        return seen

    def stamped(self) -> list[StampedResource]:
        """Return the resources that carry the stamp of one of the runs."""
        idents = {ident for run in self.runs for ident in run.idents()}
        idents |= {path.name.partition(".")[0] for path in self.ledgers.iterdir()}
        clock = SystemClock()
        sweep = Sweep(
            SweepContext(self.connected.api_client, clock, print), lambda stamp: stamp.run in idents
        )
        return sweep.find()


@pytest.fixture
def world(tmp_path: Path) -> Iterator[RealWorld]:
    """Return the real cloud with foreign resources."""
    assert CLOUD is not None
    file = os.environ.get("OS_CLIENT_CONFIG_FILE", "~/.config/openstack/clouds.yaml")
    args = ("--os-network", "none", *(("--os-image", IMAGE) if IMAGE else ()))
    world = RealWorld("", tmp_path, Path(file).expanduser(), CLOUD, args)
    world.connected = connect(CLOUD)
    try:
        yield world
    finally:
        world.end()


def test_foreign_resources_stay_in_a_real_cloud(world: RealWorld) -> None:
    foreign_resources = ForeignResources(world, world.connected.api_client)
    try:
        foreign_resources.create(FOREIGN_COUNT, IMAGE)
        before = foreign_resources.seen()
        assert len(before) == FOREIGN_COUNT
        with ThreadPoolExecutor(TOGETHER) as pool:
            seeds = range(FIRST_SEED, FIRST_SEED + RUNS)
            for death in pool.map(lambda seed: run_and_kill(world, seed, 4), seeds):
                print(death)
        until(lambda: all(run.is_over() for run in world.runs), "the end of the runs", 600.0)
        world.settle(900.0)
        reaped = world.command("reap", "--dead", cloud=CLOUD)
        print(reaped.stdout)
        assert reaped.returncode == 0, reaped.stdout + reaped.stderr
        assert [str(each) for each in world.stamped()] == []
        assert foreign_resources.seen() == before
        print(
            f"{len(before)} foreign resources stay as they were, nothing of {len(world.runs)} runs"
        )
    finally:
        foreign_resources.delete_all()
