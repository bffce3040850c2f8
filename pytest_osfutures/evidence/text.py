"""The evidence about a test as text, for reports and files."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from pytest_osfutures.errors import OperationDetails, StatusSample
from pytest_osfutures.evidence.model import (
    ActionEvidence,
    OperationEvidence,
    ResourceEvidence,
    TestEvidence,
)
from pytest_osfutures.parsing import printable
from pytest_osfutures.redaction import redact, redact_log
from pytest_osfutures.reports import counted_text, kind_of

#: Lines of a console in a report; the files have more.
SHOWN_LINES = 20
#: Longest line in characters.
LONGEST_LINE = 500
#: Longest text of a report in characters.
LONGEST_TEXT = 20_000
#: States of a history that are shown, from the newest.
SHOWN_STATES = 20
#: Calls in a report that are told in full if they have failed for reasons of one kind.
SHOWN_ALIKE = 3
INDENT = "  "
_NO_WORD = re.compile(r"[^\w.]+")
_BREAKS = re.compile(r"[\r\n\t]+")
#: Beginning of the line with the reason of a failed operation.
ERROR = "error: "


def lines_of(evidence: TestEvidence, shown: str = "", most: int = sys.maxsize) -> list[str]:
    """Return the evidence as lines of text without secrets.

    Args:
        evidence: the evidence.
        shown: the text of the test's error. Facts that it has already are left out.
        most: number of calls that are told in full if they have failed for reasons of one kind.
    """
    secrets = _secrets(evidence)
    lines = [_line(each, secrets) for each in _lines(evidence, most)]
    told = [each.removeprefix("E").strip() for each in shown.splitlines()]
    return [each for each in lines if not _is_told(each, told)]


def _is_told(line: str, told: list[str]) -> bool:
    """Return True for a fact that has a line of the error's text, or ends its first line."""
    fact = line.strip().removeprefix(ERROR)
    return any(each == fact or each.endswith(f": {fact}") for each in told)


def text_of(evidence: TestEvidence, shown: str = "") -> str:
    """Return the evidence for a report, cut to `LONGEST_TEXT` characters."""
    text = "\n".join(lines_of(evidence, shown, SHOWN_ALIKE))
    if len(text) <= LONGEST_TEXT:
        return text
    return f"{text[:LONGEST_TEXT]}\n... ({len(text) - LONGEST_TEXT} more characters)"


def facts_of(evidence: TestEvidence) -> dict[str, str]:
    """Return one line about each resource, and about each call whose resource was not read.

    The keys are `server.ID` for a resource, and `server.create.NUMBER` for a call.
    """
    found: dict[str, list[str]] = {}
    secrets = _secrets(evidence)
    for resource in evidence.resources:
        target = resource.target
        facts = [target.name or "no name", _state(resource), *_facts(resource), *resource.gaps]
        calls = [line for each in _calls_of(evidence, target.id) for line in _operation(each)]
        found[f"{_NO_WORD.sub('_', target.type.name)}.{target.id}"] = [*facts, *calls]
    for number, operation in enumerate(_other_calls(evidence), 1):
        name = _NO_WORD.sub("_", operation.operation)
        found[f"{name}.{number}"] = list(_operation(operation, titled=True))
    return {name: _line("; ".join(map(str.strip, facts)), secrets) for name, facts in found.items()}


def details_of(resource: ResourceEvidence) -> str:
    """Return the details of a fault, which the cloud shows to administrators; empty without any."""
    details = str((resource.fault or {}).get("details") or "")[:LONGEST_TEXT]
    return redact_log(details, resource.target.secrets)


def _secrets(evidence: TestEvidence) -> set[str]:
    of_resources = (each.target.secrets for each in evidence.resources)
    of_calls = (each.secrets for each in evidence.operations)
    return set().union(*of_resources, *of_calls)


def _line(text: str, secrets: Iterable[str]) -> str:
    return redact(printable(_BREAKS.sub(" ", text)), secrets)[:LONGEST_LINE]


def _calls_of(evidence: TestEvidence, resource_id: str) -> list[OperationEvidence]:
    return [each for each in evidence.operations if each.resource_id == resource_id]


def _other_calls(evidence: TestEvidence) -> list[OperationEvidence]:
    """Return the calls whose resource was not read."""
    read = {each.target.id for each in evidence.resources}
    return [each for each in evidence.operations if each.resource_id not in read]


def _lines(evidence: TestEvidence, most: int) -> Iterator[str]:
    yield from evidence.waits
    for resource in evidence.resources:
        yield f"{resource.target}: {_state(resource)}"
        for each in _calls_of(evidence, resource.target.id):
            yield from _indented(_operation(each))
        yield from _indented(_facts(resource))
        yield from _indented(_console(resource))
        yield from _indented(resource.gaps)
    kinds: Counter[str] = Counter()
    for each in _other_calls(evidence):
        why = each.error[0].removeprefix(ERROR) if each.error else ""
        kind = kind_of(f"{each.operation}: {why}") if why else ""
        kinds[kind] += 1
        if not kind or kinds[kind] <= most:
            yield from _operation(each, titled=True)
    more = ((kind, count - most) for kind, count in kinds.items() if kind and count > most)
    yield from (f"and {counted_text(kind, count)}" for kind, count in more)
    yield from evidence.notes


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (INDENT + line for line in lines)


def _state(resource: ResourceEvidence) -> str:
    if not resource.exists:
        return "does not exist"
    if resource.status is None:
        return "state unknown"
    return _word(resource.status, resource.task_state)


def _word(status: str, task_state: str | None) -> str:
    return f"{status} ({task_state})" if task_state else status


def _facts(resource: ResourceEvidence) -> Iterator[str]:
    """Yield the lines about a resource but its console, in the words of errors of operations."""
    details = OperationDetails(fault=resource.fault, messages=resource.messages)
    yield from details.lines()
    for action in resource.actions:
        yield from _action(action)


def _action(action: ActionEvidence) -> Iterator[str]:
    goes_on = any(each.result is None for each in action.events)
    yield (
        f"instance action {action.action} of {action.started}: "
        f"{'not finished' if goes_on else 'failed'}"
    )
    yield from _indented(OperationDetails(events=action.events).lines())
    yield f"{INDENT}request id {action.request_id}"


def _operation(operation: OperationEvidence, titled: bool = False) -> Iterator[str]:
    details = OperationDetails(
        operation.operation,
        operation.resource_id if titled else None,
        operation.resource_name if titled else None,
        operation.request_id,
        attempts=operation.attempts,
    )
    yield f"{details.title()}: {operation.state}"
    if operation.history:
        yield f"{INDENT}history: {_history(operation.history)}"
    yield from _indented(dict.fromkeys([*operation.error, *details.lines()]))


def _history(history: tuple[StatusSample, ...]) -> str:
    """Return states with their times: the first as a date, the others in seconds after it."""
    first = history[0]
    texts = [f"{_word(first.status, first.task_state)} at {_date(first.time)}"]
    for each in history[1:]:
        after = each.time - first.time
        texts.append(f"{_word(each.status, each.task_state)} +{after:.1f} s")
    if len(texts) > SHOWN_STATES:
        texts = [texts[0], "...", *texts[-SHOWN_STATES:]]
    return ", ".join(texts)


def _date(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _console(resource: ResourceEvidence) -> Iterator[str]:
    if resource.console is None:
        return
    lines = resource.console.split("\n") if resource.console else []
    if not lines:
        yield "console: empty"
        return
    shown = lines[-SHOWN_LINES:]
    yield f"console, the last {len(shown)} lines:"
    yield from (f"{INDENT}| {line}" for line in shown)
