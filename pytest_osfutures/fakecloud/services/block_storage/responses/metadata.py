"""The metadata of volumes and snapshots, key by key."""

from __future__ import annotations

from collections.abc import Callable

from pytest_osfutures.fakecloud.kernel.errors import ApiError
from pytest_osfutures.fakecloud.kernel.wire import Response, UrlRoute
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.models.records import (
    SnapshotRecord,
    VolumeRecord,
)
from pytest_osfutures.fakecloud.services.block_storage.responses import validation

PLAIN = {"Content-Type": "text/html; charset=UTF-8"}


def routes(
    collection: str,
    find: Callable[[BlockStorageCall, str], VolumeRecord | SnapshotRecord],
    shown_as: str,
) -> list[UrlRoute]:
    """The routes below `/{collection}/{id}/metadata`; `find` gives the resource.

    `shown_as` is the type that Cinder says the list of all metadata has.
    """

    def show_all(call: BlockStorageCall, resource_id: str) -> Response:
        return Response(
            200, {"metadata": find(call, resource_id).metadata}, {"Content-Type": shown_as}
        )

    def add(call: BlockStorageCall, resource_id: str) -> Response:
        resource, given = _changeable(call, resource_id), validation.metadata(call, "metadata")
        resource.metadata = given | {
            key: value for key, value in resource.metadata.items() if key not in given
        }
        resource.touch()
        return Response(200, {"metadata": resource.metadata})

    def replace(call: BlockStorageCall, resource_id: str) -> Response:
        resource = _changeable(call, resource_id)
        resource.metadata = validation.metadata(call, "metadata")
        resource.touch()
        return Response(200, {"metadata": resource.metadata})

    def show(call: BlockStorageCall, resource_id: str, key: str) -> Response:
        return Response(200, {"meta": {key: _value(find(call, resource_id), key)}})

    def set_one(call: BlockStorageCall, resource_id: str, key: str) -> Response:
        resource, given = _changeable(call, resource_id), validation.metadata(call, "meta")
        if len(given) > 1:
            raise validation.invalid("meta", given, f"{given} has too many properties")
        if key not in given:
            raise ApiError(400, "Request body and URI mismatch")
        resource.metadata = resource.metadata | given
        resource.touch()
        return Response(200, {"meta": given})

    def delete(call: BlockStorageCall, resource_id: str, key: str) -> Response:
        resource = _changeable(call, resource_id)
        _value(resource, key)
        resource.metadata = {k: v for k, v in resource.metadata.items() if k != key}
        resource.touch()
        return Response(200, None, dict(PLAIN))

    def _changeable(call: BlockStorageCall, resource_id: str) -> VolumeRecord | SnapshotRecord:
        resource = find(call, resource_id)
        if resource.status in ("maintenance", "uploading") and isinstance(resource, VolumeRecord):
            doing = "Deleting" if call.request.method == "DELETE" else "Updating"
            raise ApiError(
                400,
                f"Invalid volume: {doing} volume metadata is not allowed for volumes in "
                f"{resource.status} status.",
            )
        return resource

    base = f"/{collection}/{{resource_id}}/metadata"
    return [
        UrlRoute("GET", base, show_all),
        UrlRoute("POST", base, add),
        UrlRoute("PUT", base, replace),
        UrlRoute("GET", base + "/{key}", show),
        UrlRoute("PUT", base + "/{key}", set_one),
        UrlRoute("DELETE", base + "/{key}", delete),
    ]


def _value(resource: VolumeRecord | SnapshotRecord, key: str) -> str:
    if key not in resource.metadata:
        kind = "Volume" if isinstance(resource, VolumeRecord) else "Snapshot"
        raise ApiError(404, f"{kind} {resource.id} has no metadata with key {key}.")
    return resource.metadata[key]
