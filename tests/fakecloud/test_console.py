"""The console of a server: the boot of its guest, Nova's `length`, and fault rules for guests."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from pytest_osfutures.fakecloud import Fault
from pytest_osfutures.fakecloud.services.compute.models.guest import open_ports
from tests.fakecloud.api_client import ApiClient

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJuJ5BtEjX5tGbGsqcyDzTlM7bUPeXM1mmrB8tmPyAyR me"
BOOT = 6.0  #: the default of the setting `guest.boot`


def console(demo: ApiClient, server_id: str, **arguments: Any) -> str:
    """Return the console of a server."""
    response = demo.act(server_id, **{"os-getConsoleOutput": arguments})
    assert response.status == 200, response
    return str(response.body["output"])


def started(demo: ApiClient, name: str = "web", **more: Any) -> str:
    """Return the id of a server at the moment when it has become ACTIVE."""
    server_id = demo.create(name, **more)
    demo.clock.advance(8.0)
    assert demo.state(server_id) == ("ACTIVE", None)
    return server_id


def ports(demo: ApiClient, server_id: str) -> list[str]:
    """Return the services of a guest whose ports are open."""
    record = demo.cloud.compute.servers.get(server_id)
    assert record is not None
    return sorted(open_ports(record, demo.cloud.runtime.schedule.now()))


def test_a_console_grows_from_the_firmware_to_the_login(demo: ApiClient) -> None:
    vm = started(demo, networks=[{"uuid": demo.network()}])
    seen = [console(demo, vm)]
    assert seen[0] == "SeaBIOS (version 1.16.3-debian-1.16.3-2)\n"
    for _ in range(12):
        demo.clock.advance(BOOT / 12)
        seen.append(console(demo, vm))
        assert seen[-1].startswith(seen[-2])
    assert seen[-1].endswith("\nweb login: ")
    assert "login:" not in seen[-2]
    (address,) = (each["addr"] for each in demo.show(vm)["addresses"]["private"])
    order = ("Booting from", "Linux version", address, "Started OpenSSH", "finished at", "login:")
    assert sorted(order, key=seen[-1].index) == list(order)
    assert "Cloud-init v. 24.4.1 finished at" in seen[-1]
    demo.clock.advance(100)
    assert console(demo, vm) == seen[-1]


def test_ports_open_one_after_another(demo: ApiClient) -> None:
    vm = started(demo)
    assert ports(demo, vm) == []
    demo.clock.advance(0.8 * BOOT)
    assert ports(demo, vm) == ["ssh"]
    demo.clock.advance(0.2 * BOOT)
    assert ports(demo, vm) == ["http", "ssh"]


@pytest.mark.parametrize(
    "action",
    [{"reboot": {"type": "SOFT"}}, {"reboot": {"type": "HARD"}}, {"rescue": {}}],
    ids=["soft", "hard", "rescue"],
)
def test_a_reboot_begins_a_new_console(demo: ApiClient, action: dict[str, Any]) -> None:
    vm = demo.active()
    assert "login:" in console(demo, vm)
    assert demo.act(vm, **action).status in (200, 202)
    demo.clock.advance(2.9)
    assert ports(demo, vm) == []
    demo.clock.advance(0.2)
    assert "SeaBIOS" in console(demo, vm)
    assert "login:" not in console(demo, vm)
    demo.clock.advance(BOOT)
    assert "login:" in console(demo, vm)
    assert ports(demo, vm) == ["http", "ssh"]


def test_a_rebuild_begins_a_new_console_and_takes_a_new_key(demo: ApiClient) -> None:
    key = {"name": "laptop", "public_key": PUBLIC_KEY}
    assert demo("POST", "/os-keypairs", {"keypair": key}).status == 201
    vm = demo.active()
    assert "no authorized SSH keys" in console(demo, vm)
    rebuild = {"imageRef": demo.image(), "key_name": "laptop"}
    assert demo.act(vm, rebuild=rebuild | {"key_name": "desktop"}).status == 400
    assert demo.act(vm, rebuild=rebuild).status == 202
    demo.clock.advance(6.0)
    assert "login:" not in console(demo, vm)
    demo.clock.advance(BOOT)
    assert "ssh-ed25519 | " in console(demo, vm)


def test_a_stopped_server_keeps_its_last_console_and_a_start_begins_anew(demo: ApiClient) -> None:
    vm = started(demo)
    assert demo.act(vm, **{"os-stop": None}).status == 202
    demo.clock.advance(3)
    last = console(demo, vm)
    assert "login:" not in last
    demo.clock.advance(100)
    assert console(demo, vm) == last
    assert demo.act(vm, **{"os-start": None}).status == 202
    demo.clock.advance(2)
    assert console(demo, vm).count("\n") == 1


@pytest.mark.parametrize(("pause", "go_on"), [("pause", "unpause"), ("suspend", "resume")])
def test_a_paused_guest_goes_on_where_it_was(demo: ApiClient, pause: str, go_on: str) -> None:
    vm = started(demo)
    demo.act(vm, **{pause: None})
    demo.clock.advance(2)
    half = console(demo, vm)
    demo.clock.advance(100)
    assert console(demo, vm) == half
    assert ports(demo, vm) == []
    demo.act(vm, **{go_on: None})
    demo.clock.advance(2)
    assert console(demo, vm).startswith(half)
    assert "login:" not in console(demo, vm)
    demo.clock.advance(BOOT)
    assert "login:" in console(demo, vm)


def test_a_server_without_a_host_has_no_console(demo: ApiClient) -> None:
    building = demo.create()
    failed = demo.create("huge", flavor="m1.huge")
    for server_id in (building, failed):
        response = demo.act(server_id, **{"os-getConsoleOutput": {}})
        assert (response.status, response.body["conflictingRequest"]["message"]) == (
            409,
            f"Instance {server_id} is not ready",
        )
    demo.clock.advance(4)  # on a host, and not powered on
    assert console(demo, building) == ""
    demo.clock.advance(60)
    demo.act(building, shelve=None)
    demo.clock.advance(60)
    assert demo.act(building, **{"os-getConsoleOutput": {}}).status == 409


def test_length_is_as_nova_has_it(demo: ApiClient) -> None:
    vm = demo.active()
    lines = console(demo, vm).split("\n")
    assert console(demo, vm, length=None) == "\n".join(lines)
    assert console(demo, vm, length=1) == "web login: "
    assert console(demo, vm, length="2") == "\nweb login: "
    assert console(demo, vm, length=0) == ""
    assert console(demo, vm, length=-1) == "\n".join(lines[1:])
    assert console(demo, vm, length="9" * 5000) == "\n".join(lines)


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"length": 1.5}, "1.5 is not of type 'integer', 'string', 'null'"),
        ({"length": True}, "True is not of type 'integer', 'string', 'null'"),
        ({"length": "x"}, "'x' does not match '^-?[0-9]+$'"),
        ({"length": "-3"}, "-3 is less than the minimum of -1"),
        ({"lines": 1}, "Additional properties are not allowed ('lines' was unexpected)"),
        (None, "None is not of type 'object'"),
    ],
)
def test_bad_lengths_have_novas_messages(demo: ApiClient, arguments: object, why: str) -> None:
    response = demo.act(demo.active(), **{"os-getConsoleOutput": arguments})
    assert response.status == 400
    assert response.body["badRequest"]["message"].endswith(why)


def test_keys_come_from_the_keypair_and_the_user_data(demo: ApiClient) -> None:
    config = "#cloud-config\nssh_authorized_keys:\n  - " + PUBLIC_KEY
    vm = demo.active(user_data=base64.b64encode(config.encode()).decode())
    assert console(demo, vm).count("ci-info: | ssh-ed25519 | ") == 1
    for text in ("#!/bin/sh\necho", "#cloud-config\n- {", "#cloud-config\n[1]", "\ufffd"):
        other = demo.active(user_data=base64.b64encode(text.encode()).decode())
        assert "no authorized SSH keys" in console(demo, other)


def test_a_guest_panics(demo: ApiClient) -> None:
    demo.cloud.faults.add(
        Fault("error", operation="guest.boot", resource="^bad$", message="no init")
    )
    bad, good = demo.active("bad"), demo.active("good")
    assert console(demo, bad).endswith("---[ end Kernel panic - not syncing: no init ]---\n")
    assert ports(demo, bad) == []
    assert "login:" in console(demo, good)


def test_a_guest_hangs(demo: ApiClient) -> None:
    demo.cloud.faults.add(Fault("stuck", operation="guest.boot", seconds=1))
    vm = demo.active()
    last = console(demo, vm)
    demo.clock.advance(1000)
    assert console(demo, vm) == last
    assert "Linux version" in last
    assert ports(demo, vm) == []


def test_a_guest_comes_up_late(demo: ApiClient) -> None:
    demo.cloud.faults.add(Fault("late", operation="guest.boot", seconds=100, count=1))
    vm = started(demo)
    demo.clock.advance(100 + BOOT - 0.1)
    assert "login:" not in console(demo, vm)
    demo.clock.advance(0.2)
    assert "login:" in console(demo, vm)
    assert ports(demo, vm) == ["http", "ssh"]


def test_a_guest_without_a_network_shows_nothing_of_it(demo: ApiClient) -> None:
    demo.cloud.faults.add(Fault("silent", operation="guest.boot"))
    vm = demo.active()
    assert "login:" in console(demo, vm)
    assert ports(demo, vm) == []


def test_a_service_of_a_guest_fails_or_is_late(demo: ApiClient) -> None:
    demo.cloud.faults.add(Fault("error", operation="guest.ssh"))
    demo.cloud.faults.add(Fault("late", operation="guest.http", seconds=500))
    vm = demo.active()
    assert "[FAILED] Failed to start OpenSSH server." in console(demo, vm)
    assert ports(demo, vm) == []
    demo.clock.advance(500)
    assert ports(demo, vm) == ["http"]
    assert "Started web server" in console(demo, vm)


def test_a_guest_without_its_key_says_so(demo: ApiClient) -> None:
    demo.cloud.faults.add(Fault("error", operation="guest.authorize_key"))
    config = base64.b64encode(f"#cloud-config\nssh_authorized_keys: [{PUBLIC_KEY}]".encode())
    vm = demo.active(user_data=config.decode())
    assert "no authorized SSH keys fingerprints found" in console(demo, vm)
    boot = demo.cloud.compute.servers.get(vm).boot  # type: ignore[union-attr]
    assert boot is not None
    assert not boot.takes_keys(demo.cloud.runtime.schedule.now())


@pytest.mark.parametrize(
    ("effect", "statuses"),
    [("error", ["running", "error"]), ("stuck", ["running"]), ("late", ["running", "done"])],
)
def test_cloud_init_fails_hangs_or_is_late(
    demo: ApiClient, effect: str, statuses: list[str]
) -> None:
    demo.cloud.faults.add(Fault(effect, operation="guest.cloud_init", seconds=50))
    vm = started(demo)
    seen: dict[str, str] = {}
    for _ in range(80):
        seen[demo.cloud.cloud_init_status(vm)] = console(demo, vm)
        demo.clock.advance(1)
    assert list(seen) == statuses
    whole = seen[statuses[-1]]
    assert "login:" in seen["running"] or effect == "error"
    assert ("finished at" in whole) == (effect != "stuck")
    assert ("Failed to run module" in whole) == (effect == "error")


def test_rules_for_any_operation_are_not_about_guests(demo: ApiClient) -> None:
    rule = demo.cloud.faults.add(Fault("stuck", count=2))
    demo.create()
    demo.clock.advance(100)
    assert rule.fired == 1
    demo.cloud.faults.clear()
    rule = demo.cloud.faults.add(Fault("stuck", operation="guest.*", count=2))
    demo.active("other")
    assert rule.fired == 2
    rule = demo.cloud.faults.add(Fault("late", operation="guest.*", seconds=1))
    demo.active("third")
    assert rule.fired == 5  # boot, key, cloud-init and two ports


def test_late_operations_end_later(demo: ApiClient) -> None:
    with pytest.raises(ValueError, match="'late' needs `seconds`"):
        Fault("late")
    demo.cloud.faults.add(Fault("late", operation="server.create", seconds=50))
    vm = demo.create()
    demo.clock.advance(57.9)
    assert demo.state(vm) == ("BUILD", "spawning")
    demo.clock.advance(0.2)
    assert demo.state(vm) == ("ACTIVE", None)


def test_the_setting_replaces_the_console_of_all_servers(demo: ApiClient) -> None:
    vm = demo.active()
    demo("PATCH", "/_osf/settings", {"console_output": "one\ntwo"})
    assert console(demo, vm) == "one\ntwo"
    assert console(demo, vm, length=1) == "two"
