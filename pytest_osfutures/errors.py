"""Everything this package raises.

    OSFuturesError
    ├── InvalidArgument (ValueError)       an argument or option cannot be used
    ├── CloudUnreachableError              no answer, no OpenStack, or refused credentials
    ├── EngineError                        the engine broke, was stopped, or runs in another process
    ├── ServerLimitReached                 the run has as many servers as it may have at a time
    ├── UnknownOperation (UserWarning)     a request may have started work that cannot be followed
    ├── CleanupError                       a resource could not be deleted
    └── OperationError                     an operation did not succeed
        ├── OperationFailed                the cloud reports the failure
        │   ├── ObjectCreationError        ... of an operation that creates a resource
        │   ├── ResourceVanished           the resource is gone, and this run did not delete it
        │   ├── QuotaExceeded              the project's quota does not allow the operation
        │   ├── UnusableAnswerError        the accepted request's answer does not name the resource
        │   └── AccessDeniedError          the cloud no longer allows reads of the resource
        ├── OperationTimeout (TimeoutError)    the operation's deadline has passed
        └── AmbiguousRequest               the request may or may not have reached the cloud

All of them can be pickled, and carry their details as attributes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, NamedTuple, Self, TypeVar

from pytest_osfutures.redaction import redact

Failure = TypeVar("Failure", bound=BaseException)


class OSFuturesError(Exception):
    """The root of all errors of this package. What they print has no secrets."""

    def __str__(self) -> str:
        return redact(super().__str__())

    def __repr__(self) -> str:
        return redact(super().__repr__())


class InvalidArgument(OSFuturesError, ValueError):
    """Something that was given cannot be used; the text names it and what would do."""


class CloudUnreachableError(OSFuturesError):
    """The cloud does not answer, or does not accept the credentials."""


class EngineError(OSFuturesError):
    """The engine is not there to finish the operation."""


class ServerLimitReached(OSFuturesError):
    """The run may not have another server now: it has to wait for one of its own to go."""


class UnknownOperation(OSFuturesError, UserWarning):
    """A request may have started work that cannot be followed; its future is done at once.

    A warning, or the future's error where `unknown="error"` was asked for.
    """


class CleanupError(OSFuturesError):
    """Something that should be gone is still there; `left` names each with its reason."""

    def __init__(self, text: str, left: Sequence[str] = ()) -> None:
        super().__init__(text, tuple(left))
        self.left = tuple(left)

    def __str__(self) -> str:
        return redact(str(self.args[0]))


class StatusSample(NamedTuple):
    """What a resource looked like at one moment (seconds since 1970)."""

    time: float
    status: str
    task_state: str | None = None


class Event(NamedTuple):
    """One event of a server's instance action, as far as the cloud's policy shows it."""

    name: str
    result: str | None
    details: str | None = None


class Attempt(NamedTuple):
    """One try of an operation that was tried more than once."""

    number: int
    resource_id: str | None
    seconds: float
    why: str


@dataclass(frozen=True)
class OperationDetails:
    """What is known about an operation when it ends badly."""

    operation: str = ""
    resource_id: str | None = None
    resource_name: str | None = None
    request_id: str | None = None
    status: str | None = None
    task_state: str | None = None
    seconds: float | None = None
    fault: Mapping[str, Any] | None = None
    events: tuple[Event, ...] = ()
    messages: tuple[str, ...] = ()
    history: tuple[StatusSample, ...] = ()
    attempts: tuple[Attempt, ...] = ()

    def title(self) -> str:
        """The operation and its resource in a few words."""
        name = f" of {self.resource_name!r}" if self.resource_name else ""
        ident = f" ({self.resource_id})" if self.resource_id else ""
        return f"{self.operation or 'the operation'}{name}{ident}"

    def lines(self) -> list[str]:
        """The evidence, a line each."""
        lines = []
        if self.status is not None:
            lines.append(f"last seen: status {self.status}, task_state {self.task_state}")
        if self.fault:
            text = str(self.fault.get("message", "")).strip()
            lines.append(f"fault {self.fault.get('code', '?')}: {text}")
        for event in self.events:
            details = f": {event.details}" if event.details else ""
            lines.append(f"event {event.name}: {event.result or 'not finished'}{details}")
        lines += [f"message of the cloud: {message}" for message in self.messages]
        if self.request_id:
            lines.append(f"request id {self.request_id}")
        for attempt in self.attempts:
            lines.append(f"try {attempt.number} ({attempt.seconds:.1f} s): {attempt.why}")
        return lines


class OperationError(OSFuturesError):
    """An operation did not end as it should; `why` is the reason in one sentence.

    Every field of `OperationDetails` is an attribute of the error as well.
    """

    verb = "failed"

    operation: str
    resource_id: str | None
    resource_name: str | None
    request_id: str | None
    status: str | None
    task_state: str | None
    seconds: float | None
    fault: Mapping[str, Any] | None
    events: tuple[Event, ...]
    messages: tuple[str, ...]
    history: tuple[StatusSample, ...]
    attempts: tuple[Attempt, ...]

    def __init__(self, why: str, details: OperationDetails | None = None) -> None:
        super().__init__(redact(why), details or OperationDetails())
        self.why: str = self.args[0]
        self.details: OperationDetails = self.args[1]
        for each in fields(OperationDetails):
            setattr(self, each.name, getattr(self.details, each.name))

    def with_details(self, **changes: Any) -> Self:
        """The same error with some details replaced."""
        other = type(self)(self.why, replace(self.details, **changes))
        other.__cause__ = self.__cause__
        return other

    def __str__(self) -> str:
        after = f" after {self.details.seconds:.1f} s" if self.details.seconds is not None else ""
        head = f"{self.details.title()} {self.verb}{after}: {self.why}"
        return redact("\n  ".join([head, *self.details.lines()]))


class OperationFailed(OperationError):
    """The cloud ended the operation without its success."""


class ObjectCreationError(OperationFailed):
    """What was to be created did not come to life."""


class ResourceVanished(OperationFailed):
    """The resource is gone although this operation does not delete it."""


class QuotaExceeded(OperationFailed):
    """The project's quota does not allow it."""


class UnusableAnswerError(OperationFailed):
    """The cloud accepted the request, and its answer does not name the resource."""


class AccessDeniedError(OperationFailed):
    """The cloud refuses to be asked about the resource any longer."""


class OperationTimeout(OperationError, TimeoutError):
    """The operation's own deadline (`tout`) has passed; in the cloud it may still go on."""

    verb = "timed out"


class AmbiguousRequest(OperationError):
    """The request may or may not have reached the cloud, and it was not sent again."""

    verb = "has an unknown fate"


def without_frames(error: Failure) -> Failure:
    """The same error with no traceback, and none of what it came of.

    pytest shows the arguments of each function in a traceback. Those of a client's functions are
    passwords, tokens, user data: nothing for a report.
    """
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        each.__traceback__ = None
        each = each.__cause__ or each.__context__
    return error
