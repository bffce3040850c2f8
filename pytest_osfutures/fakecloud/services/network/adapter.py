"""The methods that Nova calls on Neutron."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
)
from pytest_osfutures.fakecloud.services.network.models import ZONE, NetworkModel, ports
from pytest_osfutures.fakecloud.services.network.models.records import (
    PortRecord,
    SecurityGroupRecord,
    SecurityGroupRule,
)
from pytest_osfutures.fakecloud.services.network.models.security_groups import (
    DEFAULT,
    default_group,
)
from pytest_osfutures.fakecloud.services.service_ports import PortDetails


class NetworksAdapter:
    """The implementation of `NetworksPort`."""

    def __init__(self, model: NetworkModel) -> None:
        self._model = model

    def network_ids(self, project_id: str) -> list[str]:
        """Return the networks on which `networks: auto` gives the project's servers a port."""
        return self._model.network_ids(project_id)

    def check_network(self, network_id: str, project_id: str) -> None:
        """Raise ApiError(400), with Nova's message, if the project has no such network."""
        network = self._model.networks.get(network_id)
        if network is None or not (network.shared or network.project_id == project_id):
            raise ApiError(400, f"Network {network_id} could not be found.")

    def create_port(
        self,
        server_id: str,
        project_id: str,
        network_id: str,
        fixed_ip: str | None = None,
        security_groups: Sequence[str] = (),
    ) -> str:
        """Create a port for the server, `DOWN` until it is bound; return the port's id."""
        values: dict[str, Any] = {
            "name": "",
            "network_id": network_id,
            "device_id": server_id,
            "device_owner": f"compute:{ZONE}",
            "of_server": True,
        }
        if fixed_ip:
            values["fixed_ips"] = [{"ip_address": fixed_ip}]
        if security_groups:
            values["security_groups"] = [
                group.id for group in self._groups(project_id, security_groups)
            ]
        return ports.create_port(self._model, project_id, values).id

    def claim_port(self, port_id: str, server_id: str, project_id: str) -> None:
        """Assign the user's own port to the server. Raises ApiError: 404 unknown, 409 in use."""
        port = self._model.ports.get(port_id)
        if port is None or port.project_id != project_id:
            raise ApiError(404, f"Port id {port_id} could not be found.")
        if port.device_id:
            raise ApiError(409, f"Port {port_id} is still in use.")
        port.change({"device_id": server_id, "device_owner": f"compute:{ZONE}"})

    def bind_port(self, port_id: str, host: str) -> None:
        """Bind the port to `host`; the port is `ACTIVE`."""
        if port := self._model.ports.get(port_id):
            port.change({"host": host, "vif_type": "ovs", "status": "ACTIVE"})

    def release_port(self, port_id: str) -> None:
        """Delete a port that `create_port` made; set a claimed port free and `DOWN`."""
        port = self._model.ports.get(port_id)
        if port is None:
            return
        if port.of_server:
            ports.remove_port(self._model, port)
        else:
            port.change({"device_id": "", "device_owner": ""})
            ports.release(port)

    def ports_of(self, server_id: str) -> list[PortDetails]:
        """Return the ports of a server in the order of their assignment."""
        return [self._details(port) for port in self._model.ports if port.device_id == server_id]

    def addresses(self) -> Mapping[str, Sequence[str]]:
        """Return the fixed and the floating addresses of all servers, by the servers' ids."""
        found: dict[str, list[str]] = {}
        owners = {port.id: port.device_id for port in self._model.ports if port.device_id}
        for port in self._model.ports:
            if port.id in owners:
                found.setdefault(port.device_id, []).extend(
                    ip["ip_address"] for ip in port.fixed_ips
                )
        for floating in self._model.floating_ips:
            if floating.port_id in owners:
                found.setdefault(owners[floating.port_id], []).append(floating.address)
        return found

    def _details(self, port: PortRecord) -> PortDetails:
        floating = [ip.address for ip in self._model.floating_ips if ip.port_id == port.id]
        return PortDetails(
            id=port.id,
            network_id=port.network_id,
            network_name=self._model.network(port.network_id).name or "",
            mac_address=port.mac_address,
            status=port.status,
            fixed_ips=port.fixed_ips,
            floating_ips=floating,
        )

    def _groups(self, project_id: str, names: Sequence[str]) -> list[SecurityGroupRecord]:
        found = []
        if DEFAULT in names:
            default_group(self._model, project_id)
        for name in names:
            matching = [
                group
                for group in self._model.groups
                if group.project_id == project_id and name in (group.id, group.name)
            ]
            if not matching:
                raise ApiError(400, f"Security group {name} not found for project {project_id}.")
            found.append(matching[0])
        return found

    def security_groups(self, project_id: str, names: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """Return the project's security groups with those names or ids, in Nova's format.

        Raises ApiError(400).
        """
        return [
            {
                "id": group.id,
                "name": group.name,
                "description": group.description,
                "tenant_id": group.project_id,
                "rules": [_nova_rule(rule) for rule in self._model.rules_of(group.id)],
            }
            for group in self._groups(project_id, names)
        ]

    def set_security_groups(self, server_id: str, names: Sequence[str]) -> None:
        """Replace the security groups of all ports of the server."""
        for port in self._model.ports:
            if port.device_id == server_id:
                groups = self._groups(port.project_id, names)
                port.change({"security_groups": tuple(group.id for group in groups)})


def _nova_rule(rule: SecurityGroupRule) -> dict[str, Any]:
    return {
        "id": rule.id,
        "parent_group_id": rule.security_group_id,
        "ip_protocol": rule.protocol,
        "from_port": rule.port_range_min,
        "to_port": rule.port_range_max,
        "ip_range": {"cidr": rule.remote_ip_prefix} if rule.remote_ip_prefix else {},
        "group": {},
    }
