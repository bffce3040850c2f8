"""Each right verdict about Nova's operations, with plain values."""

from __future__ import annotations

import pytest

from pytest_osfutures.operation import Names
from pytest_osfutures.services import TABLE
from pytest_osfutures.services.kinds import (
    ACTION,
    ATTACHMENT,
    IMAGE,
    INTERFACE,
    MESSAGES,
    MIGRATIONS,
    NAMESAKES,
    RESERVATION,
    SERVER,
    SNAPSHOTS,
    VOLUME,
)
from pytest_osfutures.verdict import Failed

from .judging import Judged, asks, done, runs, why

MIGRATION = {
    "id": 7,
    "uuid": "m",
    "migration_type": "live-migration",
    "created_at": "2026-01-01T00:00:01.000000",
}
OLD = {**MIGRATION, "id": 6, "created_at": "2025-12-31T23:59:00.000000", "status": "completed"}


def test_a_status_counts_only_without_a_task() -> None:
    case = Judged("server.stop", id="s")
    assert runs(case.server("ACTIVE", "powering-off"))
    assert runs(case.server("SHUTOFF", "powering-off"))
    assert done(case.server("SHUTOFF"))


@pytest.mark.parametrize(
    ("operation", "old"),
    [
        ("server.stop", "ACTIVE"),
        ("server.start", "SHUTOFF"),
        ("server.pause", "ACTIVE"),
        ("server.unpause", "PAUSED"),
        ("server.suspend", "ACTIVE"),
        ("server.resume", "SUSPENDED"),
        ("server.rescue", "ACTIVE"),
        ("server.resize", "SHUTOFF"),
        ("server.migrate", "ACTIVE"),
        ("server.shelve", "PAUSED"),
        ("server.shelve_offload", "SHELVED"),
        ("server.unshelve", "SHELVED_OFFLOADED"),
        ("server.restore", "SOFT_DELETED"),
        ("server.evacuate", "ACTIVE"),
        ("server.change_password", "ACTIVE"),
    ],
)
def test_the_old_status_with_a_failed_action_is_a_failure_at_once(operation: str, old: str) -> None:
    case = Judged(operation, id="s")
    assert asks(case.server(old), ACTION)
    assert "event it failed" in why(case.action(("it", "Error")))


def test_the_old_status_with_a_message_is_a_failure_where_events_are_not_shown() -> None:
    case = Judged("server.stop", id="s")
    case.server("ACTIVE")
    assert "'Error'" in why(case.record({"action": "stop", "message": "Error"}))


def test_the_old_status_with_a_finished_action_is_looked_at_once_more() -> None:
    case = Judged("server.stop", id="s")
    case.server("ACTIVE")
    assert runs(case.action(("compute_stop_instance", "Success")))
    assert "although" in why(case.server("ACTIVE"))


def test_a_state_that_somebody_reset_is_a_failure_and_no_wait() -> None:
    case = Judged("server.stop", id="s")
    case.server("ACTIVE")
    assert runs(case.action(("compute_stop_instance", None)))
    assert "something else changed it" in why(case.server("ACTIVE"))


def test_a_status_that_no_row_knows_is_named() -> None:
    case = Judged("server.stop", id="s")
    case.server("WEIRD")
    case.action(("compute_stop_instance", "Success"))
    assert "WEIRD" in why(case.server("WEIRD"))


def test_error_is_a_failure_with_its_fault_and_its_action() -> None:
    case = Judged("server.create", id="s")
    assert runs(case.server("BUILD", "scheduling"))
    assert runs(case.server("BUILD"))
    fault = {"code": 500, "message": "No valid host was found. "}
    assert asks(case.server("ERROR", fault=fault), ACTION)
    verdict = case.action(("conductor_schedule_and_build_instances", "Error"))
    assert why(verdict) == "No valid host was found."
    assert case.facts.fault == fault
    assert case.facts.events[0].name == "conductor_schedule_and_build_instances"


def test_a_failure_does_not_wait_for_its_explanation_for_ever() -> None:
    case = Judged("server.create", id="s")
    case.server("ERROR")
    case.now += 11
    assert why(case.see(VOLUME, None, at=case.now, id="else"))


def test_a_new_server_may_be_invisible_for_a_while() -> None:
    case = Judged("server.create", id="s")
    assert runs(case.server(None))
    case.now = 60.0
    assert asks(case.server(None), ACTION)
    assert isinstance(case.record(None), Failed)


def test_a_server_that_somebody_deletes_is_gone_at_once() -> None:
    case = Judged("server.stop", id="s")
    case.server(None)
    verdict = case.record(None)
    assert "gone" in why(verdict)
    assert isinstance(verdict, Failed)
    assert verdict.vanished


def test_error_while_deleting_is_still_deleting() -> None:
    case = Judged("server.delete", id="s")
    assert runs(case.server("ERROR", "deleting"))
    assert runs(case.server("DELETED"))
    assert done(case.server(None))


def test_error_after_deleting_is_a_failure() -> None:
    case = Judged("server.delete", id="s")
    case.server("ERROR")
    assert why(case.record(None))


def test_a_soft_deleted_server_counts_as_deleted_but_not_as_destroyed() -> None:
    case = Judged("server.delete", id="s")
    assert runs(case.server("ACTIVE", "soft-deleting"))
    assert done(case.server("SOFT_DELETED"))
    assert not done(Judged("server.force_delete", id="s").server("SOFT_DELETED"))


@pytest.mark.parametrize("status", ["SHELVED", "SHELVED_OFFLOADED"])
def test_shelved_is_as_good_as_offloaded(status: str) -> None:
    assert done(Judged("server.shelve", id="s").server(status))


@pytest.mark.parametrize("operation", ["rebuild", "confirm_resize", "revert_resize"])
def test_a_server_that_was_stopped_stays_so(operation: str) -> None:
    assert done(Judged(f"server.{operation}", id="s").server("SHUTOFF"))


@pytest.mark.parametrize("operation", ["server.resize", "server.migrate"])
@pytest.mark.parametrize("status", ["ACTIVE", "SHUTOFF"])
def test_a_resize_may_confirm_itself(operation: str, status: str) -> None:
    case = Judged(operation, id="s")
    assert asks(case.server(status), ACTION)
    assert done(case.action(("compute_finish_resize", "Success")))


def test_a_confirmation_shows_no_task_but_may_fail() -> None:
    case = Judged("server.confirm_resize", id="s")
    assert asks(case.server("VERIFY_RESIZE"), ACTION)
    assert runs(case.action(("compute_confirm_resize", None)))
    assert "compute_confirm_resize" in why(case.action(("compute_confirm_resize", "Error")))


def test_an_evacuation_needs_its_event() -> None:
    case = Judged("server.evacuate", id="s")
    assert runs(case.server("REBUILD", "rebuilding"))
    assert asks(case.server("SHUTOFF"), ACTION)
    assert runs(case.action(("rebuild_server", "Success")))
    event = ("compute_rebuild_instance", "Success")
    assert done(case.action(("rebuild_server", "Success"), event))


@pytest.mark.parametrize(
    ("operation", "event"),
    [
        ("server.change_password", "compute_set_admin_password"),
        ("server.trigger_crash_dump", "compute_trigger_crash_dump"),
    ],
)
def test_where_nothing_but_the_event_tells_it_has_to_tell(operation: str, event: str) -> None:
    case = Judged(operation, id="s")
    case.server("ACTIVE")
    assert runs(case.action())
    assert runs(case.action((event, None)))
    assert done(case.action((event, "Success")))


def test_where_events_are_not_shown_no_message_in_time_has_to_do() -> None:
    case = Judged("server.change_password", id="s")
    case.server("ACTIVE")
    assert runs(case.record({"action": "changePassword", "message": None}))
    case.now = 10.0
    assert done(case.record({"action": "changePassword", "message": None}))


def live() -> Judged:
    """A live migration whose server is ACTIVE again, with its action read."""
    case = Judged("server.live_migrate", id="s")
    case.server("MIGRATING", "migrating", hostId="a")
    assert asks(case.server("ACTIVE", hostId="b"), ACTION)
    assert asks(case.action(("compute_live_migration", "Success")), MIGRATIONS)
    return case


def test_a_live_migration_is_judged_by_its_migration_and_not_by_its_event() -> None:
    case = live()
    assert runs(case.see(MIGRATIONS, {"migrations": [{**MIGRATION, "status": "running"}]}, id="s"))
    ended = {"migrations": [OLD, {**MIGRATION, "status": "completed"}]}
    assert done(case.see(MIGRATIONS, ended, id="s"))


@pytest.mark.parametrize("status", ["error", "failed", "cancelled"])
def test_a_live_migration_that_ended_badly(status: str) -> None:
    case = live()
    found = {"migrations": [OLD, {**MIGRATION, "status": status}]}
    assert status in why(case.see(MIGRATIONS, found, id="s"))


def test_an_earlier_live_migration_proves_nothing() -> None:
    assert not done(live().see(MIGRATIONS, {"migrations": [OLD]}, id="s"))


def test_a_server_that_is_back_on_its_host_was_not_migrated() -> None:
    case = Judged("server.live_migrate", id="s")
    case.server("MIGRATING", "migrating", hostId="a")
    assert asks(case.server("ACTIVE", hostId="a"), ACTION)
    case.action(("compute_live_migration", "Success"))
    assert isinstance(case.server("ACTIVE", hostId="a"), Failed)


def test_where_migrations_are_not_shown_the_last_event_has_to_do() -> None:
    case = live()
    assert runs(case.see(MIGRATIONS, None, id="s"))
    assert done(case.action(("compute_post_live_migration_at_destination", "Success")))


@pytest.mark.parametrize(
    ("operation", "good", "bad"),
    [
        ("server.live_migration_abort", "cancelled", "completed"),
        ("server.live_migration_force_complete", "completed", "cancelled"),
    ],
)
def test_requests_about_a_migration_are_judged_by_it(operation: str, good: str, bad: str) -> None:
    for status, expected in ((good, True), (bad, False)):
        case = Judged(operation, id="s", migration="7")
        assert runs(case.server("MIGRATING", "migrating"))
        assert asks(case.server("ACTIVE"), MIGRATIONS)
        found = {"migrations": [OLD, {**MIGRATION, "status": status}]}
        verdict = case.see(MIGRATIONS, found, id="s")
        assert done(verdict) is expected


@pytest.mark.parametrize("operation", ["server.create_image", "server.backup"])
def test_an_image_is_judged_by_the_image(operation: str) -> None:
    case = Judged(operation, server="s", image="i")
    assert runs(case.see(IMAGE, {"status": "queued"}, id="i"))
    case.server("ACTIVE", "image_uploading")
    assert runs(case.see(IMAGE, {"status": "active"}, id="i"))
    assert done(case.server("ACTIVE"))


def test_an_image_that_is_gone_is_a_failure_of_the_operation() -> None:
    case = Judged("server.create_image", server="s", image="i")
    case.server("ACTIVE")
    assert asks(case.see(IMAGE, None, id="i"), ACTION)
    verdict = case.action(("compute_snapshot_instance", "Error"))
    assert "compute_snapshot_instance" in why(verdict)
    assert isinstance(verdict, Failed)
    assert not verdict.vanished


def test_an_image_of_a_server_with_volumes_needs_its_snapshots() -> None:
    case = Judged("server.create_image", server="s", image="i")
    case.server("ACTIVE")
    image = {
        "status": "active",
        "name": "a b",
        "block_device_mapping": '[{"snapshot_id": "x"}, {"snapshot_id": null}]',
    }
    assert asks(case.see(IMAGE, image, id="i"), SNAPSHOTS)
    name = "snapshot%20for%20a%20b"
    assert runs(case.see(SNAPSHOTS, {"snapshots": [{"id": "x", "status": "creating"}]}, name=name))
    found = {"snapshots": [{"id": "x", "status": "available"}]}
    assert done(case.see(SNAPSHOTS, found, name=name))


ATTACHED = {"status": "in-use", "attachments": [{"server_id": "s"}]}
FREE = {"status": "available", "attachments": []}


def test_an_attach_is_judged_by_both_sides() -> None:
    case = Judged("server.attach_volume", server="s", volume="v")
    assert runs(case.see(VOLUME, {"status": "attaching", "attachments": []}, id="v"))
    assert asks(case.see(VOLUME, ATTACHED, id="v"), ATTACHMENT)
    assert done(case.see(ATTACHMENT, {"volumeId": "v"}, server="s", volume="v"))


def test_an_attach_that_has_not_begun_is_no_failure() -> None:
    case = Judged("server.attach_volume", server="s", volume="v")  # 202 from 2.101 on
    assert asks(case.see(VOLUME, FREE, id="v"), ACTION)
    assert runs(case.record(None))
    assert runs(case.action(("compute_attach_volume", None)))
    assert runs(case.see(VOLUME, FREE, id="v"))


def test_an_attach_that_fell_back_is_a_failure() -> None:
    case = Judged("server.attach_volume", server="s", volume="v")
    case.see(VOLUME, FREE, id="v")
    assert "compute_attach_volume" in _explained(case, ("compute_attach_volume", "Error"))


def _explained(case: Judged, *events: tuple[str, str | None]) -> str:
    """The failure, after the messages of the volume were read as well."""
    verdict = case.action(*events)
    if runs(verdict):
        verdict = case.see(MESSAGES, {"messages": []}, id="v")
    return why(verdict)


def test_a_detach_is_judged_by_both_sides() -> None:
    case = Judged("server.detach_volume", server="s", volume="v")
    assert runs(case.see(VOLUME, {**ATTACHED, "status": "detaching"}, id="v"))
    assert asks(case.see(VOLUME, FREE, id="v"), ATTACHMENT)
    assert runs(case.see(ATTACHMENT, {"volumeId": "v"}, server="s", volume="v"))
    assert done(case.see(ATTACHMENT, None, server="s", volume="v"))


def test_a_detach_leaves_the_attachments_of_others() -> None:
    case = Judged("server.detach_volume", server="s", volume="v")
    other = {"status": "in-use", "attachments": [{"server_id": "other"}]}
    assert asks(case.see(VOLUME, other, id="v"), ATTACHMENT)


def test_a_detach_that_the_guest_did_not_grant_is_a_failure() -> None:
    case = Judged("server.detach_volume", server="s", volume="v")
    case.see(VOLUME, ATTACHED, id="v")
    assert "compute_detach_volume" in _explained(case, ("compute_detach_volume", "Error"))


def test_a_swap_needs_its_event_and_the_new_attachment() -> None:
    case = Judged("server.swap_volume", server="s", old="o", volume="v")
    assert asks(case.see(VOLUME, FREE, id="o"), ATTACHMENT)
    assert asks(case.see(ATTACHMENT, {"volumeId": "v"}, server="s", volume="v"), ACTION)
    assert done(case.action(("compute_swap_volume", "Success")))


def port(state: str) -> dict[str, str]:
    return {"port_state": state}


def test_a_new_interface_is_active_and_in_the_addresses() -> None:
    case = Judged("server.interface_attach", server="s", port="p", mac="m")
    assert asks(case.see(INTERFACE, port("ACTIVE"), server="s", port="p"), SERVER)
    addresses = {"net": [{"OS-EXT-IPS-MAC:mac_addr": "m"}]}
    assert not done(case.server("ACTIVE", addresses={}))
    assert done(case.server("ACTIVE", addresses=addresses))


def test_the_port_of_a_stopped_server_stays_down() -> None:
    case = Judged("server.interface_attach", server="s", port="p")
    assert asks(case.see(INTERFACE, port("DOWN"), server="s", port="p"), ACTION)
    assert asks(case.action(("compute_attach_interface", "Success")), SERVER)
    assert done(case.server("SHUTOFF", addresses={}))


def test_the_list_of_ports_is_early() -> None:
    case = Judged("server.interface_detach", server="s", port="p")
    assert asks(case.see(INTERFACE, None, server="s", port="p"), ACTION)
    assert runs(case.action(("compute_detach_interface", None)))
    assert done(case.action(("compute_detach_interface", "Success")))


def member(name: str, status: str, created: str = "2026-01-01T00:00:02Z") -> dict[str, object]:
    return {
        "id": f"id-{name}",
        "name": name,
        "status": status,
        "created": created,
        "OS-EXT-STS:task_state": None if status != "BUILD" else "spawning",
    }


def many(names: Names) -> Judged:
    operation = next(
        each
        for each in TABLE.operations
        if each.name == "servers.create" and ("name" in each.names) == ("name" in names)
    )
    case = Judged("server.create", **names)
    case.watch.operation = operation
    return case


def test_many_servers_are_one_operation() -> None:
    case = many({"reservation": "r-1"})
    for second, expected in (("BUILD", False), ("ACTIVE", True)):
        found = {"servers": [member("a-1", "ACTIVE"), member("a-2", second)]}
        assert done(case.see(RESERVATION, found, reservation="r-1")) is expected


def test_one_of_many_that_fails_is_named() -> None:
    case = many({"reservation": "r-1"})
    broken = {**member("a-2", "ERROR"), "fault": {"code": 500, "message": "No valid host"}}
    found = {"servers": [member("a-1", "ACTIVE"), broken]}
    assert "a-2 (id-a-2)" in why(case.see(RESERVATION, found, reservation="r-1"))
    assert case.facts.fault == broken["fault"]


def test_namesakes_of_an_earlier_request_are_not_counted() -> None:
    case = many({"id": "id-a-1", "name": "a", "most": "2", "pattern": "p"})
    earlier = member("a-2", "ERROR", created="2026-01-01T00:00:01Z")
    stranger = member("a-3", "ERROR")
    mine = [member("a-1", "ACTIVE"), {**member("a-2", "ACTIVE"), "id": "mine"}]
    found = {"servers": [earlier, stranger, *mine]}
    assert done(case.see(NAMESAKES, found, pattern="p"))
    members = case.watch.operation.members
    assert members is not None
    assert [each["id"] for each in members(found, case.watch.names)] == ["id-a-1", "mine"]
