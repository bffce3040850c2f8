"""One read of many resources: what to ask, what was answered, and which read is the cheapest.

No I/O here: `plan` decides which reads serve a number of wishes, `ReadResult` is what came of one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from pytest_osfutures.operations import Body, Ref, ResourceType, Sight
from pytest_osfutures.parsing import moment

#: Seconds by which a changes-since list reaches back, more than the one to which Nova rounds.
OVERLAP = 2.0
#: The same where a list of changes leaves out what is under way: a later one shows what it missed.
SHORT_OVERLAP = 0.25
#: The cloud's clock is not further (seconds) ahead of ours: Keystone's tokens would not work.
FURTHEST_AHEAD = 86400.0
#: So many reads by id are as cheap as one list, whatever the list's length.
FEW = 2
#: A list of so many resources costs about as much as one more read by id.
PAGE = 50


@dataclass(frozen=True)
class ReadRequest:
    """One read: `refs` by id when `path` is one resource's, else everything a list holds.

    `since` limits the list to what changed after that moment (seconds of the cloud's date),
    `statuses` to what is in one of them.
    """

    kind: ResourceType
    microversion: str
    refs: tuple[Ref, ...]
    path: str
    listing: bool = False
    since: float | None = None
    statuses: tuple[str, ...] = ()

    @cached_property
    def asked(self) -> frozenset[Ref]:
        """What it is about."""
        return frozenset(self.refs)


@dataclass(frozen=True)
class ReadResult:
    """The result of one read. Times are seconds on the engine's clock.

    `found` maps ids to resources, `malformed` the ids of resources that cannot be judged to the
    reason. `error` says why there is no answer, `retry_after` how many seconds the cloud wants to
    be left alone, and `fatal` that another read would fail too. `local_time` is the date of the
    answer on the computer's own clock (seconds since 1970).
    """

    request: ReadRequest
    asked_at: float
    answered_at: float
    found: Mapping[str, Body] = field(default_factory=dict)
    error: str | None = None
    retry_after: float | None = None
    fatal: bool = False
    local_time: float | None = None
    malformed: Mapping[str, str] = field(default_factory=dict)

    def sight(self, ref: Ref) -> Sight | None:
        """What this says about one resource; None if it says nothing."""
        if self.error is not None or ref not in self.request.asked or ref.id in self.malformed:
            return None
        body = self.found.get(ref.id)
        if body is None and self.request.since is not None:
            return None  # it did not change
        return Sight(self.asked_at, body, confirmed=not self.request.listing)

    def offset(self) -> float | None:
        """A lower bound of the cloud's date minus the engine's clock; None if nothing tells.

        Nothing can have been updated later than the answer was given, so each `updated` bounds
        the cloud's clock from below. Many clouds send no Date header.
        """
        latest = max(map(_updated, self.found.values()), default="")  # one service, one format
        date = moment(latest)
        if date is None or self._is_odd(date):
            dates = map(moment, map(_updated, self.found.values()))
            sound = (each for each in dates if each is not None and not self._is_odd(each))
            date = max(sound, default=None)
        return None if date is None else date - self.answered_at

    def _is_odd(self, date: float) -> bool:
        """Return True if no clock is that far ahead: one such date would hide all changes."""
        return self.local_time is not None and date > self.local_time + FURTHEST_AHEAD


@dataclass(frozen=True)
class ReadContext:
    """What is known when reads are planned for one kind of resource.

    `total` is the length of the last complete list, `offset` the lower bound of the cloud's date
    minus the engine's clock, `since` the moment (engine's clock) from which changes matter,
    `statuses` those that matter now (none: all), and `allowed` how many reads may leave now.
    """

    kind: ResourceType
    microversion: str
    total: int = 0
    offset: float | None = None
    since: float = 0.0
    statuses: tuple[str, ...] = ()
    allowed: int = FEW

    def lists(self, number: int) -> bool:
        """Whether one list is the cheapest read of so many resources."""
        if self.kind.list_path is None:
            return False
        if self.kind.changes_since:  # such a list is as short as what has happened
            return number > min(FEW, self.allowed)
        return number > FEW + self.total // PAGE

    @property
    def dateless(self) -> bool:
        """Whether changes cannot be asked for yet: the cloud's date is not known."""
        return self.kind.changes_since and self.offset is None


def plan(
    context: ReadContext,
    wanted: Sequence[Ref],
    confirm: Iterable[Ref] = (),
    overdue: Iterable[Ref] = (),
) -> list[ReadRequest]:
    """The cheapest reads that serve all of `wanted`.

    `confirm` are to be asked for one by one, because a list did not have them. `overdue` were
    mentioned by no list of changes for long, which may only mean that nothing happened.
    """
    single = dict.fromkeys(confirm)
    reads = [_get(context, ref) for ref in single]
    # No hash of each where a list serves all: there may be thousands.
    rest = tuple(ref for ref in wanted if ref not in single) if single else tuple(wanted)
    if not context.lists(len(rest)):
        return reads + [_get(context, ref) for ref in dict.fromkeys(rest)]
    if not context.kind.changes_since:
        return [*reads, _list(context, rest)]
    if context.offset is None:
        return [*reads, _get(context, rest[0])]  # tells the cloud's date
    late = [ref for ref in dict.fromkeys(overdue) if ref not in single]
    if len(late) > FEW:
        return [*reads, _list(context, rest)]
    overlap = SHORT_OVERLAP if context.statuses else OVERLAP
    since = context.since + context.offset - overlap
    return [*reads, *(_get(context, ref) for ref in late), _list(context, rest, since)]


def _get(context: ReadContext, ref: Ref) -> ReadRequest:
    return ReadRequest(context.kind, context.microversion, (ref,), ref.path)


def _list(context: ReadContext, refs: tuple[Ref, ...], since: float | None = None) -> ReadRequest:
    path = context.kind.list_path or ""
    statuses = context.statuses if since is not None else ()
    if since is not None:
        date = datetime.fromtimestamp(int(since), UTC)
        path += f"?changes-since={date:%Y-%m-%dT%H:%M:%SZ}"
        path += "".join(f"&status={status}" for status in statuses)
    version = context.microversion
    return ReadRequest(context.kind, version, refs, path, True, since, statuses)


def _updated(body: Body) -> str:
    text = body.get("updated") or body.get("updated_at") or body.get("created_at")
    return text if isinstance(text, str) else ""
