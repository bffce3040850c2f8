"""Runs that are killed at random moments, by seed: OSF_CHAOS_RUNS of them (default: 10)."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random

import pytest
import yaml

from pytest_osfutures.cloud import reconnect
from pytest_osfutures.stamp import Stamp, new_id
from tests.chaos import suite
from tests.chaos.suite import SUITE, Run, World, until

RUNS = int(os.environ.get("OSF_CHAOS_RUNS", "10"))
FIRST_SEED = int(os.environ.get("OSF_CHAOS_SEED", "0"))
#: So many runs at a time; they are one another's strangers.
TOGETHER = 4
STRANGERS = 1000 if RUNS > 10 else 100
FAULTS = (
    {"effect": "status", "status": 429, "retry_after": 1, "probability": 0.05},
    {"effect": "status", "status": 503, "probability": 0.05},
    {"effect": "status", "status": 500, "probability": 0.05, "when": "after"},
    {"effect": "cut", "probability": 0.05, "when": "after"},
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A cloud with many others in it."""
    with suite.world(tmp_path_factory.mktemp("chaos")) as made:
        _move_in(made)
        yield made


def _move_in(world: World) -> None:
    """Strangers with the same names, similar metadata, and stamps of runs that live."""
    known = yaml.safe_load(world.clouds.read_text())["clouds"]["fake"]
    source = reconnect("fake", known).source
    image = source.send("GET", "image", "/images", None).json()["images"][0]["id"]
    flavor = source.send("GET", "compute", "/flavors", None).json()["flavors"][0]["id"]
    for number in range(STRANGERS // 2):
        metadata = [
            Stamp(new_id(), new_id(), int(time.time()) + 36000).metadata(),
            {"osf_run": "0123456789abcdef", "purpose": "osf_op"},
        ][number % 2]
        server = {"name": "web", "imageRef": image, "flavorRef": flavor, "metadata": metadata}
        volume = {"name": f"osf-{number}", "size": 1, "metadata": metadata}
        for service, path, body in (
            ("compute", "/servers", {"server": server}),
            ("block-storage", "/volumes", {"volume": volume}),
        ):
            assert source.send("POST", service, path, body).status_code == 202


def _stamped(world: World) -> set[str]:
    return set(world.alive())


def _kill(run: Run, random: Random) -> str:
    """Let the run die in one of many ways, and say in which."""
    ways = ["controller", "group", "child", "term", "interrupts", "reaper"]
    way = random.choice(ways)
    if way == "group":
        run.kill(group=True)
    elif way == "term":
        run.kill(signal.SIGTERM, group=random.random() < 0.5)
    elif way == "interrupts":
        run.kill(signal.SIGINT, group=True)
        time.sleep(random.uniform(0.0, 1.0))
        run.kill(signal.SIGINT, group=True)
    elif way == "child":
        for child in _children(run.process.pid)[:1]:
            os.kill(child, signal.SIGKILL)
        time.sleep(random.uniform(0.0, 2.0))
        run.kill(group=True)
    elif way == "reaper":
        run.kill(group=True)
        time.sleep(random.uniform(0.5, 2.5))
        for lock in run.world.ledgers.glob("*.reaper.lock"):
            if (pid := suite.holder(lock)) is not None and random.random() < 0.3:
                os.kill(pid, signal.SIGKILL)
    else:
        run.kill()
    return way


def _children(parent: int) -> list[int]:
    """The workers of a run: of its session, as the reaper is not."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, rest = stat.read_text().rpartition(")")
        except OSError:
            continue
        if int(rest.split()[1]) == parent and int(rest.split()[3]) == parent:
            found.append(int(stat.parent.name))
    return found


def _live_and_die(world: World, seed: int) -> str:
    random = Random(seed)
    workers = random.choice(([], [], ["-n2"], ["-n4"] if RUNS > 10 else ["-n2"]))
    text = SUITE.replace("{tests}", "6").replace("{seconds}", "0.2")
    text = text.replace("os_snapshots)", "os_snapshots, os_images, os_keypairs)").replace(
        '    mark("made")',
        '    os_keypairs.create(), os_images.create_async(vm).result()\n    mark("made")',
    )
    teardown = random.choice(("wait", "background"))
    run = world.run(text, *workers, f"--os-teardown={teardown}", name=f"run{seed}")
    moment = random.uniform(2.0, 20.0)
    try:
        run.process.wait(moment)
        way = "none"
    except suite.Unfinished:
        way = _kill(run, random)
    return f"seed {seed}: {' '.join(workers)} {teardown}, after {moment:.1f} s: {way}"


def test_nothing_is_left_and_strangers_stay(world: World) -> None:
    strangers = _stamped(world)
    everything = {row["id"] for row in world.ask("/_osf/resources")["resources"]}
    for begin in range(FIRST_SEED, FIRST_SEED + RUNS, TOGETHER):
        seeds = range(begin, min(begin + TOGETHER, FIRST_SEED + RUNS))
        if (begin // TOGETHER) % 2:
            for service in ("compute", "block-storage"):
                for fault in FAULTS:
                    world.ask("/_osf/faults", {**fault, "service": service}, "POST")
        with ThreadPoolExecutor(TOGETHER) as pool:
            deaths = list(pool.map(lambda seed: _live_and_die(world, seed), seeds))
        until(lambda: all(_is_over(run) for run in world.runs), "the end of the runs", 180.0)
        world.settle(300.0)
        world.ask("/_osf/faults", method="DELETE")
        reaped = world.command("reap", "--dead")
        assert reaped.returncode == 0, reaped.stdout + reaped.stderr
        assert _stamped(world) == strangers, deaths
    assert everything <= {row["id"] for row in world.ask("/_osf/resources")["resources"]}


def _is_over(run: Run) -> bool:
    return run.process.poll() is not None
