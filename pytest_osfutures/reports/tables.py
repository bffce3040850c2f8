"""Reports and comparisons as plain text and JSON, for the `osfutures report` command."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any

from pytest_osfutures.parsing import printable
from pytest_osfutures.reports.comparison import (
    FAILED,
    GIVEN_UP,
    SLOWER,
    SLOWER_P95,
    TRIED_AGAIN,
    Change,
    Comparison,
    OperationStatistics,
    statistics_of,
)
from pytest_osfutures.reports.reasons import counted_reasons, counted_text
from pytest_osfutures.reports.report import Report, ResourceRow
from pytest_osfutures.reports.spans import OperationSpan

COMPARISON_FORMAT = "pytest-osfutures comparison"


def table(rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table; the first column is aligned left, the others right.

    Example:
        >>> table([("name", "n"), ("x", "10")])
        ['name   n', 'x     10']
    """
    cells = [list(row) for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = []
    for first, *others in cells:
        right = (each.rjust(width) for each, width in zip(others, widths[1:], strict=True))
        lines.append("  ".join([first.ljust(widths[0]), *right]).rstrip())
    return lines


def seconds_text(value: float | None) -> str:
    """Write a duration in seconds; a dash for None.

    Example:
        >>> seconds_text(0.123), seconds_text(12.34), seconds_text(None)
        ('0.12 s', '12.3 s', '-')
    """
    if value is None:
        return "-"
    return f"{value:.2f} s" if value < 10 else f"{value:.1f} s"


def run_text(report: Report) -> str:
    """Return one line about the run of a report."""
    run = report.run
    words = [f"run {run.id}" + (f" of cloud {run.cloud}" if run.cloud else "")]
    words += [f"on {run.host}"] * bool(run.host) + [run.state]
    moments = report.moments
    if moments is not None:
        began, ended = moments
        words.append(f"began {date_text(began)}, lasted {length_text(ended - began)}")
    counts = [
        _counted(len({(each.worker, each.test) for each in report.phases}), "test"),
        _counted(len(report.operations), "operation"),
    ]
    return printable(f"{', '.join(words)}: {', '.join(counts)}")


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def length_text(seconds: float) -> str:
    """Write a length of time, from 100 seconds on in minutes.

    Example:
        >>> length_text(12.34), length_text(4815.7)
        ('12.3 s', '80 min 16 s')
    """
    if seconds < 100:
        return seconds_text(seconds)
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def date_text(seconds: float) -> str:
    """Write a moment in UTC; a dash where it is outside of the calendar.

    Example:
        >>> date_text(0.0)
        '1970-01-01 00:00:00 UTC'
    """
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S} UTC"
    except (ValueError, OverflowError, OSError):
        return "-"


def operations_table(report: Report) -> list[tuple[str, ...]]:
    """Return the rows of the table of operations, the first of them with the titles."""
    titles = ("operation", "count", "p50", "p95", "longest", "tried again", "failed")
    rows: list[tuple[str, ...]] = [titles]
    for name, found in statistics_of(report.operations).items():
        durations = (seconds_text(each) for each in (found.p50, found.p95, found.longest))
        counts = str(found.tried_again), str(found.failed)
        rows.append((printable(name), str(found.count), *durations, *counts))
    return rows


def failed_operations(report: Report) -> list[OperationSpan]:
    """Return the operations that have failed and were not given up, oldest first."""
    return [each for each in report.operations if each.error_type not in ("", GIVEN_UP)]


def reasons_of(operations: Iterable[OperationSpan]) -> list[str]:
    """Return the reasons of failed operations, with the number of each, the most frequent first."""
    reasons = counted_reasons(f"{each.operation}: {each.error}" for each in operations)
    return [printable(counted_text(*each)) for each in reasons]


def resources_left(report: Report) -> list[ResourceRow]:
    """Return the resources whose deletion was not confirmed, and those that are kept."""
    return [each for each in report.resources if each.state != "gone"]


def title_of(each: OperationSpan) -> str:
    """Return the operation and its resource in words."""
    name = f" of {each.resource_name!r}" if each.resource_name else ""
    ident = f" ({each.resource_id})" if each.resource_id else ""
    return printable(f"{each.operation or 'call'}{name}{ident}")


def resource_text(row: ResourceRow) -> str:
    """Return a resource with its state in words."""
    states = {"intent": "requested, its id is not known", "bound": "not deleted", "kept": "kept"}
    name = f" {row.name!r}" if row.name else ""
    ident = f" ({row.id})" if row.id else ""
    state = states.get(row.state, row.state)
    of, note = (f" of {row.test}" if row.test else ""), (f": {row.note}" if row.note else "")
    return printable(f"{row.type}{name}{ident}{of}: {state}{note}")


def comparison_text(comparison: Comparison) -> str:
    """Return a comparison as a table, with a last line about the operations that became worse."""
    rows = [("operation", "count", "p50", "p95", "failed", "tried again", "became")]
    for each in comparison.changes:
        a, b = each.a, each.b
        rows.append(
            (
                printable(each.operation),
                _arrow(str(a.count), str(b.count)),
                _growing(a.p50, b.p50),
                _arrow(seconds_text(a.p95), seconds_text(b.p95)),
                _arrow(_share(a.failed, a), _share(b.failed, b)),
                _arrow(_share(a.tried_again, a), _share(b.tried_again, b)),
                _verdict(each),
            )
        )
    found = {
        word: [each.operation for each in comparison.changes if word in each.worse]
        for word in (SLOWER, SLOWER_P95, FAILED, TRIED_AGAIN)
    }
    said = [f"{word}: {', '.join(names)}" for word, names in found.items() if names]
    last = "; ".join(said) or "no operation became slower or failed more"
    return "\n".join([*table(rows), "", printable(last)])


def _arrow(old: str, new: str) -> str:
    return old if old == new else f"{old} -> {new}"


def _growing(old: float | None, new: float | None) -> str:
    """Return two durations, with the relative change if they differ."""
    texts = seconds_text(old), seconds_text(new)
    if not old or new is None or texts[0] == texts[1]:
        return _arrow(*texts)
    return f"{_arrow(*texts)} ({(new / old - 1) * 100:+.0f}%)"


def _share(some: int, found: OperationStatistics) -> str:
    return str(some) if not some else f"{some} ({100 * some / found.count:.0f}%)"


def _verdict(change: Change) -> str:
    if change.worse:
        return ", ".join(change.worse)
    if not change.a.count or not change.b.count:
        return "only in " + ("A" if change.a.count else "B")
    return ""


def comparison_document(comparison: Comparison) -> dict[str, Any]:
    """Return a comparison as a JSON document; docs/report.md describes the fields."""
    return {
        "format": COMPARISON_FORMAT,
        "version": 1,
        "threshold": comparison.threshold,
        "is_worse": comparison.is_worse,
        "operations": [
            {
                "operation": each.operation,
                "a": statistics_document(each.a),
                "b": statistics_document(each.b),
                "worse": list(each.worse),
            }
            for each in comparison.changes
        ],
    }


def statistics_documents(report: Report) -> list[dict[str, Any]]:
    """Return the statistics of a run by operation as JSON documents."""
    found = statistics_of(report.operations)
    return [
        {"operation": name, **statistics_document(each)} for name, each in sorted(found.items())
    ]


def statistics_document(found: OperationStatistics) -> dict[str, Any]:
    """Return statistics as a JSON document; durations are in seconds."""
    names = ("count", "failed", "tried_again", "p50", "p95", "longest")
    return {name: getattr(found, name) for name in names}
