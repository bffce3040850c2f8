"""The base of all factories: names, defaults, retries, and the scope that owns resources."""

from __future__ import annotations

import inspect
import itertools
from collections.abc import Callable, Mapping
from functools import wraps
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_osfutures.cloud import Cloud
from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.operations import ResourceType
from pytest_osfutures.protocols import FactoryArguments
from pytest_osfutures.scopes.defaults import Defaults
from pytest_osfutures.scopes.identifiers import to_ids
from pytest_osfutures.scopes.scope import Scope

if TYPE_CHECKING:
    from pytest_osfutures.scopes.shared import SharedScope

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

F = TypeVar("F", bound=OperationFuture[Any])
_numbers = itertools.count(1)


class Factory:
    """A factory of one type of resource, whose scope deletes the created resources at its end.

    Args:
        scope: the owner of the created resources.
    """

    def __init__(self, scope: Scope | SharedScope) -> None:
        self.settings = scope.run_session.settings
        self._scope = scope

    def __init_subclass__(cls) -> None:
        """Let the methods that create resources take the default arguments of the test."""
        for name in ("create_async", "upload_async", "create"):
            if name in vars(cls):
                setattr(cls, name, with_default_arguments(vars(cls)[name]))

    def given_arguments(self) -> Mapping[str, Any]:
        """Return the default arguments of the test: of `os_server_args` etc., and of the mark."""
        return self._scope.given_arguments(type(self).__name__)

    @property
    def scope(self) -> Scope | SharedScope:
        """The owner of new resources in this process, which may be a fork of the test's process."""
        return self._scope.in_this_process()

    @property
    def cloud(self) -> Cloud:
        """The cloud, as this process is connected to it."""
        return self.scope.cloud

    @property
    def defaults(self) -> Defaults:
        """Image, flavor and network of a new server when the test names none."""
        return self.scope.run_session.defaults

    def _name(self, name: str | None) -> str:
        return name or f"osf-{self.cloud.run[:6]}-{next(_numbers)}"

    def _limits(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Return `try_count` and `tout`: as given, or else by the options."""
        try_count, tout = arguments.get("try_count"), arguments.get("tout")
        return {
            "try_count": self.settings.try_count if try_count is None else try_count,
            "tout": self.settings.tout if tout is None else tout,
        }

    def _own(self, resource_type: ResourceType, future: F) -> F:
        """Let the scope delete the resource that `future` creates."""
        return self.scope.own(resource_type, future)


def client_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a factory that are the client's, with ids in place of objects."""
    own = FactoryArguments.__annotations__
    plain = {name: value for name, value in arguments.items() if name not in own}
    further: dict[str, Any] = to_ids({**plain, **arguments.get("extra", {})})
    return further


def with_default_arguments(method: Callable[..., Any]) -> Callable[..., Any]:
    """Let a factory's method take arguments that the caller leaves out from `given_arguments`."""
    signature = inspect.signature(method)

    @wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        named = signature.bind_partial(self, *args).arguments
        defaults = {
            name: value
            for name, value in self.given_arguments().items()
            if name not in named and kwargs.get(name) is None
        }
        return method(self, *args, **{**kwargs, **defaults})

    return call
