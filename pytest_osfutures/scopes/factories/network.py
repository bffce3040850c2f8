"""Factories of networks, subnets and ports."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from ipaddress import ip_network
from typing import Any, Protocol, Unpack

from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.protocols import FactoryArguments, Reference, Resource
from pytest_osfutures.scopes.factories.base import client_arguments
from pytest_osfutures.scopes.factories.neutron import NetworkFactory, NetworkResource

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

__all__ = ["Network", "Networks", "Port", "Ports", "Subnet", "Subnets"]


class Network(NetworkResource, Protocol):
    """A network."""

    status: str
    admin_state_up: bool
    subnets: list[str]
    shared: bool
    mtu: int
    port_security_enabled: bool
    availability_zones: list[str]


class NetworkArguments(FactoryArguments, total=False):
    """Keyword arguments of `os_networks.create_async`: attributes of a new network."""

    description: str
    admin_state_up: bool
    shared: bool
    mtu: int
    port_security_enabled: bool
    dns_domain: str
    availability_zone_hints: list[str]
    qos_policy_id: Reference


class Networks(NetworkFactory):
    """The factory of networks: the fixtures `os_networks`, `os_networks_class`, ..."""

    def create_async(
        self,
        name: str | None = None,
        cidr: str | None = None,
        **arguments: Unpack[NetworkArguments],
    ) -> OperationFuture[Network]:
        """Create a network in the background, with retries, and return its future.

        Args:
            name: name of the network (default: a new name that begins with `osf-`).
            cidr: address range of a subnet of the network (default: no subnet).
            arguments: `try_count`, `tout` and `extra` as of `os_servers.create_async`, and
                attributes of the Networking API.

        Returns:
            The future of the network; the subnet exists as well when the future is done.

        Raises:
            InvalidArgument: `cidr` is not an address range.

        Example:
            >>> network = os_networks.create_async("net", cidr="10.0.0.0/24").result()
            >>> len(network.subnets)
            1
        """
        subnets = [] if cidr is None else [_subnet(cidr)]
        limits = self._limits(arguments)
        attributes = {"name": self._name(name), **client_arguments(arguments)}

        def add_subnet(subnet: Mapping[str, Any], network: Resource) -> OperationFuture[Any]:
            more = {"name": attributes["name"], "network_id": network.id, **subnet}
            return self._create("subnet", more, limits)

        steps = [partial(add_subnet, each) for each in subnets]
        return self._create_with("network", attributes, limits, steps)


class Subnet(NetworkResource, Protocol):
    """A subnet of a network."""

    network_id: str
    cidr: str
    ip_version: int
    gateway_ip: str | None
    enable_dhcp: bool
    dns_nameservers: list[str]
    allocation_pools: list[dict[str, str]]
    host_routes: list[dict[str, str]]
    ipv6_address_mode: str | None
    ipv6_ra_mode: str | None


class SubnetArguments(FactoryArguments, total=False):
    """Keyword arguments of `os_subnets.create_async`: attributes of a new subnet."""

    description: str
    gateway_ip: str | None
    enable_dhcp: bool
    dns_nameservers: list[str]
    allocation_pools: list[dict[str, str]]
    host_routes: list[dict[str, str]]
    ip_version: int
    ipv6_address_mode: str
    ipv6_ra_mode: str
    subnetpool_id: Reference


class Subnets(NetworkFactory):
    """The factory of subnets: the fixtures `os_subnets`, `os_subnets_class`, ..."""

    def create_async(
        self,
        network: Reference,
        cidr: str,
        name: str | None = None,
        **arguments: Unpack[SubnetArguments],
    ) -> OperationFuture[Subnet]:
        """Create a subnet in the background, with retries, and return its future.

        Args:
            network: name, id or object of the network.
            cidr: address range of the subnet.
            name: name of the subnet (default: a new name that begins with `osf-`).
            arguments: `try_count`, `tout` and `extra` as of `os_servers.create_async`, and
                attributes of the Networking API.

        Returns:
            The future of the subnet.

        Raises:
            InvalidArgument: `network` is unknown, or `cidr` is not an address range.

        Example:
            >>> network = os_networks.create_async("net").result()
            >>> os_subnets.create_async(network, "10.0.0.0/24").result().ip_version
            4
        """
        place = {"network_id": self.defaults.network(network), "name": self._name(name)}
        attributes = {**place, **_subnet(cidr), **client_arguments(arguments)}
        return self._create("subnet", attributes, self._limits(arguments))


class Port(NetworkResource, Protocol):
    """A port of a network."""

    network_id: str
    status: str
    admin_state_up: bool
    mac_address: str
    fixed_ips: list[dict[str, str]]
    security_groups: list[str]
    device_id: str
    device_owner: str
    allowed_address_pairs: list[dict[str, str]]
    port_security_enabled: bool


class PortArguments(FactoryArguments, total=False):
    """Keyword arguments of `os_ports.create_async`: attributes of a new port."""

    description: str
    admin_state_up: bool
    mac_address: str
    fixed_ips: Iterable[Mapping[str, Any]]
    security_groups: Iterable[Reference]
    device_id: str
    device_owner: str
    allowed_address_pairs: list[dict[str, str]]
    port_security_enabled: bool
    dns_name: str
    qos_policy_id: Reference


class Ports(NetworkFactory):
    """The factory of ports: the fixtures `os_ports`, `os_ports_class`, ..."""

    def create_async(
        self,
        network: Reference | None = None,
        name: str | None = None,
        **arguments: Unpack[PortArguments],
    ) -> OperationFuture[Port]:
        """Create a port in the background, with retries, and return its future.

        Args:
            network: name, id or object of the network (default: --os-network, else the only one).
            name: name of the port (default: a new name that begins with `osf-`).
            arguments: `try_count`, `tout` and `extra` as of `os_servers.create_async`, and
                attributes of the Networking API.

        Returns:
            The future of the port.

        Raises:
            InvalidArgument: `network` is unknown, or several networks could be the default.

        Example:
            >>> port = os_ports.create_async(extra={"binding:vnic_type": "direct"}).result()
            >>> port["binding:vnic_type"]
            'direct'
        """
        place = {"network_id": self.defaults.network(network), "name": self._name(name)}
        attributes = {**place, **client_arguments(arguments)}
        return self._create("port", attributes, self._limits(arguments))


def _subnet(cidr: str) -> dict[str, Any]:
    """Return the attributes that the Networking API requires of a subnet, but for its network."""
    try:
        version = ip_network(cidr, strict=False).version
    except ValueError as error:
        raise InvalidArgument(
            f"cidr={cidr!r} is no network with its mask (10.0.0.0/24): {error}"
        ) from None
    return {"cidr": cidr, "ip_version": version}
