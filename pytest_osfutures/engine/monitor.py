"""The state machine of the engine: watches become reads, reads verdicts, verdicts completions.

No I/O here: the constructor gets a function that starts a read, and the result returns through
`inbox`. One thread at a time calls `step`, again and again; tests call it without any thread.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import logging
import math
import queue
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from random import Random
from weakref import WeakKeyDictionary

from pytest_osfutures.clock import Clock
from pytest_osfutures.engine.durations import FIRST_READ, Durations
from pytest_osfutures.engine.poll_group import InFlightRead, PollGroup
from pytest_osfutures.engine.poll_plan import ReadRequest, ReadResult
from pytest_osfutures.engine.quota_queue import QuotaQueue
from pytest_osfutures.engine.read_queue import QueuedRead, ReadQueue
from pytest_osfutures.engine.timers import Timer, Timers
from pytest_osfutures.engine.token_bucket import TokenBucket
from pytest_osfutures.engine.watch import Completion, Reader, Watch
from pytest_osfutures.errors import AccessDeniedError, EngineError, OperationTimeout
from pytest_osfutures.operations import (
    Failed,
    ResourceRef,
    ResourceType,
    Running,
    Succeeded,
    Verdict,
    verdict_of,
)

#: Starts a read, and later calls the given function with the result, from any thread.
StartRead = Callable[[Reader, ReadRequest, Callable[[ReadResult], None]], None]
_log = logging.getLogger("osfutures")
#: With overdue resources and a rate that lists use up alone, the pause between lists grows by this
#: factor, which saves one read in six for the overdue resources.
SAVING = 1.2
#: A read without answer after this many times its own timeout counts as lost.
LOST = 2.0
#: Where this many operations end between two lists, more soon will: the next list comes in half
#: the time.
MANY_ENDS = 16


class Monitor:
    """Ends each watch exactly once, and no later than the watch's deadline."""

    def __init__(self, clock: Clock, start_read: StartRead, random: Random | None = None) -> None:
        self.clock = clock
        #: Functions that `step` calls first.
        self.inbox: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.quota_queue = QuotaQueue()
        self._read_queue = ReadQueue()
        self._start_read = start_read
        self._random = random or Random()
        self._order = itertools.count()
        self._timers = Timers()
        self._deadlines: list[tuple[float, int]] = []
        self._watches: dict[int, Watch] = {}
        self._keys: dict[Watch, int] = {}
        self._groups: dict[tuple[Reader, ResourceType, str], PollGroup] = {}
        self._buckets: WeakKeyDictionary[Reader, TokenBucket] = WeakKeyDictionary()
        #: The lower bound of each cloud's date minus the engine's time.
        self._offsets: WeakKeyDictionary[Reader, float] = WeakKeyDictionary()
        self._durations = Durations()
        #: True if a terminal shows the statuses of resources on the way.
        self.shows_every_status = False

    # For any thread

    def watch(self, watch: Watch) -> None:
        """Take over an operation that the cloud has accepted."""
        self.inbox.put(lambda: self._begin(watch))

    def forget(self, watch: Watch) -> None:
        """End a watch whose completion no caller needs any more."""
        self.inbox.put(lambda: self._end(watch, EngineError("it was called off")))

    def call_soon(self, fn: Callable[[], None]) -> None:
        """Call `fn` in the loop; it must be quick and do no I/O."""
        self.inbox.put(fn)

    def call_later(self, seconds: float, fn: Callable[[], None]) -> Timer:
        """Call `fn` in the loop after `seconds`, unless the returned timer is cancelled."""
        timer = Timer(self.clock.now() + seconds, fn)
        self.inbox.put(lambda: self._timers.add(timer))
        return timer

    def queue_read(self, read: QueuedRead) -> None:
        """Start a read that no poll group sends, once the rate of its project allows it."""
        self.inbox.put(lambda: self._read_queue.add(read))

    def usual_duration(self, name: str) -> float | None:
        """Return the median duration of this process's operations of a name, in seconds."""
        return self._durations.usual(name)

    def back_off(self, reader: Reader, service: str, seconds: float) -> None:
        """Send no read of a service of a project for some seconds, as a Retry-After asks."""
        until = self.clock.now() + seconds
        self.inbox.put(lambda: self._bucket(reader).back_off(service, until))

    # For the thread that runs the loop

    def step(self) -> float:
        """Do everything that is due; return when to call `step` again (`math.inf`: never)."""
        self._empty_inbox()
        now = self.clock.now()
        self._timers.run_due(now)
        self._end_overdue_watches(now)
        again = min(self._send_due_reads(now), self._timers.next_due())
        if self._deadlines:
            again = min(again, self._deadlines[0][0])
        return again if self.inbox.empty() else now

    @property
    def pending(self) -> int:
        """The number of operations that are being watched."""
        return len(self._watches)

    def abandon(self, error: EngineError) -> None:
        """End all watches with `error`, even if the loop is broken."""
        while not self.inbox.empty():
            with contextlib.suppress(Exception):
                self._empty_inbox()
        for watch in list(self._watches.values()):
            try:
                self._end(watch, error)
            except Exception:  # the other watches have to end too
                _log.exception("the end of %s raised", watch.operation.name)

    def _empty_inbox(self) -> None:
        while True:
            try:
                fn = self.inbox.get_nowait()
            except queue.Empty:
                return
            fn()

    def _begin(self, watch: Watch) -> None:
        key = next(self._order)
        self._watches[key] = watch
        self._keys[watch] = key
        if watch.operation.deletes:
            self.quota_queue.deletion_started(watch.reader)
        heapq.heappush(self._deadlines, (watch.deadline, key))
        if len(self._deadlines) > 2 * len(self._watches) + 64:  # mostly of ended watches
            self._deadlines = [entry for entry in self._deadlines if entry[1] in self._watches]
            heapq.heapify(self._deadlines)
        self._judge(watch)

    def _end_overdue_watches(self, now: float) -> None:
        while self._deadlines and (
            self._deadlines[0][0] <= now or self._deadlines[0][1] not in self._watches
        ):
            _, key = heapq.heappop(self._deadlines)
            if watch := self._watches.get(key):
                verdict = self._verdict(watch, now, final=True)
                if isinstance(verdict, Failed):  # a failure that waited for its evidence
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
            self._durations.record(watch.operation, now - watch.accepted_at)
            self._end(watch, verdict)
        elif isinstance(verdict, Failed):
            self._end(watch, watch.failure(verdict, now))
        else:
            self._continue(watch, verdict, now)

    def _verdict(self, watch: Watch, now: float, final: bool = False) -> Verdict | EngineError:
        try:
            return verdict_of(watch.evidence(now), final)
        except Exception as error:  # a bug in one operation's table row must not hurt the others
            _log.exception("%s cannot be judged", watch.operation.name)
            name = f"{watch.operation.name} ({watch.resource_id})"
            broken = EngineError(f"{name} cannot be judged: {type(error).__name__}: {error}")
            broken.__cause__ = error
            return broken

    def _continue(self, watch: Watch, verdict: Running, now: float) -> None:
        """Schedule the reads that a running operation needs next."""
        urgent = dict.fromkeys(verdict.confirm)
        if watch.observations:  # else these are the first reads, which `_next_read_at` schedules
            urgent.update(
                dict.fromkeys(ref for ref in verdict.wants if ref not in watch.observations)
            )
        self._set_wants(watch, tuple(dict.fromkeys(verdict.wants + verdict.confirm)), now)
        for ref in urgent:
            self._group(watch, ref.type).schedule(watch, now)
        for ref in verdict.confirm:
            seen = watch.observations.get(ref)
            self._group(watch, ref.type).let_confirm(ref, seen is not None and seen.body is None)

    def _next_read_at(self, group: PollGroup, watch: Watch, now: float) -> float:
        poll = watch.reader.poll
        shortest, longest = self._durations.expected(watch.operation, poll.fastest)
        age = now - watch.accepted_at
        if len(group.watches) >= MANY_ENDS:  # one more list costs little per watch
            shortest = min(shortest, FIRST_READ * poll.fastest)
        if age < shortest:
            return watch.accepted_at + shortest
        pause = max(poll.interval(age, longest), watch.operation.pace * poll.fastest)
        return now + pause * self._random.uniform(0.9, 1.1)

    # Reads

    def _group(self, watch: Watch, kind: ResourceType) -> PollGroup:
        version = kind.version or watch.versions.get(kind.service, "")
        key = (watch.reader, kind, version)
        if key not in self._groups:
            self._groups[key] = PollGroup(*key, shows_every_status=self.shows_every_status)
        return self._groups[key]

    def _set_wants(self, watch: Watch, refs: tuple[ResourceRef, ...], now: float) -> None:
        """Let `watch` wait for the resources `refs` in their groups, and for nothing else."""
        old, watch.wants = watch.wants, refs
        if old == refs:
            return
        for kind in dict.fromkeys(ref.type for ref in old + refs):
            group = self._group(watch, kind)
            own = tuple(ref for ref in refs if ref.type == kind)
            if own:
                group.subscribe(watch, own, self._next_read_at(group, watch, now))
                continue
            group.unsubscribe(watch)
            if not group.watches:
                del self._groups[(group.reader, group.kind, group.microversion)]

    def _send_due_reads(self, now: float) -> float:
        """Send due reads, the longest waiting first; return when the next read is due."""
        again = self._read_queue.take_turn(now, self._bucket)
        for due, group in sorted(
            ((group.due, group) for group in self._groups.values()), key=lambda pair: pair[0]
        ):
            if due > now:
                again = min(again, due)
                break
            bucket = self._bucket(group.reader)
            if wait := bucket.wait(now, group.kind.service):
                again = min(again, now + wait)
                continue
            for request in group.reads(now, self._offsets.get(group.reader), bucket.allowed):
                if wait := bucket.take(now, group.kind.service):
                    again = min(again, now + wait)
                    break
                self._read_queue.pass_turn()
                self._send(group, request, now)
            else:
                again = min(again, group.due)
        return min(again, self._read_queue.send(now, self._bucket))

    def _bucket(self, reader: Reader) -> TokenBucket:
        if reader not in self._buckets:
            self._buckets[reader] = TokenBucket(reader.poll, self.clock.now())
        return self._buckets[reader]

    def _send(self, group: PollGroup, request: ReadRequest, now: float) -> None:
        patience = LOST * group.reader.poll.read_timeout
        lost = ReadResult(request, now, now + patience, error=f"no answer within {patience:g} s")
        timer = Timer(now + patience, lambda: self._receive(group, timer, lost))
        self._timers.add(timer)
        read = InFlightRead(request, now, tuple(group.awaiting_full_list))
        group.sent(read, timer)
        if group.kind.explains_only:  # a slow answer counts as a failed read until it comes
            miss = partial(self._miss_evidence, group, request.refs)
            read.alarm = Timer(now + group.reader.poll.slowest, miss)
            self._timers.add(read.alarm)

        def deliver(result: ReadResult) -> None:
            self.call_soon(lambda: self._receive(group, timer, result))

        self._start_read(group.reader, request, deliver)

    def _receive(self, group: PollGroup, timer: Timer, result: ReadResult) -> None:
        """Take in the first result of a read; later ones, after a loss for example, are ignored."""
        read = group.in_flight.pop(timer, None)
        if read is None:
            return
        timer.cancel()
        if read.alarm is not None:
            read.alarm.cancel()
        if result.fatal and group.kind.explains_only:  # a forbidden explanation is no failure
            result = replace(result, error=None, fatal=False)
        if result.error is not None:
            self._read_failed(group, result)
        else:
            self._take_in(group, read, result)

    def _take_in(self, group: PollGroup, read: InFlightRead, result: ReadResult) -> None:
        """Store an answer in the group and its watches, and judge the watches that learn of it."""
        now, request = self.clock.now(), result.request
        if (offset := result.offset()) is not None and group.kind.changes_since:
            self._offsets[group.reader] = max(offset, self._offsets.get(group.reader, -math.inf))
        changed = {
            watch: None
            for ref in group.answered(read, result)
            for watch in list(group.wanted[ref])
            if self._observe(group, watch, ref, result)
        }
        for ref in (ref for ref in request.refs if ref.id in result.malformed):
            for watch in group.wanted.get(ref, ()):
                watch.last_error = result.malformed[ref.id]
        group.mark_covered(read)
        if not request.listing:
            for watch in group.watches_of(request.refs):
                group.schedule(watch, self._next_read_at(group, watch, result.asked_at))
        before = len(group.watches)
        for watch in changed:
            if watch in group.watches:  # the completion of another watch may end this one
                self._judge(watch)
        if request.listing and not read.is_full_list:
            ended = before - len(group.watches)
            group.next_list_at = result.asked_at + self._list_pause(group, now, ended)

    def _observe(
        self, group: PollGroup, watch: Watch, ref: ResourceRef, result: ReadResult
    ) -> bool:
        observation = result.observation(ref)
        if observation is None or not watch.observe(ref, observation, self.clock.time()):
            return False
        group.observe(ref, observation, result.answered_at)
        return True

    def _list_pause(self, group: PollGroup, now: float, ended: int) -> float:
        """Return the seconds between two lists, the first of which has ended `ended` operations."""
        poll = group.reader.poll
        if ended >= MANY_ENDS:
            return poll.fastest / 2
        least = poll.slowest
        for watch in reversed(group.watches):  # the youngest most likely needs a read soon
            if group.due_at[watch] > now:
                least = min(least, group.due_at[watch] - now)
            else:
                _, longest = self._durations.expected(watch.operation, poll.fastest)
                least = min(least, poll.interval(now - watch.accepted_at, longest))
            if least <= poll.fastest:
                return poll.fastest * (SAVING if group.skipped_single_reads else 1.0)
        return least * self._random.uniform(0.9, 1.1)

    def _read_failed(self, group: PollGroup, result: ReadResult) -> None:
        """Read again after a pause; end the watches if every further read would fail too."""
        now, refs = self.clock.now(), result.request.refs
        if result.fatal:
            for watch in group.watches_of(refs):
                self._end(watch, AccessDeniedError(str(result.error), watch.details(now)))
            return
        group.back_off(now, self._random.uniform(0.5, 1.0))
        if result.retry_after is not None:  # holds for the whole service
            bucket = self._bucket(group.reader)
            bucket.back_off(group.kind.service, now + result.retry_after)
        for watch in group.watches_of(refs):
            watch.last_error = result.error
            group.schedule(watch, group.backoff_until)
        if group.kind.explains_only:
            self._miss_evidence(group, refs)

    def _miss_evidence(self, group: PollGroup, refs: tuple[ResourceRef, ...]) -> None:
        """Count failed reads of evidence, without which a failure is reported in the end."""
        for watch in group.watches_of(refs):
            wanted = group.watches.get(watch, ())
            watch.miss_evidence(ref for ref in refs if ref in wanted)
            self._judge(watch)
