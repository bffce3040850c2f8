"""Limits and quotas."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
    parse_integer,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.models import quotas
from pytest_osfutures.fakecloud.services.block_storage.responses import validation
from pytest_osfutures.fakecloud.services.block_storage.responses.listing import truth


def limits(call: BlockStorageCall) -> Response:
    """Show the limits and the usage of the caller's project."""
    model, project = call.model, call.caller.project_id
    if call.caller.is_admin and call.version >= (3, 39):
        project = call.request.param("project_id") or project
    used = quotas.used(model, project)
    names = {
        "maxTotalVolumes": "volumes",
        "maxTotalSnapshots": "snapshots",
        "maxTotalVolumeGigabytes": "gigabytes",
        "maxTotalBackups": "backups",
        "maxTotalBackupGigabytes": "backup_gigabytes",
    }
    absolute = {shown: quotas.limit(model, project, name) for shown, name in names.items()}
    absolute |= {
        "totalVolumesUsed": used["volumes"],
        "totalGigabytesUsed": used["gigabytes"],
        "totalSnapshotsUsed": used["snapshots"],
        "totalBackupsUsed": used["backups"],
        "totalBackupGigabytesUsed": used["backup_gigabytes"],
    }
    return Response(200, {"limits": {"rate": [], "absolute": absolute}})


def _quota_set(call: BlockStorageCall, project_id: str, usage: bool = False) -> Response:
    model = call.model
    used = quotas.used(model, project_id)
    values: dict[str, Any] = {}
    for name in quotas.names(model):
        limit = quotas.limit(model, project_id, name)
        values[name] = {"limit": limit, "in_use": used[name], "reserved": 0} if usage else limit
    return Response(200, {"quota_set": {**values, "id": project_id}})


def show_quotas(call: BlockStorageCall, target: str) -> Response:
    """Show the quotas of a project; with `usage` also the usage."""
    if target != call.caller.project_id:
        validation.admin_only(call, "volume_extension:quotas:show")
    return _quota_set(call, target, truth(call.request.param("usage")))


def default_quotas(call: BlockStorageCall, target: str) -> Response:
    """Show the default quotas."""
    model = call.model
    values = {name: quotas.limit(model, "", name) for name in quotas.names(model)}
    return Response(200, {"quota_set": {**values, "id": target}})


def change_quotas(call: BlockStorageCall, target: str) -> Response:
    """Change the quotas of a project."""
    validation.admin_only(call, "volume_extension:quotas:update")
    part, model = validation.envelope(call, "quota_set"), call.model
    given = {name: value for name, value in part.items() if name not in ("id", "tenant_id")}
    unknown = sorted(set(given) - set(quotas.names(model)))
    if unknown:
        raise ApiError(400, f"Invalid input received: Bad key(s) in quota set: {','.join(unknown)}")
    mine = {name: _limit(name, value) for name, value in given.items()}
    model.quotas[target] = model.quotas.get(target, {}) | mine
    shown = {name: quotas.limit(model, target, name) for name in quotas.names(model)}
    return Response(200, {"quota_set": shown})


def _limit(name: str, value: Any) -> int:
    limit = parse_integer(value)
    if limit is None:
        raise ApiError(400, f"{name} must be an integer")
    if limit < -1:
        raise ApiError(400, f"{name} must be >= -1")
    return limit


def reset_quotas(call: BlockStorageCall, target: str) -> Response:
    """Reset a project to the default quotas."""
    validation.admin_only(call, "volume_extension:quotas:delete")
    call.model.quotas.pop(target, None)
    return Response(200)


def show_class(call: BlockStorageCall, name: str) -> Response:
    """Show the default quotas as a quota class."""
    validation.admin_only(call, "volume_extension:quota_classes:get")
    model = call.model
    values: dict[str, Any] = {key: quotas.limit(model, "", key) for key in quotas.names(model)}
    return Response(200, {"quota_class_set": {**values, "id": name}})


def change_class(call: BlockStorageCall, name: str) -> Response:
    """Change the default quotas."""
    validation.admin_only(call, "volume_extension:quota_classes:update")
    part, model = validation.envelope(call, "quota_class_set"), call.model
    if name == "default":
        call.runtime.settings.quotas.update(
            {key: _limit(key, value) for key, value in part.items() if key != "class_name"}
        )
    values = {key: quotas.limit(model, "", key) for key in quotas.names(model)}
    return Response(200, {"quota_class_set": values})
