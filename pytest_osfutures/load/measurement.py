"""The result of a measurement: its samples, grouped by operation, and their table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from pytest_osfutures.errors import CriteriaError
from pytest_osfutures.load.criteria import Criterion
from pytest_osfutures.reports import counted_reasons, percentile, table

__tracebackhide__ = True  # pytest: an error belongs to the line of the test


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One operation of one iteration."""

    #: Number of the iteration, from 0 on.
    iteration: int
    #: Name of the operation, like `server.create`, or of the function.
    operation: str
    #: Seconds until the end.
    seconds: float
    #: Number of further tries after a failed one.
    retries: int = 0
    #: The error; None after a success.
    error: BaseException | None = None
    #: The result; None after a failure.
    result: Any = field(default=None, repr=False)


@dataclass(frozen=True)
class OperationMeasurement:
    """The samples of one operation.

    `p50`, `p95`, `p99`, `min` and `max` are seconds of the successful samples, None without one. A
    percentile is interpolated as by `statistics.quantiles(..., n=100, method="inclusive")`.
    """

    operation: str
    samples: tuple[Sample, ...]

    @property
    def durations(self) -> tuple[float, ...]:
        """The seconds of the successful samples, ascending."""
        return tuple(sorted(each.seconds for each in self.samples if each.error is None))

    @property
    def count(self) -> int:
        """The number of samples."""
        return len(self.samples)

    @property
    def failed(self) -> int:
        """The number of failed samples."""
        return sum(each.error is not None for each in self.samples)

    @property
    def success(self) -> float | None:
        """The share of successful samples, from 0 to 1; None without samples."""
        return (self.count - self.failed) / self.count if self.count else None

    @property
    def retries(self) -> int:
        """The number of further tries of all samples."""
        return sum(each.retries for each in self.samples)

    @property
    def p50(self) -> float | None:
        """The median."""
        return percentile(self.durations, 50)

    @property
    def p95(self) -> float | None:
        """The 95th percentile."""
        return percentile(self.durations, 95)

    @property
    def p99(self) -> float | None:
        """The 99th percentile."""
        return percentile(self.durations, 99)

    @property
    def min(self) -> float | None:
        """The shortest duration."""
        return percentile(self.durations, 0)

    @property
    def max(self) -> float | None:
        """The longest duration."""
        return percentile(self.durations, 100)


@dataclass(frozen=True)
class Measurement:
    """All samples of a measurement, in the order in which they ended."""

    samples: tuple[Sample, ...]
    #: Seconds from the first iteration to the end of the last.
    seconds: float

    @property
    def operations(self) -> dict[str, OperationMeasurement]:
        """The samples of each operation by its name, in the order of the iterations."""
        groups: dict[str, list[Sample]] = {}
        for each in sorted(self.samples, key=lambda sample: sample.iteration):
            groups.setdefault(each.operation, []).append(each)
        return {name: OperationMeasurement(name, tuple(each)) for name, each in groups.items()}

    @property
    def results(self) -> list[Any]:
        """The results of the successful samples, in the order of the iterations."""
        ordered = sorted(self.samples, key=lambda sample: sample.iteration)
        return [each.result for each in ordered if each.error is None]

    def table(self) -> str:
        """Return the table of the operations, and a line for each kind of failure."""
        titles = ("operation", "count", "p50 s", "p95 s", "p99 s", "min s", "max s")
        rows: list[tuple[str, ...]] = [(*titles, "success", "retries")]
        for each in self.operations.values():
            durations = (each.p50, each.p95, each.p99, each.min, each.max)
            texts = ("-" if value is None else f"{value:.2f}" for value in durations)
            success = f"{each.success:.1%}"
            rows.append((each.operation, str(each.count), *texts, success, str(each.retries)))
        failures = [
            f"{each.operation}: {_reason(each.error)}"
            for each in self.samples
            if each.error is not None
        ]
        return "\n".join(
            [*table(rows), *(f"{count} x {why}" for why, count in counted_reasons(failures))]
        )

    def check(self, criteria: Iterable[Criterion]) -> None:
        """Check the criteria.

        Raises:
            CriteriaError: The measurement does not meet all of them; the text has the table.
        """
        missed = [line for each in criteria for line in _missed(each, self.operations)]
        if missed:
            raise CriteriaError("\n".join([*missed, self.table()]))


def _missed(criterion: Criterion, operations: dict[str, OperationMeasurement]) -> Sequence[str]:
    """Return a sentence for each operation that does not meet a criterion."""
    named = criterion.operation
    if named is not None and named not in operations:
        there = ", ".join(operations) or "nothing"
        return [f"{criterion}: there was no {named}, but {there}"]
    judged = list(operations.values()) if named is None else [operations[named]]
    if not judged:
        return [f"{criterion}: nothing was measured"]
    values = {each.operation: getattr(each, criterion.metric) for each in judged}
    return [
        f"{criterion}: {name} has {'no success' if value is None else f'{value:.4g}'}"
        for name, value in values.items()
        if not criterion.is_met(value)
    ]


def _reason(error: BaseException | None) -> str:
    why = getattr(error, "why", None) or str(error)
    return why if hasattr(error, "why") else f"{type(error).__name__}: {why}"
