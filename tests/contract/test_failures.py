"""Operations that the fake lets fail: each future fails long before its deadline."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.fakecloud.kernel.faults import Fault
from tests.contract.conftest import PATIENCE, image_of

pytestmark = pytest.mark.only_fake("a cloud that others use cannot be told to fail")
Start = Callable[[Cloud, Any], Any]

#: By test id: the fake's name of the operation, the call, and the calls that prepare it.
ON_SERVERS: dict[str, tuple[str, Start, tuple[Start, ...]]] = {
    "start": ("server.start", lambda _, vm: vm.start_async(), (lambda _, vm: vm.stop_async(),)),
    "stop": ("server.stop", lambda _, vm: vm.stop_async(), ()),
    "pause": ("server.pause", lambda _, vm: vm.pause_async(), ()),
    "unpause": (
        "server.unpause",
        lambda _, vm: vm.unpause_async(),
        (lambda _, vm: vm.pause_async(),),
    ),
    "suspend": ("server.suspend", lambda _, vm: vm.suspend_async(), ()),
    "resume": (
        "server.resume",
        lambda _, vm: vm.resume_async(),
        (lambda _, vm: vm.suspend_async(),),
    ),
    "rescue": ("server.rescue", lambda _, vm: vm.rescue_async(), ()),
    "resize": ("server.resize", lambda c, vm: vm.resize_async(bigger(c, vm)), ()),
    "shelve": ("server.shelve", lambda _, vm: vm.shelve_async(), ()),
    "unshelve": (
        "server.unshelve",
        lambda _, vm: vm.unshelve_async(),
        (lambda _, vm: vm.shelve_async(),),
    ),
    "change_password": (
        "server.change_password",
        lambda _, vm: vm.change_password_async("Secr3t"),
        (),
    ),
    "create_image": ("server.create_image", lambda _, vm: vm.create_image_async("broken"), ()),
    "backup": ("server.create_backup", lambda _, vm: vm.backup_async("broken", "daily", 1), ()),
    "crash_dump": (
        "server.trigger_crash_dump",
        lambda _, vm: vm.trigger_crash_dump_async(),
        (),
    ),
}


def bigger(cloud: Cloud, vm: Any) -> Any:
    """Return a flavor with more memory than the server's."""
    return next(
        each for each in cloud.nova.flavors.list() if each.name != vm.flavor["original_name"]
    )


@pytest.fixture
def server(cloud: Cloud, image: Any, flavor: Any) -> Iterator[Any]:
    """Yield a server that the test may leave in any state."""
    made = cloud.nova.servers.create_async("ruin", image.id, flavor.id, nics="none")
    yield made.result(PATIENCE)
    assert cloud.fake is not None
    cloud.fake.faults.clear()
    made.undo().result(PATIENCE)


@pytest.fixture
def disk(cloud: Cloud, admin: Cloud) -> Iterator[Any]:
    """Yield a volume that the test may leave in any state."""
    made = cloud.cinder.volumes.create_async(1, name="ruin").result(PATIENCE)
    yield made
    assert cloud.fake is not None
    cloud.fake.faults.clear()
    admin.cinder.volumes.force_delete_async(made.id).result(PATIENCE)


def break_(cloud: Cloud, operation: str, effect: str = "silent") -> None:
    """Make the next operation of that name fail."""
    assert cloud.fake is not None
    cloud.fake.faults.add(Fault(effect, operation=operation, count=1))


def failure(future: Any) -> osf.OperationFailed:
    """Return the error of a future that fails long before its deadline."""
    with pytest.raises(osf.OperationFailed) as caught:
        future.result(PATIENCE)
    error: osf.OperationFailed = caught.value
    assert error.seconds is not None
    assert error.seconds < 10
    assert error.request_id
    return error


@pytest.mark.parametrize("name", ON_SERVERS)
def test_a_silent_failure_is_found_by_its_instance_action_event(
    cloud: Cloud, server: Any, name: str
) -> None:
    operation, start, before = ON_SERVERS[name]
    for step in before:
        step(cloud, server).result(PATIENCE)
    break_(cloud, operation)
    error = failure(start(cloud, server))
    assert any(event.result == "Error" for event in error.events), str(error)


def test_an_attach_that_falls_back_to_available_fails(cloud: Cloud, server: Any, disk: Any) -> None:
    break_(cloud, "server.attach_volume")
    error = failure(cloud.nova.volumes.create_server_volume_async(server.id, disk.id))
    assert "compute_attach_volume" in str(error)


def test_a_detach_that_the_guest_refuses_fails(cloud: Cloud, server: Any, disk: Any) -> None:
    attached = cloud.nova.volumes.create_server_volume_async(server.id, disk.id)
    attached.result(PATIENCE)
    break_(cloud, "server.detach_volume")
    error = failure(cloud.nova.volumes.delete_server_volume_async(server.id, disk.id))
    assert "compute_detach_volume" in str(error)
    attached.undo().result(PATIENCE)


def test_a_live_migration_that_ends_on_the_same_host_fails(
    cloud: Cloud, admin: Cloud, server: Any
) -> None:
    break_(cloud, "server.live_migrate")
    future = admin.nova.servers.live_migrate_async(server.id, None, "auto")
    assert "live_migrat" in failure(future).why


def test_an_upload_that_only_a_cinder_message_explains_fails(cloud: Cloud, disk: Any) -> None:
    break_(cloud, "volume.upload")
    future = disk.upload_to_image_async(False, "broken", "bare", "raw")
    error = failure(future)
    assert error.messages
    assert image_of(cloud, future.resource_id)["status"] == "gone"


def test_a_retype_that_falls_back_to_the_old_type_fails(cloud: Cloud, disk: Any) -> None:
    other = next(each for each in cloud.cinder.volume_types.list() if each.name != disk.volume_type)
    break_(cloud, "volume.retype")
    future = cloud.cinder.volumes.retype_async(disk.id, other.name, "on-demand")
    assert failure(future).status == "available"


@pytest.mark.parametrize(
    ("operation", "start", "status"),
    [
        ("volume.extend", lambda c, v: c.cinder.volumes.extend_async(v, 2), "error_extending"),
        ("volume.delete", lambda _, v: v.delete_async(), "error_deleting"),
        ("volume.reimage", lambda c, v: reimage(c, v), "error"),
    ],
)
def test_an_error_status_comes_with_cinders_user_message(
    cloud: Cloud, disk: Any, operation: str, start: Start, status: str
) -> None:
    break_(cloud, operation, "error")
    error = failure(start(cloud, disk))
    assert error.status == status


def reimage(cloud: Cloud, volume: Any) -> Any:
    """Start a reimage of the volume."""
    image = next(iter(cloud.api_client.send("GET", "image", "/images", None).json()["images"]))
    return cloud.cinder.volumes.reimage_async(volume.id, image["id"])


def test_a_restore_that_leaves_the_volume_in_error_fails(cloud: Cloud, disk: Any) -> None:
    backup = cloud.cinder.backups.create_async(disk.id)
    backup_id = backup.result(PATIENCE).id
    break_(cloud, "backup.restore", "error")
    error = failure(cloud.cinder.restores.restore_async(backup_id, volume_id=disk.id))
    assert error.status in ("error_restoring", "error")
    backup.undo().result(PATIENCE)


def test_a_failed_backup_tells_its_fail_reason(cloud: Cloud, disk: Any) -> None:
    break_(cloud, "backup.create", "error")
    future = cloud.cinder.backups.create_async(disk.id)
    assert failure(future).status == "error"
    future.undo().result(PATIENCE)


def test_an_operation_that_never_ends_fails_at_its_deadline(cloud: Cloud, server: Any) -> None:
    break_(cloud, "server.stop", "stuck")
    with pytest.raises(osf.OperationTimeout) as caught:
        server.stop_async(tout=1).result(PATIENCE)
    assert caught.value.task_state == "powering-off"


def test_one_failed_server_of_a_request_retries_all_of_them(
    cloud: Cloud, image: Any, flavor: Any
) -> None:
    assert cloud.fake is not None
    cloud.fake.faults.add(Fault("error", operation="server.create", resource="-2$", count=1))
    future = cloud.nova.servers.create_async_r(
        "ruin-many", image.id, flavor.id, nics="none", min_count=3, try_count=2
    )
    made = future.result(PATIENCE)
    assert len(made) == 3
    assert len(future.attempts) == 1
    assert {each.id for each in made} == {
        each.id for each in cloud.nova.servers.list() if each.name.startswith("ruin-many")
    }
    future.undo().result(PATIENCE)


@pytest.mark.parametrize("reservation", [None, True])
def test_servers_of_a_request_with_a_lost_answer_are_adopted(
    cloud: Cloud, image: Any, flavor: Any, reservation: bool | None
) -> None:
    assert cloud.fake is not None
    lost = Fault("cut", service="compute", method="POST", path="/servers$", when="after", count=1)
    cloud.fake.faults.add(lost)
    future = cloud.nova.servers.create_async_r(
        "ruin-lost", image.id, flavor.id, nics="none", min_count=3, reservation_id=reservation
    )
    made = future.result(PATIENCE)
    assert lost.fired == 1
    assert len(made) == 3
    there = [each for each in cloud.nova.servers.list() if each.name.startswith("ruin-lost")]
    assert {each.id for each in made} == {each.id for each in there}
    future.undo().result(PATIENCE)


def test_undo_of_an_unfinished_resize_waits_before_it_reverts(cloud: Cloud, server: Any) -> None:
    resize = server.resize_async(bigger(cloud, server))
    resize.undo().result(PATIENCE)
    resize.exception(PATIENCE)  # a result or an error, depending on when the reads happened
    server.get()
    assert (server.status, getattr(server, "OS-EXT-STS:task_state")) == ("ACTIVE", None)
