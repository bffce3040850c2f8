"""What processes share: who creates it, who inherits it, and who is the last."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pytest_osfutures.cleanup import ledger_files as ledgers
from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.cleanup.shared import (
    SharedResources,
    SharedState,
    dump_error,
    load_error,
    release_dead_holders,
)
from pytest_osfutures.errors import (
    Attempt,
    Event,
    InvalidArgument,
    ObjectCreationError,
    OperationDetails,
    OperationFailed,
    StatusSample,
)
from pytest_osfutures.stamp import Stamp, new_id

RUN = "00112233aabbccdd"
WEB = "server web"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger is."""
    return ledgers.ledger_path(tmp_path, RUN)


@pytest.fixture
def mine(path: Path) -> Iterator[SharedResources]:
    """This process's part."""
    ledger = Ledger(path, RUN)
    ledger.join("gw0")
    yield SharedResources(ledger)
    ledger.close()


def _create(holders: SharedResources, ident: str) -> None:
    with holders.creating(WEB):
        record = holders.ledger.record(Stamp(RUN, new_id(), 2_000_000_000))
    record.intended("server", "web")
    record.bound(ident)
    holders.created(WEB, ident)


class Other:
    """Another process that holds what it is told to, until it dies."""

    def __init__(self, path: Path) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, there = context.Pipe()
        self.child = context.Process(target=_serve, args=(path, there))
        self.child.start()
        self.name = self.pipe.recv()

    def do(self, what: str, *args: Any) -> Any:
        """Let it call one of its methods."""
        self.pipe.send((what, args))
        return self.pipe.recv()

    def kill(self) -> None:
        """Let it die like a crashed worker."""
        self.child.kill()
        self.child.join()
        self.pipe.close()


def _serve(path: Path, pipe: Any) -> None:
    ledger = Ledger(path, RUN)
    ledger.join("gw1")
    holders = SharedResources(ledger)
    pipe.send(ledger.process)
    while True:
        what, args = pipe.recv()
        do = partial(_create, holders) if what == "create" else getattr(holders, what)
        pipe.send(do(*args))


@pytest.fixture
def other(path: Path, mine: SharedResources) -> Iterator[Other]:
    """Another process."""
    process = Other(path)
    yield process
    process.kill()


def test_the_first_creates_and_the_last_deletes(mine: SharedResources, other: Other) -> None:
    assert mine.claim(WEB, {}).state == "yours"
    assert other.do("claim", WEB, {}).state == "creating"
    _create(mine, "4711")
    there = SharedState("there", mine.ledger.process, "4711")
    assert other.do("claim", WEB, {}) == mine.claim(WEB, {}) == there
    assert mine.others(WEB)
    assert mine.release([WEB]) == []
    (row,) = mine.ledger.rows("bound")
    assert (row.process, row.worker, row.test) == (other.name, "gw1", "")
    assert [row.id for row in other.do("release", [WEB])] == ["4711"]
    assert mine.claim(WEB, {}).state == "yours"  # the next one is another one


def test_a_dead_creator_hands_the_creation_over(mine: SharedResources, other: Other) -> None:
    assert other.do("claim", WEB, {}).state == "yours"
    assert mine.claim(WEB, {}).state == "creating"
    other.kill()
    assert mine.claim(WEB, {}).state == "yours"
    assert not mine.others(WEB)


def test_what_is_there_outlives_the_one_who_created_it(mine: SharedResources, other: Other) -> None:
    other.do("claim", WEB, {})
    other.do("create", "4711")
    assert mine.claim(WEB, {}).id == "4711"
    other.kill()
    ledger = mine.ledger
    release_dead_holders(ledger, ledger.dead())  # what the reaper does
    assert ledger.rows("intent", "bound", processes=[other.name]) == []
    assert [row.id for row in mine.release([WEB])] == ["4711"]


def test_what_only_the_dead_have_held_is_the_reapers(mine: SharedResources, other: Other) -> None:
    other.do("claim", WEB, {})
    other.do("create", "4711")
    other.kill()
    ledger = mine.ledger
    assert mine.claim(WEB, {}).state == "yours"
    assert [row.id for row in ledger.rows("bound", processes=[other.name])] == ["4711"]
    assert mine.release([WEB]) == []


def test_a_dead_holder_keeps_nothing_alive(mine: SharedResources, other: Other) -> None:
    mine.claim(WEB, {})
    _create(mine, "4711")
    other.do("claim", WEB, {})
    other.kill()
    assert [row.id for row in mine.release([WEB])] == ["4711"]


def test_what_is_kept_is_not_to_be_deleted(mine: SharedResources) -> None:
    mine.claim(WEB, {})
    _create(mine, "4711")
    mine.ledger.keep("server", "4711")
    assert mine.release([WEB]) == []


def test_other_arguments_are_bad_input(mine: SharedResources) -> None:
    mine.claim(WEB, {"image": "a", "flavor": "b"})
    with pytest.raises(
        InvalidArgument, match=r"the shared server web .*before \(flavor, key_name\)"
    ):
        mine.claim(WEB, {"image": "a", "flavor": "c", "key_name": "d"})
    assert mine.claim(WEB, {"flavor": "b", "image": "a"}).state == "creating"


def test_a_failure_is_everybodys(mine: SharedResources, other: Other) -> None:
    other.do("claim", WEB, {})
    mine.claim(WEB, {})
    details = OperationDetails(
        operation="server.create",
        resource_id="4711",
        fault={"message": "No valid host", "code": 500},
        events=(Event("schedule", "Error"),),
        messages=("full",),
        history=(StatusSample(1.0, "BUILD", "scheduling"), StatusSample(2.0, "ERROR")),
        attempts=(Attempt(1, "4710", 3.0, "No valid host"),),
    )
    error = ObjectCreationError("No valid host", details)
    other.do("failed", WEB, error)
    seen = mine.claim(WEB, {})
    assert seen.state == "failed"
    assert seen.error is not None
    again = load_error(seen.error)
    assert (type(again), again.why, again.details) == (
        ObjectCreationError,
        "No valid host",
        details,
    )


def test_an_error_of_a_client_is_told_in_words() -> None:
    again = load_error(dump_error(RuntimeError("out of it")))
    assert isinstance(again, OperationFailed)
    assert again.why == "RuntimeError: out of it"


def test_without_a_file_there_is_nobody_else() -> None:
    holders = SharedResources(Ledger(None, RUN))
    holders.ledger.join()
    assert holders.claim(WEB, {}).state == "yours"
    _create(holders, "4711")
    assert holders.claim(WEB, {}).state == "there"
    assert [row.id for row in holders.release([WEB])] == ["4711"]
    holders.ledger.close()
