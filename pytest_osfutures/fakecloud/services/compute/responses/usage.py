"""The usage of projects: /os-simple-tenant-usage."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any

from pytest_osfutures.fakecloud.kernel import ApiError, Response, iso_microseconds, parse_date
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.models.server import ServerRecord
from pytest_osfutures.fakecloud.services.compute.responses import validation
from pytest_osfutures.fakecloud.services.compute.responses.listing import next_link, page_limit

PAGES_SINCE = (2, 40)
PATH = "os-simple-tenant-usage"


@dataclass(frozen=True)
class Window:
    """The time in which servers are counted, in seconds since 1970."""

    start: float
    stop: float
    now: float

    def has(self, server: ServerRecord) -> bool:
        """Return True if the server existed in the window."""
        launched, ended = server.launched_at, server.terminated_at
        return (
            launched is not None and launched < self.stop and (ended is None or ended > self.start)
        )

    def hours(self, server: ServerRecord) -> float:
        """Return how long the server existed in the window."""
        begin = max(self.start, server.launched_at or self.start)
        end = min(self.stop, server.terminated_at or self.stop)
        return max(0.0, end - begin) / 3600


def _window(call: ComputeCall) -> Window:
    """Return the window of the query; its ends are the present time by default."""
    now = call.model.now()
    start, stop = (_moment(call, name, now) for name in ("start", "end"))
    if start > stop:
        why = "Invalid start time. The start time cannot occur after the end time."
        raise ApiError(400, why)
    return Window(start, min(stop, now), now)


def _moment(call: ComputeCall, name: str, now: float) -> float:
    text = call.request.param(name)
    if text is None:
        return now
    try:
        return parse_date(text)
    except ValueError:
        why = "Invalid datetime string: Datetime is in invalid format"
        raise ApiError(400, why) from None


def _page(
    call: ComputeCall, window: Window, path: str, project_id: str | None = None
) -> tuple[list[ServerRecord], list[dict[str, str]]]:
    """Return the servers of one page, by project and id, and the link to the next page.

    Until 2.39 the only page has all servers.
    """
    found = sorted(
        (
            server
            for server in call.model.servers.listed(deleted=True)
            if project_id in (None, server.project_id) and window.has(server)
        ),
        key=lambda server: (server.project_id, server.id),
    )
    if call.version < PAGES_SINCE:
        return found, []
    if (marker := call.request.param("marker")) is not None:
        ids = [server.id for server in found]
        if marker not in ids:
            raise ApiError(400, f"Marker {marker} could not be found.")
        found = found[ids.index(marker) + 1 :]
    page = found[: page_limit(call)]
    full = page and len(page) == page_limit(call)
    return page, next_link(call, path, page[-1].id) if full else []


def _server_view(server: ServerRecord, window: Window) -> dict[str, Any]:
    ended, launched = server.terminated_at, server.launched_at or window.start
    return {
        "hours": window.hours(server),
        "flavor": server.flavor.name,
        "instance_id": server.id,
        "name": server.name,
        "tenant_id": server.project_id,
        "memory_mb": server.flavor.ram,
        "local_gb": server.flavor.disk + server.flavor.ephemeral,
        "vcpus": server.flavor.vcpus,
        "started_at": iso_microseconds(launched),
        "ended_at": None if ended is None else iso_microseconds(ended),
        "state": "terminated" if ended is not None else server.vm_state,
        "uptime": int((window.now if ended is None else ended) - launched),
    }


def _project_view(
    project_id: str, servers: list[ServerRecord], window: Window, detailed: bool
) -> dict[str, Any]:
    hours = [(window.hours(server), server.flavor) for server in servers]
    details = {"server_usages": [_server_view(server, window) for server in servers]}
    return {
        "tenant_id": project_id,
        **(details if detailed else {}),
        "total_local_gb_usage": sum(h * (f.disk + f.ephemeral) for h, f in hours),
        "total_vcpus_usage": sum(h * f.vcpus for h, f in hours),
        "total_memory_mb_usage": sum(h * f.ram for h, f in hours),
        "total_hours": sum(h for h, _ in hours),
        "start": iso_microseconds(window.start, whole=False),
        "stop": iso_microseconds(window.stop, whole=False),
    }


def show_usage(call: ComputeCall, project_id: str) -> Response:
    """Show the usage of a project's servers in the window of the query."""
    if project_id != call.caller.project_id:
        validation.admin_only(call, "os_compute_api:os-simple-tenant-usage:show")
    window = _window(call)
    servers, links = _page(call, window, f"{PATH}/{project_id}", project_id)
    usage = _project_view(project_id, servers, window, detailed=True) if servers else {}
    return Response(200, {"tenant_usage": usage} | ({"tenant_usage_links": links} if links else {}))


def list_usage(call: ComputeCall) -> Response:
    """List the usage of all projects (administrators only)."""
    validation.admin_only(call, "os_compute_api:os-simple-tenant-usage:list")
    window, detailed = _window(call), call.request.param("detailed") == "1"
    page, links = _page(call, window, PATH)
    usages = [
        _project_view(project_id, list(servers), window, detailed)
        for project_id, servers in groupby(page, key=lambda server: server.project_id)
    ]
    return Response(
        200, {"tenant_usages": usages} | ({"tenant_usages_links": links} if links else {})
    )
