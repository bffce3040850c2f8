"""More servers must not cost more each: neither requests nor memory."""

from __future__ import annotations

from tests.sim.scale import cost


def test_many_servers_cost_no_more_each_than_few() -> None:
    few, many = cost(100), cost(300)
    assert many.requests <= few.requests
    assert many.requests <= 1.4
    assert many.running <= few.running
    assert many.running <= 5 * 1024  # with its future and its watch
    assert many.left * 300 <= few.left * 100 + 100_000
