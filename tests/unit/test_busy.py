"""What is refused because of what a resource is doing now, and until when it does so."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.busy import is_busy
from pytest_osfutures.capture import Exchange
from pytest_osfutures.operation import Names
from pytest_osfutures.services.kinds import SERVER, SNAPSHOT, VOLUME

from .judging import Judged, done, runs
from .scripted import row


def refused(status: int, text: str) -> Exchange:
    """A request that was answered like that."""
    document = {"badRequest": {"code": status, "message": text}}
    return Exchange("POST", "http://cloud/x", {}, {}, 0.0, status=status, response=document)


@pytest.mark.parametrize(
    ("status", "text", "expected"),
    [
        (409, "Cannot 'start' instance s while it is in task_state powering-off", True),
        (400, "Invalid volume: Volume v status must be available, but ...", True),
        (400, "Invalid volume: volume v status must be 'available'. Currently in 'x'", True),
        (400, "New size for extend must be greater than current size.", False),
        (404, "there is none", False),
        (500, "status must be", False),
    ],
)
def test_what_counts_as_busy(status: int, text: str, expected: bool) -> None:
    assert is_busy(refused(status, text)) is expected


def waiting(operation: str, **names: str) -> Judged:
    """Waiting until what the operation works on is free."""
    case = Judged(operation, **names)
    free = row(operation).until_free(names)
    assert free is not None
    case.watch.operation = free
    return case


def test_a_server_is_free_without_a_task_whatever_its_status() -> None:
    case = waiting("server.start", id="s")
    assert runs(case.server("ACTIVE", "powering-off"))
    assert runs(case.server("BUILD"))
    for status in ("SHUTOFF", "ERROR"):
        assert done(case.server(status))


@pytest.mark.parametrize("status", ["creating", "extending", "retyping", "backing-up", "deleting"])
def test_a_volume_is_free_in_every_status_that_lasts(status: str) -> None:
    case = waiting("volume.extend", id="v", size="2")
    assert runs(case.see(VOLUME, {"status": status}, id="v"))
    for lasting in ("available", "in-use", "error", "error_extending"):
        assert done(case.see(VOLUME, {"status": lasting}, id="v"))


@pytest.mark.parametrize(
    ("operation", "names", "kinds"),
    [
        ("server.attach_volume", {"server": "s", "volume": "v"}, {SERVER, VOLUME}),
        ("server.create_image", {"server": "s"}, {SERVER}),
        ("snapshot.create", {"volume": "v"}, {VOLUME}),
        ("volume.revert_to_snapshot", {"id": "v", "snapshot": "p"}, {VOLUME, SNAPSHOT}),
    ],
)
def test_everything_that_the_operation_works_on_has_to_be_free(
    operation: str, names: Names, kinds: set[Any]
) -> None:
    free = row(operation).until_free(names)
    assert free is not None
    assert {expect.kind for expect in free.expects} == kinds


def test_what_is_only_to_be_made_is_not_waited_for() -> None:
    assert row("volume.create").until_free({}) is None
