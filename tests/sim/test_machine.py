"""The same world in the hands of Hypothesis: it looks for the shortest way to break a promise."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from pytest_osfutures.fakecloud import Fault
from pytest_osfutures.future import OperationFuture
from pytest_osfutures.policy import Retry
from tests.sim.weather import SERVICES, Weather
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
        self.world = World(0, Weather())
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
        """Work on a server that is there."""
        if ident := _ready(made):
            self.world.track(self.world.nova.servers.stop_async_r(ident, tout=60.0))

    @rule(made=volumes, size=st.integers(2, 9))
    def extend(self, made: Made, size: int) -> None:
        """Work on a volume that is there."""
        if ident := _ready(made):
            self.world.track(self.world.cinder.volumes.extend_async_r(ident, size, tout=60.0))

    @rule(server=servers, volume=volumes)
    def attach(self, server: Made, volume: Made) -> None:
        """Put the two together."""
        vm, disk = _ready(server), _ready(volume)
        if vm and disk:
            attach = self.world.nova.volumes.create_server_volume_async_r
            self.world.track(attach(vm, disk, tout=60.0))

    @rule(made=consumes(servers))
    def undo_server(self, made: Made) -> None:
        """Take a server back, at whatever moment of its life."""
        made[1].append(self.world.track(made[0].undo()))

    @rule(made=consumes(volumes))
    def undo_volume(self, made: Made) -> None:
        """Take a volume back, at whatever moment of its life."""
        made[1].append(self.world.track(made[0].undo()))

    @rule(number=st.integers(0, len(FAULTS) - 1), service=st.sampled_from(SERVICES))
    def fault(self, number: int, service: str) -> None:
        """Something will go wrong once."""
        kind = FAULTS[number]
        facts = {
            name: value for name, value in kind.as_dict().items() if name not in ("fired", "id")
        }
        if kind.operation is None:
            facts["service"] = service
        self.world.cloud.faults.add(Fault(**facts))

    @rule(seed=st.integers(0, 100))
    def third_party(self, seed: int) -> None:
        """Somebody else deletes something of ours."""
        ours = sorted(self.world.alive() - self.world.foreign)
        if ours:
            self.world.delete_behind_our_back(Random(seed).choice(ours))

    @rule(seconds=st.sampled_from((0.1, 1.0, 7.0, 60.0)))
    def tick(self, seconds: float) -> None:
        """Time passes."""
        self.world.run(seconds)

    @invariant()
    def promises(self) -> None:
        """Every promise is kept so far."""
        self.world.check()

    def teardown(self) -> None:
        """Take everything back: then nothing may be left, and all must have ended."""
        self.world.cloud.faults.clear()
        for servers in (True, False):  # first, so that no volume is in use any more
            for future, undone in self.created:
                if not undone and servers == (future.operation in ("", "server.create")):
                    undone.append(self.world.track(future.undo()))
            self.world.run()
        for future, undone in self.created:
            left = self.world.made_by(future)
            if left and undone[0].exception() is None:
                raise BrokenPromiseError(f"{future} was taken back, {left} is still there")
            self.world.excused.update(each.id for each in left)
        self.world.check_the_end()


def _ready(made: Made) -> str | None:
    """The id of what is there, and not taken back yet."""
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
