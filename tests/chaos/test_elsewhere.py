"""Runs on several hosts: resources of a living run are never taken for orphans."""

from __future__ import annotations

import os
import signal
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos import suite as chaos
from tests.chaos.suite import World, until

LONG = """
import time
import pytest

@pytest.fixture(autouse=True, scope="session")
def run(os_cloud):
    mark("run " + os_cloud.run)

def test_long(os_volumes, os_keypairs, os_images):
    os_volumes.create_async().result()
    os_images.upload_async(b"data", "image").result()
    os_keypairs.create()
    mark("made")
    time.sleep(600)

def mark(text):
    with open({marks!r}, "a") as file:
        file.write(text + "\\n")
"""
#: A plugin that sets this process's clock 7 hours ahead.
AHEAD = """
import time
now = time.time
time.time = lambda: now() + 7 * 3600
"""
#: A plugin that lets every process have every lock.
LYING = """
from pytest_osfutures.cleanup import process_lock as locks
locks._lock = lambda file: True
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """Return a cloud that all runs of a test use."""
    with chaos.world(tmp_path, speed=1.0) as made:
        yield made


def beside(world: World) -> World:
    """Return the same cloud with another directory of ledgers."""
    place = world.place / "beside"
    place.mkdir()
    return World(world.url, place, world.clouds, runs=world.runs)


@pytest.fixture
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write the plugins `ahead` and `lying`, for -p."""
    (tmp_path / "ahead.py").write_text(AHEAD)
    (tmp_path / "lying.py").write_text(LYING)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))


def test_a_run_longer_than_its_expiry_is_spared(world: World) -> None:
    run = world.run(LONG, "--os-expiry=8s")
    run.made()
    before = world.left()
    assert len(before) == 3
    other = beside(world)
    began = world.ask("/_osf/clock")["time"]
    for number in range(20):
        after = other.run("def test_x(os_cloud): pass", name=f"next{number}")
        assert after.wait() == 0, after.out
        assert world.left() == before
        if world.ask("/_osf/clock")["time"] > began + 20:
            break
    else:
        raise AssertionError("20 runs take less than 20 seconds")
    run.kill(group=True)
    until(lambda: not world.left(), "all is gone")
    world.settle()


def test_a_fast_local_clock_deletes_nothing(world: World, plugins: None) -> None:
    del plugins
    run = world.run(LONG)
    run.made()
    before = world.left()
    other = beside(world)
    after = other.run("def test_x(os_cloud): pass", "-p", "ahead", name="next")
    assert after.wait() == 0, after.out
    assert world.left() == before
    mine = other.run(LONG, "-p", "ahead", name="mine")
    mine.made()
    (ident,) = mine.idents()
    now = world.ask("/_osf/clock")["time"]
    marked = [row for row in world.everything().values() if row["kind"] == "volume"]
    (volume,) = [row for row in marked if row["metadata"].get("osf_run") == ident]
    assert int(volume["metadata"]["osf_expires"]) < now + 6 * 3600 + 60
    for each in (run, mine):
        each.kill(group=True)
    until(lambda: not world.alive(), "all is gone")
    world.settle()


def test_a_run_that_may_live_elsewhere_needs_force(world: World) -> None:
    run = world.run(LONG)
    run.made()
    (ident,) = run.idents()
    before = world.left()
    other = beside(world)
    listed = other.command("ls")
    assert f"3 resources of run {ident}: no ledger of its run; its stamp is good" in listed.stdout
    for args in (["reap"], ["reap", "--dead"], ["reap", "--expired"]):
        reaped = other.command(*args)
        assert reaped.returncode == 0
        assert f"3 resources of run {ident}: no ledger of its run; its stamp" in reaped.stdout
        assert world.left() == before
    refused = other.command("reap", "--run", ident)
    assert refused.returncode == 2
    assert f"run {ident} may be alive elsewhere ({other.ledgers} has no ledger" in refused.stderr
    assert "3 resources carry its stamp, the newest of them made 0m ago" in refused.stderr
    assert "Give --force" in refused.stderr
    assert world.left() == before
    alive = world.command("reap", "--run", ident, "--force")
    assert alive.returncode == 2
    assert "is alive; end it first" in alive.stderr
    assert other.command("reap", "--run", ident, "--force").returncode == 0
    assert world.left() == []
    run.kill(group=True)
    world.settle()


def test_without_working_locks_no_reaper_starts(world: World, plugins: None) -> None:
    del plugins
    run = world.run(LONG, "-p", "lying")
    run.made()
    (ident,) = run.idents()
    assert f"file locks do not hold in {world.ledgers}: " in run.out
    assert world.quiet()
    run.kill(group=True)
    run.wait()
    before = world.left()
    assert len(before) == 3
    after = world.run("def test_x(os_cloud): pass", name="next")
    assert after.wait() == 0, after.out
    assert world.command("reap").returncode == 0
    assert world.left() == before
    listed = world.command("ls")
    assert f"of run {ident}: file locks do not hold beside" in listed.stdout
    assert world.command("reap", "--run", ident).returncode == 2
    assert world.command("reap", "--run", ident, "--force").returncode == 0
    assert world.left() == []


def test_without_working_locks_a_run_leaves_nothing(world: World, plugins: None) -> None:
    del plugins
    text = LONG.replace("time.sleep(600)", "pass")
    run = world.run(textwrap.dedent(text), "-p", "lying")
    assert run.wait() == 0, run.out
    assert world.left() == []
    assert list(world.ledgers.iterdir()) == []


def test_a_ci_job_can_end_with_reap(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    ident = "00112233aabbccdd"
    monkeypatch.setenv("OSFUTURES_RUN", ident)
    run = world.run(LONG)
    run.made()
    assert run.idents() == {ident}
    again = world.run("def test_x(os_cloud): pass", name="again")
    assert again.wait() == 4
    assert f"--os-run: there is a run {ident} already" in again.out
    assert len(world.left()) == 3
    os.kill(run.reaper(), signal.SIGKILL)  # as the end of a container does
    run.kill(group=True)
    run.wait()
    other = beside(world)  # and another container has no ledger
    assert other.command("reap", "--run", ident, "--force").returncode == 0
    assert world.left() == []


def test_undeletable_resources_delay_later_runs_briefly(world: World) -> None:
    run = world.run(LONG)
    run.made()
    stuck = {"effect": "status", "status": 409, "method": "DELETE", "path": "/volumes/"}
    world.ask("/_osf/faults", stuck, "POST")
    os.kill(run.reaper(), signal.SIGKILL)
    run.kill(group=True)
    run.wait()
    for number in range(2):
        began = time.monotonic()
        after = world.run("def test_x(os_cloud): pass", name=f"next{number}")
        assert after.wait() == 0, after.out
        assert time.monotonic() - began < 40
        assert "left by an older run" in after.out
    assert "(the next run goes on): volume" in after.out
    world.ask("/_osf/faults", method="DELETE")
    assert world.command("reap", "--dead").returncode == 0
    assert world.left() == []
