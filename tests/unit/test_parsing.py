"""Parsers of single values: each result is safe to use, for any answer of a service."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pytest_osfutures.parsing import identifier, mappings, moment, printable, whole_number

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
def test_whole_number_accepts_ascii_digits_only(value: Any, number: int | None) -> None:
    assert whole_number(value) == number


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
def test_moment_without_a_zone_is_utc(value: Any, seconds: float | None) -> None:
    assert moment(value) == seconds


@pytest.mark.parametrize("value", ["", "a/b", "..", ".", "a?b", "a#b", "a\nb", "\ud800", None, []])
def test_identifier_rejects_values_that_break_a_path(value: Any) -> None:
    assert identifier(value) is None


def test_identifier_accepts_text_and_numbers() -> None:
    assert (identifier("a-1"), identifier("my key"), identifier(12)) == ("a-1", "my key", "12")
    assert (identifier(True), identifier(-1), identifier(10**400), identifier({})) == (None,) * 4


def test_printable_replaces_control_characters() -> None:
    assert printable("a\x1b[2Jb\ud800\nü") == "a?[2Jb?ü"
    assert printable(None) == ""


@settings(deadline=None)  # a busy machine is no error
@given(ANY)
def test_parsers_accept_any_value(value: Any) -> None:
    whole_number(value)
    ident = identifier(value)
    assert ident is None or not set(ident) & set("/?#")
    found = moment(value)
    assert found is None or math.isfinite(found)
    printable(value).encode()
    assert all(isinstance(each, dict) for each in mappings(value))
