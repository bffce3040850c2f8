"""Factories of Neutron's resources, from networks to security groups.

Arguments and results have the names of the Networking API
(https://docs.openstack.org/api-ref/network/v2/): `port.id`, `port["binding:host_id"]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from ipaddress import ip_network
from typing import Any, Unpack

from pytest_osfutures.calls import start_retried
from pytest_osfutures.clients import Resource, context_of
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.future import OperationFuture, renewed, then
from pytest_osfutures.operations import OWNED_TYPES
from pytest_osfutures.plugin.factories.base import Factory, client_arguments
from pytest_osfutures.plugin.identifiers import to_id, to_ids
from pytest_osfutures.protocols import (
    FactoryArguments,
    FloatingIp,
    FloatingIpArguments,
    Network,
    NetworkArguments,
    Port,
    PortArguments,
    Reference,
    Router,
    RouterArguments,
    SecurityGroup,
    SecurityGroupArguments,
    Subnet,
    SubnetArguments,
)

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

Limits = Mapping[str, Any]
Step = Callable[[Resource], OperationFuture[Any]]


class NetworkFactory(Factory):
    """A factory of a resource that is created by a POST of its attributes to the Networking API."""

    @property
    def api(self) -> Any:
        """The Networking API, with twins."""
        return self.cloud.api("network")

    def _create(
        self, kind: str, attributes: Mapping[str, Any], limits: Limits
    ) -> OperationFuture[Any]:
        resource_type = OWNED_TYPES[kind]
        body = {resource_type.member: to_ids(dict(attributes))}
        future = self.api.post_async_r(resource_type.collection_path, json=body, **limits)
        return self._own(kind, future)

    def _create_with(
        self, kind: str, attributes: Mapping[str, Any], limits: Limits, steps: Iterable[Step]
    ) -> OperationFuture[Any]:
        """Create a resource, take the steps one after another, and show the resource afterwards."""
        created = self._create(kind, attributes, limits)
        complete, resource_type = created, OWNED_TYPES[kind]
        for step in steps:
            complete = then(complete, partial(_take, step, created))
        if complete is created:
            return created

        def show(_: Any) -> OperationFuture[Any]:
            path = f"{resource_type.collection_path}/{created.resource_id}"
            shown = self.api.get(path).json()
            return renewed(created, Resource(shown[resource_type.member]))

        return then(complete, show)


def _take(step: Step, created: OperationFuture[Any], _: Any) -> OperationFuture[Any]:
    return step(created.result())


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
            name: name of the network (default: a new one that begins with `osf-`).
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
            name: name of the subnet (default: a new one that begins with `osf-`).
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
            name: name of the port (default: a new one that begins with `osf-`).
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
            name: name of the router (default: a new one that begins with `osf-`).
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


class FloatingIps(NetworkFactory):
    """The factory of floating IPs: the fixtures `os_floating_ips`, `os_floating_ips_class`, ..."""

    def create_async(
        self,
        network: Reference | None = None,
        port: Reference | None = None,
        **arguments: Unpack[FloatingIpArguments],
    ) -> OperationFuture[FloatingIp]:
        """Create a floating IP in the background, with retries, and return its future.

        Args:
            network: name, id or object of the external network (default: the only one).
            port: id or object of the port to which the floating IP leads (default: none).
            arguments: `try_count`, `tout` and `extra` as of `os_servers.create_async`, and
                attributes of the Networking API.

        Returns:
            The future of the floating IP, which leads to the port when the future is done.

        Raises:
            InvalidArgument: `network` is unknown or ambiguous.

        Example:
            >>> os_floating_ips.create_async().result().status
            'DOWN'
        """
        outside = self.defaults.network(network, external=True)
        attributes = {"floating_network_id": outside, **client_arguments(arguments)}
        if port is not None:
            attributes["port_id"] = to_id(port, "port")
        return self._create("floating ip", attributes, self._limits(arguments))


class SecurityGroups(NetworkFactory):
    """The factory of security groups: the fixtures `os_security_groups`, ..."""

    def create_async(
        self,
        name: str | None = None,
        rules: Iterable[Mapping[str, Any]] = (),
        **arguments: Unpack[SecurityGroupArguments],
    ) -> OperationFuture[SecurityGroup]:
        """Create a security group in the background, with retries, and return its future.

        Args:
            name: name of the group (default: a new one that begins with `osf-`).
            rules: attributes of the group's rules by the names of the Networking API; a rule
                without a direction is for ingress.
            arguments: `try_count`, `tout` and `extra` as of `os_servers.create_async`, and
                attributes of the Networking API.

        Returns:
            The future of the group; all rules exist when the future is done.

        Example:
            >>> group = os_security_groups.create_async("ping", [{"protocol": "icmp"}]).result()
            >>> "icmp" in {rule["protocol"] for rule in group.security_group_rules}
            True
        """
        limits = self._limits(arguments)
        attributes = {"name": self._name(name), **client_arguments(arguments)}

        def add_rule(rule: Mapping[str, Any], group: Resource) -> OperationFuture[Any]:
            more = {"direction": "ingress", "security_group_id": group.id, **rule}
            return self._create("security group rule", more, limits)

        steps = [partial(add_rule, each) for each in rules]
        return self._create_with("security group", attributes, limits, steps)


class AddressGroups(NetworkFactory):
    """The factory of address groups: the fixture `os_address_groups`."""

    def create_async(
        self,
        addresses: Iterable[str] = (),
        name: str | None = None,
        **arguments: Unpack[FactoryArguments],
    ) -> OperationFuture[Any]:
        """Create an address group in the background, with retries, and return its future.

        Args:
            addresses: address blocks with their masks: `["10.0.0.0/24", "192.0.2.7/32"]`.
            name: name of the group (default: a new one that begins with `osf-`).
            arguments: `try_count`, `tout` and `extra` as of `os_servers.create_async`.

        Returns:
            The future of the group, to which rules refer by `remote_address_group_id`.

        Example:
            >>> os_address_groups.create_async(["10.0.0.0/24"]).result().addresses
            ['10.0.0.0/24']
        """
        attributes = {"addresses": list(addresses), **client_arguments(arguments)}
        attributes = {"name": self._name(name), **attributes}
        return self._create("address group", attributes, self._limits(arguments))


def _subnet(cidr: str) -> dict[str, Any]:
    """Return the attributes that the Networking API requires of a subnet, but for its network."""
    try:
        version = ip_network(cidr, strict=False).version
    except ValueError as error:
        raise InvalidArgument(
            f"cidr={cidr!r} is no network with its mask (10.0.0.0/24): {error}"
        ) from None
    return {"cidr": cidr, "ip_version": version}
