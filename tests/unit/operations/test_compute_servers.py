"""Verdicts about the states of one server or of many, with plain values."""

from __future__ import annotations

import pytest

from pytest_osfutures.operations import TABLE
from pytest_osfutures.operations.judge import Failed
from pytest_osfutures.operations.model import Variables
from pytest_osfutures.operations.resource_types import ACTION, NAMESAKES, RESERVATION, VOLUME
from tests.unit.judging import Judged, asks, done, runs, why


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


def test_message_of_the_action_tells_a_failure() -> None:
    case = Judged("server.stop", id="s")
    case.server("ACTIVE")
    assert "'Error'" in why(case.record({"action": "stop", "message": "Error"}))


def test_the_old_status_with_a_finished_action_is_looked_at_once_more() -> None:
    case = Judged("server.stop", id="s")
    case.server("ACTIVE")
    assert runs(case.action(("compute_stop_instance", "Success")))
    assert "although" in why(case.server("ACTIVE"))


def test_stop_fails_if_the_state_was_reset() -> None:
    case = Judged("server.stop", id="s")
    case.server("ACTIVE")
    assert runs(case.action(("compute_stop_instance", None)))
    assert "something else changed it" in why(case.server("ACTIVE"))


def test_failure_names_an_unknown_status() -> None:
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
    assert case.details.fault == fault
    assert case.details.events[0].name == "conductor_schedule_and_build_instances"


def test_a_failure_does_not_wait_for_its_explanation_for_ever() -> None:
    case = Judged("server.create", id="s")
    case.server("ERROR")
    case.now += 11
    assert why(case.see(VOLUME, None, at=case.now, id="else"))


def test_new_server_may_answer_404_for_a_while() -> None:
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


@pytest.mark.parametrize(
    ("operation", "event"),
    [
        ("server.change_password", "compute_set_admin_password"),
        ("server.trigger_crash_dump", "compute_trigger_crash_dump"),
    ],
)
def test_success_needs_the_event_where_nothing_else_shows(operation: str, event: str) -> None:
    case = Judged(operation, id="s")
    case.server("ACTIVE")
    assert runs(case.action())
    assert runs(case.action((event, None)))
    assert done(case.action((event, "Success")))


def test_hidden_events_count_as_success_after_a_while() -> None:
    case = Judged("server.change_password", id="s")
    case.server("ACTIVE")
    assert runs(case.record({"action": "changePassword", "message": None}))
    case.now = 10.0
    assert done(case.record({"action": "changePassword", "message": None}))


def member(name: str, status: str, created: str = "2026-01-01T00:00:02Z") -> dict[str, object]:
    return {
        "id": f"id-{name}",
        "name": name,
        "status": status,
        "created": created,
        "OS-EXT-STS:task_state": None if status != "BUILD" else "spawning",
    }


def many(variables: Variables) -> Judged:
    operation = next(
        each
        for each in TABLE.operations
        if each.name == "servers.create" and ("name" in each.variables) == ("name" in variables)
    )
    case = Judged("server.create", **variables)
    case.watch.operation = operation
    return case


def test_many_servers_are_one_operation() -> None:
    case = many({"reservation": "r-1"})
    for second, expected in (("BUILD", False), ("ACTIVE", True)):
        found = {"servers": [member("a-1", "ACTIVE"), member("a-2", second)]}
        assert done(case.see(RESERVATION, found, reservation="r-1")) is expected


def test_failed_member_is_named() -> None:
    case = many({"reservation": "r-1"})
    broken = {**member("a-2", "ERROR"), "fault": {"code": 500, "message": "No valid host"}}
    found = {"servers": [member("a-1", "ACTIVE"), broken]}
    failure = why(case.see(RESERVATION, found, reservation="r-1"))
    assert failure == "the server a-2 (id-a-2) went to status ERROR: No valid host"
    assert case.details.fault == broken["fault"]


def test_namesakes_of_an_earlier_request_are_not_counted() -> None:
    variables = {"id": "id-a-1", "name": "a", "most": "2", "pattern": "p", "before": "id-a-2"}
    case = many(variables)
    earlier = member("a-2", "ERROR", created="2026-01-01T00:00:01Z")
    stranger = member("a-3", "ERROR")
    mine = [member("a-1", "ACTIVE"), {**member("a-2", "ACTIVE"), "id": "mine"}]
    found = {"servers": [earlier, stranger, *mine]}
    assert done(case.see(NAMESAKES, found, pattern="p"))
    members = case.watch.operation.members
    assert members is not None
    assert [each["id"] for each in members(found, case.watch.variables)] == ["id-a-1", "mine"]
