"""Damaged and lost ledgers: no resources are left, and other runs are not delayed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from pytest_osfutures.cleanup.ledger_files import ledger_path, reaper_log
from tests.chaos.suite import SUITE, Run, World, until


def suite(tests: int = 1, seconds: float = 600.0) -> str:
    """Return a suite with slow tests."""
    return SUITE.replace("{tests}", str(tests)).replace("{seconds}", str(seconds))


def ledger_of(run: Run) -> Path:
    """Return the ledger of a run that has started."""
    (ident,) = run.idents()
    return ledger_path(run.world.ledgers, ident)


def overwrite(place: Path, ledger: Path) -> None:
    for path in place.glob(f"{ledger.name}*"):
        path.write_text("garbage")


def delete(place: Path, ledger: Path) -> None:
    del ledger
    shutil.rmtree(place)


@pytest.mark.parametrize("harm", [overwrite, delete])
def test_a_killed_run_without_its_ledger_leaves_nothing(
    world: World, harm: Callable[[Path, Path], None]
) -> None:
    run = world.run(suite())
    run.made()
    ledger = ledger_of(run)
    harm(world.ledgers, ledger)
    run.kill()
    until(lambda: not world.left(), "all is gone")
    log = reaper_log(ledger)
    until(lambda: "all of it is gone" in log.read_text(), "the reaper's last word")


def test_a_run_with_an_overwritten_ledger_ends_well(world: World) -> None:
    text = suite(seconds=0.0).replace("time.sleep(0.0)", "harm(os_cloud.ledger.path)")
    text += (
        "def harm(path):\n"
        "    for each in path.parent.glob(path.name + '*'):\n"
        "        each.write_text('garbage')\n"
    )
    run = world.run(text)
    run.wait()
    assert "INTERNALERROR" not in run.out
    assert f"the ledger {ledger_of(run)} cannot be used: " in run.out
    assert world.left() == []


@pytest.fixture
def small_disk(world: World) -> Iterator[Path]:
    """Return a directory of ledgers on a small file system."""
    world.ledgers.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(world.ledgers)]
    if not shutil.which("mount") or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may make a small file system")
    yield world.ledgers
    subprocess.run(["umount", "-l", str(world.ledgers)], check=True)


def fill(path: Path) -> None:
    """Fill the file system with one file."""
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 512)


def test_a_killed_run_on_a_full_disk_leaves_nothing(world: World, small_disk: Path) -> None:
    run = world.run(suite())
    run.made()
    ledger = ledger_of(run)
    filler = small_disk / "filler"
    fill(filler)
    run.kill()
    until(lambda: not world.left(), "all is gone")
    filler.unlink()
    until(lambda: "all of it is gone" in reaper_log(ledger).read_text(), "the reaper's last word")


def test_a_damaged_ledger_does_not_block_others(world: World) -> None:
    run = world.run(suite())
    run.made()
    damaged = ledger_path(world.ledgers, "0" * 16)
    damaged.write_bytes(b"garbage" * 1000)
    half = ledger_path(world.ledgers, "f" * 16)
    shutil.copy(ledger_of(run), half)
    with half.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 5000)
    os.kill(run.reaper_of(ledger_of(run)), signal.SIGKILL)
    run.kill()
    run.wait()
    listed = world.command("ls")
    assert listed.returncode == 0
    assert listed.stdout.count("  dead") == 5
    for path in (damaged, half):
        assert f"the ledger {path}" in listed.stderr
    after = world.run("def test_x(os_cloud): pass", name="next")
    assert after.wait() == 0, after.out
    assert world.left() == []
    assert f"the ledger {damaged}" in after.out
    reaped = world.command("reap")
    assert reaped.returncode == 0, reaped.stderr


def test_an_undeletable_resource_delays_no_other_worker(world: World) -> None:
    text = (
        "import os, time, pytest\n"
        "@pytest.fixture(autouse=True, scope='session')\n"
        "def run(os_cloud):\n"
        "    mark('run ' + os_cloud.run)\n"
        "@pytest.mark.parametrize('number', range(3))\n"
        "def test_it(number, os_volumes):\n"
        "    mark(f'volume{number} ' + os_volumes.create_async().result().id)\n"
        "    while number < 2 and not os.path.exists(f'die{number}'): time.sleep(0.1)\n"
        "    os._exit(3) if number < 2 else time.sleep(600)\n"
        "def mark(text):\n"
        "    with open({marks!r}, 'a') as file: file.write(text + '\\n')\n"
    )
    run = world.run(text, "-n3", "--max-worker-restart=0")

    def volumes() -> list[str]:
        lines = run.marks.read_text().splitlines()
        return [line.split()[1] for line in sorted(lines) if line.startswith("volume")]

    until(lambda: len(volumes()) == 3, "the volumes")
    stuck, second, third = volumes()
    fault = {"effect": "status", "status": 500, "method": "DELETE", "path": f"/volumes/{stuck}"}
    world.ask("/_osf/faults", fault, "POST")
    (run.folder / "die0").touch()
    until(lambda: world.ask("/_osf/faults")["faults"][0]["fired"], "the first try")
    (run.folder / "die1").touch()
    until(lambda: f"volume {second}" not in world.left(), "the second worker's is gone", 30.0)
    assert f"volume {stuck}" in world.left()
    assert f"volume {third}" in world.left()
    run.kill(group=True)
    until(lambda: f"volume {third}" not in world.left(), "the third worker's is gone", 30.0)
    world.ask("/_osf/faults", method="DELETE")
    until(lambda: not world.left(), "all is gone")
    world.settle()


def test_refused_credentials_are_tried_a_few_times(world: World) -> None:
    run = world.run(suite())
    run.made()
    log = reaper_log(ledger_of(run))
    refusing = {"effect": "status", "status": 401, "method": "POST", "path": "/auth/tokens"}
    world.ask("/_osf/faults", refusing, "POST")
    run.kill()
    until(lambda: "tried again in 10 s" in log.read_text(), "the first refusal")
    until(lambda: "tried again in 60 s" in log.read_text(), "the second refusal")
    assert world.ask("/_osf/faults")["faults"][0]["fired"] == 2
    world.ask("/_osf/faults", method="DELETE")
    assert len(world.left()) == 5
    os.kill(run.reaper(), signal.SIGKILL)
    assert world.command("reap", "--dead").returncode == 0
    assert world.left() == []
