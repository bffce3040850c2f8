"""Factories of routers and floating IPs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Protocol, Unpack
from urllib.parse import quote

from pytest_osfutures.calls import start_retried
from pytest_osfutures.clients import context_of
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.futures import OperationFuture, then
from pytest_osfutures.protocols import FactoryArguments, Reference, Resource
from pytest_osfutures.scopes.factories.base import client_arguments
from pytest_osfutures.scopes.factories.neutron import (
    NetworkFactory,
    NetworkResource,
    StandardResource,
)
from pytest_osfutures.scopes.identifiers import to_id

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

__all__ = ["FloatingIp", "FloatingIps", "Router", "Routers"]


class Router(NetworkResource, Protocol):
    """A router."""

    status: str
    admin_state_up: bool
    external_gateway_info: dict[str, Any] | None
    routes: list[dict[str, str]]


class RouterArguments(FactoryArguments, total=False):
    """Keyword arguments of `os_routers.create_async`: attributes of a new router."""

    description: str
    admin_state_up: bool
    external_gateway_info: Mapping[str, Any]
    availability_zone_hints: list[str]


class Routers(NetworkFactory):
    """The factory of routers: the fixtures `os_routers`, `os_routers_class`, ..."""

    def create_async(
        self,
        name: str | None = None,
        subnets: Iterable[Reference] = (),
        external: Reference | bool | None = None,
        **arguments: Unpack[RouterArguments],
    ) -> OperationFuture[Router]:
        """Create a router in the background, with retries, and return its future.

        Args:
            name: name of the router (default: a new name that begins with `osf-`).
            subnets: ids or objects of the subnets that the router connects.
            external: name, id or object of the external network; True is the only external
                network (default: no gateway).
            arguments: `try_count`, `tout` and `extra` as of `os_servers.create_async`, and
                attributes of the Networking API.

        Returns:
            The future of the router; all subnets are connected when the future is done.

        Raises:
            InvalidArgument: `external` is unknown or ambiguous.

        Example:
            >>> network = os_networks.create_async(cidr="10.1.0.0/24").result()
            >>> router = os_routers.create_async("r", subnets=network.subnets).result()
            >>> router.status
            'ACTIVE'
        """
        attributes = client_arguments(arguments)
        if external is not None:
            wanted = None if external is True else external
            gateway = {"network_id": self.defaults.network(wanted, external=True)}
            attributes = {"external_gateway_info": gateway, **attributes}
        attributes = {"name": self._name(name), **attributes}
        steps = [partial(self._connect, each) for each in subnets]
        return self._create_with("router", attributes, self._limits(arguments), steps)

    def _connect(self, subnet: Reference, router: Resource) -> OperationFuture[Any]:
        """Connect `subnet` to `router`; accept the connection of a try whose answer got lost."""
        from keystoneauth1.exceptions import BadRequest

        path = f"/routers/{router.id}/add_router_interface"
        body = {"subnet_id": to_id(subnet, "subnets")}

        def call() -> Any:
            try:
                return self.api.put(path, json=body)
            except BadRequest as error:
                if "already has a port" not in str(error):
                    raise
                return error.response

        return start_retried(context_of(self.api), call, **self._limits({}))


class FloatingIp(StandardResource, Protocol):
    """A floating IP address. It has no name."""

    tags: list[str]
    status: str
    floating_network_id: str
    floating_ip_address: str
    fixed_ip_address: str | None
    port_id: str | None
    router_id: str | None


class FloatingIpArguments(FactoryArguments, total=False):
    """Keyword arguments of `os_floating_ips.create_async`: attributes of a new floating IP."""

    description: str
    floating_ip_address: str
    fixed_ip_address: str
    subnet_id: Reference
    dns_name: str
    dns_domain: str
    qos_policy_id: Reference


class FloatingIps(NetworkFactory):
    """The factory of floating IPs: the fixtures `os_floating_ips`, `os_floating_ips_class`, ..."""

    def create_async(
        self,
        network: Reference | None = None,
        port: Reference | None = None,
        server: Reference | OperationFuture[Any] | None = None,
        **arguments: Unpack[FloatingIpArguments],
    ) -> OperationFuture[FloatingIp]:
        """Create a floating IP in the background, with retries, and return its future.

        Args:
            network: name, id or object of the external network (default: the only one).
            port: id or object of the port to which the floating IP leads (default: none).
            server: id, object or future of the server whose only port with an IPv4 address this
                is, instead of `port`.
            arguments: `try_count`, `tout` and `extra` as of `os_servers.create_async`, and
                attributes of the Networking API.

        Returns:
            The future of the floating IP, which leads to the port when the future is done.

        Raises:
            InvalidArgument: `network` is unknown or ambiguous, both `port` and `server` are given,
                or the server has several such ports or none. For the future of a server, the
                last is an error of the floating IP's future.

        Example:
            >>> os_floating_ips.create_async().result().status
            'DOWN'
        """
        if port is not None and server is not None:
            raise InvalidArgument(f"give port={port!r:.80} or server={server!r:.80}, not both")
        outside = self.defaults.network(network, external=True)
        attributes = {"floating_network_id": outside, **client_arguments(arguments)}
        limits = self._limits(arguments)
        if port is not None:
            attributes["port_id"] = to_id(port, "port")

        def create_for(server: Any) -> OperationFuture[FloatingIp]:
            target = {"port_id": self._port_of(server)}
            return self._create("floating ip", {**attributes, **target}, limits)

        if isinstance(server, OperationFuture):
            return then(server, create_for)
        if server is not None:
            return create_for(server)
        return self._create("floating ip", attributes, limits)

    def _port_of(self, server: Any) -> str:
        """Return the id of the only port of a server with an IPv4 address."""
        server_id = to_id(server, "server")
        found = self.api.get(f"/ports?device_id={quote(str(server_id), safe='')}").json()["ports"]
        ports = [port for port in found if any("." in each for each in _addresses(port))]
        if len(ports) == 1:
            return str(ports[0]["id"])
        which = ", ".join(f"{port['id']} ({', '.join(_addresses(port))})" for port in ports)
        why = (
            f"{len(ports)} ports with an IPv4 address: {which}; give port="
            if ports
            else ("no port with an IPv4 address, to which a floating IP could lead")
        )
        raise InvalidArgument(f"server {server_id} has {why}")


def _addresses(port: Mapping[str, Any]) -> list[str]:
    return [str(each["ip_address"]) for each in port["fixed_ips"]]
