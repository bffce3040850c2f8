"""The beginning, the end and the failure of operations on servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Fault,
    RequestContext,
    start_lifecycle,
)
from pytest_osfutures.fakecloud.services.compute.models import guest
from pytest_osfutures.fakecloud.services.compute.models.operations import ServerOperation
from pytest_osfutures.fakecloud.services.compute.models.records import InstanceAction
from pytest_osfutures.fakecloud.services.compute.models.server import ServerRecord
from pytest_osfutures.fakecloud.services.compute.models.state import ComputeModel

#: operations that call the host directly: without a host, Nova answers "not ready"
NEEDS_HOST = ("start", "stop", "trigger_crash_dump")
#: operations that do not change the server, so a lock does not forbid them
IGNORES_LOCK = ("createImage", "createBackup")


def check(
    server: ServerRecord,
    record: str,
    context: RequestContext,
    vm_states: tuple[str, ...],
    tasks: tuple[str | None, ...] | None = (None,),
) -> None:
    """Raise ApiError unless the server's states allow the operation; `tasks` None allows all."""
    if record in NEEDS_HOST and not server.placed:
        raise ApiError(404, f"Instance {server.id} could not be found.")
    check_lock(server, record, context)
    if record in NEEDS_HOST and server.host is None:
        raise ApiError(409, f"Instance {server.id} is not ready")
    busy_with: str | None = None
    if server.vm_state not in vm_states:
        busy_with = f"vm_state {server.vm_state}"
    elif tasks is not None and server.task_state not in tasks:
        busy_with = f"task_state {server.task_state}"
    if busy_with:
        raise ApiError(409, f"Cannot '{record}' instance {server.id} while it is in {busy_with}")


def check_lock(server: ServerRecord, record: str, context: RequestContext) -> None:
    """Raise ApiError if the server is locked and the caller is no administrator."""
    if server.locked_by is None or context.is_admin or record in IGNORES_LOCK:
        return
    if record in ("changePassword", "restore"):
        raise ApiError(409, f"Instance {server.id} is in an invalid state for '{record}'")
    raise ApiError(409, f"Instance {server.id} is locked")


def reason(fault: Fault) -> str:
    """Return the message of an operation that a fault rule has failed."""
    return fault.message or "The fake cloud was told to let this fail."


@dataclass(frozen=True)
class Callbacks:
    """The callbacks of one operation on a server."""

    done: Callable[[], None] = lambda: None  #: after success
    undone: Callable[[], None] = lambda: None  #: after a failure
    #: on entering the lifecycle's steps with these event names
    events: Mapping[str, Callable[[], None]] = field(default_factory=dict)


def begin(
    model: ComputeModel,
    server: ServerRecord,
    operation: ServerOperation,
    context: RequestContext,
    callbacks: Callbacks = Callbacks(),
) -> InstanceAction:
    """Check the server's states, record the instance action and begin the operation.

    On success the fields of `operation.to` are set and `callbacks.done` runs. On failure
    `callbacks.undone` runs, and the server keeps its vm_state or goes to ERROR, as the fault rule
    says. Raises ApiError if a state or the lock forbids the operation.
    """
    check(server, operation.record, context, operation.vm_states, operation.tasks)
    action = model.record(server, operation.record, context, operation.events[: operation.begun])
    power_state = server.power_state

    def success() -> None:
        server.task_state = None
        for name, value in operation.to.items():
            setattr(server, name, value)
        callbacks.done()
        guest.follow(model, server, power_state, operation.boots)
        server.touch()
        action.finish(model.now())
        for event in operation.events[operation.begun :]:
            action.begin(event, model.now(), server.host)
        action.finish(model.now())

    def failure(fault: Fault) -> None:
        server.task_state = None
        server.power_state = power_state
        callbacks.undone()
        if fault.effect == "error":
            model.fail(server, reason(fault))
        server.touch()
        action.finish(model.now(), reason(fault))

    if operation.record != "evacuate" and not model.reaches(server):
        _wait_for_ever(server, operation)
    else:
        lifecycle = operation.lifecycle.on(**callbacks.events)
        start_lifecycle(model.runtime, lifecycle, server, success, failure)
    return action


def _wait_for_ever(server: ServerRecord, operation: ServerOperation) -> None:
    """Enter the first step only: the host is down, so nobody reads its message queue."""
    server.activity = None
    for name, value in operation.lifecycle.steps[0].changes.items():
        setattr(server, name, value)
    server.touch()


def give_up(model: ComputeModel, server: ServerRecord, action: InstanceAction, why: str) -> None:
    """End the operation early: the server returns to its old state, the action fails."""
    server.activity = None
    server.task_state = None
    server.touch()
    action.finish(model.now(), why)
