"""Deletions in the background, while the next tests run (--os-teardown=background)."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Protocol

import pytest

from pytest_osfutures.plugin.wait_messages import progress_messages


class Closable(Protocol):
    """An owner of resources that deletes them: a scope or a shared scope."""

    #: Node id of the test, class, module or session whose resources these are.
    owner: str

    def close(self) -> None:
        """Delete the resources and wait until they are gone."""


class BackgroundTeardown:
    """Threads that close scopes, and the failures of these threads."""

    def __init__(self) -> None:
        self._threads: dict[threading.Thread, str] = {}
        self._lock = threading.Lock()
        self._failures: list[tuple[str, str]] = []

    def close(self, scope: Closable) -> None:
        """Close a scope in a thread."""
        thread = threading.Thread(
            target=self._close, args=(scope,), name="osfutures-teardown", daemon=True
        )
        self._threads[thread] = scope.owner or "the session"
        thread.start()

    def _close(self, scope: Closable) -> None:
        try:
            scope.close()
        except Exception as error:
            with self._lock:
                self._failures.append((scope.owner, str(error)))

    def wait(self, config: pytest.Config) -> None:
        """Wait for all threads, and print messages if that takes long."""
        threads, self._threads = self._threads, {}

        def owners() -> list[str]:
            return [owner for thread, owner in threads.items() if thread.is_alive()]

        with progress_messages(config, "waiting for deletions in the background", owners):
            for thread in threads:
                thread.join()

    def take_failures(self) -> list[tuple[str, str]]:
        """Return the failures since the last call, each as (owner, reason)."""
        with self._lock:
            failures, self._failures = self._failures, []
        return failures


def report_failures(config: pytest.Config, failures: Iterable[tuple[str, str]]) -> None:
    """Report failures in the background as errors at the teardown of their tests.

    Args:
        config: pytest's configuration.
        failures: pairs of a test's node id and a reason.
    """
    for owner, text in failures:
        config.hook.pytest_runtest_logreport(
            report=pytest.TestReport(
                nodeid=owner,
                location=(owner.partition("::")[0], None, owner),
                keywords={},
                outcome="failed",
                longrepr=f"deletion in the background: {text}",
                when="teardown",
            )
        )
