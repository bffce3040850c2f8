"""What goes wrong on demand: rules that match requests or background operations."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Any

from pytest_osfutures.fakecloud.kernel.numbers import duration, natural
from pytest_osfutures.fakecloud.kernel.patterns import why_unfit
from pytest_osfutures.fakecloud.kernel.resource import ResourceRecord
from pytest_osfutures.fakecloud.kernel.schedule import Schedule

REQUEST_EFFECTS = {
    "status": "answer with `status` (and `retry_after`), before or after the work is done",
    "cut": "close the connection without an answer, before or after the work is done",
    "delay": "answer `seconds` later",
    "stale": "answer lists as of `seconds` ago",
    "slow": "show what this request makes in lists only after `seconds`",
    "quota": "refuse a POST as if the quota were used up",
    "expire": "let the token of the request expire and answer 401",
}
OPERATION_EFFECTS = {
    "error": "end in an error status, after `seconds` if given",
    "silent": "fall back to the old status; only the operation's own record tells of it",
    "stuck": "stay in the last intermediate state, or in the one reached after `seconds`, for ever",
}

TEXTS = ("service", "method", "path", "action", "operation", "resource", "when", "message")
WHOLE = ("count", "skip", "status", "retry_after", "fired", "id")
NUMBERS = (*WHOLE, "probability", "after", "seconds")


@dataclass
class Fault:
    """One rule. What it does not name matches everything; `effect` decides what it looks at.

    On requests (`REQUEST_EFFECTS`): `service`, `method`, `path` (a regular expression searched in
    the path) and `action` (the key of an action's body). On background operations
    (`OPERATION_EFFECTS`): `operation` (a name or pattern: `server.*`) and `resource` (a regular
    expression searched in the resource's name). The first `skip` matches pass, then the rule fires
    with `probability` at most `count` times. It holds from `after` seconds on.
    """

    effect: str
    service: str | None = None
    method: str | None = None
    path: str | None = None
    action: str | None = None
    operation: str | None = None
    resource: str | None = None
    count: int | None = None
    probability: float = 1.0
    skip: int = 0
    after: float = 0.0
    when: str = "before"
    status: int = 503
    message: str | None = None
    retry_after: int | None = None
    seconds: float | None = None
    fired: int = 0
    id: int = field(default=0)

    def __post_init__(self) -> None:
        known = REQUEST_EFFECTS | OPERATION_EFFECTS
        if self.effect not in tuple(known):
            raise ValueError(f"there is no effect {self.effect!r}; known: {', '.join(known)}")
        self._check_types()
        if self.when not in ("before", "after"):
            raise ValueError(f"`when` is 'before' or 'after', not {self.when!r}")
        if not 100 <= self.status <= 599:
            raise ValueError(f"`status` is an HTTP status, not {self.status!r}")
        if self.seconds is None and self.effect in ("delay", "stale", "slow"):
            raise ValueError(f"the effect {self.effect!r} needs `seconds`")
        for pattern in (self.path, self.resource):
            if (why := why_unfit(pattern or "")) is not None:
                raise ValueError(f"{pattern!r:.200} is no regular expression: {why}")

    def _check_types(self) -> None:
        for name in TEXTS:
            if not isinstance(getattr(self, name), str | None):
                raise TypeError(f"`{name}` is a text, not {getattr(self, name)!r}")
        for name in NUMBERS:
            value = getattr(self, name)
            if value is None and name in ("count", "retry_after", "seconds"):
                continue
            number = natural if name in WHOLE else duration
            if isinstance(value, str) or number(value) is None:
                raise TypeError(f"`{name}` is a number from 0 on, not {value!r:.100}")

    def matches_request(self, service: str, method: str, path: str, action: str | None) -> bool:
        """Return True if the rule is for requests and this request has all its properties."""
        return (
            self.effect in REQUEST_EFFECTS
            and self.service in (None, service)
            and (self.method or method).upper() == method
            and re.search(self.path or "", path) is not None
            and self.action in (None, action)
        )

    def matches_operation(self, operation: str, resource_name: str) -> bool:
        """Return True if the rule is for operations and this operation has all its properties."""
        return (
            self.effect in OPERATION_EFFECTS
            and fnmatchcase(operation, self.operation or "*")
            and re.search(self.resource or "", resource_name) is not None
        )

    def as_dict(self) -> dict[str, Any]:
        """The rule as JSON-able values."""
        return asdict(self)


class Faults:
    """The rules that hold now, and what they do to the answer that is being made."""

    def __init__(self, schedule: Schedule, seed: int) -> None:
        self._schedule = schedule
        self._random = Random(f"{seed}:faults")
        self._rules: list[tuple[float, Fault]] = []
        self._last_id = 0

    def add(self, fault: Fault) -> Fault:
        """Let `fault` hold from now on, or from `fault.after` seconds on."""
        self._last_id += 1
        fault.id = self._last_id
        self._rules.append((self._schedule.now() + fault.after, fault))
        return fault

    def clear(self) -> None:
        """No rule holds any more. What has gone wrong already stays so."""
        self._rules.clear()

    def remove(self, fault_id: int) -> bool:
        """Take one rule away; False if there is none with that id."""
        before = len(self._rules)
        self._rules = [(since, rule) for since, rule in self._rules if rule.id != fault_id]
        return len(self._rules) < before

    def all(self) -> list[Fault]:
        """The rules, those that are used up as well."""
        return [fault for _, fault in self._rules]

    def on_request(self, service: str, method: str, path: str, action: str | None) -> list[Fault]:
        """The rules that fire on this request, each counted as fired."""
        return [
            fault
            for since, fault in list(self._rules)
            if fault.matches_request(service, method, path, action) and self._fires(since, fault)
        ]

    def on_operation(self, operation: str, resource: ResourceRecord) -> Fault | None:
        """The first rule that fires on this background operation, counted as fired."""
        for since, fault in list(self._rules):
            matches = fault.matches_operation(operation, resource.name or "")
            if matches and self._fires(since, fault):
                return fault
        return None

    def _fires(self, since: float, fault: Fault) -> bool:
        if self._schedule.now() < since:
            return False
        if fault.count is not None and fault.fired >= fault.count:
            return False
        if fault.skip > 0:
            fault.skip -= 1
            return False
        if fault.probability < 1.0 and self._random.random() >= fault.probability:
            return False
        fault.fired += 1
        return True
