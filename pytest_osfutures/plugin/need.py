"""A declared need: the resource that a fixture creates, known before the fixture is set up.

Nothing of OpenStack is imported before a resource is created.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from types import FrameType
from typing import TYPE_CHECKING, Any, Literal, TypeGuard

import pytest

from pytest_osfutures.plugin.default_arguments import arguments_fixture

if TYPE_CHECKING:
    from pytest_osfutures.futures import OperationFuture
    from pytest_osfutures.ready import Pending
    from pytest_osfutures.scopes import Scope

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: Attribute of a fixture's function: the need that the fixture declares.
NEED = "osfutures_need"
#: The scopes of declared fixtures.
ScopeName = Literal["function", "class", "module", "session"]
#: How a server is used again: rebuilt (True), or handed on as it is.
Reuse = bool | Literal["as-is"]


@dataclass(frozen=True)
class FixtureName:
    """The name of a fixture whose value is an argument of a need."""

    name: str


@dataclass(frozen=True, eq=False)
class Need:
    """The specification of a resource: the factory and its arguments."""

    #: Name of the factory's class, like `Servers`.
    factory: str
    #: Arguments of the factory's method; a `FixtureName` stands for the value of a fixture.
    arguments: Mapping[str, Any]
    #: Scope of the fixture.
    scope: ScopeName = "function"
    #: Name of the factory's method.
    method: str = "create_async"
    #: Whether a clean server is used again for a need with equal arguments, and how.
    reuse: Reuse = False
    #: Names of the fixtures whose values are arguments.
    requires: tuple[str, ...] = field(init=False)

    def __post_init__(self) -> None:
        names = dict.fromkeys(each.name for each in _fixture_names(self.arguments))
        object.__setattr__(self, "requires", tuple(names))

    def with_param(self, param: Mapping[str, Any] | None) -> Need:
        """Return the need of one parameter of the fixture, whose arguments come first."""
        return replace(self, arguments={**self.arguments, **(param or {})})

    def with_defaults(self, defaults: Mapping[str, Any]) -> Need:
        """Return the need with default arguments, before which its own arguments count."""
        own = {name: value for name, value in self.arguments.items() if value is not None}
        return replace(self, arguments={**defaults, **own})

    def is_interchangeable_with(self, other: Need) -> bool:
        """Return True if a resource of one need serves the other one as well.

        A value of a fixture may differ from one test to the next.
        """
        return (
            not self.requires
            and not other.requires
            and (self.factory, self.method) == (other.factory, other.method)
            and self.arguments == other.arguments
        )

    def begin(self, scope: Scope, values: Mapping[str, Any]) -> OperationFuture[Any]:
        """Create the resource once all futures among `values` are done; return its future.

        Args:
            scope: the owner of the resource.
            values: the values of the required fixtures, by name.
        """
        from pytest_osfutures.futures import OperationFuture, then

        waiting = (name for name, each in values.items() if isinstance(each, OperationFuture))
        if (first := next(waiting, None)) is None:
            return self._create(scope, values)
        return then(values[first], lambda result: self.begin(scope, {**values, first: result}))

    def _create(self, scope: Scope, values: Mapping[str, Any]) -> OperationFuture[Any]:
        """Create the resource; errors of the arguments belong to the test that needs the result."""
        from pytest_osfutures.futures import OperationFuture, Promise
        from pytest_osfutures.scopes import factories

        factory = getattr(factories, self.factory)(scope)
        promise: Promise[Any] = Promise(scope.cloud.engine, observer=scope.cloud.settings.observer)
        promise.start()
        try:
            with scope.run_session.ledger.of_test(scope.owner):
                if (observer := promise.future.observer) is not None:
                    observer.derived(promise.future)
                created = getattr(factory, self.method)(**_with_values(self.arguments, values))
        except Exception as error:
            promise.set_exception(error)
            return promise.future
        if isinstance(created, OperationFuture):
            return created
        promise.set_result(created)
        return promise.future


def _fixture_names(value: object) -> Iterator[FixtureName]:
    """Yield the fixture names in dicts, lists and tuples, at any depth."""
    if isinstance(value, FixtureName):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _fixture_names(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _fixture_names(each)
    elif _is_pending(value):
        yield from _fixture_names(value.arguments)


def _is_pending(value: Any) -> TypeGuard[Pending]:
    """Return True for a condition of `ready` that has a fixture as its key."""
    ready = sys.modules.get("pytest_osfutures.ready")  # else there is no condition
    return ready is not None and isinstance(value, ready.Pending)


def _with_values(value: Any, values: Mapping[str, Any]) -> Any:
    """Return a copy of `value` with the values of fixtures in place of their names."""
    if isinstance(value, FixtureName):
        return values[value.name]
    if isinstance(value, Mapping):
        return {name: _with_values(each, values) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_with_values(each, values) for each in value)
    if _is_pending(value):
        return value.with_arguments(_with_values(value.arguments, values))
    return value


def declare(need: Need, params: Sequence[Mapping[str, Any]]) -> Any:
    """Return the fixture of a need; the caller of this function's caller declares the fixture."""
    frame = sys._getframe(2)
    need = replace(need, arguments=_with_names(dict(need.arguments), frame))
    variants = [_with_names(dict(each), frame) for each in params]

    def declared(**values: Any) -> Iterator[Any]:
        from pytest_osfutures.plugin.declared_fixture import use

        yield from use(need, values["request"], values)

    required = {
        name: None for each in [need, *map(need.with_param, variants)] for name in each.requires
    }
    names = ["request", "_osfutures_cloud", arguments_fixture(need.factory), *required]
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature([inspect.Parameter(each, kind) for each in names])
    vars(declared).update({"__signature__": signature, NEED: need})
    declared.__doc__ = f"Return the future of a resource of the factory {need.factory}."
    declared.__module__ = frame.f_globals["__name__"]
    is_method = "__qualname__" in frame.f_locals  # pytest warns about methods of a class's scope
    ids = [_label(each) for each in variants] or None
    define = pytest.fixture(scope=need.scope, params=variants or None, ids=ids)
    return define(staticmethod(declared) if is_method else declared)


_FIXTURE = type(pytest.fixture(declare))


def _label(variant: Mapping[str, Any]) -> str:
    """Return the id of a parameter: the values that are texts or numbers."""
    plain = [str(each) for each in variant.values() if isinstance(each, str | int | float)]
    return "-".join(plain) or "resource"


def _with_names(value: Any, frame: FrameType) -> Any:
    """Return a copy of `value` with the names of fixtures in place of the fixtures.

    Raises:
        InvalidArgument: neither the class nor the module of `frame` has a name for a fixture.
    """
    if isinstance(value, _FIXTURE):
        for namespace in (frame.f_locals, frame.f_globals):
            for name, each in namespace.items():
                if each is value:
                    return FixtureName(name)
        from pytest_osfutures.errors import InvalidArgument

        raise InvalidArgument(
            f"{value!r} has no name in this module; name the fixture: factories.fixture('web')"
        )
    if type(value) is dict:
        return {name: _with_names(each, frame) for name, each in value.items()}
    if type(value) in (list, tuple):
        return type(value)(_with_names(each, frame) for each in value)
    if _is_pending(value):
        return value.with_arguments(_with_names(dict(value.arguments), frame))
    return value
