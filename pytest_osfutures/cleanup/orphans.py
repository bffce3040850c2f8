"""Everything in a project that carries a stamp: finding it, and deleting one of it.

What is deleted is read right before, and has to carry the same stamp then. Nothing else is ever
deleted, whatever its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from pytest_osfutures.operations import (
    KEYPAIR,
    PORT,
    ROUTER,
    SERVER,
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
from pytest_osfutures.parsing import identifier, mappings
from pytest_osfutures.transport import ApiClient, Pages, error_message, members, next_query

#: What is said of a resource while it goes, and no more than time is needed.
DELETING, DETACHING = "it is being deleted", "it is being detached"
DISCONNECTING = "it is being disconnected"
UNDER_WAY = (DELETING, DETACHING, DISCONNECTING)
#: What is said of a resource that is left alone for good.
NOT_OURS = "it no longer carries the stamp it was made with, so it is left alone"
#: Who has the ports by which routers are connected, as `device_owner` says it.
INTERFACES = ("network:router_interface", "network:ha_router_replicated_interface")


def first_page(api: ApiClient, resource_type: ResourceType) -> str:
    """Where the list of one kind of resources in the project begins. Raises UnreadableError."""
    path = resource_type.owned_path
    if "{project}" in path:
        with unreadable_errors(f"the project of {resource_type.collection_path}"):
            path = path.format(project=api.session.get_project_id(auth=api.auth))
    return path


def page(
    api: ApiClient,
    resource_type: ResourceType,
    path: str,
    copies: list[StampedResource] | None = None,
) -> tuple[list[StampedResource], str | None]:
    """What carries a stamp on one page of a list, and where the next is. Raises UnreadableError.

    What carries the copy of another resource's stamp is added to `copies` instead.
    """
    bodies, after = _page(api, resource_type, path)
    carriers = [
        each for body in bodies if (each := stamped_resource(resource_type, body)) is not None
    ]
    if copies is not None:
        copies += [each for each in carriers if each.copied]
    return [each for each in carriers if not each.copied], after


def _page(api: ApiClient, resource_type: ResourceType, path: str) -> tuple[list[Body], str | None]:
    answer = send_request(api, "GET", resource_type, path)
    if answer is None or (answer.status_code == 404 and _is_missing(api, resource_type)):
        return [], None
    if answer.status_code >= 300:
        raise UnreadableError(f"GET {path} answered {answer.status_code}: {error_message(answer)}")
    with unreadable_errors(f"GET {path}"):
        document = answer.json()
        bodies = members(document, resource_type.collection or "")
        if resource_type is KEYPAIR:
            bodies = mappings([each.get(resource_type.member, each) for each in bodies])
        query = next_query(document)
        return bodies, None if query is None else f"{path.partition('?')[0]}?{query}"


def _is_missing(api: ApiClient, resource_type: ResourceType) -> bool:
    """Whether this Neutron cannot have any such resources."""
    if not resource_type.extension:
        return False
    answer = send_request(api, "GET", resource_type, f"/extensions/{resource_type.extension}")
    return answer is not None and answer.status_code == 404


def step(
    api: ApiClient,
    resource: StampedResource,
    before: Callable[[StampedResource, Body], None] | None = None,
) -> str | None:
    """Bring one resource nearer to its end: None if it is gone, else why it is still there.

    `before` is called with what is about to be deleted.

    It is read first, and only deleted if it still carries the same stamp; of what a ledger knows
    by its id, if the cloud itself has replaced the stamp or was to get it later. Raises
    UnreadableError.
    """
    body = read_resource(api, resource)
    if body is None:
        return None
    if not is_ours(resource, body):
        return NOT_OURS
    status = str(body.get("status", ""))
    if status == "deleting" or body.get("OS-EXT-STS:task_state") == "deleting":
        return DELETING
    if resource.type is VOLUME and body.get("attachments"):
        return _detach(api, resource, body)
    if before is not None:
        before(resource, body)
    return disconnect(api, resource.type.name, body) or _delete(api, resource, status)


def _delete(api: ApiClient, resource: StampedResource, status: str) -> str | None:
    if status == "SOFT_DELETED":
        answer = send_request(
            api, "POST", resource.type, f"{resource.path}/action", {"forceDelete": None}
        )
    else:
        answer = send_request(api, "DELETE", resource.type, resource.path)
    if answer is None or answer.status_code == 404:
        return None
    if answer.status_code >= 300:
        return f"DELETE answered {answer.status_code}: {error_message(answer)}"
    return DELETING


def _detach(api: ApiClient, volume: StampedResource, body: Body) -> str:
    users = [identifier(each.get("server_id")) for each in mappings(body["attachments"])]
    said = [
        send_request(api, "DELETE", SERVER, f"/servers/{user}/os-volume_attachments/{volume.id}")
        for user in users
        if user is not None
    ]
    refused = [answer for answer in said if answer is not None and answer.status_code >= 300]
    if refused:
        return f"detaching answered {refused[0].status_code}: {error_message(refused[0])}"
    return DETACHING


def disconnect(api: ApiClient, kind: str, body: Body) -> str | None:
    """Take a router's interfaces away, or what is a subnet's or is a port on anybody's router.

    Returns what is under way, or why it is not; None if there is none. Raises UnreadableError.
    """
    said = []
    for port in _interfaces(api, kind, body):
        what = {"subnet_id": body["id"]} if kind == "subnet" else {"port_id": port.get("id")}
        path = f"/routers/{port.get('device_id')}/remove_router_interface"
        said.append(send_request(api, "PUT", ROUTER, path, what))
    refused = [each for each in said if each is not None and each.status_code >= 300]
    for answer in refused:
        if answer.status_code != 404:
            return f"disconnecting answered {answer.status_code}: {error_message(answer)}"
    return DISCONNECTING if said else None


def _interfaces(api: ApiClient, kind: str, body: Body) -> list[Body]:
    """The ports by which a router, a subnet or a port is connected."""
    ports: list[Body] = [body]
    if kind in ("router", "subnet"):
        which = "device_id=" if kind == "router" else "fixed_ips=subnet_id%3D"
        ports = []
        path: str | None = f"{PORT.collection_path}?{which}{body.get('id')}"
        pages = Pages()
        while path:
            with unreadable_errors(f"GET {path}"):
                pages.enter(path)
            bodies, path = _page(api, PORT, path)
            ports += bodies
    elif kind != "port":
        return []
    return [each for each in ports if str(each.get("device_owner")).startswith(INTERFACES)]


def expired(found: Iterable[StampedResource], now: float) -> list[StampedResource]:
    """What has expired. A stamp that cannot be renewed is good as long as any of its run's is."""
    everything = list(found)
    fresh = {each.stamp.run for each in everything if each.stamp.expires >= now}
    return [
        each
        for each in everything
        if each.stamp.expires < now and not (_is_fixed(each) and each.stamp.run in fresh)
    ]


def _is_fixed(resource: StampedResource) -> bool:
    """Whether a stamp cannot be renewed: it stands in a name, or Nova refuses new metadata."""
    if resource.type is SERVER:
        return resource.status not in ("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED")
    return resource.type is KEYPAIR
