"""`osfutures reap` and `osfutures ls`: options, defaults, and messages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from pytest_osfutures.cleanup import ledger_files as ledgers
from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.cloud import Cloud
from pytest_osfutures.commands.known_runs import KnownRuns
from pytest_osfutures.commands.main import main
from pytest_osfutures.errors import CloudUnreachableError
from pytest_osfutures.fakecloud.shells import clouds_yaml
from pytest_osfutures.operations import OWNED_TYPES
from pytest_osfutures.ownership.resource import StampedResource
from pytest_osfutures.stamp import Stamp
from tests.unit.cleanup.test_sweep import World
from tests.unit.ownership.test_copied_stamps import backup, restore

RUN = "00112233aabbccdd"


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return a directory of ledgers; clouds.yaml has two clouds that do not answer."""
    for name in ("OS_CLOUD", "OS_AUTH_URL"):
        monkeypatch.delenv(name, raising=False)
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(clouds_yaml.text("http://127.0.0.1:9/identity/v3"))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
    return tmp_path / "ledgers"


@pytest.mark.parametrize("given", ["nonsense", f"../{RUN}", RUN.upper()])
def test_an_invalid_run_id_is_an_error_of_one_sentence(
    given: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["reap", "--run", given])
    assert caught.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert f"{given!r} is no run's id: 16 hexadecimal digits, as `osfutures ls` shows" in said


@pytest.mark.parametrize("command", ["ls", "reap"])
def test_the_default_clouds_are_those_of_the_ledgers(
    command: str, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    where = ["--os-ledger", str(place)]
    assert main([command, *where]) == 2
    assert f"osfutures {command}: no cloud was chosen; found in " in capsys.readouterr().err
    ledger = Ledger(ledgers.ledger_path(place, RUN), RUN)
    ledger.join()
    ledger.describe("fake-admin", "http://127.0.0.1:9/identity/v3", "4711")
    ledger.close()
    assert main([command, *where]) == 2
    assert f"osfutures {command}: cloud 'fake-admin' at http" in capsys.readouterr().err


def test_resources_of_living_runs_never_expire() -> None:
    old = StampedResource(OWNED_TYPES["server"], "4711", Stamp(RUN, "0" * 16, 1))
    young = StampedResource(OWNED_TYPES["server"], "4711", Stamp(RUN, "0" * 16, 4_000_000_000))
    now = 1_800_000_000.0
    assert KnownRuns({RUN: "alive"}).state(old, now) == "alive"
    assert KnownRuns({RUN: "dead"}).state(old, now) == "expired"
    assert KnownRuns({RUN: "dead"}).state(young, now) == "dead"
    assert KnownRuns({}).state(young, now) == "unknown here"


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, place: Path) -> Iterator[World]:
    """Return the world whose cloud all commands use, with the ledger of a dead run."""
    made = World()
    cloud = Cloud("fake", made.api_client.session, fake=made.cloud)
    monkeypatch.setattr("pytest_osfutures.cloud.connect", lambda _: cloud)
    yield made
    made.ledger.close()


OF_RUN = (f"reap --run {RUN} --force", f"reap --run {RUN} --dry-run")


@pytest.mark.parametrize("command", ["ls", "reap", "reap --dry-run", *OF_RUN])
def test_a_copied_stamp_is_listed_with_the_reason(
    command: str, world: World, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expires = int(world.clock.time()) + 86400
    original = world.volume(Stamp(RUN, "0" * 16, expires).metadata())
    safe = backup(world, original)
    copy = restore(world, safe)
    world.send("DELETE", "block-storage", f"/volumes/{original}")
    world.clock.advance(60)
    assert main([*command.split(), "--os-ledger", str(place)]) == 0
    said = capsys.readouterr().out
    line = f"its stamp is a copy of the one of backup {safe}, so it is left alone"
    assert f"volume disk ({copy}) of run {RUN}: {line}" in said
    assert copy in world.left()
    rows = [each.split() for each in said.splitlines() if each.endswith("  not its own")]
    assert [row[:3] for row in rows] == ([["volume", copy, "disk"]] if command == "ls" else [])


def test_a_volume_that_a_ledger_knows_is_not_listed_as_a_copy(
    world: World, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expires = int(world.clock.time()) + 86400
    copy = restore(world, backup(world, world.volume(Stamp(RUN, "0" * 16, expires).metadata())))
    ledger = Ledger(ledgers.ledger_path(place, RUN), RUN)
    record = ledger.record(Stamp(RUN, "1" * 16, expires))
    record.intended("volume", None, stamped=False)
    record.bound(copy)
    ledger.close()
    assert main(["ls", "--os-ledger", str(place)]) == 0
    assert "copy of" not in capsys.readouterr().out


def left(world: World) -> str:
    """Create a volume with the stamp of a dead run; return its id."""
    return world.volume(Stamp(RUN, "0" * 16, int(world.clock.time()) + 86400).metadata())


def test_a_listed_resource_names_its_cloud_and_project(
    world: World, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ident = left(world)
    assert main(["ls", "--os-ledger", str(place)]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert [row[4] for row in rows if row[1:2] == [ident]] == ["fake/demo"]


def test_ls_without_resources_prints_the_head_alone(
    world: World, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ls", "--os-ledger", str(place)]) == 0
    (head,) = capsys.readouterr().out.splitlines()
    assert head.split()[:3] == ["KIND", "ID", "NAME"]
    assert world.left() == set()


@pytest.mark.parametrize("unreadable", ["a", "b"])
def test_a_cloud_that_cannot_be_read_does_not_hide_the_others(
    world: World,
    place: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    unreadable: str,
) -> None:
    ident = left(world)
    for run, name in ((RUN, "a"), (RUN[::-1], "b")):
        ledger = Ledger(ledgers.ledger_path(place, run), run)
        ledger.join()
        ledger.describe(name, "http://127.0.0.1:9/identity/v3", "4711")
        ledger.close()
    readable = Cloud("fake", world.api_client.session, fake=world.cloud)

    def connect(name: str) -> Cloud:
        if name == unreadable:
            raise CloudUnreachableError(f"cloud {name!r} does not answer")
        return readable

    monkeypatch.setattr("pytest_osfutures.cloud.connect", connect)
    assert main(["ls", "--os-ledger", str(place)]) == 2
    said = capsys.readouterr()
    assert f"cloud {unreadable!r} does not answer" in said.err
    assert ident in said.out
