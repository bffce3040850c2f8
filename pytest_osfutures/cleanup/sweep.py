"""The sweep: finds stamped resources, deletes them in a safe order, and confirms each deletion.

All requests are made in the caller's thread and a few helpers of its own, so that the reaper, the
commands and both ends of a run can use it without an engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from pytest_osfutures.cleanup import orphans
from pytest_osfutures.cleanup.ledger import Ledger
from pytest_osfutures.cleanup.rows import NOT_OURS
from pytest_osfutures.cleanup.unblock import unblock
from pytest_osfutures.clock import Clock
from pytest_osfutures.operations import DELETION_ORDER, Body, ResourceType
from pytest_osfutures.ownership import (
    CredentialsRefusedError,
    StampedResource,
    UnreadableError,
    stamp_children,
)
from pytest_osfutures.stamp import Stamp
from pytest_osfutures.transport import ApiClient

#: Seconds within which all resources have to be gone after their deletion began.
DELETION_SECONDS = 300.0
#: Share of these seconds that each later stage has at least, if the stages before it used them up.
STAGE_SHARE = 0.1
#: Numbers of refusals of one resource after which the sweep removes what may block its deletion.
UNBLOCK_AFTER = (4, 8)
#: Number of refusals after which waiting alone is not expected to help.
HOPELESS_AFTER = 12
#: Seconds between two checks of the resources being deleted: the first and the longest pause.
FIRST_PAUSE, LONGEST_PAUSE = 0.3, 5.0
#: Seconds between two sightings of a resource that is deleted without the ledger of its run.
SECOND_SIGHT_SECONDS = 2.0
#: Number of threads that send requests.
WORKERS = 8
#: Number of tries to read one page before the whole list is given up.
READ_TRIES = 6

T = TypeVar("T")
#: Returns True for the stamps of resources to delete.
Wanted = Callable[[Stamp], bool]
#: Takes one line of progress.
Note = Callable[[str], None]


@dataclass(frozen=True)
class SweepContext:
    """Everything that each sweep of one project needs."""

    api: ApiClient
    clock: Clock
    #: Takes each line of progress.
    note: Note
    #: Seconds within which all resources of one sweep have to be gone.
    deletion_seconds: float = DELETION_SECONDS

    def cloud_time(self) -> float:
        """Return the cloud's time in seconds since 1970."""
        return self.api.cloud_time.time(self.clock)


class Sweep:
    """One search for the resources with a wanted stamp, and their deletion.

    Args:
        wanted: Returns True for the stamps of resources to delete.
        ledger: Ledger of the run, which gets a row for each child that the sweep finds.
    """

    def __init__(self, context: SweepContext, wanted: Wanted, ledger: Ledger | None = None) -> None:
        self.context = context
        self.wanted = wanted
        self.ledger = ledger
        #: Resources that no longer carried their stamp and were left alone.
        self.spared: list[StampedResource] = []
        #: Resources of the last search with a copy of a wanted stamp, which are left alone.
        self.copies: list[StampedResource] = []
        #: Children of deleted resources.
        self.children: list[StampedResource] = []
        self._refusals: dict[StampedResource, int] = {}
        self._end = 0.0

    # Search

    def find(self) -> list[StampedResource]:
        """Return all resources with a wanted stamp, and set `copies`.

        Raises UnreadableError if one page of one list cannot be read.
        """
        everything = [
            each
            for stage in DELETION_ORDER
            for resource_type in stage
            for each in orphans.list_stamped(self.context.api, resource_type, self._insist)
        ]
        wanted = [each for each in everything if self.wanted(each.stamp)]
        self.copies = [each for each in wanted if each.copy_of]
        return [each for each in wanted if not each.copy_of]

    def _insist(self, read: Callable[[], T]) -> T:
        """Read again after an error, with growing pauses; refused credentials are not repeated."""
        for number in range(READ_TRIES - 1):
            try:
                return read()
            except CredentialsRefusedError:
                raise
            except UnreadableError as error:
                self.context.note(str(error))
                self.context.clock.sleep(FIRST_PAUSE * 2**number)
        return read()

    def find_twice(self) -> list[StampedResource]:
        """Return the resources that two searches in succession found. Raises UnreadableError."""
        first = {(each.type, each.id) for each in self.find()}
        if not first:
            return []
        self.context.clock.sleep(SECOND_SIGHT_SECONDS)
        return [each for each in self.find() if (each.type, each.id) in first]

    # Deletion

    def remove(self, found: Iterable[StampedResource]) -> dict[StampedResource, str]:
        """Delete resources and wait until they are gone; return the others, with the reasons."""
        everything = list(found)
        left: dict[StampedResource, str] = {}
        self._end = self.context.clock.now() + self.context.deletion_seconds
        with ThreadPoolExecutor(WORKERS, "osfutures-sweep") as pool:
            for stage in DELETION_ORDER:
                left.update(self._remove_stage(pool, stage, everything))
        return left

    def _remove_stage(
        self,
        pool: ThreadPoolExecutor,
        stage: tuple[ResourceType, ...],
        everything: list[StampedResource],
    ) -> dict[StampedResource, str]:
        clock = self.context.clock
        found = (each for each in (*everything, *self.children) if each.type in stage)
        left = dict.fromkeys(found, "")
        seen, pause = set(left), FIRST_PAUSE
        end = max(self._end, clock.now() + self.context.deletion_seconds * STAGE_SHARE)
        while left:
            steps = pool.map(lambda each: (each, self._step(each)), list(left))
            for resource, reason in steps:
                self._update(left, resource, reason)
            new = [each for each in self.children if each.type in stage and each not in seen]
            left.update(dict.fromkeys(new, ""))
            seen.update(new)
            if not left or clock.now() >= end or self._is_hopeless(left):
                break
            clock.sleep(pause)
            pause = min(LONGEST_PAUSE, 1.5 * pause)
        return left

    def _update(
        self, left: dict[StampedResource, str], resource: StampedResource, reason: str | None
    ) -> None:
        """Update the reason why a resource still exists, and note each change."""
        if reason == NOT_OURS:
            del left[resource]
            self.spared.append(resource)
            self.context.note(f"{resource}: {reason}")
        elif reason is None:
            was_deleted_here = left.pop(resource)
            self.context.note(
                f"{resource} is gone" if was_deleted_here else f"{resource} was gone already"
            )
        elif left[resource] != reason:
            left[resource] = reason
            self.context.note(f"{resource}: {reason}")

    def _is_hopeless(self, left: Iterable[StampedResource]) -> bool:
        """Return True if every resource was refused so often that waiting does not help."""
        return all(self._refusals.get(each, 0) >= HOPELESS_AFTER for each in left)

    def _step(self, resource: StampedResource) -> str | None:
        api = self.context.api
        try:
            reason = orphans.delete_step(api, resource, self._stamp_children)
            if reason is None or reason in orphans.UNDER_WAY:
                self._refusals.pop(resource, None)
                return reason
            self._refusals[resource] = count = self._refusals.get(resource, 0) + 1
            if count in UNBLOCK_AFTER and (change := unblock(api, resource)):
                self.context.note(f"{resource}: {change}")
            return reason
        except CredentialsRefusedError:
            raise
        except UnreadableError as error:
            return str(error)

    def _stamp_children(self, parent: StampedResource, body: Body) -> None:
        """Stamp the children of a resource before the deletion; the sweep deletes them too."""
        found = stamp_children(self.context.api, parent, body, self.ledger)
        self.children += [each for each in found if each not in self.children]
