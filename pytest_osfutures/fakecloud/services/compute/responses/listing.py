"""GET /servers and /servers/detail: filters, sort order, pages."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from urllib.parse import urlencode

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
    parse_date,
    parse_natural,
)
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.models.server import (
    STATUS_OVERRIDES,
    STATUSES,
    ServerRecord,
)
from pytest_osfutures.fakecloud.services.compute.responses import filters, validation, views

Row = TypeVar("Row")
KNOWN_STATUSES = {*STATUSES.values(), *(status for _, _, status in STATUS_OVERRIDES)}


def list_servers(call: ComputeCall) -> Response:
    """List servers with ids and names."""
    return _list(call, "servers", lambda server: views.brief(call, server))


def list_servers_in_detail(call: ComputeCall) -> Response:
    """List servers with all fields."""
    return _list(call, "servers/detail", lambda server: views.detailed(call, server, in_list=True))


def _list(call: ComputeCall, path: str, view: Callable[[ServerRecord], dict[str, Any]]) -> Response:
    found = _found(call, "index" if path == "servers" else "detail")
    page, more = _page(call, found)
    body: dict[str, Any] = {"servers": [view(server) for server in page]}
    if more and page:
        body["servers_links"] = next_link(call, path, page[-1].id)
    return Response(200, body)


def next_link(call: ComputeCall, path: str, marker: str) -> list[dict[str, str]]:
    """Return the link to the page after `marker`, with the same query."""
    query = [(name, value) for name, value in call.request.query if name != "marker"]
    query.append(("marker", marker))
    return [{"rel": "next", "href": f"{call.root}/v2.1/{path}?{urlencode(query, safe=':-')}"}]


def _found(call: ComputeCall, rule: str) -> list[ServerRecord]:
    """Return the servers that pass the filters, in order."""
    filters.check_names(call)
    request, admin = call.request, call.caller.is_admin
    everybody = _flag(request.param("all_tenants"))
    if everybody:
        validation.admin_only(call, f"os_compute_api:servers:{rule}:get_all_tenants")
    since = _date(call, "changes-since")
    before = _date(call, "changes-before")
    if since is not None and before is not None and before < since:
        raise ApiError(
            400, "The value of changes-since must be less than or equal to changes-before."
        )
    statuses = {status.upper() for status in request.params("status")}
    if statuses and not statuses & KNOWN_STATUSES:
        if call.version >= (2, 38):
            raise ApiError(400, "Invalid status value")
        return []
    if statuses == {"DELETED"} and not admin:
        raise ApiError(403, "Only administrators may list deleted instances")
    only_deleted = admin and (_lenient_flag(request.param("deleted")) or statuses == {"DELETED"})
    listed = call.model.servers.listed(
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
    return filters.ordered(call, [one for one in found if filters.matches(call, one)])


def _page(call: ComputeCall, servers: list[ServerRecord]) -> tuple[list[ServerRecord], bool]:
    limit = page_limit(call)
    if marker := call.request.param("marker"):
        servers = servers[_after(call, marker, servers) :]
    return servers[:limit], limit > 0 and len(servers) >= limit


def page_limit(call: ComputeCall) -> int:
    """Return the greatest number of items on this page."""
    text = call.request.param("limit")
    most = call.runtime.settings.most_on_a_page("compute") or sys.maxsize
    if text is None:
        return most
    if not re.fullmatch(r"[0-9]*", text):
        raise validation.invalid_query("limit", text, f"{text!r} does not match '^[0-9]*$'")
    wanted = parse_natural(text)  # None for more digits than a number has, or for none
    return most if wanted is None else min(wanted, most)


def page_of(
    call: ComputeCall, path: str, rows: Sequence[Row], mark: Callable[[Row], str]
) -> tuple[list[Row], list[dict[str, str]]]:
    """Return the requested page of `rows`, and the link to the next page if this page is full."""
    rows, limit = list(rows), page_limit(call)
    if marker := call.request.param("marker"):
        marks = [mark(row) for row in rows]
        if marker not in marks:
            raise ApiError(400, f"marker [{marker}] not found")
        rows = rows[marks.index(marker) + 1 :]
    page = rows[:limit]
    return page, next_link(call, path, mark(page[-1])) if page and len(page) == limit else []


def _after(call: ComputeCall, marker: str, servers: list[ServerRecord]) -> int:
    """Return the index after `marker`, which may have left the list meanwhile."""
    model = call.model
    marked = model.servers.get(marker) or model.servers.gone(marker)
    if marked is None or not (call.caller.is_admin or marked.project_id == call.caller.project_id):
        raise ApiError(400, f"marker [{marker}] not found")
    ids = [server.id for server in servers]
    if marked.id in ids:
        return ids.index(marked.id) + 1
    together = filters.ordered(call, [*servers, marked])
    return together.index(marked)


def _date(call: ComputeCall, name: str) -> int | None:
    text = call.request.param(name)
    if text is None:
        return None
    try:
        return int(parse_date(text))
    except ValueError:
        raise validation.invalid_query(name, text, f"{text!r} is not a 'date-time'") from None


def _flag(text: str | None) -> bool:
    if text is None:
        return False
    if text.lower() not in (*validation.TRUE, *validation.FALSE, ""):
        allowed = ", ".join(repr(word) for word in sorted(validation.TRUE + validation.FALSE))
        raise ApiError(400, f"Unrecognized value '{text}', acceptable values are: {allowed}")
    return text.lower() in (*validation.TRUE, "")


def _lenient_flag(text: str | None) -> bool:
    return text is not None and text.lower() in validation.TRUE
