"""Deletions in the background, while the next tests run (--os-teardown=background)."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pytest

if TYPE_CHECKING:
    from pytest_osfutures.futures import OperationFuture

#: Title of the section with the evidence in the report of a test.
EVIDENCE = "osfutures: evidence"


#: Returns a context that tells of a wait, from the reason and the names that are waited for.
Messages = Callable[[str, Callable[[], list[str]]], AbstractContextManager[None]]


class Closable(Protocol):
    """An owner of resources that deletes them: a scope or a shared scope."""

    #: Node id of the test, class, module or session whose resources these are.
    owner: str

    def close(self) -> None:
        """Delete the resources and wait until they are gone."""


class Failure(NamedTuple):
    """A deletion that has failed in the background; workers send it to their controller."""

    #: Id of the test, class, module or session.
    owner: str
    reason: str
    #: The evidence about the resources that are left; empty without any.
    evidence: str


class BackgroundTeardown:
    """Threads that close scopes, and the failures of these threads.

    Args:
        evidence: returns the evidence about the resources of an owner that are left, from the
            owner's id, the text of the error, and the futures of the creations.
    """

    def __init__(self, evidence: Callable[[str, str, Sequence[OperationFuture[Any]]], str]) -> None:
        self._evidence = evidence
        self._threads: dict[threading.Thread, str] = {}
        self._lock = threading.Lock()
        self._failures: list[Failure] = []

    def close(self, scope: Closable) -> None:
        """Close a scope in a thread."""
        thread = threading.Thread(
            target=self._close, args=(scope,), name="osfutures-teardown", daemon=True
        )
        self._threads[thread] = scope.owner or "the session"
        thread.start()

    def _close(self, scope: Closable) -> None:
        created = [future for _, future in getattr(scope, "created", ())]
        try:
            scope.close()
        except Exception as error:
            evidence = self._evidence(scope.owner, str(error), created)
            with self._lock:
                text = f"deletion in the background: {error}"
                self._failures.append(Failure(scope.owner, text, evidence))

    def wait(self, messages: Messages, seconds: float) -> None:
        """Wait for all threads; a thread that goes on after `seconds` is a failure.

        Args:
            messages: returns a context that tells of the wait, from the reason and the names.
            seconds: longest wait, more than a thread needs for its own deadline.
        """
        end = time.monotonic() + seconds
        threads, self._threads = self._threads, {}

        def owners() -> list[str]:
            return [owner for thread, owner in threads.items() if thread.is_alive()]

        with messages("waiting for deletions in the background", owners):
            for thread in threads:
                thread.join(max(0.0, end - time.monotonic()))
        text = f"deletion in the background: not done after {seconds:.0f} s, and goes on"
        self.add_failures((owner, text) for owner in owners())

    def add_failures(self, failures: Iterable[tuple[str, str]]) -> None:
        """Add failures, each as (owner, reason), that are to be reported like those of threads."""
        with self._lock:
            self._failures += [Failure(owner, reason, "") for owner, reason in failures]

    def take_failures(self) -> list[Failure]:
        """Return the failures since the last call."""
        with self._lock:
            failures, self._failures = self._failures, []
        return failures


def report_failures(config: pytest.Config, failures: Iterable[Failure]) -> None:
    """Report failures in the background as errors at the teardown of their tests.

    Args:
        config: pytest's configuration.
        failures: the failures.
    """
    for owner, text, evidence in failures:
        config.hook.pytest_runtest_logreport(
            report=pytest.TestReport(
                nodeid=owner,
                location=(owner.partition("::")[0], None, owner),
                keywords={},
                outcome="failed",
                longrepr=text,
                when="teardown",
                sections=[(EVIDENCE, evidence)] if evidence else [],
            )
        )
