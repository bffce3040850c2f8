"""Volume attachments: /servers/{id}/os-volume_attachments."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
)
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.models import attaching
from pytest_osfutures.fakecloud.services.compute.models.server import BlockDevice
from pytest_osfutures.fakecloud.services.compute.responses import validation
from pytest_osfutures.fakecloud.services.compute.responses.listing import page_limit
from pytest_osfutures.fakecloud.services.compute.responses.servers import HTML, find

ATTACHMENT = {
    **dict.fromkeys(("volumeId", "device", "tag"), "string"),
    "delete_on_termination": validation.FLAG,
}


def _view(call: ComputeCall, made: BlockDevice) -> dict[str, Any]:
    shown: dict[str, Any] = {} if call.version >= (2, 89) else {"id": made.volume_id}
    shown |= {"volumeId": made.volume_id, "serverId": made.server_id, "device": made.device}
    if call.version >= (2, 70):
        shown["tag"] = made.tag
    if call.version >= (2, 79):
        shown["delete_on_termination"] = made.delete_on_termination
    if call.version >= (2, 89):
        shown |= {"attachment_id": made.id, "bdm_uuid": made.bdm_id}
    return shown


def list_attachments(call: ComputeCall, server_id: str) -> Response:
    """List the volume attachments of a server."""
    made = find(call, server_id).attachments
    offset = validation.number("offset", call.request.param("offset") or 0)
    page = made[offset : offset + page_limit(call)]
    return Response(200, {"volumeAttachments": [_view(call, one) for one in page]})


def show_attachment(call: ComputeCall, server_id: str, volume_id: str) -> Response:
    """Show one volume attachment."""
    made = attaching.find(find(call, server_id), volume_id)
    if made is None:
        raise ApiError(404, f"Instance {server_id} is not attached to volume {volume_id}")
    return Response(200, {"volumeAttachment": _view(call, made)})


def attach(call: ComputeCall, server_id: str) -> Response:
    """Begin to attach a volume."""
    server = find(call, server_id)
    body = validation.envelope(call, "volumeAttachment")
    validation.required("volumeAttachment", body, "volumeId")
    allowed = {"volumeId", "device"}
    allowed |= {"tag"} if call.version >= (2, 49) else set()
    allowed |= {"delete_on_termination"} if call.version >= (2, 79) else set()
    validation.only("volumeAttachment", body, frozenset(allowed))
    validation.shapes(body, ATTACHMENT)
    made = attaching.attach(
        call.model,
        server,
        call.context,
        attaching.AttachRequest(
            str(body["volumeId"]),
            body.get("device"),
            body.get("tag"),
            bool(body.get("delete_on_termination")),
        ),
    )
    if call.version >= (2, 101):
        return Response(202, None, HTML)
    shown: dict[str, Any] = {
        "id": made.volume_id,
        "serverId": server_id,
        "volumeId": made.volume_id,
        "device": made.device,
    }
    if call.version >= (2, 70):
        shown["tag"] = made.tag
    if call.version >= (2, 79):
        shown["delete_on_termination"] = made.delete_on_termination
    return Response(200, {"volumeAttachment": shown})


def update(call: ComputeCall, server_id: str, volume_id: str) -> Response:
    """Swap the volume, or since 2.85 change `delete_on_termination`."""
    server = find(call, server_id)
    body = validation.envelope(call, "volumeAttachment")
    validation.required("volumeAttachment", body, "volumeId")
    validation.shapes(body, ATTACHMENT)
    if body["volumeId"] == volume_id and call.version >= (2, 85):
        made = attaching.find(server, volume_id)
        if made is None:
            raise ApiError(404, f"Instance {server_id} is not attached to volume {volume_id}")
        made.delete_on_termination = bool(
            body.get("delete_on_termination", made.delete_on_termination)
        )
        return Response(202)
    validation.admin_only(call, "os_compute_api:os-volumes-attachments:swap")
    context = call.context
    attaching.swap(call.model, server, context, volume_id, str(body["volumeId"]))
    return Response(202)


def detach(call: ComputeCall, server_id: str, volume_id: str) -> Response:
    """Begin to detach a volume."""
    server = find(call, server_id)
    attaching.detach(call.model, server, call.context, volume_id)
    return Response(202)
