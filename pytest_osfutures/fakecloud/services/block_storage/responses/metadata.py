"""Metadata of volumes and snapshots."""

from __future__ import annotations

from collections.abc import Callable

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
    UrlRoute,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.models.records import (
    SnapshotRecord,
    VolumeRecord,
)
from pytest_osfutures.fakecloud.services.block_storage.responses import validation

PLAIN = {"Content-Type": "text/html; charset=UTF-8"}


Find = Callable[[BlockStorageCall, str], VolumeRecord | SnapshotRecord]


class _Handlers:
    """The handlers of the metadata of one resource type."""

    def __init__(self, find: Find, list_type: str) -> None:
        self._find = find
        self._list_type = list_type

    def show_all(self, call: BlockStorageCall, resource_id: str) -> Response:
        """List all metadata."""
        return Response(
            200,
            {"metadata": self._find(call, resource_id).metadata},
            {"Content-Type": self._list_type},
        )

    def add(self, call: BlockStorageCall, resource_id: str) -> Response:
        """Add or change the metadata that the body has."""
        resource, given = self._changeable(call, resource_id), validation.metadata(call, "metadata")
        resource.metadata = given | {
            key: value for key, value in resource.metadata.items() if key not in given
        }
        resource.touch()
        return Response(200, {"metadata": resource.metadata})

    def replace(self, call: BlockStorageCall, resource_id: str) -> Response:
        """Replace all metadata."""
        resource = self._changeable(call, resource_id)
        resource.metadata = validation.metadata(call, "metadata")
        resource.touch()
        return Response(200, {"metadata": resource.metadata})

    def show(self, call: BlockStorageCall, resource_id: str, key: str) -> Response:
        """Show one item."""
        return Response(200, {"meta": {key: _value(self._find(call, resource_id), key)}})

    def set_one(self, call: BlockStorageCall, resource_id: str, key: str) -> Response:
        """Add or change one item."""
        resource, given = self._changeable(call, resource_id), validation.metadata(call, "meta")
        if len(given) > 1:
            raise validation.invalid("meta", given, f"{given} has too many properties")
        if key not in given:
            raise ApiError(400, "Request body and URI mismatch")
        resource.metadata = resource.metadata | given
        resource.touch()
        return Response(200, {"meta": given})

    def delete(self, call: BlockStorageCall, resource_id: str, key: str) -> Response:
        """Delete one item."""
        resource = self._changeable(call, resource_id)
        _value(resource, key)
        resource.metadata = {k: v for k, v in resource.metadata.items() if k != key}
        resource.touch()
        return Response(200, None, dict(PLAIN))

    def _changeable(
        self, call: BlockStorageCall, resource_id: str
    ) -> VolumeRecord | SnapshotRecord:
        resource = self._find(call, resource_id)
        if resource.status in ("maintenance", "uploading") and isinstance(resource, VolumeRecord):
            doing = "Deleting" if call.request.method == "DELETE" else "Updating"
            raise ApiError(
                400,
                f"Invalid volume: {doing} volume metadata is not allowed for volumes in "
                f"{resource.status} status.",
            )
        return resource


def routes(collection: str, find: Find, list_type: str) -> list[UrlRoute]:
    """Return the routes below `/{collection}/{id}/metadata`.

    `find` returns the resource; `list_type` is the Content-Type of the list of all metadata, which
    differs between Cinder's volumes and snapshots.
    """
    handlers = _Handlers(find, list_type)
    base = f"/{collection}/{{resource_id}}/metadata"
    return [
        UrlRoute("GET", base, handlers.show_all),
        UrlRoute("POST", base, handlers.add),
        UrlRoute("PUT", base, handlers.replace),
        UrlRoute("GET", base + "/{key}", handlers.show),
        UrlRoute("PUT", base + "/{key}", handlers.set_one),
        UrlRoute("DELETE", base + "/{key}", handlers.delete),
    ]


def _value(resource: VolumeRecord | SnapshotRecord, key: str) -> str:
    if key not in resource.metadata:
        kind = "Volume" if isinstance(resource, VolumeRecord) else "Snapshot"
        raise ApiError(404, f"{kind} {resource.id} has no metadata with key {key}.")
    return resource.metadata[key]
