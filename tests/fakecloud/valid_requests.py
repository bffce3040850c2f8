"""Requests that the fake accepts: one for each route and action.

A test that puts wrong values into a request proves something only if nothing else rejects the
request. `valid_requests.json` has the resources of the cloud, in rounds between which time passes,
and the requests. `{names}` in paths and bodies stand for ids of these resources.
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
from tests.fakecloud.api_client import ORIGIN, ApiClient

LATEST = "compute 2.104, volume 3.71"
SETTLED_SECONDS = 100  #: after this time all operations have ended
STORED = json.loads((Path(__file__).parent / "valid_requests.json").read_text())


@dataclass(frozen=True)
class ValidRequest:
    """A request that is accepted after the requests in `before`: methods, paths and bodies."""

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


REQUESTS = [ValidRequest(**one) for one in STORED["requests"]]


class World:
    """A cloud with one resource of each type, and an administrator."""

    def __init__(self) -> None:
        self.client = ApiClient(FakeCloud(ManualClock()), "admin", version="2.104")
        networks = self.client.get("/network/v2.0/networks")["networks"]
        self.ids = {
            "project": self.client.project_id,
            "image": self.client.image(),
            "flavor": self.client.flavor(),
            "larger": self.client.flavor("m1.small"),
            "external": next(n["id"] for n in networks if n["router:external"]),
            "me": self.client.get("/identity/v3/users?name=admin")["users"][0]["id"],
            "service": self.client.get("/os-services?binary=nova-compute")["services"][0]["id"],
            "token": self.client.token,
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
            self.client.clock.advance(SETTLED_SECONDS)

    def filled(self, text: str) -> str:
        """Return `text` with ids instead of `{names}`."""
        return re.sub(r"\{(\w+)\}", lambda match: self.ids[match[1]], text)

    def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        versions: str = LATEST,
        headers: dict[str, str] | None = None,
    ) -> Response:
        """Send one request."""
        sent = {"X-Auth-Token": self.client.token, "OpenStack-API-Version": versions}
        data = b"" if body is None else self.filled(json.dumps(body)).encode()
        url = ORIGIN + self.filled(path)
        return self.client.cloud.handle(Request.to(method, url, sent | (headers or {}), data))

    def accepted(self, method: str, path: str, body: Any, versions: str) -> Response:
        """Send one request that must be accepted."""
        answer = self.send(method, path, body, versions)
        assert answer.status < 300, (method, path, body, answer)
        return answer

    def prepare(self, good: ValidRequest) -> None:
        """Send the requests before `good`."""
        for method, path, body in good.before:
            self.accepted(method, path, body, good.versions)
            self.client.clock.advance(SETTLED_SECONDS)
