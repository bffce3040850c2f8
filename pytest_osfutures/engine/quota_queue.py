"""Who waits for room under a quota, and what of ours is about to make some."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress


class QuotaQueue:
    """Our deletions under way, by project, and who is to try again when one has ended.

    Used in the monitor's loop only.
    """

    def __init__(self) -> None:
        self._leaving: Counter[object] = Counter()
        self._waiting: dict[object, deque[Callable[[], None]]] = {}

    def deletion_started(self, project: object) -> None:
        """Something of ours is being deleted."""
        self._leaving[project] += 1

    def deletion_ended(self, project: object) -> None:
        """That deletion has ended, well or not: one who waits may try, after the last one all."""
        self._leaving[project] -= 1
        waiting = self._waiting.get(project)
        last = self._leaving[project] <= 0
        if last:
            del self._leaving[project]
            self._waiting.pop(project, None)
        for _ in range(len(waiting) if waiting and last else 1 if waiting else 0):
            assert waiting is not None
            waiting.popleft()()

    def wait(self, project: object, again: Callable[[], None]) -> bool:
        """Call `again` when there may be room; False if nothing of ours is being deleted."""
        if not self._leaving[project]:
            return False
        self._waiting.setdefault(project, deque()).append(again)
        return True

    def forget(self, project: object, again: Callable[[], None]) -> None:
        """Nobody waits for that any more: the room is for the next in the queue."""
        with suppress(ValueError):
            self._waiting.get(project, deque()).remove(again)
