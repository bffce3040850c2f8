"""A Hypothesis state machine on the simulated world; Hypothesis shrinks a broken promise."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from pytest_osfutures.fakecloud import Fault
from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.policy import Retry
from tests.sim.fault_profile import SERVICES, FaultProfile
from tests.sim.world import BrokenPromiseError, World

FAULTS = (
    Fault("status", method="POST", status=502, when="after", count=1),
    Fault("status", method="POST", status=503, count=1),
    Fault("cut", method="POST", when="after", count=1),
    Fault("cut", method="DELETE", when="after", count=1),
    Fault("status", method="GET", status=429, retry_after=4, count=2),
    Fault("delay", seconds=45.0, count=1),
    Fault("expire", count=1),
    Fault("error", operation="server.create", count=1),
    Fault("slow", method="POST", seconds=9.0, count=1),
    Fault("stuck", operation="server.create", count=1),
    Fault("stale", method="GET", path="/detail$", seconds=2.0, count=3),
    Fault("error", operation="volume.create", count=1),
    Fault("silent", operation="volume.extend", count=1),
    Fault("silent", operation="server.attach_volume", count=1),
    Fault("silent", operation="*.delete", count=1),
)
Made = tuple[OperationFuture[Any], list[OperationFuture[Any]]]


class Machine(RuleBasedStateMachine):
    """Creates, actions, deletions and faults in any order, with time passing between them.

    What is made stands beside the futures that take it back.
    """

    servers: Bundle[Made] = Bundle("servers")
    volumes: Bundle[Made] = Bundle("volumes")

    def __init__(self) -> None:
        super().__init__()
        self.world = World(0, FaultProfile())
        self.created: list[Made] = []

    @rule(target=servers, count=st.integers(1, 5), tries=st.integers(1, 3))
    def create_servers(self, count: int, tries: int) -> Any:
        """Ask for some servers at once."""
        world = self.world
        what = {"image": world.an_image(), "flavor": world.a_flavor(), "nics": "none"}
        return multiple(*(self._made(world.nova.servers, tries, **what) for _ in range(count)))

    @rule(target=volumes, count=st.integers(1, 3), tries=st.integers(1, 3))
    def create_volumes(self, count: int, tries: int) -> Any:
        """Ask for some volumes at once."""
        volumes = self.world.cinder.volumes
        return multiple(*(self._made(volumes, tries, size=1) for _ in range(count)))

    def _made(self, manager: Any, tries: int, **what: Any) -> Made:
        name = f"x{len(self.created)}"
        future = manager.create_async_r(
            name=name, try_count=Retry(tries=tries, within=400.0), tout=100.0, **what
        )
        made: Made = self.world.track(future, 400.0, name), []
        self.created.append(made)
        return made

    @rule(made=servers)
    def stop(self, made: Made) -> None:
        """Stop a server."""
        if ident := _ready(made):
            self.world.track(self.world.nova.servers.stop_async_r(ident, tout=60.0))

    @rule(made=volumes, size=st.integers(2, 9))
    def extend(self, made: Made, size: int) -> None:
        """Extend a volume."""
        if ident := _ready(made):
            self.world.track(self.world.cinder.volumes.extend_async_r(ident, size, tout=60.0))

    @rule(server=servers, volume=volumes)
    def attach(self, server: Made, volume: Made) -> None:
        """Attach a volume to a server."""
        vm, disk = _ready(server), _ready(volume)
        if vm and disk:
            attach = self.world.nova.volumes.create_server_volume_async_r
            self.world.track(attach(vm, disk, tout=60.0))

    @rule(made=consumes(servers))
    def undo_server(self, made: Made) -> None:
        """Undo the creation of a server at any moment."""
        made[1].append(self.world.track(made[0].undo()))

    @rule(made=consumes(volumes))
    def undo_volume(self, made: Made) -> None:
        """Undo the creation of a volume at any moment."""
        made[1].append(self.world.track(made[0].undo()))

    @rule(number=st.integers(0, len(FAULTS) - 1), service=st.sampled_from(SERVICES))
    def fault(self, number: int, service: str) -> None:
        """Inject a fault."""
        kind = FAULTS[number]
        facts = {
            name: value for name, value in kind.as_dict().items() if name not in ("fired", "id")
        }
        if kind.operation is None:
            facts["service"] = service
        self.world.cloud.faults.add(Fault(**facts))

    @rule(seed=st.integers(0, 100))
    def foreign_deletion(self, seed: int) -> None:
        """Delete a resource as a third party."""
        ours = sorted(self.world.alive() - self.world.foreign)
        if ours:
            self.world.delete_as_third_party(Random(seed).choice(ours))

    @rule(seconds=st.sampled_from((0.1, 1.0, 7.0, 60.0)))
    def tick(self, seconds: float) -> None:
        """Let time pass."""
        self.world.run(seconds)

    @invariant()
    def promises(self) -> None:
        """Check the invariants."""
        self.world.check()

    def teardown(self) -> None:
        """Undo everything: then no resource is left, and all futures are done."""
        self.world.cloud.faults.clear()
        for servers in (True, False):  # first, so that no volume is in use any more
            for future, undone in self.created:
                if not undone and servers == (future.operation in ("", "server.create")):
                    undone.append(self.world.track(future.undo()))
            self.world.run()
        for future, undone in self.created:
            left = self.world.made_by(future)
            if left and undone[0].exception() is None:
                raise BrokenPromiseError(f"{future} was undone, and {left} exists")
            self.world.excused.update(each.id for each in left)
        self.world.check_the_end()


def _ready(made: Made) -> str | None:
    """Return the id of a resource that exists and is not undone; None otherwise."""
    future, undone = made
    if undone or not future.done() or future.cancelled() or future.exception() is not None:
        return None
    return str(future.result().id)


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
