"""The loop that turns watches into reads, reads into verdicts, and verdicts into endings.

It does no I/O: reads are started through a function that comes from outside and come back
through the inbox. Whoever owns it calls `step` again and again, from one thread or from none.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import math
import queue
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random
from weakref import WeakKeyDictionary

from pytest_osfutures.clock import Clock
from pytest_osfutures.engine.poll_group import CROWD, Group, InFlightRead, goes_back, is_going
from pytest_osfutures.engine.poll_plan import ReadRequest, ReadResult
from pytest_osfutures.engine.quota_queue import QuotaQueue
from pytest_osfutures.engine.timers import Timer, Timers
from pytest_osfutures.engine.token_bucket import TokenBucket
from pytest_osfutures.engine.watch import Completion, Reader, Watch
from pytest_osfutures.errors import (
    AccessDeniedError,
    EngineError,
    OperationTimeout,
    Seen,
)
from pytest_osfutures.operations import (
    Failed,
    Ref,
    ResourceType,
    Running,
    Succeeded,
    Verdict,
    verdict_of,
)

#: Starts a look and sees to it that its outcome is delivered.
StartRead = Callable[["Reader", ReadRequest, Callable[[ReadResult], None]], None]
_log = logging.getLogger("osfutures")
#: While a list alone would use up the rate, and something else is to be read, lists come so much
#: later each.
SAVING = 1.2
#: A read that is not answered after so many times its own timeout never will be.
LOST = 2.0
#: The first look comes so many times `Poll.fastest` after the accept, if nothing was learned yet.
FIRST = 1.2
#: So many durations of each operation are remembered.
REMEMBERED = 50


class Monitor:
    """Watches operations until each has ended, exactly once and no later than its deadline."""

    def __init__(self, clock: Clock, start_read: StartRead, random: Random | None = None) -> None:
        self.clock = clock
        self.inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self._start_read = start_read
        self._random = random or Random()
        self._order = itertools.count()
        self._timers = Timers()
        self.quota_queue = QuotaQueue()
        self._deadlines: list[tuple[float, int]] = []
        self._watches: dict[int, Watch] = {}
        self._keys: dict[Watch, int] = {}
        self._groups: dict[tuple[Reader, ResourceType, str], Group] = {}
        self._buckets: WeakKeyDictionary[Reader, TokenBucket] = WeakKeyDictionary()
        self._offsets: WeakKeyDictionary[Reader, float] = WeakKeyDictionary()
        self._durations: dict[str, deque[float]] = {}
        self._learned: dict[str, tuple[float, float]] = {}

    # What others call, from any thread.

    def watch(self, watch: Watch) -> None:
        """Take over an operation that the cloud has accepted."""
        self.inbox.put(lambda: self._begin(watch))

    def forget(self, watch: Watch) -> None:
        """Do not look at it any more: nobody wants to know what becomes of it."""
        self.inbox.put(lambda: self._end(watch, EngineError("it was called off")))

    def call_soon(self, what: Callable[[], None]) -> None:
        """Call `what` in the loop; it must be quick and do no I/O."""
        self.inbox.put(what)

    def call_later(self, seconds: float, what: Callable[[], None]) -> Timer:
        """Call `what` in the loop when `seconds` have passed, unless the timer is cancelled."""
        timer = Timer(self.clock.now() + seconds, what)
        self.inbox.put(lambda: self._timers.add(timer))
        return timer

    # What the owner of the loop calls.

    def step(self) -> float:
        """Do all that is due now and return when something is due again (`math.inf`: nothing)."""
        self._empty_inbox()
        now = self.clock.now()
        self._timers.run_due(now)
        self._end_the_late(now)
        again = self._look(now)
        again = min(again, self._timers.next_due())
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
            try:
                self._end(watch, error)
            except Exception:  # the others are waiting
                _log.exception("the end of %s raised", watch.operation.name)

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
        if watch.operation.deletes:
            self.quota_queue.deletion_started(watch.reader)
        heapq.heappush(self._deadlines, (watch.deadline, key))
        if len(self._deadlines) > 2 * len(self._watches) + 64:  # mostly of finished operations
            self._deadlines = [entry for entry in self._deadlines if entry[1] in self._watches]
            heapq.heapify(self._deadlines)
        self._judge(watch)

    def _end_the_late(self, now: float) -> None:
        while self._deadlines and (
            self._deadlines[0][0] <= now or self._deadlines[0][1] not in self._watches
        ):
            _, key = heapq.heappop(self._deadlines)
            if watch := self._watches.get(key):
                verdict = self._verdict(watch, now, final=True)
                if isinstance(verdict, Failed):  # and is only not explained yet
                    self._end(watch, watch.failure(verdict, now))
                    continue
                self._end(watch, OperationTimeout(watch.why_late(), watch.details(now)))

    def _end(self, watch: Watch, completion: Completion) -> None:
        key = self._keys.pop(watch, None)
        if key is None:
            return
        del self._watches[key]
        self._set_wants(watch, (), self.clock.now())
        watch.on_end(completion)
        if watch.operation.deletes:
            self.quota_queue.deletion_ended(watch.reader)

    # Verdicts

    def _judge(self, watch: Watch) -> None:
        now = self.clock.now()
        verdict = self._verdict(watch, now)
        if isinstance(verdict, EngineError):
            self._end(watch, verdict)
        elif isinstance(verdict, Succeeded):
            self._learn(watch, now)
            self._end(watch, verdict)
        elif isinstance(verdict, Failed):
            self._end(watch, watch.failure(verdict, now))
        else:
            self._go_on(watch, verdict, now)

    def _verdict(self, watch: Watch, now: float, final: bool = False) -> Verdict | EngineError:
        try:
            return verdict_of(watch.case(now), final)
        except Exception as error:  # one row's fault, or one odd answer: it hurts nobody else
            _log.exception("%s cannot be judged", watch.operation.name)
            name = f"{watch.operation.name} ({watch.resource_id})"
            broken = EngineError(f"{name} cannot be judged: {type(error).__name__}: {error}")
            broken.__cause__ = error
            return broken

    def _go_on(self, watch: Watch, verdict: Running, now: float) -> None:
        urgent = dict.fromkeys(verdict.confirm)
        if watch.sights:  # else these are the first looks, which have their own time
            urgent.update(dict.fromkeys(ref for ref in verdict.wants if ref not in watch.sights))
        self._set_wants(watch, tuple(dict.fromkeys(verdict.wants + verdict.confirm)), now)
        for ref in urgent:
            self._group(watch, ref.type).put(watch, now)
        for ref in verdict.confirm:
            self._group(watch, ref.type).confirm[ref] = None

    def _next_look(self, group: Group, watch: Watch, now: float) -> float:
        poll = watch.reader.poll
        early, late = self._expected(watch)
        age = now - watch.accepted_at
        if len(group.watches) >= CROWD:  # one list more costs each of them next to nothing
            early = min(early, FIRST * poll.fastest)
        if age < early:
            return watch.accepted_at + early
        return now + poll.interval(age, late) * self._random.uniform(0.9, 1.1)

    def _expected(self, watch: Watch) -> tuple[float, float]:
        """How long such operations take at least and at most, in seconds, as far as is known."""
        usual = watch.operation.usual
        prior = min(0.2 * usual, FIRST * watch.reader.poll.fastest), usual
        return self._learned.get(watch.operation.name, prior)

    def _learn(self, watch: Watch, now: float) -> None:
        known = self._durations.setdefault(watch.operation.name, deque(maxlen=REMEMBERED))
        known.append(now - watch.accepted_at)
        if len(known) >= 3:
            ordered = sorted(known)
            # Earlier than known: a first look that comes late would never learn of it.
            self._learned[watch.operation.name] = 0.8 * ordered[0], ordered[-1]

    # Reads

    def _group(self, watch: Watch, kind: ResourceType) -> Group:
        version = kind.version or watch.versions.get(kind.service, "")
        key = (watch.reader, kind, version)
        if key not in self._groups:
            self._groups[key] = Group(*key)
        return self._groups[key]

    def _set_wants(self, watch: Watch, refs: tuple[Ref, ...], now: float) -> None:
        old, watch.wants = watch.wants, refs
        if old == refs:
            return
        for kind in dict.fromkeys(ref.type for ref in old + refs):
            group = self._group(watch, kind)
            own = tuple(ref for ref in refs if ref.type == kind)
            if own:
                group.want(watch, own, self._next_look(group, watch, now))
                continue
            group.drop(watch)
            if not group.watches:
                del self._groups[(group.reader, group.kind, group.microversion)]

    def _look(self, now: float) -> float:
        """Send what is due, what waits longest first; the next moment at which something is."""
        again = math.inf
        for due, group in sorted(
            ((group.due, group) for group in self._groups.values()), key=lambda pair: pair[0]
        ):
            if due > now:
                return min(again, due)
            bucket = self._bucket(group.reader)
            if wait := bucket.wait(now, group.kind.service):
                again = min(again, now + wait)
                continue
            for request in group.reads(now, self._offsets.get(group.reader), bucket.allowed):
                if wait := bucket.take(now, group.kind.service):
                    again = min(again, now + wait)
                    break
                self._send(group, request, now)
            else:
                again = min(again, group.due)
        return again

    def _bucket(self, reader: Reader) -> TokenBucket:
        if reader not in self._buckets:
            self._buckets[reader] = TokenBucket(reader.poll, self.clock.now())
        return self._buckets[reader]

    def _send(self, group: Group, request: ReadRequest, now: float) -> None:
        patience = LOST * group.reader.poll.read_timeout
        lost = ReadResult(request, now, now + patience, error=f"no answer within {patience:g} s")
        timer = Timer(now + patience, lambda: self._arrived(group, timer, lost))
        self._timers.add(timer)
        read = group.in_flight[timer] = InFlightRead(request, now, tuple(group.unlisted))
        if request.listing:
            group.rest_until = now + group.reader.poll.fastest
        if group.kind.evidence:
            hangs = partial(self._hangs, group, read)
            read.alarm = Timer(now + group.reader.poll.slowest, hangs)
            self._timers.add(read.alarm)

        def deliver(result: ReadResult) -> None:
            self.call_soon(lambda: self._arrived(group, timer, result))

        self._start_read(group.reader, request, deliver)

    def _arrived(self, group: Group, timer: Timer, result: ReadResult) -> None:
        """Take an answer, once; or its absence, and then no answer any more."""
        read = group.in_flight.pop(timer, None)
        if read is not None:
            timer.cancel()
            if read.alarm is not None:
                read.alarm.cancel()
            self._digest(group, read, result)

    def _digest(self, group: Group, read: InFlightRead, result: ReadResult) -> None:
        now = self.clock.now()
        if result.fatal and group.kind.evidence:  # no explanation is no failure
            result = replace(result, error=None, fatal=False)
        if result.error is not None:
            self._put_off(group, result, now)
            return
        if (offset := result.offset()) is not None and group.kind.changes_since:
            self._offsets[group.reader] = max(offset, self._offsets.get(group.reader, -math.inf))
        refs = group.told(read, result)
        seen = {
            watch: None
            for ref in refs
            for watch in list(group.wanted[ref])
            if self._see(group, watch, ref, result)
        }
        for ref in (ref for ref in result.request.refs if ref.id in result.malformed):
            for watch in group.wanted.get(ref, ()):
                watch.trouble = result.malformed[ref.id]
        group.is_told(read)
        if not result.request.listing:
            for watch in group.waiting_for(result.request.refs):
                group.put(watch, self._next_look(group, watch, result.asked_at))
        before = len(group.watches)
        for watch in seen:
            if watch in group.watches:  # else the end of another one has ended it
                self._judge(watch)
        if result.request.listing and not read.aside:
            ended = before - len(group.watches)
            group.rest_until = result.asked_at + self._pause(group, now, ended)

    def _pause(self, group: Group, now: float, ended: int) -> float:
        """Seconds from one list to the next, after one that has ended so many operations."""
        poll = group.reader.poll
        if ended >= CROWD:
            return poll.fastest / 2
        least = poll.slowest
        for watch in reversed(group.watches):  # the youngest is the most likely to be in a hurry
            if group.dues[watch] > now:
                least = min(least, group.dues[watch] - now)
            else:
                _, late = self._expected(watch)
                least = min(least, poll.interval(now - watch.accepted_at, late))
            if least <= poll.fastest:
                return poll.fastest * (SAVING if group.owes else 1.0)
        return least * self._random.uniform(0.9, 1.1)

    def _see(self, group: Group, watch: Watch, ref: Ref, result: ReadResult) -> bool:
        sight = result.sight(ref)
        if sight is None:
            return False
        known = watch.sights.get(ref)
        if sight.asked_at < (known.asked_at if known is not None else watch.accepted_at):
            return False
        if known is not None and goes_back(watch, known, sight):
            return False
        if sight.body is None and is_going(ref, known):
            sight = replace(sight, confirmed=True)  # two reads agree
        watch.sights[ref] = sight
        watch.trouble = None
        group.mentioned[ref] = result.answered_at
        group.going.pop(ref, None)
        if is_going(ref, sight) or sight.body is None:  # no list of changes tells of it again
            group.going[ref] = None
        if sight.body is None and ref.type == watch.operation.main.type:
            watch.absences += 1
        if sight.body is not None and ref.type == watch.operation.storied and ref.type.status:
            status = str(sight.body.get(ref.type.status, ""))
            task = sight.body.get(ref.type.task_state) if ref.type.task_state else None
            last = watch.history[-1] if watch.history else None
            if last is None or (last.status, last.task_state) != (status, task):
                watch.history.append(Seen(self.clock.time(), status, task))
                watch.changed_at = sight.asked_at
            watch.resource_name = watch.resource_name or sight.body.get("name")
        return True

    def _put_off(self, group: Group, result: ReadResult, now: float) -> None:
        """A read failed: later again, unless the cloud will never answer it."""
        if result.fatal:
            for watch in group.waiting_for(result.request.refs):
                self._end(watch, AccessDeniedError(str(result.error), watch.details(now)))
            return
        group.failures += 1
        poll = group.reader.poll
        wait = min(poll.slowest, poll.fastest * 2 ** min(group.failures, 10))
        group.quiet_until = now + wait * self._random.uniform(0.5, 1.0)
        if result.retry_after is not None:  # the wish of the service, not of one of its kinds
            quiet = self._bucket(group.reader).quiet
            service = group.kind.service
            quiet[service] = max(quiet.get(service, now), now + result.retry_after)
        for watch in group.waiting_for(result.request.refs):
            watch.trouble = result.error
            group.put(watch, group.quiet_until)
            if group.kind.evidence:
                self._miss_evidence(group, watch, result.request.refs)

    def _hangs(self, group: Group, read: InFlightRead) -> None:
        """An answer about evidence that takes so long counts as a failed read, until it comes."""
        for watch in group.waiting_for(read.request.refs):
            self._miss_evidence(group, watch, read.request.refs)

    def _miss_evidence(self, group: Group, watch: Watch, refs: tuple[Ref, ...]) -> None:
        """Note failed reads of evidence: a failure does not wait for its explanation for ever."""
        wanted = group.watches.get(watch, ())
        watch.failed_reads += tuple(ref for ref in refs if ref in wanted)
        self._judge(watch)
