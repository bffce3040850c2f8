"""Asking a fake Cinder over its core, without any client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_osfutures.fakecloud import FakeCloud, Fault
from pytest_osfutures.fakecloud.kernel.wire import Response
from tests.fakecloud.asking import Asker

#: Servers that Nova knows nothing about.
SERVER, OTHER = "11111111-1111-4111-8111-111111111111", "21111111-1111-4111-8111-111111111111"


@dataclass
class Cinder:
    """One user of one Cinder. Paths are relative to the project."""

    asker: Asker
    version: str = "3.71"

    @property
    def cloud(self) -> FakeCloud:
        return self.asker.cloud

    def __call__(
        self, method: str, path: str, body: Any = None, version: str | None = None
    ) -> Response:
        headers = {"OpenStack-API-Version": f"volume {version or self.version}"}
        url = f"/volume/v3/{self.asker.project_id}{path}"
        return self.asker(method, url, body, headers)

    def get(self, path: str) -> Any:
        """The body of a GET that succeeds."""
        response = self("GET", path)
        assert response.status == 200, response
        return response.body

    def make(self, kind: str, **fields: Any) -> str:
        """Begin to create something and return its id."""
        path = {"transfer": "/volume-transfers"}.get(kind, f"/{kind}s")
        response = self("POST", path, {kind: fields})
        assert response.status in (200, 202), response
        return str(response.body[kind]["id"])

    def volume(self, **fields: Any) -> str:
        """A volume that is there."""
        made = self.make("volume", **{"size": 1} | fields)
        self.wait()
        return made

    def snapshot(self, volume_id: str, **fields: Any) -> str:
        """A snapshot that is there."""
        made = self.make("snapshot", volume_id=volume_id, **fields)
        self.wait()
        return made

    def backup(self, volume_id: str, **fields: Any) -> str:
        """A backup that is there."""
        made = self.make("backup", volume_id=volume_id, **fields)
        self.wait()
        return made

    def wait(self, seconds: float = 20.0) -> None:
        """Let time pass until all that was begun is done."""
        self.asker.clock.advance(seconds)

    def show(self, kind: str, thing_id: str) -> dict[str, Any]:
        return dict(self.get(f"/{kind}s/{thing_id}")[kind])

    def act(self, volume_id: str, action: str, **part: Any) -> Response:
        """Send an action to a volume."""
        return self("POST", f"/volumes/{volume_id}/action", {action: part or None})

    def begin(self, volume_id: str, action: str, **part: Any) -> None:
        """Send an action that is accepted."""
        response = self.act(volume_id, action, **part)
        assert response.status == 202, response

    def status(self, kind: str, thing_id: str) -> str:
        """The status; "404" once it is gone."""
        response = self("GET", f"/{kind}s/{thing_id}")
        return "404" if response.status == 404 else str(response.body[kind]["status"])

    def statuses(self, kind: str, thing_id: str, seconds: float = 20.0) -> list[str]:
        """The distinct statuses that a quick poller sees in the next seconds."""
        seen = [self.status(kind, thing_id)]
        for _ in range(int(seconds * 20)):
            self.asker.clock.advance(0.05)
            status = self.status(kind, thing_id)
            if status != seen[-1]:
                seen.append(status)
        return seen

    def told(self, resource_id: str) -> list[tuple[str, str]]:
        """Number and text of the messages about something."""
        rows = self.get(f"/messages?resource_uuid={resource_id}")["messages"]
        return [(row["event_id"], row["user_message"]) for row in rows]

    def refusal(self, response: Response) -> tuple[int, str]:
        """Status and message of an answer that says no."""
        ((_, content),) = response.body.items()
        assert content["code"] == response.status
        return response.status, content["message"]


def fail(cinder: Cinder, operation: str, effect: str = "error", **more: Any) -> None:
    """Let the next operation of that name fail."""
    cinder.cloud.faults.add(Fault(effect, operation=operation, count=1, **more))
