"""cinderclient, openstacksdk and the `openstack` command, unmodified, against the fake."""

from __future__ import annotations

import warnings
from typing import Any

import cinderclient.client
import cinderclient.exceptions
import openstack
import pytest

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.fakecloud import FakeCloud
from pytest_osfutures.fakecloud.shells.inprocess import session


@pytest.fixture
def clock(cloud: FakeCloud) -> ManualClock:
    assert isinstance(cloud.clock, ManualClock)
    return cloud.clock


@pytest.fixture
def cinder(cloud: FakeCloud) -> Any:
    """Return a cinderclient with the role member."""
    return cinderclient.client.Client("3.70", session=session(cloud))


@pytest.fixture
def cinder_admin(cloud: FakeCloud) -> Any:
    """Return a cinderclient with the role admin."""
    return cinderclient.client.Client("3.70", session=session(cloud, "fake-admin"))


@pytest.fixture
def sdk(cloud: FakeCloud) -> Any:
    """Return an openstacksdk connection with the role member."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield openstack.connection.Connection(session=session(cloud))


@pytest.fixture
def volume(cinder: Any, clock: ManualClock) -> Any:
    """Return a volume that is `available`."""
    made = cinder.volumes.create(1, name="v", metadata={"a": "b"})
    clock.advance(20)
    made.get()
    assert made.status == "available"
    return made


def test_cinderclient_volumes(cinder: Any, volume: Any, clock: ManualClock) -> None:
    assert [one.id for one in cinder.volumes.list(search_opts={"name": "v"})] == [volume.id]
    assert [one.id for one in cinder.volumes.list(limit=1)] == [volume.id]
    volume.update(name="w", description="d")
    cinder.volumes.set_metadata(volume, {"c": "d"})
    cinder.volumes.delete_metadata(volume, ["a"])
    cinder.volumes.set_bootable(volume, True)
    cinder.volumes.update_readonly_flag(volume, False)
    cinder.volumes.set_image_metadata(volume, {"k": "v"})
    cinder.volumes.extend(volume, 2)
    clock.advance(20)
    volume.get()
    assert (volume.name, volume.size, volume.bootable) == ("w", 2, "true")
    assert volume.metadata == {"c": "d", "readonly": "False"}
    assert cinder.volumes.show_image_metadata(volume)[1]["metadata"] == {"k": "v"}
    cinder.volumes.retype(volume, "slow", "on-demand")
    clock.advance(20)
    assert cinder.volumes.get(volume.id).volume_type == "slow"
    cinder.volumes.reserve(volume)
    cinder.volumes.unreserve(volume)
    image = cinder.volumes.upload_to_image(
        volume, False, "copy", "bare", "raw", visibility="private", protected=False
    )[1]
    assert image["os-volume_upload_image"]["image_name"] == "copy"
    clock.advance(20)
    cinder.volumes.reimage(volume, image["os-volume_upload_image"]["image_id"])
    clock.advance(20)
    volume.delete()
    clock.advance(20)
    with pytest.raises(cinderclient.exceptions.NotFound):
        cinder.volumes.get(volume.id)


def test_cinderclient_snapshots_and_backups(cinder: Any, volume: Any, clock: ManualClock) -> None:
    snapshot = cinder.volume_snapshots.create(volume.id, name="s", metadata={"a": "b"})
    clock.advance(20)
    snapshot.get()
    assert (snapshot.status, snapshot.progress) == ("available", "100%")
    snapshot.set_metadata({"c": "d"})
    cinder.volume_snapshots.delete_metadata(snapshot, ["a"])
    snapshot.update(name="t")
    assert cinder.volume_snapshots.list()[0].metadata == {"c": "d"}
    cinder.volumes.revert_to_snapshot(volume, snapshot)
    clock.advance(20)
    backup = cinder.backups.create(volume.id, name="b", snapshot_id=snapshot.id)
    clock.advance(20)
    assert cinder.backups.get(backup.id).status == "available"
    backup.update(name="c")
    restored = cinder.restores.restore(backup.id, volume.id)
    assert restored.volume_id == volume.id
    clock.advance(20)
    new = cinder.restores.restore(backup.id)
    clock.advance(20)
    assert cinder.volumes.get(new.volume_id).status == "available"
    assert [one.name for one in cinder.backups.list()] == ["c"]
    backup.delete()
    snapshot.delete()
    clock.advance(20)
    assert cinder.volume_snapshots.list() == cinder.backups.list() == []


def test_cinderclient_attachments_and_transfers(
    cinder: Any, cinder_admin: Any, volume: Any, clock: ManualClock
) -> None:
    server = "11111111-1111-4111-8111-111111111111"
    made = cinder.attachments.create(volume.id, {}, server, mode="rw")
    cinder.attachments.update(made["id"], {"host": "h"})
    cinder.attachments.complete(made["id"])
    assert cinder.attachments.show(made["id"]).status == "attached"
    assert [one.id for one in cinder.attachments.list()] == [made["id"]]
    cinder.attachments.delete(made["id"])
    offer = cinder.transfers.create(volume.id, "t")
    assert [one.id for one in cinder.transfers.list()] == [offer.id]
    cinder_admin.transfers.accept(offer.id, offer.auth_key)
    assert cinder_admin.volumes.get(volume.id).status == "available"
    cinder_admin.volumes.retype(volume.id, "__DEFAULT__", "on-demand")
    clock.advance(20)
    cinder_admin.volumes.migrate_volume(volume.id, "cinder1@slow#slow", False, True)
    clock.advance(20)
    assert cinder_admin.volumes.get(volume.id).migration_status == "success"
    cinder_admin.volumes.reset_state(volume.id, "error")
    cinder_admin.volumes.force_delete(volume.id)
    clock.advance(20)
    assert cinder_admin.volumes.list(search_opts={"all_tenants": 1}) == []


def test_cinderclient_groups(cinder: Any, cinder_admin: Any, clock: ManualClock) -> None:
    kind = cinder_admin.group_types.create("kind")
    kind.set_keys({"a": "b"})
    assert cinder_admin.group_types.get(kind.id).group_specs == {"a": "b"}
    group = cinder.groups.create(kind.id, "fast", name="g")
    clock.advance(20)
    inside = cinder.volumes.create(1, volume_type="fast", group_id=group.id)
    clock.advance(20)
    group.update(description="d", remove_volumes=inside.id)
    clock.advance(20)
    group.update(add_volumes=inside.id)
    clock.advance(20)
    snapshot = cinder.group_snapshots.create(group.id, name="s")
    clock.advance(20)
    copy = cinder.groups.create_from_src(snapshot.id, None, name="copy")
    clock.advance(20)
    assert {one.name for one in cinder.groups.list()} == {"g", "copy"}
    snapshot.delete()
    clock.advance(20)
    for group_id in (group.id, copy["id"]):
        cinder.groups.delete(group_id, delete_volumes=True)
    clock.advance(20)
    assert cinder.groups.list() == cinder.volumes.list() == []


def test_cinderclient_types_quotas_and_services(cinder: Any, cinder_admin: Any) -> None:
    assert cinder.volume_types.default().name == "fast"
    kind = cinder_admin.volume_types.create("new")
    kind.set_keys({"k": "v"})
    assert cinder_admin.volume_types.get(kind.id).get_keys() == {"k": "v"}
    cinder_admin.volume_types.update(kind.id, description="d")
    cinder_admin.volume_types.delete(kind)
    project = cinder.client.get_project_id()
    cinder_admin.quotas.update(project, volumes=0)
    with pytest.raises(cinderclient.exceptions.OverLimit, match="Maximum number of volumes"):
        cinder.volumes.create(1)
    assert cinder.quotas.get(project, usage=True).volumes["limit"] == 0
    assert cinder.limits.get().to_dict()["absolute"]["maxTotalVolumes"] == 0
    assert {one.binary for one in cinder_admin.services.list()} >= {
        "cinder-volume",
        "cinder-backup",
    }
    cinder_admin.services.disable("cinder1@fast", "cinder-volume")
    cinder_admin.services.enable("cinder1@fast", "cinder-volume")
    assert [one.name for one in cinder_admin.pools.list(detailed=False)] == [
        "cinder1@fast#fast",
        "cinder1@slow#slow",
    ]
    assert [one.zoneName for one in cinder.availability_zones.list()] == ["nova"]
    assert cinder.messages.list() == []
    assert cinderclient.client.Client("3.0", session=cinder.client.session).volumes.list() == []


def test_sdk_block_storage(sdk: Any, clock: ManualClock) -> None:
    volume = sdk.block_storage.create_volume(size=1, name="v")
    clock.advance(20)
    assert sdk.block_storage.get_volume(volume.id).status == "available"
    snapshot = sdk.block_storage.create_snapshot(volume_id=volume.id, name="s")
    clock.advance(20)
    assert sdk.block_storage.find_snapshot("s").id == snapshot.id
    sdk.block_storage.extend_volume(volume, 2)
    clock.advance(20)
    assert [(one.name, one.size) for one in sdk.block_storage.volumes()] == [("v", 2)]
    sdk.block_storage.delete_snapshot(snapshot)
    clock.advance(20)
    sdk.block_storage.delete_volume(volume)
    clock.advance(20)
    assert sdk.block_storage.find_volume("v") is None
    assert sdk.block_storage.get_limits().absolute.max_total_volumes == 1000


def test_sdk_image(sdk: Any) -> None:
    assert {one.name for one in sdk.image.images()} == {"cirros", "tiny"}
    image = sdk.image.create_image(
        "im", data=b"hello", disk_format="raw", container_format="bare", os_distro="x"
    )
    image = sdk.image.get_image(image.id)
    assert (image.status, image.size, image.os_distro) == ("active", 5, "x")
    assert sdk.image.download_image(image).content == b"hello"
    image = sdk.image.update_image(image, name="im2", min_disk=3)
    assert (image.name, image.min_disk) == ("im2", 3)
    sdk.image.add_tag(image, "t")
    assert [one.id for one in sdk.image.images(tag="t")] == [image.id]
    assert [one["id"] for one in sdk.image.stores()] == ["file"]
    sdk.image.delete_image(image)
    assert sdk.image.find_image("im2") is None


def test_sdk_network(sdk: Any) -> None:
    network = sdk.network.create_network(name="n")
    subnet = sdk.network.create_subnet(network_id=network.id, cidr="10.1.0.0/24", ip_version=4)
    port = sdk.network.create_port(network_id=network.id, name="p")
    assert port.fixed_ips == [{"subnet_id": subnet.id, "ip_address": "10.1.0.2"}]
    router = sdk.network.create_router(name="r")
    sdk.network.add_interface_to_router(router, subnet_id=subnet.id)
    assert [one.network_id for one in sdk.network.ports(device_id=router.id)] == [network.id]
    group = sdk.network.create_security_group(name="g")
    sdk.network.create_security_group_rule(
        security_group_id=group.id,
        direction="ingress",
        protocol="tcp",
        port_range_min=1,
        port_range_max=9,
    )
    sdk.network.update_port(port, security_groups=[group.id])
    sdk.network.set_tags(network, ["t"])
    assert [one.name for one in sdk.network.networks(tags="t")] == ["n"]
    assert sdk.network.find_network("private").is_shared
    sdk.network.remove_interface_from_router(router, subnet_id=subnet.id)
    sdk.network.delete_router(router)
    sdk.network.delete_port(port)
    sdk.network.delete_security_group(group)
    sdk.network.delete_network(network)
    assert {one.name for one in sdk.network.networks()} == {"private", "public"}


def test_openstack_command(openstack_commands: Any) -> None:
    made, (listed,), images, networks = openstack_commands(
        ["volume create v --size 1", "volume list", "image list", "network list"]
    )
    assert made["name"] == "v"
    assert (listed["Name"], listed["Size"]) == ("v", 1)
    assert {row["Name"] for row in images} == {"cirros", "tiny"}
    assert {row["Name"] for row in networks} == {"private", "public"}
