"""Quotas and usage: /limits, /os-quota-sets, /os-simple-tenant-usage."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    Response,
    iso_microseconds,
)
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.responses import validation

NAMES = (
    "cores",
    "instances",
    "key_pairs",
    "metadata_items",
    "ram",
    "server_group_members",
    "server_groups",
)
# Quotas that older microversions also show although Nova does not enforce them.
UNTIL_2_36 = {
    "fixed_ips": -1,
    "floating_ips": -1,
    "security_group_rules": -1,
    "security_groups": -1,
}
UNTIL_2_57 = {
    "injected_file_content_bytes": 10240,
    "injected_file_path_bytes": 255,
    "injected_files": 5,
}


def limits(call: ComputeCall) -> Response:
    """Show the limits and the usage of a project."""
    model, project = call.model, call.caller.project_id
    if (other := call.request.param("tenant_id")) and other != project:
        validation.admin_only(call, "os_compute_api:limits:other_project")
        project = other
    used = model.used(project)
    groups = [group for group in model.server_groups if group.project_id == project]
    absolute: dict[str, int] = {
        "maxTotalCores": model.limit(project, "cores"),
        "maxTotalInstances": model.limit(project, "instances"),
        "maxTotalKeypairs": model.limit(project, "key_pairs"),
        "maxServerMeta": model.limit(project, "metadata_items"),
        "maxTotalRAMSize": model.limit(project, "ram"),
        "maxServerGroups": model.limit(project, "server_groups"),
        "maxServerGroupMembers": model.limit(project, "server_group_members"),
        "totalRAMUsed": used["ram"],
        "totalCoresUsed": used["cores"],
        "totalInstancesUsed": used["instances"],
        "totalServerGroupsUsed": len(groups),
    }
    if call.version < (2, 57):
        absolute |= {"maxPersonality": 5, "maxPersonalitySize": 10240}
    if call.version < (2, 39):
        absolute["maxImageMeta"] = model.limit(project, "metadata_items")
    if call.version < (2, 36):
        absolute |= {
            "maxTotalFloatingIps": -1,
            "maxSecurityGroups": -1,
            "maxSecurityGroupRules": -1,
            "totalFloatingIpsUsed": 0,
            "totalSecurityGroupsUsed": 0,
        }
    return Response(200, {"limits": {"rate": [], "absolute": absolute}})


def _quotas(call: ComputeCall, project_id: str, default: bool = False) -> dict[str, int]:
    model = call.model
    quotas = {name: model.limit("" if default else project_id, name) for name in NAMES}
    if call.version < (2, 57):
        quotas |= UNTIL_2_57
    if call.version < (2, 36):
        quotas |= UNTIL_2_36
    return dict(sorted(quotas.items()))


def _may_see(call: ComputeCall, project_id: str) -> None:
    if project_id != call.caller.project_id:
        validation.admin_only(call, "os_compute_api:os-quota-sets:show")


def show_quotas(call: ComputeCall, project_id: str) -> Response:
    """Show the quotas of a project."""
    _may_see(call, project_id)
    return Response(200, {"quota_set": {"id": project_id} | _quotas(call, project_id)})


def show_default_quotas(call: ComputeCall, project_id: str) -> Response:
    """Show the default quotas."""
    quotas = _quotas(call, project_id, default=True)
    return Response(200, {"quota_set": {"id": project_id} | quotas})


def show_quota_usage(call: ComputeCall, project_id: str) -> Response:
    """Show the quotas and the usage of a project."""
    _may_see(call, project_id)
    used = call.model.used(project_id)
    shown: dict[str, Any] = {
        name: {"limit": limit, "in_use": used.get(name, 0), "reserved": 0}
        for name, limit in _quotas(call, project_id).items()
    }
    return Response(200, {"quota_set": {"id": project_id} | shown})


def change_quotas(call: ComputeCall, project_id: str) -> Response:
    """Change the quotas of a project (administrators only)."""
    validation.admin_only(call, "os_compute_api:os-quota-sets:update")
    body = validation.envelope(call, "quota_set")
    validation.only("quota_set", body, frozenset({*NAMES, "force"}))
    given = {
        name: validation.number(name, value, least=-1)
        for name, value in body.items()
        if name != "force"
    }
    call.model.quotas.setdefault(project_id, {}).update(given)
    return Response(200, {"quota_set": _quotas(call, project_id)})


def reset_quotas(call: ComputeCall, project_id: str) -> Response:
    """Reset a project to the default quotas (administrators only)."""
    validation.admin_only(call, "os_compute_api:os-quota-sets:delete")
    call.model.quotas.pop(project_id, None)
    return Response(202)


def _usage(call: ComputeCall, project_id: str) -> dict[str, Any]:
    model = call.model
    now = model.now()
    rows, total = [], {"hours": 0.0, "vcpus": 0.0, "memory": 0.0, "disk": 0.0}
    for server in model.servers.listed(deleted=True):
        if server.project_id != project_id or server.launched_at is None:
            continue
        hours = ((server.terminated_at or now) - server.launched_at) / 3600
        flavor = server.flavor
        total["hours"] += hours
        total["vcpus"] += hours * flavor.vcpus
        total["memory"] += hours * flavor.ram
        total["disk"] += hours * flavor.disk
        rows.append(
            {
                "hours": hours,
                "flavor": flavor.name,
                "instance_id": server.id,
                "name": server.name,
                "tenant_id": project_id,
                "memory_mb": flavor.ram,
                "local_gb": flavor.disk,
                "vcpus": flavor.vcpus,
                "started_at": iso_microseconds(server.launched_at),
                "ended_at": iso_microseconds(server.terminated_at),
                "state": "terminated" if server.terminated_at else server.vm_state,
                "uptime": int((server.terminated_at or now) - server.launched_at),
            }
        )
    return {
        "tenant_id": project_id,
        "server_usages": rows,
        "total_local_gb_usage": total["disk"],
        "total_vcpus_usage": total["vcpus"],
        "total_memory_mb_usage": total["memory"],
        "total_hours": total["hours"],
        "start": iso_microseconds(min([s.created_at for s in model.servers] or [now]), whole=False),
        "stop": iso_microseconds(now, whole=False),
    }


def show_usage(call: ComputeCall, project_id: str) -> Response:
    """Show the usage of a project's servers since their launch."""
    if project_id != call.caller.project_id:
        validation.admin_only(call, "os_compute_api:os-simple-tenant-usage:show")
    return Response(200, {"tenant_usage": _usage(call, project_id)})


def list_usage(call: ComputeCall) -> Response:
    """List the usage of all projects (administrators only)."""
    validation.admin_only(call, "os_compute_api:os-simple-tenant-usage:list")
    projects = sorted({s.project_id for s in call.model.servers.listed(deleted=True)})
    usages = [_usage(call, project) for project in projects]
    if call.request.param("detailed") != "1":
        for usage in usages:
            del usage["server_usages"]
    return Response(200, {"tenant_usages": usages})
