"""What Cinder tells users of failures, since 3.3."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.block_storage.models.messages import KEPT_SECONDS
from pytest_osfutures.fakecloud.block_storage.models.records import Message
from pytest_osfutures.fakecloud.block_storage.responses import asked
from pytest_osfutures.fakecloud.block_storage.responses.listing import filters_of, number
from pytest_osfutures.fakecloud.block_storage.responses.views import links
from pytest_osfutures.fakecloud.call import Call
from pytest_osfutures.fakecloud.errors import Refused
from pytest_osfutures.fakecloud.times import micros
from pytest_osfutures.fakecloud.wire import Response

SINCE = (3, 3)


def _view(call: Call, message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "event_id": message.event_id,
        "user_message": message.text,
        "message_level": "ERROR",
        "created_at": micros(message.created_at),
        "guaranteed_until": micros(message.created_at + KEPT_SECONDS),
        "request_id": message.request_id,
        "links": links(call, "messages", message.id),
        "resource_type": message.resource_type,
        "resource_uuid": message.resource_uuid,
    }


def _mine(call: Call) -> list[Message]:
    asked.since(call, SINCE)
    messages = call.cloud.block_storage.messages.values()
    project, everything = call.caller.project_id, call.caller.is_admin
    return [message for message in messages if everything or message.project_id == project]


def _find(call: Call, message_id: str) -> Message:
    for message in _mine(call):
        if message.id == message_id:
            return message
    raise Refused(404, f"Message {message_id} could not be found.")


def index(call: Call) -> Response:
    """All messages, the newest first; filters and pages since 3.5."""
    rows = [_view(call, message) for message in reversed(_mine(call))]
    if call.version >= (3, 5):
        wanted = filters_of(call, "message")
        rows = [row for row in rows if all(str(row.get(k)) == v for k, v in wanted.items())]
        if marker := call.request.param("marker"):
            ids = [row["id"] for row in rows]
            if marker not in ids:
                raise Refused(404, f"Message {marker} could not be found.")
            rows = rows[ids.index(marker) + 1 :]
        rows = rows[number(call, "offset") or 0 :]
        rows = rows[: number(call, "limit")]
    return Response(200, {"messages": rows})


def show(call: Call, message_id: str) -> Response:
    """One message."""
    return Response(200, {"message": _view(call, _find(call, message_id))})


def delete(call: Call, message_id: str) -> Response:
    """Forget a message."""
    message = _find(call, message_id)
    del call.cloud.block_storage.messages[message.id]
    return Response(204)
