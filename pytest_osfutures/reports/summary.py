"""The summary of a run in a few lines, for the end of pytest's output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import CancelledError

from pytest_osfutures.errors import Attempt
from pytest_osfutures.parsing import printable
from pytest_osfutures.reports.reasons import counted_reasons, counted_text
from pytest_osfutures.reports.report import Report
from pytest_osfutures.reports.spans import OperationSpan, WaitSpan
from pytest_osfutures.reports.tables import length_text, operations_table, table

#: Kinds of reasons that the summary names.
MOST_REASONS = 5
#: A span of time in seconds since 1970.
Interval = tuple[float, float]


def summary_lines(report: Report, left: str) -> list[str]:
    """Return the lines of the summary; none without operations.

    Args:
        report: the report of the run.
        left: the resources that the run has left behind, in words.
    """
    if not report.operations:
        return []
    lines = table(operations_table(report)) if len(operations_table(report)) > 1 else []
    tried = [try_.why for each in report.operations for try_ in _repeated(each)]
    failed = [each for each in report.operations if _has_failed(each)]
    lines += _reasons("tried again", tried)
    lines += _reasons("failed", [f"{each.operation or 'a call'}: {each.error}" for each in failed])
    times, *facts = facts_of(report)
    return [*lines, times, "; ".join([*facts, f"left behind: {left}"])]


def _repeated(each: OperationSpan) -> list[Attempt]:
    """Return the failed tries after which an operation was tried again."""
    attempts = each.attempts[:-1] if each.error_type else each.attempts
    return [attempt for attempt in attempts if not attempt.busy]


def _has_failed(each: OperationSpan) -> bool:
    return each.error_type not in ("", CancelledError.__name__)


def facts_of(report: Report) -> list[str]:
    """Return the time that tests waited, API requests and most servers at a time, in words."""
    waited = waited_seconds(report.waits)
    single = sum(each.ended - each.began for each in report.operations if each.ended is not None)
    facts = [f"the tests waited {length_text(waited)}, one after another {length_text(single)}"]
    if report.run.requests is not None:
        plural = "" if report.run.requests == 1 else "s"
        facts.append(f"{report.run.requests} API request{plural}")
    if most := most_at_a_time(server_intervals(report)):
        facts.append(f"at most {most} server{'' if most == 1 else 's'} at a time")
    return facts


def _reasons(title: str, reasons: Iterable[str]) -> list[str]:
    counted = counted_reasons(reasons)
    lines = [f"{title}: {printable(counted_text(*each))}" for each in counted[:MOST_REASONS]]
    more = sum(count for _, count in counted[MOST_REASONS:])
    return [*lines, f"{title}: {more} more for other reasons"] if more else lines


def waited_seconds(waits: Iterable[WaitSpan]) -> float:
    """Return the seconds for which the tests of all processes have waited.

    Waits of one process at the same time, within one another for example, count once.
    """
    processes: dict[tuple[str, str], list[Interval]] = {}
    for each in waits:
        if each.phase:
            processes.setdefault((each.worker, each.process), []).append((each.began, each.ended))
    return sum(_covered(intervals) for intervals in processes.values())


def _covered(intervals: Iterable[Interval]) -> float:
    """Return the length of the union of intervals."""
    total, until = 0.0, float("-inf")
    for began, ended in sorted(intervals):
        total += max(0.0, ended - max(began, until))
        until = max(until, ended)
    return total


def server_intervals(report: Report) -> list[Interval]:
    """Return from when to when each server of a run has existed."""
    moments = report.moments
    end = moments[1] if moments is not None else 0.0
    if rows := [each for each in report.resources if each.type == "server"]:
        return [(each.began, end if each.gone is None else each.gone) for each in rows]
    gone: dict[tuple[str, str, str | None], float] = {}
    for each in report.operations:
        if each.operation == "server.delete" and each.ended is not None:
            gone[each.worker, each.process, each.resource_id] = each.ended
    return [
        (each.began, gone.get((each.worker, each.process, each.resource_id), end))
        for each in report.operations
        if each.operation == "server.create"
    ]


def most_at_a_time(intervals: Sequence[Interval]) -> int:
    """Return the greatest number of intervals at one moment.

    Example:
        >>> most_at_a_time([(0, 2), (1, 3), (3, 4)])
        2
    """
    changes: Counter[float] = Counter()
    for began, ended in intervals:
        changes[began] += 1
        changes[ended] -= 1
    present = most = 0
    for moment in sorted(changes):
        present += changes[moment]
        most = max(most, present)
    return most
