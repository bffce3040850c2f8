"""One server: show, update, delete, metadata and tags."""

from __future__ import annotations

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    Response,
)
from pytest_osfutures.fakecloud.services.compute.call import ComputeCall
from pytest_osfutures.fakecloud.services.compute.models import deleting
from pytest_osfutures.fakecloud.services.compute.models.server import ServerRecord
from pytest_osfutures.fakecloud.services.compute.responses import validation, views

MAX_TAGS = 50
SERVER = {
    **dict.fromkeys(("description", "pinned_availability_zone"), validation.TEXT_OR_NULL),
    **dict.fromkeys(("name", "hostname", "accessIPv4", "accessIPv6"), "string"),
}
HTML = {
    "Content-Type": "text/html; charset=UTF-8"
}  #: the headers of empty responses for which Nova sets no type


def find(call: ComputeCall, server_id: str) -> ServerRecord:
    """Return the server if the caller may see it. Raises ApiError(404)."""
    return call.model.server(server_id, call.context)


def show_server(call: ComputeCall, server_id: str) -> Response:
    """Show one server."""
    return Response(200, {"server": views.detailed(call, find(call, server_id))})


def update_server(call: ComputeCall, server_id: str) -> Response:
    """Change the name and other fields of a server."""
    server = find(call, server_id)
    body = validation.envelope(call, "server")
    allowed = {"name", "accessIPv4", "accessIPv6", "OS-DCF:diskConfig"}
    allowed |= {"description"} if call.version >= (2, 19) else set()
    allowed |= {"hostname"} if call.version >= (2, 90) else set()
    allowed |= {"pinned_availability_zone"} if call.version >= (2, 104) else set()
    validation.only("server", body, frozenset(allowed))
    validation.strict(body, SERVER)
    validation.one_of(body, "OS-DCF:diskConfig", ["AUTO", "MANUAL"])
    validation.addresses(body)
    description = validation.description(body.get("description", server.description))
    if "pinned_availability_zone" in body:
        _pin(server, body["pinned_availability_zone"])
    if "name" in body:
        server.name = validation.name(body["name"])
    server.description = description
    server.hostname = body.get("hostname", server.hostname)
    server.access_ip_v4 = validation.normal(body.get("accessIPv4", server.access_ip_v4))
    server.access_ip_v6 = validation.normal(body.get("accessIPv6", server.access_ip_v6))
    server.disk_config = body.get("OS-DCF:diskConfig", server.disk_config)
    server.touch()
    return Response(200, {"server": views.changed(call, server)})


def _pin(server: ServerRecord, zone: str | None) -> None:
    if zone in (None, server.pinned_zone):
        server.pinned_zone = zone
    elif server.pinned_zone is not None:
        raise ApiError(
            409,
            "Cannot change pinned availability zone directly. Unpin first by setting "
            "pinned_availability_zone to null.",
        )
    elif zone != server.zone:
        raise ApiError(
            409,
            f"Cannot pin to availability zone {zone}: the server is in {server.zone}.",
        )
    else:
        server.pinned_zone = zone


def delete_server(call: ComputeCall, server_id: str) -> Response:
    """Begin to delete a server."""
    deleting.delete(call.model, find(call, server_id), call.context)
    return Response(204)


def list_metadata(call: ComputeCall, server_id: str) -> Response:
    """List all metadata."""
    return Response(200, {"metadata": find(call, server_id).metadata})


def change_metadata(call: ComputeCall, server_id: str) -> Response:
    """Add metadata (POST) or replace all metadata (PUT)."""
    server = find(call, server_id)
    body = call.json()
    validation.required("body", body, "metadata")
    given = validation.metadata(call, body["metadata"])
    _set_metadata(call, server, given if call.request.method == "PUT" else server.metadata | given)
    return Response(200, {"metadata": server.metadata})


def _set_metadata(call: ComputeCall, server: ServerRecord, metadata: dict[str, str]) -> None:
    server.metadata = validation.metadata(call, metadata)
    server.touch()


def show_metadata_item(call: ComputeCall, server_id: str, key: str) -> Response:
    """Show one metadata item."""
    server = find(call, server_id)
    return Response(200, {"meta": {key: _item(server, key)}})


def _item(server: ServerRecord, key: str) -> str:
    if key not in server.metadata:
        raise ApiError(404, "Metadata item was not found")
    return server.metadata[key]


def set_metadata_item(call: ComputeCall, server_id: str, key: str) -> Response:
    """Add or change one metadata item."""
    server, meta = find(call, server_id), validation.envelope(call, "meta")
    if list(meta) != [key]:
        raise ApiError(400, "Request body and URI mismatch")
    _set_metadata(call, server, server.metadata | meta)
    return Response(200, {"meta": meta})


def delete_metadata_item(call: ComputeCall, server_id: str, key: str) -> Response:
    """Delete one metadata item."""
    server = find(call, server_id)
    _item(server, key)
    _set_metadata(call, server, {k: v for k, v in server.metadata.items() if k != key})
    return Response(204)


def list_tags(call: ComputeCall, server_id: str) -> Response:
    """List all tags."""
    return Response(200, {"tags": list(find(call, server_id).tags)})


def replace_tags(call: ComputeCall, server_id: str) -> Response:
    """Replace all tags."""
    server, tags = find(call, server_id), call.json().get("tags")
    validation.typed("tags", tags, "array")
    _set_tags(server, [validation.tag(tag) for tag in tags or ()])
    return Response(200, {"tags": list(server.tags)})


def delete_tags(call: ComputeCall, server_id: str) -> Response:
    """Delete all tags."""
    _set_tags(find(call, server_id), [])
    return Response(204)


def check_tag(call: ComputeCall, server_id: str, tag: str) -> Response:
    """Return 204 if the server has the tag. Raises ApiError(404)."""
    if tag not in find(call, server_id).tags:
        raise ApiError(404, f"Server {server_id} has no tag '{tag}'")
    return Response(204)


def add_tag(call: ComputeCall, server_id: str, tag: str) -> Response:
    """Add one tag."""
    server = find(call, server_id)
    validation.tag(tag)
    if tag in server.tags:
        return Response(204, None, HTML)
    _set_tags(server, [*server.tags, tag])
    location = f"{call.root}/v2.1/servers/{server_id}/tags/{tag}"
    return Response(201, None, {"Location": location} | HTML)


def delete_tag(call: ComputeCall, server_id: str, tag: str) -> Response:
    """Delete one tag."""
    server = find(call, server_id)
    _has(server, tag)
    _set_tags(server, [other for other in server.tags if other != tag])
    return Response(204)


def _has(server: ServerRecord, tag: str) -> None:
    if tag not in server.tags:
        raise ApiError(404, f"Instance {server.id} has no tag '{tag}'")


def _set_tags(server: ServerRecord, tags: list[str]) -> None:
    if server.vm_state not in ("active", "paused", "suspended", "stopped") or server.task_state:
        raise ApiError(
            409,
            f"Cannot 'set tags' instance {server.id} while it is in vm_state {server.vm_state}",
        )
    if len(set(tags)) > MAX_TAGS:
        raise ApiError(400, f"The number of tags exceeded the per-server limit {MAX_TAGS}")
    server.tags = tuple(sorted(set(tags)))
    server.touch()


def list_addresses(call: ComputeCall, server_id: str) -> Response:
    """List the addresses by network."""
    server = find(call, server_id)
    return Response(200, {"addresses": views.addresses(call.model, server, extended=False)})


def show_addresses(call: ComputeCall, server_id: str, network: str) -> Response:
    """Show the addresses in one network."""
    server = find(call, server_id)
    found = views.addresses(call.model, server, extended=False)
    if network not in found:
        raise ApiError(404, "Instance is not a member of specified network")
    return Response(200, {network: found[network]})


def list_security_groups(call: ComputeCall, server_id: str) -> Response:
    """List the security groups of the server's ports."""
    server = find(call, server_id)
    groups = call.model.networks.security_groups(server.project_id, server.security_groups)
    return Response(200, {"security_groups": list(groups)})
