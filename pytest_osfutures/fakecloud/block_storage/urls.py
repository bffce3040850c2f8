"""The routes of Cinder, relative to /volume."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_osfutures.fakecloud.block_storage.responses import (
    attachments,
    limits,
    metadata,
    types,
    volumes,
)
from pytest_osfutures.fakecloud.call import Call
from pytest_osfutures.fakecloud.errors import Refused
from pytest_osfutures.fakecloud.service import Microversions, Service
from pytest_osfutures.fakecloud.wire import Handler, Response, Route

TYPE = "/types/{type_id}"

# Below /v3 or, as most catalogs have it, below /v3/{project_id}.
IN_PROJECT: list[Route] = [
    Route("GET", "/volumes", volumes.index),
    Route("POST", "/volumes", volumes.create),
    Route("GET", "/volumes/detail", volumes.detail),
    Route("GET", "/volumes/summary", volumes.summary),
    Route("GET", "/volumes/{volume_id}", volumes.show),
    Route("PUT", "/volumes/{volume_id}", volumes.update),
    Route("DELETE", "/volumes/{volume_id}", volumes.delete),
    *metadata.routes("volumes", volumes.find),
    Route("GET", "/attachments", attachments.index),
    Route("POST", "/attachments", attachments.create),
    Route("GET", "/attachments/detail", attachments.detail),
    Route("GET", "/attachments/{attachment_id}", attachments.show),
    Route("PUT", "/attachments/{attachment_id}", attachments.update),
    Route("DELETE", "/attachments/{attachment_id}", attachments.delete),
    Route("POST", "/attachments/{attachment_id}/action", attachments.act),
    Route("GET", "/types", types.index),
    Route("POST", "/types", types.create),
    Route("GET", TYPE, types.show),
    Route("PUT", TYPE, types.update),
    Route("DELETE", TYPE, types.delete),
    Route("POST", TYPE + "/action", types.act),
    Route("GET", TYPE + "/os-volume-type-access", types.show_access),
    Route("GET", TYPE + "/encryption", types.show_encryption),
    Route("GET", TYPE + "/extra_specs", types.show_specs),
    Route("POST", TYPE + "/extra_specs", types.add_specs),
    Route("GET", TYPE + "/extra_specs/{key}", types.show_spec),
    Route("PUT", TYPE + "/extra_specs/{key}", types.set_spec),
    Route("DELETE", TYPE + "/extra_specs/{key}", types.delete_spec),
    Route("GET", "/limits", limits.limits),
    Route("GET", "/os-quota-sets/{target}", limits.show_quotas),
    Route("PUT", "/os-quota-sets/{target}", limits.change_quotas),
    Route("DELETE", "/os-quota-sets/{target}", limits.reset_quotas),
    Route("GET", "/os-quota-sets/{target}/defaults", limits.default_quotas),
    Route("GET", "/os-availability-zone", limits.availability_zones),
    Route("GET", "/os-services", limits.services),
    Route("PUT", "/os-services/{change}", limits.change_service),
    Route("GET", "/scheduler-stats/get_pools", limits.pools),
    Route("GET", "/extensions", limits.extensions),
    Route("GET", "/resource_filters", limits.resource_filters),
]


def _in_own_project(handler: Handler) -> Handler:
    """The handler for a path that names the project, which has to be the token's."""

    def checked(call: Call, project_id: str, **names: str) -> Response:
        if project_id != call.caller.project_id:
            raise Refused(400, "Malformed request url")
        return handler(call, **names)

    return checked


def _routes() -> Iterator[Route]:
    yield Route("GET", "", limits.versions, public=True)
    yield Route("GET", "/v3", limits.version, public=True)
    # Those without a project come first: no id of a project is the name of a collection.
    for route in IN_PROJECT:
        yield Route(route.method, "/v3" + route.path, route.handler)
    for route in IN_PROJECT:
        path = "/v3/{project_id}" + route.path
        yield Route(route.method, path, _in_own_project(route.handler))


ROUTES: list[Route] = list(_routes())

SERVICE = Service(
    name="block_storage",
    prefix="/volume",
    routes=ROUTES,
    microversions=Microversions("volume", (3, 0), (3, 71)),
    empty_type="text/html; charset=UTF-8",
    request_id_headers=("x-openstack-request-id", "x-compute-request-id"),
    quota_status=413,
    quota_headers={"Retry-After": "0"},
)
