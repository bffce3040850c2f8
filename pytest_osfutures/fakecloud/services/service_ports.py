"""What Nova asks of Cinder, Glance and Neutron: their models have these methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol


@dataclass(frozen=True)
class VolumeDetails:
    """What Nova wants to know of a volume."""

    id: str
    size: int
    status: str
    multiattach: bool
    bootable: bool
    image_id: str | None = None


@dataclass(frozen=True)
class ImageDetails:
    """What Nova wants to know of an image."""

    id: str
    name: str
    status: str
    min_disk: int = 0  # GiB
    min_ram: int = 0  # MiB
    size: int | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class PortDetails:
    """What Nova wants to know of a port."""

    id: str
    network_id: str
    network_name: str
    mac_address: str
    status: str
    fixed_ips: Sequence[Mapping[str, str]]  # {"ip_address": ..., "subnet_id": ...}
    floating_ips: Sequence[str] = ()


@dataclass(frozen=True)
class HostDetails:
    """A compute host."""

    name: str
    service_id: str


@dataclass(frozen=True)
class BootVolume:
    """A volume that Nova has Cinder create for a server."""

    size: int  #: GiB
    image_id: str | None = None
    snapshot_id: str | None = None
    volume_type: str | None = None
    name: str = ""


class VolumesPort(Protocol):
    """Cinder's side of attaching a volume, in the order of the calls; all of them are at once."""

    def volume_details(self, volume_id: str, project_id: str | None) -> VolumeDetails:
        """The volume, if `project_id` may see it (None sees all). Raises ApiError(404)."""

    def reserve(self, volume_id: str, server_id: str) -> str:
        """Make an attachment and return its id; the volume is `reserved`. Raises ApiError(400)."""

    def begin_attach(self, attachment_id: str, device: str, host: str) -> None:
        """The host connects: the volume is `attaching`."""

    def complete_attach(self, attachment_id: str) -> None:
        """The attachment is `attached`, the volume `in-use`."""

    def begin_detach(self, attachment_id: str) -> None:
        """The volume is `detaching`. Raises ApiError(400) if it is not `in-use`."""

    def roll_detaching(self, attachment_id: str) -> None:
        """The guest did not let go: the volume is `in-use` again."""

    def detach(self, attachment_id: str) -> None:
        """The attachment is gone, also a reserved one; the volume `available` or still in use."""

    def create_for_server(self, project_id: str, user_id: str, wanted: BootVolume) -> str:
        """Begin to create a volume that a server will boot from; return its id."""

    def delete_with_server(self, volume_id: str) -> None:
        """Begin to delete a volume whose server is gone (delete_on_termination)."""

    def snapshot_for_image(self, volume_id: str, name: str) -> str:
        """Begin a snapshot of the (in-use) volume of a server; return the snapshot's id."""


class ImagesPort(Protocol):
    """Glance's side of booting and of snapshots."""

    def image_details(self, image_id: str, project_id: str | None) -> ImageDetails:
        """The image, if `project_id` may see it (None sees all). Raises ApiError(404)."""

    def named(self, name: str, project_id: str | None) -> list[str]:
        """Return the ids of the images with that name that `project_id` (None: all) may see."""

    def root_snapshot(self, image_id: str) -> str | None:
        """Return the volume snapshot behind the image of a server booted from a volume."""

    def volume_metadata(self, image_id: str) -> dict[str, str]:
        """Return the metadata that Cinder copies from an image into a volume made from it."""

    def begin_snapshot(
        self, project_id: str, user_id: str, name: str, properties: Mapping[str, Any]
    ) -> str:
        """Make an image in status `queued`; return its id."""

    def snapshot_saving(self, image_id: str) -> None:
        """Its data is on the way: `saving`."""

    def snapshot_active(self, image_id: str, size: int) -> None:
        """Its data is there: `active`."""

    def delete_snapshot(self, image_id: str) -> None:
        """The snapshot failed, or a backup is rotated away: the image is gone."""


class NetworksPort(Protocol):
    """Neutron's side of a server's ports."""

    def network_ids(self, project_id: str) -> list[str]:
        """The networks that a server of that project gets a port on with `networks: auto`."""

    def check_network(self, network_id: str, project_id: str) -> None:
        """Raises ApiError(400) with Nova's own text if the project has no such network."""

    def create_port(
        self,
        server_id: str,
        project_id: str,
        network_id: str,
        fixed_ip: str | None = None,
        security_groups: Sequence[str] = (),
    ) -> str:
        """Make a port for the server, `DOWN` until it is bound; return its id."""

    def claim_port(self, port_id: str, server_id: str, project_id: str) -> None:
        """Give the user's own port to the server. Raises ApiError: 404 unknown, 409 in use."""

    def bind_port(self, port_id: str, host: str) -> None:
        """The port is `ACTIVE` on `host`."""

    def release_port(self, port_id: str) -> None:
        """Delete a port that `create_port` made; a claimed one is free and `DOWN` again."""

    def ports_of(self, server_id: str) -> list[PortDetails]:
        """The ports of a server, in the order in which it got them."""

    def security_groups(self, project_id: str, names: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """The project's groups with those names or ids, as Nova shows them.

        Raises ApiError(400).
        """

    def set_security_groups(self, server_id: str, names: Sequence[str]) -> None:
        """All ports of the server are in these groups now."""


class ServersPort(Protocol):
    """Nova, as Cinder and Neutron use it."""

    def has_attachment(self, server_id: str, attachment_id: str) -> bool:
        """Return True if the server has that volume attachment."""

    def volume_extended(self, volume_id: str) -> None:
        """Take Cinder's event that an attached volume is larger now."""

    def hosts(self) -> list[HostDetails]:
        """Return the hosts on which servers run."""


class ProjectsPort(Protocol):
    """Keystone's projects, as the other services use them."""

    def project_ids(self) -> list[str]:
        """Return the ids of all projects."""

    def project_id(self, name: str) -> str:
        """Return the id of the project with that name."""
