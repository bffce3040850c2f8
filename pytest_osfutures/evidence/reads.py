"""The requests that ask the cloud about one resource. Each fact has a request of its own."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pytest_osfutures.errors import OSFuturesError
from pytest_osfutures.evidence.model import ActionEvidence, ResourceEvidence, Target
from pytest_osfutures.operations import SERVER, Body, events
from pytest_osfutures.parsing import mappings, printable
from pytest_osfutures.redaction import redact_log, secrets_in_text
from pytest_osfutures.transport import ApiClient, error_message, is_missing, is_success

#: Lines of a console that are read.
CONSOLE_LINES = 200
#: Characters of a console that are kept, from its end.
CONSOLE_SIZE = 32_768
#: Instance actions of a server whose events are read, from the newest.
ACTIONS = 3
#: Messages of Cinder that are kept, from the newest.
MESSAGES = 5
#: Names of the facts, the quickest first.
FACTS = ("state", "instance actions", "messages", "console")
#: Sequences that move the cursor of a terminal or change its colours.
_TERMINAL = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|[()#].|[=>78cDEHM])")
#: Reads one fact about a resource, and returns the changes of its evidence.
Read = Callable[[ApiClient, Target], Mapping[str, Any]]


class RefusedReadError(OSFuturesError):
    """The cloud does not show a fact; the text is the reason."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(f"{status}: {text}")
        self.status = status


def reads_of(target: Target) -> dict[str, Read]:
    """Return the reads of a resource, by the names of the facts."""
    reads: dict[str, Read] = {"state": _state}
    if target.type is SERVER:
        reads.update({"instance actions": _actions, "console": _console})
    if target.type.explained_by is not None:
        reads["messages"] = _messages
    return reads


def read(api: ApiClient, target: Target, fact: str) -> Mapping[str, Any]:
    """Read one fact about a resource; return the changes of its evidence. Raises nothing."""
    try:
        return reads_of(target)[fact](api, target)
    except RefusedReadError as error:
        return {"gap": f"the cloud does not show it ({error})"}
    except Exception as error:  # no answer, no token, or an answer of another shape
        words = " ".join(f"{type(error).__name__}: {error}".split())
        return {"gap": f"not readable ({words})"}


def with_answers(target: Target, answers: Mapping[str, Mapping[str, Any]]) -> ResourceEvidence:
    """Return the evidence of a resource from the answers to its reads, by facts."""
    found = ResourceEvidence(target)
    gaps: dict[str, list[str]] = {}
    for fact, changes in answers.items():
        if "gap" in changes:
            gaps.setdefault(changes["gap"], []).append(fact)
        else:
            found = replace(found, **changes)
    if not found.exists:  # then nothing else about the resource can be read, either
        return found
    return replace(found, gaps=tuple(f"{', '.join(facts)}: {why}" for why, facts in gaps.items()))


def _get(api: ApiClient, target: Target, path: str, version: str) -> Any:
    return _document(api.send("GET", target.type.service, path, None, version))


def _document(response: Any) -> Any:
    """Return the document of an answer. Raises RefusedReadError."""
    if not is_success(response.status_code):
        raise RefusedReadError(response.status_code, error_message(response))
    return response.json()


def _state(api: ApiClient, target: Target) -> Mapping[str, Any]:
    kind = target.type
    try:
        document = _get(api, target, kind.ref(id=target.id).path, kind.version)
    except RefusedReadError as error:
        if is_missing(error.status):
            return {"exists": False}
        raise
    body: Body = document[kind.member] if kind.member else document
    status = printable(body.get(kind.status)) if kind.status else "exists"
    if status in kind.gone:
        return {"exists": False}
    task_state = body.get(kind.task_state) if kind.task_state else None
    fault = body.get("fault")
    return {
        "status": status,
        "task_state": printable(task_state) or None,
        "fault": fault if isinstance(fault, Mapping) else None,
    }


def _actions(api: ApiClient, target: Target) -> Mapping[str, Any]:
    path = f"/servers/{target.id}/os-instance-actions"
    listed = mappings(_get(api, target, path, "latest")["instanceActions"])
    return {"actions": tuple(_explaining(api, target, listed))}


def _explaining(api: ApiClient, target: Target, listed: list[Body]) -> Iterator[ActionEvidence]:
    """Yield the newest actions that have failed, and the newest one if it is not finished."""
    newest = sorted(listed, key=lambda each: str(each.get("start_time") or ""), reverse=True)
    chosen = [each for number, each in enumerate(newest) if number == 0 or each.get("message")]
    for each in reversed(chosen[:ACTIONS]):
        request_id = printable(each.get("request_id"))
        path = f"/servers/{target.id}/os-instance-actions/{request_id}"
        shown = _get(api, target, path, "latest")["instanceAction"]
        unhappy = tuple(event for event in events(shown) if event.result != "Success")
        if unhappy or each.get("message"):
            yield ActionEvidence(
                printable(each.get("action")),
                request_id,
                printable(each.get("start_time")),
                unhappy,
            )


def _messages(api: ApiClient, target: Target) -> Mapping[str, Any]:
    path = f"/messages?resource_uuid={target.id}"
    listed = mappings(_get(api, target, path, "latest")["messages"])
    oldest = sorted(listed, key=lambda each: str(each.get("created_at") or ""))[-MESSAGES:]
    return {"messages": tuple(dict.fromkeys(printable(each["user_message"]) for each in oldest))}


def _console(api: ApiClient, target: Target) -> Mapping[str, Any]:
    """Read the end of a server's console.

    https://docs.openstack.org/api-ref/compute/#show-console-output-os-getconsoleoutput-action
    """
    action = {"os-getConsoleOutput": {"length": CONSOLE_LINES}}
    answer = api.send("POST", target.type.service, f"/servers/{target.id}/action", action)
    output = _document(answer)["output"]
    text = _TERMINAL.sub("", str(output or "")[-CONSOLE_SIZE:])
    inner = {value for secret in target.secrets for value in secrets_in_text(secret)}
    text = redact_log("\n".join(text.splitlines()), target.secrets | inner)
    lines = [printable(line.expandtabs()).rstrip() for line in text.split("\n")]
    return {"console": "\n".join(lines).strip("\n")}
