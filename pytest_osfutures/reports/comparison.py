"""Comparison of two runs: which operations became slower, were tried again more, or failed more.

A difference counts if it is large enough to matter and if chance would rarely produce it. The rank
test and the exact test are one-sided; both hold for any distribution of the durations.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from pytest_osfutures.reports.report import Report
from pytest_osfutures.reports.spans import OperationSpan

#: Seconds by which a duration has to grow: less is within the distance of two reads.
SMALLEST_SECONDS = 0.1
#: Percent by which a duration has to grow, by default.
THRESHOLD = 25.0
#: Greatest probability with which chance produces a slower run that is reported.
SLOWER_CHANCE = 0.05
#: The same for failures and tries. In runs of equal size, three failures where there were none are
#: below it: chance puts all three into the second run with a probability of less than one in eight.
FAILED_CHANCE = 0.125
#: Successful operations of each run that a comparison of the 95th percentiles needs.
P95_COUNT = 20

#: The class of the error of operations that somebody has cancelled or undone.
GIVEN_UP = "CancelledError"
SLOWER, SLOWER_P95 = "slower", "slower p95"
FAILED, TRIED_AGAIN = "failed more", "tried again more"


@dataclass(frozen=True, kw_only=True)
class OperationStatistics:
    """The operations of one name in one run."""

    #: All operations, and how many of them have failed or were tried again after a failed try. A
    #: try that was refused because another operation on the resource was under way did not fail.
    count: int = 0
    failed: int = 0
    tried_again: int = 0
    #: The durations of the successful operations in seconds, ascending: from the request that the
    #: cloud accepted last until the future was done.
    durations: tuple[float, ...] = ()

    @property
    def p50(self) -> float | None:
        """The median of the durations."""
        return percentile(self.durations, 50.0)

    @property
    def p95(self) -> float | None:
        """The 95th percentile of the durations."""
        return percentile(self.durations, 95.0)

    @property
    def longest(self) -> float | None:
        """The longest duration."""
        return self.durations[-1] if self.durations else None


@dataclass(frozen=True, kw_only=True)
class Change:
    """The operations of one name in two runs."""

    operation: str
    a: OperationStatistics
    b: OperationStatistics
    #: The statistics that became worse.
    worse: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two runs, operation by operation."""

    #: Percent by which a duration has to grow.
    threshold: float
    changes: tuple[Change, ...]

    @property
    def is_worse(self) -> bool:
        """True if any operation became worse."""
        return any(each.worse for each in self.changes)


def percentile(ascending: Sequence[float], percent: float) -> float | None:
    """Return a percentile, interpolated between the two nearest values; None of no values.

    Example:
        >>> percentile((1.0, 2.0, 4.0), 50), percentile((1.0, 2.0, 4.0), 75), percentile((), 50)
        (2.0, 3.0, None)
    """
    if not ascending:
        return None
    place = (len(ascending) - 1) * percent / 100
    below = math.floor(place)
    above = min(below + 1, len(ascending) - 1)
    return ascending[below] + (ascending[above] - ascending[below]) * (place - below)


def statistics_of(operations: Iterable[OperationSpan]) -> dict[str, OperationStatistics]:
    """Return the statistics of all operations that have ended, by name.

    Operations that were given up, and undos that had nothing to do, do not count.
    """
    ended = [
        each
        for each in operations
        if each.ended is not None and each.error_type != GIVEN_UP and each.operation
    ]
    by_name = groupby(sorted(ended, key=lambda each: each.operation), lambda each: each.operation)
    return {name: _statistics(list(some)) for name, some in by_name}


def _statistics(operations: Sequence[OperationSpan]) -> OperationStatistics:
    return OperationStatistics(
        count=len(operations),
        failed=sum(bool(each.error_type) for each in operations),
        tried_again=sum(_was_tried_again(each) for each in operations),
        durations=tuple(
            sorted(
                max(0.0, each.ended - (each.began if each.accepted is None else each.accepted))
                for each in operations
                if each.ended is not None and not each.error_type
            )
        ),
    )


def _was_tried_again(operation: OperationSpan) -> bool:
    """Return True if a failed try was followed by another; the last one of a failure is not."""
    failed = sum(not each.busy for each in operation.attempts)
    return failed > (1 if operation.error_type else 0)


def compare(before: Report, after: Report, threshold: float = THRESHOLD) -> Comparison:
    """Compare the operations of two runs.

    Args:
        before: the run A.
        after: the run B, which may be worse.
        threshold: percent by which a duration has to grow to count as slower.
    """
    old, new = statistics_of(before.operations), statistics_of(after.operations)
    none = OperationStatistics()
    changes = (
        _change(name, old.get(name, none), new.get(name, none), threshold)
        for name in sorted(old | new)
    )
    return Comparison(threshold=threshold, changes=tuple(changes))


def _change(name: str, a: OperationStatistics, b: OperationStatistics, threshold: float) -> Change:
    worse = []
    if _grew(a.p50, b.p50, threshold) and rank_test(a.durations, b.durations) <= SLOWER_CHANCE:
        worse.append(SLOWER)
    elif _grew(a.p95, b.p95, threshold) and _tail_test(a, b) <= SLOWER_CHANCE:
        worse.append(SLOWER_P95)
    for word, old, new in (
        (FAILED, a.failed, b.failed),
        (TRIED_AGAIN, a.tried_again, b.tried_again),
    ):
        if exact_test(old, a.count, new, b.count) <= FAILED_CHANCE:
            worse.append(word)
    return Change(operation=name, a=a, b=b, worse=tuple(worse))


def _grew(old: float | None, new: float | None, threshold: float) -> bool:
    """Return True if a duration grew by enough to matter."""
    if old is None or new is None:
        return False
    return new - old >= max(SMALLEST_SECONDS, old * threshold / 100)


def _tail_test(a: OperationStatistics, b: OperationStatistics) -> float:
    """Return the probability of as many durations of B above the 95th percentile of A by chance."""
    if min(len(a.durations), len(b.durations)) < P95_COUNT or a.p95 is None:
        return 1.0
    limit = a.p95
    above = [sum(each > limit for each in run.durations) for run in (a, b)]
    return exact_test(above[0], len(a.durations), above[1], len(b.durations))


def rank_test(old: Sequence[float], new: Sequence[float]) -> float:
    """Return the probability that equal durations would rank at least as high in `new` by chance.

    It is the one-sided Mann-Whitney U test, exact for few values without ties and else normal with
    corrections: https://en.wikipedia.org/wiki/Mann%E2%80%93Whitney_U_test

    Example:
        >>> rank_test([1, 2, 3], [4, 5, 6])
        0.05
        >>> rank_test([1, 2, 3], [1, 2, 3])
        0.5...
    """
    many, more = len(old), len(new)
    if not many or not more:
        return 1.0
    ranked = sorted([(value, 0) for value in old] + [(value, 1) for value in new])
    rank_sum, ties, place = 0.0, 0, 0
    for _, group in groupby(ranked, lambda each: each[0]):
        same = list(group)
        rank = place + (len(same) + 1) / 2
        rank_sum += rank * sum(is_new for _, is_new in same)
        ties += len(same) ** 3 - len(same)
        place += len(same)
    u = rank_sum - more * (more + 1) / 2  # pairs in which the value of `new` is the greater
    if not ties and many * more <= 400:
        return _chance_of_rank(many, more, math.ceil(u))
    total = many + more
    variance = many * more / 12 * ((total + 1) - ties / (total * (total - 1)))
    if variance <= 0:
        return 1.0
    z = (u - many * more / 2 - 0.5) / math.sqrt(variance)
    return 0.5 * math.erfc(z / math.sqrt(2))


def _chance_of_rank(many: int, more: int, u: int) -> float:
    """Return the share of all orders of `many` and `more` values with a U of at least `u`."""
    # ways[n] counts the orders with U = n; the generating function is a Gaussian binomial.
    ways = [1] + [0] * (many * more)
    for step in range(1, more + 1):
        for n in range(many * more, many + step - 1, -1):
            ways[n] -= ways[n - many - step]
        for n in range(step, many * more + 1):
            ways[n] += ways[n - step]
    return sum(ways[u:]) / math.comb(many + more, more)


def exact_test(old: int, old_count: int, new: int, new_count: int) -> float:
    """Return the probability of at least `new` of the failures in the second run by chance.

    It is Fisher's exact test, one-sided: https://en.wikipedia.org/wiki/Fisher%27s_exact_test

    Example:
        >>> exact_test(0, 4, 4, 4) == 1 / 70
        True
    """
    failed, total = old + new, old_count + new_count
    most = min(failed, new_count)
    ways = sum(
        math.comb(new_count, each) * math.comb(old_count, failed - each)
        for each in range(new, most + 1)
    )
    return ways / math.comb(total, failed)
