"""All watches that one kind of read serves, and what is known of their looks so far."""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from pytest_osfutures.operation import Kind, Ref, Sight
from pytest_osfutures.timers import Timer
from pytest_osfutures.watch import Reader, Watch


@dataclass(eq=False)
class Group:
    """All watches that one kind of read serves: same reader, same kind, same microversion.

    `dues` says when each of them wants a look, `mentioned` when each resource was heard of last
    (or asked for first), `listed` what the last list, of `listed_at`, was asked for, `ended` the
    same of the last list of what has ended only. `in_flight` are the looks that are not answered
    yet, each with the moment at which that counts as lost.
    """

    reader: Reader
    kind: Kind
    microversion: str
    watches: dict[Watch, tuple[Ref, ...]] = field(default_factory=dict)
    dues: dict[Watch, float] = field(default_factory=dict)
    confirm: dict[Ref, None] = field(default_factory=dict)
    mentioned: dict[Ref, float] = field(default_factory=dict)
    listed: frozenset[Ref] = frozenset()
    listed_at: float = math.inf
    ended: frozenset[Ref] = frozenset()
    ended_at: float = math.inf
    quiet_until: float = -math.inf
    in_flight: set[Timer] = field(default_factory=set)
    total: int = 0
    failures: int = 0

    def __post_init__(self) -> None:
        self._by_due: list[tuple[float, int, Watch]] = []
        self._order = itertools.count()

    @property
    def due(self) -> float:
        """When the next look may leave; a moment that has passed says since when it waits."""
        heap = self._by_due
        while heap and self.dues.get(heap[0][2]) != heap[0][0]:
            heapq.heappop(heap)
        return max(self.quiet_until, heap[0][0] if heap else math.inf)

    def put(self, watch: Watch, due: float) -> None:
        """Let `watch` want its next look at `due`."""
        self.dues[watch] = due
        if len(self._by_due) > 2 * len(self.dues) + 64:  # mostly of looks that have been
            self._by_due = [(when, next(self._order), each) for each, when in self.dues.items()]
            heapq.heapify(self._by_due)
        else:
            heapq.heappush(self._by_due, (due, next(self._order), watch))

    def drop(self, watch: Watch) -> None:
        """It wants nothing of this kind any more."""
        self.watches.pop(watch, None)
        self.dues.pop(watch, None)

    def forget(self, ref: Ref) -> None:
        """Nobody asks for this resource any more."""
        self.mentioned.pop(ref, None)
        self.confirm.pop(ref, None)

    def is_new(self, watch: Watch) -> bool:
        """Whether the lists of changes may not have told `watch` all since its acceptance."""
        return any(ref not in self.listed or ref not in watch.sights for ref in self.watches[watch])

    def ends(self) -> tuple[str, ...]:
        """The statuses in which all that is waited for ends; none if that has to be seen whole."""
        found: dict[str, None] = {}
        for watch in self.watches:
            if not watch.operation.creates:
                return ()
            for expect in watch.operation.expects:
                if expect.kind is self.kind:
                    found.update(dict.fromkeys(sorted(expect.success | expect.failure)))
        return tuple(found)

    def interested(self, refs: Iterable[Ref]) -> list[Watch]:
        """Whose look this is."""
        wanted = set(refs)
        return [watch for watch, own in self.watches.items() if wanted.intersection(own)]


def is_going(ref: Ref, sight: Sight | None) -> bool:
    """Whether its last status was that of something deleted: it is listed for a moment longer."""
    if sight is None or sight.body is None or not ref.kind.status:
        return False
    return sight.body.get(ref.kind.status) in ref.kind.gone


def goes_back(watch: Watch, known: Sight, sight: Sight) -> bool:
    """Whether a list is older than what was seen already, though it was asked for later."""
    if sight.confirmed or watch.operation.creates or not (known.body and sight.body):
        return False
    before, now = known.body.get("updated"), sight.body.get("updated")
    return isinstance(before, str) and isinstance(now, str) and now < before
