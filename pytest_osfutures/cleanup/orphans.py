"""Orphans: stamped resources in a project. Functions that list them and delete one of them.

A resource is read right before its deletion and has to carry the same stamp then. A resource
without a stamp is never deleted, whatever the name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from pytest_osfutures.cleanup.rows import NOT_OURS
from pytest_osfutures.operations import (
    KEYPAIR,
    PORT,
    ROUTER,
    SERVER,
    SUBNET,
    VOLUME,
    Body,
    ResourceType,
)
from pytest_osfutures.ownership import (
    StampedResource,
    UnreadableError,
    is_ours,
    read_resource,
    send_request,
    stamped_resource,
    unreadable_errors,
)
from pytest_osfutures.parsing import identifier, mappings, printable
from pytest_osfutures.transport import (
    ApiClient,
    Page,
    describe_refusal,
    error_message,
    is_missing,
    is_success,
    iterate_pages,
)

#: Reasons why a resource still exists that need nothing but time.
DELETING, DETACHING = "it is being deleted", "it is being detached"
DISCONNECTING = "it is being disconnected"
UNDER_WAY = (DELETING, DETACHING, DISCONNECTING)
#: `device_owner` of the ports by which routers are connected to subnets.
#: https://opendev.org/openstack/neutron-lib/src/branch/master/neutron_lib/constants.py
INTERFACES = ("network:router_interface", "network:ha_router_replicated_interface")


def first_path(api: ApiClient, resource_type: ResourceType) -> str:
    """Return the path of the list of a type in the project. Raises UnreadableError."""
    path = resource_type.owned_path
    if "{project}" in path:
        with unreadable_errors(f"the project of {resource_type.collection_path}"):
            path = path.format(project=api.session.get_project_id(auth=api.auth))
    return path


def read_page(api: ApiClient, resource_type: ResourceType, path: str) -> Page | None:
    """Read one page of a list; None if the cloud has no such resources. Raises UnreadableError."""
    response = send_request(api, "GET", resource_type, path)
    if response is None:
        return None
    if is_missing(response.status_code) and _is_missing_extension(api, resource_type):
        return None
    if not is_success(response.status_code):
        raise UnreadableError(describe_refusal("GET", path, response))
    with unreadable_errors(f"GET {path}"):
        page = Page.parse(response.json(), resource_type.collection)
    if resource_type is KEYPAIR:  # Nova wraps each keypair of a list
        items = mappings([each.get(resource_type.member, each) for each in page.items])
        return Page(items, page.next_query)
    return page


def list_stamped(
    api: ApiClient,
    resource_type: ResourceType,
    insist: Callable[[Callable[[], Any]], Any] = lambda read: read(),
) -> list[StampedResource]:
    """Return the resources of a type that carry a stamp, their own or a copy.

    Args:
        insist: Calls a function that reads one page, again after an error if need be.

    Raises UnreadableError.
    """
    path = insist(partial(first_path, api, resource_type))
    with unreadable_errors(f"GET {path}"):
        pages = iterate_pages(
            lambda where: insist(partial(read_page, api, resource_type, where)), path
        )
        found = [stamped_resource(resource_type, body) for page in pages for body in page.items]
    return [each for each in found if each is not None]


def _is_missing_extension(api: ApiClient, resource_type: ResourceType) -> bool:
    """Return True if this Neutron does not have the extension that the type belongs to."""
    if not resource_type.extension:
        return False
    response = send_request(api, "GET", resource_type, f"/extensions/{resource_type.extension}")
    return response is not None and is_missing(response.status_code)


def delete_step(
    api: ApiClient,
    resource: StampedResource,
    before: Callable[[StampedResource, Body], None] | None = None,
) -> str | None:
    """Take the next step of the deletion of a resource; return why the resource still exists.

    Args:
        before: Called with the resource and the body before the deletion.

    Returns:
        None if the resource does not exist; NOT_OURS without the same stamp.

    Raises UnreadableError.
    """
    body = read_resource(api, resource)
    if body is None:
        return None
    if not is_ours(resource, body):
        return NOT_OURS
    status = str(body.get("status", ""))
    if status == "deleting" or body.get("OS-EXT-STS:task_state") == "deleting":
        return DELETING
    if resource.type is VOLUME and (reason := _detach(api, resource, body)) is not None:
        return reason
    if before is not None:
        before(resource, body)
    return disconnect(api, resource.type, body) or _delete(api, resource, status)


def _delete(api: ApiClient, resource: StampedResource, status: str) -> str | None:
    if status == "SOFT_DELETED":
        path = f"{resource.path}/action"
        response = send_request(api, "POST", resource.type, path, {"forceDelete": None})
    else:
        response = send_request(api, "DELETE", resource.type, resource.path)
    if response is None or is_missing(response.status_code):
        return None
    if not is_success(response.status_code):
        state = f" (its status is {printable(status)})" if status else ""
        return f"DELETE answered {response.status_code}: {error_message(response)}{state}"
    return DELETING


def _detach(api: ApiClient, volume: StampedResource, body: Body) -> str | None:
    """Detach a volume from its servers; return None if it is attached to none.

    Cinder also attaches volumes to hosts (`os-attach` with `host_name`); `unblock` ends these.
    """
    servers = [identifier(each.get("server_id")) for each in mappings(body.get("attachments"))]
    responses = [
        send_request(api, "DELETE", SERVER, f"/servers/{server}/os-volume_attachments/{volume.id}")
        for server in servers
        if server is not None
    ]
    for response in responses:
        if response is not None and not is_success(response.status_code):
            return f"detaching answered {response.status_code}: {error_message(response)}"
    return DETACHING if responses else None


def disconnect(api: ApiClient, resource_type: ResourceType, body: Body) -> str | None:
    """Remove the interfaces between routers and a router, a subnet or a port.

    Returns:
        DISCONNECTING, or the reason why a router keeps an interface; None if there was none.

    Raises UnreadableError.
    """
    ports = _interfaces(api, resource_type, body)
    responses = []
    for port in ports:
        interface = {"subnet_id": body["id"]}
        document = interface if resource_type is SUBNET else {"port_id": port.get("id")}
        path = f"/routers/{port.get('device_id')}/remove_router_interface"
        responses.append(send_request(api, "PUT", ROUTER, path, document))
    for response in responses:
        if response is None or is_success(response.status_code):
            continue
        if not is_missing(response.status_code):
            return f"disconnecting answered {response.status_code}: {error_message(response)}"
    return DISCONNECTING if ports else None


def _interfaces(api: ApiClient, resource_type: ResourceType, body: Body) -> list[Body]:
    """Return the ports that connect routers with a router, a subnet or a port."""
    if resource_type is PORT:
        ports: list[Body] = [body]
    elif resource_type in (ROUTER, SUBNET):
        query = "device_id=" if resource_type is ROUTER else "fixed_ips=subnet_id%3D"
        path = f"{PORT.collection_path}?{query}{body.get('id')}"
        with unreadable_errors(f"GET {path}"):
            pages = list(iterate_pages(lambda where: read_page(api, PORT, where), path))
        ports = [port for page in pages for port in page.items]
    else:
        return []
    return [each for each in ports if str(each.get("device_owner")).startswith(INTERFACES)]


def expired(found: Iterable[StampedResource], now: float) -> list[StampedResource]:
    """Return the resources whose stamp has expired at `now`, in the cloud's seconds since 1970.

    A stamp that cannot be renewed is valid as long as any stamp of the same run.
    """
    everything = list(found)
    valid_runs = {each.stamp.run for each in everything if each.stamp.expires >= now}
    return [
        each
        for each in everything
        if each.stamp.expires < now
        and not (_has_fixed_stamp(each) and each.stamp.run in valid_runs)
    ]


def _has_fixed_stamp(resource: StampedResource) -> bool:
    """Return True if no request can renew the stamp.

    A keypair has the stamp in the name; Nova refuses (409) new metadata of a server in other
    statuses.
    https://docs.openstack.org/api-ref/compute/#create-or-update-metadata-items
    """
    if resource.type is SERVER:
        return resource.status not in ("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED")
    return resource.type is KEYPAIR
