"""Who uses the clients in a simulated run, and what they know must be true of each ending."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError
from random import Random
from typing import Any

from pytest_osfutures.errors import OperationTimeout
from pytest_osfutures.fakecloud.kernel.resource import ResourceRecord
from pytest_osfutures.fakecloud.services.compute.models.server import ServerRecord
from pytest_osfutures.future import OperationFuture
from pytest_osfutures.policy import Retry
from tests.sim.world import BrokenPromiseError, World

#: A deadline that is shorter than what some operations need, so that it is met and missed.
DEADLINES = (5.0, 30.0, 120.0, 300.0)
#: A resource may be there so long before a deadline without being noticed, when reads fail.
UNNOTICED = 90.0
#: Longer than a list can be out of date: nobody could tell two states apart.
APART = 3.0

Use = Callable[["Actor", str], None]


class Actor:
    """Lives one life after another with what it makes, until `budget` is spent."""

    def __init__(
        self,
        world: World,
        number: int,
        budget: Callable[[], bool],
        lives: tuple[Callable[[Actor], None], ...],
    ) -> None:
        self.world = world
        self.number = number
        self.random = Random(f"{world.seed}:{number}")
        self.budget = budget
        self.lives = lives

    def __call__(self) -> None:
        """Be a task on the timeline."""
        self.rest(10.0)
        while self.budget():
            self.random.choice(self.lives)(self)
            self.rest(5.0)

    def rest(self, most: float, least: float = 0.0) -> None:
        """Do nothing for a while."""
        self.world.timeline.sleep(self.random.uniform(least, most))

    def make(self, manager: Any, *arguments: Any, **more: Any) -> OperationFuture[Any]:
        """Ask for something new with retries, sometimes with a deadline for it all."""
        within = self.random.choice((None, None, 60.0, 300.0))
        retry = Retry(tries=self.random.choice((1, 3, 5)), within=within)
        tout = self.random.choice(DEADLINES)
        name = f"a{self.number}-{self.world.started}"
        future = manager.create_async_r(*arguments, name=name, try_count=retry, tout=tout, **more)
        return self.world.track(future, within, name)

    def ask(self, manager: Any, name: str, *arguments: Any) -> bool:
        """Start something with what is there and wait for its end; whether it was a success."""
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

    def life(self, future: OperationFuture[Any], manager: Any, use: Use | None = None) -> None:
        """One thing from its creation to its certain end, and what it is used for between."""
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
        self.certain(future, ident, gone)

    def made(self, future: OperationFuture[Any]) -> str | None:
        """Wait until a creation ends; the id of what was made, which has to be there."""
        try:
            ident = str(self.world.timeline.wait(future).id)
        except (Exception, CancelledError) as error:
            self.noticed(future, error)
            return None
        found = self.world.found(ident)
        if found is not None and not is_leaving(found) and not is_ready(found):
            raise BrokenPromiseError(
                f"{future.operation} of {ident} ended as a success in {state(found)}"
            )
        return ident

    def noticed(self, future: OperationFuture[Any], error: BaseException) -> None:
        """A deadline was missed: then it must not have been there long before."""
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
        if age > UNNOTICED:
            raise BrokenPromiseError(
                f"{future} timed out {age:.1f} s after {ident} was there: {error}"
            )

    def certain(
        self, future: OperationFuture[Any], ident: str | None, gone: OperationFuture[Any]
    ) -> None:
        """After the deletion nothing may be left, unless its error says so."""
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
    """Whether it is as it should be at the end of its creation."""
    if isinstance(resource, ServerRecord):
        return (resource.vm_state, resource.task_state) == ("active", None)
    return resource.status == "available"


def is_leaving(resource: ResourceRecord) -> bool:
    """Whether somebody else is deleting it, or has tried to."""
    if isinstance(resource, ServerRecord):
        return any(each.action == "delete" for each in resource.actions)
    return resource.status in ("deleting", "error_deleting")


def ready_since(resource: ResourceRecord | None) -> float:
    """Since when (the cloud's date) it is ready, for ever if it is not."""
    if isinstance(resource, ServerRecord):
        when = resource.launched_at
    else:
        when = resource.updated_at if resource is not None and is_ready(resource) else None
    return float("inf") if when is None else when


def state(resource: ResourceRecord) -> str:
    """What it is and how it is, in a few words."""
    task = f"/{resource.task_state}" if isinstance(resource, ServerRecord) else ""
    return f"{type(resource).__name__} {resource.id} {resource.shown_status}{task}"
