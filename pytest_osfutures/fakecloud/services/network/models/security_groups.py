"""Security groups, their rules, and the address groups that rules refer to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pytest_osfutures.fakecloud.kernel import (
    ApiError,
)
from pytest_osfutures.fakecloud.services.network.models.records import (
    AddressGroupRecord,
    SecurityGroupRecord,
    SecurityGroupRule,
)
from pytest_osfutures.fakecloud.services.network.models.state import NetworkModel

DEFAULT = "default"


def default_group(model: NetworkModel, project_id: str) -> SecurityGroupRecord:
    """Return the project's security group `default`, which is created on first use."""
    for group in model.groups:
        if group.project_id == project_id and group.name == DEFAULT:
            return group
    values = {"name": DEFAULT, "description": "Default security group"}
    return create_group(model, project_id, values)


def create_group(
    model: NetworkModel, project_id: str, values: Mapping[str, Any]
) -> SecurityGroupRecord:
    """Create a group that allows egress only, and before it the group `default`.

    Raises ApiError(409) for a second `default`.
    """
    if values.get("name") == DEFAULT and any(
        group.project_id == project_id and group.name == DEFAULT for group in model.groups
    ):
        raise ApiError(
            409, "Default security group already exists.", kind="SecurityGroupDefaultAlreadyExists"
        )
    if values.get("name") != DEFAULT:
        default_group(model, project_id)
    group = SecurityGroupRecord(
        id=model.runtime.new_id(), project_id=project_id, revision=1, **values
    )
    model.keep(model.groups, group)
    for ethertype in ("IPv4", "IPv6"):
        _rule(model, group, direction="egress", ethertype=ethertype)
    if group.name == DEFAULT:
        for ethertype in ("IPv4", "IPv6"):
            _rule(model, group, "ingress", ethertype, remote_group_id=group.id)
    return group


def _rule(
    model: NetworkModel,
    group: SecurityGroupRecord,
    direction: str,
    ethertype: str,
    remote_group_id: str | None = None,
) -> None:
    model.keep(
        model.rules,
        SecurityGroupRule(
            id=model.runtime.new_id(),
            project_id=group.project_id,
            security_group_id=group.id,
            direction=direction,
            ethertype=ethertype,
            remote_group_id=remote_group_id,
            description=None,
        ),
    )


def update_group(
    model: NetworkModel, group: SecurityGroupRecord, values: Mapping[str, Any]
) -> None:
    """Change a group. Raises ApiError(409) for a new name of the group `default`."""
    del model
    if group.name == DEFAULT and values.get("name", DEFAULT) != DEFAULT:
        raise ApiError(
            409,
            "Updating default security group not allowed.",
            kind="SecurityGroupCannotUpdateDefault",
        )
    group.change(values)


def delete_group(model: NetworkModel, group: SecurityGroupRecord) -> None:
    """Delete the group and its rules. Raises ApiError(409) while a port uses it."""
    if any(group.id in port.security_groups for port in model.ports):
        raise ApiError(409, f"Security Group {group.id} in use.", kind="SecurityGroupInUse")
    for rule in model.rules_of(group.id):
        model.rules.remove(rule)
    model.groups.remove(group)


def _check_ports(values: Mapping[str, Any]) -> None:
    """Raise ApiError(400) unless the port range is valid for the protocol."""
    low, high = values.get("port_range_min"), values.get("port_range_max")
    if low is None and high is None:
        return
    if values.get("protocol") is None:
        said = "Must also specify protocol if port range is given."
        raise ApiError(400, said, kind="SecurityGroupProtocolRequiredWithPorts")
    if values["protocol"] in ("tcp", "udp") and (low is None or high is None or low > high):
        said = "For TCP/UDP protocols, port_range_min must be <= port_range_max"
        raise ApiError(400, said, kind="SecurityGroupInvalidPortRange")


def create_rule(
    model: NetworkModel, project_id: str, values: Mapping[str, Any]
) -> SecurityGroupRule:
    """Create a rule. Raises ApiError: 404 unknown group, 409 for a duplicate rule."""
    group = model.security_group(values["security_group_id"])
    if remote := values.get("remote_group_id"):
        model.security_group(remote)
    if remote := values.get("remote_address_group_id"):
        _check_address_group(model, remote)
    _check_ports(values)
    rule = SecurityGroupRule(id=model.runtime.new_id(), project_id=project_id, **values)
    for other in model.rules_of(group.id):
        if rule.same_as(other):
            raise ApiError(
                409,
                f"Security group rule already exists. Rule id is {other.id}.",
                kind="SecurityGroupRuleExists",
            )
    group.change({})
    return model.keep(model.rules, rule)


def delete_rule(model: NetworkModel, rule: SecurityGroupRule) -> None:
    """Delete the rule."""
    model.rules.remove(rule)
    if group := model.groups.get(rule.security_group_id):
        group.change({})


def create_address_group(
    model: NetworkModel, project_id: str, values: Mapping[str, Any]
) -> AddressGroupRecord:
    """Create an address group."""
    group = AddressGroupRecord(id=model.runtime.new_id(), project_id=project_id, **values)
    return model.keep(model.address_groups, group)


def delete_address_group(model: NetworkModel, group: AddressGroupRecord) -> None:
    """Delete an address group. Raises ApiError(409) while a rule refers to it."""
    if any(rule.remote_address_group_id == group.id for rule in model.rules):
        said = f"Address group {group.id} is in use on one or more security group rules."
        raise ApiError(409, said, kind="AddressGroupInUse")
    model.address_groups.remove(group)


def _check_address_group(model: NetworkModel, group_id: str) -> None:
    if model.address_groups.get(group_id) is None:
        said = f"Address group {group_id} could not be found."
        raise ApiError(404, said, kind="AddressGroupNotFound")
