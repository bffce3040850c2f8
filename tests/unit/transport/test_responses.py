"""The meaning of responses: status codes, Retry-After, and their origin."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import pytest_osfutures as osf
from pytest_osfutures.transport.responses import (
    LONGEST_RETRY_AFTER,
    RETRYABLE_STATUSES,
    describe_refusal,
    is_ambiguous,
    is_busy,
    is_from_service,
    is_inapplicable,
    is_invisible,
    is_missing,
    is_over_quota,
    is_overloaded,
    is_proxy_refusal,
    is_rate_limited,
    is_rejected,
    is_rejected_login,
    is_retryable,
    is_success,
    is_unsupported_microversion,
    retry_after,
)
from tests.unit.api import answer

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)
#: Every status of the tables below; 0 stands for a lost response.
STATUSES = (0, 200, 202, 204, 300, 302, *range(400, 430), *range(500, 600))


@pytest.mark.parametrize(
    ("test", "statuses"),
    [
        (is_success, {200, 202, 204}),
        (is_missing, {404}),
        (is_invisible, {400, 403, 404}),
        (is_inapplicable, {400, 403, 404, 409}),
        (is_unsupported_microversion, {406}),
        (is_rejected_login, {400, 401, 403, 404}),
        (is_overloaded, {429, 503}),
        (is_retryable, {0, 408, 413, 425, 429, *range(500, 600)}),
        (is_ambiguous, {0, 408, *range(500, 600)} - {501, 505}),
        (is_rejected, {*range(400, 430), 501, 505} - {408}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_status_codes_have_one_meaning(test: Any, statuses: set[int]) -> None:
    assert {status for status in STATUSES if test(status)} == statuses


def test_a_request_is_accepted_rejected_ambiguous_or_redirected() -> None:
    for status in STATUSES:
        redirected = 300 <= status < 400
        meanings = (is_success(status), is_rejected(status), is_ambiguous(status), redirected)
        assert sum(meanings) == 1, status


def test_a_rejected_request_may_be_retryable() -> None:
    assert {each for each in RETRYABLE_STATUSES if is_rejected(each)} == {
        *(413, 425, 429),
        *(501, 505),
    }


@pytest.mark.parametrize(
    ("status", "headers", "limited"),
    [
        (429, {}, True),
        (413, {"Retry-After": "2"}, True),
        (503, {"Retry-After": "2"}, True),
        (413, {}, False),
        (503, {"Retry-After": "soon"}, False),
        (500, {"Retry-After": "2"}, False),
    ],
)
def test_rate_limits_of_old_services_have_retry_after(
    status: int, headers: dict[str, str], limited: bool
) -> None:
    assert is_rate_limited(status, headers) == limited


@pytest.mark.parametrize(
    ("status", "text", "over"),
    [
        (403, "Quota exceeded for instances", True),
        (409, "Quota exceeded for resources: ['port']", True),
        (413, "VolumeSizeExceedsAvailableQuota", True),
        (400, "Quota exceeded", False),
        (403, "Policy does not allow it", False),
    ],
)
def test_quotas_are_recognised_by_status_and_text(status: int, text: str, over: bool) -> None:
    assert is_over_quota(status, {"error": {"message": text}}) == over


@pytest.mark.parametrize(
    ("status", "text", "busy"),
    [
        (409, "", True),
        (400, "Invalid volume: Volume status must be available", True),
        (400, "Invalid volume size", False),
        (403, "Volume status must be available", False),
    ],
)
def test_busy_resources_are_recognised(status: int, text: str, busy: bool) -> None:
    assert is_busy(status, {"badRequest": {"message": text}}) == busy


def test_a_refusal_names_request_status_and_text() -> None:
    response = answer(409, {"conflictingRequest": {"code": 409, "message": "locked"}})
    assert describe_refusal("DELETE", "/servers/a", response) == (
        "DELETE /servers/a answered 409: locked"
    )


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17.0),
        ("0", 0.0),
        ("100000", LONGEST_RETRY_AFTER),
        ("9" * 400, LONGEST_RETRY_AFTER),
        ("²", None),
        ("nan", None),
        ("inf", None),
        ("-1", None),
        ("1.5", None),
        ("", None),
        ("Sat, 28 Nov 2026 10:00:30 GMT", 30.0),
        ("Sat, 28 Nov 2026 09:00:00 GMT", 0.0),
    ],
)
def test_retry_after_is_a_finite_number_of_seconds(value: str, seconds: float | None) -> None:
    date = "Sat, 28 Nov 2026 10:00:00 GMT"
    assert retry_after({"Retry-After": value, "Date": date}) == seconds
    assert retry_after({"Date": date}) is None


def test_retry_after_ignores_a_date_without_the_response_date() -> None:
    assert retry_after({"Retry-After": "Sat, 28 Nov 2026 10:00:30 GMT"}) is None


NAMED = {"x-openstack-request-id": "req-1"}
KEYSTONE = {"WWW-Authenticate": 'Keystone uri="http://k"'}


@pytest.mark.parametrize(
    ("status", "headers", "document"),
    [
        (404, NAMED, None),  # Glance and Nova send HTML pages, too
        (404, {"x-compute-request-id": "req-1"}, None),
        (401, KEYSTONE, None),
        (404, {}, {"itemNotFound": {"code": 404, "message": "gone"}}),
        (404, {}, {"NeutronError": {"type": "NetworkNotFound", "message": "", "detail": ""}}),
        (401, {}, {"error": {"code": 401, "message": "no", "title": "Unauthorized"}}),
    ],
)
def test_service_responses_are_recognised(
    status: int, headers: dict[str, str], document: Any
) -> None:
    assert is_from_service(status, headers, document)


@pytest.mark.parametrize(
    ("status", "document"),
    [
        (404, None),
        (404, {"message": "no Route matched with those values"}),
        (404, {"message": "no Route matched", "request_id": "0123456789abcdef"}),
        (404, {"error": "not found"}),
        (404, {"error": {"code": 404, "message": "Requested entity was not found."}}),
        (404, {"fault": {"code": 404, "type": "Status report", "message": "Runtime Error"}}),
        (403, {"itemNotFound": {"code": 404, "message": "gone"}}),
        (404, {"itemNotFound": "gone"}),
        (404, ["itemNotFound"]),
        (401, {"message": "Unauthorized"}),
        (302, "moved"),
    ],
)
def test_proxy_responses_are_recognised(status: int, document: Any) -> None:
    assert not is_from_service(status, {"Server": "kong"}, document)


@pytest.mark.parametrize(
    ("status", "refusal"), [(404, True), (302, True), (429, False), (502, False), (200, False)]
)
def test_a_proxy_refuses_with_redirects_and_client_errors(status: int, refusal: bool) -> None:
    assert is_proxy_refusal(status, {"Server": "kong"}, None) == refusal


@settings(deadline=None)  # a busy machine is no error
@given(ANY)
def test_the_origin_is_known_for_any_document(document: Any) -> None:
    assert is_from_service(404, {}, document) in (True, False)


def test_no_other_module_compares_status_codes() -> None:
    package = Path(inspect.getfile(osf)).parent
    words = re.compile(r"\b(http_)?status(_code)?\b")
    found = [
        f"{path.relative_to(package)}:{node.lineno}: {ast.unparse(node)}"
        for path in package.rglob("*.py")
        if "fakecloud" not in path.parts and path.name != "responses.py"
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Compare)
        and words.search(ast.unparse(node))
        and any(type(each) is ast.Constant and type(each.value) is int for each in ast.walk(node))
    ]
    assert not found
