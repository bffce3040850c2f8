"""The guests of all servers, as a program outside the cloud can reach them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pytest_osfutures.fakecloud.services.compute.models.guest import (
    OpenPort,
    authorized_keys,
    open_ports,
)
from pytest_osfutures.fakecloud.services.compute.models.state import ComputeModel


@dataclass(frozen=True)
class Guest:
    """The guest of one server."""

    server_id: str
    hostname: str
    addresses: tuple[str, ...]  #: fixed and floating addresses of the server
    ports: Mapping[str, OpenPort]  #: the ports that are open now: "ssh" and "http"


def reachable_guests(model: ComputeModel) -> list[Guest]:
    """Return the guests with open ports, in the order in which their servers were created."""
    now = model.runtime.schedule.now()
    found = [(server, open_ports(server, now)) for server in model.servers]
    opened = [each for each in found if each[1]]
    addresses = model.networks.addresses() if opened else {}
    return [
        Guest(server.id, server.hostname, tuple(addresses.get(server.id, ())), ports)
        for server, ports in opened
    ]


def cloud_init_status(model: ComputeModel, server_id: str) -> str:
    """Return the status of cloud-init in a guest: `running`, `done` or `error`."""
    server = model.servers.get(server_id)
    if server is None or server.boot is None:
        return "running"
    return server.boot.cloud_init_status(model.runtime.schedule.now())


def accepted_keys(model: ComputeModel, server_id: str) -> list[str]:
    """Return the public keys that the guest accepts now."""
    server = model.servers.get(server_id)
    if (
        server is None
        or server.boot is None
        or not server.boot.takes_keys(model.runtime.schedule.now())
    ):
        return []
    return authorized_keys(server)
