"""Everything in a project that carries a stamp: finding it, and deleting one of it.

What is deleted is read right before, and has to carry the same stamp then. Nothing else is ever
deleted, whatever its name.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from pytest_osfutures.errors import OSFuturesError
from pytest_osfutures.operations.model import Body
from pytest_osfutures.stamp import OF, Stamp, is_restored
from pytest_osfutures.transport.client import Source, message, refuses_credentials
from pytest_osfutures.transport.responses import (
    OddAnswer,
    Pages,
    identifier,
    mappings,
    members,
    next_query,
    printable,
    query_of,
)


@dataclass(frozen=True)
class Shelf:
    """Where one kind of resources is: listed, read and deleted. Paths are the service's.

    `described` says that the stamp may stand in the description, `version` is the microversion
    that shows it elsewhere, `extension` that of Neutron without which there is nothing.
    """

    kind: str
    service: str
    path: str
    collection: str
    member: str
    details: str = ""
    version: str = ""
    key: str = "id"
    described: bool = False
    extension: str = ""


def _cinder(kind: str, version: str = "", described: bool = False) -> Shelf:
    path = f"/{kind}s"
    return Shelf(
        kind, "block-storage", path, f"{kind}s", kind, "/detail", version, described=described
    )


def _neutron(kind: str, plural: str, extension: str = "") -> Shelf:
    collection = plural.replace("-", "_")
    return Shelf(
        kind,
        "network",
        f"/{plural}",
        collection,
        collection.removesuffix("s"),
        "?tenant_id={project}",
        described=True,
        extension=extension,
    )


#: In the order in which they can be deleted; what stands together does not depend on each other.
ORDER = (
    (
        Shelf("server", "compute", "/servers", "servers", "server", "/detail"),
        _neutron("floating ip", "floatingips", "router"),
        _cinder("snapshot"),
        _cinder("backup", "3.43", described=True),
        Shelf("image", "image", "/images", "images", "", "?owner={project}&limit=1000"),
        Shelf("keypair", "compute", "/os-keypairs", "keypairs", "keypair", key="name"),
    ),
    (
        _cinder("volume"),
        _neutron("port", "ports"),
        _neutron("security group rule", "security-group-rules", "security-group"),
    ),
    (
        _neutron("router", "routers", "router"),
        _neutron("security group", "security-groups", "security-group"),
    ),
    (_neutron("subnet", "subnets"),),
    (_neutron("network", "networks"),),
)
SHELVES = {shelf.kind: shelf for shelves in ORDER for shelf in shelves}
#: What is said of a resource while it goes, and no more than time is needed.
DELETING, DETACHING = "it is being deleted", "it is being detached"
DISCONNECTING = "it is being disconnected"
UNDER_WAY = (DELETING, DETACHING, DISCONNECTING)
#: What is said of a resource that is left alone for good.
NOT_OURS = "it no longer carries the stamp it was made with, so it is left alone"
#: Who has the ports by which routers are connected, as `device_owner` says it.
INTERFACES = ("network:router_interface", "network:ha_router_replicated_interface")


class Unreadable(OSFuturesError):
    """The cloud did not say what there is."""


class Refused(Unreadable):
    """The identity service refuses the credentials: asking often may lock the user out."""


@dataclass(frozen=True)
class Leftover:
    """One resource that carries a stamp, as it was last seen.

    `known` says that a ledger has its id, so that it is ours even if the cloud has written another
    stamp over its own; `unmarked` that its own could not be put on it yet.
    """

    shelf: Shelf
    id: str
    stamp: Stamp
    name: str = ""
    status: str = ""
    created: str = ""
    known: bool = field(default=False, compare=False)
    unmarked: bool = field(default=False, compare=False)

    def __str__(self) -> str:
        return f"{self.shelf.kind} {self.name} ({self.id})".replace("  ", " ")


def first_page(source: Source, shelf: Shelf) -> str:
    """Where the list of one kind of resources in the project begins. Raises Unreadable."""
    details = shelf.details
    if "{project}" in details:
        with _heard(f"the project of {shelf.path}"):
            details = details.format(project=source.session.get_project_id(auth=source.auth))
    return shelf.path + details


def page(source: Source, shelf: Shelf, path: str) -> tuple[list[Leftover], str | None]:
    """What carries a stamp on one page of a list, and where the next is. Raises Unreadable."""
    bodies, after = _page(source, shelf, path)
    stamped = [_leftover(shelf, body) for body in bodies]
    return [each for each in stamped if each is not None], after


def _leftover(shelf: Shelf, body: Body) -> Leftover | None:
    stamp = Stamp.of(body) or (Stamp.of(body, described=True) if shelf.described else None)
    if stamp is None or (shelf.kind == "image" and _inherited(body)):
        return None
    ident = identifier(body.get(shelf.key))
    if ident is None:
        return None  # nothing can be asked about it
    created = printable(body.get("created") or body.get("created_at"))
    name = printable(body.get("name") or body.get("floating_ip_address"))
    return Leftover(shelf, ident, stamp, name, printable(body.get("status")), created)


def _inherited(image: Body) -> bool:
    """Whether an image has its stamp from the one that its server or its volume was made of.

    Nova and Cinder give the properties of that image to the images of the server or the volume.
    """
    meant = image.get(OF)
    if meant is not None:
        return meant not in (image.get("instance_uuid"), image.get("id"))
    return image.get("instance_uuid") is not None


def _page(source: Source, shelf: Shelf, path: str) -> tuple[list[Body], str | None]:
    answer = ask(source, "GET", shelf, path)
    if answer is None or (answer.status_code == 404 and _is_missing(source, shelf)):
        return [], None
    if answer.status_code >= 300:
        raise Unreadable(f"GET {path} answered {answer.status_code}: {message(answer)}")
    with _heard(f"GET {path}"):
        document = answer.json()
        bodies = members(document, shelf.collection)
        if shelf.kind == "keypair":
            bodies = mappings([each.get(shelf.member, each) for each in bodies])
        return bodies, _next(shelf, path, document)


def _is_missing(source: Source, shelf: Shelf) -> bool:
    """Whether this Neutron cannot have any such resources."""
    if not shelf.extension:
        return False
    answer = ask(source, "GET", shelf, f"/extensions/{shelf.extension}")
    return answer is not None and answer.status_code == 404


def _next(shelf: Shelf, path: str, document: Body) -> str | None:
    href = document.get("next")  # Glance's way
    query = query_of(href) if href else next_query(document.get(f"{shelf.collection}_links"))
    return f"{path.partition('?')[0]}?{query}" if query is not None else None


def ask(source: Source, method: str, shelf: Shelf, path: str, body: Any = None) -> Any:
    """The answer; None if the cloud has no such service. Raises Unreadable if none came."""
    from keystoneauth1.exceptions import EndpointNotFound

    with _heard(f"{method} {path}"):
        try:
            answer = source.send(method, shelf.service, path, body, shelf.version)
            if answer.status_code == 406:  # an older cloud, where the description has to do
                answer = source.send(method, shelf.service, path, body)
            return answer
        except EndpointNotFound:
            return None


@contextmanager
def _heard(request: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the network's, the session's, the identity service's
        kind = Refused if refuses_credentials(error) else Unreadable
        raise kind(f"{request}: {type(error).__name__}: {error}") from error


def read(source: Source, leftover: Leftover) -> Body | None:
    """The resource as it is now; None if it is gone. Raises Unreadable."""
    shelf = leftover.shelf
    path = f"{shelf.path}/{leftover.id}"
    answer = ask(source, "GET", shelf, path)
    if answer is None or answer.status_code == 404:
        return None
    if answer.status_code >= 300:
        raise Unreadable(f"GET {path} answered {answer.status_code}: {message(answer)}")
    with _heard(f"GET {path}"):
        document = answer.json()
        body: Body = document[shelf.member] if shelf.member else document
        if not isinstance(body, Mapping):
            raise OddAnswer(f"no {shelf.kind} in {printable(repr(document)[:100])}")
    return None if body.get("status") == "DELETED" else body


def step(
    source: Source, leftover: Leftover, before: Callable[[Leftover, Body], None] | None = None
) -> str | None:
    """Bring one resource nearer to its end: None if it is gone, else why it is still there.

    `before` is called with what is about to be deleted.

    It is read first, and only deleted if it still carries the same stamp; of what a ledger knows
    by its id, if the cloud itself has replaced the stamp or was to get it later. Raises Unreadable.
    """
    body = read(source, leftover)
    if body is None:
        return None
    if not is_ours(leftover, body):
        return NOT_OURS
    status = str(body.get("status", ""))
    if status == "deleting" or body.get("OS-EXT-STS:task_state") == "deleting":
        return DELETING
    if leftover.shelf.kind == "volume" and body.get("attachments"):
        return _detach(source, leftover, body)
    if before is not None:
        before(leftover, body)
    return disconnect(source, leftover.shelf.kind, body) or _delete(source, leftover, status)


def is_ours(leftover: Leftover, body: Body) -> bool:
    """Whether this is what `leftover` stands for, by its stamp and by what a ledger knows."""
    now = _leftover(leftover.shelf, body)
    if now is not None and now.stamp == leftover.stamp:
        return True
    if not leftover.known:
        return False
    stamp = Stamp.of(body)
    own = stamp is not None and stamp.operation == leftover.stamp.operation
    restoring = body.get("status") == "restoring-backup"  # Cinder is at its metadata
    return own or leftover.unmarked or restoring or is_restored(body)


def _delete(source: Source, leftover: Leftover, status: str) -> str | None:
    shelf = leftover.shelf
    path = f"{shelf.path}/{leftover.id}"
    if status == "SOFT_DELETED":
        answer = ask(source, "POST", shelf, f"{path}/action", {"forceDelete": None})
    else:
        answer = ask(source, "DELETE", shelf, path)
    if answer is None or answer.status_code == 404:
        return None
    if answer.status_code >= 300:
        return f"DELETE answered {answer.status_code}: {message(answer)}"
    return DELETING


def _detach(source: Source, volume: Leftover, body: Body) -> str:
    servers = SHELVES["server"]
    users = [identifier(each.get("server_id")) for each in mappings(body["attachments"])]
    said = [
        ask(source, "DELETE", servers, f"/servers/{user}/os-volume_attachments/{volume.id}")
        for user in users
        if user is not None
    ]
    refused = [answer for answer in said if answer is not None and answer.status_code >= 300]
    if refused:
        return f"detaching answered {refused[0].status_code}: {message(refused[0])}"
    return DETACHING


def disconnect(source: Source, kind: str, body: Body) -> str | None:
    """Take a router's interfaces away, or what is a subnet's or is a port on anybody's router.

    Returns what is under way, or why it is not; None if there is none. Raises Unreadable.
    """
    said = []
    for port in _interfaces(source, kind, body):
        what = {"subnet_id": body["id"]} if kind == "subnet" else {"port_id": port.get("id")}
        path = f"/routers/{port.get('device_id')}/remove_router_interface"
        said.append(ask(source, "PUT", SHELVES["router"], path, what))
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
        shelf = replace(SHELVES["port"], details=f"?{which}{body.get('id')}")
        ports = []
        path: str | None = shelf.path + shelf.details
        pages = Pages()
        while path:
            with _heard(f"GET {path}"):
                pages.enter(path)
            bodies, path = _page(source, shelf, path)
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
    if leftover.shelf.kind == "server":
        return leftover.status not in ("ACTIVE", "SHUTOFF", "PAUSED", "SUSPENDED")
    return leftover.shelf.kind == "keypair"
