"""`until`: wait until a server that exists is usable."""

from __future__ import annotations

from typing import Any, TypeVar, overload

from pytest_osfutures.calls import ClientContext, checked, start_wait, target_of
from pytest_osfutures.clients.managers import HANDLE
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.futures import OperationFuture, joined, then
from pytest_osfutures.policy import seconds
from pytest_osfutures.ready import Ready, Target

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

S = TypeVar("S")


@overload
def until(
    server: OperationFuture[S], ready: Ready, tout: float | None = None
) -> OperationFuture[S]: ...
@overload
def until(server: S, ready: Ready, tout: float | None = None) -> OperationFuture[S]: ...
def until(server: Any, ready: Ready, tout: float | None = None) -> OperationFuture[Any]:
    """Wait in the background until a server is usable, and return the future of the server.

    Args:
        server: A server of a client with twins (`cloud.nova`, `cloud.sdk`), the future of a server,
            or a list of servers, all of which have to be usable.
        ready: A condition such as `osf.ready.tcp(22)`, a function of the server that returns a true
            value, or a list of these, which are waited for one after another.
        tout: The deadline in seconds from now on, or from the end of the given future on
            (default: 300).

    Returns:
        A future, whose `result()` is the server as it is then. `cancel()` ends the wait.

    Raises:
        InvalidArgument: There is no such server or condition, or this machine cannot try the
            condition.
        NotReady: By `result()`: the server was not usable in time.
        OperationFailed: By `result()`: the server went into ERROR or was deleted.

    Example:
        >>> import pytest_osfutures as osf
        >>> cloud = osf.connect("fake")
        >>> image, flavor = cloud.nova.glance.list()[0], cloud.nova.flavors.list()[0]
        >>> web = cloud.nova.servers.create_async("web", image.id, flavor, nics="none")
        >>> booted = web.next(lambda vm: osf.until(vm, osf.ready.console("login:"), tout=120))
        >>> booted.result().name
        'web'
    """
    condition = checked(ready)
    seconds("tout", tout, 0.0)
    if isinstance(server, OperationFuture):
        return then(server, lambda found: until(found, condition, tout))
    if isinstance(server, list | tuple):
        every = [(_context(each), each) for each in server]
        if not every:
            raise InvalidArgument("until() got an empty list of servers")
        targets = [(each, _target(each, vm)) for each, vm in every]
        return joined([start_wait(each, target, condition, tout) for each, target in targets])
    context = _context(server)
    return start_wait(context, _target(context, server), condition, tout)


def _context(server: Any) -> ClientContext:
    """Return the context of the client that a server belongs to. Raises InvalidArgument."""
    if hasattr(type(server), "manager") or hasattr(server, "manager"):  # novaclient
        owner = getattr(server.manager, "api", None)
    else:
        owner = getattr(getattr(server, "_connection", None), "compute", None)  # openstacksdk
    context = getattr(owner, HANDLE, None)
    if not isinstance(context, ClientContext) or not getattr(server, "id", None):
        raise InvalidArgument(
            f"until() cannot follow {server!r:.200}; accepted are servers of a client with twins "
            "(cloud.nova, cloud.sdk, osf.futurize), futures of servers, and lists of servers"
        )
    return context


def _target(context: ClientContext, server: Any) -> Target:
    """Return a server to wait for, by the attributes of the client's object, without a request."""
    addresses = vars(server).get("addresses") or getattr(server, "_body", {}).get("addresses")
    body = {"id": server.id, "name": server.name, "addresses": addresses or {}}
    return target_of(context, body, _microversion(server), server)


def _microversion(server: Any) -> str:
    """Return the microversion at which the client reads servers; empty for the oldest."""
    version = getattr(getattr(getattr(server, "manager", None), "api", None), "api_version", None)
    if version is not None:  # novaclient
        return str(version.get_string())
    return str(getattr(server, "microversion", None) or "")
