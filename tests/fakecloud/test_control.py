"""The control API, durations and history."""

from __future__ import annotations

from statistics import median

import pytest

from pytest_osfutures.clock import ManualClock, ScaledClock
from pytest_osfutures.fakecloud import CloudSettings, FakeCloud
from pytest_osfutures.fakecloud.kernel.wire import Request
from tests.fakecloud.api_client import ApiClient


def test_settings_are_shown_and_changed(demo: ApiClient) -> None:
    assert demo.get("/_osf/settings")["seconds"]["server.create"] == 8
    changed = demo("PATCH", "/_osf/settings", {"seconds": {"server.create": 1}, "latency": 2})
    assert changed.body["seconds"]["server.stop"] == 3
    assert changed.body["latency"] == 2
    server_id = demo.create()
    demo.clock.advance(1)
    assert demo.state(server_id) == ("ACTIVE", None)
    for bad in ({"nonsense": 1}, {"latency": "long"}, {"seconds": 3}, {"soft_delete": 1}):
        assert demo("PATCH", "/_osf/settings", bad).status == 400


def test_manual_clock_is_shown_and_advanced(demo: ApiClient) -> None:
    server_id = demo.create()
    before = demo.get("/_osf/clock")
    assert (before["manual"], before["now"]) == (True, 0)
    assert before["next_due"] == pytest.approx(0.8)
    assert demo("POST", "/_osf/clock", {"seconds": 8}).body["now"] == 8
    assert demo.state(server_id) == ("ACTIVE", None)
    assert demo("POST", "/_osf/clock", {"seconds": -1}).status == 400
    running = FakeCloud(ScaledClock(10))
    request = Request.to("POST", "http://x/_osf/clock", {}, b'{"seconds": 1}')
    assert running.handle(request).status == 409


def test_faults(demo: ApiClient) -> None:
    made = demo("POST", "/_osf/faults", {"effect": "status", "status": 500, "path": "/servers"})
    assert made.status == 201
    assert demo("GET", "/servers").status == 500
    assert demo.get("/_osf/faults")["faults"][0]["fired"] == 1
    assert demo("DELETE", f"/_osf/faults/{made.body['id']}").status == 204
    assert demo("DELETE", f"/_osf/faults/{made.body['id']}").status == 404
    assert demo("GET", "/servers").status == 200
    assert demo("POST", "/_osf/faults", {"effect": "nonsense"}).status == 400
    assert demo("POST", "/_osf/faults", {"bogus": 1}).status == 400
    demo("POST", "/_osf/faults", {"effect": "cut"})
    demo("DELETE", "/_osf/faults")
    assert demo.get("/_osf/faults")["faults"] == []


def test_requests_are_counted_by_route(demo: ApiClient) -> None:
    demo("DELETE", "/_osf/counters")
    server_id = demo.create()
    for _ in range(3):
        demo.show(server_id)
    requests = demo.get("/_osf/counters")["requests"]
    assert requests["GET /compute/v2.1/servers/{server_id}"] == 3
    assert requests["POST /compute/v2.1/servers"] == 1


def test_resources_and_history_are_listed(demo: ApiClient) -> None:
    server_id = demo.active("web", metadata={"run": "1"})
    (row,) = [one for one in demo.get("/_osf/resources")["resources"] if one["id"] == server_id]
    assert row["kind"] == "server"
    assert (row["name"], row["status"], row["metadata"]) == ("web", "ACTIVE", {"run": "1"})
    demo("DELETE", f"/servers/{server_id}")
    hasty = demo.create("hasty")
    demo("DELETE", f"/servers/{hasty}")
    demo.clock.advance(30)
    assert not [one for one in demo.cloud.alive() if one["kind"] == "server"]
    history = demo.get("/_osf/history")["resources"]
    times = {
        one["id"]: one["deleted_at"] - one["created_at"]
        for one in history
        if one["kind"] == "server"
    }
    assert times == {server_id: pytest.approx(62.2), hasty: pytest.approx(0)}


def test_durations_depend_on_the_seed_only() -> None:
    def drawn(reads: int) -> list[float]:
        cloud = FakeCloud(ManualClock(), seed=3, settings=CloudSettings(sigma=0.5))
        found = []
        for _ in range(200):
            for _ in range(reads):
                cloud.runtime.new_id()
                cloud.runtime.seconds("server.stop")
            found.append(cloud.runtime.seconds("server.create"))
        return found

    assert drawn(0) == drawn(3)
    assert median(drawn(0)) == pytest.approx(8, rel=0.2)
    assert max(drawn(0)) > 12


def test_reads_do_not_change_the_history(demo: ApiClient) -> None:
    """Two clients with different poll intervals see the same history."""
    other = ApiClient(FakeCloud(ManualClock()))
    one, two = demo.create(), other.create()
    assert one == two
    seen = demo.states(one, 12)
    other.clock.advance(12)
    assert other.show(two)["status"] == demo.show(one)["status"]
    assert len(seen) == 6
    created = [client.show(one)["OS-SRV-USG:launched_at"] for client in (demo, other)]
    assert created[0] == created[1]
