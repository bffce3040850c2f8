"""The routes of Nova, relative to /compute."""

from __future__ import annotations

from pytest_osfutures.fakecloud.compute.responses import (
    actions,
    creating,
    flavors,
    instance_actions,
    listing,
    servers,
    volumes,
)
from pytest_osfutures.fakecloud.service import Microversions, Service
from pytest_osfutures.fakecloud.wire import Route

SERVERS = "/v2.1/servers"
SERVER = "/v2.1/servers/{server_id}"

ROUTES: list[Route] = [
    Route("GET", "", flavors.versions, public=True),
    Route("GET", "/v2.1", flavors.version, public=True),
    Route("POST", SERVERS, creating.create_server),
    Route("GET", SERVERS, listing.list_servers),
    Route("GET", SERVERS + "/detail", listing.list_servers_in_detail),
    Route("GET", SERVER, servers.show_server),
    Route("PUT", SERVER, servers.update_server),
    Route("DELETE", SERVER, servers.delete_server),
    Route("POST", SERVER + "/action", actions.act),
    Route("GET", SERVER + "/metadata", servers.list_metadata),
    Route("POST", SERVER + "/metadata", servers.change_metadata),
    Route("PUT", SERVER + "/metadata", servers.change_metadata),
    Route("GET", SERVER + "/metadata/{key}", servers.show_metadata_item),
    Route("PUT", SERVER + "/metadata/{key}", servers.set_metadata_item),
    Route("DELETE", SERVER + "/metadata/{key}", servers.delete_metadata_item),
    Route("GET", SERVER + "/tags", servers.list_tags),
    Route("PUT", SERVER + "/tags", servers.replace_tags),
    Route("DELETE", SERVER + "/tags", servers.delete_tags),
    Route("GET", SERVER + "/tags/{tag}", servers.check_tag),
    Route("PUT", SERVER + "/tags/{tag}", servers.add_tag),
    Route("DELETE", SERVER + "/tags/{tag}", servers.delete_tag),
    Route("GET", SERVER + "/ips", servers.list_addresses),
    Route("GET", SERVER + "/ips/{network}", servers.show_addresses),
    Route("GET", SERVER + "/os-security-groups", servers.list_security_groups),
    Route("GET", SERVER + "/os-instance-actions", instance_actions.list_actions),
    Route("GET", SERVER + "/os-instance-actions/{request_id}", instance_actions.show_action),
    Route("GET", SERVER + "/os-volume_attachments", volumes.list_attachments),
    Route("POST", SERVER + "/os-volume_attachments", volumes.attach),
    Route("GET", SERVER + "/os-volume_attachments/{volume_id}", volumes.show_attachment),
    Route("PUT", SERVER + "/os-volume_attachments/{volume_id}", volumes.update),
    Route("DELETE", SERVER + "/os-volume_attachments/{volume_id}", volumes.detach),
    Route("GET", "/v2.1/flavors", flavors.list_flavors),
    Route("POST", "/v2.1/flavors", flavors.create_flavor),
    Route("GET", "/v2.1/flavors/detail", flavors.list_flavors_in_detail),
    Route("GET", "/v2.1/flavors/{flavor_id}", flavors.show_flavor),
    Route("DELETE", "/v2.1/flavors/{flavor_id}", flavors.delete_flavor),
    Route("GET", "/v2.1/flavors/{flavor_id}/os-extra_specs", flavors.list_extra_specs),
]

SERVICE = Service(
    name="compute",
    prefix="/compute",
    routes=ROUTES,
    microversions=Microversions(
        "compute", flavors.LOWEST, flavors.HIGHEST, old_header="X-OpenStack-Nova-API-Version"
    ),
    error_type="application/json; charset=UTF-8",
    request_id_headers=("x-openstack-request-id", "x-compute-request-id"),
)
