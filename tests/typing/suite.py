"""A user's annotated suite, which mypy and pyright check.

The comment after a `reveal_type` is the type that it shows; the other comments mark the mistakes
that a type checker has to find. Nothing here runs.
"""

from concurrent.futures import Future
from typing import Any

import pytest
from keystoneauth1.adapter import Adapter
from openstack.connection import Connection

import pytest_osfutures as osf


def test_servers(os_servers: osf.Servers) -> None:
    future = os_servers.create_async("web", flavor="m1.small", network="private", tout=60)
    reveal_type(future)  # reveals: OperationFuture[Server, Server]
    reveal_type(future.sync_res)  # reveals: Server
    vm = future.result()
    reveal_type(vm)  # reveals: Server
    reveal_type(vm.status)  # reveals: str
    reveal_type(vm.addresses)  # reveals: dict[str, list[dict[str, Any]]]
    reveal_type(vm.stop_async())  # reveals: OperationFuture[Server, object]
    reveal_type(vm.stop_async().sync_res)  # reveals: object
    reveal_type(vm.reboot_async_r("HARD", try_count=2).result())  # reveals: Server
    reveal_type(vm.delete_async(tout=5).result())  # reveals: None
    reveal_type(vm.create_image_async("copy").result())  # reveals: str
    reveal_type(future.undo())  # reveals: OperationFuture[object, object]
    several = os_servers.create_async(min_count=2)
    reveal_type(several.result())  # reveals: list[Server]
    reveal_type(several.sync_res)  # reveals: Server
    os_servers.create_async("web", extra={"new_argument": 1})
    os_servers.create_async("web", ready=[osf.ready.ssh("cirros", "key"), osf.ready.cloud_init()])
    reveal_type(osf.until(vm, osf.ready.tcp(22, via="me@bastion")))  # reveals: OperationFuture[Server, object]
    reveal_type(osf.until(future, lambda vm: vm.status, tout=5).result())  # reveals: Server
    reveal_type(vm.reboot_async(ready=osf.ready.ping()).result())  # reveals: Server
    vm.start_async_r(ready=osf.ready.http(":8080/"), try_count=2)
    os_servers.create_async("web", ready=22)  # error
    osf.ready.tcp(22, adress="fixed")  # error
    vm.stop_async(ready=osf.ready.tcp(22))  # error
    os_servers.create_async(nmae="web")  # error
    os_servers.create_async("web", tout="soon")  # error
    os_servers.create_async("web", network=os_servers.create_async())  # error
    vm.stop_async("now")  # error
    vm.stauts  # error


def test_volumes(
    os_volumes: osf.Volumes, os_snapshots: osf.Snapshots, os_backups: osf.Backups
) -> None:
    volume = os_volumes.create_async(size=2, volume_type="fast").result()
    reveal_type(volume)  # reveals: Volume
    reveal_type(volume.attachments)  # reveals: list[dict[str, Any]]
    reveal_type(os_snapshots.create_async(volume, "s").result().volume_id)  # reveals: str
    reveal_type(os_backups.create_async(volume.id, incremental=True))  # reveals: OperationFuture[Backup, Backup]
    os_volumes.create_async(szie=2)  # error
    os_volumes.create_async("2")  # error
    os_snapshots.create_async()  # error


def test_images_and_keypairs(os_images: osf.Images, os_keypairs: osf.Keypairs) -> None:
    image = os_images.upload_async(b"data", disk_format="raw").result()
    reveal_type(image)  # reveals: Image
    reveal_type(image.min_disk)  # reveals: int
    image["hw_disk_bus"]
    reveal_type(os_keypairs.create("k"))  # reveals: Keypair
    os_images.upload_async(7)  # error


def test_networking(
    os_networks: osf.Networks,
    os_subnets: osf.Subnets,
    os_ports: osf.Ports,
    os_routers: osf.Routers,
    os_floating_ips: osf.FloatingIps,
    os_security_groups: osf.SecurityGroups,
    os_address_groups_session: osf.AddressGroups,
) -> None:
    network = os_networks.create_async("net", cidr="10.0.0.0/24").result()
    reveal_type(network)  # reveals: Network
    reveal_type(os_subnets.create_async(network, "10.1.0.0/24").result().cidr)  # reveals: str
    group = os_security_groups.create_async("ping", [{"protocol": "icmp"}]).result()
    reveal_type(group)  # reveals: SecurityGroup
    port = os_ports.create_async(network, security_groups=[group]).result()
    reveal_type(port)  # reveals: Port
    os_ports.create_async(extra={"binding:vnic_type": "direct"})
    reveal_type(os_routers.create_async(subnets=network.subnets, external=True))  # reveals: OperationFuture[Router, object]
    reveal_type(os_floating_ips.create_async(port=port).result().port_id)  # reveals: str | None
    hosts = os_address_groups_session.create_async(["192.0.2.7/32"], "hosts")
    reveal_type(hosts)  # reveals: OperationFuture[AddressGroup, object]
    reveal_type(hosts.result().addresses)  # reveals: list[str]
    os_address_groups_session.create_async(["192.0.2.7/32"], shared=True)  # error
    hosts.result().tags  # error
    os_networks.create_async(cdir="10.0.0.0/24")  # error


def name_of(group: osf.AdressGroup) -> str:  # error
    return str(group.name)


def test_clients(os_cloud: osf.Cloud) -> None:
    reveal_type(os_cloud.session)  # reveals: Session
    nova, cinder = os_cloud.nova, os_cloud.cinder
    reveal_type(nova)  # reveals: Nova
    reveal_type(cinder)  # reveals: Cinder
    flavor, image = nova.flavors.find(name="m1.small"), nova.glance.find_image("cirros")
    future = nova.servers.create_async("web", image, flavor, nics="none", tout=300)
    reveal_type(future)  # reveals: OperationFuture[Server, Server]
    retried = nova.servers.create_async_r("web", image.id, flavor, try_count=osf.Retry(tries=2))
    reveal_type(retried.result().name)  # reveals: str
    reveal_type(nova.servers.get("id"))  # reveals: Server
    reveal_type(nova.servers.list())  # reveals: list[Server]
    reveal_type(nova.servers.stop_async("id"))  # reveals: OperationFuture[Server, object]
    reveal_type(nova.servers.delete_async_r("id"))  # reveals: OperationFuture[None, object]
    reveal_type(cinder.volumes.create_async_r(1, name="disk"))  # reveals: OperationFuture[Volume, Volume]
    reveal_type(cinder.volumes.list())  # reveals: list[Volume]
    attached = nova.volumes.create_server_volume_async("server", "volume", tout=60)
    reveal_type(attached.result().device)  # reveals: str
    nova.server_groups.list()
    nova.servers.create_async("web", image, flavor, nisc="none")  # error
    nova.servers.create_async("web", image)  # error
    cinder.volumes.create_async(size="1")  # error


def test_futures(os_servers: osf.Servers, os_volumes: osf.Volumes) -> None:
    web, disk = os_servers.create_async("web"), os_volumes.create_async()
    standard: Future[osf.Server] = web
    reveal_type(standard.result().id)  # reveals: str
    wrong: osf.OperationFuture[osf.Volume] = web  # error


def helper(future: osf.OperationFuture[osf.Server]) -> str:
    return future.result().id


@pytest.fixture(scope="session")
def shared(os_servers_shared: osf.SharedServers) -> osf.OperationFuture[osf.Server]:
    return os_servers_shared.create_async("web", flavor="m1.small")


def untyped(client: Any) -> osf.Nova:
    nova: osf.Nova = osf.futurize(client, unknown="error")
    osf.futurize(client, unknown="ignore")  # error
    return nova


def stop(vm: osf.Server) -> osf.OperationFuture[osf.Server]:
    return vm.stop_async()


def test_chains(os_servers: osf.Servers) -> None:
    future = os_servers.create_async("web")
    reveal_type(future.next(stop))  # reveals: OperationFuture[Server, object]
    reveal_type(future.next(lambda vm: vm.name).result())  # reveals: str
    reveal_type(future.chain)  # reveals: Chain
    stopped = future.chain.stop_async()
    reveal_type(stopped)  # reveals: OperationFuture[Any, object]
    reveal_type(future.chain.delete_async(tout=5).operation)  # reveals: str
    stopped.resutl()  # error
    future.next(lambda vm: vm.stpo_async())  # error


def test_plain_apis(os_cloud: osf.Cloud) -> None:
    network = os_cloud.api("network")
    reveal_type(network)  # reveals: Api
    adapter: Adapter = network
    reveal_type(adapter.get("/ports").json())  # reveals: Any
    future = network.post_async_r("/ports", json={"port": {}}, try_count=2, tout=60)
    reveal_type(future)  # reveals: OperationFuture[Resource, Response]
    reveal_type(future.result())  # reveals: Resource
    reveal_type(future.sync_res.status_code)  # reveals: int
    reveal_type(network.delete_async("/ports/1").result())  # reveals: None
    network.post_async(json={})  # error
    network.post_async("/ports", tout="soon")  # error
    network.psot_async("/ports")  # error


def test_openstacksdk(os_cloud: osf.Cloud) -> None:
    sdk = os_cloud.sdk
    reveal_type(sdk)  # reveals: Sdk
    connection: Connection = sdk
    reveal_type(connection.compute.create_server(name="web").id)  # reveals: str
    reveal_type(sdk.network.get_network("id"))  # reveals: Network
    future = sdk.compute.create_server_async(name="web", tout=60)
    reveal_type(future)  # reveals: OperationFuture[Any, object]
    sdk.compuet.create_server_async(name="web")  # error
    future.resutl()  # error


def test_scopes_and_measurements(os_load: osf.Load, os_servers: osf.Servers) -> None:
    with osf.scope("devstack", flavor="m1.tiny", timeout=60, keep="failed") as s:
        reveal_type(s)  # reveals: ResourceScope
        reveal_type(s.servers.create_async("web"))  # reveals: OperationFuture[Server, Server]
        reveal_type(s.floating_ips)  # reveals: FloatingIps
        reveal_type(s.cloud)  # reveals: Cloud
    reveal_type(osf.scope().enter())  # reveals: ResourceScope
    osf.scope("devstack", flavour="m1.tiny")  # error
    osf.scope("devstack", keep="sometimes")  # error
    found = os_load(os_servers.create_async, count=3, criteria=["p95 < 30"])
    reveal_type(found)  # reveals: Measurement
    reveal_type(found.operations["server.create"].p95)  # reveals: float | None
    reveal_type(osf.measure(lambda: 3, rate=2.5).samples)  # reveals: tuple[Sample, ...]
    osf.measure(lambda: 3, rate="2")  # error
    reveal_type(os_servers.create_async().seconds)  # reveals: float
    reveal_type(os_servers.create_async().phases)  # reveals: Mapping[str, float]


async def test_async_scopes() -> None:
    async with osf.scope("devstack") as s:
        reveal_type(s)  # reveals: ResourceScope
        reveal_type(await s.volumes.create_async())  # reveals: Volume
