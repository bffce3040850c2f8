"""Malformed responses about one resource: the other operations and the engine go on."""

from __future__ import annotations

import logging
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_osfutures.clock import ManualClock
from pytest_osfutures.engine.loop import SteppedEngine
from pytest_osfutures.engine.watch import Watch
from pytest_osfutures.errors import EngineError, OSFuturesError
from pytest_osfutures.operations import TABLE
from pytest_osfutures.operations.judge import Succeeded
from pytest_osfutures.operations.model import Operation
from pytest_osfutures.operations.resource_types import ACTION
from pytest_osfutures.transport.client import ApiClient
from tests.unit.api import Api, answer, session
from tests.unit.scripted import Ends, row
from tests.unit.stepped import Cloud

FIELDS = (
    *("id", "status", "OS-EXT-STS:task_state", "name", "updated", "created", "fault", "metadata"),
    *("size", "attachments", "volume_type", "migration_status", "host", "events", "message"),
    *("instanceActions", "instanceAction", "servers", "volumes", "messages", "links", "progress"),
    *("volumeId", "port_state", "fixed_ips", "device_id", "updated_at", "start_time", "result"),
)
SCALAR = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3)
WORDS = st.sampled_from(["ACTIVE", "ERROR", "BUILD", "available", "deleting", "²", "9" * 30])
VALUE = st.recursive(
    SCALAR | WORDS,
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=2), inner, max_size=3)
    ),
    max_leaves=8,
)
RESOURCE = st.dictionaries(st.sampled_from(FIELDS), VALUE, max_size=8) | VALUE


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "osfutures")


class OddSource(ApiClient):
    """A cloud that answers reads of one resource with a given document."""

    odd: Any = None

    def send(self, method: str, service: str, path: str, body: Any, microversion: str = "") -> Any:
        del method, service, body, microversion
        plain = path.partition("?")[0]
        good = {"id": "good", "status": "ACTIVE", "OS-EXT-STS:task_state": None}
        if plain == "/servers/good":
            return answer(200, {"server": good})
        if plain == "/servers/detail":
            return answer(200, {"servers": [good, self.odd]})
        tail = re.split(r"[/?]", plain)[-1].replace("-", "_")
        keys = {tail, tail.removesuffix("s"), "volume", "snapshot", "server", "backup"}
        wrapped = dict.fromkeys(keys, self.odd)
        return answer(200, {**wrapped, **(self.odd if isinstance(self.odd, dict) else {})})


def names_of(operation: Operation) -> dict[str, str]:
    """Return a value for each variable in the paths of an operation."""
    texts = [text for expect in operation.expects for text in expect.variables.values()]
    texts += [operation.action or ""]
    wanted = {name for text in texts for name in re.findall(r"{(\w+)}", text)}
    numbers = {"size": "2", "most": "2", "grown": "1.0"}
    return {name: numbers.get(name, "x") for name in wanted | {"id", *numbers}} | {"begun": "2026"}


@pytest.mark.parametrize("name", sorted({each.name for each in TABLE.operations}))
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(RESOURCE)
def test_a_malformed_response_affects_its_operation_only(name: str, odd: Any) -> None:
    clock = ManualClock()
    engine = SteppedEngine(clock)
    client = OddSource(session(Api(clock)))
    client.odd = odd
    ends = Ends(), Ends()
    for operation, names, end in (
        (row(name), names_of(row(name)), ends[0]),
        (row("server.create"), {"id": "good"}, ends[1]),
    ):
        watch = Watch(
            operation,
            names,
            client,
            clock.now(),
            30.0,
            end,
            request_id="req-1",
            action_kind=ACTION,
        )
        engine.watch(watch)
    engine.run_until(lambda: all(ends), 100.0)
    assert isinstance(ends[1].only, Succeeded)
    assert isinstance(ends[0].only, Succeeded | OSFuturesError)
    assert clock.now() <= 31.0
    assert str(ends[0].only)
    assert not engine.ended


@pytest.mark.parametrize(
    "change",
    [
        {"status": ["ACTIVE"]},
        {"status": {"a": 1}},
        {"OS-EXT-STS:task_state": ["x"]},
        {"fault": "No valid host"},
        {"name": 7},
        {"id": None},
    ],
)
def test_a_malformed_item_of_a_list_delays_its_future(change: dict[str, Any]) -> None:
    cloud = Cloud()
    from pytest_osfutures.calls.start import start_once

    futures = [start_once(cloud.context, cloud.create) for _ in range(4)]
    show, odd = cloud.api._show, [True]

    def oddly(ident: str) -> Any:
        shown = show(ident)
        return {**shown, **change} if shown and odd[0] and ident == "server-2" else shown

    cloud.api._show = oddly  # type: ignore[method-assign]
    cloud.engine.run_until(lambda: all(each.done() for each in (futures[0], *futures[2:])), 30.0)
    assert all(each.result()["status"] == "ACTIVE" for each in (futures[0], *futures[2:]))
    assert not futures[1].done()
    odd[0] = False
    cloud.run(futures[1], 60.0)
    assert futures[1].result()["status"] == "ACTIVE"


def test_the_timeout_error_quotes_a_malformed_response() -> None:
    from pytest_osfutures.calls.start import start_once

    cloud = Cloud()
    future = start_once(cloud.context, cloud.create, 20.0)
    show = cloud.api._show
    cloud.api._show = lambda ident: {**(show(ident) or {}), "status": ["ACTIVE"]}  # type: ignore
    cloud.run(future, 22.0)
    error = future.exception()
    assert not isinstance(error, EngineError)
    assert "has status ['ACTIVE']" in str(error)
