"""`osfutures reap` prints the reasons why resources stay: by name, or by number."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.cleanup.ledger_files import ledger_path
from pytest_osfutures.commands.main import main
from pytest_osfutures.stamp import Stamp
from tests.unit.cleanup.test_sweep import World
from tests.unit.commands.test_reap import RUN, place, world

__all__ = ["place", "world"]  # the fixtures
OTHER = "ffeeddccbbaa9988"


def test_resources_left_for_one_reason_are_counted(
    world: World, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    expires = int(world.clock.time()) + 86400
    world.volume(Stamp(RUN, "0" * 16, expires).metadata())
    world.volume(Stamp(RUN, "1" * 16, expires).metadata())
    single = world.volume(Stamp(OTHER, "2" * 16, expires).metadata())
    assert main(["reap", "--os-ledger", str(place)]) == 0
    said = capsys.readouterr().out
    assert f"2 resources of run {RUN}: no ledger of its run; its stamp is good for " in said
    assert f"volume disk ({single}) of run {OTHER}: no ledger of its run; its stamp is " in said


def test_a_living_run_is_not_reaped(
    world: World, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    alive = world.volume(Stamp(RUN, "0" * 16, 4_000_000_000).metadata())
    ledger = Ledger(ledger_path(place, RUN), RUN)
    ledger.join()
    assert main(["reap", "--run", RUN, "--force", "--os-ledger", str(place)]) == 2
    assert f"run {RUN} is alive; end it first" in capsys.readouterr().err
    assert alive in world.left()
    ledger.close()


def test_a_dry_run_names_what_has_expired_and_deletes_nothing(
    world: World, place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = world.volume(Stamp(OTHER, "0" * 16, 1).metadata())
    fresh = world.volume(Stamp("0" * 16, "1" * 16, 4_000_000_000).metadata())
    alive = world.volume(Stamp(RUN, "2" * 16, 1).metadata())
    ledger = Ledger(ledger_path(place, RUN), RUN)
    ledger.join()
    assert main(["reap", "--dry-run", "--os-ledger", str(place)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if line.startswith("would")] == [
        f"would delete volume disk ({old})"
    ]
    assert not any(line.startswith("nothing") for line in said)
    assert world.left() == {old, fresh, alive}
    ledger.close()
