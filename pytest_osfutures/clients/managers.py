"""Twins on the managers of novaclient and cinderclient, and on the resources that they return."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from pytest_osfutures.calls import ClientContext, ToClientObject
from pytest_osfutures.clients.twin import twinned
from pytest_osfutures.operations import Body, ResourceType

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: The client's attribute that holds its context.
HANDLE = "osfutures"
#: Makes the context of one adapter, from the adapter, its service type and the conversion of
#: API resources to the client's objects.
Bind = Callable[[Any, str, ToClientObject], ClientContext]


def put_on_managers(client: Any, bind: Bind, service: str, manager: type) -> None:
    """Put twins on every manager of `client` and on the resources that they return from now on.

    Args:
        client: The Client of novaclient or cinderclient.
        bind: Makes the context of the client's calls.
        service: Official type of the service that the client speaks to.
        manager: The library's own class of managers.
    """
    if hasattr(client, HANDLE):
        return

    def to_client_object(kind: ResourceType, body: Body, plain: Any) -> Any:
        if kind.service != service or not kind.manager:
            return plain
        owner = getattr(client, kind.manager)
        # Some attributes are in the first answer only, as the adminPass of a new server:
        # https://docs.openstack.org/api-ref/compute/#create-server
        first = plain.to_dict() if isinstance(plain, owner.resource_class) else {}
        return owner.resource_class(owner, {**first, **body}, loaded=True)

    setattr(client, HANDLE, bind(client.client, service, to_client_object))
    for each in vars(client).values():
        if isinstance(each, manager):
            each.__class__ = _with_twins(type(each))


def _with_twins(manager: type[Any]) -> type[Any]:
    more = {}
    resource = getattr(manager, "resource_class", None)
    if inspect.isclass(resource):
        more["resource_class"] = twinned(resource, _context_of_resource)
    return twinned(manager, _context_of_manager, more)


def _context_of_manager(manager: Any) -> ClientContext:
    context: ClientContext = getattr(manager.api, HANDLE)
    return context


def _context_of_resource(resource: Any) -> ClientContext:
    return _context_of_manager(resource.manager)
