"""Reads beside those of the poll groups, such as consoles: they take turns with the groups."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from pytest_osfutures.engine.token_bucket import TokenBucket
from pytest_osfutures.engine.watch import Reader


class QueuedRead(NamedTuple):
    """A read that waits for the rate of its project."""

    reader: Reader
    #: Official type of the service that is read.
    service: str
    #: Starts the read; it must be quick.
    start: Callable[[], None]


class ReadQueue:
    """Reads in the order of their requests; they share the token buckets of the poll groups.

    While both sides have due reads, each side gets every other token, so that neither many consoles
    nor many lists keep the other side from being read.
    """

    def __init__(self) -> None:
        self._waiting: deque[QueuedRead] = deque()
        #: True if the last token of a contest went to this queue.
        self._had_its_turn = False

    def add(self, read: QueuedRead) -> None:
        """Start the read once the rate allows it."""
        self._waiting.append(read)

    def take_turn(self, now: float, bucket_of: Callable[[Reader], TokenBucket]) -> float:
        """Start one read if it is the queue's turn; return when to try again."""
        if self._had_its_turn:
            return math.inf
        return self._send(now, bucket_of, 1)

    def send(self, now: float, bucket_of: Callable[[Reader], TokenBucket]) -> float:
        """Start all reads for which the groups have left tokens; return when to try again."""
        return self._send(now, bucket_of, len(self._waiting))

    def pass_turn(self) -> None:
        """Note that a poll group has taken a token."""
        self._had_its_turn = False

    def _send(self, now: float, bucket_of: Callable[[Reader], TokenBucket], at_most: int) -> float:
        again = math.inf
        for _ in range(min(at_most, len(self._waiting))):
            read = self._waiting.popleft()
            wait = bucket_of(read.reader).take(now, read.service)
            if wait:  # a read of another project may leave nevertheless
                self._waiting.append(read)
                again = min(again, now + wait)
            else:
                self._had_its_turn = True
                read.start()
        return again
