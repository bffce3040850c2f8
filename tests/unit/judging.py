"""Cases for `verdict_of` in a few words: observations, in the order of their requests."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.engine.poll_plan import ReadRequest, ReadResult
from pytest_osfutures.engine.watch import Watch
from pytest_osfutures.errors import OperationDetails
from pytest_osfutures.operations.judge import Failed, Running, Succeeded, Verdict, verdict_of
from pytest_osfutures.operations.model import Observation, ResourceType
from pytest_osfutures.operations.resource_types import ACTION, SERVER
from pytest_osfutures.policy import Poll

from .scripted import row

REQUEST = "req-1"
TASK = "OS-EXT-STS:task_state"


class Nobody:
    """A reader that is never asked."""

    poll = Poll()

    def read(self, request: ReadRequest, clock: Any) -> ReadResult:
        raise AssertionError(f"{request} at {clock}: nothing is read here")


class Judged:
    """An operation that was accepted at second 0, and its later observations."""

    def __init__(self, operation: str, **names: str) -> None:
        self.watch = Watch(
            operation=row(operation),
            variables={**names, "request_id": REQUEST},
            reader=Nobody(),
            accepted_at=0.0,
            tout=300.0,
            on_end=lambda _: None,
            request_id=REQUEST,
            action_kind=ACTION,
        )
        self.now = 0.0

    def see(self, kind: ResourceType, body: Any, at: float | None = None, **names: str) -> Verdict:
        """Return the verdict after a read of that resource, a second later, that answers `body`."""
        self.now = self.now + 1.0 if at is None else at
        self.watch.observations[kind.ref(**names)] = Observation(self.now, body)
        return verdict_of(self.watch.evidence(self.now))

    def server(self, status: str | None, task: str | None = None, **more: Any) -> Verdict:
        """Return the verdict after a read of the server with these values (None: it is gone)."""
        ident = self.watch.variables.get("id") or self.watch.variables["server"]
        body = None if status is None else {"status": status, TASK: task, **more}
        return self.see(SERVER, body, id=ident)

    def action(self, *events: tuple[str, str | None], message: str | None = None) -> Verdict:
        """Return the verdict after a read of an instance action with these events."""
        shown = [{"event": name, "result": result, "details": None} for name, result in events]
        return self.record(
            {
                "action": "act",
                "message": message,
                "events": shown,
                "start_time": "2026-01-01T00:00:00",
            }
        )

    def record(self, body: Any) -> Verdict:
        """Return the verdict after a read of the instance action (None: there is none)."""
        server = (self.watch.operation.action or "{id}").format_map(self.watch.variables)
        return self.see(ACTION, body, id=server, request_id=REQUEST)

    @property
    def details(self) -> OperationDetails:
        """The evidence that an error would carry now."""
        return self.watch.details(self.now)


def runs(verdict: Verdict) -> bool:
    """Whether it is not decided yet."""
    return isinstance(verdict, Running)


def done(verdict: Verdict) -> bool:
    """Whether it is a success."""
    return isinstance(verdict, Succeeded)


def why(verdict: Verdict) -> str:
    """The reason of a failure."""
    assert isinstance(verdict, Failed), verdict
    return verdict.why


def asks(verdict: Verdict, kind: ResourceType) -> bool:
    """Whether it wants to see a resource of that kind next."""
    assert isinstance(verdict, Running), verdict
    return any(ref.type == kind for ref in verdict.wants)
