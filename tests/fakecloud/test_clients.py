"""novaclient, openstacksdk and the `openstack` command, unmodified, against the fake."""

from __future__ import annotations

import warnings
from typing import Any

import novaclient.client
import openstack
import pytest
from cryptography.hazmat.primitives import serialization

from pytest_osfutures.fakecloud import FakeCloud
from pytest_osfutures.fakecloud.shells.inprocess import session
from tests.fakecloud.api_client import ApiClient


@pytest.fixture
def nova(cloud: FakeCloud) -> Any:
    """Return a novaclient with the role member."""
    return novaclient.client.Client("2.96", session=session(cloud))


def test_novaclient(nova: Any, demo: ApiClient) -> None:
    flavor = nova.flavors.find(name="m1.nano")
    server = nova.servers.create(
        "web", demo.image(), flavor, nics="auto", meta={"a": "b"}, tags=["t"]
    )
    assert server.status == "BUILD" if hasattr(server, "status") else True
    demo.clock.advance(30)
    server = nova.servers.get(server.id)
    assert (server.status, server.metadata, server.tags) == ("ACTIVE", {"a": "b"}, ["t"])
    assert server.networks["private"]
    assert [one.id for one in nova.servers.list(search_opts={"name": "^we"})] == [server.id]
    server.update(name="web2")
    nova.servers.set_meta_item(server, "c", "d")
    nova.servers.delete_meta(server, ["a"])
    server.add_tag("u")
    server.get()
    assert (server.name, server.metadata, server.tags) == ("web2", {"c": "d"}, ["t", "u"])
    assert len(server.interface_list()) == 1
    assert server.get_console_output().startswith("SeaBIOS")
    server.stop()
    demo.clock.advance(30)
    actions = nova.instance_action.list(server)
    assert [one.action for one in actions] == ["stop", "create"]
    assert nova.instance_action.get(server, actions[0].request_id).events[0]["result"] == "Success"
    server.delete()
    demo.clock.advance(30)
    with pytest.raises(novaclient.exceptions.NotFound):
        server.get()


def test_novaclient_limits_keypairs_groups_and_flavors(nova: Any, cloud: FakeCloud) -> None:
    assert nova.versions.get_current().version == "2.104"
    assert nova.limits.get().to_dict()["absolute"]["maxTotalInstances"] == 1000
    pair = nova.keypairs.create("k", public_key="ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA me")
    assert nova.keypairs.get("k").fingerprint == pair.fingerprint
    older = novaclient.client.Client("2.79", session=session(cloud))
    made = older.keypairs.create("made")  # by Nova itself
    key = serialization.load_pem_private_key(made.private_key.encode(), None).public_key()
    openssh = serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    assert made.public_key.startswith(key.public_bytes(*openssh).decode())
    made.delete()
    pair.delete()
    group = nova.server_groups.create("g", "anti-affinity")
    assert group.policy == "anti-affinity"
    nova.server_groups.delete(group.id)
    assert [zone.zoneName for zone in nova.availability_zones.list(detailed=False)] == ["nova"]
    assert nova.flavors.find(name="m1.huge").get_keys() == {}
    admin = novaclient.client.Client("2.96", session=session(cloud, "fake-admin"))
    assert [one.hypervisor_hostname for one in admin.hypervisors.list()] == [
        "compute1",
        "compute2",
    ]
    assert {one.binary for one in admin.services.list()} == {
        "nova-compute",
        "nova-conductor",
        "nova-scheduler",
    }
    project = cloud.identity.project_by("demo").id
    admin.quotas.update(project, instances=1)
    assert nova.quotas.get(project, detail=True).instances["limit"] == 1
    assert admin.quotas.defaults(project).instances == 1000


def test_multiple_create(nova: Any, demo: ApiClient) -> None:
    reservation = nova.servers.create(
        "many",
        demo.image(),
        demo.flavor(),
        nics="none",
        min_count=2,
        max_count=3,
        reservation_id=True,
    )
    found = nova.servers.list(search_opts={"reservation_id": reservation})
    assert sorted(one.name for one in found) == ["many-1", "many-2", "many-3"]
    nova.servers.create("again", demo.image(), demo.flavor(), nics="none", max_count=2)
    demo.cloud.settings.quotas["instances"] = 6
    nova.servers.create("rest", demo.image(), demo.flavor(), nics="none", min_count=1, max_count=9)
    assert len(nova.servers.list()) == 6
    with pytest.raises(novaclient.exceptions.Forbidden, match="Quota exceeded for instances"):
        nova.servers.create("none", demo.image(), demo.flavor(), nics="none")


@pytest.fixture
def sdk(cloud: FakeCloud) -> Any:
    """Return an openstacksdk connection with the role member."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield openstack.connection.Connection(session=session(cloud))


def test_openstacksdk(sdk: Any, demo: ApiClient) -> None:
    flavor = sdk.compute.find_flavor("m1.nano")
    server = sdk.compute.create_server(
        name="web", flavor_id=flavor.id, image_id=demo.image(), networks="none"
    )
    demo.clock.advance(30)
    server = sdk.compute.wait_for_server(server)
    assert server.status == "ACTIVE"
    assert [one.id for one in sdk.compute.servers()] == [server.id]
    assert sdk.compute.find_server("web").id == server.id
    sdk.compute.stop_server(server)
    demo.clock.advance(30)
    assert sdk.compute.get_server(server).status == "SHUTOFF"
    assert [one.name for one in sdk.identity.regions()] or True
    sdk.compute.delete_server(server)
    demo.clock.advance(30)
    assert sdk.compute.find_server("web") is None


def test_openstack_command(openstack_commands: Any) -> None:
    made, (listed,) = openstack_commands(
        [
            "server create web --image tiny --flavor m1.nano --network private --wait",
            "server list",
        ]
    )
    assert made["status"] == "ACTIVE"
    assert (listed["Name"], listed["Status"], listed["Flavor"]) == ("web", "ACTIVE", "m1.nano")
    assert listed["Networks"]["private"]
