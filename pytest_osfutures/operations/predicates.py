"""Predicates and extractors of the operation tables.

A predicate returns True (the resource is as requested), False (it is not), None (work is under
way), or the text of a failure. An extractor returns further variables of the operation. Facts are
in docs/operations.md.
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


def reboots_with(kind: str) -> Callable[[Any, Variables], bool]:
    """Return a condition: the request asks for a reboot of type `kind` (SOFT or HARD)."""

    def when(request: Any, _: Variables) -> bool:
        return str(request["reboot"].get("type", "")).upper() == kind

    return when


def requests_reservation(request: Any, _: Variables) -> bool:
    """Return True if the response will name a reservation instead of a server."""
    return str(request["server"].get("return_reservation_id", "")).lower() in ("true", "1")


def requests_several(request: Any, _: Variables) -> bool:
    """Return True if the request may create more than one server."""
    return int(count_of_servers(request, None)) > 1


def count_of_servers(request: Any, _: Any) -> str:
    """Return the largest number of servers that the request may create."""
    asked = (request["server"].get(key) or 1 for key in ("min_count", "max_count"))
    return str(max(int(count) for count in asked))


def pattern_of_names(request: Any, _: Any) -> str:
    """Return the filter of Nova's server list that matches the names of the new servers."""
    name = re.sub(r"([][.^$*+?(){}|\\])", r"\\\1", request["server"]["name"])
    return quote(f"^{name}(-[0-9]+)?$", safe="")


def replaces_volume(request: Any, variables: Variables) -> bool:
    """Return True if the request attaches another volume instead of changing attributes."""
    return bool(request["volumeAttachment"]["volumeId"] != variables["old"])


def changes_port(request: Any, _: Variables) -> bool:
    """Return True if the request changes the port of the floating IP."""
    return "port_id" in request["floatingip"]


def mac_with_address(_: Any, response: Any) -> str | None:
    """Return the MAC address of the new interface; None if it has no IP address."""
    made = response.get("interfaceAttachment") if isinstance(response, Mapping) else None
    if not isinstance(made, Mapping) or not made.get("fixed_ips"):
        return None
    address = made.get("mac_addr")
    return address if isinstance(address, str) else None


def adds_or_removes(request: Any, _: Variables) -> bool:
    """Return True if the request adds volumes to the group or removes some."""
    changes = next(iter(request.values()))
    return bool(changes.get("add_volumes") or changes.get("remove_volumes"))


def creates_volume(request: Any, _: Variables) -> bool:
    """Return True if Cinder creates the volume to which the backup is restored."""
    return not request["restore"].get("volume_id")


# Many servers


def servers(body: Body, variables: Variables) -> list[Body]:
    """Return the servers that one request has created, ordered by their numbers.

    Servers are identified by the stamp of the request, by the ids that were listed right after
    the request, or by the reservation. Names tell them from servers of earlier requests only.
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


def are_identified(found: list[Body], variables: Variables) -> bool:
    """Return True if `found`, listed right after the request, can only be its new servers.

    Nova numbers the names of one request, so that no two names are the same.
    """
    if variables.keys() & {"op", "reservation", "members"}:
        return bool(found)
    different = len({each["name"] for each in found})
    return "before" in variables and 0 < different == len(found) <= int(variables["most"])


def all_active(body: Body, variables: Variables) -> bool | str | None:
    """Return True if every server of the request is active."""
    found = servers(body, variables)
    if not found:
        return "the servers are gone; this operation does not delete them"
    if "before" in variables and not are_identified(found, variables):
        return "others have created servers of the same names, and no stamp tells which are whose"
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

#: Type of a migration; before microversion 2.23 migrations have none.
LIVE = "live-migration"


def host_of_migrating_server(server: Body, _: Variables, __: float) -> Variables:
    """Return the host of a server that is being migrated, as `old_host`."""
    if server["OS-EXT-STS:task_state"] == "migrating" and server.get("hostId"):
        return {"old_host": server["hostId"]}
    return {}


def has_moved(server: Body, variables: Variables) -> bool:
    """Return True if the server has left `old_host`; without one, nothing can be said."""
    return bool(server.get("hostId") != variables.get("old_host"))


def action_start(action: Body, _: Variables, __: float) -> Variables:
    """Return the time on the cloud's clock at which the instance action began."""
    return {"begun": action["start_time"][:19]}


def is_live_migrated(body: Body, variables: Variables) -> bool | str | None:
    """Judge the newest live migration that began after the request."""
    since = variables.get("begun", "")
    mine = [
        each
        for each in body["migrations"]
        if each.get("migration_type", LIVE) == LIVE and each["created_at"][:19] >= since
    ]
    newest = max(mine, key=lambda each: int(each["id"]), default=None)
    return False if newest is None else _ended(newest, "completed")


def migration_is(end: str) -> Predicate:
    """Return a predicate: the migration that the request names has reached status `end`."""

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
    """Return True if the server has an address on the new interface."""
    found = [each for addresses in server["addresses"].values() for each in addresses]
    macs = {each.get("OS-EXT-IPS-MAC:mac_addr") for each in found}
    return variables.get("mac") is None or variables["mac"] in macs


# Volumes


def is_attached(volume: Body, variables: Variables) -> bool:
    """Return True if Cinder shows an attachment of the volume to the server."""
    return any(each.get("server_id") == variables["server"] for each in volume["attachments"])


def is_detached(volume: Body, variables: Variables) -> bool:
    """Return True if Cinder shows no attachment of the volume to the server."""
    return not is_attached(volume, variables)


def is_detached_at_all(volume: Body, variables: Variables) -> bool:
    """Return True if the requested attachment is gone; without an id, if all are."""
    left = {each.get("attachment_id") for each in volume["attachments"]}
    gone = variables.get("attachment", "")
    return gone not in left if gone not in ("", "None") else not left


def has_new_size(volume: Body, variables: Variables) -> bool:
    """Return True if the volume has the requested size."""
    return str(volume["size"]) == variables["size"]


#: Seconds after an extend within which Cinder tells Nova about the new size.
RECORDED_WITHIN_SECONDS = 5.0


def server_of_volume(volume: Body, _: Variables, age: float) -> Variables:
    """Return the server that uses an extended volume, and the earliest time of its action.

    The last change of the volume is the end of the extend, at most `age` seconds after the accept.
    """
    users = [each["server_id"] for each in volume["attachments"] if each.get("server_id")]
    if volume["status"] != "in-use" or not users or not volume.get("updated_at"):
        return {}
    changed = datetime.fromisoformat(volume["updated_at"][:19])
    since = changed - timedelta(seconds=age + 2)
    return {"server": users[0], "begun": since.isoformat(), "extend_age": str(age)}


def request_of_extend(body: Body, variables: Variables, age: float) -> Variables:
    """Return the id of the request by which Nova extended the server's disk.

    Without such an action in time (`RECORDED_WITHIN_SECONDS`) `not_recorded` is set.
    """
    mine = [
        each
        for each in body["instanceActions"]
        if each["action"] == "extend_volume" and each["start_time"][:19] >= variables["begun"]
    ]
    if mine:
        return {"extend_request": max(mine, key=lambda each: str(each["start_time"]))["request_id"]}
    return (
        {"not_recorded": "yes"}
        if age - float(variables["extend_age"]) > RECORDED_WITHIN_SECONDS
        else {}
    )


def extend_is_recorded(_: Body, variables: Variables) -> bool | None:
    """Return True if Nova has recorded the extend of the disk, or is not going to."""
    return True if "extend_request" in variables or "not_recorded" in variables else None


def extend_has_succeeded(action: Body, _: Variables) -> bool | str | None:
    """Judge the instance action by which the server takes over the new size."""
    for event in action.get("events") or ():
        if (event["result"] or "").lower() == "error":
            return f"the volume has grown, but event {event['event']} of its server failed"
    if action.get("message"):
        return "the volume has grown, but its server did not notice it"
    return True if all(event["result"] for event in action.get("events") or ()) else None


def has_new_type(volume: Body, variables: Variables) -> bool:
    """Return True if the volume has the requested type, given by name or id."""
    return variables["type"] in (volume["volume_type"], volume.get("volume_type_id"))


def has_migrated(volume: Body, variables: Variables) -> bool | str | None:
    """Return True if the volume is on the requested host."""
    state = volume.get("migration_status")
    if state in ("starting", "migrating", "completing"):
        return None
    if state == "error":
        return "the migration of the volume ended with migration_status error"
    host = volume.get("os-vol-host-attr:host") or ""
    return (host + "#").startswith(variables.get("host", host) + "#")


def volume_snapshots(image: Body, _: Variables, __: float) -> Variables:
    """Return the snapshots of volumes to which the image of a server refers."""
    parts = json.loads(image.get("block_device_mapping") or "[]")
    ids = [part["snapshot_id"] for part in parts if part.get("snapshot_id")]
    if not ids:
        return {}
    return {"snapshots": " ".join(ids), "snapshot_name": quote(f"snapshot for {image['name']}")}


def all_available(body: Body, variables: Variables) -> bool | str | None:
    """Judge the snapshots to which the image refers: all have to be available."""
    statuses = {each["id"]: each["status"] for each in body["snapshots"]}
    for ident in variables["snapshots"].split():
        if statuses.get(ident) != "creating" and statuses.get(ident) != "available":
            return f"the snapshot {ident} of the image is {statuses.get(ident, 'gone')}"
    return True if set(statuses.values()) == {"available"} else None


# Groups and services


def service_is_failed_over(body: Body, _: Variables) -> bool | str | None:
    """Return True if Cinder's backend has changed to its replica."""
    states = {
        each.get("replication_status")
        for each in body["services"]
        if each["binary"] == "cinder-volume"
    }
    if states & {"error", "failover-error"}:
        return f"the replication of the service is in status {', '.join(map(str, states))}"
    return True if states <= {"failed-over"} else None


def has_status(resource: Body, variables: Variables) -> bool | None:
    """Return True if the resource has the requested status."""
    return True if resource["status"] == variables["status"] else None


def volume_of_attachment(attachment: Body, _: Variables, __: float) -> Variables:
    """Return the volume of an attachment."""
    return {"volume": attachment["volume_id"]}


# Networks and images


def is_not_unbindable(port: Body, _: Variables) -> bool | str:
    """Return True unless binding has failed, which only administrators are shown."""
    if port.get("binding:vif_type") == "binding_failed":
        return f"the port cannot be bound to host {port.get('binding:host_id')}"
    return True


def has_status_of_its_port(floating_ip: Body, _: Variables) -> bool | None:
    """Return True if the router's agent is done: ACTIVE with a port, DOWN without."""
    wanted = "ACTIVE" if floating_ip.get("port_id") else "DOWN"
    return True if floating_ip["status"] == wanted else None


def status_of_parent_port(port: Body, _: Variables, age: float) -> Variables:
    """Extract whether a server uses the parent port of a trunk."""
    del age
    return {"parent_status": str(port.get("status"))}


def has_status_of_its_parent_port(trunk: Body, variables: Variables) -> bool | None:
    """Return True if the agent has connected the sub-ports; without a server there is no agent."""
    if variables.get("parent_status") == "ACTIVE" and trunk["status"] == "DOWN":
        return None
    return True


def is_imported(image: Body, _: Variables) -> bool | str | None:
    """Return True if the data is in all stores; without a list of stores no task has begun."""
    if image.get("os_glance_importing_to_stores"):
        return None
    if stores := image.get("os_glance_failed_import"):
        return f"the import into {stores} has failed"
    return True if image["status"] == "active" else None
