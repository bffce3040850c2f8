"""How many requests may be under way at a time."""

from __future__ import annotations

import heapq

from pytest_osfutures.engine.concurrency_limit import Width


def steady(width: Width, workers: int, answers: int, work: float = 0.15) -> list[int]:
    """The widths while an API with so many workers answers; nothing else takes time."""
    free, under_way, now = [0.0] * workers, list[tuple[float, float]](), 0.0
    widths = []
    for _ in range(answers):
        while len(under_way) < width.now:
            begins = max(now, heapq.heappop(free))
            heapq.heappush(free, begins + work)
            heapq.heappush(under_way, (begins + work, now))
        now, sent = heapq.heappop(under_way)
        width.answered("POST server", now - sent, 202)
        widths.append(width.now)
    return widths


def test_it_grows_while_answers_stay_quick() -> None:
    width = Width()
    assert steady(width, 1000, 100)[-1] == width.most


def test_a_busy_api_is_given_no_more_than_it_can_take() -> None:
    widths = steady(Width(most=200), 8, 400)
    assert max(widths) <= 8 + 16
    assert all(8 <= each <= 20 for each in widths[100:])


def test_a_refusal_halves_it_once_for_all_that_was_under_way() -> None:
    width = Width(start=16)
    for _ in range(10):
        width.answered("POST server", 0.01, 429)
    assert width.now == 8
    for _ in range(10):
        width.answered("POST server", 0.01, 503)
    assert width.now == 4


def test_it_never_falls_below_the_least() -> None:
    width = Width()
    for _ in range(100):
        width.answered("POST server", 0.0, 429)
    assert width.now == width.least


def test_slow_requests_are_not_compared_with_quick_ones() -> None:
    width = Width()
    for _ in range(100):
        width.answered("DELETE server", 0.03, 204)
        width.answered("POST server", 0.5, 202)
    assert width.now == width.most
