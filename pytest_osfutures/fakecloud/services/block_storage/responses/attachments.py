"""Attachments: reserve, connect, complete, delete."""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.models import attachments
from pytest_osfutures.fakecloud.services.block_storage.models.records import AttachmentRecord
from pytest_osfutures.fakecloud.services.block_storage.responses import validation
from pytest_osfutures.fakecloud.services.block_storage.responses.listing import (
    filters_of,
    in_order,
    page,
    visible,
)
from pytest_osfutures.fakecloud.services.block_storage.responses.views import (
    attachment_detail,
    attachment_summary,
)

SINCE = (3, 27)


def _find(call: BlockStorageCall, attachment_id: str) -> AttachmentRecord:
    validation.since(call, SINCE)
    return call.model.attachment(attachment_id, call.context)


def _listed(call: BlockStorageCall) -> list[AttachmentRecord]:
    validation.since(call, SINCE)
    wanted = filters_of(call, "attachment")
    fields = {"instance_id": "server_id", "attach_status": "status"}
    rows = [
        row
        for row in visible(call, call.model.attachments)
        if all(str(getattr(row, fields.get(key, key), None)) == v for key, v in wanted.items())
    ]
    return page(call, in_order(call, rows), "Volume attachment")[0]


def index(call: BlockStorageCall) -> Response:
    """List attachments with few fields."""
    return Response(200, {"attachments": [attachment_summary(row) for row in _listed(call)]})


def detail(call: BlockStorageCall) -> Response:
    """List attachments with all fields."""
    return Response(200, {"attachments": [attachment_detail(row) for row in _listed(call)]})


def show(call: BlockStorageCall, attachment_id: str) -> Response:
    """Show one attachment."""
    return Response(200, {"attachment": attachment_detail(_find(call, attachment_id))})


def create(call: BlockStorageCall) -> Response:
    """Reserve a volume for a server, and connect it if the body has a connector."""
    validation.since(call, SINCE)
    part, model = validation.envelope(call, "attachment"), call.model
    validation.required("attachment", part, "volume_uuid")
    volume = model.volume(str(part["volume_uuid"]), call.context)
    validation.typed("connector", part.get("connector"), "object null")
    validation.texts(part, "instance_uuid")
    mode = part.get("mode") if call.version >= (3, 54) else None
    if mode not in (None, "rw", "ro"):
        raise validation.invalid("mode", mode, f"{mode!r} is not one of ['rw', 'ro']")
    server_id = validation.uuid(part, "instance_uuid")
    connector = (
        validation.object_under(part, "connector") if part.get("connector") is not None else None
    )
    attachment = attachments.reserve(model, volume, server_id, mode or "null")
    if connector:
        attachments.connect(model, attachment, connector)
    return Response(200, {"attachment": attachment_detail(attachment)})


def update(call: BlockStorageCall, attachment_id: str) -> Response:
    """Connect a reserved attachment to a host."""
    attachment, part = _find(call, attachment_id), validation.envelope(call, "attachment")
    validation.required("attachment", part, "connector")
    before = attachment.status
    attachments.check_connect(call.model, attachment, call.context)
    attachments.connect(call.model, attachment, validation.object_under(part, "connector"))
    return Response(200, {"attachment": attachment_detail(attachment) | {"status": before}})


def act(call: BlockStorageCall, attachment_id: str) -> Response:
    """Complete the attachment: `os-complete`, the only action."""
    validation.since(call, (3, 44))
    attachment = _find(call, attachment_id)
    if "os-complete" not in call.json():
        raise ApiError(400, "Malformed request body")
    attachments.complete(call.model, attachment)
    return Response(204, None, {"Content-Type": "application/json"})


def delete(call: BlockStorageCall, attachment_id: str) -> Response:
    """Delete an attachment."""
    attachment, model = _find(call, attachment_id), call.model
    attachments.check_deletable(model, attachment)
    attachments.check_detach(model, attachment)
    left = attachments.detach(model, attachment)
    return Response(200, {"attachments": [attachment_summary(row) for row in left]})
