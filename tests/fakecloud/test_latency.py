"""The latency of responses and the queue of API workers."""

from __future__ import annotations

from tests.fakecloud.api_client import ApiClient


def test_latency_by_method(demo: ApiClient) -> None:
    demo.cloud.settings.change({"latency": 0.01, "method_latency": {"POST": 0.15, "GET": 0.03}})
    assert round(demo("GET", "/servers").delay, 6) == 0.04
    assert round(demo("POST", "/servers", {}).delay, 6) == 0.16
    assert round(demo("DELETE", "/servers/x").delay, 6) == 0.01


def test_latency_of_detailed_lists_grows_with_items(demo: ApiClient) -> None:
    for name in ("a", "b", "c"):
        demo.create(name)
    demo.cloud.settings.change({"list_latency": 0.04, "item_latency": 0.001})
    assert round(demo("GET", "/servers/detail").delay, 6) == 0.043
    assert demo("GET", "/servers").delay == 0


def test_requests_queue_for_api_workers(demo: ApiClient) -> None:
    demo.cloud.settings.change({"latency": 1.0, "api_workers": 2})
    delays = [demo("GET", "/servers").delay for _ in range(5)]
    assert delays == [1.0, 1.0, 2.0, 2.0, 3.0]
    demo.clock.advance(1.5)
    assert demo("GET", "/servers").delay == 1.5
    demo.clock.advance(60)
    assert demo("GET", "/servers").delay == 1.0
