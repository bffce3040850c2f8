"""Volumes of servers: attach, detach, swap, extend, and release with the server."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Fault,
    RequestContext,
    start_lifecycle,
)
from pytest_osfutures.fakecloud.services.compute.models.operations import (
    ATTACH_VOLUME,
    ATTACHABLE,
    DETACH_VOLUME,
    SWAP_VOLUME,
)
from pytest_osfutures.fakecloud.services.compute.models.server import (
    BlockDevice,
    PendingVolume,
    ServerRecord,
)
from pytest_osfutures.fakecloud.services.compute.models.state import ComputeModel
from pytest_osfutures.fakecloud.services.compute.models.work import check, reason

LETTERS = "abcdefghijklmnopqrstuvwxyz"


@contextmanager
def _cinder_errors(context: RequestContext) -> Iterator[None]:
    """Raise Cinder's error as Nova does: with Cinder's message inside Nova's message."""
    try:
        yield
    except ApiError as error:
        raise ApiError(
            400,
            f"Invalid volume: Invalid input received: {error.message} "
            f"(HTTP {error.status}) (Request-ID: {context.request_id})",
        ) from None


def attachment(
    model: ComputeModel,
    server: ServerRecord,
    pending: PendingVolume,
    attachment_id: str | None = None,
) -> BlockDevice:
    """Return the block device of a volume that a server is built with.

    Without `attachment_id` the volume is reserved in Cinder first.
    """
    volume_id, number, disk = pending.volume_id, pending.number, pending.disk
    boot_index = disk.get("boot_index", 0 if number == 0 and server.image_id is None else None)
    made = BlockDevice(
        id=attachment_id or model.volumes.reserve(volume_id, server.id),
        name=server.name,
        server_id=server.id,
        volume_id=volume_id,
        device=disk.get("device_name") or f"/dev/sd{LETTERS[number]}",
        bdm_id=model.runtime.new_id(),
        boot_index=int(boot_index) if boot_index is not None else None,
        delete_on_termination=bool(disk.get("delete_on_termination")),
        tag=disk.get("tag"),
    )
    made.remember(model.runtime.schedule)
    return made


def connect(model: ComputeModel, server: ServerRecord, attachment: BlockDevice) -> None:
    """Attach a volume to a server that has just been built."""
    model.volumes.begin_attach(attachment.id, attachment.device, server.host or "")
    model.volumes.complete_attach(attachment.id)
    attachment.attached = True


def find(server: ServerRecord, volume_id: str) -> BlockDevice | None:
    """Return the block device of that volume on the server, or None."""
    return next((a for a in server.attachments if a.volume_id == volume_id), None)


def _free_device(server: ServerRecord) -> str:
    taken = {a.device for a in server.attachments} | {server.root_device}
    return next(name for letter in LETTERS if (name := f"/dev/sd{letter}") not in taken)


def _check_free(
    model: ComputeModel, server: ServerRecord, context: RequestContext, volume_id: str
) -> None:
    facts = model.volumes.volume_details(
        volume_id, None if context.is_admin else context.project_id
    )
    holders = [holder.id for holder in model.servers if find(holder, volume_id)]
    if server.id in holders or (holders and not facts.multiattach):
        listed = ", ".join(holders)
        raise ApiError(
            400, f"Invalid volume: volume {volume_id} is already attached to instances: {listed}"
        )


@dataclass(frozen=True)
class AttachRequest:
    """The fields of a new volume attachment."""

    volume_id: str
    device: str | None = None
    tag: str | None = None
    delete_on_termination: bool = False


def attach(
    model: ComputeModel,
    server: ServerRecord,
    context: RequestContext,
    wanted: AttachRequest,
) -> BlockDevice:
    """Reserve the volume and begin to attach it. Raises ApiError."""
    check(server, "attach_volume", context, ATTACHABLE)
    _check_free(model, server, context, wanted.volume_id)
    with _cinder_errors(context):
        attachment_id = model.volumes.reserve(wanted.volume_id, server.id)
    made = BlockDevice(
        id=attachment_id,
        name=server.name,
        server_id=server.id,
        volume_id=wanted.volume_id,
        device=wanted.device or _free_device(server),
        bdm_id=model.runtime.new_id(),
        delete_on_termination=wanted.delete_on_termination,
        tag=wanted.tag,
    )
    made.remember(model.runtime.schedule)
    server.attachments = (*server.attachments, made)
    if server.vm_state == "shelved_offloaded":
        # Nova completes the attachment without a host; `unshelve` connects the volume.
        model.volumes.complete_attach(made.id)
        model.record(server, "attach_volume", context, ("api_attach_volume",)).finish(model.now())
        return made
    action = model.record(server, "attach_volume", context, ("compute_attach_volume",))

    def begin() -> None:
        model.volumes.begin_attach(made.id, made.device, server.host or "")

    def done() -> None:
        model.volumes.complete_attach(made.id)
        made.attached = True
        action.finish(model.now())

    def failed(fault: Fault) -> None:
        _drop(server, made)
        model.volumes.detach(made.id)
        action.finish(model.now(), reason(fault))

    start_lifecycle(model.runtime, ATTACH_VOLUME.on(connect=begin), made, done, failed)
    return made


def detach(
    model: ComputeModel, server: ServerRecord, context: RequestContext, volume_id: str
) -> None:
    """Begin to detach the volume. Raises ApiError."""
    made = find(server, volume_id)
    check(server, "detach_volume", context, ATTACHABLE)
    if made is None:
        model.volumes.volume_details(volume_id, None if context.is_admin else context.project_id)
        raise ApiError(404, f"Instance {server.id} is not attached to volume {volume_id}")
    if made.boot_index == 0:
        raise ApiError(400, "Cannot detach a root device volume")
    with _cinder_errors(context):
        model.volumes.begin_detach(made.id)
    action = model.record(server, "detach_volume", context, ("compute_detach_volume",))

    def done() -> None:
        _drop(server, made)
        model.volumes.detach(made.id)
        action.finish(model.now())

    def failed(fault: Fault) -> None:
        model.volumes.roll_detaching(made.id)
        action.finish(model.now(), reason(fault))

    start_lifecycle(model.runtime, DETACH_VOLUME, made, done, failed)


def swap(
    model: ComputeModel, server: ServerRecord, context: RequestContext, old_id: str, new_id: str
) -> None:
    """Begin to copy the volume to another one that then replaces it. Raises ApiError."""
    check(server, "swap_volume", context, ("active", "paused", "resized"))
    made = find(server, old_id)
    if made is None:
        raise ApiError(404, f"Instance {server.id} is not attached to volume {old_id}")
    model.volumes.volume_details(new_id, None)
    model.volumes.begin_detach(made.id)
    try:
        new_attachment = model.volumes.reserve(new_id, server.id)
    except ApiError:
        model.volumes.roll_detaching(made.id)
        raise
    action = model.record(server, "swap_volume", context, ("compute_swap_volume",))
    model.volumes.begin_attach(new_attachment, made.device, server.host or "")

    def done() -> None:
        model.volumes.complete_attach(new_attachment)
        model.volumes.detach(made.id)
        made.volume_id, made.id = new_id, new_attachment
        action.finish(model.now())

    def failed(fault: Fault) -> None:
        model.volumes.detach(new_attachment)
        model.volumes.roll_detaching(made.id)
        action.finish(model.now(), reason(fault))

    start_lifecycle(model.runtime, SWAP_VOLUME, made, done, failed)


def extended(model: ComputeModel, volume_id: str) -> None:
    """Record Cinder's event `volume-extended` on the servers that have the volume."""
    for server in model.servers:
        if (made := find(server, volume_id)) is None:
            continue
        context = RequestContext(server.project_id, server.user_id, model.runtime.new_request_id())
        action = model.record(server, "extend_volume", context, ("compute_extend_volume",))
        fault = model.runtime.faults.on_operation("server.extend_volume", made)
        action.finish(model.now(), reason(fault) if fault else None)


def _drop(server: ServerRecord, made: BlockDevice) -> None:
    server.attachments = tuple(a for a in server.attachments if a is not made)


def let_go(model: ComputeModel, server: ServerRecord) -> None:
    """Detach the volumes of a deleted server; delete those with `delete_on_termination`."""
    for made in server.attachments:
        made.activity = None
        model.volumes.detach(made.id)
        if made.delete_on_termination:
            model.volumes.delete_with_server(made.volume_id)
    for pending in server.pending:
        if pending.disk.get("delete_on_termination"):
            model.volumes.delete_with_server(pending.volume_id)
    server.attachments = ()
    server.pending = ()
    server.let_go = ()


def give_up(model: ComputeModel, server: ServerRecord) -> None:
    """Detach the volumes of a failed build; the server still lists the remaining volumes."""
    made = [(each.volume_id, each.disk) for each in server.pending]
    named = [(ident, bool(disk.get("delete_on_termination"))) for ident, disk in made]
    named = [each for each in (*server.disks, *named) if not each[1]]
    let_go(model, server)
    server.let_go = tuple(named)
