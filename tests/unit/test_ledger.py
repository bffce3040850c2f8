"""The ledger: what is in it when its writer dies, who may read it, and what it costs."""

from __future__ import annotations

import multiprocessing
import stat
import time
from pathlib import Path
from typing import Any

import pytest

from pytest_osfutures import ledger as ledgers
from pytest_osfutures.errors import NoRoom
from pytest_osfutures.ledger import Ledger
from pytest_osfutures.stamp import Stamp, new_id

RUN = "00112233aabbccdd"


def stamp() -> Stamp:
    """A stamp of the run."""
    return Stamp(RUN, new_id(), 2_000_000_000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger is."""
    return ledgers.path_of(tmp_path / "state", RUN)


def test_a_row_goes_from_intent_over_bound_to_gone(path: Path) -> None:
    ledger = Ledger(path, RUN)
    assert ledger.join("gw0")
    ledger.test = "test_x.py::test_x"
    record = ledger.record(stamp())
    record.intended("server", "web")
    (row,) = ledger.rows("intent")
    assert (row.kind, row.name, row.id, row.worker, row.test) == (
        "server",
        "web",
        None,
        "gw0",
        "test_x.py::test_x",
    )
    record.bound("4711")
    (row,) = ledger.rows("bound")
    assert row.id == "4711"
    assert row.bound is not None
    record.intended("server", "web")
    (row,) = ledger.rows("intent")
    assert (row.tries, row.id) == (2, None)
    record.bound("4712")
    ledger.gone("volume", "4712")
    assert ledger.left() == 1
    ledger.gone("server", "4712")
    assert ledger.left() == 0
    ledger.close()


def test_what_was_written_is_there_for_others_at_once(path: Path) -> None:
    one, other = Ledger(path, RUN), Ledger(path, RUN)
    one.record(stamp()).intended("volume", None)
    assert [row.kind for row in other.rows()] == ["volume"]
    one.close()
    other.close()


def test_looking_at_all_ledgers_does_no_harm_to_the_own_one(path: Path) -> None:
    ledger = Ledger(path, RUN)
    ledger.join()
    ledger.record(stamp()).intended("volume", None)
    for each in ledgers.ledgers(path.parent):
        each.close()
    context = multiprocessing.get_context("spawn")
    other = context.Process(target=_open_and_close, args=(path,))
    other.start()
    other.join()
    assert path.with_name(f"{RUN}.sqlite-wal").exists()
    assert ledger.left() == 1
    ledger.close()


def _open_and_close(path: Path) -> None:
    ledger = Ledger(path, RUN)
    assert ledger.left() == 1
    ledger.close()


def test_only_the_user_can_read_it(path: Path) -> None:
    ledger = Ledger(path, RUN)
    ledger.join()
    assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    ledger.close()


def test_servers_beyond_the_limit_have_to_wait(path: Path) -> None:
    one, other = Ledger(path, RUN), Ledger(path, RUN)
    one.max_servers = other.max_servers = 2
    first, second, third = one.record(stamp()), other.record(stamp()), other.record(stamp())
    first.intended("server", "a")
    second.intended("server", "b")
    with pytest.raises(NoRoom):
        third.intended("server", "c")
    third.intended("volume", "c")
    second.intended("server", "b")  # the same one once more
    first.gone()
    one.record(stamp()).intended("server", "d")
    one.close()
    other.close()


def test_a_run_that_is_being_cleaned_up_takes_nobody_in(path: Path) -> None:
    one, late = Ledger(path, RUN), Ledger(path, RUN)
    assert one.join()
    assert one.turn(["running"], "reaping")
    assert not one.turn(["running"], "reaping")
    assert not late.join()
    one.close()
    late.close()


def test_what_was_kept_keeps_the_ledger_until_it_expires(path: Path) -> None:
    ledger = Ledger(path, RUN)
    ledger.join()
    for expires in (1, 4_000_000_000):
        record = ledger.record(Stamp(RUN, new_id(), expires))
        record.intended("server", "web")
        record.bound(str(expires))
        ledger.keep("server", str(expires))
    assert not ledger.is_needless()
    ledger.turn(["running"], "ended")
    assert not ledger.is_needless()
    ledger.gone("server", "4000000000")
    assert ledger.is_needless()
    ledger.close()


def test_a_process_is_dead_when_the_kernel_says_so(path: Path) -> None:
    ledger = Ledger(path, RUN)
    ledger.join()
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_join_and_wait, args=(path, there))
    child.start()
    name = here.recv()
    assert ledger.dead() == []
    assert ledger.living() == 2
    child.kill()
    child.join()
    assert ledger.dead() == [name]
    assert ledger.living() == 1
    ledger.close()


def _join_and_wait(path: Path, pipe: Any) -> None:
    ledger = Ledger(path, RUN)
    ledger.join()
    pipe.send(ledger.process)
    multiprocessing.Event().wait()


def test_eight_processes_write_a_resource_in_less_than_a_millisecond(tmp_path: Path) -> None:
    # The best of some, as other work on the same machine is no cost of the ledger.
    assert any(_cost(ledgers.path_of(tmp_path / str(each), RUN)) < 1e-3 for each in range(5))


def _cost(path: Path, count: int = 200, processes: int = 8) -> float:
    """Seconds for each resource, from intent to gone."""
    Ledger(path, RUN).close()
    context = multiprocessing.get_context("spawn")
    ready, go = context.Semaphore(0), context.Event()
    children = [
        context.Process(target=_write, args=(path, count, ready, go)) for _ in range(processes)
    ]
    for child in children:
        child.start()
    for _ in children:
        assert ready.acquire(timeout=60)
    began = time.perf_counter()
    go.set()
    for child in children:
        child.join()
    took = time.perf_counter() - began
    assert [child.exitcode for child in children] == [0] * processes
    ledger = Ledger(path, RUN)
    assert len(ledger.rows("gone")) == count * processes
    ledger.close()
    return took / (count * processes)


def _write(path: Path, count: int, ready: Any, go: Any) -> None:
    ledger = Ledger(path, RUN)
    ready.release()
    go.wait()
    for number in range(count):
        record = ledger.record(stamp())
        record.intended("server", "web")
        record.bound(f"{ledger.process}-{number}")
        record.gone()
    ledger.close()
