"""Volume types and their extra specs."""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
    invalid,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.models.records import VolumeType
from pytest_osfutures.fakecloud.services.block_storage.responses import validation
from pytest_osfutures.fakecloud.services.block_storage.responses.listing import (
    mapping,
    page,
    truth,
    with_links,
)
from pytest_osfutures.fakecloud.services.block_storage.responses.views import type_view, user_specs


def _find(call: BlockStorageCall, type_id: str) -> VolumeType:
    found = call.model.types.get(type_id)
    if found is None or not found.seen_by(call.context):
        raise ApiError(404, f"Volume type {type_id} could not be found.")
    return found


def index(call: BlockStorageCall) -> Response:
    """List the volume types that the caller may use."""
    context = call.context
    public = call.request.param("is_public")
    specs = mapping(call.request.param("extra_specs") or "{}")
    rows = [
        kind
        for kind in call.model.types.values()
        if kind.seen_by(context)
        and (public in (None, "None", "none") or kind.is_public == truth(public))
        and specs.items() <= kind.extra_specs.items()
    ]
    found, links = page(call, rows, "Volume type")
    shown = [type_view(call, kind) for kind in found]
    return Response(200, with_links("volume_types", shown, "volume_type_links", links))


def show(call: BlockStorageCall, type_id: str) -> Response:
    """Show one volume type; `default` is the project's default type."""
    model = call.model
    if type_id == "default":
        view = type_view(call, model.default_type(call.caller.project_id), access=False)
    else:
        view = type_view(call, _find(call, type_id))
    return Response(200, {"volume_type": view})


def create(call: BlockStorageCall) -> Response:
    """Create a volume type."""
    validation.admin_only(call, "volume_extension:type_create")
    part, model = validation.envelope(call, "volume_type"), call.model
    validation.required("volume_type", part, "name")
    name = validation.text(part, "name") or ""
    if not name:
        raise invalid("name", name, f"{name!r} should be non-empty")
    if not name.strip():
        why = "An invalid 'name' value was provided. The 'name' can not be empty."
        raise ApiError(400, why)
    if any(kind.name == name for kind in model.types.values()):
        raise ApiError(409, f"Volume Type {name} already exists.")
    kind = VolumeType(
        id=call.runtime.new_id(),
        name=name,
        description=validation.text(part, "description"),
        is_public=validation.flag(part, "os-volume-type-access:is_public", default=True),
        extra_specs=validation.strings(part, "extra_specs"),
        created_at=model.now(),
    )
    model.types[kind.id] = kind
    return Response(200, {"volume_type": type_view(call, kind, qos=False)})


def update(call: BlockStorageCall, type_id: str) -> Response:
    """Change the name, the description or the access of a volume type."""
    validation.admin_only(call, "volume_extension:type_update")
    kind, part = _find(call, type_id), validation.envelope(call, "volume_type")
    kind.name = validation.text(part, "name") or kind.name
    if "description" in part:
        kind.description = validation.text(part, "description")
    kind.is_public = validation.flag(part, "is_public", default=kind.is_public)
    return Response(200, {"volume_type": type_view(call, kind, qos=False, access=False)})


def delete(call: BlockStorageCall, type_id: str) -> Response:
    """Delete a volume type without volumes."""
    validation.admin_only(call, "volume_extension:type_delete")
    kind, model = _find(call, type_id), call.model
    if any(volume.volume_type is kind for volume in model.volumes):
        raise ApiError(400, "Target volume type is still in use.")
    if kind is model.default_type() or kind in model.default_types.values():
        raise ApiError(
            400,
            f"The volume type {kind.id} is a default volume type and cannot be deleted.",
        )
    del model.types[kind.id]
    return Response(202)


def show_specs(call: BlockStorageCall, type_id: str) -> Response:
    """List all extra specs."""
    return Response(200, {"extra_specs": user_specs(call, _find(call, type_id))})


def add_specs(call: BlockStorageCall, type_id: str) -> Response:
    """Add or change extra specs."""
    validation.admin_only(call, "volume_extension:types_extra_specs:create")
    kind, given = _find(call, type_id), validation.metadata(call, "extra_specs")
    kind.extra_specs = {**kind.extra_specs, **given}
    return Response(200, {"extra_specs": given})


def _spec(kind: VolumeType, key: str) -> str:
    if key not in kind.extra_specs:
        raise ApiError(404, f"Volume Type {kind.id} has no extra specs with key {key}.")
    return kind.extra_specs[key]


def show_spec(call: BlockStorageCall, type_id: str, key: str) -> Response:
    """Show one extra spec."""
    return Response(200, {key: _spec(_find(call, type_id), key)})


def set_spec(call: BlockStorageCall, type_id: str, key: str) -> Response:
    """Add or change one extra spec."""
    validation.admin_only(call, "volume_extension:types_extra_specs:update")
    kind, body = _find(call, type_id), call.json()
    if list(body) != [key]:
        raise ApiError(400, "Request body and URI mismatch")
    kind.extra_specs = {**kind.extra_specs, key: str(body[key])}
    return Response(200, {key: kind.extra_specs[key]})


def delete_spec(call: BlockStorageCall, type_id: str, key: str) -> Response:
    """Delete one extra spec."""
    validation.admin_only(call, "volume_extension:types_extra_specs:delete")
    kind = _find(call, type_id)
    _spec(kind, key)
    kind.extra_specs = {k: v for k, v in kind.extra_specs.items() if k != key}
    return Response(202, None, {"Content-Type": "application/json"})


def show_access(call: BlockStorageCall, type_id: str) -> Response:
    """List the projects that may use a private volume type."""
    validation.admin_only(call, "volume_extension:volume_type_access:get_all_for_type")
    kind = _find(call, type_id)
    if kind.is_public:
        raise ApiError(404, "Access list not available for public volume types.")
    rows = [{"volume_type_id": kind.id, "project_id": project} for project in kind.projects]
    return Response(200, {"volume_type_access": rows})


def act(call: BlockStorageCall, type_id: str) -> Response:
    """Run `addProjectAccess` or `removeProjectAccess`."""
    kind, body = _find(call, type_id), call.json()
    action = next(iter(body), "")
    if action not in ("addProjectAccess", "removeProjectAccess"):
        raise ApiError(400, f"There is no such action: {action}.")
    validation.admin_only(call, f"volume_extension:volume_type_access:{action}")
    project = str(validation.object_under(body, action).get("project"))
    if kind.is_public:
        raise ApiError(
            400,
            "Invalid volume type: Type access modification is not applicable to public volume "
            "type.",
        )
    if action == "removeProjectAccess" and project not in kind.projects:
        why = f"Volume type access not found for {kind.id} / {project} combination."
        raise ApiError(404, why)
    if action == "addProjectAccess" and project in kind.projects:
        why = f"Volume type access for {kind.id} / {project} combination already exists."
        raise ApiError(409, why)
    others = tuple(other for other in kind.projects if other != project)
    kind.projects = (*others, project) if action == "addProjectAccess" else others
    return Response(202)


def show_encryption(call: BlockStorageCall, type_id: str) -> Response:
    """Show the encryption of a volume type: none."""
    validation.admin_only(call, "volume_extension:volume_type_encryption:get")
    _find(call, type_id)
    return Response(200, {})
