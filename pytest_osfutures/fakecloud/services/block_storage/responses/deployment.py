"""Zones, services, pools, extensions and version documents."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    UNKNOWN_PATH,
    ApiError,
    Response,
    iso_microseconds,
)
from pytest_osfutures.fakecloud.services.block_storage.call import BlockStorageCall
from pytest_osfutures.fakecloud.services.block_storage.models import services
from pytest_osfutures.fakecloud.services.block_storage.models.records import ZONE
from pytest_osfutures.fakecloud.services.block_storage.models.state import (
    BACKENDS,
    HOST,
    POOL_GIGABYTES,
)
from pytest_osfutures.fakecloud.services.block_storage.responses import validation
from pytest_osfutures.fakecloud.services.block_storage.responses.listing import FILTERS, truth

#: alias, name, description, date
EXTENSIONS = (
    ("OS-SCH-HNT", "SchedulerHints", "Pass arbitrary key/value pairs to the scheduler.", "2013-04"),
    ("backups", "Backups", "Backups support.", "2012-12"),
    ("capabilities", "Capabilities", "Capabilities support.", "2015-08"),
    ("os-admin-actions", "AdminActions", "Enable admin actions.", "2012-08"),
    ("os-availability-zone", "AvailabilityZones", "Describe Availability Zones.", "2013-06"),
    ("os-quota-sets", "Quotas", "Quota management support.", "2011-08"),
    ("os-services", "Services", "Services support.", "2012-10"),
    ("os-snapshot-actions", "SnapshotActions", "Enable snapshot manager actions.", "2013-07"),
    ("os-snapshot-manage", "SnapshotManage", "Allows existing backend storage to be 'managed' by "
     "Cinder.", "2014-12"),
    ("os-types-extra-specs", "TypesExtraSpecs", "Type extra specs support.", "2011-08"),
    ("os-types-manage", "TypesManage", "Types manage support.", "2011-08"),
    ("os-used-limits", "UsedLimits", "Provide data on limited resources that are being used.",
     "2013-10"),
    ("os-vol-image-meta", "VolumeImageMetadata", "Show image metadata associated with the volume.",
     "2012-12"),
    ("os-vol-tenant-attr", "VolumeTenantAttribute", "Expose the internal project_id as an "
     "attribute of a volume.", "2011-11"),
    ("os-volume-actions", "VolumeActions", "Enable volume actions.", "2012-05"),
    ("os-volume-manage", "VolumeManage", "Allows existing backend storage to be 'managed' by "
     "Cinder.", "2014-02"),
    ("os-volume-transfer", "VolumeTransfer", "Volume transfer management support.", "2013-05"),
    ("os-volume-type-access", "VolumeTypeAccess", "Volume type access support.", "2014-06"),
    ("os-volume-unmanage", "VolumeUnmanage", "Enable volume unmanage operation.", "2012-05"),
    ("scheduler-stats", "Scheduler_stats", "Scheduler stats support.", "2014-09"),
)  # fmt: skip


def availability_zones(call: BlockStorageCall) -> Response:
    """List the availability zone."""
    del call
    zone = {"zoneName": ZONE, "zoneState": {"available": True}}
    return Response(200, {"availabilityZoneInfo": [zone]})


def _services(call: BlockStorageCall) -> list[dict[str, Any]]:
    model = call.model
    hosts = [("cinder-scheduler", HOST), ("cinder-backup", HOST)]
    hosts += [("cinder-volume", host) for host in model.services]
    rows = []
    for binary, host in hosts:
        row: dict[str, Any] = {
            "binary": binary,
            "host": host,
            "zone": ZONE,
            "status": "disabled" if (binary, host) in model.disabled else "enabled",
            "state": "up",
            "updated_at": iso_microseconds(model.now()),
            "disabled_reason": model.disabled.get((binary, host)),
        }
        if call.version >= (3, 7):
            row["cluster"] = None
        if binary == "cinder-volume":
            service = model.services[host]
            row["replication_status"] = service.replication_status
            row["active_backend_id"] = service.active_backend_id
            row["frozen"] = service.frozen
            if call.version >= (3, 49):
                row["backend_state"] = "up"
        rows.append(row)
    return rows


def index_services(call: BlockStorageCall) -> Response:
    """List Cinder's services."""
    validation.admin_only(call, "volume_extension:services:index")
    wanted = {k: v for k, v in call.request.query if k in ("binary", "host")}
    rows = [row for row in _services(call) if wanted.items() <= row.items()]
    return Response(200, {"services": rows})


def change_service(call: BlockStorageCall, change: str) -> Response:
    """Enable, disable, freeze, thaw or fail over a service."""
    validation.admin_only(call, "volume_extension:services:update")
    if change in ("freeze", "thaw", "failover", "failover_host"):
        return _change_backend(call, change)
    if change not in ("enable", "disable", "disable-log-reason"):
        return Response(404, UNKNOWN_PATH)
    body, model = call.json(), call.model
    key = (str(body.get("binary")), str(body.get("host")))
    if all((row["binary"], row["host"]) != key for row in _services(call)):
        raise ApiError(404, f"Service {key[0]} could not be found on host {key[1]}.")
    if change == "enable":
        model.disabled.pop(key, None)
    else:
        model.disabled[key] = body.get("disabled_reason")
    status = "enabled" if change == "enable" else "disabled"
    answer = {"host": key[1], "service": None, "binary": key[0], "status": status}
    return Response(200, answer | {"disabled": change != "enable"})


def _change_backend(call: BlockStorageCall, change: str) -> Response:
    body, model = call.json(), call.model
    host = validation.one_host(body)
    if change == "failover":
        validation.since(call, (3, 26))
    if change in ("freeze", "thaw"):
        services.freeze(model, host, frozen=change == "freeze")
    else:
        services.fail_over(model, host, body.get("backend_id"))
    return Response(202)


def pools(call: BlockStorageCall) -> Response:
    """List the pools with their capacity."""
    validation.admin_only(call, "scheduler_extension:scheduler_stats:get_pools")
    model, rows = call.model, []
    for backend in BACKENDS:
        name = f"{HOST}@{backend}#{backend}"
        row: dict[str, Any] = {"name": name}
        if truth(call.request.param("detail")):
            allocated = model.allocated(name)
            row["capabilities"] = {
                "pool_name": backend,
                "total_capacity_gb": POOL_GIGABYTES,
                "free_capacity_gb": POOL_GIGABYTES - allocated,
                "allocated_capacity_gb": allocated,
                "reserved_percentage": 0,
                "volume_backend_name": backend,
                "storage_protocol": "local",
                "multiattach": True,
                "QoS_support": False,
                "timestamp": iso_microseconds(model.now(), whole=False),
            }
        rows.append(row)
    return Response(200, {"pools": rows})


def capabilities(call: BlockStorageCall, host: str) -> Response:
    """Show the capabilities of a backend."""
    validation.admin_only(call, "volume_extension:capabilities")
    if host not in call.model.services:
        raise ApiError(404, f"Can't find service: {host}")
    titles = {
        "thin_provisioning": "Thin Provisioning",
        "compression": "Compression",
        "qos": "QoS",
        "replication_enabled": "Replication",
    }
    properties = {
        name: {"title": title, "description": f"{title} of volumes.", "type": "boolean"}
        for name, title in titles.items()
    }
    view: dict[str, Any] = {
        "namespace": f"OS::Storage::Capabilities::{host}",
        "vendor_name": "osfutures",
        "volume_backend_name": host.split("@")[1],
        "pool_name": None,
        "driver_version": "1.0",
        "storage_protocol": "local",
        "display_name": None,
        "description": None,
        "visibility": None,
        "replication_targets": [],
        "properties": properties,
    }
    return Response(200, view)


def clusters(call: BlockStorageCall) -> Response:
    """List the clusters: none."""
    validation.since(call, (3, 7))
    validation.admin_only(call, "clusters:get_all")
    return Response(200, {"clusters": []})


def extensions(call: BlockStorageCall) -> Response:
    """List the extensions."""
    del call
    rows = [
        {
            "alias": alias,
            "name": name,
            "description": description,
            "updated": f"{month}-01T00:00:00+00:00",
            "links": [],
        }
        for alias, name, description, month in EXTENSIONS
    ]
    return Response(200, {"extensions": rows})


def resource_filters(call: BlockStorageCall) -> Response:
    """List the filters that each list accepts."""
    validation.since(call, (3, 33))
    wanted = call.request.param("resource")
    rows = [
        {"resource": name, "filters": list(filters)}
        for name, filters in FILTERS.items()
        if wanted in (None, name)
    ]
    return Response(200, {"resource_filters": rows})


def _version(call: BlockStorageCall) -> dict[str, Any]:
    return {
        "id": "v3.0",
        "status": "CURRENT",
        "version": "3.71",
        "min_version": "3.0",
        "updated": "2023-08-31T00:00:00Z",
        "links": [
            {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
            {"rel": "self", "href": f"{call.root}/v3/"},
        ],
        "media-types": [
            {
                "base": "application/json",
                "type": "application/vnd.openstack.volume+json;version=3",
            }
        ],
    }


def versions(call: BlockStorageCall) -> Response:
    """List the API versions: only v3."""
    return Response(300, {"versions": [_version(call)]})


def version(call: BlockStorageCall) -> Response:
    """Show the version document of v3."""
    return Response(200, {"versions": [_version(call)]})
