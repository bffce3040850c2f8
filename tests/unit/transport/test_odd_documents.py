"""Documents of any shape instead of a response: only their own operation is affected."""

from __future__ import annotations

import contextlib
import json
import logging
from collections.abc import Callable
from typing import Any

import pytest
import requests
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pytest_osfutures.calls.retrying import start_retried
from pytest_osfutures.calls.start import start_once
from pytest_osfutures.cleanup.orphans import list_stamped
from pytest_osfutures.errors import OSFuturesError
from pytest_osfutures.operations import OWNED_TYPES
from pytest_osfutures.ownership.resource import UnreadableError
from pytest_osfutures.stamp import EXPIRES, OPERATION, RUN, Stamp
from pytest_osfutures.transport.responses import error_message
from tests.unit.api import answer
from tests.unit.stepped import Cloud

STATUSES = (200, 202, 204, 300, 302, 400, 401, 403, 404, 409, 413, 429, 500, 503)
WORDS = (
    *("id", "status", "server", "servers", "servers_links", "next", "links", "href", "rel"),
    *("metadata", "fault", "message", "code", "error", "updated", "created", "name"),
    *("OS-EXT-STS:task_state", RUN, OPERATION, EXPIRES, "server-2", "ACTIVE", "ERROR", "²"),
)
TEXTS = st.sampled_from(WORDS) | st.text(max_size=8)
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS
DOCUMENTS = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXTS, inner, max_size=5),
    max_leaves=12,
)
SERVERS = st.fixed_dictionaries(
    {},
    optional={"id": st.just("server-2") | SCALARS, "status": TEXTS | DOCUMENTS}
    | dict.fromkeys(("OS-EXT-STS:task_state", "updated", "created", "fault", "name"), DOCUMENTS),
)
ANSWERS = st.one_of(
    DOCUMENTS,
    st.fixed_dictionaries({"server": SERVERS | DOCUMENTS}),
    st.fixed_dictionaries({"servers": st.lists(SERVERS | DOCUMENTS), "servers_links": DOCUMENTS}),
)
HEADERS = st.fixed_dictionaries(
    {}, optional={"Retry-After": st.sampled_from(["²", "9" * 400, "-1", "nan", "1", ""])}
)
QUICK = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@pytest.fixture(autouse=True)
def _quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL + 1, "osfutures")


def given_instead(status: int, document: Any, headers: dict[str, str]) -> Callable[[Any], Any]:
    """Return a fault that replaces the cloud's response."""
    named = {**headers, "x-openstack-request-id": "req-1"} if status != 404 else headers
    return lambda _: answer(status, document, named)


@QUICK
@given(st.sampled_from(STATUSES), ANSWERS, HEADERS)
def test_a_malformed_server_affects_no_other(
    status: int, document: Any, headers: dict[str, str]
) -> None:
    cloud = Cloud()
    headers = {} if headers.get("Retry-After") == "9" * 400 else headers  # holds for all reads
    futures = [start_once(cloud.context, cloud.create, 60.0) for _ in range(3)]
    path = "/servers/server-2"
    cloud.api.fault("GET", path, *[given_instead(status, document, headers)] * 99)
    assert cloud.engine.run_until(lambda: all(each.done() for each in futures), 100.0)
    assert not cloud.engine.ended
    good = (futures[0], futures[2])
    assert [each.result()["status"] for each in good] == ["ACTIVE"] * 2
    if (error := futures[1].exception()) is not None:
        assert isinstance(error, OSFuturesError)
        assert str(error)


@QUICK
@given(st.sampled_from(STATUSES), ANSWERS, HEADERS, st.integers(1, 3))
def test_malformed_lists_delay_futures_and_fail_none(
    status: int, document: Any, headers: dict[str, str], count: int
) -> None:
    cloud = Cloud()
    futures = [start_once(cloud.context, cloud.create, 500.0) for _ in range(4)]
    headers = {} if headers.get("Retry-After") == "9" * 400 else headers
    odd = [given_instead(404 if status < 500 else status, document, headers)] * count
    if status < 300:
        kept = document if isinstance(document, dict) else {}
        items = kept.get("servers")
        strangers = [each for each in items if _is_strange(each)] if isinstance(items, list) else 0
        odd = [given_instead(200, {**kept, "servers": strangers}, headers)] * count
    cloud.api.fault("GET", "/servers/detail", *odd)
    assert cloud.engine.run_until(lambda: all(each.done() for each in futures), 600.0)
    assert not cloud.engine.ended
    assert [each.result()["status"] for each in futures] == ["ACTIVE"] * 4


def _is_strange(item: Any) -> bool:
    """Return True if an item of a list is none of the test's servers."""
    return not isinstance(item, dict) or item.get("id") not in [f"server-{n}" for n in range(1, 5)]


@QUICK
@given(st.sampled_from(STATUSES), ANSWERS, HEADERS, st.booleans())
def test_a_malformed_acceptance_ends_its_own_future_only(
    status: int, document: Any, headers: dict[str, str], retried: bool
) -> None:
    cloud = Cloud()
    other = start_once(cloud.context, cloud.create, 60.0)
    cloud.api.fault("POST", "/servers", *[given_instead(status, document, headers)] * 9)
    if retried:
        future = start_retried(cloud.context, cloud.create, 2, tout=20.0)
        assert cloud.engine.run_until(future.done, 1000.0)
        error = future.exception()
        assert error is None or str(error)
    else:
        with contextlib.suppress(Exception):
            future = start_once(cloud.context, cloud.create, 20.0)
            assert cloud.engine.run_until(future.done, 100.0)
    assert cloud.engine.run_until(other.done, 100.0)
    assert other.result()["status"] == "ACTIVE"
    assert not cloud.engine.ended


@QUICK
@given(DOCUMENTS, DOCUMENTS)
def test_malformed_pages_of_orphans_are_unreadable_or_read(items: Any, links: Any) -> None:
    cloud = Cloud()
    stamp = Stamp("run-1", "op-1", 1)
    ours: dict[str, Any] = {"id": "mine", "name": "mine", "description": stamp.description()}
    ours |= {"metadata": stamp.metadata(), **stamp.metadata()}
    for each in OWNED_TYPES.values():
        several = [*items, ours] if isinstance(items, list) else items
        document = {
            each.collection: several,
            f"{each.collection}_links": links,
            "next": links,
        }
        cloud.context.api_client.send = (  # type: ignore[method-assign]
            lambda *_, document=document: answer(200, document)
        )
        try:
            found = list_stamped(cloud.context.api_client, each)
        except UnreadableError:
            continue
        assert "mine" in [each.id for each in found] or not isinstance(items, list)
        assert all(isinstance(each.id, str) and str(each).isprintable() for each in found)


@QUICK
@given(DOCUMENTS)
def test_error_message_is_text_for_any_document(document: Any) -> None:
    assert isinstance(error_message(answer(400, document)), str)


@pytest.mark.parametrize("body", [b"[" * 100_000, b"9" * 5000, b"\xff\xfe", b"NaN", b"", b"{"])
def test_undecodable_bodies_affect_no_other_future(body: bytes) -> None:
    def odd(proceed: Callable[[], requests.Response]) -> requests.Response:
        response = proceed()
        response._content = body
        return response

    cloud = Cloud()
    futures = [start_once(cloud.context, cloud.create, 300.0) for _ in range(3)]
    cloud.api.fault("GET", "/servers/server-1", *[odd] * 3)
    cloud.api.fault("GET", "/servers/detail", *[odd] * 3)
    assert cloud.engine.run_until(lambda: all(each.done() for each in futures), 400.0)
    assert [each.result()["status"] for each in futures] == ["ACTIVE"] * 3
    assert not cloud.engine.ended
    with contextlib.suppress(Exception):
        cloud.api.fault("POST", "/servers", odd)
        start_once(cloud.context, cloud.create, 300.0)
    assert json.dumps([each.result()["id"] for each in futures])
