"""User messages, since 3.3."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
    iso_microseconds,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.models.messages import KEPT_SECONDS
from pytest_osfutures.fakecloud.services.block_storage.models.records import Message
from pytest_osfutures.fakecloud.services.block_storage.responses import validation
from pytest_osfutures.fakecloud.services.block_storage.responses.listing import (
    filters_of,
    page,
    with_links,
)
from pytest_osfutures.fakecloud.services.block_storage.responses.views import links as links_of

SINCE = (3, 3)


def _view(call: BlockStorageCall, message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "event_id": message.event_id,
        "user_message": message.text,
        "message_level": "ERROR",
        "created_at": iso_microseconds(message.created_at),
        "guaranteed_until": iso_microseconds(message.created_at + KEPT_SECONDS),
        "request_id": message.request_id,
        "links": links_of(call, "messages", message.id),
        "resource_type": message.resource_type,
        "resource_uuid": message.resource_uuid,
    }


def _mine(call: BlockStorageCall) -> list[Message]:
    validation.since(call, SINCE)
    messages = call.model.messages.values()
    project, everything = call.caller.project_id, call.caller.is_admin
    return [message for message in messages if everything or message.project_id == project]


def _find(call: BlockStorageCall, message_id: str) -> Message:
    for message in _mine(call):
        if message.id == message_id:
            return message
    raise ApiError(404, f"Message {message_id} could not be found.")


def index(call: BlockStorageCall) -> Response:
    """List messages, the newest first; with filters and pages since 3.5."""
    rows = list(reversed(_mine(call)))
    links: list[dict[str, str]] = []
    if call.version >= (3, 5):
        wanted = filters_of(call, "message")
        views = ((row, _view(call, row)) for row in rows)
        fit = [row for row, view in views if all(str(view.get(k)) == v for k, v in wanted.items())]
        rows, links = page(call, fit, "Message")
    shown = [_view(call, row) for row in rows]
    return Response(200, with_links("messages", shown, "messages_links", links))


def show(call: BlockStorageCall, message_id: str) -> Response:
    """Show one message."""
    return Response(200, {"message": _view(call, _find(call, message_id))})


def delete(call: BlockStorageCall, message_id: str) -> Response:
    """Delete a message."""
    message = _find(call, message_id)
    del call.model.messages[message.id]
    return Response(204)
