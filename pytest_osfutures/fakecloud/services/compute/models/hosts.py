"""Compute hosts and the choice of a host for a server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from pytest_osfutures.fakecloud.services.compute.models.server import FlavorRecord, ServerRecord

ZONE = "nova"


@dataclass
class Host:
    """One compute host with its nova-compute."""

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
        """Return True if the host's nova-compute responds."""
        return not self.forced_down

    @property
    def status(self) -> str:
        """Return the `host_status` of the servers on this host."""
        if not self.up:
            return "DOWN"
        return "MAINTENANCE" if self.disabled else "UP"


@dataclass(frozen=True)
class Usage:
    """The used capacity of a host."""

    servers: int
    vcpus: int
    memory_mb: int
    local_gb: int


def usage(host: Host, servers: Iterable[ServerRecord]) -> Usage:
    """Return the capacity that servers use on `host`; a resized server counts on both hosts."""
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
    """Return the host with the most free memory on which `flavor` fits, or None."""
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
    """Return the hash that users see instead of the host's name."""
    return hashlib.sha224((project_id + host).encode()).hexdigest() if host else ""
