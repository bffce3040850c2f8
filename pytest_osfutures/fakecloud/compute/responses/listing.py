"""GET /servers and /servers/detail: filters, order, pages."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from pytest_osfutures.fakecloud.call import Call
from pytest_osfutures.fakecloud.compute.models.server import SHINING_THROUGH, STATUSES, Server
from pytest_osfutures.fakecloud.compute.responses import checking, views
from pytest_osfutures.fakecloud.errors import Refused
from pytest_osfutures.fakecloud.times import parse
from pytest_osfutures.fakecloud.wire import Response

KNOWN_STATUSES = {*STATUSES.values(), *(status for _, _, status in SHINING_THROUGH)}
SORT_KEYS: dict[str, Callable[[Server], Any]] = {
    "created_at": lambda s: int(s.created_at),
    "updated_at": lambda s: int(s.updated_at or s.created_at),
    "uuid": lambda s: s.id,
    "display_name": lambda s: s.name or "",
    "vm_state": lambda s: s.vm_state,
    "task_state": lambda s: s.task_state or "",
    "project_id": lambda s: s.project_id,
    "user_id": lambda s: s.user_id,
    "key_name": lambda s: s.key_name or "",
    "launched_at": lambda s: s.launched_at or 0.0,
    "host": lambda s: s.host or "",
}
# What everybody may filter by, and what only administrators: for others it is ignored.
OPEN_FILTERS: dict[str, Callable[[Server, str], bool]] = {
    "name": lambda s, text: bool(re.search(text, s.name or "")),
    "flavor": lambda s, text: s.flavor.id == text,
    "image": lambda s, text: s.image_id == text,
    "reservation_id": lambda s, text: s.reservation_id == text,
    "key_name": lambda s, text: s.key_name == text,
    "availability_zone": lambda s, text: s.zone == text,
    "user_id": lambda s, text: s.user_id == text,
    "description": lambda s, text: bool(re.search(text, s.description or "")),
    "locked": lambda s, text: (s.locked_by is not None) == (text.lower() in checking.TRUE),
    "tags": lambda s, text: set(text.split(",")) <= set(s.tags),
    "tags-any": lambda s, text: bool(set(text.split(",")) & set(s.tags)),
    "not-tags": lambda s, text: not set(text.split(",")) <= set(s.tags),
    "not-tags-any": lambda s, text: not set(text.split(",")) & set(s.tags),
}
ADMIN_FILTERS: dict[str, Callable[[Server, str], bool]] = {
    "host": lambda s, text: s.host == text,
    "node": lambda s, text: s.host == text,
    "uuid": lambda s, text: s.id == text,
    "vm_state": lambda s, text: s.vm_state == text,
    "task_state": lambda s, text: s.task_state == text,
    "power_state": lambda s, text: str(s.power_state) == text,
    "tenant_id": lambda s, text: s.project_id == text,
    "project_id": lambda s, text: s.project_id == text,
}


def list_servers(call: Call) -> Response:
    """The short list."""
    return _list(call, "servers", lambda server: views.brief(call, server))


def list_servers_in_detail(call: Call) -> Response:
    """The long list."""
    return _list(call, "servers/detail", lambda server: views.detailed(call, server, in_list=True))


def _list(call: Call, path: str, view: Callable[[Server], dict[str, Any]]) -> Response:
    found = _found(call, "index" if path == "servers" else "detail")
    page, more = _page(call, found)
    body: dict[str, Any] = {"servers": [view(server) for server in page]}
    if more and page:
        query = [(name, value) for name, value in call.request.query if name != "marker"]
        query.append(("marker", page[-1].id))
        body["servers_links"] = [
            {"rel": "next", "href": f"{call.root}/v2.1/{path}?{urlencode(query, safe=':-')}"}
        ]
    return Response(200, body)


def _found(call: Call, rule: str) -> list[Server]:
    """What the filters leave over, in order."""
    request, admin = call.request, call.caller.is_admin
    everybody = _flag(request.param("all_tenants"))
    if everybody:
        checking.admin(call, f"os_compute_api:servers:{rule}:get_all_tenants")
    since = _date(call, "changes-since")
    before = _date(call, "changes-before")
    if since is not None and before is not None and before < since:
        raise Refused(
            400, "The value of changes-since must be less than or equal to changes-before."
        )
    statuses = {status.upper() for status in request.params("status")}
    if statuses and not statuses & KNOWN_STATUSES:
        if call.version >= (2, 38):
            raise Refused(400, "Invalid status value")
        return []
    if statuses == {"DELETED"} and not admin:
        raise Refused(403, "Only administrators may list deleted instances")
    only_deleted = admin and (_lenient_flag(request.param("deleted")) or statuses == {"DELETED"})
    listed = call.cloud.compute.servers.listed(
        deleted=only_deleted or since is not None or before is not None
    )
    found = [
        server
        for server in listed
        if (everybody or server.project_id == call.caller.project_id)
        and (since is None or int(server.updated_at or server.created_at) >= since)
        and (before is None or int(server.updated_at or server.created_at) <= before)
        and (not only_deleted or server.vm_state == "deleted")
        and (not statuses or server.shown_status in statuses)
    ]
    return _ordered(call, [server for server in found if _matches(call, server)])


def _matches(call: Call, server: Server) -> bool:
    filters = OPEN_FILTERS | ADMIN_FILTERS if call.caller.is_admin else OPEN_FILTERS
    try:
        return all(
            filters[name](server, value)
            for name, value in call.request.query
            if name in filters and value
        )
    except re.error:
        raise Refused(400, "Invalid regular expression in a filter") from None


def _ordered(call: Call, servers: list[Server]) -> list[Server]:
    keys = call.request.params("sort_key") or ["created_at", "uuid"]
    directions = call.request.params("sort_dir")
    servers.sort(key=SORT_KEYS["uuid"], reverse=True)
    for number in reversed(range(len(keys))):
        if (key := SORT_KEYS.get(keys[number])) is None:
            raise checking.invalid_query(
                "sort_key", keys[number], f"{keys[number]!r} is not one of {list(SORT_KEYS)}"
            )
        direction = directions[number] if number < len(directions) else "desc"
        servers.sort(key=key, reverse=direction == "desc")
    return servers


def _page(call: Call, servers: list[Server]) -> tuple[list[Server], bool]:
    limit = page_limit(call)
    if marker := call.request.param("marker"):
        servers = servers[_after(call, marker, servers) :]
    return servers[:limit], limit > 0 and len(servers) >= limit


def page_limit(call: Call) -> int:
    """How long a page may be."""
    text = call.request.param("limit")
    most = call.cloud.settings.page_limit
    if text is None:
        return most
    if not re.fullmatch(r"\d*", text):
        raise checking.invalid_query("limit", text, f"{text!r} does not match '^[0-9]*$'")
    return min(int(text or most), most)


def _after(call: Call, marker: str, servers: list[Server]) -> int:
    """Where the page after `marker` begins, even if that one is not in the list any more."""
    model = call.cloud.compute
    marked = model.servers.get(marker) or model.servers.gone(marker)
    if marked is None or not (call.caller.is_admin or marked.project_id == call.caller.project_id):
        raise Refused(400, f"marker [{marker}] not found")
    ids = [server.id for server in servers]
    if marked.id in ids:
        return ids.index(marked.id) + 1
    together = _ordered(call, [*servers, marked])
    return together.index(marked)


def _date(call: Call, name: str) -> int | None:
    text = call.request.param(name)
    if text is None:
        return None
    try:
        return int(parse(text))
    except ValueError:
        raise checking.invalid_query(name, text, f"{text!r} is not a 'date-time'") from None


def _flag(text: str | None) -> bool:
    if text is None:
        return False
    if text.lower() not in (*checking.TRUE, *checking.FALSE, ""):
        allowed = ", ".join(repr(word) for word in sorted(checking.TRUE + checking.FALSE))
        raise Refused(400, f"Unrecognized value '{text}', acceptable values are: {allowed}")
    return text.lower() in (*checking.TRUE, "")


def _lenient_flag(text: str | None) -> bool:
    return text is not None and text.lower() in checking.TRUE
