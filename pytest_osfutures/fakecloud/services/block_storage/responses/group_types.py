"""Group types and their specs, since 3.11."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.models.records import GroupType
from pytest_osfutures.fakecloud.services.block_storage.models.state import DEFAULT_GROUP_TYPE
from pytest_osfutures.fakecloud.services.block_storage.responses import validation
from pytest_osfutures.fakecloud.services.block_storage.responses.listing import page, with_links

SINCE = (3, 11)


def _find(call: BlockStorageCall, type_id: str) -> GroupType:
    validation.since(call, SINCE)
    found = call.model.group_types.get(type_id)
    if found is None or not (found.is_public or call.caller.is_admin):
        raise ApiError(404, f"Group type {type_id} could not be found.")
    return found


def _view(call: BlockStorageCall, kind: GroupType) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": kind.id,
        "name": kind.name,
        "description": kind.description,
        "is_public": kind.is_public,
    }
    if call.caller.is_admin:
        view["group_specs"] = dict(kind.group_specs)
    return view


def index(call: BlockStorageCall) -> Response:
    """List all group types."""
    validation.since(call, SINCE)
    kinds = call.model.group_types.values()
    rows = [kind for kind in kinds if kind.is_public or call.caller.is_admin]
    found, links = page(call, rows, "Group type")
    shown = [_view(call, kind) for kind in found]
    return Response(200, with_links("group_types", shown, "group_type_links", links))


def show(call: BlockStorageCall, type_id: str) -> Response:
    """Show one group type; `default` is the type of that name."""
    validation.since(call, SINCE)
    if type_id != "default":
        return Response(200, {"group_type": _view(call, _find(call, type_id))})
    for kind in call.model.group_types.values():
        if kind.name == DEFAULT_GROUP_TYPE:
            return Response(200, {"group_type": _view(call, kind)})
    raise ApiError(404, "Default group type can not be found.")


def create(call: BlockStorageCall) -> Response:
    """Create a group type."""
    validation.since(call, SINCE)
    validation.admin_only(call, "group:group_types:create")
    part, model = validation.envelope(call, "group_type"), call.model
    validation.required("group_type", part, "name")
    name = validation.text(part, "name") or ""
    if any(kind.name == name for kind in model.group_types.values()):
        raise ApiError(409, f"Group Type {name} already exists.")
    kind = GroupType(
        id=call.runtime.new_id(),
        name=name,
        description=validation.text(part, "description"),
        is_public=validation.flag(part, "is_public", default=True),
        group_specs=validation.strings(part, "group_specs"),
    )
    model.group_types[kind.id] = kind
    return Response(202, {"group_type": _view(call, kind)})


def update(call: BlockStorageCall, type_id: str) -> Response:
    """Change the name or the description of a group type."""
    validation.admin_only(call, "group:group_types:update")
    kind, part = _find(call, type_id), validation.envelope(call, "group_type")
    kind.name = validation.text(part, "name") or kind.name
    if "description" in part:
        kind.description = validation.text(part, "description")
    return Response(200, {"group_type": _view(call, kind)})


def delete(call: BlockStorageCall, type_id: str) -> Response:
    """Delete a group type without groups."""
    validation.admin_only(call, "group:group_types:delete")
    kind, model = _find(call, type_id), call.model
    if any(group.group_type is kind for group in model.groups):
        raise ApiError(
            400,
            f"Group Type {kind.id} deletion is not allowed with groups present with the type.",
        )
    del model.group_types[kind.id]
    return Response(202)


def show_specs(call: BlockStorageCall, type_id: str) -> Response:
    """List all specs."""
    validation.admin_only(call, "group:group_types_specs:get_all")
    return Response(200, {"group_specs": dict(_find(call, type_id).group_specs)})


def add_specs(call: BlockStorageCall, type_id: str) -> Response:
    """Add or change specs."""
    validation.admin_only(call, "group:group_types_specs:create")
    kind, given = _find(call, type_id), validation.metadata(call, "group_specs")
    kind.group_specs = {**kind.group_specs, **given}
    return Response(202, {"group_specs": given})


def _spec(kind: GroupType, key: str) -> str:
    if key not in kind.group_specs:
        raise ApiError(404, f"Group Type {kind.id} has no extra spec with key {key}.")
    return kind.group_specs[key]


def show_spec(call: BlockStorageCall, type_id: str, key: str) -> Response:
    """Show one spec."""
    validation.admin_only(call, "group:group_types_specs:get")
    return Response(200, {key: _spec(_find(call, type_id), key)})


def set_spec(call: BlockStorageCall, type_id: str, key: str) -> Response:
    """Add or change one spec."""
    validation.admin_only(call, "group:group_types_specs:update")
    kind, body = _find(call, type_id), call.json()
    if list(body) != [key]:
        raise ApiError(400, "Request body and URI mismatch")
    kind.group_specs = {**kind.group_specs, key: str(body[key])}
    return Response(200, {key: kind.group_specs[key]})


def delete_spec(call: BlockStorageCall, type_id: str, key: str) -> Response:
    """Delete one spec."""
    validation.admin_only(call, "group:group_types_specs:delete")
    kind = _find(call, type_id)
    _spec(kind, key)
    kind.group_specs = {k: v for k, v in kind.group_specs.items() if k != key}
    return Response(202)
