"""Verdicts about operations: running, succeeded or failed.

`verdict_of` is a pure function of the evidence. The rules are in docs/operations.md#rules-nova: a
status counts only with task state None, a return to the old status is a failure that the instance
action explains, and an unknown status is a failure.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from pytest_osfutures.errors import Event
from pytest_osfutures.operations.model import (
    Body,
    Expectation,
    Observation,
    Operation,
    ResourceRef,
    ResourceType,
    Variables,
)


@dataclass(frozen=True)
class Running:
    """The operation is not decided yet."""

    #: Resources to read next.
    wants: tuple[ResourceRef, ...] = ()
    #: Resources to read by their own paths, because a list may be too old.
    confirm: tuple[ResourceRef, ...] = ()


@dataclass(frozen=True)
class Succeeded:
    """The operation is complete."""

    #: The main resource as last observed; None if it is gone.
    body: Body | None = None


@dataclass(frozen=True)
class Failed:
    """The operation has failed for good."""

    #: Reason, in words for users.
    why: str
    #: True if the main resource is gone.
    vanished: bool = False


Verdict = Running | Succeeded | Failed


@dataclass(frozen=True)
class Evidence:
    """All that is known about one operation in flight. Times are seconds on the engine's clock."""

    #: The operation.
    operation: Operation
    #: Values of the operation's variables.
    variables: Variables
    #: Time at which the service accepted the request.
    accepted_at: float
    #: Time of the judgement.
    now: float
    #: Last observation of each resource; those requested before `accepted_at` do not count.
    observations: Mapping[ResourceRef, Observation]
    #: Type of the instance action.
    action_kind: ResourceType | None = None
    #: Id of the request, which identifies the instance action.
    request_id: str | None = None
    #: True if the main resource was observed to exist since the request.
    was_present: bool = False
    #: True if the state of the main resource was observed to change.
    state_changed: bool = False
    #: Seconds since the last observed change.
    unchanged_for: float = math.inf
    #: Number of reads that did not find the main resource.
    absences: int = 0
    #: Resources of which `ENOUGH_FAILURES` reads have failed.
    unreadable: frozenset[ResourceRef] = frozenset()

    def observation(self, ref: ResourceRef) -> Observation | None:
        """Return the last observation of a resource that was requested after the accept."""
        seen = self.observations.get(ref)
        return seen if seen is not None and seen.requested_at >= self.accepted_at else None

    @property
    def age(self) -> float:
        """Seconds since the operation was accepted."""
        return self.now - self.accepted_at

    @property
    def action(self) -> ResourceRef | None:
        """Instance action that records this operation; None if there is none."""
        if self.operation.action is None or self.action_kind is None or self.request_id is None:
            return None
        server = self.operation.action.format_map(self.variables)
        return self.action_kind.ref(id=server, request_id=self.request_id)

    @property
    def explanations(self) -> tuple[ResourceRef, ...]:
        """Resources that may explain a failure: the instance action, and messages for users."""
        refs = [] if self.action is None else [self.action]
        for expect in self.operation.expects:
            ref = expect.ref(self.variables)
            if ref is not None and expect.type.explained_by is not None:
                refs.append(expect.type.explained_by.ref(id=ref.id))
        return tuple(dict.fromkeys(refs))


#: Seconds within which the conductor records an accepted action, and within which an action whose
#: events are hidden tells of a failure.
RECORDED_WITHIN = 10.0
#: Seconds for which a failure waits for its explanation.
EXPLAINED_WITHIN = 10.0
#: Failed reads of an explanation after which the failure is reported without it.
ENOUGH_FAILURES = 2
#: Reads that have to miss a new resource before it counts as gone.
ENOUGH_ABSENCES = 2
#: Seconds after the accept at which the last of these reads has to be requested.
HAND_OVER = 0.9


def verdict_of(evidence: Evidence, final: bool = False) -> Verdict:
    """Judge an operation by the evidence.

    Args:
        evidence: All that is known about the operation.
        final: True to report a failure at once; False to wait until its explanation was read.

    Returns:
        `Running` with the resources to read next, `Succeeded` or `Failed`.
    """
    running: list[Running] = []
    body: Body | None = None
    for expect in evidence.operation.expects:
        if expect.after_previous and running:
            break
        ref = expect.ref(evidence.variables)
        if ref is None:
            continue
        verdict = _judge_resource(evidence, expect, ref)
        if isinstance(verdict, Failed):
            return verdict if final else _with_evidence(evidence, ref, verdict)
        if isinstance(verdict, Running):
            running.append(verdict)
        elif expect is evidence.operation.main:
            body = verdict.body
    if not running and evidence.operation.event_required:
        word = _ask_action(evidence)
        if isinstance(word, Failed):
            return word
        running += [word] if isinstance(word, Running) else []
    if running:
        return Running(
            tuple(dict.fromkeys(ref for each in running for ref in each.wants)),
            tuple(dict.fromkeys(ref for each in running for ref in each.confirm)),
        )
    return Succeeded(body)


def _judge_resource(evidence: Evidence, expect: Expectation, ref: ResourceRef) -> Verdict:
    observation = evidence.observation(ref)
    if observation is None:
        return Running((ref,))
    resource_type = expect.type
    status = (
        str(observation.body.get(resource_type.status, ""))
        if observation.body and resource_type.status
        else ""
    )
    if status in resource_type.gone and expect.gone:
        return Running((ref,))  # Nova shows DELETED for a moment before it is really gone
    if observation.body is None or status in resource_type.gone:
        return _judge_absence(
            evidence, expect, ref, certain=observation.confirmed or status in resource_type.gone
        )
    task = observation.body.get(resource_type.task_state) if resource_type.task_state else None
    if status in expect.failure:
        # A server may be worked on while it is in ERROR (hard reboot, rebuild, deletion).
        if task is None:
            return Failed(_status_text(expect, status, observation.body))
        return Running((ref,)) if expect.gone else _unless_action_failed(evidence, ref)
    if task is not None:
        return Running((ref,))
    undecided = not expect.success and (not expect.gone or expect.predicate is not None)
    if status in expect.success or undecided:
        end = _judge_end(evidence, expect, ref, observation, observation.body)
        if end is not None:
            return end
    if status in expect.running:
        # Nothing is marked on the server: only the action can tell that it stays so.
        hidden = resource_type.task_state is not None and not evidence.operation.creates
        return _unless_action_failed(evidence, ref) if hidden else Running((ref,))
    return _judge_standstill(evidence, expect, ref, observation)


def _judge_end(
    evidence: Evidence, expect: Expectation, ref: ResourceRef, observation: Observation, body: Body
) -> Verdict | None:
    """Judge a resource in a final status; None if the predicate is not met."""
    holds = expect.predicate(body, evidence.variables) if expect.predicate is not None else True
    if isinstance(holds, str):
        return Failed(holds)
    if holds is None:
        return Running((ref,))
    if holds and not (
        observation.confirmed or evidence.operation.creates or evidence.state_changed
    ):
        # A list can be older than its request: it may show what was there before the operation.
        return Running((ref,), confirm=(ref,))
    return Succeeded(body) if holds else None


def _judge_absence(
    evidence: Evidence, expect: Expectation, ref: ResourceRef, certain: bool
) -> Verdict:
    if not certain:
        return Running((ref,), confirm=(ref,))
    if expect.gone:
        return Succeeded(None)
    if expect.type.explains_only:  # it cannot be read: the event has to do
        word = _ask_action(evidence)
        return Succeeded(None) if word is None else word
    if (
        evidence.operation.creates
        and not evidence.was_present
        and _may_still_appear(evidence, expect, ref)
    ):
        return Running((ref,))
    if not expect.type.status:  # a relation, not a thing: only the action can explain
        return _judge_standstill(evidence, expect, ref, evidence.observations[ref])
    record = None if evidence.action is None else evidence.observation(evidence.action)
    if record is not None and record.body is not None and (failed := failed_event(record.body)):
        return Failed(f"the {expect.type.name} is gone: {failed}")
    # Nova deletes the records of Cinder and Neutron that it created when its own operation fails,
    # so their absence is the failure itself.
    theirs = expect.type.service != evidence.operation.route.service
    text = f"the {expect.type.name} is gone"
    return Failed(text if theirs else f"{text}; this operation does not delete it", not theirs)


def _may_still_appear(evidence: Evidence, expect: Expectation, ref: ResourceRef) -> bool:
    """Return True if a new resource may still be on its way from the API to its database."""
    asked_after = evidence.observations[ref].requested_at - evidence.accepted_at
    if asked_after >= expect.type.visible_within:
        return False
    return asked_after < HAND_OVER or evidence.absences < ENOUGH_ABSENCES


def _judge_standstill(
    evidence: Evidence, expect: Expectation, ref: ResourceRef, observation: Observation
) -> Verdict:
    """Judge an idle resource that has not reached its end: a silent failure, or no start yet."""
    if not observation.confirmed:
        return Running((ref,), confirm=(ref,))
    status = str((observation.body or {}).get(expect.type.status or "", ""))
    text = _standstill_text(evidence, expect, observation, status)
    action = evidence.action
    if action is None and evidence.operation.creates and status == "deleting":
        return Running((ref,))  # it is being deleted: its absence will say more
    if action is None:
        return Failed(text)
    record = evidence.observation(action)
    if record is None and action not in evidence.unreadable:
        return Running((ref, action))
    if record is None or record.body is None:
        return Failed(text) if evidence.age > RECORDED_WITHIN else Running((ref, action))
    return _judge_by_action(evidence, expect, observation, record, text) or Running((ref, action))


def _judge_by_action(
    evidence: Evidence,
    expect: Expectation,
    observation: Observation,
    action: Observation,
    text: str,
) -> Verdict | None:
    """Judge an idle resource by the instance action; None if the action is not over."""
    assert action.body is not None
    status = str((observation.body or {}).get(expect.type.status or "", ""))
    event = evidence.operation.event
    if failed := failed_event(action.body):
        return Failed(f"{text}: {failed}")
    if status in expect.accepted_with_event and succeeded(action.body, event):
        return Succeeded(observation.body)
    if observation.requested_at <= action.requested_at:
        return None
    if finished(action.body, event):
        return Failed(f"{text}, although the cloud calls the action finished")
    # Nova writes the end of an action after the last change of the server.
    if evidence.operation.marks_busy and evidence.unchanged_for > RECORDED_WITHIN:
        return Failed(f"{text}, and its action has no end: something else changed it")
    return None


def _unless_action_failed(evidence: Evidence, ref: ResourceRef) -> Verdict:
    """Return Running, unless the instance action has failed."""
    action = evidence.action
    if action is None:
        return Running((ref,))
    record = evidence.observation(action)
    if record is not None and record.body is not None and (failed := failed_event(record.body)):
        return Failed(failed)
    return Running((ref, action))


def _ask_action(evidence: Evidence) -> Verdict | None:
    """Judge the instance action of an operation that needs it; None if it agrees."""
    action = evidence.action
    if action is None:
        return None
    record = evidence.observation(action)
    if record is None or (record.body is None and evidence.age < RECORDED_WITHIN):
        return Running((action,))
    if record.body is None:
        return None
    if failed := failed_event(record.body):
        return Failed(failed)
    if "events" not in record.body:  # only the message tells, and only that it has failed
        return None if evidence.age >= RECORDED_WITHIN else Running((action,))
    return None if succeeded(record.body, evidence.operation.event) else Running((action,))


def _with_evidence(evidence: Evidence, ref: ResourceRef, verdict: Failed) -> Verdict:
    """Return the failure, or Running until its explanation was read or cannot be."""
    unread = tuple(
        each
        for each in evidence.explanations
        if evidence.observation(each) is None and each not in evidence.unreadable
    )
    observation = evidence.observation(ref)
    late = observation is not None and evidence.now - observation.requested_at > EXPLAINED_WITHIN
    return Running(unread) if unread and not late else verdict


def _status_text(expect: Expectation, status: str, body: Body) -> str:
    fault = body.get("fault")
    if isinstance(fault, Mapping) and fault.get("message"):
        return str(fault["message"]).strip()
    reason = body.get("fail_reason")  # of backups
    return f"the {expect.type.name} went to status {status}" + (f": {reason}" if reason else "")


def _standstill_text(
    evidence: Evidence, expect: Expectation, observation: Observation, status: str
) -> str:
    if not expect.type.status:
        return f"there is {'a' if observation.body else 'no'} {expect.type.name}"
    if status in expect.success:
        return f"the {expect.type.name} is in status {status} again, but not what was asked for"
    text = f"the {expect.type.name} is in status {status or 'unknown'} with nothing under way"
    known = expect.running | expect.accepted_with_event | expect.type.steady
    return text if status in known else f"{text}, which is no step of {evidence.operation.name}"


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def events(action: Body) -> tuple[Event, ...]:
    """Return the events of an instance action that the caller may see, oldest first."""
    found = [each for each in action.get("events") or () if isinstance(each, Mapping)]
    ordered = sorted(found, key=lambda each: str(each.get("start_time") or ""))
    return tuple(
        Event(str(e.get("event") or "?"), _text(e.get("result")), _text(e.get("details")))
        for e in ordered
    )


def failed_event(action: Body) -> str:
    """Return the failure that an instance action shows, as text; empty if it shows none."""
    for event in events(action):
        if event.result and event.result.lower() == "error":
            return f"event {event.name} failed" + (f": {event.details}" if event.details else "")
    if action.get("message"):
        return f"the cloud reports {action['message']!r} for {action.get('action', 'the action')}"
    return ""


def finished(action: Body, name: str | None = None) -> bool:
    """Return True if the shown events of an instance action have ended.

    With `name`, the event that does the work, earlier events do not count.
    """
    if "events" not in action:
        return True
    mine = [event for event in events(action) if name in (None, event.name)]
    return bool(mine) and all(event.result is not None for event in mine)


def succeeded(action: Body, name: str | None) -> bool:
    """Return True if the event `name` of an instance action has succeeded."""
    return any(
        event.name == name and (event.result or "").lower() == "success" for event in events(action)
    )
