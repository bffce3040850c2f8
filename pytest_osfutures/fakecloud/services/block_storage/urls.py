"""The routes of Cinder, relative to /volume."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_osfutures.fakecloud.kernel.errors import ApiError
from pytest_osfutures.fakecloud.kernel.service import Microversions, Service
from pytest_osfutures.fakecloud.kernel.wire import Handler, Response, Route
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.responses import (
    actions,
    admin_actions,
    attachments,
    backups,
    consistency_groups,
    default_types,
    deployment,
    group_types,
    groups,
    limits,
    messages,
    metadata,
    qos,
    snapshots,
    transfers,
    types,
    volumes,
)

TYPE, GROUP_TYPE, QOS = "/types/{type_id}", "/group_types/{type_id}", "/qos-specs/{qos_id}"


def _transfers(base: str) -> list[Route]:
    """Transfers have two paths; the newer one came with 3.55."""
    one = base + "/{transfer_id}"
    return [
        Route("GET", base, transfers.index),
        Route("POST", base, transfers.create),
        Route("GET", base + "/detail", transfers.detail),
        Route("GET", one, transfers.show),
        Route("DELETE", one, transfers.delete),
        Route("POST", one + "/accept", transfers.accept),
    ]


# Below /v3 or, as most catalogs have it, below /v3/{project_id}.
IN_PROJECT: list[Route] = [
    Route("GET", "/volumes", volumes.index),
    Route("POST", "/volumes", volumes.create),
    Route("GET", "/volumes/detail", volumes.detail),
    Route("GET", "/volumes/summary", volumes.summary),
    Route("GET", "/volumes/{volume_id}", volumes.show),
    Route("PUT", "/volumes/{volume_id}", volumes.update),
    Route("DELETE", "/volumes/{volume_id}", volumes.delete),
    Route("POST", "/volumes/{volume_id}/action", actions.act),
    *metadata.routes("volumes", volumes.find, "text/html; charset=UTF-8"),
    Route("POST", "/os-volume-manage", admin_actions.manage),
    Route("POST", "/manageable_volumes", admin_actions.manage),
    Route("GET", "/snapshots", snapshots.index),
    Route("POST", "/snapshots", snapshots.create),
    Route("GET", "/snapshots/detail", snapshots.detail),
    Route("GET", "/snapshots/{snapshot_id}", snapshots.show),
    Route("PUT", "/snapshots/{snapshot_id}", snapshots.update),
    Route("DELETE", "/snapshots/{snapshot_id}", snapshots.delete),
    Route("POST", "/snapshots/{snapshot_id}/action", snapshots.act),
    *metadata.routes("snapshots", snapshots.find, "application/json"),
    Route("POST", "/os-snapshot-manage", snapshots.manage),
    Route("POST", "/manageable_snapshots", snapshots.manage),
    Route("GET", "/backups", backups.index),
    Route("POST", "/backups", backups.create),
    Route("GET", "/backups/detail", backups.detail),
    Route("POST", "/backups/import_record", backups.import_record),
    Route("GET", "/backups/{backup_id}", backups.show),
    Route("PUT", "/backups/{backup_id}", backups.update),
    Route("DELETE", "/backups/{backup_id}", backups.delete),
    Route("POST", "/backups/{backup_id}/restore", backups.restore),
    Route("POST", "/backups/{backup_id}/action", backups.act),
    Route("GET", "/backups/{backup_id}/export_record", backups.export_record),
    *_transfers("/os-volume-transfer"),
    *_transfers("/volume-transfers"),
    Route("GET", "/messages", messages.index),
    Route("GET", "/messages/{message_id}", messages.show),
    Route("DELETE", "/messages/{message_id}", messages.delete),
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
    Route("GET", "/group_types", group_types.index),
    Route("POST", "/group_types", group_types.create),
    Route("GET", GROUP_TYPE, group_types.show),
    Route("PUT", GROUP_TYPE, group_types.update),
    Route("DELETE", GROUP_TYPE, group_types.delete),
    Route("GET", GROUP_TYPE + "/group_specs", group_types.show_specs),
    Route("POST", GROUP_TYPE + "/group_specs", group_types.add_specs),
    Route("GET", GROUP_TYPE + "/group_specs/{key}", group_types.show_spec),
    Route("PUT", GROUP_TYPE + "/group_specs/{key}", group_types.set_spec),
    Route("DELETE", GROUP_TYPE + "/group_specs/{key}", group_types.delete_spec),
    Route("GET", "/groups", groups.index),
    Route("POST", "/groups", groups.create),
    Route("GET", "/groups/detail", groups.detail),
    Route("POST", "/groups/action", groups.create_from_source),
    Route("GET", "/groups/{group_id}", groups.show),
    Route("PUT", "/groups/{group_id}", groups.update),
    Route("POST", "/groups/{group_id}/action", groups.act),
    Route("GET", "/group_snapshots", groups.index_snapshots),
    Route("POST", "/group_snapshots", groups.create_snapshot),
    Route("GET", "/group_snapshots/detail", groups.detail_snapshots),
    Route("GET", "/group_snapshots/{snapshot_id}", groups.show_snapshot),
    Route("DELETE", "/group_snapshots/{snapshot_id}", groups.delete_snapshot),
    Route("POST", "/group_snapshots/{snapshot_id}/action", groups.act_on_snapshot),
    Route("GET", "/consistencygroups", consistency_groups.index),
    Route("POST", "/consistencygroups", consistency_groups.create),
    Route("GET", "/consistencygroups/detail", consistency_groups.detail),
    Route("POST", "/consistencygroups/create_from_src", consistency_groups.create_from_source),
    Route("GET", "/consistencygroups/{group_id}", consistency_groups.show),
    Route("PUT", "/consistencygroups/{group_id}/update", consistency_groups.update),
    Route("POST", "/consistencygroups/{group_id}/delete", consistency_groups.delete),
    Route("GET", "/cgsnapshots", consistency_groups.index_snapshots),
    Route("POST", "/cgsnapshots", consistency_groups.create_snapshot),
    Route("GET", "/cgsnapshots/detail", consistency_groups.detail_snapshots),
    Route("GET", "/cgsnapshots/{snapshot_id}", consistency_groups.show_snapshot),
    Route("DELETE", "/cgsnapshots/{snapshot_id}", consistency_groups.delete_snapshot),
    Route("GET", "/limits", limits.limits),
    Route("GET", "/os-quota-sets/{target}", limits.show_quotas),
    Route("PUT", "/os-quota-sets/{target}", limits.change_quotas),
    Route("DELETE", "/os-quota-sets/{target}", limits.reset_quotas),
    Route("GET", "/os-quota-sets/{target}/defaults", limits.default_quotas),
    Route("GET", "/os-quota-class-sets/{name}", limits.show_class),
    Route("PUT", "/os-quota-class-sets/{name}", limits.change_class),
    Route("GET", "/default-types", default_types.index),
    Route("GET", "/default-types/{project}", default_types.show),
    Route("PUT", "/default-types/{project}", default_types.change),
    Route("DELETE", "/default-types/{project}", default_types.delete),
    Route("GET", "/qos-specs", qos.index),
    Route("POST", "/qos-specs", qos.create),
    Route("GET", QOS, qos.show),
    Route("PUT", QOS, qos.update),
    Route("DELETE", QOS, qos.delete),
    Route("PUT", QOS + "/delete_keys", qos.delete_keys),
    Route("GET", QOS + "/associations", qos.associations),
    Route("GET", QOS + "/associate", qos.associate),
    Route("GET", QOS + "/disassociate", qos.disassociate),
    Route("GET", QOS + "/disassociate_all", qos.disassociate_all),
    Route("GET", "/clusters", deployment.clusters),
    Route("GET", "/capabilities/{host}", deployment.capabilities),
    Route("GET", "/os-availability-zone", deployment.availability_zones),
    Route("GET", "/os-services", deployment.index_services),
    Route("PUT", "/os-services/{change}", deployment.change_service),
    Route("GET", "/scheduler-stats/get_pools", deployment.pools),
    Route("GET", "/extensions", deployment.extensions),
    Route("GET", "/resource_filters", deployment.resource_filters),
]


def _in_own_project(handler: Handler) -> Handler:
    """The handler for a path that names the project, which has to be the token's."""

    def checked(call: BlockStorageCall, project_id: str, **names: str) -> Response:
        if project_id != call.caller.project_id:
            raise ApiError(400, "Malformed request url")
        return handler(call, **names)

    return checked


def _routes() -> Iterator[Route]:
    yield Route("GET", "", deployment.versions, public=True)
    yield Route("GET", "/v3", deployment.version, public=True)
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
