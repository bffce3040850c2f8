"""The use of resources: the calls of the running test, and of the fixtures that the test uses."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Container, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from pytest_osfutures.evidence import SECONDS
from pytest_osfutures.futures import OperationFuture
from pytest_osfutures.plugin.fixtures import Node

Future = OperationFuture[Any]


@dataclass(frozen=True, eq=False)
class Use:
    """A call that became a future, with the test or fixture that made the call."""

    future: Future
    #: The test, or the node in whose scope the fixture lives.
    node: Node
    #: The definition of the fixture; None for a call of the test itself.
    fixture: object | None


class Usage:
    """The calls of the running test and of fixtures that are set up. Safe to use from any thread.

    Args:
        test: returns the id of the running test.
    """

    def __init__(self, test: Callable[[], str]) -> None:
        self._test = test
        self._item: pytest.Item | None = None
        #: The fixtures that are being set up, the innermost last.
        self._fixtures: list[tuple[object, Node]] = []
        self._uses: list[Use] = []
        self._tries: dict[str, int] = {}
        self._lock = threading.Lock()
        #: Seconds since 1970 at which the present try of the test began.
        self.began = time.time()
        #: Seconds that are left for questions about the resources of this try.
        self.seconds = SECONDS
        #: The futures that a report of this try has told already.
        self.told: set[Future] = set()

    def begin(self, item: pytest.Item) -> None:
        """Begin a test, or a further try of the same test, and forget the calls of other tests."""
        chain = set(item.listchain()[:-1])
        with self._lock:
            self._item, self.began, self.seconds = item, time.time(), SECONDS
            self._uses = [each for each in self._uses if each.node in chain]
            self._tries[item.nodeid] = self._tries.get(item.nodeid, 0) + 1
            self.told = set()

    def tries_of(self, item: pytest.Item) -> int:
        """Return the number of tries of a test so far, the present one included."""
        return self._tries.get(item.nodeid, 1)

    @contextmanager
    def setting_up(self, fixture: object, node: Node) -> Iterator[None]:
        """Let calls in this context belong to a fixture."""
        self._fixtures.append((fixture, node))
        try:
            yield
        finally:
            self._fixtures.pop()

    def submitted(self, future: Future, owner: str) -> None:
        """Note a call, unless it is for a test that is not running."""
        if owner == self._test():
            self.note(future)

    def note(self, future: Future) -> None:
        """Note the use of a future by the innermost fixture or by the running test."""
        with self._lock:
            if self._fixtures:
                fixture, node = self._fixtures[-1]
                self._uses.append(Use(future, node, fixture))
            elif self._item is not None:
                self._uses.append(Use(future, self._item, None))

    def futures_of(self, item: pytest.Item) -> list[Future]:
        """Return the futures of a test's calls: those of the test, then those of its fixtures."""
        chain, fixtures = item.listchain(), _fixtures_of(item)
        with self._lock:
            used = [each for each in self._uses if _is_used(each, item, chain, fixtures)]
        used.sort(key=lambda each: each.node is not item)
        found = {(each.operation, each.request_id or id(each)): each for each in _futures(used)}
        return list(found.values())


def _futures(uses: list[Use]) -> Iterator[Future]:
    """Yield each future once."""
    yield from dict.fromkeys(each.future for each in uses)


def _is_used(use: Use, item: pytest.Item, chain: Container[object], fixtures: set[object]) -> bool:
    return use.node is item or (use.node in chain and use.fixture in fixtures)


def _fixtures_of(item: pytest.Item) -> set[object]:
    """Return the definitions of all fixtures of a test, also of those that it asked for later."""
    info, request = getattr(item, "_fixtureinfo", None), getattr(item, "_request", None)
    found = {each for defs in getattr(info, "name2fixturedefs", {}).values() for each in defs}
    return found | set(getattr(request, "_fixture_defs", {}).values())
