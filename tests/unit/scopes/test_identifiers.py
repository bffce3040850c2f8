"""to_id and to_ids replace objects of any client library by ids or names."""

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

from pytest_osfutures.errors import InvalidArgument
from pytest_osfutures.protocols import Resource
from pytest_osfutures.scopes.identifiers import to_id, to_ids

pytestmark = pytest.mark.filterwarnings("ignore::Warning")  # deprecations within openstacksdk


def of_sdk(place: str, **attributes: Any) -> Any:
    """Return an object of openstacksdk: `network.v2.network.Network`."""
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
def test_object_is_replaced_by_its_id(value: Any) -> None:
    value = of_sdk(value, id="x", name="n") if isinstance(value, str) and "." in value else value
    assert to_id(value) == "x"
    assert to_ids({"port": [{"net-id": value}], "any": (value, 1, None)}) == {
        "port": [{"net-id": "x"}],
        "any": ("x", 1, None),
    }


def test_keypair_is_replaced_by_its_name() -> None:
    for keypair in (
        Keypair(None, {"name": "key", "id": 7}, loaded=True),
        of_sdk("compute.v2.keypair.Keypair", name="key", id="7"),
        Resource(name="key", id=7),
        "key",
    ):
        assert to_ids({"key_name": keypair}) == {"key_name": "key"}


def test_security_group_is_replaced_by_its_id() -> None:
    first = of_sdk("network.v2.security_group.SecurityGroup", id="a", name="n")
    groups = [first, Resource(id="b", name="n"), "default"]
    assert to_ids({"security_groups": groups}) == {"security_groups": ["a", "b", "default"]}


def test_plain_values_are_unchanged() -> None:
    file = SimpleNamespace(read=lambda: "")
    values = {"meta": {"id": "mine"}, "userdata": file, "bytes": b"", "nics": "none", "n": None}
    assert to_ids(values) == values
    assert to_ids(values)["userdata"] is file
    assert to_id(UUID(int=1)) == "00000000-0000-0000-0000-000000000001"


def test_future_is_refused() -> None:
    with pytest.raises(InvalidArgument, match=r"volume=<Future .* is a future; give its result"):
        to_id(Future(), "volume")
    with pytest.raises(InvalidArgument, match=r"security_groups=<Future .* is a future"):
        to_ids({"security_groups": [Future()]})
