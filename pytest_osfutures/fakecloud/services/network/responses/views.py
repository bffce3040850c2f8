"""Neutron's resources in JSON, by the caller's role."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    iso_seconds,
)
from pytest_osfutures.fakecloud.services.network.call import NetworkCall
from pytest_osfutures.fakecloud.services.network.models import ZONE
from pytest_osfutures.fakecloud.services.network.models.records import (
    AddressGroupRecord,
    FloatingIpRecord,
    NetworkRecord,
    PortRecord,
    RouterRecord,
    SecurityGroupRecord,
    SecurityGroupRule,
    StandardRecord,
    SubnetRecord,
)


def standard(resource: StandardRecord) -> dict[str, Any]:
    """Return the fields of every resource."""
    return {
        "tenant_id": resource.project_id,
        "project_id": resource.project_id,
        "description": resource.description,
        "tags": list(resource.tags),
        "created_at": iso_seconds(resource.created_at),
        "updated_at": iso_seconds(resource.updated_at),
        "revision_number": resource.revision,
    }


def network(call: NetworkCall, network: NetworkRecord) -> dict[str, Any]:
    """Return the fields of a network; the provider fields are for administrators."""
    subnets = call.model.subnets_of(network.id)
    view: dict[str, Any] = {
        "id": network.id,
        "name": network.name,
        "admin_state_up": network.admin_state_up,
        "mtu": network.mtu,
        "status": network.status,
        "subnets": [subnet.id for subnet in subnets],
        "shared": network.shared,
        "availability_zone_hints": [],
        "availability_zones": [ZONE] if subnets else [],
        "ipv4_address_scope": None,
        "ipv6_address_scope": None,
        "router:external": network.external,
        "port_security_enabled": network.port_security_enabled,
        **standard(network),
    }
    if network.external:
        view["is_default"] = False
    if call.caller.is_admin:
        view["provider:network_type"] = network.network_type
        view["provider:physical_network"] = network.physical_network
        view["provider:segmentation_id"] = network.segmentation_id
    return view


def subnet(call: NetworkCall, subnet: SubnetRecord) -> dict[str, Any]:
    """Return the fields of a subnet."""
    on = call.model.networks.get(subnet.network_id)
    return {
        "id": subnet.id,
        "name": subnet.name,
        "network_id": subnet.network_id,
        "ip_version": subnet.net.version,
        "subnetpool_id": None,
        "enable_dhcp": subnet.enable_dhcp,
        "ipv6_ra_mode": subnet.ipv6_ra_mode,
        "ipv6_address_mode": subnet.ipv6_address_mode,
        "gateway_ip": subnet.gateway_ip,
        "cidr": str(subnet.net),
        "allocation_pools": [dict(pool) for pool in subnet.pools],
        "host_routes": [dict(route) for route in subnet.host_routes],
        "dns_nameservers": list(subnet.dns_nameservers),
        "router:external": on is not None and on.external,
        "service_types": list(subnet.service_types),
        **standard(subnet),
    }


def port(call: NetworkCall, port: PortRecord) -> dict[str, Any]:
    """Return the fields of a port; the binding fields are for administrators."""
    view: dict[str, Any] = {
        "id": port.id,
        "name": port.name,
        "network_id": port.network_id,
        "mac_address": port.mac_address,
        "admin_state_up": port.admin_state_up,
        "status": port.status,
        "device_id": port.device_id,
        "device_owner": port.device_owner,
        "fixed_ips": [dict(ip) for ip in port.fixed_ips],
        "security_groups": list(port.security_groups),
        "binding:vnic_type": port.vnic_type,
        "allowed_address_pairs": [dict(pair) for pair in port.allowed_address_pairs],
        "extra_dhcp_opts": [dict(option) for option in port.extra_dhcp_opts],
        "port_security_enabled": port.port_security_enabled,
        **standard(port),
    }
    if call.caller.is_admin:
        view["binding:profile"] = dict(port.profile)
        view["binding:host_id"] = port.host
        view["binding:vif_type"] = port.vif_type
        view["binding:vif_details"] = {"port_filter": True} if port.vif_type == "ovs" else {}
    return view


def router(call: NetworkCall, router: RouterRecord) -> dict[str, Any]:
    """Return the fields of a router."""
    view: dict[str, Any] = {
        "id": router.id,
        "name": router.name,
        "admin_state_up": router.admin_state_up,
        "status": router.status,
        "external_gateway_info": router.gateway,
        "routes": [dict(route) for route in router.routes],
        "availability_zone_hints": [],
        "availability_zones": [ZONE],
        "flavor_id": None,
        **standard(router),
    }
    if call.caller.is_admin:
        view |= {"distributed": False, "ha": False}
    return view


def floating_ip(call: NetworkCall, floating: FloatingIpRecord) -> dict[str, Any]:
    """Return the fields of a floating IP, with the details of its port."""
    leads_to = call.model.ports.get(floating.port_id or "")
    details = None
    if leads_to is not None:
        details = {
            "name": leads_to.name,
            "network_id": leads_to.network_id,
            "mac_address": leads_to.mac_address,
            "admin_state_up": leads_to.admin_state_up,
            "status": leads_to.status,
            "device_id": leads_to.device_id,
            "device_owner": leads_to.device_owner,
        }
    return {
        "id": floating.id,
        "floating_ip_address": floating.address,
        "floating_network_id": floating.floating_network_id,
        "router_id": floating.router_id,
        "port_id": floating.port_id,
        "fixed_ip_address": floating.fixed_ip_address,
        "status": floating.status,
        "port_details": details,
        "dns_domain": "",
        "dns_name": "",
        **standard(floating),
    }


def rule(call: NetworkCall, rule: SecurityGroupRule) -> dict[str, Any]:
    """Return the fields of a security group rule."""
    group = call.model.groups.get(rule.security_group_id)
    return {
        "id": rule.id,
        "security_group_id": rule.security_group_id,
        "ethertype": rule.ethertype,
        "direction": rule.direction,
        "protocol": rule.protocol,
        "port_range_min": rule.port_range_min,
        "port_range_max": rule.port_range_max,
        "remote_ip_prefix": rule.remote_ip_prefix,
        "remote_address_group_id": rule.remote_address_group_id,
        "normalized_cidr": rule.remote_ip_prefix,
        "remote_group_id": rule.remote_group_id,
        "belongs_to_default_sg": group is not None and group.name == "default",
        **standard(rule),
    }


def security_group(call: NetworkCall, group: SecurityGroupRecord) -> dict[str, Any]:
    """Return the fields of a security group with its rules."""
    return {
        "id": group.id,
        "name": group.name,
        "stateful": group.stateful,
        "shared": False,
        "security_group_rules": [rule(call, one) for one in call.model.rules_of(group.id)],
        **standard(group),
    }


def address_group(call: NetworkCall, group: AddressGroupRecord) -> dict[str, Any]:
    """Show an address group; it has no tags."""
    del call
    view = {"id": group.id, "name": group.name, "addresses": list(group.addresses)}
    return view | {key: value for key, value in standard(group).items() if key != "tags"}
