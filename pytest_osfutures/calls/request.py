"""The values that a call's coroutine passes on: the request, a failed try, the result."""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pytest_osfutures.calls.context import ClientContext, Record
from pytest_osfutures.calls.recognise import Recognised
from pytest_osfutures.calls.submit import Submission, made_by, submit, submit_stamped
from pytest_osfutures.errors import InvalidArgument, OperationTimeout
from pytest_osfutures.operations import Succeeded
from pytest_osfutures.policy import Retry
from pytest_osfutures.ready import READY_TOUT, Condition
from pytest_osfutures.stamp import Stamp
from pytest_osfutures.transport import Exchange

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: The plain call, with its arguments.
Call = Callable[[], Any]
#: Seconds after which a request counts as unanswered where the try has no deadline of its own.
ANSWER_TIMEOUT = 600.0


class RetryDecision(enum.Enum):
    """The answer to a failed try."""

    GIVE_UP = "give up"
    AGAIN = "try again"
    #: An earlier try, whose answer was lost, has done what this try was refused for.
    DONE = "it is done already"


@dataclass(frozen=True, slots=True)
class Opinion:
    """The answer of a retry policy about one failure."""

    #: True for another try, False for none, None to leave it to the kind of failure.
    wanted: bool | None
    #: The error of a `retry_on` function that has raised; the call fails with it.
    broken: InvalidArgument | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed try."""

    #: What the plain call or the watch has raised.
    error: BaseException
    #: The last request of a plain call that raised; None if the failure came later or earlier.
    exchange: Exchange | None = None
    #: The resource of the try, which has to be undone.
    made: Submission | None = None
    #: The policy's opinion, once it was asked.
    opinion: Opinion | None = None
    #: The answer to the failure, once it was decided.
    decision: RetryDecision | None = None

    @property
    def is_busy(self) -> bool:
        """Return True if another operation on the resource was the reason."""
        return self.exchange is not None and self.exchange.busy

    @property
    def refused(self) -> str:
        """The name of the operation that a refused request would have started; "" if not known."""
        found = self.exchange.recognised if self.exchange is not None else None
        known = isinstance(found, Recognised) and found.operation
        return known[0].name if known else ""

    @property
    def unfinished(self) -> Submission | None:
        """Return the operation that has missed its deadline if nothing undoes it.

        The operation goes on in the cloud and may be done before the next try.
        """
        made = self.made
        if made is None or made.operation is None or made.operation.undo is not None:
            return None
        return made if isinstance(self.error, OperationTimeout) else None


@dataclass(frozen=True, slots=True)
class Completed:
    """The result of a call that has succeeded."""

    #: The accepted call; None if an earlier try, whose answer was lost, has done the work.
    submission: Submission | None = None
    #: The end of the operation; None if the call was done when it was answered.
    completion: Succeeded | None = None


@dataclass(frozen=True, slots=True)
class GaveUp:
    """The result of a call that has failed for good."""

    error: BaseException
    #: Why the call could not be undone, or why nobody knows; None if nothing of it is left.
    left: BaseException | None = None


@dataclass(frozen=True, slots=True)
class CallRequest:
    """A plain call, to be sent at each try."""

    context: ClientContext
    call: Call
    retry: Retry
    #: Seconds from the beginning of a try to its deadline; None for the operation's own.
    tout: float | None = None
    #: The stamp of the resources that the call creates; None if they carry none.
    stamp: Stamp | None = None
    #: The ledger's record of these resources.
    record: Record | None = None
    #: The condition under which the servers are usable, for which each try waits; None without.
    ready: Condition | None = None

    def ready_tout(self, began_at: float) -> float:
        """Return the seconds that are left of a try for the servers to become usable."""
        if self.tout is None:
            return READY_TOUT
        return began_at + self.tout - self.context.engine.clock.now()

    @property
    def patience(self) -> float:
        """Seconds that a request, or the wait for admission, may take."""
        return self.tout or ANSWER_TIMEOUT

    def submit(self, sent: list[Exchange] | None = None) -> Submission:
        """Make the call now, in this thread; `sent` gets the requests. Raises the call's errors."""
        if self.stamp is None:
            return submit(self.context, self.call, sent=sent)
        return submit_stamped(self.context, self.call, self.stamp, self.record, sent)

    def answer(self, sent: list[Exchange]) -> Submission | Failure:
        """Make the call now, in this thread, and return the submission or the failure."""
        try:
            return self.submit(sent)
        except BaseException as error:
            if (made := made_by(self.context, sent)) is not None:
                return Failure(error, made=made)  # one of several requests, and then it broke off
            return Failure(error, sent[-1] if sent else None)
