"""Factories of security groups and address groups."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any, Protocol, Unpack

from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.protocols import FactoryArguments, Resource
from pytest_osfutures.scopes.factories.base import client_arguments
from pytest_osfutures.scopes.factories.neutron import (
    NetworkFactory,
    NetworkResource,
    StandardResource,
)

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

__all__ = ["AddressGroup", "AddressGroups", "SecurityGroup", "SecurityGroups"]


class SecurityGroup(NetworkResource, Protocol):
    """A security group with its rules."""

    security_group_rules: list[dict[str, Any]]
    stateful: bool


class SecurityGroupArguments(FactoryArguments, total=False):
    """Keyword arguments of `os_security_groups.create_async`: attributes of a new group."""

    description: str
    stateful: bool


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
            name: name of the group (default: a new name that begins with `osf-`).
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


class AddressGroup(StandardResource, Protocol):
    """An address group, to which rules of security groups refer. It has no tags."""

    name: str
    addresses: list[str]


class AddressGroupArguments(FactoryArguments, total=False):
    """Keyword arguments of `os_address_groups.create_async`: attributes of a new group."""

    description: str


class AddressGroups(NetworkFactory):
    """The factory of address groups: the fixtures `os_address_groups`, ..."""

    def create_async(
        self,
        addresses: Iterable[str] = (),
        name: str | None = None,
        **arguments: Unpack[AddressGroupArguments],
    ) -> OperationFuture[AddressGroup]:
        """Create an address group in the background, with retries, and return its future.

        Args:
            addresses: address blocks with their masks: `["10.0.0.0/24", "192.0.2.7/32"]`.
            name: name of the group (default: a new name that begins with `osf-`).
            arguments: `try_count`, `tout` and `extra` as of `os_servers.create_async`, and
                attributes of the Networking API.

        Returns:
            The future of the group, to which rules refer by `remote_address_group_id`.

        Example:
            >>> os_address_groups.create_async(["10.0.0.0/24"]).result().addresses
            ['10.0.0.0/24']
        """
        attributes = {"addresses": list(addresses), **client_arguments(arguments)}
        attributes = {"name": self._name(name), **attributes}
        return self._create("address group", attributes, self._limits(arguments))
