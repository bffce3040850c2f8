"""Create the resources of coming tests while a test runs (--os-lookahead).

The needs of the coming tests are known from their fixtures. A thread creates the resources in the
order of the tests, as far as the project's quota and --os-max-servers allow. Resources whose test
does not come after all, because the run was stopped for one, are deleted.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from pytest_osfutures.errors import Attempt, InvalidArgument
from pytest_osfutures.plugin import options
from pytest_osfutures.plugin.capacity import Cost, capacity_of, cost_of
from pytest_osfutures.plugin.default_arguments import (
    arguments_fixture,
    checked,
    marked_arguments,
)
from pytest_osfutures.plugin.fixtures import current_run_session, failure, run_session_of
from pytest_osfutures.plugin.item_needs import (
    ItemNeed,
    Key,
    is_certain,
    needs_of,
)
from pytest_osfutures.plugin.need import NEED, Need
from pytest_osfutures.plugin.option_values import ALL_TESTS
from pytest_osfutures.plugin.outcomes import failed_tries
from pytest_osfutures.plugin.teardown import is_kept
from pytest_osfutures.scopes import Scope, creation_failed

if TYPE_CHECKING:
    from pytest_osfutures.futures import OperationFuture
    from pytest_osfutures.plugin.run import RunSession

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

_log = logging.getLogger("osfutures")
#: Returns the tests that come after the running one, in their order.
Coming = Callable[[], Sequence[pytest.Item]]


@dataclass(eq=False)
class Instance:
    """The resource of a declared need."""

    key: Key
    #: The owner of the resource.
    scope: Scope
    #: The part of the quota that the resource takes.
    cost: Cost
    future: OperationFuture[Any]
    #: The request and the test of the fixture's setup, once the fixture is set up.
    request: pytest.FixtureRequest | None = None
    item: pytest.Item | None = None
    #: True if the creation has succeeded.
    is_created: bool = False


class Lookahead:
    """The resources of declared needs in one process of a run.

    Args:
        run_session: this process's part in the run.
    """

    def __init__(self, run_session: RunSession) -> None:
        self._run_session = run_session
        #: Number of coming tests whose resources are created.
        self._depth = depth_of(run_session.config)
        self._capacity = capacity_of(run_session)
        self._instances: dict[Key, Instance] = {}
        #: Instances whose fixtures are torn down, and whose resources are not deleted yet.
        self._released: list[Instance] = []
        #: The quota of resources that are being deleted, by the futures of their creations.
        self._costs: dict[OperationFuture[Any], Cost] = {}
        self._item: pytest.Item | None = None
        self._coming: Coming = list
        self._changed = threading.Condition(threading.RLock())
        self._thread: threading.Thread | None = None
        #: The needs whose resources were created a second time, with the first, failed creations.
        self._repeated: dict[Key, tuple[Attempt, ...]] = {}
        #: True while the running test needs room that coming tests must not take.
        self._paused = False
        self._stopped = False

    @property
    def is_on(self) -> bool:
        """True if resources of coming tests are created."""
        return self._depth != 0

    @property
    def is_used(self) -> bool:
        """True if lookahead is on and a test has declared needs."""
        return self._depth != 0 and self._thread is not None

    # For fixtures and hooks, in the main thread

    def begin_test(self, item: pytest.Item, coming: Coming) -> None:
        """Create the resources of a test that begins now, and in a thread those of coming tests."""
        needs = needs_of(item) if is_certain(item) else {}
        with self._changed:
            self._item, self._coming, self._paused = item, coming, False
            for each in needs.values():
                self._begin(each, needs, must=True)
            if self._depth != 0 and self._thread is None and any(map(needs_of, [item, *coming()])):
                self._thread = threading.Thread(
                    target=self._run, name="osfutures-lookahead", daemon=True
                )
                self._thread.start()
            self._changed.notify()

    def claim(
        self, declaration: Need, request: pytest.FixtureRequest, values: Mapping[str, Any]
    ) -> Instance:
        """Return the instance of a fixture that is set up; create the resource if it is missing."""
        key = Key(declaration, request.node, getattr(request, "param_index", 0))
        with self._changed:
            if key not in self._instances:
                need = declaration.with_param(getattr(request, "param", None))
                need = need.with_defaults(_given_arguments(declaration, request, values))
                scope = self._scope(key)
                cost = cost_of(need, scope)
                self._capacity.take(cost, must=True)
                self._create(key, need, scope, cost, values)
            instance = self._instances[key]
            instance.request, instance.item = request, self._item
            self._run_session.recorder.outcomes.claim(instance.future)
            return instance

    def release(self, instance: Instance) -> None:
        """Note that the fixture of an instance is torn down."""
        with self._changed:
            self._released.append(self._instances.pop(instance.key))

    def end_fixtures(self) -> None:
        """Tear down the declared fixtures that no coming test uses."""
        used = {key for key, each in self._instances.items() if each.request is not None}
        for key in _unneeded(used, self._coming()):
            instance = self._instances.get(key)  # None: ended with a fixture on which it depends
            if instance and (definition := _definition(instance)) is not None:
                definition.finish(instance.request)

    def take_released(self) -> list[Scope]:
        """Return the owners of the resources that are to be deleted."""
        with self._changed:
            released, self._released = self._released, []
            for each in released:
                if each.is_created:
                    self._capacity.deleted(each.cost)
                self._costs.update({future: each.cost for _, future in each.scope.created})
        return [each.scope for each in released]

    def gone(self, creation: OperationFuture[Any]) -> None:
        """Note that a resource is gone, and create more."""
        with self._changed:
            self._capacity.give_back(self._costs.pop(creation, Cost()))
            self._changed.notify()

    def make_room(self, owner: str) -> bool:
        """Delete a resource that no test needs yet, for a refused request of the running test.

        The resource of the latest test goes, and is created again when there is room.

        Args:
            owner: id of the test, class or module whose request was refused.

        Returns:
            False if there is no such resource, or the request is itself for a coming test.
        """
        with self._changed:
            if self._item is None or not self._item.nodeid.startswith(owner):
                return False
            spare = _unneeded(self._unused(), [self._item])
            last = next((key for key in reversed(self._instances) if key in spare), None)
            if last is None:
                return False
            self._paused = True
            self.release(self._instances[last])
        self._run_session.delete_released()
        return True

    def _unused(self) -> set[Key]:
        """Return the keys of resources with a quota that no fixture has used."""
        return {key for key, each in self._instances.items() if each.request is None}

    def _note_created(self, instance: Instance) -> None:
        """Note the end of a creation; create again once what failed before a test needed it."""
        with self._changed:
            if not creation_failed(instance.future):
                instance.is_created = True
                self._capacity.created(instance.cost)
                return
            if instance.key in self._repeated:
                return
            if self._instances.get(instance.key) is instance and instance.request is None:
                self._repeated[instance.key] = failed_tries(instance.future)
                why = self._repeated[instance.key][-1].why
                _log.info("created again before %s: %s", instance.scope.owner, why)
                self.release(instance)
                self._changed.notify()

    def stop(self) -> None:
        """Create nothing more, and release the resources that no test has used."""
        with self._changed:
            self._stopped = True
            self._release_unused([])
            self._changed.notify()

    # The thread

    def _run(self) -> None:
        with self._changed:
            while not self._stopped:
                try:
                    self._advance()
                except Exception:
                    _log.exception("lookahead has ended: tests create their resources themselves")
                    return
                self._changed.wait()

    def _advance(self) -> None:
        """Create the resources of coming tests, in order, until one does not fit."""
        if self._paused:
            return
        coming = self._coming()
        current = [] if self._item is None else [self._item]
        self._release_unused([*current, *coming])
        for item in coming[: self._depth]:
            if item.session.shouldstop or item.session.shouldfail:
                return
            needs = needs_of(item) if is_certain(item) else {}
            if not all(self._begin(each, needs, must=False) for each in needs.values()):
                return

    def _begin(self, need: ItemNeed, needs: Mapping[Key, ItemNeed], must: bool) -> bool:
        """Create the resources of a need and of those that it requires; return False without room.

        A need that requires a plain fixture waits until pytest has set up that fixture.
        """
        if need.key in self._instances:
            return True
        values: dict[str, Any] = {}
        for name, key in need.requires.items():
            if key is not None and not self._begin(needs[key], needs, must):
                return False
            if key not in self._instances:
                return True
            values[name] = self._instances[key].future
        scope = self._scope(need.key)
        cost = cost_of(need.need, scope)
        if not self._capacity.take(cost, must):
            return False
        self._create(need.key, need.need, scope, cost, values)
        return True

    def _scope(self, key: Key) -> Scope:
        return Scope(self._run_session.cloud, self._run_session, key.node.nodeid)

    def _create(
        self, key: Key, need: Need, scope: Scope, cost: Cost, values: Mapping[str, Any]
    ) -> None:
        instance = Instance(key, scope, cost, need.begin(scope, values))
        earlier = self._repeated.get(key, ())
        outcomes = self._run_session.recorder.outcomes
        outcomes.look_ahead(instance.future, scope.owner, earlier)
        instance.future.add_done_callback(lambda _: self._note_created(instance))
        self._instances[key] = instance

    def _release_unused(self, items: Iterable[pytest.Item]) -> None:
        """Release the resources that no fixture has used, and that none of these tests needs."""
        for key in _unneeded(self._unused(), items):
            self.release(self._instances[key])


def _given_arguments(
    declaration: Need, request: pytest.FixtureRequest, values: Mapping[str, Any]
) -> dict[str, Any]:
    name = arguments_fixture(declaration.factory)
    given = checked(name, values[name])
    if declaration.scope == "function":
        given.update(marked_arguments(request.node, declaration.factory))
    return given


def depth_of(config: pytest.Config) -> int:
    """Return the number of coming tests whose resources are created (--os-lookahead)."""
    given = options.LOOKAHEAD.value(config)
    return ALL_TESTS if given is None else given


def _unneeded(keys: set[Key], items: Iterable[pytest.Item]) -> set[Key]:
    """Return those of `keys` that are needs of none of the tests."""
    left = set(keys)
    for item in items:
        if not left:
            break
        left -= needs_of(item).keys()
    return left


def _definition(instance: Instance) -> Any:
    """Return the definition of a declared fixture; None if a test asked for it while it ran."""
    item: Any = instance.item
    request: Any = instance.request
    definitions = item._fixtureinfo.name2fixturedefs.get(request.fixturename, ())
    declaration = instance.key.declaration
    return next((each for each in definitions if _declares(each, declaration)), None)


def _declares(definition: Any, declaration: Need) -> bool:
    return getattr(definition.func, NEED, None) is declaration


def use(
    declaration: Need, request: pytest.FixtureRequest, values: Mapping[str, Any]
) -> Iterator[OperationFuture[Any]]:
    """Yield the future of a declared need while its fixture is set up."""
    run_session = run_session_of(request.config)
    try:
        instance = run_session.lookahead.claim(declaration, request, values)
    except InvalidArgument as error:
        raise failure(str(error)) from None
    run_session.usage.note(instance.future)
    yield instance.future
    if run_session is current_run_session(request.config):
        run_session.lookahead.release(instance)
        if is_kept(request.node):
            instance.scope.keep()
            instance.cost.clear()
