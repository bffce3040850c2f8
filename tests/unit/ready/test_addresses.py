"""The choice of a server's address is a function of the server as Nova shows it."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.ready.addresses import Address, Reach, ReachArguments


def entry(ip: str, kind: str | None = None) -> dict[str, Any]:
    """Return an address as Nova shows it."""
    found = {"addr": ip, "version": 6 if ":" in ip else 4}
    return found if kind is None else {**found, "OS-EXT-IPS:type": kind}


SERVER = {
    "addresses": {
        "blue": [entry("fd00::5", "fixed"), entry("10.0.0.5", "fixed")],
        "green": [entry("10.1.0.5", "fixed"), entry("203.0.113.9", "floating")],
    }
}


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({}, "203.0.113.9 (floating address in green)"),
        ({"address": "floating"}, "203.0.113.9 (floating address in green)"),
        ({"address": "fixed"}, "10.0.0.5 (fixed address in blue)"),
        ({"network": "blue"}, "10.0.0.5 (fixed address in blue)"),
        ({"network": "green", "address": "fixed"}, "10.1.0.5 (fixed address in green)"),
        ({"ip_version": 6}, "fd00::5 (fixed address in blue)"),
        ({"address": "192.0.2.1"}, "192.0.2.1 (given address)"),
        ({"network": "red"}, "the server has no address in red; it has "),
        ({"address": "floating", "ip_version": 6}, "the server has no IPv6 floating address; it"),
    ],
)
def test_the_address_of_a_server(arguments: ReachArguments, expected: str) -> None:
    assert str(Reach.of(arguments).choose(SERVER)).startswith(expected)


def test_ipv6_is_used_where_there_is_no_other_address_of_the_kind() -> None:
    server = {"addresses": {"six": [entry("fd00::1"), entry("not an address"), {"version": 4}]}}
    assert Reach().choose(server) == Address("fd00::1", "fixed", "six")


@pytest.mark.parametrize("addresses", [None, {}, [], {"net": None}, {"net": [None]}])
def test_a_server_without_usable_addresses(addresses: Any) -> None:
    assert Reach().choose({"addresses": addresses}) == "the server has no address"


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"address": "floatng"}, "address='floatng' is neither 'floating', 'fixed' nor an IP"),
        ({"address": 5}, "address=5 is neither"),
        ({"address": "10.0.0.1", "ip_version": 6}, "address='10.0.0.1' is no IPv6 address"),
        ({"ip_version": 5}, "ip_version=5 is neither 4 nor 6"),
        ({"ip_version": True}, "ip_version=True is neither 4 nor 6"),
        ({"network": ""}, "network='' is not the name of a network"),
        ({"via": "bastion"}, "via='bastion' is no jump host; accepted are 'user@host'"),
        ({"via": "me@bastion:0"}, "port=0 is not a whole number from 1 to 65535"),
    ],
)
def test_arguments_that_cannot_be_used(arguments: Any, why: str) -> None:
    pytest.importorskip("asyncssh", reason="the extra `ssh`")
    with pytest.raises(InvalidArgument) as raised:
        Reach.of(arguments)
    assert str(raised.value).startswith(why)


def test_an_unknown_argument_is_a_type_error() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'adress'"):
        Reach.of({"adress": "fixed"})  # type: ignore[typeddict-unknown-key]
