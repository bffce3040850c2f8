"""The routes of Cinder, relative to /volume."""

from __future__ import annotations

from collections.abc import Iterator

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Handler,
    Microversions,
    Response,
    Service,
    UrlRoute,
)
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


def _transfers(base: str) -> list[UrlRoute]:
    """Return the routes of transfers below `base`; the second path exists since 3.55."""
    one = base + "/{transfer_id}"
    return [
        UrlRoute("GET", base, transfers.index),
        UrlRoute("POST", base, transfers.create),
        UrlRoute("GET", base + "/detail", transfers.detail),
        UrlRoute("GET", one, transfers.show),
        UrlRoute("DELETE", one, transfers.delete),
        UrlRoute("POST", one + "/accept", transfers.accept),
    ]


#: routes below /v3 and, as most catalogs have it, below /v3/{project_id}
IN_PROJECT: list[UrlRoute] = [
    UrlRoute("GET", "/volumes", volumes.index),
    UrlRoute("POST", "/volumes", volumes.create),
    UrlRoute("GET", "/volumes/detail", volumes.detail),
    UrlRoute("GET", "/volumes/summary", volumes.summary),
    UrlRoute("GET", "/volumes/{volume_id}", volumes.show),
    UrlRoute("PUT", "/volumes/{volume_id}", volumes.update),
    UrlRoute("DELETE", "/volumes/{volume_id}", volumes.delete),
    UrlRoute("POST", "/volumes/{volume_id}/action", actions.act),
    *metadata.routes("volumes", volumes.find, "text/html; charset=UTF-8"),
    UrlRoute("POST", "/os-volume-manage", admin_actions.manage),
    UrlRoute("POST", "/manageable_volumes", admin_actions.manage),
    UrlRoute("GET", "/snapshots", snapshots.index),
    UrlRoute("POST", "/snapshots", snapshots.create),
    UrlRoute("GET", "/snapshots/detail", snapshots.detail),
    UrlRoute("GET", "/snapshots/{snapshot_id}", snapshots.show),
    UrlRoute("PUT", "/snapshots/{snapshot_id}", snapshots.update),
    UrlRoute("DELETE", "/snapshots/{snapshot_id}", snapshots.delete),
    UrlRoute("POST", "/snapshots/{snapshot_id}/action", snapshots.act),
    *metadata.routes("snapshots", snapshots.find, "application/json"),
    UrlRoute("POST", "/os-snapshot-manage", snapshots.manage),
    UrlRoute("POST", "/manageable_snapshots", snapshots.manage),
    UrlRoute("GET", "/backups", backups.index),
    UrlRoute("POST", "/backups", backups.create),
    UrlRoute("GET", "/backups/detail", backups.detail),
    UrlRoute("POST", "/backups/import_record", backups.import_record),
    UrlRoute("GET", "/backups/{backup_id}", backups.show),
    UrlRoute("PUT", "/backups/{backup_id}", backups.update),
    UrlRoute("DELETE", "/backups/{backup_id}", backups.delete),
    UrlRoute("POST", "/backups/{backup_id}/restore", backups.restore),
    UrlRoute("POST", "/backups/{backup_id}/action", backups.act),
    UrlRoute("GET", "/backups/{backup_id}/export_record", backups.export_record),
    *_transfers("/os-volume-transfer"),
    *_transfers("/volume-transfers"),
    UrlRoute("GET", "/messages", messages.index),
    UrlRoute("GET", "/messages/{message_id}", messages.show),
    UrlRoute("DELETE", "/messages/{message_id}", messages.delete),
    UrlRoute("GET", "/attachments", attachments.index),
    UrlRoute("POST", "/attachments", attachments.create),
    UrlRoute("GET", "/attachments/detail", attachments.detail),
    UrlRoute("GET", "/attachments/{attachment_id}", attachments.show),
    UrlRoute("PUT", "/attachments/{attachment_id}", attachments.update),
    UrlRoute("DELETE", "/attachments/{attachment_id}", attachments.delete),
    UrlRoute("POST", "/attachments/{attachment_id}/action", attachments.act),
    UrlRoute("GET", "/types", types.index),
    UrlRoute("POST", "/types", types.create),
    UrlRoute("GET", TYPE, types.show),
    UrlRoute("PUT", TYPE, types.update),
    UrlRoute("DELETE", TYPE, types.delete),
    UrlRoute("POST", TYPE + "/action", types.act),
    UrlRoute("GET", TYPE + "/os-volume-type-access", types.show_access),
    UrlRoute("GET", TYPE + "/encryption", types.show_encryption),
    UrlRoute("GET", TYPE + "/extra_specs", types.show_specs),
    UrlRoute("POST", TYPE + "/extra_specs", types.add_specs),
    UrlRoute("GET", TYPE + "/extra_specs/{key}", types.show_spec),
    UrlRoute("PUT", TYPE + "/extra_specs/{key}", types.set_spec),
    UrlRoute("DELETE", TYPE + "/extra_specs/{key}", types.delete_spec),
    UrlRoute("GET", "/group_types", group_types.index),
    UrlRoute("POST", "/group_types", group_types.create),
    UrlRoute("GET", GROUP_TYPE, group_types.show),
    UrlRoute("PUT", GROUP_TYPE, group_types.update),
    UrlRoute("DELETE", GROUP_TYPE, group_types.delete),
    UrlRoute("GET", GROUP_TYPE + "/group_specs", group_types.show_specs),
    UrlRoute("POST", GROUP_TYPE + "/group_specs", group_types.add_specs),
    UrlRoute("GET", GROUP_TYPE + "/group_specs/{key}", group_types.show_spec),
    UrlRoute("PUT", GROUP_TYPE + "/group_specs/{key}", group_types.set_spec),
    UrlRoute("DELETE", GROUP_TYPE + "/group_specs/{key}", group_types.delete_spec),
    UrlRoute("GET", "/groups", groups.index),
    UrlRoute("POST", "/groups", groups.create),
    UrlRoute("GET", "/groups/detail", groups.detail),
    UrlRoute("POST", "/groups/action", groups.create_from_source),
    UrlRoute("GET", "/groups/{group_id}", groups.show),
    UrlRoute("PUT", "/groups/{group_id}", groups.update),
    UrlRoute("POST", "/groups/{group_id}/action", groups.act),
    UrlRoute("GET", "/group_snapshots", groups.index_snapshots),
    UrlRoute("POST", "/group_snapshots", groups.create_snapshot),
    UrlRoute("GET", "/group_snapshots/detail", groups.detail_snapshots),
    UrlRoute("GET", "/group_snapshots/{snapshot_id}", groups.show_snapshot),
    UrlRoute("DELETE", "/group_snapshots/{snapshot_id}", groups.delete_snapshot),
    UrlRoute("POST", "/group_snapshots/{snapshot_id}/action", groups.act_on_snapshot),
    UrlRoute("GET", "/consistencygroups", consistency_groups.index),
    UrlRoute("POST", "/consistencygroups", consistency_groups.create),
    UrlRoute("GET", "/consistencygroups/detail", consistency_groups.detail),
    UrlRoute("POST", "/consistencygroups/create_from_src", consistency_groups.create_from_source),
    UrlRoute("GET", "/consistencygroups/{group_id}", consistency_groups.show),
    UrlRoute("PUT", "/consistencygroups/{group_id}/update", consistency_groups.update),
    UrlRoute("POST", "/consistencygroups/{group_id}/delete", consistency_groups.delete),
    UrlRoute("GET", "/cgsnapshots", consistency_groups.index_snapshots),
    UrlRoute("POST", "/cgsnapshots", consistency_groups.create_snapshot),
    UrlRoute("GET", "/cgsnapshots/detail", consistency_groups.detail_snapshots),
    UrlRoute("GET", "/cgsnapshots/{snapshot_id}", consistency_groups.show_snapshot),
    UrlRoute("DELETE", "/cgsnapshots/{snapshot_id}", consistency_groups.delete_snapshot),
    UrlRoute("GET", "/limits", limits.limits),
    UrlRoute("GET", "/os-quota-sets/{target}", limits.show_quotas),
    UrlRoute("PUT", "/os-quota-sets/{target}", limits.change_quotas),
    UrlRoute("DELETE", "/os-quota-sets/{target}", limits.reset_quotas),
    UrlRoute("GET", "/os-quota-sets/{target}/defaults", limits.default_quotas),
    UrlRoute("GET", "/os-quota-class-sets/{name}", limits.show_class),
    UrlRoute("PUT", "/os-quota-class-sets/{name}", limits.change_class),
    UrlRoute("GET", "/default-types", default_types.index),
    UrlRoute("GET", "/default-types/{project}", default_types.show),
    UrlRoute("PUT", "/default-types/{project}", default_types.change),
    UrlRoute("DELETE", "/default-types/{project}", default_types.delete),
    UrlRoute("GET", "/qos-specs", qos.index),
    UrlRoute("POST", "/qos-specs", qos.create),
    UrlRoute("GET", QOS, qos.show),
    UrlRoute("PUT", QOS, qos.update),
    UrlRoute("DELETE", QOS, qos.delete),
    UrlRoute("PUT", QOS + "/delete_keys", qos.delete_keys),
    UrlRoute("GET", QOS + "/associations", qos.associations),
    UrlRoute("GET", QOS + "/associate", qos.associate),
    UrlRoute("GET", QOS + "/disassociate", qos.disassociate),
    UrlRoute("GET", QOS + "/disassociate_all", qos.disassociate_all),
    UrlRoute("GET", "/clusters", deployment.clusters),
    UrlRoute("GET", "/capabilities/{host}", deployment.capabilities),
    UrlRoute("GET", "/os-availability-zone", deployment.availability_zones),
    UrlRoute("GET", "/os-services", deployment.index_services),
    UrlRoute("PUT", "/os-services/{change}", deployment.change_service),
    UrlRoute("GET", "/scheduler-stats/get_pools", deployment.pools),
    UrlRoute("GET", "/extensions", deployment.extensions),
    UrlRoute("GET", "/resource_filters", deployment.resource_filters),
]


def _in_own_project(handler: Handler) -> Handler:
    """Return a handler for paths with a project id, which must be the token's project."""

    def checked(call: BlockStorageCall, project_id: str, **names: str) -> Response:
        if project_id != call.caller.project_id:
            raise ApiError(400, "Malformed request url")
        return handler(call, **names)

    return checked


def _routes() -> Iterator[UrlRoute]:
    yield UrlRoute("GET", "", deployment.versions, public=True)
    yield UrlRoute("GET", "/v3", deployment.version, public=True)
    # Routes without a project come first: no project id is the name of a collection.
    for route in IN_PROJECT:
        yield UrlRoute(route.method, "/v3" + route.path, route.handler)
    for route in IN_PROJECT:
        path = "/v3/{project_id}" + route.path
        yield UrlRoute(route.method, path, _in_own_project(route.handler))


ROUTES: list[UrlRoute] = list(_routes())

SERVICE = Service(
    name="block_storage",
    types=("block-storage", "volumev3", "volumev2", "volume"),
    needs_project=True,
    prefix="/volume",
    routes=ROUTES,
    microversions=Microversions("volume", (3, 0), (3, 71)),
    empty_type="text/html; charset=UTF-8",
    request_id_headers=("x-openstack-request-id", "x-compute-request-id"),
    quota_status=413,
    quota_headers={"Retry-After": "0"},
)
