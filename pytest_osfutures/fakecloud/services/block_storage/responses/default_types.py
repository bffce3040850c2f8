"""Default volume types of projects, since 3.62."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.models.records import VolumeType
from pytest_osfutures.fakecloud.services.block_storage.responses import validation


def _project(call: BlockStorageCall, project: str, rule: str) -> str:
    validation.since(call, (3, 62))
    validation.admin_only(call, f"volume_extension:default_{rule}")
    if project not in call.model.projects.project_ids():
        raise ApiError(404, f"Project with id {project} not found.")
    return project


def _view(project: str, kind: VolumeType) -> dict[str, Any]:
    return {"project_id": project, "volume_type_id": kind.id}


def index(call: BlockStorageCall) -> Response:
    """List the projects that have a default type of their own."""
    validation.since(call, (3, 62))
    validation.admin_only(call, "volume_extension:default_get_all")
    types = call.model.default_types
    return Response(200, {"default_types": [_view(*row) for row in types.items()]})


def show(call: BlockStorageCall, project: str) -> Response:
    """Show the default type of a project."""
    kind = call.model.default_types.get(_project(call, project, "get"))
    if kind is None:
        raise ApiError(404, f"Default type for project {project} not found.")
    return Response(200, {"default_type": _view(project, kind)})


def change(call: BlockStorageCall, project: str) -> Response:
    """Set the default type of a project."""
    _project(call, project, "set_or_update")
    part, model = validation.envelope(call, "default_type"), call.model
    validation.required("default_type", part, "volume_type")
    kind = model.type_named(str(part["volume_type"]), call.context)
    model.default_types[project] = kind
    return Response(200, {"default_type": _view(project, kind)})


def delete(call: BlockStorageCall, project: str) -> Response:
    """Reset a project to the cloud's default type."""
    _project(call, project, "unset")
    call.model.default_types.pop(project, None)
    return Response(204)
