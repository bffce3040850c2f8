"""Flavors and version documents."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
    parse_natural,
    version_text,
)
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.models.server import FlavorRecord
from pytest_osfutures.fakecloud.services.compute.responses import validation, views
from pytest_osfutures.fakecloud.services.compute.responses.listing import page_of

HIGHEST = (2, 104)
LOWEST = (2, 1)


def _version(call: ComputeCall) -> dict[str, Any]:
    return {
        "id": "v2.1",
        "status": "CURRENT",
        "version": version_text(HIGHEST),
        "min_version": version_text(LOWEST),
        "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": f"{call.root}/v2.1/"}],
    }


def versions(call: ComputeCall) -> Response:
    """List the API versions: the old v2.0 and v2.1."""
    return Response(200, {"versions": [_old_version(call), _version(call)]})


def _old_version(call: ComputeCall) -> dict[str, Any]:
    return {
        "id": "v2.0",
        "status": "DEPRECATED",
        "version": "",
        "min_version": "",
        "updated": "2025-07-04T12:00:00Z",
        "links": [{"rel": "self", "href": f"{call.root}/v2/"}],
    }


def old_version(call: ComputeCall) -> Response:
    """Show the version document of v2.0, which has no other URL here."""
    return _document(_old_version(call), "2")


def version(call: ComputeCall) -> Response:
    """Show the version document of v2.1."""
    return _document(_version(call), "2.1")


def _document(shown: dict[str, Any], number: str) -> Response:
    shown["links"].append(
        {"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"}
    )
    kind = f"application/vnd.openstack.compute+json;version={number}"
    shown["media-types"] = [{"base": "application/json", "type": kind}]
    return Response(200, {"version": shown})


def flavor_view(call: ComputeCall, flavor: FlavorRecord) -> dict[str, Any]:
    """Return all fields of a flavor."""
    shown: dict[str, Any] = {
        "id": flavor.id,
        "name": flavor.name,
        "ram": flavor.ram,
        "disk": flavor.disk,
        "swap": flavor.swap if call.version >= (2, 75) else flavor.swap or "",
        "OS-FLV-EXT-DATA:ephemeral": flavor.ephemeral,
        "OS-FLV-DISABLED:disabled": False,
        "vcpus": flavor.vcpus,
        "os-flavor-access:is_public": flavor.is_public,
        "rxtx_factor": flavor.rxtx_factor,
        "links": views.links(call, "flavors", flavor.id),
    }
    if call.version >= (2, 102):
        del shown["OS-FLV-DISABLED:disabled"], shown["rxtx_factor"]
    if call.version >= (2, 55):
        shown["description"] = flavor.description
    if call.version >= (2, 61):
        shown["extra_specs"] = dict(flavor.extra_specs)
    return shown


def list_flavors(call: ComputeCall) -> Response:
    """List flavors with ids and names."""
    return _page(call, "flavors", _brief)


def list_flavors_in_detail(call: ComputeCall) -> Response:
    """List flavors with all fields."""
    return _page(call, "flavors/detail", flavor_view)


def _page(
    call: ComputeCall, path: str, view: Callable[[ComputeCall, FlavorRecord], dict[str, Any]]
) -> Response:
    flavors, links = page_of(call, path, _listed(call), lambda flavor: flavor.id)
    body: dict[str, Any] = {"flavors": [view(call, flavor) for flavor in flavors]}
    return Response(200, body | ({"flavors_links": links} if links else {}))


def _brief(call: ComputeCall, flavor: FlavorRecord) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "id": flavor.id,
        "name": flavor.name,
        "links": views.links(call, "flavors", flavor.id),
    }
    if call.version >= (2, 55):
        shown["description"] = flavor.description
    return shown


def _listed(call: ComputeCall) -> list[FlavorRecord]:
    request = call.request
    flavors = sorted(call.model.flavors.values(), key=lambda flavor: flavor.id)
    public = _wants_public(call)
    if public is not None:
        project_id = call.caller.project_id
        flavors = [
            flavor
            for flavor in flavors
            if flavor.is_public == public or (public and project_id in flavor.project_ids)
        ]
    for name, size in (("minRam", "ram"), ("minDisk", "disk")):
        if (least := request.param(name)) is not None:
            if (bound := parse_natural(least)) is None:
                raise ApiError(400, f"Invalid {name} filter [{least}]")
            flavors = [flavor for flavor in flavors if getattr(flavor, size) >= bound]
    if (wanted := request.param("name")) is not None and call.version >= (2, 102):
        flavors = [flavor for flavor in flavors if flavor.name == wanted]
    return flavors


def _wants_public(call: ComputeCall) -> bool | None:
    """Return whether the list shows public flavors; None for all. Only administrators may choose.

    Raises ApiError(400).
    """
    text = (call.request.param("is_public") or "true").strip().lower()
    if not call.caller.is_admin:
        return True
    if text == "none":
        return None
    if text not in (*validation.TRUE, *validation.FALSE):
        raise ApiError(400, f"Invalid is_public filter [{call.request.param('is_public')}]")
    return text in validation.TRUE


def show_flavor(call: ComputeCall, flavor_id: str) -> Response:
    """Show one flavor."""
    flavor = call.model.flavor(flavor_id, context=call.context)
    return Response(200, {"flavor": flavor_view(call, flavor)})


def _access_view(flavor: FlavorRecord) -> Response:
    rows = [{"flavor_id": flavor.id, "tenant_id": each} for each in flavor.project_ids]
    return Response(200, {"flavor_access": rows})


def list_access(call: ComputeCall, flavor_id: str) -> Response:
    """List the projects that may use a flavor that is not public (administrators only)."""
    validation.admin_only(call, "os_compute_api:os-flavor-access")
    flavor = call.model.flavor(flavor_id)
    if flavor.is_public:
        raise ApiError(404, "Access list not available for public flavors.")
    return _access_view(flavor)


def change_access(call: ComputeCall, flavor_id: str) -> Response:
    """Give a project access to a flavor that is not public, or end it (administrators only)."""
    body = call.json()
    action = next(iter(body), "")
    if action not in ("addTenantAccess", "removeTenantAccess"):
        raise ApiError(400, f"There is no such action: {action}")
    rule = "add_tenant_access" if action == "addTenantAccess" else "remove_tenant_access"
    validation.admin_only(call, f"os_compute_api:os-flavor-access:{rule}")
    content = validation.envelope(call, action)
    validation.required(action, content, "tenant")
    validation.strict(content, {"tenant": "string"})
    model, project_id = call.model, content["tenant"]
    flavor, change = model.flavor(flavor_id), action == "addTenantAccess"
    if change and project_id not in model.projects.project_ids():
        raise ApiError(400, f"Project ID {project_id} is not a valid project.")
    changed = replace(flavor, project_ids=_project_ids(call, flavor, project_id, change))
    model.flavors[flavor.id] = changed
    return _access_view(changed)


def _project_ids(
    call: ComputeCall, flavor: FlavorRecord, project_id: str, add: bool
) -> tuple[str, ...]:
    has = project_id in flavor.project_ids
    if add and flavor.is_public and call.version >= (2, 7):
        why = "Can not add access to a public flavor."
        raise ApiError(409, why)
    if add and has:
        raise ApiError(
            409,
            f"Flavor access already exists for flavor {flavor.id} and project {project_id} "
            "combination.",
        )
    if not add and not has:
        why = f"Flavor access not found for {flavor.id} / {project_id} combination."
        raise ApiError(404, why)
    kept = tuple(each for each in flavor.project_ids if each != project_id)
    return (*kept, project_id) if add else kept


def list_extra_specs(call: ComputeCall, flavor_id: str) -> Response:
    """List the extra specs of a flavor."""
    specs = call.model.flavor(flavor_id, context=call.context).extra_specs
    return Response(200, {"extra_specs": dict(specs)})


def _specs(call: ComputeCall, flavor_id: str, rule: str) -> tuple[FlavorRecord, dict[str, str]]:
    validation.admin_only(call, f"os_compute_api:os-flavor-extra-specs:{rule}")
    flavor = call.model.flavor(flavor_id)
    return flavor, dict(flavor.extra_specs)


def _set_specs(call: ComputeCall, flavor: FlavorRecord, specs: dict[str, str]) -> None:
    call.model.flavors[flavor.id] = replace(flavor, extra_specs=specs)


def _missing_spec(flavor_id: str, key: str) -> ApiError:
    return ApiError(404, f"Flavor {flavor_id} has no extra specs with key {key}.")


def add_extra_specs(call: ComputeCall, flavor_id: str) -> Response:
    """Add extra specs to a flavor (administrators only)."""
    flavor, specs = _specs(call, flavor_id, "create")
    given = validation.envelope(call, "extra_specs")
    validation.strict(given, dict.fromkeys(given, "string number"))
    specs |= given
    _set_specs(call, flavor, specs)
    return Response(200, {"extra_specs": specs})


def show_extra_spec(call: ComputeCall, flavor_id: str, key: str) -> Response:
    """Show one extra spec of a flavor."""
    specs = call.model.flavor(flavor_id, context=call.context).extra_specs
    if key not in specs:
        raise _missing_spec(flavor_id, key)
    return Response(200, {key: specs[key]})


def set_extra_spec(call: ComputeCall, flavor_id: str, key: str) -> Response:
    """Change one extra spec of a flavor (administrators only)."""
    flavor, specs = _specs(call, flavor_id, "update")
    body = call.json()
    if list(body) != [key]:
        raise ApiError(400, "Request body and URI mismatch")
    validation.strict(body, {key: "string number"})
    _set_specs(call, flavor, specs | body)
    return Response(200, body)


def delete_extra_spec(call: ComputeCall, flavor_id: str, key: str) -> Response:
    """Delete one extra spec of a flavor (administrators only)."""
    flavor, specs = _specs(call, flavor_id, "delete")
    if specs.pop(key, None) is None:
        raise _missing_spec(flavor_id, key)
    _set_specs(call, flavor, specs)
    return Response(200)


LARGEST_FACTOR = 3.40282e38  # of MySQL's FLOAT: nova/db/constants.py, SQL_SP_FLOAT_MAX

FLAVOR = {
    "id": "string number null",
    "description": validation.TEXT_OR_NULL,
    "os-flavor-access:is_public": validation.FLAG,
    "rxtx_factor": "number string",
}


def update_flavor(call: ComputeCall, flavor_id: str) -> Response:
    """Change a flavor's description, since 2.55 (administrators only)."""
    validation.admin_only(call, "os_compute_api:os-flavor-manage:update")
    flavor = call.model.flavor(flavor_id)
    body = validation.envelope(call, "flavor")
    validation.only("flavor", body, frozenset({"description"}))
    validation.strict(body, FLAVOR)
    changed = replace(flavor, description=body.get("description"))
    call.model.flavors[flavor.id] = changed
    return Response(200, {"flavor": flavor_view(call, changed)})


def create_flavor(call: ComputeCall) -> Response:
    """Create a flavor (administrators only)."""
    validation.admin_only(call, "os_compute_api:os-flavor-manage:create")
    body, model = validation.envelope(call, "flavor"), call.model
    validation.required("flavor", body, "name", "ram", "vcpus", "disk")
    validation.strict(body, FLAVOR)
    name, public = validation.name(body["name"]), "os-flavor-access:is_public"
    flavor_id = str(body.get("id") or call.runtime.new_id())
    if flavor_id == "auto":
        flavor_id = call.runtime.new_id()
    if flavor_id in model.flavors:
        raise ApiError(409, f"Flavor with ID {flavor_id} already exists.")
    if any(flavor.name == name for flavor in model.flavors.values()):
        raise ApiError(409, f"Flavor with name {name} already exists.")
    flavor = FlavorRecord(
        flavor_id,
        name,
        validation.number("ram", body["ram"], least=1),
        validation.number("disk", body["disk"]),
        validation.number("vcpus", body["vcpus"], least=1),
        ephemeral=validation.number("ephemeral", body.get("OS-FLV-EXT-DATA:ephemeral", 0)),
        swap=validation.number("swap", body.get("swap") or 0),
        description=body.get("description"),
        rxtx_factor=_factor(body.get("rxtx_factor", 1.0)),
        is_public=validation.boolean(public, body.get(public, True)),
    )
    model.flavors[flavor_id] = flavor
    return Response(200, {"flavor": flavor_view(call, flavor)})


def _factor(value: Any) -> float:
    """Return the factor for the bandwidth. Raises ApiError(400)."""
    try:
        factor = float(value)
    except (ValueError, OverflowError):
        why = f"{value!r} does not match '^[0-9]+(\\.[0-9]+)?$'"
        raise validation.invalid("rxtx_factor", value, why) from None
    if not 0 < factor <= LARGEST_FACTOR:
        bound = "less than or equal to the minimum of 0" if factor <= 0 else "too large"
        raise validation.invalid("rxtx_factor", value, f"{value} is {bound}")
    return factor


def delete_flavor(call: ComputeCall, flavor_id: str) -> Response:
    """Delete a flavor; existing servers keep it (administrators only)."""
    validation.admin_only(call, "os_compute_api:os-flavor-manage:delete")
    flavor = call.model.flavor(flavor_id)
    del call.model.flavors[flavor.id]
    return Response(202)
