"""The ledger: states, limits, permissions, and processes that die while they write."""

from __future__ import annotations

import multiprocessing
import sqlite3
import stat
import threading
import time
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from pytest_osfutures.cleanup import ledger_files as ledgers
from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.commands.main import main
from pytest_osfutures.errors import InvalidArgument, ServerLimitReached
from pytest_osfutures.stamp import Stamp, new_id

RUN = "00112233aabbccdd"
#: Children of a process that has no threads and has loaded what they need.
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["pytest", "pytest_osfutures.cleanup.ledger"])


def stamp() -> Stamp:
    """Return a new stamp of the run."""
    return Stamp(RUN, new_id(), 2_000_000_000)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of the ledger."""
    return ledgers.ledger_path(tmp_path / "state", RUN)


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


def test_other_processes_see_a_row_at_once(path: Path) -> None:
    one, other = Ledger(path, RUN), Ledger(path, RUN)
    one.record(stamp()).intended("volume", None)
    assert [row.kind for row in other.rows()] == ["volume"]
    one.close()
    other.close()


def test_opening_all_ledgers_keeps_the_own_lock(path: Path) -> None:
    ledger = Ledger(path, RUN)
    ledger.join()
    ledger.record(stamp()).intended("volume", None)
    for each in ledgers.ledgers(path.parent):
        each.close()
    other = CONTEXT.Process(target=_open_and_close, args=(path,))
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
    with pytest.raises(ServerLimitReached):
        third.intended("server", "c")
    third.intended("volume", "c")
    second.intended("server", "b")  # the same one once more
    first.gone()
    one.record(stamp()).intended("server", "d")
    one.close()
    other.close()


def test_no_process_joins_a_run_during_its_cleanup(path: Path) -> None:
    one, late = Ledger(path, RUN), Ledger(path, RUN)
    assert one.join()
    assert one.change_run_state(["running"], "reaping")
    assert not one.change_run_state(["running"], "reaping")
    assert not late.join()
    one.close()
    late.close()


def test_a_ledger_with_kept_resources_stays_until_expiry(path: Path) -> None:
    ledger = Ledger(path, RUN)
    ledger.join()
    for expires in (1, 4_000_000_000):
        record = ledger.record(Stamp(RUN, new_id(), expires))
        record.intended("server", "web")
        record.bound(str(expires))
        ledger.keep("server", str(expires))
    assert not ledger.is_obsolete(time.time())
    ledger.change_run_state(["running"], "ended")
    assert not ledger.is_obsolete(time.time())
    ledger.gone("server", "4000000000")
    assert ledger.is_obsolete(time.time())
    ledger.close()


def test_a_partial_ledger_lies_beside_the_controllers(path: Path) -> None:
    own, part = Ledger(path, RUN), ledgers.ledger_path(path.parent, RUN, "host.example.org")
    apart = Ledger(part, RUN)
    assert (own.is_partial, apart.is_partial) == (False, True)
    assert own.join()
    assert apart.join("gw0")
    assert apart.workers() == ["gw0"]
    found = ledgers.ledgers(path.parent)
    assert [each.run for each in found] == [RUN, RUN]
    record = apart.record(stamp())
    record.intended("server", "web")
    record.bound("4711")
    apart.keep("server", "4711")
    for _ in range(2):
        own.import_row(*apart.rows("kept"))
    assert own.rows() == apart.rows()
    assert apart.leave()
    for each in (own, apart, *found):
        each.close()
    ledgers.remove_ledger(path)
    assert part.exists()


def test_a_process_is_dead_when_its_lock_is_free(path: Path) -> None:
    ledger = Ledger(path, RUN)
    ledger.join()
    here, there = CONTEXT.Pipe()
    child = CONTEXT.Process(target=_join_and_wait, args=(path, there))
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


def test_rows_of_eight_processes_are_all_there(path: Path) -> None:
    Ledger(path, RUN).close()
    children = [CONTEXT.Process(target=_write, args=(path, 50)) for _ in range(8)]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * 8
    ledger = Ledger(path, RUN)
    names = {(row.process, row.name) for row in ledger.rows("gone")}
    assert names == {(str(child.pid), str(number)) for child in children for number in range(50)}
    ledger.close()


def _write(path: Path, count: int) -> None:
    ledger = Ledger(path, RUN)
    for number in range(count):
        record = ledger.record(stamp())
        record.intended("server", str(number))
        record.bound(f"{ledger.process}-{number}")
        record.gone()
    ledger.close()


def test_a_writer_may_be_killed_between_any_two_statements(path: Path) -> None:
    random, known = Random(0), 0
    for _ in range(40):
        hears, says = CONTEXT.Pipe(duplex=False)
        child = CONTEXT.Process(target=_write_and_say, args=(path, says))
        child.start()
        says.close()
        said = [hears.recv() for _ in range(random.randint(1, 60))]
        child.kill()
        child.join()
        with suppress(EOFError):
            while True:
                said.append(hears.recv())
        ledger = Ledger(path, RUN)
        rows = {row.name: row for row in ledger.rows()}
        for name, state in said:  # what it had done when it said so is there
            assert STATES.index(rows[name].state) >= STATES.index(state)
        assert all((row.id is None) == (row.state == "intent") for row in rows.values())
        assert ledger.read("PRAGMA integrity_check") == [("ok",)]
        assert ledger.living() == 0
        assert len(rows) > known
        known = len(rows)
        ledger.close()


STATES = ("intent", "bound", "gone")


def _write_and_say(path: Path, says: Any) -> None:
    ledger = Ledger(path, RUN)
    ledger.join()
    while True:
        mark = stamp()
        record = ledger.record(mark)
        record.intended("server", mark.operation)
        says.send((mark.operation, "intent"))
        record.bound(mark.operation)
        says.send((mark.operation, "bound"))
        record.gone()
        says.send((mark.operation, "gone"))


@pytest.mark.parametrize("command", ["ls", "reap"])
def test_without_a_home_directory_the_error_says_why(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    monkeypatch.setattr("platformdirs.user_state_dir", lambda name: f"~/.local/state/{name}")
    monkeypatch.setattr("pwd.getpwuid", lambda uid: {}[uid])
    monkeypatch.delenv("HOME", raising=False)
    with pytest.raises(InvalidArgument, match=r"no home directory .* with --os-ledger"):
        ledgers.ledger_directory()
    with pytest.raises(InvalidArgument, match="with --os-ledger"):
        ledgers.ledger_directory("~/here")
    assert ledgers.ledger_directory("/here") == Path("/here")
    assert main([command]) == 2
    assert f"osfutures {command}: the user has no home" in capsys.readouterr().err


def _in_a_fork(path: Path, result: Any) -> None:
    """Act as another process of the run, in a forked child."""
    ledger = Ledger(path, RUN)
    ledger.join()
    ledger.record(stamp()).intended("volume", "of child")
    result.put((ledger.processes(), ledger.living(), ledger.left()))
    ledger.close()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of a fork where there are threads
def test_a_fork_has_a_ledger_of_its_own_while_the_parent_writes(path: Path) -> None:
    ledger, fork = Ledger(path, RUN), multiprocessing.get_context("fork")
    ledger.join()
    over, written = threading.Event(), []

    def write() -> None:
        while not over.is_set():
            ledger.note("a step")
            written.append(1)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            result = fork.Queue()
            child = fork.Process(target=_in_a_fork, args=(path, result))
            child.start()
            processes, living, left = result.get(timeout=60)
            child.join()
            assert str(child.pid) in processes
            assert (living, left) == (2, number + 1)
            assert str(child.pid) in ledger.dead()
    finally:
        over.set()
        writer.join()
    assert len(ledger.steps()) == len(written)
    assert len(ledger.rows()) == 5


def test_the_last_process_ends_the_run(path: Path) -> None:
    parent, other = Ledger(path, RUN), CONTEXT.Process(target=_join_and_end, args=(path,))
    parent.join()
    other.start()
    other.join()
    assert other.exitcode == 0
    record = parent.record(stamp())
    record.intended("volume", "disk")
    assert not parent.end_if_last()
    record.gone()
    assert parent.end_if_last()
    assert not Ledger(path, RUN).join()


def _join_and_end(path: Path) -> None:
    ledger = Ledger(path, RUN)
    assert ledger.join()
    assert not ledger.end_if_last(), "the parent lives"


@pytest.mark.parametrize("table", ["run", "resources"])
def test_a_file_with_other_columns_does_not_hide_the_ledgers(path: Path, table: str) -> None:
    Ledger(path, RUN).close()
    other = sqlite3.connect(path.with_name("0000000000000000.sqlite"))
    other.execute(f"CREATE TABLE {table}(operation, state, intended, expires, kind, id)")
    other.execute(f"INSERT INTO {table} VALUES (1, 2, 3, 4, 5, 6)")
    other.commit()
    other.close()
    notes: list[str] = []
    found = ledgers.ledgers(path.parent, notes.append)
    for ledger in found:
        ledger.close()
    assert [ledger.path for ledger in found] == [path]
    (note,) = notes
    assert "has other columns" in note
    assert "osfutures reap --run 0000000000000000" in note
