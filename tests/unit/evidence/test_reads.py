"""The requests about resources: each fact has its own, and a refusal hurts no other fact."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from pytest_osfutures.clock import SystemClock
from pytest_osfutures.errors import Event
from pytest_osfutures.evidence import RESOURCES, ResourceEvidence, Target, gather
from pytest_osfutures.evidence.reads import ACTIONS, CONSOLE_SIZE, MESSAGES, with_answers
from pytest_osfutures.operations import BACKUP, IMAGE, KEYPAIR, PORT, SERVER, VOLUME
from tests.unit.api import answer

WEB = Target(SERVER, "7e3f", "web", frozenset({"hunter2-pass"}))
ACTION = {
    "action": "create",
    "request_id": "req-1",
    "start_time": "2026-01-01T00:00:01",
    "message": "Error",
}
EVENTS = [
    {"event": "done", "result": "Success", "start_time": "1"},
    {"event": "build", "result": "Error", "start_time": "2", "details": "no host"},
]
#: Answers by method and path.
HEALTHY: dict[str, Any] = {
    "GET /servers/7e3f": {"server": {"status": "ACTIVE", "OS-EXT-STS:task_state": None}},
    "GET /servers/7e3f/os-instance-actions": {"instanceActions": [ACTION]},
    "GET /servers/7e3f/os-instance-actions/req-1": {"instanceAction": {**ACTION, "events": EVENTS}},
    "POST /servers/7e3f/action": {"output": "boot\nlogin: "},
}


class Scripted:
    """A client that answers by method and path: a document, a status, or a function."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.sent: list[str] = []

    def send(self, method: str, service: str, path: str, body: Any, version: str = "") -> Any:
        self.sent.append(f"{method} {path}")
        found = self.answers.get(f"{method} {path}", 404)
        if isinstance(found, int):
            return answer(found, {"forbidden": {"code": found, "message": f"refused {path}"}})
        if callable(found):
            return found()
        return answer(200, found)


def asked(answers: dict[str, Any], *targets: Target) -> list[ResourceEvidence]:
    """Return the evidence about the targets from scripted answers."""
    api: Any = Scripted(answers)
    return gather(api, targets, SystemClock(), 30.0)


def test_a_server_is_told_with_state_failed_action_and_console() -> None:
    (found,) = asked(HEALTHY, WEB)
    assert (found.status, found.task_state, found.exists) == ("ACTIVE", None, True)
    (action,) = found.actions
    assert (action.action, action.request_id) == ("create", "req-1")
    assert action.events == (Event("build", "Error", "no host"),)
    assert found.console == "boot\nlogin:"
    assert found.gaps == ()


def test_a_fault_and_a_task_state_are_told() -> None:
    fault = {"code": 500, "message": "No valid host"}
    server = {"status": "ERROR", "OS-EXT-STS:task_state": "spawning", "fault": fault}
    (found,) = asked({**HEALTHY, "GET /servers/7e3f": {"server": server}}, WEB)
    assert (found.status, found.task_state, found.fault) == ("ERROR", "spawning", fault)


@pytest.mark.parametrize("path", HEALTHY)
@pytest.mark.parametrize("broken", [403, 500, {}, {"server": []}, lambda: 1 / 0])
def test_a_failed_read_hurts_its_own_fact_only(path: str, broken: Any) -> None:
    (found,) = asked({**HEALTHY, path: broken}, WEB)
    fact = {"GET /servers/7e3f": "state", "POST /servers/7e3f/action": "console"}
    (gap,) = found.gaps
    assert gap.startswith(f"{fact.get(path, 'instance actions')}: ")
    if broken == 403:
        assert f"(403: refused {path.split()[1]}" in gap
    known = [found.status == "ACTIVE", bool(found.actions), found.console == "boot\nlogin:"]
    assert known.count(True) == 2


def test_facts_that_fail_for_the_same_reason_share_a_line() -> None:
    late = {"gap": "no answer within 5 s"}
    answers = {"state": late, "instance actions": {"gap": "no"}, "console": late}
    assert with_answers(WEB, answers).gaps == (
        "state, console: no answer within 5 s",
        "instance actions: no",
    )


@pytest.mark.parametrize("state", [404, {"server": {"status": "DELETED"}}])
def test_a_resource_that_is_gone_has_no_gaps(state: Any) -> None:
    (found,) = asked({"GET /servers/7e3f": state}, WEB)
    assert not found.exists
    assert found.gaps == ()


def test_only_failed_actions_and_an_unfinished_newest_one_are_read() -> None:
    old = [{**ACTION, "request_id": f"req-{n}", "start_time": f"1{n}"} for n in range(9)]
    fine = {**ACTION, "request_id": "req-f", "start_time": "20", "message": None}
    newest = {**ACTION, "request_id": "req-n", "start_time": "30", "message": None}
    answers = {
        **HEALTHY,
        "GET /servers/7e3f/os-instance-actions": {"instanceActions": [*old, newest, fine]},
    }
    for each in old:
        answers[f"GET /servers/7e3f/os-instance-actions/{each['request_id']}"] = {
            "instanceAction": {**each, "events": EVENTS}
        }
    running = {**newest, "events": [{"event": "stop", "result": None}]}
    answers["GET /servers/7e3f/os-instance-actions/req-n"] = {"instanceAction": running}
    api = Scripted(answers)
    (found,) = gather(api, [WEB], SystemClock(), 30.0)  # type: ignore[arg-type]
    assert [each.request_id for each in found.actions] == ["req-7", "req-8", "req-n"]
    assert len([each for each in api.sent if "actions/" in each]) == ACTIONS
    done = {**newest, "events": [{"event": "stop", "result": "Success"}]}
    answers["GET /servers/7e3f/os-instance-actions/req-n"] = {"instanceAction": done}
    (found,) = asked(answers, WEB)
    assert [each.request_id for each in found.actions] == ["req-7", "req-8"]


def test_messages_of_cinder_are_told_oldest_first() -> None:
    told = [{"user_message": f"{n}", "created_at": f"2026-01-{n:02}"} for n in (3, 1, 2, 6, 5, 4)]
    disk = Target(VOLUME, "d")
    answers = {
        "GET /volumes/d": {"volume": {"status": "error"}},
        "GET /messages?resource_uuid=d": {"messages": [*told, told[0]]},
    }
    (found,) = asked(answers, disk)
    assert found.status == "error"
    assert found.messages == ("3", "4", "5", "6")
    assert MESSAGES == 5


@pytest.mark.parametrize(
    ("target", "path", "document", "status"),
    [
        (Target(IMAGE, "i"), "/images/i", {"status": "queued"}, "queued"),
        (Target(PORT, "p"), "/ports/p", {"port": {"status": "DOWN"}}, "DOWN"),
        (Target(KEYPAIR, "k"), "/os-keypairs/k", {"keypair": {"name": "k"}}, "exists"),
        (Target(BACKUP, "b"), "/backups/b", {"backup": {"status": "error"}}, "error"),
    ],
    ids=["image", "port", "keypair", "backup"],
)
def test_all_types_have_a_state(target: Target, path: str, document: Any, status: str) -> None:
    answers = {f"GET {path}": document, "GET /messages?resource_uuid=b": {"messages": []}}
    (found,) = asked(answers, target)
    assert (found.status, found.gaps) == (status, ())


def test_the_console_has_no_secrets_and_no_control_characters() -> None:
    output = (
        "\x1b[0;32m  OK  \x1b[0m Started\tit\r\nroot password is abc\r\n"
        "Set the following 'random' passwords\nubuntu:R4nd0m\nadmin hunter2-pass\x00\n"
    )
    (found,) = asked({**HEALTHY, "POST /servers/7e3f/action": {"output": output}}, WEB)
    assert found.console == (
        "  OK   Started  it\nroot password: ***\n"
        "Set the following 'random' passwords\nubuntu:***\nadmin ***?"
    )


def test_passwords_in_user_data_are_hidden_where_a_console_shows_them() -> None:
    data = "password: hunter3\nchpasswd:\n  list: |\n    root:hunter4\nlock_passwd: false"
    target = Target(SERVER, "7e3f", "web", frozenset({data}))
    output = "+ x hunter3\n+ y hunter4\nfalse"
    (found,) = asked({**HEALTHY, "POST /servers/7e3f/action": {"output": output}}, target)
    assert found.console == "+ x ***\n+ y ***\nfalse"


def test_a_long_console_keeps_its_end() -> None:
    output = "x" * CONSOLE_SIZE + "end"
    (found,) = asked({**HEALTHY, "POST /servers/7e3f/action": {"output": output}}, WEB)
    assert found.console is not None
    assert len(found.console) == CONSOLE_SIZE
    assert found.console.endswith("end")


def hanging(release: threading.Event) -> Callable[[], Any]:
    """Return an answer that does not come before `release` is set."""

    def hang() -> Any:
        release.wait(60)
        return answer(500)

    return hang


class Countdown(SystemClock):
    """A clock on which the deadline has passed after a number of looks."""

    def __init__(self, looks: int) -> None:
        self.looks = looks

    def now(self) -> float:
        self.looks -= 1
        return 0.0 if self.looks >= 0 else 1000.0


def test_what_hangs_is_a_gap_and_the_rest_is_told() -> None:
    release = threading.Event()
    many = [Target(SERVER, f"s{n}", secrets=WEB.secrets) for n in range(RESOURCES + 5)]
    answers: dict[str, Any] = {}
    for each in many:
        answers[f"GET /servers/{each.id}"] = {"server": {"status": "ACTIVE"}}
        answers[f"GET /servers/{each.id}/os-instance-actions"] = {"instanceActions": []}
        answers[f"POST /servers/{each.id}/action"] = hanging(release)
    api: Any = Scripted(answers)
    clock = Countdown(1 + 2 * RESOURCES)  # at the beginning, and before each answer that comes
    try:
        found = gather(api, many, clock)
    finally:
        release.set()
    assert [each.status for each in found] == ["ACTIVE"] * RESOURCES
    assert {each.gaps for each in found} == {("console: no answer within 5 s",)}


def test_nothing_is_asked_about_nothing() -> None:
    api = Scripted({})
    assert gather(api, [], SystemClock()) == []  # type: ignore[arg-type]
    assert api.sent == []
