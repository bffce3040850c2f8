"""POST /servers/{id}/action: the single key of the body names the action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
)
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.models import deleting, operations, work
from pytest_osfutures.fakecloud.services.compute.models.operations import ServerOperation
from pytest_osfutures.fakecloud.services.compute.models.server import ServerRecord
from pytest_osfutures.fakecloud.services.compute.responses import (
    action_access,
    action_images,
    action_moves,
    validation,
)
from pytest_osfutures.fakecloud.services.compute.responses.servers import find

Act = Callable[[ComputeCall, ServerRecord, Any], Response]


def _simple(
    operation: ServerOperation, since: tuple[int, int] = (2, 1), rule: str | None = None
) -> Act:
    """Return the handler of an action that only begins one operation."""

    def act(call: ComputeCall, server: ServerRecord, _: Any) -> Response:
        if call.version < since:
            raise ApiError(400, f"There is no such action: {operation.record}")
        if rule is not None:
            validation.admin_only(call, rule)
        work.begin(call.model, server, operation, call.context)
        return Response(202)

    return act


def _reboot(call: ComputeCall, server: ServerRecord, arguments: Any) -> Response:
    kind = arguments.get("type") if isinstance(arguments, dict) else None
    if not isinstance(kind, str) or kind.upper() not in ("SOFT", "HARD"):
        allowed = "['HARD', 'Hard', 'hard', 'SOFT', 'Soft', 'soft']"
        raise validation.invalid("type", kind, f"{kind!r} is not one of {allowed}")
    hard = kind.upper() == "HARD"
    operation = operations.HARD_REBOOT if hard else operations.SOFT_REBOOT
    work.begin(call.model, server, operation, call.context)
    return Response(202)


def _change_password(call: ComputeCall, server: ServerRecord, arguments: Any) -> Response:
    if not isinstance(arguments, dict) or not isinstance(arguments.get("adminPass"), str):
        raise ApiError(400, "No adminPass was specified")
    password = arguments["adminPass"]

    def done() -> None:
        server.admin_pass = password

    callbacks = work.Callbacks(done)
    work.begin(call.model, server, operations.CHANGE_PASSWORD, call.context, callbacks)
    return Response(202)


def _force_delete(call: ComputeCall, server: ServerRecord, _: Any) -> Response:
    deleting.delete(call.model, server, call.context, force=True)
    return Response(202)


# Actions that later microversions removed, most of them proxies for Neutron.
GONE = {
    *("addFloatingIp", "removeFloatingIp", "addFixedIp", "removeFixedIp"),
    *("os-getVNCConsole", "os-getSPICEConsole", "os-getRDPConsole", "os-getSerialConsole"),
}
ACTIONS: Mapping[str, Act] = {
    "os-start": _simple(operations.START),
    "os-stop": _simple(operations.STOP),
    "reboot": _reboot,
    "pause": _simple(operations.PAUSE),
    "unpause": _simple(operations.UNPAUSE),
    "suspend": _simple(operations.SUSPEND),
    "resume": _simple(operations.RESUME),
    "unrescue": _simple(operations.UNRESCUE),
    "trigger_crash_dump": _simple(operations.CRASH_DUMP, since=(2, 17)),
    "changePassword": _change_password,
    "forceDelete": _force_delete,
    "restore": _simple(operations.RESTORE),
    **action_images.ACTIONS,
    **action_moves.ACTIONS,
    **action_access.ACTIONS,
}


def act(call: ComputeCall, server_id: str) -> Response:
    """Run the action that the body names."""
    body = call.json()
    if len(body) != 1:
        raise ApiError(400, "Malformed request body" if body else "No action specified")
    ((name, arguments),) = body.items()
    if name in GONE:
        raise ApiError(404, "The resource could not be found.")
    if name not in ACTIONS:
        raise ApiError(400, f"There is no such action: {name}")
    server = find(call, server_id) if name not in NEEDS_ROW else _placed(call, server_id)
    return ACTIONS[name](call, server, arguments)


NEEDS_ROW = ("os-start", "os-stop")


def _placed(call: ComputeCall, server_id: str) -> ServerRecord:
    """Return the server, also a deleted one: Nova looks up the server's cell first."""
    servers = call.model.servers
    if servers.get(server_id) is None and servers.gone(server_id) is None:
        raise ApiError(404, f"Instance {server_id} has no mapping to a cell.")
    return find(call, server_id)
