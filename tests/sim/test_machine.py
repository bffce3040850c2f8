"""The same world in the hands of Hypothesis: it looks for the shortest way to break a promise."""

from __future__ import annotations

from random import Random
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, rule

from pytest_osfutures.errors import UnknownFate
from pytest_osfutures.fakecloud import Fault
from pytest_osfutures.future import OperationFuture
from pytest_osfutures.policy import Retry
from tests.sim.weather import Weather
from tests.sim.world import Broken, World

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
)


class Machine(RuleBasedStateMachine):
    """Creates, actions, deletions and faults in any order, with time passing between them."""

    futures = Bundle("futures")

    def __init__(self) -> None:
        super().__init__()
        self.world = World(0, Weather())
        self.servers = self.world.nova.servers
        self.created: list[tuple[OperationFuture[Any], list[OperationFuture[Any]]]] = []

    @rule(target=futures, count=st.integers(1, 5), tries=st.integers(1, 3))
    def create(self, count: int, tries: int) -> Any:
        """Ask for some servers at once."""
        made = []
        for number in range(count):
            future = self.servers.create_async_r(
                f"s{number}",
                self.world.an_image(),
                self.world.a_flavor(),
                nics="none",
                try_count=Retry(tries=tries, within=400.0),
                tout=100.0,
            )
            made.append((self.world.track(future, 400.0), list[OperationFuture[Any]]()))
        self.created += made
        return multiple(*made)

    @rule(made=futures)
    def stop(self, made: tuple[OperationFuture[Any], list[OperationFuture[Any]]]) -> None:
        """Work on a server that is there."""
        future = made[0]
        if future.done() and future.exception() is None and not made[1]:
            stopped = self.servers.stop_async_r(future.result().id, tout=60.0)
            self.world.track(stopped)

    @rule(made=consumes(futures))
    def undo(self, made: tuple[OperationFuture[Any], list[OperationFuture[Any]]]) -> None:
        """Take a server back, at whatever moment of its life."""
        made[1].append(self.world.track(made[0].undo()))

    @rule(number=st.integers(0, len(FAULTS) - 1))
    def fault(self, number: int) -> None:
        """Something will go wrong once."""
        kind = FAULTS[number]
        facts = {
            name: value for name, value in kind.as_dict().items() if name not in ("fired", "id")
        }
        if kind.effect not in ("error", "stuck"):
            facts["service"] = "compute"
        self.world.cloud.faults.add(Fault(**facts))

    @rule(seed=st.integers(0, 100))
    def third_party(self, seed: int) -> None:
        """Somebody else deletes a server of ours."""
        ours = sorted(
            server.id
            for server in self.world.cloud.compute.servers
            if server.id not in self.world.foreign
        )
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
        for future, undone in self.created:
            if not undone:
                undone.append(self.world.track(future.undo()))
        self.world.run()
        for future, undone in self.created:
            unsure = not future.cancelled() and isinstance(future.exception(), UnknownFate)
            left = self.world.made_by(future)
            if left and not unsure and undone[0].exception() is None:
                raise Broken(f"{future} was taken back, {left} is still there")
            self.world.excused.update(server.id for server in left)
        self.world.check_the_end()


TestMachine = Machine.TestCase
TestMachine.settings = settings(
    max_examples=60,
    stateful_step_count=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
