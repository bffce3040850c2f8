"""openstacksdk: twins on the proxies of a Connection (`conn.compute.create_server_async`)."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from pytest_osfutures.calls import ClientContext
from pytest_osfutures.clients.managers import HANDLE, Bind
from pytest_osfutures.clients.twin import twinned
from pytest_osfutures.operations import Body, ResourceType

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: The service types of the proxies that get twins, by the proxies' names.
SERVICES = {
    "compute": "compute",
    "block_storage": "block-storage",
    "image": "image",
    "network": "network",
    "orchestration": "orchestration",
    "load_balancer": "load-balancer",
    "shared_file_system": "shared-file-system",
    "dns": "dns",
    "baremetal": "baremetal",
    "container_infrastructure_management": "container-infrastructure-management",
    "database": "database",
    "workflow": "workflow",
    "clustering": "clustering",
    "instance_ha": "instance-ha",
    "accelerator": "accelerator",
    "key_manager": "key-manager",
}
_CLASSES: dict[type, type] = {}


def put_twins(connection: Any, bind: Bind) -> None:
    """Put the twins on `connection`: each proxy gets its twins at its first use."""
    if hasattr(connection, "_osfutures_bind"):
        return
    connection._osfutures_bind = bind
    connection.__class__ = _class_with_twins(type(connection))


def _class_with_twins(plain: type[Any]) -> type[Any]:
    if plain not in _CLASSES:
        members: dict[str, Any] = {"__module__": plain.__module__, "__doc__": plain.__doc__}
        members.update({name: property(_Proxy(plain, name)) for name in SERVICES})
        _CLASSES[plain] = type(plain.__name__, (plain,), members)
    return _CLASSES[plain]


class _Proxy:
    """The getter of one proxy of a connection; puts the twins on the proxy at its first use."""

    def __init__(self, plain: type, name: str) -> None:
        self.plain = plain
        self.name = name

    def __call__(self, connection: Any) -> Any:
        proxy = getattr(super(type(connection), connection), self.name)
        if not hasattr(proxy, HANDLE):
            service = SERVICES[self.name]
            setattr(
                proxy,
                HANDLE,
                connection._osfutures_bind(proxy, service, _to_client_object(connection)),
            )
            proxy.__class__ = twinned(type(proxy), _context_of_proxy)
        return proxy


def _context_of_proxy(proxy: Any) -> ClientContext:
    context: ClientContext = getattr(proxy, HANDLE)
    return context


def _to_client_object(connection: Any) -> Any:
    def to_client_object(kind: ResourceType, body: Body, plain: Any) -> Any:
        from openstack.resource import Resource

        made = _class(kind.sdk_class) if kind.sdk_class else None
        if made is None and isinstance(plain, Resource):
            made = type(plain)
        # The API of images has a link `self`, which cannot be a keyword argument of a method.
        attributes = {key: value for key, value in body.items() if key != "self"}
        return plain if made is None else made.existing(connection=connection, **attributes)

    return to_client_object


@cache
def _class(name: str) -> Any:
    """Return a class of openstacksdk by its name below the package `openstack`."""
    module, _, attribute = name.rpartition(".")
    return getattr(import_module(f"openstack.{module}"), attribute)
