"""Twins: `x_async` and `x_async_r` for every method `x` of a client that changes something.

An object gets its twins by a subclass of its own class, which is made once for each class and has
the same name. So the library itself stays unchanged, `isinstance`, `help` and tab completion work,
and other objects of the class have no twins.
"""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

from pytest_osfutures.calls import ClientContext, Repeatable, copied, start_once, start_retried
from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.policy import Retry
from pytest_osfutures.ready import check_addresses, condition_of

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: Returns the context of the object whose twin is called.
ContextOf = Callable[[Any], ClientContext]
#: The modules of the clients' base classes, whose methods serve the others (`find`, `to_dict`,
#: `get_endpoint`); only those in `_SENDS` send requests of their own.
_BASE_MODULES = ("adapter", "base", "proxy")
_SENDS = ("request", "post", "put", "patch", "delete")
#: The names of methods that only read, or wait, in any of the clients. They are not followed: what
#: they return is all there is to know. `get` alone has twins, for futures of existing resources.
_READS = re.compile(
    r"(get|find|list|is|has|wait|head|show|check|search|fetch|validate|statistics|diagnostics"
    r"|topology|uptime|ips|default|defaults|summary|download|stream|export)(_|\Z)"
    r"|.*_(list|api_version)\Z"
)
#: The modules and the names of the methods after which a server runs: their twins take `ready`.
_SERVERS = ("novaclient.v2.servers", "openstack.compute.v2._proxy")
_RUNS = re.compile(
    r"(create|rebuild|start|reboot|unpause|resume|unshelve|restore|rescue|unrescue|resize|migrate"
    r"|live_migrate|evacuate)(_server)?\Z|(confirm|revert)(_server)?_resize\Z"
)
#: The documentation of `ready`.
_READY = """    ready: The condition under which the server is usable, such as `osf.ready.tcp(22)`:
        the future is done then, and a try fails without it within `tout` (default: none).
"""
_FOUND: dict[tuple[type, ContextOf], type] = {}


def twinned(plain: type, context_of: ContextOf, more: Mapping[str, Any] | None = None) -> type[Any]:
    """Return the subclass of `plain` with twins and `more` attributes."""
    key = (plain, context_of)
    if key not in _FOUND:
        members: dict[str, Any] = {"__module__": plain.__module__, "__doc__": plain.__doc__}
        for name in dir(plain):
            method = inspect.getattr_static(plain, name)
            if inspect.isfunction(method) and _gets_twins(plain, name, method):
                members[f"{name}_async"] = _async(name, method, context_of)
                members[f"{name}_async_r"] = _async_r(name, method, context_of)
        own: Any = inspect.getattr_static(plain, "__eq__")
        if inspect.isfunction(own):
            members.update(__eq__=_equality(plain, own), __hash__=plain.__hash__)
        members.update(more or {})
        _FOUND[key] = type(plain.__name__, (plain,), members)
    return _FOUND[key]


def _gets_twins(plain: type, name: str, method: Callable[..., Any]) -> bool:
    """Return True if a method is public and sends requests that change something, or is `get`."""
    if name.startswith("_"):
        return False
    owner = next(each for each in plain.__mro__ if name in vars(each))
    if owner.__module__.rpartition(".")[2] in _BASE_MODULES:
        return name in _SENDS
    names = set(method.__code__.co_names)
    is_list = "_list" in names and not names & {"_create", "_update", "_delete"}
    return name == "get" or not (is_list or _READS.match(name))


def _equality(plain: type, own: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Return an `__eq__` for which an object with twins equals the same object without."""

    def equal(self: Any, other: Any) -> Any:
        # The clients' `__eq__` compares with objects of the own class and its subclasses only.
        return own(other, self) if type(other) is plain else own(self, other)

    return equal


def _takes_ready(name: str, plain: Callable[..., Any]) -> bool:
    """Return True if a server runs after the method, and is usable some time later."""
    return plain.__module__ in _SERVERS and _RUNS.match(name) is not None


def _ready_of(kwargs: dict[str, Any]) -> Any:
    """Take `ready` out of the arguments of a method. Raises InvalidArgument."""
    ready = kwargs.pop("ready", None)
    if ready is not None:
        ready = condition_of(ready)
        check_addresses(ready, kwargs.get("nics", kwargs.get("networks")))
    return ready


def _async(name: str, plain: Callable[..., Any], context_of: ContextOf) -> Callable[..., Any]:
    with_ready = _takes_ready(name, plain)

    def twin(
        self: Any, *args: Any, tout: float | None = None, **kwargs: Any
    ) -> OperationFuture[Any]:
        context, ready = context_of(self), _ready_of(kwargs) if with_ready else None
        if context.background:  # the call is made later, in another thread
            args, kwargs = copied(args), copied(kwargs)
        call = functools.partial(getattr(self, name), *args, **kwargs)
        return start_once(context, call, tout, ready)

    text = f"""Call `{name}` and return the future of the operation that the call starts.

Args:
    tout: The operation's deadline in seconds (default: by the kind of operation).
{_READY if with_ready else ""}    The other arguments are those of `{name}`.

Returns:
    An `osf.OperationFuture`. `sync_res` is the result of `{name}`, `result()` waits for the end of
    the operation and returns the resource as it is then (None after a deletion).

Raises:
    The errors of `{name}` itself, at once. Errors of the operation are raised by `result()`.
"""
    return _dressed(twin, f"{name}_async", plain, text, ("tout", *["ready"] * with_ready))


def _async_r(name: str, plain: Callable[..., Any], context_of: ContextOf) -> Callable[..., Any]:
    own_name, with_ready = f"{name}_async_r", _takes_ready(name, plain)

    def twin(
        self: Any,
        *args: Any,
        try_count: int | Retry | None = None,
        tout: float | None = None,
        **kwargs: Any,
    ) -> OperationFuture[Any]:
        ready = _ready_of(kwargs) if with_ready else None
        call = Repeatable(own_name, plain, getattr(self, name), args, kwargs)
        return start_retried(context_of(self), call, try_count, tout, ready)

    text = f"""Call `{name}` in the background, with clean-up and retries, and return its future.

A failed try is undone before the next one begins. Each try gets copies of lists and dicts, and
reads files from the position at which they were given.

Args:
    try_count: The number of tries in all, or an `osf.Retry` (default: 3 tries).
    tout: The deadline of each try in seconds (default: by the kind of operation).
{_READY if with_ready else ""}    The other arguments are those of `{name}`.

Returns:
    An `osf.OperationFuture`, whose `result()` waits for the end of the operation and returns the
    resource as it is then (None after a deletion). `undo()` stops the call and takes it back.

Raises:
    InvalidArgument: An argument can be read only once, or a number cannot be used.
    Every other error is raised by `result()`.
"""
    added = ("try_count", "tout", *["ready"] * with_ready)
    return _dressed(twin, own_name, plain, text, added)


def _dressed(
    twin: Callable[..., Any],
    name: str,
    plain: Callable[..., Any],
    text: str,
    added: tuple[str, ...],
) -> Callable[..., Any]:
    """Return the twin with its name, its signature and the documentation for `help`.

    `added` are the twin's own keyword arguments.
    """
    twin.__name__ = name
    twin.__qualname__ = f"{plain.__qualname__.rpartition('.')[0]}.{name}"
    twin.__module__ = plain.__module__
    of_plain = inspect.getdoc(plain)
    heading = f"\nThe documentation of `{plain.__name__}`:\n\n"
    twin.__doc__ = text.rstrip() + "\n" + (heading + of_plain if of_plain else "")
    signature = inspect.signature(plain)
    ours = [
        inspect.Parameter(each, inspect.Parameter.KEYWORD_ONLY, default=None)
        for each in added
        if each not in signature.parameters
    ]
    parameters = list(signature.parameters.values())
    at = len(parameters)
    if parameters and parameters[-1].kind is inspect.Parameter.VAR_KEYWORD:
        at -= 1
    parameters[at:at] = ours
    vars(twin)["__signature__"] = signature.replace(parameters=parameters)
    return twin
