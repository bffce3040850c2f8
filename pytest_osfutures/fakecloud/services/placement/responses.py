"""Placement's handlers, all for reading: Nova alone writes to Placement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pytest_osfutures.fakecloud.kernel import ApiError, Response, Version, parse_natural
from pytest_osfutures.fakecloud.services.placement.call import PlacementCall
from pytest_osfutures.fakecloud.services.placement.models import (
    CLASSES,
    TRAITS,
    inventories,
    used,
)
from pytest_osfutures.fakecloud.services.service_ports import (
    AllocationDetails,
    ProviderDetails,
)

LOWEST, HIGHEST = (1, 0), (1, 39)
#: the first versions with links to what a provider has
LINKS: Mapping[str, Version] = {
    "inventories": (1, 0),
    "usages": (1, 0),
    "aggregates": (1, 1),
    "traits": (1, 6),
    "allocations": (1, 11),
}
#: filters of the list of providers, with the versions that introduced them
FILTERS: Mapping[str, Version] = {
    "name": (1, 0),
    "uuid": (1, 0),
    "member_of": (1, 3),
    "resources": (1, 4),
    "in_tree": (1, 14),
    "required": (1, 18),
}
EXPLANATIONS = {
    400: "The server could not comply with the request since it is either malformed or otherwise "
    "incorrect.",
    403: "Access was denied to this resource.",
    404: "The resource could not be found.",
}


def error_body(error: ApiError) -> dict[str, Any]:
    """Return Placement's error body."""
    title = HTTPStatus(error.status).phrase
    explanation = EXPLANATIONS.get(error.status, title)
    detail = f"{explanation}\n\n {error.message}  "
    return {"errors": [{"status": error.status, "title": title, "detail": detail}]}


def _allow(call: PlacementCall, rule: str) -> None:
    if not call.caller.is_admin:
        raise ApiError(403, f"Policy does not allow placement:{rule} to be performed.")


def _since(call: PlacementCall, version: Version) -> None:
    """Raise ApiError(404) for an earlier version, which does not have this URL."""
    if call.version < version:
        raise ApiError(404, "")


def versions(call: PlacementCall) -> Response:
    """Show the version document."""
    row = {
        "id": "v1.0",
        "max_version": "1.39",
        "min_version": "1.0",
        "status": "CURRENT",
        "links": [{"rel": "self", "href": call.request.path.rstrip("/")}],
    }
    return Response(200, {"versions": [row]})


def _provider_view(call: PlacementCall, provider: ProviderDetails) -> dict[str, Any]:
    url = f"/placement/resource_providers/{provider.id}"
    links = [{"rel": "self", "href": url}]
    links += [
        {"rel": name, "href": f"{url}/{name}"}
        for name, since in LINKS.items()
        if call.version >= since
    ]
    shown: dict[str, Any] = {
        "uuid": provider.id,
        "name": provider.name,
        "generation": call.model.generation(provider),
        "links": links,
    }
    if call.version >= (1, 14):
        shown |= {"parent_provider_uuid": None, "root_provider_uuid": provider.id}
    return shown


def list_providers(call: PlacementCall) -> Response:
    """List the resource providers that the query asks for."""
    _allow(call, "resource_providers:list")
    query = dict(call.request.query)
    known = [name for name, since in FILTERS.items() if call.version >= since]
    if unknown := [name for name in query if name not in known]:
        raise ApiError(
            400,
            "Invalid query string parameters: Additional properties are not allowed "
            f"({', '.join(map(repr, unknown))} "
            f"{'was' if len(unknown) == 1 else 'were'} unexpected)",
        )
    rows = [
        _provider_view(call, provider)
        for provider in call.model.providers()
        if query.get("name") in (None, provider.name)
        and query.get("uuid") in (None, provider.id)
        and query.get("in_tree") in (None, provider.id)
        and "member_of" not in query
        and _has_traits(query.get("required"))
        and _has_room(call, provider, _resources(query.get("resources")))
    ]
    return Response(200, {"resource_providers": rows})


def _has_traits(required: str | None) -> bool:
    for trait in (required or "").split(","):
        if trait and (trait.removeprefix("!") in TRAITS) == trait.startswith("!"):
            return False
    return True


def _resources(text: str | None) -> dict[str, int]:
    """Return the amounts of a query such as `VCPU:1,DISK_GB:5`. Raises ApiError(400)."""
    wanted: dict[str, int] = {}
    for part in (text or "").split(","):
        name, _, number = part.partition(":")
        amount = parse_natural(number)
        if part and not amount:
            why = "Badly formed resources parameter. Expected resources query string parameter in "
            raise ApiError(400, f'{why}form: ?resources=VCPU:2,MEMORY_MB:1024. Got: "{text}"')
        if part and name not in CLASSES:
            raise ApiError(400, f"Invalid resource class in resources parameter: {name}")
        if part:
            wanted[name] = amount or 0
    return wanted


def _has_room(call: PlacementCall, provider: ProviderDetails, wanted: Mapping[str, int]) -> bool:
    taken = used(call.model.allocations(provider.id))
    return all(taken[name] + amount <= provider.totals[name] for name, amount in wanted.items())


def show_provider(call: PlacementCall, provider_id: str) -> Response:
    """Show one resource provider."""
    _allow(call, "resource_providers:show")
    return Response(200, _provider_view(call, call.model.provider(provider_id)))


def _generation(call: PlacementCall, provider: ProviderDetails) -> dict[str, int]:
    return {"resource_provider_generation": call.model.generation(provider)}


def list_inventories(call: PlacementCall, provider_id: str) -> Response:
    """List the inventories of a provider."""
    _allow(call, "resource_providers:inventories:list")
    provider = call.model.provider(provider_id)
    return Response(200, _generation(call, provider) | {"inventories": inventories(provider)})


def show_inventory(call: PlacementCall, provider_id: str, name: str) -> Response:
    """Show the inventory of one resource class."""
    _allow(call, "resource_providers:inventories:show")
    provider = call.model.provider(provider_id)
    inventory = inventories(provider).get(name)
    if inventory is None:
        raise ApiError(404, f"No inventory of class {name} for {provider_id}")
    return Response(200, inventory | _generation(call, provider))


def show_usages(call: PlacementCall, provider_id: str) -> Response:
    """Show how much of a provider is used."""
    _allow(call, "resource_providers:usages")
    provider = call.model.provider(provider_id)
    usages = used(call.model.allocations(provider.id))
    return Response(200, _generation(call, provider) | {"usages": usages})


def list_aggregates(call: PlacementCall, provider_id: str) -> Response:
    """List the aggregates of a provider: none."""
    _since(call, LINKS["aggregates"])
    _allow(call, "resource_providers:aggregates:list")
    provider = call.model.provider(provider_id)
    generation = _generation(call, provider) if call.version >= (1, 19) else {}
    return Response(200, {"aggregates": []} | generation)


def list_provider_traits(call: PlacementCall, provider_id: str) -> Response:
    """List the traits of a provider."""
    _since(call, LINKS["traits"])
    _allow(call, "resource_providers:traits:list")
    provider = call.model.provider(provider_id)
    return Response(200, {"traits": list(TRAITS)} | _generation(call, provider))


def list_provider_allocations(call: PlacementCall, provider_id: str) -> Response:
    """List the servers that use a provider."""
    _allow(call, "resource_providers:allocations:list")
    provider = call.model.provider(provider_id)
    rows: dict[str, Any] = {}
    for allocation in call.model.allocations(provider.id):
        rows[allocation.consumer_id] = {"resources": dict(allocation.amounts)}
        if call.version >= (1, 28):
            rows[allocation.consumer_id]["consumer_generation"] = 1
    return Response(200, _generation(call, provider) | {"allocations": rows})


def show_allocations(call: PlacementCall, consumer_id: str) -> Response:
    """Show the share of each provider that a server uses; an unknown consumer uses nothing."""
    _allow(call, "allocations:list")
    model = call.model
    found = model.allocations(consumer_id=consumer_id)
    body: dict[str, Any] = {
        "allocations": {
            allocation.provider_id: {
                "resources": dict(allocation.amounts),
                "generation": model.generation(model.provider(allocation.provider_id)),
            }
            for allocation in found
        }
    }
    if found and call.version >= (1, 12):
        body |= {"project_id": found[0].project_id, "user_id": found[0].user_id}
    if found and call.version >= (1, 28):
        body["consumer_generation"] = 1
    if found and call.version >= (1, 38):
        body["consumer_type"] = "INSTANCE"
    return Response(200, body)


def list_traits(call: PlacementCall) -> Response:
    """List the traits, or those that the parameter `name` asks for."""
    _since(call, LINKS["traits"])
    _allow(call, "traits:list")
    operator, _, value = (call.request.param("name") or "").partition(":")
    chosen: Iterable[str] = TRAITS
    if operator == "startswith":
        chosen = [trait for trait in TRAITS if trait.startswith(value)]
    elif operator == "in":
        chosen = [trait for trait in TRAITS if trait in value.split(",")]
    elif operator:
        why = "Badly formatted name parameter. Expected name query string parameter in form: "
        raise ApiError(400, f'{why}?name=[startswith|in]:[name1,name2|prefix]. Got: "{operator}"')
    return Response(200, {"traits": list(chosen)})


def check_trait(call: PlacementCall, name: str) -> Response:
    """Return 204 if the trait exists."""
    _since(call, LINKS["traits"])
    _allow(call, "traits:show")
    if name not in TRAITS:
        raise ApiError(404, f"No such trait(s): {name}.")
    return Response(204)


def _class_view(name: str) -> dict[str, Any]:
    return {"name": name, "links": [{"rel": "self", "href": f"/placement/resource_classes/{name}"}]}


def list_classes(call: PlacementCall) -> Response:
    """List the resource classes."""
    _since(call, (1, 2))
    _allow(call, "resource_classes:list")
    return Response(200, {"resource_classes": [_class_view(name) for name in CLASSES]})


def show_class(call: PlacementCall, name: str) -> Response:
    """Show one resource class."""
    _since(call, (1, 2))
    _allow(call, "resource_classes:show")
    if name not in CLASSES:
        raise ApiError(404, f"No such resource class {name}")
    return Response(200, _class_view(name))


def show_project_usages(call: PlacementCall) -> Response:
    """Show how much a project uses, or one of its users."""
    _since(call, (1, 9))
    project_id, user_id = call.request.param("project_id"), call.request.param("user_id")
    if project_id is None:
        why = "Invalid query string parameters: 'project_id' is a required property"
        raise ApiError(400, why)
    if project_id != call.caller.project_id:
        _allow(call, "usages")
    found: list[AllocationDetails] = [
        allocation
        for allocation in call.model.allocations()
        if allocation.project_id == project_id and user_id in (None, allocation.user_id)
    ]
    usages: dict[str, Any] = used(found) if found else {}
    if found and call.version >= (1, 38):
        count = len({allocation.consumer_id for allocation in found})
        usages = {"INSTANCE": usages | {"consumer_count": count}}
    return Response(200, {"usages": usages})


def list_candidates(call: PlacementCall) -> Response:
    """List the providers with room for the resources of the query."""
    _since(call, (1, 10))
    _allow(call, "allocation_candidates:list")
    wanted = _resources(call.request.param("resources"))
    if not wanted:
        why = "Invalid query string parameters: 'resources' is a required property"
        raise ApiError(400, why)
    limit = parse_natural(call.request.param("limit") or "")
    fitting = [
        provider
        for provider in call.model.providers()
        if _has_traits(call.request.param("required")) and _has_room(call, provider, wanted)
    ][: limit or None]
    requests = [_request(call, provider, wanted) for provider in fitting]
    summaries = {provider.id: _summary(call, provider) for provider in fitting}
    return Response(200, {"allocation_requests": requests, "provider_summaries": summaries})


def _request(
    call: PlacementCall, provider: ProviderDetails, wanted: Mapping[str, int]
) -> dict[str, Any]:
    resources = {"resources": dict(wanted)}
    if call.version < (1, 12):
        return {"allocations": [{"resource_provider": {"uuid": provider.id}} | resources]}
    shown: dict[str, Any] = {"allocations": {provider.id: resources}}
    return shown | ({"mappings": {"": [provider.id]}} if call.version >= (1, 34) else {})


def _summary(call: PlacementCall, provider: ProviderDetails) -> dict[str, Any]:
    taken = used(call.model.allocations(provider.id))
    shown: dict[str, Any] = {
        "resources": {
            name: {"capacity": provider.totals[name], "used": taken[name]} for name in CLASSES
        }
    }
    if call.version >= (1, 17):
        shown["traits"] = list(TRAITS)
    if call.version >= (1, 29):
        shown |= {"parent_provider_uuid": None, "root_provider_uuid": provider.id}
    return shown
