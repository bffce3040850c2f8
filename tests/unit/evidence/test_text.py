"""The text of evidence: short, without secrets, and without what the error has told."""

from __future__ import annotations

from dataclasses import replace

from pytest_osfutures.errors import Attempt, Event, ObjectCreationError, OperationDetails
from pytest_osfutures.errors import StatusSample as Sample
from pytest_osfutures.evidence import (
    ERROR,
    ActionEvidence,
    OperationEvidence,
    ResourceEvidence,
    Target,
    TestEvidence,
    details_of,
    facts_of,
    lines_of,
    text_of,
)
from pytest_osfutures.evidence.text import LONGEST_LINE, LONGEST_TEXT, SHOWN_LINES
from pytest_osfutures.operations import SERVER, VOLUME

WEB = Target(SERVER, "7e3f", "web", frozenset({"hunter2"}))
FAULT = {"code": 500, "message": "No valid host was found.", "details": "File x\npassword: y z"}
EVENT = Event("conductor_schedule", "Error", "no host")
BROKEN = ResourceEvidence(
    WEB,
    status="ERROR",
    fault=FAULT,
    actions=(ActionEvidence("create", "req-1", "2026-01-01T00:00:00", (EVENT,)),),
    console="\n".join(f"line {number} hunter2" for number in range(100)),
    gaps=("messages: no answer within 5 s",),
)
CREATED = OperationEvidence(
    "server.create",
    "failed after 3.0 s with ObjectCreationError",
    "7e3f",
    "web",
    "req-1",
    (Sample(0.0, "BUILD", "scheduling"), Sample(1.25, "BUILD", "spawning"), Sample(3.0, "ERROR")),
    (Attempt(1, "6666", 2.0, "went to ERROR"),),
    (f"{ERROR}no host for it",),
)
WHOLE = TestEvidence(("waiting since then for web",), (BROKEN,), (CREATED,), ("one more",))


def test_everything_that_is_known_is_told_in_order() -> None:
    lines = lines_of(WHOLE)
    assert lines[:14] == [
        "waiting since then for web",
        "server 'web' (7e3f): ERROR",
        "  server.create: failed after 3.0 s with ObjectCreationError",
        "    history: BUILD (scheduling) at 1970-01-01T00:00:00Z, "
        "BUILD (spawning) +1.2 s, ERROR +3.0 s",
        "    error: no host for it",
        "    request id req-1",
        "    try 1 (2.0 s): went to ERROR",
        "  fault 500: No valid host was found.",
        "  instance action create of 2026-01-01T00:00:00: failed",
        "    event conductor_schedule: Error: no host",
        "    request id req-1",
        "  console, the last 20 lines:",
        "    | line 80 ***",
        "    | line 81 ***",
    ]
    assert lines[-2:] == ["  messages: no answer within 5 s", "one more"]
    assert len([line for line in lines if "| line" in line]) == SHOWN_LINES


def test_lines_of_the_error_are_not_told_again() -> None:
    details = OperationDetails(
        "server.create",
        "7e3f",
        "web",
        "req-1",
        fault=FAULT,
        events=(EVENT,),
        attempts=CREATED.attempts,
    )
    shown = "\n".join(
        f"E   {line}" for line in str(ObjectCreationError("no host for it", details)).splitlines()
    )
    lines = [line.strip() for line in lines_of(WHOLE, shown)]
    for told in shown.splitlines()[1:]:
        assert told.removeprefix("E").strip() not in lines
    assert "error: no host for it" not in lines
    assert any(line.startswith("history: ") for line in lines)
    assert "server 'web' (7e3f): ERROR" in lines


def test_calls_without_a_resource_are_told_with_their_title() -> None:
    lines = lines_of(TestEvidence(operations=(CREATED,)))
    assert lines[0].startswith("server.create of 'web' (7e3f): failed after 3.0 s")
    assert "  error: no host for it" in lines


def test_states_are_told_in_words() -> None:
    target = Target(VOLUME, "1")
    cases = {
        "volume (1): does not exist": ResourceEvidence(target, exists=False),
        "volume (1): state unknown": ResourceEvidence(target),
        "volume (1): in-use": ResourceEvidence(target, status="in-use"),
        "server 'web' (7e3f): ACTIVE (deleting)": ResourceEvidence(
            WEB, status="ACTIVE", task_state="deleting"
        ),
    }
    assert [lines_of(TestEvidence(resources=(each,)))[0] for each in cases.values()] == [*cases]


def test_an_action_that_goes_on_and_an_empty_console() -> None:
    action = ActionEvidence("delete", "req-2", "then", (Event("terminate", None),))
    resource = ResourceEvidence(WEB, status="ACTIVE", actions=(action,), console="")
    assert lines_of(TestEvidence(resources=(resource,)))[1:] == [
        "  instance action delete of then: not finished",
        "    event terminate: not finished",
        "    request id req-2",
        "  console: empty",
    ]


def test_text_and_lines_are_bounded() -> None:
    long = replace(BROKEN, fault={"code": 500, "message": "x" * 9999})
    assert max(map(len, lines_of(TestEvidence(resources=(long,))))) == LONGEST_LINE
    text = text_of(TestEvidence(resources=(long,) * 200))
    assert len(text) < LONGEST_TEXT + 100
    assert "more characters" in text


def test_a_long_history_keeps_its_first_and_last_states() -> None:
    history = tuple(Sample(float(number), f"S{number}") for number in range(100))
    (line,) = [
        each
        for each in lines_of(TestEvidence(operations=(replace(CREATED, history=history),)))
        if "history" in each
    ]
    assert "S0 at 1970" in line
    assert ", ..., S80 +80.0 s" in line
    assert line.endswith("S99 +99.0 s")


def test_facts_are_one_line_for_each_resource_and_other_call() -> None:
    other = replace(CREATED, operation="volume.create", resource_id=None)
    facts = facts_of(TestEvidence(resources=(BROKEN,), operations=(CREATED, other)))
    assert list(facts) == ["server.7e3f", "volume.create.1"]
    assert facts["server.7e3f"].startswith("web; ERROR; fault 500: No valid host was found.; ")
    assert "request id req-1" in facts["server.7e3f"]
    assert "try 1 (2.0 s): went to ERROR" in facts["volume.create.1"]


def test_details_of_a_fault_hide_secrets() -> None:
    assert details_of(BROKEN) == "File x\npassword: ***"
    assert details_of(ResourceEvidence(WEB)) == ""


def test_secrets_of_calls_are_hidden_and_line_breaks_are_spaces() -> None:
    call = replace(CREATED, error=(f"{ERROR}no\n\thunter3 here",), secrets=frozenset({"hunter3"}))
    assert "  error: no *** here" in lines_of(TestEvidence(operations=(call,)))


def test_nothing_is_no_evidence() -> None:
    assert not TestEvidence()
    assert lines_of(TestEvidence()) == []
