"""A minimal client for Cinder that calls `FakeCloud.handle` directly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_osfutures.fakecloud import FakeCloud, Fault
from pytest_osfutures.fakecloud.kernel.wire import Response
from tests.fakecloud.api_client import ApiClient

#: Servers that Nova knows nothing about.
SERVER, OTHER = "11111111-1111-4111-8111-111111111111", "21111111-1111-4111-8111-111111111111"


@dataclass
class Cinder:
    """One user of Cinder. Paths are relative to the project."""

    client: ApiClient
    version: str = "3.71"

    @property
    def cloud(self) -> FakeCloud:
        return self.client.cloud

    def __call__(
        self, method: str, path: str, body: Any = None, version: str | None = None
    ) -> Response:
        headers = {"OpenStack-API-Version": f"volume {version or self.version}"}
        url = f"/volume/v3/{self.client.project_id}{path}"
        return self.client(method, url, body, headers)

    def get(self, path: str) -> Any:
        """Return the body of a successful GET."""
        response = self("GET", path)
        assert response.status == 200, response
        return response.body

    def make(self, kind: str, **fields: Any) -> str:
        """Begin to create a resource; return its id."""
        path = {"transfer": "/volume-transfers"}.get(kind, f"/{kind}s")
        response = self("POST", path, {kind: fields})
        assert response.status in (200, 202), response
        return str(response.body[kind]["id"])

    def volume(self, **fields: Any) -> str:
        """Return the id of a new volume that is `available`."""
        made = self.make("volume", **{"size": 1} | fields)
        self.wait()
        return made

    def snapshot(self, volume_id: str, **fields: Any) -> str:
        """Return the id of a new snapshot that is `available`."""
        made = self.make("snapshot", volume_id=volume_id, **fields)
        self.wait()
        return made

    def backup(self, volume_id: str, **fields: Any) -> str:
        """Return the id of a new backup that is `available`."""
        made = self.make("backup", volume_id=volume_id, **fields)
        self.wait()
        return made

    def wait(self, seconds: float = 20.0) -> None:
        """Advance the clock until all operations have ended."""
        self.client.clock.advance(seconds)

    def show(self, kind: str, thing_id: str) -> dict[str, Any]:
        return dict(self.get(f"/{kind}s/{thing_id}")[kind])

    def act(self, volume_id: str, action: str, **part: Any) -> Response:
        """Send an action to a volume."""
        return self("POST", f"/volumes/{volume_id}/action", {action: part or None})

    def begin(self, volume_id: str, action: str, **part: Any) -> None:
        """Send an action that must be accepted."""
        response = self.act(volume_id, action, **part)
        assert response.status == 202, response

    def status(self, kind: str, thing_id: str) -> str:
        """Return the status; "404" for a deleted resource."""
        response = self("GET", f"/{kind}s/{thing_id}")
        return "404" if response.status == 404 else str(response.body[kind]["status"])

    def statuses(self, kind: str, thing_id: str, seconds: float = 20.0) -> list[str]:
        """Return the distinct statuses of the next seconds, as a fast poller sees them."""
        seen = [self.status(kind, thing_id)]
        for _ in range(int(seconds * 20)):
            self.client.clock.advance(0.05)
            status = self.status(kind, thing_id)
            if status != seen[-1]:
                seen.append(status)
        return seen

    def messages(self, resource_id: str) -> list[tuple[str, str]]:
        """Return event id and text of the user messages about a resource."""
        rows = self.get(f"/messages?resource_uuid={resource_id}")["messages"]
        return [(row["event_id"], row["user_message"]) for row in rows]

    def error(self, response: Response) -> tuple[int, str]:
        """Return status and message of an error response."""
        ((_, content),) = response.body.items()
        assert content["code"] == response.status
        return response.status, content["message"]


def fail(cinder: Cinder, operation: str, effect: str = "error", **more: Any) -> None:
    """Make the next operation of that name fail."""
    cinder.cloud.faults.add(Fault(effect, operation=operation, count=1, **more))
