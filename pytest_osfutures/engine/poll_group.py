"""All watches that one kind of read serves: when the next read is due, and which reads it takes."""

from __future__ import annotations

import heapq
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pytest_osfutures.engine.poll_plan import (
    READS_PER_LIST,
    ReadContext,
    ReadRequest,
    ReadResult,
    plan,
)
from pytest_osfutures.engine.timers import Timer
from pytest_osfutures.engine.watch import Reader, Watch, is_deleting
from pytest_osfutures.operations import Observation, Operation, ResourceRef, ResourceType

#: A resource that no answer has mentioned for this many seconds is read by its id.
OVERDUE = 15.0


@dataclass
class InFlightRead:
    """A read that has left and is not answered yet."""

    request: ReadRequest
    #: When the read left (seconds, engine's clock).
    left_at: float
    #: The watches that the group had when the read left.
    covered: tuple[Watch, ...]
    #: Counts the read as failed evidence if the answer takes too long.
    alarm: Timer | None = None

    @property
    def is_full_list(self) -> bool:
        """True for a list of all resources of a type that has short lists of changes as well.

        A full list may take long, so other reads of the group leave meanwhile.
        """
        request = self.request
        return request.listing and request.kind.changes_since and request.since is None


@dataclass
class PollGroup:
    """All watches with the same reader, resource type and microversion, which share their reads.

    All times are seconds on the engine's clock.
    """

    reader: Reader
    kind: ResourceType
    microversion: str
    #: The resources of this type that each watch waits for.
    watches: dict[Watch, tuple[ResourceRef, ...]] = field(default_factory=dict)
    #: The watches that wait for each resource: `watches` the other way round.
    wanted: dict[ResourceRef, dict[Watch, None]] = field(default_factory=dict)
    #: When each watch wants its next read.
    due_at: dict[Watch, float] = field(default_factory=dict)
    #: Resources that a list did not have, so that a read by id has to confirm their absence.
    confirm: dict[ResourceRef, None] = field(default_factory=dict)
    #: Resources that a full list did not have; the next list may tell of their deletion.
    absent: dict[ResourceRef, None] = field(default_factory=dict)
    #: When an answer mentioned each resource last; before that, when its first read is due.
    last_seen_at: dict[ResourceRef, float] = field(default_factory=dict)
    #: Resources seen as deleted, which no list of changes mentions again.
    deleting: dict[ResourceRef, None] = field(default_factory=dict)
    #: Watches that need more than the changes since the last list, and from when on.
    awaiting_full_list: dict[Watch, float] = field(default_factory=dict)
    #: When the last answered list left.
    listed_at: float = math.inf
    #: No list leaves before.
    next_list_at: float = -math.inf
    #: No read leaves before, because reads have failed.
    backoff_until: float = -math.inf
    #: True if the rate had no room for the reads by id of overdue resources.
    skipped_single_reads: bool = False
    #: True if lists show resources in every status, also on the way.
    shows_every_status: bool = False
    #: The unanswered reads, by the timer that counts each as lost.
    in_flight: dict[Timer, InFlightRead] = field(default_factory=dict)
    #: The number of resources in the last full list.
    total: int = 0
    #: The number of reads that have failed since the last answer.
    failures: int = 0

    def __post_init__(self) -> None:
        self._operations: Counter[Operation] = Counter()
        self._by_due: list[tuple[float, int, Watch]] = []
        self._order = itertools.count()

    # Which watch waits for which resource

    def subscribe(self, watch: Watch, refs: tuple[ResourceRef, ...], due: float) -> None:
        """Let `watch` wait for the resources `refs`; a new watch wants its first read at `due`."""
        if watch not in self.watches:
            self._operations[watch.operation] += 1
            self.schedule(watch, due)
        self._release(watch, [ref for ref in self.watches.get(watch, ()) if ref not in refs])
        self.watches[watch] = refs
        sent_at = watch.accepted_at if watch.sent_at is None else watch.sent_at
        self.awaiting_full_list[watch] = sent_at
        for ref in refs:
            self.wanted.setdefault(ref, {})[watch] = None
            self.last_seen_at.setdefault(ref, due)

    def unsubscribe(self, watch: Watch) -> None:
        """Let `watch` wait for nothing in this group."""
        if watch in self.watches:
            self._release(watch, self.watches.pop(watch))
            self._operations[watch.operation] -= 1
            del self.due_at[watch]
            self.awaiting_full_list.pop(watch, None)

    def _release(self, watch: Watch, refs: Iterable[ResourceRef]) -> None:
        for ref in refs:
            waiting = self.wanted[ref]
            del waiting[watch]
            if not waiting:
                for known in (self.wanted, self.confirm, self.last_seen_at, self.deleting):
                    known.pop(ref, None)
                self.absent.pop(ref, None)

    def watches_of(self, refs: Iterable[ResourceRef]) -> list[Watch]:
        """Return the watches that wait for any of the resources `refs`."""
        return list(dict.fromkeys(watch for ref in refs for watch in self.wanted.get(ref, ())))

    # When the next read is due

    def schedule(self, watch: Watch, due: float) -> None:
        """Let `watch` want its next read at `due`."""
        self.due_at[watch] = due
        self.next_list_at = min(self.next_list_at, due + self.reader.poll.fastest)
        if len(self._by_due) > 2 * len(self.due_at) + 64:  # mostly outdated entries
            self._by_due = [(when, next(self._order), each) for each, when in self.due_at.items()]
            heapq.heapify(self._by_due)
        else:
            heapq.heappush(self._by_due, (due, next(self._order), watch))

    def back_off(self, now: float, jitter: float) -> None:
        """Note a failed read and let nothing leave for a while: exponential backoff with jitter."""
        self.failures += 1
        poll = self.reader.poll
        pause = min(poll.slowest, poll.fastest * 2 ** min(self.failures, 10))
        self.backoff_until = now + pause * jitter

    @property
    def due(self) -> float:
        """When the next read may leave; for an overdue group, since when its reads are due."""
        patience = self.reader.poll.slowest  # a read that hangs holds up the others no longer
        held = (read.left_at for read in self.in_flight.values() if not read.is_full_list)
        held_until = max(held, default=-math.inf) + patience
        due = -math.inf if self.confirm else self._next_scheduled()
        return max(self.backoff_until, held_until, due)

    def _next_scheduled(self) -> float:
        heap = self._by_due
        while heap and self.due_at.get(heap[0][2]) != heap[0][0]:
            heapq.heappop(heap)
        return max(self.next_list_at, heap[0][0] if heap else math.inf)

    def let_confirm(self, ref: ResourceRef, is_absent: bool) -> None:
        """Let a read by id confirm the statuses of a list.

        Args:
            ref: The resource.
            is_absent: True if the list did not have the resource: then the list of changes that is
                due anyway comes first, and confirms the deletions that it shows.
        """
        if is_absent and ref not in self.absent and self._lists_changes:
            self.deleting.pop(ref, None)  # or else the next list would be a full one again
            self.absent[ref] = None
        elif ref not in self.absent:
            self.confirm[ref] = None

    @property
    def _lists_changes(self) -> bool:
        """True if the next read is a list of changes."""
        return self.kind.changes_since and len(self.wanted) > READS_PER_LIST

    # Which reads to send

    def reads(self, now: float, offset: float | None, allowed: int) -> list[ReadRequest]:
        """Return the reads to send now.

        Args:
            now: The engine's time in seconds.
            offset: A lower bound of the cloud's date minus the engine's time; None if unknown.
            allowed: The number of reads that the token bucket lets through at once.
        """
        context = ReadContext(
            self.kind,
            self.microversion,
            self.total,
            offset,
            since=min([self.listed_at, *self.awaiting_full_list.values()]),
            statuses=self._end_statuses(),
            allowed=allowed,
        )
        wanted: Sequence[ResourceRef] = ()
        if self._next_scheduled() <= now:
            every = context.prefers_list(len(self.wanted)) and not context.lacks_date
            wanted = tuple(self.wanted) if every else self._most_urgent(now)
        late = self._overdue(now) if wanted else []
        self.skipped_single_reads = bool(late) and not self.deleting and allowed < 2
        if self.deleting or not late or context.lacks_date or context.has_short_list:
            return plan(context, wanted, self.confirm, [*self.deleting, *late])
        # A read of a resource that may merely be unchanged must not take the place of the list.
        reads = plan(context, wanted, self.confirm)
        spare = allowed - len(reads)
        if spare < 1:
            return reads
        if len(late) <= READS_PER_LIST:
            return [*plan(context, late[:spare]), *reads]
        return [*reads, *plan(context, wanted, (), late)]

    def _most_urgent(self, now: float) -> list[ResourceRef]:
        """Return the resources of all due watches, the longest unseen resource of a watch first.

        Each resource is there once: two watches of one server need no more reads than one.
        """
        due = sorted(
            (when, order) for order, when in enumerate(self.due_at.values()) if when <= now
        )
        watches = list(self.due_at)
        refs = (
            ref
            for _, order in due
            for ref in sorted(self.watches[watches[order]], key=self.last_seen_at.__getitem__)
        )
        return list(dict.fromkeys(refs))

    def _overdue(self, now: float) -> list[ResourceRef]:
        """Return the resources that no list of changes has mentioned for `OVERDUE` seconds."""
        if not self.kind.changes_since or any(
            each.is_full_list for each in self.in_flight.values()
        ):
            return []
        return [ref for ref, seen_at in self.last_seen_at.items() if now - seen_at > OVERDUE]

    def _end_statuses(self) -> tuple[str, ...]:
        """Return the statuses that end all operations here, to filter a list of changes by.

        Empty if an operation other than a create is among them: its resource has a status of the
        same name before the operation, so the list has to show the statuses on the way too. Empty
        also if a user looks at the statuses on the way.
        """
        found: dict[str, None] = {}
        if self.shows_every_status:
            return ()
        for operation, number in self._operations.items():
            if number and not operation.creates:
                return ()
            for expect in operation.expects if number else ():
                if expect.type is self.kind:
                    found.update(dict.fromkeys(sorted(expect.success | expect.failure)))
        return tuple(found)

    # What the answers tell

    def sent(self, read: InFlightRead, timer: Timer) -> None:
        """Note a read that leaves now; `timer` counts it as lost."""
        self.in_flight[timer] = read
        if read.request.listing:
            self.next_list_at = read.left_at + self.reader.poll.fastest

    def answered(self, read: InFlightRead, result: ReadResult) -> list[ResourceRef]:
        """Note an answer, and return the resources that the answer tells about."""
        request = read.request
        self.failures = 0
        if request.listing:
            earlier = self.listed_at if self.listed_at < math.inf else result.asked_at
            if request.since is None:
                # Not later: the next list of changes has the changes that this list did not have.
                self.listed_at, self.total = earlier, len(result.found)
            else:
                self.listed_at = max(earlier, result.asked_at)
            missed = (ref for ref in self.absent if ref.id not in result.found)
            self.confirm.update(dict.fromkeys(missed))
            self.absent.clear()
        else:
            self.confirm.pop(request.refs[0], None)
        refs = (ref for ref in request.refs if request.since is None or ref.id in result.found)
        return [ref for ref in refs if ref in self.wanted]

    def observe(self, ref: ResourceRef, observation: Observation, answered_at: float) -> None:
        """Note that an answer, received at `answered_at`, has mentioned a resource."""
        self.last_seen_at[ref] = answered_at
        self.deleting.pop(ref, None)
        if observation.body is None or is_deleting(ref, observation):
            self.deleting[ref] = None

    def mark_covered(self, read: InFlightRead) -> None:
        """Let watches that a list has fully covered do with incremental changes from now on."""
        for watch in read.covered if read.request.listing else ():
            refs = self.watches.get(watch, ())
            if read.request.statuses or all(ref in watch.observations for ref in refs):
                self.awaiting_full_list.pop(watch, None)
