"""How many requests may be under way at a time."""

from __future__ import annotations

import heapq

from pytest_osfutures.engine.concurrency_limit import ConcurrencyLimit


def steady(limit: ConcurrencyLimit, workers: int, answers: int, work: float = 0.15) -> list[int]:
    """The widths while an API with so many workers answers; nothing else takes time."""
    free, under_way, now = [0.0] * workers, list[tuple[float, float]](), 0.0
    limits = []
    for _ in range(answers):
        while len(under_way) < limit.now:
            begins = max(now, heapq.heappop(free))
            heapq.heappush(free, begins + work)
            heapq.heappush(under_way, (begins + work, now))
        now, sent = heapq.heappop(under_way)
        limit.observe("POST server", now - sent, False)
        limits.append(limit.now)
    return limits


def test_the_limit_grows_while_answers_stay_quick() -> None:
    limit = ConcurrencyLimit()
    assert steady(limit, 1000, 100)[-1] == limit.most


def test_a_busy_api_is_given_no_more_than_it_can_take() -> None:
    limits = steady(ConcurrencyLimit(most=200), 8, 400)
    assert max(limits) <= 8 + 16
    assert all(8 <= each <= 20 for each in limits[100:])


def test_one_burst_of_refusals_halves_the_limit_once() -> None:
    limit = ConcurrencyLimit(start=16)
    for _ in range(10):
        limit.observe("POST server", 0.01, True)
    assert limit.now == 8
    for _ in range(10):
        limit.observe("POST server", 0.01, True)
    assert limit.now == 4


def test_the_limit_never_falls_below_its_minimum() -> None:
    limit = ConcurrencyLimit()
    for _ in range(100):
        limit.observe("POST server", 0.0, True)
    assert limit.now == limit.least


def test_slow_requests_are_not_compared_with_quick_ones() -> None:
    limit = ConcurrencyLimit()
    for _ in range(100):
        limit.observe("DELETE server", 0.03, False)
        limit.observe("POST server", 0.5, False)
    assert limit.now == limit.most
