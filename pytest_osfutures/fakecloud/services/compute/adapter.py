"""The methods that Cinder and Neutron call on Nova."""

from __future__ import annotations

from pytest_osfutures.fakecloud.services.compute.models import ComputeModel, attaching
from pytest_osfutures.fakecloud.services.service_ports import HostDetails


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
