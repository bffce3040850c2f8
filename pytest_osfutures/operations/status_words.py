"""Progress of resources of any service, judged by their status words alone.

For services without rows in the operation tables: `phase` sorts a status word, `is_done` judges a
resource. The words and their meaning are in docs/operations.md#other-services.
"""

from __future__ import annotations

import enum
import json
import re
from collections.abc import Mapping
from typing import Any

from pytest_osfutures.operations.model import Body, Variables


class Phase(enum.Enum):
    """Phase of the work on a resource."""

    UNDER_WAY = "under way"
    FAILED = "failed"
    ENDED = "ended"


#: Status fields in the order of precedence.
STATUS_FIELDS = ("provisioning_status", "stack_status", "provision_state", "status", "state")
#: Further fields that may show work under way.
SIDE_FIELDS = ("task_state", "access_rules_status", "replica_state", "migration_status")
#: Fields with the target of the work, unset at its end, and the fields with the state.
TARGETS = {"target_provision_state": "provision_state", "target_power_state": "power_state"}
#: Fields with the reason of a failure, in the order of precedence.
REASONS = (
    "stack_status_reason", "status_reason", "fail_reason", "last_error", "error_reason",
    "status_message", "state_info", "message", "faultstring",
)  # fmt: skip
#: Seconds within which accepted work shows; until then an unchanged resource proves nothing.
SETTLED_AFTER = 3.0
#: The same for deletions, which may not show at all.
DELETED_AFTER = 10.0

_FAILED = frozenset(
    {"error", "errored", "failed", "failure", "fail", "killed", "dead", "crashed", "rejected"}
    | {"blocked", "aborted", "cancelled", "canceled", "expired", "lost", "broken", "critical"}
    | {"warning", "degraded", "unrecoverable", "superseded", "ignored", "timeout", "unhealthy"}
)
_ENDED = frozenset(
    {"complete", "completed", "done", "success", "succeeded", "finished", "awaiting"}
)
_UNDER_WAY = frozenset({"pending", "queued", "wait", "progress", "hold", "init", "started"})
#: Statuses of work under way that do not end in "ing".
_WHOLE = frozenset(
    {"build", "rebuild", "reboot", "hard reboot", "resize", "revert resize", "password", "new"}
    | {"idle", "delayed", "initial", "backup", "promote", "eject", "upgrade", "detach"}
    | {"shutdown", "out of sync", "replication change", "network change", "scheduled"}
)
#: Words to which one service gives another meaning.
_OF_SERVICE = {
    ("application-container", "running"): Phase.ENDED,
    ("clustering", "ready"): Phase.UNDER_WAY,
    ("reservation", "pending"): Phase.ENDED,
    # Heat rolls a stack back when its creation or update has failed.
    ("orchestration", "rollback complete"): Phase.FAILED,
}


def phase(word: str, service: str = "") -> Phase:
    """Return the phase of a status word; `service` is an official service type.

    An unknown word counts as an end: only words that look like work are waited for.
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", word)
    whole = " ".join(re.split(r"[\W_]+", spaced.casefold())).strip()
    if (found := _OF_SERVICE.get((service, whole))) is not None:
        return found
    parts = whole.split()
    if not _FAILED.isdisjoint(parts):
        return Phase.FAILED
    if not _ENDED.isdisjoint(parts):
        return Phase.ENDED
    if whole in _WHOLE or not _UNDER_WAY.isdisjoint(parts):
        return Phase.UNDER_WAY
    return Phase.UNDER_WAY if any(len(p) > 4 and p.endswith("ing") for p in parts) else Phase.ENDED


def status_field(body: Body) -> str | None:
    """Return the name of the status field of `body`; None if there is none."""
    return next((name for name in STATUS_FIELDS if isinstance(body.get(name), str)), None)


def status_of(body: Body) -> str:
    """Return the status word of `body`; empty if there is none."""
    return str(body.get(status_field(body) or "", ""))


def is_busy(body: Body, service: str = "", old: Body | None = None) -> bool:
    """Return True if work on the resource is under way.

    `old` is the state of the resource before the request.
    """
    word = status_of(body)
    now = phase(word, service)
    if body.get("OS-EXT-STS:task_state"):
        return True  # Nova works on its servers in any status
    if now is Phase.FAILED:
        return False
    if any(body.get(name) for name in (*TARGETS, "os_glance_importing_to_stores")):
        return True
    if service == "baremetal" and body.get("reservation"):
        return True  # the conductor holds its lock
    sides = {name: str(body[name]) for name in SIDE_FIELDS if body.get(name)}
    phases = {name: phase(side, service) for name, side in sides.items()}
    if Phase.UNDER_WAY in phases.values():
        return True
    task = sides.get("task_state")
    if now is Phase.UNDER_WAY and task and task != (old or {}).get("task_state", task):
        return False  # Manila: phase one of a migration is done, phase two needs a request
    return now is Phase.UNDER_WAY


def reason(body: Body) -> str:
    """Return the service's own reason of a failure; empty if there is none."""
    fault = body.get("fault") or body.get("faults")
    if isinstance(fault, Mapping):
        text = fault.get("message") or "; ".join(f"{key}: {each}" for key, each in fault.items())
        return str(text).strip()
    found = (body.get(name) for name in REASONS)
    return next((text.strip() for text in found if isinstance(text, str) and text.strip()), "")


def saved_state(body: Body | None) -> str:
    """Return the fields of a resource that tell changes, as the text of a variable."""
    if body is None:
        return ""
    stamps = ("updated_at", "updated_time", "updated", "provision_updated_at", "last_error")
    kept = (*STATUS_FIELDS, *SIDE_FIELDS, "power_state", "action", *stamps)
    return json.dumps({name: body[name] for name in kept if name in body}, default=str)


def progress_variables(body: Body, variables: Variables, age: float) -> Variables:
    """Return variables for later reads: that the resource was busy, its target, and its age."""
    found: dict[str, str] = {}
    service = variables.get("service", "")
    if is_busy(body, service, _old(variables)):
        found["was_busy"] = "yes"
    for target, field in TARGETS.items():
        if isinstance(body.get(target), str) and body[target]:
            found[f"goal_{field}"] = str(body[target])
    if age >= (DELETED_AFTER if "deletes" in variables else SETTLED_AFTER):
        found["settled"] = "yes"
    return found


def _old(variables: Variables) -> dict[str, Any] | None:
    return json.loads(variables["old"]) if variables.get("old") else None


def is_done(body: Body, variables: Variables) -> bool | str | None:
    """Judge a resource: True if the work is complete, None under way, a text for a failure."""
    service, old, word = variables.get("service", ""), _old(variables), status_of(body)
    settled, was_busy = "settled" in variables, "was_busy" in variables
    if is_busy(body, service, old):
        return None
    if "deletes" in variables:
        return _is_deleted(word, service, reason(body), settled, was_busy)
    asked = variables.get("asked", "").casefold()
    if asked and asked == word.casefold():
        return True
    kept = json.loads(saved_state(body))
    unchanged = old is not None and kept == old and not was_busy
    side = next(
        (f"{name} {body[name]}" for name in SIDE_FIELDS if _went_wrong(body, old, name)), ""
    )
    if phase(word, service) is Phase.FAILED or side:
        if variables.get("may_fail") or (unchanged and settled):
            return True
        return None if unchanged else _failure(side or f"status {word}", body)
    if (odd := _misses(body, variables, old, was_busy)) is not None:
        return odd
    if was_busy or "creates" in variables or settled:
        return True
    return None if old is None or unchanged else True


def _is_deleted(
    word: str, service: str, why: str, settled: bool, was_busy: bool
) -> bool | str | None:
    plain = word.casefold()
    if plain in ("deleted", "delete_complete", "soft_deleted"):
        return True
    tail = f": {why}" if why else ""
    if phase(word, service) is Phase.FAILED and (was_busy or "delet" in plain or settled):
        return f"it could not be deleted, and is in status {word}{tail}"
    if was_busy or settled:
        return f"it was not deleted, and is in status {word or 'unknown'}{tail}"
    return None


def _went_wrong(body: Body, old: Mapping[str, Any] | None, name: str) -> bool:
    """Return True if a further field has turned to a failure since the request."""
    value = body.get(name)
    if not isinstance(value, str) or phase(value) is not Phase.FAILED:
        return False
    return old is not None and old.get(name) != value


def _misses(
    body: Body, variables: Variables, old: Mapping[str, Any] | None, was_busy: bool
) -> str | None:
    """Return the failure behind a final status that is not the requested one; None if none."""
    for field in TARGETS.values():
        goal = variables.get(f"goal_{field}")
        if goal and body.get(field) != goal:
            return _failure(f"{field} {body.get(field)} instead of {goal}", body)
    size = variables.get("new_size")
    if (
        size
        and "size" in body
        and str(body["size"]) != size
        and (was_busy or "settled" in variables)
    ):
        return _failure(f"status {status_of(body)} with the size {body['size']}", body)
    error = body.get("last_error")
    if old is None or not error or old.get("last_error") == error:
        return None
    if status_of(old) == status_of(body):
        return _failure(f"status {status_of(body)} again", body)
    return None


def _failure(what: str, body: Body) -> str:
    why = reason(body)
    return f"it went to {what}" + (f": {why}" if why else "")


def is_idle_yet(body: Body, variables: Variables) -> bool | None:
    """Return True if the resource is idle, None while it is not."""
    return None if is_busy(body, variables.get("service", "")) else True
