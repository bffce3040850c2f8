"""What the cloud tells about resources: as their owner, and as an administrator."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.clock import SystemClock
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.evidence import ResourceEvidence, Target, details_of, gather, lines_of
from pytest_osfutures.evidence import TestEvidence as Whole
from pytest_osfutures.fakecloud.kernel.faults import Fault
from pytest_osfutures.operations import SERVER, VOLUME
from pytest_osfutures.stamp import new_id
from tests.contract.conftest import PATIENCE

#: Seconds for all questions; shared clouds may be slow.
SECONDS = 60.0


def asked(cloud: Cloud, target: Target) -> ResourceEvidence:
    """Return the evidence about one resource."""
    (found,) = gather(cloud.api_client, [target], SystemClock(), SECONDS)
    return found


@pytest.fixture(scope="module")
def broken(cloud: Cloud, image: Any, huge: Any, made: Callable[[Any], Any]) -> Target:
    """Return a server that fits no host."""
    future = cloud.nova.servers.create_async("contract-huge", image.id, huge.id, nics="none")
    with pytest.raises(osf.ObjectCreationError):
        made(future)
    assert future.resource_id is not None
    return Target(SERVER, future.resource_id, "contract-huge")


def test_the_owner_sees_fault_and_failed_event_of_a_failed_build(
    cloud: Cloud, broken: Target
) -> None:
    found = asked(cloud, broken)
    assert (found.exists, found.status) == (True, "ERROR")
    assert found.fault is not None
    assert found.fault["code"] == 500
    assert "No valid host" in found.fault["message"]
    assert details_of(found) == ""
    (action,) = found.actions
    assert action.action == "create"
    assert action.request_id.startswith("req-")
    assert [event.result for event in action.events] == ["Error"]
    (gap,) = found.gaps
    assert gap.startswith("console: the cloud does not show it (")
    assert any("fault 500: No valid host" in line for line in lines_of(Whole(resources=(found,))))


def test_an_administrator_sees_the_details_of_the_fault(admin: Cloud, broken: Target) -> None:
    found = asked(admin, broken)
    assert found.status == "ERROR"
    assert "NoValidHost" in details_of(found)
    assert len(found.actions) == 1


def test_a_healthy_server_has_a_console_and_no_failed_action(cloud: Cloud, vm: Any) -> None:
    found = asked(cloud, Target(SERVER, vm.id, vm.name))
    assert (found.status, found.task_state, found.fault) == ("ACTIVE", None, None)
    assert found.actions == ()
    assert found.console is not None
    assert found.gaps == ()


@pytest.fixture
def nowhere(cloud: Cloud, admin: Cloud) -> Iterator[str | None]:
    """Yield a volume type that no backend offers; the fake is told to let the volume fail."""
    if cloud.fake is not None:
        fault = Fault("error", operation="volume.create", resource="contract-nowhere", count=1)
        cloud.fake.faults.add(fault)
        yield None
        return
    kind = admin.cinder.volume_types.create(f"contract-nowhere-{new_id()}")
    kind.set_keys({"volume_backend_name": "nowhere"})
    yield kind.name
    admin.cinder.volume_types.delete(kind)


def test_a_failed_volume_has_cinders_messages(cloud: Cloud, nowhere: str | None) -> None:
    future = cloud.cinder.volumes.create_async(1, name="contract-nowhere", volume_type=nowhere)
    with pytest.raises(osf.ObjectCreationError):
        future.result(PATIENCE)
    assert future.resource_id is not None
    found = asked(cloud, Target(VOLUME, future.resource_id))
    future.undo().result(PATIENCE)
    assert found.status == "error"
    assert found.messages
    assert found.gaps == ()


def test_a_resource_that_is_gone_does_not_exist(cloud: Cloud) -> None:
    gone = asked(cloud, Target(VOLUME, "00000000-0000-4000-8000-000000000000"))
    assert (gone.exists, gone.gaps) == (False, ())
