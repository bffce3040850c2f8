"""What Neutron knows: its resources and what happens to them. It knows no HTTP."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

from pytest_osfutures.fakecloud.kernel.errors import ApiError
from pytest_osfutures.fakecloud.kernel.resource import Table
from pytest_osfutures.fakecloud.services.compute.neighbours import PortFacts
from pytest_osfutures.fakecloud.services.network.models import ports, security_groups
from pytest_osfutures.fakecloud.services.network.models.records import (
    FloatingIp,
    Network,
    Port,
    Router,
    SecurityGroup,
    SecurityGroupRule,
    Standard,
    Subnet,
)

if TYPE_CHECKING:
    from pytest_osfutures.fakecloud.cloud import FakeCloud

S = TypeVar("S", bound=Standard)

CIDR, PUBLIC = "10.20.0.0/16", "172.24.4.0/24"
ZONE = "nova"


class NetworkModel:
    """The state of Neutron. The methods at its end are for Nova."""

    def __init__(self, cloud: FakeCloud) -> None:
        self.cloud = cloud
        self.networks: Table[Network] = Table(cloud, "network")
        self.subnets: Table[Subnet] = Table(cloud, "subnet")
        self.ports: Table[Port] = Table(cloud, "port")
        self.routers: Table[Router] = Table(cloud, "router")
        self.floating_ips: Table[FloatingIp] = Table(cloud, "floatingip")
        self.groups: Table[SecurityGroup] = Table(cloud, "security_group")
        self.rules: Table[SecurityGroupRule] = Table(cloud, "security_group_rule")
        self.quotas: dict[str, dict[str, int]] = {}  # by project: what differs from the default
        owner = cloud.identity.project_by("admin").id
        network = ports.create_network(self, owner, {"name": "private", "shared": True})
        values = {"name": "private", "network_id": network.id, "cidr": CIDR, "ip_version": 4}
        ports.create_subnet(self, owner, values)
        self._add_public(owner)
        for project_id in cloud.identity.projects:
            self.default_group(project_id)

    def _add_public(self, owner: str) -> None:
        """The network outside; the ids of all else stay those of the seed."""
        cloud = self.cloud
        kept, cloud.random = cloud.random, Random(f"{cloud.seed}:public")
        network = ports.create_network(self, owner, {"name": "public", "external": True})
        values = {"name": "public", "network_id": network.id, "cidr": PUBLIC, "ip_version": 4}
        ports.create_subnet(self, owner, values)
        cloud.random = kept

    def keep(self, table: Table[S], resource: S) -> S:
        """Put a new resource into its table."""
        table.add(resource)
        resource.touch()
        return resource

    def network(self, network_id: str) -> Network:
        """The network. Raises ApiError(404)."""
        return _found(self.networks, network_id, "Network")

    def subnet(self, subnet_id: str) -> Subnet:
        """The subnet. Raises ApiError(404)."""
        return _found(self.subnets, subnet_id, "Subnet")

    def port(self, port_id: str) -> Port:
        """The port. Raises ApiError(404)."""
        return _found(self.ports, port_id, "Port")

    def security_group(self, group_id: str) -> SecurityGroup:
        """The security group. Raises ApiError(404)."""
        group = self.groups.get(group_id)
        if group is None:
            said = f"Security group {group_id} does not exist"
            raise ApiError(404, said, kind="SecurityGroupNotFound")
        return group

    def default_group(self, project_id: str) -> SecurityGroup:
        """The security group of ports that name none; made when a project first needs it."""
        for group in self.groups:
            if group.project_id == project_id and group.name == security_groups.DEFAULT:
                return group
        values = {"name": security_groups.DEFAULT, "description": "Default security group"}
        return security_groups.create_group(self, project_id, values)

    def subnets_of(self, network_id: str) -> list[Subnet]:
        """The subnets of a network."""
        return [subnet for subnet in self.subnets if subnet.network_id == network_id]

    def rules_of(self, group_id: str) -> list[SecurityGroupRule]:
        """The rules of a security group."""
        return [rule for rule in self.rules if rule.security_group_id == group_id]

    def limit(self, project_id: str, name: str) -> int:
        """The project's limit; -1 is none."""
        default = self.cloud.settings.quotas.get(name, -1)
        return self.quotas.get(project_id, {}).get(name, default)

    def used(self, project_id: str, table: Table[Any]) -> int:
        """How many of a kind the project has."""
        return sum(row.project_id == project_id for row in table)

    # What Nova asks; see compute/neighbours.py.

    def network_ids(self, project_id: str) -> list[str]:
        """The networks that a server of that project gets a port on with `networks: auto`."""
        return [
            network.id
            for network in self.networks
            if not network.external and (network.project_id == project_id or network.shared)
        ]

    def check_network(self, network_id: str, project_id: str) -> None:
        """Raises ApiError(400) with Nova's own text if the project has no such network."""
        network = self.networks.get(network_id)
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
        """Make a port for the server, `DOWN` until it is bound; return its id."""
        values: dict[str, Any] = {
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
        return ports.create_port(self, project_id, values).id

    def claim_port(self, port_id: str, server_id: str, project_id: str) -> None:
        """Give the user's own port to the server. Raises ApiError: 404 unknown, 409 in use."""
        port = self.ports.get(port_id)
        if port is None or port.project_id != project_id:
            raise ApiError(404, f"Port id {port_id} could not be found.")
        if port.device_id:
            raise ApiError(409, f"Port {port_id} is still in use.")
        port.change({"device_id": server_id, "device_owner": f"compute:{ZONE}"})

    def bind_port(self, port_id: str, host: str) -> None:
        """The port is `ACTIVE` on `host`."""
        if port := self.ports.get(port_id):
            port.change({"host": host, "vif_type": "ovs", "status": "ACTIVE"})

    def release_port(self, port_id: str) -> None:
        """Delete a port that `create_port` made; a claimed one is free and `DOWN` again."""
        port = self.ports.get(port_id)
        if port is None:
            return
        if port.of_server:
            ports.remove_port(self, port)
        else:
            port.change({"device_id": "", "device_owner": ""})
            ports.release(port)

    def ports_of(self, server_id: str) -> list[PortFacts]:
        """The ports of a server, in the order in which it got them."""
        return [self._facts(port) for port in self.ports if port.device_id == server_id]

    def _facts(self, port: Port) -> PortFacts:
        floating = [ip.address for ip in self.floating_ips if ip.port_id == port.id]
        return PortFacts(
            id=port.id,
            network_id=port.network_id,
            network_name=self.network(port.network_id).name or "",
            mac_address=port.mac_address,
            status=port.status,
            fixed_ips=port.fixed_ips,
            floating_ips=floating,
        )

    def _groups(self, project_id: str, names: Sequence[str]) -> list[SecurityGroup]:
        found = []
        for name in names:
            matching = [
                group
                for group in self.groups
                if group.project_id == project_id and name in (group.id, group.name)
            ]
            if not matching:
                raise ApiError(400, f"Security group {name} not found for project {project_id}.")
            found.append(matching[0])
        return found

    def security_groups(self, project_id: str, names: Sequence[str]) -> Sequence[Mapping[str, Any]]:
        """The project's groups with those names or ids, as Nova shows them.

        Raises ApiError(400).
        """
        return [
            {
                "id": group.id,
                "name": group.name,
                "description": group.description,
                "tenant_id": group.project_id,
                "rules": [_nova_rule(rule) for rule in self.rules_of(group.id)],
            }
            for group in self._groups(project_id, names)
        ]

    def set_security_groups(self, server_id: str, names: Sequence[str]) -> None:
        """All ports of the server are in these groups now."""
        for port in self.ports:
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


def _found(table: Table[S], resource_id: str, kind: str) -> S:
    resource = table.get(resource_id)
    if resource is None:
        said = f"{kind} {resource_id} could not be found."
        raise ApiError(404, said, kind=f"{kind}NotFound")
    return resource
