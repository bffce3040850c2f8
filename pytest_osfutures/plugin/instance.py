"""The resource of a declared need, and the exchange of resources between needs that are equal."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pytest_osfutures.futures import DeclaredFuture, OperationFuture
from pytest_osfutures.plugin.capacity import Cost
from pytest_osfutures.plugin.item_needs import Key
from pytest_osfutures.plugin.need import NEED, Need
from pytest_osfutures.scopes import Scope, creation_failed

if TYPE_CHECKING:
    from pytest_osfutures.plugin.run import RunSession

__tracebackhide__ = True  # pytest: an error belongs to the line of the test


@dataclass(eq=False)
class Instance:
    """The resource of a declared need."""

    key: Key
    need: Need
    #: The owner of the resource.
    scope: Scope
    #: The part of the quota that the resource takes.
    cost: Cost
    #: The value of the fixture.
    future: DeclaredFuture[Any]
    #: The future of the creation; None while images, flavors and networks are looked up.
    creation: OperationFuture[Any] | None = None
    #: The request and the test of the fixture's setup, once the fixture is set up.
    request: pytest.FixtureRequest | None = None
    item: pytest.Item | None = None
    #: True if the creation has succeeded.
    is_created: bool = False
    #: True once the resource of another need depends on this one.
    is_required: bool = False
    #: True once the fixture is torn down, or no test needs the resource any more.
    is_released: bool = False

    @property
    def is_waiting(self) -> bool:
        """True if a test has the future, and the creation goes on."""
        return self.request is not None and self.creation is not None and not self.creation.done()

    @property
    def is_spare(self) -> bool:
        """True if the resource is ready, and neither a test nor another resource has it yet."""
        return (
            self.request is None
            and not self.is_required
            and self.creation is not None
            and self.creation.done()
            and not creation_failed(self.creation)
        )

    @property
    def resource_ids(self) -> list[str | None]:
        """The ids of the resources that the scope owns; None for an unknown one."""
        return [future.resource_id for _, future in self.scope.created]


def new_instance(run_session: RunSession, key: Key, need: Need, cost: Cost) -> Instance:
    """Return an instance whose creation has not begun."""
    cloud = run_session.cloud
    future: DeclaredFuture[Any] = DeclaredFuture(cloud.engine, cloud.settings.observer)
    run_session.recorder.declared(future, key.node.nodeid)
    return Instance(key, need, Scope(cloud, run_session, key.node.nodeid), cost, future)


def exchange_resources(run_session: RunSession, instances: Collection[Instance]) -> None:
    """Let tests that wait for a creation have equal resources of later tests that are ready.

    The latest test gives its resource, because the creation that takes its place has the longest
    time to end.
    """
    for waiting in [each for each in instances if each.is_waiting]:
        spare = (
            each
            for each in reversed(list(instances))
            if each.is_spare and each.need.is_interchangeable_with(waiting.need)
        )
        if (ready := next(spare, None)) is not None:
            _exchange(run_session, waiting, ready)


def _exchange(run_session: RunSession, waiting: Instance, ready: Instance) -> None:
    """Exchange the resources of two needs, unless the test knows its own resource already."""
    old, new = waiting.creation, ready.creation
    if old is None or new is None or not all([*waiting.resource_ids, *ready.resource_ids]):
        return  # without an id, the ledger's row cannot change its test
    if not waiting.future.bind(new):
        return
    ready.future = new_instance(run_session, ready.key, ready.need, ready.cost).future
    ready.future.bind(old)
    waiting.creation, ready.creation = new, old
    waiting.scope, ready.scope = ready.scope, waiting.scope
    waiting.is_created, ready.is_created = True, False
    for each in (waiting, ready):
        assign(run_session, each)


def assign(run_session: RunSession, instance: Instance) -> None:
    """Let the resource of an instance belong to the test, class, module or session of its need."""
    instance.scope.owner = test = instance.key.node.nodeid
    for _, future in instance.scope.created:
        run_session.recorder.assign(future, test)
        if future.resource_id is not None:
            run_session.ledger.assign(future.resource_id, test)


def definition_of(instance: Instance) -> Any:
    """Return the definition of a declared fixture; None if a test asked for it while it ran."""
    item: Any = instance.item
    request: Any = instance.request
    definitions = item._fixtureinfo.name2fixturedefs.get(request.fixturename, ())
    declaration = instance.key.declaration
    return next((each for each in definitions if _declares(each, declaration)), None)


def _declares(definition: Any, declaration: Need) -> bool:
    return getattr(definition.func, NEED, None) is declaration
