"""Calls that were refused for a quota, and wait until this process has deleted something."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress


class QuotaQueue:
    """Calls that wait for quota, in order, and the number of our own deletions, by project.

    For the engine's loop only, so without a lock.
    """

    def __init__(self) -> None:
        self._deletions: Counter[object] = Counter()
        self._waiting: dict[object, deque[Callable[[], None]]] = {}

    def deletion_started(self, project: object) -> None:
        """Count a deletion, which will give quota back to `project`."""
        self._deletions[project] += 1

    def deletion_ended(self, project: object) -> None:
        """Retry one waiting call; after the last deletion, successful or not, retry all."""
        self._deletions[project] -= 1
        waiting = self._waiting.get(project, deque())
        retries = min(1, len(waiting))
        if self._deletions[project] <= 0:
            retries = len(waiting)
            del self._deletions[project]
            self._waiting.pop(project, None)
        for _ in range(retries):
            waiting.popleft()()

    def wait(self, project: object, retry: Callable[[], None]) -> bool:
        """Call `retry` after a deletion; return False if no deletion of ours is under way."""
        if not self._deletions[project]:
            return False
        self._waiting.setdefault(project, deque()).append(retry)
        return True

    def forget(self, project: object, retry: Callable[[], None]) -> None:
        """Take `retry` out of the queue; no-op if the queue does not have it."""
        with suppress(ValueError):
            self._waiting.get(project, deque()).remove(retry)
