"""Quotas: /limits, /os-quota-sets, /os-quota-class-sets."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import Response
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
    own = model.class_quotas.get("default", {})
    own = own if default else own | model.quotas.get(project_id, {})
    for names, until in ((UNTIL_2_57, (2, 57)), (UNTIL_2_36, (2, 36))):
        if call.version < until:
            quotas |= {name: own.get(name, value) for name, value in names.items()}
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
    known = {*NAMES, "force"}
    if call.version < (2, 57):
        known |= {*UNTIL_2_57}
    if call.version < (2, 36):
        known |= {*UNTIL_2_36}
    validation.only("quota_set", body, frozenset(known))
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


def show_class_quotas(call: ComputeCall, class_id: str) -> Response:
    """Show the quotas of a class (administrators only); the class `default` has the defaults."""
    validation.admin_only(call, "os_compute_api:os-quota-class-sets:show")
    return Response(200, {"quota_class_set": {"id": class_id} | _class_quotas(call, class_id)})


def _class_names(call: ComputeCall) -> set[str]:
    """Return the names of the quotas of a class at the microversion of the request."""
    names = {*NAMES}
    if call.version < (2, 57):
        names |= {*UNTIL_2_57}
    if call.version < (2, 50):
        names = names - {"server_groups", "server_group_members"} | {*UNTIL_2_36}
    return names


def _class_quotas(call: ComputeCall, class_id: str) -> dict[str, int]:
    model = call.model
    quotas = {name: model.limit("", name) for name in NAMES} | UNTIL_2_57 | UNTIL_2_36
    quotas |= model.class_quotas.get("default", {}) | model.class_quotas.get(class_id, {})
    names = _class_names(call)
    return {name: value for name, value in sorted(quotas.items()) if name in names}


def change_class_quotas(call: ComputeCall, class_id: str) -> Response:
    """Change the quotas of a class (administrators only)."""
    validation.admin_only(call, "os_compute_api:os-quota-class-sets:update")
    body = validation.envelope(call, "quota_class_set")
    known = _class_names(call) | {"server_groups", "server_group_members"}
    validation.only("quota_class_set", body, frozenset(known))
    given = {name: validation.number(name, value, least=-1) for name, value in body.items()}
    if class_id == "default":
        settings = call.runtime.settings
        enforced = {name: value for name, value in given.items() if name in NAMES}
        settings.quotas = settings.quotas | enforced
        given = {name: value for name, value in given.items() if name not in NAMES}
    call.model.class_quotas.setdefault(class_id, {}).update(given)
    return Response(200, {"quota_class_set": _class_quotas(call, class_id)})
