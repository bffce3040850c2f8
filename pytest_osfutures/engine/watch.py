"""One operation under way: its resources, everything that was read about them, its deadline."""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
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
    StatusSample,
)
from pytest_osfutures.operations import (
    ENOUGH_FAILURES,
    Body,
    Evidence,
    Failed,
    Observation,
    Operation,
    ResourceRef,
    ResourceType,
    Succeeded,
    Variables,
    events,
)
from pytest_osfutures.policy import Poll

Completion = Succeeded | OSFuturesError
_log = logging.getLogger("osfutures")


class Reader(Protocol):
    """The way to one project of one cloud; watches with equal readers share their reads."""

    poll: Poll

    def read(self, request: ReadRequest, clock: Clock) -> ReadResult:
        """Carry out one read. Never raises: every failure is in the result."""


@dataclass(eq=False, slots=True, weakref_slot=True)
class Watch:
    """One operation under way. All times are seconds on the engine's clock."""

    operation: Operation
    #: Ids and other values that fill the operation's paths, extended by what reads tell.
    variables: Variables
    reader: Reader
    #: When the answer that accepted the request arrived.
    accepted_at: float
    #: The operation's own deadline in seconds after `began_at`, or else after `accepted_at`.
    tout: float
    #: Called once, with the success or the error.
    on_end: Callable[[Completion], None]
    #: When the request left: the cloud may have finished before its answer arrived.
    sent_at: float | None = None
    request_id: str | None = None
    resource_name: str | None = None
    #: The type of the record that explains failures (Nova's instance action); None without any.
    action_kind: ResourceType | None = None
    #: The microversion of each service at which the operation was requested.
    versions: Mapping[str, str] = field(default_factory=dict)
    #: The values of the secret fields of the request and of its answer.
    secrets: tuple[str, ...] = field(default=(), repr=False)
    #: The newest observation of each resource.
    observations: dict[ResourceRef, Observation] = field(default_factory=dict)
    #: The changes of the main resource's status.
    history: list[StatusSample] = field(default_factory=list)
    changed_at: float = -math.inf
    #: The resources to read next.
    wants: tuple[ResourceRef, ...] = ()
    #: The error of the last read; None after a usable answer.
    last_error: str | None = None
    #: Called in the loop with each new status.
    on_status: Callable[[StatusSample], None] | None = None
    #: When the deadline begins to count, if not when the request was accepted.
    began_at: float | None = None
    #: The number of reads that did not find the main resource.
    absences: int = 0
    #: The number of failed reads of each resource that serves as evidence.
    failed_reads: Counter[ResourceRef] = field(default_factory=Counter)

    @property
    def deadline(self) -> float:
        """The moment at which the operation has to be done."""
        return (self.accepted_at if self.began_at is None else self.began_at) + self.tout

    @property
    def resource_id(self) -> str:
        """The id of the operation's main resource."""
        return self.operation.resource_id(self.variables)

    def why_late(self) -> str:
        """Return the reason of an OperationTimeout, with the error of the last read."""
        late = f"not done within its {self.tout:g} s"
        if self.last_error is None:
            return late
        return f"{late}, and the last read failed: {self.last_error}"

    def observe(self, ref: ResourceRef, observation: Observation, date: float) -> bool:
        """Store an observation of a resource; return False if it is older than the stored one.

        Args:
            ref: The resource.
            observation: How one read has shown the resource.
            date: The present date in seconds since 1970, for `history`.
        """
        known = self.observations.get(ref)
        if observation.requested_at < (
            known.requested_at if known is not None else self.accepted_at
        ):
            return False
        if known is not None and self.is_outdated(known, observation):
            return False
        if observation.body is None and known is not None and is_deleting(ref, known):
            observation = replace(observation, confirmed=True)  # two reads agree
        if known is not None and known.body is None and is_deleting(ref, observation):
            observation = replace(observation, body=None, confirmed=True)  # the other way round
        self.observations[ref] = observation
        self.last_error = None
        if observation.body is None:
            self.absences += ref.type == self.operation.main.type
        elif ref.type == self.operation.status_type and ref.type.status:
            self._note_status(ref, observation.body, observation.requested_at, date)
        return True

    def _note_status(self, ref: ResourceRef, body: Body, asked_at: float, date: float) -> None:
        status = str(body.get(ref.type.status or "", ""))
        task = body.get(ref.type.task_state) if ref.type.task_state else None
        last = self.history[-1] if self.history else None
        if last is None or (last.status, last.task_state) != (status, task):
            self.history.append(StatusSample(date, status, task))
            if self.on_status is not None:
                self.on_status(self.history[-1])
            self.changed_at = asked_at
        self.resource_name = self.resource_name or body.get("name")

    def is_outdated(self, known: Observation, observation: Observation) -> bool:
        """Return True if a list shows an older version of the resource than an earlier read.

        A list can lag behind an earlier read, for instance when a replica of the database answers.
        """
        if observation.confirmed or self.operation.creates or not (known.body and observation.body):
            return False
        before, now = known.body.get("updated"), observation.body.get("updated")
        return isinstance(before, str) and isinstance(now, str) and now < before

    def miss_evidence(self, refs: Iterable[ResourceRef]) -> None:
        """Count a failed read of each resource that would explain a failure."""
        self.failed_reads.update(refs)

    def learn(self) -> None:
        """Add the names that the observations so far tell."""
        for expect in self.operation.expects:
            ref = expect.ref(self.variables)
            observation = None if ref is None else self.observations.get(ref)
            if expect.extract is not None and observation is not None and observation.body:
                age = observation.requested_at - self.accepted_at
                self.variables = {
                    **expect.extract(observation.body, self.variables, age),
                    **self.variables,
                }

    def evidence(self, now: float) -> Evidence:
        """Return the input of `verdict_of`: the operation and everything that was read about it."""
        self.learn()
        return Evidence(
            self.operation,
            self.variables,
            self.accepted_at,
            now,
            self.observations,
            self.action_kind,
            self.request_id,
            was_present=bool(self.history),
            state_changed=len(self.history) > 1,
            unchanged_for=now - self.changed_at,
            absences=self.absences,
            unreadable=frozenset(
                ref for ref, number in self.failed_reads.items() if number >= ENOUGH_FAILURES
            ),
        )

    def details(self, now: float) -> OperationDetails:
        """Return everything known, for an error; a malformed answer costs its own evidence only."""
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
        """Return the fault, the events and the messages that were read so far."""
        bodies = [
            observation.body for observation in self.observations.values() if observation.body
        ]
        faulty = [each for body in bodies for each in (body, *self._members(body))]
        case = self.evidence(now)
        record = self.observations.get(case.action) if case.action is not None else None
        return {
            "fault": next(
                (fault for each in faulty if isinstance(fault := each.get("fault"), Mapping)), None
            ),
            "events": events(record.body) if record is not None and record.body else (),
            "messages": tuple(dict.fromkeys(text for body in bodies for text in self._words(body))),
        }

    def failure(self, verdict: Failed, now: float) -> OperationFailed:
        """Return the error of a failed operation, with all details."""
        kind = OperationFailed
        if verdict.vanished:
            kind = ResourceVanished
        elif self.operation.creates:
            kind = ObjectCreationError
        return kind(verdict.why, self.details(now))

    def _members(self, body: Body) -> list[Body]:
        return self.operation.members(body, self.variables) if self.operation.members else []

    def _words(self, body: Body) -> list[str]:
        """Return Cinder's user messages in `body` that name this request.

        https://docs.openstack.org/api-ref/block-storage/v3/#messages-messages
        """
        return [
            str(each["user_message"])
            for each in body.get("messages") or ()
            if self.operation.creates or each.get("request_id") == self.request_id
        ]


def is_deleting(ref: ResourceRef, observation: Observation) -> bool:
    """Return True if the resource has a status of deleted ones; lists show it a moment longer."""
    if observation.body is None or not ref.type.status:
        return False
    return observation.body.get(ref.type.status) in ref.type.gone
