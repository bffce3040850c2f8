"""One operation in flight: what it is, what was seen of it so far, and how long it may take."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from pytest_osfutures.clock import Clock
from pytest_osfutures.engine.poll_plan import ReadRequest, ReadResult
from pytest_osfutures.errors import (
    ObjectCreationError,
    OperationDetails,
    OperationFailed,
    OSFuturesError,
    ResourceVanished,
    Seen,
)
from pytest_osfutures.operations import (
    ENOUGH_FAILURES,
    Body,
    Case,
    Failed,
    Operation,
    Ref,
    ResourceType,
    Sight,
    Succeeded,
    events,
)
from pytest_osfutures.policy import Poll

Completion = Succeeded | OSFuturesError
_log = logging.getLogger("osfutures")


class Reader(Protocol):
    """What a watch is read through; equal readers share their reads."""

    poll: Poll

    def read(self, request: ReadRequest, clock: Clock) -> ReadResult:
        """Carry out one look; never raises, whatever goes wrong is in the outcome."""


@dataclass(eq=False, slots=True, weakref_slot=True)
class Watch:
    """One operation in flight; times on the engine's clock, `versions` a service's microversion.

    `sent_at` is when its request left: the cloud may have done all before it said so. `began_at`
    is when its deadline begins to count, if not when it was accepted. `trouble` is
    why the last look came to nothing. `absences` counts the reads that did not find the main
    resource, `failed_reads` names each resource as often as a read of it as evidence has failed.
    """

    operation: Operation
    names: dict[str, str]
    reader: Reader
    accepted_at: float
    tout: float
    on_end: Callable[[Completion], None]
    sent_at: float | None = None
    request_id: str | None = None
    resource_name: str | None = None
    action_kind: ResourceType | None = None
    versions: dict[str, str] = field(default_factory=dict)
    sights: dict[Ref, Sight] = field(default_factory=dict)
    history: list[Seen] = field(default_factory=list)
    changed_at: float = -math.inf
    wants: tuple[Ref, ...] = ()
    trouble: str | None = None
    began_at: float | None = None
    absences: int = 0
    failed_reads: tuple[Ref, ...] = ()

    @property
    def deadline(self) -> float:
        """When it has to be done."""
        return (self.accepted_at if self.began_at is None else self.began_at) + self.tout

    @property
    def resource_id(self) -> str:
        """The id of the resource that the operation is about."""
        return self.operation.resource_id(self.names)

    def why_late(self) -> str:
        """Why it is not done at its deadline, as far as that is known."""
        late = f"not done within its {self.tout:g} s"
        return f"{late}, and the last look at it failed: {self.trouble}" if self.trouble else late

    def learn(self) -> None:
        """Add the names that the sights so far tell."""
        for expect in self.operation.expects:
            ref = expect.ref(self.names)
            sight = self.sights.get(ref) if ref is not None and expect.learns else None
            if expect.learns and sight and sight.body and sight.asked_at >= self.accepted_at:
                age = sight.asked_at - self.accepted_at
                self.names = {**expect.learns(sight.body, self.names, age), **self.names}

    def case(self, now: float) -> Case:
        """What there is to judge."""
        self.learn()
        return Case(
            self.operation,
            self.names,
            self.accepted_at,
            now,
            self.sights,
            self.action_kind,
            self.request_id,
            was_there=bool(self.history),
            moved=len(self.history) > 1,
            still_for=now - self.changed_at,
            absences=self.absences,
            unreadable=frozenset(
                ref for ref in self.failed_reads if self.failed_reads.count(ref) >= ENOUGH_FAILURES
            ),
        )

    def details(self, now: float) -> OperationDetails:
        """All that is known, for an error; an odd answer costs the evidence that is in it."""
        last = self.history[-1] if self.history else None
        plain = OperationDetails(
            operation=self.operation.name,
            resource_id=self.resource_id,
            resource_name=self.resource_name,
            request_id=self.request_id,
            status=last.status if last else None,
            task_state=last.task_state if last else None,
            seconds=now - self.accepted_at,
            history=tuple(self.history),
        )
        try:
            return replace(plain, **self._evidence(now))
        except Exception as error:
            _log.warning("the evidence about %s cannot be read: %r", plain.title(), error)
            return plain

    def _evidence(self, now: float) -> dict[str, Any]:
        """Fault, events and messages, as far as they were seen."""
        bodies = [sight.body for sight in self.sights.values() if sight.body]
        faulty = [each for body in bodies for each in (body, *self._members(body))]
        case = self.case(now)
        record = self.sights.get(case.action) if case.action is not None else None
        return {
            "fault": next(
                (fault for each in faulty if isinstance(fault := each.get("fault"), Mapping)), None
            ),
            "events": events(record.body) if record is not None and record.body else (),
            "messages": tuple(dict.fromkeys(text for body in bodies for text in self._words(body))),
        }

    def failure(self, verdict: Failed, now: float) -> OperationFailed:
        """The error that says what the verdict says, with all details."""
        kind = OperationFailed
        if verdict.vanished:
            kind = ResourceVanished
        elif self.operation.creates:
            kind = ObjectCreationError
        return kind(verdict.why, self.details(now))

    def _members(self, body: Body) -> list[Body]:
        return self.operation.members(body, self.names) if self.operation.members else []

    def _words(self, body: Body) -> list[str]:
        """Cinder's user messages in `body` that are about this request."""
        return [
            str(each["user_message"])
            for each in body.get("messages") or ()
            if self.operation.creates or each.get("request_id") == self.request_id
        ]
