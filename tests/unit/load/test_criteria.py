"""Criteria of measurements are read without eval, and bad ones are named."""

from __future__ import annotations

import re
from typing import Any

import pytest

import pytest_osfutures as osf
from pytest_osfutures.load.criteria import parse_criteria, parse_criterion


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("p95 < 30", osf.Criterion("p95", "<", 30)),
        ("  p50<=.5s ", osf.Criterion("p50", "<=", 0.5)),
        ("success >= 99.5 %", osf.Criterion("success", ">=", 0.995)),
        ("server.create max < 60 s", osf.Criterion("max", "<", 60, "server.create")),
        ("count == 3", osf.Criterion("count", "==", 3)),
    ],
)
def test_texts_are_criteria(text: str, wanted: osf.Criterion) -> None:
    assert parse_criterion(text) == wanted
    assert parse_criterion(str(wanted)) == wanted
    assert parse_criteria([wanted, text]) == (wanted, wanted)
    assert parse_criteria(text) == (wanted,)


@pytest.mark.parametrize(
    "text", ["", "p95", "p95 < x", "p90 < 3", "p95 = 3", "p95 < 3; exit()", "p95 < -1", 3, None]
)
def test_texts_that_cannot_be_read_are_named(text: Any) -> None:
    with pytest.raises(osf.InvalidArgument, match=re.escape(f"criterion {text!r} cannot be read")):
        parse_criteria([text])


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: parse_criteria("retries < 3 s"), "retries has not the unit s"),
        (lambda: parse_criteria("p95 < 3 %"), "p95 has not the unit %"),
        (lambda: parse_criteria(7), "criteria=7 is neither a text nor a list"),  # type: ignore[arg-type]
        (lambda: osf.Criterion("p90", "<", 3), "'p90' is no metric; there are count, p50"),
        (lambda: osf.Criterion("p95", "~", 3), "'~' is no comparison; there are <="),
        (lambda: osf.Criterion("p95", "<", float("nan")), "the limit nan of a criterion"),
    ],
)
def test_bad_criteria_are_one_sentence(make: Any, sentence: str) -> None:
    with pytest.raises(osf.InvalidArgument, match=re.escape(sentence)):
        make()
