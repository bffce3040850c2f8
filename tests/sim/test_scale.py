"""More servers must not cost more each: neither requests nor memory."""

from __future__ import annotations

from tests.sim.scale import cost


def test_many_servers_cost_no_more_each_than_few() -> None:
    few, many = cost(200), cost(400)
    assert many.requests <= few.requests
    assert many.requests <= 1.25
    assert many.running <= 4 * 1024  # with its future, its watch and its coroutine
    assert many.left * 400 <= few.left * 200 + 100_000
