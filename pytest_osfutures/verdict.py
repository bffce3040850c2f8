"""Does an operation still run, did it succeed, did it fail? Pure functions of what was seen.

`judge` does no I/O and has no state, so every verdict can be tested with plain values. The rules
are those of Nova and Cinder: a status counts only with task_state None, a return to the old
status is a failure that the instance action explains, and an unknown status is an error.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_osfutures.errors import Event
from pytest_osfutures.operation import Body, Expect, Kind, Names, Operation, Ref, Sight


@dataclass(frozen=True)
class Running:
    """Not decided yet; `wants` says what has to be looked at, `confirm` what one by one."""

    wants: tuple[Ref, ...] = ()
    confirm: tuple[Ref, ...] = ()


@dataclass(frozen=True)
class Succeeded:
    """Done, as asked; `body` is the first resource's last sight (None if it is gone)."""

    body: Body | None = None


@dataclass(frozen=True)
class Failed:
    """It will not be done any more. `vanished` says that the resource is gone."""

    why: str
    vanished: bool = False


Verdict = Running | Succeeded | Failed


@dataclass(frozen=True)
class Case:
    """What `judge` decides about: one operation in flight and all that was seen of it.

    `sights` only matter if they were asked for after `accepted_at`; older ones say nothing about
    this operation. Times are seconds on the engine's clock.
    """

    operation: Operation
    names: Names
    accepted_at: float
    now: float
    sights: Mapping[Ref, Sight]
    action_kind: Kind | None = None
    request_id: str | None = None

    def sight(self, ref: Ref) -> Sight | None:
        """The last valid sight of a resource, if there is one."""
        seen = self.sights.get(ref)
        return seen if seen is not None and seen.asked_at >= self.accepted_at else None

    @property
    def age(self) -> float:
        """Seconds since the operation was accepted."""
        return self.now - self.accepted_at

    @property
    def action(self) -> Ref | None:
        """The instance action that tells about this operation, if there is one."""
        if self.operation.action is None or self.action_kind is None or self.request_id is None:
            return None
        server = self.operation.action.format_map(self.names)
        return self.action_kind.ref(id=server, request_id=self.request_id)


#: How long something that was just created may be invisible, and how long an action that was
#: accepted may be without its record: the hand-over inside the cloud (nova/conductor/manager.py).
VISIBLE_WITHIN = 60.0
RECORDED_WITHIN = 10.0
#: How long a failure waits for the action that explains it, should that be unreadable.
EXPLAINED_WITHIN = 10.0


def judge(case: Case) -> Verdict:
    """Decide whether an operation runs, succeeded or failed, from what was seen of it."""
    verdicts = [_judge_resource(case, expect) for expect in case.operation.expects]
    for expect, verdict in zip(case.operation.expects, verdicts, strict=True):
        if isinstance(verdict, Failed):
            return _with_evidence(case, expect, verdict)
    running = [verdict for verdict in verdicts if isinstance(verdict, Running)]
    if running:
        return Running(
            tuple(dict.fromkeys(ref for verdict in running for ref in verdict.wants)),
            tuple(dict.fromkeys(ref for verdict in running for ref in verdict.confirm)),
        )
    if case.operation.action_decides and (waiting := _ask_action(case)) is not None:
        return waiting
    return verdicts[0]


def _judge_resource(case: Case, expect: Expect) -> Verdict:
    ref = expect.ref(case.names)
    sight = case.sight(ref)
    if sight is None:
        return Running((ref,))
    kind = expect.kind
    status = str(sight.body.get(kind.status, "")) if sight.body and kind.status else ""
    if status in kind.gone and expect.gone:
        return Running((ref,))  # Nova shows DELETED for a moment before it is really gone
    if sight.body is None or status in kind.gone:
        return _judge_absence(case, expect, ref, certain=sight.confirmed or status in kind.gone)
    task = sight.body.get(kind.task_state) if kind.task_state else None
    if expect.gone:
        return _judge_deletion(case, expect, ref, status, task)
    if status in expect.failure:
        # A server may be worked on while it is in ERROR (hard reboot, rebuild, deletion).
        if task is None:
            return Failed(_status_text(expect, status, task, sight.body))
        return _unless_action_failed(case, ref)
    if task is not None:
        return Running((ref,))
    reached = not expect.success or status in expect.success
    if reached and (expect.holds is None or expect.holds(sight.body, case.names)):
        return Succeeded(sight.body)
    if status in expect.running:
        return (
            _unless_action_failed(case, ref) if case.operation.action_decides else Running((ref,))
        )
    return _judge_standstill(case, expect, ref, sight, status)


def _judge_absence(case: Case, expect: Expect, ref: Ref, certain: bool) -> Verdict:
    if not certain:
        return Running((ref,), confirm=(ref,))
    if expect.gone:
        return Succeeded(None)
    if case.operation.creates and case.age < VISIBLE_WITHIN:
        return Running((ref,))
    if not expect.kind.status:  # a relation, not a thing: only the action can explain
        return _judge_standstill(case, expect, ref, case.sights[ref], "gone")
    return Failed(f"the {expect.kind.name} is gone; this operation does not delete it", True)


def _judge_deletion(case: Case, expect: Expect, ref: Ref, status: str, task: str | None) -> Verdict:
    if task is not None or status in expect.running:
        return Running((ref,))
    if status in expect.failure:
        return Failed(f"the {expect.kind.name} is in status {status} and not being deleted")
    return _judge_standstill(case, expect, ref, case.sights[ref], status)


def _judge_standstill(case: Case, expect: Expect, ref: Ref, sight: Sight, status: str) -> Verdict:
    """Nothing is under way and the end is not reached: the silent failure, or not begun yet."""
    text = f"the {expect.kind.name} is in status {status or 'unknown'} with nothing under way"
    action = case.action
    if action is None:
        known = status in expect.success or status in expect.running
        return Failed(text if known else f"{text}, which is no status on the way to success")
    record = case.sight(action)
    if record is None:
        return Running((ref, action))
    if record.body is None:
        return Failed(text) if case.age > RECORDED_WITHIN else Running((ref, action))
    if failed := failed_event(record.body):
        return Failed(f"{text}: {failed}")
    if not finished(record.body) or sight.asked_at <= record.asked_at:
        return Running((ref, action))
    return Failed(f"{text}, although the cloud calls the action finished")


def _unless_action_failed(case: Case, ref: Ref) -> Verdict:
    """Under way as far as the resource shows; the action may know better."""
    action = case.action
    if action is None:
        return Running((ref,))
    record = case.sight(action)
    if record is not None and record.body is not None and (failed := failed_event(record.body)):
        return Failed(failed)
    return Running((ref, action))


def _ask_action(case: Case) -> Verdict | None:
    """The verdict of the instance action where success needs it; None if it has no objection."""
    action = case.action
    if action is None:
        return None
    record = case.sight(action)
    if record is None or (record.body is None and case.age < RECORDED_WITHIN):
        return Running((action,))
    if record.body is None:
        return None
    if failed := failed_event(record.body):
        return Failed(failed)
    return None if finished(record.body) else Running((action,))


def _with_evidence(case: Case, expect: Expect, verdict: Failed) -> Verdict:
    """The failure, once the instance action that explains it was read (or cannot be)."""
    action = case.action
    if action is None or case.sight(action) is not None:
        return verdict
    sight = case.sight(expect.ref(case.names))
    if sight is not None and case.now - sight.asked_at > EXPLAINED_WITHIN:
        return verdict
    return Running((action,))


def _status_text(expect: Expect, status: str, task: str | None, body: Body) -> str:
    fault = body.get("fault")
    if isinstance(fault, Mapping) and fault.get("message"):
        return str(fault["message"]).strip()
    return f"the {expect.kind.name} went to status {status} (task_state {task})"


def events(action: Body) -> tuple[Event, ...]:
    """The events of an instance action, oldest first, as far as the caller may see them."""
    found = action.get("events") or ()
    ordered = sorted(found, key=lambda each: str(each.get("start_time") or ""))
    return tuple(Event(e.get("event", "?"), e.get("result"), e.get("details")) for e in ordered)


def failed_event(action: Body) -> str:
    """What went wrong in an instance action, in a few words; empty if nothing is known to have."""
    for event in events(action):
        if event.result and event.result.lower() == "error":
            return f"event {event.name} failed" + (f": {event.details}" if event.details else "")
    if action.get("message"):
        return f"the cloud reports {action['message']!r} for {action.get('action', 'the action')}"
    return ""


def finished(action: Body) -> bool:
    """Whether all visible events of an instance action have ended; True if none is visible."""
    return all(event.result is not None for event in events(action))
