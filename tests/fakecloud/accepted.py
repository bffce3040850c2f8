"""Requests that the fake accepts, one of each route and action, in a cloud that has one of each.

A test that puts wrong values into a request shows something only if nothing else refuses the
request before. `accepted.json` has what the cloud is made of, in rounds between which time passes,
and the requests. `{names}` in paths and bodies stand for ids of the cloud.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.fakecloud import FakeCloud
from pytest_osfutures.fakecloud.kernel.wire import Request, Response
from tests.fakecloud.asking import ORIGIN, Asker

LATEST = "compute 2.104, volume 3.71"
SETTLED_SECONDS = 100  # until everything that was begun has ended
STORED = json.loads((Path(__file__).parent / "accepted.json").read_text())


@dataclass(frozen=True)
class Good:
    """A request that is accepted after those in `before`: methods, paths and bodies."""

    method: str
    path: str
    body: Any
    versions: str = LATEST
    before: list[tuple[str, str, Any]] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        key = next(iter(self.body), "") if isinstance(self.body, dict) else ""
        version = "" if self.versions == LATEST else self.versions.partition(",")[0]
        return " ".join(filter(None, (self.method, self.path, key, version)))


REQUESTS = [Good(**one) for one in STORED["requests"]]


class World:
    """A cloud with one of each, and an administrator."""

    def __init__(self) -> None:
        self.asker = Asker(FakeCloud(ManualClock()), "admin", version="2.104")
        networks = self.asker.get("/network/v2.0/networks")["networks"]
        self.ids = {
            "project": self.asker.project_id,
            "image": self.asker.image(),
            "flavor": self.asker.flavor(),
            "larger": self.asker.flavor("m1.small"),
            "external": next(n["id"] for n in networks if n["router:external"]),
            "me": self.asker.get("/identity/v3/users?name=admin")["users"][0]["id"],
            "service": self.asker.get("/os-services?binary=nova-compute")["services"][0]["id"],
            "token": self.asker.token,
            "host": "compute1",
            "pool": "cinder1@fast#fast",
            "storage_host": "cinder1@fast",
            "other": "11111111-1111-4111-8111-111111111111",
        }
        for made in STORED["made"]:
            for name, path, body in made:
                content = self.accepted("POST", path, body, LATEST).body
                inner = content.get(next(iter(body)))
                self.ids[name] = (inner if isinstance(inner, dict) else content)["id"]
            self.asker.clock.advance(SETTLED_SECONDS)

    def filled(self, text: str) -> str:
        """`text` with ids in the place of `{names}`."""
        return re.sub(r"\{(\w+)\}", lambda match: self.ids[match[1]], text)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        versions: str = LATEST,
        headers: dict[str, str] | None = None,
    ) -> Response:
        """One request."""
        sent = {"X-Auth-Token": self.asker.token, "OpenStack-API-Version": versions}
        data = b"" if body is None else self.filled(json.dumps(body)).encode()
        url = ORIGIN + self.filled(path)
        return self.asker.cloud.handle(Request.to(method, url, sent | (headers or {}), data))

    def accepted(self, method: str, path: str, body: Any, versions: str) -> Response:
        """One request that has to be accepted."""
        answer = self.send(method, path, body, versions)
        assert answer.status < 300, (method, path, body, answer)
        return answer

    def prepare(self, good: Good) -> None:
        """Bring the world to where `good` is accepted."""
        for method, path, body in good.before:
            self.accepted(method, path, body, good.versions)
            self.asker.clock.advance(SETTLED_SECONDS)
