"""The process of the reaper is started once, and ends with a run that has ended."""

from __future__ import annotations

import gc
import sys
import warnings
from pathlib import Path

import pytest

from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.cleanup.ledger_files import ledger_path, reaper_lock, reaper_log
from pytest_osfutures.cleanup.process_lock import ProcessLock
from pytest_osfutures.cleanup.reaper_process import ReaperError, start_reaper
from tests.unit.cleanup.test_sweep import RUN


@pytest.fixture
def ended(tmp_path: Path) -> Ledger:
    """A ledger of a run that has ended."""
    ledger = Ledger(ledger_path(tmp_path, RUN), RUN)
    ledger.join()
    ledger.change_run_state(["running"], "ended")
    return ledger


def test_a_reaper_is_nobodys_child_and_ends_with_its_run(ended: Ledger) -> None:
    assert ended.path is not None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        start_reaper(ended, "fake", {})
        gc.collect()
    assert [str(each.message) for each in caught] == []
    lock = ProcessLock(reaper_lock(ended.path))
    while not lock.is_free():
        pass
    assert reaper_log(ended.path).read_text() == ""
    assert reaper_log(ended.path).stat().st_mode & 0o777 == 0o600
    ended.close()


def test_a_second_reaper_is_not_started(ended: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    assert ended.path is not None
    lock = ProcessLock(reaper_lock(ended.path))
    assert lock.take()
    monkeypatch.setattr("subprocess.Popen", None)
    start_reaper(ended, "fake", {})
    assert not reaper_log(ended.path).exists()
    lock.release()
    ended.close()


def test_a_reaper_that_does_not_start_is_an_error(
    ended: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.executable", "/bin/false")
    with pytest.raises(ReaperError, match="did not start; see "):
        start_reaper(ended, "fake", {})
    ended.close()


def test_a_reaper_without_a_log_is_an_error(ended: Ledger) -> None:
    assert ended.path is not None
    reaper_log(ended.path).mkdir()
    with pytest.raises(ReaperError, match="cannot write its log: "):
        start_reaper(ended, "fake", {})
    ended.close()


def test_modules_of_a_script_do_not_shadow_those_of_the_standard_library(
    ended: Ledger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("enum", "select", "json"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('shadowed')")
    monkeypatch.setattr("sys.path", [str(tmp_path), *sys.path])
    start_reaper(ended, "fake", {})
    ended.close()
