"""Everything in a project that carries a stamp: finding it, and deleting one of it.

What is deleted is read right before, and has to carry the same stamp then. Nothing else is ever
deleted, whatever its name.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pytest_osfutures.errors import OSFuturesError
from pytest_osfutures.operation import Body
from pytest_osfutures.source import Source, message
from pytest_osfutures.stamp import OF, Stamp


@dataclass(frozen=True)
class Shelf:
    """Where one kind of resources is: listed, read and deleted. Paths are the service's."""

    kind: str
    service: str
    path: str
    collection: str
    member: str
    details: str = ""
    version: str = ""
    key: str = "id"


#: In the order in which they can be deleted; what stands together does not depend on each other.
ORDER = (
    (Shelf("server", "compute", "/servers", "servers", "server", "/detail"),),
    (
        Shelf("snapshot", "block-storage", "/snapshots", "snapshots", "snapshot", "/detail"),
        Shelf("backup", "block-storage", "/backups", "backups", "backup", "/detail", "3.43"),
        Shelf("image", "image", "/images", "images", "", "?owner={project}"),
        Shelf("keypair", "compute", "/os-keypairs", "keypairs", "keypair", key="name"),
    ),
    (Shelf("volume", "block-storage", "/volumes", "volumes", "volume", "/detail"),),
)
SHELVES = {shelf.kind: shelf for shelves in ORDER for shelf in shelves}


class Unreadable(OSFuturesError):
    """The cloud did not say what there is."""


@dataclass(frozen=True)
class Leftover:
    """One resource that carries a stamp, as it was last seen."""

    shelf: Shelf
    id: str
    stamp: Stamp
    name: str = ""
    status: str = ""
    created: str = ""

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
    stamp = Stamp.of(body)
    if stamp is None or (shelf.kind == "image" and _inherited(body)):
        return None
    created = str(body.get("created") or body.get("created_at") or "")
    name, status = str(body.get("name") or ""), str(body.get("status") or "")
    return Leftover(shelf, str(body[shelf.key]), stamp, name, status, created)


def _inherited(image: Body) -> bool:
    """Whether an image has its stamp from the one that its server was made of.

    Nova gives the properties of a server's image to the snapshots of the server.
    """
    return image.get("instance_uuid") is not None and image.get(OF) != image["instance_uuid"]


def _page(source: Source, shelf: Shelf, path: str) -> tuple[list[Body], str | None]:
    answer = _ask(source, "GET", shelf, path)
    if answer is None or answer.status_code == 406:  # no such service, or one too old for it
        return [], None
    if answer.status_code >= 300:
        raise Unreadable(f"GET {path} answered {answer.status_code}: {message(answer)}")
    with _heard(f"GET {path}"):
        document = answer.json()
        bodies = document[shelf.collection]
    if shelf.kind == "keypair":
        bodies = [each.get(shelf.member, each) for each in bodies]
    return bodies, _next(shelf, path, document)


def _next(shelf: Shelf, path: str, document: Body) -> str | None:
    links = document.get(f"{shelf.collection}_links") or ()
    hrefs = [link["href"] for link in links if link.get("rel") == "next"]
    href = document.get("next") or (hrefs[0] if hrefs else None)
    return f"{path.partition('?')[0]}?{urlsplit(href).query}" if href else None


def _ask(source: Source, method: str, shelf: Shelf, path: str, body: Any = None) -> Any:
    """The answer; None if the cloud has no such service. Raises Unreadable if none came."""
    from keystoneauth1.exceptions import EndpointNotFound

    with _heard(f"{method} {path}"):
        try:
            return source.send(method, shelf.service, path, body, shelf.version)
        except (LookupError, EndpointNotFound):
            return None


@contextmanager
def _heard(request: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the network's, the session's, the identity service's
        raise Unreadable(f"{request}: {type(error).__name__}: {error}") from error


def read(source: Source, leftover: Leftover) -> Body | None:
    """The resource as it is now; None if it is gone. Raises Unreadable."""
    shelf = leftover.shelf
    path = f"{shelf.path}/{leftover.id}"
    answer = _ask(source, "GET", shelf, path)
    if answer is None or answer.status_code == 404:
        return None
    if answer.status_code >= 300:
        raise Unreadable(f"GET {path} answered {answer.status_code}: {message(answer)}")
    with _heard(f"GET {path}"):
        document = answer.json()
        body: Body = document[shelf.member] if shelf.member else document
    return None if body.get("status") == "DELETED" else body


def step(source: Source, leftover: Leftover) -> str | None:
    """Bring one resource nearer to its end: None if it is gone, else why it is still there.

    It is read first, and only deleted if it still carries the same stamp. Raises Unreadable.
    """
    body = read(source, leftover)
    if body is None:
        return None
    now = _leftover(leftover.shelf, body)
    if now is None or now.stamp != leftover.stamp:
        return None  # not ours (any more): for us it is gone
    status = str(body.get("status", ""))
    if status == "deleting" or body.get("OS-EXT-STS:task_state") == "deleting":
        return "it is being deleted"
    if leftover.shelf.kind == "volume" and body.get("attachments"):
        return _detach(source, leftover, body)
    return _delete(source, leftover, status)


def _delete(source: Source, leftover: Leftover, status: str) -> str | None:
    shelf = leftover.shelf
    path = f"{shelf.path}/{leftover.id}"
    if status == "SOFT_DELETED":
        answer = _ask(source, "POST", shelf, f"{path}/action", {"forceDelete": None})
    else:
        answer = _ask(source, "DELETE", shelf, path)
    if answer is None or answer.status_code == 404:
        return None
    if answer.status_code >= 300:
        return f"DELETE answered {answer.status_code}: {message(answer)}"
    return "it is being deleted"


def _detach(source: Source, volume: Leftover, body: Body) -> str:
    servers = SHELVES["server"]
    said = [
        _ask(
            source,
            "DELETE",
            servers,
            f"/servers/{each['server_id']}/os-volume_attachments/{volume.id}",
        )
        for each in body["attachments"]
    ]
    refused = [answer for answer in said if answer is not None and answer.status_code >= 300]
    if refused:
        return f"detaching answered {refused[0].status_code}: {message(refused[0])}"
    return "it is being detached"
