"""Verdicts by the rules of docs/operations.md#rules-nova, with plain values."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_osfutures.operations.judge import (
    Failed,
    Running,
    Succeeded,
    Verdict,
    events,
    failed_event,
    verdict_of,
)
from pytest_osfutures.operations.model import Observation, ResourceRef
from pytest_osfutures.operations.resource_types import ATTACHMENT
from tests.unit.scripted import ACTION, ROWS, SERVER, VOLUME, action, case, server

THE_SERVER = SERVER.ref(id="a")
THE_ACTION = ACTION.ref(id="a", request_id="req-1")
THE_VOLUME = VOLUME.ref(id="v")


def seen(body: Any, asked_at: float = 1.0, confirmed: bool = True) -> Observation:
    """Return an observation, by default one that counts."""
    return Observation(asked_at, body, confirmed)


def test_unobserved_resource_is_running() -> None:
    verdict = verdict_of(case("server.stop", {}, id="a"))
    assert isinstance(verdict, Running)
    assert THE_SERVER in verdict.wants


# Rule 1: missing


def test_new_server_may_be_missing_for_a_minute() -> None:
    sights = {THE_SERVER: seen(None)}
    assert isinstance(verdict_of(case("server.create", sights, now=59, id="a")), Running)
    late = {THE_SERVER: seen(None, 70), THE_ACTION: seen(None, 70)}
    verdict = verdict_of(case("server.create", late, now=71, id="a"))
    assert isinstance(verdict, Failed)


def test_a_missing_server_is_the_success_of_its_deletion() -> None:
    verdict = verdict_of(case("server.delete", {THE_SERVER: seen(None)}, id="a"))
    assert verdict == Succeeded(None)


def test_a_missing_server_has_vanished_for_every_other_operation() -> None:
    sights = {THE_SERVER: seen(None), THE_ACTION: seen(None)}
    verdict = verdict_of(case("server.stop", sights, id="a"))
    assert isinstance(verdict, Failed)
    assert verdict.vanished


@pytest.mark.parametrize("name", ["server.delete", "server.stop", "server.create"])
def test_a_server_missing_from_a_list_is_to_be_confirmed(name: str) -> None:
    verdict = verdict_of(case(name, {THE_SERVER: seen(None, confirmed=False)}, id="a"))
    assert isinstance(verdict, Running)
    assert THE_SERVER in verdict.confirm


# Rule 2: ERROR


def test_error_without_a_task_is_a_failure_with_the_fault() -> None:
    fault = {"code": 500, "message": "No valid host was found. "}
    sights = {THE_SERVER: seen(server("ERROR", fault=fault)), THE_ACTION: seen(None)}
    verdict = verdict_of(case("server.create", sights, id="a"))
    assert isinstance(verdict, Failed)
    assert verdict.why == "No valid host was found."


def test_error_waits_for_its_action_for_a_while() -> None:
    sights = {THE_SERVER: seen(server("ERROR"))}
    waiting = verdict_of(case("server.create", sights, id="a"))
    assert isinstance(waiting, Running)
    assert THE_ACTION in waiting.wants
    assert isinstance(verdict_of(case("server.create", sights, now=30, id="a")), Failed)


@pytest.mark.parametrize("task", ["deleting", "rebuilding", "powering-off"])
@pytest.mark.parametrize("name", ["server.delete", "server.rebuild", "server.stop"])
def test_error_while_a_task_is_under_way_is_running(name: str, task: str) -> None:
    verdict = verdict_of(case(name, {THE_SERVER: seen(server("ERROR", task))}, id="a"))
    assert isinstance(verdict, Running)


def test_error_after_a_deletion_that_is_not_under_way_is_a_failure() -> None:
    sights = {THE_SERVER: seen(server("ERROR")), THE_ACTION: seen(None)}
    assert isinstance(verdict_of(case("server.delete", sights, now=30, id="a")), Failed)


# Rules 3 and 4: tasks and success


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("server.create", "ACTIVE"),
        ("server.stop", "SHUTOFF"),
        ("server.start", "ACTIVE"),
        ("server.resize", "VERIFY_RESIZE"),
        ("server.shelve", "SHELVED"),
        ("server.shelve", "SHELVED_OFFLOADED"),
        ("server.rebuild", "SHUTOFF"),
        ("server.rescue", "RESCUE"),
        ("server.pause", "PAUSED"),
    ],
)
def test_the_target_counts_only_without_a_task(name: str, status: str) -> None:
    busy = verdict_of(case(name, {THE_SERVER: seen(server(status, "working"))}, id="a"))
    assert isinstance(busy, Running)
    done = verdict_of(case(name, {THE_SERVER: seen(server(status))}, id="a"))
    if isinstance(done, Running):  # where the action's word is needed, too
        record = seen(action(("the_event", "Success")), 2.0)
        sights = {THE_SERVER: seen(server(status)), THE_ACTION: record}
        done = verdict_of(case(name, sights, id="a"))
    assert isinstance(done, Succeeded)
    assert done.body is not None
    assert done.body["status"] == status


def test_build_without_a_task_is_not_done() -> None:
    sights = {THE_SERVER: seen(server("BUILD"))}
    assert isinstance(verdict_of(case("server.create", sights, id="a")), Running)


# Rule 5: nothing under way and not there


def test_a_return_to_the_old_status_asks_for_the_action() -> None:
    verdict = verdict_of(case("server.stop", {THE_SERVER: seen(server("ACTIVE"))}, id="a"))
    assert isinstance(verdict, Running)
    assert THE_ACTION in verdict.wants


@pytest.mark.parametrize(
    "record",
    [
        action(("compute_stop_instance", "Error")),
        action(("compute_stop_instance", "Success"), message="Error"),
        action(message="Error"),
    ],
)
def test_a_return_to_the_old_status_fails_as_the_action_says(record: dict[str, Any]) -> None:
    sights = {THE_SERVER: seen(server("ACTIVE")), THE_ACTION: seen(record, 0.5)}
    verdict = verdict_of(case("server.stop", sights, now=30, id="a"))
    assert isinstance(verdict, Failed)
    assert "Error" in verdict.why or "compute_stop_instance" in verdict.why


def test_a_finished_action_is_looked_at_once_more_before_it_counts() -> None:
    record = action(("compute_stop_instance", "Success"))
    before = {THE_SERVER: seen(server("ACTIVE"), 1.0), THE_ACTION: seen(record, 2.0)}
    assert isinstance(verdict_of(case("server.stop", before, now=30, id="a")), Running)
    after = {THE_SERVER: seen(server("ACTIVE"), 3.0), THE_ACTION: seen(record, 2.0)}
    verdict = verdict_of(case("server.stop", after, now=30, id="a"))
    assert isinstance(verdict, Failed)
    assert "ACTIVE" in verdict.why


def test_an_action_that_is_not_recorded_yet_has_a_period_of_grace() -> None:
    sights = {THE_SERVER: seen(server("ACTIVE")), THE_ACTION: seen(None, 1.0)}
    assert isinstance(verdict_of(case("server.stop", sights, now=2, id="a")), Running)
    sights = {THE_SERVER: seen(server("ACTIVE"), 59), THE_ACTION: seen(None, 59)}
    assert isinstance(verdict_of(case("server.stop", sights, now=60, id="a")), Failed)


def test_an_action_that_is_under_way_is_waited_for() -> None:
    record = action(("compute_stop_instance", None))
    sights = {THE_SERVER: seen(server("ACTIVE"), 1), THE_ACTION: seen(record, 2)}
    assert isinstance(verdict_of(case("server.stop", sights, id="a")), Running)


# Several resources


def test_an_attachment_is_done_when_nova_and_cinder_have_it() -> None:
    of_nova = ATTACHMENT.ref(server="s", volume="v")

    def verdict_on(volume: dict[str, Any]) -> Verdict:
        sights = {of_nova: seen({"volumeId": "v"}), THE_VOLUME: seen(volume)}
        return verdict_of(case("server.attach_volume", sights, server="s", volume="v", id="v"))

    attached = {"status": "in-use", "attachments": [{"server_id": "s"}]}
    assert isinstance(verdict_on(attached), Succeeded)
    assert isinstance(verdict_on({"status": "attaching", "attachments": []}), Running)
    elsewhere = {"status": "in-use", "attachments": [{"server_id": "other"}]}
    assert not isinstance(verdict_on(elsewhere), Succeeded)


def test_a_missing_attachment_fails_once_its_action_is_finished() -> None:
    of_nova, record = ATTACHMENT.ref(server="s", volume="v"), ACTION.ref(id="s", request_id="req-1")
    attached = {"status": "in-use", "attachments": [{"server_id": "s"}]}
    done = action(("compute_attach_volume", "Success"))

    def verdict_on(asked_at: float) -> Verdict:
        sights = {of_nova: seen(None, asked_at), THE_VOLUME: seen(attached), record: seen(done, 70)}
        evidence = case("server.attach_volume", sights, now=200, server="s", volume="v", id="v")
        return verdict_of(replace(evidence, was_present=True))

    assert isinstance(verdict_on(60), Running)  # the list may be older than the end of the action
    verdict = verdict_on(80)
    assert isinstance(verdict, Failed)
    assert "although the cloud calls the action finished" in verdict.why


def test_a_volume_that_fails_names_its_status() -> None:
    verdict = verdict_of(
        case("volume.create", {THE_VOLUME: seen({"status": "error"})}, now=60, id="v")
    )
    assert isinstance(verdict, Failed)
    assert "error" in verdict.why
    odd = verdict_of(case("volume.create", {THE_VOLUME: seen({"status": "odd"})}, now=60, id="v"))
    assert isinstance(odd, Failed)
    assert "odd" in odd.why


# Whatever happens

STATUSES = ["ACTIVE", "SHUTOFF", "BUILD", "ERROR", "DELETED", "VERIFY_RESIZE", "available", "odd"]
bodies = st.none() | st.builds(
    server, st.sampled_from(STATUSES), st.sampled_from([None, "working", "deleting"])
)
sights = st.builds(Observation, st.floats(-10, 20), bodies, st.booleans())
some_operations = st.sampled_from(
    [
        name
        for name, row in sorted(ROWS.items())
        if row.route.path in ("/servers", "/servers/{id}", "/servers/{id}/action")
        and row.main.type == SERVER
    ]
)


@given(some_operations, sights, st.booleans(), st.floats(0, 1000))
def test_no_success_by_an_observation_before_the_accept(
    name: str, sight: Observation, recorded: bool, now: float
) -> None:
    known: dict[ResourceRef, Observation] = {THE_SERVER: sight}
    if recorded:
        known[THE_ACTION] = seen(action(("the_event", "Success")), 5.0)
    verdict = verdict_of(case(name, known, now=now, id="a"))
    if sight.requested_at < 0:  # accepted at 0
        assert not isinstance(verdict, Succeeded)


@given(some_operations, sights)
def test_absence_in_a_list_alone_never_decides(name: str, sight: Observation) -> None:
    if sight.body is None and not sight.confirmed and sight.requested_at >= 0:
        verdict = verdict_of(case(name, {THE_SERVER: sight}, now=1000, id="a"))
        assert isinstance(verdict, Running)


def test_events_come_in_the_order_in_which_they_began() -> None:
    record = {
        "events": [
            {"event": "second", "result": "Error", "start_time": "2", "details": "why"},
            {"event": "first", "result": "Success", "start_time": "1"},
        ]
    }
    assert [event.name for event in events(record)] == ["first", "second"]
    assert failed_event(record) == "event second failed: why"
    assert failed_event({"events": None}) == ""


# What is only half known


def test_new_server_that_was_observed_may_not_be_missing() -> None:
    missing = case("server.create", {THE_SERVER: seen(None), THE_ACTION: seen(None)}, id="a")
    assert isinstance(verdict_of(missing), Running)
    verdict = verdict_of(replace(missing, was_present=True))
    assert isinstance(verdict, Failed)
    assert verdict.vanished


@pytest.mark.parametrize(("now", "over"), [(9.9, False), (10.1, True)])
def test_success_waits_a_while_for_the_record_of_the_action(now: float, over: bool) -> None:
    sights = {THE_SERVER: seen(server("ACTIVE")), THE_ACTION: seen(None)}
    verdict = verdict_of(case("server.change_password", sights, now=now, id="a"))
    assert isinstance(verdict, Succeeded if over else Running)


def test_finished_action_needs_one_more_read_of_the_server() -> None:
    record = action(("compute_stop_instance", "Success"))
    sights = {THE_SERVER: seen(server("ACTIVE"), 2.0), THE_ACTION: seen(record, 2.0)}
    assert isinstance(verdict_of(case("server.stop", sights, now=3, id="a")), Running)


@pytest.mark.parametrize(
    ("asked_at", "absences", "gone"),
    [(60.0, 1, True), (59.9, 1, False), (0.9, 2, True), (0.8, 2, False), (0.9, 1, False)],
)
def test_new_server_is_gone_after_two_reads_or_a_minute(
    asked_at: float, absences: int, gone: bool
) -> None:
    sights = {THE_SERVER: seen(None, asked_at), THE_ACTION: seen(None, asked_at)}
    missing = replace(case("server.create", sights, now=90, id="a"), absences=absences)
    assert isinstance(verdict_of(missing), Failed if gone else Running)


@pytest.mark.parametrize(("still_for", "over"), [(10.0, False), (10.1, True)])
def test_idle_server_fails_although_its_action_has_no_end(still_for: float, over: bool) -> None:
    record = action(("compute_stop_instance", None))
    sights = {THE_SERVER: seen(server("ACTIVE"), 3.0), THE_ACTION: seen(record, 2.0)}
    still = replace(case("server.stop", sights, now=30, id="a"), unchanged_for=still_for)
    assert isinstance(verdict_of(still), Failed if over else Running)


@pytest.mark.parametrize(("now", "told"), [(11.0, False), (11.1, True)])
def test_a_failure_waits_ten_seconds_for_what_explains_it(now: float, told: bool) -> None:
    verdict = verdict_of(
        case("server.create", {THE_SERVER: seen(server("ERROR"))}, now=now, id="a")
    )
    assert isinstance(verdict, Failed if told else Running)


@pytest.mark.parametrize("confirmed", [False, True])
def test_deleted_status_is_gone_but_not_for_a_deletion(
    confirmed: bool,
) -> None:
    known = {THE_SERVER: seen(server("DELETED"), confirmed=confirmed), THE_ACTION: seen(None)}
    vanished = verdict_of(case("server.stop", known, id="a"))
    assert isinstance(vanished, Failed)
    assert vanished.vanished
    assert verdict_of(case("server.delete", known, id="a")) == Running((THE_SERVER,))


@pytest.mark.parametrize(
    ("status", "is_step"), [("SHUTOFF", True), ("PAUSED", True), ("TELEPORTED", False)]
)
def test_a_standstill_in_a_status_of_no_step_says_so(status: str, is_step: bool) -> None:
    evidence = case("server.start", {THE_SERVER: seen(server(status), 100)}, now=300, id="a")
    verdict = verdict_of(replace(evidence, action_kind=None))
    assert isinstance(verdict, Failed)
    assert f"the server is in status {status} with nothing under way" in verdict.why
    assert verdict.why.endswith("no step of server.start") is not is_step
