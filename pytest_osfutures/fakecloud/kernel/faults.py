"""Fault injection: rules that match requests or background operations."""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from random import Random
from typing import Any

from pytest_osfutures.fakecloud.kernel.numbers import parse_duration, parse_natural
from pytest_osfutures.fakecloud.kernel.patterns import pattern_error
from pytest_osfutures.fakecloud.kernel.resource import ResourceRecord
from pytest_osfutures.fakecloud.kernel.schedule import Schedule

REQUEST_EFFECTS = {
    "status": "answer with `status` (and `retry_after`), before or after the work is done",
    "cut": "close the connection without an answer, before or after the work is done",
    "delay": "answer `seconds` later",
    "stale": "answer lists as of `seconds` ago",
    "slow": "show resources that this request creates in lists only after `seconds`",
    "quota": "reject a POST as if the quota were used up",
    "expire": "revoke the token of the request and answer 401",
}
OPERATION_EFFECTS = {
    "error": "end in an error status, after `seconds` if given",
    "silent": "return to the old status; only the operation's own record shows the failure",
    "stuck": "stay in the last intermediate state, or in the one reached after `seconds`, for ever",
    "late": "take `seconds` longer",
}
#: Prefix of the operations of guests, which concern only rules that name an `operation`: a rule for
#: any operation is about the cloud's own work.
GUEST = "guest."

TEXTS = ("service", "method", "path", "action", "operation", "resource", "when", "message")
WHOLE = ("count", "skip", "status", "retry_after", "fired", "id")
NUMBERS = (*WHOLE, "probability", "after", "seconds")


@dataclass
class Fault:
    """One fault rule. A property that is None matches everything.

    Rules for requests (`REQUEST_EFFECTS`) look at `service`, `method`, `path` (a regular
    expression, searched in the path) and `action` (the key of an action's body). Rules for
    background operations (`OPERATION_EFFECTS`) look at `operation` (a name or a pattern:
    `server.*`) and `resource` (a regular expression, searched in the resource's name).

    A rule is in force from `after` seconds on. The first `skip` matches pass; then the rule fires
    with `probability`, at most `count` times.
    """

    effect: str  #: a key of `REQUEST_EFFECTS` or `OPERATION_EFFECTS`
    service: str | None = None  #: "compute", "block_storage", "image", "network" or "identity"
    method: str | None = None
    path: str | None = None
    action: str | None = None
    operation: str | None = None
    resource: str | None = None
    count: int | None = None  #: None: without limit
    probability: float = 1.0  #: from 0 to 1
    skip: int = 0
    after: float = 0.0  #: seconds
    when: str = "before"  #: "before" or "after" the handler has done its work
    status: int = 503  #: the HTTP status of the effect `status`
    message: str | None = None  #: the text of the error
    retry_after: int | None = None  #: the header Retry-After of the effect `status`, in seconds
    seconds: float | None = None  #: the meaning depends on `effect`
    fired: int = 0  #: how often the rule has fired
    id: int = field(default=0)  #: set by `Faults.add`

    def __post_init__(self) -> None:
        known = REQUEST_EFFECTS | OPERATION_EFFECTS
        if self.effect not in tuple(known):
            raise ValueError(f"there is no effect {self.effect!r}; known: {', '.join(known)}")
        self._check_types()
        if self.when not in ("before", "after"):
            raise ValueError(f"`when` must be 'before' or 'after', not {self.when!r}")
        if not 100 <= self.status <= 599:
            raise ValueError(f"`status` must be an HTTP status, not {self.status!r}")
        if self.seconds is None and self.effect in ("delay", "stale", "slow", "late"):
            raise ValueError(f"the effect {self.effect!r} needs `seconds`")
        for pattern in (self.path, self.resource):
            if (why := pattern_error(pattern or "")) is not None:
                raise ValueError(f"{pattern!r:.200} is no valid regular expression: {why}")

    def _check_types(self) -> None:
        for name in TEXTS:
            if not isinstance(getattr(self, name), str | None):
                raise TypeError(f"`{name}` must be a string, not {getattr(self, name)!r}")
        for name in NUMBERS:
            value = getattr(self, name)
            if value is None and name in ("count", "retry_after", "seconds"):
                continue
            number = parse_natural if name in WHOLE else parse_duration
            if isinstance(value, str) or number(value) is None:
                raise TypeError(f"`{name}` must be a number, 0 or greater, not {value!r:.100}")

    def matches_request(self, service: str, method: str, path: str, action: str | None) -> bool:
        """Return True if the rule is for requests and this request has all its properties."""
        return (
            self.effect in REQUEST_EFFECTS
            and self.service in (None, service)
            and (self.method is None or self.method.upper() == method)
            and re.search(self.path or "", path) is not None
            and self.action in (None, action)
        )

    def matches_operation(self, operation: str, resource_name: str) -> bool:
        """Return True if the rule is for operations and this operation has all its properties."""
        pattern = self.operation or ("" if operation.startswith(GUEST) else "*")
        return (
            self.effect in OPERATION_EFFECTS
            and fnmatchcase(operation, pattern)
            and re.search(self.resource or "", resource_name) is not None
        )

    def as_dict(self) -> dict[str, Any]:
        """Return the rule's fields as JSON-able values."""
        return asdict(self)


class Faults:
    """The fault rules of one cloud."""

    def __init__(self, schedule: Schedule, seed: int) -> None:
        self._schedule = schedule
        self._random = Random(f"{seed}:faults")
        self._rules: list[tuple[float, Fault]] = []
        self._last_id = 0

    def add(self, fault: Fault) -> Fault:
        """Add `fault`, in force from `fault.after` seconds on; return it with its id."""
        self._last_id += 1
        fault.id = self._last_id
        self._rules.append((self._schedule.now() + fault.after, fault))
        return fault

    def clear(self) -> None:
        """Remove all rules. Operations that have failed already stay failed."""
        self._rules.clear()

    def remove(self, fault_id: int) -> bool:
        """Remove the rule with that id; return False if there is none."""
        before = len(self._rules)
        self._rules = [(since, rule) for since, rule in self._rules if rule.id != fault_id]
        return len(self._rules) < before

    def all(self) -> list[Fault]:
        """Return all rules, with those that cannot fire any more."""
        return [fault for _, fault in self._rules]

    def on_request(self, service: str, method: str, path: str, action: str | None) -> list[Fault]:
        """Return the rules that fire on this request; count each as fired."""
        return [
            fault
            for since, fault in list(self._rules)
            if fault.matches_request(service, method, path, action) and self._fires(since, fault)
        ]

    def on_operation(self, operation: str, resource: ResourceRecord) -> Fault | None:
        """Return the first rule that fires on this background operation; count it as fired."""
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
