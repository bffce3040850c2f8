"""The factories of Neutron's resources: one fixture for each scope."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from pytest_osfutures.scopes import factories

if TYPE_CHECKING:
    from pytest_osfutures.scopes import Scope


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


@pytest.fixture(scope="class")
def os_networks_class(_osfutures_class: Scope) -> factories.Networks:
    """Create networks as `os_networks` does; they are deleted at the end of the class."""
    return factories.Networks(_osfutures_class)


@pytest.fixture(scope="module")
def os_networks_module(_osfutures_module: Scope) -> factories.Networks:
    """Create networks as `os_networks` does; they are deleted at the end of the module."""
    return factories.Networks(_osfutures_module)


@pytest.fixture(scope="session")
def os_networks_session(_osfutures_session: Scope) -> factories.Networks:
    """Create networks as `os_networks` does; they are deleted at the end of the session."""
    return factories.Networks(_osfutures_session)


@pytest.fixture(scope="session")
def os_network_args() -> dict[str, Any]:
    """Return default arguments for networks, to override in a folder, module or class."""
    return {}


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


@pytest.fixture(scope="class")
def os_subnets_class(_osfutures_class: Scope) -> factories.Subnets:
    """Create subnets as `os_subnets` does; they are deleted at the end of the class."""
    return factories.Subnets(_osfutures_class)


@pytest.fixture(scope="module")
def os_subnets_module(_osfutures_module: Scope) -> factories.Subnets:
    """Create subnets as `os_subnets` does; they are deleted at the end of the module."""
    return factories.Subnets(_osfutures_module)


@pytest.fixture(scope="session")
def os_subnets_session(_osfutures_session: Scope) -> factories.Subnets:
    """Create subnets as `os_subnets` does; they are deleted at the end of the session."""
    return factories.Subnets(_osfutures_session)


@pytest.fixture(scope="session")
def os_subnet_args() -> dict[str, Any]:
    """Return default arguments for subnets, to override in a folder, module or class."""
    return {}


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


@pytest.fixture(scope="class")
def os_ports_class(_osfutures_class: Scope) -> factories.Ports:
    """Create ports as `os_ports` does; they are deleted at the end of the class."""
    return factories.Ports(_osfutures_class)


@pytest.fixture(scope="module")
def os_ports_module(_osfutures_module: Scope) -> factories.Ports:
    """Create ports as `os_ports` does; they are deleted at the end of the module."""
    return factories.Ports(_osfutures_module)


@pytest.fixture(scope="session")
def os_ports_session(_osfutures_session: Scope) -> factories.Ports:
    """Create ports as `os_ports` does; they are deleted at the end of the session."""
    return factories.Ports(_osfutures_session)


@pytest.fixture(scope="session")
def os_port_args() -> dict[str, Any]:
    """Return default arguments for ports, to override in a folder, module or class."""
    return {}


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


@pytest.fixture(scope="class")
def os_routers_class(_osfutures_class: Scope) -> factories.Routers:
    """Create routers as `os_routers` does; they are deleted at the end of the class."""
    return factories.Routers(_osfutures_class)


@pytest.fixture(scope="module")
def os_routers_module(_osfutures_module: Scope) -> factories.Routers:
    """Create routers as `os_routers` does; they are deleted at the end of the module."""
    return factories.Routers(_osfutures_module)


@pytest.fixture(scope="session")
def os_routers_session(_osfutures_session: Scope) -> factories.Routers:
    """Create routers as `os_routers` does; they are deleted at the end of the session."""
    return factories.Routers(_osfutures_session)


@pytest.fixture(scope="session")
def os_router_args() -> dict[str, Any]:
    """Return default arguments for routers, to override in a folder, module or class."""
    return {}


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


@pytest.fixture(scope="class")
def os_floating_ips_class(_osfutures_class: Scope) -> factories.FloatingIps:
    """Create floating IPs as `os_floating_ips` does; they are deleted at the end of the class."""
    return factories.FloatingIps(_osfutures_class)


@pytest.fixture(scope="module")
def os_floating_ips_module(_osfutures_module: Scope) -> factories.FloatingIps:
    """Create floating IPs as `os_floating_ips` does; they are deleted at the end of the module."""
    return factories.FloatingIps(_osfutures_module)


@pytest.fixture(scope="session")
def os_floating_ips_session(_osfutures_session: Scope) -> factories.FloatingIps:
    """Create floating IPs as `os_floating_ips` does; they are deleted at the end of the session."""
    return factories.FloatingIps(_osfutures_session)


@pytest.fixture(scope="session")
def os_floating_ip_args() -> dict[str, Any]:
    """Return default arguments for floating IPs, to override in a folder, module or class."""
    return {}


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


@pytest.fixture(scope="class")
def os_security_groups_class(_osfutures_class: Scope) -> factories.SecurityGroups:
    """Create security groups as `os_security_groups` does; they go at the end of the class."""
    return factories.SecurityGroups(_osfutures_class)


@pytest.fixture(scope="module")
def os_security_groups_module(_osfutures_module: Scope) -> factories.SecurityGroups:
    """Create security groups as `os_security_groups` does; they go at the end of the module."""
    return factories.SecurityGroups(_osfutures_module)


@pytest.fixture(scope="session")
def os_security_groups_session(_osfutures_session: Scope) -> factories.SecurityGroups:
    """Create security groups as `os_security_groups` does; they go at the end of the session."""
    return factories.SecurityGroups(_osfutures_session)


@pytest.fixture(scope="session")
def os_security_group_args() -> dict[str, Any]:
    """Return default arguments for security groups, to override in a folder, module or class."""
    return {}


@pytest.fixture
def os_address_groups(_osfutures_function: Scope) -> factories.AddressGroups:
    """Create address groups, which are deleted at the end of the test.

    `os_address_groups.create_async(addresses, name, ...)` returns a future at once; a rule of a
    security group refers to an address group by `remote_address_group_id`.

    Example:
        def test_hosts(os_address_groups):
            group = os_address_groups.create_async(["10.0.0.0/24"]).result()
            assert group.addresses == ["10.0.0.0/24"]
    """
    return factories.AddressGroups(_osfutures_function)


@pytest.fixture(scope="class")
def os_address_groups_class(_osfutures_class: Scope) -> factories.AddressGroups:
    """Create address groups as `os_address_groups` does; they go at the end of the class."""
    return factories.AddressGroups(_osfutures_class)


@pytest.fixture(scope="module")
def os_address_groups_module(_osfutures_module: Scope) -> factories.AddressGroups:
    """Create address groups as `os_address_groups` does; they go at the end of the module."""
    return factories.AddressGroups(_osfutures_module)


@pytest.fixture(scope="session")
def os_address_groups_session(_osfutures_session: Scope) -> factories.AddressGroups:
    """Create address groups as `os_address_groups` does; they go at the end of the session."""
    return factories.AddressGroups(_osfutures_session)


@pytest.fixture(scope="session")
def os_address_group_args() -> dict[str, Any]:
    """Return default arguments for address groups, to override in a folder, module or class."""
    return {}
