"""Comparisons of two runs: what counts as slower and as failing more, and what is noise."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Sequence

import pytest

from pytest_osfutures.errors import Attempt
from pytest_osfutures.reports import (
    Report,
    compare,
    comparison_document,
    comparison_text,
    statistics_of,
)
from pytest_osfutures.reports.comparison import exact_test, percentile, rank_test
from tests.unit.reports.samples import failure, operation, report


def run(
    seconds: Sequence[float], failures: int = 0, retries: int = 0, name: str = "server.create"
) -> Report:
    """Return a run with one successful operation of each duration, and some failures."""
    spans = [operation(number, name, seconds=each) for number, each in enumerate(seconds)]
    spans += [failure(1000 + number, name, attempts=()) for number in range(failures)]
    retried = failure(0, name).attempts[:1]
    spans += [operation(2000 + number, name, attempts=retried) for number in range(retries)]
    return report(*spans)


def worse(before: Report, after: Report, threshold: float = 25.0) -> tuple[str, ...]:
    """Return what became worse in the only operation of two runs."""
    (change,) = compare(before, after, threshold).changes
    return change.worse


def test_statistics_are_those_of_successful_operations() -> None:
    found = statistics_of(run([1.0, 2.0, 3.0], failures=1, retries=1).operations)["server.create"]
    assert (found.count, found.failed, found.tried_again) == (5, 1, 1)
    assert found.p50 == pytest.approx(2.5)
    assert found.longest == pytest.approx(6.0)


def test_tried_again_counts_tries_after_a_failed_one() -> None:
    one, two = Attempt(1, None, 1.0, "x"), Attempt(2, None, 1.0, "x")
    busy = Attempt(1, None, 1.0, "x", busy=True)
    cases = [
        (operation(1, attempts=(one,)), 1),
        (failure(2, attempts=(one,)), 0),  # the only try
        (failure(3, attempts=(one, two)), 1),
        (operation(4, attempts=(busy,)), 0),
    ]
    for span, expected in cases:
        assert statistics_of([span])["server.create"].tried_again == expected


def test_operations_that_were_given_up_or_never_ended_do_not_count() -> None:
    spans = operation(1, error_type="CancelledError"), operation(2, ended=None), operation(3, "")
    assert statistics_of(spans) == {}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([6.0, 6.1, 5.9], [9.0, 9.2, 9.1], ("slower",)),
        ([6.0, 6.1, 5.9], [6.2, 6.3, 6.4], ()),  # certain, and too small to matter
        ([0.01, 0.02, 0.03], [0.05, 0.06, 0.07], ()),  # within the distance of two reads
        ([6.0], [60.0], ()),  # one value tells nothing
        ([6.0, 6.0], [60.0, 60.0], ()),
        ([1.0, 9.0, 2.0, 8.0], [3.0, 9.5, 7.0, 8.5], ()),  # noise: the ranks overlap
        ([9.0, 9.2, 9.1], [6.0, 6.1, 5.9], ()),  # faster
        ([6.0] * 40, [6.0] * 32 + [30.0] * 8, ("slower p95",)),
        ([6.0] * 40, [6.0] * 39 + [300.0], ()),  # one outlier
        ([6.0] * 10, [6.0] * 7 + [30.0] * 3, ()),  # too few for a 95th percentile
    ],
)
def test_slower_means_much_and_not_by_chance(
    before: list[float], after: list[float], expected: tuple[str, ...]
) -> None:
    assert worse(run(before), run(after)) == expected


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ((20, 0), (17, 3), ("failed more",)),
        ((20, 0), (18, 2), ()),
        ((3, 0), (0, 3), ("failed more",)),
        ((2, 0), (0, 2), ()),
        ((10, 10), (9, 11), ()),
        ((100, 10), (80, 30), ("failed more",)),
        ((80, 30), (100, 10), ()),
    ],
)
def test_failing_more_is_told_from_chance(
    before: tuple[int, int], after: tuple[int, int], expected: tuple[str, ...]
) -> None:
    old, new = (run([6.0] * good, failures) for good, failures in (before, after))
    assert worse(old, new) == expected


def test_more_operations_that_were_tried_again_are_worse() -> None:
    assert worse(run([6.0] * 20), run([6.0] * 15, retries=5)) == ("tried again more",)


def test_the_threshold_is_in_percent() -> None:
    before, after = run([6.0, 6.1, 5.9, 6.0]), run([6.6, 6.7, 6.5, 6.6])
    assert worse(before, after, threshold=5.0) == ("slower",)
    assert worse(before, after, threshold=25.0) == ()


def test_equal_runs_are_rarely_called_slower() -> None:
    draw = random.Random(5)
    runs = [run([draw.lognormvariate(1.8, 0.5) for _ in range(12)]) for _ in range(200)]
    called = sum(bool(worse(one, other)) for one, other in itertools.pairwise(runs))
    assert called <= 12  # one in twenty is what the test promises


def test_text_and_document_name_what_became_worse() -> None:
    before = report(
        *(operation(number, seconds=6.0 + number / 10) for number in range(4)),
        operation(100, "volume.create"),
    )
    after = report(*(operation(number, seconds=12.5 + number / 10) for number in range(4)))
    found = compare(before, after)
    text = comparison_text(found)
    row = text.splitlines()[1].split()
    assert " ".join(row) == "server.create 4 6.15 s -> 12.6 s (+106%) 6.28 s -> 12.8 s 0 0 slower"
    assert text.splitlines()[-1] == "slower: server.create"
    assert "only in A" in text
    document = json.loads(json.dumps(comparison_document(found)))
    assert document["is_worse"] is True
    assert document["operations"][0]["worse"] == ["slower"]
    assert document["operations"][0]["b"]["p50"] == pytest.approx(12.65)
    same = comparison_text(compare(before, before))
    assert same.splitlines()[-1] == "no operation became slower or failed more"


def test_the_comparison_of_empty_runs_is_a_table_without_rows() -> None:
    assert "no operation became slower" in comparison_text(compare(report(), report()))


def test_the_exact_rank_test_counts_all_orders() -> None:
    for many, more in itertools.product(range(1, 5), range(1, 5)):
        orders = list(itertools.combinations(range(many + more), more))
        for new in orders:
            old = [each for each in range(many + more) if each not in new]
            u = sum(a < b for a in old for b in new)
            as_high = sum(
                sum(a < b for a in set(range(many + more)) - set(order) for b in order) >= u
                for order in orders
            )
            assert rank_test(old, new) == pytest.approx(as_high / len(orders))


def test_the_normal_approximation_is_near_the_exact_test() -> None:
    old, new = [*range(0, 40, 2)], [*range(9, 49, 2)]
    exact = rank_test(old, new)
    tied = rank_test([*old, 100], [*new, 100])  # a tie: the approximation
    assert tied == pytest.approx(exact, abs=0.02)


def test_fishers_test_counts_all_tables() -> None:
    assert exact_test(0, 10, 0, 10) == 1.0
    assert exact_test(0, 0, 3, 5) == 1.0
    assert exact_test(1, 4, 3, 4) == pytest.approx(17 / 70)


def test_percentiles_are_interpolated() -> None:
    assert percentile([], 50) is None
    assert percentile([3.0], 95) == 3.0
    assert percentile([float(each) for each in range(101)], 95) == 95.0
