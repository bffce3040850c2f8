"""All errors of this package.

    OSFuturesError
    ├── InvalidArgument (ValueError)       an argument or option cannot be used
    ├── CloudUnreachableError              no answer, no OpenStack, or refused credentials
    ├── CriteriaError (AssertionError)     a measurement does not meet its criteria
    ├── EngineError                        the engine broke, was stopped, or runs in another process
    ├── ServerLimitReached                 the run has as many servers as it may have at a time
    ├── UnknownOperation (UserWarning)     a request may have started work that cannot be followed
    ├── RetryWarning (UserWarning)         an operation has succeeded only when tried again
    ├── UnwatchedWarning (UserWarning)     a failure of which nothing has asked for the result
    ├── CleanupError                       a resource could not be deleted
    └── OperationError                     an operation did not succeed
        ├── OperationFailed                the cloud reports the failure
        │   ├── ObjectCreationError        ... of an operation that creates a resource
        │   ├── ResourceVanished           the resource is gone, and this run did not delete it
        │   ├── QuotaExceeded              the project's quota does not allow the operation
        │   ├── UnusableAnswerError        the accepted request's answer does not name the resource
        │   └── AccessDeniedError          the cloud no longer allows reads of the resource
        ├── OperationTimeout (TimeoutError)    the operation's deadline has passed
        │   └── NotReady                   ... while its server was not usable (`ready=`)
        └── AmbiguousRequest               the request may or may not have reached the cloud

All errors can be pickled, and carry their details as attributes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Self, TypeVar

from pytest_osfutures.redaction import redact

Failure = TypeVar("Failure", bound=BaseException)


class OSFuturesError(Exception):
    """The root of all errors of this package. Their texts hide secrets."""

    def __str__(self) -> str:
        return redact(super().__str__())

    def __repr__(self) -> str:
        return redact(super().__repr__())


class InvalidArgument(OSFuturesError, ValueError):
    """An argument or an option cannot be used; the message names it and the accepted values."""


class CloudUnreachableError(OSFuturesError):
    """The cloud does not answer, answers like no OpenStack, or refuses the credentials."""


class CriteriaError(OSFuturesError, AssertionError):
    """A measurement (`osf.measure`) does not meet its criteria; the text has its table."""


class EngineError(OSFuturesError):
    """The engine broke, was stopped, or belongs to another process: no future ends any more."""


class ServerLimitReached(OSFuturesError):
    """The run has as many servers as `--os-max-servers` allows; one has to go first."""


class UnknownOperation(OSFuturesError, UserWarning):
    """A request may have started work that cannot be followed, so its future is done at once.

    A warning; with `osf.connect(..., unknown="error")` the future's error.
    """


class RetryWarning(OSFuturesError, UserWarning):
    """An operation of a test has succeeded only when it was tried again (`--os-retries`)."""


class UnwatchedWarning(OSFuturesError, UserWarning):
    """A future of a test has failed, and nothing asked for the result (`--os-unwatched`)."""


class CleanupError(OSFuturesError):
    """Resources could not be deleted.

    Args:
        text: The message.
        left: One line for each resource, with the reason.
    """

    def __init__(self, text: str, left: Sequence[str] = ()) -> None:
        super().__init__(text, tuple(left))
        self.left = tuple(left)

    def __str__(self) -> str:
        return redact(str(self.args[0]))


class StatusSample(NamedTuple):
    """The state of a resource at one moment, in seconds since 1970."""

    time: float
    status: str
    task_state: str | None = None


class Event(NamedTuple):
    """One event of a server's instance action; the cloud's policy may hide `details`.

    https://docs.openstack.org/api-ref/compute/#show-server-action-details
    """

    name: str
    result: str | None
    details: str | None = None


class Attempt(NamedTuple):
    """One failed try of a call with several tries; `seconds` is how long it took.

    A `busy` one was refused because another operation on the resource was under way.
    """

    number: int
    resource_id: str | None
    seconds: float
    why: str
    busy: bool = False


class Readiness(NamedTuple):
    """A condition of `ready=` that a server has not met."""

    #: The condition, like `tcp(22)`.
    condition: str
    #: The address that was tried last, and its kind; None without any.
    address: str | None
    #: The number of tries.
    tries: int
    #: The result of the last try.
    refusal: str | None


@dataclass(frozen=True)
class OperationDetails:
    """The known facts about an operation that has failed."""

    #: The operation's name, like `server.create`.
    operation: str = ""
    resource_id: str | None = None
    resource_name: str | None = None
    #: The cloud's id of the request, `req-...`.
    request_id: str | None = None
    #: The resource's last status, and its task state if the service has one.
    status: str | None = None
    task_state: str | None = None
    #: The seconds from the accepted request to the failure.
    seconds: float | None = None
    #: Nova's fault: `code`, `message` and perhaps `details`.
    fault: Mapping[str, Any] | None = None
    #: The events of the server's instance action.
    events: tuple[Event, ...] = ()
    #: Cinder's user messages about the request.
    messages: tuple[str, ...] = ()
    #: The states that were read, oldest first.
    history: tuple[StatusSample, ...] = ()
    #: The failed tries, oldest first.
    attempts: tuple[Attempt, ...] = ()
    #: The condition of `ready=` that the server has not met.
    readiness: Readiness | None = None
    #: The last lines of the server's console, if they were read.
    console: tuple[str, ...] = ()

    def title(self) -> str:
        """Return the operation and its resource: `server.create of 'web' (id)`."""
        name = f" of {self.resource_name!r}" if self.resource_name else ""
        ident = f" ({self.resource_id})" if self.resource_id else ""
        return f"{self.operation or 'the operation'}{name}{ident}"

    def lines(self) -> list[str]:
        """Return the evidence, one line for each piece."""
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
        lines += [f"console: {line}" for line in self.console]
        return lines


if TYPE_CHECKING:

    class _Detailed(OperationDetails, OSFuturesError):
        """An error with the fields of `OperationDetails`, for type checkers."""

else:
    _Detailed = OSFuturesError


class OperationError(_Detailed):
    """An operation that did not succeed.

    Each field of `OperationDetails` is an attribute of the error as well.

    Args:
        why: The reason, in one sentence.
        details: The known facts about the operation.

    Example:
        >>> import pytest_osfutures as osf
        >>> try:
        ...     raise osf.OperationFailed("no host", osf.OperationDetails("server.create", "7e3f"))
        ... except osf.OperationError as error:
        ...     print(error.resource_id, "|", error)
        7e3f | server.create (7e3f) failed: no host
    """

    verb = "failed"

    def __init__(self, why: str, details: OperationDetails | None = None) -> None:
        OSFuturesError.__init__(self, redact(why), details or OperationDetails())
        self.why: str = self.args[0]
        self.details: OperationDetails = self.args[1]
        vars(self).update(vars(self.details))

    def with_details(self, **changes: Any) -> Self:
        """Return a copy of the error with some details replaced."""
        other = type(self)(self.why, replace(self.details, **changes))
        other.__cause__ = self.__cause__
        return other

    def __str__(self) -> str:
        after = f" after {self.details.seconds:.1f} s" if self.details.seconds is not None else ""
        head = f"{self.details.title()} {self.verb}{after}: {self.why}"
        return redact("\n  ".join([head, *self.details.lines()]))


class OperationFailed(OperationError):
    """The cloud reports that the operation has failed."""


class ObjectCreationError(OperationFailed):
    """The cloud reports that the resource could not be created."""


class ResourceVanished(OperationFailed):
    """The resource is gone, although the operation does not delete it."""


class QuotaExceeded(OperationFailed):
    """The project's quota does not allow the operation."""


class UnusableAnswerError(OperationFailed):
    """The cloud accepted the request with an answer that does not name the new resource."""


class AccessDeniedError(OperationFailed):
    """The cloud refuses further reads of the resource (401 or 403)."""


class OperationTimeout(OperationError, TimeoutError):
    """The operation's own deadline (`tout`) has passed; the cloud may still be working on it."""

    verb = "timed out"


class NotReady(OperationTimeout):
    """The server did not become usable within the deadline; the message says how it was tried."""

    verb = "is not ready"


class AmbiguousRequest(OperationError):
    """The request may or may not have reached the cloud, and was not sent again."""

    verb = "has an unknown fate"


def without_frames(error: Failure) -> Failure:
    """Remove the tracebacks of `error` and of the errors that caused it; return `error`.

    pytest shows the arguments of each function of a traceback. The arguments of a client's
    functions are passwords, tokens and user data, which do not belong into a report.
    """
    seen: set[int] = set()
    each: BaseException | None = error
    while each is not None and id(each) not in seen:
        seen.add(id(each))
        each.__traceback__ = None
        each = each.__cause__ or each.__context__
    return error
