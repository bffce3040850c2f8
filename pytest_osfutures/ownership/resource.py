"""Stamped resources: how they are read, and which of them belong to a run."""

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
    describe_refusal,
    is_missing,
    is_missing_service,
    is_success,
    is_unsupported_microversion,
    refuses_credentials,
)


class UnreadableError(OSFuturesError):
    """A request of the cleanup had no usable response, so the cloud's resources are not known."""


class CredentialsRefusedError(UnreadableError):
    """Keystone refused the credentials; frequent tries may lock the user out."""


@dataclass(frozen=True)
class StampedResource:
    """One resource that carries a stamp, as the cloud's last answer shows the resource."""

    type: ResourceType
    id: str
    stamp: Stamp
    name: str = ""
    status: str = ""
    #: Time of its creation, in the form of its service; empty if the service does not tell.
    created: str = ""
    #: True if a ledger has its id: it belongs to the run even if the cloud overwrote its stamp.
    in_ledger: bool = field(default=False, compare=False)
    #: True if its request could not carry the stamp and nothing has put the stamp on it since.
    unstamped: bool = field(default=False, compare=False)
    #: Resource from which the cloud copied the stamp; empty if the stamp is the resource's own.
    copy_of: str = field(default="", compare=False)

    @property
    def path(self) -> str:
        """Path of the resource below the endpoint of the service."""
        return f"{self.type.collection_path}/{self.id}"

    def __str__(self) -> str:
        return f"{self.type.name} {self.name} ({self.id})".replace("  ", " ")


def stamped_resource(resource_type: ResourceType, body: Body) -> StampedResource | None:
    """Return a resource with the stamp in the body, which may be a copy; None without a stamp."""
    if copied := copied_from(body):
        stamp = Stamp.in_metadata(body["metadata"])
    else:
        stamp = Stamp.of(body) or (
            Stamp.of(body, described=True) if resource_type.stamp_in_description else None
        )
    ident = identifier(body.get(resource_type.id_field))
    if stamp is None or ident is None:
        return None  # a resource without an id cannot be read or deleted
    if resource_type is IMAGE:
        copied = _image_copied_from(body)
    created = printable(body.get("created") or body.get("created_at"))
    name = printable(body.get("name") or body.get("floating_ip_address"))
    status = printable(body.get("status"))
    return StampedResource(resource_type, ident, stamp, name, status, created, copy_of=copied)


def _image_copied_from(image: Body) -> str:
    """Name the resource whose stamp an image has copied; empty if the stamp was put on the image.

    Nova and Cinder copy the properties of an image to the images of servers and volumes that were
    made from it. https://docs.openstack.org/api-ref/compute/#create-image-createimage-action
    """
    intended_for, server = image.get(OF), image.get("instance_uuid")
    if intended_for is not None:
        own = intended_for in (server, image.get("id"))
        return "" if own else f"image {printable(intended_for)}"
    return "" if server is None else f"the image of server {printable(server)}"


def send_request(
    api: ApiClient, method: str, resource_type: ResourceType, path: str, body: Any = None
) -> Any:
    """Send a request about a resource and return its `requests.Response`, whatever the status.

    Returns None if the cloud has no such service. Raises UnreadableError if there is no response.
    """
    with unreadable_errors(f"{method} {path}"):
        try:
            version = resource_type.stamp_version
            response = api.send(method, resource_type.service, path, body, version)
            # A service without that microversion has the stamp in the description.
            if is_unsupported_microversion(response.status_code):
                response = api.send(method, resource_type.service, path, body)
            return response
        except Exception as error:
            if is_missing_service(error):
                return None
            raise


@contextmanager
def unreadable_errors(request: str) -> Iterator[None]:
    """Turn every exception of the network, the session or Keystone into an UnreadableError."""
    try:
        yield
    except UnreadableError:
        raise
    except Exception as error:
        cls = CredentialsRefusedError if refuses_credentials(error) else UnreadableError
        raise cls(f"{request}: {type(error).__name__}: {error}") from error


def read_resource(api: ApiClient, resource: StampedResource) -> Body | None:
    """Return the present body of the resource; None if there is none. Raises UnreadableError."""
    resource_type = resource.type
    response = send_request(api, "GET", resource_type, resource.path)
    if response is None or is_missing(response.status_code):
        return None
    if not is_success(response.status_code):
        raise UnreadableError(describe_refusal("GET", resource.path, response))
    with unreadable_errors(f"GET {resource.path}"):
        document = response.json()
        body: Body = document[resource_type.member] if resource_type.member else document
        if not isinstance(body, Mapping):
            raise MalformedResponseError(
                f"no {resource_type.name} in {printable(repr(document)[:100])}"
            )
    return None if body.get("status") == "DELETED" else body


def is_ours(resource: StampedResource, body: Body) -> bool:
    """Return True if `body` still is the resource of that stamp, which may be deleted then.

    A resource that the ledger knows by id may lack the stamp for three reasons: nothing has
    put the stamp on yet, Cinder is restoring a backup to the volume, or has done so.
    """
    now = stamped_resource(resource.type, body)
    if now is not None and not now.copy_of and now.stamp == resource.stamp:
        return True
    if not resource.in_ledger:
        return False
    stamp = Stamp.of(body)
    own = stamp is not None and stamp.operation == resource.stamp.operation
    restoring = body.get("status") == "restoring-backup"
    return own or resource.unstamped or restoring or is_restored(body)
