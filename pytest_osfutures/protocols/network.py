"""Resources of Neutron (https://docs.openstack.org/api-ref/network/v2/).

Attributes have the names of the Networking API; those with a colon are read as items:
`port["binding:vnic_type"]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from pytest_osfutures.protocols.arguments import FactoryArguments, Reference


class NetworkResource(Protocol):
    """Attributes that all resources of Neutron have."""

    id: str
    name: str
    description: str
    project_id: str
    tags: list[str]
    created_at: str
    updated_at: str
    revision_number: int

    def __getitem__(self, name: str, /) -> Any:
        """Return the attribute `name`, which may contain a colon."""


class Network(NetworkResource, Protocol):
    """A network."""

    status: str
    admin_state_up: bool
    subnets: list[str]
    shared: bool
    mtu: int
    port_security_enabled: bool
    availability_zones: list[str]


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


class Router(NetworkResource, Protocol):
    """A router."""

    status: str
    admin_state_up: bool
    external_gateway_info: dict[str, Any] | None
    routes: list[dict[str, str]]


class FloatingIp(Protocol):
    """A floating IP address. It has no name."""

    id: str
    description: str
    project_id: str
    tags: list[str]
    status: str
    floating_network_id: str
    floating_ip_address: str
    fixed_ip_address: str | None
    port_id: str | None
    router_id: str | None

    def __getitem__(self, name: str, /) -> Any:
        """Return the attribute `name`, which may contain a colon."""


class SecurityGroup(NetworkResource, Protocol):
    """A security group with its rules."""

    security_group_rules: list[dict[str, Any]]
    stateful: bool


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


class RouterArguments(FactoryArguments, total=False):
    """Keyword arguments of `os_routers.create_async`: attributes of a new router."""

    description: str
    admin_state_up: bool
    external_gateway_info: Mapping[str, Any]
    availability_zone_hints: list[str]


class FloatingIpArguments(FactoryArguments, total=False):
    """Keyword arguments of `os_floating_ips.create_async`: attributes of a new floating IP."""

    description: str
    floating_ip_address: str
    fixed_ip_address: str
    subnet_id: Reference
    dns_name: str
    dns_domain: str
    qos_policy_id: Reference


class SecurityGroupArguments(FactoryArguments, total=False):
    """Keyword arguments of `os_security_groups.create_async`: attributes of a new group."""

    description: str
    stateful: bool
