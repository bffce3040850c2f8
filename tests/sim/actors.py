"""Who uses the clients in a simulated run, and what they know must be true of each ending."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import CancelledError
from random import Random
from typing import Any

from pytest_osfutures.errors import OperationTimeout, UnknownFate
from pytest_osfutures.future import OperationFuture
from pytest_osfutures.policy import Retry
from tests.sim.world import Broken, World

#: What a server can be asked for in each state, and the state it is in when that is done.
ACTIONS: dict[str, tuple[tuple[str, tuple[Any, ...], str], ...]] = {
    "active": (
        ("stop", (), "stopped"),
        ("reboot", ("HARD",), "active"),
        ("reboot", ("SOFT",), "active"),
        ("pause", (), "paused"),
        ("suspend", (), "suspended"),
    ),
    "stopped": (("start", (), "active"),),
    "paused": (("unpause", (), "active"),),
    "suspended": (("resume", (), "active"),),
}
#: A deadline that is shorter than what some operations need, so that it is met and missed.
DEADLINES = (5.0, 30.0, 120.0, 300.0)
#: A server may be there so long before a deadline without being noticed, when reads fail.
UNNOTICED = 90.0


class Actor:
    """Makes servers, one after another, works on each and deletes it, until `budget` is spent."""

    def __init__(self, world: World, number: int, budget: Callable[[], bool]) -> None:
        self.world = world
        self.number = number
        self.random = Random(f"{world.seed}:{number}")
        self.budget = budget
        self.servers = world.nova.servers
        self.flavor, self.image = world.a_flavor(), world.an_image()

    def __call__(self) -> None:
        """Be a task on the timeline."""
        self.rest(10.0)
        while self.budget():
            self.one_server()
            self.rest(5.0)

    def rest(self, most: float) -> None:
        """Do nothing for a while."""
        self.world.timeline.sleep(self.random.uniform(0.0, most))

    def one_server(self) -> None:
        """The life of one server, from its creation to its certain end."""
        future = self.create()
        stopped = None
        if self.random.random() < 0.1:
            self.rest(15.0)
            stopped = future.undo()
        ident, error = self.ending(future)
        if error is None and stopped is None:
            assert ident is not None
            for _ in range(self.random.randint(0, 3)):
                # Longer than a list can be out of date: nobody could tell two states apart.
                self.world.timeline.sleep(3.0 + self.random.uniform(0.0, 5.0))
                if not self.act(ident):
                    break
        gone = stopped or (future.undo() if self.random.random() < 0.5 or ident is None else None)
        if gone is None:
            assert ident is not None
            gone = self.world.track(self.servers.delete_async_r(ident, tout=120.0))
        self.certain(future, ident, gone)

    def create(self) -> OperationFuture[Any]:
        """Ask for a server with retries, some with a deadline for it all."""
        within = self.random.choice((None, None, 60.0, 300.0))
        retry = Retry(tries=self.random.choice((1, 3, 5)), within=within)
        name = f"a{self.number}-{self.world.started}"
        tout = self.random.choice(DEADLINES)
        future = self.servers.create_async_r(
            name, self.image, self.flavor, nics="none", try_count=retry, tout=tout
        )
        return self.world.track(future, within)

    def ending(self, future: OperationFuture[Any]) -> tuple[str | None, BaseException | None]:
        """Wait until a server's creation ends; a success has to be one."""
        try:
            server = self.world.timeline.wait(future)
        except (Exception, CancelledError) as error:
            self.noticed(future, error)
            return None, error
        self.confirm(server.id, "active", "server.create")
        return server.id, None

    def noticed(self, future: OperationFuture[Any], error: BaseException) -> None:
        """A deadline was missed: then the server must not have been there long before."""
        if not isinstance(error, OperationTimeout) or error.status is None:
            return
        ident = error.resource_id or ""
        server = self.world.server(ident) or self.world.cloud.compute.servers.gone(ident)
        watch = future._watch
        if server is None or server.launched_at is None or watch is None or error.seconds is None:
            return
        clock = self.world.cloud.clock
        age = watch.accepted_at + error.seconds - (server.launched_at - clock.time() + clock.now())
        if watch.resource_id == ident and age > UNNOTICED:
            raise Broken(f"{future} timed out {age:.1f} s after {ident} was ACTIVE: {error}")

    def act(self, ident: str) -> bool:
        """Start some action on the server and wait for its end; whether to go on with it."""
        server = self.world.server(ident)
        if server is None or server.task_state is not None or server.vm_state not in ACTIONS:
            return False
        name, arguments, after = self.random.choice(ACTIONS[server.vm_state])
        tout = self.random.choice(DEADLINES)
        kind = self.random.choice(("_async", "_async_r"))
        try:
            call = getattr(self.servers, name + kind)
            future = call(ident, *arguments, tout=tout)
        except Exception:  # the plain call's own error, which is the caller's business
            return False
        self.world.track(future, tout if kind == "_async" else None)
        try:
            self.world.timeline.wait(future)
        except Exception:
            return False
        self.confirm(ident, after, f"server.{name}")
        return True

    def confirm(self, ident: str, state: str, what: str) -> None:
        """An operation was called a success: so it must be in the cloud."""
        server = self.world.server(ident)
        if server is None or server.task_state == "deleting":  # by somebody else, since then
            return
        if (server.vm_state, server.task_state) != (state, None):
            found = f"{server.vm_state}/{server.task_state}"
            raise Broken(f"{what} of {ident} ended as a success in state {found}")

    def certain(
        self, future: OperationFuture[Any], ident: str | None, gone: OperationFuture[Any]
    ) -> None:
        """After the deletion nothing may be left, unless its error says so."""
        try:
            self.world.timeline.wait(gone)
        except (Exception, CancelledError):
            self.world.excused.update(server.id for server in self.world.made_by(future))
            return
        left = [] if ident is None else [self.world.server(ident)]
        ended = future.done() and not future.cancelled()
        if ended and isinstance(future.exception(), UnknownFate):
            self.world.excused.update(server.id for server in self.world.made_by(future))
        else:
            left += self.world.made_by(future)
        alive = [server.id for server in left if server is not None]
        if alive:
            why = future.exception() if ended else ""
            raise Broken(f"{gone} of {ident} ended as a success, {alive} is still there; {why}")
