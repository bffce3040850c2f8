"""Who is refused for a quota waits for what the other processes of the run have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from pytest_osfutures.attempts import start_retried
from pytest_osfutures.errors import QuotaExceeded
from pytest_osfutures.holders import Holders
from pytest_osfutures.ledger import Ledger
from pytest_osfutures.record import Record
from pytest_osfutures.stamp import Stamp, new_id

from .api import Fault, answer
from .stepped import POST, Cloud

WORDS = "Quota exceeded for instances: Requested 1"
OVER: Fault = lambda _: answer(403, {"forbidden": {"message": WORDS, "code": 403}})  # noqa: E731


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the ledger is."""
    return tmp_path / "run.sqlite"


@pytest.fixture
def other(path: Path) -> Iterator[Ledger]:
    """The ledger as another process has it."""
    ledger = Ledger(path, "run")
    ledger.process = "another"
    yield ledger
    ledger.close()


@pytest.fixture
def cloud(path: Path, other: Ledger) -> Iterator[Cloud]:
    """A cloud whose clients write to the ledger."""
    made = Cloud()
    ledger = Ledger(path, "run")
    made.binding = replace(made.binding, ledger=ledger)
    yield made
    ledger.close()


def _make(ledger: Ledger, kind: str, ident: str | None = "4711") -> Record:
    record = ledger.record(Stamp("run", new_id(), 2_000_000_000))
    record.intended(kind, None)
    if ident is not None:
        record.bound(ident)
    return record


def test_it_costs_no_try_until_the_others_have_made_room(cloud: Cloud, other: Ledger) -> None:
    theirs = _make(other, "server")
    cloud.api.fault("POST", "/servers", *[OVER] * 50)
    future = start_retried(cloud.binding, cloud.create, 1)
    assert not cloud.engine.run_until(future.done, 60.0)
    asked = cloud.api.count(*POST)
    assert 10 < asked < 45
    cloud.api.faults.clear()
    theirs.gone()
    cloud.run(future)
    assert future.result()["status"] == "ACTIVE"
    assert future.attempts == ()
    assert cloud.api.count(*POST) == asked + 1


def test_it_ends_at_the_deadline_with_the_words_of_the_cloud(cloud: Cloud, other: Ledger) -> None:
    _make(other, "server")
    cloud.api.fault("POST", "/servers", *[OVER] * 500)
    future = start_retried(cloud.binding, cloud.create, 3, 30.0)
    cloud.run(future, 40.0)
    with pytest.raises(QuotaExceeded, match=WORDS):
        future.result()


@pytest.mark.parametrize("kind", ["volume", "server"])
def test_what_makes_no_room_is_not_waited_for(cloud: Cloud, other: Ledger, kind: str) -> None:
    _make(other, kind, None if kind == "server" else "4711")
    cloud.api.fault("POST", "/servers", *[OVER] * 500)
    future = start_retried(cloud.binding, cloud.create, 2)
    cloud.run(future, 10.0)
    with pytest.raises(QuotaExceeded, match=WORDS):
        future.result()
    assert len(future.attempts) == 2


def test_volumes_and_snapshots_have_one_quota(cloud: Cloud, other: Ledger) -> None:
    assert isinstance(cloud.binding.ledger, Ledger)
    mine = _make(cloud.binding.ledger, "volume", None)
    assert not mine.others()
    _make(other, "server")
    assert not mine.others()
    _make(other, "snapshot")
    assert mine.others()


def test_what_is_shared_with_the_others_makes_no_room(cloud: Cloud, other: Ledger) -> None:
    assert isinstance(cloud.binding.ledger, Ledger)
    mine, theirs = Holders(cloud.binding.ledger), Holders(other)
    for ledger in (cloud.binding.ledger, other):
        ledger.write("INSERT INTO processes VALUES (?, '', 0)", (ledger.process,))
    theirs.claim("server web", {})
    with theirs.creating("server web"):
        _make(other, "server")
    theirs.created("server web", "4711")
    record = _make(cloud.binding.ledger, "server", None)
    assert record.others()
    mine.claim("server web", {})
    assert not record.others()
