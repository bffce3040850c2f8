"""One simulated run: the real engine, real clients and the fake cloud on one timeline."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from random import Random
from typing import Any

import novaclient.client
import requests
from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session

from pytest_osfutures.attempts import Attempts
from pytest_osfutures.clients import futurize
from pytest_osfutures.engine import SteppedEngine
from pytest_osfutures.fakecloud import FakeCloud, Settings
from pytest_osfutures.fakecloud.compute.models.server import Server
from pytest_osfutures.fakecloud.identity.models import PASSWORD
from pytest_osfutures.fakecloud.inprocess import URL
from pytest_osfutures.future import OperationFuture
from pytest_osfutures.policy import Poll, Retry
from pytest_osfutures.snapshot import Look, Outcome
from pytest_osfutures.watch import Reader
from tests.fakecloud.asking import Asker
from tests.sim.network import Network
from tests.sim.timeline import Crew, Timeline
from tests.sim.weather import Weather

#: A future may end so many seconds after its deadline.
GRACE = 1.0


class Broken(AssertionError):
    """A promise was broken."""


class SkewedClock:
    """The cloud's clock: it runs as ours does, with another date on it."""

    def __init__(self, timeline: Timeline, skew: float) -> None:
        self.timeline = timeline
        self.skew = skew

    def now(self) -> float:
        return self.timeline.now()

    def time(self) -> float:
        return self.timeline.time() + self.skew

    def sleep(self, seconds: float) -> None:
        self.timeline.sleep(seconds)


class SimulatedEngine(SteppedEngine):
    """The real engine; what would run in threads runs on the timeline."""

    def __init__(self, timeline: Timeline, weather: Weather, random: Random) -> None:
        super().__init__(timeline, random)
        self.timeline = timeline
        self.weather = weather
        self.chance = Random(random.random())
        self.reads = Crew(timeline, lambda: 4)
        self.submissions = Crew(timeline, lambda: self.width.now)
        self.callbacks = Crew(timeline, lambda: 16)

    def _start_look(self, reader: Reader, look: Look, deliver: Callable[[Outcome], None]) -> None:
        def maybe_twice(outcome: Outcome) -> None:
            deliver(outcome)
            if self.chance.random() < self.weather.twice:
                after = self.timeline.now() + self.chance.uniform(0.0, 5.0)
                self.timeline.at(after, lambda: deliver(outcome))

        super()._start_look(reader, look, maybe_twice)


class World:
    """Everything of one run, made from one seed; `step` is one turn of somebody."""

    def __init__(self, seed: int, weather: Weather | None = None) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.weather = weather or Weather.drawn(self.random)
        self.timeline = Timeline()
        self.cloud = FakeCloud(
            SkewedClock(self.timeline, self.weather.skew), seed, Settings(sigma=0.4)
        )
        self.foreign = self._foreign_servers()
        self.weather.settle_on(self.cloud)
        self.network = Network(self.cloud, self.timeline, self.weather, Random(seed + 1))
        self.engine = SimulatedEngine(self.timeline, self.weather, Random(seed + 2))
        self.session = self._session()
        self.nova = futurize(
            novaclient.client.Client("2.90", session=self.session),
            engine=self.engine,
            poll=Poll(),
            retry=Retry(tries=4),
            run=f"sim{seed}",
        )
        self.started = 0
        self.excused: set[str] = set()  # servers whose operation has said that they may be left
        self.endings: Counter[str] = Counter()
        self._ended: Counter[OperationFuture[Any]] = Counter()
        self._deadlines: list[tuple[float, int, OperationFuture[Any]]] = []
        self._checked_posts = 0

    def _session(self) -> Session:
        http = requests.Session()
        http.trust_env = False
        http.mount(URL, self.network)
        auth = Password(
            auth_url=f"{URL}/identity/v3",
            username="demo",
            password=PASSWORD,
            project_name="demo",
            user_domain_id="default",
            project_domain_id="default",
        )
        return Session(auth=auth, session=http, timeout=30.0)

    def _foreign_servers(self) -> set[str]:
        """Servers of somebody else in the same project; nobody here may touch them."""
        self.someone_else = Asker(self.cloud)
        return {self.someone_else.create(f"foreign-{number}") for number in range(3)}

    def a_flavor(self) -> str:
        """A flavor that fits everywhere."""
        return next(f.id for f in self.cloud.compute.flavors.values() if f.name == "m1.nano")

    def an_image(self) -> str:
        """An image that every server can boot from."""
        return next(image.id for image in self.cloud.image.images)

    def server(self, ident: str) -> Server | None:
        """The server as it really is now."""
        self.cloud.schedule.catch_up()
        return self.cloud.compute.servers.get(ident)

    def delete_behind_our_back(self, ident: str) -> None:
        """Somebody else deletes a server."""
        self.someone_else("DELETE", f"/servers/{ident}")

    def made_by(self, future: OperationFuture[Any]) -> list[Server]:
        """What is alive of everything that the requests of `future` have made."""
        attempts = getattr(future._undo, "__self__", None)
        assert isinstance(attempts, Attempts)
        stamp = attempts.stamp.operation
        found = (self.server(ident) for ident in self.network.made.get(stamp, ()))
        return [server for server in found if server is not None]

    def track(
        self, future: OperationFuture[Any], within: float | None = None
    ) -> OperationFuture[Any]:
        """Hold `future` to its promises; `within` seconds from now it has to be done."""
        self.started += 1
        Future.add_done_callback(future, self._note_end)
        if within is not None:
            due = self.timeline.now() + within
            heapq.heappush(self._deadlines, (due, self.started, future))
        return future

    def _note_end(self, future: Future[Any]) -> None:
        assert isinstance(future, OperationFuture)
        self._ended[future] += 1
        if future.cancelled():
            self.endings["CancelledError"] += 1
            return
        error = future.exception()
        self.endings[type(error).__name__ if error is not None else "success"] += 1

    def step(self) -> bool:
        """Let whoever is due first have its turn, and check; False if nobody ever is."""
        again = self.engine.monitor.step()
        due = self.timeline.next_due()
        if math.isinf(min(again, due)):
            return False
        self._third_party()
        if due <= again:
            self.timeline.run_next()
        else:
            self.timeline.advance_to(again)
        self.check()
        return True

    def _third_party(self) -> None:
        """Now and then somebody else deletes a server of ours."""
        if self.random.random() < self.weather.third_party:
            ours = sorted({server.id for server in self.cloud.compute.servers} - self.foreign)
            if ours:
                self.delete_behind_our_back(self.random.choice(ours))

    def run(self, seconds: float = math.inf) -> None:
        """Step until nothing is due any more, or for `seconds`."""
        end = self.timeline.now() + seconds
        while min(self.engine.monitor.step(), self.timeline.next_due()) <= end and self.step():
            pass
        if not math.isinf(end):
            self.timeline.advance_to(end)

    def check(self) -> None:
        """What has to be true at every moment. Raises Broken."""
        now = self.timeline.now()
        while self._deadlines and self._deadlines[0][0] + GRACE < now:
            due, _, future = heapq.heappop(self._deadlines)
            if not future.done():
                raise Broken(f"{future} of {future.operation} was due at {due:.1f}, now {now:.1f}")
        if self.network.posts != self._checked_posts:
            self._checked_posts = self.network.posts
            self._check_duplicates()
        if self.network.deleted & self.foreign:
            raise Broken("somebody else's server was deleted")

    def _check_duplicates(self) -> None:
        alive = self.cloud.compute.servers
        for stamp, ids in self.network.made.items():
            if len(twins := [each for each in ids if alive.get(each) is not None]) > 1:
                raise Broken(f"operation {stamp} has made {twins}")

    def check_the_end(self) -> None:
        """What has to be true when nothing is under way any more. Raises Broken."""
        if again := [future for future, times in self._ended.items() if times != 1]:
            raise Broken(f"ended more than once: {again}")
        late = [future for _, _, future in self._deadlines if not future.done()]
        if late or self.engine.monitor.pending:
            raise Broken(f"never ended: {late}, {self.engine.monitor.pending} watches")
        alive = {server.id for server in self.cloud.compute.servers}
        if not self.foreign <= alive:
            raise Broken(f"somebody else's servers are gone: {self.foreign - alive}")
        if unknown := alive - self.foreign - self.excused:
            raise Broken(f"nobody knows of {sorted(unknown)}")
