"""Server actions without a lifecycle: locks, state, security groups, console output."""

from __future__ import annotations

import re
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
)
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.models import console, guest
from pytest_osfutures.fakecloud.services.compute.models.server import ServerRecord
from pytest_osfutures.fakecloud.services.compute.models.work import check_lock
from pytest_osfutures.fakecloud.services.compute.responses import validation

ORPHANED = (
    "Unexpected API Error. Please contact the administrator\n"
    "<class 'oslo_versionedobjects.exception.OrphanedObjectError'>"
)


def _lock(call: ComputeCall, server: ServerRecord, arguments: Any) -> Response:
    if not server.placed:  # Nova cannot save a build request
        raise ApiError(500, ORPHANED)
    validation.typed("lock", arguments, validation.OBJECT_OR_NULL)
    validation.strict(arguments or {}, {"locked_reason": "string"})
    model = call.model
    if server.locked_by is None:
        server.locked_by = "admin" if call.caller.is_admin else "owner"
        if call.version >= (2, 73) and isinstance(arguments, dict):
            server.locked_reason = arguments.get("locked_reason")
    model.record(server, "lock", call.context, ("api_lock",)).finish(model.now())
    return Response(202)


def _unlock(call: ComputeCall, server: ServerRecord, _: Any) -> Response:
    if server.locked_by == "admin" and not call.caller.is_admin:
        validation.admin_only(call, "os_compute_api:os-lock-server:unlock:unlock_override")
    model = call.model
    server.locked_by = server.locked_reason = None
    model.record(server, "unlock", call.context, ("api_unlock",)).finish(model.now())
    return Response(202)


def _reset_state(call: ComputeCall, server: ServerRecord, arguments: Any) -> Response:
    validation.admin_only(call, "os_compute_api:os-admin-actions:reset_state")
    state = arguments.get("state") if isinstance(arguments, dict) else None
    if state not in ("active", "error"):
        raise validation.invalid("state", state, f"{state!r} is not one of ['active', 'error']")
    model = call.model
    model.record(server, "resetState", call.context).finish(model.now())
    server.activity = None
    server.vm_state, server.task_state = state, None
    server.touch()
    return Response(202)


def _group(arguments: Any) -> str:
    name = arguments.get("name") if isinstance(arguments, dict) else None
    if not isinstance(name, str) or not name:
        raise validation.invalid("name", name, f"{name!r} is not of type 'string'")
    return name


def _add_group(call: ComputeCall, server: ServerRecord, arguments: Any) -> Response:
    name = _group(arguments)
    model = call.model
    check_lock(server, "add_security_group", call.context)
    model.networks.security_groups(server.project_id, (name,))
    if name in server.security_groups:
        why = f"Duplicate items in the list: '{name}'."
        raise ApiError(400, f"Invalid input for security_groups. Reason: {why}")
    _set_groups(call, server, (*server.security_groups, name))
    return Response(202)


def _remove_group(call: ComputeCall, server: ServerRecord, arguments: Any) -> Response:
    name = _group(arguments)
    if name not in server.security_groups:
        raise ApiError(404, f"Security group {name} is not found for project {server.project_id}")
    _set_groups(call, server, tuple(one for one in server.security_groups if one != name))
    return Response(202)


def _set_groups(call: ComputeCall, server: ServerRecord, names: tuple[str, ...]) -> None:
    server.security_groups = names
    call.model.networks.set_security_groups(server.id, names)
    server.touch()


def _console_output(call: ComputeCall, server: ServerRecord, arguments: Any) -> Response:
    length = _console_length(arguments)
    if not server.placed or server.host is None:
        raise ApiError(409, f"Instance {server.id} is not ready")
    model = call.model
    ports = model.networks.ports_of(server.id)
    shown = console.GuestFacts(
        hostname=server.hostname,
        vcpus=server.flavor.vcpus,
        ram=server.flavor.ram,
        networks=[(port.mac_address, ip["ip_address"]) for port in ports for ip in port.fixed_ips],
        keys=guest.authorized_keys(server),
    )
    output = call.runtime.settings.console_output or console.text(
        server.boot, shown, call.runtime.schedule.now()
    )
    return Response(200, {"output": console.tail(output, length)})


def _console_length(arguments: Any) -> int | None:
    """Return the number of lines of a request for a console. Raises ApiError(400)."""
    validation.typed("os-getConsoleOutput", arguments, "object")
    validation.only("os-getConsoleOutput", arguments, ("length",))
    length = arguments.get("length")
    validation.typed("length", length, "integer string null")
    if isinstance(length, str) and re.fullmatch("-?[0-9]+", length) is None:
        raise validation.invalid("length", length, f"{length!r} does not match '^-?[0-9]+$'")
    if length is None:
        return None
    number = int(str(length)[:20])  # more digits are as unlimited, and Python refuses thousands
    if number < -1:
        raise validation.invalid("length", length, f"{number} is less than the minimum of -1")
    return number


def _no_network_change(call: ComputeCall, server: ServerRecord, _: Any) -> Response:
    """Return 202 without a change: networks here have no agents to reset or inject into."""
    rule = "inject_network_info" if "inject" in str(call.json()) else "reset_network"
    validation.admin_only(call, f"os_compute_api:os-admin-actions:{rule}")
    model = call.model
    model.record(server, rule, call.context).finish(model.now())
    return Response(202)


ACTIONS = {
    "lock": _lock,
    "unlock": _unlock,
    "os-resetState": _reset_state,
    "addSecurityGroup": _add_group,
    "removeSecurityGroup": _remove_group,
    "os-getConsoleOutput": _console_output,
    "injectNetworkInfo": _no_network_change,
    "resetNetwork": _no_network_change,
}
