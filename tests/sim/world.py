"""One simulated run: the real engine, real clients and the fake cloud on one timeline."""

from __future__ import annotations

import heapq
import math
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from random import Random
from typing import Any

import cinderclient.client
import novaclient.client
import requests
from keystoneauth1.identity.v3 import Password
from keystoneauth1.session import Session

from pytest_osfutures.clients import futurize
from pytest_osfutures.engine.loop import SteppedEngine
from pytest_osfutures.engine.poll_plan import ReadRequest, ReadResult
from pytest_osfutures.engine.watch import Reader, Watch
from pytest_osfutures.fakecloud import CloudSettings, FakeCloud
from pytest_osfutures.fakecloud.kernel.database import ResourceTable
from pytest_osfutures.fakecloud.kernel.resource import ResourceRecord
from pytest_osfutures.fakecloud.services.block_storage.models.records import VolumeRecord
from pytest_osfutures.fakecloud.services.compute.models.server import ServerRecord
from pytest_osfutures.fakecloud.services.identity.models import PASSWORD
from pytest_osfutures.fakecloud.shells.inprocess import URL
from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.policy import Poll, Retry
from tests.fakecloud.api_client import ApiClient
from tests.fakecloud.cinder_client import Cinder
from tests.sim.fault_profile import FaultProfile
from tests.sim.network import Network
from tests.sim.timeline import SimulatedPool, Timeline

#: A future may end so many seconds after its deadline.
GRACE = 1.0


class BrokenPromiseError(AssertionError):
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
    """The real engine; the functions of its threads run on the timeline."""

    def __init__(self, timeline: Timeline, profile: FaultProfile, random: Random) -> None:
        super().__init__(timeline, random)
        self.timeline = timeline
        self.profile = profile
        self.chance = Random(random.random())
        self.doubled = 0
        self.accepted_at: dict[str, float] = {}  # by the id of what was created
        self.reads = SimulatedPool(timeline, lambda: 4)
        self.submissions = SimulatedPool(timeline, lambda: self.concurrency_limit.now)
        self.callbacks = SimulatedPool(timeline, lambda: 16)

    def watch(self, watch: Watch) -> None:
        if watch.operation.creates and watch.resource_id is not None:
            self.accepted_at.setdefault(watch.resource_id, watch.accepted_at)
        super().watch(watch)

    def start_read(
        self, reader: Reader, request: ReadRequest, deliver: Callable[[ReadResult], None]
    ) -> None:
        def maybe_twice(result: ReadResult) -> None:
            deliver(result)
            if self.chance.random() < self.profile.duplicated:
                self.doubled += 1
                after = self.timeline.now() + self.chance.uniform(0.0, 5.0)
                self.timeline.at(after, lambda: deliver(result))

        super().start_read(reader, request, maybe_twice)


class World:
    """The state of one run, made from one seed; `step` runs one task or the engine's loop."""

    def __init__(self, seed: int, profile: FaultProfile | None = None) -> None:
        self.seed = seed
        self.random = Random(seed)
        self.profile = profile or FaultProfile.drawn(self.random)
        self.timeline = Timeline()
        self.cloud = FakeCloud(
            SkewedClock(self.timeline, self.profile.skew), seed, CloudSettings(sigma=0.4)
        )
        self.tables: tuple[ResourceTable[Any], ...] = (
            self.cloud.compute.servers,
            self.cloud.block_storage.volumes,
            self.cloud.block_storage.snapshots,
        )
        self.foreign = self._create_foreign()
        self.profile.configure(self.cloud)
        self.network = Network(self.cloud, self.timeline, self.profile, Random(seed + 1))
        self.engine = SimulatedEngine(self.timeline, self.profile, Random(seed + 2))
        self.session = self._session()
        self.nova = self._client(novaclient.client, "2.90", "compute")
        self.cinder = self._client(cinderclient.client, "3.70", "block-storage")
        self.started = 0
        self.deletions = 0  # by somebody else
        self.excused: set[str] = set()  # the error of the operation said that they may be left
        self.endings: Counter[str] = Counter()
        self.names: dict[OperationFuture[Any], str] = {}  # of what each one creates
        self._ended: Counter[OperationFuture[Any]] = Counter()
        self._tracked: list[OperationFuture[Any]] = []
        self._deadlines: list[tuple[float, int, OperationFuture[Any]]] = []

    def _client(self, library: Any, version: str, service: str) -> Any:
        endpoint = self.session.get_endpoint(service_type=service)
        client = library.Client(version, session=self.session, endpoint_override=endpoint)
        return futurize(
            client, engine=self.engine, poll=Poll(), retry=Retry(tries=4), run=f"sim{self.seed}"
        )

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

    def _create_foreign(self) -> set[str]:
        """Create resources of a third party in the same project, which the run may not touch."""
        self.third_party_client = ApiClient(self.cloud)
        cinder = Cinder(self.third_party_client)
        servers = {self.third_party_client.create(f"foreign-{number}") for number in range(3)}
        return servers | {cinder.make("volume", size=1, name="foreign") for _ in range(2)}

    def a_flavor(self) -> str:
        """A flavor that fits everywhere."""
        return next(f.id for f in self.cloud.compute.flavors.values() if f.name == "m1.nano")

    def an_image(self) -> str:
        """An image that every server can boot from."""
        return next(image.id for image in self.cloud.image.images)

    def found(self, ident: str) -> ResourceRecord | None:
        """Return the resource as it is in the cloud now, the oracle of all checks."""
        self.cloud.runtime.schedule.catch_up()
        found = (table.get(ident) for table in self.tables)
        return next((each for each in found if each is not None), None)

    def server(self, ident: str) -> ServerRecord | None:
        """Return the server as it is in the cloud now."""
        found = self.found(ident)
        return found if isinstance(found, ServerRecord) else None

    def volume(self, ident: str) -> VolumeRecord | None:
        """Return the volume as it is in the cloud now."""
        found = self.found(ident)
        return found if isinstance(found, VolumeRecord) else None

    def alive(self) -> set[str]:
        """Return the ids of all resources in the cloud."""
        return {each.id for table in self.tables for each in table}

    def delete_as_third_party(self, ident: str) -> None:
        """Delete a resource as a third party, if the cloud accepts that."""
        if self.server(ident) is not None:
            answer = self.third_party_client("DELETE", f"/servers/{ident}")
        else:
            kind = "volumes" if self.volume(ident) else "snapshots"
            answer = Cinder(self.third_party_client)("DELETE", f"/{kind}/{ident}")
        self.deletions += answer.status < 300

    def made_by(self, future: OperationFuture[Any]) -> list[ResourceRecord]:
        """Return the resources that the requests of `future` have created and that still exist."""
        found = (self.found(ident) for ident in self.network.made_as[self.names[future]])
        return [each for each in found if each is not None]

    def track(
        self, future: OperationFuture[Any], within: float | None = None, name: str = ""
    ) -> OperationFuture[Any]:
        """Check `future`, which has to be done within `within` seconds; it creates `name`."""
        self.started += 1
        if name:
            self.names[future] = name
        self._tracked.append(future)
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

    def step(self, end: float = math.inf) -> bool:
        """Run the task that is due first, and check; return False if none is due until `end`."""
        again = self.engine.monitor.step()
        due = self.timeline.next_due()
        if min(again, due) > end or math.isinf(min(again, due)):
            return False
        self._maybe_delete_foreign()
        if due <= again:
            self.timeline.run_next()
        else:
            self.timeline.advance_to(again)
        self.check()
        return True

    def _maybe_delete_foreign(self) -> None:
        """Delete a random resource of the run as a third party, with the profile's probability."""
        if self.random.random() < self.profile.foreign_deletion:
            ours = sorted(self.alive() - self.foreign)
            if ours:
                self.delete_as_third_party(self.random.choice(ours))

    def run(self, seconds: float = math.inf) -> None:
        """Step until nothing is due any more, or for `seconds`."""
        end = self.timeline.now() + seconds
        while self.step(end):
            pass
        if not math.isinf(end):
            self.timeline.advance_to(end)

    def check(self) -> None:
        """Check the invariants that hold after each step. Raises BrokenPromiseError."""
        now = self.timeline.now()
        while self._deadlines and self._deadlines[0][0] + GRACE < now:
            due, _, future = heapq.heappop(self._deadlines)
            if not future.done():
                raise BrokenPromiseError(
                    f"{future} of {future.operation} was due at {due:.1f}, now {now:.1f}"
                )
        while self.network.posted:
            self._check_duplicates(self.network.posted.pop())
        if not self.network.deleted.isdisjoint(self.foreign):
            raise BrokenPromiseError("a foreign resource was deleted")

    def _check_duplicates(self, stamp: str) -> None:
        duplicates = [each for each in self.network.made[stamp] if self.found(each) is not None]
        if len(duplicates) > 1:
            raise BrokenPromiseError(f"operation {stamp} has made {duplicates}")

    def injected(self) -> Counter[str]:
        """Return how often each fault of the profile was injected."""
        ours = Counter(
            duplicated=self.engine.doubled,
            foreign_deletion=self.deletions,
            skew=int(self.profile.skew != 0.0),
        )
        return self.network.injected + self.profile.injected(self.cloud) + ours

    def check_the_end(self) -> None:
        """Check the invariants that hold at the end of a run. Raises BrokenPromiseError."""
        if again := [future for future, times in self._ended.items() if times != 1]:
            raise BrokenPromiseError(f"ended more than once: {again}")
        late = [future for future in self._tracked if not future.done()]
        if late or self.engine.monitor.pending:
            raise BrokenPromiseError(f"never ended: {late}, {self.engine.monitor.pending} watches")
        alive = self.alive()
        if not self.foreign <= alive:
            raise BrokenPromiseError(f"foreign resources are gone: {self.foreign - alive}")
        if unknown := alive - self.foreign - self.excused:
            raise BrokenPromiseError(f"unknown resources: {sorted(unknown)}")
