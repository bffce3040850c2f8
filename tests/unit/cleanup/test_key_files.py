"""The files of private keys that a killed run has left."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_osfutures.cleanup.key_files import KeyFiles, remove_key_files
from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.cleanup.ledger_files import key_directory, remove_ledger
from pytest_osfutures.operations import KEYPAIR, SERVER
from pytest_osfutures.stamp import Stamp, new_id

RUN = "0123456789abcdef"


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / f"{RUN}.sqlite", RUN)
    yield ledger
    ledger.close()


def add(ledger: Ledger, keys: KeyFiles, name: str) -> tuple[str, Path]:
    """Add a keypair with its file; return the operation and the path."""
    stamp = Stamp(RUN, new_id(), 4_000_000_000)
    record = ledger.record(stamp)
    record.intended(KEYPAIR.name, name)
    path = keys.write(name, stamp.operation, "secret\n")
    record.bound(name)
    return stamp.operation, path


def test_files_of_keypairs_that_are_gone_are_deleted(ledger: Ledger) -> None:
    keys = KeyFiles(ledger)
    gone, path = add(ledger, keys, "gone")
    _, alive = add(ledger, keys, "alive")
    remove_key_files(ledger)
    assert path.read_text() == "secret\n"
    ledger.set_state(gone, "gone")
    remove_key_files(ledger)
    assert [each.exists() for each in (path, alive)] == [False, True]


def test_the_file_of_a_kept_server_stays_until_the_ledger_goes(ledger: Ledger) -> None:
    operation, path = add(ledger, KeyFiles(ledger), "laptop")
    record = ledger.record(Stamp(RUN, new_id(), 4_000_000_000))
    record.intended(SERVER.name, "web")
    record.bound("4711")
    ledger.keep(SERVER.name, "4711", f"ssh -i {path} cirros@10.0.0.1")
    ledger.set_state(operation, "gone")
    remove_key_files(ledger)
    assert path.exists()
    assert ledger.rows("kept")[0].note == f"ssh -i {path} cirros@10.0.0.1"
    assert ledger.path is not None
    ledger.close()
    remove_ledger(ledger.path)
    assert not key_directory(ledger.path).exists()


def test_the_last_file_takes_the_directory_along(ledger: Ledger) -> None:
    first, second = KeyFiles(ledger), KeyFiles(ledger)  # of two workers
    _, path = add(ledger, first, "one")
    _, other = add(ledger, second, "two")
    first.close()
    assert [path.exists(), other.exists()] == [False, True]
    second.keep("two")
    second.close()
    assert other.exists()
    assert add(ledger, first, "three")[1].exists()
    first.close()
    other.unlink()
    first.close()
    assert not other.parent.exists()
    first.close()


def test_files_beside_a_ledger_in_memory_are_temporary() -> None:
    keys = KeyFiles(Ledger(None, RUN))
    path = keys.write("laptop", new_id(), "secret")
    keys.keep("laptop")
    remove_key_files(Ledger(None, RUN))
    assert path.exists()
    keys.close()
    assert not path.parent.exists()
