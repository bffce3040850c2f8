"""The way between the clients and the fake cloud: it takes time, and not everything arrives."""

from __future__ import annotations

import json
from collections import defaultdict
from random import Random
from typing import Any

import requests
from requests.adapters import BaseAdapter
from requests.exceptions import ConnectionError as Cut
from requests.exceptions import ReadTimeout

from pytest_osfutures.fakecloud import FakeCloud
from pytest_osfutures.fakecloud.inprocess import _answer, _body, _text
from pytest_osfutures.fakecloud.wire import Request, Response
from pytest_osfutures.stamp import OPERATION
from tests.sim.timeline import Timeline
from tests.sim.weather import LATE, Weather


class Network(BaseAdapter):
    """Carries requests, and knows all that ever arrived: what no client can know.

    `made` are the servers that each stamped operation has made, `deleted` the ids that the cloud
    was asked to delete.
    """

    def __init__(
        self, cloud: FakeCloud, timeline: Timeline, weather: Weather, random: Random
    ) -> None:
        super().__init__()
        self.cloud = cloud
        self.timeline = timeline
        self.weather = weather
        self.random = random
        self.made: dict[str, list[str]] = defaultdict(list)
        self.deleted: set[str] = set()
        self.requests = 0
        self.posts = 0

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Any = None,
    ) -> requests.Response:
        """Carry one request, or lose it, its answer, or both."""
        headers = {name: _text(value) for name, value in request.headers.items()}
        asked = Request.to(request.method or "GET", request.url or "", headers, _body(request))
        if asked.path.startswith("/identity"):  # a session holds a lock while it fetches a token
            return _answer(self.cloud.handle(asked), request)
        self.requests += 1
        weather, chance = self.weather, self.random.random
        patience = float(timeout if timeout is not None else 60.0)
        self.timeline.sleep(self.random.uniform(0.005, 0.05))
        if chance() < weather.lost_before:
            raise Cut("broken on the way there", request=request)
        if chance() < weather.late:
            self._later(asked)
            self.timeline.sleep(self.random.choice((0.1, patience)))
            raise ReadTimeout(f"no answer within {patience} s", request=request)
        answer = self._handle(asked)
        delay = answer.delay + self.random.expovariate(1 / 0.05)
        if chance() < weather.slow:
            delay += self.random.uniform(1.0, 20.0)
        if chance() < weather.hung or delay > patience:
            self.timeline.sleep(patience)
            raise ReadTimeout(f"no answer within {patience} s", request=request)
        self.timeline.sleep(delay)
        if answer.cut or chance() < weather.lost_after:
            raise Cut("broken on the way back", request=request)
        return _answer(answer, request)

    def close(self) -> None:
        """Nothing is open."""

    def _later(self, asked: Request) -> None:
        when = self.timeline.now() + self.random.uniform(0.1, LATE)
        self.timeline.at(when, lambda: self._handle(asked))

    def _handle(self, asked: Request) -> Response:
        if asked.method == "DELETE":
            self.deleted.add(asked.path.rsplit("/", 1)[-1])
        if asked.method != "POST" or not asked.path.endswith("/servers"):
            return self.cloud.handle(asked)
        self.posts += 1
        before = {server.id for server in self.cloud.compute.servers}
        answer = self.cloud.handle(asked)
        stamp = json.loads(asked.body)["server"].get("metadata", {}).get(OPERATION)
        if stamp is not None:
            now = [server.id for server in self.cloud.compute.servers]
            self.made[stamp] += [each for each in now if each not in before]
        return answer
