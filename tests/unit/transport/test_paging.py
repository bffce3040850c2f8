"""Pagination: every page of a list is read once, and every list ends."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_osfutures.parsing import MalformedResponseError
from pytest_osfutures.transport.paging import Page, iterate_pages, list_items, next_query

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


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
def test_next_query_finds_the_link_of_each_service(page: Any) -> None:
    assert next_query(page) == "marker=a"


@pytest.mark.parametrize(
    "page",
    [
        {"servers": [{"links": NEXT}], "servers_links": [NEXT[0]]},
        {"next": None, "zones": [], "links": {"self": "http://h/x", "next": None}},
        {"blinks": NEXT, "next_links": None, "links": "x"},
    ],
)
def test_next_query_is_none_on_the_last_page(page: Any) -> None:
    assert next_query(page) is None


def _pages(*pages: tuple[list[str], str | None]) -> dict[str, Page]:
    """Return pages by their paths: ids, and the query of the next page."""
    paths = ["/servers?limit=2", *(f"/servers?{query}" for _, query in pages if query)]
    items = [[{"id": ident} for ident in ids] for ids, _ in pages]
    return {
        path: Page(list(each), query)
        for path, each, (_, query) in zip(paths, items, pages, strict=False)
    }


def test_pages_are_read_to_the_last_one() -> None:
    pages = _pages((["a", "b"], "marker=b"), (["c"], None))
    read = [each.items for each in iterate_pages(pages.__getitem__, "/servers?limit=2")]
    assert read == [[{"id": "a"}, {"id": "b"}], [{"id": "c"}]]


def test_a_missing_list_has_no_pages() -> None:
    assert list(iterate_pages(lambda path: None, "/servers")) == []


def test_a_page_that_follows_itself_is_an_error() -> None:
    page = Page([{"id": "a"}], "limit=2")
    with pytest.raises(
        MalformedResponseError, match=r"does not end: its next page is /servers\?limit=2 again"
    ):
        list(iterate_pages({"/servers?limit=2": page}.__getitem__, "/servers?limit=2"))


def test_a_page_with_only_known_resources_is_an_error() -> None:
    pages = _pages((["a", "b"], "marker=b"), (["b", "a"], None))
    with pytest.raises(MalformedResponseError, match="has the same resources again"):
        list(iterate_pages(pages.__getitem__, "/servers?limit=2"))


@settings(deadline=None)  # a busy machine is no error
@given(ANY)
def test_any_document_is_a_page_or_malformed(document: Any) -> None:
    for parse in (
        lambda: Page.parse(document, "servers"),
        lambda: Page.parse({"servers": [], "servers_links": document}, "servers"),
        lambda: Page.parse({"servers": [], "next": document}, "servers"),
        lambda: list_items({"servers": document}, "servers"),
    ):
        with contextlib.suppress(MalformedResponseError):
            parse()
