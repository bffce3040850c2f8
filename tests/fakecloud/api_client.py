"""A minimal API client that calls `FakeCloud.handle` directly."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.fakecloud import FakeCloud
from pytest_osfutures.fakecloud.kernel.wire import Request, Response
from pytest_osfutures.fakecloud.services.identity.models import PASSWORD

ORIGIN = "http://cloud"
COMPUTE = "/compute/v2.1"
PREFIXES = ("identity", "compute", "volume", "image", "network", "placement", "_osf")


@dataclass
class ApiClient:
    """One user of one cloud. Paths of Nova are relative to v2.1, all others are absolute."""

    cloud: FakeCloud
    user: str = "demo"
    version: str = "2.95"
    token: str = field(init=False)

    def __post_init__(self) -> None:
        self.token = self.log_in()

    @property
    def clock(self) -> ManualClock:
        assert isinstance(self.cloud.clock, ManualClock)
        return self.cloud.clock

    @property
    def project_id(self) -> str:
        return self.cloud.identity.project_by(self.user).id

    def log_in(self) -> str:
        user = {"name": self.user, "domain": {"id": "default"}, "password": PASSWORD}
        identity = {"methods": ["password"], "password": {"user": user}}
        body = json.dumps({"auth": {"identity": identity}}).encode()
        request = Request.to("POST", f"{ORIGIN}/identity/v3/auth/tokens", {}, body)
        return self.cloud.handle(request).headers["X-Subject-Token"]

    def __call__(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Response:
        if path.split("/")[1].partition("?")[0] not in PREFIXES:
            path = COMPUTE + path
        sent = {"X-Auth-Token": self.token, "OpenStack-API-Version": f"compute {self.version}"}
        data = b"" if body is None else json.dumps(body).encode()
        return self.cloud.handle(Request.to(method, ORIGIN + path, sent | (headers or {}), data))

    def get(self, path: str) -> Any:
        """Return the body of a successful GET."""
        response = self("GET", path)
        assert response.status == 200, response
        return response.body

    def flavor(self, name: str = "m1.nano") -> str:
        return next(f.id for f in self.cloud.compute.flavors.values() if f.name == name)

    def image(self) -> str:
        images = self.get("/image/v2/images?name=tiny")["images"]
        return str(images[0]["id"])

    def network(self) -> str:
        return str(self.get("/network/v2.0/networks?name=private")["networks"][0]["id"])

    def create(self, name: str = "web", flavor: str = "m1.nano", **more: Any) -> str:
        """Begin to create a server; return its id."""
        body = {
            "name": name,
            "flavorRef": self.flavor(flavor),
            "imageRef": self.image(),
            "networks": "none",
        } | more
        response = self("POST", "/servers", {"server": body})
        assert response.status == 202, response
        return str(response.body["server"]["id"])

    def active(self, name: str = "web", **more: Any) -> str:
        """Return the id of a new server that is ACTIVE."""
        server_id = self.create(name, **more)
        self.clock.advance(60)
        assert self.state(server_id) == ("ACTIVE", None)
        return server_id

    def act(self, server_id: str, **body: Any) -> Response:
        """Send an action to a server."""
        return self("POST", f"/servers/{server_id}/action", body)

    def show(self, server_id: str) -> dict[str, Any]:
        return dict(self.get(f"/servers/{server_id}")["server"])

    def state(self, server_id: str) -> tuple[str, str | None]:
        """Return status and task_state; ("404", None) for a deleted server."""
        response = self("GET", f"/servers/{server_id}")
        if response.status == 404:
            return ("404", None)
        server = response.body["server"]
        return server["status"], server["OS-EXT-STS:task_state"]

    def states(self, server_id: str, seconds: float, every: float = 0.05) -> list[str]:
        """Return the distinct states of the next seconds, as a fast poller sees them."""
        seen: list[str] = []
        end = self.clock.now() + seconds
        while True:
            status, task = self.state(server_id)
            if not seen or seen[-1] != f"{status}/{task}":
                seen.append(f"{status}/{task}")
            if self.clock.now() >= end:
                return seen
            self.clock.advance(every)

    def actions(self, server_id: str) -> list[dict[str, Any]]:
        """Return the instance actions, the newest first."""
        return list(self.get(f"/servers/{server_id}/os-instance-actions")["instanceActions"])

    def events(self, server_id: str) -> list[tuple[str, str]]:
        """Return event and result of the newest instance action, the oldest event first."""
        request_id = self.actions(server_id)[0]["request_id"]
        found = self.get(f"/servers/{server_id}/os-instance-actions/{request_id}")
        return [(e["event"], e["result"]) for e in reversed(found["instanceAction"]["events"])]
