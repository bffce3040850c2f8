"""The records of Neutron: networks, subnets, ports, routers, floating IPs, security groups."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ResourceRecord,
)

Pool = Mapping[str, str]  #: {"start": ..., "end": ...}
FixedIp = Mapping[str, str]  #: {"subnet_id": ..., "ip_address": ...}


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class StandardRecord(ResourceRecord):
    """The fields of each Neutron resource: description, tags, revision number."""

    description: str | None = ""
    tags: tuple[str, ...] = ()
    revision: int = 0

    def change(self, values: Mapping[str, Any]) -> None:
        """Set the fields in `values`."""
        for name, value in values.items():
            setattr(self, name, value)
        self.revision += 1
        self.touch()


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class NetworkRecord(StandardRecord):
    """One network."""

    admin_state_up: bool = True
    shared: bool = False
    external: bool = False
    mtu: int = 1500
    port_security_enabled: bool = True
    network_type: str = "geneve"
    physical_network: str | None = None
    segmentation_id: int | None = None


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class SubnetRecord(StandardRecord):
    """One subnet, with its used addresses."""

    network_id: str
    net: IPv4Network | IPv6Network
    gateway_ip: str | None
    pools: tuple[Pool, ...]
    enable_dhcp: bool = True
    ipv6_ra_mode: str | None = None
    ipv6_address_mode: str | None = None
    dns_nameservers: tuple[str, ...] = ()
    host_routes: tuple[Mapping[str, str], ...] = ()
    service_types: tuple[str, ...] = ()
    taken: set[str] = field(default_factory=set)
    next_free: int = 0  #: all addresses of the first pool below this index are used

    def allocate(self) -> str | None:
        """Return the lowest free address of the pools, or None."""
        for pool in self.pools:
            first, last = int(ip_address(pool["start"])), int(ip_address(pool["end"]))
            for number in range(max(first, self.next_free), last + 1):
                address = str(ip_address(number))
                if address not in self.taken:
                    self.next_free = number + 1 if pool is self.pools[0] else self.next_free
                    self.taken.add(address)
                    return address
        return None

    def free(self, address: str) -> None:
        """Free an address."""
        self.taken.discard(address)
        self.next_free = min(self.next_free, int(ip_address(address)))


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class PortRecord(StandardRecord):
    """One port."""

    network_id: str
    mac_address: str
    fixed_ips: tuple[FixedIp, ...] = ()
    admin_state_up: bool = True
    device_id: str = ""
    device_owner: str = ""
    security_groups: tuple[str, ...] = ()
    port_security_enabled: bool = True
    allowed_address_pairs: tuple[Mapping[str, str], ...] = ()
    extra_dhcp_opts: tuple[Mapping[str, str], ...] = ()
    vnic_type: str = "normal"
    profile: Mapping[str, Any] = field(default_factory=dict)
    host: str = ""
    vif_type: str = "unbound"
    of_server: bool = False  #: Nova created the port and deletes it with the server


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class RouterRecord(StandardRecord):
    """One router."""

    admin_state_up: bool = True
    gateway: Mapping[str, Any] | None = None
    routes: tuple[Mapping[str, str], ...] = ()


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class TrunkRecord(StandardRecord):
    """One trunk: a parent port, and sub-ports whose traffic has a tag."""

    port_id: str
    admin_state_up: bool = True
    sub_ports: tuple[Mapping[str, Any], ...] = ()


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class FloatingIpRecord(StandardRecord):
    """One floating IP: an external address for a port."""

    floating_network_id: str
    address: str
    port_id: str | None = None
    fixed_ip_address: str | None = None
    router_id: str | None = None
    own_port_id: str = ""  #: the id of the port on the external network that has the address


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class SecurityGroupRule(StandardRecord):
    """One rule of a security group."""

    security_group_id: str
    direction: str
    ethertype: str = "IPv4"
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None
    remote_address_group_id: str | None = None

    def same_as(self, other: SecurityGroupRule) -> bool:
        """Return True if both rules allow the same traffic."""
        return self.what() == other.what()

    def what(self) -> tuple[object, ...]:
        """Return the fields that describe the allowed traffic."""
        return (
            self.security_group_id,
            self.direction,
            self.ethertype,
            self.protocol,
            self.port_range_min,
            self.port_range_max,
            self.remote_ip_prefix,
            self.remote_group_id,
            self.remote_address_group_id,
        )


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class SecurityGroupRecord(StandardRecord):
    """One security group."""

    stateful: bool = True


@dataclass(eq=False, kw_only=True, repr=False, match_args=False)
class AddressGroupRecord(StandardRecord):
    """Address blocks that rules of security groups can refer to together."""

    addresses: tuple[str, ...] = ()
