"""The factories of a test: one fixture for each type of resource.

Each fixture is a plain function with a return type, so that editors and type checkers find it.
`scoped_fixtures` has the same factories for classes, modules and sessions.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from pytest_osfutures.plugin import factories

if TYPE_CHECKING:
    from pytest_osfutures.plugin.factories.network import AddressGroups
    from pytest_osfutures.plugin.scope import Scope


@pytest.fixture
def os_servers(_osfutures_function: Scope) -> factories.Servers:
    """Create servers, which are deleted at the end of the test.

    `os_servers.create_async(name, image, flavor, network=..., tout=..., try_count=...)` returns a
    future at once. Image, flavor and network are names, ids or objects; defaults are the options
    --os-image, --os-flavor and --os-network. All other arguments are those of novaclient's
    `servers.create`.

    Example:
        def test_web(os_servers):
            first, second = os_servers.create_async("web"), os_servers.create_async("db")
            assert first.result().status == second.result().status == "ACTIVE"
    """
    return factories.Servers(_osfutures_function)


@pytest.fixture
def os_volumes(_osfutures_function: Scope) -> factories.Volumes:
    """Create volumes, which are deleted at the end of the test.

    `os_volumes.create_async(size, name, ...)` returns a future at once; all other arguments are
    those of cinderclient's `volumes.create`.

    Example:
        def test_disk(os_volumes):
            assert os_volumes.create_async(size=2).result().status == "available"
    """
    return factories.Volumes(_osfutures_function)


@pytest.fixture
def os_snapshots(_osfutures_function: Scope) -> factories.Snapshots:
    """Create snapshots of volumes, which are deleted at the end of the test.

    `os_snapshots.create_async(volume, name, ...)` returns a future at once; all other arguments
    are those of cinderclient's `volume_snapshots.create`.

    Example:
        def test_snapshot(os_volumes, os_snapshots):
            volume = os_volumes.create_async().result()
            assert os_snapshots.create_async(volume).result().volume_id == volume.id
    """
    return factories.Snapshots(_osfutures_function)


@pytest.fixture
def os_backups(_osfutures_function: Scope) -> factories.Backups:
    """Create backups of volumes, which are deleted at the end of the test.

    `os_backups.create_async(volume, name, ...)` returns a future at once; all other arguments are
    those of cinderclient's `backups.create`.

    Example:
        def test_backup(os_volumes, os_backups):
            volume = os_volumes.create_async().result()
            assert os_backups.create_async(volume).result().status == "available"
    """
    return factories.Backups(_osfutures_function)


@pytest.fixture
def os_images(_osfutures_function: Scope) -> factories.Images:
    """Create images of servers or of data, which are deleted at the end of the test.

    `os_images.create_async(server, name)` returns a future of the image's id,
    `os_images.upload_async(source, name, ...)` a future of the image; the source is a file's path
    or bytes.

    Example:
        def test_upload(os_images, os_servers):
            image = os_images.upload_async("cirros.qcow2", min_ram=64).result()
            assert os_servers.create_async(image=image).result().status == "ACTIVE"
    """
    return factories.Images(_osfutures_function)


@pytest.fixture
def os_keypairs(_osfutures_function: Scope) -> factories.Keypairs:
    """Create keypairs, which are deleted at the end of the test.

    `os_keypairs.create(name, public_key)` returns the keypair; without a public key it is a new
    one with its `private_key`.

    Example:
        def test_login(os_keypairs, os_servers):
            key = os_keypairs.create("laptop")
            assert os_servers.create_async(key_name=key).result().key_name == key.name
    """
    return factories.Keypairs(_osfutures_function)


@pytest.fixture
def os_networks(_osfutures_function: Scope) -> factories.Networks:
    """Create networks, which are deleted at the end of the test.

    `os_networks.create_async(name, cidr, ...)` returns a future at once; with `cidr` the network
    has a subnet. All other arguments are attributes of the Networking API.

    Example:
        def test_network(os_networks, os_servers):
            network = os_networks.create_async("net", cidr="10.0.0.0/24").result()
            assert "net" in os_servers.create_async(network=network).result().addresses
    """
    return factories.Networks(_osfutures_function)


@pytest.fixture
def os_subnets(_osfutures_function: Scope) -> factories.Subnets:
    """Create subnets, which are deleted at the end of the test.

    `os_subnets.create_async(network, cidr, name, ...)` returns a future at once; all other
    arguments are attributes of the Networking API.

    Example:
        def test_subnet(os_networks, os_subnets):
            network = os_networks.create_async().result()
            assert os_subnets.create_async(network, "fd00::/64").result().ip_version == 6
    """
    return factories.Subnets(_osfutures_function)


@pytest.fixture
def os_ports(_osfutures_function: Scope) -> factories.Ports:
    """Create ports, which are deleted at the end of the test.

    `os_ports.create_async(network, name, ...)` returns a future at once; all other arguments are
    attributes of the Networking API, and `extra` has those whose names have a colon.

    Example:
        def test_port(os_ports, os_servers):
            port = os_ports.create_async(extra={"binding:vnic_type": "direct"}).result()
            os_servers.create_async(nics=[{"port-id": port}]).result()
    """
    return factories.Ports(_osfutures_function)


@pytest.fixture
def os_routers(_osfutures_function: Scope) -> factories.Routers:
    """Create routers, which are deleted at the end of the test.

    `os_routers.create_async(name, subnets, external, ...)` returns a future at once;
    `external=True` is the only external network. All other arguments are attributes of the
    Networking API.

    Example:
        def test_router(os_networks, os_routers):
            network = os_networks.create_async(cidr="10.0.0.0/24").result()
            os_routers.create_async(subnets=network.subnets, external=True).result()
    """
    return factories.Routers(_osfutures_function)


@pytest.fixture
def os_floating_ips(_osfutures_function: Scope) -> factories.FloatingIps:
    """Create floating IPs, which are deleted at the end of the test.

    `os_floating_ips.create_async(network, port, ...)` returns a future at once; the default
    network is the only external one. All other arguments are attributes of the Networking API.

    Example:
        def test_address(os_floating_ips):
            assert os_floating_ips.create_async().result().floating_ip_address
    """
    return factories.FloatingIps(_osfutures_function)


@pytest.fixture
def os_security_groups(_osfutures_function: Scope) -> factories.SecurityGroups:
    """Create security groups, which are deleted at the end of the test.

    `os_security_groups.create_async(name, rules, ...)` returns a future at once; a rule has
    attributes of the Networking API and is for ingress by default.

    Example:
        def test_ping(os_security_groups, os_servers):
            group = os_security_groups.create_async("ping", [{"protocol": "icmp"}]).result()
            os_servers.create_async(security_groups=[group]).result()
    """
    return factories.SecurityGroups(_osfutures_function)


@pytest.fixture
def os_address_groups(_osfutures_function: Scope) -> AddressGroups:
    """Create address groups, which are deleted at the end of the test.

    `os_address_groups.create_async(addresses, name, ...)` returns a future at once; a rule of a
    security group refers to an address group by `remote_address_group_id`.

    Example:
        def test_hosts(os_address_groups):
            group = os_address_groups.create_async(["10.0.0.0/24"]).result()
            assert group.addresses == ["10.0.0.0/24"]
    """
    from pytest_osfutures.plugin.factories.network import AddressGroups

    return AddressGroups(_osfutures_function)
