"""The state of Neutron: all its resources."""

from __future__ import annotations

from typing import Any, TypeVar

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
    ResourceTable,
    Runtime,
)
from pytest_osfutures.fakecloud.services.network.models.records import (
    AddressGroupRecord,
    FloatingIpRecord,
    NetworkRecord,
    PortRecord,
    RouterRecord,
    SecurityGroupRecord,
    SecurityGroupRule,
    StandardRecord,
    SubnetRecord,
    TrunkRecord,
)
from pytest_osfutures.fakecloud.services.service_ports import ServersPort

S = TypeVar("S", bound=StandardRecord)

CIDR, PUBLIC = "10.20.0.0/16", "172.24.4.0/24"
ZONE = "nova"


class NetworkModel:
    """The state of Neutron, with the port to Nova."""

    servers: ServersPort  #: Nova; set after construction, because Nova's model needs this one

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.networks: ResourceTable[NetworkRecord] = ResourceTable(runtime.database, "network")
        self.subnets: ResourceTable[SubnetRecord] = ResourceTable(runtime.database, "subnet")
        self.ports: ResourceTable[PortRecord] = ResourceTable(runtime.database, "port")
        self.routers: ResourceTable[RouterRecord] = ResourceTable(runtime.database, "router")
        self.floating_ips: ResourceTable[FloatingIpRecord] = ResourceTable(
            runtime.database, "floatingip"
        )
        self.groups: ResourceTable[SecurityGroupRecord] = ResourceTable(
            runtime.database, "security_group"
        )
        self.rules: ResourceTable[SecurityGroupRule] = ResourceTable(
            runtime.database, "security_group_rule"
        )
        self.address_groups: ResourceTable[AddressGroupRecord] = ResourceTable(
            runtime.database, "address_group"
        )
        self.trunks: ResourceTable[TrunkRecord] = ResourceTable(runtime.database, "trunk")
        self.quotas: dict[str, dict[str, int]] = {}  #: by project, without the defaults

    def keep(self, table: ResourceTable[S], resource: S) -> S:
        """Add a new resource to its table."""
        table.add(resource)
        resource.touch()
        return resource

    def network(self, network_id: str) -> NetworkRecord:
        """Return the network. Raises ApiError(404)."""
        return _found(self.networks, network_id, "Network")

    def subnet(self, subnet_id: str) -> SubnetRecord:
        """Return the subnet. Raises ApiError(404)."""
        return _found(self.subnets, subnet_id, "Subnet")

    def port(self, port_id: str) -> PortRecord:
        """Return the port. Raises ApiError(404)."""
        return _found(self.ports, port_id, "Port")

    def security_group(self, group_id: str) -> SecurityGroupRecord:
        """Return the security group. Raises ApiError(404)."""
        group = self.groups.get(group_id)
        if group is None:
            said = f"Security group {group_id} does not exist"
            raise ApiError(404, said, kind="SecurityGroupNotFound")
        return group

    def subnets_of(self, network_id: str) -> list[SubnetRecord]:
        """Return the subnets of a network."""
        return [subnet for subnet in self.subnets if subnet.network_id == network_id]

    def rules_of(self, group_id: str) -> list[SecurityGroupRule]:
        """Return the rules of a security group."""
        return [rule for rule in self.rules if rule.security_group_id == group_id]

    def limit(self, project_id: str, name: str) -> int:
        """Return the project's quota; -1 is no limit."""
        default = self.runtime.settings.quotas.get(name, -1)
        return self.quotas.get(project_id, {}).get(name, default)

    def used(self, project_id: str, table: ResourceTable[Any]) -> int:
        """Return how many resources of `table` the project has."""
        return sum(row.project_id == project_id for row in table)

    def network_ids(self, project_id: str) -> list[str]:
        """Return the networks on which `networks: auto` gives the project's servers a port."""
        return [
            network.id
            for network in self.networks
            if not network.external and (network.project_id == project_id or network.shared)
        ]


def _found(table: ResourceTable[S], resource_id: str, kind: str) -> S:
    resource = table.get(resource_id)
    if resource is None:
        said = f"{kind} {resource_id} could not be found."
        raise ApiError(404, said, kind=f"{kind}NotFound")
    return resource
