"""The base of the factories of Neutron's resources, which have no client library of their own.

Arguments and results have the names of the Networking API
(https://docs.openstack.org/api-ref/network/v2/): `port.id`, `port["binding:host_id"]`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Protocol

from pytest_osfutures.futures import OperationFuture, renewed, then, value_of
from pytest_osfutures.operations import OWNED_TYPES
from pytest_osfutures.protocols import Api, Resource
from pytest_osfutures.scopes.factories.base import Factory
from pytest_osfutures.scopes.identifiers import to_ids

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

Limits = Mapping[str, Any]
Step = Callable[[Resource], OperationFuture[Any]]


class StandardResource(Protocol):
    """Attributes that all resources of Neutron have."""

    id: str
    description: str
    project_id: str
    created_at: str
    updated_at: str
    revision_number: int

    def __getitem__(self, name: str, /) -> Any:
        """Return the attribute `name`, which may contain a colon: `port["binding:vnic_type"]`."""


class NetworkResource(StandardResource, Protocol):
    """Attributes of the resources of Neutron that have a name and tags."""

    name: str
    tags: list[str]


class NetworkFactory(Factory):
    """A factory of a resource that is created by a POST of its attributes to the Networking API."""

    @property
    def api(self) -> Api:
        """The Networking API, with twins."""
        return self.cloud.api("network")

    def _create(
        self, type_name: str, attributes: Mapping[str, Any], limits: Limits
    ) -> OperationFuture[Any]:
        resource_type = OWNED_TYPES[type_name]
        body = {resource_type.member: to_ids(dict(attributes))}
        future = self.api.post_async_r(resource_type.collection_path, json=body, **limits)
        return self._own(resource_type, future)

    def _create_with(
        self, type_name: str, attributes: Mapping[str, Any], limits: Limits, steps: Iterable[Step]
    ) -> OperationFuture[Any]:
        """Create a resource, take the steps one after another, and show the resource afterwards."""
        created = self._create(type_name, attributes, limits)
        complete, resource_type = created, OWNED_TYPES[type_name]
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
    return step(value_of(created))
