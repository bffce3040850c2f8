"""The simulated network: latency, lost requests and lost answers."""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from random import Random
from typing import Any

import requests
from requests.exceptions import ConnectionError as Cut
from requests.exceptions import ReadTimeout

from pytest_osfutures.fakecloud import FakeCloud
from pytest_osfutures.fakecloud.kernel.database import ResourceTable
from pytest_osfutures.fakecloud.kernel.wire import Request, Response
from pytest_osfutures.fakecloud.shells.adapter import FunctionAdapter, to_request, to_response
from pytest_osfutures.stamp import OPERATION
from tests.sim.fault_profile import LATE, FaultProfile
from tests.sim.timeline import Timeline


class Network(FunctionAdapter):
    """Carries requests from the clients to the fake cloud, with faults, and notes their effects."""

    def __init__(
        self, cloud: FakeCloud, timeline: Timeline, profile: FaultProfile, random: Random
    ) -> None:
        super().__init__(self.carry)
        self.cloud = cloud
        self.timeline = timeline
        self.profile = profile
        self.random = random
        #: The ids of the resources that each operation has created, by the operation's stamp.
        self.made: dict[str, list[str]] = defaultdict(list)
        #: The same, by the name of the resources.
        self.made_as: dict[str, list[str]] = defaultdict(list)
        #: The stamps of creations that were not checked for duplicates yet.
        self.posted: list[str] = []
        #: The ids of all resources that the cloud was asked to delete.
        self.deleted: set[str] = set()
        #: How often each fault was injected.
        self.injected: Counter[str] = Counter()
        self.requests = 0
        self.answered = 0
        self.tables: dict[str, tuple[str, ResourceTable[Any]]] = {
            "servers": ("server", cloud.compute.servers),
            "volumes": ("volume", cloud.block_storage.volumes),
            "snapshots": ("snapshot", cloud.block_storage.snapshots),
        }

    def carry(self, request: requests.PreparedRequest, timeout: float | None) -> requests.Response:
        """Carry one request, or lose it, its answer, or both."""
        asked = to_request(request)
        if asked.path.startswith("/identity"):  # a session holds a lock while it fetches a token
            return to_response(self.cloud.handle(asked), request)
        self.requests += 1
        number = self.requests
        profile = self.profile
        patience = float(timeout if timeout is not None else 60.0)
        self.timeline.sleep(self.random.uniform(0.005, 0.05))
        if self._inject("lost_before", profile.lost_before):
            raise Cut("broken on the way there", request=request)
        if self._inject("late", profile.late):
            self._later(asked)
            self.timeline.sleep(self.random.choice((0.1, patience)))
            raise ReadTimeout(f"no answer within {patience} s", request=request)
        answer = self._handle(asked)
        delay = answer.delay + self.random.expovariate(1 / 0.05)
        if self._inject("slow", profile.slow):
            delay += self.random.uniform(1.0, 20.0)
        if self._inject("hung", profile.hung) or delay > patience:
            self.timeline.sleep(patience)
            raise ReadTimeout(f"no answer within {patience} s", request=request)
        self.timeline.sleep(delay)
        if self._inject("lost_after", profile.lost_after) or answer.cut:
            raise Cut("broken on the way back", request=request)
        self.injected["overtaken"] += number < self.answered
        self.answered = max(number, self.answered)
        return to_response(answer, request)

    def _later(self, asked: Request) -> None:
        when = self.timeline.now() + self.random.uniform(0.1, LATE)
        self.timeline.at(when, lambda: self._handle(asked))

    def _inject(self, name: str, chance: float) -> bool:
        inject = self.random.random() < chance
        self.injected[name] += inject
        return inject

    def _handle(self, asked: Request) -> Response:
        """Pass a request to the cloud, and note the resources that it creates or deletes."""
        last = asked.path.rsplit("/", 1)[-1]
        if asked.method == "DELETE":
            self.deleted.add(last)
        if asked.method != "POST":
            return self.cloud.handle(asked)
        key, table = self.tables.get(last, ("", None))
        before = set() if table is None else {each.id for each in table}
        answer = self.cloud.handle(asked)
        if answer.status in (403, 413) and b"uota" in answer.encoded():
            self.injected["quota" if "/compute/" in asked.path else "volume_quota"] += 1
        if table is None:
            return answer
        wanted = json.loads(asked.body)[key]
        stamp = wanted.get("metadata", {}).get(OPERATION)
        if stamp is not None:
            made = [each.id for each in table if each.id not in before]
            self.made[stamp] += made
            self.made_as[wanted["name"]] += made
            self.posted.append(stamp)
        return answer
