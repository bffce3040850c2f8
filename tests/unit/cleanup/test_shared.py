"""Shared resources: creation, dead holders, release, and errors for all holders."""

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
    """Return the path of the ledger."""
    return ledgers.ledger_path(tmp_path, RUN)


@pytest.fixture
def mine(path: Path) -> Iterator[SharedResources]:
    """Return the shared resources as this process uses them."""
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
    """Another process that claims and releases resources on request."""

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
    """Start another process of the run."""
    process = Other(path)
    yield process
    process.kill()


def test_the_first_holder_creates_and_the_last_deletes(mine: SharedResources, other: Other) -> None:
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


def test_the_next_holder_creates_after_a_dead_creator(mine: SharedResources, other: Other) -> None:
    assert other.do("claim", WEB, {}).state == "yours"
    assert mine.claim(WEB, {}).state == "creating"
    other.kill()
    assert mine.claim(WEB, {}).state == "yours"
    assert not mine.others(WEB)


def test_a_resource_outlives_its_dead_creator(mine: SharedResources, other: Other) -> None:
    other.do("claim", WEB, {})
    other.do("create", "4711")
    assert mine.claim(WEB, {}).id == "4711"
    other.kill()
    ledger = mine.ledger
    release_dead_holders(ledger, ledger.dead())  # what the reaper does
    assert ledger.rows("intent", "bound", processes=[other.name]) == []
    assert [row.id for row in mine.release([WEB])] == ["4711"]


def test_a_resource_of_dead_holders_is_the_reapers(mine: SharedResources, other: Other) -> None:
    other.do("claim", WEB, {})
    other.do("create", "4711")
    other.kill()
    ledger = mine.ledger
    assert mine.claim(WEB, {}).state == "yours"
    assert [row.id for row in ledger.rows("bound", processes=[other.name])] == ["4711"]
    assert mine.release([WEB]) == []


def test_a_dead_holder_does_not_count(mine: SharedResources, other: Other) -> None:
    mine.claim(WEB, {})
    _create(mine, "4711")
    other.do("claim", WEB, {})
    other.kill()
    assert [row.id for row in mine.release([WEB])] == ["4711"]


def test_a_kept_resource_is_not_released_for_deletion(mine: SharedResources) -> None:
    mine.claim(WEB, {})
    _create(mine, "4711")
    mine.ledger.keep("server", "4711")
    assert mine.release([WEB]) == []


def test_a_claim_with_other_arguments_is_an_error(mine: SharedResources) -> None:
    mine.claim(WEB, {"image": "a", "flavor": "b"})
    with pytest.raises(
        InvalidArgument, match=r"the shared server web .*before \(flavor, key_name\)"
    ):
        mine.claim(WEB, {"image": "a", "flavor": "c", "key_name": "d"})
    assert mine.claim(WEB, {"flavor": "b", "image": "a"}).state == "creating"


def test_all_holders_get_the_error_of_a_failure(mine: SharedResources, other: Other) -> None:
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


def test_a_clients_exception_becomes_an_operation_error() -> None:
    again = load_error(dump_error(RuntimeError("out of it")))
    assert isinstance(again, OperationFailed)
    assert again.why == "RuntimeError: out of it"


def test_a_ledger_in_memory_has_no_other_holders() -> None:
    holders = SharedResources(Ledger(None, RUN))
    holders.ledger.join()
    assert holders.claim(WEB, {}).state == "yours"
    _create(holders, "4711")
    assert holders.claim(WEB, {}).state == "there"
    assert [row.id for row in holders.release([WEB])] == ["4711"]
    holders.ledger.close()


def test_malformed_columns_of_a_released_row_become_text(mine: SharedResources) -> None:
    mine.claim(WEB, {})
    _create(mine, "4711")
    mine.ledger.write("UPDATE resources SET id = CAST('4711' AS BLOB), expires = 'soon'")
    assert [(row.id, row.expires) for row in mine.release([WEB])] == [("4711", 0)]
