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
        for name in TEXTS:
            if not isinstance(getattr(self, name), str | None):
                raise TypeError(f"`{name}` is a text, not {getattr(self, name)!r}")
        for name in NUMBERS:
            value = getattr(self, name)
            optional = name in ("count", "retry_after", "seconds")
            number = natural if name in WHOLE else duration
            odd = isinstance(value, str) or number(value) is None
            if odd and not (value is None and optional):
                raise TypeError(f"`{name}` is a number from 0 on, not {value!r:.100}")
        if self.when not in ("before", "after"):
            raise ValueError(f"`when` is 'before' or 'after', not {self.when!r}")
        if not 100 <= self.status <= 599:
            raise ValueError(f"`status` is an HTTP status, not {self.status!r}")
        if self.seconds is None and self.effect in ("delay", "stale", "slow"):
            raise ValueError(f"the effect {self.effect!r} needs `seconds`")
        for pattern in (self.path, self.resource):
            if (why := why_unfit(pattern or "")) is not None:
                raise ValueError(f"{pattern!r:.200} is no regular expression: {why}")

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
            if fault.effect in REQUEST_EFFECTS
            and fault.service in (None, service)
            and (fault.method is None or fault.method.upper() == method)
            and (fault.path is None or re.search(fault.path, path))
            and fault.action in (None, action)
            and self._fires(since, fault)
        ]

    def on_operation(self, operation: str, resource: ResourceRecord) -> Fault | None:
        """The first rule that fires on this background operation, counted as fired."""
        for since, fault in list(self._rules):
            if (
                fault.effect in OPERATION_EFFECTS
                and (fault.operation is None or fnmatchcase(operation, fault.operation))
                and (fault.resource is None or re.search(fault.resource, resource.name or ""))
                and self._fires(since, fault)
            ):
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
