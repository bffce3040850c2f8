"""Criteria of a measurement, such as `p95 < 30`, as the SLA of Rally.

https://rally.readthedocs.io/en/latest/plugins/plugin_reference.html
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from pytest_osfutures.errors import InvalidArgument

__tracebackhide__ = True  # pytest: an error belongs to the line of the test

#: The values that a criterion may name; those of time are in seconds.
METRICS = ("count", "p50", "p95", "p99", "min", "max", "success", "retries", "failed")
COMPARISONS: Mapping[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
    "==": operator.eq,
}
_TEXT = re.compile(
    r"\s*(?:(?P<operation>\S+)\s+)?(?P<metric>\w+)\s*(?P<comparison><=|>=|==|<|>)\s*"
    r"(?P<limit>[0-9]+(?:\.[0-9]*)?|\.[0-9]+)\s*(?P<unit>%|s|)\s*",
    re.ASCII,
)


@dataclass(frozen=True)
class Criterion:
    """A condition on each operation of a measurement, or on one of them.

    Raises:
        InvalidArgument: A value cannot be used.

    Example:
        >>> import pytest_osfutures as osf
        >>> osf.Criterion("p95", "<", 30.0, "server.create")
        Criterion(metric='p95', comparison='<', limit=30.0, operation='server.create')
        >>> str(osf.Criterion("success", ">=", 0.99))
        'success >= 0.99'
    """

    #: A name of `METRICS`: seconds, numbers, and `success` from 0 to 1.
    metric: str
    #: `<`, `<=`, `>`, `>=` or `==`.
    comparison: str
    #: The number that the value is compared with.
    limit: float
    #: The name of the operation, such as `server.create`; None for every operation.
    operation: str | None = None

    def __post_init__(self) -> None:
        if self.metric not in METRICS:
            raise InvalidArgument(f"{self.metric!r} is no metric; there are {', '.join(METRICS)}")
        if self.comparison not in COMPARISONS:
            raise InvalidArgument(
                f"{self.comparison!r} is no comparison; there are {', '.join(COMPARISONS)}"
            )
        is_number = isinstance(self.limit, int | float) and not isinstance(self.limit, bool)
        if not is_number or not math.isfinite(self.limit):
            raise InvalidArgument(f"the limit {self.limit!r:.80} of a criterion is no number")

    def __str__(self) -> str:
        where = f"{self.operation} " if self.operation else ""
        return f"{where}{self.metric} {self.comparison} {self.limit:g}"

    def is_met(self, value: float | None) -> bool:
        """Return True if a value meets the criterion; None, the value of nothing, meets none."""
        return value is not None and COMPARISONS[self.comparison](value, self.limit)


def parse_criterion(text: str | Criterion) -> Criterion:
    """Return the criterion of a text: `[OPERATION] METRIC COMPARISON NUMBER`.

    Args:
        text: The text, or a criterion, which is returned. The number may have the unit `s` or, for
            `success`, `%`.

    Raises:
        InvalidArgument: The text is no criterion.

    Example:
        >>> parse_criterion("server.create p95 < 30 s")
        Criterion(metric='p95', comparison='<', limit=30.0, operation='server.create')
        >>> parse_criterion("success>=99%").limit
        0.99
    """
    if isinstance(text, Criterion):
        return text
    found = _TEXT.fullmatch(text) if isinstance(text, str) else None
    wanted = f"write '[OPERATION] METRIC <|<=|>|>=|== NUMBER', METRIC one of {', '.join(METRICS)}"
    if found is None or found["metric"] not in METRICS:
        raise InvalidArgument(f"criterion {text!r:.80} cannot be read; {wanted}")
    metric, unit, limit = found["metric"], found["unit"], float(found["limit"])
    is_time = metric in ("p50", "p95", "p99", "min", "max")
    if (unit == "%" and metric != "success") or (unit == "s" and not is_time):
        raise InvalidArgument(f"criterion {text!r:.80}: {metric} has not the unit {unit}")
    limit = limit / 100 if unit == "%" else limit
    return Criterion(metric, found["comparison"], limit, found["operation"])


def parse_criteria(given: str | Criterion | Iterable[str | Criterion]) -> tuple[Criterion, ...]:
    """Return the criteria of one text or object, or of several.

    Raises:
        InvalidArgument: One of them cannot be read.
    """
    if isinstance(given, str | Criterion):
        return (parse_criterion(given),)
    if not isinstance(given, Iterable):
        raise InvalidArgument(f"criteria={given!r:.80} is neither a text nor a list of texts")
    return tuple(parse_criterion(each) for each in given)
