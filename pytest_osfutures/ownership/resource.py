"""One resource that carries a stamp: how it is read, and whether it is ours."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from pytest_osfutures.errors import OSFuturesError
from pytest_osfutures.operations import IMAGE, Body, ResourceType
from pytest_osfutures.parsing import MalformedResponseError, identifier, printable
from pytest_osfutures.stamp import OF, Stamp, copied_from, is_restored
from pytest_osfutures.transport import (
    ApiClient,
    error_message,
    is_missing_service,
    refuses_credentials,
)


class UnreadableError(OSFuturesError):
    """The cloud did not say what there is."""


class CredentialsRefusedError(UnreadableError):
    """The identity service refuses the credentials: asking often may lock the user out."""


@dataclass(frozen=True)
class StampedResource:
    """One resource that carries a stamp, as it was last seen.

    `known` says that a ledger has its id, so that it is ours even if the cloud has written another
    stamp over its own; `unmarked` that its own could not be put on it yet. `copied` is the resource
    from which the cloud has copied the stamp, if it is a copy.
    """

    type: ResourceType
    id: str
    stamp: Stamp
    name: str = ""
    status: str = ""
    created: str = ""
    known: bool = field(default=False, compare=False)
    unmarked: bool = field(default=False, compare=False)
    copied: str = field(default="", compare=False)

    @property
    def path(self) -> str:
        """Path of the resource."""
        return f"{self.type.collection_path}/{self.id}"

    def __str__(self) -> str:
        return f"{self.type.name} {self.name} ({self.id})".replace("  ", " ")


def originally_stamped(resource_type: ResourceType, body: Body) -> StampedResource | None:
    """What a resource is, if it carries a stamp of its own."""
    found = stamped_resource(resource_type, body)
    return None if found is None or found.copied else found


def stamped_resource(resource_type: ResourceType, body: Body) -> StampedResource | None:
    """What a resource is, if it carries a stamp, be it a copy."""
    if copied := copied_from(body):
        stamp = Stamp.in_metadata(body["metadata"])
    else:
        stamp = Stamp.of(body) or (
            Stamp.of(body, described=True) if resource_type.stamp_in_description else None
        )
    ident = identifier(body.get(resource_type.id_field))
    if stamp is None or ident is None:
        return None  # nothing can be asked about what has no id
    if resource_type is IMAGE:
        copied = _inherited_from(body)
    created = printable(body.get("created") or body.get("created_at"))
    name = printable(body.get("name") or body.get("floating_ip_address"))
    status = printable(body.get("status"))
    return StampedResource(resource_type, ident, stamp, name, status, created, copied=copied)


def _inherited_from(image: Body) -> str:
    """From where an image has its stamp, if that was the one of its server or its volume.

    Nova and Cinder give the properties of that image to the images of the server or the volume.
    """
    meant, server = image.get(OF), image.get("instance_uuid")
    if meant is not None:
        same = meant in (server, image.get("id"))
        return "" if same else f"image {printable(meant)}"
    return "" if server is None else f"the image of server {printable(server)}"


def send_request(
    api: ApiClient, method: str, resource_type: ResourceType, path: str, body: Any = None
) -> Any:
    """The answer; None if the cloud has no such service. Raises UnreadableError if none came."""
    with unreadable_errors(f"{method} {path}"):
        try:
            answer = api.send(
                method, resource_type.service, path, body, resource_type.stamp_version
            )
            if answer.status_code == 406:  # an older cloud, where the description has to do
                answer = api.send(method, resource_type.service, path, body)
            return answer
        except Exception as error:
            if is_missing_service(error):
                return None
            raise


@contextmanager
def unreadable_errors(request: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:  # the network's, the session's, the identity service's
        kind = CredentialsRefusedError if refuses_credentials(error) else UnreadableError
        raise kind(f"{request}: {type(error).__name__}: {error}") from error


def read_resource(api: ApiClient, resource: StampedResource) -> Body | None:
    """The resource as it is now; None if it is gone. Raises UnreadableError."""
    resource_type = resource.type
    path = resource.path
    answer = send_request(api, "GET", resource_type, path)
    if answer is None or answer.status_code == 404:
        return None
    if answer.status_code >= 300:
        raise UnreadableError(f"GET {path} answered {answer.status_code}: {error_message(answer)}")
    with unreadable_errors(f"GET {path}"):
        document = answer.json()
        body: Body = document[resource_type.member] if resource_type.member else document
        if not isinstance(body, Mapping):
            raise MalformedResponseError(
                f"no {resource_type.name} in {printable(repr(document)[:100])}"
            )
    return None if body.get("status") == "DELETED" else body


def is_ours(resource: StampedResource, body: Body) -> bool:
    """Whether this is what `resource` stands for, by its stamp and by what a ledger knows."""
    now = originally_stamped(resource.type, body)
    if now is not None and now.stamp == resource.stamp:
        return True
    if not resource.known:
        return False
    stamp = Stamp.of(body)
    own = stamp is not None and stamp.operation == resource.stamp.operation
    restoring = body.get("status") == "restoring-backup"  # Cinder is at its metadata
    return own or resource.unmarked or restoring or is_restored(body)
