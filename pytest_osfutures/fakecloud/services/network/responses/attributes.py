"""The attributes of Neutron's resources, and the validation of bodies against them.

neutron-lib has the same tables and validators: neutron_lib/api/definitions and
neutron_lib/api/validators on https://opendev.org/openstack/neutron-lib
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address, ip_network
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    parse_integer,
    parse_natural,
)

UUID = re.compile(r"[0-9a-fA-F]{8}-?([0-9a-fA-F]{4}-?){3}[0-9a-fA-F]{12}\Z")
MAC = re.compile(r"([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}\Z")
REQUIRED = object()

#: a converter; raises InvalidAttributeError
Convert = Callable[[Any], Any]


class InvalidAttributeError(Exception):
    """The value of an attribute is invalid; a `kind` makes the message the whole error."""

    def __init__(self, why: str, kind: str | None = None) -> None:
        super().__init__(why)
        self.kind = kind


def unconvertible(why: str) -> InvalidAttributeError:
    """Return the error for a value of the wrong type."""
    return InvalidAttributeError(f"Invalid input for operation: {why}.", kind="InvalidInput")


def text(value: Any) -> str:
    """Return a string of up to 255 characters."""
    if not isinstance(value, str):
        raise InvalidAttributeError(f"'{value}' is not a valid string")
    if len(value) > 255:
        raise InvalidAttributeError(f"'{value}' exceeds maximum length of 255")
    return value


def flag(value: Any) -> bool:
    """Return a boolean, also from a string or a number."""
    if isinstance(value, bool):
        return value
    if str(value).lower() in ("true", "1"):
        return True
    if str(value).lower() in ("false", "0"):
        return False
    raise unconvertible(f"'{value}' cannot be converted to boolean")


def number(value: Any) -> int:
    """Return an integer."""
    if (found := parse_integer(value)) is None:
        raise unconvertible(f"'{value}' is not an integer")
    return found


def version(value: Any) -> int:
    """Return an IP version."""
    if number(value) not in (4, 6):
        raise InvalidAttributeError(f"{value} is not in valid_values")
    return number(value)


def port_number(value: Any) -> int:
    """Return the number of a TCP or UDP port."""
    if not -1 <= number(value) <= 65535:
        raise InvalidAttributeError(
            f"Invalid value for port {value}", "SecurityGroupInvalidPortValue"
        )
    return number(value)


def uuid(value: Any) -> str:
    """Return a UUID."""
    if not (isinstance(value, str) and UUID.match(value)):
        raise InvalidAttributeError(f"'{value}' is not a valid UUID")
    return value


def address(value: Any) -> str:
    """Return an IP address."""
    try:
        return str(ip_address(str(value)))
    except ValueError:
        raise InvalidAttributeError(f"'{value}' is not a valid IP address") from None


def prefix(value: Any) -> str:
    """Return an IP network in CIDR notation."""
    try:
        return str(ip_network(str(value), strict=False))
    except ValueError:
        said = f"Invalid CIDR {value} given as IP prefix."
        raise InvalidAttributeError(said, "InvalidCIDR") from None


def block(value: Any) -> str:
    """A network with its mask, which has to be there."""
    if "/" not in str(value):
        raise InvalidAttributeError(f"'{value}' is not a valid IP subnet")
    try:
        return str(ip_network(str(value)))
    except ValueError:
        raise InvalidAttributeError(f"'{value}' is not a valid IP subnet") from None


def mac(value: Any) -> str:
    """Return a MAC address."""
    if not (isinstance(value, str) and MAC.match(value)):
        raise InvalidAttributeError(f"'{value}' is not a valid MAC address")
    return value.lower()


def mapping(value: Any) -> dict[str, Any]:
    """Return an object."""
    if not isinstance(value, dict):
        raise InvalidAttributeError(f"'{value}' is not a dictionary")
    return value


def listing(of: Convert) -> Convert:
    """Return a converter for a list whose entries `of` converts."""

    def convert(value: Any) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise InvalidAttributeError(f"'{value}' is not a list")
        return tuple(of(entry) for entry in value)

    return convert


def perhaps(of: Convert) -> Convert:
    """Return a converter for null or a value that `of` converts."""
    return lambda value: None if value is None else of(value)


def one_of(*allowed: Any) -> Convert:
    """Return a converter for one of the allowed values."""

    def convert(value: Any) -> Any:
        if value not in allowed:
            raise InvalidAttributeError(f"{value} is not in valid_values")
        return value

    return convert


def ethertype(value: Any) -> str:
    """Return the IP version of a security group rule."""
    if value not in ("IPv4", "IPv6"):
        raise InvalidAttributeError(
            f"Security group rule for ethertype '{value}' not supported. Allowed values are "
            "['IPv4', 'IPv6'].",
            "SecurityGroupRuleInvalidEtherType",
        )
    return str(value)


def nameserver(value: Any) -> str:
    """Return the address of a DNS server."""
    try:
        return address(value)
    except InvalidAttributeError as error:
        raise InvalidAttributeError(f"'{value}' is not a valid nameserver. {error}") from None


def fixed_ip(value: Any) -> dict[str, str]:
    """Return one requested address of a port."""
    if not isinstance(value, dict):
        raise InvalidAttributeError(f"Invalid data format for fixed IP: '{value}'")
    if not value.keys() & {"subnet_id", "ip_address"}:
        raise unconvertible("IP allocation requires subnet_id or ip_address")
    wanted = {"subnet_id": uuid, "ip_address": address}
    return {key: check(value[key]) for key, check in wanted.items() if value.get(key) is not None}


def fixed_ips(value: Any) -> tuple[dict[str, str], ...]:
    """Return the requested addresses of a port."""
    if not isinstance(value, list):
        raise InvalidAttributeError(f"Invalid data format for fixed IP: '{value}'")
    return tuple(fixed_ip(entry) for entry in value)


def gateway(value: Any) -> dict[str, Any]:
    """Return the external network of a router and its requested addresses there."""
    found = dict(mapping(value))
    checks = {"network_id": uuid, "enable_snat": flag, "external_fixed_ips": perhaps(fixed_ips)}
    for key, check in checks.items():
        if key in found:
            found[key] = check(found[key])
    return found


def protocol(value: Any) -> str | None:
    """Return the name or the number of an IP protocol; None for `any`."""
    if value in (None, "any"):
        return None
    name = str(value).lower()
    if name not in PROTOCOLS and (parse_natural(name) is None or int(name) > 255):
        raise InvalidAttributeError(
            f"Security group rule protocol {value} not supported. Only protocol values "
            f"{(None, 'any', *PROTOCOLS)} and integer representations [0 to 255] are supported.",
            "SecurityGroupRuleInvalidProtocol",
        )
    return name


PROTOCOLS = ("ah", "dccp", "egp", "esp", "gre", "hopopt", "icmp", "igmp", "ip", "ipip",
             "ipv6-encap", "ipv6-frag", "ipv6-icmp", "icmpv6", "ipv6-nonxt", "ipv6-opts",
             "ipv6-route", "ospf", "pgm", "rsvp", "sctp", "tcp", "udp", "udplite",
             "vrrp")  # fmt: skip


@dataclass(frozen=True, repr=False, match_args=False)
class Attribute:
    """One attribute: its field, its converter, and the requests and roles that may set it."""

    field: str
    convert: Convert
    default: Any = None  #: None: the record's own default
    create: bool = True
    update: bool = True
    admin: bool = False


NAME = Attribute("name", text, default="")
DESCRIPTION = Attribute("description", text)
UP = Attribute("admin_state_up", flag)
OWNER = Attribute("project_id", text, update=False, admin=True)

COMMON = {"name": NAME, "description": DESCRIPTION, "tenant_id": OWNER, "project_id": OWNER}
NETWORK = {
    **COMMON,
    "admin_state_up": UP,
    "shared": Attribute("shared", flag, admin=True),
    "router:external": Attribute("external", flag, admin=True),
    "mtu": Attribute("mtu", number),
    "port_security_enabled": Attribute("port_security_enabled", flag),
    "provider:network_type": Attribute("network_type", text, admin=True),
    "provider:physical_network": Attribute("physical_network", perhaps(text), admin=True),
    "provider:segmentation_id": Attribute("segmentation_id", perhaps(number), admin=True),
    "availability_zone_hints": Attribute("", listing(text)),
    "is_default": Attribute("", flag, admin=True),
    "dns_domain": Attribute("", text),
}
SUBNET = {
    **COMMON,
    "network_id": Attribute("network_id", uuid, REQUIRED, update=False),
    "ip_version": Attribute("ip_version", version, REQUIRED, update=False),
    "cidr": Attribute("cidr", str, update=False),
    "gateway_ip": Attribute("gateway_ip", perhaps(address)),
    "allocation_pools": Attribute("pools", listing(mapping)),
    "enable_dhcp": Attribute("enable_dhcp", flag),
    "ipv6_ra_mode": Attribute("ipv6_ra_mode", perhaps(text), update=False),
    "ipv6_address_mode": Attribute("ipv6_address_mode", perhaps(text), update=False),
    "dns_nameservers": Attribute("dns_nameservers", listing(nameserver)),
    "host_routes": Attribute("host_routes", listing(mapping)),
    "service_types": Attribute("service_types", listing(text)),
    "subnetpool_id": Attribute("", perhaps(uuid), update=False),
    "use_default_subnetpool": Attribute("", flag, update=False),
    "segment_id": Attribute("", perhaps(uuid)),
}
PORT = {
    **COMMON,
    "network_id": Attribute("network_id", uuid, REQUIRED, update=False),
    "admin_state_up": UP,
    "mac_address": Attribute("mac_address", mac),
    "fixed_ips": Attribute("fixed_ips", fixed_ips),
    "device_id": Attribute("device_id", text),
    "device_owner": Attribute("device_owner", text),
    "security_groups": Attribute("security_groups", listing(uuid)),
    "port_security_enabled": Attribute("port_security_enabled", flag),
    "allowed_address_pairs": Attribute("allowed_address_pairs", listing(mapping)),
    "extra_dhcp_opts": Attribute("extra_dhcp_opts", listing(mapping)),
    "binding:vnic_type": Attribute("vnic_type", text),
    "binding:profile": Attribute("profile", mapping, admin=True),
    "binding:host_id": Attribute("host", text, admin=True),
    "dns_name": Attribute("", text),
    "qos_policy_id": Attribute("", perhaps(uuid)),
    "propagate_uplink_status": Attribute("", flag),
    "tags": Attribute("", listing(text), update=False),  # Neutron accepts and ignores them
}
ROUTER = {
    **COMMON,
    "admin_state_up": UP,
    "external_gateway_info": Attribute("gateway", perhaps(gateway)),
    "routes": Attribute("routes", listing(mapping), create=False),
    "distributed": Attribute("", flag, admin=True),
    "ha": Attribute("", flag, admin=True),
    "availability_zone_hints": Attribute("", listing(text)),
}
FLOATING_IP = {
    **{key: value for key, value in COMMON.items() if key != "name"},
    "floating_network_id": Attribute("floating_network_id", uuid, REQUIRED, update=False),
    "floating_ip_address": Attribute("address", address, update=False),
    "subnet_id": Attribute("", perhaps(uuid), update=False),
    "port_id": Attribute("port_id", perhaps(uuid)),
    "fixed_ip_address": Attribute("fixed_ip_address", perhaps(address)),
    "dns_name": Attribute("", text),
    "dns_domain": Attribute("", text),
}
SECURITY_GROUP = {**COMMON, "stateful": Attribute("stateful", flag)}
SECURITY_GROUP_RULE = {
    "description": DESCRIPTION,
    "tenant_id": OWNER,
    "project_id": OWNER,
    "security_group_id": Attribute("security_group_id", uuid, REQUIRED, update=False),
    "direction": Attribute("direction", one_of("ingress", "egress"), REQUIRED, update=False),
    "ethertype": Attribute("ethertype", ethertype, update=False),
    "protocol": Attribute("protocol", protocol, update=False),
    "port_range_min": Attribute("port_range_min", perhaps(port_number), update=False),
    "port_range_max": Attribute("port_range_max", perhaps(port_number), update=False),
    "remote_ip_prefix": Attribute("remote_ip_prefix", perhaps(prefix), update=False),
    "remote_group_id": Attribute("remote_group_id", perhaps(uuid), update=False),
    "remote_address_group_id": Attribute("remote_address_group_id", perhaps(uuid), update=False),
}
ADDRESS_GROUP = {**COMMON, "addresses": Attribute("addresses", listing(block), update=False)}


def bad(why: str) -> ApiError:
    """Return the error 400 for a malformed body."""
    return ApiError(400, why, kind="HTTPBadRequest")


def fields(
    known: Mapping[str, Attribute],
    body: Mapping[str, Any],
    rule: str,
    is_admin: bool,
    new: bool,
) -> dict[str, Any]:
    """Return the fields that `body` sets. Raises ApiError: 400, or 403 if only `rule` allows it."""
    _check_names(known, body, new)
    found: dict[str, Any] = {}
    for key, attribute in known.items():
        if key not in body:
            if new and attribute.default is REQUIRED:
                raise bad(f"Failed to parse request. Required attribute '{key}' not specified")
            if new and attribute.default is not None:
                found.setdefault(attribute.field, attribute.default)
            continue
        value = _converted(key, attribute, body[key])
        if attribute.admin and not is_admin and not (key in OWNED and new):
            raise disallowed(f"(rule:{rule} and rule:{rule}:{key})")
        if attribute.field:
            found[attribute.field] = value
    return found


def _check_names(known: Mapping[str, Attribute], body: Mapping[str, Any], new: bool) -> None:
    for key in body:
        attribute = known.get(key)
        allowed = attribute is not None and (attribute.create if new else attribute.update)
        if (attribute is None and key not in READ_ONLY) or allowed:
            continue
        if new:
            raise bad(f"Attribute '{key}' not allowed in POST")
        raise bad(f"Cannot update read-only attribute {key}")
    unknown = [key for key in body if key not in known and key not in READ_ONLY]
    if unknown:
        raise bad(f"Unrecognized attribute(s) '{', '.join(unknown)}'")


def _converted(key: str, attribute: Attribute, value: Any) -> Any:
    try:
        return attribute.convert(value)
    except InvalidAttributeError as error:
        if error.kind:
            raise ApiError(400, str(error), kind=error.kind) from None
        raise bad(f"Invalid input for {key}. Reason: {str(error).rstrip('.')}.") from None


OWNED = (
    "tenant_id",
    "project_id",
)  #: allowed if the value is the caller's own project; the handler compares
# The read-only attributes of all resources.
READ_ONLY = ("id", "status", "subnets", "created_at", "updated_at", "revision_number", "tags")


def disallowed(rule: str) -> ApiError:
    """Return the error 403 of the policies."""
    return ApiError(403, f"{rule} is disallowed by policy", kind="PolicyNotAuthorized")
