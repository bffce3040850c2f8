"""Requests that are complete when the service answers, although the answer does not look so.

They answer 202, delete a detail of a resource, or leave a status that looks like work: `attaching`
of a reserved volume stays until somebody attaches the volume. docs/operations.md#synchronous.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pytest_osfutures.operations.model import Route

NOVA, CINDER, GLANCE, NEUTRON = "compute", "block-storage", "image", "network"
#: Keys of `POST .../{id}/action`, by service and collection.
_ACTIONS = {
    (NOVA, "servers"): (
        "lock",
        "unlock",
        "os-resetState",
        "addSecurityGroup",
        "removeSecurityGroup",
    ),
    (CINDER, "volumes"): (
        *("os-reserve", "os-unreserve", "os-begin_detaching", "os-roll_detaching"),
        *("os-terminate_connection", "os-set_bootable", "os-update_readonly_flag"),
        *("os-set_image_metadata", "os-unset_image_metadata", "os-reset_status"),
    ),
    (CINDER, "snapshots"): ("os-reset_status", "os-update_snapshot_status"),
    (CINDER, "groups"): ("reset_status",),
    (CINDER, "group_snapshots"): ("reset_status",),
    (CINDER, "types"): ("addProjectAccess", "removeProjectAccess"),
}
#: Details of a resource that a DELETE takes away.
_DETAILS = (
    (NOVA, "/servers/{id}/metadata/{key}"),
    (NOVA, "/servers/{id}/tags"),
    (NOVA, "/servers/{id}/tags/{tag}"),
    (CINDER, "/volumes/{id}/metadata/{key}"),
    (CINDER, "/snapshots/{id}/metadata/{key}"),
    (CINDER, "/types/{id}/extra_specs/{key}"),
    (CINDER, "/types/{id}/encryption/{key}"),
    (GLANCE, "/images/{id}/tags/{tag}"),
    (GLANCE, "/images/{id}/members/{member}"),
    (NEUTRON, "/{collection}/{id}/tags"),
    (NEUTRON, "/{collection}/{id}/tags/{tag}"),
    (NEUTRON, "/ports/{id}/bindings/{host}"),
)


def _routes() -> Iterator[Route]:
    for (service, collection), keys in _ACTIONS.items():
        for key in keys:
            yield Route(service, "POST", f"/{collection}/{{id}}/action", key)
    for service, path in _DETAILS:
        yield Route(service, "DELETE", path)
    # A member of an image is `pending` until its project takes the image.
    yield Route(GLANCE, "POST", "/images/{id}/members")
    yield Route(GLANCE, "PUT", "/images/{id}/members/{member}")


ROUTES = tuple(_routes())


def is_synchronous(service: str, method: str, path: str, request: Any) -> bool:
    """Return True if a request without a row is complete when the service has answered it."""
    return any(
        each.service == service and each.match(method, path, request) is not None for each in ROUTES
    )
