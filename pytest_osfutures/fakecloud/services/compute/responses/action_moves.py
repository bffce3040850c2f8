"""Server actions between hosts: resize, migrate, live-migrate, evacuate, shelve."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
)
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.models import moving, shelving
from pytest_osfutures.fakecloud.services.compute.models.hosts import ZONE
from pytest_osfutures.fakecloud.services.compute.models.server import ServerRecord
from pytest_osfutures.fakecloud.services.compute.responses import validation

POLICY = "os_compute_api:"
TEXTS = {
    **dict.fromkeys(("host", "availability_zone"), validation.TEXT_OR_NULL),
    "adminPass": "string",
}


def _resize(call: ComputeCall, server: ServerRecord, arguments: Any) -> Response:
    validation.typed("resize", arguments, "object")
    validation.required("resize", arguments, "flavorRef")
    validation.strict(arguments, {"flavorRef": "string integer"})
    validation.one_of(arguments, "OS-DCF:diskConfig", ["AUTO", "MANUAL"])
    model = call.model
    flavor = model.flavor(arguments["flavorRef"], status=400, context=call.context)
    moving.resize(model, server, call.context, flavor)
    server.disk_config = arguments.get("OS-DCF:diskConfig", server.disk_config)
    return Response(202)


def _texts(name: str, arguments: Any) -> dict[str, Any]:
    """Return the action's arguments, {} by default. Raises ApiError(400) for a wrong type."""
    validation.typed(name, arguments, validation.OBJECT_OR_NULL)
    given: dict[str, Any] = arguments or {}
    validation.strict(given, TEXTS)
    return given


def _migrate(call: ComputeCall, server: ServerRecord, arguments: Any) -> Response:
    validation.admin_only(call, POLICY + "os-migrate-server:migrate")
    target = _texts("migrate", arguments).get("host")
    if target is not None and call.version < (2, 56):
        raise ApiError(400, "Additional properties are not allowed ('host' was unexpected)")
    moving.migrate(call.model, server, call.context, target)
    return Response(202)


def _confirm(call: ComputeCall, server: ServerRecord, _: Any) -> Response:
    moving.confirm_resize(call.model, server, call.context)
    return Response(204)


def _revert(call: ComputeCall, server: ServerRecord, _: Any) -> Response:
    moving.revert_resize(call.model, server, call.context)
    return Response(202)


def _live_migrate(call: ComputeCall, server: ServerRecord, arguments: Any) -> Response:
    validation.admin_only(call, POLICY + "os-migrate-server:migrate_live")
    validation.typed("os-migrateLive", arguments, "object")
    validation.required("os-migrateLive", arguments, "host", "block_migration")
    kind = validation.FLAG
    validation.strict(arguments, {"block_migration": kind, "disk_over_commit": kind, "force": kind})
    target = _texts("os-migrateLive", arguments)["host"]
    moving.live_migrate(call.model, server, call.context, target)
    return Response(202)


def _evacuate(call: ComputeCall, server: ServerRecord, arguments: Any) -> Response:
    validation.admin_only(call, POLICY + "os-evacuate")
    given = _texts("evacuate", arguments)
    moving.evacuate(
        call.model,
        server,
        call.context,
        given.get("host"),
        stop=call.version >= (2, 95),
    )
    if call.version >= (2, 14):
        return Response(200)
    password = given.get("adminPass") or call.runtime.new_id().replace("-", "")[:12]
    return Response(200, {"adminPass": password})


def _shelve(call: ComputeCall, server: ServerRecord, _: Any) -> Response:
    shelving.shelve(call.model, server, call.context)
    return Response(202)


def _shelve_offload(call: ComputeCall, server: ServerRecord, _: Any) -> Response:
    validation.admin_only(call, POLICY + "os-shelve:shelve_offload")
    shelving.shelve_offload(call.model, server, call.context)
    return Response(202)


def _unshelve(call: ComputeCall, server: ServerRecord, arguments: Any) -> Response:
    given = _texts("unshelve", arguments)
    zone, target = given.get("availability_zone"), given.get("host")
    if zone is not None and zone != ZONE:
        raise ApiError(400, "The requested availability zone is not available")
    if target is not None:
        validation.admin_only(call, POLICY + "os-shelve:unshelve_to_host")
        if target not in call.model.hosts:
            raise ApiError(400, f"Compute host {target} could not be found.")
    shelving.unshelve(call.model, server, call.context, target)
    return Response(202)


ACTIONS = {
    "resize": _resize,
    "migrate": _migrate,
    "confirmResize": _confirm,
    "revertResize": _revert,
    "os-migrateLive": _live_migrate,
    "evacuate": _evacuate,
    "shelve": _shelve,
    "shelveOffload": _shelve_offload,
    "unshelve": _unshelve,
}
