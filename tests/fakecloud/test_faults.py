"""Fault rules: their effects, the requests and operations that they match, their counts."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.fakecloud import FakeCloud, Fault
from tests.fakecloud.api_client import ApiClient


def test_status_before_and_after_the_handler(demo: ApiClient) -> None:
    for when, made in (("before", 0), ("after", 1)):
        demo.cloud.faults.add(
            Fault("status", method="POST", path="/servers$", status=502, when=when, count=1)
        )
        body = {"server": {"name": when, "flavorRef": demo.flavor(), "imageRef": demo.image()}}
        body["server"]["networks"] = "none"
        assert demo("POST", "/servers", body).status == 502
        assert len(demo.get(f"/servers?name={when}")["servers"]) == made
        assert demo("POST", "/servers", body).status == 202


def test_status_429_with_retry_after(demo: ApiClient) -> None:
    demo.cloud.faults.add(Fault("status", status=429, retry_after=7, count=2, skip=1))
    answers = [demo("GET", "/servers") for _ in range(4)]
    assert [answer.status for answer in answers] == [200, 429, 429, 200]
    assert answers[1].headers["Retry-After"] == "7"
    assert answers[1].body["overLimit"]["retryAfter"] == "7"


def test_cut_before_and_after_the_handler(demo: ApiClient) -> None:
    server_id = demo.active()
    for when, state in (("before", None), ("after", "powering-off")):
        demo.cloud.faults.add(Fault("cut", action="os-stop", when=when, count=1))
        assert demo.act(server_id, **{"os-stop": None}).cut
        assert demo.state(server_id)[1] == state


def test_delay_is_passed_to_the_shell(demo: ApiClient) -> None:
    demo.cloud.faults.add(Fault("delay", service="compute", seconds=9))
    assert demo("GET", "/servers").delay == 9
    assert demo("GET", "/identity/v3/auth/projects").delay == 0
    demo.cloud.settings.latency = 0.5
    assert demo("GET", "/servers").delay == 9.5


def test_stale_list(demo: ApiClient) -> None:
    old = demo.active("old")
    gone = demo.active("gone")
    demo.clock.advance(10)
    demo("DELETE", f"/servers/{gone}")
    demo.act(old, **{"os-stop": None})
    demo.create("new")
    demo.clock.advance(5)
    demo.cloud.faults.add(Fault("stale", path="/servers", seconds=6, count=1))
    then, now = (demo.get("/servers/detail")["servers"] for _ in range(2))
    assert {s["name"]: s["status"] for s in then} == {"old": "ACTIVE", "gone": "ACTIVE"}
    assert {s["name"]: s["status"] for s in now} == {"old": "SHUTOFF", "new": "BUILD"}


def test_new_resource_is_hidden_from_lists(demo: ApiClient) -> None:
    demo.cloud.faults.add(Fault("slow", method="POST", path="/servers$", seconds=3))
    server_id = demo.create()
    assert demo.get("/servers")["servers"] == []
    assert demo.show(server_id)["status"] == "BUILD"
    demo.clock.advance(3)
    assert len(demo.get("/servers")["servers"]) == 1


def test_quota_and_expired_token(demo: ApiClient) -> None:
    demo.cloud.faults.add(Fault("quota", method="POST", path="/servers$", count=1))
    assert demo("POST", "/servers", {}).status == 403
    demo.cloud.faults.add(Fault("expire", count=1))
    assert demo("GET", "/servers").status == 401
    assert demo("GET", "/servers").status == 401  # the token is revoked
    demo.token = demo.log_in()
    assert demo("GET", "/servers").status == 200


def test_build_ends_in_error(demo: ApiClient) -> None:
    demo.cloud.faults.add(
        Fault("error", operation="server.create", resource="^bad", seconds=2, message="no luck")
    )
    good, bad = demo.create("good"), demo.create("bad")
    demo.clock.advance(2)
    server = demo.show(bad)
    assert server["status"] == "ERROR"
    assert server["fault"]["message"] == f"Build of instance {bad} aborted: no luck"
    demo.clock.advance(30)
    assert demo.state(good) == ("ACTIVE", None)


def test_stuck_operation_never_ends(demo: ApiClient) -> None:
    demo.cloud.faults.add(Fault("stuck", operation="server.create", seconds=2, count=1))
    demo.cloud.faults.add(Fault("stuck", operation="server.delete"))
    server_id = demo.create()
    demo.clock.advance(1000)
    assert demo.state(server_id) == ("BUILD", "networking")
    demo("DELETE", f"/servers/{server_id}")
    demo.clock.advance(1000)
    assert demo.state(server_id)[1] == "deleting"


@pytest.mark.parametrize("name", ["stop", "pause", "suspend", "rescue", "shelve", "createImage"])
def test_silent_failure_shows_in_the_instance_action_only(demo: ApiClient, name: str) -> None:
    server_id = demo.active()
    demo.cloud.faults.add(Fault("silent", operation="server.*"))
    body = {"createImage": {"name": "i"}, "rescue": {}}.get(name)
    images = len(demo.get("/image/v2/images")["images"])
    assert demo.act(server_id, **{"os-stop" if name == "stop" else name: body}).status < 300
    demo.clock.advance(30)
    assert demo.state(server_id) == ("ACTIVE", None)
    assert demo.actions(server_id)[0]["message"] == "Error"
    assert demo.events(server_id)[-1][1] == "Error"
    assert len(demo.get("/image/v2/images")["images"]) == images


def test_operation_error(demo: ApiClient) -> None:
    server_id = demo.active()
    demo.cloud.faults.add(Fault("error", operation="server.suspend", message="broken"))
    demo.act(server_id, suspend=None)
    demo.clock.advance(30)
    server = demo.show(server_id)
    assert (server["status"], server["fault"]["message"]) == ("ERROR", "broken")


def test_probability_depends_on_the_seed() -> None:
    def outcome(seed: int) -> list[int]:
        client = ApiClient(FakeCloud(ManualClock(), seed=seed))
        client.cloud.faults.add(Fault("status", method="GET", probability=0.5))
        return [client("GET", "/servers").status for _ in range(20)]

    assert outcome(1) == outcome(1)
    assert set(outcome(1)) == {200, 503}
    assert outcome(1) != outcome(2)


def test_rule_with_after_begins_later(demo: ApiClient) -> None:
    demo.cloud.faults.add(Fault("status", after=5))
    assert demo("GET", "/servers").status == 200
    demo.clock.advance(5)
    assert demo("GET", "/servers").status == 503
    demo.cloud.faults.clear()
    assert demo("GET", "/servers").status == 200


@pytest.mark.parametrize(
    "bad",
    [
        {"effect": "explode"},
        {"effect": "delay"},
        {"effect": "status", "when": "never"},
        {"effect": "cut", "path": "["},
        {"effect": "status", "status": 7},
    ],
)
def test_invalid_rule_is_rejected(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Fault(**bad)


@pytest.mark.parametrize("bad", [{"path": 1}, {"count": "1"}, {"seconds": True}])
def test_rule_with_a_wrong_type_is_rejected(bad: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match=r"must be a (string|number)"):
        Fault("status", **bad)


def test_expire_does_not_affect_the_login(demo: ApiClient) -> None:
    demo.cloud.faults.add(Fault("expire"))
    assert demo("GET", "/servers").status == 401
    assert demo.log_in()


def test_several_rules_on_one_request(demo: ApiClient) -> None:
    for when in ("after", "before"):
        demo.cloud.faults.add(Fault("status", when=when, status=500, count=1))
    demo.cloud.faults.add(Fault("delay", seconds=3))
    assert [demo("GET", "/servers").status for _ in range(2)] == [500, 200]
    assert demo("GET", "/servers").delay == 3
