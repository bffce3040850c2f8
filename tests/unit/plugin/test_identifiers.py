"""Objects of any client library where an API wants names or ids."""

from __future__ import annotations

import importlib
from concurrent.futures import Future
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from cinderclient.v3.volumes import Volume
from novaclient.v2.keypairs import Keypair
from novaclient.v2.servers import Server

from pytest_osfutures.clients.adapter import Resource
from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.plugin.identifiers import ident, idents

pytestmark = pytest.mark.filterwarnings("ignore::Warning")  # openstacksdk's about itself


def of_sdk(place: str, **attributes: Any) -> Any:
    """An object of openstacksdk: `network.v2.network.Network`."""
    module, _, name = f"openstack.{place}".rpartition(".")
    return getattr(importlib.import_module(module), name)(**attributes)


@pytest.mark.parametrize(
    "value",
    [
        Server(None, {"id": "x", "name": "n"}, loaded=True),
        Volume(None, {"id": "x", "name": "n"}, loaded=True),
        "network.v2.network.Network",
        Resource(id="x", name="n"),
        SimpleNamespace(id="x", name="n"),
        "x",
    ],
)
def test_an_object_stands_for_its_id(value: Any) -> None:
    value = of_sdk(value, id="x", name="n") if isinstance(value, str) and "." in value else value
    assert ident(value) == "x"
    assert idents({"port": [{"net-id": value}], "any": (value, 1, None)}) == {
        "port": [{"net-id": "x"}],
        "any": ("x", 1, None),
    }


def test_a_keypair_goes_by_its_name() -> None:
    for keypair in (
        Keypair(None, {"name": "key", "id": 7}, loaded=True),
        of_sdk("compute.v2.keypair.Keypair", name="key", id="7"),
        Resource(name="key", id=7),
        "key",
    ):
        assert idents({"key_name": keypair}) == {"key_name": "key"}


def test_a_security_group_goes_by_its_id() -> None:
    first = of_sdk("network.v2.security_group.SecurityGroup", id="a", name="n")
    groups = [first, Resource(id="b", name="n"), "default"]
    assert idents({"security_groups": groups}) == {"security_groups": ["a", "b", "default"]}


def test_what_is_no_object_stays_what_it_is() -> None:
    file = SimpleNamespace(read=lambda: "")
    values = {"meta": {"id": "mine"}, "userdata": file, "bytes": b"", "nics": "none", "n": None}
    assert idents(values) == values
    assert idents(values)["userdata"] is file
    assert ident(UUID(int=1)) == "00000000-0000-0000-0000-000000000001"


def test_a_future_is_not_there_yet() -> None:
    with pytest.raises(
        InvalidArgument, match=r"volume=<Future .* is a future; give what it comes to"
    ):
        ident(Future(), "volume")
    with pytest.raises(InvalidArgument, match=r"security_groups=<Future .* is a future"):
        idents({"security_groups": [Future()]})
