"""The compute hosts, and which of them a server goes to."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from pytest_osfutures.fakecloud.services.compute.models.server import FlavorRecord, ServerRecord

ZONE = "nova"


@dataclass
class Host:
    """One compute node and the nova-compute on it."""

    name: str
    id: str
    service_id: str
    vcpus: int = 1000
    memory_mb: int = 800_000
    local_gb: int = 600_000
    disabled_reason: str | None = None
    disabled: bool = False
    forced_down: bool = False

    @property
    def up(self) -> bool:
        """Whether its nova-compute answers."""
        return not self.forced_down

    @property
    def status(self) -> str:
        """What a server on it shows as `host_status`."""
        if not self.up:
            return "DOWN"
        return "MAINTENANCE" if self.disabled else "UP"


@dataclass(frozen=True)
class Usage:
    """What is taken of a host."""

    servers: int
    vcpus: int
    memory_mb: int
    local_gb: int


def usage(host: Host, servers: Iterable[ServerRecord]) -> Usage:
    """What the servers on `host` take of it; those that were only resized hold both places."""
    there = [s.flavor for s in servers if s.host == host.name]
    return Usage(
        len(there),
        sum(f.vcpus for f in there),
        sum(f.ram for f in there),
        sum(f.disk + f.ephemeral for f in there),
    )


def choose(
    hosts: Iterable[Host],
    servers: Iterable[ServerRecord],
    flavor: FlavorRecord,
    without: Iterable[str] = (),
) -> str | None:
    """The host with the most room among those that `flavor` fits on; None if there is none."""
    best: tuple[int, str] | None = None
    servers, without = list(servers), set(without)
    for host in hosts:
        if host.disabled or not host.up or host.name in without:
            continue
        taken = usage(host, servers)
        free_mb = host.memory_mb - taken.memory_mb
        fits = (
            flavor.ram <= free_mb
            and flavor.vcpus <= host.vcpus - taken.vcpus
            and flavor.disk + flavor.ephemeral <= host.local_gb - taken.local_gb
        )
        if fits and (best is None or (free_mb, host.name) > best):
            best = (free_mb, host.name)
    return best[1] if best else None


def host_id(host: str | None, project_id: str) -> str:
    """What the owner sees in the place of the host's name."""
    return hashlib.sha224((project_id + host).encode()).hexdigest() if host else ""
