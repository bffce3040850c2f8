"""Reports of runs that never happened, of any size, for tests of reports and comparisons."""

from __future__ import annotations

import random
from typing import Any

from pytest_osfutures.errors import Attempt, StatusSample
from pytest_osfutures.reports import (
    OperationSpan,
    PhaseSpan,
    Report,
    ResourceRow,
    RunInfo,
    Span,
    WaitSpan,
    report_of,
)

BEGAN = 1_800_000_000.0


def operation(number: int, name: str = "server.create", **changes: Any) -> OperationSpan:
    """Return a creation of a server that took six seconds, with changes."""
    began = changes.pop("began", BEGAN)
    seconds = changes.pop("seconds", 6.0)
    values: dict[str, Any] = {
        "process": "100",
        "worker": "",
        "test": "test_web.py::test_web",
        "operation": name,
        "resource_id": f"id-{number}",
        "resource_name": f"web-{number}",
        "request_id": f"req-{number}",
        "began": began,
        "accepted": began + 0.2,
        "ended": began + 0.2 + seconds,
        "history": (
            StatusSample(began + 0.5, "BUILD", "spawning"),
            StatusSample(began + 0.2 + seconds, "ACTIVE"),
        ),
    }
    return OperationSpan(number=number, **{**values, **changes})


def failure(number: int, name: str = "server.create", **changes: Any) -> OperationSpan:
    """Return a creation of a server that has failed at the second try."""
    began = changes.get("began", BEGAN)
    values: dict[str, Any] = {
        "error_type": "ObjectCreationError",
        "error": "No valid host was found.",
        "attempts": (
            Attempt(1, f"id-{number}-1", 2.0, "No valid host was found."),
            Attempt(2, f"id-{number}", 6.0, "No valid host was found."),
        ),
        "accepted": began + 2.5,
    }
    return operation(number, name, **{**values, **changes})


def report(*spans: Span, resources: tuple[ResourceRow, ...] = (), **run: Any) -> Report:
    """Return the report of a run with these spans."""
    return report_of(
        RunInfo(**{"id": "00112233aabbccdd", "cloud": "devstack", "began": BEGAN, **run}),
        spans,
        resources,
    )


def large_report(resources: int, seed: int = 0, workers: int = 4) -> Report:
    """Return the report of a run with many resources: one in 40 fails, one in 20 is tried again."""
    draw = random.Random(seed)
    spans: list[Span] = []
    rows: list[ResourceRow] = []
    clocks = {f"gw{number}": BEGAN for number in range(workers)}
    number = 0
    while number < resources:
        worker = min(clocks, key=lambda each: clocks[each])
        begin = clocks[worker]
        test = f"tests/test_area_{number % 23}.py::TestArea::test_case[{number}]"
        own = {"worker": worker, "process": worker[2:] + "000", "test": test}
        made = []
        for _ in range(draw.randint(1, 4)):
            number += 2
            kind = draw.choice(["server", "server", "volume", "port"])
            seconds = draw.lognormvariate(1.5, 0.4) if kind == "server" else draw.uniform(0.3, 2)
            span = operation(number, f"{kind}.create", began=begin, seconds=seconds, **own)
            if draw.random() < 0.025:
                span = failure(number, f"{kind}.create", began=begin, **own, seconds=seconds + 3)
            elif draw.random() < 0.05:
                tried = Attempt(1, None, seconds / 2, "No valid host was found.")
                late = begin + seconds
                span = operation(
                    number, f"{kind}.create", began=begin, accepted=late, attempts=(tried,),
                    ended=late + seconds, **own,
                )  # fmt: skip
            made.append(span)
        ready = max(each.ended or begin for each in made)
        body = draw.uniform(0.5, 4.0)
        failed = any(each.error_type for each in made)
        for phase, one, other in (
            ("setup", begin, begin + 0.1),
            ("call", begin + 0.1, ready + body),
            ("teardown", ready + body, ready + body + 2.2),
        ):
            outcome = "failed" if failed and phase == "call" else "passed"
            spans.append(PhaseSpan(phase=phase, outcome=outcome, began=one, ended=other, **own))
        numbers = tuple(each.number for each in made)
        spans.append(
            WaitSpan(phase="call", began=begin + 0.2, ended=ready, operations=numbers, **own)
        )
        for each in made:
            kind = each.resource_type
            spans.append(each)
            deleted = operation(
                each.number + 1, f"{kind}.delete", began=ready + body, seconds=2.0, **own,
                undoes=each.number, resource_id=each.resource_id, history=(),
                resource_name=each.resource_name,
            )  # fmt: skip
            spans.append(deleted)
            rows.append(resource(each.resource_id, each.resource_name, type=kind, **own,
                                 began=begin, gone=deleted.ended, state="gone"))  # fmt: skip
        clocks[worker] = ready + body + 2.3
    return report(*spans, resources=tuple(rows), requests=3 * number, ended=max(clocks.values()))


def resource(ident: str | None, name: str | None, **changes: Any) -> ResourceRow:
    """Return a server of the ledger that still exists, with changes."""
    values: dict[str, Any] = {
        "type": "server",
        "process": "100",
        "worker": "",
        "test": "test_web.py::test_web",
        "state": "bound",
        "tries": 1,
        "began": BEGAN,
        "bound": BEGAN + 1.0,
    }
    return ResourceRow(id=ident, name=name, **{**values, **changes})
