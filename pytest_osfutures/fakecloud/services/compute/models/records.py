"""Instance actions with their events: the record of each operation on a server."""

from __future__ import annotations

from dataclasses import dataclass, field

from pytest_osfutures.fakecloud.kernel import (
    RequestContext,
)


@dataclass
class ActionEvent:
    """One event of an instance action."""

    event: str
    start_time: float
    host: str | None = None
    finish_time: float | None = None
    result: str | None = None
    details: str | None = None
    traceback: str | None = None


@dataclass
class InstanceAction:
    """One request for an operation. `message` is "Error" if the operation failed."""

    action: str
    context: RequestContext
    start_time: float
    updated_at: float
    message: str | None = None
    events: list[ActionEvent] = field(default_factory=list)

    def begin(self, event: str, now: float, host: str | None = None) -> ActionEvent:
        """Add an event that begins now."""
        begun = ActionEvent(event, now, host)
        self.events.append(begun)
        self.updated_at = now
        return begun

    def finish(self, now: float, error: str | None = None) -> None:
        """End all running events; with `error` they and the action have failed."""
        for event in self.events:
            if event.finish_time is None:
                event.finish_time = now
                event.result = "Success" if error is None else "Error"
                if error is not None:
                    event.details = error
                    event.traceback = f"Traceback (most recent call last):\n  {error}\n"
        if error is not None:
            self.message = "Error"
        self.updated_at = now
