"""Create the resources of coming tests while a test runs (--os-lookahead).

The needs of the coming tests are known from their fixtures. A thread creates the resources in the
order of the tests, as far as the project's quota and --os-max-servers allow. Resources whose test
does not come after all, because the run was stopped for one, are deleted.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from pytest_osfutures.errors import Attempt, OperationError
from pytest_osfutures.futures import DeclaredFuture, OperationFuture
from pytest_osfutures.plugin import options
from pytest_osfutures.plugin.capacity import Cost, capacity_of, cost_of
from pytest_osfutures.plugin.instance import (
    Instance,
    assign,
    definition_of,
    exchange_resources,
    new_instance,
)
from pytest_osfutures.plugin.item_needs import ItemNeed, Key, is_certain, needs_of, unneeded
from pytest_osfutures.plugin.need import Need
from pytest_osfutures.plugin.option_values import ALL_TESTS
from pytest_osfutures.plugin.outcomes import failed_tries
from pytest_osfutures.plugin.reuse import is_reusable, renewed_server
from pytest_osfutures.scopes import Scope, creation_failed

if TYPE_CHECKING:
    from pytest_osfutures.plugin.run import RunSession

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

_log = logging.getLogger("osfutures")
#: Returns the tests that come after the running one, in their order.
Coming = Callable[[], Sequence[pytest.Item]]


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
        #: Counts the events after which the thread may be able to create more.
        self._changes = 0
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
        with self._changed:
            self._item, self._coming, self._paused = item, coming, False
            self._note_change()
        while (found := self._next_need([item])) is not None:
            self._begin(*found, must=True)
        if self._depth != 0 and self._thread is None and any(map(needs_of, [item, *coming()])):
            self._thread = threading.Thread(
                target=self._run, name="osfutures-lookahead", daemon=True
            )
            self._thread.start()

    def claim(
        self, need: ItemNeed, request: pytest.FixtureRequest, values: Mapping[str, Any]
    ) -> Instance:
        """Return the instance of a fixture that is set up; create the resource if it is missing."""
        while True:  # a creation that fails before it is claimed is released meanwhile
            with self._changed:
                if (instance := self._instances.get(need.key)) is not None:
                    instance.request, instance.item = request, self._item
                    self._run_session.recorder.outcomes.claim(instance.future)
                    exchange_resources(self._run_session, self._instances.values())
                    return instance
            self._begin(need, values, must=True, request=request)

    def release(self, instance: Instance) -> None:
        """Note that the fixture of an instance is torn down."""
        with self._changed:
            instance.is_released = True
            self._released.append(self._instances.pop(instance.key))

    def end_fixtures(self) -> None:
        """Tear down the declared fixtures that no coming test uses."""
        used = {key for key, each in self._instances.items() if each.request is not None}
        for key in unneeded(used, self._coming()):
            instance = self._instances.get(key)  # None: ended with a fixture on which it depends
            if instance and (definition := definition_of(instance)) is not None:
                definition.finish(instance.request)

    def take_released(self) -> list[Scope]:
        """Return the owners of the resources that are to be deleted.

        Clean servers go to coming needs that ask for reuse.
        """
        with self._changed:
            released, self._released = self._released, []
            left = [each for each in released if not self._hand_over(each)]
            for each in left:
                if each.is_created:
                    self._capacity.deleted(each.cost)
                self._costs.update({future: each.cost for _, future in each.scope.created})
        return [each.scope for each in left]

    def gone(self, creation: OperationFuture[Any]) -> None:
        """Note that a resource is gone, and create more."""
        with self._changed:
            self._capacity.give_back(self._costs.pop(creation, Cost()))
            self._note_change()

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
            spare = unneeded(self._unused(), [self._item])
            last = next((key for key in reversed(self._instances) if key in spare), None)
            if last is None:
                return False
            self._paused = True
            self.release(self._instances[last])
        self._run_session.delete_released()
        return True

    def stop(self) -> None:
        """Create nothing more, and release the resources that no test has used."""
        with self._changed:
            self._stopped = True
            self._release_unused([])
            self._note_change()

    # For callbacks of futures

    def _note_created(self, creation: OperationFuture[Any]) -> None:
        """Note the end of a creation; repeat once a creation that failed before its test began."""
        with self._changed:
            found = (each for each in self._instances.values() if each.creation is creation)
            if (instance := next(found, None)) is None:
                return  # released
            if not creation_failed(creation):
                if not instance.is_created:
                    instance.is_created = True
                    self._capacity.created(instance.cost)
                exchange_resources(self._run_session, self._instances.values())
            elif instance.key not in self._repeated and instance.request is None:
                self._repeated[instance.key] = failed_tries(creation)
                why = self._repeated[instance.key][-1].why
                _log.info("created again before %s: %s", instance.scope.owner, why)
                self.release(instance)
                self._note_change()

    # The thread. It asks the cloud, which may hang, without the lock.

    def _run(self) -> None:
        seen = -1
        while True:
            with self._changed:
                while seen == self._changes and not self._stopped:
                    self._changed.wait()
                seen = self._changes
                if self._stopped:
                    return
            try:
                self._advance()
            except Exception:
                _log.exception("lookahead has ended: tests create their resources themselves")
                return

    def _advance(self) -> None:
        """Create the resources of coming tests, in order, until one does not fit."""
        while True:
            with self._changed:
                if self._paused or self._stopped:
                    return
                coming = self._coming()
                current = [] if self._item is None else [self._item]
                self._release_unused([*current, *coming])
                found = self._next_need(coming[: self._depth])
            if found is None or not self._begin(*found, must=False):
                return

    def _note_change(self) -> None:
        """Let the thread look again for resources to create."""
        self._changes += 1
        self._changed.notify()

    # For both

    def _next_need(
        self, items: Iterable[pytest.Item]
    ) -> tuple[ItemNeed, dict[str, DeclaredFuture[Any]]] | None:
        """Return the first need of tests whose resource is to be created; None if all are.

        The second value has the futures of the resources that the need requires.
        """
        with self._changed:
            for item in items:
                if item.session.shouldstop or item.session.shouldfail:
                    return None
                needs = needs_of(item) if is_certain(item) else {}
                for each in needs.values():
                    if (found := self._missing(each, needs)) is not None:
                        return found, self._values(found)
        return None

    def _missing(self, need: ItemNeed, needs: Mapping[Key, ItemNeed]) -> ItemNeed | None:
        """Return a need without a resource, or the first that it requires; None if there is none.

        A need that requires a plain fixture waits until pytest has set up that fixture.
        """
        if need.key in self._instances:
            return None
        for key in need.requires.values():
            if key is None:
                return None
            if key not in self._instances:
                return self._missing(needs[key], needs)
        return need

    def _values(self, need: ItemNeed) -> dict[str, DeclaredFuture[Any]]:
        """Return the futures of the resources that a need requires."""
        required = {name: self._instances[key] for name, key in need.requires.items() if key}
        for each in required.values():
            each.is_required = True
        return {name: each.future for name, each in required.items()}

    def _begin(
        self,
        need: ItemNeed,
        values: Mapping[str, Any],
        must: bool,
        request: pytest.FixtureRequest | None = None,
    ) -> bool:
        """Create the resource of a need, unless that has begun; return False without room.

        Nothing is created if a required resource is gone, because its creation has failed.
        """
        key = need.key
        instance = new_instance(self._run_session, key, need.need, Cost())
        instance.request, instance.cost = request, cost_of(need.need, instance.scope)
        if not self._capacity.take(instance.cost, must):
            return False
        with self._changed:
            living = [each.future for each in self._instances.values()]
            is_lost = request is None and any(each not in living for each in values.values())
            if key in self._instances or is_lost or (self._stopped and not must):
                self._capacity.give_back(instance.cost)
                return True
            self._instances[key] = instance
        self._create(instance, values)
        return True

    def _create(self, instance: Instance, values: Mapping[str, Any]) -> None:
        """Begin the creation of a resource, without the lock, and bind the future to it."""
        creation = instance.need.begin(instance.scope, values)
        earlier = self._repeated.get(instance.key, ())
        self._run_session.recorder.outcomes.tried_before(creation, earlier)
        with self._changed:
            instance.creation = creation
            instance.future.bind(creation)
            if instance.is_released and creation not in self._costs:
                self._capacity.give_back(instance.cost)  # a closed scope undoes new creations
        creation.add_done_callback(lambda _: self._note_created(creation))

    def _unused(self) -> set[Key]:
        """Return the keys of resources that no fixture has used."""
        return {key for key, each in self._instances.items() if each.request is None}

    def _release_unused(self, items: Iterable[pytest.Item]) -> None:
        """Release the resources that no fixture has used, and that none of these tests needs."""
        for key in unneeded(self._unused(), items):
            self.release(self._instances[key])

    # Reuse

    def _hand_over(self, released: Instance) -> bool:
        """Let the next equal need have a released server; return False if the server is to go."""
        if self._stopped or not is_reusable(released):
            return False
        need = next(filter(partial(_takes, released.need), self._open_needs()), None)
        if need is None:
            return False
        instance = new_instance(self._run_session, need.key, need.need, released.cost)
        instance.scope, instance.is_created = released.scope, True
        ((_, creation),) = released.scope.created
        assign(self._run_session, instance)
        self._instances[need.key] = instance
        instance.creation = renewed_server(
            self._run_session.cloud,
            creation,
            need.need.reuse,
            need.need.arguments.get("tout", self._run_session.settings.tout),
            partial(self._replace, instance),
        )
        instance.future.bind(instance.creation)
        renewed = instance.creation
        renewed.add_done_callback(lambda _: self._note_created(renewed))
        return True

    def _open_needs(self) -> Iterator[ItemNeed]:
        """Yield the needs of coming tests without a resource, in the order of the tests."""
        for item in self._coming():
            if item.session.shouldstop or item.session.shouldfail:
                return
            for each in needs_of(item).values() if is_certain(item) else ():
                if each.key not in self._instances:
                    yield each

    def _replace(self, instance: Instance, error: BaseException) -> OperationFuture[Any]:
        """Delete a server that cannot be used again, and create another one."""
        _log.info("a server is not used again: %s", error)
        run_session = self._run_session
        with self._changed:
            old, instance.is_created = instance.scope, False
            instance.scope = new_instance(run_session, instance.key, instance.need, Cost()).scope
            instance.scope.closed = instance.is_released
            self._costs.update({future: instance.cost for _, future in old.created})
            self._capacity.deleted(instance.cost)
            self._capacity.take(instance.cost, must=True)
        run_session.delete(old)
        creation = instance.need.begin(instance.scope, {})
        if isinstance(error, OperationError):
            attempt = Attempt(1, None, error.details.seconds or 0.0, error.why)
            run_session.recorder.outcomes.tried_before(creation, (attempt,))
        return creation


def _takes(need: Need, other: ItemNeed) -> bool:
    """Return True if a server of `need` may serve another need."""
    return other.need.reuse == need.reuse and need.is_interchangeable_with(other.need)


def depth_of(config: pytest.Config) -> int:
    """Return the number of coming tests whose resources are created (--os-lookahead)."""
    given = options.LOOKAHEAD.value(config)
    return ALL_TESTS if given is None else given
