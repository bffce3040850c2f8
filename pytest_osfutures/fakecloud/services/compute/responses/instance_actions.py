"""Instance actions: /servers/{id}/os-instance-actions."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
    iso_microseconds,
    parse_date,
)
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.models.hosts import host_id
from pytest_osfutures.fakecloud.services.compute.models.records import ActionEvent, InstanceAction
from pytest_osfutures.fakecloud.services.compute.models.server import ServerRecord
from pytest_osfutures.fakecloud.services.compute.responses.listing import page_of


def _server(call: ComputeCall, server_id: str) -> ServerRecord:
    """Return the server; since 2.21 also a deleted one. Raises ApiError(404)."""
    table = call.model.servers
    server = table.get(server_id)
    if server is None and call.version >= (2, 21):
        server = table.gone(server_id)
    if server is None or not (call.caller.is_admin or server.project_id == call.caller.project_id):
        raise ApiError(404, f"Instance {server_id} could not be found.")
    return server


def _view(call: ComputeCall, server: ServerRecord, action: InstanceAction) -> dict[str, Any]:
    shown = {
        "action": action.action,
        "instance_uuid": server.id,
        "request_id": action.context.request_id,
        "user_id": action.context.user_id,
        "project_id": action.context.project_id,
        "start_time": iso_microseconds(action.start_time),
        "message": action.message,
    }
    if call.version >= (2, 58):
        shown["updated_at"] = iso_microseconds(action.updated_at)
    return shown


def _event_view(call: ComputeCall, server: ServerRecord, event: ActionEvent) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "event": event.event,
        "start_time": iso_microseconds(event.start_time),
        "finish_time": iso_microseconds(event.finish_time),
        "result": event.result,
    }
    if call.caller.is_admin:
        shown["traceback"] = event.traceback
    if call.version >= (2, 62):
        if call.caller.is_admin:
            shown["host"] = event.host
        shown["hostId"] = host_id(event.host, server.project_id)
    if call.version >= (2, 84) and call.caller.is_admin:
        shown["details"] = event.details
    return shown


def list_actions(call: ComputeCall, server_id: str) -> Response:
    """List all instance actions, the newest first."""
    server = _server(call, server_id)
    actions = list(reversed(server.actions))
    links: list[dict[str, str]] = []
    if call.version >= (2, 58):
        path = f"servers/{server_id}/os-instance-actions"
        found = _within(call, actions)
        actions, links = page_of(call, path, found, lambda one: one.context.request_id)
    body: dict[str, Any] = {"instanceActions": [_view(call, server, one) for one in actions]}
    return Response(200, body | ({"links": links} if links else {}))


def _within(call: ComputeCall, actions: list[InstanceAction]) -> list[InstanceAction]:
    try:
        if since := call.request.param("changes-since"):
            actions = [one for one in actions if int(one.updated_at) >= parse_date(since)]
        if (before := call.request.param("changes-before")) and call.version >= (2, 66):
            actions = [one for one in actions if int(one.updated_at) <= parse_date(before)]
    except ValueError as error:
        raise ApiError(400, f"Invalid input for query parameters: {error}") from None
    return actions


def show_action(call: ComputeCall, server_id: str, request_id: str) -> Response:
    """Show one instance action; since 2.51 the owner also sees its events, newest first."""
    server = _server(call, server_id)
    action = next((a for a in server.actions if a.context.request_id == request_id), None)
    if action is None:
        raise ApiError(404, f"Action {request_id} not found")
    shown = _view(call, server, action)
    if call.caller.is_admin or call.version >= (2, 51):
        events = reversed(action.events)
        shown["events"] = [_event_view(call, server, event) for event in events]
    return Response(200, {"instanceAction": shown})
