"""Groups, since 3.13, and group snapshots, since 3.14."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
    iso_microseconds,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.models import groups, replication
from pytest_osfutures.fakecloud.services.block_storage.models.records import (
    GroupRecord,
    GroupSnapshot,
    GroupType,
    VolumeRecord,
)
from pytest_osfutures.fakecloud.services.block_storage.responses import validation
from pytest_osfutures.fakecloud.services.block_storage.responses.listing import (
    listed,
    truth,
    visible,
)
from pytest_osfutures.fakecloud.services.block_storage.responses.validation import ActionBody

SINCE, SNAPSHOTS_SINCE, REPLICATION_SINCE = (3, 13), (3, 14), (3, 38)
STATUSES = ("error", "available", "creating", "deleting", "deleted", "updating", "in-use",
            "error_deleting")  # fmt: skip
SNAPSHOT_STATUSES = ("error", "available", "creating", "deleting", "deleted", "updating",
                     "error_deleting")  # fmt: skip
REPLICATION = {
    "enable_replication": replication.ENABLE,
    "disable_replication": replication.DISABLE,
    "failover_replication": replication.FAIL_OVER,
}
ACTIONS = ("delete", "reset_status", "list_replication_targets", *REPLICATION)


def _view(call: BlockStorageCall, group: GroupRecord) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": group.id,
        "status": group.status,
        "availability_zone": group.zone,
        "created_at": iso_microseconds(group.created_at),
        "name": group.name,
        "description": group.description,
        "group_type": group.group_type.id,
        "volume_types": [kind.id for kind in group.volume_types],
    }
    if call.version >= SNAPSHOTS_SINCE:
        view["group_snapshot_id"] = group.group_snapshot_id
        view["source_group_id"] = group.source_group_id
    if call.version >= (3, 25) and truth(call.request.param("list_volume")):
        inside = groups.members(call.model, group.id)
        view["volumes"] = [volume.id for volume in inside]
    if call.version >= REPLICATION_SINCE:
        view["replication_status"] = group.replication_status
    if call.version >= (3, 58) and call.caller.is_admin:
        view["project_id"] = group.project_id
    return view


def _find(call: BlockStorageCall, group_id: str) -> GroupRecord:
    validation.since(call, SINCE)
    return call.model.group(group_id, call.context)


def show(call: BlockStorageCall, group_id: str) -> Response:
    """Show one group."""
    return Response(200, {"group": _view(call, _find(call, group_id))})


def _list(call: BlockStorageCall, detail: bool) -> Response:
    validation.since(call, SINCE)

    def full(group: GroupRecord) -> dict[str, Any]:
        return _view(call, group)

    def short(group: GroupRecord) -> dict[str, Any]:
        return {"id": group.id, "name": group.name}

    wanted = truth(call.request.param("list_volume"))
    rows = visible(call, call.model.groups)
    shown = full if detail or wanted else short
    return Response(200, listed(call, rows, ("group", "Group"), full, shown))


def index(call: BlockStorageCall) -> Response:
    """List groups with few fields."""
    return _list(call, detail=False)


def detail(call: BlockStorageCall) -> Response:
    """List groups with all fields."""
    return _list(call, detail=True)


def _group_type(call: BlockStorageCall, wanted: str) -> GroupType:
    for kind in call.model.group_types.values():
        if wanted in (kind.id, kind.name):
            return kind
    raise ApiError(404, f"Group type with name {wanted} could not be found.")


def create(call: BlockStorageCall) -> Response:
    """Begin to create a group."""
    validation.since(call, SINCE)
    part, context = validation.envelope(call, "group"), call.context
    validation.required("group", part, "group_type", "volume_types")
    model = call.model
    kinds = part["volume_types"]
    if not isinstance(kinds, list) or not kinds:
        raise validation.invalid("volume_types", kinds, f"{kinds!r} should be non-empty")
    request = groups.GroupRequest(
        name=validation.text(part, "name"),
        description=validation.text(part, "description"),
        group_type=_group_type(call, str(part["group_type"])),
        volume_types=[model.type_named(str(kind), context) for kind in kinds],
    )
    group = groups.create(model, request, context)
    return Response(202, {"group": {"id": group.id, "name": group.name}})


def create_from_source(call: BlockStorageCall) -> Response:
    """Begin to create a group from a group snapshot or a group."""
    validation.since(call, SNAPSHOTS_SINCE)
    part, context = ActionBody.of(call, ("create-from-src",)).part(), call.context
    model = call.model
    snapshot_id, source_id = part.get("group_snapshot_id"), part.get("source_group_id")
    if bool(snapshot_id) == bool(source_id):
        raise validation.invalid(
            "create-from-src", part, f"{part} is not valid under any of the given schemas"
        )
    snapshot = model.group_snapshot(str(snapshot_id), context) if snapshot_id else None
    source = model.group(snapshot.group_id if snapshot else str(source_id), context)
    request = copy_request(part, source, snapshot)
    group = groups.create(model, request, context)
    return Response(202, {"group": {"id": group.id, "name": group.name}})


def copy_request(
    part: dict[str, Any], source: GroupRecord, snapshot: GroupSnapshot | None
) -> groups.GroupRequest:
    """Return the request for a copy of `source`, or of its group snapshot if there is one."""
    return groups.GroupRequest(
        name=validation.text(part, "name"),
        description=validation.text(part, "description"),
        group_type=source.group_type,
        volume_types=source.volume_types,
        group_snapshot=snapshot,
        source=None if snapshot else source,
    )


def update(call: BlockStorageCall, group_id: str) -> Response:
    """Change the name or the description, or begin to add and remove volumes."""
    group, part = _find(call, group_id), validation.envelope(call, "group")
    if not part:
        raise validation.invalid("group", part, "{} is not valid under any of the given schemas")
    change(call, group, part)
    return Response(202)


def change(call: BlockStorageCall, group: GroupRecord, part: dict[str, Any]) -> None:
    """Apply the fields of an update. Raises ApiError(400) if there are none."""
    validation.texts(part, "name", "description", "add_volumes", "remove_volumes")
    wanted = volumes_of(call, group, part, "add_volumes")
    add = [volume for volume in wanted if volume.group_id != group.id]
    remove = volumes_of(call, group, part, "remove_volumes")
    values = {key: validation.text(part, key) for key in ("name", "description") if part.get(key)}
    changed = {key: value for key, value in values.items() if value != getattr(group, key)}
    if not (add or remove or changed):
        raise groups.invalid(
            f"Cannot update group {group.id} because no valid name, description, add_volumes, or "
            "remove_volumes were provided."
        )
    if add or remove:
        groups.update(call.model, group, add, remove)
    for key, value in changed.items():
        setattr(group, key, value)


def volumes_of(
    call: BlockStorageCall, group: GroupRecord, part: dict[str, Any], key: str
) -> list[VolumeRecord]:
    """Return the volumes that `key` lists, separated by commas. Raises ApiError(400)."""
    model, found = call.model, []
    for volume_id in filter(None, (validation.text(part, key, longest=65535) or "").split(",")):
        try:
            found.append(model.volume(volume_id, call.context))
        except ApiError:
            end = f"volume {volume_id} from group {group.id} because it is not in the group."
            said = f"Cannot remove {end}"
            if key == "add_volumes":
                end = f"volume {volume_id} to group {group.id} because volume cannot be found."
                said = f"Cannot add {end}"
            raise ApiError(400, f"Invalid volume: {said}") from None
    return found


def act(call: BlockStorageCall, group_id: str) -> Response:
    """Run the action that the body names."""
    order, group, model = ActionBody.of(call, ACTIONS), _find(call, group_id), call.model
    if order.name == "delete":
        groups.delete(model, group, validation.flag(order.part(), "delete-volumes"))
    elif order.name == "reset_status":
        validation.since(call, (3, 20))
        said = "Invalid Group Status: Group status: {status} is invalid, valid status are: {known}."
        _reset_status(call, group, order, StatusRules("group:reset_status", STATUSES, said))
    elif order.name == "list_replication_targets":
        validation.since(call, REPLICATION_SINCE)
        replication.check_type(group)
        targets = [{"backend_id": replication.TARGET}]
        return Response(200, {"replication_targets": targets})
    else:
        validation.since(call, REPLICATION_SINCE)
        change = REPLICATION[order.name]
        wanted = order.part() if order.value else {}
        if change is replication.FAIL_OVER and wanted.get("secondary_backend_id") == "default":
            change = replication.FAIL_BACK
        attached = validation.flag(wanted, "allow_attached_volume")
        replication.begin(model, group, change, attached)
    return Response(202)


@dataclass(frozen=True, repr=False, match_args=False)
class StatusRules:
    """The policy and the statuses of an action that sets a status."""

    policy: str
    known: tuple[str, ...]
    error: str  #: the message for another status, with {status} and {known}


def _reset_status(
    call: BlockStorageCall,
    thing: GroupRecord | GroupSnapshot,
    order: ActionBody,
    rules: StatusRules,
) -> None:
    """Set the status that an administrator has sent."""
    status = order.part("status")["status"]
    validation.admin_only(call, rules.policy)
    if status not in rules.known:
        raise ApiError(400, rules.error.format(status=status, known=rules.known))
    thing.activity = None
    thing.status = status
    thing.touch()


def _snapshot_view(call: BlockStorageCall, group_snapshot: GroupSnapshot) -> dict[str, Any]:
    view: dict[str, Any] = {
        "id": group_snapshot.id,
        "group_id": group_snapshot.group_id,
        "group_type_id": group_snapshot.group_type.id,
        "status": group_snapshot.status,
        "created_at": iso_microseconds(group_snapshot.created_at),
        "name": group_snapshot.name,
        "description": group_snapshot.description,
    }
    if call.version >= (3, 58) and call.caller.is_admin:
        view["project_id"] = group_snapshot.project_id
    return view


def _find_snapshot(call: BlockStorageCall, snapshot_id: str) -> GroupSnapshot:
    validation.since(call, SNAPSHOTS_SINCE)
    return call.model.group_snapshot(snapshot_id, call.context)


def show_snapshot(call: BlockStorageCall, snapshot_id: str) -> Response:
    """Show one group snapshot."""
    view = _snapshot_view(call, _find_snapshot(call, snapshot_id))
    return Response(200, {"group_snapshot": view})


def _list_snapshots(call: BlockStorageCall, detail: bool) -> Response:
    validation.since(call, SNAPSHOTS_SINCE)

    def full(row: GroupSnapshot) -> dict[str, Any]:
        return _snapshot_view(call, row)

    def short(row: GroupSnapshot) -> dict[str, Any]:
        return {"id": row.id, "name": row.name}

    rows = visible(call, call.model.group_snapshots)
    shown = full if detail else short
    return Response(200, listed(call, rows, ("group_snapshot", "GroupSnapshot"), full, shown))


def index_snapshots(call: BlockStorageCall) -> Response:
    """List group snapshots with few fields."""
    return _list_snapshots(call, detail=False)


def detail_snapshots(call: BlockStorageCall) -> Response:
    """List group snapshots with all fields."""
    return _list_snapshots(call, detail=True)


def create_snapshot(call: BlockStorageCall) -> Response:
    """Begin to create a group snapshot."""
    validation.since(call, SNAPSHOTS_SINCE)
    part, context = validation.envelope(call, "group_snapshot"), call.context
    validation.required("group_snapshot", part, "group_id")
    made = groups.create_snapshot(
        call.model,
        _find(call, str(part["group_id"])),
        validation.text(part, "name"),
        validation.text(part, "description"),
        context,
    )
    view = {"id": made.id, "name": made.name, "group_type_id": made.group_type.id}
    return Response(202, {"group_snapshot": view})


def delete_snapshot(call: BlockStorageCall, snapshot_id: str) -> Response:
    """Begin to delete a group snapshot."""
    groups.delete_snapshot(call.model, _find_snapshot(call, snapshot_id))
    return Response(202)


def act_on_snapshot(call: BlockStorageCall, snapshot_id: str) -> Response:
    """Run `reset_status`."""
    validation.since(call, (3, 19))
    order = ActionBody.of(call, ("reset_status",))
    said = (
        "Invalid GroupSnapshot Status: Group snapshot status: {status} is invalid, valid statuses "
        "are: {known}."
    )
    thing = _find_snapshot(call, snapshot_id)
    rules = StatusRules("group:reset_group_snapshot_status", SNAPSHOT_STATUSES, said)
    _reset_status(call, thing, order, rules)
    return Response(202)
