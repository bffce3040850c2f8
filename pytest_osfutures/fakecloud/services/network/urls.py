"""The routes of Neutron, relative to /network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    Caller,
    Service,
    UrlRoute,
)
from pytest_osfutures.fakecloud.services.network.models import (
    NetworkModel,
    ports,
    routers,
    security_groups,
    trunks,
)
from pytest_osfutures.fakecloud.services.network.models.records import (
    NetworkRecord,
    PortRecord,
    StandardRecord,
    SubnetRecord,
)
from pytest_osfutures.fakecloud.services.network.responses import attributes, general, views
from pytest_osfutures.fakecloud.services.network.responses import trunks as trunk_requests
from pytest_osfutures.fakecloud.services.network.responses.collection import Collection


def _change(_model: NetworkModel, resource: StandardRecord, values: Mapping[str, Any]) -> None:
    resource.change(values)


def _sees_network(_model: NetworkModel, caller: Caller, network: NetworkRecord) -> bool:
    return network.shared or network.external or network.project_id == caller.project_id


def _sees_subnet(model: NetworkModel, caller: Caller, subnet: SubnetRecord) -> bool:
    network = model.networks.get(subnet.network_id)
    shared = network is not None and network.shared
    return shared or subnet.project_id == caller.project_id


def _sees_port(model: NetworkModel, caller: Caller, port: PortRecord) -> bool:
    network = model.networks.get(port.network_id)
    owner = network.project_id if network is not None else ""
    return caller.project_id in (port.project_id, owner)


COLLECTIONS = (
    Collection(
        "network",
        "networks",
        "Network",
        lambda model: model.networks,
        attributes.NETWORK,
        views.network,
        ports.create_network,
        ports.delete_network,
        _change,
        _sees_network,
    ),
    Collection(
        "subnet",
        "subnets",
        "Subnet",
        lambda model: model.subnets,
        attributes.SUBNET,
        views.subnet,
        ports.create_subnet,
        ports.delete_subnet,
        _change,
        _sees_subnet,
    ),
    Collection(
        "port",
        "ports",
        "Port",
        lambda model: model.ports,
        attributes.PORT,
        views.port,
        ports.create_port,
        ports.delete_port,
        ports.update_port,
        _sees_port,
    ),
    Collection(
        "router",
        "routers",
        "Router",
        lambda model: model.routers,
        attributes.ROUTER,
        views.router,
        routers.create_router,
        routers.delete_router,
        routers.update_router,
    ),
    Collection(
        "floatingip",
        "floatingips",
        "Floating IP",
        lambda model: model.floating_ips,
        attributes.FLOATING_IP,
        views.floating_ip,
        routers.create_floating_ip,
        routers.delete_floating_ip,
        routers.update_floating_ip,
    ),
    Collection(
        "security_group",
        "security_groups",
        "Security group",
        lambda model: model.groups,
        attributes.SECURITY_GROUP,
        views.security_group,
        security_groups.create_group,
        security_groups.delete_group,
        security_groups.update_group,
    ),
    Collection(
        "security_group_rule",
        "security_group_rules",
        "Security group rule",
        lambda model: model.rules,
        attributes.SECURITY_GROUP_RULE,
        views.rule,
        security_groups.create_rule,
        security_groups.delete_rule,
        _change,
    ),
    Collection(
        "trunk",
        "trunks",
        "Trunk",
        lambda model: model.trunks,
        trunk_requests.ATTRIBUTES,
        trunk_requests.view,
        trunks.create_trunk,
        trunks.delete_trunk,
        _change,
    ),
    Collection(
        "address_group",
        "address_groups",
        "Address group",
        lambda model: model.address_groups,
        attributes.ADDRESS_GROUP,
        views.address_group,
        security_groups.create_address_group,
        security_groups.delete_address_group,
        _change,
    ),
)
QUOTA = "/v2.0/quotas/{project_id}"
EMPTY = ("subnetpools", "address_scopes", "service_providers", "rbac_policies")

ROUTES: list[UrlRoute] = [
    UrlRoute("GET", "", general.versions, public=True),
    UrlRoute("GET", "/v2.0", general.resources(tuple((c.name, c.path) for c in COLLECTIONS))),
    *(route for collection in COLLECTIONS for route in collection.routes()),
    UrlRoute("PUT", "/v2.0/routers/{router_id}/add_router_interface", general.add_router_interface),
    UrlRoute(
        "PUT", "/v2.0/routers/{router_id}/remove_router_interface", general.remove_router_interface
    ),
    UrlRoute("GET", "/v2.0/trunks/{trunk_id}/get_subports", trunk_requests.show_sub_ports),
    UrlRoute("PUT", "/v2.0/trunks/{trunk_id}/add_subports", trunk_requests.add_sub_ports),
    UrlRoute("PUT", "/v2.0/trunks/{trunk_id}/remove_subports", trunk_requests.remove_sub_ports),
    UrlRoute("GET", "/v2.0/extensions", general.extensions),
    UrlRoute("GET", "/v2.0/extensions/{alias}", general.show_extension),
    UrlRoute("GET", "/v2.0/availability_zones", general.availability_zones),
    UrlRoute("GET", "/v2.0/agents", general.agents),
    *(
        UrlRoute("GET", "/v2.0/" + plural.replace("_", "-"), general.empty(plural))
        for plural in EMPTY
    ),
    UrlRoute("GET", QUOTA, general.show_quota),
    UrlRoute("PUT", QUOTA, general.change_quota),
    UrlRoute("DELETE", QUOTA, general.reset_quota),
    UrlRoute("GET", QUOTA + "/default", general.default_quota),
    UrlRoute("GET", QUOTA + "/details", general.show_quota_details),
    UrlRoute("GET", QUOTA + "/details.json", general.show_quota_details),
    UrlRoute("GET", "/v2.0/auto-allocated-topology/{project_id}", general.auto_allocated_topology),
]

SERVICE = Service(
    name="network",
    types=("network",),
    prefix="/network",
    routes=ROUTES,
    error_body=general.error_body,
    unknown_path=general.UNKNOWN_PATH,
    quota_status=409,
)
