"""The reaper cleans up, and notes its steps, although the ledger is damaged or lost."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_osfutures.cleanup import ledger_files as ledgers
from pytest_osfutures.cleanup.cleanups import (
    IN_FLIGHT_SECONDS,
    REFUSED_LOGIN_PAUSES,
    clean_up_by_stamp,
    stamps_of_run,
)
from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.cleanup.reaper import InterruptibleClock, ReaperLog, ReaperLoop
from pytest_osfutures.cleanup.sweep import SweepContext
from pytest_osfutures.clock import ManualClock, SystemClock
from pytest_osfutures.fakecloud import Fault
from tests.unit.cleanup.test_sweep import OTHER, RUN, World, stamp

HOLD = """
import sys
from pathlib import Path
from pytest_osfutures.cleanup.process_lock import ProcessLock
assert ProcessLock(Path(sys.argv[1])).take()
print("held", flush=True)
sys.stdin.read()
"""


class Scene:
    """A run with simulated processes, and its reaper, whose checks the test calls."""

    def __init__(self, place: Path) -> None:
        self.world = World()
        self.path = ledgers.ledger_path(place / "ledgers", RUN)
        self.world.ledger.close()
        self.world.ledger = self.ledger = Ledger(self.path, RUN)
        self.ledger.process = "1"
        self.ledger.join()
        self.ledger.close()  # the process is dead from now on
        self.world.ledger = self.ledger = Ledger(self.path, RUN)
        self.said: list[str] = []
        self.living: dict[str, subprocess.Popen[str]] = {}

    def loop(self) -> ReaperLoop:
        """Return the run's reaper, which has read the ledger once."""
        order = {"cloud": "fake", "configuration": {}}
        api_client = self.world.api_client
        return ReaperLoop(
            self.path, order, self.said.append, lambda _: api_client, self.world.clock
        )

    def live(self, name: str) -> None:
        """Let a process take its lock."""
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(self.ledger.lock_path(name))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        self.living[name] = process
        self.join(name)

    def join(self, name: str) -> None:
        """Add a process to the ledger."""
        self.ledger.write("INSERT OR REPLACE INTO processes VALUES (?, '', 0)", (name,))

    def die(self, name: str) -> None:
        """Release the lock of a process, as its death does."""
        process = self.living.pop(name)
        process.communicate()

    def server(self, process: str = "1", run: str = RUN) -> str:
        """Create a server of a process, with its row; return its id."""
        mark = stamp(run)
        ident = self.world.server(mark.metadata())
        if run == RUN:
            self.ledger.process = process
            self.world.noted("server", mark, ident)
        return ident

    def end(self) -> None:
        """Release all locks and close the ledger."""
        for name in list(self.living):
            self.die(name)
        self.ledger.close()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    """Return a run whose first process is dead."""
    made = Scene(tmp_path)
    yield made
    made.end()


def overwrite(scene: Scene) -> None:
    scene.ledger.close()
    for path in scene.path.parent.glob(f"{RUN}.sqlite*"):
        path.write_bytes(b"garbage " * 2000)


def truncate(scene: Scene) -> None:
    scene.ledger.close()
    for path in scene.path.parent.glob(f"{RUN}.sqlite*"):
        os.truncate(path, 0)


def damage_a_part(scene: Scene) -> None:
    scene.ledger.write("PRAGMA wal_checkpoint(TRUNCATE)")
    with scene.path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (scene.path.stat().st_size - 4096))


def forget_the_run(scene: Scene) -> None:
    scene.ledger.write("DELETE FROM run")


def drop_a_table(scene: Scene) -> None:
    scene.ledger.write("DROP TABLE resources")


@pytest.mark.parametrize("harm", [overwrite, truncate, damage_a_part, forget_the_run, drop_a_table])
@pytest.mark.parametrize("before", [True, False])
def test_a_run_with_a_lost_ledger_is_cleaned_up(
    scene: Scene, harm: Callable[[Scene], None], before: bool
) -> None:
    """The reaper's earlier readings of the ledger still count."""
    scene.server()
    kept = scene.server()
    scene.ledger.keep("server", kept)
    foreign = scene.server(run=OTHER)
    loop = scene.loop() if before else None
    harm(scene)
    loop = loop or scene.loop()
    assert loop.check()
    assert scene.world.left() == ({foreign, kept} if before else {foreign})
    lost = [line for line in scene.said if "going by locks, and by the stamps in" in line]
    assert len(lost) == (0 if harm is drop_a_table and not before else 1)
    assert scene.said[-1] == "all of it is gone"


@pytest.mark.parametrize(("lost", "deleted"), [(True, False), (False, True)])
def test_with_os_keep_a_lost_ledger_means_that_nothing_is_deleted(
    scene: Scene, lost: bool, deleted: bool
) -> None:
    server = scene.server()
    loop = scene.loop()
    loop.settings["keep"] = "failed"
    if lost:
        overwrite(scene)
    assert loop.check()
    assert scene.world.left() == (set() if deleted else {server})
    assert ("--os-keep=failed" in scene.said[-1]) is lost


def test_a_deleted_ledger_spares_living_processes(scene: Scene) -> None:
    scene.live("2")
    alive = scene.server("2")
    loop = scene.loop()
    assert not loop.check()
    for path in scene.path.parent.iterdir():
        path.unlink()
    assert not loop.check()
    assert scene.world.left() == {alive}
    assert any("was deleted; going on with what it said" in line for line in scene.said)
    scene.die("2")
    assert loop.check()
    assert scene.world.left() == set()


def test_a_damaged_ledger_spares_living_processes(scene: Scene) -> None:
    scene.live("2")
    alive = scene.server("2")
    loop = scene.loop()
    overwrite(scene)
    assert not loop.check()
    assert scene.world.left() == {alive}
    scene.die("2")
    assert loop.check()
    assert scene.world.left() == set()


def test_a_run_on_a_full_disk_is_cleaned_up(scene: Scene) -> None:
    scene.server()
    kept = scene.server()
    scene.ledger.keep("server", kept)
    loop = scene.loop()
    assert loop.ledger is not None
    loop.ledger.write("PRAGMA query_only = 1")  # whatever is written fails
    assert loop.check()
    assert scene.world.left() == {kept}
    assert any("cannot be used: attempt to write" in line for line in scene.said)


ODD = [
    "UPDATE processes SET name = '../../elsewhere'",
    "UPDATE processes SET name = NULL",
    "UPDATE processes SET name = x'00ff'",
    "UPDATE resources SET process = 'no such one', name = x'ff', test = NULL, worker = NULL",
    "UPDATE resources SET intended = NULL, expires = NULL, tries = 'three', state = 'bound'",
    "UPDATE resources SET intended = 'noon', expires = 9e999, bound = 'x'",
    "UPDATE resources SET kind = NULL",
    "UPDATE resources SET kind = 'spaceship'",
    "UPDATE resources SET operation = NULL",
    "UPDATE resources SET id = NULL",
    "UPDATE resources SET id = '../images/x'",
    "UPDATE run SET started = 'yesterday', host = NULL, cloud = x'ff'",
]


@pytest.mark.parametrize("sql", ODD)
def test_a_run_with_malformed_rows_is_cleaned_up(scene: Scene, sql: str) -> None:
    scene.server()
    scene.ledger.write(sql)
    assert scene.loop().check()
    assert scene.world.left() == set()
    assert scene.said[-1] == "all of it is gone"


def test_a_lost_partial_ledger_limits_the_cleanup(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.ledger.close()
    scene.path = ledgers.ledger_path(tmp_path / "ledgers", RUN, "host")
    scene.world.ledger = scene.ledger = Ledger(scene.path, RUN)
    scene.ledger.join()
    scene.server()
    others = scene.world.server(stamp().metadata())
    loop = scene.loop()
    assert loop.ledger is not None
    loop.ledger.write("PRAGMA query_only = 1")
    scene.ledger.close()
    assert loop.check()
    assert scene.world.left() == {others}
    scene.end()


def test_a_lost_partial_ledger_spares_operations_with_a_kept_server(tmp_path: Path) -> None:
    scene = Scene(tmp_path)
    scene.ledger.close()
    scene.path = ledgers.ledger_path(tmp_path / "ledgers", RUN, "host")
    scene.world.ledger = scene.ledger = Ledger(scene.path, RUN)
    scene.ledger.join()
    mark = stamp()
    two = [scene.world.server(mark.metadata()) for _ in range(2)]
    record = scene.ledger.record(mark)
    record.intended("server", "web", 2)
    record.bound(*two)
    scene.ledger.write("UPDATE resources SET state = 'kept' WHERE id = ?", (two[0],))
    loop = scene.loop()
    assert loop.ledger is not None
    loop.ledger.write("PRAGMA query_only = 1")
    scene.ledger.close()
    assert loop.check()
    assert scene.world.left() == set(two)  # by the stamp alone nobody knows which one is kept
    scene.end()


def test_no_cleanup_waits_for_another(scene: Scene) -> None:
    """An undeletable resource of one process delays neither another process nor the end."""
    stuck = scene.server("1")
    scene.world.cloud.faults.add(Fault("status", method="DELETE", path=f"/servers/{stuck}"))
    scene.live("2")
    scene.live("3")
    second, third = scene.server("2"), scene.server("3")
    loop = scene.loop()
    assert not loop.check()
    scene.die("2")
    assert not loop.check()
    wait_until(lambda: second not in scene.world.left(), scene.world)
    assert scene.world.left() == {stuck, third}
    scene.world.cloud.faults.clear()
    scene.die("3")
    assert loop.check()
    assert scene.world.left() == set()
    for thread in threading.enumerate():
        if thread.name == "osfutures-reaper":
            thread.join(30)


def wait_until(happened: Callable[[], Any], world: World) -> None:
    """Advance the fake's clock until a condition of the reaper's threads holds."""
    for _ in range(600):
        if happened():
            return
        world.clock.advance(1)
        threading.Event().wait(0.05)
    raise AssertionError("not within 30 s")


@pytest.mark.parametrize("has_rows", [True, False])  # else only the stamps are looked for
def test_refused_credentials_are_tried_four_times(scene: Scene, has_rows: bool) -> None:
    world = scene.world
    if has_rows:
        scene.server()
    session = world.api_client.session
    asked = []

    def refuse(*_: Any, **__: Any) -> Any:
        from keystoneauth1.exceptions import Unauthorized
        from requests import Response

        asked.append(world.clock.now())
        answer = Response()
        answer.status_code = 401
        words = "The account is locked"
        answer._content = f'{{"error": {{"message": "{words}", "title": "Unauthorized"}}}}'.encode()
        raise Unauthorized("The account is locked", response=answer)

    session.request = refuse
    assert scene.loop().check()
    assert [later - sooner for sooner, later in itertools.pairwise(asked)] == [
        *REFUSED_LOGIN_PAUSES
    ]
    assert "The account is locked (HTTP 401); not tried again" in "\n".join(scene.said)
    assert "osfutures reap --os-cloud fake --run" in scene.said[-1]


def test_a_cleanup_by_stamp_waits_for_requests_in_flight(scene: Scene) -> None:
    world = scene.world
    late: list[str] = []

    class Meanwhile(ManualClock):
        """A request takes effect some time after its sender's death."""

        def now(self) -> float:
            return world.clock.now()

        def sleep(self, seconds: float) -> None:
            world.clock.sleep(seconds)
            if not late and world.clock.now() > began + IN_FLIGHT_SECONDS / 2:
                late.append(world.server(stamp().metadata()))

    began = world.clock.now()
    assert clean_up_by_stamp(
        SweepContext(world.api_client, Meanwhile(), scene.said.append), stamps_of_run(RUN, ())
    )
    assert late
    assert world.left() == set()


def test_lines_of_an_unwritable_log_are_kept(tmp_path: Path) -> None:
    path, elsewhere = tmp_path / "run.log", tmp_path / "elsewhere.log"
    path.symlink_to("/dev/full")
    log = ReaperLog(path, elsewhere)
    log("first")
    assert elsewhere.read_text().endswith(" first\n")
    path.unlink()
    log("second")
    assert [line.split()[-1] for line in path.read_text().splitlines()] == ["first", "second"]
    assert path.stat().st_mode & 0o777 == 0o600


def test_an_interruptible_sleep_ends_with_the_event() -> None:
    from pytest_osfutures.cleanup.reaper import SupersededError

    event = threading.Event()
    event.set()
    clock = InterruptibleClock(event)
    assert clock.now() <= SystemClock().now()
    with pytest.raises(SupersededError):
        clock.sleep(3600)
