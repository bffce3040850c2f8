"""Keystone's handlers for regions, services and endpoints."""

from __future__ import annotations

from typing import Any

from pytest_osfutures.fakecloud.kernel import ApiError, Response, invalid
from pytest_osfutures.fakecloud.services.identity.call import IdentityCall
from pytest_osfutures.fakecloud.services.identity.models import records
from pytest_osfutures.fakecloud.services.identity.models.state import conflict, url_of
from pytest_osfutures.fakecloud.services.identity.responses.general import (
    allow,
    attributes,
    extra,
    found,
    page,
)

REGION = {"id": "string", "description": "string", "parent_region_id": "string null"}
SERVICE = {
    "type": "string",
    "name": "string",
    "description": "string null",
    "enabled": "boolean",
}
ENDPOINT = {
    "service_id": "string",
    "interface": "string",
    "url": "string",
    "region_id": "string null",
    "region": "string",
    "enabled": "boolean",
    "name": "string",
}
INTERFACES = ("admin", "internal", "public")


def _region_view(call: IdentityCall, region: records.Region) -> dict[str, Any]:
    links = {"self": f"{call.root}/v3/regions/{region.id}"}
    return {
        "id": region.id,
        "description": region.description,
        "parent_region_id": region.parent_region_id,
        "links": links,
    }


def list_regions(call: IdentityCall) -> Response:
    """List all regions."""
    rows = [_region_view(call, region) for region in call.model.regions.values()]
    return page(call, "regions", rows, "parent_region_id")


def show_region(call: IdentityCall, region_id: str) -> Response:
    """Show one region."""
    region = found("region", call.model.regions, region_id)
    return Response(200, {"region": _region_view(call, region)})


def create_region(call: IdentityCall, region_id: str | None = None) -> Response:
    """Create a region; PUT names its id in the path."""
    allow(call, "create_region")
    content, model = attributes(call, "region", REGION), call.model
    ident = region_id or content.get("id") or model.new_id()
    if region_id and content.get("id") not in (None, region_id):
        raise ApiError(400, "Conflicting region IDs specified: the path and the body differ")
    if ident in model.regions:
        raise conflict("region", f"Duplicate ID, {ident}")
    _check_parent(call, content)
    region = records.Region(
        id=ident,
        description=content.get("description", ""),
        parent_region_id=content.get("parent_region_id"),
    )
    model.regions[region.id] = region
    return Response(201, {"region": _region_view(call, region)})


def _check_parent(call: IdentityCall, content: dict[str, Any]) -> None:
    if (parent := content.get("parent_region_id")) is not None:
        found("region", call.model.regions, parent)


def change_region(call: IdentityCall, region_id: str) -> Response:
    """Change a region."""
    allow(call, "update_region")
    region, content = (
        found("region", call.model.regions, region_id),
        attributes(call, "region", REGION),
    )
    _check_parent(call, content)
    for name in ("description", "parent_region_id"):
        if name in content:
            setattr(region, name, content[name])
    return Response(200, {"region": _region_view(call, region)})


def delete_region(call: IdentityCall, region_id: str) -> Response:
    """Delete a region without endpoints."""
    allow(call, "delete_region")
    region, model = found("region", call.model.regions, region_id), call.model
    if any(each.region_id == region.id for each in model.endpoints.values()):
        raise ApiError(
            403,
            f"Unable to delete region {region.id} because it or its child regions have "
            "associated endpoints.",
        )
    del model.regions[region.id]
    return Response(204)


def _service_view(call: IdentityCall, service: records.CatalogService) -> dict[str, Any]:
    shown = service.extra | {
        "id": service.id,
        "name": service.name,
        "type": service.type,
        "enabled": service.enabled,
        "links": {"self": f"{call.root}/v3/services/{service.id}"},
    }
    return shown | ({"description": service.description} if service.description else {})


def list_services(call: IdentityCall) -> Response:
    """List the services of the catalog."""
    allow(call, "list_services", role="reader")
    rows = [_service_view(call, service) for service in call.model.services.values()]
    return page(call, "services", rows, "type", "enabled")


def show_service(call: IdentityCall, service_id: str) -> Response:
    """Show one service."""
    allow(call, "get_service")
    service = found("service", call.model.services, service_id)
    return Response(200, {"service": _service_view(call, service)})


def create_service(call: IdentityCall) -> Response:
    """Create a service of the catalog."""
    content, model = attributes(call, "service", SERVICE, "type"), call.model
    allow(call, "create_service")
    service = records.CatalogService(
        id=model.new_id(),
        name=content.get("name", ""),
        type=content["type"],
        description=content.get("description"),
        enabled=content.get("enabled", True),
        extra=extra(content, SERVICE),
    )
    model.services[service.id] = service
    return Response(201, {"service": _service_view(call, service)})


def change_service(call: IdentityCall, service_id: str) -> Response:
    """Change a service."""
    allow(call, "update_service")
    service = found("service", call.model.services, service_id)
    content = attributes(call, "service", SERVICE)
    for name in ("name", "type", "description", "enabled"):
        if name in content:
            setattr(service, name, content[name])
    service.extra = service.extra | extra(content, SERVICE)
    return Response(200, {"service": _service_view(call, service)})


def delete_service(call: IdentityCall, service_id: str) -> Response:
    """Delete a service with its endpoints."""
    allow(call, "delete_service")
    service, model = found("service", call.model.services, service_id), call.model
    for endpoint in list(model.endpoints.values()):
        if endpoint.service_id == service.id:
            del model.endpoints[endpoint.id]
    del model.services[service.id]
    return Response(204)


def _endpoint_view(call: IdentityCall, endpoint: records.Endpoint) -> dict[str, Any]:
    return endpoint.extra | {
        "id": endpoint.id,
        "interface": endpoint.interface,
        "region_id": endpoint.region_id,
        "region": endpoint.region_id,
        "service_id": endpoint.service_id,
        "url": url_of(endpoint, call.request.origin),
        "enabled": endpoint.enabled,
        "links": {"self": f"{call.root}/v3/endpoints/{endpoint.id}"},
    }


def list_endpoints(call: IdentityCall) -> Response:
    """List the endpoints of the catalog."""
    allow(call, "list_endpoints", role="reader")
    rows = [_endpoint_view(call, endpoint) for endpoint in call.model.endpoints.values()]
    return page(call, "endpoints", rows, "service_id", "interface", "region_id", "enabled")


def show_endpoint(call: IdentityCall, endpoint_id: str) -> Response:
    """Show one endpoint."""
    allow(call, "get_endpoint")
    endpoint = found("endpoint", call.model.endpoints, endpoint_id)
    return Response(200, {"endpoint": _endpoint_view(call, endpoint)})


def create_endpoint(call: IdentityCall) -> Response:
    """Create an endpoint; an unknown region is created with it."""
    content = attributes(call, "endpoint", ENDPOINT, "service_id", "interface", "url")
    allow(call, "create_endpoint")
    _check_endpoint(call, content)
    endpoint = records.Endpoint(
        id=call.model.new_id(),
        name="",
        service_id=content["service_id"],
        interface=content["interface"],
        url=content["url"],
        region_id=_region_of(call, content),
        enabled=content.get("enabled", True),
        extra=extra(content, ENDPOINT),
    )
    call.model.endpoints[endpoint.id] = endpoint
    return Response(201, {"endpoint": _endpoint_view(call, endpoint)})


def _check_endpoint(call: IdentityCall, content: dict[str, Any]) -> None:
    interface = content.get("interface", "public")
    if interface not in INTERFACES:
        raise invalid("interface", interface, f"{interface!r} is not one of {list(INTERFACES)}")
    if "service_id" in content and content["service_id"] not in call.model.services:
        raise ApiError(400, f"Could not find service: {content['service_id']}.")
    url = content.get("url", "http://")
    if "://" not in url:
        raise invalid("url", url, f"{url!r} is not a 'uri'")


def _region_of(call: IdentityCall, content: dict[str, Any]) -> str | None:
    regions = call.model.regions
    region_id: str | None = content.get("region_id")
    if region_id is not None and region_id not in regions:
        raise ApiError(400, f"Could not find region: {region_id}.")
    old = content.get("region")  # the name of the attribute in Keystone v2
    if region_id is None and old is not None:
        region_id = str(old)
        regions.setdefault(region_id, records.Region(id=region_id))
    return region_id


def change_endpoint(call: IdentityCall, endpoint_id: str) -> Response:
    """Change an endpoint."""
    allow(call, "update_endpoint")
    endpoint = found("endpoint", call.model.endpoints, endpoint_id)
    content = attributes(call, "endpoint", ENDPOINT)
    _check_endpoint(call, content)
    if "region_id" in content or "region" in content:
        endpoint.region_id = _region_of(call, content)
    for name in ("service_id", "interface", "url", "enabled"):
        if name in content:
            setattr(endpoint, name, content[name])
    endpoint.extra = endpoint.extra | extra(content, ENDPOINT)
    return Response(200, {"endpoint": _endpoint_view(call, endpoint)})


def delete_endpoint(call: IdentityCall, endpoint_id: str) -> Response:
    """Delete an endpoint."""
    allow(call, "delete_endpoint")
    endpoint = found("endpoint", call.model.endpoints, endpoint_id)
    del call.model.endpoints[endpoint.id]
    return Response(204)


def _none_of(key: str) -> Any:
    def list_none(call: IdentityCall) -> Response:
        """List nothing: the fake keeps no resources of this type."""
        allow(call, f"list_{key}", role="reader")
        return page(call, key, [])

    return list_none


list_credentials = _none_of("credentials")
list_policies = _none_of("policies")
list_registered_limits = _none_of("registered_limits")


def list_limits(call: IdentityCall) -> Response:
    """List the unified limits of the caller's project: none, each service has its own quotas."""
    return page(call, "limits", [])


def show_limit_model(_: IdentityCall) -> Response:
    """Show the enforcement model of unified limits."""
    words = "Limit enforcement and validation does not take project hierarchy into consideration."
    return Response(200, {"model": {"name": "flat", "description": words}})
