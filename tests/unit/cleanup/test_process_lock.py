"""Process locks show which processes live; without working locks no process is dead."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_osfutures.cleanup import ledger_files as ledgers
from pytest_osfutures.cleanup import process_lock as locks
from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.cleanup.process_lock import LockView, ProcessLock
from pytest_osfutures.cleanup.recovery import dead_runs
from pytest_osfutures.commands.known_runs import read_ledgers
from pytest_osfutures.stamp import Stamp

RUN = "00112233aabbccdd"


@pytest.fixture
def lying(monkeypatch: pytest.MonkeyPatch) -> None:
    """Simulate a file system on which every process gets every lock."""
    monkeypatch.setattr(locks, "_lock", lambda file: bool(file))


def test_another_process_sees_a_lock(tmp_path: Path) -> None:
    lock = ProcessLock(tmp_path / "lock")
    assert lock.take()
    assert lock.is_seen()
    lock.release()


def test_a_lock_without_effect_is_noticed(tmp_path: Path, lying: None) -> None:
    del lying
    lock = ProcessLock(tmp_path / "lock")
    assert lock.take()
    assert not lock.is_seen()
    lock.release()


def test_without_working_locks_no_process_is_dead(tmp_path: Path, lying: None) -> None:
    del lying
    ledger = Ledger(ledgers.ledger_path(tmp_path, RUN), RUN)
    ledger.join()
    ledger.describe("devstack", "http://cloud/v3", "4711")
    assert not ledger.check_lock()
    ledger.record(Stamp(RUN, "0" * 16, 4_000_000_000)).intended("volume", None)
    ledger.close()  # the process has died
    other = Ledger(ledgers.ledger_path(tmp_path, RUN), RUN)
    assert not other.locks_hold
    assert other.dead() == []
    assert other.living() == 1
    assert dead_runs(tmp_path, "http://cloud/v3", "4711") == []
    known = read_ledgers(tmp_path)
    assert known.states == {RUN: "unknown here"}
    assert known.where[RUN].startswith("file locks do not hold beside ")
    began = other.info()
    assert began is not None
    assert not other.is_obsolete(began.started + 3 * 86400)
    assert other.is_obsolete(4_000_000_000 + 2 * 86400.0)
    other.close()


def test_with_working_locks_dead_runs_are_found(tmp_path: Path) -> None:
    ledger = Ledger(ledgers.ledger_path(tmp_path, RUN), RUN)
    ledger.join()
    ledger.describe("devstack", "http://cloud/v3/", "4711")
    assert ledger.check_lock()
    assert ledgers.living_runs(tmp_path) == {RUN}
    assert read_ledgers(tmp_path).states == {RUN: "alive"}
    ledger.close()
    assert ledgers.living_runs(tmp_path) == set()
    assert read_ledgers(tmp_path).states == {RUN: "dead"}
    for url, project, runs in (("http://cloud/v3", "4711", ()), ("x", "y", (RUN,))):
        (dead,) = dead_runs(tmp_path, url, project, runs=runs)
        dead.close()
    assert dead_runs(tmp_path, "x", "y") == []


def test_a_run_of_another_host_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ledger = Ledger(ledgers.ledger_path(tmp_path, RUN), RUN)
    ledger.join()
    ledger.close()
    monkeypatch.setattr("socket.gethostname", lambda: "elsewhere")
    known = read_ledgers(tmp_path)
    assert known.states == {RUN: "unknown here"}
    assert known.where[RUN].startswith("its run is of host ")


def test_a_lock_on_a_deleted_file_is_still_held(tmp_path: Path) -> None:
    """A view follows the open file, not the name."""
    view = LockView(tmp_path / "none")
    assert view.is_free()
    (tmp_path / "directory").mkdir()
    assert not LockView(tmp_path / "directory").is_free()
