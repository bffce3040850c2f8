"""Kill scenarios: runs that are killed at random moments, in many ways.

The sleeps are part of a scenario: its seed draws how long a run goes on before it is killed.
"""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from random import Random

from tests.chaos import suite
from tests.chaos.suite import Run, World

SUITE = """
import pytest

@pytest.fixture(autouse=True, scope="session")
def run(os_cloud):
    mark("run " + os_cloud.run)

@pytest.mark.parametrize("number", range(6))
def test_all(number, os_cloud, os_servers, os_volumes, os_snapshots, os_images, os_keypairs,
             os_backups):
    mark("making")
    os_keypairs.create("key")
    many = os_servers.create_async("web", min_count=2)
    web, disk = os_servers.create_async("web"), os_volumes.create_async(1, "disk")
    more = os_servers.create_async("web"), os_volumes.create_async(1, "disk")
    vm, volume = web.result(), disk.result()
    mark("attaching")
    attached = os_cloud.nova.volumes.create_server_volume_async(vm.id, volume.id)
    snapshot = os_snapshots.create_async(more[1].result(), "snap")
    attached.result()
    mark("imaging")
    os_images.create_async(vm, "image").result()
    snapshot.result()
    many.result()
    if number == 1:
        mark("copying")
        boot = {"boot_index": 0, "source_type": "image", "destination_type": "volume",
                "uuid": os_servers.defaults.image(None).id, "volume_size": 1}
        booted = os_servers.create_async("booted", block_device_mapping_v2=[boot])
        backup = os_backups.create_async(more[1].result(), "safe").result()
        os_cloud.cinder.restores.restore_async(backup.id, more[1].result().id).result()
        os_images.create_async(booted.result(), "image of a volume").result()
    if number % 2:
        mark("detaching")
        os_cloud.nova.volumes.delete_server_volume_async(vm.id, volume.id).result()
    mark("deleting")

def mark(text):
    with open({marks!r}, "a") as file:
        file.write(text + "\\n")
"""
#: Seconds between two readings of the marks that a run writes to a file.
MARKS_CHECK_SECONDS = 0.02
MOMENTS = ("run", "making", "attaching", "imaging", "copying", "detaching", "deleting")
#: What befalls the ledger of a run right before its death, and the clock of its host.
MISHAPS = ("", "", "", "", "damaged", "overwritten", "deleted", "ahead", "behind")
SKEW = """
import time
real = time.time
time.time = lambda: real() + ({hours}) * 3600.0
"""


def run_and_kill(world: World, seed: int, most: int) -> str:
    """Start runs until one is killed before its own end; return a description.

    They have no workers of xdist, or 2, or the `most`.
    """
    random = Random(seed)
    for number in range(10):
        workers = random.choice(([], [], ["-n2"], [f"-n{most}"]))
        teardown = random.choice(("wait", "background"))
        mishap = random.choice(MISHAPS)
        name = f"run{seed}" + f"-{number}" * bool(number)
        run = world.run(_skewed(mishap), *workers, f"--os-teardown={teardown}", name=name)
        moment = _wait(run, random)
        if not run.is_over():
            _spoil(run, mishap, random)
            way = _kill(run, random, bool(workers))
            return f"{name}: {' '.join([*workers, teardown])}, {moment}: {mishap} {way}"
    raise AssertionError(f"seed {seed}: no run lives long enough to be killed\n{run.out}")


def _skewed(mishap: str) -> str:
    """Return the suite, with a local clock that is wrong by 7 hours in that scenario."""
    hours = {"ahead": 7, "behind": -7}.get(mishap)
    return SUITE if hours is None else SKEW.replace("{hours}", str(hours)) + SUITE


def _spoil(run: Run, mishap: str, random: Random) -> None:
    """Damage, overwrite or delete the ledger in these scenarios."""
    for ident in run.idents():
        ledger = run.world.ledgers / f"{ident}.sqlite"
        if not ledger.exists():
            continue
        if mishap == "deleted":
            ledger.unlink()
        elif mishap == "overwritten":
            ledger.write_bytes(b"no ledger at all\n" * 1000)
        elif mishap == "damaged":
            with ledger.open("r+b") as file:
                for _ in range(3):
                    file.seek(random.randrange(100, max(101, ledger.stat().st_size)))
                    file.write(random.randbytes(64))


def _wait(run: Run, random: Random) -> str:
    """Wait for a random moment of the run; return a description."""
    if random.random() < 0.2:
        moment = random.uniform(0.5, 5.0)
        time.sleep(moment)
        return f"{moment:.2f} s after its start"
    word, count, later = random.choice(MOMENTS), random.randint(1, 3), random.random() ** 3
    what = f"{later:.2f} s after {word!r} {count}"
    end = time.monotonic() + suite.LIMIT
    while run.count(word) < count and not run.is_over():
        if time.monotonic() > end:  # this one has stood still before
            return f"{suite.LIMIT} s without {word!r} {count}"
        time.sleep(MARKS_CHECK_SECONDS)
    time.sleep(later)
    return what


def _kill(run: Run, random: Random, has_workers: bool) -> str:
    """Kill the run in one of many ways; return a description."""
    ways = ["controller", "group", "term", "hangup", "interrupts", "reaper first", "reaper later"]
    way = random.choice(ways + ["worker", "worker first"] * has_workers)
    if way.startswith("worker"):
        for child in _workers(run.process.pid)[:1]:
            os.kill(child, signal.SIGKILL)
    if way == "worker first":
        time.sleep(random.uniform(0.0, 2.0))
    if way == "reaper first":
        _kill_reaper(run)
    if way in ("group", "worker first", "reaper first", "reaper later"):
        run.kill(group=True)
    elif way in ("term", "hangup"):
        number = signal.SIGTERM if way == "term" else signal.SIGHUP
        run.kill(number, group=random.random() < 0.5)
    elif way == "interrupts":
        run.kill(signal.SIGINT, group=True)
        time.sleep(random.uniform(0.0, 1.0))
        run.kill(signal.SIGINT, group=True)
    elif way == "controller":
        run.kill()
    if way == "reaper later":
        time.sleep(random.uniform(0.0, 5.0))
        _kill_reaper(run)
    return way


def _kill_reaper(run: Run) -> None:
    for ident in run.idents():
        pid = suite.holder(run.world.ledgers / f"{ident}.reaper.lock")
        if pid is not None:
            os.kill(pid, signal.SIGKILL)


def _workers(parent: int) -> list[int]:
    """Return the workers of a run, which are in its session, unlike the reaper."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, rest = stat.read_text().rpartition(")")
        except OSError:
            continue
        if int(rest.split()[1]) == parent and int(rest.split()[3]) == parent:
            found.append(int(stat.parent.name))
    return found
