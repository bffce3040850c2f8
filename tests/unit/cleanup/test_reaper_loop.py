"""The reaper's loop notes each trouble once, reads a replaced ledger, and goes on."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.fakecloud import Fault
from tests.unit.cleanup.test_reaper import Scene, scene
from tests.unit.cleanup.test_sweep import RUN

__all__ = ["scene"]  # the fixture


def test_the_loop_notes_an_error_once_and_checks_again(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = scene.loop()
    results: list[object] = [OSError("no space"), OSError("no space"), False, True]
    pauses: list[float] = []

    def look() -> bool:
        result = results.pop(0)
        if isinstance(result, OSError):
            raise result
        return bool(result)

    monkeypatch.setattr(loop, "check", look)
    monkeypatch.setattr(loop.clock, "sleep", pauses.append)
    loop.run_until_done()
    assert scene.said == ["OSError: no space; looking again"]
    assert pauses == [1.0] * 4
    assert results == []


def test_an_existing_ledger_is_not_reported_as_deleted(scene: Scene) -> None:
    scene.live("2")
    loop = scene.loop()
    assert not loop.check()
    assert scene.said == []


def test_nothing_is_logged_after_the_run_has_removed_its_log(scene: Scene) -> None:
    """A clean-up of one process may notice the end of a resource together with the run itself."""
    scene.live("2")
    loop = scene.loop()
    loop.note("before")
    scene.ledger.change_run_state(["running"], "ended")
    for path in scene.path.parent.glob(f"{RUN}.sqlite*"):
        path.unlink()
    loop.note("all of it is gone")
    assert scene.said == ["before"]
    assert loop.check()


def test_a_replaced_ledger_is_read(scene: Scene) -> None:
    """A restored ledger may have processes that joined after the old file was deleted."""
    scene.live("2")
    loop = scene.loop()
    old = replace_ledger(scene)
    scene.join("2")
    scene.live("3")
    assert not loop.check()
    assert set(loop.joined) == {"1", "2", "3"}
    scene.die("2")
    alive = scene.server("3")
    assert not loop.check()
    assert scene.world.left() == {alive}
    old.unlink()


def replace_ledger(scene: Scene) -> Path:
    """Replace the ledger by a new one; the old file keeps its inode under another name."""
    scene.ledger.close()
    for path in scene.path.parent.glob(f"{RUN}.sqlite*"):
        path.rename(path.with_name(f"old-{path.name}"))
    scene.world.ledger = scene.ledger = Ledger(scene.path, RUN)
    scene.ledger.process = "1"
    scene.ledger.join()
    scene.ledger.close()  # which frees the lock of process 1: it stays dead
    scene.world.ledger = scene.ledger = Ledger(scene.path, RUN)
    return scene.path.with_name(f"old-{scene.path.name}")


def test_the_end_of_a_run_interrupts_other_cleanups(scene: Scene) -> None:
    scene.live("2")
    loop = scene.loop()
    assert not loop.check()
    assert not loop.whole_run.is_set()
    scene.die("2")
    assert loop.check()
    assert loop.whole_run.is_set()


def test_a_full_disk_delays_the_cleanup_of_a_process(scene: Scene) -> None:
    left = scene.server("1")
    scene.live("2")
    loop = scene.loop()
    assert loop.ledger is not None
    loop.ledger.write("PRAGMA query_only = 1")  # each change of the ledger fails
    assert not loop.check()
    assert scene.world.left() == {left}
    assert any(
        line.endswith("what 1 have left waits for the end of the run") for line in scene.said
    )
    scene.die("2")
    assert loop.check()
    assert scene.world.left() == set()


@pytest.mark.parametrize(("refuses", "state"), [(False, "reaped"), (True, "reaping")])
def test_a_run_counts_as_reaped_only_if_all_its_resources_are_gone(
    scene: Scene, refuses: bool, state: str
) -> None:
    left = {scene.server("1")}
    if refuses:
        scene.world.cloud.faults.add(Fault("status", method="DELETE", path="servers", status=409))
    assert scene.loop().check()
    assert scene.world.left() == (left if refuses else set())
    run = scene.ledger.info()
    assert run is not None
    assert run.state == state
    assert scene.said[0] == f"run {RUN}: all its processes died; 1 resources may be left"
