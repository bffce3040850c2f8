"""Blocked deletions are unblocked, as far as a member of a project may do it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from pytest_osfutures.fakecloud import Fault
from pytest_osfutures.operations import OWNED_TYPES
from pytest_osfutures.ownership.resource import StampedResource, read_resource
from pytest_osfutures.transport.client import ApiClient
from tests.unit.api import answer
from tests.unit.cleanup.test_sweep import OTHER, World, stamp


@pytest.fixture
def world() -> Iterator[World]:
    """Return a new world, and close its ledger afterwards."""
    made = World()
    yield made
    made.ledger.close()


def act(world: World, service: str, path: str, action: str, document: object = None) -> None:
    """Send one action to a resource."""
    world.send("POST", service, f"{path}/action", {action: document})


def locked_server(world: World, marks: dict[str, str]) -> tuple[str, str]:
    ident = world.server(marks)
    world.clock.advance(120)
    act(world, "compute", f"/servers/{ident}", "lock")
    return "server", ident


def protected_image(world: World, marks: dict[str, str]) -> tuple[str, str]:
    document = {"disk_format": "raw", "container_format": "bare", "protected": True, **marks}
    return "image", str(world.send("POST", "image", "/images", document)["id"])


def reserved_volume(world: World, marks: dict[str, str]) -> tuple[str, str]:
    ident = world.volume(marks)
    world.clock.advance(120)
    act(world, "block-storage", f"/volumes/{ident}", "os-reserve")
    return "volume", ident


def attached_by_cinder(world: World, marks: dict[str, str]) -> tuple[str, str]:
    ident = world.volume(marks)
    world.clock.advance(120)
    act(world, "block-storage", f"/volumes/{ident}", "os-reserve")
    document = {"instance_uuid": "0" * 8 + "-0000-4000-8000-" + "0" * 12, "mountpoint": "/dev/vdb"}
    act(world, "block-storage", f"/volumes/{ident}", "os-attach", document)
    return "volume", ident


def attached_to_a_host(world: World, marks: dict[str, str]) -> tuple[str, str]:
    ident = world.volume(marks)
    world.clock.advance(120)
    act(world, "block-storage", f"/volumes/{ident}", "os-reserve")
    document = {"host_name": "backup-host", "mountpoint": "/dev/vdb"}
    act(world, "block-storage", f"/volumes/{ident}", "os-attach", document)
    return "volume", ident


def offered_volume(world: World, marks: dict[str, str]) -> tuple[str, str]:
    ident = world.volume(marks)
    world.clock.advance(120)
    transfer = {"transfer": {"volume_id": ident, "name": "offer"}}
    world.send("POST", "block-storage", "/os-volume-transfer", transfer)
    return "volume", ident


def reserved_by_attachment(world: World, marks: dict[str, str]) -> tuple[str, str]:
    ident = world.volume(marks)
    server = world.server({})
    world.clock.advance(120)
    document = {"attachment": {"volume_uuid": ident, "instance_uuid": server}}
    answer = world.api_client.send("POST", "block-storage", "/attachments", document, "3.27")
    assert answer.status_code < 300, answer.text
    return "volume", ident


MAKERS = [
    locked_server,
    protected_image,
    reserved_volume,
    attached_by_cinder,
    attached_to_a_host,
    offered_volume,
    reserved_by_attachment,
]


@pytest.mark.parametrize("make", MAKERS)
def test_a_blocked_resource_is_unblocked_and_deleted(
    world: World, make: Callable[[World, dict[str, str]], tuple[str, str]]
) -> None:
    mark, foreign = stamp(), stamp(OTHER)
    kind, ident = make(world, mark.metadata(None))
    _, stays = make(world, foreign.metadata(None))
    before = read_resource(world.api_client, StampedResource(OWNED_TYPES[kind], stays, foreign))
    world.noted(kind, mark, ident)
    assert world.clean_up(persist_seconds=0.0), world.notes
    assert read_resource(world.api_client, StampedResource(OWNED_TYPES[kind], ident, mark)) is None
    assert (
        read_resource(world.api_client, StampedResource(OWNED_TYPES[kind], stays, foreign))
        == before
    )


def test_a_passing_refusal_unblocks_nothing(world: World) -> None:
    mark = stamp()
    ident = world.server(mark.metadata())
    world.noted("server", mark, ident)
    world.clock.advance(60)
    refusing = Fault("status", method="DELETE", path="/servers", status=409, count=2)
    world.cloud.faults.add(refusing)
    watched = Fault("status", method="POST", path="/action", status=500)
    world.cloud.faults.add(watched)
    assert world.clean_up(persist_seconds=0.0)
    assert watched.fired == 0


def test_a_block_beyond_a_members_rights_is_noted(world: World) -> None:
    mark = stamp()
    ident = world.volume(mark.metadata())
    world.noted("volume", mark, ident)
    world.clock.advance(60)
    world.cloud.faults.add(Fault("status", method="DELETE", path=f"/volumes/{ident}", status=400))
    began = world.clock.now()
    assert not world.clean_up(persist_seconds=0.0)
    assert "DELETE answered 400" in (world.ledger.rows("bound")[0].note or "")
    assert world.clock.now() - began < 400


def test_later_stages_wait_a_tenth_after_a_stuck_one(world: World) -> None:
    """All stages together wait little longer than one of them."""
    from pytest_osfutures.cleanup.cleanups import clean_up

    for kind, ident, mark in (
        ("server", world.server((one := stamp()).metadata()), one),
        ("volume", world.volume((two := stamp()).metadata()), two),
    ):
        world.noted(kind, mark, ident)
    world.clock.advance(60)
    world.cloud.faults.add(Fault("status", method="DELETE", status=409))
    began = world.clock.now()
    clean_up(replace(world.context, deletion_seconds=100.0), world.ledger, persist_seconds=0.0)
    assert world.clock.now() - began < 140


@pytest.mark.parametrize("attachments", [7, True, "x", [None, "x"], [[]], {"id": "x"}])
def test_malformed_attachments_do_not_stop_the_sweep(world: World, attachments: object) -> None:
    mark, other = stamp(), stamp()
    ident, web = world.volume(mark.metadata()), world.server(other.metadata())
    world.noted("volume", mark, ident)
    world.noted("server", other, web)
    world.clock.advance(60)
    world.cloud.faults.add(Fault("status", method="DELETE", path=f"/volumes/{ident}", status=400))

    class Garbling(ApiClient):
        """Shows the volume with malformed attachments."""

        def send(self, method: str, *rest: Any) -> Any:
            response = super().send(method, *rest)
            if method == "GET" and rest[1] == f"/volumes/{ident}":
                volume = {**response.json()["volume"], "attachments": attachments}
                return answer(200, {"volume": volume})
            return response

    world.api_client = Garbling(world.api_client.session)
    assert not world.clean_up(persist_seconds=0.0)
    assert world.left() == {ident}
    assert "DELETE answered 400" in (world.ledger.rows("bound")[0].note or "")
