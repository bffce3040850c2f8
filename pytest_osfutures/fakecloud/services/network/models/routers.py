"""Routers and floating IPs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
)
from pytest_osfutures.fakecloud.services.network.models.ports import create_port, remove_port
from pytest_osfutures.fakecloud.services.network.models.records import (
    FloatingIpRecord,
    PortRecord,
    RouterRecord,
    SubnetRecord,
)
from pytest_osfutures.fakecloud.services.network.models.state import NetworkModel

INTERFACE, GATEWAY, FLOATING = (
    "network:router_interface",
    "network:router_gateway",
    "network:floatingip",
)


def _ports(model: NetworkModel, router: RouterRecord, owner: str) -> list[PortRecord]:
    return [p for p in model.ports if p.device_id == router.id and p.device_owner == owner]


def create_router(model: NetworkModel, project_id: str, values: Mapping[str, Any]) -> RouterRecord:
    """Create a router, with an external gateway if requested. Raises ApiError."""
    given = dict(values)
    gateway = given.pop("gateway", None)
    router = RouterRecord(
        id=model.runtime.new_id(), project_id=project_id, status="ACTIVE", revision=1, **given
    )
    if gateway:
        _set_gateway(model, router, gateway)
    return model.keep(model.routers, router)


def update_router(model: NetworkModel, router: RouterRecord, values: Mapping[str, Any]) -> None:
    """Change a router; a new external gateway (or none) replaces the old one. Raises ApiError."""
    given = dict(values)
    if "gateway" in given:
        _set_gateway(model, router, given.pop("gateway"))
    router.change(given)


def _set_gateway(
    model: NetworkModel, router: RouterRecord, gateway: Mapping[str, Any] | None
) -> None:
    port: PortRecord | None = None
    if gateway:
        network = model.network(str(gateway.get("network_id")))
        if not network.external:
            raise ApiError(
                400,
                f"Bad router request: Network {network.id} is not an external network.",
                kind="BadRequest",
            )
        values: dict[str, Any] = {"name": "", "network_id": network.id, "security_groups": ()}
        if gateway.get("external_fixed_ips"):
            values["fixed_ips"] = gateway["external_fixed_ips"]
        port = create_port(model, "", values)
    for old in _ports(model, router, GATEWAY):
        remove_port(model, old)
    router.gateway = None
    if port and gateway:
        port.change({"device_id": router.id, "device_owner": GATEWAY, "status": "ACTIVE"})
        router.gateway = {
            "network_id": port.network_id,
            "external_fixed_ips": [dict(ip) for ip in port.fixed_ips],
            "enable_snat": gateway.get("enable_snat", True),
        }


def delete_router(model: NetworkModel, router: RouterRecord) -> None:
    """Delete the router. Raises ApiError(409) while it has interfaces."""
    if _ports(model, router, INTERFACE):
        raise ApiError(409, f"Router {router.id} still has ports", kind="RouterInUse")
    for port in _ports(model, router, GATEWAY):
        remove_port(model, port)
    model.routers.remove(router)


def add_interface(
    model: NetworkModel, router: RouterRecord, subnet_id: str | None, port_id: str | None
) -> PortRecord:
    """Connect the router to a subnet, at the gateway address, or to a port. Raises ApiError."""
    if bool(subnet_id) == bool(port_id):
        raise _bad("Either subnet_id or port_id must be specified")
    if port_id:
        port = model.port(port_id)
        if port.device_id:
            raise ApiError(
                409,
                f"Unable to complete operation on port {port.id} for network "
                f"{port.network_id}. Port already has an attached device {port.device_id}.",
                kind="PortInUse",
            )
    else:
        subnet = model.subnet(str(subnet_id))
        if subnet.gateway_ip is None:
            raise _bad("Subnet for router interface must have a gateway IP")
        _check_overlap(model, router, subnet)
        subnet.taken.discard(subnet.gateway_ip)
        wanted = [{"subnet_id": subnet.id, "ip_address": subnet.gateway_ip}]
        values = {
            "name": "",
            "network_id": subnet.network_id,
            "fixed_ips": wanted,
            "security_groups": (),
        }
        port = create_port(model, router.project_id, values)
    port.change({"device_id": router.id, "device_owner": INTERFACE, "status": "ACTIVE"})
    return port


def _bad(why: str) -> ApiError:
    return ApiError(400, f"Bad router request: {why}.", kind="BadRequest")


def _check_overlap(model: NetworkModel, router: RouterRecord, subnet: SubnetRecord) -> None:
    for port in _ports(model, router, INTERFACE):
        for ip in port.fixed_ips:
            other = model.subnet(ip["subnet_id"])
            if other is subnet:
                raise _bad(f"Router already has a port on subnet {subnet.id}")
            if other.net.overlaps(subnet.net):
                raise _bad(
                    f"Cidr {subnet.net} of subnet {subnet.id} overlaps with cidr {other.net} of "
                    f"subnet {other.id}"
                )


def remove_interface(
    model: NetworkModel, router: RouterRecord, subnet_id: str | None, port_id: str | None
) -> PortRecord:
    """Disconnect a subnet or a port. Raises ApiError(404) if it is not connected."""
    for port in _ports(model, router, INTERFACE):
        on = [ip["subnet_id"] for ip in port.fixed_ips]
        if port_id in (None, port.id) and (subnet_id is None or subnet_id in on):
            remove_port(model, port)
            return port
    if subnet_id:
        said = f"Router {router.id} has no interface on subnet {subnet_id}."
        raise ApiError(404, said, kind="RouterInterfaceNotFoundForSubnet")
    said = f"Router {router.id} does not have an interface with id {port_id}"
    raise ApiError(404, said, kind="RouterInterfaceNotFound")


def create_floating_ip(
    model: NetworkModel, project_id: str, values: Mapping[str, Any]
) -> FloatingIpRecord:
    """Create a floating IP, `DOWN` without a port. Raises ApiError."""
    given = dict(values)
    network = model.network(given.pop("floating_network_id"))
    if not network.external:
        raise ApiError(
            400,
            f"Bad floatingip request: Network {network.id} is not a valid external network.",
            kind="BadRequest",
        )
    address, port_id = given.pop("address", None), given.pop("port_id", None)
    fixed = given.pop("fixed_ip_address", None)
    on: dict[str, Any] = {"name": "", "network_id": network.id, "security_groups": ()}
    if address:
        on["fixed_ips"] = [{"ip_address": address}]
    port = create_port(model, "", on)
    floating = FloatingIpRecord(
        id=model.runtime.new_id(),
        project_id=project_id,
        status="DOWN",
        floating_network_id=network.id,
        address=port.fixed_ips[0]["ip_address"] if port.fixed_ips else "",
        own_port_id=port.id,
        **given,
    )
    port.change({"device_id": floating.id, "device_owner": FLOATING, "status": "N/A"})
    model.keep(model.floating_ips, floating)
    if port_id:
        _lead(model, floating, port_id, fixed)
    return floating


def update_floating_ip(
    model: NetworkModel, floating: FloatingIpRecord, values: Mapping[str, Any]
) -> None:
    """Associate the floating IP with another port or none. Raises ApiError."""
    given = dict(values)
    if "port_id" in given:
        _lead(model, floating, given.pop("port_id"), given.pop("fixed_ip_address", None))
    floating.change(given)


def _lead(
    model: NetworkModel, floating: FloatingIpRecord, port_id: str | None, fixed: str | None
) -> None:
    if port_id is None:
        floating.change(
            {"port_id": None, "fixed_ip_address": None, "router_id": None, "status": "DOWN"}
        )
        return
    port = model.port(port_id)
    addresses = [ip["ip_address"] for ip in port.fixed_ips if fixed in (None, ip["ip_address"])]
    router_id = _way_out(model, port, floating.floating_network_id)
    if not addresses or router_id is None:
        raise ApiError(
            404,
            f"External network {floating.floating_network_id} is not reachable from subnet "
            f"{port.fixed_ips[0]['subnet_id'] if port.fixed_ips else None}.  Therefore, cannot "
            f"associate Port {port.id} with a Floating IP.",
            kind="ExternalGatewayForFloatingIPNotFound",
        )
    floating.change(
        {
            "port_id": port.id,
            "fixed_ip_address": addresses[0],
            "router_id": router_id,
            "status": "ACTIVE",
        }
    )


def _way_out(model: NetworkModel, port: PortRecord, external_id: str) -> str | None:
    """Return the router between the port's network and the external network, or None."""
    for router in model.routers:
        if router.gateway and router.gateway["network_id"] == external_id:
            inside = {p.network_id for p in _ports(model, router, INTERFACE)}
            if port.network_id in inside:
                return router.id
    return None


def delete_floating_ip(model: NetworkModel, floating: FloatingIpRecord) -> None:
    """Delete the floating IP and free its address."""
    if port := model.ports.get(floating.own_port_id):
        remove_port(model, port)
    model.floating_ips.remove(floating)
