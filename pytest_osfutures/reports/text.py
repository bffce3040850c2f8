"""The report of a run as plain text."""

from __future__ import annotations

from pytest_osfutures.parsing import printable
from pytest_osfutures.reports.report import Report, redacted
from pytest_osfutures.reports.summary import facts_of
from pytest_osfutures.reports.tables import (
    failed_operations,
    operations_table,
    reasons_of,
    resource_text,
    resources_left,
    run_text,
    table,
    title_of,
)

#: Failed operations and resources that a text lists one by one.
MOST_LINES = 20


def report_text(report: Report) -> str:
    """Return a report as text: the run, a table of operations, failures, resources left."""
    report = redacted(report)
    lines = [run_text(report)]
    if report.operations:
        lines.append("; ".join(facts_of(report)))
        lines += ["", *table(operations_table(report))]
    failed = failed_operations(report)
    if len(failed) > 1:
        lines += ["", "reasons of failures:", *(f"  {each}" for each in reasons_of(failed))]
    failures = [
        f"{title_of(each)} of {printable(each.test) or 'the session'}: "
        f"{each.error_type}: {printable(each.error)}"
        for each in failed
    ]
    left = [resource_text(each) for each in resources_left(report)]
    for title, found in (("failed", failures), ("left", left)):
        if found:
            more = [f"  ... and {len(found) - MOST_LINES} more"] * (len(found) > MOST_LINES)
            lines += ["", f"{title}:", *(f"  {each}" for each in found[:MOST_LINES]), *more]
    return "\n".join(lines)
