"""Deletions in the background end, or are reported."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from pytest_osfutures.plugin.background import BackgroundTeardown


class Stuck:
    """An owner whose deletion goes on until it is let go."""

    owner = "test_stuck"

    def __init__(self) -> None:
        self.go = threading.Event()

    def close(self) -> None:
        assert self.go.wait(20)


class Messages:
    """The messages about waits."""

    def __init__(self) -> None:
        self.said: list[tuple[str, list[str]]] = []

    def __call__(self, text: str, names: Callable[[], list[str]]) -> AbstractContextManager[None]:
        self.said.append((text, names()))
        return nullcontext()


def test_the_wait_for_a_deletion_that_does_not_end_is_bounded() -> None:
    stuck, messages, background = Stuck(), Messages(), BackgroundTeardown(lambda *_: "")
    background.close(stuck)
    background.wait(messages, 0.0)
    stuck.go.set()
    assert messages.said == [("waiting for deletions in the background", ["test_stuck"])]
    (failure,) = background.take_failures()
    assert failure.owner == "test_stuck"
    assert failure.reason == "deletion in the background: not done after 0 s, and goes on"


def test_the_wait_for_deletions_that_end_reports_nothing() -> None:
    done, background = Stuck(), BackgroundTeardown(lambda *_: "")
    done.go.set()
    background.close(done)
    background.wait(Messages(), 20.0)
    assert background.take_failures() == []
