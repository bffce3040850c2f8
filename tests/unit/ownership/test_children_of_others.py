"""A volume that Nova made for a server is left alone once another run has stamped the volume."""

from __future__ import annotations

from tests.unit.cleanup.test_sweep import OTHER, World, stamp
from tests.unit.ownership.test_children import booted, world

__all__ = ["world"]  # the fixture


def test_a_volume_with_the_stamp_of_another_run_stays(world: World) -> None:
    server = booted(world, mark := stamp())
    world.noted("server", mark, server)
    volumes = world.left() - {server}
    adopted = min(volumes)
    body = {"metadata": stamp(OTHER).metadata()}
    world.send("POST", "block-storage", f"/volumes/{adopted}/metadata", body)
    assert world.clean_up()
    assert world.left() == {adopted}


def test_a_volume_with_the_stamp_of_its_server_goes(world: World) -> None:
    server = booted(world, mark := stamp())
    world.noted("server", mark, server)
    for volume in world.left() - {server}:
        body = {"metadata": mark.metadata()}
        world.send("POST", "block-storage", f"/volumes/{volume}/metadata", body)
    assert world.clean_up()
    assert world.left() == set()
