"""Consistency groups and cgsnapshots: the older API for groups of one type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
    iso_microseconds,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.models import groups
from pytest_osfutures.fakecloud.services.block_storage.models.records import (
    GroupRecord,
    GroupSnapshot,
)
from pytest_osfutures.fakecloud.services.block_storage.responses import validation
from pytest_osfutures.fakecloud.services.block_storage.responses.groups import change, copy_request
from pytest_osfutures.fakecloud.services.block_storage.responses.listing import (
    in_order,
    page,
    visible,
    with_links,
)


def _view(group: GroupRecord) -> dict[str, Any]:
    return {
        "id": group.id,
        "status": group.status,
        "availability_zone": group.zone,
        "created_at": iso_microseconds(group.created_at),
        "name": group.name,
        "description": group.description,
        "volume_types": [kind.id for kind in group.volume_types],
    }


def _snapshot_view(snapshot: GroupSnapshot) -> dict[str, Any]:
    return {
        "id": snapshot.id,
        "consistencygroup_id": snapshot.group_id,
        "status": snapshot.status,
        "created_at": iso_microseconds(snapshot.created_at),
        "name": snapshot.name,
        "description": snapshot.description,
    }


def _short(thing: GroupRecord | GroupSnapshot) -> dict[str, Any]:
    return {"id": thing.id, "name": thing.name}


def _find(call: BlockStorageCall, group_id: str) -> GroupRecord:
    model = call.model
    group = model.groups.get(group_id)
    if group is None or not group.group_type.for_consistency:
        raise ApiError(404, f"Group {group_id} could not be found.")
    return model.group(group_id, call.context)


def _find_snapshot(call: BlockStorageCall, snapshot_id: str) -> GroupSnapshot:
    return call.model.group_snapshot(snapshot_id, call.context)


def _list(call: BlockStorageCall, view: Callable[[GroupRecord], dict[str, Any]]) -> Response:
    rows = visible(call, call.model.groups)
    mine = [group for group in rows if group.group_type.for_consistency]
    groups, links = page(call, in_order(call, mine), "Group")
    shown = [view(group) for group in groups]
    return Response(200, with_links("consistencygroups", shown, "consistencygroup_links", links))


def index(call: BlockStorageCall) -> Response:
    """List consistency groups with few fields."""
    return _list(call, _short)


def detail(call: BlockStorageCall) -> Response:
    """List consistency groups with all fields."""
    return _list(call, _view)


def show(call: BlockStorageCall, group_id: str) -> Response:
    """Show one consistency group."""
    return Response(200, {"consistencygroup": _view(_find(call, group_id))})


def create(call: BlockStorageCall) -> Response:
    """Begin to create a consistency group."""
    part, context = validation.envelope(call, "consistencygroup"), call.context
    validation.required("consistencygroup", part, "volume_types")
    model = call.model
    kinds = filter(None, str(part["volume_types"]).split(","))
    request = groups.GroupRequest(
        name=validation.text(part, "name"),
        description=validation.text(part, "description"),
        group_type=model.consistency_type(),
        volume_types=[model.type_named(kind, context) for kind in kinds],
    )
    return _accepted(groups.create(model, request, context))


def _accepted(group: GroupRecord) -> Response:
    return Response(202, {"consistencygroup": _short(group)})


def create_from_source(call: BlockStorageCall) -> Response:
    """Begin to create a consistency group from a cgsnapshot or a consistency group."""
    part, context = validation.envelope(call, "consistencygroup-from-src"), call.context
    snapshot_id, source_id = part.get("cgsnapshot_id"), part.get("source_cgid")
    if bool(snapshot_id) == bool(source_id):
        raise ApiError(
            400,
            "Either 'cgsnapshot_id' or 'source_cgid' must be provided to create consistency group "
            f"{part.get('name')} from source.",
        )
    snapshot = _find_snapshot(call, str(snapshot_id)) if snapshot_id else None
    source = _find(call, snapshot.group_id if snapshot else str(source_id))
    request = copy_request(part, source, snapshot)
    return _accepted(groups.create(call.model, request, context))


def update(call: BlockStorageCall, group_id: str) -> Response:
    """Change the name or the description, or begin to add and remove volumes."""
    group, part = _find(call, group_id), validation.envelope(call, "consistencygroup")
    if not any(part.get(key) for key in ("name", "description", "add_volumes", "remove_volumes")):
        raise ApiError(
            400,
            "Name, description, add_volumes, and remove_volumes can not be all empty in the "
            "request body.",
        )
    change(call, group, part)
    return Response(202)


def delete(call: BlockStorageCall, group_id: str) -> Response:
    """Begin to delete a consistency group, with its volumes if `force`."""
    group, body = _find(call, group_id), call.json()
    part = validation.object_under(body, "consistencygroup") if "consistencygroup" in body else {}
    groups.delete(call.model, group, validation.flag(part, "force"))
    return Response(202)


def _snapshots(call: BlockStorageCall) -> list[GroupSnapshot]:
    rows = visible(call, call.model.group_snapshots)
    mine = [snapshot for snapshot in rows if snapshot.group_type.for_consistency]
    return page(call, in_order(call, mine), "GroupSnapshot")[0]


def index_snapshots(call: BlockStorageCall) -> Response:
    """List cgsnapshots with few fields."""
    return Response(200, {"cgsnapshots": [_short(row) for row in _snapshots(call)]})


def detail_snapshots(call: BlockStorageCall) -> Response:
    """List cgsnapshots with all fields."""
    return Response(200, {"cgsnapshots": [_snapshot_view(row) for row in _snapshots(call)]})


def show_snapshot(call: BlockStorageCall, snapshot_id: str) -> Response:
    """Show one cgsnapshot."""
    return Response(200, {"cgsnapshot": _snapshot_view(_find_snapshot(call, snapshot_id))})


def create_snapshot(call: BlockStorageCall) -> Response:
    """Begin to create a cgsnapshot."""
    part = validation.envelope(call, "cgsnapshot")
    validation.required("cgsnapshot", part, "consistencygroup_id")
    made = groups.create_snapshot(
        call.model,
        _find(call, str(part["consistencygroup_id"])),
        validation.text(part, "name"),
        validation.text(part, "description"),
        call.context,
    )
    return Response(202, {"cgsnapshot": _short(made)})


def delete_snapshot(call: BlockStorageCall, snapshot_id: str) -> Response:
    """Begin to delete a cgsnapshot."""
    groups.delete_snapshot(call.model, _find_snapshot(call, snapshot_id))
    return Response(202)
