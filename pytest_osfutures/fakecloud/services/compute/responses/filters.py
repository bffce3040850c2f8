"""Filters and sort keys of server lists, by role."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    pattern_error,
)
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.models.server import ServerRecord
from pytest_osfutures.fakecloud.services.compute.responses import validation, views

Filter = Callable[[ServerRecord, str], bool]

SORT_KEYS: Mapping[str, Callable[[ServerRecord], Any]] = {
    "access_ip_v4": lambda s: s.access_ip_v4,
    "access_ip_v6": lambda s: s.access_ip_v6,
    "availability_zone": lambda s: s.zone,
    "config_drive": lambda s: s.config_drive,
    "created_at": lambda s: int(s.created_at),
    "display_description": lambda s: s.description or "",
    "display_name": lambda s: s.name or "",
    "host": lambda s: s.host or "",
    "hostname": lambda s: s.hostname,
    "image_ref": lambda s: s.image_id or "",
    "instance_type_id": lambda s: s.flavor.id,
    "key_name": lambda s: s.key_name or "",
    "launch_index": lambda s: s.launch_index,
    "launched_at": lambda s: s.launched_at or 0.0,
    "locked": lambda s: s.locked_by is not None,
    "locked_by": lambda s: s.locked_by or "",
    "node": lambda s: s.host or "",
    "power_state": lambda s: s.power_state,
    "progress": lambda s: s.progress,
    "project_id": lambda s: s.project_id,
    "root_device_name": lambda s: s.root_device or "",
    "task_state": lambda s: s.task_state or "",
    "terminated_at": lambda s: s.terminated_at or 0.0,
    "updated_at": lambda s: int(s.updated_at or s.created_at),
    "user_id": lambda s: s.user_id,
    "uuid": lambda s: s.id,
    "vm_state": lambda s: s.vm_state,
}
OPEN: Mapping[str, Filter] = {
    "name": lambda s, text: bool(re.search(text, s.name or "")),
    "flavor": lambda s, text: s.flavor.id == text,
    "image": lambda s, text: s.image_id == text,
    "reservation_id": lambda s, text: bool(re.search(text, s.reservation_id)),
    "locked": lambda s, text: (s.locked_by is not None) == (text.lower() in validation.TRUE),
    "tags": lambda s, text: set(text.split(",")) <= set(s.tags),
    "tags-any": lambda s, text: bool(set(text.split(",")) & set(s.tags)),
    "not-tags": lambda s, text: not set(text.split(",")) <= set(s.tags),
    "not-tags-any": lambda s, text: not set(text.split(",")) & set(s.tags),
}
OPEN_SINCE_2_83: Mapping[str, Filter] = {
    "availability_zone": lambda s, text: s.zone == text,
    "config_drive": lambda s, text: s.config_drive == (text.lower() in validation.TRUE),
    "key_name": lambda s, text: s.key_name == text,
    "power_state": lambda s, text: str(s.power_state) == text,
    "progress": lambda s, text: str(s.progress) == text,
    "task_state": lambda s, text: s.task_state == text,
    "user_id": lambda s, text: s.user_id == text,
    "vm_state": lambda s, text: s.vm_state == text,
}
ADMIN: Mapping[str, Filter] = {
    **OPEN_SINCE_2_83,
    "description": lambda s, text: bool(re.search(text, s.description or "")),
    "host": lambda s, text: s.host == text,
    "hostname": lambda s, text: s.hostname == text,
    "launch_index": lambda s, text: str(s.launch_index) == text,
    "node": lambda s, text: s.host == text,
    "project_id": lambda s, text: s.project_id == text,
    "tenant_id": lambda s, text: s.project_id == text,
    "uuid": lambda s, text: s.id == text,
}
PATTERNS = {"name", "reservation_id", "description", "ip", "ip6"}
# Further known parameters: equal for all servers here, or handled elsewhere.
ALSO_KNOWN = {
    *("limit", "marker", "sort_key", "sort_dir", "all_tenants", "deleted", "soft_deleted"),
    *("status", "changes-since", "changes-before", "ip", "ip6", "image_ref", "display_name"),
    *("display_description", "locked_by", "root_device_name", "access_ip_v4", "access_ip_v6"),
    *("auto_disk_config", "kernel_id", "ramdisk_id", "launched_at", "terminated_at", "created_at"),
}


def check_names(call: ComputeCall) -> None:
    """Raise ApiError(400) for an invalid pattern, and since 2.75 for an unknown parameter."""
    for name, value in call.request.query:
        if name in PATTERNS and pattern_error(value) is not None:
            raise validation.invalid_query(name, value, f"{value!r} is not a 'regex'")
        known = name in OPEN or name in ADMIN or name in ALSO_KNOWN or name.startswith("_")
        if not known and call.version >= (2, 75):
            raise ApiError(400, f"{name!r} does not match any of the regexes: '^_'")


def _allowed(call: ComputeCall) -> Mapping[str, Filter]:
    if call.caller.is_admin:
        return {**OPEN, **ADMIN}
    return {**OPEN, **OPEN_SINCE_2_83} if call.version >= (2, 83) else OPEN


def matches(call: ComputeCall, server: ServerRecord) -> bool:
    """Return True if the server passes all filters of the query that the caller may use."""
    allowed = _allowed(call)
    for name, value in call.request.query:
        if not value:
            continue
        if name in ("ip", "ip6") and not _has_address(call, server, value):
            return False
        if name in allowed and not allowed[name](server, value):
            return False
    return True


def _has_address(call: ComputeCall, server: ServerRecord, pattern: str) -> bool:
    networks = views.addresses(call.model, server).values()
    return any(re.search(pattern, one["addr"]) for some in networks for one in some)


def ordered(call: ComputeCall, servers: list[ServerRecord]) -> list[ServerRecord]:
    """Return the servers in the order of the query; by default the newest first."""
    keys = call.request.params("sort_key") or ["created_at", "uuid"]
    directions = call.request.params("sort_dir")
    servers = sorted(servers, key=SORT_KEYS["uuid"], reverse=True)
    for number in reversed(range(len(keys))):
        if (key := SORT_KEYS.get(keys[number])) is None:
            why = f"{keys[number]!r} is not one of {list(SORT_KEYS)}"
            raise validation.invalid_query("sort_key", keys[number], why)
        direction = directions[number] if number < len(directions) else "desc"
        servers.sort(key=key, reverse=direction == "desc")
    return servers
