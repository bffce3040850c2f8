"""A cloud whose clock is faster than its dates: durations are the clock's, dates the computer's."""

from __future__ import annotations

import time

import pytest

from pytest_osfutures.clock import ScaledClock
from pytest_osfutures.fakecloud import FakeCloud, Fault
from tests.fakecloud.api_client import ApiClient


class Computer:
    """The time of a computer, which the test advances."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passed = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: 100 + self.passed)
        monkeypatch.setattr(time, "time", lambda: 1_000_000_000 + self.passed)


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch) -> Computer:
    return Computer(monkeypatch)


@pytest.fixture
def client(computer: Computer) -> ApiClient:
    """Return a client of a cloud that is 20 times as fast as its dates."""
    assert computer.passed == 0
    return ApiClient(FakeCloud(ScaledClock(20, real_dates=True)))


def test_servers_are_dated_by_the_computer(client: ApiClient, computer: Computer) -> None:
    server = client.create()
    computer.passed = 10  # 200 seconds of the cloud's clock
    shown = client.show(server)
    assert shown["status"] == "ACTIVE"
    assert shown["OS-SRV-USG:launched_at"] == "2001-09-09T01:46:40.000000"
    output = client.act(server, **{"os-getConsoleOutput": {}}).body["output"]
    assert output.rstrip().endswith("login:")
    since = "/servers/detail?changes-since=2001-09-09T01:46:41"
    assert client.get(since)["servers"] == []
    client("PUT", f"/servers/{server}", {"server": {"name": "new"}})
    assert [each["id"] for each in client.get(since)["servers"]] == [server]


def test_lists_are_stale_by_the_clouds_clock(client: ApiClient, computer: Computer) -> None:
    computer.passed = 60
    client.cloud.faults.add(Fault("stale", path="/servers$", seconds=20))
    server = client.create()
    computer.passed += 0.9  # 18 seconds of the cloud's clock
    assert client.get("/servers")["servers"] == []
    computer.passed += 0.2
    assert [each["id"] for each in client.get("/servers")["servers"]] == [server]
