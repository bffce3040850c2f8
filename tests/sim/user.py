"""The simulated users of a run, and the checks of each operation that ends for them."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError
from random import Random
from typing import Any

from pytest_osfutures.errors import OperationTimeout
from pytest_osfutures.fakecloud.kernel.resource import ResourceRecord
from pytest_osfutures.fakecloud.services.compute.models.server import ServerRecord
from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.policy import Retry
from tests.sim.world import BrokenPromiseError, World

#: Deadlines (seconds), some shorter than some operations need.
DEADLINES = (5.0, 30.0, 120.0, 300.0)
#: Seconds within which the engine has to notice that a resource is ready, even if reads fail.
DETECTION_BOUND = 90.0
#: Seconds between two operations on one resource: more than the age of a list.
ACTION_SPACING = 3.0

Use = Callable[["SimulatedUser", str], None]


class SimulatedUser:
    """Runs one workload after another, chosen at random, until `budget` is spent."""

    def __init__(
        self,
        world: World,
        number: int,
        budget: Callable[[], bool],
        workloads: tuple[Callable[[SimulatedUser], None], ...],
    ) -> None:
        self.world = world
        self.number = number
        self.random = Random(f"{world.seed}:{number}")
        self.budget = budget
        self.workloads = workloads

    def __call__(self) -> None:
        """Run as a task on the timeline."""
        self.rest(10.0)
        while self.budget():
            self.random.choice(self.workloads)(self)
            self.rest(5.0)

    def rest(self, most: float, least: float = 0.0) -> None:
        """Sleep for a random number of seconds."""
        self.world.timeline.sleep(self.random.uniform(least, most))

    def make(self, manager: Any, *arguments: Any, **more: Any) -> OperationFuture[Any]:
        """Start a creation with retries, sometimes with a deadline for all tries."""
        within = self.random.choice((None, None, 60.0, 300.0))
        retry = Retry(tries=self.random.choice((1, 3, 5)), within=within)
        tout = self.random.choice(DEADLINES)
        name = f"a{self.number}-{self.world.started}"
        future = manager.create_async_r(*arguments, name=name, try_count=retry, tout=tout, **more)
        return self.world.track(future, within, name)

    def ask(self, manager: Any, name: str, *arguments: Any) -> bool:
        """Start an operation on a resource and wait for its end; return True if it succeeds."""
        tout = self.random.choice(DEADLINES)
        kind = self.random.choice(("_async", "_async_r"))
        try:
            future = getattr(manager, name + kind)(*arguments, tout=tout)
        except Exception:  # the plain call's own error, which is the caller's business
            return False
        self.world.track(future, tout if kind == "_async" else None)
        try:
            self.world.timeline.wait(future)
        except Exception:
            return False
        return True

    def use_and_delete(
        self, future: OperationFuture[Any], manager: Any, use: Use | None = None
    ) -> None:
        """Wait for a creation, use the resource, delete it, and check that nothing is left."""
        stopped = None
        if self.random.random() < 0.1:
            self.rest(15.0)
            stopped = future.undo()
        ident = self.made(future)
        if ident is not None and stopped is None and use is not None:
            use(self, ident)
        gone = stopped or (future.undo() if self.random.random() < 0.5 or ident is None else None)
        if gone is None:
            gone = self.world.track(manager.delete_async_r(ident, tout=120.0))
        self.check_deleted(future, ident, gone)

    def made(self, future: OperationFuture[Any]) -> str | None:
        """Wait for a creation; return the id of the resource, which has to be ready, or None."""
        try:
            ident = str(self.world.timeline.wait(future).id)
        except (Exception, CancelledError) as error:
            self.check_timeout(future, error)
            return None
        found = self.world.found(ident)
        if found is not None and not is_being_deleted(found) and not is_ready(found):
            raise BrokenPromiseError(
                f"{future.operation} of {ident} ended as a success in {state(found)}"
            )
        return ident

    def check_timeout(self, future: OperationFuture[Any], error: BaseException) -> None:
        """Check that a resource was not ready long before its creation timed out."""
        if not isinstance(error, OperationTimeout) or error.status is None:
            return
        ident = error.resource_id or ""
        found = self.world.found(ident) or self.world.cloud.compute.servers.gone(ident)
        accepted_at = self.world.engine.accepted_at.get(ident)
        if accepted_at is None or error.seconds is None:
            return
        clock = self.world.cloud.clock
        ready = ready_since(found)
        age = accepted_at + error.seconds - (ready - clock.time() + clock.now())
        if age > DETECTION_BOUND:
            raise BrokenPromiseError(
                f"{future} timed out {age:.1f} s after {ident} was there: {error}"
            )

    def check_deleted(
        self, future: OperationFuture[Any], ident: str | None, gone: OperationFuture[Any]
    ) -> None:
        """Check that a successful deletion or undo leaves nothing of the creation."""
        try:
            self.world.timeline.wait(gone)
        except (Exception, CancelledError):
            self.world.excused.update(each.id for each in self.world.made_by(future))
            return
        made = self.world.made_by(future)
        if ident is not None and (one := self.world.found(ident)) is not None:
            made.append(one)
        if made:
            alive = ", ".join(state(each) for each in made)
            why = future.exception() if future.done() and not future.cancelled() else ""
            raise BrokenPromiseError(
                f"{gone} of {ident} ended as a success, but there is {alive}; {why}"
            )


def is_ready(resource: ResourceRecord) -> bool:
    """Return True if the creation of the resource has succeeded."""
    if isinstance(resource, ServerRecord):
        return (resource.vm_state, resource.task_state) == ("active", None)
    return resource.status == "available"


def is_being_deleted(resource: ResourceRecord) -> bool:
    """Return True if a third party is deleting the resource, or has tried to."""
    if isinstance(resource, ServerRecord):
        return any(each.action == "delete" for each in resource.actions)
    return resource.status in ("deleting", "error_deleting")


def ready_since(resource: ResourceRecord | None) -> float:
    """Return since when (the cloud's date) the resource is ready; infinity if it is not."""
    if isinstance(resource, ServerRecord):
        when = resource.launched_at
    else:
        when = resource.updated_at if resource is not None and is_ready(resource) else None
    return float("inf") if when is None else when


def state(resource: ResourceRecord) -> str:
    """Return the type, id and status of a resource."""
    task = f"/{resource.task_state}" if isinstance(resource, ServerRecord) else ""
    return f"{type(resource).__name__} {resource.id} {resource.shown_status}{task}"
