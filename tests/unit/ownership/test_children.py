"""Children are deleted with their parents, and resources that users attach are not."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from pytest_osfutures.cleanup.cleanups import clean_up_by_stamp
from pytest_osfutures.fakecloud import Fault
from pytest_osfutures.ownership.children import stamp_children_of
from pytest_osfutures.stamp import Stamp
from tests.unit.cleanup.test_sweep import OTHER, RUN, World, stamp

DISKS = ({"source_type": "image", "boot_index": 0}, {"source_type": "blank", "boot_index": -1})


@pytest.fixture
def world() -> Iterator[World]:
    """Return a new world, and close its ledger afterwards."""
    made = World()
    yield made
    made.ledger.close()


def booted(world: World, mark: Stamp, *more: dict[str, Any], image: str = "") -> str:
    """Create a server that boots from a new volume, with a blank volume; return its id."""
    image = image or world.send("GET", "image", "/images")["images"][0]["id"]
    disks = [
        {**disk, "destination_type": "volume", "volume_size": 1, "delete_on_termination": False}
        for disk in DISKS
    ]
    disks[0]["uuid"] = image
    flavor = world.send("GET", "compute", "/flavors")["flavors"][0]["id"]
    server = {"name": "web", "flavorRef": flavor, "metadata": mark.metadata()}
    asked = {"server": {**server, "block_device_mapping_v2": [*disks, *more]}}
    made = world.send("POST", "compute", "/servers", asked)["server"]["id"]
    world.clock.advance(120)
    return str(made)


def foreign(world: World, **fields: Any) -> str:
    """Create a user's volume and return its id."""
    asked = {"volume": {"size": 1, **fields}}
    made = world.send("POST", "block-storage", "/volumes", asked)["volume"]["id"]
    world.clock.advance(120)
    return str(made)


@pytest.mark.parametrize("by", ["ledger", "stamp"])
def test_boot_volumes_are_deleted_with_their_server(world: World, by: str) -> None:
    before = foreign(world)
    server = booted(
        world,
        mark := stamp(),
        {"source_type": "volume", "destination_type": "volume", "uuid": before, "boot_index": -1},
    )
    attached = foreign(world, name="", description="")
    body = {"volumeAttachment": {"volumeId": attached}}
    world.send("POST", "compute", f"/servers/{server}/os-volume_attachments", body)
    world.clock.advance(60)
    assert len(world.left()) == 5
    if by == "ledger":
        world.noted("server", mark, server)
        assert world.clean_up()
        assert world.ledger.left() == 0
    else:
        assert clean_up_by_stamp(world.context, lambda _: True)
    assert world.left() == {before, attached}


def test_boot_volumes_of_a_server_that_never_launched_are_deleted(world: World) -> None:
    world.cloud.faults.add(Fault("error", operation="server.create"))
    server = booted(world, mark := stamp())
    world.noted("server", mark, server)
    assert len(world.left()) == 3
    assert world.clean_up()
    assert world.left() == set()


def test_a_bootable_volume_attached_after_the_launch_is_not_deleted(world: World) -> None:
    server = booted(world, mark := stamp())
    world.noted("server", mark, server)
    image = world.send("GET", "image", "/images")["images"][0]["id"]
    attached = foreign(world, name="", description="", imageRef=image)
    body = {"volumeAttachment": {"volumeId": attached}}
    world.send("POST", "compute", f"/servers/{server}/os-volume_attachments", body)
    world.clock.advance(60)
    assert world.clean_up()
    assert world.left() == {attached}


def test_snapshots_behind_an_image_are_deleted_with_it(world: World) -> None:
    server = booted(world, stamp(OTHER))
    mark = stamp()
    asked = {"createImage": {"name": "picture", "metadata": mark.metadata(server)}}
    answer = world.api_client.send("POST", "compute", f"/servers/{server}/action", asked)
    image = answer.headers["Location"].rpartition("/")[2]
    world.clock.advance(60)
    world.noted("image", mark, image)
    others = world.left()
    snapshots = {str(row["id"]) for row in world.cloud.alive() if row["kind"] == "snapshot"}
    assert len(snapshots) == 2
    assert world.clean_up(persist_seconds=0.0)  # one sweep deletes the image and its snapshots
    assert world.left() == others - snapshots
    assert world.ledger.left() == 0


def test_recorded_children_outlive_their_server_and_go(world: World) -> None:
    server = booted(world, mark := stamp())
    world.noted("server", mark, server)
    stamp_children_of(world.api_client, world.ledger, "server", server)
    rows = [(row.kind, row.operation, row.state) for row in world.ledger.rows("bound")]
    assert rows == [
        ("server", mark.operation, "bound"),
        ("volume", mark.operation, "bound"),
        ("volume", mark.operation, "bound"),
    ]
    stamp_children_of(world.api_client, world.ledger, "server", server)
    assert len(world.ledger.rows()) == 3
    world.send("DELETE", "compute", f"/servers/{server}")
    world.clock.advance(60)
    world.ledger.record(mark).gone()
    assert [row.kind for row in world.ledger.rows("bound")] == ["volume", "volume"]
    assert len(world.left()) == 2
    assert world.clean_up()
    assert world.left() == set()
    assert mark.run == RUN


def test_keeping_a_server_keeps_its_boot_volumes(world: World) -> None:
    server = booted(world, mark := stamp())
    world.noted("server", mark, server)
    stamp_children_of(world.api_client, world.ledger, "server", server)
    world.ledger.keep("server", server)
    assert world.clean_up()
    assert len(world.left()) == 3
