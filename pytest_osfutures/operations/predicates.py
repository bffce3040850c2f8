"""What the tables look for in a resource beyond its status, and where they find more names.

A predicate answers True (as it should be at the end), False (it is not), None (on its way), or
with the reason why it never will be.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from pytest_osfutures.operations.model import Body, Predicate, Variables
from pytest_osfutures.stamp import OPERATION

# Requests


def reboots(kind: str) -> Callable[[Any, Variables], bool]:
    """The request asks for a reboot of this kind."""

    def when(request: Any, _: Variables) -> bool:
        return str(request["reboot"].get("type", "")).upper() == kind

    return when


def asks_for_reservation(request: Any, _: Variables) -> bool:
    """The answer will name a reservation instead of a server."""
    return str(request["server"].get("return_reservation_id", "")).lower() in ("true", "1")


def asks_for_many(request: Any, _: Variables) -> bool:
    """The request may make more than one server."""
    return int(most_servers(request, None)) > 1


def most_servers(request: Any, _: Any) -> str:
    """How many servers the request makes at most."""
    asked = (request["server"].get(key) or 1 for key in ("min_count", "max_count"))
    return str(max(int(count) for count in asked))


def pattern_of_names(request: Any, _: Any) -> str:
    """The names that Nova gives to the servers of this request, as its filter takes them."""
    name = re.sub(r"([][.^$*+?(){}|\\])", r"\\\1", request["server"]["name"])
    return quote(f"^{name}(-[0-9]+)?$", safe="")


def swaps(request: Any, variables: Variables) -> bool:
    """The attachment gets another volume, and not only other attributes."""
    return bool(request["volumeAttachment"]["volumeId"] != variables["old"])


def leads_elsewhere(request: Any, _: Variables) -> bool:
    """The floating IP gets another port or none, and not only another description."""
    return "port_id" in request["floatingip"]


def mac_with_address(_: Any, response: Any) -> str | None:
    """The MAC address of the new interface, if it has an IP address too."""
    made = response.get("interfaceAttachment") if isinstance(response, Mapping) else None
    if not isinstance(made, Mapping) or not made.get("fixed_ips"):
        return None
    address = made.get("mac_addr")
    return address if isinstance(address, str) else None


def adds_or_removes(request: Any, _: Variables) -> bool:
    """The request changes which volumes are in the group."""
    changes = next(iter(request.values()))
    return bool(changes.get("add_volumes") or changes.get("remove_volumes"))


def lets_cinder_make(request: Any, _: Variables) -> bool:
    """A backup is restored to a volume that is made for it."""
    return not request["restore"].get("volume_id")


# Many servers


def servers(body: Body, variables: Variables) -> list[Body]:
    """The servers that one request has made, first one first.

    They are known by the stamp of the request, by the ids that were listed right after it, or by
    its reservation. Names alone tell them from those of an earlier request, and from nobody else's.
    """
    found = list(body["servers"])
    listed = variables["members"].split(",") if variables.get("members") else []
    if operation := variables.get("op"):
        found = [each for each in found if _stamped(each, operation) or each["id"] in listed]
    elif listed:
        found = [each for each in found if each["id"] in listed]
    elif name := variables.get("name"):
        mine = {f"{name}-{number + 1}" for number in range(int(variables["most"]))}
        before = variables.get("before", "").split(",")
        found = [each for each in found if each["name"] in mine and each["id"] not in before]
    return sorted(found, key=lambda each: (len(each["name"]), each["name"], each["id"]))


def _stamped(server: Body, operation: str) -> bool:
    metadata = server.get("metadata")
    return isinstance(metadata, Mapping) and metadata.get(OPERATION) == operation


def are_told_apart(found: list[Body], variables: Variables) -> bool:
    """Whether these, listed right after the request, can only be the servers that it has made.

    Nova numbers the names of one request, so that no two of them are the same.
    """
    if variables.keys() & {"op", "reservation", "members"}:
        return bool(found)
    different = len({each["name"] for each in found})
    return "before" in variables and 0 < different == len(found) <= int(variables["most"])


def all_active(body: Body, variables: Variables) -> bool | str | None:
    """Every server of the request is active."""
    found = servers(body, variables)
    if not found:
        return "the servers are gone; this operation does not delete them"
    if "before" in variables and not are_told_apart(found, variables):
        return "others have made servers of the same names, and these carry no stamp to tell them"
    for each in found:
        status, busy = each["status"], each["OS-EXT-STS:task_state"]
        if status == "ERROR" and not busy:
            fault = (each.get("fault") or {}).get("message", "").strip()
            return f"the server {each['name']} ({each['id']}) went to status ERROR: {fault}"
        if status not in ("ACTIVE", "BUILD") and not busy:
            return f"the server {each['name']} ({each['id']}) is in status {status}"
    return True if all(_is_active(each) for each in found) else None


def _is_active(server: Body) -> bool:
    return bool(server["status"] == "ACTIVE" and server["OS-EXT-STS:task_state"] is None)


# Servers that move

#: Old clouds do not say what a migration is.
LIVE = "live-migration"


def host_while_migrating(server: Body, _: Variables, __: float) -> Variables:
    """The host that the server leaves, as long as it has not left it."""
    if server["OS-EXT-STS:task_state"] == "migrating" and server.get("hostId"):
        return {"old_host": server["hostId"]}
    return {}


def has_moved(server: Body, variables: Variables) -> bool:
    """The server is on another host, as far as it was seen on its way."""
    return bool(server.get("hostId") != variables.get("old_host"))


def begun(action: Body, _: Variables, __: float) -> Variables:
    """When the cloud took the request, by its own clock."""
    return {"begun": action["start_time"][:19]}


def is_live_migrated(body: Body, variables: Variables) -> bool | str | None:
    """The newest live migration since the request was taken is complete."""
    since = variables.get("begun", "")
    mine = [
        each
        for each in body["migrations"]
        if each.get("migration_type", LIVE) == LIVE and each["created_at"][:19] >= since
    ]
    newest = max(mine, key=lambda each: int(each["id"]), default=None)
    return False if newest is None else _ended(newest, "completed")


def migration_is(end: str) -> Predicate:
    """The migration that the request names has come to the end `end`."""

    def holds(body: Body, variables: Variables) -> bool | str | None:
        wanted = variables["migration"]
        mine = [
            each for each in body["migrations"] if wanted in (str(each["id"]), each.get("uuid"))
        ]
        return _ended(mine[0], end) if mine else False

    return holds


def _ended(migration: Body, end: str) -> bool | str | None:
    status = migration["status"]
    if status == end:
        return True
    if status in ("completed", "cancelled", "error", "failed"):
        return f"the migration {migration['id']} ended with status {status}"
    return None


def has_address(server: Body, variables: Variables) -> bool:
    """The server has an address on the new interface."""
    found = [each for addresses in server["addresses"].values() for each in addresses]
    macs = {each.get("OS-EXT-IPS-MAC:mac_addr") for each in found}
    return variables.get("mac") is None or variables["mac"] in macs


# Volumes


def is_attached(volume: Body, variables: Variables) -> bool:
    """Cinder has the volume attached to the server."""
    return any(each.get("server_id") == variables["server"] for each in volume["attachments"])


def is_detached(volume: Body, variables: Variables) -> bool:
    """Cinder has the volume no longer attached to the server."""
    return not is_attached(volume, variables)


def is_detached_at_all(volume: Body, variables: Variables) -> bool:
    """The attachment is gone from the volume, whichever it was."""
    left = {each.get("attachment_id") for each in volume["attachments"]}
    gone = variables.get("attachment", "")
    return gone not in left if gone not in ("", "None") else not left


def has_new_size(volume: Body, variables: Variables) -> bool:
    """The volume is as large as was asked for."""
    return str(volume["size"]) == variables["size"]


#: How long (seconds) after its growth a volume's server may take to hear of it.
TOLD_WITHIN = 5.0


def server_that_uses_it(volume: Body, _: Variables, age: float) -> Variables:
    """The server that has to notice the growth of the volume, and since when it can have heard.

    The volume was changed last at its end, which is at most `age` seconds after the accept.
    """
    users = [each["server_id"] for each in volume["attachments"] if each.get("server_id")]
    if volume["status"] != "in-use" or not users or not volume.get("updated_at"):
        return {}
    changed = datetime.fromisoformat(volume["updated_at"][:19])
    since = changed - timedelta(seconds=age + 2)
    return {"server": users[0], "begun": since.isoformat(), "grown": str(age)}


def who_told(body: Body, variables: Variables, age: float) -> Variables:
    """The request that told the server of its grown volume; nobody, if there is none in time."""
    mine = [
        each
        for each in body["instanceActions"]
        if each["action"] == "extend_volume" and each["start_time"][:19] >= variables["begun"]
    ]
    if mine:
        return {"told_by": max(mine, key=lambda each: str(each["start_time"]))["request_id"]}
    return {"untold": "yes"} if age - float(variables["grown"]) > TOLD_WITHIN else {}


def is_told(_: Body, variables: Variables) -> bool | None:
    """The server has heard of its grown volume, or nobody is going to tell it."""
    return True if "told_by" in variables or "untold" in variables else None


def is_noticed(action: Body, _: Variables) -> bool | str | None:
    """The server has noticed the growth of its volume."""
    for event in action.get("events") or ():
        if (event["result"] or "").lower() == "error":
            return f"the volume has grown, but event {event['event']} of its server failed"
    if action.get("message"):
        return "the volume has grown, but its server did not notice it"
    return True if all(event["result"] for event in action.get("events") or ()) else None


def has_new_type(volume: Body, variables: Variables) -> bool:
    """The volume has the type that was asked for, by its name or its id."""
    return variables["type"] in (volume["volume_type"], volume.get("volume_type_id"))


def has_migrated(volume: Body, variables: Variables) -> bool | str | None:
    """The volume is on the host that was asked for."""
    state = volume.get("migration_status")
    if state in ("starting", "migrating", "completing"):
        return None
    if state == "error":
        return "the migration of the volume ended with migration_status error"
    host = volume.get("os-vol-host-attr:host") or ""
    return (host + "#").startswith(variables.get("host", host) + "#")


def volume_snapshots(image: Body, _: Variables, __: float) -> Variables:
    """The snapshots of volumes that an image of a server consists of."""
    parts = json.loads(image.get("block_device_mapping") or "[]")
    ids = [part["snapshot_id"] for part in parts if part.get("snapshot_id")]
    if not ids:
        return {}
    return {"snapshots": " ".join(ids), "snapshot_name": quote(f"snapshot for {image['name']}")}


def all_available(body: Body, variables: Variables) -> bool | str | None:
    """Every snapshot that the image needs is available."""
    statuses = {each["id"]: each["status"] for each in body["snapshots"]}
    for ident in variables["snapshots"].split():
        if statuses.get(ident) != "creating" and statuses.get(ident) != "available":
            return f"the snapshot {ident} of the image is {statuses.get(ident, 'gone')}"
    return True if set(statuses.values()) == {"available"} else None


# Groups and services


def service_is_failed_over(body: Body, _: Variables) -> bool | str | None:
    """Cinder's backend has changed to its replica."""
    states = {
        each.get("replication_status")
        for each in body["services"]
        if each["binary"] == "cinder-volume"
    }
    if states & {"error", "failover-error"}:
        return f"the replication of the service is in status {', '.join(map(str, states))}"
    return True if states <= {"failed-over"} else None


def has_status(resource: Body, variables: Variables) -> bool | None:
    """The resource has the status that was asked for."""
    return True if resource["status"] == variables["status"] else None


def volume_of_attachment(attachment: Body, _: Variables, __: float) -> Variables:
    """The volume that is attached."""
    return {"volume": attachment["volume_id"]}


# Networks and images


def is_not_unbindable(port: Body, _: Variables) -> bool | str:
    """The port is bound, or nobody has tried; only administrators are shown more."""
    if port.get("binding:vif_type") == "binding_failed":
        return f"the port cannot be bound to host {port.get('binding:host_id')}"
    return True


def leads_as_asked(floating_ip: Body, _: Variables) -> bool | None:
    """The agent of the router has done its part: ACTIVE where there is a port, else DOWN."""
    wanted = "ACTIVE" if floating_ip.get("port_id") else "DOWN"
    return True if floating_ip["status"] == wanted else None


def is_imported(image: Body, _: Variables) -> bool | str | None:
    """The data is in all stores. Without a list of stores the task has not begun."""
    if image.get("os_glance_importing_to_stores"):
        return None
    if stores := image.get("os_glance_failed_import"):
        return f"the import into {stores} has failed"
    return True if image["status"] == "active" else None
