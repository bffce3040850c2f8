"""The heartbeat renews stamps, and renewed resources are still deleted at the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from keystoneauth1.exceptions import EndpointNotFound

from pytest_osfutures.cleanup.heartbeat import Heartbeat
from pytest_osfutures.fakecloud import Fault
from pytest_osfutures.operations import OWNED_TYPES
from pytest_osfutures.ownership.resource import StampedResource, read_resource
from pytest_osfutures.stamp import Stamp
from tests.unit.cleanup.test_sweep import RUN, World, stamp

EXPIRY = 3600.0


@pytest.fixture
def world() -> Iterator[World]:
    """Return a new world, and close its ledger afterwards."""
    made = World()
    yield made
    made.ledger.close()


def image(world: World, mark: Stamp) -> str:
    document = {"name": "i", "disk_format": "raw", "container_format": "bare"}
    stamped = mark.put_on(document, ".")
    return str(world.send("POST", "image", "/images", stamped)["id"])


def network(world: World, mark: Stamp) -> str:
    document = {"network": {"name": "n", "description": mark.description("my own words")}}
    return str(world.send("POST", "network", "/networks", document)["network"]["id"])


def snapshot(world: World, mark: Stamp) -> str:
    disk = world.volume({})
    world.clock.advance(120)
    return world.snapshot(disk, mark.metadata())


def backup(world: World, mark: Stamp) -> str:
    disk = world.volume({})
    world.clock.advance(120)
    document = {"backup": {"volume_id": disk, "metadata": {**mark.metadata(), "a": "b"}}}
    answer = world.api_client.send("POST", "block-storage", "/backups", document, "3.43")
    assert answer.status_code < 300, answer.text
    return str(answer.json()["backup"]["id"])


MAKERS: dict[str, Callable[[World, Stamp], str]] = {
    "server": lambda world, mark: world.server({**mark.metadata(), "a": "b"}),
    "volume": lambda world, mark: world.volume({**mark.metadata(), "a": "b"}),
    "snapshot": snapshot,
    "backup": backup,
    "image": image,
    "network": network,
}


def beat(world: World) -> Heartbeat:
    """Return the heartbeat of the run's only process."""
    return Heartbeat(world.context, world.ledger, EXPIRY)


@pytest.mark.parametrize("kind", MAKERS)
def test_a_stamp_is_renewed_after_half_of_its_lifetime(world: World, kind: str) -> None:
    mark = stamp(RUN, int(world.clock.time() + EXPIRY))
    ident = MAKERS[kind](world, mark)
    world.noted(kind, mark, ident)
    world.clock.advance(EXPIRY / 3)
    before = read_resource(world.api_client, StampedResource(OWNED_TYPES[kind], ident, mark))
    beat(world).beat()
    assert (
        read_resource(world.api_client, StampedResource(OWNED_TYPES[kind], ident, mark)) == before
    )
    world.clock.advance(EXPIRY / 3)
    beat(world).beat()
    assert world.notes == []
    body: Any = read_resource(world.api_client, StampedResource(OWNED_TYPES[kind], ident, mark))
    renewed = Stamp.of(body) or Stamp.of(body, described=True)
    expires = int(world.clock.time() + EXPIRY)
    assert renewed == Stamp(RUN, mark.operation, expires)
    assert [row.expires for row in world.ledger.rows()] == [expires]
    if kind in ("server", "volume", "backup"):
        assert body["metadata"]["a"] == "b"
    if kind == "network":
        assert body["description"].startswith("my own words osf-")
    world.clock.advance(120)
    assert world.clean_up()
    assert read_resource(world.api_client, StampedResource(OWNED_TYPES[kind], ident, mark)) is None


def test_a_resource_without_the_stamp_is_not_renewed(world: World) -> None:
    mark = stamp(RUN, int(world.clock.time()))
    ident = world.server(mark.metadata())
    world.noted("server", mark, ident)
    world.send("DELETE", "compute", f"/servers/{ident}/metadata/osf_op")
    beat(world).beat()
    body: Any = read_resource(world.api_client, StampedResource(OWNED_TYPES["server"], ident, mark))
    assert body["metadata"]["osf_expires"] == str(mark.expires)


def test_a_process_renews_its_own_stamps_only(world: World) -> None:
    mark = stamp(RUN, int(world.clock.time()))
    world.noted("server", mark, world.server(mark.metadata()))
    heartbeat = beat(world)
    world.ledger.process = "4711"
    heartbeat.beat()
    assert [row.expires for row in world.ledger.rows()] == [mark.expires]


def test_a_refused_renewal_is_noted_and_repeated(world: World) -> None:
    mark = stamp(RUN, int(world.clock.time()))
    world.noted("server", mark, world.server(mark.metadata()))
    world.cloud.faults.add(Fault("status", method="POST", status=409, path="/metadata", count=1))
    beat(world).beat()
    (told,) = world.notes
    assert "could not be renewed: POST" in told
    beat(world).beat()
    assert [row.expires for row in world.ledger.rows()] == [int(world.clock.time() + EXPIRY)]


def test_a_service_that_left_the_catalog_does_not_end_the_heartbeat(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    mark = stamp(RUN, int(world.clock.time()))
    world.noted("server", mark, world.server(mark.metadata()))
    send = world.api_client.send

    def leaves(method: str, *request: Any) -> Any:
        if method != "GET":
            raise EndpointNotFound("the catalog has no compute service any more")
        return send(method, *request)

    monkeypatch.setattr(world.api_client, "send", leaves)
    beat(world).beat()
    assert world.notes == []
