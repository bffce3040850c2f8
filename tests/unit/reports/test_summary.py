"""The summary of a run: times, numbers, reasons."""

from __future__ import annotations

from typing import Any

import pytest

from pytest_osfutures.errors import Attempt
from pytest_osfutures.reports import (
    OperationSpan,
    Report,
    ResourceRow,
    RunInfo,
    WaitSpan,
    summary_lines,
)
from pytest_osfutures.reports.summary import most_at_a_time, waited_seconds


def operation(number: int, name: str, began: float, ended: float, **more: Any) -> OperationSpan:
    """An operation of the server `s1`."""
    given: dict[str, Any] = {
        "process": "1", "worker": "", "test": "t", "resource_id": "s1", "resource_name": None,
        "request_id": None, "accepted": began, **more,
    }  # fmt: skip
    return OperationSpan(number=number, operation=name, began=began, ended=ended, **given)


def wait(began: float, ended: float, process: str = "1", phase: str = "call") -> WaitSpan:
    """A wait of a test."""
    return WaitSpan(process=process, worker="", test="t", phase=phase, began=began, ended=ended)


def row(began: float, gone: float | None) -> ResourceRow:
    """A server in the ledger."""
    return ResourceRow(
        type="server", id="s", name=None, process="1", worker="", test="t", state="gone", tries=1,
        began=began, gone=gone,
    )  # fmt: skip


def test_waits_within_waits_count_once() -> None:
    own = [wait(0, 10), wait(2, 4), wait(8, 12), wait(20, 21)]
    others = [wait(0, 5, "2"), wait(0, 9, "", "")]
    assert waited_seconds([*own, *others]) == 12 + 1 + 5


@pytest.mark.parametrize(
    ("intervals", "most"),
    [([], 0), ([(0, 5)], 1), ([(0, 1), (1, 2)], 1), ([(0, 9), (1, 2), (1, 3), (4, 5)], 3)],
)
def test_the_most_at_a_time(intervals: list[tuple[float, float]], most: int) -> None:
    assert most_at_a_time(intervals) == most


def test_a_run_without_operations_has_no_summary() -> None:
    assert summary_lines(Report(run=RunInfo(id="r")), "none") == []


def test_the_lines() -> None:
    tries = (Attempt(1, None, 2.0, "No valid host"), Attempt(2, None, 2.0, "is busy", busy=True))
    failed = {
        "error_type": "ObjectCreationError", "error": "No valid host", "attempts": tries[:1],
        "accepted": None,
    }  # fmt: skip
    operations = (
        operation(1, "server.create", 0.0, 10.0, attempts=tries),
        operation(2, "server.delete", 20.0, 22.0, undoes=1),
        *(operation(number, "server.create", 5.0, 6.0, **failed) for number in range(3, 41)),
        operation(41, "server.create", 5.0, 6.0, error_type="CancelledError"),
    )
    report = Report(
        run=RunInfo(id="r", requests=7), operations=operations, waits=(wait(0, 10), wait(20, 22))
    )
    *_, tried, reasons, times, last = summary_lines(report, "none")
    assert tried == "tried again: No valid host"
    assert reasons == "failed: 38 x server.create: No valid host"
    assert times == "the tests waited 12.0 s, one after another 51.0 s"
    assert last == "7 API requests; at most 40 servers at a time; left behind: none"


def test_the_ledger_knows_the_servers_best() -> None:
    report = Report(
        run=RunInfo(id="r"),
        operations=(operation(1, "server.create", 0.0, 10.0),),
        resources=(row(0, 5), row(4, 9), row(4.5, None)),
    )
    assert "at most 3 servers at a time" in summary_lines(report, "none")[-1]
    assert "API request" not in summary_lines(report, "none")[-1]
