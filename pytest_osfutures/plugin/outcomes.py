"""Retries and unwatched failures, of which the test that needed the resource is told.

A failure is unwatched if no user has asked for the result of any future that has failed with it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary, WeakSet

from pytest_osfutures.errors import Attempt, OperationDetails, OperationError
from pytest_osfutures.futures import OperationFuture, error_of, is_taken, refused_operation
from pytest_osfutures.reports import counted_reasons

AnyFuture = OperationFuture[Any]


@dataclass
class Purpose:
    """The purpose of a future. Futures that end alike share it."""

    #: The id of the test, class, module or session whose code may still ask for the result.
    keeper: str
    #: The id of the test that needed the resource.
    test: str
    #: True while no fixture has asked for the resource of a coming test.
    is_ahead: bool = False


@dataclass(frozen=True)
class Finding:
    """Retries or unwatched failures of one test and one operation."""

    test: str
    operation: str
    #: The names of the resources, or their ids; "" where neither is known.
    resources: tuple[str, ...]
    #: The reasons, each with the number of failures.
    reasons: tuple[tuple[str, int], ...]

    def retry_sentence(self) -> str:
        """Return the sentence of a warning about retries.

        Example:
            >>> found = Finding("test_a", "server.create", ("'web'",), (("No valid host", 2),))
            >>> found.retry_sentence()
            "server.create of 'web' succeeded only when tried again: No valid host (2 x)"
        """
        return f"{self._subject} succeeded only when tried again: {self._reasons}"

    def unwatched_sentence(self) -> str:
        """Return the sentence of a warning about failures.

        Example:
            >>> found = Finding("test_a", "server.create", ("", ""), (("No valid host", 2),))
            >>> found.unwatched_sentence()
            '2 x server.create failed, and nothing asked for the results: No valid host (2 x)'
        """
        whose = "the result" if len(self.resources) == 1 else "the results"
        return f"{self._subject} failed, and nothing asked for {whose}: {self._reasons}"

    @property
    def _subject(self) -> str:
        name = self.operation or "a call"
        if len(self.resources) > 1:
            return f"{len(self.resources)} x {name}"
        return " of ".join([name, *filter(None, self.resources)])

    @property
    def _reasons(self) -> str:
        return "; ".join(f"{why} ({count} x)" for why, count in self.reasons)


class Outcomes:
    """The retries and failures of futures, until their tests are told. Safe in any thread.

    Args:
        test: returns the id of the running test; "" outside of tests.
    """

    def __init__(self, test: Callable[[], str]) -> None:
        self._test = test
        #: The ids of the nodes whose fixtures are being set up, the innermost last.
        self.fixture_nodes: list[str] = []
        self._purposes: WeakKeyDictionary[AnyFuture, Purpose] = WeakKeyDictionary()
        #: The failed tries of lookahead before a future.
        self._earlier: WeakKeyDictionary[AnyFuture, tuple[Attempt, ...]] = WeakKeyDictionary()
        #: Futures without a call of their own.
        self._derived: WeakSet[AnyFuture] = WeakSet()
        #: Futures whose failures other futures hand on.
        self._handed_on: WeakSet[AnyFuture] = WeakSet()
        #: Futures that were not done when they were undone, or when their keeper ended.
        self._abandoned: WeakSet[AnyFuture] = WeakSet()
        self._retried: dict[AnyFuture, tuple[Attempt, ...]] = {}
        self._failed: dict[AnyFuture, BaseException] = {}
        self._lock = threading.RLock()

    # For the recorder

    def begun(self, future: AnyFuture, owner: str) -> None:
        """Note a call of a test, class, module or session; lookahead calls for coming tests."""
        test = self._test()
        with self._lock:
            keeper = self.fixture_nodes[-1] if self.fixture_nodes and owner == test else owner
            self._purposes[future] = Purpose(keeper, test)

    def derived(self, future: AnyFuture, source: AnyFuture | None, owner: str) -> None:
        """Note a future without a call of its own; it hands on the failure of `source`."""
        with self._lock:
            self._derived.add(future)
            known = None if source is None else self._purposes.get(source)
            if source is None or known is None:
                self.begun(future, owner)
            else:
                self._purposes[future] = Purpose(known.keeper, known.test, known.is_ahead)
                self._handed_on.add(source)

    def followed(self, future: AnyFuture, other: AnyFuture) -> None:
        """Note that `future` ends like `other`."""
        with self._lock:
            if (known := self._purposes.get(future)) is not None:
                self._purposes[other] = known
                self._handed_on.add(other)

    def undone(self, future: AnyFuture) -> None:
        """Note that an operation is undone: if it goes on, its end is no failure of its own."""
        if not future.done():
            with self._lock:
                self._abandoned.add(future)

    def ended(self, future: AnyFuture, error: BaseException | None) -> None:
        """Note the end of a future."""
        with self._lock:
            if future not in self._purposes:
                return
            attempts = tuple(each for each in self.attempts_of(future) if not each.busy)
            if error is None and attempts:
                self._retried[future] = attempts
            elif error is not None and not isinstance(error, CancelledError):
                self._failed[future] = error

    def attempts_of(self, future: AnyFuture) -> tuple[Attempt, ...]:
        """Return the failed tries of a future, those of lookahead included."""
        own = () if future in self._derived else future.attempts
        return self._earlier.get(future, ()) + own

    # For owners of resources

    def keep(self, future: AnyFuture, keeper: str) -> None:
        """Note until when code may ask for the result: until the end of a test, class or module."""
        with self._lock:
            if (known := self._purposes.get(future)) is not None:
                known.keeper = keeper

    def declared(self, future: AnyFuture, keeper: str) -> None:
        """Note the future of a declared resource, which ends like a creation.

        Args:
            future: the future.
            keeper: id of the test, class or module whose fixture declares the resource.
        """
        with self._lock:
            self._purposes[future] = Purpose(keeper, "", is_ahead=True)
            self._derived.add(future)

    def tried_before(self, future: AnyFuture, attempts: tuple[Attempt, ...]) -> None:
        """Note the failed tries of calls that a call repeats."""
        with self._lock:
            if attempts:
                self._earlier[future] = attempts

    def claim(self, future: AnyFuture) -> None:
        """Note that a fixture of the running test has asked for the future."""
        with self._lock:
            known = self._purposes[future]
            if known.is_ahead:
                known.is_ahead, known.test = False, self._test()

    # For the tests

    def end_keepers(self, keepers: Collection[str]) -> None:
        """Note that the teardown of tests, classes or modules begins."""
        with self._lock:
            for future, purpose in list(self._purposes.items()):
                if purpose.keeper in keepers and not future.done():
                    self._abandoned.add(future)

    def take_retried(self) -> list[Finding]:
        """Return the retries of which no test was told yet."""
        with self._lock:
            told = {
                each: tries for each, tries in self._retried.items() if not self._is_ahead(each)
            }
            for each in told:
                del self._retried[each]
            return self._findings({each: [t.why for t in tries] for each, tries in told.items()})

    def take_unwatched(self, keepers: Collection[str] | None = None) -> list[Finding]:
        """Return the unwatched failures of tests, classes or modules that end; None means all."""
        with self._lock:
            watched = {
                id(error)
                for each, error in self._failed.items()
                if is_taken(each) or each in self._abandoned
            }
            told = [
                each
                for each in self._failed
                if not self._is_ahead(each)
                and (keepers is None or self._purposes[each].keeper in keepers)
            ]
            failed = {each: self._failed.pop(each) for each in told}
            return self._findings(
                {
                    each: [why_of(error)]
                    for each, error in failed.items()
                    if id(error) not in watched and each not in self._handed_on
                }
            )

    def _is_ahead(self, future: AnyFuture) -> bool:
        return self._purposes[future].is_ahead

    def _findings(self, reasons: dict[AnyFuture, list[str]]) -> list[Finding]:
        groups: dict[tuple[str, str], list[AnyFuture]] = {}
        for each in reasons:
            groups.setdefault((self._purposes[each].test, operation_of(each)), []).append(each)
        return [
            Finding(
                test,
                operation,
                tuple(_title(each) for each in futures),
                counted_reasons(why for each in futures for why in reasons[each]),
            )
            for (test, operation), futures in groups.items()
        ]


def failed_tries(future: AnyFuture) -> tuple[Attempt, ...]:
    """Return the failed tries of a call that has failed: one if the call has noted none."""
    error = error_of(future)
    if future.attempts or error is None:
        return future.attempts
    seconds = error.details.seconds if isinstance(error, OperationError) else None
    return (Attempt(1, future.resource_id, seconds or 0.0, why_of(error)),)


def operation_of(future: AnyFuture) -> str:
    """Return the name of a future's operation, if need be from its error or a refused request."""
    return future.operation or _details(future).operation or refused_operation(future)


def _details(future: AnyFuture) -> OperationDetails:
    """Return the details of the error of a future."""
    error = error_of(future) if future.done() else None
    return error.details if isinstance(error, OperationError) else OperationDetails()


def _title(future: AnyFuture) -> str:
    name = future.resource_name or _details(future).resource_name
    return repr(name) if name else future.resource_id or _details(future).resource_id or ""


def why_of(error: BaseException) -> str:
    """Return the reason of a failure, without the evidence."""
    return error.why if isinstance(error, OperationError) else f"{type(error).__name__}: {error}"
