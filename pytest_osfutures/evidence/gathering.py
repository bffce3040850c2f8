"""Gather: ask the cloud about several resources at the same time, for a few seconds at most."""

from __future__ import annotations

import queue
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from pytest_osfutures.clock import Clock
from pytest_osfutures.evidence.model import ResourceEvidence, Target
from pytest_osfutures.evidence.reads import FACTS, read, reads_of, with_answers
from pytest_osfutures.operations import VOLUME
from pytest_osfutures.transport import ApiClient

#: Seconds for all requests about one test.
SECONDS = 5.0
#: Requests at a time.
THREADS = 8
#: Largest number of resources of a test about which the cloud is asked.
RESOURCES = 20

Fact = tuple[Target, str]


def gather(
    api: ApiClient, targets: Sequence[Target], clock: Clock, seconds: float = SECONDS
) -> list[ResourceEvidence]:
    """Ask the cloud about resources.

    The requests run in daemon threads: a request without an answer holds up nobody, and ends at its
    own timeout.

    Args:
        api: the client of the project.
        targets: the resources; those after the first `RESOURCES` are left out.
        clock: a clock in real time.
        seconds: the longest wait.

    Returns:
        The evidence of each resource, and of further volumes that are attached to the servers, such
        as those that Nova has made. A fact without an answer in time is a gap.
    """
    end = clock.now() + seconds
    asking = Asking(api, clock, end, f"no answer within {seconds:.2g} s")
    found = asking.about(targets[:RESOURCES])
    known = {each.id for each in targets}
    attached = {
        ident: Target(VOLUME, ident, secrets=each.target.secrets)
        for each in found
        for ident in each.volumes
        if ident not in known
    }
    return found + asking.about([*attached.values()][: RESOURCES - len(found)])


@dataclass(frozen=True)
class Asking:
    """Questions to the cloud until a moment."""

    api: ApiClient
    clock: Clock
    #: The end on the clock.
    end: float
    #: The reason of a gap after the end.
    late: str

    def about(self, targets: Sequence[Target]) -> list[ResourceEvidence]:
        """Return the evidence of some resources."""
        facts = [(target, fact) for target in targets for fact in reads_of(target)]
        facts.sort(key=lambda each: FACTS.index(each[1]))  # a slow console keeps no state waiting
        answers = {**{each: {"gap": self.late} for each in facts}, **self._answers(facts)}
        return [
            with_answers(target, {fact: answers[target, fact] for fact in reads_of(target)})
            for target in targets
        ]

    def _answers(self, facts: Sequence[Fact]) -> dict[Fact, Mapping[str, Any]]:
        """Return the answers about as many facts as are there in time."""
        todo: queue.SimpleQueue[Fact] = queue.SimpleQueue()
        done: queue.SimpleQueue[tuple[Fact, Mapping[str, Any]]] = queue.SimpleQueue()
        over = threading.Event()
        for each in facts:
            todo.put(each)

        def work() -> None:
            while not over.is_set():
                try:
                    fact = todo.get_nowait()
                except queue.Empty:
                    return
                done.put((fact, read(self.api, *fact)))

        for _ in range(min(THREADS, len(facts))):
            threading.Thread(target=work, name="osfutures-evidence", daemon=True).start()
        found: dict[Fact, Mapping[str, Any]] = {}
        with suppress(queue.Empty):
            while len(found) < len(facts):
                fact, changes = done.get(timeout=max(0.0, self.end - self.clock.now()))
                found[fact] = changes
        over.set()
        return found
