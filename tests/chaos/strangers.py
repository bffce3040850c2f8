"""What others have in the cloud: the same names, similar metadata, and stamps of runs that live."""

from __future__ import annotations

import time
from typing import Any

import yaml

from pytest_osfutures.cloud import reconnect
from pytest_osfutures.source import Source
from pytest_osfutures.stamp import Stamp, new_id
from tests.chaos.suite import World, until

RUN = "0123456789abcdef"


def _marks(number: int) -> dict[str, str]:
    """The metadata of one stranger: a living run's, or nearly a stamp, or nothing."""
    stamp = Stamp(new_id(), new_id(), int(time.time()) + 36000)
    return [
        stamp.metadata(),
        {"osf_run": RUN, "purpose": "osf_op"},
        {"osf_run": RUN, "osf_op": new_id(), "osf_expires": "soon"},
        {},
    ][number % 4]


def move_in(world: World, count: int) -> None:
    """Let `count` strangers be there, and ready: servers, volumes, snapshots, images, keypairs."""
    world.ask("/_osf/settings", {"quotas": {"key_pairs": 10_000}}, "PATCH")
    known = yaml.safe_load(world.clouds.read_text())["clouds"]["fake"]
    source = reconnect("fake", known).source
    image = _send(source, "GET", "image", "/images")["images"][0]["id"]
    flavor = _send(source, "GET", "compute", "/flavors")["flavors"][0]["id"]
    volumes = []
    for number in range(count // 5):
        marks = _marks(number)
        server = {"name": "web", "imageRef": image, "flavorRef": flavor, "metadata": marks}
        _send(source, "POST", "compute", "/servers", {"server": server})
        picture = {"name": "image", "container_format": "bare", "disk_format": "raw", **marks}
        _send(source, "POST", "image", "/images", picture)
        stamp = Stamp(new_id(), new_id(), int(time.time()) + 36000)
        name = stamp.name("key") if number % 2 else f"osf-{RUN}-{number}-key"
        _send(source, "POST", "compute", "/os-keypairs", {"keypair": {"name": name}})
        volume = {"name": "disk", "size": 1, "metadata": marks}
        answer = _send(source, "POST", "block-storage", "/volumes", {"volume": volume})
        volumes.append(answer["volume"]["id"])
    until(lambda: _are(world, "volume", "available"), "the strangers' volumes")
    for number, ident in enumerate(volumes):
        snapshot = {"volume_id": ident, "name": "snap", "metadata": _marks(number)}
        _send(source, "POST", "block-storage", "/snapshots", {"snapshot": snapshot})
    until(lambda: _are(world, "snapshot", "available"), "the strangers' snapshots")
    until(lambda: _are(world, "server", "ACTIVE"), "the strangers' servers")


def _send(source: Source, method: str, service: str, path: str, body: Any = None) -> Any:
    answer = source.send(method, service, path, body)
    assert answer.status_code < 300, answer.text
    return answer.json()


def _are(world: World, kind: str, status: str) -> bool:
    rows = [row for row in world.everything().values() if row["kind"] == kind]
    return all(row["status"] == status for row in rows)
