"""Plan the cheapest reads for many resources: by id, a list, or a list of changes. No I/O.

Nova's lists take `changes-since`:
https://docs.openstack.org/api-ref/compute/#list-servers-detailed
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from pytest_osfutures.operations import Body, Observation, ResourceRef, ResourceType
from pytest_osfutures.parsing import moment

#: A list of changes reaches back so many seconds further, because Nova's dates are whole seconds.
OVERLAP = 2.0
#: The same for a list filtered by end statuses: a later list repeats a resource that it missed.
SHORT_OVERLAP = 0.25
#: The cloud's clock is at most so many seconds ahead of ours; else Keystone's tokens would fail.
FURTHEST_AHEAD = 86400.0
#: So many reads by id are as cheap as one list of any length.
READS_PER_LIST = 2
#: A list costs one more read by id for each so many resources.
RESOURCES_PER_READ = 50


@dataclass(frozen=True)
class ReadRequest:
    """One GET request that polls one resource, or a list of many."""

    kind: ResourceType
    microversion: str
    #: The resources that watches wait for; a list shows others as well.
    refs: tuple[ResourceRef, ...]
    path: str
    #: True for a list, False for a read by id.
    listing: bool = False
    #: Limits the list to changes after this date (seconds since 1970, the cloud's clock).
    since: float | None = None
    #: Limits the list of changes to resources in one of these statuses.
    statuses: tuple[str, ...] = ()

    @cached_property
    def ref_set(self) -> frozenset[ResourceRef]:
        """`refs` for membership tests: a list may serve thousands of watches."""
        return frozenset(self.refs)


@dataclass(frozen=True)
class ReadResult:
    """The answer to one read, or the reason why there is none."""

    request: ReadRequest
    #: When the request left, and when its answer arrived (seconds, engine's clock).
    asked_at: float
    answered_at: float
    #: The resources by id.
    found: Mapping[str, Body] = field(default_factory=dict)
    #: Why there is no answer.
    error: str | None = None
    #: The seconds of a Retry-After header.
    retry_after: float | None = None
    #: True if the same read would fail again, as for a 403.
    fatal: bool = False
    #: The computer's own date when the answer arrived (seconds since 1970).
    local_time: float | None = None
    #: Why the resources with these ids cannot be judged.
    malformed: Mapping[str, str] = field(default_factory=dict)

    def observation(self, ref: ResourceRef) -> Observation | None:
        """Return how the answer shows one resource; None if the answer tells nothing about it."""
        if self.error is not None or ref not in self.request.ref_set or ref.id in self.malformed:
            return None
        body = self.found.get(ref.id)
        if body is None and self.request.since is not None:
            return None  # it did not change
        return Observation(self.asked_at, body, confirmed=not self.request.listing)

    def offset(self) -> float | None:
        """Return a lower bound of the cloud's date minus the engine's time; None if unknown.

        No resource can be updated later than the answer was sent, so each `updated` bounds the
        cloud's clock from below. The Date header would be simpler, but many clouds send none.
        """
        latest = max(map(_updated, self.found.values()), default="")  # one service, one format
        date = moment(latest)
        if date is None or self._is_implausible(date):
            dates = map(moment, map(_updated, self.found.values()))
            sound = (each for each in dates if each is not None and not self._is_implausible(each))
            date = max(sound, default=None)
        return None if date is None else date - self.answered_at

    def _is_implausible(self, date: float) -> bool:
        """Return True for a date too far ahead, after which lists of changes would miss some."""
        return self.local_time is not None and date > self.local_time + FURTHEST_AHEAD


@dataclass(frozen=True)
class ReadContext:
    """The facts by which `plan` chooses reads of one resource type."""

    kind: ResourceType
    microversion: str
    #: The number of resources in the last full list.
    total: int = 0
    #: A lower bound of the cloud's date minus the engine's time; None if unknown.
    offset: float | None = None
    #: Only changes after this moment matter (seconds, engine's clock).
    since: float = 0.0
    #: Only these statuses matter; empty if all do.
    statuses: tuple[str, ...] = ()
    #: The number of reads that may leave at once.
    allowed: int = READS_PER_LIST

    def prefers_list(self, number: int) -> bool:
        """Return True if one list is the cheapest way to read `number` resources."""
        if self.kind.list_path is None:
            return False
        if self.kind.changes_since:  # a list of changes is short, however many resources there are
            most = 1 if self.has_short_list else READS_PER_LIST
            return number > min(most, self.allowed)
        return number > READS_PER_LIST + self.total // RESOURCES_PER_READ

    @property
    def has_short_list(self) -> bool:
        """True if a full list is known to cost no more than a read by id."""
        return 0 < self.total <= RESOURCES_PER_READ

    @property
    def lacks_date(self) -> bool:
        """True while the cloud's date is unknown, without which changes cannot be listed."""
        return self.kind.changes_since and self.offset is None


def plan(
    context: ReadContext,
    wanted: Sequence[ResourceRef],
    confirm: Iterable[ResourceRef] = (),
    overdue: Iterable[ResourceRef] = (),
) -> list[ReadRequest]:
    """Return the cheapest reads that show all resources of `wanted`.

    Args:
        context: The resource type, its lists and the rate.
        wanted: The resources to read in any way.
        confirm: Resources to read by id, because a list did not have them.
        overdue: Resources that no list of changes has mentioned for long. A read by id, or a full
            list for many, tells if they are unchanged or gone.
    """
    single = dict.fromkeys(confirm)
    reads = [_get(context, ref) for ref in single]
    # Without `confirm`, no hash of each resource: there may be thousands.
    rest = tuple(ref for ref in wanted if ref not in single) if single else tuple(wanted)
    if not context.prefers_list(len(rest)):
        return reads + [_get(context, ref) for ref in dict.fromkeys(rest)]
    if not context.kind.changes_since:
        return [*reads, _list(context, rest)]
    if context.offset is None:
        return [*reads, _get(context, rest[0])]  # its answer tells the cloud's date
    late = [ref for ref in dict.fromkeys(overdue) if ref not in single]
    if len(late) > READS_PER_LIST or (late and context.has_short_list):
        return [*reads, _list(context, rest)]
    overlap = SHORT_OVERLAP if context.statuses else OVERLAP
    since = context.since + context.offset - overlap
    return [*reads, *(_get(context, ref) for ref in late), _list(context, rest, since)]


def _get(context: ReadContext, ref: ResourceRef) -> ReadRequest:
    return ReadRequest(context.kind, context.microversion, (ref,), ref.path)


def _list(
    context: ReadContext, refs: tuple[ResourceRef, ...], since: float | None = None
) -> ReadRequest:
    path = context.kind.list_path or ""
    statuses = context.statuses if since is not None else ()
    if since is not None:
        date = datetime.fromtimestamp(int(since), UTC)
        path += f"?changes-since={date:%Y-%m-%dT%H:%M:%SZ}"
        path += "".join(f"&status={status}" for status in statuses)
    version = context.microversion
    return ReadRequest(context.kind, version, refs, path, True, since, statuses)


def _updated(body: Body) -> str:
    """Return the date of the last change, under the key that the service uses."""
    text = body.get("updated") or body.get("updated_at") or body.get("created_at")
    return text if isinstance(text, str) else ""
