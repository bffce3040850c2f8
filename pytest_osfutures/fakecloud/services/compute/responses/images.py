"""The proxy for Glance, until 2.35: /images; the metadata of images until 2.38."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pytest_osfutures.fakecloud.kernel import ApiError, Response, Version, iso_seconds
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.responses import validation, views
from pytest_osfutures.fakecloud.services.compute.responses.listing import page_of
from pytest_osfutures.fakecloud.services.service_ports import ImageDetails

LAST, LAST_METADATA = (2, 35), (2, 38)
#: Glance's statuses and those that Nova shows with the progress in per cent
STATUSES = {
    "active": ("ACTIVE", 100),
    "queued": ("SAVING", 25),
    "saving": ("SAVING", 50),
    "importing": ("SAVING", 50),
    "deleted": ("DELETED", 0),
    "pending_delete": ("DELETED", 0),
    "killed": ("ERROR", 0),
}


def _until(call: ComputeCall, last: Version) -> None:
    """Raise ApiError(404) for a later microversion, which has this URL no more."""
    if call.version > last:
        raise ApiError(404, "The resource could not be found.")


def _project(call: ComputeCall) -> str | None:
    return None if call.caller.is_admin else call.caller.project_id


def _image(call: ComputeCall, image_id: str, last: Version = LAST) -> ImageDetails:
    _until(call, last)
    try:
        return call.model.images.image_details(image_id, _project(call))
    except ApiError:
        raise ApiError(404, "Image not found.") from None


def _brief(call: ComputeCall, image: ImageDetails) -> dict[str, Any]:
    alternate = {
        "rel": "alternate",
        "type": "application/vnd.openstack.image",
        "href": f"{call.request.origin}/image/images/{image.id}",
    }
    links = [*views.links(call, "images", image.id), alternate]
    return {"id": image.id, "name": image.name, "links": links}


def _detailed(call: ComputeCall, image: ImageDetails) -> dict[str, Any]:
    status, progress = STATUSES.get(image.status, ("UNKNOWN", 0))
    shown = _brief(call, image) | {
        "minRam": image.min_ram,
        "minDisk": image.min_disk,
        "metadata": dict(image.properties),
        "created": iso_seconds(image.created_at),
        "updated": iso_seconds(image.updated_at),
        "status": status,
        "progress": progress,
        "OS-EXT-IMG-SIZE:size": image.size or 0,
    }
    if server_id := image.properties.get("instance_uuid"):
        shown["server"] = {"id": server_id, "links": views.links(call, "servers", server_id)}
    return shown


def list_images(call: ComputeCall) -> Response:
    """List images with ids and names."""
    return _page(call, "images", _brief)


def list_images_in_detail(call: ComputeCall) -> Response:
    """List images with all fields."""
    return _page(call, "images/detail", _detailed)


def _page(
    call: ComputeCall, path: str, view: Callable[[ComputeCall, ImageDetails], dict[str, Any]]
) -> Response:
    _until(call, LAST)
    found = [image for image in call.model.images.listed(_project(call)) if _matches(call, image)]
    images, links = page_of(call, path, found, lambda image: image.id)
    body: dict[str, Any] = {"images": [view(call, image) for image in images]}
    return Response(200, body | ({"images_links": links} if links else {}))


def _matches(call: ComputeCall, image: ImageDetails) -> bool:
    shown = {
        "name": image.name,
        "status": STATUSES.get(image.status, ("UNKNOWN", 0))[0],
        "minRam": str(image.min_ram),
        "minDisk": str(image.min_disk),
        "type": image.properties.get("image_type", "BASE"),
        "server": image.properties.get("instance_uuid", ""),
    }
    for name, value in shown.items():
        wanted = call.request.param(name)
        if name == "server" and wanted is not None:
            wanted = wanted.rstrip("/").rsplit("/", 1)[-1]
        if wanted is not None and wanted.lower() != value.lower():
            return False
    since = call.request.param("changes-since")
    return since is None or (iso_seconds(image.updated_at) or "") >= since


def show_image(call: ComputeCall, image_id: str) -> Response:
    """Show one image."""
    return Response(200, {"image": _detailed(call, _image(call, image_id))})


def delete_image(call: ComputeCall, image_id: str) -> Response:
    """Delete an image of the caller's project."""
    image = _image(call, image_id)
    if not call.caller.is_admin and image.owner != call.caller.project_id:
        raise ApiError(403, "You are not allowed to delete the image.")
    if image.protected:
        raise ApiError(403, f"Image {image_id} is protected and cannot be deleted.")
    call.model.images.delete_snapshot(image_id)
    return Response(204)


def list_metadata(call: ComputeCall, image_id: str) -> Response:
    """List the properties of an image."""
    image = _image(call, image_id, LAST_METADATA)
    return Response(200, {"metadata": dict(image.properties)})


def change_metadata(call: ComputeCall, image_id: str) -> Response:
    """Add properties to an image (POST) or replace all of them (PUT)."""
    image = _image(call, image_id, LAST_METADATA)
    given = validation.metadata(call, validation.envelope(call, "metadata"))
    kept = dict(image.properties) if call.request.method == "POST" else {}
    return Response(200, {"metadata": _store(call, image, kept | given)})


def _store(call: ComputeCall, image: ImageDetails, metadata: dict[str, str]) -> dict[str, str]:
    if not call.caller.is_admin and image.owner != call.caller.project_id:
        raise ApiError(403, f"Not allowed to change the image {image.id}")
    call.model.images.set_properties(image.id, metadata)
    return metadata


def _missing(key: str, image: ImageDetails) -> ApiError | None:
    return None if key in image.properties else ApiError(404, "The resource could not be found.")


def show_metadata_item(call: ComputeCall, image_id: str, key: str) -> Response:
    """Show one property of an image."""
    image = _image(call, image_id, LAST_METADATA)
    if missing := _missing(key, image):
        raise missing
    return Response(200, {"meta": {key: image.properties[key]}})


def set_metadata_item(call: ComputeCall, image_id: str, key: str) -> Response:
    """Set one property of an image."""
    image = _image(call, image_id, LAST_METADATA)
    given = validation.metadata(call, validation.envelope(call, "meta"))
    if list(given) != [key]:
        raise ApiError(400, "Request body and URI mismatch")
    _store(call, image, dict(image.properties) | given)
    return Response(200, {"meta": given})


def delete_metadata_item(call: ComputeCall, image_id: str, key: str) -> Response:
    """Delete one property of an image."""
    image = _image(call, image_id, LAST_METADATA)
    if missing := _missing(key, image):
        raise missing
    _store(call, image, {name: v for name, v in image.properties.items() if name != key})
    return Response(204)
