"""Networks, subnets and ports, with the allocation of addresses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Fault,
    Lifecycle,
    Step,
    start_lifecycle,
)
from pytest_osfutures.fakecloud.services.network.models.records import (
    FixedIp,
    NetworkRecord,
    Pool,
    PortRecord,
    SubnetRecord,
)
from pytest_osfutures.fakecloud.services.network.models.security_groups import default_group
from pytest_osfutures.fakecloud.services.network.models.state import NetworkModel
from pytest_osfutures.fakecloud.services.network.models.trunks import check_free

BIND = Lifecycle("port.bind", (Step(1.0, {"status": "BUILD"}),))
#: Neutron deletes the ports of these owners with their network
AUTOMATIC_OWNERS = ("network:dhcp", "network:distributed")


def create_network(
    model: NetworkModel, project_id: str, values: Mapping[str, Any]
) -> NetworkRecord:
    """Create a network."""
    network = NetworkRecord(
        id=model.runtime.new_id(), project_id=project_id, status="ACTIVE", revision=1, **values
    )
    network.segmentation_id = network.segmentation_id or model.runtime.random.randrange(1, 65536)
    return model.keep(model.networks, network)


def delete_network(model: NetworkModel, network: NetworkRecord) -> None:
    """Delete the network and its subnets. Raises ApiError(409) if it has ports."""
    in_use = [port.id for port in model.ports if port.network_id == network.id]
    if in_use:
        raise ApiError(
            409,
            f"Unable to complete operation on network {network.id}. There are one or more ports "
            f"still in use on the network, id for these ports is: {','.join(in_use)}.",
            kind="NetworkInUse",
        )
    for subnet in model.subnets_of(network.id):
        model.subnets.remove(subnet)
    model.networks.remove(network)


def _net(cidr: object, version: int) -> IPv4Network | IPv6Network:
    try:
        net = ip_network(str(cidr), strict=False)
    except ValueError:
        raise _input(f"{cidr} is not in a CIDR format.") from None
    if net.version != version:
        raise _input(f"cidr '{cidr}' does not match the ip_version '{version}'.")
    return net


def _input(why: str) -> ApiError:
    return ApiError(400, f"Invalid input for operation: {why}", kind="InvalidInput")


def create_subnet(model: NetworkModel, project_id: str, values: Mapping[str, Any]) -> SubnetRecord:
    """Create a subnet; by default its first address is the gateway. Raises ApiError."""
    given = dict(values)
    network = model.network(given.pop("network_id"))
    cidr, version = given.pop("cidr", None), given.pop("ip_version")
    if cidr is None:
        raise ApiError(
            400,
            "Bad subnets request: a subnetpool must be specified in the absence of a cidr.",
            kind="BadRequest",
        )
    net = _net(cidr, version)
    first = str(net.network_address + (1 if net.num_addresses > 2 else 0))
    gateway = given.pop("gateway_ip", first)
    pools = tuple(given.pop("pools", ())) or _pools(net, gateway)
    _check_pools(net, pools)
    if any(net.overlaps(other.net) for other in model.subnets_of(network.id)):
        raise _input(
            f"Requested subnet with cidr: {net} for network: {network.id} overlaps with another "
            "subnet."
        )
    subnet = SubnetRecord(
        id=model.runtime.new_id(),
        project_id=project_id,
        network_id=network.id,
        net=net,
        gateway_ip=gateway,
        pools=pools,
        **given,
    )
    if gateway:
        subnet.taken.add(gateway)
    network.change({})
    return model.keep(model.subnets, subnet)


def _check_pools(net: IPv4Network | IPv6Network, pools: tuple[Pool, ...]) -> None:
    for pool in pools:
        try:
            inside = all(ip_address(pool[end]) in net for end in ("start", "end"))
        except (KeyError, ValueError):
            raise _input(f"Invalid data format for IP pool: '{pool}'.") from None
        if not inside:
            raise ApiError(
                400,
                f"The allocation pool {pool['start']}-{pool['end']} spans beyond the subnet cidr "
                f"{net}.",
                kind="OutOfBoundsAllocationPool",
            )


def _pools(net: IPv4Network | IPv6Network, gateway: str | None) -> tuple[Pool, ...]:
    """Return the allocation pools: all host addresses of `net` except the gateway."""
    last = net.num_addresses - (1 if net.version == 6 else 2)
    start, end = int(net.network_address) + 1, int(net.network_address) + last
    if gateway is None or not start <= int(ip_address(gateway)) <= end:
        stretches = [(start, end)]
    else:
        middle = int(ip_address(gateway))
        stretches = [(start, middle - 1), (middle + 1, end)]
    return tuple(
        {"start": str(ip_address(low)), "end": str(ip_address(high))}
        for low, high in stretches
        if low <= high
    )


def delete_subnet(model: NetworkModel, subnet: SubnetRecord) -> None:
    """Delete the subnet. Raises ApiError(409) while a port has one of its addresses."""
    if any(ip["subnet_id"] == subnet.id for port in model.ports for ip in port.fixed_ips):
        raise ApiError(
            409,
            f"Unable to complete operation on subnet {subnet.id}: One or more ports have an IP "
            "allocation from this subnet.",
            kind="SubnetInUse",
        )
    model.subnets.remove(subnet)


def create_port(model: NetworkModel, project_id: str, values: Mapping[str, Any]) -> PortRecord:
    """Create a port, `DOWN` until it is bound. Raises ApiError."""
    given = dict(values)
    network = model.network(given.pop("network_id"))
    wanted, host = given.pop("fixed_ips", None), given.pop("host", "")
    groups = given.pop("security_groups", None)
    if groups is None:
        groups = (default_group(model, project_id).id,)
    port = PortRecord(
        id=model.runtime.new_id(),
        project_id=project_id,
        status="DOWN",
        revision=1,
        network_id=network.id,
        mac_address=given.pop("mac_address", None) or _mac(model),
        fixed_ips=allocate(model, network, wanted),
        security_groups=check_groups(model, groups),
        **given,
    )
    model.keep(model.ports, port)
    if host:
        bind(model, port, host)
    return port


def check_groups(model: NetworkModel, groups: Sequence[str]) -> tuple[str, ...]:
    """Return the ids of existing security groups. Raises ApiError(404)."""
    return tuple(model.security_group(group).id for group in groups)


def _mac(model: NetworkModel) -> str:
    number = model.runtime.random.getrandbits(24)
    return f"fa:16:3e:{number >> 16:02x}:{number >> 8 & 255:02x}:{number & 255:02x}"


def allocate(
    model: NetworkModel, network: NetworkRecord, wanted: Iterable[FixedIp] | None
) -> tuple[FixedIp, ...]:
    """Return addresses on the network: the requested ones, or one of each IP version."""
    subnets = model.subnets_of(network.id)
    if wanted is not None:
        return tuple(_allocate_one(network, subnets, one) for one in wanted)
    found = []
    for version in (4, 6):
        choice = [subnet for subnet in subnets if subnet.net.version == version]
        address = None
        for subnet in choice:
            address = subnet.allocate()
            if address is not None:
                found.append({"subnet_id": subnet.id, "ip_address": address})
                break
        if choice and address is None:
            raise _exhausted(network)
    return tuple(found)


def _exhausted(network: NetworkRecord) -> ApiError:
    return ApiError(
        409,
        f"No more IP addresses available on network {network.id}.",
        kind="IpAddressGenerationFailure",
    )


def _allocate_one(network: NetworkRecord, subnets: list[SubnetRecord], one: FixedIp) -> FixedIp:
    subnet_id, address = one.get("subnet_id"), one.get("ip_address")
    fitting = [subnet for subnet in subnets if subnet_id in (None, subnet.id)]
    if not fitting:
        if subnet_id is None:
            raise _exhausted(network)
        said = f"Subnet {subnet_id} could not be found."
        raise ApiError(404, said, kind="SubnetNotFound")
    if address is None:
        found = fitting[0].allocate()
        if found is None:
            raise _exhausted(network)
        return {"subnet_id": fitting[0].id, "ip_address": found}
    fitting = [subnet for subnet in fitting if ip_address(address) in subnet.net]
    if not fitting:
        raise ApiError(
            400,
            f"IP address {address} is not a valid IP for any of the subnets on the specified "
            "network.",
            kind="InvalidIpForNetwork",
        )
    if address in fitting[0].taken:
        raise ApiError(
            409,
            f"IP address {address} already allocated in subnet {fitting[0].id}",
            kind="IpAddressAlreadyAllocated",
        )
    fitting[0].taken.add(address)
    return {"subnet_id": fitting[0].id, "ip_address": address}


def free_addresses(model: NetworkModel, fixed_ips: Iterable[FixedIp]) -> None:
    """Free the addresses."""
    for ip in fixed_ips:
        subnet = model.subnets.get(ip["subnet_id"])
        if subnet is not None and ip["ip_address"] != subnet.gateway_ip:
            subnet.free(ip["ip_address"])


def update_port(model: NetworkModel, port: PortRecord, values: Mapping[str, Any]) -> None:
    """Change a port; a new host binds it, an empty host releases it. Raises ApiError."""
    given = dict(values)
    host, wanted = given.pop("host", None), given.pop("fixed_ips", None)
    if "security_groups" in given:
        given["security_groups"] = check_groups(model, given["security_groups"])
    if wanted is not None:
        kept = [ip for ip in port.fixed_ips if any(_is(ip, one) for one in wanted)]
        new = [one for one in wanted if not any(_is(ip, one) for ip in kept)]
        added = allocate(model, model.network(port.network_id), new)
        free_addresses(model, [ip for ip in port.fixed_ips if ip not in kept])
        given["fixed_ips"] = (*kept, *added)
    port.change(given)
    if host:
        bind(model, port, host)
    elif host == "":
        release(port)


def _is(ip: FixedIp, wanted: FixedIp) -> bool:
    return all(ip[key] == value for key, value in wanted.items())


def bind(model: NetworkModel, port: PortRecord, host: str) -> None:
    """Begin to bind the port to a host: `BUILD`, then `ACTIVE`."""
    port.change({"host": host, "vif_type": "ovs"})

    def failed(_fault: Fault) -> None:
        port.change({"vif_type": "binding_failed", "status": "DOWN"})

    start_lifecycle(model.runtime, BIND, port, lambda: port.change({"status": "ACTIVE"}), failed)


def release(port: PortRecord) -> None:
    """Unbind the port from its host."""
    port.activity = None
    port.change({"host": "", "vif_type": "unbound", "status": "DOWN"})


def delete_port(model: NetworkModel, port: PortRecord) -> None:
    """Delete the port and free its addresses. Raises ApiError(409) if a router owns it."""
    if port.device_owner in ("network:router_interface", "network:router_gateway"):
        raise ApiError(
            409,
            f"Port {port.id} cannot be deleted directly via the port API: has device owner "
            f"{port.device_owner}.",
            kind="ServicePortInUse",
        )
    check_free(model, port)
    remove_port(model, port)


def remove_port(model: NetworkModel, port: PortRecord) -> None:
    """Delete the port whoever owns it; its floating IP keeps no port."""
    model.ports.remove(port)
    free_addresses(model, port.fixed_ips)
    for floating in model.floating_ips:
        if floating.port_id == port.id:
            floating.change(
                {"port_id": None, "fixed_ip_address": None, "router_id": None, "status": "DOWN"}
            )
