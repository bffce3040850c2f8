"""The methods that services call on each other, as Protocols (ports and adapters).

Each service has an `adapter.py` that implements its port; `cloud.py` passes the adapters to the
models. https://alistair.cockburn.us/hexagonal-architecture
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True, eq=False, repr=False, match_args=False)
class VolumeDetails:
    """The properties of a volume that Nova needs."""

    id: str
    size: int  #: GiB
    status: str
    multiattach: bool
    bootable: bool
    image_id: str | None = None


@dataclass(frozen=True, eq=False, repr=False, match_args=False)
class ImageDetails:
    """The properties of an image that Nova and Cinder need."""

    id: str
    name: str
    status: str
    min_disk: int = 0  #: GiB
    min_ram: int = 0  #: MiB
    size: int | None = None  #: bytes; None before the upload
    properties: Mapping[str, Any] = field(default_factory=dict)
    owner: str = ""  #: the id of a project
    protected: bool = False
    created_at: float = 0.0  #: seconds since 1970
    updated_at: float = 0.0


@dataclass(frozen=True, eq=False, repr=False, match_args=False)
class PortDetails:
    """The properties of a Neutron port that Nova needs."""

    id: str
    network_id: str
    network_name: str
    mac_address: str
    status: str
    fixed_ips: Sequence[Mapping[str, str]]  #: {"ip_address": ..., "subnet_id": ...}
    floating_ips: Sequence[str] = ()


@dataclass(frozen=True, eq=False, repr=False, match_args=False)
class HostDetails:
    """The properties of a compute host that Neutron needs."""

    name: str
    service_id: str


@dataclass(frozen=True, eq=False, repr=False, match_args=False)
class BootVolume:
    """A volume that Cinder creates for a server on behalf of Nova."""

    size: int  #: GiB
    image_id: str | None = None
    snapshot_id: str | None = None
    volume_type: str | None = None
    name: str = ""


class VolumesPort(Protocol):
    """Cinder, as Nova uses it. No method takes time on the cloud's clock."""

    def volume_details(self, volume_id: str, project_id: str | None) -> VolumeDetails:
        """Return a volume that `project_id` (None: any project) may see. Raises ApiError(404)."""

    def reserve(self, volume_id: str, server_id: str) -> str:
        """Create an attachment, which makes the volume `reserved`; return the attachment's id.

        Raises ApiError(400).
        """

    def begin_attach(self, attachment_id: str, device: str, host: str) -> None:
        """Connect the host to the volume; the volume is `attaching`."""

    def complete_attach(self, attachment_id: str) -> None:
        """Complete the attachment: `attached`; the volume is `in-use`."""

    def begin_detach(self, attachment_id: str) -> None:
        """Set the volume to `detaching`. Raises ApiError(400) unless the volume is `in-use`."""

    def roll_detaching(self, attachment_id: str) -> None:
        """Set the volume to `in-use` again because the guest kept the device."""

    def detach(self, attachment_id: str) -> None:
        """Delete an attachment, reserved or attached.

        The volume is `available` after its last attachment.
        """

    def create_for_server(self, project_id: str, user_id: str, wanted: BootVolume) -> str:
        """Begin to create a volume for a server; return the volume's id."""

    def delete_with_server(self, volume_id: str) -> None:
        """Begin to delete the volume of a deleted server (`delete_on_termination`)."""

    def snapshot_for_image(self, volume_id: str, name: str) -> str:
        """Begin to create a snapshot of a server's volume; return the snapshot's id."""


class ImagesPort(Protocol):
    """Glance, as Nova and Cinder use it."""

    def image_details(self, image_id: str, project_id: str | None) -> ImageDetails:
        """Return an image that `project_id` (None: any project) may see. Raises ApiError(404)."""

    def listed(self, project_id: str | None) -> list[ImageDetails]:
        """Return the images that a list shows to `project_id` (None: to administrators)."""

    def set_properties(self, image_id: str, properties: Mapping[str, str]) -> None:
        """Replace the custom properties of an image."""

    def named(self, name: str, project_id: str | None) -> list[str]:
        """Return the ids of the images of that name that `project_id` (None: any) may see."""

    def root_snapshot(self, image_id: str) -> str | None:
        """Return the volume snapshot behind the image of a server booted from a volume."""

    def volume_metadata(self, image_id: str) -> dict[str, str]:
        """Return the image metadata that Cinder copies into a volume made from the image."""

    def begin_snapshot(
        self, project_id: str, user_id: str, name: str, properties: Mapping[str, Any]
    ) -> str:
        """Create an image in status `queued`; return the image's id."""

    def snapshot_saving(self, image_id: str) -> None:
        """Set the image to `saving`: the upload has begun."""

    def snapshot_active(self, image_id: str, size: int) -> None:
        """Set the image to `active`: the upload is complete."""

    def delete_snapshot(self, image_id: str) -> None:
        """Delete an image whose upload failed or that the backup rotation removes."""


class NetworksPort(Protocol):
    """Neutron, as Nova uses it."""

    def network_ids(self, project_id: str) -> list[str]:
        """Return the networks on which `networks: auto` gives the project's servers a port."""

    def check_network(self, network_id: str, project_id: str) -> None:
        """Raise ApiError(400), with Nova's message, if the project has no such network."""

    def create_port(
        self,
        server_id: str,
        project_id: str,
        network_id: str,
        fixed_ip: str | None = None,
        security_groups: Sequence[str] = (),
    ) -> str:
        """Create a port for the server, `DOWN` until it is bound; return the port's id."""

    def claim_port(self, port_id: str, server_id: str, project_id: str) -> None:
        """Assign the user's own port to the server. Raises ApiError: 404 unknown, 409 in use."""

    def bind_port(self, port_id: str, host: str) -> None:
        """Bind the port to `host`; the port is `ACTIVE`."""

    def release_port(self, port_id: str) -> None:
        """Delete a port that `create_port` made; set a claimed port free and `DOWN`."""

    def ports_of(self, server_id: str) -> list[PortDetails]:
        """Return the ports of a server in the order of their assignment."""

    def addresses(self) -> Mapping[str, Sequence[str]]:
        """Return the fixed and the floating addresses of all servers, by the servers' ids."""

    def security_groups(self, project_id: str, names: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Return the project's security groups with those names or ids, in Nova's format.

        Raises ApiError(400).
        """

    def set_security_groups(self, server_id: str, names: Sequence[str]) -> None:
        """Replace the security groups of all ports of the server."""


class ServersPort(Protocol):
    """Nova, as Cinder and Neutron use it."""

    def has_attachment(self, server_id: str, attachment_id: str) -> bool:
        """Return True if the server has that volume attachment."""

    def volume_extended(self, volume_id: str) -> None:
        """Take Cinder's event that an attached volume is larger now."""

    def hosts(self) -> list[HostDetails]:
        """Return the hosts on which servers run."""


@dataclass(frozen=True, eq=False, repr=False, match_args=False)
class ProviderDetails:
    """A compute host as a resource provider of Placement."""

    id: str
    name: str
    totals: Mapping[str, int]  #: by resource class


@dataclass(frozen=True, eq=False, repr=False, match_args=False)
class AllocationDetails:
    """The share of a host that a server uses."""

    provider_id: str
    consumer_id: str
    project_id: str
    user_id: str
    amounts: Mapping[str, int]  #: by resource class


class ResourcesPort(Protocol):
    """Nova, as Placement uses it."""

    def providers(self) -> list[ProviderDetails]:
        """Return the hosts on which servers run."""

    def allocations(self) -> list[AllocationDetails]:
        """Return the share of its host that each server uses."""


class ProjectsPort(Protocol):
    """Keystone's projects, as the other services use them."""

    def project_ids(self) -> list[str]:
        """Return the ids of all projects."""

    def project_id(self, name: str) -> str:
        """Return the id of the project with that name."""
