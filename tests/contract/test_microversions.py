"""The contract through clients that speak the oldest microversion of their API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cinderclient.client
import novaclient.client
import pytest

import pytest_osfutures as osf
from pytest_osfutures.calls.start import start_once
from pytest_osfutures.clients.managers import HANDLE
from pytest_osfutures.cloud import Cloud
from tests.contract.conftest import PATIENCE, image_of


@pytest.fixture(scope="module")
def nova(cloud: Cloud) -> Any:
    """Return novaclient at microversion 2.1."""
    client = novaclient.client.Client("2.1", session=cloud.session)
    return osf.futurize(client, engine=cloud.engine, poll=cloud.poll, retry=cloud.retry)


@pytest.fixture(scope="module")
def cinder(cloud: Cloud) -> Any:
    """Return cinderclient at microversion 3.0."""
    client = cinderclient.client.Client("3.0", session=cloud.session, service_type="block-storage")
    return osf.futurize(client, engine=cloud.engine, poll=cloud.poll, retry=cloud.retry)


@pytest.fixture(scope="module")
def old_vm(nova: Any, image: Any, flavor: Any, defaults: Any, made: Callable[[Any], Any]) -> Any:
    """Return a server that was created at microversion 2.1."""
    nics = defaults.nics()
    nics = nics if isinstance(nics, list) else None
    return made(nova.servers.create_async("contract-2.1", image.id, flavor.id, nics=nics))


def test_stop_and_start(old_vm: Any, flavor: Any) -> None:
    done = old_vm.stop_async().result(PATIENCE)
    assert done.status == "SHUTOFF"
    assert done.flavor["id"] == flavor.id
    assert old_vm.start_async().result(PATIENCE).status == "ACTIVE"


def test_create_image(cloud: Cloud, old_vm: Any) -> None:
    future = old_vm.create_image_async("contract-2.1")
    future.result(PATIENCE)
    assert image_of(cloud, future.resource_id)["status"] == "active"
    future.undo().result(PATIENCE)


def test_a_failure_that_only_the_instance_action_shows(old_vm: Any, huge: Any) -> None:
    with pytest.raises(osf.OperationFailed) as caught:
        old_vm.resize_async(huge).result(PATIENCE)
    assert any(event.result == "Error" for event in caught.value.events)


def test_change_password(old_vm: Any) -> None:
    assert old_vm.change_password_async("Secr3t").result(PATIENCE).status == "ACTIVE"


def test_attach_and_detach(nova: Any, old_vm: Any, volume: Any) -> None:
    made = nova.volumes.create_server_volume_async(old_vm.id, volume.id).result(PATIENCE)
    assert made.volumeId == volume.id
    nova.volumes.delete_server_volume_async(old_vm.id, volume.id).result(PATIENCE)


def test_volumes(cinder: Any) -> None:
    made = cinder.volumes.create_async(1, name="contract-3.0").result(PATIENCE)
    assert cinder.volumes.extend_async(made, 2).result(PATIENCE).size == 2
    snapshot = cinder.volume_snapshots.create_async(made.id).result(PATIENCE)
    assert snapshot.delete_async().result(PATIENCE) is None
    kinds = {each.name: each for each in cinder.volume_types.list()}
    others = [
        each
        for name, each in kinds.items()
        if name != made.volume_type and not name.startswith(("__", "contract"))
    ]
    for each in others[:1]:
        done = cinder.volumes.retype_async(made.id, each.id, "on-demand").result(PATIENCE)
        assert done.volume_type == each.name
    assert made.delete_async().result(PATIENCE) is None


def test_an_attach_that_answers_202_without_a_body(cloud: Cloud, vm: Any, volume: Any) -> None:
    path = f"/servers/{vm.id}/os-volume_attachments"
    body = {"volumeAttachment": {"volumeId": volume.id}}

    def attach() -> Any:
        answer = cloud.api_client.send("POST", "compute", path, body, "2.101")
        if answer.status_code == 406:
            pytest.skip("the cloud is older than 2.101")
        assert answer.status_code == 202
        assert not answer.content
        return answer

    future = start_once(getattr(cloud.nova, HANDLE), attach)
    future.result(PATIENCE)
    assert future.operation == "server.attach_volume"
    assert cloud.cinder.volumes.get(volume.id).status == "in-use"
    future.undo().result(PATIENCE)
    assert cloud.cinder.volumes.get(volume.id).status == "available"
