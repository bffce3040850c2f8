"""Deletion of servers: at once, through `deleting` and DELETED, or soft with restore."""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel import (
    Fault,
    RequestContext,
    start_lifecycle,
)
from pytest_osfutures.fakecloud.services.compute.models import attaching, guest
from pytest_osfutures.fakecloud.services.compute.models.operations import DELETE, SOFT_DELETE
from pytest_osfutures.fakecloud.services.compute.models.power import NOSTATE
from pytest_osfutures.fakecloud.services.compute.models.server import ServerRecord
from pytest_osfutures.fakecloud.services.compute.models.state import ComputeModel
from pytest_osfutures.fakecloud.services.compute.models.work import check_lock, reason


def delete(
    model: ComputeModel, server: ServerRecord, context: RequestContext, force: bool = False
) -> None:
    """Begin to delete the server; the deletion of a server in `deleting` just continues.

    Raises ApiError(409).
    """
    check_lock(server, "delete", context)
    if server.task_state in ("deleting", "soft-deleting") or server.vm_state == "deleted":
        return
    if not server.placed:
        _free(model, server)
        model.servers.forget(server)
        return
    action = model.record(server, "delete", context)
    soft = model.runtime.settings.soft_delete and not force and server.launched_at is not None
    soft = soft and server.vm_state != "soft-delete"

    def done() -> None:
        if soft:
            server.task_state = None
            server.vm_state = "soft-delete"
            guest.halt(model, server)
            server.touch()
        else:
            gone(model, server)
        action.finish(model.now())

    def failed(fault: Fault) -> None:
        server.task_state = None
        if fault.effect == "error":
            model.fail(server, reason(fault))
        server.touch()
        action.finish(model.now(), reason(fault))

    if server.host is None or not model.reaches(server):  # nova-api deletes such a server itself
        server.activity = None
        gone(model, server, at_once=True)
        return
    event = "compute_soft_delete_instance" if soft else "compute_terminate_instance"
    action.begin(event, model.now(), server.host)
    start_lifecycle(model.runtime, SOFT_DELETE if soft else DELETE, server, done, failed)


def gone(model: ComputeModel, server: ServerRecord, at_once: bool = False) -> None:
    """Release all resources of the server and show it as DELETED for a moment.

    Afterwards only lists with `changes-since` show the server.
    """
    _free(model, server)
    for action in server.actions:
        if action.action == "create":
            action.finish(model.now())
        elif action.action != "delete" and any(e.finish_time is None for e in action.events):
            action.finish(model.now(), "UnexpectedDeletingTaskStateError")
    server.task_state = None
    server.vm_state = "deleted"
    server.power_state = NOSTATE
    guest.halt(model, server)
    server.terminated_at = model.now()
    server.touch()
    seconds = 0.0 if at_once else model.runtime.settings.deleted_seconds
    if seconds:
        model.runtime.schedule.after(seconds, lambda: model.servers.remove(server))
    else:
        model.servers.remove(server)


def _free(model: ComputeModel, server: ServerRecord) -> None:
    for port in model.networks.ports_of(server.id):
        model.networks.release_port(port.id)
    attaching.let_go(model, server)
    for group in model.server_groups:
        if server.id in group.members:
            group.members = tuple(member for member in group.members if member != server.id)
