"""Removal of whatever keeps a resource of ours from being deleted, as far as a member may.

A locked server is unlocked and a protected image unprotected; a volume that Cinder reserved or
attached on its own account is released, and its offer to another project is withdrawn. Only
resources that carry the stamp are changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pytest_osfutures.operations import IMAGE, SERVER, VOLUME, Body, ResourceType
from pytest_osfutures.ownership import StampedResource, is_ours, read_resource, send_request
from pytest_osfutures.parsing import mappings
from pytest_osfutures.transport import ApiClient, describe_refusal, is_inapplicable, is_success

#: Lowest microversion of Cinder with attachments.
#: https://docs.openstack.org/api-ref/block-storage/v3/#attachments-attachments
ATTACHMENTS = "3.27"


@dataclass(frozen=True)
class UnblockRequest:
    """One request that may unblock the deletion of a resource."""

    #: Sentence for the log after the request succeeded.
    text: str
    method: str
    path: str
    document: Any = None
    microversion: str = ""


def unblock(api: ApiClient, resource: StampedResource) -> str | None:
    """Send the first request that applies; return a sentence about it, None if none applies.

    Raises UnreadableError if there is no response.
    """
    body = read_resource(api, resource)
    if body is None or not is_ours(resource, body):
        return None
    for change in _changes(api, resource, body):
        type_ = _at(resource.type, change.microversion)
        response = send_request(api, change.method, type_, change.path, change.document)
        if response is None or is_inapplicable(response.status_code):
            continue
        if is_success(response.status_code):
            return change.text
        return describe_refusal(change.method, change.path, response)
    return None


def _at(resource_type: ResourceType, microversion: str) -> ResourceType:
    return replace(resource_type, stamp_version=microversion)


def _changes(api: ApiClient, resource: StampedResource, body: Body) -> Iterator[UnblockRequest]:
    """Yield the requests that may unblock the deletion of a resource."""
    path = resource.path
    status = str(body.get("status", ""))
    if resource.type is SERVER:
        yield UnblockRequest("it was unlocked", "POST", f"{path}/action", {"unlock": None})
    elif resource.type is IMAGE and body.get("protected"):
        change = [{"op": "replace", "path": "/protected", "value": False}]
        yield UnblockRequest("it was unprotected", "PATCH", path, change)
    elif resource.type is VOLUME:
        yield from _volume_changes(api, resource, body)
    if status.startswith("error_") and resource.type.name in ("volume", "snapshot", "backup"):
        force: Body = {"os-force_delete": {}}
        yield UnblockRequest("its deletion was forced", "POST", f"{path}/action", force)


def _volume_changes(
    api: ApiClient, volume: StampedResource, body: Body
) -> Iterator[UnblockRequest]:
    action = f"{volume.path}/action"
    status = str(body.get("status", ""))
    for each in mappings(body.get("attachments")):
        detach = {"os-detach": {"attachment_id": each.get("attachment_id")}}
        yield UnblockRequest("Cinder's attachment of it was ended", "POST", action, detach)
    if status in ("reserved", "attaching", "in-use"):
        for ident in _attachments(api, volume):
            yield UnblockRequest(
                "Cinder's attachment of it was deleted",
                "DELETE",
                f"/attachments/{ident}",
                microversion=ATTACHMENTS,
            )
    if status == "attaching":
        yield UnblockRequest("it is no longer reserved", "POST", action, {"os-unreserve": {}})
    if status == "awaiting-transfer":
        for ident in _transfers(api, volume):
            yield UnblockRequest(
                "its transfer was taken back", "DELETE", f"/os-volume-transfer/{ident}"
            )


def _attachments(api: ApiClient, volume: StampedResource) -> list[str]:
    path = f"/attachments?volume_id={volume.id}"
    return _ids(send_request(api, "GET", _at(VOLUME, ATTACHMENTS), path), "attachments")


def _transfers(api: ApiClient, volume: StampedResource) -> list[str]:
    response = send_request(api, "GET", volume.type, "/os-volume-transfer")
    return _ids(response, "transfers", volume_id=volume.id)


def _ids(response: Any, collection: str, **fields: str) -> list[str]:
    """Return the ids of a list's items with these fields; none if the response has no list."""
    try:
        items = response.json()[collection] if response is not None else []
        return [
            str(each["id"])
            for each in items
            if all(each.get(name) == value for name, value in fields.items())
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []
