"""Neutron: security groups, their rules, and address groups."""

from __future__ import annotations

from typing import Any

import pytest

from tests.fakecloud.api_client import ApiClient
from tests.fakecloud.test_network import ask, error_of, make


def test_security_groups(demo: ApiClient) -> None:
    (default,) = ask(demo, "GET", "/security-groups").body["security_groups"]
    assert len(default["security_group_rules"]) == 4
    assert error_of(ask(demo, "DELETE", f"/security-groups/{default['id']}"))[0] == 409
    group = make(demo, "security_group", name="sg")["id"]
    wanted = {
        "security_group_id": group,
        "direction": "ingress",
        "protocol": "tcp",
        "port_range_min": 22,
        "port_range_max": 22,
    }
    rule = make(demo, "security_group_rule", **wanted)
    assert (rule["ethertype"], rule["port_range_min"]) == ("IPv4", 22)
    again = ask(demo, "POST", "/security-group-rules", {"security_group_rule": wanted})
    text = f"Security group rule already exists. Rule id is {rule['id']}."
    assert error_of(again) == (409, "SecurityGroupRuleExists", text)
    assert ask(demo, "DELETE", f"/security-group-rules/{rule['id']}").status == 204
    port = make(demo, "port", network_id=demo.network(), security_groups=[group])
    text = f"Security Group {group} in use."
    refused = ask(demo, "DELETE", f"/security-groups/{group}")
    assert error_of(refused) == (409, "SecurityGroupInUse", text)
    ask(demo, "DELETE", f"/ports/{port['id']}")
    assert ask(demo, "DELETE", f"/security-groups/{group}").status == 204


def test_address_groups(demo: ApiClient) -> None:
    blocks = ["10.0.0.1/32", "192.168.0.0/24"]
    group = make(demo, "address_group", name="hosts", addresses=blocks)
    assert (group["addresses"], group["description"]) == (blocks, "")
    assert "tags" not in group
    path = f"/address-groups/{group['id']}"
    (listed,) = ask(demo, "GET", "/address-groups").body["address_groups"]
    assert listed == ask(demo, "GET", path).body["address_group"] == group
    shown = ask(demo, "PUT", path, {"address_group": {"description": "new"}}).body["address_group"]
    assert shown["description"] == "new"
    refused = ask(demo, "PUT", path, {"address_group": {"addresses": blocks}})
    assert error_of(refused)[2] == "Cannot update read-only attribute addresses"
    (security_group,) = ask(demo, "GET", "/security-groups").body["security_groups"]
    fields = {"security_group_id": security_group["id"], "direction": "ingress"}
    rule = make(demo, "security_group_rule", **fields, remote_address_group_id=group["id"])
    assert rule["remote_address_group_id"] == group["id"]
    text = f"Address group {group['id']} is in use on one or more security group rules."
    assert error_of(ask(demo, "DELETE", path)) == (409, "AddressGroupInUse", text)
    ask(demo, "DELETE", f"/security-group-rules/{rule['id']}")
    assert ask(demo, "DELETE", path).status == 204
    text = f"Address group {group['id']} could not be found."
    assert error_of(ask(demo, "GET", path)) == (404, "AddressGroupNotFound", text)
    body = {"security_group_rule": {**fields, "remote_address_group_id": group["id"]}}
    assert error_of(ask(demo, "POST", "/security-group-rules", body))[0] == 404


@pytest.mark.parametrize("block", ["10.0.0.1", "10.0.0.300/32"])
def test_address_groups_take_blocks_only(demo: ApiClient, block: str) -> None:
    body = {"address_group": {"addresses": [block]}}
    text = f"Invalid input for addresses. Reason: '{block}' is not a valid IP subnet."
    refused = ask(demo, "POST", "/address-groups", body)
    assert error_of(refused) == (400, "HTTPBadRequest", text)


@pytest.mark.parametrize(
    ("rule", "kind"),
    [
        ({"direction": "x"}, "HTTPBadRequest"),
        ({"protocol": "foo"}, "SecurityGroupRuleInvalidProtocol"),
        ({"protocol": "tcp", "port_range_min": 90000}, "SecurityGroupInvalidPortValue"),
        ({"protocol": "tcp", "port_range_min": 5, "port_range_max": 3},
         "SecurityGroupInvalidPortRange"),
        ({"port_range_min": 5, "port_range_max": 7}, "SecurityGroupProtocolRequiredWithPorts"),
        ({"ethertype": "IPv5"}, "SecurityGroupRuleInvalidEtherType"),
        ({"remote_ip_prefix": "x"}, "InvalidCIDR"),
    ],
)  # fmt: skip
def test_invalid_security_group_rules_are_rejected(
    demo: ApiClient, rule: dict[str, Any], kind: str
) -> None:
    group = make(demo, "security_group", name="sg")["id"]
    body = {"security_group_id": group, "direction": "ingress"} | rule
    response = ask(demo, "POST", "/security-group-rules", {"security_group_rule": body})
    assert error_of(response)[:2] == (400, kind)
