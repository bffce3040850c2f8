"""Sweeps and cleanups delete all resources of a run, in order, and no others."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pytest_osfutures.cleanup.cleanups import IN_FLIGHT_SECONDS, clean_up, sweep_expired
from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.cleanup.ledger_files import ledger_path
from pytest_osfutures.cleanup.sweep import Sweep, SweepContext
from pytest_osfutures.clock import ManualClock
from pytest_osfutures.fakecloud import FakeCloud, Fault
from pytest_osfutures.fakecloud.shells.inprocess import session
from pytest_osfutures.stamp import Stamp, new_id
from pytest_osfutures.transport.client import ApiClient

RUN, OTHER = "00112233aabbccdd", "ffeeddccbbaa9988"
LATER = 4_000_000_000


class World:
    """A fake cloud on a clock that only sleeps advance, and the ledger of a dead run."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.cloud = FakeCloud(self.clock)
        self.api_client = ApiClient(session(self.cloud))
        self.ledger = Ledger(None, RUN)
        self.notes: list[str] = []

    def send(self, method: str, service: str, path: str, body: Any = None) -> Any:
        """One request that has to succeed; its answer's document."""
        answer = self.api_client.send(method, service, path, body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    def server(self, metadata: dict[str, str], name: str = "web") -> str:
        """Create a server, in status BUILD; return its id."""
        image = self.send("GET", "image", "/images")["images"][0]["id"]
        flavor = self.send("GET", "compute", "/flavors")["flavors"][0]["id"]
        server = {"name": name, "imageRef": image, "flavorRef": flavor, "metadata": metadata}
        server["networks"] = [{"uuid": self.private}]
        return str(self.send("POST", "compute", "/servers", {"server": server})["server"]["id"])

    @property
    def context(self) -> SweepContext:
        """The context of a sweep by the world's clock, whose notes are kept."""
        return SweepContext(self.api_client, self.clock, self.notes.append)

    @property
    def private(self) -> str:
        """Id of the network that every project has."""
        return str(self.send("GET", "network", "/networks?name=private")["networks"][0]["id"])

    def volume(self, metadata: dict[str, str], name: str = "disk") -> str:
        """Create a volume, in status creating; return its id."""
        volume = {"name": name, "size": 1, "metadata": metadata}
        answer = self.send("POST", "block-storage", "/volumes", {"volume": volume})
        return str(answer["volume"]["id"])

    def snapshot(self, volume: str, metadata: dict[str, str]) -> str:
        """Create a snapshot and return its id."""
        body = {"snapshot": {"volume_id": volume, "metadata": metadata}}
        return str(self.send("POST", "block-storage", "/snapshots", body)["snapshot"]["id"])

    def noted(self, kind: str, stamp: Stamp, ident: str | None) -> None:
        """Add a row to the ledger: bound if the id is given, else an intent."""
        record = self.ledger.record(stamp)
        record.intended(kind, None)
        if ident:
            record.bound(ident)

    def left(self) -> set[str]:
        """Return the ids of all servers, volumes and snapshots."""
        kinds = ("server", "volume", "snapshot")
        return {str(row["id"]) for row in self.cloud.alive() if row["kind"] in kinds}

    def clean_up(self, persist_seconds: float = 3600.0) -> bool:
        """Clean up the run as its reaper does."""
        return clean_up(self.context, self.ledger, persist_seconds=persist_seconds)


@pytest.fixture
def world() -> Iterator[World]:
    """Return a new world, and close its ledger afterwards."""
    made = World()
    yield made
    made.ledger.close()


def stamp(run: str = RUN, expires: int = LATER) -> Stamp:
    """Return a stamp of the dead run, or of another run."""
    return Stamp(run, new_id(), expires)


def furnish(world: World) -> None:
    """Create a server with a volume, and a volume with a snapshot, all of the run."""
    marks = [stamp() for _ in range(4)]
    server = world.server(marks[0].metadata())
    disk, other = (world.volume(mark.metadata()) for mark in marks[1:3])
    world.clock.advance(120)
    snapshot = world.snapshot(other, marks[3].metadata())
    attachment = {"volumeAttachment": {"volumeId": disk}}
    world.send("POST", "compute", f"/servers/{server}/os-volume_attachments", attachment)
    world.clock.advance(60)
    for kind, mark, ident in zip(
        ("server", "volume", "volume", "snapshot"),
        marks,
        (server, disk, other, snapshot),
        strict=True,
    ):
        world.noted(kind, mark, ident)


def test_a_run_goes_and_a_thousand_other_resources_stay(world: World) -> None:
    similar = [
        {},
        {"osf_run": RUN},
        {"osf_run": RUN, "osf_op": new_id()},
        {"osf_run": RUN, "osf_op": new_id(), "osf_expires": "soon"},
        {"OSF_RUN": RUN, "osf_op": new_id(), "osf_expires": "1"},
        {"run": RUN},
    ]
    world.cloud.settings.change({"quotas": {"instances": 5000, "volumes": 5000}})
    for number in range(500):
        others = stamp(OTHER).metadata() if number % 2 else similar[number % len(similar)]
        world.server(others, "web")
        world.volume(others, "disk")
    foreign = world.left()
    assert len(foreign) == 1000
    furnish(world)
    assert world.clean_up()
    assert world.left() == foreign
    assert world.ledger.left() == 0


def test_resources_deleted_by_others_are_not_counted(world: World) -> None:
    there, away = stamp(), stamp()
    left = world.server(there.metadata(), "left")
    world.noted("server", there, left)
    gone = world.server(away.metadata(), "gone")
    world.noted("server", away, gone)
    world.send("DELETE", "compute", f"/servers/{gone}")
    world.clock.advance(60)
    assert world.clean_up()
    said = [note.partition(")")[2] for note in world.notes if gone in note]
    assert said == [" was gone already"]
    assert [note for note in world.notes if note.endswith("is gone")] == [
        f"server left ({left}) is gone"
    ]


def test_resources_without_a_row_are_found_by_stamp(world: World) -> None:
    world.server(stamp().metadata())
    twin = stamp()
    world.volume(twin.metadata())
    world.noted("volume", twin, world.volume(twin.metadata()))
    assert world.clean_up()
    assert world.left() == set()


def test_a_partial_ledger_spares_resources_without_a_row(world: World, tmp_path: Path) -> None:
    part = Ledger(ledger_path(tmp_path, RUN, "host"), RUN)
    world.ledger.close()
    world.ledger = part
    others = world.server(stamp().metadata())
    mine = stamp()
    world.noted("volume", mine, world.volume(mine.metadata()))
    assert world.clean_up()
    assert world.left() == {others}


def test_a_late_effect_of_a_request_is_cleaned_up(world: World) -> None:
    late = stamp()
    world.noted("volume", late, None)
    furnish(world)
    world.ledger._db.execute("UPDATE resources SET intended = ?", (world.clock.time(),))
    began = world.clock.now()
    hidden = Fault("slow", method="POST", path="/volumes", seconds=IN_FLIGHT_SECONDS / 2)
    world.cloud.faults.add(hidden)
    world.volume(late.metadata())
    assert world.clean_up()
    assert world.left() == set()
    assert world.clock.now() - began >= IN_FLIGHT_SECONDS / 2


def test_kept_resources_stay(world: World) -> None:
    kept = stamp()
    ident = world.server(kept.metadata())
    world.noted("server", kept, ident)
    world.ledger.keep("server", ident)
    furnish(world)
    assert world.clean_up()
    assert world.left() == {ident}


def test_faults_delay_a_cleanup_and_do_not_stop_it(world: World) -> None:
    furnish(world)
    for status in (429, 500, 503):
        world.cloud.faults.add(Fault("status", status=status, probability=0.1))
    world.cloud.faults.add(Fault("cut", probability=0.1, when="after"))
    assert world.clean_up()
    world.cloud.faults.clear()
    assert world.left() == set()


def test_a_long_list_is_read_although_pages_fail(world: World) -> None:
    furnish(world)
    for _ in range(200):  # Glance shows 25 at a time
        image = {"name": "image", "container_format": "bare", "disk_format": "raw"}
        world.send("POST", "image", "/images", image)
    world.cloud.faults.add(Fault("status", service="image", method="GET", probability=0.4))
    assert world.clean_up(persist_seconds=0.0)
    assert world.left() == set()


def test_responses_of_proxies_delay_a_cleanup(world: World) -> None:
    furnish(world)
    broken = [b"<html>", b'{"servers": [', b"{}"]

    class Garbling(ApiClient):
        """Something in front of the services answers in their place now and then."""

        def send(self, method: str, *args: Any) -> Any:
            answer = super().send(method, *args)
            if method == "GET" and broken:
                answer._content = broken.pop()
            return answer

    world.api_client = Garbling(world.api_client.session)
    assert world.clean_up(persist_seconds=0.0)
    assert broken == []
    assert world.left() == set()


def test_resources_with_an_id_go_without_a_list(world: World) -> None:
    furnish(world)
    world.noted("volume", stamp(), None)
    broken = Fault("status", method="GET", path="/volumes/detail", status=404)
    world.cloud.faults.add(broken)
    assert not world.clean_up(persist_seconds=0.0)
    assert world.left() == set()
    assert [row.id for row in world.ledger.rows("intent", "bound")] == [None]


def test_undeleted_resources_are_noted_with_the_reason(world: World) -> None:
    furnish(world)
    world.cloud.faults.add(Fault("status", method="DELETE", path="/servers", status=409))
    assert not world.clean_up(persist_seconds=0.0)
    (server, volume) = world.ledger.rows("bound")
    assert (server.kind, volume.kind) == ("server", "volume")
    assert "DELETE answered 409" in (server.note or "")
    world.cloud.faults.clear()
    assert world.clean_up()
    assert world.left() == set()


def test_our_volume_is_detached_from_a_foreign_server(world: World) -> None:
    foreign = world.server({})
    mark = stamp()
    disk = world.volume(mark.metadata())
    world.clock.advance(120)
    body = {"volumeAttachment": {"volumeId": disk}}
    world.send("POST", "compute", f"/servers/{foreign}/os-volume_attachments", body)
    world.clock.advance(60)
    assert world.clean_up()
    assert world.left() == {foreign}


def test_a_resource_is_read_right_before_its_deletion(world: World) -> None:
    ident = world.server(stamp().metadata())
    world.clock.advance(120)
    sweep = Sweep(world.context, lambda each: each.run == RUN)
    found = sweep.find()
    world.send("DELETE", "compute", f"/servers/{ident}/metadata/osf_op")  # somebody adopts it
    assert sweep.remove(found) == {}
    assert world.left() == {ident}


def test_expired_resources_of_dead_runs_are_swept(world: World) -> None:
    now = int(world.clock.time())
    fresh = world.volume(stamp(OTHER, now + 60).metadata())
    alive = world.volume(stamp(RUN, now - 60).metadata())
    world.volume(stamp(OTHER, now - 60).metadata())
    world.clock.advance(30)
    assert sweep_expired(world.context, [RUN]) == {}
    assert world.left() == {fresh, alive}


def test_resources_of_a_single_sighting_are_not_swept(world: World) -> None:
    world.volume(stamp(OTHER, 1).metadata())
    world.clock.advance(30)
    new: list[str] = []

    class Meanwhile(ManualClock):
        """While the sweep sleeps, others do something."""

        def sleep(self, seconds: float) -> None:
            new.append(world.volume(stamp(OTHER, 1).metadata()))
            world.clock.sleep(seconds)

    sweep = Sweep(SweepContext(world.api_client, Meanwhile(), world.notes.append), lambda _: True)
    found = {each.id for each in sweep.find_twice()}
    assert len(found) == 1
    assert new
    assert not found & set(new)


def test_the_ledger_has_no_secret(world: World, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / f"{RUN}.sqlite", RUN)
    ledger.join()
    ledger.describe("devstack", "http://cloud/v3", "4711")
    ledger.record(stamp()).intended("server", "web")
    columns = {
        str(name)
        for table in ("run", "processes", "resources", "steps")
        for _, name, *_ in ledger._db.execute(f"PRAGMA table_info({table})")
    }
    assert not [name for name in columns if re.search("pass|token|secret|data|auth$", name)]
    ledger.close()
