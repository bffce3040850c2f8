"""The networks and security groups that a new cloud has."""

from __future__ import annotations

from random import Random

from pytest_osfutures.fakecloud.services.network.models import ports, routers, security_groups
from pytest_osfutures.fakecloud.services.network.models.records import NetworkRecord
from pytest_osfutures.fakecloud.services.network.models.state import NetworkModel
from pytest_osfutures.fakecloud.services.service_ports import ProjectsPort

#: The address ranges of the networks `private` and `public`.
CIDRS = ("10.20.0.0/16", "172.24.4.0/24")


def create_initial_resources(
    model: NetworkModel, projects: ProjectsPort, cidrs: tuple[str, str] = CIDRS
) -> None:
    """Create the networks `private` and `public`, and a default group for each project.

    As in DevStack a router connects both, so that servers on `private` can have floating ips.
    """
    owner = projects.project_id("admin")
    private = _create_network(model, owner, "private", cidrs[0], shared=True)
    _create_public(model, owner, cidrs[1], inside=private)
    for project_id in projects.project_ids():
        security_groups.default_group(model, project_id)


def _create_public(model: NetworkModel, owner: str, cidr: str, inside: NetworkRecord) -> None:
    """Create the external network and the router with a random generator of their own.

    So the ids of all other resources stay the same as in a cloud without this network.
    """
    runtime = model.runtime
    shared, runtime.random = runtime.random, Random(f"{runtime.seed}:public")
    outside = _create_network(model, owner, "public", cidr, external=True)
    gateway = {"network_id": outside.id}
    router = routers.create_router(model, owner, {"name": "router1", "gateway": gateway})
    subnet = model.subnets_of(inside.id)[0]
    routers.add_interface(model, router, subnet.id, None)
    runtime.random = shared


def _create_network(
    model: NetworkModel, owner: str, name: str, cidr: str, **flags: bool
) -> NetworkRecord:
    network = ports.create_network(model, owner, {"name": name, **flags})
    subnet = {"name": name, "network_id": network.id, "cidr": cidr, "ip_version": 4}
    ports.create_subnet(model, owner, subnet)
    return network
