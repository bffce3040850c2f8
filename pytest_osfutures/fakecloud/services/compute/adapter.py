"""The methods that Cinder and Neutron call on Nova."""

from __future__ import annotations

from pytest_osfutures.fakecloud.services.compute.models import ComputeModel, attaching
from pytest_osfutures.fakecloud.services.compute.models.server import FlavorRecord
from pytest_osfutures.fakecloud.services.service_ports import (
    AllocationDetails,
    HostDetails,
    ProviderDetails,
)


class ServersAdapter:
    """The implementation of `ServersPort`."""

    def __init__(self, model: ComputeModel) -> None:
        self._model = model

    def has_attachment(self, server_id: str, attachment_id: str) -> bool:
        """Return True if the server has that volume attachment."""
        server = self._model.servers.get(server_id)
        return server is not None and any(a.id == attachment_id for a in server.attachments)

    def volume_extended(self, volume_id: str) -> None:
        """Apply Cinder's event that an attached volume is larger now."""
        attaching.extended(self._model, volume_id)

    def hosts(self) -> list[HostDetails]:
        """Return the hosts on which servers run."""
        return [HostDetails(host.name, host.service_id) for host in self._model.hosts.values()]

    def providers(self) -> list[ProviderDetails]:
        """Return the hosts on which servers run, as resource providers."""
        return [
            ProviderDetails(
                host.id,
                host.name,
                {"VCPU": host.vcpus, "MEMORY_MB": host.memory_mb, "DISK_GB": host.local_gb},
            )
            for host in self._model.hosts.values()
        ]

    def allocations(self) -> list[AllocationDetails]:
        """Return the share of its host that each server uses."""
        return [
            AllocationDetails(
                self._model.hosts[server.host].id,
                server.id,
                server.project_id,
                server.user_id,
                _amounts(server.flavor),
            )
            for server in self._model.servers
            if server.host is not None
        ]


def _amounts(flavor: FlavorRecord) -> dict[str, int]:
    disk = flavor.disk + flavor.ephemeral
    amounts = {"VCPU": flavor.vcpus, "MEMORY_MB": flavor.ram, "DISK_GB": disk}
    return {name: amount for name, amount in amounts.items() if amount}
