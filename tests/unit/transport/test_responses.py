"""What comes from outside is parsed into values that cannot be wrong."""

from __future__ import annotations

import contextlib
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pytest_osfutures.operations.resource_types import SERVER
from pytest_osfutures.parsing import (
    MalformedResponseError,
    identifier,
    mappings,
    moment,
    printable,
    whole_number,
)
from pytest_osfutures.transport.responses import (
    LONGEST_WISH,
    Pages,
    is_of_service,
    members,
    next_query,
    query_of,
    resource,
    resources,
    retry_after,
)

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("0", 0),
        ("17", 17),
        (5, 5),
        ("²", None),
        ("٣", None),
        ("-1", None),
        (-1, None),
        ("", None),
        ("9" * 400, None),
        (10**400, None),
        (True, None),
        (1.5, None),
        (None, None),
        (["1"], None),
    ],
)
def test_a_whole_number_has_ascii_digits_only(value: Any, number: int | None) -> None:
    assert whole_number(value) == number


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("17", 17.0),
        ("0", 0.0),
        ("100000", LONGEST_WISH),
        ("9" * 400, LONGEST_WISH),
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


def test_a_date_without_the_date_of_the_answer_is_no_wish() -> None:
    assert retry_after({"Retry-After": "Sat, 28 Nov 2026 10:00:30 GMT"}) is None


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("1970-01-01T00:00:10Z", 10.0),
        ("1970-01-01T00:00:10", 10.0),
        ("²", None),
        ("", None),
        ("1970-01-01T02:00:00+02:00", 0.0),
        (None, None),
        (12, None),
        ("9" * 5000, None),
    ],
)
def test_a_moment_is_utc_where_it_has_no_zone(value: Any, seconds: float | None) -> None:
    assert moment(value) == seconds


@pytest.mark.parametrize("value", ["", "a/b", "..", ".", "a?b", "a#b", "a\nb", "\ud800", None, []])
def test_what_cannot_stand_in_a_path_is_no_id(value: Any) -> None:
    assert identifier(value) is None


def test_an_id_is_text_or_a_number() -> None:
    assert (identifier("a-1"), identifier("my key"), identifier(12)) == ("a-1", "my key", "12")
    assert (identifier(True), identifier(-1), identifier(10**400), identifier({})) == (None,) * 4


def test_printable_text_can_be_written_anywhere() -> None:
    assert printable("a\x1b[2Jb\ud800\nü") == "a?[2Jb?ü"
    assert printable(None) == ""


@given(ANY)
def test_nothing_from_outside_raises_anything_unexpected(value: Any) -> None:
    whole_number(value)
    ident = identifier(value)
    assert ident is None or not set(ident) & set("/?#")
    found = moment(value)
    assert found is None or math.isfinite(found)
    printable(value).encode()
    assert all(isinstance(each, dict) for each in mappings(value))
    for parse in (
        lambda: next_query(value),
        lambda: query_of(value),
        lambda: resource(SERVER, value),
        lambda: resources(SERVER, value, "servers"),
        lambda: resources(SERVER, {"servers": value}, "servers"),
        lambda: members(value, "servers"),
        lambda: resource(SERVER, {"server": {"id": "a", "status": value}}),
    ):
        with contextlib.suppress(MalformedResponseError):
            parse()
    assert is_of_service(404, {}, value) in (True, False)


def test_an_odd_item_of_a_list_is_left_out_and_the_others_stay() -> None:
    good = {"id": "a", "status": "ACTIVE"}
    odd: list[Any] = [None, 1, "x", [], {}, {"id": None}, {"id": "b", "status": ["ACTIVE"]}]
    odd += [{"id": "c", "status": 1}, {"id": "d", "OS-EXT-STS:task_state": {}}, {"id": "e/f"}]
    found, _ = resources(SERVER, {"servers": [*odd, good]}, "servers")
    assert found == {"a": good}


@pytest.mark.parametrize("document", [None, [], {}, {"server": None}, {"server": [1]}, 3, "x"])
def test_an_answer_without_the_resource_does_not_say_that_it_is_gone(document: Any) -> None:
    with pytest.raises(MalformedResponseError, match="no server in"):
        resource(SERVER, document)


def test_an_odd_status_is_quoted() -> None:
    with pytest.raises(MalformedResponseError, match=r"the server has status \['ACTIVE'\]"):
        resource(SERVER, {"server": {"id": "a", "status": ["ACTIVE"]}})


NEXT = [{"rel": "self", "href": "http://h/x"}, {"rel": "next", "href": "http://h/x?marker=a"}]


@pytest.mark.parametrize(
    "page",
    [
        {"next": "/v2/images?marker=a"},
        {"servers": [], "servers_links": NEXT},
        {"groups": [], "group_links": NEXT},
        {"group_snapshots": [], "group_snapshot_links": NEXT},
        {"instanceActions": [], "links": NEXT},
        {"zones": [], "links": {"self": "http://h/x", "next": "http://h/x?marker=a"}},
        {"zones": [], "links": {"self": "http://h/x"}, "metadata": {}, "more_links": NEXT},
    ],
)
def test_the_next_page_is_found_whatever_the_service_calls_its_link(page: Any) -> None:
    assert next_query(page) == "marker=a"


@pytest.mark.parametrize(
    "page",
    [
        {"servers": [{"links": NEXT}], "servers_links": [NEXT[0]]},
        {"next": None, "zones": [], "links": {"self": "http://h/x", "next": None}},
        {"blinks": NEXT, "next_links": None, "links": "x"},
    ],
)
def test_the_last_page_has_no_next(page: Any) -> None:
    assert next_query(page) is None


def test_no_page_is_read_twice() -> None:
    pages = Pages()
    assert pages.enter("/servers?marker=a") == "/servers?marker=a"
    pages.enter("/servers?marker=b")
    with pytest.raises(
        MalformedResponseError, match=r"does not end: its next page is /servers\?marker=a again"
    ):
        pages.enter("/servers?marker=a")


NAMED = {"x-openstack-request-id": "req-1"}
KEYSTONE = {"WWW-Authenticate": 'Keystone uri="http://k"'}


@pytest.mark.parametrize(
    ("status", "headers", "document"),
    [
        (404, NAMED, None),  # Glance and Nova send pages, too
        (404, {"x-compute-request-id": "req-1"}, None),
        (401, KEYSTONE, None),
        (404, {}, {"itemNotFound": {"code": 404, "message": "gone"}}),
        (404, {}, {"NeutronError": {"type": "NetworkNotFound", "message": "", "detail": ""}}),
        (401, {}, {"error": {"code": 401, "message": "no", "title": "Unauthorized"}}),
    ],
)
def test_a_service_speaks(status: int, headers: dict[str, str], document: Any) -> None:
    assert is_of_service(status, headers, document)


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
def test_something_in_front_of_the_service_speaks(status: int, document: Any) -> None:
    assert not is_of_service(status, {"Server": "kong"}, document)
