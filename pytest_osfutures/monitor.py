"""The loop that turns watches into reads, reads into verdicts, and verdicts into endings.

It does no I/O: reads are started through a function that comes from outside and come back
through the inbox. Whoever owns it calls `step` again and again, from one thread or from none.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import math
import queue
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from random import Random

from pytest_osfutures.clock import Clock
from pytest_osfutures.errors import (
    AccessDenied,
    EngineError,
    ObjectCreationError,
    OperationFailed,
    OperationTimeout,
    ResourceVanished,
    Seen,
)
from pytest_osfutures.operation import Kind, Ref
from pytest_osfutures.policy import Poll
from pytest_osfutures.snapshot import Look, Outcome, Situation, plan
from pytest_osfutures.verdict import Failed, Running, Succeeded, judge
from pytest_osfutures.watch import Ending, Reader, Watch

#: Starts a look and sees to it that its outcome is delivered.
StartLook = Callable[["Reader", Look, Callable[[Outcome], None]], None]
#: Seconds without any mention of a resource after which it is asked for by itself.
OVERDUE = 15.0
#: So many durations of each operation are remembered.
REMEMBERED = 50


@dataclass(eq=False)
class _Group:
    """All watches that one kind of read serves: same reader, same kind, same microversion."""

    reader: Reader
    kind: Kind
    microversion: str
    watches: dict[Watch, tuple[Ref, ...]] = field(default_factory=dict)
    confirm: set[Ref] = field(default_factory=set)
    mentioned: dict[Ref, float] = field(default_factory=dict)
    due: float = math.inf
    in_flight: int = 0
    total: int = 0
    listed_at: float | None = None
    failures: int = 0


class _Bucket:
    """Lets through `burst` reads at once and `max_rate` a second in the long run."""

    def __init__(self, poll: Poll, now: float) -> None:
        self.poll = poll
        self.level = float(poll.burst)
        self.at = now

    def take(self, now: float) -> float:
        """0 if a read may leave now, else the seconds until the next one may."""
        self.level = min(self.poll.burst, self.level + (now - self.at) * self.poll.max_rate)
        self.at = now
        if self.level >= 1 - 1e-9:
            self.level -= 1
            return 0.0
        return (1 - self.level) / self.poll.max_rate


class Monitor:
    """Watches operations until each has ended, exactly once and no later than its deadline."""

    def __init__(self, clock: Clock, start_look: StartLook, random: Random | None = None) -> None:
        self.clock = clock
        self.inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._start_look = start_look
        self._random = random or Random()
        self._order = itertools.count()
        self._timers: list[tuple[float, int, Callable[[], None]]] = []
        self._deadlines: list[tuple[float, int]] = []
        self._watches: dict[int, Watch] = {}
        self._keys: dict[Watch, int] = {}
        self._groups: dict[tuple[Reader, Kind, str], _Group] = {}
        self._buckets: dict[Reader, _Bucket] = {}
        self._offsets: dict[Reader, float] = {}
        self._durations: dict[str, deque[float]] = {}

    # What others call, from any thread.

    def watch(self, watch: Watch) -> None:
        """Take over an operation that the cloud has accepted."""
        self.inbox.put(lambda: self._begin(watch))

    def soon(self, what: Callable[[], None]) -> None:
        """Call `what` in the loop; it must be quick and do no I/O."""
        self.inbox.put(what)

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        """Call `what` in the loop when `seconds` have passed."""
        when = self.clock.now() + seconds
        self.inbox.put(lambda: heapq.heappush(self._timers, (when, next(self._order), what)))

    # What the owner of the loop calls.

    def step(self) -> float:
        """Do all that is due now and return when something is due again (`math.inf`: nothing)."""
        self._empty_inbox()
        now = self.clock.now()
        while self._timers and self._timers[0][0] <= now:
            heapq.heappop(self._timers)[2]()
        self._end_the_late(now)
        again = self._look(now)
        self._empty_inbox()
        if self._timers:
            again = min(again, self._timers[0][0])
        if self._deadlines:
            again = min(again, self._deadlines[0][0])
        return again if self.inbox.empty() else now

    @property
    def pending(self) -> int:
        """How many operations are being watched."""
        return len(self._watches)

    def abandon(self, error: EngineError) -> None:
        """End every operation that is still watched with `error`, even if the loop is broken."""
        while not self.inbox.empty():
            with contextlib.suppress(Exception):
                self._empty_inbox()
        for watch in list(self._watches.values()):
            self._end(watch, error)

    def _empty_inbox(self) -> None:
        while True:
            try:
                what = self.inbox.get_nowait()
            except queue.Empty:
                return
            what()

    def _begin(self, watch: Watch) -> None:
        key = next(self._order)
        self._watches[key] = watch
        self._keys[watch] = key
        heapq.heappush(self._deadlines, (watch.deadline, key))
        if len(self._deadlines) > 2 * len(self._watches) + 64:  # mostly of finished operations
            self._deadlines = [entry for entry in self._deadlines if entry[1] in self._watches]
            heapq.heapify(self._deadlines)
        self._buckets.setdefault(watch.reader, _Bucket(watch.reader.poll, self.clock.now()))
        self._judge(watch)

    def _end_the_late(self, now: float) -> None:
        while self._deadlines and (
            self._deadlines[0][0] <= now or self._deadlines[0][1] not in self._watches
        ):
            _, key = heapq.heappop(self._deadlines)
            if watch := self._watches.get(key):
                why = f"not done within its {watch.tout:g} s"
                self._end(watch, OperationTimeout(why, watch.facts(now)))

    def _end(self, watch: Watch, ending: Ending) -> None:
        key = self._keys.pop(watch, None)
        if key is None:
            return
        del self._watches[key]
        self._set_wants(watch, ())
        watch.on_end(ending)

    # Verdicts

    def _judge(self, watch: Watch) -> None:
        now = self.clock.now()
        verdict = judge(watch.case(now))
        if isinstance(verdict, Succeeded):
            self._learn(watch, now)
            self._end(watch, verdict)
        elif isinstance(verdict, Failed):
            self._end(watch, _error(watch, verdict, now))
        else:
            self._go_on(watch, verdict, now)

    def _go_on(self, watch: Watch, verdict: Running, now: float) -> None:
        fresh = [ref for ref in verdict.wants if ref not in watch.sights]
        first_look = not watch.sights
        if verdict.confirm or (fresh and not first_look):
            watch.due = now
        else:
            watch.due = self._next_look(watch, now)
        self._set_wants(watch, tuple(dict.fromkeys(verdict.wants + verdict.confirm)))
        for ref in verdict.confirm:
            self._group(watch, ref.kind).confirm.add(ref)

    def _next_look(self, watch: Watch, now: float) -> float:
        known = sorted(self._durations.get(watch.operation.name, ()))
        poll = watch.reader.poll
        if len(known) >= 3:
            early, late = known[len(known) // 10], known[-1]
        else:
            early, late = min(0.2 * watch.operation.usual, 2 * poll.fastest), watch.operation.usual
        age = now - watch.accepted_at
        if age < early:
            return watch.accepted_at + early
        return now + poll.interval(age, late) * self._random.uniform(0.9, 1.1)

    def _learn(self, watch: Watch, now: float) -> None:
        known = self._durations.setdefault(watch.operation.name, deque(maxlen=REMEMBERED))
        known.append(now - watch.accepted_at)

    # Reads

    def _group(self, watch: Watch, kind: Kind) -> _Group:
        version = "latest" if kind.evidence else watch.versions.get(kind.service, "")
        key = (watch.reader, kind, version)
        if key not in self._groups:
            self._groups[key] = _Group(*key)
        return self._groups[key]

    def _set_wants(self, watch: Watch, refs: tuple[Ref, ...]) -> None:
        for kind in {ref.kind for ref in watch.wants}:
            group = self._group(watch, kind)
            for ref in group.watches.pop(watch, ()):
                group.mentioned.pop(ref, None)
                group.confirm.discard(ref)
            if not group.watches:
                del self._groups[(group.reader, group.kind, group.microversion)]
        watch.wants = refs
        for kind in {ref.kind for ref in refs}:
            group = self._group(watch, kind)
            group.watches[watch] = tuple(ref for ref in refs if ref.kind == kind)
            group.due = min(group.due, watch.due)

    def _look(self, now: float) -> float:
        again = math.inf
        ready = sorted(
            (group for group in self._groups.values() if not group.in_flight),
            key=lambda group: group.due,
        )
        for group in ready:
            if group.due > now:
                again = min(again, group.due)
                break
            looks = self._plan(group, now)
            if not looks:
                group.due = min((watch.due for watch in group.watches), default=math.inf)
            for look in looks:
                if wait := self._buckets[group.reader].take(now):
                    group.due = now + wait
                    break
                self._send(group, look, now)
            again = min(again, group.due)
        return again

    def _plan(self, group: _Group, now: float) -> list[Look]:
        watches = sorted(group.watches, key=lambda watch: watch.due)
        if group.kind.list_path is None:  # each costs a read of its own
            watches = [watch for watch in watches if watch.due <= now]
        wanted = [ref for watch in watches for ref in group.watches[watch]]
        accepted = min(watch.accepted_at for watch in group.watches)
        unseen = [ref for ref in wanted if ref not in group.mentioned]
        oldest = accepted if unseen or group.listed_at is None else group.listed_at
        situation = Situation(
            group.kind,
            group.microversion,
            group.total,
            self._offsets.get(group.reader),
            oldest,
        )
        overdue = [ref for ref in wanted if now - group.mentioned.get(ref, now) > OVERDUE]
        return plan(situation, wanted, group.confirm, overdue)

    def _send(self, group: _Group, look: Look, now: float) -> None:
        group.in_flight += 1
        group.due = math.inf
        for ref in look.refs:
            group.mentioned.setdefault(ref, now)
        self._start_look(
            group.reader, look, lambda outcome: self.soon(lambda: self._digest(group, outcome))
        )

    def _digest(self, group: _Group, outcome: Outcome) -> None:
        group.in_flight -= 1
        now = self.clock.now()
        if outcome.fatal and group.kind.evidence:  # no explanation is no failure
            outcome = replace(outcome, error=None, fatal=False)
        if outcome.error is not None:
            self._put_off(group, outcome, now)
            return
        group.failures = 0
        group.confirm.difference_update(outcome.look.refs)
        if outcome.look.listing:
            group.listed_at = outcome.asked_at
            if outcome.look.since is None:
                group.total = len(outcome.found)
        if (offset := outcome.offset()) is not None and group.kind.changes_since:
            self._offsets[group.reader] = max(offset, self._offsets.get(group.reader, -math.inf))
        for watch, refs in list(group.watches.items()):
            seen = [ref for ref in refs if self._see(group, watch, ref, outcome)]
            if seen:
                self._judge(watch)
            else:
                if watch.due <= now:
                    watch.due = self._next_look(watch, now)
                group.due = min(group.due, watch.due)

    def _see(self, group: _Group, watch: Watch, ref: Ref, outcome: Outcome) -> bool:
        sight = outcome.sight(ref)
        if sight is None:
            return False
        known = watch.sights.get(ref)
        if known is not None and known.asked_at > sight.asked_at:
            return False
        watch.sights[ref] = sight
        group.mentioned[ref] = outcome.answered_at
        if sight.body is not None and ref.kind.status and not ref.kind.evidence:
            status = str(sight.body.get(ref.kind.status, ""))
            task = sight.body.get(ref.kind.task_state) if ref.kind.task_state else None
            last = watch.history[-1] if watch.history else None
            if last is None or (last.status, last.task_state) != (status, task):
                watch.history.append(Seen(self.clock.time(), status, task))
            watch.resource_name = watch.resource_name or sight.body.get("name")
        return True

    def _put_off(self, group: _Group, outcome: Outcome, now: float) -> None:
        """A read failed: later again, unless the cloud will never answer it."""
        if outcome.fatal:
            for watch in _interested(group, outcome.look.refs):
                self._end(watch, AccessDenied(str(outcome.error), watch.facts(now)))
            return
        group.failures += 1
        poll = group.reader.poll
        wait = min(poll.slowest, poll.fastest * 2 ** min(group.failures, 10))
        wait = max(outcome.retry_after or 0.0, wait * self._random.uniform(0.5, 1.0))
        group.due = min(group.due, now + wait) if group.in_flight else now + wait
        for watch in group.watches:
            watch.due = max(watch.due, group.due)


def _interested(group: _Group, refs: Iterable[Ref]) -> list[Watch]:
    wanted = set(refs)
    return [watch for watch, own in group.watches.items() if wanted.intersection(own)]


def _error(watch: Watch, verdict: Failed, now: float) -> OperationFailed:
    kind = OperationFailed
    if verdict.vanished:
        kind = ResourceVanished
    elif watch.operation.creates:
        kind = ObjectCreationError
    return kind(verdict.why, watch.facts(now))
