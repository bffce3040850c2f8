"""`osfutures reap` and `osfutures ls`: what they take, and what they say about bad input."""

from __future__ import annotations

from pathlib import Path

import pytest

from pytest_osfutures.cleanup import ledger as ledgers
from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.commands.known_runs import Known
from pytest_osfutures.commands.main import main
from pytest_osfutures.fakecloud.shells import clouds_yaml
from pytest_osfutures.ownership.resource import SHELVES, Leftover
from pytest_osfutures.stamp import Stamp

RUN = "00112233aabbccdd"


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A directory of ledgers, on a machine with two clouds where nobody answers."""
    for name in ("OS_CLOUD", "OS_AUTH_URL"):
        monkeypatch.delenv(name, raising=False)
    clouds = tmp_path / "clouds.yaml"
    clouds.write_text(clouds_yaml.text("http://127.0.0.1:9/identity/v3"))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(clouds))
    return tmp_path / "ledgers"


@pytest.mark.parametrize("given", ["nonsense", f"../{RUN}", RUN.upper()])
def test_what_is_no_runs_id_is_one_sentence(given: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["reap", "--run", given])
    assert caught.value.code == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert f"{given!r} is no run's id: 16 hexadecimal digits, as `osfutures ls` shows" in said


@pytest.mark.parametrize("command", ["ls", "reap"])
def test_without_a_cloud_it_is_that_of_the_ledgers(
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


def test_what_lives_is_never_called_expired() -> None:
    old = Leftover(SHELVES["server"], "4711", Stamp(RUN, "0" * 16, 1))
    young = Leftover(SHELVES["server"], "4711", Stamp(RUN, "0" * 16, 4_000_000_000))
    now = 1_800_000_000.0
    assert Known({RUN: "alive"}).state(old, now) == "alive"
    assert Known({RUN: "dead"}).state(old, now) == "expired"
    assert Known({RUN: "dead"}).state(young, now) == "dead"
    assert Known({}).state(young, now) == "unknown here"
