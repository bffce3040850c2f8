"""Parsers of JSON documents: the fields that the package relies on have their types."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_osfutures.operations.resource_types import SERVER
from pytest_osfutures.parsing import MalformedResponseError, mappings
from pytest_osfutures.transport.documents import parse_items, parse_resource

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(deadline=None)  # a busy machine is no error
@given(ANY)
def test_any_document_is_a_resource_or_malformed(document: Any) -> None:
    for parse in (
        lambda: parse_resource(SERVER, document),
        lambda: parse_resource(SERVER, {"server": {"id": "a", "status": document}}),
        lambda: parse_items(SERVER, mappings(document)),
        lambda: parse_items(SERVER, [{"id": "a", "status": document}]),
    ):
        with contextlib.suppress(MalformedResponseError):
            parse()


def test_malformed_items_do_not_hide_the_others() -> None:
    good = {"id": "a", "status": "ACTIVE"}
    bad: list[Any] = [{}, {"id": None}, {"id": "b", "status": ["ACTIVE"]}]
    bad += [{"id": "c", "status": 1}, {"id": "d", "OS-EXT-STS:task_state": {}}, {"id": "e/f"}]
    usable, defects = parse_items(SERVER, [*bad, good])
    assert usable == {"a": good}
    assert set(defects) == {"b", "c", "d"}


@pytest.mark.parametrize("document", [None, [], {}, {"server": None}, {"server": [1]}, 3, "x"])
def test_a_response_without_the_resource_is_malformed(document: Any) -> None:
    with pytest.raises(MalformedResponseError, match="no server in"):
        parse_resource(SERVER, document)


def test_the_error_quotes_a_malformed_status() -> None:
    with pytest.raises(MalformedResponseError, match=r"the server has status \['ACTIVE'\]"):
        parse_resource(SERVER, {"server": {"id": "a", "status": ["ACTIVE"]}})
