"""Declared needs of Neutron's resources; see `declared.py`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from pytest_osfutures.plugin.need import Need, ScopeName, declare

if TYPE_CHECKING:
    from pytest_osfutures.protocols import (
        FactoryArguments,
        Reference,
    )
    from pytest_osfutures.scopes.factories.network import (
        NetworkArguments,
        PortArguments,
        SubnetArguments,
    )
    from pytest_osfutures.scopes.factories.routing import FloatingIpArguments, RouterArguments
    from pytest_osfutures.scopes.factories.security import SecurityGroupArguments


def network(
    name: str | None = None,
    cidr: str | None = None,
    *,
    scope: ScopeName = "function",
    params: Sequence[Mapping[str, Any]] = (),
    **arguments: Unpack[NetworkArguments],
) -> Any:
    """Declare a network; the arguments are those of `os_networks.create_async`.

    Args:
        name: name of the network.
        cidr: address range of a subnet in the network.
        scope: scope of the fixture.
        params: arguments for each parameter of the fixture; tests run once with each.
        arguments: as of `os_networks.create_async`.

    Example:
        net = factories.network(cidr="10.0.0.0/24")
    """
    given = {"name": name, "cidr": cidr, **arguments}
    return declare(Need("Networks", given, scope), params)


def subnet(
    network: Reference,
    cidr: str,
    name: str | None = None,
    *,
    scope: ScopeName = "function",
    params: Sequence[Mapping[str, Any]] = (),
    **arguments: Unpack[SubnetArguments],
) -> Any:
    """Declare a subnet; the arguments are those of `os_subnets.create_async`.

    Args:
        network: the network.
        cidr: address range.
        name: name of the subnet.
        scope: scope of the fixture.
        params: arguments for each parameter of the fixture; tests run once with each.
        arguments: as of `os_subnets.create_async`.

    Example:
        sub = factories.subnet(net, "10.1.0.0/24")
    """
    given = {"network": network, "cidr": cidr, "name": name, **arguments}
    return declare(Need("Subnets", given, scope), params)


def port(
    network: Reference | None = None,
    name: str | None = None,
    *,
    scope: ScopeName = "function",
    params: Sequence[Mapping[str, Any]] = (),
    **arguments: Unpack[PortArguments],
) -> Any:
    """Declare a port; the arguments are those of `os_ports.create_async`.

    Args:
        network: the network.
        name: name of the port.
        scope: scope of the fixture.
        params: arguments for each parameter of the fixture; tests run once with each.
        arguments: as of `os_ports.create_async`.

    Example:
        port = factories.port(net)
    """
    given = {"network": network, "name": name, **arguments}
    return declare(Need("Ports", given, scope), params)


def router(
    name: str | None = None,
    subnets: Iterable[Reference] | None = None,
    external: Reference | bool | None = None,
    *,
    scope: ScopeName = "function",
    params: Sequence[Mapping[str, Any]] = (),
    **arguments: Unpack[RouterArguments],
) -> Any:
    """Declare a router; the arguments are those of `os_routers.create_async`.

    Args:
        name: name of the router.
        subnets: the subnets that the router connects.
        external: the external network; True is the only one.
        scope: scope of the fixture.
        params: arguments for each parameter of the fixture; tests run once with each.
        arguments: as of `os_routers.create_async`.

    Example:
        gateway = factories.router(subnets=[sub], external=True)
    """
    given = {"name": name, "subnets": subnets, "external": external, **arguments}
    return declare(Need("Routers", given, scope), params)


def floating_ip(
    network: Reference | None = None,
    port: Reference | None = None,
    server: Reference | None = None,
    *,
    scope: ScopeName = "function",
    params: Sequence[Mapping[str, Any]] = (),
    **arguments: Unpack[FloatingIpArguments],
) -> Any:
    """Declare a floating IP; the arguments are those of `os_floating_ips.create_async`.

    Args:
        network: the external network.
        port: the port to which the floating IP leads.
        server: the server to which the floating IP leads, instead of `port`.
        scope: scope of the fixture.
        params: arguments for each parameter of the fixture; tests run once with each.
        arguments: as of `os_floating_ips.create_async`.

    Example:
        address = factories.floating_ip(server=web)
    """
    given = {"network": network, "port": port, "server": server, **arguments}
    return declare(Need("FloatingIps", given, scope), params)


def security_group(
    name: str | None = None,
    rules: Iterable[Mapping[str, Any]] | None = None,
    *,
    scope: ScopeName = "function",
    params: Sequence[Mapping[str, Any]] = (),
    **arguments: Unpack[SecurityGroupArguments],
) -> Any:
    """Declare a security group; the arguments are those of `os_security_groups.create_async`.

    Args:
        name: name of the group.
        rules: attributes of the group's rules.
        scope: scope of the fixture.
        params: arguments for each parameter of the fixture; tests run once with each.
        arguments: as of `os_security_groups.create_async`.

    Example:
        pings = factories.security_group("pings", [{"protocol": "icmp"}])
    """
    given = {"name": name, "rules": rules, **arguments}
    return declare(Need("SecurityGroups", given, scope), params)


def address_group(
    addresses: Iterable[str] | None = None,
    name: str | None = None,
    *,
    scope: ScopeName = "function",
    params: Sequence[Mapping[str, Any]] = (),
    **arguments: Unpack[FactoryArguments],
) -> Any:
    """Declare an address group; the arguments are those of `os_address_groups.create_async`.

    Args:
        addresses: address blocks with their masks.
        name: name of the group.
        scope: scope of the fixture.
        params: arguments for each parameter of the fixture; tests run once with each.
        arguments: as of `os_address_groups.create_async`.

    Example:
        office = factories.address_group(["10.0.0.0/24"])
    """
    given = {"addresses": addresses, "name": name, **arguments}
    return declare(Need("AddressGroups", given, scope), params)
