"""Deletions that run while the next tests do."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Protocol

import pytest

from pytest_osfutures.plugin.wait_messages import progress_messages


class Closable(Protocol):
    """What deletes all that it has made: a scope, or what workers share."""

    owner: str

    def close(self) -> None:
        """Delete it and wait until it is gone."""


class BackgroundTeardown:
    """Closes scopes in threads, and remembers what could not be deleted: (owner, reason)."""

    def __init__(self) -> None:
        self._threads: dict[threading.Thread, str] = {}
        self._lock = threading.Lock()
        self._failures: list[tuple[str, str]] = []

    def close(self, scope: Closable) -> None:
        """Delete what the scope has made, in the background."""
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

    def wait(self, say: Callable[[str], None]) -> None:
        """Return when everything is deleted, or could not be; say what takes long."""
        threads, self._threads = self._threads, {}

        def owners() -> list[str]:
            return [owner for thread, owner in threads.items() if thread.is_alive()]

        with progress_messages(say, "waiting for deletions in the background", owners):
            for thread in threads:
                thread.join()

    def failures(self) -> list[tuple[str, str]]:
        """What is new of what could not be deleted."""
        with self._lock:
            failures, self._failures = self._failures, []
        return failures


def report(config: pytest.Config, failures: Iterable[tuple[str, str]]) -> None:
    """Let failures in the background be errors at the teardown of the tests they are of."""
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
