"""Versions, extensions, agents, quotas and router interfaces."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Handler,
    ResourceTable,
    Response,
    iso_microseconds,
)
from pytest_osfutures.fakecloud.services.network.call import NetworkCall
from pytest_osfutures.fakecloud.services.network.models import ZONE, NetworkModel, routers
from pytest_osfutures.fakecloud.services.network.models.records import PortRecord, RouterRecord
from pytest_osfutures.fakecloud.services.network.responses.attributes import (
    InvalidAttributeError,
    bad,
    disallowed,
    number,
    uuid,
)

#: aliases and names of the extensions for which clients look
EXTENSIONS = (
    ("address-group", "Address group"),
    ("agent", "agent"),
    ("allowed-address-pairs", "Allowed Address Pairs"),
    ("auto-allocated-topology", "Auto Allocated Topology Services"),
    ("availability_zone", "Availability Zone"),
    ("binding", "Port Binding"),
    ("default-subnetpools", "Default Subnetpools"),
    ("external-net", "Neutron external network"),
    ("extra_dhcp_opt", "Neutron Extra DHCP options"),
    ("net-mtu", "Network MTU"),
    ("network_availability_zone", "Network Availability Zone"),
    ("pagination", "Pagination support"),
    ("port-security", "Port Security"),
    ("project-id", "project_id field enabled"),
    ("provider", "Provider Network"),
    ("quota-check-limit", "Quota engine limit check"),
    ("quota_details", "Quota details management support"),
    ("quotas", "Quota management support"),
    ("router", "Neutron L3 Router"),
    ("security-group", "security-group"),
    ("trunk", "Trunk Extension"),
    (
        "security-groups-remote-address-group",
        "Remote address group of rules",
    ),
    ("sorting", "Sorting support"),
    ("standard-attr-description", "standard-attr-description"),
    ("standard-attr-revisions", "Resource revision numbers"),
    ("standard-attr-tag", "Tag support for resources with standard attribute"),
    ("standard-attr-timestamp", "Resource timestamps"),
)
UPDATED = "2016-01-01T00:00:00-00:00"
QUOTAS = (
    "network",
    "subnet",
    "subnetpool",
    "port",
    "router",
    "floatingip",
    "rbac_policy",
    "security_group",
    "security_group_rule",
)


def error_body(error: ApiError) -> dict[str, Any]:
    """Return Neutron's error body; its `type` is the name of an exception."""
    kind = error.kind or "HTTP" + HTTPStatus(error.status).phrase.replace(" ", "")
    return {"NeutronError": {"type": kind, "message": error.message, "detail": ""}}


UNKNOWN_PATH = error_body(ApiError(404, "The resource could not be found."))


def versions(call: NetworkCall) -> Response:
    """List the API versions: only v2.0."""
    links = [{"rel": "self", "href": f"{call.root}/v2.0/"}]
    return Response(200, {"versions": [{"id": "v2.0", "status": "CURRENT", "links": links}]})


def resources(collections: tuple[tuple[str, str], ...]) -> Handler:
    """Return the handler for the document of v2.0: the names and paths of all collections."""

    def show_resources(call: NetworkCall) -> Response:
        rows = [
            {
                "name": name,
                "collection": path.removeprefix("/"),
                "links": [{"rel": "self", "href": f"{call.root}/v2.0{path}"}],
            }
            for name, path in collections
        ]
        return Response(200, {"resources": rows})

    return show_resources


def _extension(alias: str, name: str) -> dict[str, Any]:
    return {"alias": alias, "name": name, "description": name, "updated": UPDATED, "links": []}


def extensions(call: NetworkCall) -> Response:
    """List the extensions."""
    del call
    return Response(200, {"extensions": [_extension(*row) for row in EXTENSIONS]})


def show_extension(call: NetworkCall, alias: str) -> Response:
    """Show one extension."""
    del call
    for known, name in EXTENSIONS:
        if known == alias:
            return Response(200, {"extension": _extension(known, name)})
    said = f"Extension with alias {alias} does not exist"
    text = f"The resource could not be found.<br /><br />\n{said}\n\n"
    return Response(404, {"message": text, "code": "404 Not Found", "title": "Not Found"})


def availability_zones(call: NetworkCall) -> Response:
    """List the zone for networks and for routers."""
    del call
    rows = [
        {"name": ZONE, "resource": resource, "state": "available"}
        for resource in ("network", "router")
    ]
    return Response(200, {"availability_zones": rows})


def agents(call: NetworkCall) -> Response:
    """List the agents, one for each host; members see none."""
    if not call.caller.is_admin:
        return Response(200, {"agents": []})
    now = iso_microseconds(call.runtime.schedule.time()) or ""
    stamp = now.split(".", maxsplit=1)[0].replace("T", " ")
    rows: list[dict[str, Any]] = [
        {
            "id": host.service_id,
            "agent_type": "Open vSwitch agent",
            "binary": "neutron-openvswitch-agent",
            "host": host.name,
            "admin_state_up": True,
            "alive": True,
            "availability_zone": None,
            "topic": "N/A",
            "description": None,
            "configurations": {},
            "created_at": stamp,
            "started_at": stamp,
            "heartbeat_timestamp": stamp,
            "resources_synced": None,
        }
        for host in call.model.servers.hosts()
    ]
    return Response(200, {"agents": rows})


def empty(plural: str) -> Any:
    """Return the handler of a collection that is always empty."""

    def index(call: NetworkCall) -> Response:
        del call
        return Response(200, {plural: []})

    return index


def _tables(model: NetworkModel) -> dict[str, ResourceTable[Any]]:
    return {
        "network": model.networks,
        "subnet": model.subnets,
        "port": model.ports,
        "router": model.routers,
        "floatingip": model.floating_ips,
        "security_group": model.groups,
        "security_group_rule": model.rules,
    }


def _may_see(call: NetworkCall, project_id: str) -> None:
    if not (call.caller.is_admin or project_id == call.caller.project_id):
        raise disallowed("rule:get_quota")


def _quota(model: NetworkModel, project_id: str) -> dict[str, int]:
    return {name: model.limit(project_id, name) for name in QUOTAS}


def show_quota(call: NetworkCall, project_id: str) -> Response:
    """Show the quotas of a project."""
    _may_see(call, project_id)
    return Response(200, {"quota": _quota(call.model, project_id)})


def default_quota(call: NetworkCall, project_id: str) -> Response:
    """Show the default quotas."""
    _may_see(call, project_id)
    return Response(200, {"quota": _quota(call.model, "")})


def show_quota_details(call: NetworkCall, project_id: str) -> Response:
    """Show the quotas and the usage of a project."""
    _may_see(call, project_id)
    model = call.model
    tables = _tables(model)
    rows = {
        name: {
            "limit": model.limit(project_id, name),
            "used": model.used(project_id, tables[name]) if name in tables else 0,
            "reserved": 0,
        }
        for name in QUOTAS
    }
    return Response(200, {"quota": rows})


def change_quota(call: NetworkCall, project_id: str) -> Response:
    """Change the quotas of a project."""
    if not call.caller.is_admin:
        raise disallowed("rule:update_quota")
    part, model = call.part("quota"), call.model
    part = dict(part)
    checks = part.pop("check_limit", False)
    if not isinstance(checks, bool):
        raise bad(f"Invalid input for check_limit. Reason: '{checks}' is not a boolean.")
    unknown = [name for name in part if name not in QUOTAS]
    if unknown:
        raise bad(f"Unrecognized attribute(s) '{', '.join(unknown)}'")
    try:
        values = {name: number(value) for name, value in part.items()}
    except InvalidAttributeError as error:
        raise bad(f"Invalid input for quota. Reason: {error}.") from None
    if checks:
        _check_limits(call, project_id, values)
    model.quotas[project_id] = model.quotas.get(project_id, {}) | values
    return Response(200, {"quota": _quota(model, project_id)})


def _check_limits(call: NetworkCall, project_id: str, values: Mapping[str, int]) -> None:
    """Raise ApiError(400) if the project uses more than a new quota allows."""
    tables = _tables(call.model)
    for name, limit in values.items():
        used = call.model.used(project_id, tables[name]) if name in tables else 0
        if 0 <= limit < used:
            said = f"Quota limit for resource {name}: {limit} is less than its usage: {used}."
            raise ApiError(400, said, kind="QuotaUpdateError")


def reset_quota(call: NetworkCall, project_id: str) -> Response:
    """Reset a project to the default quotas."""
    if not call.caller.is_admin:
        raise disallowed("rule:delete_quota")
    call.model.quotas.pop(project_id, None)
    return Response(204)


def auto_allocated_topology(call: NetworkCall, project_id: str) -> Response:
    """Show the network for `networks: auto`: the shared network."""
    _may_see(call, project_id)
    found = call.model.network_ids(project_id)
    if not found:
        said = "Deployment error: No network is there for auto allocation."
        raise ApiError(409, said, kind="AutoAllocationFailure")
    dry = "dry-run" in call.request.params("fields")
    row = {"id": "dry-run=pass" if dry else found[0], "tenant_id": project_id}
    return Response(200, {"auto_allocated_topology": row | {"project_id": project_id}})


def _router(call: NetworkCall, router_id: str) -> RouterRecord:
    router = call.model.routers.get(router_id)
    caller = call.caller
    if router is None or not (caller.is_admin or router.project_id == caller.project_id):
        raise ApiError(404, f"Router {router_id} could not be found", kind="RouterNotFound")
    return router


def _interface(router: RouterRecord, port: PortRecord) -> Response:
    subnets = [ip["subnet_id"] for ip in port.fixed_ips]
    return Response(
        200,
        {
            "id": router.id,
            "tenant_id": router.project_id,
            "port_id": port.id,
            "network_id": port.network_id,
            "subnet_id": subnets[0] if subnets else None,
            "subnet_ids": subnets,
        },
    )


def _interface_ids(call: NetworkCall) -> tuple[str | None, str | None]:
    """Return the subnet id or the port id in the body."""
    body = call.json()
    for key in ("subnet_id", "port_id"):
        if body.get(key) is not None:
            try:
                uuid(body[key])
            except InvalidAttributeError as error:
                raise bad(f"Invalid input for {key}. Reason: {error}.") from None
    return body.get("subnet_id"), body.get("port_id")


def add_router_interface(call: NetworkCall, router_id: str) -> Response:
    """Connect a subnet or a port to a router."""
    router = _router(call, router_id)
    port = routers.add_interface(call.model, router, *_interface_ids(call))
    return _interface(router, port)


def remove_router_interface(call: NetworkCall, router_id: str) -> Response:
    """Disconnect a subnet or a port from a router."""
    router = _router(call, router_id)
    port = routers.remove_interface(call.model, router, *_interface_ids(call))
    return _interface(router, port)
