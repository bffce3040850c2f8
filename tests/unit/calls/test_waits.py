"""Requests that a busy resource refuses, and the wait until the resource is idle."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.calls.start import start_once
from pytest_osfutures.calls.undo import BUSY_TIMEOUT
from pytest_osfutures.operations.model import Variables
from pytest_osfutures.operations.resource_types import SERVER, SNAPSHOT, VOLUME
from pytest_osfutures.policy import Retry
from pytest_osfutures.transport.capture import Exchange
from tests.unit.api import NOVA, Fault, answer
from tests.unit.judging import Judged, done, runs
from tests.unit.scripted import row
from tests.unit.stepped import Cloud


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
def test_refusals_of_busy_resources_are_recognised(status: int, text: str, expected: bool) -> None:
    assert refused(status, text).busy is expected


def waiting(operation: str, **variables: str) -> Judged:
    """Wait until the resource of the operation is idle."""
    case = Judged(operation, **variables)
    free = row(operation).until_idle(variables)
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
    ("operation", "variables", "kinds"),
    [
        ("server.attach_volume", {"server": "s", "volume": "v"}, {SERVER, VOLUME}),
        ("server.create_image", {"server": "s"}, {SERVER}),
        ("snapshot.create", {"volume": "v"}, {VOLUME}),
        ("volume.revert_to_snapshot", {"id": "v", "snapshot": "p"}, {VOLUME, SNAPSHOT}),
    ],
)
def test_everything_that_the_operation_works_on_has_to_be_free(
    operation: str, variables: Variables, kinds: set[Any]
) -> None:
    free = row(operation).until_idle(variables)
    assert free is not None
    assert {expect.type for expect in free.expects} == kinds


def test_a_resource_to_be_created_is_not_waited_for() -> None:
    assert row("volume.create").until_idle({}) is None


def busy_until(cloud: Cloud, seconds: float) -> Fault:
    """Refused until then, in Nova's words."""
    text = "Cannot do it while the instance is in task_state spawning"
    refusal = {"conflictingRequest": {"code": 409, "message": text}}
    return lambda proceed: answer(409, refusal) if cloud.clock.now() < seconds else proceed()


@pytest.mark.parametrize(("tout", "again"), [(300.0, 100.0), (20.0, 20.0)])
def test_a_call_is_made_again_when_its_server_is_free_or_its_try_is_over(
    tout: float, again: float
) -> None:
    cloud = Cloud()
    cloud.api.building = 100.0
    start_once(cloud.context, cloud.create)
    path = "/compute/v2.1/servers/server-1/action"
    cloud.api.fault("POST", path, *[busy_until(cloud, 100)] * 9)

    def stop() -> Any:
        url = f"{NOVA}/servers/server-1/action"
        return cloud.context.api_client.session.post(url, json={"os-stop": None})

    start_retried(cloud.context, stop, Retry(5, backoff=0.0), tout)
    assert cloud.engine.run_until(lambda: cloud.api.count("POST", path) == 2, 200)
    assert again <= cloud.clock.now() <= again + 10


@pytest.mark.parametrize(("building", "again"), [(40.0, 40.0), (500.0, BUSY_TIMEOUT)])
def test_an_undo_waits_for_a_busy_resource_for_a_while(building: float, again: float) -> None:
    cloud = Cloud()
    cloud.api.building = building
    future = start_once(cloud.context, cloud.create)
    path = "/compute/v2.1/servers/server-1"
    cloud.api.fault("DELETE", path, *[busy_until(cloud, building)] * 9)
    future.undo()
    assert cloud.engine.run_until(lambda: cloud.api.count("DELETE", path) == 2, 200)
    assert again <= cloud.clock.now() <= again + 10
