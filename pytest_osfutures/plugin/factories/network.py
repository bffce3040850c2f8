"""Factories of what Neutron has: networks, subnets, ports, routers, floating ips, security groups.

What else a new resource has goes by the names of the Networking API, and so does what the futures
come to: `port.id`, `port["binding:host_id"]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from ipaddress import ip_network
from typing import Any

from pytest_osfutures.calls import start_retried
from pytest_osfutures.clients import Resource, context_of
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.future import OperationFuture, renewed, then
from pytest_osfutures.operations import OWNED_TYPES
from pytest_osfutures.plugin.factories.base import Factory
from pytest_osfutures.plugin.identifiers import ident, idents
from pytest_osfutures.policy import Retry

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

Tries = int | Retry | None
Step = Callable[[Resource], OperationFuture[Any]]


class Networking(Factory):
    """What the factories below have in common: Neutron's API, and how something is made by it."""

    @property
    def api(self) -> Any:
        """The Networking API, with twins."""
        return self.cloud.api("network")

    def _create(
        self, kind: str, attributes: Mapping[str, Any], try_count: Tries, tout: float | None
    ) -> OperationFuture[Any]:
        resource_type, tries = OWNED_TYPES[kind], self._tries(try_count, tout)
        body = {resource_type.member: idents(dict(attributes))}
        return self.scope.own(
            kind, self.api.post_async_r(resource_type.collection_path, json=body, **tries)
        )

    def _with(
        self, kind: str, made: OperationFuture[Any], steps: Iterable[Step]
    ) -> OperationFuture[Any]:
        """The future of `made`, done when all that belongs to it is there as well."""
        whole, resource_type = made, OWNED_TYPES[kind]
        for step in steps:
            whole = then(whole, partial(_step, step, made))
        if whole is made:
            return made

        def again(_: Any) -> OperationFuture[Any]:
            shown = self.api.get(f"{resource_type.collection_path}/{made.resource_id}").json()
            return renewed(made, Resource(shown[resource_type.member]))

        return then(whole, again)


def _step(step: Step, made: OperationFuture[Any], _: Any) -> OperationFuture[Any]:
    return step(made.result())


class Networks(Networking):
    """Creates networks; `os_networks` and its siblings of wider scope."""

    def create_async(
        self,
        name: str | None = None,
        cidr: str | None = None,
        *,
        try_count: Tries = None,
        tout: float | None = None,
        **more: Any,
    ) -> OperationFuture[Any]:
        """Create a network in the background and return its future.

        With `cidr` (`10.0.0.0/24`) it gets a subnet of that, and the future is done when that is
        there as well. `try_count` and `tout` as for servers; all else goes to the Networking API
        as it is. Raises InvalidArgument for a `cidr` that is none.
        """
        subnets = [] if cidr is None else [_subnet(cidr)]
        named = {"name": self._name(name), **more}
        made = self._create("network", named, try_count, tout)

        def with_subnet(subnet: Mapping[str, Any], network: Resource) -> OperationFuture[Any]:
            attributes = {"name": named["name"], "network_id": network.id, **subnet}
            return self._create("subnet", attributes, try_count, tout)

        return self._with("network", made, [partial(with_subnet, each) for each in subnets])


class Subnets(Networking):
    """Creates subnets; `os_subnets` and its siblings of wider scope."""

    def create_async(
        self,
        network: Any,
        cidr: str,
        name: str | None = None,
        *,
        try_count: Tries = None,
        tout: float | None = None,
        **more: Any,
    ) -> OperationFuture[Any]:
        """Create a subnet on `network` (an object, an id or a name) and return its future.

        All else as for networks.
        """
        on = {"network_id": self.defaults.network(network), "name": self._name(name)}
        return self._create("subnet", {**on, **_subnet(cidr), **more}, try_count, tout)


class Ports(Networking):
    """Creates ports; `os_ports` and its siblings of wider scope."""

    def create_async(
        self,
        network: Any = None,
        name: str | None = None,
        *,
        try_count: Tries = None,
        tout: float | None = None,
        **more: Any,
    ) -> OperationFuture[Any]:
        """Create a port on `network` (an object, an id or a name) and return its future.

        Without a network it is that of --os-network, or else the only one. All else as for
        networks.
        """
        on = {"network_id": self.defaults.network(network), "name": self._name(name), **more}
        return self._create("port", on, try_count, tout)


class Routers(Networking):
    """Creates routers; `os_routers` and its siblings of wider scope."""

    def create_async(
        self,
        name: str | None = None,
        subnets: Iterable[Any] = (),
        external: Any = None,
        *,
        try_count: Tries = None,
        tout: float | None = None,
        **more: Any,
    ) -> OperationFuture[Any]:
        """Create a router that connects `subnets` (objects or ids), and return its future.

        `external` is the network outside (an object, an id or a name; True: the only external
        one). The future is done when all are connected. All else as for networks.
        """
        if external is not None:
            wanted = None if external is True else external
            gateway = {"network_id": self.defaults.network(wanted, external=True)}
            more = {"external_gateway_info": gateway, **more}
        named = {"name": self._name(name), **more}
        made = self._create("router", named, try_count, tout)
        return self._with("router", made, [partial(self._connect, each) for each in subnets])

    def _connect(self, subnet: Any, router: Resource) -> OperationFuture[Any]:
        from keystoneauth1.exceptions import BadRequest

        path = f"/routers/{router.id}/add_router_interface"
        body = {"subnet_id": ident(subnet, "subnets")}

        def call() -> Any:
            try:
                return self.api.put(path, json=body)
            except BadRequest as error:
                if "already has a port" not in str(error):
                    raise
                return error.response  # of a try whose answer got lost

        return start_retried(context_of(self.api), call, **self._tries(None, None))


class FloatingIps(Networking):
    """Creates floating ips; `os_floating_ips` and its siblings of wider scope."""

    def create_async(
        self,
        network: Any = None,
        port: Any = None,
        *,
        try_count: Tries = None,
        tout: float | None = None,
        **more: Any,
    ) -> OperationFuture[Any]:
        """Create a floating ip of an external `network` and return its future.

        Without a network (an object, an id or a name) it is the only external one. With `port` (an
        object or an id) it leads there, and the future is done when it does. All else as for
        networks.
        """
        outside = self.defaults.network(network, external=True)
        attributes = {"floating_network_id": outside, **more}
        if port is not None:
            attributes["port_id"] = ident(port, "port")
        return self._create("floating ip", attributes, try_count, tout)


class SecurityGroups(Networking):
    """Creates security groups; `os_security_groups` and its siblings of wider scope."""

    def create_async(
        self,
        name: str | None = None,
        rules: Iterable[Mapping[str, Any]] = (),
        *,
        try_count: Tries = None,
        tout: float | None = None,
        **more: Any,
    ) -> OperationFuture[Any]:
        """Create a security group with these `rules` and return its future.

        A rule has the attributes of the Networking API (`{"protocol": "icmp"}`) and is about what
        comes in, unless it says otherwise. The future is done when all are there. All else as for
        networks.
        """
        named = {"name": self._name(name), **more}
        made = self._create("security group", named, try_count, tout)

        def with_rule(rule: Mapping[str, Any], group: Resource) -> OperationFuture[Any]:
            attributes = {"direction": "ingress", "security_group_id": group.id, **rule}
            return self._create("security group rule", attributes, try_count, tout)

        return self._with("security group", made, [partial(with_rule, each) for each in rules])


def _subnet(cidr: str) -> dict[str, Any]:
    """The attributes that a subnet cannot do without."""
    try:
        version = ip_network(cidr, strict=False).version
    except ValueError as error:
        raise InvalidArgument(
            f"cidr={cidr!r} is no network with its mask (10.0.0.0/24): {error}"
        ) from None
    return {"cidr": cidr, "ip_version": version}
