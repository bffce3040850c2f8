"""Gather: ask the cloud about several resources at the same time, for a few seconds at most."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pytest_osfutures.clock import Clock
from pytest_osfutures.evidence.model import ResourceEvidence, Target
from pytest_osfutures.evidence.reads import FACTS, read, reads_of, with_answers
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
        The evidence of each resource; a fact without an answer in time is a gap.
    """
    wanted = list(targets)[:RESOURCES]
    facts = [(target, fact) for target in wanted for fact in reads_of(target)]
    facts.sort(key=lambda each: FACTS.index(each[1]))  # a slow console keeps no state waiting
    answers: dict[Fact, Mapping[str, Any]] = {
        each: {"gap": f"no answer within {seconds:.2g} s"} for each in facts
    }
    answers.update(_answers(facts, lambda fact: read(api, *fact), clock, seconds))
    return [
        with_answers(target, {fact: answers[target, fact] for fact in reads_of(target)})
        for target in wanted
    ]


def _answers(
    facts: Sequence[Fact],
    answer: Callable[[Fact], Mapping[str, Any]],
    clock: Clock,
    seconds: float,
) -> dict[Fact, Mapping[str, Any]]:
    """Return the answers about as many facts as are there in time."""
    todo: queue.SimpleQueue[Fact] = queue.SimpleQueue()
    done: queue.SimpleQueue[tuple[Fact, Mapping[str, Any]]] = queue.SimpleQueue()
    over = threading.Event()
    for fact in facts:
        todo.put(fact)

    def work() -> None:
        while not over.is_set():
            try:
                fact = todo.get_nowait()
            except queue.Empty:
                return
            done.put((fact, answer(fact)))

    for _ in range(min(THREADS, len(facts))):
        threading.Thread(target=work, name="osfutures-evidence", daemon=True).start()
    found: dict[Fact, Mapping[str, Any]] = {}
    end = clock.now() + seconds
    try:
        while len(found) < len(facts):
            fact, changes = done.get(timeout=max(0.0, end - clock.now()))
            found[fact] = changes
    except queue.Empty:
        pass
    finally:
        over.set()
    return found
