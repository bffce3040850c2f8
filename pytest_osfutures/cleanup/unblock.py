"""Removing what keeps a resource of ours from being deleted, as far as a member of a project may.

A locked server is unlocked, a protected image unprotected; a volume that Cinder has reserved or
attached on its own account is released there, and one that is offered to another project is not
offered any longer. Only what carries the stamp is changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from pytest_osfutures.operations import IMAGE, SERVER, VOLUME, Body, ResourceType
from pytest_osfutures.ownership import StampedResource, is_ours, read_resource, send_request
from pytest_osfutures.transport import ApiClient, error_message

#: Requests: method, path, document, microversion.
Change = tuple[str, str, Any, str]
#: The version of Cinder's API that knows attachments.
ATTACHMENTS = "3.27"


def free(api: ApiClient, resource: StampedResource) -> str | None:
    """Change what may keep the resource; what was changed, or None. Raises UnreadableError."""
    body = read_resource(api, resource)
    if body is None or not is_ours(resource, body):
        return None
    for text, (method, path, document, version) in _changes(api, resource, body):
        answer = send_request(api, method, _at(resource.type, version), path, document)
        if answer is not None and answer.status_code < 300:
            return text
        if answer is not None and answer.status_code not in (400, 403, 404, 409):
            return f"{method} {path} answered {answer.status_code}: {error_message(answer)}"
    return None


def _at(resource_type: ResourceType, version: str) -> ResourceType:
    return replace(resource_type, stamp_version=version)


def _changes(api: ApiClient, resource: StampedResource, body: Body) -> Iterator[tuple[str, Change]]:
    """What may help, with the words for it."""
    path = resource.path
    status = str(body.get("status", ""))
    if resource.type is SERVER:
        yield "it was unlocked", ("POST", f"{path}/action", {"unlock": None}, "")
    elif resource.type is IMAGE and body.get("protected"):
        change = [{"op": "replace", "path": "/protected", "value": False}]
        yield "it was unprotected", ("PATCH", path, change, "")
    elif resource.type is VOLUME:
        yield from _of_volume(api, resource, body)
    if status.startswith("error_") and resource.type.name in ("volume", "snapshot", "backup"):
        force: Body = {"os-force_delete": {}}
        yield "its deletion was forced", ("POST", f"{path}/action", force, "")


def _of_volume(api: ApiClient, volume: StampedResource, body: Body) -> Iterator[tuple[str, Change]]:
    action = f"{volume.path}/action"
    status = str(body.get("status", ""))
    for each in body.get("attachments") or ():
        detach = {"os-detach": {"attachment_id": each.get("attachment_id")}}
        yield "Cinder's attachment of it was ended", ("POST", action, detach, "")
    if status in ("reserved", "attaching", "in-use"):
        for ident in _attachments(api, volume):
            change = ("DELETE", f"/attachments/{ident}", None, ATTACHMENTS)
            yield "Cinder's attachment of it was deleted", change
    if status == "attaching":
        yield "it is no longer reserved", ("POST", action, {"os-unreserve": {}}, "")
    if status == "awaiting-transfer":
        for ident in _transfers(api, volume):
            change = ("DELETE", f"/os-volume-transfer/{ident}", None, "")
            yield "its transfer was taken back", change


def _attachments(api: ApiClient, volume: StampedResource) -> list[str]:
    path = f"/attachments?volume_id={volume.id}"
    return _ids(send_request(api, "GET", _at(VOLUME, ATTACHMENTS), path), "attachments")


def _transfers(api: ApiClient, volume: StampedResource) -> list[str]:
    answer = send_request(api, "GET", volume.type, "/os-volume-transfer")
    return _ids(answer, "transfers", volume_id=volume.id)


def _ids(answer: Any, collection: str, **wanted: str) -> list[str]:
    """The ids of a list's entries that are as wanted; none of an answer that is not a list."""
    try:
        entries = answer.json()[collection] if answer is not None else []
        return [
            str(each["id"])
            for each in entries
            if all(each.get(name) == value for name, value in wanted.items())
        ]
    except (ValueError, TypeError, KeyError, AttributeError):
        return []
