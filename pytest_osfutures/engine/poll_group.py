"""All watches that one kind of read serves: when it is due, what it asks, and what it has told."""

from __future__ import annotations

import heapq
import itertools
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pytest_osfutures.engine.poll_plan import FEW, ReadContext, ReadRequest, ReadResult, plan
from pytest_osfutures.engine.timers import Timer
from pytest_osfutures.engine.watch import Reader, Watch
from pytest_osfutures.operations import Operation, Ref, ResourceType, Sight

#: Seconds without any mention of a resource after which it is asked for by itself.
OVERDUE = 15.0
#: Where so many operations end between two lists, others soon will: then lists come twice as often.
CROWD = 16


@dataclass(eq=False)
class InFlightRead:
    """A look that is not answered yet; `covered` are the watches that had joined when it left.

    `alarm` rings when the answer takes too long to be waited for by what it would explain.
    """

    request: ReadRequest
    left_at: float
    covered: tuple[Watch, ...]
    alarm: Timer | None = None

    @property
    def aside(self) -> bool:
        """Whether others may leave meanwhile: a list of everything takes long where it is many."""
        return (
            self.request.listing and self.request.kind.changes_since and self.request.since is None
        )


@dataclass(eq=False)
class Group:
    """All watches that one kind of read serves: same reader, same kind, same microversion.

    `wanted` says who waits for each resource, `dues` when each watch wants a look, `mentioned`
    when each resource was heard of last (or was to be looked at first), and `going` what was seen
    as deleted. `listed_at` is when the last list was asked for, `unlisted` who has to be told more
    than what changed since, each with the moment from which changes matter. The next list leaves
    at `rest_until`, and nothing at all before `quiet_until`. `owes` says that something could not
    be asked for by itself, for want of a second read. `in_flight` has each look by the timer
    that gives it up.
    """

    reader: Reader
    kind: ResourceType
    microversion: str
    watches: dict[Watch, tuple[Ref, ...]] = field(default_factory=dict)
    wanted: dict[Ref, dict[Watch, None]] = field(default_factory=dict)
    dues: dict[Watch, float] = field(default_factory=dict)
    confirm: dict[Ref, None] = field(default_factory=dict)
    mentioned: dict[Ref, float] = field(default_factory=dict)
    going: dict[Ref, None] = field(default_factory=dict)
    unlisted: dict[Watch, float] = field(default_factory=dict)
    listed_at: float = math.inf
    rest_until: float = -math.inf
    quiet_until: float = -math.inf
    owes: bool = False
    in_flight: dict[Timer, InFlightRead] = field(default_factory=dict)
    total: int = 0
    failures: int = 0

    def __post_init__(self) -> None:
        self._operations: Counter[Operation] = Counter()
        self._by_due: list[tuple[float, int, Watch]] = []
        self._order = itertools.count()

    # Who waits for what

    def want(self, watch: Watch, refs: tuple[Ref, ...], due: float) -> None:
        """From now on `watch` waits for these resources; its first look is to be at `due`."""
        if watch not in self.watches:
            self._operations[watch.operation] += 1
            self.put(watch, due)
        self._leave(watch, [ref for ref in self.watches.get(watch, ()) if ref not in refs])
        self.watches[watch] = refs
        self.unlisted[watch] = watch.accepted_at if watch.sent_at is None else watch.sent_at
        for ref in refs:
            self.wanted.setdefault(ref, {})[watch] = None
            self.mentioned.setdefault(ref, due)

    def drop(self, watch: Watch) -> None:
        """It wants nothing of this kind any more."""
        if watch in self.watches:
            self._leave(watch, self.watches.pop(watch))
            self._operations[watch.operation] -= 1
            del self.dues[watch]
            self.unlisted.pop(watch, None)

    def _leave(self, watch: Watch, refs: Iterable[Ref]) -> None:
        for ref in refs:
            waiting = self.wanted[ref]
            del waiting[watch]
            if not waiting:
                for known in (self.wanted, self.confirm, self.mentioned, self.going):
                    known.pop(ref, None)

    def waiting_for(self, refs: Iterable[Ref]) -> list[Watch]:
        """Who waits for any of these resources."""
        return list(dict.fromkeys(watch for ref in refs for watch in self.wanted.get(ref, ())))

    # When to look

    def put(self, watch: Watch, due: float) -> None:
        """Let `watch` want its next look at `due`."""
        self.dues[watch] = due
        self.rest_until = min(self.rest_until, due + self.reader.poll.fastest)
        if len(self._by_due) > 2 * len(self.dues) + 64:  # mostly of looks that have been
            self._by_due = [(when, next(self._order), each) for each, when in self.dues.items()]
            heapq.heapify(self._by_due)
        else:
            heapq.heappush(self._by_due, (due, next(self._order), watch))

    @property
    def due(self) -> float:
        """When the next look may leave; a moment that has passed says since when it waits."""
        patience = self.reader.poll.slowest  # one that hangs must not hold up the others for long
        held = (read.left_at for read in self.in_flight.values() if not read.aside)
        held_until = max(held, default=-math.inf) + patience
        due = -math.inf if self.confirm else self._usually_due()
        return max(self.quiet_until, held_until, due)

    def _usually_due(self) -> float:
        heap = self._by_due
        while heap and self.dues.get(heap[0][2]) != heap[0][0]:
            heapq.heappop(heap)
        return max(self.rest_until, heap[0][0] if heap else math.inf)

    # What to ask, and what was told

    def reads(self, now: float, offset: float | None, allowed: int) -> list[ReadRequest]:
        """What to ask for now, of which `allowed` reads may leave at once.

        `offset` is a lower bound of the cloud's date minus our clock.
        """
        since = min([self.listed_at, *self.unlisted.values()])
        ends = self._ends()
        kind, version = self.kind, self.microversion
        context = ReadContext(kind, version, self.total, offset, since, ends, allowed)
        wanted: Sequence[Ref] = ()
        if self._usually_due() <= now:
            every = context.lists(len(self.wanted)) and not context.dateless
            wanted = tuple(self.wanted) if every else self._most_urgent(now)
        late = self._overdue(now) if wanted else []
        self.owes = bool(late) and not self.going and allowed < 2
        if self.going or not late or context.dateless:
            return plan(context, wanted, self.confirm, [*self.going, *late])
        # What nothing is known to have happened to does not take the place of the list.
        reads = plan(context, wanted, self.confirm)
        spare = allowed - len(reads)
        if spare < 1:
            return reads
        if len(late) <= FEW:
            return [*plan(context, late[:spare]), *reads]
        return [*reads, *plan(context, wanted, (), late)]

    def _most_urgent(self, now: float) -> list[Ref]:
        due = sorted((when, order) for order, when in enumerate(self.dues.values()) if when <= now)
        watches = list(self.dues)
        return [
            ref
            for _, order in due
            for ref in sorted(self.watches[watches[order]], key=self.mentioned.__getitem__)
        ]

    def _overdue(self, now: float) -> list[Ref]:
        """What no list of changes has told of for long."""
        if not self.kind.changes_since or any(each.aside for each in self.in_flight.values()):
            return []  # or everything is being asked for
        return [ref for ref, heard in self.mentioned.items() if now - heard > OVERDUE]

    def _ends(self) -> tuple[str, ...]:
        """The statuses in which all that is waited for ends; none if that has to be seen whole."""
        found: dict[str, None] = {}
        for operation, number in self._operations.items():
            if number and not operation.creates:
                return ()
            for expect in operation.expects if number else ():
                if expect.type is self.kind:
                    found.update(dict.fromkeys(sorted(expect.success | expect.failure)))
        return tuple(found)

    def told(self, read: InFlightRead, result: ReadResult) -> list[Ref]:
        """Take note of an answer: the resources of which it says something."""
        request = read.request
        self.failures = 0
        if request.listing:
            earlier = self.listed_at if self.listed_at < math.inf else result.asked_at
            self.listed_at = max(earlier, result.asked_at)
            if request.since is None:
                self.total = len(result.found)
        else:
            self.confirm.pop(request.refs[0], None)
        refs = (ref for ref in request.refs if request.since is None or ref.id in result.found)
        return [ref for ref in refs if ref in self.wanted]

    def is_told(self, read: InFlightRead) -> None:
        """After a list: who has heard all that mattered before it needs the next changes only."""
        for watch in read.covered if read.request.listing else ():
            refs = self.watches.get(watch, ())
            if read.request.statuses or all(ref in watch.sights for ref in refs):
                self.unlisted.pop(watch, None)


def is_going(ref: Ref, sight: Sight | None) -> bool:
    """Whether its last status was that of something deleted: it is listed for a moment longer."""
    if sight is None or sight.body is None or not ref.type.status:
        return False
    return sight.body.get(ref.type.status) in ref.type.gone


def goes_back(watch: Watch, known: Sight, sight: Sight) -> bool:
    """Whether a list is older than what was seen already, though it was asked for later."""
    if sight.confirmed or watch.operation.creates or not (known.body and sight.body):
        return False
    before, now = known.body.get("updated"), sight.body.get("updated")
    return isinstance(before, str) and isinstance(now, str) and now < before
