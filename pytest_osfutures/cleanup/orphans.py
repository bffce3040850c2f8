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
    Leftover,
    UnreadableError,
    ask,
    carrier,
    is_ours,
    read,
    readable,
)
from pytest_osfutures.parsing import identifier, mappings
from pytest_osfutures.transport import Pages, Source, members, message, next_query

#: What is said of a resource while it goes, and no more than time is needed.
DELETING, DETACHING = "it is being deleted", "it is being detached"
DISCONNECTING = "it is being disconnected"
UNDER_WAY = (DELETING, DETACHING, DISCONNECTING)
#: What is said of a resource that is left alone for good.
NOT_OURS = "it no longer carries the stamp it was made with, so it is left alone"
#: Who has the ports by which routers are connected, as `device_owner` says it.
INTERFACES = ("network:router_interface", "network:ha_router_replicated_interface")


def first_page(source: Source, resource_type: ResourceType) -> str:
    """Where the list of one kind of resources in the project begins. Raises UnreadableError."""
    path = resource_type.owned_path
    if "{project}" in path:
        with readable(f"the project of {resource_type.collection_path}"):
            path = path.format(project=source.session.get_project_id(auth=source.auth))
    return path


def page(
    source: Source, resource_type: ResourceType, path: str, copies: list[Leftover] | None = None
) -> tuple[list[Leftover], str | None]:
    """What carries a stamp on one page of a list, and where the next is. Raises UnreadableError.

    What carries the copy of another resource's stamp is added to `copies` instead.
    """
    bodies, after = _page(source, resource_type, path)
    carriers = [each for body in bodies if (each := carrier(resource_type, body)) is not None]
    if copies is not None:
        copies += [each for each in carriers if each.copied]
    return [each for each in carriers if not each.copied], after


def _page(source: Source, resource_type: ResourceType, path: str) -> tuple[list[Body], str | None]:
    answer = ask(source, "GET", resource_type, path)
    if answer is None or (answer.status_code == 404 and _is_missing(source, resource_type)):
        return [], None
    if answer.status_code >= 300:
        raise UnreadableError(f"GET {path} answered {answer.status_code}: {message(answer)}")
    with readable(f"GET {path}"):
        document = answer.json()
        bodies = members(document, resource_type.collection or "")
        if resource_type is KEYPAIR:
            bodies = mappings([each.get(resource_type.member, each) for each in bodies])
        query = next_query(document)
        return bodies, None if query is None else f"{path.partition('?')[0]}?{query}"


def _is_missing(source: Source, resource_type: ResourceType) -> bool:
    """Whether this Neutron cannot have any such resources."""
    if not resource_type.extension:
        return False
    answer = ask(source, "GET", resource_type, f"/extensions/{resource_type.extension}")
    return answer is not None and answer.status_code == 404


def step(
    source: Source, leftover: Leftover, before: Callable[[Leftover, Body], None] | None = None
) -> str | None:
    """Bring one resource nearer to its end: None if it is gone, else why it is still there.

    `before` is called with what is about to be deleted.

    It is read first, and only deleted if it still carries the same stamp; of what a ledger knows
    by its id, if the cloud itself has replaced the stamp or was to get it later. Raises
    UnreadableError.
    """
    body = read(source, leftover)
    if body is None:
        return None
    if not is_ours(leftover, body):
        return NOT_OURS
    status = str(body.get("status", ""))
    if status == "deleting" or body.get("OS-EXT-STS:task_state") == "deleting":
        return DELETING
    if leftover.type is VOLUME and body.get("attachments"):
        return _detach(source, leftover, body)
    if before is not None:
        before(leftover, body)
    return disconnect(source, leftover.type.name, body) or _delete(source, leftover, status)


def _delete(source: Source, leftover: Leftover, status: str) -> str | None:
    if status == "SOFT_DELETED":
        answer = ask(
            source, "POST", leftover.type, f"{leftover.path}/action", {"forceDelete": None}
        )
    else:
        answer = ask(source, "DELETE", leftover.type, leftover.path)
    if answer is None or answer.status_code == 404:
        return None
    if answer.status_code >= 300:
        return f"DELETE answered {answer.status_code}: {message(answer)}"
    return DELETING


def _detach(source: Source, volume: Leftover, body: Body) -> str:
    users = [identifier(each.get("server_id")) for each in mappings(body["attachments"])]
    said = [
        ask(source, "DELETE", SERVER, f"/servers/{user}/os-volume_attachments/{volume.id}")
        for user in users
        if user is not None
    ]
    refused = [answer for answer in said if answer is not None and answer.status_code >= 300]
    if refused:
        return f"detaching answered {refused[0].status_code}: {message(refused[0])}"
    return DETACHING


def disconnect(source: Source, kind: str, body: Body) -> str | None:
    """Take a router's interfaces away, or what is a subnet's or is a port on anybody's router.

    Returns what is under way, or why it is not; None if there is none. Raises UnreadableError.
    """
    said = []
    for port in _interfaces(source, kind, body):
        what = {"subnet_id": body["id"]} if kind == "subnet" else {"port_id": port.get("id")}
        path = f"/routers/{port.get('device_id')}/remove_router_interface"
        said.append(ask(source, "PUT", ROUTER, path, what))
    refused = [each for each in said if each is not None and each.status_code >= 300]
    for answer in refused:
        if answer.status_code != 404:
            return f"disconnecting answered {answer.status_code}: {message(answer)}"
    return DISCONNECTING if said else None


def _interfaces(source: Source, kind: str, body: Body) -> list[Body]:
    """The ports by which a router, a subnet or a port is connected."""
    ports: list[Body] = [body]
    if kind in ("router", "subnet"):
        which = "device_id=" if kind == "router" else "fixed_ips=subnet_id%3D"
        ports = []
        path: str | None = f"{PORT.collection_path}?{which}{body.get('id')}"
        pages = Pages()
        while path:
            with readable(f"GET {path}"):
                pages.enter(path)
            bodies, path = _page(source, PORT, path)
            ports += bodies
    elif kind != "port":
        return []
    return [each for each in ports if str(each.get("device_owner")).startswith(INTERFACES)]


def expired(found: Iterable[Leftover], now: float) -> list[Leftover]:
    """What has expired. A stamp that cannot be renewed is good as long as any of its run's is."""
    everything = list(found)
    fresh = {each.stamp.run for each in everything if each.stamp.expires >= now}
    return [
        each
        for each in everything
        if each.stamp.expires < now and not (_is_fixed(each) and each.stamp.run in fresh)
    ]


def _is_fixed(leftover: Leftover) -> bool:
    """Whether a stamp cannot be renewed: it stands in a name, or Nova refuses new metadata."""
    if leftover.type is SERVER:
        return leftover.status not in ("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED")
    return leftover.type is KEYPAIR
